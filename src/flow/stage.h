/*
 * A stage is an actor: what it owns is touched only during its turn, and one thread at a time runs
 * its turn.
 *
 * Who runs it now is told by its token, one atomic word:
 *     0           nobody, and nothing was left
 *     HELD        somebody runs its turn
 *     DIRTY       somebody left work; with HELD the holder will look again before it lets go,
 * without HELD the home was woken for it
 *
 * stage_give() is the one way to hand over: after pushing onto a handoff that the stage reads, the
 * giver says so, and when its own turn is over the thread either runs the receiver's turn itself
 * (lending: no wake-up is spent) or leaves it to the holder, or wakes the home. All ordering goes
 * through the one word: the giver's fetch_or and the holder's releasing compare-exchange are
 * totally ordered, so either the giver gets the token or the holder sees DIRTY and drains again.
 * Nothing is lost, and nothing depends on a wake-up that was sent as a hint.
 *
 * A thread never takes a token while it holds one; so there is no deadlock.
 */
#ifndef FLOW_STAGE_H
#define FLOW_STAGE_H

#include "base/histogram.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define STAGES_MAX 64

struct thread;
struct stage;

/* One run of a stage's turn, as the stage sees it. */
struct turn {
    struct thread *thread; /* the runner: not the home when the turn is lent */
    bool at_home;
    uint64_t ticks;   /* clock_ticks() at its start */
    uint64_t given;   /* stages (bits by index) that were handed work; filled by stage_give() */
    uint64_t *owed;   /* those that its runner owes a turn from before */
    uint64_t items;   /* what the stage did, for its counters */
    bool for_home;    /* set by a lent turn that left something only the home can do */
    bool for_watcher; /* set by a turn that left something only the thread that watches can do */
    /* Set by a turn that gives way in the midst of its work: the runner comes back when it has
     * looked for new events. Whoever sets it has a deadline, at which the home looks after it. */
    bool goes_on;
};

struct stage_ops {
    /* Does what there is to do, within a budget of its own choice. True: more is left, call again.
     */
    bool (*run)(void *self, struct turn *t);
    /* The stage's next deadline, monotonic ns, UINT64_MAX without one. Asked by the holder after
     * each run. */
    uint64_t (*due)(void *self);
    /* Optional: how much waits for its turn. Any thread may ask at any time: depths of handoffs
     * only. */
    uint64_t (*depth)(void *self);
};

enum stage_mode {
    STAGE_LENT, /* whoever hands it work runs its turn */
    STAGE_HOME, /* only its home runs it: givers wake the home */
};

struct stage {
    const char *name;
    void *self;
    const struct stage_ops *ops;
    struct thread *home;
    struct thread *watcher; /* whose guest it is (flow/thread.h), or NULL */
    unsigned index;
    bool lendable; /* its turn may run on any thread */

    /* Any thread; see above. */
    _Alignas(64) _Atomic uint32_t token;
    _Atomic uint32_t mode;   /* enum stage_mode; written by the governor or at the start */
    _Atomic uint64_t due_ns; /* written by the holder, read by the home before it sleeps */

    /* Written by the holder, read by anyone relaxed. */
    _Alignas(64) _Atomic uint64_t turns;
    _Atomic uint64_t turn_ticks;     /* clock_ticks() at the start of the turn that runs, or 0 */
    _Atomic(struct thread *) runner; /* of that turn, or of the last one */
    _Atomic uint64_t turns_lent;
    _Atomic uint64_t items;
    _Atomic uint64_t busy_ticks;
    _Atomic uint64_t
        wakes; /* sent to its home, by whoever sent them (a counter of hints: read-modify-write) */
    _Atomic uint64_t longest_ticks;                  /* the longest of its turns */
    _Atomic uint64_t most_items;                     /* that one turn did */
    _Atomic uint64_t handoff_p50_ns, handoff_p99_ns; /* of `handoff`, as of the last refresh */
    struct histogram
        handoff; /* ns from hand-over to the start of the turn that took it; holder only */
    uint64_t handoff_ticks; /* last refresh; 0: none yet. Holder only */
};

/* The percentiles of `handoff` are worked out at most this often. */
#define STAGE_HANDOFF_REFRESH_NS 100000000u

/* A stage's counters at one time, for people. */
struct stage_figures {
    enum stage_mode mode;
    uint64_t turns, turns_lent, items, busy_ticks, wakes;
    uint64_t longest_ticks, most_items;
    uint64_t handoff_p50_ns, handoff_p99_ns;
    uint64_t depth; /* what waits for its turn; 0 when the stage does not say */
};
/* Any thread. Each figure is true by itself; between two of them time may have passed. */
void stage_read_figures(const struct stage *s, struct stage_figures *out);

/* The stages of this process, in the order of stage_open(). */
unsigned stage_count(void);
struct stage *stage_at(unsigned index);

void stage_open(struct stage *s, const char *name, void *self, const struct stage_ops *ops,
                bool lendable);
/* Forgets all stages; for tests and the simulator. */
void stage_forget_all(void);

/* Whose business its turn is; any thread, at any time. A stage that cannot be lent stays at home,
 * a guest stays lent. */
void stage_set_mode(struct stage *s, enum stage_mode mode);

/* In a turn: `to` was handed work. Its turn comes when this one is over. */
static inline void stage_give(struct turn *t, struct stage *to) { t->given |= 1ull << to->index; }

/* In the receiver's turn: something was handed over at `ticks`. */
void stage_note_handoff(struct stage *s, const struct turn *t, uint64_t ticks);

/*
 * From outside of any turn: gets the turn of `s` done, by this thread, by the holder, or by waking
 * the home; then those of the stages that were given work on the way.
 */
void stage_run_or_leave(struct stage *s, struct thread *runner);
/* The home: the same, but always takes the turn itself when nobody holds the token. False when
 * somebody does. */
bool stage_run_at_home(struct stage *s);
/* True when work was left and nobody holds the token: it is the home's to take. */
static inline bool stage_was_left(struct stage *s) { return atomic_load(&s->token) == 2u; }
/* True while somebody runs its turn. */
static inline bool stage_is_held(struct stage *s)
{
    return (atomic_load_explicit(&s->token, memory_order_relaxed) & 1u) != 0;
}
/* Any thread: since when the turn lasts that runs now, in clock_ticks(); 0: none runs. */
static inline uint64_t stage_turn_ticks(const struct stage *s)
{
    return atomic_load_explicit(&s->turn_ticks, memory_order_acquire);
}
/* Any thread: who runs it, or ran the last one; NULL before the first. Asked after
 * stage_turn_ticks(): of that turn or of a later one. */
static inline struct thread *stage_runner(const struct stage *s)
{
    return atomic_load_explicit(&s->runner, memory_order_relaxed);
}
/* For threads without a loop (signals, tests): work was pushed for `s`; its home is woken. */
void stage_call_home(struct stage *s);
/*
 * In a long turn: gets the turns done of all that were given work until now and had no turn yet,
 * runs those of the other stages whose home is this thread, and takes in new events, so that others
 * are still read and answered. The stage that calls stays held.
 */
void stage_breathe(struct turn *t);

/* Rounds that a lender runs before it calls the home. */
#define STAGE_ROUNDS 16

#ifdef STAGE_TEST_DROP_RECHECK
/* A negative control of tests/sim: a release without looking again, which must lose work. */
#define STAGE_RECHECKS 0
#else
#define STAGE_RECHECKS 1
#endif

#endif
