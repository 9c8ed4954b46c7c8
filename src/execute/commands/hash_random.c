/*
 * HRANDFIELD. Each field that is not due is as likely as any other.
 *
 * Few fields of a large hash are drawn one by one; where that might draw many in vain (most are
 * wanted, the hash is small, fields are due) all places are gathered first.
 */
#include "execute/commands/hash_edit.h"
#include "execute/commands/table.h"
#include "execute/types/heap.h"

#define RANDOM_FULL_CHECK 128 /* answers between two questions whether the reply is too long */

/* Places of fields, to draw from. */
struct hash_draw {
    struct call *c;
    const struct entry *e;
    const void **places; /* all that are not due; NULL: draw from the table */
    uint64_t count;      /* of them */
    bool values;
};

static struct random *hash_random(void)
{
    static struct random random;
    static bool is_seeded;
    if (!is_seeded) {
        uint64_t seed;
        random_secret(&seed, sizeof(seed));
        random_seed(&random, seed);
        is_seeded = true;
    }
    return &random;
}

static void hash_draw_gather(struct hash_draw *d)
{
    struct hash_walk w;
    const void *place;
    d->places = heap_alloc(d->count * sizeof(*d->places));
    d->count = 0;
    hash_walk_begin(&w, d->e, d->c->due_ms);
    while ((place = hash_walk_place(&w)) != NULL) d->places[d->count++] = place;
}

static const void *hash_draw_any(struct hash_draw *d)
{
    if (d->places == NULL) return hash_random_place(d->e, hash_random());
    return d->places[random_below(hash_random(), d->count)];
}

static void hash_draw_reply(struct hash_draw *d, const void *place)
{
    struct hash_item item;
    hash_item_at(d->e, place, &item);
    if (d->values && d->c->reply->resp == 3) reply_array(d->c, 2);
    reply_bulk(d->c, item.field);
    if (d->values) hash_edit_reply_value(d->c, &item);
}

static void hash_draw_head(struct hash_draw *d, uint64_t count)
{
    bool flat = d->values && d->c->reply->resp == 2;
    reply_array(d->c, flat ? 2 * count : count);
}

/* Any field, any number of times. */
static void hash_draw_repeated(struct hash_draw *d, uint64_t wanted)
{
    hash_draw_head(d, wanted);
    for (uint64_t i = 0; i < wanted; i++) {
        if (i % RANDOM_FULL_CHECK == 0 && call_reply_full(d->c)) return;
        hash_draw_reply(d, hash_draw_any(d));
    }
}

/* The first steps of a shuffle. */
static void hash_draw_shuffled(struct hash_draw *d, uint64_t wanted)
{
    for (uint64_t i = 0; i < wanted; i++) {
        uint64_t at = i + random_below(hash_random(), d->count - i);
        const void *place = d->places[at];
        d->places[at] = d->places[i];
        hash_draw_reply(d, place);
    }
}

/* True when the place was not in the set yet. `mask` + 1 is a power of two, and the set never full.
 */
static bool hash_draw_note(const void **set, uint64_t mask, const void *place)
{
    uint64_t at = hash_bytes(&place, sizeof(place)) & mask;
    for (; set[at] != NULL; at = (at + 1) & mask)
        if (set[at] == place) return false;
    set[at] = place;
    return true;
}

/* Far fewer than there are: drawn until they are different. */
static void hash_draw_different(struct hash_draw *d, uint64_t wanted)
{
    uint64_t room = 16;
    while (room < 2 * wanted) room *= 2;
    const void **set = heap_zalloc(room * sizeof(*set));
    for (uint64_t i = 0; i < wanted;) {
        const void *place = hash_draw_any(d);
        if (!hash_draw_note(set, room - 1, place)) continue;
        hash_draw_reply(d, place);
        i++;
    }
    heap_free(set);
}

static void hash_draw_all(struct hash_draw *d)
{
    struct hash_walk w;
    const void *place;
    hash_walk_begin(&w, d->e, d->c->due_ms);
    while ((place = hash_walk_place(&w)) != NULL) hash_draw_reply(d, place);
}

static enum run_result hash_draw_many(struct hash_draw *d, int64_t count)
{
    bool some_due = d->count < hash_count(d->e);
    uint64_t wanted = (uint64_t)(count < 0 ? -count : count);
    if (count > 0 && wanted >= d->count) {
        hash_draw_head(d, d->count);
        hash_draw_all(d);
        return RUN_OK;
    }
    if (!hash_is_large(d->e) || some_due || (count > 0 && wanted > d->count / 3))
        hash_draw_gather(d);
    if (count < 0) {
        hash_draw_repeated(d, wanted);
    } else {
        hash_draw_head(d, wanted);
        if (d->places != NULL)
            hash_draw_shuffled(d, wanted);
        else
            hash_draw_different(d, wanted);
    }
    heap_free(d->places);
    return RUN_OK;
}

static enum run_result hash_draw_one(struct call *c, const struct entry *e)
{
    struct hash_draw d = {.c = c, .e = e};
    if (e != NULL) d.count = hash_count_alive(e, c->due_ms);
    if (d.count == 0) return reply_null(c);
    if (d.count < hash_count(e)) hash_draw_gather(&d);
    hash_draw_reply(&d, hash_draw_any(&d));
    heap_free(d.places);
    return RUN_OK;
}

enum run_result cmd_HRANDFIELD(struct call *c)
{
    struct hash_draw d = {.c = c};
    struct entry *e;
    int64_t count;
    if (c->nargs == 2) return hash_edit_find(c, &e) ? hash_draw_one(c, e) : RUN_ERROR;
    if (!call_int_range(c, 2, -INT64_MAX, INT64_MAX, NULL, &count)) return RUN_ERROR;
    if (c->nargs > 4 || (c->nargs == 4 && !call_arg_is(c, 3, "withvalues"))) return reply_syntax(c);
    d.values = c->nargs == 4;
    if (d.values && (count < -INT64_MAX / 2 || count > INT64_MAX / 2))
        return reply_error(c, ERR_OUT_OF_RANGE);
    if (!hash_edit_find(c, &e)) return RUN_ERROR;
    d.e = e;
    d.count = e == NULL ? 0 : hash_count_alive(e, c->due_ms);
    if (d.count == 0 || count == 0) return reply_array(c, 0);
    return hash_draw_many(&d, count);
}
