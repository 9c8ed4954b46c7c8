/*
 * Invariants: an errand is with the courier, in the line of those that its rings have no room for,
 * or in the line of those that are home; errands_out counts the first, and is never more than the
 * rings hold.
 */
#include "execute/core/errands.h"

#include "base/must.h"

#include <string.h>
#include <time.h>

enum { ERRANDS_POLL_NS = 100000 };

static struct handoff *errands_ring, *errands_home;
static struct stage *errands_courier;
static struct errand *waiting_first, *waiting_last, *home_first, *home_last;
static uint64_t errands_out;
static bool errands_given;

void errands_open(const struct execute_wiring *w)
{
    errands_ring = w->errands;
    errands_home = w->errands_home;
    errands_courier = w->courier;
    waiting_first = waiting_last = home_first = home_last = NULL;
    errands_out = 0;
    errands_given = false;
}

static void line_add(struct errand **first, struct errand **last, struct errand *e)
{
    e->next = NULL;
    if (*last != NULL)
        (*last)->next = e;
    else
        *first = e;
    *last = e;
}

static struct errand *line_take(struct errand **first, struct errand **last)
{
    struct errand *e = *first;
    if (e == NULL) return NULL;
    *first = e->next;
    if (*first == NULL) *last = NULL;
    return e;
}

static void errands_push_waiting(void)
{
    while (waiting_first != NULL && errands_out < ERRANDS_OUT_MAX) {
        struct errand *e = line_take(&waiting_first, &waiting_last);
        handoff_push(errands_ring, (uint64_t)(uintptr_t)e);
        errands_out++;
        errands_given = true;
    }
}

void errand_send(struct errand *e)
{
    must(errands_ring != NULL);
    line_add(&waiting_first, &waiting_last, e);
    errands_push_waiting();
}

void errands_give(struct turn *t)
{
    if (!errands_given) return;
    errands_given = false;
    stage_give(t, errands_courier);
}

static void errands_collect(void)
{
    struct errand *e;
    while (errands_home != NULL && (e = handoff_pop_ptr(errands_home)) != NULL) {
        errands_out--;
        line_add(&home_first, &home_last, e);
    }
    errands_push_waiting();
}

/* Takes the errand out of the line of those that are home. */
static bool errands_take(struct errand *wanted)
{
    struct errand *e, *others = NULL, *others_last = NULL;
    bool found = false;
    while ((e = line_take(&home_first, &home_last)) != NULL) {
        if (e == wanted)
            found = true;
        else
            line_add(&others, &others_last, e);
    }
    home_first = others;
    home_last = others_last;
    return found;
}

void errand_wait(struct errand *e)
{
    for (;;) {
        if (errands_given) stage_call_home(errands_courier);
        errands_given = false;
        errands_collect();
        if (errands_take(e)) break;
        nanosleep(&(struct timespec){.tv_nsec = ERRANDS_POLL_NS}, NULL);
    }
    e->done(e);
}

void errands_take_home(void)
{
    errands_collect();
    struct errand *e;
    while ((e = line_take(&home_first, &home_last)) != NULL) e->done(e);
}

void errands_close(void)
{
    struct errand *e;
    errands_collect();
    while ((e = line_take(&waiting_first, &waiting_last)) != NULL)
        line_add(&home_first, &home_last, e);
    while ((e = line_take(&home_first, &home_last)) != NULL) {
        memset(e->taken, 0, e->count); /* nothing changes any more: what went is also still here */
        e->done(e);
    }
    errands_ring = errands_home = NULL;
    errands_courier = NULL;
}
