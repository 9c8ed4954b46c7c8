/*
 * Unions, intersections and differences of sorted sets and sets (whose members count as having the
 * score 1). Results are built aside, so an input may be the destination too.
 */
#include "execute/commands/table.h"
#include "execute/commands/typed.h"
#include "execute/commands/zset_reply.h"
#include "execute/types/heap.h"
#include "codec/number.h"
#include "execute/types/set.h"

#include <math.h>
#include <stdlib.h>

enum combine_op { COMBINE_UNION, COMBINE_INTER, COMBINE_DIFF };
enum combine_how { COMBINE_SUM, COMBINE_MIN, COMBINE_MAX };

enum { COMBINE_FEW = 8 };

struct combine_input {
    const struct entry *e; /* NULL: empty */
    uint64_t count;
    double weight;
};

struct combine {
    enum combine_op op;
    bool counts; /* ZINTERCARD */
    bool stores; /* argument 1 is the destination */
    enum combine_how how;
    bool scores;
    int64_t limit; /* ZINTERCARD: 0 without */
    uint32_t first_key, input_count;
    struct combine_input few[COMBINE_FEW];
    struct combine_input *inputs;
};

/* ---- Members of an input ---- */

/* A walk over a set or a sorted set. */
struct combine_walk {
    bool is_set, more;
    struct zset_cursor at;
    struct set_walk set;
    uint32_t next, ready;
    struct set_member members[SET_WINDOW];
};

static void zset_combine_walk(struct combine_walk *w, const struct entry *e)
{
    w->is_set = e != NULL && entry_type(e) == TYPE_SET;
    w->more = e != NULL && !w->is_set && zset_seek(e, 0, &w->at);
    w->next = w->ready = 0;
    if (w->is_set) w->set = set_walk(e);
}

/* The item is good until the next call. */
static bool zset_combine_walk_next(struct combine_walk *w, bool first, struct zset_item *out)
{
    if (!w->is_set) {
        if (!w->more || !(first || zset_next(&w->at))) return false;
        *out = zset_item(&w->at);
        return true;
    }
    if (w->next == w->ready) {
        w->next = 0;
        w->ready = set_next(&w->set, w->members, SET_WINDOW);
        if (w->ready == 0) return false;
    }
    *out = (struct zset_item){set_member_text(&w->members[w->next++]), 1};
    return true;
}

static bool zset_combine_has(const struct entry *e, struct bytes member, double *score)
{
    if (e == NULL) return false;
    if (entry_type(e) == TYPE_ZSET) return zset_score(e, member, score);
    struct set_member m;
    set_member_of(&m, member);
    *score = 1;
    return set_has(e, &m);
}

/* ---- Scores ---- */

/* What is not a number (0 times infinity) counts as 0. */
static double zset_combine_weighted(const struct combine_input *in, double score)
{
    double value = in->weight * score;
    return isnan(value) ? 0 : value;
}

static double zset_combine_scores(enum combine_how how, double a, double b)
{
    if (how == COMBINE_MIN) return b < a ? b : a;
    if (how == COMBINE_MAX) return b > a ? b : a;
    return isnan(a + b) ? 0 : a + b;
}

/* ---- The three ways ---- */

static void zset_combine_union(const struct combine *k, struct zset_build *out)
{
    for (uint32_t i = 0; i < k->input_count; i++) {
        const struct combine_input *in = &k->inputs[i];
        struct combine_walk w;
        struct zset_item item;
        zset_combine_walk(&w, in->e);
        for (bool first = true; zset_combine_walk_next(&w, first, &item); first = false) {
            struct key key = key_make(item.member);
            double score = zset_combine_weighted(in, item.score);
            double *have = i == 0 ? NULL : zset_build_find(out, key);
            if (have == NULL)
                zset_build_add(out, key, score);
            else
                *have = zset_combine_scores(k->how, *have, score);
        }
    }
}

