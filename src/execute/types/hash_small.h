/*
 * The small forms of a hash, for types/hash.c: a listpack of pairs or, with deadlines, of triples.
 * `width` is 2 or 3. Functions that change the listpack take it and give it back.
 */
#ifndef EXECUTE_TYPES_HASH_SMALL_H
#define EXECUTE_TYPES_HASH_SMALL_H

#include "execute/types/hash.h"

#define HASH_SMALL_PAIR 2
#define HASH_SMALL_TRIPLE 3

struct hash_small {
    uint8_t *lp;
    unsigned width;
};

/* The place of a field, NULL without. */
uint8_t *hash_small_find(struct hash_small h, struct bytes field);
/* The place of the field behind the one at `at`, NULL at the end. */
uint8_t *hash_small_next(struct hash_small h, const uint8_t *at);
void hash_small_item(struct hash_small h, const uint8_t *at, struct hash_item *out);
/* ENTRY_NO_DEADLINE without. */
int64_t hash_small_deadline(struct hash_small h, const uint8_t *at);
/* The earliest one. */
int64_t hash_small_due(struct hash_small h);

/* `at` is what hash_small_find() gave. A deadline needs triples. */
void hash_small_put(struct hash_small *h, uint8_t *at, struct bytes field, struct bytes value,
                    int64_t deadline_ms);
void hash_small_set_deadline(struct hash_small *h, uint8_t *at, int64_t deadline_ms);
void hash_small_delete(struct hash_small *h, uint8_t *at);
/* Deletes up to `max` fields that are due; gives how many. */
uint64_t hash_small_expire(struct hash_small *h, int64_t now_ms, uint64_t max,
                           const struct type_going *going);
/* Pairs become triples without deadlines. */
void hash_small_widen(struct hash_small *h);

#endif
