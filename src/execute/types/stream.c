/*
 * Streams: the nodes in order, and walks over them.
 *
 * Invariants: no node is without an entry that is alive; a node's `base` is not below the `last` of
 * the one before; length and node_bytes are sums over the nodes. Only the last node is added to, so
 * only its `last` changes, and nodes are found by it.
 */
#include "execute/types/stream.h"

#include "base/must.h"
#include "execute/types/heap.h"
#include "execute/types/stream_group.h"

enum { STREAM_CHUNK_NODES = 128 };

static int stream_compare_node(const void *record, const void *key)
{
    const struct stream_node *node = *(struct stream_node *const *)record;
    return stream_id_compare(node->last, *(const struct stream_id *)key);
}

static const struct sorted_kind stream_nodes = {sizeof(struct stream_node *), STREAM_CHUNK_NODES,
                                                stream_compare_node};

static size_t stream_node_bytes(const struct stream_node *node)
{
    return sizeof(*node) + node->room;
}

/* ---- Life ---- */

struct stream *stream_make(void)
{
    struct stream *s = heap_zalloc(sizeof(*s));
    sorted_open(&s->nodes, &stream_nodes);
    stream_groups_open(&s->groups);
    return s;
}

bool stream_free_some(struct stream *s, uint64_t max)
{
    for (; max > 0 && s->nodes.count > 0; max--) {
        struct sorted_place first = sorted_first(&s->nodes);
        heap_free(*(struct stream_node **)sorted_at(&s->nodes, first));
        sorted_remove(&s->nodes, &first);
    }
    if (s->nodes.count > 0 || !stream_groups_free_some(&s->groups, max)) return false;
    heap_free(s);
    return true;
}

void stream_free(struct stream *s) { must(stream_free_some(s, UINT64_MAX)); }

struct stream *stream_copy(const struct stream *s)
{
    struct stream *copy = heap_alloc(sizeof(*copy));
    *copy = *s;
    copy->node_bytes = 0;
    sorted_copy(&copy->nodes, &s->nodes);
    struct sorted_place at = sorted_first(&copy->nodes);
    for (struct stream_node **node; (node = sorted_at(&copy->nodes, at)) != NULL;
         sorted_next(&copy->nodes, &at)) {
        *node = stream_node_copy(*node);
        copy->node_bytes += stream_node_bytes(*node);
    }
    stream_groups_copy(&copy->groups, &s->groups);
    return copy;
}

size_t stream_memory(const struct stream *s)
{
    return arena_usable(s) + s->nodes.bytes + s->node_bytes + stream_groups_memory(&s->groups);
}

uint64_t stream_pieces(const struct stream *s)
{
    return 1 + s->nodes.count + stream_groups_pieces(&s->groups);
}

/* ---- Entries ---- */

void stream_append_named(struct stream *s, struct stream_id id, struct stream_pairs pairs,
                         struct stream_limits limits, struct stream_pairs names)
{
    must(stream_id_compare(id, s->last_id) > 0);
    struct stream_node **tail = sorted_find_last(&s->nodes);
    if (tail != NULL) s->node_bytes -= stream_node_bytes(*tail);
    if (tail == NULL || !stream_node_add(tail, id, pairs, limits)) {
        if (tail != NULL) {
            *tail = stream_node_fit(*tail);
            s->node_bytes += stream_node_bytes(*tail);
        }
        tail = sorted_insert(&s->nodes, sorted_end(&s->nodes));
        *tail = stream_node_make(id, pairs, names);
    }
    s->node_bytes += stream_node_bytes(*tail);
    s->last_id = id;
    s->length++;
    s->added++;
}

void stream_append(struct stream *s, struct stream_id id, struct stream_pairs pairs,
                   struct stream_limits limits)
{
    stream_append_named(s, id, pairs, limits, pairs);
}

/* Frees the node at *at, which then is the place of the next one. */
static void stream_drop_node(struct stream *s, struct sorted_place *at)
{
    struct stream_node *node = *(struct stream_node **)sorted_at(&s->nodes, *at);
    s->node_bytes -= stream_node_bytes(node);
    heap_free(node);
    sorted_remove(&s->nodes, at);
}

