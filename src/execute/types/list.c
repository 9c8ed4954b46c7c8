/*
 * The two forms of a list, and when one becomes the other.
 */
#include "execute/types/list.h"

#include "execute/types/heap.h"

#include "base/must.h"
#include "codec/number.h"

static inline bool list_is_packed(const struct entry *e)
{
    return entry_encoding(e) == ENC_LISTPACK;
}

static inline uint8_t *list_lp(const struct entry *e) { return entry_root(e); }

static inline struct quicklist *list_quick(const struct entry *e) { return entry_root(e); }

static inline void list_set_lp(struct entry *e, uint8_t *lp)
{
    entry_set_root(e, ENC_LISTPACK, lp);
}

/* ---- The type ---- */

static void list_make(struct entry *e) { list_set_lp(e, listpack_make(0)); }

uint64_t list_count(const struct entry *e)
{
    return list_is_packed(e) ? listpack_count(list_lp(e)) : list_quick(e)->count;
}

static size_t list_bytes(const struct entry *e, uint64_t samples)
{
    if (list_is_packed(e)) return arena_usable(list_lp(e));
    return quicklist_memory(list_quick(e), samples);
}

static void *list_copy(const struct entry *e)
{
    if (list_is_packed(e)) return listpack_copy(list_lp(e));
    return quicklist_copy(list_quick(e));
}

static uint64_t list_free_cost(enum value_encoding enc, const void *root)
{
    return enc == ENC_LISTPACK ? 1 : ((const struct quicklist *)root)->node_count;
}

static bool list_free_some(enum value_encoding enc, void *root, uint64_t max)
{
    if (enc == ENC_QUICKLIST) return quicklist_free_some(root, max);
    heap_free(root);
    return true;
}

const struct type_ops list_ops = {
    .make = list_make,
    .count = list_count,
    .bytes = list_bytes,
    .copy = list_copy,
    .free_cost = list_free_cost,
    .free_some = list_free_some,
};

/* ---- Forms ---- */

/* Does the small form stay within its limit with one more element of so many bytes? */
static bool list_stays_packed(const uint8_t *lp, size_t len)
{
    if (quicklist_is_big(len)) return false;
    struct quicklist_limit limit = quicklist_limit();
    return listpack_bytes(lp) + len <= limit.bytes &&
           (limit.count == UINT32_MAX || listpack_count(lp) < limit.count);
}

/* Before a text of `len` bytes is added. One that comes in the place of another counts as added: so
 * does Redis, whose encodings clients see. */
static void list_make_way(struct entry *e, size_t len)
{
    if (!list_is_packed(e) || likely(list_stays_packed(list_lp(e), len))) return;
    entry_set_root(e, ENC_QUICKLIST, quicklist_of(list_lp(e)));
}

/* After elements went. */
static void list_shrink(struct entry *e)
{
    if (list_is_packed(e) || likely(!quicklist_is_small(list_quick(e)))) return;
    list_set_lp(e, quicklist_to_listpack(list_quick(e)));
}

void list_pack(struct entry *e)
{
    if (list_is_packed(e)) return;
    const struct quicklist *q = list_quick(e);
    struct quicklist_limit limit = quicklist_limit();
    if (q->node_count != 1 || !quicklist_node_is_packed(quicklist_at(q, 0))) return;
    if (q->count > limit.count || quicklist_node_bytes(quicklist_at(q, 0), q->gap) > limit.bytes)
        return;
    list_set_lp(e, quicklist_to_listpack(list_quick(e)));
}

static inline void list_drop_block(struct list_value v)
{
    if (unlikely(v.block != NULL)) block_drop(v.block);
}

/* ---- Reading ---- */

struct bytes list_item_text(const struct list_item *item, char scratch[LISTPACK_INT_CHARS])
{
    if (!item->is_int) return item->text;
    return bytes_make(scratch, number_print_int(scratch, item->number));
}

static inline void list_item_at(const uint8_t *at, struct list_item *out)
{
    out->block = NULL;
    out->is_int = listpack_get(at, &out->text, &out->number);
}

static inline void list_item_of(const struct quicklist_view *v, struct list_item *out)
{
    *out = (struct list_item){.text = v->text, .block = v->block};
}

/* Nodes at an end are never squeezed, so their views own nothing. */
bool list_peek(const struct entry *e, bool at_head, struct list_item *out)
{
    const uint8_t *lp;
    if (list_is_packed(e)) {
        lp = list_lp(e);
    } else {
        const struct quicklist *q = list_quick(e);
        if (q->count == 0) return false;
        uint32_t end = at_head ? 0 : q->node_count - 1;
        struct quicklist_view v;
        quicklist_view_open(&v, quicklist_at(q, end), quicklist_gap(q, end));
        dcheck(v.scratch == NULL);
        lp = v.lp;
        if (lp == NULL) {
            list_item_of(&v, out);
            return true;
        }
    }
    const uint8_t *at = at_head ? listpack_first(lp) : listpack_last(lp);
    if (at == NULL) return false;
    list_item_at(at, out);
    return true;
}

