/*
 * Tokens and turns. The invariants stand in the header; the orders of the atomics are argued beside
 * them.
 */
#include "flow/stage.h"

#include "base/clock.h"
#include "base/must.h"
#include "flow/thread.h"

#include <string.h>

enum { TOKEN_HELD = 1, TOKEN_DIRTY = 2 };

static struct stage *stage_list[STAGES_MAX]; /* filled before threads start */
static unsigned stage_listed;

unsigned stage_count(void) { return stage_listed; }

struct stage *stage_at(unsigned index)
{
    must(index < stage_listed);
    return stage_list[index];
}

void stage_open(struct stage *s, const char *name, void *self, const struct stage_ops *ops,
                bool lendable)
{
    must(stage_listed < STAGES_MAX);
    memset(s, 0, sizeof(*s));
    s->name = name;
    s->self = self;
    s->ops = ops;
    s->lendable = lendable;
    s->index = stage_listed;
    atomic_store_explicit(&s->due_ns, UINT64_MAX, memory_order_relaxed);
    atomic_store_explicit(&s->mode, lendable ? STAGE_LENT : STAGE_HOME, memory_order_relaxed);
    stage_list[stage_listed++] = s;
}

void stage_set_mode(struct stage *s, enum stage_mode mode)
{
    if (s->lendable && s->watcher == NULL)
        atomic_store_explicit(&s->mode, mode, memory_order_relaxed);
}

void stage_forget_all(void) { stage_listed = 0; }