static int zset_combine_by_count(const void *a, const void *b)
{
    uint64_t x = ((const struct combine_input *)a)->count;
    uint64_t y = ((const struct combine_input *)b)->count;
    return x < y ? -1 : x > y;
}

/*
 * True when all inputs have the member of the first; *score is then zset_combined. What is not a
 * number in a later input is seen by the sum alone: the least and the greatest keep what they had,
 * as in Redis.
 */
static bool zset_combine_in_all(const struct combine *k, struct bytes member, double *score)
{
    *score = zset_combine_weighted(&k->inputs[0], *score);
    for (uint32_t i = 1; i < k->input_count; i++) {
        double other;
        if (!zset_combine_has(k->inputs[i].e, member, &other)) return false;
        *score = zset_combine_scores(k->how, *score, k->inputs[i].weight * other);
    }
    return true;
}

static bool zset_combine_in_none(const struct combine *k, struct bytes member)
{
    double score;
    for (uint32_t i = 1; i < k->input_count; i++) {
        if (zset_combine_has(k->inputs[i].e, member, &score)) return false;
    }
    return true;
}

/* Members of the first input that the others let through. `out` NULL: they are only counted. */
static uint64_t zset_combine_filter(const struct combine *k, struct zset_build *out)
{
    struct combine_walk w;
    struct zset_item item;
    uint64_t count = 0;
    zset_combine_walk(&w, k->inputs[0].e);
    for (bool first = true; zset_combine_walk_next(&w, first, &item); first = false) {
        bool stays = k->op == COMBINE_INTER ? zset_combine_in_all(k, item.member, &item.score)
                                            : zset_combine_in_none(k, item.member);
        if (!stays) continue;
        count++;
        if (out != NULL) zset_build_add(out, key_make(item.member), item.score);
        if (k->limit > 0 && count == (uint64_t)k->limit) break;
    }
    return count;
}

/* ---- Arguments ---- */

static bool zset_combine_fail(struct call *c, const char *error)
{
    reply_error(c, error);
    return false;
}

/* The number of keys at argument i, and the values of the keys. */
static bool zset_combine_inputs(struct call *c, uint32_t i, struct combine *k)
{
    int64_t count;
    if (!call_int(c, i, &count)) return false;
    if (count < 1) {
        reply_errorf(c, "ERR at least 1 input key is needed for '%s' command", c->spec->full);
        return false;
    }
    if (count > (int64_t)c->nargs - i - 1) return zset_combine_fail(c, ERR_SYNTAX);
    k->first_key = i + 1;
    k->input_count = (uint32_t)count;
    if (count > COMBINE_FEW) k->inputs = heap_alloc((size_t)count * sizeof(*k->inputs));
    for (uint32_t n = 0; n < k->input_count; n++) {
        const struct entry *e = keyspace_find(c->db, call_key(c, k->first_key + n), LOOKUP_READ);
        if (e != NULL && entry_type(e) != TYPE_ZSET && entry_type(e) != TYPE_SET)
            return zset_combine_fail(c, ERR_WRONG_TYPE);
        k->inputs[n] = (struct combine_input){e, e == NULL ? 0 : type_count(e), 1};
    }
    return true;
}

static bool zset_combine_weights(struct call *c, uint32_t i, struct combine *k)
{
    for (uint32_t n = 0; n < k->input_count; n++) {
        if (!number_double(arg(c, i + n), &k->inputs[n].weight))
            return zset_combine_fail(c, "ERR weight value is not a float");
    }
    return true;
}

static bool zset_combine_aggregate(struct call *c, uint32_t i, struct combine *k)
{
    if (call_arg_is(c, i, "sum"))
        k->how = COMBINE_SUM;
    else if (call_arg_is(c, i, "min"))
        k->how = COMBINE_MIN;
    else if (call_arg_is(c, i, "max"))
        k->how = COMBINE_MAX;
    else
        return zset_combine_fail(c, ERR_SYNTAX);
    return true;
}

