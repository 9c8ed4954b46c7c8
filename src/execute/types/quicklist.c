/*
 * The array of nodes, and what happens at the ends.
 *
 * Invariants: nodes have elements, their counts add up to the list's; only the first node has a
 * gap, and only while it is a listpack that is not squeezed; a node at an end is not squeezed.
 */
#include "execute/types/quicklist.h"

#include "execute/types/heap.h"
#include "execute/types/limits.h"

#include "base/must.h"

#define QUICKLIST_NODES_MIN 4
/* What a new node at an end has room for, with many elements to come and with few. */
#define QUICKLIST_FIRST_ROOM 1024
#define QUICKLIST_FEW 64

/* ---- The array ---- */

/* Moves the nodes into an array of `room` places, most of the free ones on the side asked for. */
static void quicklist_move_nodes(struct quicklist *q, uint32_t room, bool at_head)
{
    uint32_t spare = room - q->node_count;
    uint32_t first = at_head ? spare - spare / 4 : spare / 4;
    struct quicklist_node *to = q->nodes;
    if (room != q->room) to = heap_alloc(room * sizeof(*to));
    if (q->node_count > 0) memmove(to + first, q->nodes + q->first, q->node_count * sizeof(*to));
    if (to != q->nodes) heap_free(q->nodes);
    q->nodes = to;
    q->room = room;
    q->first = first;
}

static void quicklist_make_place(struct quicklist *q, bool at_head)
{
    bool has = at_head ? q->first > 0 : q->first + q->node_count < q->room;
    if (has) return;
    bool is_half_free = q->room >= QUICKLIST_NODES_MIN && q->node_count <= q->room / 2;
    uint32_t room = q->room < QUICKLIST_NODES_MIN ? QUICKLIST_NODES_MIN : q->room * 2;
    quicklist_move_nodes(q, is_half_free ? q->room : room, at_head);
}

void quicklist_put_node(struct quicklist *q, uint32_t i, struct quicklist_node n)
{
    bool at_head = i < q->node_count - i;
    quicklist_make_place(q, at_head);
    struct quicklist_node *from = quicklist_at(q, 0);
    if (at_head) {
        q->first--;
        memmove(from - 1, from, i * sizeof(n));
    } else {
        memmove(from + i + 1, from + i, (q->node_count - i) * sizeof(n));
    }
    q->node_count++;
    *quicklist_at(q, i) = n;
}

void quicklist_cut_nodes(struct quicklist *q, uint32_t i, uint32_t count)
{
    uint32_t behind = q->node_count - i - count;
    struct quicklist_node *from = quicklist_at(q, 0);
    if (i <= behind) {
        memmove(from + count, from, i * sizeof(*from));
        q->first += count;
    } else {
        memmove(from + i, from + i + count, behind * sizeof(*from));
    }
    q->node_count -= count;
    if (i == 0) q->gap = 0;
    if (q->room > 2 * QUICKLIST_NODES_MIN && q->node_count < q->room / 4)
        quicklist_move_nodes(q, q->room / 2, i == 0);
}

/* ---- Life ---- */

struct quicklist *quicklist_make(void)
{
    struct quicklist *q = heap_zalloc(sizeof(*q));
    uint64_t depth = value_limits.list_compress_depth;
    q->depth = depth < UINT32_MAX / 2 ? (uint32_t)depth : UINT32_MAX / 2;
    return q;
}

struct quicklist *quicklist_of(uint8_t *lp)
{
    struct quicklist *q = quicklist_make();
    struct quicklist_node n = quicklist_node_of(lp);
    if (n.count == 0) {
        quicklist_node_free(&n);
        return q;
    }
    quicklist_put_node(q, 0, n);
    q->count = n.count;
    return q;
}

bool quicklist_is_small(const struct quicklist *q)
{
    if (q->node_count != 1) return false;
    const struct quicklist_node *n = quicklist_at(q, 0);
    struct quicklist_limit limit = quicklist_limit();
    return n->form == QUICKLIST_PACKED && n->count <= limit.count / 2 &&
           quicklist_node_bytes(n, q->gap) <= limit.bytes / 2;
}

uint8_t *quicklist_to_listpack(struct quicklist *q)
{
    must(q->node_count == 1 && quicklist_node_is_packed(quicklist_at(q, 0)));
    uint8_t *lp = listpack_trim(quicklist_open_node(q, 0)->body);
    heap_free(q->nodes);
    heap_free(q);
    return lp;
}

struct quicklist *quicklist_copy(const struct quicklist *q)
{
    struct quicklist *copy = heap_alloc(sizeof(*copy));
    *copy = *q;
    copy->first = copy->gap = 0;
    copy->room = q->node_count < QUICKLIST_NODES_MIN ? QUICKLIST_NODES_MIN : q->node_count;
    copy->nodes = heap_alloc(copy->room * sizeof(*copy->nodes));
    for (uint32_t i = 0; i < q->node_count; i++)
        copy->nodes[i] = quicklist_node_copy(quicklist_at(q, i), quicklist_gap(q, i));
    return copy;
}

