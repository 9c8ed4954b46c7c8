/* Active expiry: the segments whose earliest key is due, earliest first over all databases. */
#include "execute/keyspace/db.h"

#include "base/clock.h"

#define BATCH_MAX SEGMENT_ROOM_MAX
#define AHEAD 4

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
    if (keyspace.expiry_off) return -1;
    const struct db *db = db_next_due();
    return db == NULL ? -1 : deadline_next(&db->table.deadlines);
}

uint64_t *db_slot_of_deadline(struct segment *s, uint64_t word)
{
    for (uint32_t at = band_seek(s->slots, s->room, band_tag(word));; at++) {
        must(s->slots[at] != 0 && band_tag(s->slots[at]) == band_tag(word));
        const struct entry *e = segment_entry(s->slots[at]);
        if ((e->flags & ENTRY_DEADLINE) && deadline_word(word, e->words[0]) == word) {
            return &s->slots[at];
        }
    }
}

static void expire_prefetch(const struct segment *s, uint64_t word)
{
    uint32_t at = band_seek(s->slots, s->room, band_tag(word));
    if (s->slots[at] != 0) __builtin_prefetch(segment_entry(s->slots[at]));
}

/* How late a key goes, to be noted in microseconds: the cached time plus what this call has taken
 * so far. */
static void expire_note_lag(int64_t deadline_ms, uint64_t since_us)
{
    int64_t late_ms = keyspace.now_ms - deadline_ms;
    histogram_add(&keyspace.expire_lag_us, (uint64_t)late_ms * 1000 + since_us);
}

static uint64_t expire_segment(struct db *db, uint64_t max, uint64_t since_us)
{
    uint64_t due[BATCH_MAX];
    struct table *t = &db->table;
    struct segment *s = t->deadlines.due[0].segment;
    uint32_t cap = max < BATCH_MAX ? (uint32_t)max : BATCH_MAX;
    uint32_t count = deadline_take_due(&t->deadlines, s, keyspace.now_ms, due, cap);
    for (uint32_t i = 0; i < count; i++) {
        if (i + AHEAD < count) expire_prefetch(s, due[i + AHEAD]);
        uint64_t *slot = db_slot_of_deadline(s, due[i]);
        struct entry *e = segment_entry(*slot);
        table_take(t, s, slot);
        if (unlikely(db->waited > 0)) db_tell_gone(db, entry_hash(e), e);
        entry_free(e);
        expire_note_lag(deadline_of_word(due[i]), since_us);
    }
    if (count > 0) table_settle(t, s);
    keyspace.stats.expired += count;
    return count;
}

uint64_t keyspace_expire_due(uint64_t max, uint64_t budget_us)
{
    uint64_t count = 0, since_us = 0, start_us = 0;
    while (count < max && !keyspace.expiry_off) {
        struct db *db = db_next_due();
        if (db == NULL || deadline_next(&db->table.deadlines) > keyspace.now_ms) break;
        if (start_us == 0) start_us = clock_mono_us();
        count += expire_segment(db, max - count, since_us);
        since_us = clock_mono_us() - start_us;
        if (since_us >= budget_us) break;
    }
    return count;
}
