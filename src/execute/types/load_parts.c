/*
 * A string in the input is borrowed, not copied, wherever it is not compressed.
 */
#include "execute/types/load_parts.h"

#include "base/hash.h"
#include "execute/types/heap.h"

bool load_wrong(struct load *l, const char *what)
{
    if (l->wrong == NULL) l->wrong = what;
    return false;
}

/* ---- Strings ---- */

const char load_empty[] = "the value is empty";
static const char load_no_string[] = "a string ends too early or is damaged";

bool load_take_text(struct load *l, struct load_text *t)
{
    if (!rdb_take_string(l->in, &t->form)) return load_wrong(l, load_no_string);
    if (t->form.form != RDB_LZF) {
        t->text = rdb_string_text(&t->form);
        return true;
    }
    if (t->room < t->form.len) {
        heap_free(t->unpacked);
        t->unpacked = heap_alloc(t->form.len);
        t->room = t->form.len;
    }
    t->text = bytes_make(t->unpacked, t->form.len);
    return rdb_string_write(&t->form, t->unpacked) || load_wrong(l, load_no_string);
}

void load_text_end(struct load_text *t) { heap_free(t->unpacked); }

bool load_take_count(struct load *l, size_t each, uint64_t *count)
{
    if (!rdb_take_count(l->in, each, count)) return load_wrong(l, "a count is too high");
    return *count > 0 || load_wrong(l, load_empty);
}

/* ---- Strings that are a structure of their own ---- */

uint8_t *load_take_blob(struct load *l, size_t *len)
{
    struct rdb_string form;
    if (!rdb_take_string(l->in, &form)) {
        load_wrong(l, load_no_string);
        return NULL;
    }
    *len = form.len;
    char *blob = heap_alloc(form.len == 0 ? 1 : form.len);
    if (rdb_string_write(&form, blob)) return (uint8_t *)blob;
    load_wrong(l, load_no_string);
    heap_free(blob);
    return NULL;
}

struct block *load_take_block(struct load *l)
{
    struct rdb_string form;
    if (rdb_take_string(l->in, &form)) {
        struct block *b = block_make(form.len, form.len);
        if (rdb_string_write(&form, b->bytes)) return b;
        block_drop(b);
    }
    load_wrong(l, load_no_string);
    return NULL;
}

uint8_t *load_take_listpack(struct load *l, uint32_t *count, const char *what)
{
    size_t len;
    uint8_t *lp = load_take_blob(l, &len);
    if (lp == NULL || listpack_is_valid(lp, len, count)) return lp;
    load_wrong(l, what);
    heap_free(lp);
    return NULL;
}

static uint8_t *load_ziplist_to_listpack(struct bytes zl)
{
    uint8_t *lp = listpack_make(zl.len);
    struct ziplist_walk walk = ziplist_walk(zl);
    struct ziplist_item item;
    while (ziplist_next(&walk, &item))
        lp = item.is_int ? listpack_append_int(lp, item.number) : listpack_append(lp, item.text);
    return listpack_trim(lp);
}

uint8_t *load_take_ziplist(struct load *l, uint32_t *count, const char *what)
{
    struct load_text t = {0};
    uint8_t *lp = NULL;
    if (load_take_text(l, &t)) {
        /* As a listpack it takes at most twice the bytes: an item of 2 becomes one of up to 4. */
        if (t.text.len <= LISTPACK_MAX / 2 && ziplist_is_valid(t.text, count))
            lp = load_ziplist_to_listpack(t.text);
        else
            load_wrong(l, what);
    }
    load_text_end(&t);
    return lp;
}

/* ---- What is in a listpack ---- */

/* Goes on by `step` elements; there may be fewer. */
static const uint8_t *load_skip(const uint8_t *lp, const uint8_t *at, unsigned step)
{
    for (; step > 0 && at != NULL; step--) at = listpack_next(lp, at);
    return at;
}

bool load_fits(const uint8_t *lp, uint32_t count, const struct load_limits *limits)
{
    if (count > limits->elements) return false;
    struct bytes text;
    int64_t number;
    const uint8_t *at = listpack_first(lp);
    for (; at != NULL; at = load_skip(lp, at, limits->step))
        if (!listpack_get(at, &text, &number) && text.len > limits->bytes) return false;
    return true;
}

/*
 * Open addressing: a slot is the offset of an element in the listpack, 0 when it is free. At most
 * half of the slots are used.
 */
static bool load_note_element(uint32_t *slots, uint32_t mask, const uint8_t *lp, const uint8_t *at)
{
    char scratch[LISTPACK_INT_CHARS], other_scratch[LISTPACK_INT_CHARS];
    struct bytes text = listpack_text(at, scratch);
    uint32_t i = (uint32_t)hash_bytes(text.ptr, text.len) & mask;
    for (; slots[i] != 0; i = (i + 1) & mask)
        if (bytes_equal(listpack_text(lp + slots[i], other_scratch), text)) return false;
    slots[i] = (uint32_t)(at - lp);
    return true;
}

bool load_is_distinct(const uint8_t *lp, uint32_t count, unsigned step)
{
    uint32_t room = 8;
    while (room / 2 < count / step) room *= 2;
    uint32_t *slots = heap_zalloc(room * sizeof(*slots));
    bool distinct = true;
    const uint8_t *at = listpack_first(lp);
    for (; at != NULL && distinct; at = load_skip(lp, at, step))
        distinct = load_note_element(slots, room - 1, lp, at);
    heap_free(slots);
    return distinct;
}

/* ---- Results ---- */

struct entry *load_entry(struct load *l, enum value_type type, enum value_encoding enc, void *root)
{
    struct entry *e = entry_make(l->name, entry_kind(type, enc), ENTRY_WORD | ENTRY_ROOT, 0);
    entry_set_root(e, enc, root);
    return e;
}

struct entry *load_done(struct entry *e, bool good)
{
    if (good || e == NULL) return e;
    entry_free(e);
    return NULL;
}
