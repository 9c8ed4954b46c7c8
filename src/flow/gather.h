/*
 * Gathering: a busy thread that is about to sleep waits for several events instead of the first.
 *
 * A server that is faster than its clients would otherwise be woken for each request: a sleep, a
 * wake-up and a round of turns apiece. So after a round that had two events or more, the next sleep
 * lasts until as many have come as usually do, but no longer than that round's work took, nor than
 * a bound. Where the thread is mostly idle rounds have one event, and nothing is waited for.
 *
 * How many usually come is learned: one more is asked for when the last wish came true, and what
 * came instead when it did not; after that the next try at more is put off, for twice as long each
 * time. It is never more than half of the connections that are active, so that clients have
 * something to do while we wait and while we work; with few connections nothing is gathered.
 *
 * Measured (2 CPUs, 50 connections, server CPU per GET against none): 0.85 at pipeline 1, 0.88 at
 * 16, 0.97 at 64. Asking for more than half of the connections had server and client wait in turns:
 * half of the throughput with 4 connections.
 *
 * Used by one thread.
 */
#ifndef FLOW_GATHER_H
#define FLOW_GATHER_H

#include <stdbool.h>
#include <stdint.h>

#define GATHER_LEAST 8u /* events asked for; fewer are not worth a timer */
#define GATHER_MOST 32u
#define GATHER_EPOCH_NS 20000000u /* how often active connections are counted anew */

struct gather {
    uint64_t epoch_ticks; /* begin of this epoch */
    uint32_t epoch;
    uint32_t met;        /* connections met in this epoch */
    uint32_t active;     /* and in the last one */
    uint64_t woke_ticks; /* end of the last sleep; 0: none yet */
    uint32_t last;       /* events that it brought */
    uint32_t want;       /* events that usually come */
    bool raised;         /* by the last wish that came true */
    uint32_t put_off;    /* sleeps until more is tried */
    uint32_t put_off_next;
};

/* Data came from a connection; `epoch` is the connection's own memory, 0 at first. */
static inline void gather_meet(struct gather *g, uint32_t *epoch)
{
    g->met += *epoch != g->epoch;
    *epoch = g->epoch;
}

/*
 * Before a sleep, at `now` (clock_ticks()): how many events to wait for, and in *wait_ns for how
 * long at most; 1: for the first one, and *wait_ns is not set.
 */
uint32_t gather_plan(const struct gather *g, uint64_t now, uint64_t bound_ns, uint64_t *wait_ns);
/* After a sleep that asked for `asked` events and brought `got`. */
void gather_learn(struct gather *g, uint64_t now, uint32_t asked, uint32_t got);

#endif
