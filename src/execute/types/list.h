/*
 * Lists: strings in order. A small one is a listpack (types/listpack.h), a large one a quicklist
 * (types/quicklist.h); list-max-listpack-size says where that ends, and a list comes back to the
 * small form when it has shrunk to half of it.
 *
 * Functions take an entry of TYPE_LIST and may change its form; walks and items are good until the
 * next change of the list. An index must be in range.
 */
#ifndef EXECUTE_TYPES_LIST_H
#define EXECUTE_TYPES_LIST_H

#include "execute/execute_private.h"

#include "execute/types/quicklist.h"
#include "execute/types/type.h"

extern const struct type_ops list_ops;

uint64_t list_count(const struct entry *e);

/* ---- Elements ---- */
struct list_item {
    struct bytes text; /* when it is no integer */
    int64_t number;
    bool is_int;
    struct block *block; /* that the text lies in, to be lent; or NULL */
};
/* As text; an integer is printed into scratch. */
struct bytes list_item_text(const struct list_item *item, char scratch[LISTPACK_INT_CHARS]);

/* At an end; false when the list is empty. */
bool list_peek(const struct entry *e, bool at_head, struct list_item *out);

/* ---- Walks ---- */
struct list_walk {
    const struct quicklist *q; /* NULL: the small form */
    uint32_t node;
    bool forward;
    const uint8_t *at; /* in the listpack, the next one to show; NULL: the text of the view, or
                          nothing more */
    bool has_text;     /* the view's text is still to be shown */
    struct quicklist_view view;
};
/* From `index` on to the end, or to the head. End it in any case. */
void list_walk_begin(struct list_walk *w, const struct entry *e, uint64_t index, bool forward);
/* False: no more. */
bool list_walk_next(struct list_walk *w, struct list_item *out);
void list_walk_end(struct list_walk *w);

/* ---- Changes; the block of a value is taken ---- */
void list_push(struct entry *e, bool at_head, struct list_value v);
/* Before the element at `index`, or at the end when it is the count. */
void list_insert(struct entry *e, uint64_t index, struct list_value v);
void list_replace(struct entry *e, uint64_t index, struct list_value v);
/* The element at that end goes. */
void list_drop(struct entry *e, bool at_head);
void list_delete(struct entry *e, uint64_t from, uint64_t count);
/* Removes up to `max` elements that equal the text; gives how many. */
uint64_t list_remove(struct entry *e, struct bytes text, uint64_t max, bool from_head);
/* Takes a listpack with elements and adds them at the end (RESTORE). */
void list_add_listpack(struct entry *e, uint8_t *lp);
/* To the small form if the list fits there. For lists that came from outside. */
void list_pack(struct entry *e);

#endif
