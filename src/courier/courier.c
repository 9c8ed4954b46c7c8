/*
 * Invariants: an errand is in a ring, in a conversation, in the queue of its peer, or in the line
 * of those for which there was no free place.
 */
#include "courier/courier.h"

#include "base/clock.h"
#include "base/counter.h"
#include "courier/peer.h"
#include "mem/arena.h"

#include <stdio.h>
#include <string.h>

enum { COURIER_PEERS = 64 };

struct courier {
    struct stage stage;
    struct arena *arena;
    struct courier_wiring wiring;
    struct stage *execute;
    struct errand *first, *last; /* they wait for a place */
    struct counter connections;
    struct peer peers[COURIER_PEERS];
};

/* Places whose connection is gone are free; so many are open. */
static void courier_clear_up(struct courier *c)
{
    uint64_t open = 0;
    for (uint32_t i = 0; i < COURIER_PEERS; i++) {
        struct peer *p = &c->peers[i];
        bool is_over = p->state == PEER_CLOSED && p->errand == NULL && p->queue_first == NULL;
        if (is_over) p->stage = NULL;
        open += p->state == PEER_OPEN;
    }
    counter_set(&c->connections, open);
}

/* Execute's turn must not run on this thread, as it may wait for us (errand_wait()): so its home is
 * called, and the turn is not given. */
static void courier_send_home(struct courier *c, struct errand *e)
{
    courier_clear_up(c); /* whoever is answered may count connections */
    handoff_push(c->wiring.home, (uint64_t)(uintptr_t)e);
    stage_call_home(c->execute);
}

/* ---- Places ---- */

static struct peer *courier_place(struct courier *c, const char *name)
{
    struct peer *best = NULL;
    for (uint32_t i = 0; i < COURIER_PEERS; i++) {
        struct peer *p = &c->peers[i];
        if (p->stage != NULL && strcmp(p->name, name) == 0) return p;
        if (p->stage == NULL && (best == NULL || best->stage != NULL)) best = p;
        if (p->stage == NULL || p->errand != NULL) continue;
        bool older = best != NULL && best->stage != NULL && p->due_ns < best->due_ns;
        if (best == NULL || older) best = p;
    }
    return best;
}

/* The peer that has this name, maybe in the place of one that was idle. NULL: all are busy. */
static struct peer *courier_peer(struct courier *c, struct thread *th, const struct errand *e)
{
    char name[PEER_NAME_MAX];
    snprintf(name, sizeof(name), "%s:%u", e->host, e->port);
    struct peer *p = courier_place(c, name);
    if (p == NULL || (p->stage != NULL && strcmp(p->name, name) == 0)) return p;
    if (p->stage != NULL) peer_hang_up(p, th);
    uint32_t gen = p->gen;
    *p = (struct peer){.stage = &c->stage,
                       .slot = (uint32_t)(p - c->peers),
                       .gen = gen,
                       .fd = -1,
                       .due_ns = UINT64_MAX};
    memcpy(p->name, name, sizeof(name));
    return p;
}

/* False when there is no place for it. */
static bool courier_take(struct courier *c, struct thread *th, struct errand *e)
{
    struct peer *p = courier_peer(c, th, e);
    if (p == NULL) return false;
    e->next = NULL;
    if (p->queue_last != NULL)
        p->queue_last->next = e;
    else
        p->queue_first = e;
    p->queue_last = e;
    return true;
}

/* ---- The turn ---- */

/* Has the conversation of `e`, which was p->errand, come to its end? Then the next begins; some end
 * at once. */
static void courier_go_on(struct courier *c, struct turn *t, struct peer *p, struct errand *e)
{
    for (;;) {
        if (p->errand != NULL) return;
        if (e != NULL) courier_send_home(c, e);
        e = p->queue_first;
        if (e == NULL) return;
        p->queue_first = e->next;
        if (p->queue_first == NULL) p->queue_last = NULL;
        peer_begin(p, t->thread, e);
    }
}

