/*
 * A band: a small open-addressed array of words ordered by their tag, which is their top 16 bits. 0
 * is an empty place.
 *
 * A word belongs at its home, band_home(tag), and stands there or further right; words stand in the
 * order of their tags and no empty place lies between a word and its home. So a search starts at
 * home and ends at the first empty place or higher tag. The last places are nobody's home: they
 * take what spills over. The very last one is always empty, so walks need no bound.
 *
 * Tags are bits of a hash: spread evenly. When a band has no place left for a word (rare before
 * band_limit()), it grows.
 */
#ifndef EXECUTE_KEYSPACE_BAND_H
#define EXECUTE_KEYSPACE_BAND_H

#include "execute/execute_private.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define BAND_TAG_SHIFT 48
#define BAND_LOW (((uint64_t)1 << BAND_TAG_SHIFT) - 1)

static inline uint32_t band_tag(uint64_t word) { return (uint32_t)(word >> BAND_TAG_SHIFT); }

/* How many places are homes. */
static inline uint32_t band_homes(uint32_t room) { return room - room / 32 - 3; }

static inline uint32_t band_home(uint32_t tag, uint32_t homes) { return (tag * homes) >> 16; }

/* The most words that a band should hold. */
static inline uint32_t band_limit(uint32_t room) { return room * 55 / 64; }

/* True at an empty place and from `tag` on: an empty place counts as a tag above all. */
static inline bool band_reached(uint64_t word, uint32_t tag)
{
    return (uint32_t)((word - 1) >> BAND_TAG_SHIFT) >= tag;
}

/* The first place at or after the tag's home that is empty or has this tag or a higher one. */
static inline uint32_t band_seek(const uint64_t *words, uint32_t room, uint32_t tag)
{
    uint32_t at = band_home(tag, band_homes(room));
    while (!band_reached(words[at], tag)) at++;
    return at;
}

/* The place of exactly this word, or -1. */
static inline int32_t band_find(const uint64_t *words, uint32_t room, uint64_t word)
{
    uint32_t tag = band_tag(word);
    for (uint32_t at = band_seek(words, room, tag); band_tag(words[at]) == tag && words[at]; at++) {
        if (words[at] == word) return (int32_t)at;
    }
    return -1;
}

/* False when there is no place: then nothing has changed. */
static inline bool band_insert(uint64_t *words, uint32_t room, uint64_t word)
{
    uint32_t at = band_seek(words, room, band_tag(word)), end = at;
    while (words[end] != 0) end++;
    if (end >= room - 1) return false;
    if (end > at) memmove(&words[at + 1], &words[at], (end - at) * sizeof(*words));
    words[at] = word;
    return true;
}

static inline void band_remove(uint64_t *words, uint32_t room, uint32_t at)
{
    uint32_t homes = band_homes(room), end = at + 1;
    while (words[end] != 0 && band_home(band_tag(words[end]), homes) < end) end++;
    if (end > at + 1) memmove(&words[at], &words[at + 1], (end - at - 1) * sizeof(*words));
    words[end - 1] = 0;
}

/* Fills an empty band with `count` words that stand ordered in `from`, empty places among them;
 * false when they do not fit. */
static inline bool band_fill(uint64_t *words, uint32_t room, const uint64_t *from, uint32_t count)
{
    uint32_t homes = band_homes(room), next = 0;
    for (; count > 0; from++) {
        if (*from == 0) continue;
        uint32_t home = band_home(band_tag(*from), homes);
        if (home > next) next = home;
        if (next >= room - 1) return false;
        words[next++] = *from;
        count--;
    }
    return true;
}

/* The sizes of bands, in words: the allocator's size classes. */
#define BAND_STEPS 16
extern const uint16_t band_rooms[BAND_STEPS];

#endif
