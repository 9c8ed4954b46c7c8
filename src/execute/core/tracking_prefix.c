/*
 * Invariants: a prefix is in the map while somebody listens to it, and its length is in the list of
 * lengths. One with keys to tell stands in the list of changed ones.
 */
#include "execute/core/tracking_prefix.h"

#include "execute/core/name_map.h"
#include "execute/core/tracking.h"
#include "execute/core/tracking_message.h"
#include "execute/types/heap.h"

#include <inttypes.h>

struct tracking_prefix {
    struct key name;
    struct tracking_listener *first;
    /* Keys to tell, each with the session that changed it last: its id times two, plus one. */
    struct name_map keys;
    struct tracking_prefix *prev, *next; /* those with keys to tell */
};

struct tracking_listener {
    struct session *session;
    struct tracking_prefix *prefix;
    struct tracking_listener *prev, *next; /* of the prefix */
};

/* So many prefixes are so long: what a key begins with is looked up once for each length. */
struct prefix_length {
    size_t len;
    uint64_t count;
};

struct tracking_prefix *tracking_prefix_changed;
static struct name_map prefixes;
static struct prefix_length *lengths;
static uint32_t length_count;
static uint64_t prefix_round = 1; /* of gathering and telling */

void tracking_prefix_close(void)
{
    must(name_map_count(&prefixes) == 0);
    name_map_close(&prefixes);
    heap_free(lengths);
    lengths = NULL;
    length_count = 0;
}

/* ---- Prefixes ---- */

static void length_add(size_t len)
{
    for (uint32_t i = 0; i < length_count; i++) {
        if (lengths[i].len != len) continue;
        lengths[i].count++;
        return;
    }
    lengths = heap_realloc(lengths, (length_count + 1) * sizeof(*lengths));
    lengths[length_count++] = (struct prefix_length){len, 1};
}

static void length_remove(size_t len)
{
    uint32_t i = 0;
    while (lengths[i].len != len) i++;
    if (--lengths[i].count == 0) lengths[i] = lengths[--length_count];
}

static struct tracking_prefix *prefix_make(struct bytes name)
{
    struct key key = key_make(name);
    struct tracking_prefix *p = name_map_find(&prefixes, key);
    if (p != NULL) return p;
    p = heap_zalloc(sizeof(*p));
    p->name = (struct key){name_map_add(&prefixes, key, p), key.hash};
    length_add(name.len);
    return p;
}

/* Its keys need not be told, or are. */
static void prefix_settle(struct tracking_prefix *p)
{
    if (name_map_count(&p->keys) == 0) return;
    name_map_close(&p->keys);
    if (p->next != NULL) p->next->prev = p->prev;
    if (p->prev != NULL)
        p->prev->next = p->next;
    else
        tracking_prefix_changed = p->next;
    p->prev = p->next = NULL;
}

static void prefix_free(struct tracking_prefix *p)
{
    prefix_settle(p);
    length_remove(p->name.name.len);
    name_map_remove(&prefixes, p->name);
    heap_free(p);
}

uint64_t tracking_prefix_count(void) { return name_map_count(&prefixes); }

/* ---- Those who listen ---- */

static bool begins_with(struct bytes name, struct bytes prefix)
{
    return name.len >= prefix.len &&
           (prefix.len == 0 || memcmp(name.ptr, prefix.ptr, prefix.len) == 0);
}

static bool overlaps(struct bytes a, struct bytes b)
{
    return begins_with(a, b) || begins_with(b, a);
}

struct bytes tracking_prefix_at(const struct session *s, uint32_t i)
{
    return s->tracking->prefixes[i]->prefix->name.name;
}

