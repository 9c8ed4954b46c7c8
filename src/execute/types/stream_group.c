/*
 * Groups of streams.
 *
 * Invariant: the ids of a group's consumers together are exactly those of its pending records, each
 * with the consumer that the record names (while a stream is loaded, records without one excepted).
 */
#include "execute/types/stream_group.h"

#include "base/must.h"
#include "execute/types/heap.h"

enum { GROUP_CHUNK = 64 };

static int group_compare_name(const void *record, const void *key)
{
    const struct stream_group *g = *(struct stream_group *const *)record;
    return bytes_compare(stream_group_name(g), *(const struct bytes *)key);
}

static int consumer_compare_name(const void *record, const void *key)
{
    const struct stream_consumer *c = *(struct stream_consumer *const *)record;
    return bytes_compare(stream_consumer_name(c), *(const struct bytes *)key);
}

/* Of a record that begins with an id. */
static int pending_compare_id(const void *record, const void *key)
{
    return stream_id_compare(*(const struct stream_id *)record, *(const struct stream_id *)key);
}

static const struct sorted_kind group_kind = {sizeof(void *), GROUP_CHUNK, group_compare_name};
static const struct sorted_kind consumer_kind = {sizeof(void *), GROUP_CHUNK,
                                                 consumer_compare_name};
static const struct sorted_kind pending_kind = {sizeof(struct stream_pending), GROUP_CHUNK,
                                                pending_compare_id};
static const struct sorted_kind id_kind = {sizeof(struct stream_id), GROUP_CHUNK,
                                           pending_compare_id};

/* ---- Groups ---- */

static void *named_find(const struct sorted *list, struct bytes name)
{
    void **record = sorted_find(list, &name);
    return record == NULL ? NULL : *record;
}

static void *named_next(const struct sorted *list, struct sorted_place *at)
{
    void **record = sorted_at(list, *at);
    if (record == NULL) return NULL;
    sorted_next(list, at);
    return *record;
}

struct stream_group *stream_group_find(const struct stream *s, struct bytes name)
{
    return named_find(&s->groups, name);
}

static struct stream_group *group_alloc(struct bytes name, struct stream_id last_id,
                                        int64_t entries_read)
{
    struct stream_group *g = heap_alloc(sizeof(*g) + name.len);
    *g = (struct stream_group){
        .last_id = last_id, .entries_read = entries_read, .name_len = (uint32_t)name.len};
    if (name.len > 0) memcpy(g->name, name.ptr, name.len);
    sorted_open(&g->pending, &pending_kind);
    sorted_open(&g->consumers, &consumer_kind);
    return g;
}

struct stream_group *stream_group_make(struct stream *s, struct bytes name,
                                       struct stream_id last_id, int64_t entries_read)
{
    if (stream_group_find(s, name) != NULL) return NULL;
    struct stream_group **record = sorted_insert(&s->groups, sorted_seek(&s->groups, &name));
    *record = group_alloc(name, last_id, entries_read);
    return *record;
}

/* True when all of it is gone; takes what it used off *max. */
static bool group_free_some(struct stream_group *g, uint64_t *max)
{
    while (*max > 0) {
        --*max;
        struct sorted_place at = sorted_first(&g->consumers);
        struct stream_consumer **c = sorted_at(&g->consumers, at);
        if (g->pending.count > 0) {
            sorted_close_some(&g->pending, 1);
        } else if (c == NULL) {
            heap_free(g);
            return true;
        } else if (sorted_close_some(&(*c)->pending, 1)) {
            heap_free(*c);
            sorted_remove(&g->consumers, &at);
        }
    }
    return false;
}

void stream_group_drop(struct stream *s, struct stream_group *g)
{
    struct bytes name = stream_group_name(g);
    struct sorted_place at = sorted_seek(&s->groups, &name);
    must(*(struct stream_group **)sorted_at(&s->groups, at) == g);
    sorted_remove(&s->groups, &at);
    uint64_t max = UINT64_MAX;
    must(group_free_some(g, &max));
}

struct stream_group *stream_group_next(const struct stream *s, struct sorted_place *at)
{
    return named_next(&s->groups, at);
}

/* ---- What a group has read ---- */

/* Was an entry at or behind `from` deleted by name? */
static bool stream_has_gap(const struct stream *s, struct stream_id from)
{
    if (s->length == 0 || stream_id_is_zero(s->max_deleted)) return false;
    return stream_id_compare(from, s->max_deleted) <= 0;
}

