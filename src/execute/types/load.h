/*
 * Values from RDB: what RESTORE is given, and what a snapshot holds after a key. All forms of Redis
 * up to 7.4 are read, the old ones by conversion.
 *
 * Nothing is trusted. Whatever was found sound satisfies the invariants of its type; what is not is
 * refused whole, and what was built of it is freed: wrong lengths, empty collections, members that
 * come twice, order that is none, scores that are no numbers. No allocation is larger than the
 * input's own bytes justify.
 */
#ifndef EXECUTE_TYPES_LOAD_H
#define EXECUTE_TYPES_LOAD_H

#include "execute/types/value.h"

#include "codec/rdb.h"

/* The reason when a value is sound but for having no elements. All of it is taken. Old servers
 * could make such keys, so that a file may hold them. */
extern const char load_empty[];

/*
 * The value that follows a type byte, as a loose entry of this name without a deadline. NULL when
 * it is in *out; else the reason, words for the log, and *out is NULL. What comes after the value
 * is still in `in`.
 */
const char *load_value(struct rdb_in *in, uint8_t type, struct bytes name, struct entry **out);

#endif
