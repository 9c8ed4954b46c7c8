/*
 * Sorted sets, member by member: adding, removing, scores, ranks, draws, scans.
 */
#include "codec/number.h"
#include "execute/commands/scan_options.h"
#include "execute/commands/table.h"
#include "execute/commands/typed.h"
#include "execute/commands/zset_reply.h"
#include "execute/types/heap.h"
#include "execute/types/table.h"

#define ERR_ZSET_NAN "ERR resulting score is not a number (NaN)"

/* ---- ZADD and ZINCRBY ---- */

enum { ZADD_FEW = 16 };

struct zset_zadd {
    unsigned rules; /* enum zset_rule */
    bool changed;   /* CH: updated ones count too */
    uint32_t first; /* argument of the first score */
    uint32_t count;
    double few[ZADD_FEW];
    double *scores;
};

static bool zset_zadd_option(struct call *c, uint32_t i, struct zset_zadd *z)
{
    static const struct {
        const char *word;
        unsigned rule;
    } words[] = {
        {"nx", ZSET_NX}, {"xx", ZSET_XX}, {"gt", ZSET_GT}, {"lt", ZSET_LT}, {"incr", ZSET_INCR}};
    for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
        if (!call_arg_is(c, i, words[k].word)) continue;
        z->rules |= words[k].rule;
        return true;
    }
    if (!call_arg_is(c, i, "ch")) return false;
    z->changed = true;
    return true;
}

static bool zset_zadd_fail(struct call *c, const char *error)
{
    reply_error(c, error);
    return false;
}

/* Options and the number of pairs. */
static bool zset_zadd_parse(struct call *c, struct zset_zadd *z)
{
    z->first = 2;
    while (z->first < c->nargs && zset_zadd_option(c, z->first, z)) z->first++;
    uint32_t words = c->nargs - z->first;
    z->count = words / 2;
    if (words == 0 || words % 2 != 0) return zset_zadd_fail(c, ERR_SYNTAX);
    bool nx = z->rules & ZSET_NX, gt = z->rules & ZSET_GT, lt = z->rules & ZSET_LT;
    if (nx && (z->rules & ZSET_XX))
        return zset_zadd_fail(c, "ERR XX and NX options at the same time are not compatible");
    if ((gt && nx) || (lt && nx) || (gt && lt))
        return zset_zadd_fail(c,
                              "ERR GT, LT, and/or NX options at the same time are not compatible");
    if ((z->rules & ZSET_INCR) && z->count > 1)
        return zset_zadd_fail(c, "ERR INCR option supports a single increment-element pair");
    return true;
}

/* All scores are read before anything is changed. */
static bool zset_zadd_scores(struct call *c, struct zset_zadd *z)
{
    z->scores = z->few;
    if (z->count > ZADD_FEW) z->scores = heap_alloc(z->count * sizeof(double));
    for (uint32_t i = 0; i < z->count; i++) {
        if (!call_double(c, z->first + 2 * i, &z->scores[i])) return false;
    }
    return true;
}

static enum run_result zset_zadd_all(struct call *c, struct zset_zadd *z, struct entry *e)
{
    int64_t added = 0, updated = 0;
    enum zset_change change = ZSET_SAME;
    for (uint32_t i = 0; i < z->count; i++) {
        change = zset_add(e, arg(c, z->first + 2 * i + 1), &z->scores[i], z->rules);
        added += change == ZSET_ADDED;
        updated += change == ZSET_UPDATED;
    }
    if (added + updated > 0)
        call_event(c, (uint64_t)(added + updated), call_key(c, 1), NOTIFY_ZSET,
                   z->rules & ZSET_INCR ? "zincr" : "zadd");
    if (!(z->rules & ZSET_INCR)) return reply_int(c, z->changed ? added + updated : added);
    if (change == ZSET_NAN) return reply_error(c, ERR_ZSET_NAN);
    return change == ZSET_REFUSED ? reply_null(c) : reply_double(c, z->scores[0]);
}

static enum run_result zset_zadd_run(struct call *c, struct zset_zadd *z)
{
    struct entry *e;
    struct key key = call_key(c, 1);
    if (!typed_find(c, key, TYPE_ZSET, LOOKUP_WRITE, &e)) return RUN_ERROR;
    if (e == NULL && (z->rules & ZSET_XX))
        return z->rules & ZSET_INCR ? reply_null(c) : reply_int(c, 0);
    if (e == NULL) e = keyspace_make(c->db, key, TYPE_ZSET);
    return zset_zadd_all(c, z, e);
}

static enum run_result zset_zadd_do(struct call *c, struct zset_zadd *z)
{
    enum run_result result = zset_zadd_scores(c, z) ? zset_zadd_run(c, z) : RUN_ERROR;
    if (z->scores != z->few) heap_free(z->scores);
    return result;
}

enum run_result cmd_ZADD(struct call *c)
{
    struct zset_zadd z;
    z.rules = 0;
    z.changed = false;
    return zset_zadd_parse(c, &z) ? zset_zadd_do(c, &z) : RUN_ERROR;
}

