/*
 * Sorted sets: members with a score each, ordered by score and, where scores are equal, by the
 * bytes of the members. Scores are never NaN. Ranks count from 0.
 *
 * The small form is a listpack of member, score, member, score ... in order, as Redis has it. The
 * large form, "skiplist" by name, is a table of members, whose word is the score, and a rank tree
 * over them. A small one becomes large when it outgrows the options zset-max-listpack-*; a large
 * one stays large.
 *
 * `e` is the entry of a sorted set. Its address never changes here.
 */
#ifndef EXECUTE_TYPES_ZSET_H
#define EXECUTE_TYPES_ZSET_H

#include "execute/types/key.h"
#include "execute/types/listpack.h"
#include "execute/types/rank_tree.h"
#include "execute/types/type.h"

#include "base/random.h"

extern const struct type_ops zset_ops;

struct table;

struct zset_item {
    struct bytes member;
    double score;
};

/* ---- One member ---- */
uint64_t zset_count(const struct entry *e);
/* False when it is not there. */
bool zset_score(const struct entry *e, struct bytes member, double *score);
/* The rank too; both are set when it is there. */
bool zset_rank(const struct entry *e, struct bytes member, uint64_t *rank, double *score);

/* What zset_add() is to heed. */
enum zset_rule {
    ZSET_NX = 1,   /* only new members */
    ZSET_XX = 2,   /* only members that are there */
    ZSET_GT = 4,   /* no score may become smaller */
    ZSET_LT = 8,   /* ... or greater */
    ZSET_INCR = 16 /* the score is added to the one that is there */
};
enum zset_change {
    ZSET_ADDED,
    ZSET_UPDATED,
    ZSET_SAME,    /* the score was that already */
    ZSET_REFUSED, /* by a rule */
    ZSET_NAN,     /* the sum would not be a number */
};
/* *score is the member's score afterwards when the change is one of the first three. */
enum zset_change zset_add(struct entry *e, struct bytes member, double *score, unsigned rules);
/* False when it was not there. */
bool zset_remove(struct entry *e, struct bytes member);

/* ---- Ranges: all are ranges of ranks ---- */
/* How many members are below the bound (types/rank_tree.h). */
uint64_t zset_below(const struct entry *e, const struct rank_bound *b);
/* Removes `count` members from `rank` on; they must be there. */
void zset_cut(struct entry *e, uint64_t rank, uint64_t count);

/* A place; good until the next change of the set. */
struct zset_cursor {
    const uint8_t *pack; /* the small form, or NULL */
    const uint8_t *at;   /* a member in it */
    struct rank_cursor tree;
    char scratch[LISTPACK_INT_CHARS];
};
/* False when `rank` is the count or more. */
bool zset_seek(const struct entry *e, uint64_t rank, struct zset_cursor *c);
/* False behind the last and before the first; the cursor is then of no use. */
bool zset_next(struct zset_cursor *c);
bool zset_prev(struct zset_cursor *c);
/* What is there; the member's bytes may lie in the cursor. */
struct zset_item zset_item(struct zset_cursor *c);

/* The table of the members, to be walked by table_scan(); NULL in the small form. */
const struct table *zset_table(const struct entry *e);
/* The score of a member of that table. */
double zset_member_score(const struct entry *member);

/* ---- Building aside ---- */
/*
 * Members come in any order, scores may still change; then the order is made at once. It ends with
 * zset_build_end() or zset_build_drop().
 */
struct zset_build {
    struct zset *set;
    struct rank_pair *pairs;
    uint64_t count, room;
    size_t longest; /* member, bytes */
};

void zset_build_begin(struct zset_build *b);
/* The score of a member, to be read and changed; NULL when it was not added. */
double *zset_build_find(const struct zset_build *b, struct key member);
/* The member must not have been added. */
void zset_build_add(struct zset_build *b, struct key member, double score);
/* The members in order, with their scores; good until the end. */
const struct rank_pair *zset_build_order(struct zset_build *b);
/* Gives a loose entry of that name in the form that the options ask for; NULL when it is empty. */
struct entry *zset_build_end(struct zset_build *b, struct bytes name);
void zset_build_drop(struct zset_build *b);

/* ---- For tests and DEBUG ---- */
/* Stops the process when an invariant is broken. Slow: reads everything. */
void zset_check(const struct entry *e);

#endif