int64_t stream_added_until(const struct stream *s, struct stream_id id)
{
    if (s->added == 0) return 0;
    if (s->length == 0 && stream_id_compare(id, s->last_id) <= 0) return (int64_t)s->added;
    if (!stream_id_is_zero(id) && stream_id_compare(id, s->max_deleted) < 0)
        return STREAM_READ_UNKNOWN;
    int end = stream_id_compare(id, s->last_id);
    if (end >= 0) return end == 0 ? (int64_t)s->added : STREAM_READ_UNKNOWN;
    struct stream_id first = stream_first_id(s);
    if (stream_id_is_zero(s->max_deleted) || stream_id_compare(s->max_deleted, first) < 0) {
        int order = stream_id_compare(id, first);
        if (order <= 0) return (int64_t)(s->added - s->length) + (order == 0);
    }
    return STREAM_READ_UNKNOWN;
}

void stream_group_read(const struct stream *s, struct stream_group *g, struct stream_id id)
{
    if (g->entries_read != STREAM_READ_UNKNOWN && !stream_has_gap(s, id))
        g->entries_read++;
    else if (s->added > 0)
        g->entries_read = stream_added_until(s, id);
    g->last_id = id;
}

bool stream_group_lag(const struct stream *s, const struct stream_group *g, uint64_t *lag)
{
    int64_t read = g->entries_read;
    *lag = 0;
    if (s->added == 0) return true;
    if (read == STREAM_READ_UNKNOWN || stream_has_gap(s, g->last_id))
        read = stream_added_until(s, g->last_id);
    if (read == STREAM_READ_UNKNOWN) return false;
    *lag = s->added - (uint64_t)read;
    return true;
}

/* ---- Consumers ---- */

struct stream_consumer *stream_consumer_find(const struct stream_group *g, struct bytes name)
{
    return named_find(&g->consumers, name);
}

struct stream_consumer *stream_consumer_make(struct stream_group *g, struct bytes name,
                                             int64_t now_ms)
{
    if (stream_consumer_find(g, name) != NULL) return NULL;
    struct stream_consumer *c = heap_alloc(sizeof(*c) + name.len);
    *c = (struct stream_consumer){
        .seen_ms = now_ms, .active_ms = -1, .name_len = (uint32_t)name.len};
    if (name.len > 0) memcpy(c->name, name.ptr, name.len);
    sorted_open(&c->pending, &id_kind);
    struct stream_consumer **record =
        sorted_insert(&g->consumers, sorted_seek(&g->consumers, &name));
    *record = c;
    return c;
}

uint64_t stream_consumer_drop(struct stream_group *g, struct stream_consumer *c)
{
    uint64_t count = c->pending.count;
    struct sorted_place at = sorted_first(&c->pending);
    for (const struct stream_id *id; (id = sorted_at(&c->pending, at)) != NULL;
         sorted_next(&c->pending, &at)) {
        struct sorted_place record = sorted_seek(&g->pending, id);
        sorted_remove(&g->pending, &record);
    }
    struct bytes name = stream_consumer_name(c);
    at = sorted_seek(&g->consumers, &name);
    must(*(struct stream_consumer **)sorted_at(&g->consumers, at) == c);
    sorted_remove(&g->consumers, &at);
    sorted_close(&c->pending);
    heap_free(c);
    return count;
}

struct stream_consumer *stream_consumer_next(const struct stream_group *g, struct sorted_place *at)
{
    return named_next(&g->consumers, at);
}

/* ---- Pending entries ---- */

struct stream_pending *stream_pending_find(const struct stream_group *g, struct stream_id id)
{
    return sorted_find(&g->pending, &id);
}

/* Takes the id from the consumer that has it. */
static void consumer_lose(struct stream_consumer *c, struct stream_id id)
{
    struct sorted_place at = sorted_seek(&c->pending, &id);
    const struct stream_id *have = sorted_at(&c->pending, at);
    must(have != NULL && stream_id_compare(*have, id) == 0);
    sorted_remove(&c->pending, &at);
}

struct stream_pending *stream_pending_give(struct stream_group *g, struct stream_id id,
                                           struct stream_consumer *to)
{
    struct sorted_place at = sorted_seek(&g->pending, &id);
    struct stream_pending *p = sorted_at(&g->pending, at);
    if (p == NULL || stream_id_compare(p->id, id) != 0) {
        p = sorted_insert(&g->pending, at);
        *p = (struct stream_pending){.id = id};
    }
    if (p->consumer == to) return p;
    if (p->consumer != NULL) consumer_lose(p->consumer, id);
    p->consumer = to;
    struct stream_id *own = sorted_insert(&to->pending, sorted_seek(&to->pending, &id));
    *own = id;
    return p;
}

