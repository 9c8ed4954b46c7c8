/*
 * The forms of sets, and the changes from one to another.
 *
 * An intset holds at most SET_INTSET_MAX members whatever the option says. A table's entries are
 * empty inline strings; nothing but their names counts.
 */
#include "execute/types/set.h"

#include "codec/number.h"
#include "execute/types/heap.h"
#include "execute/types/intset.h"
#include "execute/types/listpack.h"
#include "execute/types/set_table.h"

#define SET_INTSET_MAX ((uint64_t)1 << 30)

_Static_assert(STRING_INT_CHARS >= LISTPACK_INT_CHARS, "a member's scratch takes any integer");

/* ---- Members ---- */

void set_member_of(struct set_member *m, struct bytes text)
{
    m->text = text.ptr != NULL ? text : bytes_of("");
    m->at = NULL;
    m->is_int = SET_INT_UNKNOWN;
    m->hashed = false;
}

struct bytes set_member_text(struct set_member *m)
{
    if (m->text.ptr == NULL)
        m->text = bytes_make(m->scratch, number_print_int(m->scratch, m->number));
    return m->text;
}

bool set_member_int(struct set_member *m, int64_t *out)
{
    if (m->is_int == SET_INT_UNKNOWN)
        m->is_int = number_int(m->text, &m->number) ? SET_INT_YES : SET_INT_NO;
    *out = m->number;
    return m->is_int == SET_INT_YES;
}

uint64_t set_member_hash(struct set_member *m)
{
    if (!m->hashed) {
        struct bytes text = set_member_text(m);
        m->hash = hash_bytes(text.ptr, text.len);
        m->hashed = true;
    }
    return m->hash;
}

static struct key set_member_key(struct set_member *m)
{
    return (struct key){set_member_text(m), set_member_hash(m)};
}

/* ---- Tables ---- */

const struct table *set_table(const struct entry *e)
{
    return entry_encoding(e) == ENC_HASHTABLE ? &set_table_of(e)->table : NULL;
}

static void set_table_insert(struct set_table *t, struct set_member *m)
{
    uint8_t kind = entry_kind(TYPE_STRING, ENC_EMBSTR);
    struct key key = set_member_key(m);
    table_insert(&t->table, key.hash, entry_make(key.name, kind, 0, 0));
}

static bool set_table_add(struct set_table *t, struct set_member *m)
{
    if (table_find(&t->table, set_member_key(m)) != NULL) return false;
    set_table_insert(t, m);
    return true;
}

static void set_table_remove(struct set_table *t, uint64_t hash, uint64_t *slot)
{
    struct entry *e = segment_entry(*slot);
    table_remove(&t->table, hash, slot);
    entry_free(e);
}

static bool set_table_free_some(struct set_table *t, uint64_t max)
{
    struct segment *s;
    for (uint64_t freed = 0; freed < max; freed += table_free_segment(&t->table, s)) {
        s = table_next_segment(&t->table, &t->freed_to);
        if (s != NULL) continue;
        table_close(&t->table);
        heap_free(t);
        return true;
    }
    return false;
}

/* ---- Changes of form ---- */

static void set_free_root(enum value_encoding enc, void *root)
{
    if (enc == ENC_HASHTABLE)
        while (!set_table_free_some(root, UINT64_MAX)) continue;
    else
        heap_free(root);
}

static void set_renew(struct entry *e, enum value_encoding enc, void *root)
{
    enum value_encoding old_enc = entry_encoding(e);
    void *old = entry_root(e);
    entry_set_root(e, enc, root);
    set_free_root(old_enc, old);
}

static void set_to_table(struct entry *e)
{
    struct set_table *t = heap_zalloc(sizeof(*t));
    struct set_walk w = set_walk(e);
    struct set_member members[SET_WINDOW];
    for (uint32_t n; (n = set_next(&w, members, SET_WINDOW)) > 0;) {
        for (uint32_t i = 0; i < n; i++) set_table_insert(t, &members[i]);
    }
    set_renew(e, ENC_HASHTABLE, t);
}

/* An intset that may be one. */
static void set_to_listpack(struct entry *e)
{
    const uint8_t *is = entry_root(e);
    uint32_t count = intset_count(is);
    uint8_t *lp = listpack_make(0);
    for (uint32_t i = 0; i < count; i++) lp = listpack_append_int(lp, intset_get(is, i));
    set_renew(e, ENC_LISTPACK, lp);
}

void set_begin_listpack(struct entry *e) { set_renew(e, ENC_LISTPACK, listpack_make(0)); }

