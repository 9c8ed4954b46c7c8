/*
 * Reads zipmaps, the compact hashes of Redis before version 2.6, as old RDB payloads hold them:
 * 1 byte count (254: not known), pairs, 0xff. A pair is length and field, length, 1 byte of unused
 * bytes after the value, value, those bytes; a length is 1 byte, or 254 and 4 bytes little endian.
 * Pure functions.
 */
#ifndef CODEC_ZIPMAP_H
#define CODEC_ZIPMAP_H

#include "base/bytes.h"

/* True when `map` is a zipmap whose count and pairs agree and that ends where it should. */
bool zipmap_is_valid(struct bytes map, uint32_t *count);

/* A walk over a valid one: false behind the last pair. The bytes are borrowed from the zipmap. */
struct zipmap_walk {
    const uint8_t *at, *end;
};
struct zipmap_walk zipmap_walk(struct bytes map);
bool zipmap_next(struct zipmap_walk *walk, struct bytes *field, struct bytes *value);

#endif
