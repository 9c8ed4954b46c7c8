/*
 * The id of a stream's entry: a time in ms and a number within it, ordered as one number of 128
 * bits.
 */
#ifndef EXECUTE_TYPES_STREAM_ID_H
#define EXECUTE_TYPES_STREAM_ID_H

#include "execute/execute_private.h"

#include <stdbool.h>
#include <stdint.h>

struct stream_id {
    uint64_t ms, seq;
};

#define STREAM_ID_MIN ((struct stream_id){0, 0})
#define STREAM_ID_MAX ((struct stream_id){UINT64_MAX, UINT64_MAX})

static inline int stream_id_compare(struct stream_id a, struct stream_id b)
{
    if (a.ms != b.ms) return a.ms < b.ms ? -1 : 1;
    if (a.seq != b.seq) return a.seq < b.seq ? -1 : 1;
    return 0;
}

static inline bool stream_id_is_zero(struct stream_id id) { return id.ms == 0 && id.seq == 0; }

/* The next one; false at the greatest. */
static inline bool stream_id_raise(struct stream_id *id)
{
    if (++id->seq != 0) return true;
    if (++id->ms != 0) return true;
    *id = STREAM_ID_MAX;
    return false;
}

/* The one before; false at the least. */
static inline bool stream_id_lower(struct stream_id *id)
{
    if (stream_id_is_zero(*id)) return false;
    if (id->seq-- == 0) id->ms--;
    return true;
}

#endif
