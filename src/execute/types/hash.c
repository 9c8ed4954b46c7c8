/*
 * Hashes of both forms, and the way from one to the other. Nothing turns a large hash small again.
 *
 * A hash is small while it has at most hash-max-listpack-entries fields, no name or value longer
 * than hash-max-listpack-value, and all of it fits into a listpack.
 */
#include "execute/types/hash.h"

#include "execute/types/hash_small.h"
#include "execute/types/heap.h"
#include "execute/types/table.h"

#define AHEAD 8 /* how far ahead of a walk over entries their cache lines are asked for */

struct hash_large {
    struct table table;
    uint64_t freed; /* where in the directory freeing goes on */
};

static struct hash_large *hash_large(const struct entry *e) { return entry_root(e); }

static struct hash_small hash_small(const struct entry *e)
{
    bool triples = entry_encoding(e) == ENC_LISTPACK_EX;
    return (struct hash_small){entry_root(e), triples ? HASH_SMALL_TRIPLE : HASH_SMALL_PAIR};
}

static void hash_set_small(struct entry *e, struct hash_small h)
{
    must(entry_has_root(e));
    entry_set_root(e, h.width == HASH_SMALL_TRIPLE ? ENC_LISTPACK_EX : ENC_LISTPACK, h.lp);
}

bool hash_is_large(const struct entry *e) { return entry_encoding(e) == ENC_HASHTABLE; }

static bool hash_time_is_due(int64_t deadline_ms, int64_t now_ms)
{
    return deadline_ms != ENTRY_NO_DEADLINE && deadline_ms <= now_ms;
}

/* ---- Deadlines of all fields ---- */

static int64_t hash_due(const struct entry *e)
{
    if (hash_is_large(e)) return deadline_next(&hash_large(e)->table.deadlines);
    return hash_small_due(hash_small(e));
}

/* At the end of each edit. */
static void hash_flag_due(struct entry *e)
{
    if (likely(entry_encoding(e) == ENC_LISTPACK)) return;
    e->flags &= (uint8_t)~ENTRY_DUE;
    if (hash_due(e) != ENTRY_NO_DEADLINE) e->flags |= ENTRY_DUE;
}

static bool hash_free_field(void *ctx, struct entry *field, int64_t due_ms)
{
    (void)due_ms;
    const struct type_going *going = ctx;
    if (going != NULL) going->show(going->ctx, entry_name(field));
    entry_free(field);
    return true;
}

/* Table steps may find that nothing is due after all, and then know the next time. */
static uint64_t hash_expire_large(struct table *t, int64_t now_ms, uint64_t max,
                                  const struct type_going *going)
{
    uint64_t count = 0;
    while (count < max && t->deadlines.count > 0 && deadline_next(&t->deadlines) <= now_ms) {
        uint64_t room = max - count < SEGMENT_ROOM_MAX ? max - count : SEGMENT_ROOM_MAX;
        count += table_due_step(t, now_ms, (uint32_t)room, hash_free_field, (void *)going);
    }
    return count;
}

static uint64_t hash_expire(struct entry *e, int64_t now_ms, uint64_t max,
                            const struct type_going *going)
{
    uint64_t count;
    if (hash_is_large(e)) {
        count = hash_expire_large(&hash_large(e)->table, now_ms, max, going);
    } else {
        struct hash_small h = hash_small(e);
        count = hash_small_expire(&h, now_ms, max, going);
        hash_set_small(e, h);
    }
    hash_flag_due(e);
    return count;
}

/* ---- In the entry ---- */

/* Above, an allocation of its own wastes little, and unpacking would cost more. */
#define HASH_PACK_MAX 256

size_t hash_packs(const struct entry *e)
{
    if (entry_encoding(e) != ENC_LISTPACK || !entry_has_root(e)) return 0;
    size_t bytes = listpack_bytes(entry_root(e));
    return bytes <= HASH_PACK_MAX ? bytes : 0;
}

/* ---- From small to large ---- */

static void hash_enlarge(struct entry *e)
{
    struct hash_large *large = heap_zalloc(sizeof(*large));
    struct hash_small h = hash_small(e);
    struct hash_item item;
    for (uint8_t *at = listpack_first(h.lp); at != NULL; at = hash_small_next(h, at)) {
        hash_small_item(h, at, &item);
        struct entry_text value = {.text = item.value};
        struct entry *field = entry_text_make(item.field, &value, item.deadline_ms);
        table_insert(&large->table, entry_hash(field), field);
    }
    heap_free(h.lp);
    entry_set_root(e, ENC_HASHTABLE, large);
}

