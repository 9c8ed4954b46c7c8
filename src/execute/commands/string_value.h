/*
 * What the handlers of string and bitmap commands share: the lookup that insists on a string, the
 * limit of a string's length, and ranges as clients write them.
 */
#ifndef EXECUTE_COMMANDS_STRING_VALUE_H
#define EXECUTE_COMMANDS_STRING_VALUE_H

#include "execute/execute_private.h"

#include "base/must.h"
#include "execute/core/event.h"
#include "execute/core/loose.h"

/* *out is the entry, NULL when the key is absent. False when the key holds another type: then the
 * error is answered. */
static inline bool string_value_find(struct call *c, struct key key, enum lookup how,
                                     struct entry **out)
{
    *out = keyspace_find(c->db, key, how);
    if (likely(*out == NULL || entry_type(*out) == TYPE_STRING)) return true;
    reply_wrong_type(c);
    return false;
}

/* Stores argument i under the key; a big one is not copied but its block adopted. */
static inline struct entry *string_value_put(struct call *c, struct key key, uint32_t i,
                                             int64_t deadline_ms)
{
    struct bytes value = arg(c, i);
    if (unlikely(value.len >= BLOCK_ARG_MIN)) {
        struct block *b = loose_adopt(value.ptr);
        if (b != NULL) return keyspace_put_block(c->db, key, b, deadline_ms);
    }
    return keyspace_put_string(c->db, key, value, deadline_ms);
}

/* The string's bytes, or none for an absent key. */
static inline struct bytes string_value_bytes(const struct entry *e, char scratch[STRING_INT_CHARS])
{
    return e == NULL ? bytes_make("", 0) : string_bytes(e, scratch);
}

/* May a string be `len` + `more` bytes long? False: the error is answered. */
static inline bool string_value_fits(struct call *c, uint64_t len, uint64_t more)
{
    uint64_t limit = (uint64_t)c->settings->proto_max_bulk_len;
    if (likely(more <= limit && len <= limit - more)) return true;
    if (call_is_replayed(c)) return true; /* it did, by the limit of that time */
    reply_error(c, ERR_STRING_TOO_LONG);
    return false;
}

/*
 * Turns a range as clients write it (both ends included, negative ones count from the end) into one
 * inside [0, total). False when nothing is in it.
 */
static inline bool string_value_range(int64_t total, int64_t *start, int64_t *end)
{
    if (*start < 0) *start += total;
    if (*end < 0) *end += total;
    if (*start < 0) *start = 0;
    if (*end < 0) *end = 0;
    if (*end >= total) *end = total - 1;
    return *start <= *end;
}

#endif