void set_begin_table(struct entry *e)
{
    set_renew(e, ENC_HASHTABLE, heap_zalloc(sizeof(struct set_table)));
}

void set_to_intset(struct entry *e)
{
    uint64_t count = set_count(e);
    if (entry_encoding(e) == ENC_INTSET) return;
    if (count > value_limits.set_max_intset_entries || count > SET_INTSET_MAX) return;
    struct set_walk w = set_walk(e);
    struct set_member members[SET_WINDOW];
    uint8_t *is = intset_make();
    for (uint32_t n; (n = set_next(&w, members, SET_WINDOW)) > 0;) {
        for (uint32_t i = 0; i < n; i++) {
            int64_t number;
            bool added;
            if (!set_member_int(&members[i], &number)) {
                heap_free(is);
                return;
            }
            is = intset_add(is, number, &added);
        }
    }
    set_renew(e, ENC_INTSET, is);
}

void set_swap(struct entry *a, struct entry *b)
{
    enum value_encoding enc = entry_encoding(a);
    void *root = entry_root(a);
    entry_set_root(a, entry_encoding(b), entry_root(b));
    entry_set_root(b, enc, root);
}

static bool set_listpack_takes(const struct entry *e, size_t len)
{
    const uint8_t *lp = entry_root(e);
    return len <= value_limits.set_max_listpack_value && listpack_fits(lp, len) &&
           listpack_count(lp) < value_limits.set_max_listpack_entries;
}

static size_t set_int_len(int64_t number)
{
    char text[STRING_INT_CHARS];
    return number_print_int(text, number);
}

/* True when an intset and another member of `len` bytes may become a listpack. */
static bool set_intset_may_become_listpack(const uint8_t *is, size_t len)
{
    uint32_t count = intset_count(is);
    if (count >= value_limits.set_max_listpack_entries) return false;
    if (len > value_limits.set_max_listpack_value) return false;
    if (count == 0) return listpack_cost(len) < LISTPACK_MAX;
    size_t low = set_int_len(intset_get(is, 0)), high = set_int_len(intset_get(is, count - 1));
    size_t longest = low > high ? low : high;
    return longest <= value_limits.set_max_listpack_value &&
           count * listpack_cost(longest) + listpack_cost(len) < LISTPACK_MAX / 2;
}

void set_expect(struct entry *e, struct bytes first, uint64_t count)
{
    int64_t number;
    bool few_ints = count <= value_limits.set_max_intset_entries;
    bool few = count <= value_limits.set_max_listpack_entries;
    if (set_count(e) > 0) {
        enum value_encoding enc = entry_encoding(e);
        if ((enc == ENC_INTSET && !few_ints) || (enc == ENC_LISTPACK && !few)) set_to_table(e);
    } else if (few_ints && number_int(first, &number)) {
        return;
    } else if (few) {
        set_begin_listpack(e);
    } else {
        set_begin_table(e);
    }
}

/* ---- One set ---- */

uint64_t set_count(const struct entry *e)
{
    switch (entry_encoding(e)) {
    case ENC_INTSET: return intset_count(entry_root(e));
    case ENC_LISTPACK: return listpack_count(entry_root(e));
    default: return set_table_of(e)->table.count;
    }
}

bool set_has(const struct entry *e, struct set_member *m)
{
    int64_t number;
    uint32_t index;
    const uint8_t *root = entry_root(e);
    switch (entry_encoding(e)) {
    case ENC_INTSET: return set_member_int(m, &number) && intset_find(root, number, &index);
    case ENC_LISTPACK:
        return listpack_find(root, listpack_first(root), set_member_text(m), 0) != NULL;
    default: return table_find(&set_table_of(e)->table, set_member_key(m)) != NULL;
    }
}

static bool set_listpack_add(struct entry *e, struct set_member *m)
{
    uint8_t *lp = entry_root(e);
    struct bytes text = set_member_text(m);
    if (listpack_find(lp, listpack_first(lp), text, 0) != NULL) return false;
    if (set_listpack_takes(e, text.len)) {
        entry_set_root(e, ENC_LISTPACK, listpack_append(lp, text));
    } else {
        set_to_table(e);
        set_table_insert(set_table_of(e), m);
    }
    return true;
}

static bool set_intset_add(struct entry *e, struct set_member *m)
{
    int64_t number;
    bool added;
    if (set_member_int(m, &number)) {
        uint8_t *is = intset_add(entry_root(e), number, &added);
        entry_set_root(e, ENC_INTSET, is);
        uint64_t count = intset_count(is);
        if (count > value_limits.set_max_intset_entries || count > SET_INTSET_MAX) set_to_table(e);
        return added;
    }
    if (set_intset_may_become_listpack(entry_root(e), m->text.len)) {
        set_to_listpack(e);
        entry_set_root(e, ENC_LISTPACK, listpack_append(entry_root(e), m->text));
    } else {
        set_to_table(e);
        set_table_insert(set_table_of(e), m);
    }
    return true;
}