/* A small hash stays small with a field of these lengths. */
static bool hash_stays_small(const struct entry *e, struct bytes field, struct bytes value)
{
    uint64_t limit = value_limits.hash_max_listpack_value;
    if (field.len > limit || value.len > limit) return false;
    return field.len < LISTPACK_MAX && value.len < LISTPACK_MAX &&
           listpack_fits(entry_root(e), field.len + value.len + 64);
}

void hash_expect(struct entry *e, uint64_t fields, size_t bytes)
{
    if (hash_is_large(e)) return;
    if (fields > value_limits.hash_max_listpack_entries) {
        hash_enlarge(e);
        return;
    }
    uint8_t *lp = entry_root(e);
    if (listpack_first(lp) != NULL || bytes > fields * 256) return;
    lp = heap_grow(lp, LISTPACK_EMPTY + bytes + 4 * fields);
    entry_set_root(e, entry_encoding(e), lp);
}

/* ---- One field ---- */

/* The entry of a field, due or not; NULL without. */
static struct entry *hash_field(const struct hash_large *large, struct bytes field)
{
    uint64_t *slot = table_find(&large->table, key_make(field));
    return slot == NULL ? NULL : segment_entry(*slot);
}

static void hash_field_item(const struct entry *field, struct hash_item *out)
{
    out->field = entry_name(field);
    out->value = string_bytes(field, out->scratch[1]);
    out->block = string_block(field);
    out->deadline_ms = entry_deadline_of(field);
}

bool hash_get(const struct entry *e, struct bytes field, int64_t now_ms, struct hash_item *out)
{
    if (hash_is_large(e)) {
        const struct entry *f = hash_field(hash_large(e), field);
        if (f == NULL || entry_is_due(f, now_ms)) return false;
        hash_field_item(f, out);
        return true;
    }
    struct hash_small h = hash_small(e);
    const uint8_t *at = hash_small_find(h, field);
    if (at == NULL) return false;
    hash_small_item(h, at, out);
    return !hash_time_is_due(out->deadline_ms, now_ms);
}

/* The deadline that a field gets which had `had_ms`. */
static int64_t hash_next_deadline(int64_t deadline_ms, int64_t had_ms, bool alive)
{
    if (deadline_ms != HASH_KEEP_DEADLINE) return deadline_ms;
    return alive ? had_ms : ENTRY_NO_DEADLINE;
}

static bool hash_set_large(struct table *t, struct bytes name, const struct entry_text *value,
                           int64_t deadline_ms, int64_t now_ms)
{
    struct key key = key_make(name);
    uint64_t *slot = table_find(t, key);
    if (slot == NULL) {
        deadline_ms = hash_next_deadline(deadline_ms, ENTRY_NO_DEADLINE, false);
        table_insert(t, key.hash, entry_text_make(name, value, deadline_ms));
        return true;
    }
    struct entry *field = segment_entry(*slot);
    bool alive = !entry_is_due(field, now_ms);
    struct table_due had = table_due_of(field);
    field = entry_text_over(field, value, hash_next_deadline(deadline_ms, had.at_ms, alive));
    *slot = segment_slot(key.hash, field);
    table_due_change(t, key.hash, had, table_due_of(field));
    return !alive;
}

static bool hash_set_listpack(struct entry *e, struct bytes field, struct bytes value,
                              int64_t deadline_ms, int64_t now_ms)
{
    struct hash_small h = hash_small(e);
    if (deadline_ms >= 0 && h.width == HASH_SMALL_PAIR) hash_small_widen(&h);
    uint8_t *at = hash_small_find(h, field);
    int64_t had_ms = at == NULL ? ENTRY_NO_DEADLINE : hash_small_deadline(h, at);
    bool alive = at != NULL && !hash_time_is_due(had_ms, now_ms);
    hash_small_put(&h, at, field, value, hash_next_deadline(deadline_ms, had_ms, alive));
    hash_set_small(e, h);
    if (at == NULL && hash_count(e) > value_limits.hash_max_listpack_entries) hash_enlarge(e);
    return !alive;
}

bool hash_set(struct entry *e, struct bytes field, const struct entry_text *value,
              int64_t deadline_ms, int64_t now_ms)
{
    bool is_new;
    if (!hash_is_large(e) && !hash_stays_small(e, field, value->text)) hash_enlarge(e);
    if (hash_is_large(e)) {
        is_new = hash_set_large(&hash_large(e)->table, field, value, deadline_ms, now_ms);
    } else {
        is_new = hash_set_listpack(e, field, value->text, deadline_ms, now_ms);
        if (value->block != NULL) block_drop(value->block);
    }
    hash_flag_due(e);
    return is_new;
}

