/*
 * SINTER, SUNION, SDIFF, their STORE forms, and SINTERCARD.
 *
 * Members go through in windows: a window is taken from one set, looked up in the others all
 * together, and what is left of it goes where the results go. Results of the STORE forms are built
 * aside, so a destination may be a source too.
 */
#include "execute/types/set.h"

#include "execute/commands/table.h"
#include "execute/commands/typed.h"
#include "execute/types/heap.h"

#include <stdlib.h>

/* ---- The sets that a command reads ---- */

struct set_sources {
    struct entry **sets; /* those that are there, in the order of the keys */
    uint32_t count, missing;
    const struct entry *first; /* what the first key holds, NULL when it is missing */
};

/* False when an error was answered; otherwise set_sources_close() ends it. */
static bool set_sources_open(struct call *c, uint32_t from, uint32_t keys, struct set_sources *s)
{
    *s = (struct set_sources){.sets = heap_alloc(keys * sizeof(struct entry *))};
    for (uint32_t i = 0; i < keys; i++) {
        struct entry *e;
        if (!typed_find(c, call_key(c, from + i), TYPE_SET, LOOKUP_READ, &e)) {
            heap_free(s->sets);
            return false;
        }
        if (i == 0) s->first = e;
        if (e != NULL)
            s->sets[s->count++] = e;
        else
            s->missing++;
    }
    return true;
}

static void set_sources_close(struct set_sources *s) { heap_free(s->sets); }

static int set_fewer_first(const void *a, const void *b)
{
    uint64_t x = set_count(*(struct entry *const *)a), y = set_count(*(struct entry *const *)b);
    return (x > y) - (x < y);
}

static int set_more_first(const void *a, const void *b) { return set_fewer_first(b, a); }

/* ---- Where results go ---- */

struct set_sink {
    struct call *c;     /* NULL: they are not answered */
    struct entry *into; /* NULL: they are not stored */
    uint64_t count;     /* of different members so far */
    uint64_t limit;     /* how many are wanted at most */
};

static void set_sink_take(struct set_sink *k, struct set_member *members, uint32_t mask)
{
    if (k->into != NULL) set_prefetch(k->into, members, mask);
    for (uint32_t left = mask; left != 0 && k->count < k->limit; left &= left - 1) {
        struct set_member *m = &members[__builtin_ctz(left)];
        if (k->into != NULL && !set_add(k->into, m)) continue;
        if (k->c != NULL) reply_bulk(k->c, set_member_text(m));
        k->count++;
    }
}

static void set_sink_take_all(struct set_sink *k, const struct entry *e)
{
    struct set_member members[SET_WINDOW];
    struct set_walk w = set_walk(e);
    for (uint32_t n; (n = set_next(&w, members, SET_WINDOW)) > 0;) {
        set_sink_take(k, members, set_mask(n));
    }
}

/* ---- Intersection ---- */

/* The smallest set is walked, the next larger ones are asked first. */
static void set_intersect(struct set_sources *s, struct set_sink *k)
{
    if (s->missing > 0) return;
    qsort(s->sets, s->count, sizeof(struct entry *), set_fewer_first);
    struct set_member members[SET_WINDOW];
    struct set_walk w = set_walk(s->sets[0]);
    for (uint32_t n; k->count < k->limit && (n = set_next(&w, members, SET_WINDOW)) > 0;) {
        uint32_t mask = set_mask(n);
        for (uint32_t i = 1; i < s->count && mask != 0; i++) {
            if (s->sets[i] != s->sets[0]) mask = set_having(s->sets[i], members, mask);
        }
        set_sink_take(k, members, mask);
    }
}

/* ---- Union ---- */

/* A sink that answers needs to remember what it was given. */
static void set_unite(struct set_sources *s, struct set_sink *k)
{
    struct entry *seen = NULL;
    if (k->into == NULL && s->count > 1) {
        seen = type_make_entry(bytes_of(""), TYPE_SET);
        set_begin_table(seen);
        k->into = seen;
    }
    for (uint32_t i = 0; i < s->count; i++) set_sink_take_all(k, s->sets[i]);
    if (seen != NULL) entry_free(seen);
}

/* ---- Difference ---- */

/* The members of the first set are looked up in the others, the large ones first. */
static void set_subtract_by_lookup(struct set_sources *s, struct set_sink *k)
{
    qsort(s->sets + 1, s->count - 1, sizeof(struct entry *), set_more_first);
    struct set_member members[SET_WINDOW];
    struct set_walk w = set_walk(s->first);
    for (uint32_t n; (n = set_next(&w, members, SET_WINDOW)) > 0;) {
        uint32_t mask = set_mask(n);
        for (uint32_t i = 1; i < s->count && mask != 0; i++) {
            mask &= ~set_having(s->sets[i], members, mask);
        }
        set_sink_take(k, members, mask);
    }
}

static void set_remove_all(struct entry *e, const struct entry *what)
{
    struct set_member members[SET_WINDOW];
    struct set_walk w = set_walk(what);
    for (uint32_t n; set_count(e) > 0 && (n = set_next(&w, members, SET_WINDOW)) > 0;) {
        set_prefetch(e, members, set_mask(n));
        for (uint32_t i = 0; i < n; i++) set_remove(e, &members[i]);
    }
}

