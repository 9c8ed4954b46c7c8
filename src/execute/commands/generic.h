/*
 * Lookups of the commands that ask about a key and not for its value: TYPE, EXISTS, TTL, OBJECT.
 */
#ifndef EXECUTE_COMMANDS_GENERIC_H
#define EXECUTE_COMMANDS_GENERIC_H

#include "execute/execute_private.h"

#include "execute/core/call.h"

static inline struct entry *generic_peek(struct call *c, uint32_t i)
{
    return keyspace_find(c->db, call_key(c, i), LOOKUP_PEEK);
}

#endif
