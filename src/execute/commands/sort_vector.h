/*
 * What SORT sorts: the elements of a list, set or sorted set, gathered into one array; and what its
 * BY and GET patterns find for an element.
 */
#ifndef EXECUTE_COMMANDS_SORT_VECTOR_H
#define EXECUTE_COMMANDS_SORT_VECTOR_H

#include "execute/execute_private.h"

#include "execute/core/call.h"
#include "execute/types/hash.h"

struct sort_element {
    struct bytes text; /* .ptr NULL: a number */
    int64_t number;
    struct block *block; /* that the text lies in and that the vector shares, or NULL */
};

struct sort_chunk;

/* Texts lie in the value that they came from where they stay put there; the value must not change
 * as long as they are used. */
struct sort_vector {
    struct sort_element *list;
    uint64_t count, room;
    struct sort_chunk *chunks; /* texts that were copied */
};

/* All elements, or `count` of them from `from` on, which are there; of lists and sorted sets from
 * the other end when `backward`. `e` is one of those types. */
void sort_gather(struct sort_vector *v, const struct entry *e, uint64_t from, uint64_t count,
                 bool backward);
void sort_vector_free(struct sort_vector *v);
/* Copies a text that will not stay where it is. */
struct bytes sort_keep(struct sort_vector *v, struct bytes text);

/* An integer is printed into scratch. */
struct bytes sort_text(const struct sort_element *s, char scratch[NUMBER_INT_CHARS]);

/* ---- Patterns ---- */

struct sort_pattern {
    bool is_self;  /* "#": the element itself */
    bool is_fixed; /* no star in it: it finds nothing */
    struct bytes head, tail;
    struct bytes field; /* of a hash; empty: the key is a string */
};
struct sort_pattern sort_pattern(struct bytes text);

struct sort_found {
    struct bytes text;   /* good until `found` is used again; the string itself stays put */
    struct block *block; /* that it lies in, or NULL */
    bool is_volatile;    /* the text lies in here */
    char scratch[STRING_INT_CHARS];
    struct hash_item item;
};

/* Where names of keys are put together. */
struct sort_name {
    char *bytes;
    size_t room;
    bool met_due; /* a field that is due and still there: a replay would find it */
};

/* False when there is nothing, or something of another type. `pattern` is not fixed. */
bool sort_find(struct call *c, const struct sort_pattern *pattern, const struct sort_element *s,
               struct sort_name *name, struct sort_found *found);

#endif
