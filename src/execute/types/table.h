/*
 * A table of entries by name: a database's keys, the fields of a large hash, the members of a large
 * set. Extendible hashing over segments.
 *
 * The directory has 2^depth words; the low `depth` bits of a hash choose one. A word holds the
 * address of a segment in its low 48 bits and the number of homes of the segment's band in its top
 * 16 (so that a lookup goes from the directory straight to the slot). A segment of depth d stands
 * under all 2^(depth-d) indexes that end in its prefix. A full segment grows through the steps of
 * band_rooms, then splits in two; segments that empty shrink, and merge with their buddy. No step
 * touches more than one or two segments, but for the directory, which is copied when it doubles or
 * halves.
 *
 * Entries never move when the table changes.
 */
#ifndef EXECUTE_TYPES_TABLE_H
#define EXECUTE_TYPES_TABLE_H

#include "execute/types/deadline.h"
#include "execute/types/key.h"

#include "base/random.h"

#define TABLE_DEPTH_MAX 40

struct table {
    uint64_t *directory; /* NULL until the first key */
    uint64_t mask;       /* 2^depth - 1 */
    uint64_t count;
    unsigned depth;
    uint64_t slots; /* room of all segments */
    size_t segment_bytes;
    uint64_t at_depth[TABLE_DEPTH_MAX + 1]; /* segments by depth */
    struct deadline_heap deadlines;         /* entry_due() of all entries that have one */
    uint64_t own_deadlines;                 /* entries that have a deadline themselves */
    uint64_t element_deadlines; /* entries some of whose elements have one; maybe both */
};

static inline struct segment *table_word_segment(uint64_t word)
{
    return (struct segment *)(uintptr_t)(word & BAND_LOW);
}

/* The segment for a hash; the table must have a directory. */
static inline struct segment *table_segment(const struct table *t, uint64_t hash)
{
    return table_word_segment(t->directory[hash & t->mask]);
}

/* Where the search for a hash starts. */
static inline const uint64_t *table_home(const struct table *t, uint64_t hash)
{
    uint64_t word = t->directory[hash & t->mask];
    return table_word_segment(word)->slots + band_home(band_tag(hash), band_tag(word));
}

/* The first slot with the hash's tag, if there is one; else one with another tag or an empty one.
 */
static inline const uint64_t *table_seek(const struct table *t, uint64_t hash)
{
    uint32_t tag = band_tag(hash), homes = band_tag(t->directory[hash & t->mask]);
    return band_walk(table_home(t, hash), homes, tag);
}

/* The slot of a key, or NULL. */
static inline uint64_t *table_find(const struct table *t, struct key key)
{
    if (unlikely(t->directory == NULL)) return NULL;
    uint32_t tag = band_tag(key.hash);
    uint64_t *slot = (uint64_t *)(uintptr_t)table_seek(t, key.hash);
    for (; band_tag(*slot) == tag && *slot != 0; slot++) {
        if (likely(entry_is_named(segment_entry(*slot), key.name))) return slot;
    }
    return NULL;
}

/*
 * Two passes of a pipeline of lookups: first the slot's cache lines, later the entry's. Both only
 * hint. A search reads eight slots at least: two lines.
 */
static inline void table_prefetch_slot(const struct table *t, uint64_t hash)
{
    if (t->directory == NULL) return;
    const uint64_t *home = table_home(t, hash);
    __builtin_prefetch(home);
    __builtin_prefetch(home + BAND_STRIDE - 1);
}

/* Small entries lie in one line, or in two when their size class is no power of two. */
static inline void table_prefetch_entry(const struct table *t, uint64_t hash)
{
    if (t->directory == NULL) return;
    uint64_t slot = *table_seek(t, hash);
    if (band_tag(slot) != band_tag(hash) || slot == 0) return;
    const char *e = (const char *)segment_entry(slot);
    __builtin_prefetch(e);
    if (((uintptr_t)e & 63) != 0) __builtin_prefetch(e + 64);
}

/* The slot of an entry that must be there. */
uint64_t *table_slot_of(const struct table *t, uint64_t hash, const struct entry *e);
/* So many entries are about to come into an empty table: it is made as large as it would have
 * become, without the splits on the way. */
void table_expect(struct table *t, uint64_t count);
/* The key must not be there. When it is due, if ever, is indexed. */
void table_insert(struct table *t, uint64_t hash, struct entry *e);
/* Takes the entry out, of the index of deadlines too; it is the caller's. The segment shrinks or
 * merges where that pays. */
void table_remove(struct table *t, uint64_t hash, uint64_t *slot);
/* In steps, for many of one segment: take from the slots alone, then settle once. The index of
 * deadlines is the caller's. */
void table_take(struct table *t, struct segment *s, uint64_t *slot);
void table_settle(struct table *t, struct segment *s);

/* ---- Deadlines (table_due.c) ---- */
/* What the index knows of an entry; taken before an edit that may change it. */
struct table_due {
    int64_t at_ms;  /* entry_due() */
    unsigned whose; /* ENTRY_DEADLINE: its own, ENTRY_DUE: an element's; either or both */
};
#define TABLE_NEVER_DUE ((struct table_due){.at_ms = ENTRY_NO_DEADLINE})
static inline struct table_due table_due_of(const struct entry *e)
{
    return (struct table_due){entry_due(e), e->flags & (ENTRY_DEADLINE | ENTRY_DUE)};
}
/* The entry of this hash was due at `from` and is now at `to`. */
void table_due_change(struct table *t, uint64_t hash, struct table_due from, struct table_due to);
/* Another deadline for an entry of the table, or ENTRY_NO_DEADLINE; gives it as it stands after. */
struct entry *table_due_set(struct table *t, struct entry *e, int64_t at_ms);
/* The slot of the entry that a word of a segment's band of deadlines stands for. */
uint64_t *table_due_slot(struct segment *s, uint64_t word);
/*
 * A step of expiry: shows `visit` up to `max` (SEGMENT_ROOM_MAX at most) of the entries of the
 * segment with the earliest deadline that are due, with the time that the index had. True: the
 * visitor has freed the entry; false: it stays, and entry_due() says when it is due again. Gives
 * how many were shown; 0 when nothing is due, or only seemed to be.
 */
uint32_t table_due_step(struct table *t, int64_t now_ms, uint32_t max,
                        bool (*visit)(void *ctx, struct entry *e, int64_t due_ms), void *ctx);

/*
 * A step of a walk that growth and shrinking do not disturb (table_scan.c says how). Shows `visit`
 * at least `count` entries, unless the table ends, and gives the next cursor; 0 when done. An entry
 * that is there from the first call to the last is shown at least once. `visit` must not change the
 * table. Any number is taken as a cursor.
 */
uint64_t table_scan(const struct table *t, uint64_t cursor, uint64_t count,
                    void (*visit)(void *ctx, struct entry *e), void *ctx);
/* A slot at random, each as likely as any other; the table must not be empty. */
uint64_t *table_random(const struct table *t, struct random *random);

/* Memory of directory, segments, deadlines. */
size_t table_bytes(const struct table *t);
/* Walks the segments: call with *index 0 first; NULL at the end. */
struct segment *table_next_segment(const struct table *t, uint64_t *index);
/* Frees a segment and its entries; gives how many. Only to take a whole table apart: its place in
 * the directory is left empty. */
uint64_t table_free_segment(struct table *t, struct segment *s);
/* Frees the directory and the heap of a table whose segments are freed, and empties it. */
void table_close(struct table *t);
/* Stops the process when an invariant is broken. Slow, for tests. */
void table_check(const struct table *t);

#endif
