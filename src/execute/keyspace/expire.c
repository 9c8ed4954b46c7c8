/* Active expiry: the segments whose earliest key is due, earliest first over all databases. */
#include "execute/keyspace/db.h"

#include "base/clock.h"
#include "execute/types/type.h"

/* Keys of a step, and elements. */
#define STEP_MAX SEGMENT_ROOM_MAX

struct db *db_next_due(void)
{
    struct db *next = NULL;
    int64_t at = INT64_MAX;
    for (int i = 0; i < keyspace.count; i++) {
        const struct deadline_heap *h = &keyspace.dbs[i].table.deadlines;
        if (h->count == 0 || deadline_next(h) >= at) continue;
        at = deadline_next(h);
        next = &keyspace.dbs[i];
    }
    return next;
}

int64_t keyspace_next_due_ms(void)
{
    if (keyspace.expiry_off || keyspace.replays) return -1;
    const struct db *db = db_next_due();
    return db == NULL ? -1 : deadline_next(&db->table.deadlines);
}

/* How late a key goes, to be noted in microseconds: the cached time plus what this call has taken
 * so far. */
static void expire_note_lag(int64_t deadline_ms, uint64_t since_us)
{
    int64_t late_ms = keyspace.now_ms - deadline_ms;
    histogram_add(&keyspace.expire_lag_us, (uint64_t)late_ms * 1000 + since_us);
}

/* What one call of keyspace_expire_due() has done so far. */
struct expire_work {
    struct db *db;
    uint64_t since_us;
    uint64_t gone; /* keys and elements */
    uint64_t room; /* for elements that this step may still delete */
    bool waits;    /* what is due next must stay for a while */
};

/* Elements that are due may go. */
static bool expire_may_edit(struct db *db, struct entry *e)
{
    if (likely(!entry_is_old(e))) return true;
    if (keyspace.gate != NULL && !keyspace.gate->may_expire(db, e)) return false;
    db_before_edit(db, e);
    return true;
}

/* The value that elements go from. */
struct expire_value {
    struct db *db;
    struct key key;
};

static void expire_show(void *ctx, struct bytes name)
{
    const struct expire_value *v = ctx;
    keyspace.on_element(v->db, v->key, name);
}

static uint64_t expire_elements(struct db *db, struct key key, struct entry *e, uint64_t max)
{
    struct expire_value v = {db, key};
    struct type_going going = {expire_show, &v};
    bool asked = unlikely(keyspace.on_element != NULL);
    uint64_t count = type_of(e)->expire_some(e, keyspace.due_ms, max, asked ? &going : NULL);
    keyspace.stats.expired_elements += count;
    return count;
}

/* An entry of a database is due, or elements of its value are. */
static bool expire_visit(void *ctx, struct entry *e, int64_t due_ms)
{
    struct expire_work *w = ctx;
    uint64_t count = 1;
    bool is_key = entry_is_due(e, keyspace.now_ms);
    if (!is_key && unlikely(!expire_may_edit(w->db, e))) {
        w->waits = true;
        return false;
    }
    if (!is_key) {
        count = expire_elements(w->db, (struct key){entry_name(e), entry_hash(e)}, e, w->room);
        w->room -= count;
    }
    keyspace.stats.expired += is_key;
    w->gone += count;
    if (count > 0) expire_note_lag(due_ms, w->since_us);
    if (!is_key && count > 0) db_tell(w->db, entry_hash(e), e, KEYSPACE_ELEMENTS_EXPIRED);
    if (!is_key && type_of(e)->count(e) > 0) return false;
    if (unlikely(w->db->waited > 0)) db_tell_gone(w->db, entry_hash(e), e);
    db_tell(w->db, entry_hash(e), e, is_key ? KEYSPACE_EXPIRED : KEYSPACE_EMPTIED);
    db_free_entry(w->db, e);
    return true;
}

uint64_t keyspace_expire_due(uint64_t max, uint64_t budget_us)
{
    struct expire_work w = {0};
    uint64_t start_us = 0;
    while (w.gone < max && !keyspace.expiry_off && !keyspace.replays) {
        struct db *db = db_next_due();
        if (db == NULL || deadline_next(&db->table.deadlines) > keyspace.now_ms) break;
        if (start_us == 0) start_us = clock_mono_us();
        w.db = db;
        w.room = max - w.gone < STEP_MAX ? max - w.gone : STEP_MAX;
        table_due_step(&db->table, keyspace.now_ms, (uint32_t)w.room, expire_visit, &w);
        w.since_us = clock_mono_us() - start_us;
        if (w.since_us >= budget_us || w.waits) break;
    }
    return w.gone;
}

/* Elements went: gives the entry, or NULL when it went with the last of them. */
static struct entry *expire_tell_elements(struct db *db, struct key key, struct entry *e,
                                          struct table_due had)
{
    keyspace_elements_due(db, key, e, had);
    db_tell(db, key.hash, e, KEYSPACE_ELEMENTS_EXPIRED);
    if (type_of(e)->count(e) > 0) return e;
    db_delete(db, key.hash, table_slot_of(&db->table, key.hash, e), KEYSPACE_EMPTIED);
    return NULL;
}

struct entry *keyspace_expire_elements(struct db *db, struct key key, struct entry *e)
{
    if (likely(!(e->flags & ENTRY_DUE)) || keyspace.keep_expired) return e;
    struct table_due had = table_due_of(e);
    if (had.at_ms > keyspace.due_ms) return e;
    db_before_edit(db, e);
    expire_elements(db, key, e, STEP_MAX);
    return expire_tell_elements(db, key, e, had);
}

struct entry *keyspace_expire_named(struct db *db, struct key key, struct entry *e,
                                    const struct bytes *names, uint32_t count)
{
    if (likely(!(e->flags & ENTRY_DUE)) || keyspace.keep_expired) return e;
    struct table_due had = table_due_of(e);
    uint64_t gone = 0;
    if (had.at_ms > keyspace.due_ms) return e;
    db_before_edit(db, e);
    for (uint32_t i = 0; i < count; i++) {
        if (!type_of(e)->expire_one(e, names[i], keyspace.due_ms)) continue;
        if (keyspace.on_element != NULL) keyspace.on_element(db, key, names[i]);
        gone++;
    }
    keyspace.stats.expired_elements += gone;
    return gone == 0 ? e : expire_tell_elements(db, key, e, had);
}
