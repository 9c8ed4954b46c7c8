/*
 * What the loaders of the types share, for load*.c alone. They read what the value consists of and
 * note the first thing that is wrong; whoever is told "false" frees what he has built and returns
 * NULL.
 */
#ifndef EXECUTE_TYPES_LOAD_PARTS_H
#define EXECUTE_TYPES_LOAD_PARTS_H

#include "execute/types/load.h"

#include "codec/ziplist.h"
#include "execute/types/listpack.h"
#include "execute/types/type.h"

struct load {
    struct rdb_in *in;
    uint8_t type;      /* enum rdb_type */
    struct bytes name; /* of the key */
    const char *wrong; /* what was found, in words for the log; NULL so far */
};

/* Notes it unless something was wrong before. Gives false. */
bool load_wrong(struct load *l, const char *what);

/* ---- Strings ---- */
/* Where texts are read into, one after the other. */
struct load_text {
    struct bytes text; /* good until the next one is taken */
    struct rdb_string form;
    char *unpacked; /* owns */
    size_t room;
};
bool load_take_text(struct load *l, struct load_text *t);
void load_text_end(struct load_text *t);

/* A count of things of at least `each` bytes of input; 0 is wrong, as no value may be empty. */
bool load_take_count(struct load *l, size_t each, uint64_t *count);

/* ---- Strings that are a structure of their own ---- */
/* Gives a copy of the string, freed by heap_free(); NULL: wrong. */
uint8_t *load_take_blob(struct load *l, size_t *len);
/* Gives the string as a block; NULL: wrong. */
struct block *load_take_block(struct load *l);
/* Gives a valid listpack; NULL: wrong, `what` for the log. May be empty. */
uint8_t *load_take_listpack(struct load *l, uint32_t *count, const char *what);
/* Gives a copy of a valid ziplist as a listpack; NULL: wrong, `what` for the log. May be empty. */
uint8_t *load_take_ziplist(struct load *l, uint32_t *count, const char *what);
/* Where the small form of a type ends. */
struct load_limits {
    uint64_t elements; /* in all */
    uint64_t bytes;    /* of the elements 0, step, 2 * step, ... */
    unsigned step;
};
bool load_fits(const uint8_t *lp, uint32_t count, const struct load_limits *limits);
/* True when no two of the elements 0, step, 2 * step, ... are the same text. */
bool load_is_distinct(const uint8_t *lp, uint32_t count, unsigned step);

/* ---- Results ---- */
/* Gives a loose entry with this root, which is taken. */
struct entry *load_entry(struct load *l, enum value_type type, enum value_encoding enc, void *root);
/* Gives `e`, or frees it (it may be NULL) and gives NULL. */
struct entry *load_done(struct entry *e, bool good);

/* ---- The types: each gives a loose entry, or NULL when something is wrong ---- */
struct entry *load_list(struct load *l);
struct entry *load_set(struct load *l);
struct entry *load_zset(struct load *l);
struct entry *load_hash(struct load *l);

#endif
