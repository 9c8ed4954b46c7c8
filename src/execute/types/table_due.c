/* A table's index of deadlines as its entries change and expire. */
#include "execute/types/table.h"

#define AHEAD 4

/* Counts whose deadlines there are. */
static void due_count(struct table *t, unsigned from, unsigned to)
{
    t->own_deadlines += (uint64_t)((to & ENTRY_DEADLINE) != 0) - ((from & ENTRY_DEADLINE) != 0);
    t->element_deadlines += (uint64_t)((to & ENTRY_DUE) != 0) - ((from & ENTRY_DUE) != 0);
}

void table_due_change(struct table *t, uint64_t hash, struct table_due from, struct table_due to)
{
    if (from.whose != to.whose) due_count(t, from.whose, to.whose);
    if (likely(from.at_ms == to.at_ms)) return;
    struct segment *s = table_segment(t, hash);
    if (from.at_ms != ENTRY_NO_DEADLINE) {
        deadline_remove(&t->deadlines, s, deadline_word(hash, from.at_ms));
    }
    if (to.at_ms != ENTRY_NO_DEADLINE) {
        deadline_add(&t->deadlines, s, deadline_word(hash, to.at_ms));
    }
}

struct entry *table_due_set(struct table *t, struct entry *e, int64_t at_ms)
{
    struct table_due had = table_due_of(e);
    uint64_t hash = entry_hash(e);
    uint64_t *slot = table_slot_of(t, hash, e);
    e = entry_with_deadline(e, at_ms);
    *slot = segment_slot(hash, e);
    table_due_change(t, hash, had, table_due_of(e));
    return e;
}

uint64_t *table_due_slot(struct segment *s, uint64_t word)
{
    for (uint32_t at = band_seek(s->slots, s->room, band_tag(word));; at++) {
        must(s->slots[at] != 0 && band_tag(s->slots[at]) == band_tag(word));
        int64_t due_ms = entry_due(segment_entry(s->slots[at]));
        if (due_ms != ENTRY_NO_DEADLINE && deadline_word(word, due_ms) == word) {
            return &s->slots[at];
        }
    }
}

static void due_prefetch(const struct segment *s, uint64_t word)
{
    uint32_t at = band_seek(s->slots, s->room, band_tag(word));
    if (s->slots[at] != 0) __builtin_prefetch(segment_entry(s->slots[at]));
}

/* The words left the index before, so what stays comes back into it. Of two entries with equal
 * words either may be taken for the other: they are due at the same time. */
uint32_t table_due_step(struct table *t, int64_t now_ms, uint32_t max,
                        bool (*visit)(void *ctx, struct entry *e, int64_t due_ms), void *ctx)
{
    if (t->deadlines.count == 0 || deadline_next(&t->deadlines) > now_ms) return 0;
    uint64_t due[SEGMENT_ROOM_MAX];
    struct segment *s = t->deadlines.due[0].segment;
    uint32_t cap = max < SEGMENT_ROOM_MAX ? max : SEGMENT_ROOM_MAX;
    uint32_t count = deadline_take_due(&t->deadlines, s, now_ms, due, cap), gone = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i + AHEAD < count) due_prefetch(s, due[i + AHEAD]);
        uint64_t *slot = table_due_slot(s, due[i]);
        struct entry *e = segment_entry(*slot);
        due_count(t, table_due_of(e).whose, 0);
        if (visit(ctx, e, deadline_of_word(due[i]))) {
            table_take(t, s, slot);
            gone++;
            continue;
        }
        struct table_due next = table_due_of(e);
        due_count(t, 0, next.whose);
        if (next.at_ms != ENTRY_NO_DEADLINE) {
            deadline_add(&t->deadlines, s, deadline_word(due[i], next.at_ms));
        }
    }
    if (gone > 0) table_settle(t, s);
    return count;
}
