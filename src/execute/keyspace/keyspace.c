/* Life, lookups and deletions, and what is asked about a whole database. */
#include "execute/keyspace/db.h"

#include "execute/types/grave.h"
#include "execute/types/heap.h"

#define TTL_SAMPLE_SEGMENTS 16
#define DRAWS_OF_KEPT 1000 /* of expired keys in a row, while they are kept */

struct keyspace keyspace;

void keyspace_use_arena(struct arena *a) { heap_use(a); }

void keyspace_open(int databases)
{
    must(databases > 0 && keyspace.dbs == NULL);
    keyspace = (struct keyspace){.count = databases};
    keyspace.dbs = heap_zalloc((size_t)databases * sizeof(*keyspace.dbs));
    for (int i = 0; i < databases; i++) keyspace.dbs[i].number = i;
    uint64_t seed;
    random_secret(&seed, sizeof(seed));
    random_seed(&keyspace.random, seed);
}

void keyspace_close(void)
{
    keyspace_flush(NULL, false);
    while (keyspace_work(UINT64_MAX)) continue;
    heap_free(keyspace.dbs);
    evict_forget();
    keyspace = (struct keyspace){0};
}

void keyspace_tick(int64_t now_ms)
{
    keyspace.now_ms = now_ms;
    keyspace.due_ms = keyspace.replays ? INT64_MIN : now_ms;
    entry_clock_tick(now_ms);
}

int64_t keyspace_now_ms(void) { return keyspace.now_ms; }

void keyspace_replay(bool on)
{
    keyspace.replays = on;
    keyspace_tick(keyspace.now_ms);
}

int64_t keyspace_due_ms(void) { return keyspace.due_ms; }

struct db *keyspace_db(int64_t number)
{
    return number >= 0 && number < keyspace.count ? &keyspace.dbs[number] : NULL;
}

int keyspace_db_count(void) { return keyspace.count; }

int db_number(const struct db *db) { return db->number; }

const struct table *db_table(const struct db *db) { return &db->table; }

uint64_t db_size(const struct db *db) { return db->table.count; }

uint64_t db_deadline_count(const struct db *db) { return db->table.own_deadlines; }

uint64_t db_slot_count(const struct db *db) { return db->table.slots; }

size_t db_table_bytes(const struct db *db) { return table_bytes(&db->table); }

int64_t db_average_ttl_ms(const struct db *db)
{
    const struct deadline_heap *h = &db->table.deadlines;
    uint64_t sum = 0, count = 0;
    for (int i = 0; h->count > 0 && i < TTL_SAMPLE_SEGMENTS; i++) {
        bool all = h->count <= TTL_SAMPLE_SEGMENTS;
        if (all && i == (int)h->count) break;
        uint64_t at = all ? (uint64_t)i : random_below(&keyspace.random, h->count);
        const struct segment *s = h->due[at].segment;
        for (uint32_t j = 0; j < band_rooms[s->deadline_step]; j++) {
            if (s->deadlines[j] == 0) continue;
            int64_t left = deadline_of_word(s->deadlines[j]) - keyspace.now_ms;
            sum += left > 0 ? (uint64_t)left : 0;
            count++;
        }
    }
    return count == 0 ? 0 : (int64_t)(sum / count);
}

void db_remove(struct db *db, uint64_t hash, uint64_t *slot)
{
    struct entry *e = segment_entry(*slot);
    table_remove(&db->table, hash, slot);
    db_tell_gone(db, hash, e);
    db_free_entry(db, e);
}

void db_delete(struct db *db, uint64_t hash, uint64_t *slot, enum keyspace_event why)
{
    struct entry *e = segment_entry(*slot);
    table_remove(&db->table, hash, slot);
    db_tell_gone(db, hash, e);
    db_tell(db, hash, e, why);
    db_free_entry(db, e);
}

__attribute__((noinline)) void db_expire_met(struct db *db, uint64_t hash, uint64_t *slot)
{
    db_delete(db, hash, slot, KEYSPACE_EXPIRED);
    keyspace.stats.expired++;
    keyspace.stats.expired_lazily++;
}

uint64_t *db_find(struct db *db, struct key key)
{
    uint64_t *slot = table_find(&db->table, key);
    if (slot != NULL && unlikely(entry_is_due(segment_entry(*slot), keyspace.due_ms))) {
        db_expire_met(db, key.hash, slot);
        return NULL;
    }
    return slot;
}

/* For lookups: what is due may have to stay. */
static inline uint64_t *db_look(struct db *db, struct key key)
{
    if (likely(!keyspace.keep_expired)) return db_find(db, key);
    uint64_t *slot = table_find(&db->table, key);
    bool due = slot != NULL && entry_is_due(segment_entry(*slot), keyspace.due_ms);
    return due ? NULL : slot;
}

static struct entry *keyspace_miss(struct db *db, struct key key, bool counts)
{
    if (!counts) return NULL;
    keyspace.stats.misses++;
    if (unlikely(keyspace.tells_missed)) keyspace.on_event(db, key, KEYSPACE_MISSED);
    return NULL;
}

