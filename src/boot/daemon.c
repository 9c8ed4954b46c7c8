/*
 * One idea, standing in the system, in four small parts: the process, its supervisor, its title,
 * its limits.
 *
 * Invariants: the path of the pid file is set once the file is written and never changes but to "";
 * the room of the title is the block that the kernel made for arguments and environment, which
 * nobody reads any more once daemon_title_open() has copied it.
 */
#include "boot/daemon.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char daemon_pidfile_path[4096];
static char *daemon_title_room;
static size_t daemon_title_max; /* bytes of the room, the terminator among them */
static bool daemon_oom_is_on;
static int daemon_oom_start; /* the score before the mode was switched on */

int daemon_detach(void) { return daemon(1, 0) == 0 ? 0 : -errno; }

void daemon_umask(void) { umask(0077); }

int daemon_pidfile_write(const char *path)
{
    if (strlen(path) >= sizeof(daemon_pidfile_path)) return -ENAMETOOLONG;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) return -errno;
    char text[32];
    int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    int err = write(fd, text, (size_t)len) == len ? 0 : errno != 0 ? -errno : -EIO;
    fchmod(fd, 0644); /* a pid is no secret, and those who signal the server may be others */
    close(fd);
    if (err == 0) memcpy(daemon_pidfile_path, path, strlen(path) + 1);
    return err;
}

void daemon_pidfile_remove(void)
{
    if (daemon_pidfile_path[0] == '\0') return;
    unlink(daemon_pidfile_path);
    daemon_pidfile_path[0] = '\0';
}

const char *daemon_pidfile(void) { return daemon_pidfile_path; }

enum daemon_supervisor daemon_supervised(enum daemon_supervisor wanted)
{
    bool systemd = getenv("NOTIFY_SOCKET") != NULL;
    bool upstart = getenv("UPSTART_JOB") != NULL;
    switch (wanted) {
    case SUPERVISOR_NONE: return SUPERVISOR_NONE;
    case SUPERVISOR_SYSTEMD:
        if (!systemd) log_warn("Supervised by systemd was asked for, but NOTIFY_SOCKET is not set");
        return systemd ? SUPERVISOR_SYSTEMD : SUPERVISOR_NONE;
    case SUPERVISOR_UPSTART:
        if (!upstart) log_warn("Supervised by upstart was asked for, but UPSTART_JOB is not set");
        break;
    case SUPERVISOR_AUTO:
        if (!upstart) return systemd ? SUPERVISOR_SYSTEMD : SUPERVISOR_NONE;
        break;
    }
    if (!upstart) return SUPERVISOR_NONE;
    log_note("Supervised by upstart: stopping to say that the server is ready");
    unsetenv("UPSTART_JOB");
    raise(SIGSTOP);
    return SUPERVISOR_UPSTART;
}

int daemon_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    if (path == NULL || path[0] == '\0') return 0;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || len >= sizeof(to.sun_path)) return -EINVAL;
    memcpy(to.sun_path, path, len);
    if (path[0] == '@') to.sun_path[0] = '\0'; /* a name that is in no file system */

    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    union {
        struct sockaddr_un *un;
        struct sockaddr *any;
    } address = {&to};
    socklen_t room = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    ssize_t n = sendto(fd, state, strlen(state), MSG_NOSIGNAL, address.any, room);
    int err = n < 0 ? -errno : 0;
    close(fd);
    return err;
}

/* A copy of a NULL-ended list of strings, in one allocation. */
static char **daemon_copy_list(char *const *list)
{
    size_t count = 0, bytes = 0;
    for (; list[count] != NULL; count++) bytes += strlen(list[count]) + 1;
    char **copy = malloc((count + 1) * sizeof(*copy) + bytes);
    if (copy == NULL) return NULL;
    char *at = (char *)(copy + count + 1);
    for (size_t i = 0; i < count; i++) {
        copy[i] = at;
        at = stpcpy(at, list[i]) + 1;
    }
    copy[count] = NULL;
    return copy;
}

char **daemon_title_open(int argc, char **argv)
{
    static char **kept_environment; /* reachable for leak checkers even after setenv(3) */
    char **arguments = daemon_copy_list(argv);
    if (arguments == NULL || arguments[0] == NULL) return arguments;
    kept_environment = daemon_copy_list(environ);
    if (kept_environment == NULL) return arguments;

    char *end = argv[0];
    for (int i = 0; i < argc && argv[i] == end; i++) end = argv[i] + strlen(argv[i]) + 1;
    for (size_t i = 0; environ[i] != NULL && environ[i] == end; i++)
        end = environ[i] + strlen(environ[i]) + 1;
    daemon_title_room = argv[0];
    daemon_title_max = (size_t)(end - argv[0]);
    environ = kept_environment;
    program_invocation_name = arguments[0];
    char *slash = strrchr(arguments[0], '/');
    program_invocation_short_name = slash == NULL ? arguments[0] : slash + 1;
    return arguments;
}