/* Opens the walk's node; `index` is within it, from 0, or -1 for the last. */
static void list_walk_open(struct list_walk *w, int64_t index)
{
    quicklist_view_open(&w->view, quicklist_at(w->q, w->node), quicklist_gap(w->q, w->node));
    w->has_text = w->view.lp == NULL;
    w->at = w->has_text ? NULL : listpack_seek(w->view.lp, index);
}

void list_walk_begin(struct list_walk *w, const struct entry *e, uint64_t index, bool forward)
{
    *w = (struct list_walk){.forward = forward};
    if (list_is_packed(e)) {
        w->view.lp = list_lp(e);
        w->at = listpack_seek(w->view.lp, (int64_t)index);
        return;
    }
    uint32_t within;
    w->q = list_quick(e);
    w->node = quicklist_seek(w->q, index, &within);
    list_walk_open(w, within);
}

/* To the node behind or before. */
static bool list_walk_turn(struct list_walk *w)
{
    if (w->q == NULL) return false;
    if (w->forward ? w->node + 1 >= w->q->node_count : w->node == 0) return false;
    quicklist_view_close(&w->view);
    w->node = w->forward ? w->node + 1 : w->node - 1;
    list_walk_open(w, w->forward ? 0 : -1);
    return true;
}

bool list_walk_next(struct list_walk *w, struct list_item *out)
{
    if (unlikely(w->at == NULL)) {
        if (!w->has_text && !list_walk_turn(w)) return false;
        if (w->has_text) {
            w->has_text = false;
            list_item_of(&w->view, out);
            return true;
        }
    }
    list_item_at(w->at, out);
    w->at = w->forward ? listpack_next(w->view.lp, w->at) : listpack_prev(w->view.lp, w->at);
    return true;
}

void list_walk_end(struct list_walk *w) { quicklist_view_close(&w->view); }

/* ---- Changes ---- */

void list_push(struct entry *e, bool at_head, struct list_value v)
{
    list_make_way(e, v.text.len);
    if (!list_is_packed(e)) {
        quicklist_push(list_quick(e), at_head, v);
        return;
    }
    uint8_t *lp = list_lp(e);
    list_set_lp(e, at_head ? listpack_prepend(lp, v.text) : listpack_append(lp, v.text));
    list_drop_block(v);
}

void list_insert(struct entry *e, uint64_t index, struct list_value v)
{
    list_make_way(e, v.text.len);
    if (!list_is_packed(e)) {
        quicklist_insert(list_quick(e), index, v);
        return;
    }
    uint8_t *lp = list_lp(e), *at = listpack_seek(lp, (int64_t)index);
    list_set_lp(e, listpack_insert(lp, &at, v.text));
    list_drop_block(v);
}

void list_replace(struct entry *e, uint64_t index, struct list_value v)
{
    list_make_way(e, v.text.len);
    if (!list_is_packed(e)) {
        quicklist_replace(list_quick(e), index, v);
        list_shrink(e);
        return;
    }
    uint8_t *lp = list_lp(e), *at = listpack_seek(lp, (int64_t)index);
    list_set_lp(e, listpack_replace(lp, &at, v.text));
    list_drop_block(v);
}

void list_drop(struct entry *e, bool at_head)
{
    if (!list_is_packed(e)) {
        quicklist_drop(list_quick(e), at_head);
        list_shrink(e);
        return;
    }
    uint8_t *lp = list_lp(e), *at = at_head ? listpack_first(lp) : listpack_last(lp);
    must(at != NULL);
    list_set_lp(e, listpack_delete(lp, &at, 1));
}

void list_delete(struct entry *e, uint64_t from, uint64_t count)
{
    if (!list_is_packed(e)) {
        quicklist_delete(list_quick(e), from, count);
        list_shrink(e);
        return;
    }
    uint8_t *lp = list_lp(e), *at = listpack_seek(lp, (int64_t)from);
    must(at != NULL);
    list_set_lp(e, listpack_delete(lp, &at, count < UINT32_MAX ? (uint32_t)count : UINT32_MAX));
}

uint64_t list_remove(struct entry *e, struct bytes text, uint64_t max, bool from_head)
{
    struct list_needle needle = list_needle(text);
    if (list_is_packed(e)) {
        uint8_t *lp = list_lp(e);
        uint64_t removed = quicklist_remove_in(&lp, &needle, max, from_head);
        list_set_lp(e, lp);
        return removed;
    }
    uint64_t removed = quicklist_remove(list_quick(e), &needle, max, from_head);
    if (removed > 0) list_shrink(e);
    return removed;
}

void list_add_listpack(struct entry *e, uint8_t *lp)
{
    if (list_is_packed(e)) entry_set_root(e, ENC_QUICKLIST, quicklist_of(list_lp(e)));
    quicklist_add_listpack(list_quick(e), lp);
}