/* The option at *i, which is left at its last word. */
static bool zset_combine_option(struct call *c, uint32_t *i, struct combine *k)
{
    uint32_t left = c->nargs - *i - 1, at = *i + 1;
    bool scored = k->op != COMBINE_DIFF && !k->counts;
    if (scored && left >= k->input_count && call_arg_is(c, *i, "weights")) {
        *i += k->input_count;
        return zset_combine_weights(c, at, k);
    }
    if (scored && left >= 1 && call_arg_is(c, *i, "aggregate")) {
        *i += 1;
        return zset_combine_aggregate(c, at, k);
    }
    if (k->counts && left >= 1 && call_arg_is(c, *i, "limit")) {
        *i += 1;
        return call_int_range(c, at, 0, INT64_MAX, "ERR LIMIT can't be negative", &k->limit);
    }
    k->scores = !k->stores && !k->counts && call_arg_is(c, *i, "withscores");
    return k->scores || zset_combine_fail(c, ERR_SYNTAX);
}

static bool zset_combine_parse(struct call *c, struct combine *k)
{
    if (!zset_combine_inputs(c, k->stores ? 2 : 1, k)) return false;
    for (uint32_t i = k->first_key + k->input_count; i < c->nargs; i++) {
        if (!zset_combine_option(c, &i, k)) return false;
    }
    return true;
}

/* ---- Commands ---- */

static enum run_result zset_combine_reply(struct call *c, struct zset_build *b, bool scores)
{
    const struct rank_pair *pairs = zset_build_order(b);
    zset_reply_head(c, b->count, scores);
    for (uint64_t i = 0; i < b->count; i++)
        zset_reply_item(c, (struct zset_item){entry_name(pairs[i].member), pairs[i].score}, scores);
    zset_build_drop(b);
    return RUN_OK;
}

static enum run_result zset_combine_run(struct call *c, struct combine *k)
{
    if (!zset_combine_parse(c, k)) return RUN_ERROR;
    /* In this order sums are made, infinite ones too, as Redis makes them. */
    if (k->op != COMBINE_DIFF)
        qsort(k->inputs, k->input_count, sizeof(k->inputs[0]), zset_combine_by_count);
    if (k->counts) return reply_int(c, (int64_t)zset_combine_filter(k, NULL));
    struct zset_build b;
    zset_build_begin(&b);
    if (k->op == COMBINE_UNION)
        zset_combine_union(k, &b);
    else
        zset_combine_filter(k, &b);
    if (!k->stores) return zset_combine_reply(c, &b, k->scores);
    struct key to = call_key(c, 1);
    return zset_reply_store(c, to, zset_build_end(&b, to.name), c->spec->name);
}

static enum run_result zset_combine(struct call *c, enum combine_op op, bool stores, bool counts)
{
    struct combine k = {.op = op, .stores = stores, .counts = counts};
    k.inputs = k.few;
    enum run_result result = zset_combine_run(c, &k);
    if (k.inputs != k.few) heap_free(k.inputs);
    return result;
}

enum run_result cmd_ZUNION(struct call *c) { return zset_combine(c, COMBINE_UNION, false, false); }
enum run_result cmd_ZUNIONSTORE(struct call *c)
{
    return zset_combine(c, COMBINE_UNION, true, false);
}
enum run_result cmd_ZINTER(struct call *c) { return zset_combine(c, COMBINE_INTER, false, false); }
enum run_result cmd_ZINTERSTORE(struct call *c)
{
    return zset_combine(c, COMBINE_INTER, true, false);
}
enum run_result cmd_ZINTERCARD(struct call *c)
{
    return zset_combine(c, COMBINE_INTER, false, true);
}
enum run_result cmd_ZDIFF(struct call *c) { return zset_combine(c, COMBINE_DIFF, false, false); }
enum run_result cmd_ZDIFFSTORE(struct call *c)
{
    return zset_combine(c, COMBINE_DIFF, true, false);
}
