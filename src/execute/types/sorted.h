/*
 * A sorted array of records of one size, kept in chunks, for what is mostly added at the end and
 * taken from the front: both are O(1) there, and no single call moves more than a chunk and the
 * list of chunks. Finding a record is a binary search in both.
 *
 * A kind says how long a record is (a multiple of 8 bytes) and how records are ordered. A place is
 * good until the next insertion or removal, but for the one that these give.
 */
#ifndef EXECUTE_TYPES_SORTED_H
#define EXECUTE_TYPES_SORTED_H

#include "execute/execute_private.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sorted_kind {
    uint16_t record; /* bytes */
    uint16_t most;   /* records of a chunk, at least 8 */
    /* < 0, 0, > 0 as the record stands before, at or behind the key. */
    int (*compare)(const void *record, const void *key);
};

struct sorted_chunk;

struct sorted {
    const struct sorted_kind *kind;
    struct sorted_chunk **chunks;     /* an allocation of `room`; those in use begin at `from` */
    uint32_t from, chunk_count, room; /* chunks */
    uint64_t count;                   /* records */
    size_t bytes;                     /* allocated in all */
};

/* Behind the last record: {chunk_count, 0}. */
struct sorted_place {
    uint32_t chunk, index;
};

/* Empty; allocates nothing. */
void sorted_open(struct sorted *s, const struct sorted_kind *kind);
/* What the records own is the caller's business. */
void sorted_close(struct sorted *s);
/* Frees up to `max` chunks from the front; true when nothing is left. */
bool sorted_close_some(struct sorted *s, uint32_t max);
/* `to` is opened with the same records, byte for byte. */
void sorted_copy(struct sorted *to, const struct sorted *from);

/* ---- Places ---- */
static inline struct sorted_place sorted_first(const struct sorted *s)
{
    (void)s;
    return (struct sorted_place){0, 0};
}
struct sorted_place sorted_end(const struct sorted *s);
/* The first record that does not stand before the key. */
struct sorted_place sorted_seek(const struct sorted *s, const void *key);
/* NULL behind the last record. */
void *sorted_at(const struct sorted *s, struct sorted_place at);
/* One further; not behind the end. */
void sorted_next(const struct sorted *s, struct sorted_place *at);
/* One back; false at the first record. */
bool sorted_prev(const struct sorted *s, struct sorted_place *at);

/* ---- Records ---- */
/* The record that compares equal, or NULL. */
void *sorted_find(const struct sorted *s, const void *key);
void *sorted_find_last(const struct sorted *s); /* NULL when empty */
/* Gives room for a record before `at`, not set; the caller keeps the order. */
void *sorted_insert(struct sorted *s, struct sorted_place at);
/* Removes the record at *at, which then is the place of what followed. */
void sorted_remove(struct sorted *s, struct sorted_place *at);

#endif
