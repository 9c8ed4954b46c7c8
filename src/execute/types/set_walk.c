/* Walks, draws, and lookups of many members at a time. */
#include "execute/types/set.h"

#include "execute/types/dice.h"
#include "execute/types/heap.h"
#include "execute/types/intset.h"
#include "execute/types/listpack.h"
#include "execute/types/set_table.h"

/* ---- Members as their forms hold them ---- */

static void set_member_at_intset(struct set_member *m, int64_t number)
{
    m->text = (struct bytes){NULL, 0};
    m->number = number;
    m->at = NULL;
    m->is_int = SET_INT_YES;
    m->hashed = false;
}

static void set_member_at_listpack(struct set_member *m, const uint8_t *at)
{
    m->text = (struct bytes){NULL, 0};
    m->at = at;
    m->is_int = listpack_get(at, &m->text, &m->number) ? SET_INT_YES : SET_INT_NO;
    m->hashed = false;
}

static void set_member_at_slot(struct set_member *m, const uint64_t *slot)
{
    set_member_of(m, entry_name(segment_entry(*slot)));
    m->at = slot;
}

/* ---- Walks ---- */

struct set_walk set_walk(const struct entry *e)
{
    struct set_walk w = {.set = e};
    if (entry_encoding(e) == ENC_LISTPACK) w.at = listpack_first(entry_root(e));
    return w;
}

static uint32_t set_next_of_intset(struct set_walk *w, struct set_member *members, uint32_t max)
{
    const uint8_t *is = entry_root(w->set);
    uint32_t count = intset_count(is), n = 0;
    while (n < max && w->slot < count)
        set_member_at_intset(&members[n++], intset_get(is, w->slot++));
    return n;
}

static uint32_t set_next_of_listpack(struct set_walk *w, struct set_member *members, uint32_t max)
{
    const uint8_t *lp = entry_root(w->set);
    uint32_t n = 0;
    for (; n < max && w->at != NULL; w->at = listpack_next(lp, w->at)) {
        set_member_at_listpack(&members[n++], w->at);
    }
    return n;
}

/* Asks for the entries from the walk's place on, which the next window will be. */
static void set_fetch_ahead(const struct set_walk *w)
{
    const struct segment *s = w->segment;
    uint32_t end = w->slot + SET_WINDOW < s->room ? w->slot + SET_WINDOW : s->room;
    for (uint32_t i = w->slot; i < end; i++) {
        if (s->slots[i] != 0) __builtin_prefetch(segment_entry(s->slots[i]));
    }
}

/* A window ends with its segment at the latest; it is empty at the end of the table alone. */
static uint32_t set_next_of_table(struct set_walk *w, struct set_member *members, uint32_t max)
{
    uint32_t n = 0;
    while (n == 0) {
        if (w->segment == NULL) {
            w->segment = table_next_segment(&set_table_of(w->set)->table, &w->index);
            if (w->segment == NULL) return 0;
            w->slot = 0;
            set_fetch_ahead(w);
        }
        const struct segment *s = w->segment;
        for (; n < max && w->slot < s->room; w->slot++) {
            if (s->slots[w->slot] != 0) set_member_at_slot(&members[n++], &s->slots[w->slot]);
        }
        if (w->slot == s->room)
            w->segment = NULL;
        else
            set_fetch_ahead(w);
    }
    return n;
}

uint32_t set_next(struct set_walk *w, struct set_member *members, uint32_t max)
{
    dcheck(max <= SET_WINDOW);
    switch (entry_encoding(w->set)) {
    case ENC_INTSET: return set_next_of_intset(w, members, max);
    case ENC_LISTPACK: return set_next_of_listpack(w, members, max);
    default: return set_next_of_table(w, members, max);
    }
}

void set_filter(struct entry *e, bool (*keep)(void *ctx, struct set_member *m), void *ctx)
{
    must(entry_encoding(e) != ENC_HASHTABLE);
    bool ints = entry_encoding(e) == ENC_INTSET, added;
    uint8_t *kept = ints ? intset_make() : listpack_make(listpack_bytes(entry_root(e)));
    struct set_walk w = set_walk(e);
    struct set_member m;
    while (set_next(&w, &m, 1) > 0) {
        if (!keep(ctx, &m)) continue;
        if (ints)
            kept = intset_add(kept, m.number, &added);
        else if (m.is_int == SET_INT_YES)
            kept = listpack_append_int(kept, m.number);
        else
            kept = listpack_append(kept, m.text);
    }
    heap_free(entry_root(e));
    entry_set_root(e, entry_encoding(e), ints ? kept : listpack_trim(kept));
}

/* ---- Many at a time ---- */

void set_prefetch(const struct entry *e, struct set_member *members, uint32_t mask)
{
    if (entry_encoding(e) != ENC_HASHTABLE) return;
    const struct table *t = &set_table_of(e)->table;
    for (uint32_t left = mask; left != 0; left &= left - 1) {
        table_prefetch_slot(t, set_member_hash(&members[__builtin_ctz(left)]));
    }
    for (uint32_t left = mask; left != 0; left &= left - 1) {
        table_prefetch_entry(t, members[__builtin_ctz(left)].hash);
    }
}

static uint32_t set_having_in_table(const struct table *t, struct set_member *members,
                                    uint32_t mask)
{
    uint32_t likely_mask = 0, having = 0;
    if (t->directory == NULL) return 0;
    for (uint32_t left = mask; left != 0; left &= left - 1) {
        table_prefetch_slot(t, set_member_hash(&members[__builtin_ctz(left)]));
    }
    for (uint32_t left = mask; left != 0; left &= left - 1) {
        uint64_t hash = members[__builtin_ctz(left)].hash, slot = *table_seek(t, hash);
        if (slot == 0 || band_tag(slot) != band_tag(hash)) continue;
        __builtin_prefetch(segment_entry(slot));
        likely_mask |= left & -left;
    }
    for (uint32_t left = likely_mask; left != 0; left &= left - 1) {
        struct set_member *m = &members[__builtin_ctz(left)];
        struct key key = {m->text, m->hash};
        if (table_find(t, key) != NULL) having |= left & -left;
    }
    return having;
}

uint32_t set_having(const struct entry *e, struct set_member *members, uint32_t mask)
{
    if (entry_encoding(e) == ENC_HASHTABLE)
        return set_having_in_table(&set_table_of(e)->table, members, mask);
    uint32_t having = 0;
    for (uint32_t left = mask; left != 0; left &= left - 1) {
        if (set_has(e, &members[__builtin_ctz(left)])) having |= left & -left;
    }
    return having;
}

/* ---- Draws ---- */

void set_random(const struct entry *e, struct set_member *m)
{
    uint64_t count = set_count(e);
    must(count > 0);
    if (entry_encoding(e) == ENC_HASHTABLE) {
        set_member_at_slot(m, table_random(&set_table_of(e)->table, dice()));
        return;
    }
    uint64_t index = random_below(dice(), count);
    if (entry_encoding(e) == ENC_INTSET)
        set_member_at_intset(m, intset_get(entry_root(e), (uint32_t)index));
    else
        set_member_at_listpack(m, listpack_seek(entry_root(e), (int64_t)index));
}

uint64_t set_member_id(const struct set_member *m)
{
    return m->at != NULL ? (uint64_t)(uintptr_t)m->at : (uint64_t)m->number;
}
