/*
 * A rank tree: the members of a sorted set in the order of (score, bytes of the member), with
 * ranks. It is a B+ tree whose inner nodes know how many pairs lie under each child, so a place is
 * found by rank, by score or by member, and the rank of a place is known, in O(log n).
 *
 * The tree owns its nodes only. Members are entries of the set's table (types/table.h), which must
 * stay where they are and keep their name as long as they are in the tree; the tree never writes
 * to them. Ranks count from 0. Scores are never NaN; -0 and 0 are the same place. Any change makes
 * cursors invalid.
 */
#ifndef EXECUTE_TYPES_RANK_TREE_H
#define EXECUTE_TYPES_RANK_TREE_H

#include "execute/execute_private.h"

#include "base/bytes.h"

struct entry;
struct rank_node;

/* Nodes are at least half full, so ten levels are more than memory can hold. */
#define RANK_DEPTH 10

struct rank_tree {
    struct rank_node *root; /* NULL when empty */
    uint32_t height;        /* levels, the leaves included */
    uint64_t count;         /* pairs */
    size_t bytes;           /* that the nodes occupy */
};

struct rank_pair {
    double score;
    struct entry *member;
};

/* Splits the order in two: the pairs below the bound, and the others. */
struct rank_bound {
    enum rank_by { RANK_BY_SCORE, RANK_BY_MEMBER, RANK_BY_PAIR } by;
    bool after; /* what equals the bound lies below it too */
    double score;
    struct bytes member;
};

/* A place in the tree. */
struct rank_cursor {
    struct rank_node *nodes[RANK_DEPTH]; /* the way: 0 is the leaf */
    uint32_t at[RANK_DEPTH];             /* index in each of them */
    uint32_t height;
};

/* ---- Life ---- */
static inline struct rank_tree rank_tree_empty(void) { return (struct rank_tree){0}; }
/* Fills an empty tree with pairs that are in order. */
void rank_tree_build(struct rank_tree *t, const struct rank_pair *pairs, uint64_t count);
/* Frees up to `max` nodes; true while there are more. Nothing else may be called any more. */
bool rank_tree_free_some(struct rank_tree *t, uint64_t max);

/* ---- Finding ---- */
/*
 * How many pairs are below the bound: the rank of the first that is not. With RANK_BY_MEMBER the
 * answer means something only where all pairs have one score.
 */
uint64_t rank_tree_below(const struct rank_tree *t, const struct rank_bound *b);
/* False when `rank` is the count or more. */
bool rank_tree_seek(const struct rank_tree *t, uint64_t rank, struct rank_cursor *c);
/* False behind the last and before the first; the cursor is then of no use. */
bool rank_cursor_next(struct rank_cursor *c);
bool rank_cursor_prev(struct rank_cursor *c);
struct rank_pair rank_cursor_pair(const struct rank_cursor *c);

/* ---- Changes ---- */
/* The pair must not be in the tree. */
void rank_tree_insert(struct rank_tree *t, double score, struct entry *member);
/* The pair must be in the tree. */
void rank_tree_remove(struct rank_tree *t, double score, struct entry *member);
/* The same member with another score. */
void rank_tree_rescore(struct rank_tree *t, double score, struct entry *member, double to);
/*
 * Removes pairs from `rank` (below the count) on and gives them in `out`: at least one and at most
 * `max`, as many as lie in one node.
 */
uint32_t rank_tree_cut(struct rank_tree *t, uint64_t rank, uint32_t max, struct rank_pair *out);

/* ---- For tests and DEBUG ---- */
/* Stops the process when an invariant is broken. Slow: reads everything. */
void rank_tree_check(const struct rank_tree *t);

#endif