/* The value of the word that starts at `word` (after its brace) and is `len` long. `number` is room
 * for a port. */
static const char *daemon_title_word(const char *word, size_t len, const struct daemon_title *facts,
                                     char *number)
{
    const struct {
        const char *name, *text;
        int port;
    } words[] = {
        {"title", facts->title, 0},
        {"listen-addr", facts->listen_addr, 0},
        {"server-mode", facts->server_mode, 0},
        {"unixsocket", facts->unix_socket, 0},
        {"config-file", facts->config_file, 0},
        {"port", number, facts->port},
        {"tls-port", number, facts->tls_port},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strlen(words[i].name) != len || memcmp(words[i].name, word, len) != 0) continue;
        if (words[i].text == number) snprintf(number, 16, "%d", words[i].port);
        return words[i].text == NULL ? "" : words[i].text;
    }
    return NULL;
}

/* Length of the text; what does not fit `max` is left out. -1: the template is wrong. */
static int64_t daemon_title_print(const char *template, const struct daemon_title *facts, char *out,
                                  size_t max)
{
    size_t len = 0;
    const char *p = template;
    while (*p != '\0') {
        char number[16];
        const char *text = p;
        size_t count = 1;
        if (*p == '{') {
            const char *close = strchr(p, '}');
            if (close == NULL) return -1;
            text = daemon_title_word(p + 1, (size_t)(close - p - 1), facts, number);
            if (text == NULL) return -1;
            count = strlen(text);
            p = close;
        }
        p++;
        if (count > max - len) count = max - len;
        memcpy(out + len, text, count);
        len += count;
    }
    while (len > 0 && out[len - 1] == ' ') len--; /* of words that stand for nothing */
    return (int64_t)len;
}

bool daemon_title_is_valid(const char *template)
{
    char text[1024];
    const struct daemon_title nothing = {.title = "x"};
    return daemon_title_print(template, &nothing, text, sizeof(text)) >= 0;
}

bool daemon_title_set(const char *template, const struct daemon_title *facts)
{
    char text[4096];
    int64_t len = daemon_title_print(template, facts, text, sizeof(text));
    if (len < 0) return false;
    if (daemon_title_max == 0) return true;
    size_t shown = (size_t)len < daemon_title_max ? (size_t)len : daemon_title_max - 1;
    memcpy(daemon_title_room, text, shown);
    memset(daemon_title_room + shown, 0, daemon_title_max - shown);
    return true;
}

uint32_t daemon_files_for(uint32_t clients)
{
    rlim_t wanted = (rlim_t)clients + DAEMON_OWN_FILES;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        log_warn("The limit of open files is not known (%m); going on as if it were 1024");
        limit = (struct rlimit){1024, 1024};
    }
    if (limit.rlim_cur >= wanted) return clients;

    struct rlimit more = {wanted, limit.rlim_max > wanted ? limit.rlim_max : wanted};
    if (setrlimit(RLIMIT_NOFILE, &more) == 0)
        return clients; /* the hard limit may grow if we are privileged */
    rlim_t reached = limit.rlim_cur;
    more = (struct rlimit){limit.rlim_max, limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &more) == 0) reached = limit.rlim_max;
    uint32_t fit = reached > DAEMON_OWN_FILES ? (uint32_t)(reached - DAEMON_OWN_FILES) : 1;
    log_warn("maxclients %u needs %llu open files, but only %llu are allowed: maxclients is now %u",
             clients, (unsigned long long)wanted, (unsigned long long)reached, fit);
    return fit;
}

static int daemon_oom_read(int *score)
{
    char text[32];
    int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    int err = n < 0 ? -errno : 0;
    close(fd);
    if (err != 0) return err;
    text[n] = '\0';
    *score = (int)strtol(text, NULL, 10);
    return 0;
}

static int daemon_oom_write(int score)
{
    char text[32];
    if (score < -1000) score = -1000;
    if (score > 1000) score = 1000;
    int len = snprintf(text, sizeof(text), "%d\n", score);
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    int err = write(fd, text, (size_t)len) == len ? 0 : -errno;
    close(fd);
    return err;
}

int daemon_oom_set(enum daemon_oom_mode mode, const int values[OOM_CLASS_COUNT],
                   enum daemon_oom_class class)
{
    if (mode == OOM_MODE_NO) {
        if (!daemon_oom_is_on) return 0;
        int err = daemon_oom_write(daemon_oom_start);
        if (err == 0) daemon_oom_is_on = false;
        return err;
    }
    int start = daemon_oom_start;
    int err = daemon_oom_is_on ? 0 : daemon_oom_read(&start);
    if (err != 0) return err;
    err = daemon_oom_write(mode == OOM_MODE_RELATIVE ? start + values[class] : values[class]);
    if (err != 0) return err;
    daemon_oom_start = start;
    daemon_oom_is_on = true;
    return 0;
}
