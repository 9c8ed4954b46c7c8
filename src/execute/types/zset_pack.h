/*
 * The small form of a sorted set: a listpack of member, score, member, score ... in order. Scores
 * are integers where they are whole, else the shortest text that reads back as the same number.
 */
#ifndef EXECUTE_TYPES_ZSET_PACK_H
#define EXECUTE_TYPES_ZSET_PACK_H

#include "execute/types/zset.h"

/* The member at a place, printed into `scratch` if it is an integer, with its score. */
struct zset_item zset_pack_item(const uint8_t *lp, const uint8_t *at,
                                char scratch[LISTPACK_INT_CHARS]);
/* The place of a member, or NULL. */
uint8_t *zset_pack_find(const uint8_t *lp, struct bytes member);
/* How many come before a place that zset_pack_find() gave. */
uint64_t zset_pack_rank(const uint8_t *lp, const uint8_t *at);
uint64_t zset_pack_below(const uint8_t *lp, const struct rank_bound *b);
/* True when one more member is within the options' limits. */
bool zset_pack_takes(const uint8_t *lp, struct bytes member);
/* The member must not be there. Takes the listpack and gives it; so do the others. */
uint8_t *zset_pack_insert(uint8_t *lp, struct bytes member, double score);
/* At the end: the order is the caller's. */
uint8_t *zset_pack_append(uint8_t *lp, struct bytes member, double score);
uint8_t *zset_pack_remove(uint8_t *lp, uint8_t *at);

#endif
