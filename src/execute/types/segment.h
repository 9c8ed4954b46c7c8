/*
 * A segment: the part of a table whose keys' hashes end in the same `depth` bits. A header, then a
 * band of slots: the tag is the top 16 bits of the key's hash, the low 48 bits are the address of
 * the entry. Keys with a TTL have a second band beside it: the same tags, and the deadline in ms (1
 * .. 2^48-1, later ones capped).
 */
#ifndef EXECUTE_TYPES_SEGMENT_H
#define EXECUTE_TYPES_SEGMENT_H

#include "execute/types/band.h"
#include "execute/types/entry.h"

struct segment {
    uint64_t *deadlines; /* NULL without; owned */
    uint64_t prefix;     /* the low `depth` bits of all its hashes */
    uint32_t heap_at;    /* place in the table's heap while it has deadlines */
    uint16_t count, deadline_count;
    uint16_t room; /* slots */
    uint8_t step, deadline_step;
    uint8_t depth;
    uint64_t slots[];
};

#define SEGMENT_HEADER_SLOTS (sizeof(struct segment) / sizeof(uint64_t))
#define SEGMENT_FIRST_STEP 2
#define SEGMENT_LAST_STEP (BAND_STEPS - 2)
#define SEGMENT_ROOM_MAX 640

static inline uint32_t segment_step_room(unsigned step)
{
    return band_rooms[step] - (uint32_t)SEGMENT_HEADER_SLOTS;
}

static inline size_t segment_bytes(const struct segment *s)
{
    return band_rooms[s->step] * sizeof(uint64_t);
}

static inline struct entry *segment_entry(uint64_t slot)
{
    return (struct entry *)(uintptr_t)(slot & BAND_LOW);
}

static inline uint64_t segment_slot(uint64_t hash, const struct entry *e)
{
    return (hash & ~BAND_LOW) | (uint64_t)(uintptr_t)e;
}

/* The smallest step that holds so many keys without growing at once. */
unsigned segment_step_for(uint32_t count);
/* Empty, without deadlines. */
struct segment *segment_make(unsigned step, unsigned depth, uint64_t prefix);
/* What a new segment is to be. */
struct segment_plan {
    unsigned step, last_step; /* the sizes to try */
    unsigned depth;
    uint64_t prefix;
};
/* A segment with these slots, ordered, empty places among them; NULL when no step of the plan takes
 * them. */
struct segment *segment_make_of(struct segment_plan plan, const uint64_t *from, uint32_t count);
/* Its entries stay; it must have no deadlines. */
void segment_free(struct segment *s);

#endif