/* After entries of the node at `at` were deleted. */
static void stream_tidy_node(struct stream *s, struct sorted_place at)
{
    struct stream_node **node = sorted_at(&s->nodes, at);
    if ((*node)->count == 0) {
        stream_drop_node(s, &at);
        return;
    }
    s->node_bytes -= stream_node_bytes(*node);
    *node = stream_node_tidy(*node);
    s->node_bytes += stream_node_bytes(*node);
}

bool stream_delete(struct stream *s, struct stream_id id)
{
    struct stream_walk w;
    stream_walk_open(&w, s, id, id);
    if (!stream_walk_next(&w)) return false;
    struct stream_node **node = sorted_at(&s->nodes, w.at);
    stream_node_delete(*node, &w.entry);
    stream_tidy_node(s, w.at);
    s->length--;
    if (stream_id_compare(id, s->max_deleted) > 0) s->max_deleted = id;
    return true;
}

struct stream_id stream_first_id(const struct stream *s)
{
    struct stream_walk w;
    stream_walk_open(&w, s, STREAM_ID_MIN, STREAM_ID_MAX);
    return stream_walk_next(&w) ? w.entry.id : STREAM_ID_MIN;
}

struct stream_id stream_last_entry_id(const struct stream *s)
{
    struct stream_node *const *tail = sorted_find_last(&s->nodes);
    if (tail == NULL) return STREAM_ID_MIN;
    if ((*tail)->deleted == 0) return (*tail)->last;
    struct stream_entry entry = {0};
    struct stream_id last = STREAM_ID_MIN;
    while (stream_node_next(*tail, &entry)) {
        if (!entry.deleted) last = entry.id;
    }
    return last;
}

/* May the first node go as a whole? */
static bool trim_takes_node(const struct stream *s, const struct stream_trim *how,
                            const struct stream_node *node)
{
    if (how->by == STREAM_TRIM_LENGTH) return s->length - node->count >= how->length;
    return stream_id_compare(node->last, how->min) < 0;
}

static bool trim_is_done(const struct stream *s, const struct stream_trim *how,
                         struct stream_id first)
{
    if (how->by == STREAM_TRIM_LENGTH) return s->length <= how->length;
    return stream_id_compare(first, how->min) >= 0;
}

/* Deletes entries at the front of the first node, which keeps some. */
static uint64_t trim_node(struct stream *s, const struct stream_trim *how)
{
    uint64_t deleted = 0;
    struct sorted_place first = sorted_first(&s->nodes);
    struct stream_node *node = *(struct stream_node **)sorted_at(&s->nodes, first);
    struct stream_entry entry = {0};
    while (stream_node_next(node, &entry) && !trim_is_done(s, how, entry.id)) {
        stream_node_delete(node, &entry);
        s->length--;
        deleted++;
        entry = (struct stream_entry){0};
    }
    if (deleted > 0) stream_tidy_node(s, first);
    return deleted;
}

uint64_t stream_trim(struct stream *s, const struct stream_trim *how)
{
    uint64_t deleted = 0;
    if (how->by == STREAM_TRIM_NONE) return 0;
    while (s->nodes.count > 0 && !(how->by == STREAM_TRIM_LENGTH && s->length <= how->length)) {
        struct sorted_place first = sorted_first(&s->nodes);
        const struct stream_node *node = *(struct stream_node **)sorted_at(&s->nodes, first);
        if (how->about && how->limit != 0 && deleted + node->count > how->limit) break;
        if (!trim_takes_node(s, how, node)) {
            if (!how->about) deleted += trim_node(s, how);
            break;
        }
        deleted += node->count;
        s->length -= node->count;
        stream_drop_node(s, &first);
    }
    return deleted;
}

/* ---- Walks ---- */

void stream_walk_open(struct stream_walk *w, const struct stream *s, struct stream_id from,
                      struct stream_id to)
{
    *w = (struct stream_walk){.stream = s, .from = from, .to = to};
    w->at = stream_id_is_zero(from) ? sorted_first(&s->nodes) : sorted_seek(&s->nodes, &from);
}

