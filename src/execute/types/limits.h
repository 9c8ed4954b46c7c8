/*
 * Where the small forms of values end, as the options of these names say. core copies them from the
 * settings; types read them. A value changes its form when it is next written to.
 */
#ifndef EXECUTE_TYPES_LIMITS_H
#define EXECUTE_TYPES_LIMITS_H

#include "execute/execute_private.h"

#include <stddef.h>
#include <stdint.h>

struct value_limits {
    uint64_t hash_max_listpack_entries, hash_max_listpack_value;
    int64_t list_max_listpack_size; /* items, or -1 .. -5 for 4, 8, 16, 32, 64 KiB */
    uint64_t list_compress_depth;
    uint64_t set_max_intset_entries, set_max_listpack_entries, set_max_listpack_value;
    uint64_t zset_max_listpack_entries, zset_max_listpack_value;
    uint64_t stream_node_max_bytes, stream_node_max_entries; /* 0: no bound */
};

extern struct value_limits value_limits;

#endif
