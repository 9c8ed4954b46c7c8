/* The invariants of tables, checked one by one. For tests and DEBUG: slow. */
#include "execute/types/table.h"

#include "execute/types/heap.h"
#include "execute/types/type.h"

static void check_band(const uint64_t *words, uint32_t room, uint32_t count)
{
    uint32_t homes = band_homes(room), seen = 0;
    uint64_t before = 0;
    must(words[room - 1] == 0);
    for (uint32_t i = 0; i < room; i++) {
        if (words[i] == 0) continue;
        uint32_t home = band_home(band_tag(words[i]), homes);
        must(home <= i && band_tag(words[i]) >= band_tag(before));
        for (uint32_t j = home; j < i; j++) must(words[j] != 0);
        before = words[i];
        seen++;
    }
    must(seen == count);
}

/* Of a segment. */
struct check_found {
    uint32_t deadlines, own, element;
};

static void check_entry(const struct segment *s, uint64_t slot, struct check_found *found)
{
    const struct entry *e = segment_entry(slot);
    uint64_t hash = entry_hash(e);
    must(band_tag(hash) == band_tag(slot));
    must((hash & (((uint64_t)1 << s->depth) - 1)) == s->prefix);
    must(((e->flags & ENTRY_LONG_KEY) != 0) == (entry_name_len(e) > UINT8_MAX));
    must(arena_usable(e) >= entry_size(e));
    if (e->flags & ENTRY_WORD) must(e->value_len == 0);
    if (e->flags & ENTRY_ROOT) must(!(e->flags & ENTRY_BLOCK));
    if (e->flags & ENTRY_BLOCK)
        must((e->flags & ENTRY_WORD) && entry_block(e)->len <= entry_block(e)->cap);
    if (e->flags & ENTRY_DUE) must((e->flags & ENTRY_ROOT) && type_of(e)->due(e) >= 0);
    struct table_due due = table_due_of(e);
    must((due.whose != 0) == (due.at_ms != ENTRY_NO_DEADLINE));
    if (due.at_ms == ENTRY_NO_DEADLINE) return;
    must(band_find(s->deadlines, band_rooms[s->deadline_step], deadline_word(hash, due.at_ms)) >=
         0);
    found->deadlines++;
    found->own += (due.whose & ENTRY_DEADLINE) != 0;
    found->element += (due.whose & ENTRY_DUE) != 0;
}

static struct check_found check_segment(const struct table *t, const struct segment *s)
{
    struct check_found found = {0};
    must(s->room == segment_step_room(s->step) && s->depth <= t->depth);
    check_band(s->slots, s->room, s->count);
    for (uint32_t i = 0; i < s->room; i++) {
        if (s->slots[i] != 0) check_entry(s, s->slots[i], &found);
    }
    uint32_t deadlines = found.deadlines;
    must(deadlines == s->deadline_count && (deadlines > 0) == (s->deadlines != NULL));
    if (deadlines == 0) return found;
    const struct deadline_due *due = &t->deadlines.due[s->heap_at];
    must(due->segment == s);
    check_band(s->deadlines, band_rooms[s->deadline_step], deadlines);
    for (uint32_t i = 0; i < band_rooms[s->deadline_step]; i++) {
        if (s->deadlines[i] != 0) must(deadline_of_word(s->deadlines[i]) >= due->at_ms);
    }
    return found;
}

void table_check(const struct table *t)
{
    uint64_t count = 0, slots = 0, keys = 0, own = 0, element = 0,
             at_depth[TABLE_DEPTH_MAX + 1] = {0};
    uint32_t with_deadlines = 0;
    for (uint64_t i = 0; t->directory != NULL && i <= t->mask; i++) {
        const struct segment *s = table_word_segment(t->directory[i]);
        must(band_tag(t->directory[i]) == band_homes(s->room));
        must((i & (((uint64_t)1 << s->depth) - 1)) == s->prefix);
        if (s->prefix != i) continue;
        struct check_found found = check_segment(t, s);
        own += found.own;
        element += found.element;
        count += s->count;
        slots += s->room;
        keys += s->deadline_count;
        with_deadlines += s->deadlines != NULL;
        at_depth[s->depth]++;
    }
    must(count == t->count && slots == t->slots);
    must(own == t->own_deadlines && element == t->element_deadlines);
    must(keys == t->deadlines.keys && with_deadlines == t->deadlines.count);
    for (int d = 0; d <= TABLE_DEPTH_MAX; d++) must(at_depth[d] == t->at_depth[d]);
    for (uint32_t i = 1; i < t->deadlines.count; i++) {
        must(t->deadlines.due[(i - 1) / 2].at_ms <= t->deadlines.due[i].at_ms);
    }
}
