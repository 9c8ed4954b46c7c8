/*
 * How the server stands in the system: in the background or under a supervisor, with a pid file, a
 * title in ps, enough descriptors, and a place in the kernel's list of whom to kill when memory is
 * short. All but daemon_pidfile() is for the thread that starts the server, applies its
 * configuration and ends it.
 */
#ifndef BOOT_DAEMON_H
#define BOOT_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Goes on as a child in a session of its own, with /dev/null for standard input and outputs; the
 * parent exits with 0. Before any thread is started. 0 or -errno.
 */
int daemon_detach(void);
/* Files are made for their owner alone from here on. */
void daemon_umask(void);

/* Writes the pid file, or -errno. Removed by daemon_pidfile_remove(), and by a crash. */
int daemon_pidfile_write(const char *path);
void daemon_pidfile_remove(void);
/* The file that was written, "" when none; async-signal-safe. */
const char *daemon_pidfile(void);

enum daemon_supervisor {
    SUPERVISOR_NONE,
    SUPERVISOR_SYSTEMD,
    SUPERVISOR_UPSTART,
    SUPERVISOR_AUTO, /* by the environment */
};
/*
 * Finds out who supervises: what was wanted, or NONE with a warning when the environment does not
 * fit. For upstart it also stops the process until it is told to go on, as upstart asks for.
 */
enum daemon_supervisor daemon_supervised(enum daemon_supervisor wanted);
/* Tells systemd "READY=1\n", "STOPPING=1\n", "STATUS=...\n"; nothing happens under another
 * supervisor. 0 or -errno. */
int daemon_notify(const char *state);

/*
 * Makes room for a title over the arguments and the environment. Gives a copy of argv that stays
 * (argv's own strings will be overwritten), NULL when memory is short. First thing in main().
 */
char **daemon_title_open(int argc, char **argv);
/* What the words of proc-title-template stand for. */
struct daemon_title {
    const char *title;       /* {title} */
    const char *listen_addr; /* {listen-addr} */
    const char *server_mode; /* {server-mode} */
    const char *unix_socket; /* {unixsocket} */
    const char *config_file; /* {config-file} */
    int port, tls_port;      /* {port}, {tls-port} */
};
/* Shows the template in ps. False: it has a word that is not known, and nothing was changed. */
bool daemon_title_set(const char *template, const struct daemon_title *facts);
bool daemon_title_is_valid(const char *template);

/*
 * Raises the limit of open files to what `clients` clients need, with 64 for the server itself.
 * Gives the number of clients that the limit reached allows: `clients`, or fewer, at least 1.
 */
#define DAEMON_OWN_FILES 64
uint32_t daemon_files_for(uint32_t clients);

enum daemon_oom_mode { OOM_MODE_NO, OOM_MODE_RELATIVE, OOM_MODE_ABSOLUTE };
enum daemon_oom_class { OOM_CLASS_MASTER, OOM_CLASS_REPLICA, OOM_CLASS_CHILD, OOM_CLASS_COUNT };
/*
 * oom-score-adj: sets the process's score by its class. RELATIVE adds to the score that the process
 * had when the mode was NO last, and NO brings that score back. 0 or -errno; after an error the
 * mode is what it was.
 */
int daemon_oom_set(enum daemon_oom_mode mode, const int values[OOM_CLASS_COUNT],
                   enum daemon_oom_class class);

#endif
