/*
 * Streams as RDB has them: nodes as listpacks of Redis's layout, the ids and counters of the
 * stream, then its groups with their pending entries and consumers.
 *
 * A listpack of a node: how many entries, how many deleted ones, how many fields, the fields, 0;
 * then each entry: flags, ms and number as differences to the node's id, either the values of those
 * fields or a count of fields with names and values, and how many elements that were.
 */
#ifndef EXECUTE_TYPES_STREAM_DUMP_H
#define EXECUTE_TYPES_STREAM_DUMP_H

#include "execute/execute_private.h"

#include "codec/rdb.h"
#include "execute/types/stream.h"

enum { STREAM_PACKED_DELETED = 1, STREAM_PACKED_NODE_NAMES = 2 }; /* flags of an entry */
#define STREAM_PACKED_ID 16                                       /* bytes, both parts big endian */

/* The byte that says the type, then the value, for readers of RDB up to `version`. */
void stream_dump(struct rdb_out *out, const struct stream *s, uint16_t version);

/*
 * The value that follows the byte `type`, one of the RDB_STREAM_LISTPACKS. NULL when it is in *out,
 * which is given; else the reason, words for the log. Nothing is trusted: what was found sound
 * satisfies all invariants.
 */
const char *stream_load(struct rdb_in *in, uint8_t type, struct stream **out);

#endif