static void courier_take_events(struct courier *c, struct turn *t)
{
    struct poll_event *event;
    while ((event = thread_event(t->thread, &c->stage)) != NULL) {
        struct peer *p = &c->peers[thread_tag_slot(event->tag)];
        struct errand *e = p->errand;
        if (p->stage != NULL && thread_tag_gen(event->tag) == p->gen) {
            peer_on_event(p, t->thread, event->what);
            courier_go_on(c, t, p, e);
        }
        thread_event_done(t->thread, &c->stage);
    }
}

static void courier_look_at_time(struct courier *c, struct turn *t, uint64_t now_ns)
{
    for (uint32_t i = 0; i < COURIER_PEERS; i++) {
        struct peer *p = &c->peers[i];
        if (p->stage == NULL || p->due_ns > now_ns) continue;
        struct errand *e = p->errand;
        peer_on_due(p, t->thread);
        courier_go_on(c, t, p, e);
    }
}

static void courier_take_errands(struct courier *c, struct turn *t)
{
    struct errand *e;
    while ((e = handoff_pop_ptr(c->wiring.errands)) != NULL) {
        e->next = NULL;
        if (c->last != NULL)
            c->last->next = e;
        else
            c->first = e;
        c->last = e;
        t->items++;
    }
    while ((e = c->first) != NULL) {
        struct errand *next = e->next; /* read before it stands in another line */
        if (!courier_take(c, t->thread, e)) return;
        c->first = next;
        if (next == NULL) c->last = NULL;
        struct peer *p = courier_peer(c, t->thread, e);
        courier_go_on(c, t, p, NULL);
    }
}

static bool courier_run(void *self, struct turn *t)
{
    struct courier *c = self;
    courier_take_events(c, t);
    courier_look_at_time(c, t, clock_mono_ns());
    courier_clear_up(c);
    courier_take_errands(c, t);
    courier_clear_up(c);
    return false;
}

static uint64_t courier_due(void *self)
{
    const struct courier *c = self;
    uint64_t due = UINT64_MAX;
    for (uint32_t i = 0; i < COURIER_PEERS; i++)
        if (c->peers[i].stage != NULL && c->peers[i].due_ns < due) due = c->peers[i].due_ns;
    return due;
}

static uint64_t courier_depth(void *self)
{
    return handoff_depth(((const struct courier *)self)->wiring.errands);
}

static const struct stage_ops courier_ops = {
    .run = courier_run, .due = courier_due, .depth = courier_depth};

/* ---- Life ---- */

struct courier *courier_open(const struct courier_wiring *w)
{
    struct arena *arena = arena_open("courier");
    struct courier *c = arena_zalloc(arena, sizeof(*c));
    c->arena = arena;
    c->wiring = *w;
    stage_open(&c->stage, "courier", c, &courier_ops, false);
    return c;
}

void courier_set_execute(struct courier *c, struct stage *execute) { c->execute = execute; }

static void courier_give_back(struct courier *c, struct errand *e)
{
    if (e->error[0] == '\0')
        snprintf(e->error, sizeof(e->error), "IOERR the server is shutting down");
    handoff_push(c->wiring.home, (uint64_t)(uintptr_t)e);
}

/* Its thread has ended, and the poller with it: descriptors are closed, and nothing else. */
void courier_close(struct courier *c)
{
    struct errand *e, *next;
    for (uint32_t i = 0; i < COURIER_PEERS; i++) {
        struct peer *p = &c->peers[i];
        if (p->stage == NULL) continue;
        if (p->errand != NULL) courier_give_back(c, p->errand);
        for (e = p->queue_first; e != NULL; e = next) {
            next = e->next;
            courier_give_back(c, e);
        }
        peer_drop(p);
    }
    for (e = c->first; e != NULL; e = next) {
        next = e->next;
        courier_give_back(c, e);
    }
    while ((e = handoff_pop_ptr(c->wiring.errands)) != NULL) courier_give_back(c, e);
    struct arena *arena = c->arena;
    arena_free(arena, c);
    arena_close(arena);
}

struct stage *courier_stage(struct courier *c) { return &c->stage; }
uint64_t courier_connections(const struct courier *c) { return counter_read(&c->connections); }
