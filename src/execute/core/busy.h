/*
 * A script or a function that runs for long.
 *
 * The engine says busy_begin() before it runs one and busy_end() after it, and asks busy_poll()
 * from its count hook and before each command of the script. When the script has run for longer
 * than busy-reply-threshold, the polls let the rest of the server breathe: commands of other
 * sessions are taken while the script goes on, and run() refuses all but a few of them with -BUSY.
 * What the script's own session sends meanwhile is held until the script is over.
 *
 * Commands that are taken in a poll are those with CF_ALLOW_BUSY: they touch no key, and whatever
 * would (expiry, eviction, blocked sessions) waits for the script's end.
 */
#ifndef EXECUTE_CORE_BUSY_H
#define EXECUTE_CORE_BUSY_H

#include "execute/execute_private.h"

#include "execute/core/call.h"

enum busy_kind { BUSY_SCRIPT, BUSY_FUNCTION };

/* ---- The engine's side ---- */

/* `name` (a script's SHA1, a function's name) and the call are borrowed until busy_end(). One at a
 * time: scripts do not run scripts. */
void busy_begin(enum busy_kind kind, struct bytes name, const struct call *c);
void busy_end(void);
/* False: the script is to end, now, with busy_death() as its error; and so say all later polls.
 * Mostly one look at the clock. In a poll sessions come and go, the script's own does not. */
bool busy_poll(void);
/* The same for who has read clock_ticks() already. */
static inline bool busy_poll_at(uint64_t ticks)
{
    extern uint64_t busy_due_ticks;
    return likely(ticks < busy_due_ticks) || busy_poll();
}
/* The whole line, code first. */
const char *busy_death(void);
/* The script has changed something, so it cannot be killed any more. */
void busy_wrote(void);

/* ---- For the commands that look at it ---- */

/* What runs, for FUNCTION STATS; NULL: nothing does. Borrowed. */
struct busy_script {
    enum busy_kind kind;
    struct bytes name;
    const struct call *call; /* of the EVAL or FCALL */
    uint64_t start_ticks;
};
const struct busy_script *busy_script(void);
uint64_t busy_script_ms(void); /* since its start; 0: nothing runs */

/* SCRIPT KILL and FUNCTION KILL: answers. */
enum run_result busy_kill(struct call *c, enum busy_kind kind);
/* SHUTDOWN NOSAVE: it ends, whatever it has done. */
void busy_abort(void);
/* The server was told to end otherwise: it ends, unless it has written something. */
void busy_leave(void);

/* ---- run()'s side ---- */

/* True in a poll that lets others run, and only there. */
static inline bool busy_is_breathing(void)
{
    extern bool busy_breathing;
    return busy_breathing;
}
/* How commands that may not run meanwhile are refused. */
const char *busy_error(void);

/* ---- Execute's side ---- */

/* Where the answer to its command begins, or to the EXEC that it is part of: reply_total() then. */
size_t busy_reply_start(void);
/* It is a client's, not one of a log that is loaded at the start: it is to be answered. */
bool busy_has_client(void);
/* `breathe` lets others run; see execute.c. */
void busy_open(void (*breathe)(void *self), void *self);

#endif
