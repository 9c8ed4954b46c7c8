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

/* The byte that says the type, for readers of RDB up to `version`. */
uint8_t stream_dump_type(uint16_t version);

/* Writing a stream in steps; it does not change meanwhile. */
struct stream_dump {
    const struct stream *s;
    bool with_active; /* consumers have a second time */
    enum stream_dump_phase {
        STREAM_DUMP_NODES,
        STREAM_DUMP_GROUPS,
        STREAM_DUMP_PENDING,       /* of a group */
        STREAM_DUMP_CONSUMERS,     /* of a group */
        STREAM_DUMP_CONSUMERS_IDS, /* what is pending of a consumer */
        STREAM_DUMP_DONE,
    } phase;
    const struct stream_group *group;
    const struct stream_consumer *consumer;
    struct sorted_place node_at, group_at, consumer_at, pending_at; /* what comes next */
};
/* Writes what comes before the first node; the byte of the type was written. */
void stream_dump_begin(struct rdb_out *out, struct stream_dump *d, const struct stream *s,
                       uint16_t version);
/* The groups alone: what follows the byte tells a stream without entries. */
void stream_dump_groups_begin(struct rdb_out *out, struct stream_dump *d, const struct stream *s,
                              uint16_t version);
/* About `max` pending entries, or what is as much work; true when all is written. */
bool stream_dump_step(struct rdb_out *out, struct stream_dump *d, uint64_t max);

/*
 * The value that follows the byte `type`, one of the RDB_STREAM_LISTPACKS. NULL when it is in *out,
 * which is given; else the reason, words for the log. Nothing is trusted: what was found sound
 * satisfies all invariants.
 */
const char *stream_load(struct rdb_in *in, uint8_t type, struct stream **out);

#endif
