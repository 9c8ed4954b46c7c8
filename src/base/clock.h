/*
 * Time. Monotonic time for durations, wall time for TTLs and for people.
 *
 * clock_ticks() is the cheapest monotonic reading (the CPU's time-stamp counter where the kernel
 * trusts it, else CLOCK_MONOTONIC in nanoseconds); clock_ticks_to_ns() converts differences of it.
 * clock_open() calibrates and must run once before the first use.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

void clock_open(void);

uint64_t clock_mono_ns(void);
static inline uint64_t clock_mono_us(void) { return clock_mono_ns() / 1000; }
static inline uint64_t clock_mono_ms(void) { return clock_mono_ns() / 1000000; }

int64_t clock_wall_us(void);
static inline int64_t clock_wall_ms(void) { return clock_wall_us() / 1000; }

/* Written by clock_open() before any thread starts; read-only after. */
extern bool clock_has_tsc;
extern uint64_t clock_ns_per_tick_q32; /* nanoseconds per tick, 32.32 fixed point */

static inline uint64_t clock_ticks(void)
{
#if defined(__x86_64__)
    if (clock_has_tsc) return __rdtsc();
#endif
    return clock_mono_ns();
}

static inline uint64_t clock_ticks_to_ns(uint64_t ticks)
{
    return (uint64_t)(((unsigned __int128)ticks * clock_ns_per_tick_q32) >> 32);
}

static inline uint64_t clock_ns_to_ticks(uint64_t ns)
{
    return (uint64_t)(((unsigned __int128)ns << 32) / clock_ns_per_tick_q32);
}

#endif
