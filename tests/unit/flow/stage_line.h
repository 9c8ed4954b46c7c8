/*
 * A line of real threads for the tests of the token protocol: two producers, a lendable consumer
 * and a lendable sink, each at home on a thread of its own, and one client that speaks to both
 * producers in lock-step: it sends one word to each and waits for both answers. Nothing else is
 * going on, so work that is lost once is never found by later work.
 *
 * What is between a stage's turns is plain memory: the thread sanitizer sees a token that fails.
 */
#ifndef UNIT_FLOW_STAGE_LINE_H
#define UNIT_FLOW_STAGE_LINE_H

#include "unit/check.h"

#include "base/clock.h"
#include "flow/handoff.h"
#include "flow/stage.h"
#include "flow/thread.h"

#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LINE_PRODUCERS = 2, LINE_SINK = 100, TOKEN_HELD_DIRTY = 3 };

struct line_stage {
    struct stage stage;
    struct thread thread;
    struct handoff in[LINE_PRODUCERS];
    int in_count;
    _Atomic int inside;            /* threads in its turn */
    uint64_t seen[LINE_PRODUCERS]; /* plain: words taken of each producer */
    uint64_t seed;
    uint64_t burst; /* producers: words that they still make by themselves */
    bool lingers;   /* waits between its last look and letting go until somebody left work */
};

static struct {
    struct line_stage producers[LINE_PRODUCERS], consumer, sink;
    struct handoff answers[LINE_PRODUCERS];
    sem_t answered;
    _Atomic uint64_t sunk; /* words that the sink took of bursts */
    uint64_t wrong;        /* written by turns; read when the threads are gone */
    bool bursts;
} line;

static inline void line_enter(struct line_stage *s)
{
    if (atomic_fetch_add(&s->inside, 1) != 0) must(!"two threads in one turn");
}

static inline void line_leave(struct line_stage *s) { atomic_fetch_sub(&s->inside, 1); }

/* Forwards what the client sent, and makes words of its own. True: more to make. */
static inline bool line_produce(void *self, struct turn *t)
{
    struct line_stage *p = self;
    int number = (int)(p - line.producers);
    struct handoff *to = &line.consumer.in[number];
    uint64_t word;
    line_enter(p);
    while (handoff_pop(&p->in[0], &word)) {
        handoff_push(to, word);
        stage_give(t, &line.consumer.stage);
    }
    uint64_t n = p->burst == 0 ? 0 : check_random(&p->seed) % 8 + 1;
    for (; n > 0 && p->burst > 0 && handoff_try_push(to, p->seen[0] + 1); n--) {
        p->seen[0]++;
        p->burst--;
        stage_give(t, &line.consumer.stage);
    }
    bool more = p->burst > 0 && n == 0;
    line_leave(p);
    return more;
}

/* A producer whose ring was full looks again a little later. */
static inline uint64_t line_produce_due(void *self)
{
    struct line_stage *p = self;
    return p->burst > 0 ? clock_mono_ns() + 100000 : UINT64_MAX;
}

/* Words of a burst come as 1, 2, 3, ... of each producer. */
static inline void line_check(struct line_stage *s, int number, uint64_t word)
{
    s->seen[number]++;
    if (line.bursts && word != s->seen[number]) line.wrong++;
}

static inline bool line_consume(void *self, struct turn *t)
{
    struct line_stage *c = self;
    uint64_t word;
    line_enter(c);
    for (int i = 0; i < LINE_PRODUCERS; i++) {
        while (handoff_depth(&line.sink.in[i]) < 60 && handoff_pop(&c->in[i], &word)) {
            line_check(c, i, word);
            handoff_push(&line.sink.in[i], word);
            stage_give(t, &line.sink.stage);
            t->items++;
        }
    }
    bool more = handoff_depth(&c->in[0]) + handoff_depth(&c->in[1]) > 0;
    line_leave(c);
    return more;
}