bool stream_pending_drop(struct stream_group *g, struct stream_id id)
{
    struct sorted_place at = sorted_seek(&g->pending, &id);
    const struct stream_pending *p = sorted_at(&g->pending, at);
    if (p == NULL || stream_id_compare(p->id, id) != 0) return false;
    if (p->consumer != NULL) consumer_lose(p->consumer, id);
    sorted_remove(&g->pending, &at);
    return true;
}

bool stream_pending_add(struct stream_group *g, struct stream_id id, int64_t delivered_ms,
                        uint64_t deliveries)
{
    struct sorted_place at = sorted_seek(&g->pending, &id);
    const struct stream_pending *p = sorted_at(&g->pending, at);
    if (p != NULL && stream_id_compare(p->id, id) == 0) return false;
    struct stream_pending *record = sorted_insert(&g->pending, at);
    *record = (struct stream_pending){id, delivered_ms, deliveries, NULL};
    return true;
}

/* ---- All groups ---- */

void stream_groups_open(struct sorted *groups) { sorted_open(groups, &group_kind); }

bool stream_groups_free_some(struct sorted *groups, uint64_t max)
{
    struct sorted_place at = sorted_first(groups);
    for (struct stream_group **g; (g = sorted_at(groups, at)) != NULL;) {
        if (!group_free_some(*g, &max)) return false;
        sorted_remove(groups, &at);
    }
    return true;
}

static struct stream_consumer *consumer_copy(const struct stream_consumer *c)
{
    struct stream_consumer *copy = heap_alloc(sizeof(*c) + c->name_len);
    memcpy(copy, c, sizeof(*c) + c->name_len);
    sorted_copy(&copy->pending, &c->pending);
    return copy;
}

static struct stream_group *group_copy(const struct stream_group *g)
{
    struct stream_group *copy = group_alloc(stream_group_name(g), g->last_id, g->entries_read);
    sorted_copy(&copy->pending, &g->pending);
    struct sorted_place at = sorted_first(&g->consumers);
    for (const struct stream_consumer *c; (c = stream_consumer_next(g, &at)) != NULL;) {
        struct stream_consumer **record =
            sorted_insert(&copy->consumers, sorted_end(&copy->consumers));
        *record = consumer_copy(c);
        struct sorted_place own = sorted_first(&c->pending);
        for (const struct stream_id *id; (id = sorted_at(&c->pending, own)) != NULL;
             sorted_next(&c->pending, &own)) {
            stream_pending_find(copy, *id)->consumer = *record;
        }
    }
    return copy;
}

void stream_groups_copy(struct sorted *to, const struct sorted *from)
{
    sorted_copy(to, from);
    struct sorted_place at = sorted_first(to);
    for (struct stream_group **g; (g = sorted_at(to, at)) != NULL; sorted_next(to, &at))
        *g = group_copy(*g);
}

size_t stream_groups_memory(const struct sorted *groups)
{
    size_t sum = groups->bytes;
    struct sorted_place at = sorted_first(groups);
    for (const struct stream_group *g; (g = named_next(groups, &at)) != NULL;) {
        sum += arena_usable(g) + g->pending.bytes + g->consumers.bytes;
        struct sorted_place in = sorted_first(&g->consumers);
        for (const struct stream_consumer *c; (c = stream_consumer_next(g, &in)) != NULL;)
            sum += arena_usable(c) + c->pending.bytes;
    }
    return sum;
}

uint64_t stream_groups_pieces(const struct sorted *groups)
{
    uint64_t sum = groups->count;
    struct sorted_place at = sorted_first(groups);
    for (const struct stream_group *g; (g = named_next(groups, &at)) != NULL;)
        sum += 2 * (g->pending.count / GROUP_CHUNK) + g->consumers.count;
    return sum;
}

void stream_groups_check(const struct sorted *groups)
{
    struct sorted_place at = sorted_first(groups);
    for (const struct stream_group *g; (g = named_next(groups, &at)) != NULL;) {
        uint64_t count = 0;
        struct sorted_place in = sorted_first(&g->consumers);
        for (const struct stream_consumer *c; (c = stream_consumer_next(g, &in)) != NULL;) {
            struct sorted_place own = sorted_first(&c->pending);
            for (const struct stream_id *id; (id = sorted_at(&c->pending, own)) != NULL;
                 sorted_next(&c->pending, &own)) {
                const struct stream_pending *p = stream_pending_find(g, *id);
                must(p != NULL && p->consumer == c);
                count++;
            }
        }
        must(count == g->pending.count);
    }
}