bool hash_delete(struct entry *e, struct bytes field, int64_t now_ms)
{
    bool alive;
    if (hash_is_large(e)) {
        struct table *t = &hash_large(e)->table;
        struct key key = key_make(field);
        uint64_t *slot = table_find(t, key);
        if (slot == NULL) return false;
        struct entry *f = segment_entry(*slot);
        alive = !entry_is_due(f, now_ms);
        table_remove(t, key.hash, slot);
        entry_free(f);
    } else {
        struct hash_small h = hash_small(e);
        uint8_t *at = hash_small_find(h, field);
        if (at == NULL) return false;
        alive = !hash_time_is_due(hash_small_deadline(h, at), now_ms);
        hash_small_delete(&h, at);
        hash_set_small(e, h);
    }
    hash_flag_due(e);
    return alive;
}

static bool hash_expire_one(struct entry *e, struct bytes name, int64_t now_ms)
{
    struct hash_item item;
    if (!hash_get(e, name, INT64_MIN, &item)) return false;
    if (!hash_time_is_due(item.deadline_ms, now_ms)) return false;
    hash_delete(e, name, now_ms);
    return true;
}

void hash_set_deadline(struct entry *e, struct bytes field, int64_t at_ms)
{
    if (hash_is_large(e)) {
        struct entry *f = hash_field(hash_large(e), field);
        must(f != NULL);
        table_due_set(&hash_large(e)->table, f, at_ms);
    } else {
        struct hash_small h = hash_small(e);
        if (at_ms >= 0 && h.width == HASH_SMALL_PAIR) hash_small_widen(&h);
        uint8_t *at = hash_small_find(h, field);
        must(at != NULL);
        hash_small_set_deadline(&h, at, at_ms);
        hash_set_small(e, h);
    }
    hash_flag_due(e);
}

/* ---- Walks ---- */

void hash_walk_begin(struct hash_walk *w, const struct entry *e, int64_t now_ms)
{
    *w = (struct hash_walk){.e = e, .now_ms = now_ms};
    if (!hash_is_large(e)) w->at = listpack_first(entry_root(e));
}

/* The next entry in the table's segments, due or not. */
static const struct entry *hash_walk_entry(struct hash_walk *w)
{
    for (;;) {
        const struct segment *s = w->segment;
        for (; s != NULL && w->slot < s->room; w->slot++) {
            if (w->slot + AHEAD < s->room)
                __builtin_prefetch(segment_entry(s->slots[w->slot + AHEAD]));
            if (s->slots[w->slot] != 0) return segment_entry(s->slots[w->slot++]);
        }
        w->segment = table_next_segment(&hash_large(w->e)->table, &w->index);
        w->slot = 0;
        if (w->segment == NULL) return NULL;
    }
}

const void *hash_walk_place(struct hash_walk *w)
{
    if (hash_is_large(w->e)) {
        const struct entry *f;
        do f = hash_walk_entry(w);
        while (f != NULL && entry_is_due(f, w->now_ms));
        return f;
    }
    struct hash_small h = hash_small(w->e);
    while (w->at != NULL) {
        const uint8_t *at = w->at;
        w->at = hash_small_next(h, at);
        if (!hash_time_is_due(hash_small_deadline(h, at), w->now_ms)) return at;
    }
    return NULL;
}

bool hash_walk_next(struct hash_walk *w, struct hash_item *out)
{
    const void *place = hash_walk_place(w);
    if (place == NULL) return false;
    hash_item_at(w->e, place, out);
    return true;
}

void hash_item_at(const struct entry *e, const void *place, struct hash_item *out)
{
    if (hash_is_large(e))
        hash_field_item(place, out);
    else
        hash_small_item(hash_small(e), place, out);
}

bool hash_is_alive_at(const struct entry *e, const void *place, int64_t now_ms)
{
    if (hash_is_large(e)) return !entry_is_due(place, now_ms);
    return !hash_time_is_due(hash_small_deadline(hash_small(e), place), now_ms);
}

struct hash_scan {
    void (*visit)(void *ctx, const void *place);
    void *ctx;
};

static void hash_scan_entry(void *ctx, struct entry *field)
{
    const struct hash_scan *s = ctx;
    s->visit(s->ctx, field);
}

