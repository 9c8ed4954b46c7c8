/*
 * Storing: SET, edits in place, deadlines, moves and copies.
 *
 * Order matters in every function here: the deadline leaves the index while the entry still has it,
 * the entry may move, then its slot and the index follow.
 */
#include "execute/keyspace/db.h"

#include "codec/number.h"
#include "execute/types/entry_text.h"
#include "execute/types/heap.h"
#include "execute/types/type.h"

/* An inline value that edits make longer than this moves to a block with room ahead. */
#define EDIT_INLINE_MAX 256
/* The longest text of a 64-bit integer. */
#define INT_TEXT_MAX 20

static struct entry *store_new(struct db *db, struct key key, const struct entry_text *v,
                               int64_t deadline_ms)
{
    struct entry *e = entry_text_make(key.name, v, deadline_ms);
    table_insert(&db->table, key.hash, e);
    db_tell_made(db, key);
    return e;
}

/* An entry's absolute deadline, DEADLINE_NONE without: a stored deadline of -1 ms is as past as one
 * of -2. */
static int64_t store_deadline_of(const struct entry *e)
{
    return e->flags & ENTRY_DEADLINE ? e->words[0] : DEADLINE_NONE;
}

/* In place, but for an entry that the gate takes. */
static struct entry *store_replace(struct db *db, struct entry *e, struct key key,
                                   const struct entry_text *v, int64_t deadline_ms)
{
    bool is_old = unlikely(entry_is_old(e)) && keyspace.gate != NULL;
    if (likely(!is_old) || !keyspace.gate->gone(db, e)) {
        e = entry_text_over(e, v, deadline_ms);
        entry_make_young(e);
        return e;
    }
    struct entry *to = entry_text_make(key.name, v, deadline_ms);
    to->clock = e->clock;
    return to;
}

static struct entry *store_over(struct db *db, struct key key, uint64_t *slot,
                                const struct entry_text *v, int64_t deadline_ms)
{
    struct entry *e = segment_entry(*slot);
    struct table_due had = table_due_of(e);
    if (deadline_ms == DEADLINE_KEEP) deadline_ms = store_deadline_of(e);
    if (unlikely(e->flags & ENTRY_ROOT)) db_tell_waiting(db, key);
    e = store_replace(db, e, key, v, deadline_ms);
    entry_touch(e);
    *slot = segment_slot(key.hash, e);
    table_due_change(&db->table, key.hash, had, table_due_of(e));
    return e;
}

static bool store_overlaps(const struct entry *e, struct bytes text)
{
    if (text.len == 0) return false;
    uintptr_t at = (uintptr_t)text.ptr, from = (uintptr_t)e;
    return at >= from && at < from + entry_size(e);
}

static struct entry *store_put(struct db *db, struct key key, const struct entry_text *v,
                               int64_t deadline_ms)
{
    uint64_t *slot = db_find(db, key);
    if (slot != NULL) return store_over(db, key, slot, v, deadline_ms);
    return store_new(db, key, v, deadline_ms == DEADLINE_KEEP ? DEADLINE_NONE : deadline_ms);
}

struct entry *keyspace_put_string(struct db *db, struct key key, struct bytes value,
                                  int64_t deadline_ms)
{
    struct entry_text v = {.text = value};
    if (value.len - 1 < INT_TEXT_MAX && (uint8_t)value.ptr[0] <= '9') {
        v.is_int = number_int(value, &v.number);
    }
    uint64_t *slot = db_find(db, key);
    if (slot == NULL) {
        return store_new(db, key, &v, deadline_ms == DEADLINE_KEEP ? DEADLINE_NONE : deadline_ms);
    }
    if (likely(!store_overlaps(segment_entry(*slot), value))) {
        return store_over(db, key, slot, &v, deadline_ms);
    }
    char *copy = heap_alloc(value.len);
    memcpy(copy, value.ptr, value.len);
    v.text.ptr = copy;
    struct entry *e = store_over(db, key, slot, &v, deadline_ms);
    heap_free(copy);
    return e;
}

struct entry *keyspace_put_block(struct db *db, struct key key, struct block *b,
                                 int64_t deadline_ms)
{
    must(b->len > ENTRY_INLINE_MAX);
    struct entry_text v = {.text = bytes_make(b->bytes, b->len), .block = b};
    return store_put(db, key, &v, deadline_ms);
}

struct entry *keyspace_put_int(struct db *db, struct key key, int64_t value, int64_t deadline_ms)
{
    struct entry_text v = {.is_int = true, .number = value};
    return store_put(db, key, &v, deadline_ms);
}

/* Makes the entry's value a block of `len` bytes that begins with the old value; a new one may
 * never grow. */
static struct entry *edit_to_block(struct entry *e, size_t len)
{
    char scratch[STRING_INT_CHARS];
    struct bytes old = string_bytes(e, scratch);
    size_t keep = old.len < len ? old.len : len;
    struct block *b = block_make(len, old.len == 0 ? len : block_room_ahead(len));
    memcpy(b->bytes, old.ptr, keep);
    memset(b->bytes + keep, 0, len - keep);
    e = entry_reshape(e, (e->flags & ENTRY_DEADLINE) | ENTRY_WORD | ENTRY_BLOCK, 0, 0);
    entry_set_block(e, b);
    return e;
}