enum run_result cmd_ZINCRBY(struct call *c)
{
    struct zset_zadd z;
    z.rules = ZSET_INCR;
    z.changed = false;
    z.first = 2;
    z.count = 1;
    return zset_zadd_do(c, &z);
}

/* ---- Removing ---- */

enum run_result cmd_ZREM(struct call *c)
{
    struct entry *e;
    struct key key = call_key(c, 1);
    if (!typed_find(c, key, TYPE_ZSET, LOOKUP_WRITE, &e)) return RUN_ERROR;
    int64_t removed = 0;
    for (uint32_t i = 2; e != NULL && i < c->nargs; i++) {
        if (!zset_remove(e, arg(c, i))) continue;
        removed++;
        if (zset_count(e) == 0) break;
    }
    if (removed == 0) return reply_int(c, 0);
    call_event(c, (uint64_t)removed, key, NOTIFY_ZSET, "zrem");
    typed_drop_if_empty(c, key, e);
    return reply_int(c, removed);
}

/* ---- Looking at members ---- */

enum run_result cmd_ZCARD(struct call *c)
{
    struct entry *e;
    if (!typed_find(c, call_key(c, 1), TYPE_ZSET, LOOKUP_READ, &e)) return RUN_ERROR;
    return reply_int(c, e == NULL ? 0 : (int64_t)zset_count(e));
}

/* The score of the member at argument i, or null. */
static enum run_result zset_reply_score(struct call *c, const struct entry *e, uint32_t i)
{
    double score;
    if (e == NULL || !zset_score(e, arg(c, i), &score)) return reply_null(c);
    return reply_double(c, score);
}

enum run_result cmd_ZSCORE(struct call *c)
{
    struct entry *e;
    if (!typed_find(c, call_key(c, 1), TYPE_ZSET, LOOKUP_READ, &e)) return RUN_ERROR;
    return zset_reply_score(c, e, 2);
}

enum run_result cmd_ZMSCORE(struct call *c)
{
    struct entry *e;
    if (!typed_find(c, call_key(c, 1), TYPE_ZSET, LOOKUP_READ, &e)) return RUN_ERROR;
    reply_array(c, c->nargs - 2);
    for (uint32_t i = 2; i < c->nargs; i++) zset_reply_score(c, e, i);
    return RUN_OK;
}

static enum run_result zset_reply_rank(struct call *c, bool reverse)
{
    if (c->nargs > 4) return reply_arity(c);
    bool with_score = c->nargs == 4;
    if (with_score && !call_arg_is(c, 3, "withscore")) return reply_syntax(c);
    struct entry *e;
    if (!typed_find(c, call_key(c, 1), TYPE_ZSET, LOOKUP_READ, &e)) return RUN_ERROR;
    uint64_t rank;
    double score;
    if (e == NULL || !zset_rank(e, arg(c, 2), &rank, &score))
        return with_score ? reply_null_array(c) : reply_null(c);
    if (reverse) rank = zset_count(e) - 1 - rank;
    if (with_score) reply_array(c, 2);
    reply_int(c, (int64_t)rank);
    return with_score ? reply_double(c, score) : RUN_OK;
}

enum run_result cmd_ZRANK(struct call *c) { return zset_reply_rank(c, false); }
enum run_result cmd_ZREVRANK(struct call *c) { return zset_reply_rank(c, true); }

/* ---- Scanning ---- */

static enum run_result zset_scan_reply(struct call *c, struct bytes member, double score)
{
    char text[NUMBER_DOUBLE_CHARS];
    reply_bulk(c, member);
    return reply_bulk(c, bytes_make(text, number_print_double(text, score)));
}

/* The small form is answered at once. */
static enum run_result zset_scan_small(struct call *c, const struct entry *e,
                                       const struct scan_options *o)
{
    struct zset_cursor at;
    uint64_t fit = 0;
    for (bool more = zset_seek(e, 0, &at); more; more = zset_next(&at))
        fit += scan_options_fit(o, zset_item(&at).member);
    scan_options_reply_head(c, 0, 2 * fit);
    for (bool more = zset_seek(e, 0, &at); more; more = zset_next(&at)) {
        struct zset_item item = zset_item(&at);
        if (scan_options_fit(o, item.member)) zset_scan_reply(c, item.member, item.score);
    }
    return RUN_OK;
}

enum run_result cmd_ZSCAN(struct call *c)
{
    struct scan_options o;
    struct entry *e;
    if (!scan_options_cursor(c, 2, &o)) return RUN_ERROR;
    if (!typed_find(c, call_key(c, 1), TYPE_ZSET, LOOKUP_READ, &e)) return RUN_ERROR;
    if (e == NULL) return scan_options_reply_head(c, 0, 0);
    if (!scan_options_parse(c, 3, false, &o)) return RUN_ERROR;
    const struct table *t = zset_table(e);
    if (t == NULL) return zset_scan_small(c, e, &o);
    uint64_t next = table_scan(t, o.cursor, (uint64_t)o.count, scan_options_visit, &o);
    scan_options_reply_head(c, next, 2 * o.found_count);
    for (size_t i = 0; i < o.found_count; i++)
        zset_scan_reply(c, entry_name(o.found[i]), zset_member_score(o.found[i]));
    scan_options_close(&o);
    return RUN_OK;
}
