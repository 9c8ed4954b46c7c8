/* A stream as the value of a key: the interface of types. */
#include "execute/types/stream.h"
#include "execute/types/type.h"

static struct stream *stream_of(const struct entry *e) { return entry_root(e); }

static void stream_value_make(struct entry *e) { entry_set_root(e, ENC_STREAM, stream_make()); }

static uint64_t stream_value_count(const struct entry *e) { return stream_of(e)->length; }

/* It is counted as it grows: nothing need be measured. */
static size_t stream_value_bytes(const struct entry *e, uint64_t samples)
{
    (void)samples;
    return stream_memory(stream_of(e));
}

static void *stream_value_copy(const struct entry *e) { return stream_copy(stream_of(e)); }

static uint64_t stream_value_free_cost(enum value_encoding enc, const void *root)
{
    (void)enc;
    return stream_pieces(root);
}

static bool stream_value_free_some(enum value_encoding enc, void *root, uint64_t max)
{
    (void)enc;
    return stream_free_some(root, max);
}

const struct type_ops stream_ops = {
    .make = stream_value_make,
    .count = stream_value_count,
    .bytes = stream_value_bytes,
    .copy = stream_value_copy,
    .free_cost = stream_value_free_cost,
    .free_some = stream_value_free_some,
};