uint64_t hash_scan(const struct entry *e, uint64_t cursor, uint64_t count,
                   void (*visit)(void *ctx, const void *place), void *ctx)
{
    if (hash_is_large(e)) {
        struct hash_scan s = {visit, ctx};
        return table_scan(&hash_large(e)->table, cursor, count, hash_scan_entry, &s);
    }
    struct hash_small h = hash_small(e);
    for (uint8_t *at = listpack_first(h.lp); at != NULL; at = hash_small_next(h, at))
        visit(ctx, at);
    return 0;
}

const void *hash_random_place(const struct entry *e, struct random *random)
{
    if (hash_is_large(e)) return segment_entry(*table_random(&hash_large(e)->table, random));
    uint64_t at = random_below(random, hash_count(e)) * hash_small(e).width;
    return listpack_seek(entry_root(e), (int64_t)at);
}

uint64_t hash_count(const struct entry *e)
{
    if (hash_is_large(e)) return hash_large(e)->table.count;
    return listpack_count(entry_root(e)) / hash_small(e).width;
}

uint64_t hash_count_alive(const struct entry *e, int64_t now_ms)
{
    if (likely(!(e->flags & ENTRY_DUE)) || hash_due(e) > now_ms) return hash_count(e);
    struct hash_walk w;
    uint64_t count = 0;
    hash_walk_begin(&w, e, now_ms);
    while (hash_walk_place(&w) != NULL) count++;
    return count;
}

/* ---- The type ---- */

static void hash_make(struct entry *e) { entry_set_root(e, ENC_LISTPACK, listpack_make(0)); }

static size_t hash_bytes_large(const struct hash_large *large, uint64_t samples)
{
    size_t bytes = arena_usable(large) + table_bytes(&large->table);
    struct segment *s;
    uint64_t seen = 0, index = 0;
    size_t sum = 0;
    while ((s = table_next_segment(&large->table, &index)) != NULL) {
        for (uint32_t i = 0; i < s->room; i++) {
            if (s->slots[i] == 0) continue;
            const struct entry *f = segment_entry(s->slots[i]);
            sum += arena_usable(f);
            if (f->flags & ENTRY_BLOCK) sum += arena_usable(entry_block(f));
            if (++seen == samples) return bytes + sum / seen * large->table.count;
        }
    }
    return bytes + sum;
}

static size_t hash_bytes_of(const struct entry *e, uint64_t samples)
{
    if (!hash_is_large(e)) return arena_usable(entry_root(e));
    return hash_bytes_large(hash_large(e), samples);
}

static void *hash_copy(const struct entry *e)
{
    if (!hash_is_large(e)) return listpack_copy(entry_root(e));
    const struct table *from = &hash_large(e)->table;
    struct hash_large *large = heap_zalloc(sizeof(*large));
    struct segment *s;
    for (uint64_t index = 0; (s = table_next_segment(from, &index)) != NULL;) {
        for (uint32_t i = 0; i < s->room; i++) {
            if (s->slots[i] == 0) continue;
            const struct entry *f = segment_entry(s->slots[i]);
            struct entry *copy = entry_renamed(f, entry_name(f));
            entry_own_value(copy);
            table_insert(&large->table, entry_hash(copy), copy);
        }
    }
    return large;
}

static uint64_t hash_free_cost(enum value_encoding enc, const void *root)
{
    return enc == ENC_HASHTABLE ? ((const struct hash_large *)root)->table.count : 1;
}

static bool hash_free_some(enum value_encoding enc, void *root, uint64_t max)
{
    struct hash_large *large = root;
    if (enc == ENC_HASHTABLE) {
        struct segment *s = NULL;
        for (uint64_t n = 0; n < max; n += table_free_segment(&large->table, s)) {
            s = table_next_segment(&large->table, &large->freed);
            if (s == NULL) break;
        }
        if (s != NULL) return false;
        table_close(&large->table);
    }
    heap_free(root);
    return true;
}

static const struct table *hash_table(const struct entry *e)
{
    return hash_is_large(e) ? &hash_large(e)->table : NULL;
}

const struct type_ops hash_ops = {
    .make = hash_make,
    .count = hash_count,
    .table = hash_table,
    .due = hash_due,
    .expire_some = hash_expire,
    .expire_one = hash_expire_one,
    .bytes = hash_bytes_of,
    .copy = hash_copy,
    .free_cost = hash_free_cost,
    .free_some = hash_free_some,
};
