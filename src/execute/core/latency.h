/*
 * The latency monitor: what took latency-monitor-threshold milliseconds or more, by event.
 *
 * Of each event the latest seconds in which it happened are kept, each with the longest time of
 * that second. A cycle (of expiry, of eviction) is work that is done in slices with commands in
 * between: its time is how long it lasted, not how long commands were held up.
 */
#ifndef EXECUTE_CORE_LATENCY_H
#define EXECUTE_CORE_LATENCY_H

#include "execute/execute_private.h"

#include "base/bytes.h"
#include "base/must.h"

#include <stdint.h>

enum latency_event {
    LATENCY_COMMAND,
    LATENCY_FAST_COMMAND, /* one that the table says takes no time: something else did */
    LATENCY_EXPIRE_CYCLE, /* from the first key that was due to the last, their memory freed */
    LATENCY_EVICTION_CYCLE,
    LATENCY_EVICTION_DEL, /* of one key */
    LATENCY_LOG_WRITE,    /* a write to the log: with appendfsync always, replies wait for it */
    LATENCY_LOG_SYNC,     /* a sync of it, with appendfsync always */
    LATENCY_SNAPSHOT,     /* a slice of a snapshot */
    LATENCY_EVENTS,
};

#define LATENCY_SAMPLES 160

struct latency_sample {
    int64_t at_s; /* wall */
    uint64_t ms;
};

/* For the inline functions below only. */
extern uint64_t latency_threshold_ns; /* UINT64_MAX: off */

void latency_open(void);
/* 0: off. */
void latency_set_threshold(int64_t ms);
static inline bool latency_is_on(void) { return latency_threshold_ns != UINT64_MAX; }

void latency_add(enum latency_event event, uint64_t ms);
/* The event took `ns`: it is added when that is much. */
static inline void latency_note(enum latency_event event, uint64_t ns)
{
    if (unlikely(ns >= latency_threshold_ns)) latency_add(event, ns / 1000000);
}

const char *latency_name(enum latency_event event);
/* LATENCY_EVENTS when there is none of that name. */
enum latency_event latency_find(struct bytes name);
/* How many samples are kept, and one of them: 0 is the oldest. */
uint32_t latency_count(enum latency_event event);
struct latency_sample latency_sample(enum latency_event event, uint32_t i);
/* The longest since the last reset. */
uint64_t latency_longest_ms(enum latency_event event);
/* False when there was nothing to forget. */
bool latency_reset(enum latency_event event);

#endif
