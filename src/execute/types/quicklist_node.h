/*
 * A node of a quicklist: a listpack of elements, or one big element in a block; either may be
 * squeezed, which is compressed with LZF.
 *
 * Nodes are small records that are moved about freely; a node owns its body. Bodies of listpacks
 * are allocated ahead, up to the limit of a node, so that pushes rarely move them.
 */
#ifndef EXECUTE_TYPES_QUICKLIST_NODE_H
#define EXECUTE_TYPES_QUICKLIST_NODE_H

#include "execute/execute_private.h"

#include "execute/types/block.h"
#include "execute/types/listpack.h"

enum quicklist_form {
    QUICKLIST_PACKED, /* body: a listpack */
    QUICKLIST_PLAIN,  /* body: a struct block, shared with whoever it is lent to, never edited */
    QUICKLIST_SQUEEZED_PACKED,
    QUICKLIST_SQUEEZED_PLAIN,
};

struct quicklist_node {
    void *body;
    uint32_t count; /* elements; 0 only while the list is being edited */
    uint32_t room;  /* of a listpack: the bytes that its body occupies */
    uint8_t form;   /* enum quicklist_form */
    bool is_stiff;  /* squeezing it was tried and did not pay */
};

/* An element that is to be stored. The block, which whoever gets the value takes, may be NULL. */
struct list_value {
    struct bytes text;
    struct block *block; /* that holds just the text */
};

/* Where a node ends: the option list-max-listpack-size, read anew each time. */
struct quicklist_limit {
    size_t bytes;
    uint32_t count;
};
struct quicklist_limit quicklist_limit(void);
/* Must an element of so many bytes be a node of its own? */
bool quicklist_is_big(size_t len);
/* DEBUG QUICKLIST-PACKED-THRESHOLD: so many bytes make an element big; 0: the limit of nodes does.
 */
void quicklist_set_threshold(size_t bytes);

static inline bool quicklist_node_is_packed(const struct quicklist_node *n)
{
    return n->form == QUICKLIST_PACKED || n->form == QUICKLIST_SQUEEZED_PACKED;
}

static inline bool quicklist_node_is_squeezed(const struct quicklist_node *n)
{
    return n->form >= QUICKLIST_SQUEEZED_PACKED;
}

/* Empty, with room for a listpack of `bytes`, or a little more. */
struct quicklist_node quicklist_node_packed(size_t bytes);
/* Takes a listpack, which fills its allocation. */
struct quicklist_node quicklist_node_of(uint8_t *lp);
/* Takes the value's block. */
struct quicklist_node quicklist_node_plain(struct list_value v);
/* The copy has no gap. */
struct quicklist_node quicklist_node_copy(const struct quicklist_node *n, size_t gap);
void quicklist_node_free(struct quicklist_node *n);
/* What the body occupies. */
size_t quicklist_node_memory(const struct quicklist_node *n);

/* The listpack of a list's first node may begin behind its body: that is what `gap` is about. */
/* Bytes of the listpack or the element, as they are when not squeezed. */
size_t quicklist_node_bytes(const struct quicklist_node *n, size_t gap);
/* May this text be added to it? */
bool quicklist_node_takes(const struct quicklist_node *n, size_t gap, size_t len);

/* Both do nothing when there is nothing to do. The listpack begins with its body. */
void quicklist_node_squeeze(struct quicklist_node *n);
void quicklist_node_expand(struct quicklist_node *n);

/* What a node holds, to be read: a listpack, or one text. */
struct quicklist_view {
    const uint8_t *lp; /* NULL: the text */
    struct bytes text;
    struct block *block; /* where the text lies in one */
    void *scratch;       /* owned: a squeezed node's content */
};
void quicklist_view_open(struct quicklist_view *v, const struct quicklist_node *n, size_t gap);
void quicklist_view_close(struct quicklist_view *v);

#endif