static void stage_bump(_Atomic uint64_t *counter, uint64_t n)
{
    /* One writer at a time, the holder: no read-modify-write is needed. */
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static void stage_raise(_Atomic uint64_t *highest, uint64_t n)
{
    if (n > atomic_load_explicit(highest, memory_order_relaxed))
        atomic_store_explicit(highest, n, memory_order_relaxed);
}

/* The holder alone reads its histogram; others get the summary. */
static void stage_show_handoff(struct stage *s, uint64_t ticks)
{
    s->handoff_ticks = ticks;
    atomic_store_explicit(&s->handoff_p50_ns, histogram_percentile(&s->handoff, 50),
                          memory_order_relaxed);
    atomic_store_explicit(&s->handoff_p99_ns, histogram_percentile(&s->handoff, 99),
                          memory_order_relaxed);
}

void stage_note_handoff(struct stage *s, const struct turn *t, uint64_t ticks)
{
    histogram_add(&s->handoff, t->ticks > ticks ? clock_ticks_to_ns(t->ticks - ticks) : 0);
    if (s->handoff_ticks == 0 ||
        clock_ticks_to_ns(t->ticks - s->handoff_ticks) >= STAGE_HANDOFF_REFRESH_NS)
        stage_show_handoff(s, t->ticks);
}

static uint64_t stage_peek(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void stage_read_figures(const struct stage *s, struct stage_figures *out)
{
    *out = (struct stage_figures){
        .mode = (enum stage_mode)atomic_load_explicit(&s->mode, memory_order_relaxed),
        .turns = stage_peek(&s->turns),
        .turns_lent = stage_peek(&s->turns_lent),
        .items = stage_peek(&s->items),
        .busy_ticks = stage_peek(&s->busy_ticks),
        .wakes = stage_peek(&s->wakes),
        .longest_ticks = stage_peek(&s->longest_ticks),
        .most_items = stage_peek(&s->most_items),
        .handoff_p50_ns = stage_peek(&s->handoff_p50_ns),
        .handoff_p99_ns = stage_peek(&s->handoff_p99_ns),
        .depth = s->ops->depth != NULL ? s->ops->depth(s->self) : 0,
    };
}

/* The giver's side. Acquire: the last holder's writes are ours when we get it; release: our push is
 * seen by the holder. */
static bool stage_take_or_mark(struct stage *s)
{
    uint32_t free_token = 0;
    if (atomic_compare_exchange_strong_explicit(&s->token, &free_token, TOKEN_HELD,
                                                memory_order_acquire, memory_order_relaxed))
        return true;
    return (atomic_fetch_or_explicit(&s->token, TOKEN_HELD | TOKEN_DIRTY, memory_order_acq_rel) &
            TOKEN_HELD) == 0;
}

/* True when the token is free now; false: work was left meanwhile, DIRTY is taken off and the
 * holder must look again. */
static bool stage_release(struct stage *s)
{
    uint32_t held = TOKEN_HELD;
    if (atomic_compare_exchange_strong_explicit(&s->token, &held, 0, memory_order_release,
                                                memory_order_relaxed))
        return true;
#if STAGE_RECHECKS
    atomic_exchange_explicit(&s->token, TOKEN_HELD, memory_order_acq_rel);
    return false;
#else
    atomic_store_explicit(&s->token, 0, memory_order_release);
    return true;
#endif
}

static void stage_wake_home(struct stage *s)
{
    atomic_fetch_add_explicit(&s->wakes, 1, memory_order_relaxed);
    thread_poke(s->home);
}

/* Leaves the rest to the home: the token is free but DIRTY, which the home cannot overlook. */
static void stage_release_to_home(struct stage *s, struct thread *runner)
{
    atomic_exchange(&s->token, TOKEN_DIRTY);
    if (runner != s->home) stage_wake_home(s);
}

void stage_call_home(struct stage *s)
{
    atomic_fetch_or(&s->token, TOKEN_DIRTY);
    stage_wake_home(s);
}

/* What the holder does after a run of the turn. */
enum after_turn { AFTER_RELEASE, AFTER_AGAIN, AFTER_HOME };

/* One run of the turn by the holder. */
static enum after_turn stage_turn(struct stage *s, struct thread *runner, uint64_t *given,
                                  bool *for_watcher)
{
    struct turn t = {
        .thread = runner, .at_home = runner == s->home, .ticks = clock_ticks(), .owed = given};
    atomic_store_explicit(&s->runner, runner, memory_order_relaxed);
    /* Release: who sees this turn sees its runner. */
    atomic_store_explicit(&s->turn_ticks, t.ticks, memory_order_release);
    bool more = s->ops->run(s->self, &t);
    atomic_store_explicit(&s->turn_ticks, 0, memory_order_relaxed);
    uint64_t ticks = clock_ticks() - t.ticks;
    stage_bump(&s->turns, 1);
    if (!t.at_home) stage_bump(&s->turns_lent, 1);
    stage_bump(&s->items, t.items);
    stage_bump(&s->busy_ticks, ticks);
    stage_raise(&s->longest_ticks, ticks);
    stage_raise(&s->most_items, t.items);
    *given |= t.given;
    *for_watcher |= t.for_watcher;
    if (t.goes_on) runner->unfinished |= 1ull << s->index;
    if (t.for_home && !t.at_home) return AFTER_HOME;
    return more ? AFTER_AGAIN : AFTER_RELEASE;
}

/* Tells the home of a nearer deadline than the one it sleeps for. */
static void stage_publish_due(struct stage *s, struct thread *runner)
{
    if (s->ops->due == NULL) return;
    uint64_t due = s->ops->due(s->self);
    if (due == atomic_load_explicit(&s->due_ns, memory_order_relaxed)) return;
    /* seq_cst with thread_sleep(): either the home sees this deadline or we see how long it
     * sleeps. */
    atomic_store(&s->due_ns, due);
    if (runner != s->home && due < thread_sleeps_until(s->home)) thread_poke(s->home);
}

/* The holder's loop. `given` collects who else must get a turn. The watcher is called when the
 * token is free, or its mark would have us look again, and call again. */
static void stage_hold(struct stage *s, struct thread *runner, uint64_t *given)
{
    bool for_watcher = false;
    for (unsigned rounds = 1;; rounds++) {
        enum after_turn after = stage_turn(s, runner, given, &for_watcher);
        if (after != AFTER_AGAIN) stage_publish_due(s, runner);
        if (after == AFTER_RELEASE && stage_release(s)) break;
        if (after == AFTER_HOME || rounds >= STAGE_ROUNDS) {
            if (after == AFTER_AGAIN) stage_publish_due(s, runner);
            stage_release_to_home(s, runner);
            break;
        }
    }
    if (unlikely(for_watcher)) thread_call_guest(s->watcher);
}

/* True when this thread may run the turn itself. */
static bool stage_may_run(struct stage *s, struct thread *runner)
{
    if (runner == s->home) return true;
    return s->lendable && atomic_load_explicit(&s->mode, memory_order_relaxed) == STAGE_LENT;
}

/* Gets one stage's turn done, one way or another. */
static void stage_run_one(struct stage *s, struct thread *runner, uint64_t *given)
{
    if (stage_may_run(s, runner)) {
        if (stage_take_or_mark(s)) stage_hold(s, runner, given);
        return;
    }
    /* seq_cst with thread_sleep(): either the home sees the mark before it sleeps or we see that it
     * sleeps. */
    if (atomic_fetch_or(&s->token, TOKEN_DIRTY) == 0) stage_wake_home(s);
}

/*
 * No recursion: a stage that is given work on the way gets its turn in this loop, with no token
 * held. In rotation: a stage that gives itself more to do comes again after those that it gave work
 * to.
 */
static void stage_run_all(uint64_t given, struct thread *runner)
{
    unsigned last = 0;
    while (given != 0) {
        uint64_t later = given & ~((2ull << last) - 1);
        unsigned index = (unsigned)__builtin_ctzll(later != 0 ? later : given);
        given &= ~(1ull << index);
        stage_run_one(stage_list[index], runner, &given);
        last = index;
    }
}

void stage_run_or_leave(struct stage *s, struct thread *runner)
{
    stage_run_all(1ull << s->index, runner);
}

bool stage_run_at_home(struct stage *s)
{
    /* Whoever holds it now looks again because of the mark, and its deadlines are in that one's
     * hands too. */
    if (!stage_take_or_mark(s)) return false;
    uint64_t given = 0;
    stage_hold(s, s->home, &given);
    stage_run_all(given, s->home);
    return true;
}

/* The stage that calls may be among those that were given work: it is held, so it is only marked.
 */
void stage_breathe(struct turn *t)
{
    uint64_t given = t->given | *t->owed;
    t->given = *t->owed = 0;
    stage_run_all(given, t->thread);
    thread_breathe(t->thread);
}
