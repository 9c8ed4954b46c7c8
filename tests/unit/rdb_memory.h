/* RDB that is written to memory: `ptr` is malloc'd. */
#ifndef UNIT_RDB_MEMORY_H
#define UNIT_RDB_MEMORY_H

#include "unit/check.h"

#include "codec/rdb.h"

#include <stdlib.h>

static inline void rdb_memory_room(struct rdb_out *out, size_t want)
{
    out->cap = (out->len + want) * 2;
    out->ptr = realloc(out->ptr, out->cap);
    assert_non_null(out->ptr);
}

#endif
