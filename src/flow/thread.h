/*
 * A thread is pinned, is home to some stages, and loops over their turns; when a whole round did
 * nothing it sleeps in one wait, its poller's.
 *
 * Events of the poller are sorted by stage: a stage's turn, when it runs at home, takes its own
 * with thread_event() and says with thread_event_done() that it is through with one. Events that a
 * stage could not take yet (it is out of batches) wait for its next turn.
 *
 * A thread may watch sockets for one stage whose home is elsewhere, its guest: so that one thread
 * is woken for what comes in, and not two. Their events come here, and this thread runs the guest's
 * turn, lent.
 */
#ifndef FLOW_THREAD_H
#define FLOW_THREAD_H

#include "flow/poller.h"
#include "flow/stage.h"

#include <pthread.h>

#define THREAD_STAGES_MAX 16

struct thread {
    char name[16]; /* as ps -L shows it */
    int cpu;       /* pinned there; -1: not pinned */
    int nice;      /* added to the process's: how much it gives way; set before it starts */
    enum poller_kind poller_kind;
    uint64_t gather_ns;    /* for poller_set_gathering(); set before it starts */
    struct poller *poller; /* made by the thread itself */
    struct stage *stages[THREAD_STAGES_MAX];
    unsigned stage_count;
    struct stage *guest;        /* or NULL */
    struct event_queue *queues; /* one per stage at home, and the guest's behind them */
    struct governor *governor;  /* asked between rounds, or NULL */
    pthread_t pthread;
    int start_error;
    uint64_t unfinished; /* stages (bits by index) whose turn goes on in this thread's next round */

    /* Written by this thread, read by those who might wake it. 0: awake. */
    _Alignas(64) _Atomic uint64_t sleeps_until_ns;
    _Atomic bool stopping;
    _Atomic bool guest_called; /* set by any thread, taken back by this one */
    _Atomic uint64_t sleeps;
};

/* Tags of poller events: which stage at which thread, and what the stage wants to know: a slot and
 * a generation. */
static inline uint64_t thread_tag(const struct stage *s, uint32_t slot, uint32_t gen)
{
    return (uint64_t)s->index << 56 | (uint64_t)(slot & 0xffffffu) << 32 | gen;
}
static inline uint32_t thread_tag_slot(uint64_t tag) { return (uint32_t)(tag >> 32) & 0xffffffu; }
static inline uint32_t thread_tag_gen(uint64_t tag) { return (uint32_t)tag; }

void thread_init(struct thread *th, const char *name, int cpu, enum poller_kind kind);
/* Before it starts: `s` has its home here. */
void thread_add_stage(struct thread *th, struct stage *s);
/* Before it starts: the sockets of `s`, which becomes lendable and stays so, are watched here. */
void thread_watch_for(struct thread *th, struct stage *s);
/* Any thread: the guest's turn is to be run here, for what only the thread that watches can do. */
void thread_call_guest(struct thread *th);
/* Starts it and waits until its poller is open: 0 or -errno. `started` runs in the thread first
 * (crash stack); may be NULL. */
int thread_start(struct thread *th, void (*started)(void));
/* Asks it to end after its current round, and waits. */
void thread_stop(struct thread *th);

/* Any thread: ends its sleep, if it sleeps. */
void thread_poke(struct thread *th);
/* Any thread: CPU time that it has used; 0 when it was not started. */
uint64_t thread_cpu_ns(const struct thread *th);
/* Any thread: it was asked to end. */
static inline bool thread_is_stopping(const struct thread *th)
{
    return atomic_load_explicit(&th->stopping, memory_order_relaxed);
}
/* Monotonic ns when it will wake by itself; 0 while it is awake. */
static inline uint64_t thread_sleeps_until(struct thread *th)
{
    return atomic_load(&th->sleeps_until_ns);
}

/* Where its sockets are watched, in the turn of `s`: the next event of its own, or NULL. It stays
 * the next one until it is done. */
struct poll_event *thread_event(struct thread *th, const struct stage *s);
void thread_event_done(struct thread *th, const struct stage *s);

/* See stage_breathe(). */
void thread_breathe(struct thread *th);

/*
 * For the simulator: takes `poller` (of any make) instead of starting a thread, so that somebody
 * else runs its rounds; and gives it up.
 */
void thread_adopt(struct thread *th, struct poller *poller);
void thread_release(struct thread *th);
/* Rounds and sleep until th->stopping. */
void thread_loop(struct thread *th);
/* One round: waits for events at most `timeout_ns`, then runs the turns that have a reason to. True
 * when one ran. */
bool thread_round(struct thread *th, uint64_t timeout_ns);

#endif
