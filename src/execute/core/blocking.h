/*
 * Blocking commands: sessions that wait for keys.
 *
 * A handler that finds nothing to answer with says call_block() and what would wake it; the command
 * is copied and the batch goes on. When one of the keys is fed (a value of the awaited type came
 * under it, or call_fed() said so), the sessions that wait for it run their command again, in the
 * order in which they began to wait, right after the command that fed it. A command that finds
 * nothing again keeps its place. Timeouts, CLIENT UNBLOCK and the session's end take it out.
 */
#ifndef EXECUTE_CORE_BLOCKING_H
#define EXECUTE_CORE_BLOCKING_H

#include "execute/execute_private.h"

#include "execute/core/call.h"
#include "execute/core/session.h"

void blocking_open(void);
void blocking_close(void);

enum blocking_wake {
    BLOCKING_FED,     /* runs its command again */
    BLOCKING_TIMEOUT, /* is answered as if its time were over */
    BLOCKING_ERROR,   /* is answered with -UNBLOCKED */
};

/*
 * A session may also wait for a job that is done elsewhere: its command is run again when
 * blocking_job_done() was called, and finds the job in session->job. CLIENT UNBLOCK does not reach
 * it. `left` is called when the session waits no more: it was answered, or ended.
 */
struct session_job {
    void (*left)(struct session_job *job);
    void *owner; /* left()'s */
};
enum run_result call_block_on(struct call *c, struct session_job *job);
void blocking_job_done(struct session *s);

/* CLIENT UNBLOCK. False when the session does not wait, or not for keys. */
bool blocking_unblock(struct session *s, enum blocking_wake how);
/* Takes the session out; its command is dropped. Nothing happens when it does not wait. */
void blocking_forget(struct session *s);

/* One that was woken finds that it has to wait on. */
void blocking_wait_on(struct session *s);
/* One that was woken must not run now: blocking_wake_held() wakes it again, unless time or a key
 * does before. */
void blocking_hold(struct session *s);
void blocking_wake_held(void);
/* Its handler answers when its time is over (block_terms). */
bool blocking_answers_late(const struct session *s);

/* ---- Those who wait for the log (core/log_life.c) ---- */
/* The least number of the effects that they wait for; UINT64_MAX: there is nobody. */
uint64_t blocking_log_least(void);
/* Wakes those who wait for this number or a lower one. */
void blocking_log_reached(uint64_t number);

/* True when blocking_next() may have somebody. */
static inline bool blocking_is_pending(void)
{
    extern bool blocking_pending;
    return blocking_pending;
}
/* The next session that is woken, and how; NULL when there is none. */
struct session *blocking_next(enum blocking_wake *how);
/* Wakes those whose timeout is over at this time of the monotonic clock. */
void blocking_tick(int64_t mono_ms);
/* The earliest timeout, monotonic ms, or -1. */
int64_t blocking_next_due_ms(void);

uint64_t blocking_count(void);         /* sessions that wait */
uint64_t blocking_timeout_count(void); /* of them those with a timeout */
uint64_t blocking_key_count(void);     /* different keys that are waited for */
uint64_t blocking_gone_count(void);    /* of them those whose deletion wakes somebody */

#endif
