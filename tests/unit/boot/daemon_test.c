/* Standing in the system: pid files, supervisors, titles, limits, the oom score. What changes the
 * process runs in a child. */
#include "unit/check.h"

#include "base/log.h"
#include "boot/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char **arguments;

/* The body of a file, terminated; -1 when it cannot be read. */
static ssize_t slurp(const char *path, char *text, size_t room)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0) return -1;
    ssize_t n = read(fd, text, room - 1);
    close(fd);
    if (n >= 0) text[n] = '\0';
    return n;
}

/* Exit status of a child that runs `body`, which gives 0 when all was well. */
static int in_child(int (*body)(void))
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(body());
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void pid_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/baton-daemon-test-XXXXXX", path[64], text[64], wanted[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/pid", folder);
    assert_string_equal(daemon_pidfile(), "");
    assert_int_equal(daemon_pidfile_write("/nonexistent/folder/pid"), -ENOENT);
    assert_string_equal(daemon_pidfile(), "");
    assert_int_equal(daemon_pidfile_write(path), 0);
    assert_string_equal(daemon_pidfile(), path);
    snprintf(wanted, sizeof(wanted), "%d\n", (int)getpid());
    assert_true(slurp(path, text, sizeof(text)) > 0);
    assert_string_equal(text, wanted);
    daemon_pidfile_remove();
    assert_int_not_equal(access(path, F_OK), 0);
    assert_string_equal(daemon_pidfile(), "");
    daemon_pidfile_remove();
    assert_int_equal(symlink("/etc/hostname", path), 0); /* nobody writes through a link */
    assert_int_equal(daemon_pidfile_write(path), -ELOOP);
    unlink(path);
    rmdir(folder);
}

static void systemd_hears_us(void **state)
{
    (void)state;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path + 1, sizeof(at.sun_path) - 1, "baton-notify-%d", (int)getpid());
    socklen_t len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(at.sun_path + 1));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    union {
        struct sockaddr_un *un;
        struct sockaddr *any;
    } address = {&at};
    assert_int_equal(bind(fd, address.any, len), 0);

    unsetenv("NOTIFY_SOCKET");
    unsetenv("UPSTART_JOB");
    assert_int_equal(daemon_notify("READY=1\n"), 0);
    assert_int_equal(daemon_supervised(SUPERVISOR_SYSTEMD), SUPERVISOR_NONE);
    assert_int_equal(daemon_supervised(SUPERVISOR_UPSTART), SUPERVISOR_NONE);
    assert_int_equal(daemon_supervised(SUPERVISOR_AUTO), SUPERVISOR_NONE);

    char name[128], text[64];
    snprintf(name, sizeof(name), "@%s", at.sun_path + 1);
    setenv("NOTIFY_SOCKET", name, 1);
    assert_int_equal(daemon_supervised(SUPERVISOR_NONE), SUPERVISOR_NONE);
    assert_int_equal(daemon_supervised(SUPERVISOR_SYSTEMD), SUPERVISOR_SYSTEMD);
    assert_int_equal(daemon_supervised(SUPERVISOR_AUTO), SUPERVISOR_SYSTEMD);
    assert_int_equal(daemon_notify("READY=1\n"), 0);
    ssize_t n = recv(fd, text, sizeof(text), 0);
    assert_int_equal(n, 8);
    assert_memory_equal(text, "READY=1\n", 8);

    setenv("NOTIFY_SOCKET", "relative/path", 1);
    assert_int_equal(daemon_notify("READY=1\n"), -EINVAL);
    setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
    assert_int_equal(daemon_notify("READY=1\n"), -ENOENT);
    unsetenv("NOTIFY_SOCKET");
    close(fd);
}

static int wait_as_upstart_job(void)
{
    setenv("UPSTART_JOB", "baton", 1);
    if (daemon_supervised(SUPERVISOR_AUTO) != SUPERVISOR_UPSTART) return 1;
    return getenv("UPSTART_JOB") == NULL ? 0 : 2;
}

static void upstart_stops_us(void **state)
{
    (void)state;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(wait_as_upstart_job());
    int status;
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));
    kill(child, SIGCONT);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void titles_are_shown(void **state)
{
    (void)state;
    const struct daemon_title facts = {
        .title = arguments[0], .listen_addr = "*:7", .server_mode = "", .port = 7, .tls_port = 0};
    char shown[4096], wanted[4096];
    assert_true(daemon_title_set(
        "T {listen-addr} {port}{tls-port} {title} {unixsocket} {server-mode} ", &facts));
    ssize_t n = slurp("/proc/self/cmdline", shown, sizeof(shown));
    assert_true(n > 0);
    snprintf(wanted, sizeof(wanted), "T *:7 70 %s", arguments[0]);
    /* what does not fit into the room of arguments and environment is cut */
    size_t len = strlen(shown);
    assert_true(len >= 5 && len <= strlen(wanted));
    assert_memory_equal(shown, wanted, len);

    assert_false(daemon_title_set("{invalid-var}", &facts));
    assert_false(daemon_title_set("{title", &facts));
    assert_true(slurp("/proc/self/cmdline", wanted, sizeof(wanted)) == n);
    assert_string_equal(shown, wanted);
    assert_true(daemon_title_set("", &facts));
    assert_true(slurp("/proc/self/cmdline", shown, sizeof(shown)) >= 0);
    assert_string_equal(shown, "");

    assert_true(daemon_title_is_valid("{title} {listen-addr} {server-mode} {config-file}"));
    assert_true(daemon_title_is_valid("plain }"));
    assert_false(daemon_title_is_valid("{port"));
    assert_false(daemon_title_is_valid("{}"));
    assert_non_null(getenv("PATH")); /* the environment has moved, not gone */
}

