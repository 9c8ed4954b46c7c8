/*
 * What memory is used for, as INFO memory, MEMORY STATS and MEMORY DOCTOR tell it.
 */
#ifndef EXECUTE_COMMANDS_MEMORY_H
#define EXECUTE_COMMANDS_MEMORY_H

#include "execute/execute_private.h"

#include "mem/arena.h"

#include <stdint.h>

struct memory_facts {
    size_t used, peak;        /* of all arenas; the peak as sampled */
    size_t startup;           /* used when the server had just started */
    size_t rss;               /* of the process */
    struct mem_totals heap;   /* as the allocator sees it */
    size_t tables;            /* of all databases: what finds the keys, without the entries */
    uint64_t keys;            /* of all databases */
    uint64_t clients;         /* how many */
    size_t client_memory;     /* of all clients: sessions and buffers */
    size_t client_input_max;  /* of one client: bytes of half a command and room for more */
    size_t client_output_max; /* of one client: bytes of replies that it did not take yet */
    size_t overhead, dataset; /* they add up to `used` */
    double dataset_percent, peak_percent;
};

/* Walks all clients; tens of microseconds and more. `used` is mem_used() before the answer was
 * begun: its own buffer is not what is asked about. */
void memory_read_facts(struct memory_facts *out, size_t used);
/* Notes a new peak; the first call notes what the start took. */
void memory_sample(void);

/* As they were sampled. */
size_t memory_peak_bytes(void);
size_t memory_startup_bytes(void);

/* 0 when there is nothing to divide by. */
static inline double memory_ratio(size_t part, size_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole;
}

static inline int64_t memory_difference(size_t more, size_t less)
{
    return (int64_t)more - (int64_t)less;
}

#endif
