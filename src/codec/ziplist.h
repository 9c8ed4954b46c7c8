/*
 * Reads ziplists, the compact lists of Redis before version 7, as old RDB payloads hold them:
 * 4 bytes length in all, 4 bytes place of the last item, 2 bytes count (65535: not known), items,
 * 0xff; all little endian. An item is the length of the one before, its encoding, its data. Pure
 * functions.
 */
#ifndef CODEC_ZIPLIST_H
#define CODEC_ZIPLIST_H

#include "base/bytes.h"

struct ziplist_item {
    bool is_int;
    struct bytes text; /* borrows from the ziplist; not of an integer */
    int64_t number;
};

/* True when `zl` is a ziplist whose length, count, tail and items agree, walked one by one. */
bool ziplist_is_valid(struct bytes zl, uint32_t *count);

/* A walk over a valid one: false behind the last item. */
struct ziplist_walk {
    const uint8_t *at, *end;
};
struct ziplist_walk ziplist_walk(struct bytes zl);
bool ziplist_next(struct ziplist_walk *walk, struct ziplist_item *item);

#endif
