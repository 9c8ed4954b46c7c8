/*
 * Eviction: which key goes when memory is short.
 *
 * The clocks of some entries are looked at, taken from one place of a table: names are hashed, so
 * neighbours have nothing to do with each other, and the memory of all of them is asked for at
 * once. The best candidates that were not taken stay in a pool for the next time, so a victim is
 * chosen from many more keys than one look saw. A candidate is remembered by its hash and slot
 * word; one whose word is gone from the table is dropped, and so is one that was used meanwhile.
 *
 * volatile-ttl does not guess: the index of deadlines knows which key is due first.
 */
#include "execute/keyspace/db.h"

#define POOL_MAX 32
/* Entries looked at for each of maxmemory-samples: what is near costs little. */
#define LOOKS_PER_SAMPLE 3
#define LOOKS_MAX 64

struct candidate {
    struct db *db;
    uint64_t hash, word;
    uint32_t score;
};

static struct candidate pool[POOL_MAX]; /* the worst first */
static uint32_t pool_count;
static enum evict_order pool_order;
static bool pool_volatile;

/* The higher, the sooner it goes. */
static uint32_t evict_score(const struct entry *e, enum evict_order order)
{
    if (order == EVICT_LFU) return UINT8_MAX - entry_lfu(e);
    return (uint32_t)(entry_idle_ms(e) / 1000);
}

/* ---- The pool ---- */

static bool pool_has(uint64_t word, const struct db *db)
{
    for (uint32_t i = 0; i < pool_count; i++)
        if (pool[i].word == word && pool[i].db == db) return true;
    return false;
}

static void pool_offer(struct db *db, uint64_t word, uint32_t score)
{
    if (pool_count == POOL_MAX && score <= pool[0].score) return;
    if (pool_has(word, db)) return;
    if (pool_count == POOL_MAX) memmove(pool, pool + 1, --pool_count * sizeof(pool[0]));
    uint32_t at = pool_count;
    while (at > 0 && pool[at - 1].score > score) at--;
    memmove(&pool[at + 1], &pool[at], (pool_count - at) * sizeof(pool[0]));
    pool[at] = (struct candidate){
        .db = db, .hash = entry_hash(segment_entry(word)), .word = word, .score = score};
    pool_count++;
}

void evict_forget(void) { pool_count = 0; }

/* The slot of a candidate that is still there and as old as it was, or NULL. */
static uint64_t *candidate_slot(const struct candidate *c, enum evict_order order)
{
    const struct table *t = &c->db->table;
    if (t->directory == NULL) return NULL;
    struct segment *s = table_segment(t, c->hash);
    int32_t at = band_find(s->slots, s->room, c->word);
    if (at < 0) return NULL;
    return evict_score(segment_entry(c->word), order) < c->score ? NULL : &s->slots[at];
}

/* ---- Looking ---- */

static uint64_t evict_db_size(const struct db *db, bool only_volatile)
{
    const struct table *t = &db->table;
    return only_volatile ? t->own_deadlines : t->count;
}

/* A database, as likely as it has keys; NULL when none has any. */
static struct db *evict_draw_db(bool only_volatile)
{
    uint64_t sum = 0;
    for (int i = 0; i < keyspace.count; i++) sum += evict_db_size(&keyspace.dbs[i], only_volatile);
    if (sum == 0) return NULL;
    uint64_t at = random_below(&keyspace.random, sum);
    struct db *db = keyspace.dbs;
    while (at >= evict_db_size(db, only_volatile)) at -= evict_db_size(db++, only_volatile);
    return db;
}

/* Slot words from a random place of the segment on, round its end; gives how many. */
static uint32_t evict_gather(const struct segment *s, uint64_t *out, uint32_t max)
{
    uint32_t count = 0, at = (uint32_t)random_below(&keyspace.random, s->room);
    for (uint32_t i = 0; i < s->room && count < max; i++) {
        uint64_t word = s->slots[at];
        if (word != 0) {
            __builtin_prefetch(segment_entry(word));
            out[count++] = word;
        }
        if (++at == s->room) at = 0;
    }
    return count;
}

/* True when the key itself has a deadline, and not only elements of its value. */
static bool evict_is_volatile(uint64_t word)
{
    return (segment_entry(word)->flags & ENTRY_DEADLINE) != 0;
}

