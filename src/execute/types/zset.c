/*
 * Sorted sets: both forms behind one interface, and the way from the small one to the large one.
 */
#include "execute/types/zset.h"

#include "execute/types/heap.h"
#include "execute/types/zset_large.h"
#include "execute/types/zset_pack.h"

#include <math.h>

static bool zset_is_small(const struct entry *e) { return entry_encoding(e) == ENC_LISTPACK; }

static uint8_t *zset_pack(const struct entry *e) { return entry_root(e); }
static struct zset *zset_large(const struct entry *e) { return entry_root(e); }

static void zset_set_pack(struct entry *e, uint8_t *lp) { entry_set_root(e, ENC_LISTPACK, lp); }

static void zset_grow(struct entry *e)
{
    uint8_t *lp = zset_pack(e);
    entry_set_root(e, ENC_SKIPLIST, zset_large_from_pack(lp));
    heap_free(lp);
}

/* ---- One member ---- */

uint64_t zset_count(const struct entry *e)
{
    return zset_is_small(e) ? listpack_count(zset_pack(e)) / 2 : zset_large(e)->tree.count;
}

bool zset_score(const struct entry *e, struct bytes member, double *score)
{
    if (zset_is_small(e)) {
        const uint8_t *lp = zset_pack(e), *at = zset_pack_find(lp, member);
        char scratch[LISTPACK_INT_CHARS];
        if (at != NULL) *score = zset_pack_item(lp, at, scratch).score;
        return at != NULL;
    }
    struct entry *m = zset_large_find(zset_large(e), key_make(member));
    if (m != NULL) *score = *zset_score_at(m);
    return m != NULL;
}

bool zset_rank(const struct entry *e, struct bytes member, uint64_t *rank, double *score)
{
    if (!zset_is_small(e)) {
        if (!zset_score(e, member, score)) return false;
        struct rank_bound b = {RANK_BY_PAIR, false, *score, member};
        *rank = rank_tree_below(&zset_large(e)->tree, &b);
        return true;
    }
    const uint8_t *lp = zset_pack(e), *at = zset_pack_find(lp, member);
    char scratch[LISTPACK_INT_CHARS];
    if (at == NULL) return false;
    *rank = zset_pack_rank(lp, at);
    *score = zset_pack_item(lp, at, scratch).score;
    return true;
}

/* What becomes of a member with the score `*old`, or of a new one (NULL). */
static enum zset_change zset_decide(const double *old, double *score, unsigned rules)
{
    if (old == NULL) return rules & ZSET_XX ? ZSET_REFUSED : ZSET_ADDED;
    if (rules & ZSET_NX) return ZSET_REFUSED;
    double to = rules & ZSET_INCR ? *old + *score : *score;
    if (isnan(to)) return ZSET_NAN;
    if ((rules & ZSET_GT) && to <= *old) return ZSET_REFUSED;
    if ((rules & ZSET_LT) && to >= *old) return ZSET_REFUSED;
    *score = to;
    return to == *old ? ZSET_SAME : ZSET_UPDATED;
}

static enum zset_change zset_add_large(struct zset *z, struct bytes member, double *score,
                                       unsigned rules)
{
    struct key key = key_make(member);
    struct entry *m = zset_large_find(z, key);
    enum zset_change change = zset_decide(m == NULL ? NULL : zset_score_at(m), score, rules);
    if (change == ZSET_ADDED) zset_large_insert(z, key, *score);
    if (change == ZSET_UPDATED) zset_large_rescore(z, m, *score);
    return change;
}

enum zset_change zset_add(struct entry *e, struct bytes member, double *score, unsigned rules)
{
    if (!zset_is_small(e)) return zset_add_large(zset_large(e), member, score, rules);
    uint8_t *lp = zset_pack(e), *at = zset_pack_find(lp, member);
    char scratch[LISTPACK_INT_CHARS];
    double old = at == NULL ? 0 : zset_pack_item(lp, at, scratch).score;
    enum zset_change change = zset_decide(at == NULL ? NULL : &old, score, rules);
    if (change == ZSET_ADDED && !zset_pack_takes(lp, member)) {
        zset_grow(e);
        zset_large_insert(zset_large(e), key_make(member), *score);
    } else if (change == ZSET_ADDED || change == ZSET_UPDATED) {
        if (at != NULL) lp = zset_pack_remove(lp, at);
        zset_set_pack(e, zset_pack_insert(lp, member, *score));
    }
    return change;
}

