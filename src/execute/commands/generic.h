/*
 * Lookups of the commands that ask about a key and not for its value: TYPE, EXISTS, TTL, OBJECT.
 */
#ifndef EXECUTE_COMMANDS_GENERIC_H
#define EXECUTE_COMMANDS_GENERIC_H

#include "execute/execute_private.h"

#include "execute/core/call.h"

/* Counts a hit or a miss, but leaves the key's clocks alone: asking about a key is not using it. */
static inline struct entry *generic_peek(struct call *c, uint32_t i)
{
    struct entry *e = keyspace_find(c->db, call_key(c, i), LOOKUP_QUIET);
    *(e != NULL ? &keyspace_stats()->hits : &keyspace_stats()->misses) += 1;
    return e;
}

#endif
