/*
 * A quicklist: the large form of a list. Its nodes (types/quicklist_node.h) stand in an array with
 * room at both ends, so an index is found by adding up counts that lie side by side.
 *
 * Pushes and pops at both ends move nothing but the element: the first node's listpack may begin
 * behind the start of its body, by `gap` bytes. Nodes are trimmed when they are no end any more.
 *
 * With a `depth` (list-compress-depth when the list was made; 0: never) all but that many nodes at
 * each end are squeezed, as far as it pays. Reading a squeezed node leaves it squeezed.
 */
#ifndef EXECUTE_TYPES_QUICKLIST_H
#define EXECUTE_TYPES_QUICKLIST_H

#include "execute/execute_private.h"

#include "execute/types/quicklist_node.h"

struct quicklist {
    uint64_t count;               /* elements */
    struct quicklist_node *nodes; /* `node_count` of `room` places are in use, from `first` on */
    uint32_t first, node_count, room;
    uint32_t gap;
    uint32_t depth;
};

static inline struct quicklist_node *quicklist_at(const struct quicklist *q, uint32_t i)
{
    return &q->nodes[q->first + i];
}

static inline size_t quicklist_gap(const struct quicklist *q, uint32_t i)
{
    return i == 0 ? q->gap : 0;
}

/* ---- Life ---- */
struct quicklist *quicklist_make(void);
/* Takes a listpack and gives a quicklist of it. */
struct quicklist *quicklist_of(uint8_t *lp);
/* True when it has one node, a listpack within half the limit: then it may become that listpack. */
bool quicklist_is_small(const struct quicklist *q);
/* Takes the quicklist, which has one node that is a listpack, and gives that. */
uint8_t *quicklist_to_listpack(struct quicklist *q);
struct quicklist *quicklist_copy(const struct quicklist *q);
/* Frees up to `max` nodes; true when all is freed. */
bool quicklist_free_some(struct quicklist *q, uint64_t max);
/* Of the allocator; up to `samples` nodes are measured (0: all). */
size_t quicklist_memory(const struct quicklist *q, uint64_t samples);

/* ---- Ends ---- */
/* Takes the value's block. */
void quicklist_push(struct quicklist *q, bool at_head, struct list_value v);
/* The element at that end goes; there must be one. */
void quicklist_drop(struct quicklist *q, bool at_head);
/* Takes a listpack that has elements and adds them at the end, as a node of its own. */
void quicklist_add_listpack(struct quicklist *q, uint8_t *lp);

/* ---- By index, which must be in range ---- */
/* The node, and the index within it. */
uint32_t quicklist_seek(const struct quicklist *q, uint64_t index, uint32_t *within);
/* Before the element at `index`, or at the end. Takes the value's block. */
void quicklist_insert(struct quicklist *q, uint64_t index, struct list_value v);
/* Takes the value's block. */
void quicklist_replace(struct quicklist *q, uint64_t index, struct list_value v);
void quicklist_delete(struct quicklist *q, uint64_t from, uint64_t count);

/* ---- By value ---- */
/* What is looked for, parsed once. */
struct list_needle {
    struct bytes text;
    int64_t number;
    bool is_int;
};
struct list_needle list_needle(struct bytes text);
/* Does the element at this place of a listpack equal it? */
bool list_needle_is_at(const struct list_needle *needle, const uint8_t *at);
/* Removes up to `max` elements that equal it, from the head or from the tail on; gives how many. */
uint64_t quicklist_remove(struct quicklist *q, const struct list_needle *needle, uint64_t max,
                          bool from_head);
/* The same in a listpack, which may move. */
uint64_t quicklist_remove_in(uint8_t **lp, const struct list_needle *needle, uint64_t max,
                             bool from_head);

/* ---- For the quicklist's own files ---- */
/* Makes room in the array and puts the node there. */
void quicklist_put_node(struct quicklist *q, uint32_t i, struct quicklist_node n);
/* Takes nodes out of the array; what they held is the caller's business. */
void quicklist_cut_nodes(struct quicklist *q, uint32_t i, uint32_t count);
/* Ready to be edited: not squeezed, its listpack begins with its body. */
struct quicklist_node *quicklist_open_node(struct quicklist *q, uint32_t i);
/* The node's listpack was edited. */
void quicklist_keep(struct quicklist_node *n, uint8_t *lp);
/* Squeezes and expands as the depth asks, at both ends and from node `from` to node `to`. */
void quicklist_settle(struct quicklist *q, uint32_t from, uint32_t to);
/* Stops the process when an invariant is broken. Slow, for tests. */
void quicklist_check(const struct quicklist *q);

#endif