bool stream_walk_next(struct stream_walk *w)
{
    for (;;) {
        if (w->node == NULL) {
            struct stream_node *const *node = sorted_at(&w->stream->nodes, w->at);
            if (node == NULL) return false;
            w->node = *node;
            w->entry = (struct stream_entry){0};
        }
        while (stream_node_next(w->node, &w->entry)) {
            if (stream_id_compare(w->entry.id, w->to) > 0) return false;
            if (!w->entry.deleted && stream_id_compare(w->entry.id, w->from) >= 0) return true;
        }
        w->node = NULL;
        sorted_next(&w->stream->nodes, &w->at);
    }
}

/* Fills the window with the last entries that begin before `until` (NULL: the node's end). */
static void walk_back_fill(struct stream_walk_back *b, const uint8_t *until)
{
    struct stream_entry entry = {0};
    uint32_t seen = 0;
    while (stream_node_next(b->node, &entry) && entry.head != until) {
        if (stream_id_compare(entry.id, b->to) > 0) break;
        if (!entry.deleted && stream_id_compare(entry.id, b->from) >= 0)
            b->window[seen++ % STREAM_WALK_WINDOW] = entry;
    }
    b->more = seen > STREAM_WALK_WINDOW;
    b->left = b->more ? STREAM_WALK_WINDOW : seen;
    b->oldest = (seen - b->left) % STREAM_WALK_WINDOW;
}

void stream_walk_back_open(struct stream_walk_back *b, const struct stream *s,
                           struct stream_id from, struct stream_id to)
{
    b->stream = s;
    b->from = from;
    b->to = to;
    b->left = 0;
    b->more = false;
    b->node = NULL;
    b->at = sorted_seek(&s->nodes, &to); /* the first node whose last entry is not before `to` */
    struct stream_node *const *node = sorted_at(&s->nodes, b->at);
    if (node == NULL) return;
    b->node = *node;
    walk_back_fill(b, NULL);
}

bool stream_walk_back_next(struct stream_walk_back *b)
{
    while (b->left == 0) {
        if (b->more) {
            walk_back_fill(b, b->window[b->oldest].head);
            continue;
        }
        if (!sorted_prev(&b->stream->nodes, &b->at)) return false;
        b->node = *(struct stream_node *const *)sorted_at(&b->stream->nodes, b->at);
        if (stream_id_compare(b->node->last, b->from) < 0) return false;
        walk_back_fill(b, NULL);
    }
    b->left--;
    b->entry = b->window[(b->oldest + b->left) % STREAM_WALK_WINDOW];
    return true;
}

/* ---- For tests ---- */

static void stream_check_node(const struct stream_node *node)
{
    struct stream_entry entry = {0};
    uint32_t count = 0, deleted = 0;
    struct stream_id before = node->base;
    while (stream_node_next(node, &entry)) {
        must(count + deleted > 0 || !entry.deleted);
        must(stream_id_compare(entry.id, before) > 0);
        before = entry.id;
        if (entry.deleted)
            deleted++;
        else
            count++;
    }
    must(count > 0 && count == node->count && deleted == node->deleted);
    must(stream_id_compare(before, node->last) == 0);
    must(node->names_end <= node->start && node->start < node->used && node->used <= node->room);
}

void stream_check(const struct stream *s)
{
    uint64_t length = 0;
    size_t bytes = 0;
    struct stream_id before = {0};
    struct sorted_place at = sorted_first(&s->nodes);
    for (struct stream_node *const *node; (node = sorted_at(&s->nodes, at)) != NULL;
         sorted_next(&s->nodes, &at)) {
        stream_check_node(*node);
        must(stream_id_compare((*node)->base, before) >= 0);
        before = (*node)->last;
        length += (*node)->count;
        bytes += stream_node_bytes(*node);
    }
    must(length == s->length && bytes == s->node_bytes);
    must(stream_id_compare(before, s->last_id) <= 0);
    stream_groups_check(&s->groups);
}
