/*
 * The form of a snapshot: how its parts are written one after the other. snapshot.c says what comes
 * and when; a form only turns it into bytes. Values come in any order and from database to
 * database; each is written whole, or in steps with nothing in between.
 */
#ifndef EXECUTE_CORE_SNAPSHOT_FORM_H
#define EXECUTE_CORE_SNAPSHOT_FORM_H

#include "execute/execute_private.h"

#include "codec/rdb.h"
#include "execute/core/snapshot.h"
#include "execute/types/dump.h"

/* Where the writing of a large value stands. It does not change meanwhile, nor does its entry
 * move. */
struct snapshot_cursor {
    const struct entry *e;
    struct dump_walk walk; /* SNAPSHOT_RDB; its union of walks suits other forms, too */
    uint64_t done;         /* elements so far; a form's own */
    unsigned phase;        /* a form's own; 0 at first, as all else */
};

struct snapshot_form_ops {
    void (*begin)(struct rdb_out *out, const struct snapshot_terms *terms);
    /* A library of functions, by its code. Before all values. */
    void (*function)(struct rdb_out *out, struct bytes code);
    /* What follows is of this database. */
    void (*select)(struct rdb_out *out, int number);
    /* Once for each database, after select(): what is to be expected; may be NULL. */
    void (*expect)(struct rdb_out *out, uint64_t keys, uint64_t deadlines);
    /* The whole of it: name, value, deadline. */
    void (*entry)(struct rdb_out *out, const struct entry *e);
    /* The same of a large value in steps (dump_is_large() says which): `c` is zeroed but for e. */
    void (*large_begin)(struct rdb_out *out, struct snapshot_cursor *c);
    /* About `max` elements; true when all is written. */
    bool (*large_step)(struct rdb_out *out, struct snapshot_cursor *c, uint64_t max);
    /* What stands before a long string that persist compresses; NULL: it is written in steps. */
    void (*string_head)(struct rdb_out *out, const struct entry *e);
    /* What comes before the checksum, if there is one. */
    void (*end)(struct rdb_out *out);
    bool has_checksum; /* 8 bytes follow the end: CRC-64 of all before, or 0 */
    bool compresses;   /* as the terms say */
};

/* snapshot_rdb.c, snapshot_commands.c */
extern const struct snapshot_form_ops snapshot_form_rdb, snapshot_form_commands;

/* Who knows the libraries of functions gives their codes one after the other (core knows none). */
void snapshot_on_functions(void (*each)(void (*give)(void *ctx, struct bytes code), void *ctx));

#endif