/* The same from the segment's band of deadlines. */
static uint32_t evict_gather_volatile(struct segment *s, uint64_t *out, uint32_t max)
{
    uint32_t room = band_rooms[s->deadline_step], count = 0;
    uint32_t at = (uint32_t)random_below(&keyspace.random, room);
    for (uint32_t i = 0; i < room && count < max; i++) {
        uint64_t word = s->deadlines[at] == 0 ? 0 : *table_due_slot(s, s->deadlines[at]);
        if (word != 0 && evict_is_volatile(word)) out[count++] = word;
        if (++at == room) at = 0;
    }
    return count;
}

static struct segment *evict_draw_segment(struct db *db, bool only_volatile)
{
    const struct deadline_heap *h = &db->table.deadlines;
    if (only_volatile) return h->due[random_below(&keyspace.random, h->count)].segment;
    for (;;) {
        struct segment *s = table_segment(&db->table, random_next(&keyspace.random));
        if (s->count > 0) return s;
    }
}

static bool evict_look(const struct evict_rule *rule)
{
    struct db *db = evict_draw_db(rule->only_volatile);
    if (db == NULL) return false;
    uint64_t words[LOOKS_MAX];
    uint32_t max = rule->samples < LOOKS_MAX / LOOKS_PER_SAMPLE
                       ? (uint32_t)rule->samples * LOOKS_PER_SAMPLE
                       : LOOKS_MAX;
    struct segment *s = evict_draw_segment(db, rule->only_volatile);
    uint32_t count =
        rule->only_volatile ? evict_gather_volatile(s, words, max) : evict_gather(s, words, max);
    for (uint32_t i = 0; i < count; i++)
        pool_offer(db, words[i], evict_score(segment_entry(words[i]), rule->order));
    return true;
}

/* ---- One key goes ---- */

static void evict_slot(struct db *db, uint64_t hash, uint64_t *slot)
{
    db_delete(db, hash, slot, KEYSPACE_EVICTED);
    keyspace.stats.evicted++;
}

static bool evict_from_pool(const struct evict_rule *rule)
{
    if (pool_order != rule->order || pool_volatile != rule->only_volatile) pool_count = 0;
    pool_order = rule->order;
    pool_volatile = rule->only_volatile;
    while (evict_look(rule)) {
        while (pool_count > 0) {
            struct candidate c = pool[--pool_count];
            uint64_t *slot = candidate_slot(&c, rule->order);
            if (slot == NULL) continue;
            if (rule->only_volatile && !evict_is_volatile(*slot)) continue;
            evict_slot(c.db, c.hash, slot);
            return true;
        }
    }
    return false;
}

static void evict_word(struct db *db, uint64_t word)
{
    uint64_t hash = entry_hash(segment_entry(word));
    evict_slot(db, hash, table_slot_of(&db->table, hash, segment_entry(word)));
}

static bool evict_at_random(bool only_volatile)
{
    struct db *db = evict_draw_db(only_volatile);
    uint64_t word = 0;
    if (db == NULL) return false;
    if (!only_volatile) word = *table_random(&db->table, &keyspace.random);
    while (word == 0) evict_gather_volatile(evict_draw_segment(db, true), &word, 1);
    evict_word(db, word);
    return true;
}

/* The word of the segment's earliest deadline. */
static uint64_t evict_earliest(const struct segment *s)
{
    uint64_t best = 0;
    for (uint32_t i = 0; i < band_rooms[s->deadline_step]; i++) {
        uint64_t word = s->deadlines[i];
        if (word != 0 && (best == 0 || (word & BAND_LOW) < (best & BAND_LOW))) best = word;
    }
    return best;
}

/* Where what is due first is an element and not a key, any key with a deadline will do. */
static bool evict_soonest(void)
{
    if (evict_draw_db(true) == NULL) return false;
    for (;;) {
        struct db *db = db_next_due();
        struct deadline_heap *h = &db->table.deadlines;
        struct segment *s = h->due[0].segment;
        uint64_t due = evict_earliest(s), none;
        if (deadline_of_word(due) > h->due[0].at_ms) { /* a stale bound: made exact, looked again */
            deadline_take_due(h, s, 0, &none, 0);
            continue;
        }
        uint64_t word = *table_due_slot(s, due);
        if (!evict_is_volatile(word)) return evict_at_random(true);
        evict_word(db, word);
        return true;
    }
}

bool keyspace_evict(const struct evict_rule *rule)
{
    switch (rule->order) {
    case EVICT_LRU:
    case EVICT_LFU: return evict_from_pool(rule);
    case EVICT_RANDOM: return evict_at_random(rule->only_volatile);
    case EVICT_TTL: return evict_soonest();
    }
    return false;
}