/* Asked between the last look and the release: the worst moment to be slow. */
static inline uint64_t line_linger(void *self)
{
    struct line_stage *c = self;
    if (!c->lingers || check_random(&c->seed) % 4 != 0) return UINT64_MAX;
    uint64_t until = clock_mono_ns() + 300000;
    while (atomic_load(&c->stage.token) != TOKEN_HELD_DIRTY && clock_mono_ns() < until) {}
    return UINT64_MAX;
}

static inline bool line_sink(void *self, struct turn *t)
{
    struct line_stage *s = self;
    uint64_t word, taken = 0;
    line_enter(s);
    for (int i = 0; i < LINE_PRODUCERS; i++) {
        while (handoff_pop(&s->in[i], &word)) {
            line_check(s, i, word);
            taken++;
            if (line.bursts) continue;
            handoff_push(&line.answers[i], word + LINE_SINK);
            sem_post(&line.answered);
        }
    }
    line_leave(s);
    t->items += taken;
    atomic_fetch_add_explicit(&line.sunk, taken, memory_order_relaxed);
    return false;
}

static const struct stage_ops line_produce_ops = {.run = line_produce, .due = line_produce_due};
static const struct stage_ops line_consume_ops = {.run = line_consume, .due = line_linger};
static const struct stage_ops line_sink_ops = {.run = line_sink};

static inline void line_open_stage(struct line_stage *s, const char *name,
                                   const struct stage_ops *ops, bool lendable)
{
    static uint64_t seed = 17;
    memset(s, 0, sizeof(*s));
    s->seed = check_random(&seed);
    stage_open(&s->stage, name, s, ops, lendable);
    for (int i = 0; i < LINE_PRODUCERS; i++) handoff_open(&s->in[i], 64);
    thread_init(&s->thread, name, -1, POLLER_EPOLL);
    thread_add_stage(&s->thread, &s->stage);
}

static inline void line_each(void (*what)(struct line_stage *))
{
    for (int i = 0; i < LINE_PRODUCERS; i++) what(&line.producers[i]);
    what(&line.consumer);
    what(&line.sink);
}

static inline void line_start_stage(struct line_stage *s)
{
    assert_int_equal(thread_start(&s->thread, NULL), 0);
}

static inline void line_stop_stage(struct line_stage *s) { thread_stop(&s->thread); }

static inline void line_close_stage(struct line_stage *s)
{
    for (int i = 0; i < LINE_PRODUCERS; i++) handoff_close(&s->in[i]);
}

/* Threads start with line_each(line_start_stage). */
static inline void line_open(void)
{
    stage_forget_all();
    memset(&line, 0, sizeof(line));
    sem_init(&line.answered, 0, 0);
    for (int i = 0; i < LINE_PRODUCERS; i++) {
        line_open_stage(&line.producers[i], "produce", &line_produce_ops, false);
        handoff_open(&line.answers[i], 64);
    }
    line_open_stage(&line.consumer, "consume", &line_consume_ops, true);
    line_open_stage(&line.sink, "sink", &line_sink_ops, true);
}

static inline void line_close(void)
{
    line_each(line_stop_stage);
    line_each(line_close_stage);
    for (int i = 0; i < LINE_PRODUCERS; i++) handoff_close(&line.answers[i]);
    sem_destroy(&line.answered);
}

static inline bool line_wait(int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return sem_clockwait(&line.answered, CLOCK_MONOTONIC, &until) == 0;
}

/* One exchange with both producers: false when an answer did not come in time. */
static inline bool line_exchange(uint64_t nonce, int64_t ms)
{
    for (int i = 0; i < LINE_PRODUCERS; i++) {
        handoff_push(&line.producers[i].in[0], nonce + (uint64_t)i);
        stage_call_home(&line.producers[i].stage);
    }
    for (int i = 0; i < LINE_PRODUCERS; i++)
        if (!line_wait(ms)) return false;
    for (int i = 0; i < LINE_PRODUCERS; i++) {
        uint64_t word = 0;
        assert_true(handoff_pop(&line.answers[i], &word));
        assert_int_equal(word, nonce + (uint64_t)i + LINE_SINK);
        assert_false(handoff_pop(&line.answers[i], &word));
    }
    return true;
}

#endif