/* The members of the others are removed from a copy of the first set. */
static void set_subtract_by_removal(const struct set_sources *s, struct set_sink *k)
{
    struct entry *rest = type_make_entry(bytes_of(""), TYPE_SET);
    struct set_sink copy = {.into = rest, .limit = UINT64_MAX};
    set_sink_take_all(&copy, s->first);
    for (uint32_t i = 1; i < s->count; i++) set_remove_all(rest, s->sets[i]);
    set_sink_take_all(k, rest);
    entry_free(rest);
}

/* Lookups cost half of what additions and removals cost, and end early for what is found. */
static void set_subtract(struct set_sources *s, struct set_sink *k)
{
    if (s->first == NULL) return;
    uint64_t by_removal = 0, by_lookup = set_count(s->first) * s->count / 2;
    for (uint32_t i = 0; i < s->count; i++) {
        if (i > 0 && s->sets[i] == s->first) return;
        by_removal += set_count(s->sets[i]);
    }
    if (by_lookup <= by_removal)
        set_subtract_by_lookup(s, k);
    else
        set_subtract_by_removal(s, k);
}

/* ---- Commands ---- */

typedef void set_operation(struct set_sources *s, struct set_sink *k);

static enum run_result set_answer(struct call *c, set_operation *operation)
{
    struct set_sources s;
    struct set_sink k = {.c = c, .limit = UINT64_MAX};
    if (!set_sources_open(c, 1, c->nargs - 1, &s)) return RUN_ERROR;
    size_t mark = reply_defer(c);
    operation(&s, &k);
    set_sources_close(&s);
    return reply_defer_set(c, mark, k.count);
}

/* An intersection of other sets than intsets begins as a listpack, and becomes an intset at the
 * end if it may. */
static void set_store_begin(struct entry *into, const struct set_sources *s, set_operation *op)
{
    if (op != set_intersect || s->missing > 0) return;
    const struct entry *fewest = s->sets[0];
    for (uint32_t i = 1; i < s->count; i++) {
        if (set_count(s->sets[i]) < set_count(fewest)) fewest = s->sets[i];
    }
    if (entry_encoding(fewest) != ENC_INTSET) set_begin_listpack(into);
}

static enum run_result set_store(struct call *c, set_operation *operation)
{
    struct set_sources s;
    struct key key = call_key(c, 1);
    if (!set_sources_open(c, 2, c->nargs - 2, &s)) return RUN_ERROR;
    struct entry *into = type_make_entry(key.name, TYPE_SET);
    struct set_sink k = {.into = into, .limit = UINT64_MAX};
    set_store_begin(into, &s, operation);
    operation(&s, &k);
    set_sources_close(&s);

    if (k.count > 0) {
        if (operation == set_intersect) set_to_intset(into);
        keyspace_put_entry(c->db, key, into);
        call_event(c, 1, key, NOTIFY_SET, c->spec->name);
    } else {
        entry_free(into);
        call_delete(c, key);
    }
    return reply_int(c, (int64_t)k.count);
}

enum run_result cmd_SINTER(struct call *c) { return set_answer(c, set_intersect); }
enum run_result cmd_SUNION(struct call *c) { return set_answer(c, set_unite); }
enum run_result cmd_SDIFF(struct call *c) { return set_answer(c, set_subtract); }
enum run_result cmd_SINTERSTORE(struct call *c) { return set_store(c, set_intersect); }
enum run_result cmd_SUNIONSTORE(struct call *c) { return set_store(c, set_unite); }
enum run_result cmd_SDIFFSTORE(struct call *c) { return set_store(c, set_subtract); }

/* LIMIT 0 is none. It may be given twice, the last one counts. */
static bool set_limit(struct call *c, uint32_t from, uint64_t *limit)
{
    int64_t n = 0;
    for (uint32_t i = from; i < c->nargs; i += 2) {
        if (i + 1 == c->nargs || !call_arg_is(c, i, "limit")) {
            reply_syntax(c);
            return false;
        }
        if (!call_int_range(c, i + 1, 0, INT64_MAX, "ERR LIMIT can't be negative", &n))
            return false;
    }
    *limit = n == 0 ? UINT64_MAX : (uint64_t)n;
    return true;
}

enum run_result cmd_SINTERCARD(struct call *c)
{
    struct set_sources s;
    struct set_sink k = {0};
    int64_t keys;
    if (!call_int_range(c, 1, 1, INT64_MAX, "ERR numkeys should be greater than 0", &keys))
        return RUN_ERROR;
    if (keys > c->nargs - 2)
        return reply_error(c, "ERR Number of keys can't be greater than number of args");
    if (!set_limit(c, 2 + (uint32_t)keys, &k.limit)) return RUN_ERROR;
    if (!set_sources_open(c, 2, (uint32_t)keys, &s)) return RUN_ERROR;
    set_intersect(&s, &k);
    set_sources_close(&s);
    return reply_int(c, (int64_t)k.count);
}