bool zset_remove(struct entry *e, struct bytes member)
{
    if (!zset_is_small(e)) return zset_large_remove(zset_large(e), key_make(member));
    uint8_t *lp = zset_pack(e), *at = zset_pack_find(lp, member);
    if (at != NULL) zset_set_pack(e, zset_pack_remove(lp, at));
    return at != NULL;
}

/* ---- Ranges ---- */

uint64_t zset_below(const struct entry *e, const struct rank_bound *b)
{
    return zset_is_small(e) ? zset_pack_below(zset_pack(e), b)
                            : rank_tree_below(&zset_large(e)->tree, b);
}

void zset_cut(struct entry *e, uint64_t rank, uint64_t count)
{
    if (!zset_is_small(e)) {
        zset_large_cut(zset_large(e), rank, count);
        return;
    }
    uint8_t *at = listpack_seek(zset_pack(e), (int64_t)(2 * rank));
    if (count > 0) zset_set_pack(e, listpack_delete(zset_pack(e), &at, (uint32_t)(2 * count)));
}

bool zset_seek(const struct entry *e, uint64_t rank, struct zset_cursor *c)
{
    if (!zset_is_small(e)) {
        c->pack = NULL;
        return rank_tree_seek(&zset_large(e)->tree, rank, &c->tree);
    }
    c->pack = zset_pack(e);
    c->at = rank < zset_count(e) ? listpack_seek(c->pack, (int64_t)(2 * rank)) : NULL;
    return c->at != NULL;
}

bool zset_next(struct zset_cursor *c)
{
    if (c->pack == NULL) return rank_cursor_next(&c->tree);
    c->at = listpack_next(c->pack, listpack_next(c->pack, c->at));
    return c->at != NULL;
}

bool zset_prev(struct zset_cursor *c)
{
    if (c->pack == NULL) return rank_cursor_prev(&c->tree);
    c->at = listpack_prev(c->pack, c->at);
    if (c->at != NULL) c->at = listpack_prev(c->pack, c->at);
    return c->at != NULL;
}

struct zset_item zset_item(struct zset_cursor *c)
{
    if (c->pack != NULL) return zset_pack_item(c->pack, c->at, c->scratch);
    struct rank_pair p = rank_cursor_pair(&c->tree);
    return (struct zset_item){zset_name(p.member), p.score};
}

const struct table *zset_table(const struct entry *e)
{
    return zset_is_small(e) ? NULL : &zset_large(e)->table;
}

double zset_member_score(const struct entry *member)
{
    return *zset_score_at((struct entry *)(uintptr_t)member);
}

/* ---- Behind the interface of types ---- */

static void zset_make(struct entry *e) { zset_set_pack(e, listpack_make(0)); }

static size_t zset_bytes(const struct entry *e, uint64_t samples)
{
    return zset_is_small(e) ? arena_usable(zset_pack(e)) : zset_large_bytes(zset_large(e), samples);
}

static void *zset_copy(const struct entry *e)
{
    return zset_is_small(e) ? (void *)listpack_copy(zset_pack(e))
                            : (void *)zset_large_copy(zset_large(e));
}

static uint64_t zset_free_cost(enum value_encoding enc, const void *root)
{
    return enc == ENC_LISTPACK ? 1 : ((const struct zset *)root)->tree.count;
}

static bool zset_free_some(enum value_encoding enc, void *root, uint64_t max)
{
    if (enc != ENC_LISTPACK) return zset_large_free_some(root, max);
    heap_free(root);
    return true;
}

const struct type_ops zset_ops = {
    .make = zset_make,
    .count = zset_count,
    .table = zset_table,
    .bytes = zset_bytes,
    .copy = zset_copy,
    .free_cost = zset_free_cost,
    .free_some = zset_free_some,
};

/* ---- Checking ---- */

void zset_check(const struct entry *e)
{
    if (!zset_is_small(e)) {
        table_check(&zset_large(e)->table);
        rank_tree_check(&zset_large(e)->tree);
        must(zset_large(e)->table.count == zset_large(e)->tree.count);
    }
    struct zset_cursor c;
    uint64_t rank = 0, seen = 0;
    double score = 0;
    for (bool more = zset_seek(e, 0, &c); more; more = zset_next(&c), seen++) {
        struct zset_item item = zset_item(&c);
        must(zset_rank(e, item.member, &rank, &score) && rank == seen && score == item.score);
    }
    must(seen == zset_count(e));
}
