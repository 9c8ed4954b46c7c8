/*
 * Hashes: field by field, a zipmap, a ziplist, a listpack; and those with deadlines of fields:
 * field by field, or a listpack of field, value and deadline.
 */
#include "execute/types/load_parts.h"

#include "codec/zipmap.h"
#include "execute/types/hash.h"
#include "execute/types/heap.h"

/* A moment at which nothing is due: what is loaded is loaded as it is. */
#define LOAD_NOTHING_DUE_MS 0

static bool load_hash_put(struct load *l, struct entry *e, const struct hash_item *item)
{
    struct entry_text value = {.text = item->value};
    bool is_new = hash_set(e, item->field, &value, item->deadline_ms, LOAD_NOTHING_DUE_MS);
    return is_new || load_wrong(l, "Hash has a field twice");
}

/* ---- Field by field ---- */

/* A deadline of 0 is none. */
static bool load_hash_deadline(struct load *l, uint64_t ms, int64_t *deadline_ms)
{
    *deadline_ms = ms == 0 ? ENTRY_NO_DEADLINE : (int64_t)ms;
    return ms <= HASH_DEADLINE_MAX || load_wrong(l, "Hash has a deadline that is out of range");
}

/* What the deadlines of RDB_HASH_DEADLINES are relative to: 1 is this moment. */
static bool load_hash_earliest(struct load *l, uint64_t *earliest_ms)
{
    int64_t ms;
    if (!rdb_take_ms(l->in, &ms) || ms < 0 || ms > HASH_DEADLINE_MAX)
        return load_wrong(l, "Hash has an earliest deadline that is out of range");
    *earliest_ms = (uint64_t)ms;
    return true;
}

static bool load_hash_take_deadline(struct load *l, uint64_t earliest_ms, struct hash_item *item)
{
    item->deadline_ms = ENTRY_NO_DEADLINE;
    if (l->type == RDB_HASH) return true;
    uint64_t ms;
    if (!rdb_take_len(l->in, &ms) || ms > HASH_DEADLINE_MAX)
        return load_wrong(l, "Hash has a deadline that is damaged");
    if (l->type == RDB_HASH_DEADLINES && ms != 0) ms += earliest_ms - 1;
    return load_hash_deadline(l, ms, &item->deadline_ms);
}

static bool load_hash_fields(struct load *l, struct entry *e)
{
    uint64_t count, earliest_ms = 0;
    if (l->type == RDB_HASH_DEADLINES && !load_hash_earliest(l, &earliest_ms)) return false;
    if (!load_take_count(l, l->type == RDB_HASH ? 2 : 3, &count)) return false;
    hash_expect(e, count, 0);
    struct load_text field = {0}, value = {0};
    struct hash_item item;
    bool good = true;
    for (; count > 0 && good; count--) {
        good = load_hash_take_deadline(l, earliest_ms, &item) && load_take_text(l, &field) &&
               load_take_text(l, &value);
        item.field = field.text;
        item.value = value.text;
        good = good && load_hash_put(l, e, &item);
    }
    load_text_end(&field);
    load_text_end(&value);
    return good;
}

static bool load_hash_zipmap(struct load *l, struct entry *e)
{
    struct load_text t = {0};
    uint32_t count = 0;
    bool good = load_take_text(l, &t);
    if (good && (!zipmap_is_valid(t.text, &count) || count == 0))
        good = load_wrong(l, "Zipmap integrity check failed");
    if (good) {
        hash_expect(e, count, 0);
        struct zipmap_walk walk = zipmap_walk(t.text);
        struct hash_item item = {.deadline_ms = ENTRY_NO_DEADLINE};
        while (good && zipmap_next(&walk, &item.field, &item.value))
            good = load_hash_put(l, e, &item);
    }
    load_text_end(&t);
    return good;
}

/* ---- From a listpack ---- */

/* Of pairs or triples. */
static bool load_hash_elements(struct load *l, struct entry *e, const uint8_t *lp, unsigned width)
{
    struct hash_item item;
    bool good = true;
    for (const uint8_t *at = listpack_first(lp); at != NULL && good; at = listpack_next(lp, at)) {
        int64_t ms = 0;
        item.field = listpack_text(at, item.scratch[0]);
        at = listpack_next(lp, at);
        item.value = listpack_text(at, item.scratch[1]);
        if (width == 3) at = listpack_next(lp, at);
        if (width == 3 && (!listpack_int(at, &ms) || ms < 0))
            good = load_wrong(l, "Hash has a deadline that is damaged");
        good = good && load_hash_deadline(l, (uint64_t)ms, &item.deadline_ms) &&
               load_hash_put(l, e, &item);
    }
    return good;
}

/* Takes the listpack, which is wrong already when it is NULL. */
static struct entry *load_hash_build(struct load *l, uint8_t *lp, uint32_t count, unsigned width)
{
    if (lp == NULL) return NULL;
    struct entry *e = type_make_entry(l->name, TYPE_HASH);
    hash_expect(e, count / width, listpack_bytes(lp));
    bool good = load_hash_elements(l, e, lp, width);
    heap_free(lp);
    return load_done(e, good);
}

static struct entry *load_hash_pairs(struct load *l)
{
    const char *what = l->type == RDB_HASH_ZIPLIST ? "Hash ziplist integrity check failed"
                                                   : "Hash listpack integrity check failed";
    uint32_t count;
    uint8_t *lp = l->type == RDB_HASH_ZIPLIST ? load_take_ziplist(l, &count, what)
                                              : load_take_listpack(l, &count, what);
    if (lp == NULL) return NULL;
    struct load_limits limits = {UINT32_MAX, value_limits.hash_max_listpack_value, 1};
    bool fits =
        count / 2 <= value_limits.hash_max_listpack_entries && load_fits(lp, count, &limits);
    if (count > 0 && count % 2 == 0) {
        if (!fits) return load_hash_build(l, lp, count, 2);
        if (load_is_distinct(lp, count, 2)) return load_entry(l, TYPE_HASH, ENC_LISTPACK, lp);
    }
    load_wrong(l, count == 0 ? load_empty : what);
    heap_free(lp);
    return NULL;
}

static struct entry *load_hash_triples(struct load *l)
{
    static const char what[] = "Hash listpack with deadlines integrity check failed";
    uint64_t earliest_ms;
    uint32_t count;
    if (l->type == RDB_HASH_LISTPACK_DEADLINES && !load_hash_earliest(l, &earliest_ms)) return NULL;
    uint8_t *lp = load_take_listpack(l, &count, what);
    if (lp == NULL) return NULL;
    if (count > 0 && count % 3 == 0) return load_hash_build(l, lp, count, 3);
    load_wrong(l, what);
    heap_free(lp);
    return NULL;
}

struct entry *load_hash(struct load *l)
{
    switch (l->type) {
    case RDB_HASH_ZIPLIST:
    case RDB_HASH_LISTPACK: return load_hash_pairs(l);
    case RDB_HASH_LISTPACK_DEADLINES_OLD:
    case RDB_HASH_LISTPACK_DEADLINES: return load_hash_triples(l);
    default: break;
    }
    struct entry *e = type_make_entry(l->name, TYPE_HASH);
    bool zipmap = l->type == RDB_HASH_ZIPMAP;
    return load_done(e, zipmap ? load_hash_zipmap(l, e) : load_hash_fields(l, e));
}