/* The first place of a prefix that is not smaller. */
static uint32_t place_of(const struct tracking *t, struct bytes prefix)
{
    uint32_t low = 0, high = t->prefix_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (bytes_compare(t->prefixes[middle]->prefix->name.name, prefix) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* As prefixes that a session names do not overlap, only neighbours can; but for the empty one,
 * which it has without naming it. */
bool tracking_prefix_overlap(const struct session *s, struct bytes prefix, struct bytes *out)
{
    if (s->tracking == NULL) return false;
    uint32_t at = place_of(s->tracking, prefix), count = s->tracking->prefix_count;
    uint32_t candidates[] = {0, at == 0 ? 0 : at - 1, at};
    for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++) {
        if (candidates[i] >= count) continue;
        *out = tracking_prefix_at(s, candidates[i]);
        if (overlaps(*out, prefix)) return true;
    }
    return false;
}

static size_t listener_bytes(const struct tracking_listener *l)
{
    return arena_usable(l) + arena_usable(l->prefix) + l->prefix->name.name.len + sizeof(void *);
}

void tracking_prefix_add(struct session *s, struct bytes prefix)
{
    struct tracking *t = s->tracking;
    uint32_t at = place_of(t, prefix);
    if (at < t->prefix_count && bytes_equal(tracking_prefix_at(s, at), prefix)) return;
    if (t->prefix_count == t->prefix_max) {
        t->prefix_max = t->prefix_max == 0 ? 4 : t->prefix_max * 2;
        t->prefixes = heap_realloc(t->prefixes, t->prefix_max * sizeof(struct tracking_listener *));
    }
    struct tracking_prefix *p = prefix_make(prefix);
    struct tracking_listener *l = heap_alloc(sizeof(*l));
    *l = (struct tracking_listener){.session = s, .prefix = p, .next = p->first};
    if (p->first != NULL) p->first->prev = l;
    p->first = l;
    memmove(&t->prefixes[at + 1], &t->prefixes[at],
            (t->prefix_count - at) * sizeof(struct tracking_listener *));
    t->prefixes[at] = l;
    t->prefix_count++;
    t->prefix_bytes += listener_bytes(l);
}

static void listener_free(struct tracking_listener *l)
{
    struct tracking_prefix *p = l->prefix;
    if (l->next != NULL) l->next->prev = l->prev;
    if (l->prev != NULL)
        l->prev->next = l->next;
    else
        p->first = l->next;
    heap_free(l);
    if (p->first == NULL) prefix_free(p);
}

void tracking_prefix_forget_all(struct session *s)
{
    struct tracking *t = s->tracking;
    for (uint32_t i = 0; i < t->prefix_count; i++) listener_free(t->prefixes[i]);
    heap_free(t->prefixes);
    t->prefixes = NULL;
    t->prefix_count = t->prefix_max = 0;
    t->prefix_bytes = 0;
}

/* ---- Gathering ---- */

static void *writer_make(uint64_t id) { return (void *)(uintptr_t)(id << 1 | 1); }

static void prefix_gather(struct tracking_prefix *p, struct key key, const struct session *by)
{
    void *writer = writer_make(by == NULL ? 0 : by->id);
    if (by != NULL && by->tracking != NULL) by->tracking->wrote_in = prefix_round;
    if (name_map_count(&p->keys) == 0) {
        p->next = tracking_prefix_changed;
        if (p->next != NULL) p->next->prev = p;
        tracking_prefix_changed = p;
    }
    if (name_map_find(&p->keys, key) != NULL)
        name_map_set(&p->keys, key, writer);
    else
        name_map_add(&p->keys, key, writer);
}

void tracking_prefix_touched(struct key key, const struct session *by)
{
    for (uint32_t i = 0; i < length_count; i++) {
        if (lengths[i].len > key.name.len) continue;
        struct key name = key_make(bytes_make(key.name.ptr, lengths[i].len));
        struct tracking_prefix *p = name_map_find(&prefixes, name);
        if (p != NULL) prefix_gather(p, key, by);
    }
}

/* ---- Telling ---- */

/* Keys as they go over the wire, but for those that one session changed last. */
struct key_list {
    struct reply text;
    const void *but_of;
    uint64_t count;
};

static void key_list_visit(void *ctx, struct bytes name, void *writer)
{
    struct key_list *list = ctx;
    if (writer == list->but_of) return;
    list->count++;
    reply_printf(&list->text, "$%zu\r\n", name.len);
    reply_raw(&list->text, name.ptr, name.len);
    reply_raw(&list->text, "\r\n", 2);
}

/* `but_of`: NULL, or a writer whose keys are left out. */
static struct reply prefix_keys(const struct tracking_prefix *p, const void *but_of)
{
    struct key_list list = {.but_of = but_of};
    name_map_each(&p->keys, key_list_visit, &list);
    struct reply keys = {0};
    if (list.count > 0) {
        reply_printf(&keys, "*%" PRIu64 "\r\n", list.count);
        reply_raw(&keys, list.text.buf, list.text.len);
    }
    reply_release(&list.text);
    return keys;
}

/* A session that does not want to hear of its own changes, and has made some. */
static void prefix_tell_writer(const struct tracking_prefix *p, struct session *s)
{
    struct reply keys = prefix_keys(p, writer_make(s->id));
    if (keys.len > 0) {
        struct tracking_message m = tracking_message_of(bytes_make(keys.buf, keys.len));
        tracking_message_add(&m, s);
        tracking_message_send(&m);
    }
    reply_release(&keys);
}

static void prefix_tell(struct tracking_prefix *p)
{
    struct reply keys = prefix_keys(p, NULL);
    struct tracking_message m = tracking_message_of(bytes_make(keys.buf, keys.len));
    for (const struct tracking_listener *l = p->first; l != NULL; l = l->next) {
        const struct tracking *t = l->session->tracking;
        if ((t->options & TRACKING_NOLOOP) && t->wrote_in == prefix_round)
            prefix_tell_writer(p, l->session);
        else
            tracking_message_add(&m, l->session);
    }
    tracking_message_send(&m);
    reply_release(&keys);
    prefix_settle(p);
}

void tracking_prefix_tell(void)
{
    while (tracking_prefix_changed != NULL) prefix_tell(tracking_prefix_changed);
    prefix_round++;
}
