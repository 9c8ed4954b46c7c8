/*
 * The log's life: when effects are heard and appended, when the log is rewritten, and what follows
 * from its errors.
 *
 * What the settings say and what is true are brought together in log_life_tick(), at the end of a
 * turn, between commands: commands (CONFIG SET appendonly, BGREWRITEAOF) only say what they want,
 * so that a switch never cuts a transaction in two. A rewrite is a snapshot (core/snapshot.h)
 * beside ORDER_LOG_SWITCH at the same instant, then ORDER_LOG_ADOPT; a log that is switched on at
 * run time begins with one, and counts as on when that is adopted.
 */
#ifndef EXECUTE_CORE_LOG_LIFE_H
#define EXECUTE_CORE_LOG_LIFE_H

#include "execute/execute_private.h"

#include "catalog/settings.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- For persistence.c ---- */
/* Before threads start. */
void log_life_open(void);
void log_life_close(void);
/*
 * The data is loaded (or there was none): the log is opened where it is on. A log that has no file
 * yet gets its first base here, within this call, so that nothing is acknowledged without one. 0 or
 * -errno: the log cannot be opened, and the server must not start.
 */
int log_life_loaded(const struct settings *settings);
/* In every turn, after its commands. Gives when it wants the next: monotonic ns. */
uint64_t log_life_tick(const struct settings *settings, uint64_t mono_ns);
/* A line with its code, -MISCONF, when the log could not be written at the last tick, or NULL.
 * While there is one, writes must not run. */
const char *log_life_refusal(void);
/* What persistence_reply_after() gives. While writes are refused replies leave at once: reads go
 * on, though they may show what was never acknowledged. */
uint64_t log_life_reply_after(void);
/* All is on disk, within this call, whatever appendfsync says; a rewrite that is on is aborted. 0,
 * or -errno, -EBUSY where the log waits for its first base: for SHUTDOWN, which may refuse then. */
int log_life_shutdown(void);
/* DEBUG LOADAOF: all effects are in the file, within this call. 0 or -errno. */
int log_life_flush(void);

/* ---- For commands ---- */
/* BGREWRITEAOF, within EXEC or not: an error line, or NULL; then *status is what the client is
 * told.
 */
const char *log_life_rewrite(bool is_nested, const char **status);
bool log_life_is_rewriting(void); /* its snapshot is on, or will be at the turn's end */
bool log_life_is_scheduled(void); /* a rewrite waits for a snapshot of others to end */
/* The setting says that there is a log, whether it has its first base or not. */
bool log_life_is_wanted(void);
/* Effect `number` is in files that will be loaded, and on disk. */
bool log_life_is_durable(uint64_t number);

struct log_life_figures {
    bool is_rewriting, is_scheduled;
    bool last_rewrite_failed;
    int64_t last_rewrite_s, current_rewrite_s; /* -1: none */
    uint64_t rewrites, failures_in_row;
    bool write_fails;                           /* aof_last_write_status */
    uint64_t size, base_size, pending, delayed; /* of the log's card */
    bool sync_pending;
};
struct log_life_figures log_life_figures(void);

#endif
