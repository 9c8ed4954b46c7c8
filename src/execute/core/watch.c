/*
 * Invariants: a watched key stands in its database's map while somebody watches it. A session's
 * watches are a list of its own, and each stands in the list of its key.
 */
#include "execute/core/watch.h"

#include "execute/core/event.h"
#include "execute/core/name_map.h"
#include "execute/types/heap.h"

struct watched_key {
    struct db *db;
    struct key key;
    struct watch *first;
};

struct watch {
    struct session *session;
    struct watched_key *key;
    struct watch *next_of_session;
    struct watch *prev, *next; /* of the key */
    bool was_expired;          /* when it was watched, and nothing came under the name since */
};

static uint64_t watch_count;
static uint64_t watch_sessions;
static struct name_map *watch_maps; /* by number of database */

static struct name_map *map_of(const struct db *db) { return &watch_maps[db_number(db)]; }

void watch_open(void)
{
    watch_maps = heap_zalloc((size_t)keyspace_db_count() * sizeof(*watch_maps));
}

void watch_close(void)
{
    must(watch_count == 0);
    for (int i = 0; i < keyspace_db_count(); i++) name_map_close(&watch_maps[i]);
    heap_free(watch_maps);
    watch_maps = NULL;
}

static struct watched_key *watched_key_make(struct db *db, struct key key)
{
    struct watched_key *k = name_map_find(map_of(db), key);
    if (k != NULL) return k;
    k = heap_zalloc(sizeof(*k));
    k->db = db;
    k->key = (struct key){name_map_add(map_of(db), key, k), key.hash};
    return k;
}

void watch_key(struct session *s, struct key key)
{
    struct watched_key *k = watched_key_make(s->db, key);
    for (struct watch *w = s->watches; w != NULL; w = w->next_of_session)
        if (w->key == k) return;
    if (s->watches == NULL) watch_sessions++;
    struct watch *w = heap_alloc(sizeof(*w));
    *w = (struct watch){
        .session = s,
        .key = k,
        .next_of_session = s->watches,
        .next = k->first,
        .was_expired = keyspace_is_expired(s->db, key),
    };
    if (k->first != NULL) k->first->prev = w;
    k->first = w;
    s->watches = w;
    s->watch_bytes += sizeof(*w) + sizeof(*k) + key.name.len;
    if (watch_count++ == 0) event_listen(EVENT_EAR_WATCH, true);
}

static void watch_free(struct watch *w)
{
    struct watched_key *k = w->key;
    if (w->prev != NULL)
        w->prev->next = w->next;
    else
        k->first = w->next;
    if (w->next != NULL) w->next->prev = w->prev;
    if (k->first == NULL) {
        name_map_remove(map_of(k->db), k->key);
        heap_free(k);
    }
    heap_free(w);
    if (--watch_count == 0) event_listen(EVENT_EAR_WATCH, false);
}

void watch_forget_all(struct session *s)
{
    s->watch_failed = false;
    if (s->watches == NULL) return;
    s->watch_bytes = 0;
    watch_sessions--;
    while (s->watches != NULL) {
        struct watch *w = s->watches;
        s->watches = w->next_of_session;
        watch_free(w);
    }
}

bool watch_has_failed(const struct session *s)
{
    if (s->watch_failed) return true;
    for (const struct watch *w = s->watches; w != NULL; w = w->next_of_session)
        if (!w->was_expired && keyspace_is_expired(w->key->db, w->key->key)) return true;
    return false;
}

static void watched_key_touched(struct watched_key *k, bool exists)
{
    for (struct watch *w = k->first; w != NULL; w = w->next) {
        if (w->was_expired && !exists)
            w->was_expired = false; /* what had expired was deleted: nothing has changed */
        else
            w->session->watch_failed = true;
    }
}

void watch_touched(struct db *db, struct key key, bool exists)
{
    struct watched_key *k = name_map_find(map_of(db), key);
    if (k != NULL) watched_key_touched(k, exists);
}

struct watch_sweep {
    struct db *db, *other;
};

static void watch_sweep_visit(void *ctx, struct bytes name, void *value)
{
    (void)name;
    const struct watch_sweep *sweep = ctx;
    struct watched_key *k = value;
    struct db *other = sweep->other;
    bool here = keyspace_has(sweep->db, k->key);
    bool there = other != NULL && keyspace_has(other, k->key);
    if (!here && !there) return;
    bool comes_expired = there && keyspace_is_expired(other, k->key);
    for (struct watch *w = k->first; w != NULL; w = w->next) {
        bool was_absent = !here || w->was_expired, is_absent = !there || comes_expired;
        if (!was_absent || !is_absent) w->session->watch_failed = true;
        w->was_expired = comes_expired;
    }
}

void watch_touched_all(struct db *db, struct db *other)
{
    struct watch_sweep sweep = {db, other};
    name_map_each(map_of(db), watch_sweep_visit, &sweep);
}

uint64_t watch_session_count(void) { return watch_sessions; }

uint64_t watch_key_count(void) { return watch_count; }
