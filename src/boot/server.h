/*
 * The server as a whole: the rooms, their wiring by a plan, the threads, and the end.
 */
#ifndef BOOT_SERVER_H
#define BOOT_SERVER_H

#include "catalog/settings.h"
#include "execute/execute.h"

#include <stddef.h>

struct server;

/* What main knows and INFO shows; strings are borrowed for life. */
struct server_facts {
    const char *executable;
    const char *config_file; /* "" without */
};

/* Before anything is opened: whether the plan and the backend that the settings ask for are
 * possible. 0 or -errno with the reason. */
int server_check(char *error, size_t error_len);

/*
 * Draws the plan, opens the rooms and the listeners, and starts the threads. NULL with a reason in
 * `error`. Signals must be blocked in the calling thread already: threads inherit that.
 */
struct server *server_open(const struct server_facts *facts, char *error, size_t error_len);

/* Readable when server_take_events() has something. */
int server_events_fd(const struct server *s);
/* What came to pass, bits, each told once. */
enum server_event {
    SERVER_LOADED = 1,      /* what there was, or there was nothing: clients are served */
    SERVER_LOAD_FAILED = 2, /* the log says why; the server is to be closed */
    SERVER_ENDS = 4,        /* SHUTDOWN or a signal: all is saved; it is to be closed */
    SERVER_GOES_ON = 8,     /* a signal came to nothing */
    SERVER_WATCHES = 16,    /* watchdog-period was changed: watchdog_look() */
};
int server_take_events(struct server *s);
/* SIGTERM or SIGINT: SERVER_ENDS or SERVER_GOES_ON follows, in time. */
void server_signal(struct server *s, int signal_number);

/* Stops reading, lets what was read be executed and written, for at most `timeout_ms`, and closes
 * everything. True when all was written. */
bool server_close(struct server *s, int64_t timeout_ms);

#endif
