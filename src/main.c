/*
 * Baton: reads the configuration, opens the server, waits for its end, and drains.
 *
 * The main thread serves no request. It takes the signals, which are blocked in all other threads,
 * and what execute tells it (server_take_events()). Whether and when the server ends is execute's
 * to decide, as the data is.
 */
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "boot/config_file.h"
#include "boot/crash.h"
#include "boot/daemon.h"
#include "boot/process.h"
#include "boot/server.h"
#include "boot/watchdog.h"
#include "catalog/command.h"
#include "catalog/settings.h"
#include "execute/check.h"
#include "release.h"
#include "version.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void main_banner(const struct settings *s)
{
    log_note("oO0OoO0OoO0Oo Baton is starting oO0OoO0OoO0Oo");
    log_note("Baton version=%s (Redis %s), bits=64, commit=%s, just started, pid=%d", BATON_VERSION,
             BATON_REDIS_VERSION, BATON_GIT_SHA1, (int)getpid());
    log_note("   ___       __           Baton %s (%s%s) 64 bit", BATON_VERSION, BATON_GIT_SHA1,
             BATON_GIT_DIRTY ? "+" : "");
    log_note("  / _ )___ _/ /____  ___  Running in standalone mode");
    log_note(" / _  / _ `/ __/ _ \\/ _ \\ Port: %d", (int)s->port);
    log_note("/____/\\_,_/\\__/\\___/_//_/ PID: %d", (int)getpid());
}

/* Signals that the main thread takes by reading. Blocked before threads start, so that all of them
 * inherit it. */
static int main_open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGALRM);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Takes one signal. `pending`: a signal before it has not ended the server yet. */
static void main_take_signal(struct server *server, int fd, bool *pending)
{
    struct signalfd_siginfo info;
    if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info)) return;
    if (info.ssi_signo == SIGHUP) process_reopen_log();
    if (info.ssi_signo == SIGALRM) watchdog_show();
    if (info.ssi_signo != SIGTERM && info.ssi_signo != SIGINT) return;
    if (*pending && info.ssi_signo == SIGINT) {
        log_warn("You insist... exiting now.");
        execute_remove_temp_files();
        daemon_pidfile_remove();
        _exit(1);
    }
    log_warn("Received %s scheduling shutdown...",
             info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
    *pending = true;
    server_signal(server, (int)info.ssi_signo);
}

/* What is still to be waited for: events of the server. Gives the one that came. */
static int main_wait(struct server *server, int signal_fd, int wanted)
{
    bool pending = false;
    for (;;) {
        struct pollfd fds[2] = {{.fd = signal_fd, .events = POLLIN},
                                {.fd = server_events_fd(server), .events = POLLIN}};
        if (poll(fds, 2, watchdog_look()) <= 0) continue;
        if (fds[0].revents != 0) main_take_signal(server, signal_fd, &pending);
        int events = fds[1].revents != 0 ? server_take_events(server) : 0;
        if (events & SERVER_GOES_ON) pending = false;
        if (events & wanted) return events & wanted;
    }
}

static void main_close(struct server *server)
{
    daemon_notify("STOPPING=1\n");
    bool drained = server_close(server, 10000);
    if (!drained) log_warn("Some replies were not read by their clients in time");
    daemon_pidfile_remove();
}

static int main_serve(const struct server_facts *facts)
{
    const struct settings *s = settings_now(); /* not ours any more once the server is open */
    int signal_fd = main_open_signals();
    bool tcp = s->port != 0, local = s->unixsocket[0] != '\0';
    if (s->crash_log_enabled) crash_open();
    char error[256];
    struct server *server = server_open(facts, error, sizeof(error));
    if (server == NULL) {
        log_warn("%s", error);
        daemon_pidfile_remove();
        return 1;
    }
    int event = main_wait(server, signal_fd, SERVER_LOADED | SERVER_LOAD_FAILED | SERVER_ENDS);
    if (event & SERVER_LOAD_FAILED) {
        main_close(server);
        return 1;
    }
    if (event & SERVER_LOADED) {
        if (tcp) log_note("Ready to accept connections tcp");
        if (local) log_note("Ready to accept connections unix");
        daemon_notify("READY=1\n");
    }
    if (!(event & SERVER_ENDS)) main_wait(server, signal_fd, SERVER_ENDS);
    main_close(server);
    log_note("Baton is now ready to exit, bye bye...");
    return 0;
}

int main(int argc, char **argv)
{
    clock_open();
    check_tool *tool = check_tool_named(argv[0]);
    if (tool != NULL) return tool(argc, argv);
    argv = daemon_title_open(argc, argv);
    hash_open();
    log_open("");
    log_set_role('C');
    static struct config_source source;
    int rc = config_load(argc, argv, &source);
    if (rc == CONFIG_ANSWER) return 0;
    if (rc != CONFIG_READY) return 1;
    command_open();
    char error[256];
    if (server_check(error, sizeof(error)) != 0) {
        fprintf(stderr, "Cannot start: %s\n", error);
        return 1;
    }
    if (process_open(argv[0]) != 0) return 1;
    main_banner(settings_now());
    config_log_pending();
    log_set_role('M');
    struct server_facts facts = {.executable = source.executable, .config_file = source.path};
    return main_serve(&facts);
}
