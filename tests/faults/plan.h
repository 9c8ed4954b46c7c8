/*
 * What one connection of the checker does, by number of operation: the loader follows it and the
 * judge recomputes it. In every 16 operations of connection `c` in epoch `e`:
 *
 *     7        MULTI, INCR a:e:c, INCR b:e:c, EXEC
 *     11       SET d:e:c:m j
 *     13       DEL d:e:c:m
 *     15       SET x:e:c:m j PX 1
 *     others   RPUSH l:e:c j
 *
 * j is the operation's number and m is j / 16. An epoch is one life of the server, so that keys of
 * earlier lives stay and are looked at again.
 */
#ifndef FAULTS_PLAN_H
#define FAULTS_PLAN_H

#include <stdint.h>
#include <stdio.h>

enum plan_kind { PLAN_PUSH, PLAN_PAIR, PLAN_SET, PLAN_DEL, PLAN_BRIEF };

/* What is known of an operation when the load ends; PLAN_UNKNOWN: sent, no reply came. */
enum plan_fate { PLAN_UNKNOWN, PLAN_ACKED, PLAN_REFUSED };

/* A log: head, then for each connection a uint32_t with the number of operations sent, then so
 * many uint64_t: monotonic ns of the reply, times 4, plus the fate. */
#define PLAN_MAGIC 0x6b616c66u
struct plan_head {
    uint32_t magic, epoch, conns, pad;
};

static inline enum plan_kind plan_kind_of(uint32_t j)
{
    switch (j % 16) {
    case 7: return PLAN_PAIR;
    case 11: return PLAN_SET;
    case 13: return PLAN_DEL;
    case 15: return PLAN_BRIEF;
    default: return PLAN_PUSH;
    }
}

#endif
