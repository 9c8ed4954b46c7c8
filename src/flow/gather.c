/* Invariant: want is 1..GATHER_MOST once something was learned. */
#include "flow/gather.h"

#include "base/clock.h"

enum { PUT_OFF_FIRST = 8, PUT_OFF_LAST = 1024 };

uint32_t gather_plan(const struct gather *g, uint64_t now, uint64_t bound_ns, uint64_t *wait_ns)
{
    uint32_t half = g->active / 2;
    if (bound_ns == 0 || g->last < 2 || g->want < 2 || half < GATHER_LEAST) return 1;
    uint64_t worked_ns = clock_ticks_to_ns(now - g->woke_ticks);
    *wait_ns = worked_ns < bound_ns ? worked_ns : bound_ns;
    if (*wait_ns == 0) return 1;
    return g->want < half ? g->want : half;
}

/* A wish came true: the next one may be for more, and come sooner. */
static void gather_raise(struct gather *g, uint32_t got)
{
    uint32_t want = got > g->want ? got : g->want + 1 + g->want / 8;
    g->want = want < GATHER_MOST ? want : GATHER_MOST;
    if (g->raised) g->put_off_next = PUT_OFF_FIRST; /* the last raise was right */
    g->raised = true;
}

static void gather_lower(struct gather *g, uint32_t got)
{
    g->want = got > 1 ? got : 1;
    g->raised = false;
    g->put_off = g->put_off_next;
    if (g->put_off_next < PUT_OFF_LAST) g->put_off_next *= 2;
}

void gather_learn(struct gather *g, uint64_t now, uint32_t asked, uint32_t got)
{
    if (g->put_off_next == 0) {
        g->want = 1;
        g->put_off_next = PUT_OFF_FIRST;
    }
    if (got < asked)
        gather_lower(g, got);
    else if (g->put_off > 0)
        g->put_off--;
    else if (got > 1)
        gather_raise(g, got);
    if (clock_ticks_to_ns(now - g->epoch_ticks) > GATHER_EPOCH_NS) {
        g->active = g->met;
        g->met = 0;
        g->epoch++;
        g->epoch_ticks = now;
    }
    g->last = got;
    g->woke_ticks = now;
}
