/*
 * An intset: different integers in order, in one allocation. The format is the one of Redis, byte
 * for byte: 4 bytes width of an integer (2, 4 or 8), 4 bytes count, the integers, all little
 * endian. The width is what the widest one that was ever added needs.
 *
 * Functions that change an intset take it and give it back: its address may change.
 */
#ifndef EXECUTE_TYPES_INTSET_H
#define EXECUTE_TYPES_INTSET_H

#include "execute/execute_private.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTSET_HEADER 8

/* Empty. Freed by heap_free(). */
uint8_t *intset_make(void);
uint8_t *intset_copy(const uint8_t *is);
uint32_t intset_count(const uint8_t *is);
size_t intset_bytes(const uint8_t *is);
/* `index` is below the count; ascending. */
int64_t intset_get(const uint8_t *is, uint32_t index);
/* Where the number is, or would be inserted. */
bool intset_find(const uint8_t *is, int64_t number, uint32_t *index);
/* *added is false when it was there; *removed is false when it was not. */
uint8_t *intset_add(uint8_t *is, int64_t number, bool *added);
uint8_t *intset_remove(uint8_t *is, int64_t number, bool *removed);
/* Removes `count` (in range) from `index` on. */
uint8_t *intset_cut(uint8_t *is, uint32_t index, uint32_t count);

/* True when `len` bytes are an intset: width, count and length agree, ascending, no duplicate. */
bool intset_is_valid(const uint8_t *bytes, size_t len);

#endif
