/* A name with its hash: a key of the keyspace, a field, a member. */
#ifndef EXECUTE_TYPES_KEY_H
#define EXECUTE_TYPES_KEY_H

#include "execute/execute_private.h"

#include "base/bytes.h"
#include "base/hash.h"

struct key {
    struct bytes name;
    uint64_t hash; /* hash_bytes(name) */
};

static inline struct key key_make(struct bytes name)
{
    return (struct key){name, hash_bytes(name.ptr, name.len)};
}

#endif
