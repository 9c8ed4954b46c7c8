/*
 * The nodes of a rank tree, for rank_tree*.c alone.
 *
 * A leaf holds pairs; an inner node holds children, and for each the smallest pair and the number
 * of pairs under it. Both begin alike, so that they are searched by the same code: scores lie
 * together, and the bytes of members are only looked at where scores are equal.
 *
 * Invariants: all leaves are at level 0; a node has 1 to RANK_FANOUT pairs or children, and all but
 * the root have RANK_HALF at least; the root has two children at least when it is an inner node;
 * pairs ascend strictly.
 */
#ifndef EXECUTE_TYPES_RANK_NODE_H
#define EXECUTE_TYPES_RANK_NODE_H

#include "execute/types/rank_tree.h"

#include "execute/types/entry.h"

/* A leaf is 768 bytes, a size class of the allocator: measured, smaller ones cost memory and
 * larger ones time. */
#define RANK_FANOUT 47
#define RANK_HALF (RANK_FANOUT / 2)

struct rank_node {
    uint32_t count;
    uint32_t level;
    double scores[RANK_FANOUT];
    struct entry *members[RANK_FANOUT];
};

struct rank_inner {
    struct rank_node keys;
    struct rank_node *children[RANK_FANOUT];
    uint64_t sizes[RANK_FANOUT];
};

static inline struct rank_inner *rank_inner_of(const struct rank_node *n)
{
    dcheck(n->level > 0);
    return (struct rank_inner *)(uintptr_t)n;
}

static inline struct bytes rank_name(const struct entry *e)
{
    return bytes_make(entry_name_at(e), entry_name_len(e));
}

/* Gives an empty node. */
struct rank_node *rank_node_make(struct rank_tree *t, uint32_t level);
/* Takes it; what is under it is the caller's. */
void rank_node_free(struct rank_tree *t, struct rank_node *n);
/* How many of its pairs, or of the smallest pairs of its children, are below the bound. */
uint32_t rank_node_below(const struct rank_node *n, const struct rank_bound *b);
/* Pairs under the node. */
uint64_t rank_node_size(const struct rank_node *n);

#endif
