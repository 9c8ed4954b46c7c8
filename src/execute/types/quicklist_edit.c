/*
 * Edits inside a quicklist. A node that is full is split where the element goes; nodes that an edit
 * made small are joined with their neighbours.
 */
#include "execute/types/quicklist.h"

#include "execute/types/heap.h"

#include "base/must.h"
#include "codec/number.h"

/* So few at an end are dropped one by one: lists that are trimmed after each push. */
#define QUICKLIST_DROPS_MAX 8

/* ---- Joining and splitting ---- */

/* Joins node i with the one behind it when both are listpacks and make up no more than the limit
 * divided by `part`. */
static bool quicklist_join(struct quicklist *q, uint32_t i, unsigned part)
{
    if (i + 1 >= q->node_count) return false;
    struct quicklist_node *a = quicklist_at(q, i), *b = a + 1;
    if (!quicklist_node_is_packed(a) || !quicklist_node_is_packed(b)) return false;
    struct quicklist_limit limit = quicklist_limit();
    size_t bytes = quicklist_node_bytes(a, quicklist_gap(q, i)) + quicklist_node_bytes(b, 0);
    if (bytes - LISTPACK_EMPTY > limit.bytes / part) return false;
    if ((uint64_t)a->count + b->count > limit.count / part) return false;
    a = quicklist_open_node(q, i);
    b = quicklist_open_node(q, i + 1);
    quicklist_keep(a, listpack_join(a->body, b->body));
    quicklist_node_free(b);
    quicklist_cut_nodes(q, i + 1, 1);
    return true;
}

/* The elements from `at` on become a node of their own, behind node i; 0 < at < its count. */
static void quicklist_split(struct quicklist *q, uint32_t i, uint32_t at)
{
    struct quicklist_node *n = quicklist_open_node(q, i);
    uint8_t *left = n->body, *right = listpack_copy(left);
    uint8_t *place = listpack_seek(left, at);
    left = listpack_delete(left, &place, UINT32_MAX);
    place = listpack_first(right);
    right = listpack_delete(right, &place, at);
    quicklist_keep(n, left);
    quicklist_put_node(q, i + 1, quicklist_node_of(right));
}

/* ---- Insert and replace ---- */

/* Before element `at` of node i, or at its end. */
static void quicklist_insert_within(struct quicklist *q, uint32_t i, uint32_t at, struct bytes text)
{
    struct quicklist_node *n = quicklist_open_node(q, i);
    uint8_t *place = at == n->count ? NULL : listpack_seek(n->body, at);
    quicklist_keep(n, listpack_insert(n->body, &place, text));
    q->count++;
}

static bool quicklist_takes(const struct quicklist *q, uint32_t i, size_t len)
{
    return quicklist_node_takes(quicklist_at(q, i), quicklist_gap(q, i), len);
}

/* A node of its own, not the first one. */
static void quicklist_insert_node(struct quicklist *q, uint32_t i, struct list_value v)
{
    if (quicklist_is_big(v.text.len)) {
        quicklist_put_node(q, i, quicklist_node_plain(v));
    } else {
        quicklist_put_node(q, i, quicklist_node_of(listpack_append(listpack_make(0), v.text)));
        if (v.block != NULL) block_drop(v.block);
    }
    q->count++;
}

/* Puts the value before element `at` of node i, but not before the first of all. */
static void quicklist_insert_at(struct quicklist *q, uint32_t i, uint32_t at, struct list_value v)
{
    if (quicklist_takes(q, i, v.text.len)) {
        quicklist_insert_within(q, i, at, v.text);
        if (v.block != NULL) block_drop(v.block);
        quicklist_settle(q, i, i);
        return;
    }
    if (at > 0) quicklist_split(q, i++, at);
    must(i > 0);
    uint32_t behind = i;
    if (quicklist_takes(q, i - 1, v.text.len)) {
        quicklist_insert_within(q, i - 1, quicklist_at(q, i - 1)->count, v.text);
        if (v.block != NULL) block_drop(v.block);
    } else {
        quicklist_insert_node(q, i, v);
        behind = i + 1;
    }
    quicklist_join(q, behind, 1);
    if (i > 1) quicklist_join(q, i - 2, 1);
    quicklist_settle(q, i > 1 ? i - 2 : 0, i + 1);
}

void quicklist_insert(struct quicklist *q, uint64_t index, struct list_value v)
{
    if (index == 0 || index == q->count) {
        quicklist_push(q, index == 0, v);
        return;
    }
    uint32_t at, i = quicklist_seek(q, index, &at);
    quicklist_insert_at(q, i, at, v);
}

/* The new value takes the old one's place in its node; false: it cannot. */
static bool quicklist_replace_within(struct quicklist *q, uint32_t i, uint32_t at,
                                     struct list_value v)
{
    const struct quicklist_node *had = quicklist_at(q, i);
    bool is_big = quicklist_is_big(v.text.len);
    if (!quicklist_node_is_packed(had) || is_big) {
        if (had->count > 1 || quicklist_node_is_packed(had) == is_big) return false;
        if (i == 0) quicklist_open_node(q, 0);
        quicklist_node_free(quicklist_at(q, i));
        *quicklist_at(q, i) = quicklist_node_plain(v);
        return true;
    }
    struct quicklist_node *n = quicklist_open_node(q, i);
    uint8_t *place = listpack_seek(n->body, at);
    size_t rest = listpack_bytes(n->body) - listpack_size_at(place);
    if (n->count > 1 && rest + listpack_cost(v.text.len) > quicklist_limit().bytes) return false;
    quicklist_keep(n, listpack_replace(n->body, &place, v.text));
    if (v.block != NULL) block_drop(v.block);
    return true;
}