bool quicklist_free_some(struct quicklist *q, uint64_t max)
{
    for (; q->node_count > 0 && max > 0; max--)
        quicklist_node_free(quicklist_at(q, --q->node_count));
    if (q->node_count > 0) return false;
    heap_free(q->nodes);
    heap_free(q);
    return true;
}

size_t quicklist_memory(const struct quicklist *q, uint64_t samples)
{
    size_t own = arena_usable(q) + (q->nodes == NULL ? 0 : arena_usable(q->nodes));
    uint32_t looked = q->node_count;
    if (samples != 0 && samples < looked) looked = (uint32_t)samples;
    if (looked == 0) return own;
    size_t sum = 0;
    for (uint32_t i = 0; i < looked; i++) sum += quicklist_node_memory(quicklist_at(q, i));
    if (looked == q->node_count) return own + sum;
    return own + (size_t)((double)sum / looked * q->node_count);
}

/* ---- Nodes at an end ---- */

struct quicklist_node *quicklist_open_node(struct quicklist *q, uint32_t i)
{
    struct quicklist_node *n = quicklist_at(q, i);
    n->is_stiff = false;
    quicklist_node_expand(n);
    if (i == 0 && q->gap > 0) {
        uint8_t *body = n->body;
        memmove(body, body + q->gap, listpack_bytes(body + q->gap));
        q->gap = 0;
    }
    return n;
}

void quicklist_keep(struct quicklist_node *n, uint8_t *lp)
{
    uint32_t count = listpack_count(lp);
    *n = quicklist_node_of(lp);
    n->count = count;
}

/* The node is no end any more, or one that nothing is added to. */
static void quicklist_close_node(struct quicklist *q, uint32_t i)
{
    struct quicklist_node *n = quicklist_at(q, i);
    if (n->form != QUICKLIST_PACKED) return;
    size_t bytes = quicklist_node_bytes(n, quicklist_gap(q, i));
    quicklist_open_node(q, i);
    if (n->room - bytes > bytes / 8) quicklist_keep(n, listpack_trim(n->body));
}

/* Moves a node's listpack to `gap` in a body of `room` bytes. */
static void quicklist_move_body(struct quicklist *q, uint32_t i, size_t room, size_t gap)
{
    struct quicklist_node *n = quicklist_at(q, i);
    uint8_t *old = n->body, *lp = old + quicklist_gap(q, i);
    if (room == n->room) {
        memmove(old + gap, lp, listpack_bytes(lp));
    } else {
        uint8_t *body = heap_alloc(room);
        memcpy(body + gap, lp, listpack_bytes(lp));
        heap_free(old);
        n->body = body;
        n->room = (uint32_t)room;
    }
    if (i == 0) q->gap = (uint32_t)gap;
}

/*
 * Makes `cost` bytes free on one side of an end node's listpack. Where both sides are in use they
 * share what is free; otherwise it is all on the side that is pushed to.
 */
static void quicklist_make_room(struct quicklist *q, uint32_t i, size_t cost, bool at_head)
{
    struct quicklist_node *n = quicklist_at(q, i);
    size_t gap = quicklist_gap(q, i), room = n->room;
    size_t bytes = quicklist_node_bytes(n, gap), behind = room - gap - bytes;
    if (likely((at_head ? gap : behind) >= cost)) return;
    if (room - bytes < cost) {
        size_t most = quicklist_limit().bytes, twice = room * 2;
        size_t want = twice < most ? twice : most;
        room = arena_rounded(want < bytes + cost ? bytes + cost : want);
    }
    size_t spare = room - bytes;
    bool shares = q->node_count == 1 && (at_head ? behind : gap) >= cost;
    size_t ahead = !shares ? (at_head ? spare : 0) : spare / 2;
    if (at_head && ahead < cost) ahead = cost;
    if (!at_head && spare - ahead < cost) ahead = spare - cost;
    quicklist_move_body(q, i, room, ahead);
}

static void quicklist_push_within(struct quicklist *q, uint32_t i, bool at_head, struct bytes text)
{
    quicklist_make_room(q, i, listpack_cost(text.len), at_head);
    struct quicklist_node *n = quicklist_at(q, i);
    uint8_t *body = n->body, *lp = body + quicklist_gap(q, i);
    if (at_head) {
        lp = listpack_prepend_within(lp, q->gap, text);
        must(lp != NULL);
        q->gap = (uint32_t)(lp - body);
    } else {
        size_t room = n->room - (size_t)(lp - body);
        must(listpack_append_within(lp, room, text));
    }
    n->count++;
    q->count++;
}

static struct quicklist_node quicklist_new_end(size_t cost)
{
    size_t least = quicklist_limit().count <= QUICKLIST_FEW ? QUICKLIST_FEW : QUICKLIST_FIRST_ROOM;
    size_t room = cost + LISTPACK_EMPTY;
    return quicklist_node_packed(room < least ? least : room);
}

