/*
 * The large form of a sorted set, for zset*.c alone: a table of members, which owns them, and the
 * rank tree over them. A member is an entry whose word is the bits of its score.
 */
#ifndef EXECUTE_TYPES_ZSET_LARGE_H
#define EXECUTE_TYPES_ZSET_LARGE_H

#include "execute/types/table.h"
#include "execute/types/zset.h"

struct zset {
    struct table table;
    struct rank_tree tree;
    uint64_t freed; /* where freeing in steps goes on in the table */
};

static inline double *zset_score_at(struct entry *member)
{
    return (double *)(void *)entry_word_at(member);
}

static inline struct bytes zset_name(const struct entry *member)
{
    return bytes_make(entry_name_at(member), entry_name_len(member));
}

struct zset *zset_large_make(void);
/* A listpack in order becomes the large form; the listpack stays the caller's. */
struct zset *zset_large_from_pack(const uint8_t *lp);
struct zset *zset_large_copy(const struct zset *z);
/* Frees about `max` members; true when all is freed, `z` too. */
bool zset_large_free_some(struct zset *z, uint64_t max);
size_t zset_large_bytes(const struct zset *z, uint64_t samples);

/* NULL when it is not there. */
struct entry *zset_large_find(const struct zset *z, struct key member);
/* In the table alone; gives the member. It must not be there. */
struct entry *zset_large_enter(struct zset *z, struct key member, double score);
/* In both. */
void zset_large_insert(struct zset *z, struct key member, double score);
void zset_large_rescore(struct zset *z, struct entry *member, double score);
bool zset_large_remove(struct zset *z, struct key member);
void zset_large_cut(struct zset *z, uint64_t rank, uint64_t count);

#endif
