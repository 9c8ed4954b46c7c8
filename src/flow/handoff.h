/*
 * A handoff carries 64-bit words (pointers, slots) one way, from one stage to one other stage.
 *
 * A ring with one producer and one consumer: whoever holds the producing stage's token pushes,
 * whoever holds the consuming stage's token pops; the tokens order successive holders. The producer
 * publishes with a release store of `tail`, the consumer reads it with acquire and gives room back
 * with a release store of `head`. A ring is made as large as what can be in flight on it, so it is
 * never full: push says so with must(). Pushing wakes nobody: the producer then gives the consumer
 * its turn (flow/stage.h).
 */
#ifndef FLOW_HANDOFF_H
#define FLOW_HANDOFF_H

#include "base/must.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct handoff {
    uint64_t *cells;
    uint64_t mask;
    _Alignas(64) _Atomic uint64_t tail; /* written by the producer only */
    uint64_t head_seen;                 /* producer's memory of head */
    _Alignas(64) _Atomic uint64_t head; /* written by the consumer only */
    uint64_t tail_seen;                 /* consumer's memory of tail */
};

/* Room for at least `capacity` words. */
void handoff_open(struct handoff *h, uint64_t capacity);
void handoff_close(struct handoff *h);

/* Producer. False when the ring is full. */
static inline bool handoff_try_push(struct handoff *h, uint64_t word)
{
    uint64_t tail = atomic_load_explicit(&h->tail, memory_order_relaxed);
    if (tail - h->head_seen > h->mask) {
        h->head_seen = atomic_load_explicit(&h->head, memory_order_acquire);
        if (tail - h->head_seen > h->mask) return false;
    }
    h->cells[tail & h->mask] = word;
    atomic_store_explicit(&h->tail, tail + 1, memory_order_release);
    return true;
}

static inline void handoff_push(struct handoff *h, uint64_t word)
{
    bool pushed = handoff_try_push(h, word);
    must(pushed);
}

/* Consumer. False when there is nothing. */
static inline bool handoff_pop(struct handoff *h, uint64_t *word)
{
    uint64_t head = atomic_load_explicit(&h->head, memory_order_relaxed);
    if (head == h->tail_seen) {
        h->tail_seen = atomic_load_explicit(&h->tail, memory_order_acquire);
        if (head == h->tail_seen) return false;
    }
    *word = h->cells[head & h->mask];
    atomic_store_explicit(&h->head, head + 1, memory_order_release);
    return true;
}

static inline void *handoff_pop_ptr(struct handoff *h)
{
    uint64_t word;
    return handoff_pop(h, &word) ? (void *)(uintptr_t)word : NULL;
}

/* How many words wait; anyone, as information. */
static inline uint64_t handoff_depth(const struct handoff *h)
{
    uint64_t tail = atomic_load_explicit(&h->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&h->head, memory_order_relaxed);
    return tail > head ? tail - head : 0;
}

#endif