struct entry *keyspace_find(struct db *db, struct key key, enum lookup how)
{
    bool edits = how == LOOKUP_WRITE || how == LOOKUP_EDIT;
    bool counts = how == LOOKUP_READ || how == LOOKUP_PEEK || how == LOOKUP_EDIT;
    bool touches = how == LOOKUP_READ || edits;
    uint64_t *slot = db_look(db, key);
    if (slot == NULL) return keyspace_miss(db, key, counts);
    keyspace.stats.hits += counts;
    struct entry *e = segment_entry(*slot);
    if (edits) db_before_edit(db, e);
    if (touches && !keyspace.no_touch) entry_touch(e);
    return e;
}

struct entry *keyspace_find_due(struct db *db, struct key key)
{
    uint64_t *slot = table_find(&db->table, key);
    return slot == NULL ? NULL : segment_entry(*slot);
}

__attribute__((noinline)) void db_pass_gate(struct db *db, struct entry *e)
{
    if (keyspace.gate != NULL) keyspace.gate->change(db, e);
    entry_make_young(e);
}

void keyspace_set_gate(const struct keyspace_gate *gate) { keyspace.gate = gate; }

void keyspace_no_touch(bool on) { keyspace.no_touch = on; }

void keyspace_set_lfu(bool lfu, int64_t log_factor, int64_t decay_minutes)
{
    entry_clock_policy(lfu, log_factor, decay_minutes);
}

void keyspace_prefetch_slot(struct db *db, uint64_t hash) { table_prefetch_slot(&db->table, hash); }

void keyspace_prefetch_entry(struct db *db, uint64_t hash)
{
    table_prefetch_entry(&db->table, hash);
}

const struct entry *keyspace_peek(struct db *db, uint64_t hash)
{
    if (db->table.directory == NULL) return NULL;
    uint64_t slot = *table_seek(&db->table, hash);
    return slot != 0 && band_tag(slot) == band_tag(hash) ? segment_entry(slot) : NULL;
}

bool keyspace_delete(struct db *db, struct key key)
{
    uint64_t *slot = db_find(db, key);
    if (slot == NULL) return false;
    db_remove(db, key.hash, slot);
    return true;
}

struct entry *keyspace_random(struct db *db)
{
    int kept = 0;
    while (db->table.count > 0 && kept < DRAWS_OF_KEPT) {
        uint64_t *slot = table_random(&db->table, &keyspace.random);
        struct entry *e = segment_entry(*slot);
        if (!entry_is_due(e, keyspace.due_ms)) return e;
        if (keyspace.keep_expired)
            kept++;
        else
            db_expire_met(db, entry_hash(e), slot);
    }
    return NULL;
}

void keyspace_set_active_expiry(bool on) { keyspace.expiry_off = !on; }

void keyspace_keep_expired(bool on) { keyspace.keep_expired = on; }

void keyspace_on_waited(void (*fn)(struct db *db, const struct key *key))
{
    keyspace.on_waited = fn;
}

void keyspace_on_event(void (*fn)(struct db *db, struct key key, enum keyspace_event what))
{
    keyspace.on_event = fn;
}

void keyspace_on_element(void (*fn)(struct db *db, struct key key, struct bytes name))
{
    keyspace.on_element = fn;
}

void keyspace_tell(bool made, bool missed)
{
    keyspace.tells_made = made;
    keyspace.tells_missed = missed;
}

bool keyspace_has(const struct db *db, struct key key)
{
    return table_find(&db->table, key) != NULL;
}

bool keyspace_is_expired(const struct db *db, struct key key)
{
    const uint64_t *slot = table_find(&db->table, key);
    return slot != NULL && entry_is_due(segment_entry(*slot), keyspace.due_ms);
}

bool keyspace_is_waited(const struct db *db) { return db->waited > 0; }

void keyspace_wait(struct db *db, int64_t change) { db->waited += (uint64_t)change; }

void keyspace_check(const struct db *db) { table_check(&db->table); }

uint64_t keyspace_pending_free(void) { return keyspace.stats.pending_free + grave_count(); }

uint64_t keyspace_freed_later(void) { return keyspace.stats.freed_later + grave_freed(); }

struct keyspace_stats *keyspace_stats(void)
{
    static const double percents[] = {50, 99, 99.9};
    struct keyspace_stats *s = &keyspace.stats;
    for (int i = 0; i < 3; i++) {
        s->expire_lag_us[i] = histogram_percentile(&keyspace.expire_lag_us, percents[i]);
    }
    s->expire_lag_us[3] = keyspace.expire_lag_us.max;
    return s;
}

void keyspace_reset_stats(void)
{
    uint64_t pending = keyspace.stats.pending_free;
    keyspace.stats = (struct keyspace_stats){.pending_free = pending};
    keyspace.expire_lag_us = (struct histogram){0};
    grave_reset_freed();
}
