/*
 * A listpack: strings and integers one after the other in one allocation, walked both ways. The
 * format is the one of Redis (its listpack.md), byte for byte, so that small values move between
 * the servers as they are: 4 bytes length in all, 2 bytes count (65535: not known, count by
 * walking), elements, 0xff. An element is its encoding with the data and a length to walk back by.
 *
 * Texts that read strictly as a 64-bit integer are kept as one, and read back as the same text.
 *
 * Functions that change a listpack take it and give it back: its address may change. It keeps some
 * room when it shrinks, up to as much as it uses. Places (`at`)
 * are addresses in it: good until the next change, but for those that a change gives. Lengths are
 * bytes. A listpack never exceeds LISTPACK_MAX; callers ask listpack_fits() before they grow one.
 */
#ifndef EXECUTE_TYPES_LISTPACK_H
#define EXECUTE_TYPES_LISTPACK_H

#include "execute/execute_private.h"

#include "base/bytes.h"

#define LISTPACK_MAX ((size_t)1 << 30)
#define LISTPACK_EMPTY 7      /* bytes of one without elements */
#define LISTPACK_INT_CHARS 24 /* room for an integer's text */

/* Empty, with room for so many bytes in all (0: no more than needed). Freed by heap_free(). */
uint8_t *listpack_make(size_t room);
uint8_t *listpack_copy(const uint8_t *lp);
/* Gives back what was allocated ahead. */
uint8_t *listpack_trim(uint8_t *lp);

static inline size_t listpack_bytes(const uint8_t *lp)
{
    return (size_t)lp[0] | (size_t)lp[1] << 8 | (size_t)lp[2] << 16 | (size_t)lp[3] << 24;
}

/* Walks when there are 65535 elements and more. */
uint32_t listpack_count(const uint8_t *lp);
/* True when an element of so many bytes of text may be added. */
bool listpack_fits(const uint8_t *lp, size_t len);
/* An upper bound of what a text of `len` bytes will take as an element. */
size_t listpack_cost(size_t len);

/* ---- Walks: NULL before the first and behind the last ---- */
uint8_t *listpack_first(const uint8_t *lp);
uint8_t *listpack_last(const uint8_t *lp);
uint8_t *listpack_next(const uint8_t *lp, const uint8_t *at);
uint8_t *listpack_prev(const uint8_t *lp, const uint8_t *at);
/* Index from 0; -1 is the last one. NULL out of range. Walks from the nearer end. */
uint8_t *listpack_seek(const uint8_t *lp, int64_t index);

/* ---- Elements ---- */
/* True: an integer, *number is set. False: *text is set, it points into the listpack. */
bool listpack_get(const uint8_t *at, struct bytes *text, int64_t *number);
/* The element as text; an integer is printed into scratch. */
struct bytes listpack_text(const uint8_t *at, char scratch[LISTPACK_INT_CHARS]);
/* True when it is an integer or a text that reads strictly as one. */
bool listpack_int(const uint8_t *at, int64_t *out);
bool listpack_equals(const uint8_t *at, struct bytes text);
/* Bytes that the element takes in the listpack. */
size_t listpack_size_at(const uint8_t *at);
/*
 * The first element from `from` on (a place, may be NULL: then NULL) that equals `text`, looking at
 * one and skipping `skip` after each: skip 1 looks at fields of field-value pairs. NULL when there
 * is none.
 */
uint8_t *listpack_find(const uint8_t *lp, const uint8_t *from, struct bytes text, unsigned skip);

/* ---- Changes ---- */
/* `text` must not lie in the listpack itself. */
uint8_t *listpack_append(uint8_t *lp, struct bytes text);
uint8_t *listpack_append_int(uint8_t *lp, int64_t number);
uint8_t *listpack_prepend(uint8_t *lp, struct bytes text);
/* Inserts before *at, which is then the place of the new element; *at NULL: at the end. */
uint8_t *listpack_insert(uint8_t *lp, uint8_t **at, struct bytes text);
/* Another value in the place of *at; *at is then its place. */
uint8_t *listpack_replace(uint8_t *lp, uint8_t **at, struct bytes text);
uint8_t *listpack_replace_int(uint8_t *lp, uint8_t **at, int64_t number);
/* Deletes up to `count` elements from *at on; *at is then the place of what followed, or NULL. */
uint8_t *listpack_delete(uint8_t *lp, uint8_t **at, uint32_t count);
/* Adds all elements of `other` behind the last one. */
uint8_t *listpack_join(uint8_t *lp, const uint8_t *other);

/* ---- At the ends, where the room is the caller's business ---- */
/*
 * For listpacks that do not fill their allocation and may begin behind its start
 * (types/quicklist.h): nothing here allocates or moves more than the header.
 */
/* Appends if the listpack then has no more than `room` bytes; else nothing happens. */
bool listpack_append_within(uint8_t *lp, size_t room, struct bytes text);
/* Prepends into at most `gap` bytes before `lp` and gives where it begins now; NULL when they are
 * too few. */
uint8_t *listpack_prepend_within(uint8_t *lp, size_t gap, struct bytes text);
/* The first element goes, there must be one; gives where the listpack begins now. */
uint8_t *listpack_drop_first(uint8_t *lp);
/* The last element goes, there must be one. */
void listpack_drop_last(uint8_t *lp);

/* ---- What came from outside ---- */
/*
 * True when `len` bytes are a listpack whose length, count and elements agree, walked one by one:
 * then all functions above are safe with a copy of them. *count is set to its elements.
 */
bool listpack_is_valid(const uint8_t *bytes, size_t len, uint32_t *count);

#endif