bool set_add(struct entry *e, struct set_member *m)
{
    switch (entry_encoding(e)) {
    case ENC_INTSET: return set_intset_add(e, m);
    case ENC_LISTPACK: return set_listpack_add(e, m);
    default: return set_table_add(set_table_of(e), m);
    }
}

static bool set_intset_remove(struct entry *e, struct set_member *m)
{
    int64_t number;
    bool removed;
    if (!set_member_int(m, &number)) return false;
    entry_set_root(e, ENC_INTSET, intset_remove(entry_root(e), number, &removed));
    return removed;
}

static void set_listpack_delete(struct entry *e, const uint8_t *at)
{
    uint8_t *place = (uint8_t *)(uintptr_t)at;
    entry_set_root(e, ENC_LISTPACK, listpack_delete(entry_root(e), &place, 1));
}

bool set_remove(struct entry *e, struct set_member *m)
{
    if (entry_encoding(e) == ENC_INTSET) return set_intset_remove(e, m);
    if (entry_encoding(e) == ENC_LISTPACK) {
        const uint8_t *lp = entry_root(e);
        uint8_t *at = listpack_find(lp, listpack_first(lp), set_member_text(m), 0);
        if (at != NULL) set_listpack_delete(e, at);
        return at != NULL;
    }
    struct set_table *t = set_table_of(e);
    uint64_t *slot = table_find(&t->table, set_member_key(m));
    if (slot != NULL) set_table_remove(t, m->hash, slot);
    return slot != NULL;
}

void set_take(struct entry *e, struct set_member *m)
{
    if (entry_encoding(e) == ENC_INTSET)
        must(set_intset_remove(e, m));
    else if (entry_encoding(e) == ENC_LISTPACK)
        set_listpack_delete(e, m->at);
    else
        set_table_remove(set_table_of(e), set_member_hash(m), (uint64_t *)(uintptr_t)m->at);
}

/* ---- As a type ---- */

static void set_make(struct entry *e) { entry_set_root(e, ENC_INTSET, intset_make()); }

static size_t set_table_bytes(const struct entry *e, uint64_t samples)
{
    const struct set_table *t = set_table_of(e);
    struct set_walk w = set_walk(e);
    struct set_member members[SET_WINDOW];
    uint64_t seen = 0, sum = 0;
    for (uint32_t n;
         (samples == 0 || seen < samples) && (n = set_next(&w, members, SET_WINDOW)) > 0;
         seen += n) {
        for (uint32_t i = 0; i < n; i++)
            sum += arena_usable(segment_entry(*(uint64_t *)(uintptr_t)members[i].at));
    }
    if (seen > 0) sum = (uint64_t)((double)sum / (double)seen * (double)t->table.count);
    return arena_usable(t) + table_bytes(&t->table) + sum;
}

static size_t set_bytes(const struct entry *e, uint64_t samples)
{
    if (entry_encoding(e) == ENC_HASHTABLE) return set_table_bytes(e, samples);
    return arena_usable(entry_root(e));
}

static void *set_copy(const struct entry *e)
{
    if (entry_encoding(e) == ENC_INTSET) return intset_copy(entry_root(e));
    if (entry_encoding(e) == ENC_LISTPACK) return listpack_copy(entry_root(e));
    struct set_table *t = heap_zalloc(sizeof(*t));
    struct set_walk w = set_walk(e);
    struct set_member members[SET_WINDOW];
    for (uint32_t n; (n = set_next(&w, members, SET_WINDOW)) > 0;) {
        for (uint32_t i = 0; i < n; i++) set_table_insert(t, &members[i]);
    }
    return t;
}

static uint64_t set_free_cost(enum value_encoding enc, const void *root)
{
    return enc == ENC_HASHTABLE ? ((const struct set_table *)root)->table.count : 1;
}

static bool set_free_some(enum value_encoding enc, void *root, uint64_t max)
{
    if (enc == ENC_HASHTABLE) return set_table_free_some(root, max);
    heap_free(root);
    return true;
}

const struct type_ops set_ops = {
    .make = set_make,
    .count = set_count,
    .table = set_table,
    .bytes = set_bytes,
    .copy = set_copy,
    .free_cost = set_free_cost,
    .free_some = set_free_some,
};
