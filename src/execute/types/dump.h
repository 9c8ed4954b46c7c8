/*
 * Values as RDB: what DUMP answers, and what a snapshot holds after a key.
 */
#ifndef EXECUTE_TYPES_DUMP_H
#define EXECUTE_TYPES_DUMP_H

#include "execute/types/hash.h"
#include "execute/types/set.h"
#include "execute/types/stream_dump.h"
#include "execute/types/value.h"
#include "execute/types/zset.h"

#include "codec/rdb.h"

/*
 * The byte that says the type, then the value, as servers that read up to `version` understand it
 * (RDB_VERSION_7_0 or RDB_VERSION_7_2). Gives the version that it takes to read it: a later one for
 * what no form of `version` can tell.
 */
uint16_t dump_value(struct rdb_out *out, const struct entry *e, uint16_t version);
/* The same as files have it: the key's name stands behind the byte. */
uint16_t dump_named(struct rdb_out *out, const struct entry *e, uint16_t version);

/*
 * In steps, for what would take long at once; the value does not change meanwhile, nor does its
 * entry move. Strings of many bytes are not compressed so.
 */
struct dump_walk {
    const struct entry *e;
    int64_t earliest_ms; /* a hash: the earliest of its fields' deadlines */
    union {
        uint64_t offset; /* a string: bytes that are written */
        uint32_t node;   /* a list: the next one */
        struct set_walk set;
        struct hash_walk hash;
        struct zset_cursor zset; /* the next one, while zset_more */
        struct stream_dump stream;
    };
    bool zset_more;
};

/* Would it take more than some tens of microseconds? Then it is of a form that can be written in
 * steps. */
bool dump_is_large(const struct entry *e);
/* The byte, the name and what comes before the elements. */
void dump_begin(struct rdb_out *out, struct dump_walk *w, const struct entry *e, uint16_t version);
/* About `max` elements, or what weighs as much; true when all is written. */
bool dump_step(struct rdb_out *out, struct dump_walk *w, uint64_t max);

#endif
