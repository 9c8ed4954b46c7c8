/*
 * Pairs and triples. Invariant of triples: deadlines ascend, and 0, which means none, stands behind
 * all others; so what is due is a prefix.
 */
#include "execute/types/hash_small.h"

#include "codec/number.h"
#include "execute/types/heap.h"

uint8_t *hash_small_find(struct hash_small h, struct bytes field)
{
    return listpack_find(h.lp, listpack_first(h.lp), field, h.width - 1);
}

uint8_t *hash_small_next(struct hash_small h, const uint8_t *at)
{
    uint8_t *next = listpack_next(h.lp, listpack_next(h.lp, at));
    return h.width == HASH_SMALL_PAIR ? next : listpack_next(h.lp, next);
}

int64_t hash_small_deadline(struct hash_small h, const uint8_t *at)
{
    if (h.width == HASH_SMALL_PAIR) return ENTRY_NO_DEADLINE;
    int64_t deadline_ms = 0;
    bool is_int = listpack_int(listpack_next(h.lp, listpack_next(h.lp, at)), &deadline_ms);
    must(is_int);
    return deadline_ms == 0 ? ENTRY_NO_DEADLINE : deadline_ms;
}

int64_t hash_small_due(struct hash_small h)
{
    const uint8_t *first = listpack_first(h.lp);
    return first == NULL ? ENTRY_NO_DEADLINE : hash_small_deadline(h, first);
}

void hash_small_item(struct hash_small h, const uint8_t *at, struct hash_item *out)
{
    out->field = listpack_text(at, out->scratch[0]);
    out->value = listpack_text(listpack_next(h.lp, at), out->scratch[1]);
    out->block = NULL;
    out->deadline_ms = hash_small_deadline(h, at);
}

static void small_append(struct hash_small *h, struct bytes field, struct bytes value)
{
    h->lp = listpack_append(h->lp, field);
    h->lp = listpack_append(h->lp, value);
    if (h->width == HASH_SMALL_TRIPLE) h->lp = listpack_append_int(h->lp, 0);
}

/* Inserts before *at and moves *at behind it; *at NULL: at the end. */
static void small_insert(struct hash_small *h, uint8_t **at, struct bytes text)
{
    h->lp = listpack_insert(h->lp, at, text);
    *at = listpack_next(h->lp, *at);
}

/* A new triple finds its place by its deadline. */
static void small_insert_due(struct hash_small *h, struct bytes field, struct bytes value,
                             int64_t deadline_ms)
{
    uint8_t *at = listpack_first(h->lp);
    for (; at != NULL; at = hash_small_next(*h, at)) {
        int64_t other_ms = hash_small_deadline(*h, at);
        if (other_ms == ENTRY_NO_DEADLINE || other_ms > deadline_ms) break;
    }
    char text[NUMBER_INT_CHARS];
    struct bytes deadline = bytes_make(text, number_print_int(text, deadline_ms));
    small_insert(h, &at, field);
    small_insert(h, &at, value);
    small_insert(h, &at, deadline);
}

static void small_add(struct hash_small *h, struct bytes field, struct bytes value,
                      int64_t deadline_ms)
{
    if (deadline_ms == ENTRY_NO_DEADLINE)
        small_append(h, field, value);
    else
        small_insert_due(h, field, value, deadline_ms);
}

void hash_small_put(struct hash_small *h, uint8_t *at, struct bytes field, struct bytes value,
                    int64_t deadline_ms)
{
    dcheck(deadline_ms == ENTRY_NO_DEADLINE || h->width == HASH_SMALL_TRIPLE);
    if (at != NULL && hash_small_deadline(*h, at) == deadline_ms) {
        at = listpack_next(h->lp, at);
        h->lp = listpack_replace(h->lp, &at, value);
        return;
    }
    if (at != NULL) hash_small_delete(h, at);
    small_add(h, field, value, deadline_ms);
}

void hash_small_set_deadline(struct hash_small *h, uint8_t *at, int64_t deadline_ms)
{
    if (hash_small_deadline(*h, at) == deadline_ms) return;
    struct hash_item item;
    hash_small_item(*h, at, &item);
    char *texts = heap_alloc(item.field.len + item.value.len + 1);
    struct bytes field = bytes_make(texts, item.field.len);
    struct bytes value = bytes_make(texts + item.field.len, item.value.len);
    if (field.len > 0) memcpy(texts, item.field.ptr, field.len);
    if (value.len > 0) memcpy(texts + field.len, item.value.ptr, value.len);
    hash_small_delete(h, at);
    small_add(h, field, value, deadline_ms);
    heap_free(texts);
}

void hash_small_delete(struct hash_small *h, uint8_t *at)
{
    h->lp = listpack_delete(h->lp, &at, h->width);
}

uint64_t hash_small_expire(struct hash_small *h, int64_t now_ms, uint64_t max,
                           const struct type_going *going)
{
    struct hash_item item;
    uint32_t count = 0;
    uint8_t *first = listpack_first(h->lp);
    for (uint8_t *at = first; at != NULL && count < max; at = hash_small_next(*h, at)) {
        int64_t deadline_ms = hash_small_deadline(*h, at);
        if (deadline_ms == ENTRY_NO_DEADLINE || deadline_ms > now_ms) break;
        count++;
        if (going == NULL) continue;
        hash_small_item(*h, at, &item);
        going->show(going->ctx, item.field);
    }
    if (count > 0) h->lp = listpack_delete(h->lp, &first, count * h->width);
    return count;
}

void hash_small_widen(struct hash_small *h)
{
    struct hash_small wide = {listpack_make(listpack_bytes(h->lp) + listpack_count(h->lp)),
                              HASH_SMALL_TRIPLE};
    struct hash_item item;
    for (uint8_t *at = listpack_first(h->lp); at != NULL; at = hash_small_next(*h, at)) {
        hash_small_item(*h, at, &item);
        small_append(&wide, item.field, item.value);
    }
    heap_free(h->lp);
    *h = wide;
}
