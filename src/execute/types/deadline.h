/*
 * The index of deadlines of one table: which keys are due, without a look at the others.
 *
 * Each segment has a band of its keys' deadlines; a binary heap orders the segments by a lower
 * bound of their earliest one. The bound is exact after deadline_take_due() and grows stale when
 * the earliest is taken away: that costs one look too many, never one too few.
 */
#ifndef EXECUTE_TYPES_DEADLINE_H
#define EXECUTE_TYPES_DEADLINE_H

#include "execute/types/segment.h"

struct deadline_due {
    int64_t at_ms;
    struct segment *segment;
};

struct deadline_heap {
    struct deadline_due *due; /* due[0] is the earliest */
    uint32_t count, cap;
    uint64_t keys;  /* deadlines in all bands */
    uint64_t words; /* room of all bands */
};

/* The word of a band for a key of this hash. */
uint64_t deadline_word(uint64_t hash, int64_t at_ms);
static inline int64_t deadline_of_word(uint64_t word) { return (int64_t)(word & BAND_LOW); }

void deadline_add(struct deadline_heap *h, struct segment *s, uint64_t word);
void deadline_remove(struct deadline_heap *h, struct segment *s, uint64_t word);
/* Gives a segment without deadlines these, in the order of tags. */
void deadline_build(struct deadline_heap *h, struct segment *s, const uint64_t *words,
                    uint32_t count);
/* A segment got a new address; `s` has the old one's band and place in the heap. */
void deadline_moved(struct deadline_heap *h, struct segment *s);
/* Forgets all deadlines of a segment (to be split, merged or freed). */
void deadline_drop(struct deadline_heap *h, struct segment *s);
/* Earliest deadline at best, -1 without any. */
static inline int64_t deadline_next(const struct deadline_heap *h)
{
    return h->count == 0 ? -1 : h->due[0].at_ms;
}
/*
 * Takes up to `max` words that are due at now_ms out of the segment, in the order of tags, and
 * makes the segment's bound exact. Their entries are for the caller to remove. `out` has room for
 * SEGMENT_ROOM_MAX.
 */
uint32_t deadline_take_due(struct deadline_heap *h, struct segment *s, int64_t now_ms,
                           uint64_t *out, uint32_t max);
/* Frees the heap; the bands are the segments'. */
void deadline_close(struct deadline_heap *h);

#endif