static void quicklist_push_node(struct quicklist *q, bool at_head, struct list_value v)
{
    uint32_t end = at_head ? 0 : q->node_count;
    if (q->node_count > 0) quicklist_close_node(q, at_head ? 0 : end - 1);
    if (quicklist_is_big(v.text.len)) {
        quicklist_put_node(q, end, quicklist_node_plain(v));
        q->count++;
    } else {
        quicklist_put_node(q, end, quicklist_new_end(listpack_cost(v.text.len)));
        quicklist_push_within(q, end, at_head, v.text);
        if (v.block != NULL) block_drop(v.block);
    }
    if (q->depth > 0) quicklist_settle(q, end, end);
}

void quicklist_push(struct quicklist *q, bool at_head, struct list_value v)
{
    uint32_t end = at_head || q->node_count == 0 ? 0 : q->node_count - 1;
    if (q->node_count == 0 ||
        !quicklist_node_takes(quicklist_at(q, end), quicklist_gap(q, end), v.text.len)) {
        quicklist_push_node(q, at_head, v);
        return;
    }
    quicklist_push_within(q, end, at_head, v.text);
    if (unlikely(v.block != NULL)) block_drop(v.block);
}

void quicklist_add_listpack(struct quicklist *q, uint8_t *lp)
{
    struct quicklist_node n = quicklist_node_of(lp);
    must(n.count > 0);
    quicklist_put_node(q, q->node_count, n);
    q->count += n.count;
    if (q->depth > 0) quicklist_settle(q, q->node_count - 1, q->node_count - 1);
}

void quicklist_drop(struct quicklist *q, bool at_head)
{
    must(q->count > 0);
    uint32_t end = at_head ? 0 : q->node_count - 1;
    struct quicklist_node *n = quicklist_at(q, end);
    q->count--;
    if (n->count == 1) {
        quicklist_node_free(n);
        quicklist_cut_nodes(q, end, 1);
        if (q->depth > 0) quicklist_settle(q, 0, 0);
        return;
    }
    n->count--;
    uint8_t *body = n->body, *lp = body + quicklist_gap(q, end);
    if (!at_head)
        listpack_drop_last(lp);
    else
        q->gap = (uint32_t)(listpack_drop_first(lp) - body);
}

/* ---- Index and depth ---- */

uint32_t quicklist_seek(const struct quicklist *q, uint64_t index, uint32_t *within)
{
    must(index < q->count);
    const struct quicklist_node *nodes = quicklist_at(q, 0);
    uint32_t i = 0;
    if (index < q->count / 2) {
        for (; index >= nodes[i].count; i++) index -= nodes[i].count;
    } else {
        uint64_t back = q->count - index; /* from 1 */
        for (i = q->node_count - 1; back > nodes[i].count; i--) back -= nodes[i].count;
        index = nodes[i].count - back;
    }
    *within = (uint32_t)index;
    return i;
}

static void quicklist_settle_node(struct quicklist *q, uint32_t i)
{
    bool is_inner = i >= q->depth && q->node_count - i > q->depth;
    if (!is_inner) {
        quicklist_node_expand(quicklist_at(q, i));
    } else if (!quicklist_node_is_squeezed(quicklist_at(q, i)) && !quicklist_at(q, i)->is_stiff) {
        quicklist_close_node(q, i);
        quicklist_node_squeeze(quicklist_at(q, i));
    }
}

void quicklist_settle(struct quicklist *q, uint32_t from, uint32_t to)
{
    if (q->depth == 0) return;
    for (uint32_t i = from; i <= to && i < q->node_count; i++) quicklist_settle_node(q, i);
    for (uint32_t i = 0; i < q->depth + 2 && i < q->node_count; i++) {
        quicklist_settle_node(q, i);
        quicklist_settle_node(q, q->node_count - 1 - i);
    }
}

void quicklist_check(const struct quicklist *q)
{
    uint64_t count = 0;
    must(q->gap == 0 || quicklist_at(q, 0)->form == QUICKLIST_PACKED);
    for (uint32_t i = 0; i < q->node_count; i++) {
        const struct quicklist_node *n = quicklist_at(q, i);
        struct quicklist_view v;
        uint32_t found = 1;
        quicklist_view_open(&v, n, quicklist_gap(q, i));
        must((v.lp != NULL) == quicklist_node_is_packed(n));
        if (v.lp != NULL) must(listpack_is_valid(v.lp, listpack_bytes(v.lp), &found));
        quicklist_view_close(&v);
        must(n->count == found && found > 0);
        bool is_end = i < q->depth || q->node_count - i <= q->depth || q->depth == 0;
        must(!is_end || !quicklist_node_is_squeezed(n));
        if (n->form == QUICKLIST_PACKED)
            must(n->room <= arena_usable(n->body) &&
                 quicklist_gap(q, i) + quicklist_node_bytes(n, quicklist_gap(q, i)) <= n->room);
        count += n->count;
    }
    must(count == q->count && q->first + q->node_count <= q->room);
}