void quicklist_replace(struct quicklist *q, uint64_t index, struct list_value v)
{
    uint32_t at, i = quicklist_seek(q, index, &at);
    if (quicklist_replace_within(q, i, at, v)) {
        quicklist_settle(q, i, i);
        return;
    }
    quicklist_delete(q, index, 1);
    quicklist_insert(q, index, v);
}

/* ---- Delete ---- */

/* Takes out the nodes from `from` to `to` that have become empty, and joins what has become small.
 */
static void quicklist_sweep(struct quicklist *q, uint32_t from, uint32_t to)
{
    struct quicklist_node *nodes = quicklist_at(q, 0);
    uint32_t kept = from;
    for (uint32_t i = from; i <= to; i++)
        if (nodes[i].count > 0) nodes[kept++] = nodes[i];
    if (kept <= to) quicklist_cut_nodes(q, kept, to + 1 - kept);
    for (uint32_t i = from > 0 ? from - 1 : 0; i <= kept && i < q->node_count;)
        if (!quicklist_join(q, i, 2)) i++;
    quicklist_settle(q, from > 0 ? from - 1 : 0, kept);
}

/* Node i loses `count` elements from `at` on, all of them perhaps. */
static void quicklist_delete_within(struct quicklist *q, uint32_t i, uint32_t at, uint32_t count)
{
    struct quicklist_node *n = quicklist_at(q, i);
    q->count -= count;
    if (count == n->count) {
        quicklist_node_free(n);
        n->count = 0;
        if (i == 0) q->gap = 0;
        return;
    }
    quicklist_open_node(q, i);
    uint8_t *place = listpack_seek(n->body, at);
    quicklist_keep(n, listpack_delete(n->body, &place, count));
}

void quicklist_delete(struct quicklist *q, uint64_t from, uint64_t count)
{
    must(count > 0 && from < q->count && count <= q->count - from);
    if (count <= QUICKLIST_DROPS_MAX && (from == 0 || from + count == q->count)) {
        for (; count > 0; count--) quicklist_drop(q, from == 0);
        return;
    }
    uint32_t at, first = quicklist_seek(q, from, &at), i = first;
    for (; count > 0; i++, at = 0) {
        uint32_t here = quicklist_at(q, i)->count - at;
        if (here > count) here = (uint32_t)count;
        count -= here;
        quicklist_delete_within(q, i, at, here);
    }
    quicklist_sweep(q, first, i - 1);
}

/* ---- By value ---- */

struct list_needle list_needle(struct bytes text)
{
    struct list_needle needle = {.text = text};
    needle.is_int = number_int(text, &needle.number);
    return needle;
}

bool list_needle_is_at(const struct list_needle *needle, const uint8_t *at)
{
    struct bytes text;
    int64_t number;
    if (!listpack_get(at, &text, &number)) return bytes_equal(text, needle->text);
    return needle->is_int && number == needle->number;
}

uint64_t quicklist_remove_in(uint8_t **lp, const struct list_needle *needle, uint64_t max,
                             bool from_head)
{
    uint64_t removed = 0;
    uint8_t *at = from_head ? listpack_first(*lp) : listpack_last(*lp);
    while (at != NULL && removed < max) {
        if (!list_needle_is_at(needle, at)) {
            at = from_head ? listpack_next(*lp, at) : listpack_prev(*lp, at);
            continue;
        }
        uint8_t *before = from_head ? NULL : listpack_prev(*lp, at);
        size_t back = before == NULL ? 0 : (size_t)(before - *lp);
        *lp = listpack_delete(*lp, &at, 1);
        if (!from_head) at = back == 0 ? NULL : *lp + back;
        removed++;
    }
    return removed;
}

/* How the content of a node, which stays as it is, stands to the needle. */
static bool quicklist_node_has(const struct quicklist *q, uint32_t i,
                               const struct list_needle *needle)
{
    struct quicklist_view v;
    quicklist_view_open(&v, quicklist_at(q, i), quicklist_gap(q, i));
    bool has = v.lp == NULL && bytes_equal(v.text, needle->text);
    const uint8_t *at = v.lp == NULL ? NULL : listpack_first(v.lp);
    for (; at != NULL && !has; at = listpack_next(v.lp, at)) has = list_needle_is_at(needle, at);
    quicklist_view_close(&v);
    return has;
}

static uint32_t quicklist_remove_at(struct quicklist *q, uint32_t i,
                                    const struct list_needle *needle, uint64_t max, bool from_head)
{
    if (!quicklist_node_has(q, i, needle)) return 0;
    struct quicklist_node *n = quicklist_open_node(q, i);
    uint32_t removed = 1;
    uint8_t *lp = n->body;
    if (n->form == QUICKLIST_PACKED)
        removed = (uint32_t)quicklist_remove_in(&lp, needle, max, from_head);
    if (removed < n->count) {
        quicklist_keep(n, lp);
    } else {
        n->body = lp;
        quicklist_node_free(n);
        n->count = 0;
    }
    return removed;
}

uint64_t quicklist_remove(struct quicklist *q, const struct list_needle *needle, uint64_t max,
                          bool from_head)
{
    uint64_t removed = 0;
    uint32_t seen = 0, from = 0, to = 0;
    for (; seen < q->node_count && removed < max; seen++) {
        uint32_t i = from_head ? seen : q->node_count - 1 - seen;
        uint64_t here = quicklist_remove_at(q, i, needle, max - removed, from_head);
        if (here > 0 && removed == 0) from = to = i;
        if (here > 0 && i < from) from = i;
        if (here > 0 && i > to) to = i;
        removed += here;
    }
    q->count -= removed;
    if (removed > 0) quicklist_sweep(q, from, to);
    return removed;
}