static int lower_then_ask(void)
{
    struct rlimit limit = {100, 300};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
    log_set_level(LOG_NOTHING);
    if (daemon_files_for(20) != 20) return 2;
    if (daemon_files_for(200) != 200) return 3;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur != 200 + DAEMON_OWN_FILES) return 4;
    uint32_t got = daemon_files_for(100000); /* a privileged process may raise even that */
    getrlimit(RLIMIT_NOFILE, &limit);
    if (got == 100000) return limit.rlim_cur >= 100064 ? 0 : 5;
    if (limit.rlim_cur != 300 || got != 300 - DAEMON_OWN_FILES) return 6;
    limit.rlim_cur = limit.rlim_max = 30;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 7;
    got = daemon_files_for(10);
    return got == 1 || got == 10 ? 0 : 8;
}

static void files_follow_clients(void **state)
{
    (void)state;
    assert_int_equal(in_child(lower_then_ask), 0);
}

static int oom_score(void)
{
    char text[32];
    return slurp("/proc/self/oom_score_adj", text, sizeof(text)) > 0 ? (int)strtol(text, NULL, 10)
                                                                     : -9999;
}

static int walk_oom_modes(void)
{
    const int values[] = {10, 20, 30}, others[] = {15, 20, 30}, wild[] = {5000, 0, 0};
    int base = oom_score();
    if (base > 950) return 0; /* no room to add */
    if (daemon_oom_set(OOM_MODE_NO, values, OOM_CLASS_MASTER) != 0 || oom_score() != base) return 1;
    if (daemon_oom_set(OOM_MODE_RELATIVE, values, OOM_CLASS_MASTER) != 0 ||
        oom_score() != base + 10)
        return 2;
    if (daemon_oom_set(OOM_MODE_RELATIVE, others, OOM_CLASS_MASTER) != 0 ||
        oom_score() != base + 15)
        return 3;
    if (daemon_oom_set(OOM_MODE_RELATIVE, others, OOM_CLASS_REPLICA) != 0 ||
        oom_score() != base + 20)
        return 4;
    if (daemon_oom_set(OOM_MODE_ABSOLUTE, wild, OOM_CLASS_MASTER) != 0 || oom_score() != 1000)
        return 5;
    int err = daemon_oom_set(OOM_MODE_NO, values, OOM_CLASS_MASTER);
    if (err == -EACCES) return 0; /* lowering it may need a privilege that we lack */
    if (err != 0 || oom_score() != base) return 6;
    return 0;
}

static void oom_scores_come_back(void **state)
{
    (void)state;
    assert_int_equal(in_child(walk_oom_modes), 0);
}

static int make_a_file(void)
{
    char path[64];
    struct stat st;
    daemon_umask();
    snprintf(path, sizeof(path), "/tmp/baton-umask-test-%d", (int)getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (fd < 0 || fstat(fd, &st) != 0) return 1;
    close(fd);
    unlink(path);
    return (st.st_mode & 0777) == 0600 ? 0 : 2;
}

static void files_are_the_owners(void **state)
{
    (void)state;
    assert_int_equal(in_child(make_a_file), 0);
}

static void the_background(void **state)
{
    (void)state;
    int out[2];
    assert_int_equal(pipe(out), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        pid_t parent = getpid();
        if (daemon_detach() != 0) _exit(1);
        struct stat null_device, input;
        stat("/dev/null", &null_device);
        fstat(STDIN_FILENO, &input);
        char verdict =
            getpid() != parent && getsid(0) == getpid() && input.st_rdev == null_device.st_rdev
                ? 'y'
                : 'n';
        if (write(out[1], &verdict, 1) != 1) _exit(1);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    struct pollfd wait = {.fd = out[0], .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 10000), 1);
    char verdict;
    assert_int_equal(read(out[0], &verdict, 1), 1);
    assert_int_equal(verdict, 'y');
    close(out[0]);
    close(out[1]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pid_files),
        cmocka_unit_test(systemd_hears_us),
        cmocka_unit_test(upstart_stops_us),
        cmocka_unit_test(titles_are_shown),
        cmocka_unit_test(files_follow_clients),
        cmocka_unit_test(oom_scores_come_back),
        cmocka_unit_test(files_are_the_owners),
        cmocka_unit_test(the_background),
    };
    arguments = daemon_title_open(argc, argv);
    if (arguments == NULL) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(arguments);
    return failed;
}