/* An integer becomes text, inline. */
static struct entry *edit_to_text(struct entry *e)
{
    char scratch[STRING_INT_CHARS];
    struct bytes old = string_bytes(e, scratch);
    dcheck(old.ptr == scratch);
    e = entry_reshape(e, e->flags & ENTRY_DEADLINE, old.len, 0);
    memcpy(entry_inline_at(e), scratch, old.len);
    return e;
}

static struct entry *edit_entry(struct entry *e, size_t len)
{
    if (e->flags & ENTRY_BLOCK) {
        entry_set_block(e, block_resize(entry_block(e), len));
    } else if (len > e->value_len && len > EDIT_INLINE_MAX) {
        e = edit_to_block(e, len);
    } else {
        if (e->flags & ENTRY_WORD) e = edit_to_text(e);
        size_t keep = len < e->value_len ? len : e->value_len;
        e = entry_reshape(e, e->flags, len, keep);
        memset(entry_inline_at(e) + keep, 0, len - keep);
    }
    e->kind = entry_kind(TYPE_STRING, ENC_RAW);
    return e;
}

static char *edit_bytes(struct entry *e)
{
    return e->flags & ENTRY_BLOCK ? entry_block(e)->bytes : entry_inline_at(e);
}

/* Whatever is under the key makes room. True when something was. */
static bool store_clear(struct db *db, struct key key)
{
    uint64_t *slot = table_find(&db->table, key);
    if (slot == NULL) return false;
    db_remove(db, key.hash, slot);
    return true;
}

char *keyspace_edit_string(struct db *db, struct key key, struct entry **e, size_t len)
{
    if (*e == NULL) {
        if (unlikely(keyspace.keep_expired)) store_clear(db, key);
        struct entry *made = entry_make(key.name, entry_kind(TYPE_STRING, ENC_RAW), 0, 0);
        made = edit_entry(made, len);
        table_insert(&db->table, key.hash, made);
        db_tell_made(db, key);
        *e = made;
        return edit_bytes(made);
    }
    must(entry_type(*e) == TYPE_STRING);
    db_before_edit(db, *e);
    struct entry *to = edit_entry(*e, len);
    if (to != *e) {
        *table_slot_of(&db->table, key.hash, *e) = segment_slot(key.hash, to);
        *e = to;
    }
    return edit_bytes(to);
}

struct entry *keyspace_set_deadline(struct db *db, struct entry *e, int64_t at_ms)
{
    if (store_deadline_of(e) == at_ms) return e;
    db_before_edit(db, e);
    return table_due_set(&db->table, e, at_ms);
}

/* A new key with a value that is no string. */
static void store_insert(struct db *db, struct key key, struct entry *e)
{
    table_insert(&db->table, key.hash, e);
    if (e->flags & ENTRY_ROOT) db_tell_waiting(db, key);
}

void keyspace_move(struct db *from_db, struct entry *from, struct db *to_db, struct key to)
{
    bool same_name = bytes_equal(entry_name(from), to.name);
    if (same_name && from_db == to_db) return;
    uint64_t hash = entry_hash(from);
    db_before_edit(from_db, from);
    store_clear(to_db, to);
    table_remove(&from_db->table, hash, table_slot_of(&from_db->table, hash, from));
    db_tell_gone(from_db, hash, from);
    struct entry *e = from;
    if (!same_name) {
        e = entry_renamed(from, to.name);
        heap_free(from);
    }
    store_insert(to_db, to, e);
    db_tell_made(to_db, to);
}

void keyspace_copy(struct db *from_db, struct entry *from, struct db *to_db, struct key to)
{
    if (from_db == to_db && bytes_equal(entry_name(from), to.name)) return;
    struct entry *e = entry_renamed(from, to.name);
    entry_own_value(e);
    entry_clock_start(e);
    store_clear(to_db, to);
    store_insert(to_db, to, e);
    db_tell_made(to_db, to);
}

/* ---- Values of other types ---- */

struct entry *keyspace_make(struct db *db, struct key key, enum value_type type)
{
    if (unlikely(keyspace.keep_expired)) store_clear(db, key);
    struct entry *e = type_make_entry(key.name, type);
    store_insert(db, key, e);
    db_tell_made(db, key);
    return e;
}

void keyspace_put_entry(struct db *db, struct key key, struct entry *e)
{
    dcheck(entry_is_named(e, key.name));
    bool was_there = store_clear(db, key);
    store_insert(db, key, e);
    if (!was_there) db_tell_made(db, key);
}

bool keyspace_load(struct db *db, struct key key, struct entry *e)
{
    if (table_find(&db->table, key) != NULL) return false;
    store_insert(db, key, e);
    return true;
}

void keyspace_expect(struct db *db, uint64_t count) { table_expect(&db->table, count); }

void keyspace_elements_due(struct db *db, struct key key, struct entry *e, struct table_due had)
{
    table_due_change(&db->table, key.hash, had, table_due_of(e));
}

struct entry *keyspace_pack(struct db *db, struct key key, struct entry *e, size_t len)
{
    uint64_t *slot = table_slot_of(&db->table, key.hash, e);
    db_before_edit(db, e);
    e = entry_pack(e, len);
    *slot = segment_slot(key.hash, e);
    return e;
}

struct entry *keyspace_unpack(struct db *db, struct key key, struct entry *e)
{
    uint64_t *slot = table_slot_of(&db->table, key.hash, e);
    db_before_edit(db, e);
    e = entry_unpack(e);
    *slot = segment_slot(key.hash, e);
    return e;
}
