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
#ifndef EXECUTE_TYPES_BAND_H
#define EXECUTE_TYPES_BAND_H

#include "execute/execute_private.h"

#include "base/must.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define BAND_TAG_SHIFT 48
#define BAND_LOW (((uint64_t)1 << BAND_TAG_SHIFT) - 1)

static inline uint32_t band_tag(uint64_t word) { return (uint32_t)(word >> BAND_TAG_SHIFT); }

/*
 * Searches look at eight words at once, and at eight more. From BAND_SMALL words on a band has
 * eight places behind its last home, from BAND_LARGE on sixteen.
 */
#define BAND_STRIDE 8
#define BAND_SMALL 12
#define BAND_LARGE 120

/* How many places are homes. */
static inline uint32_t band_homes(uint32_t room)
{
    if (likely(room >= BAND_LARGE)) return room - 2 * BAND_STRIDE;
    return room < BAND_SMALL ? room - 3 : room - BAND_STRIDE;
}

static inline uint32_t band_home(uint32_t tag, uint32_t homes) { return (tag * homes) >> 16; }

/* The most words that a band should hold; small ones spill over their end sooner. */
static inline uint32_t band_limit(uint32_t room)
{
    uint32_t homes = band_homes(room), full = room * 61 / 64;
    uint32_t spilling = homes + (room - homes) / 2;
    return spilling < full ? spilling : full;
}

/* True at an empty place and from `tag` on: an empty place counts as a tag above all. */
static inline bool band_reached(uint64_t word, uint32_t tag)
{
    return (uint32_t)((word - 1) >> BAND_TAG_SHIFT) >= tag;
}

typedef uint64_t band_pair __attribute__((vector_size(16), aligned(8), may_alias));
typedef int32_t band_quad __attribute__((vector_size(16)));

/* How many of the two words at `at` come before `tag`, negative, in the lanes 0 and 2. */
static inline band_quad band_count_pair(const uint64_t *at, band_quad tags)
{
    band_pair words = *(const band_pair *)at;
    return (band_quad)((words - 1) >> BAND_TAG_SHIFT) < tags;
}

/* The first of eight places that band_reached(), or the one after them. */
static inline const uint64_t *band_stride(const uint64_t *at, uint32_t tag)
{
    band_quad tags = {(int32_t)tag, 0, (int32_t)tag, 0};
    band_quad n = band_count_pair(at, tags) + band_count_pair(at + 2, tags) +
                  band_count_pair(at + 4, tags) + band_count_pair(at + 6, tags);
    return at - (n[0] + n[2]);
}

/*
 * The first place from a home on that band_reached(), in a band of BAND_SMALL words and more.
 * Strides without a branch: how far words stand from home varies too much for a loop's branches to
 * be foreseen, which costs as much again as the search.
 */
static inline const uint64_t *band_walk(const uint64_t *home, uint32_t homes, uint32_t tag)
{
    const uint64_t *at = band_stride(home, tag);
    if (likely(at != home + BAND_STRIDE)) return at;
    if (likely(homes >= BAND_LARGE - 2 * BAND_STRIDE)) {
        at = band_stride(at, tag);
        if (likely(at != home + 2 * BAND_STRIDE)) return at;
    }
    while (!band_reached(*at, tag)) at++;
    return at;
}

/* The first place at or after the tag's home that is empty or has this tag or a higher one. */
static inline uint32_t band_seek(const uint64_t *words, uint32_t room, uint32_t tag)
{
    uint32_t homes = band_homes(room);
    const uint64_t *at = words + band_home(tag, homes);
    if (likely(room >= BAND_SMALL)) return (uint32_t)(band_walk(at, homes, tag) - words);
    while (!band_reached(*at, tag)) at++;
    return (uint32_t)(at - words);
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

/* Puts the words of two bands into one row, ordered; gives how many. */
static inline uint32_t band_interleave(const uint64_t *a, uint32_t a_room, const uint64_t *b,
                                       uint32_t b_room, uint64_t *out)
{
    uint32_t count = 0, i = 0, j = 0;
    for (;;) {
        while (i < a_room && a[i] == 0) i++;
        while (j < b_room && b[j] == 0) j++;
        if (i == a_room && j == b_room) return count;
        bool first = j == b_room || (i < a_room && band_tag(a[i]) <= band_tag(b[j]));
        out[count++] = first ? a[i++] : b[j++];
    }
}

/* The sizes of bands, in words: the allocator's size classes. */
#define BAND_STEPS 16
extern const uint16_t band_rooms[BAND_STEPS];

#endif
