/*
 * Taking members out at one end: ZPOPMIN, ZPOPMAX, ZMPOP, and the forms that wait.
 */
#include "execute/commands/table.h"
#include "execute/commands/typed.h"
#include "execute/commands/zset_reply.h"
#include "execute/core/effect.h"

/* ---- One set ---- */

static bool zset_pop_seek(const struct entry *e, bool max, struct zset_cursor *at)
{
    return zset_seek(e, max ? zset_count(e) - 1 : 0, at);
}

/* Removes what was answered. */
static void zset_pop_cut(struct call *c, struct key key, struct entry *e, uint64_t count, bool max)
{
    uint64_t all = zset_count(e);
    call_event(c, count, key, NOTIFY_ZSET, max ? "zpopmax" : "zpopmin");
    if (count == all)
        typed_drop(c, key);
    else
        zset_cut(e, max ? all - count : 0, count);
}

static const char *zset_pop_name(bool max) { return max ? "ZPOPMAX" : "ZPOPMIN"; }

static enum run_result zset_pop(struct call *c, bool max)
{
    int64_t count = 1;
    if (c->nargs > 3) return reply_syntax(c);
    if (c->nargs == 3 && !call_int_range(c, 2, 0, INT64_MAX, ERR_MUST_BE_POSITIVE, &count))
        return RUN_ERROR;
    struct entry *e;
    struct key key = call_key(c, 1);
    if (!typed_find(c, key, TYPE_ZSET, LOOKUP_WRITE, &e)) return RUN_ERROR;
    if (e == NULL || count == 0) return reply_array(c, 0);

    struct zset_cursor at;
    uint64_t taken = zset_count(e) < (uint64_t)count ? zset_count(e) : (uint64_t)count;
    must(zset_pop_seek(e, max, &at));
    if (c->nargs == 3) {
        zset_reply_items(c, &at, taken, max, true);
    } else {
        struct zset_item item = zset_item(&at);
        reply_array(c, 2);
        reply_bulk(c, item.member);
        reply_double(c, item.score);
    }
    zset_pop_cut(c, key, e, taken, max);
    return RUN_OK;
}

enum run_result cmd_ZPOPMIN(struct call *c) { return zset_pop(c, false); }
enum run_result cmd_ZPOPMAX(struct call *c) { return zset_pop(c, true); }

/* ---- The first of several sets ---- */

struct zset_pop {
    uint32_t first_key, key_count; /* arguments */
    bool max;
    bool blocks;
    int64_t timeout_ms, count;
};

/* The first key that holds a sorted set, *e NULL without one. False when another type comes first:
 * the error is answered. */
static bool zset_pop_first(struct call *c, const struct zset_pop *p, struct key *key,
                           struct entry **e)
{
    *e = NULL;
    for (uint32_t i = 0; i < p->key_count && *e == NULL; i++) {
        *key = call_key(c, p->first_key + i);
        if (!typed_find(c, *key, TYPE_ZSET, LOOKUP_WRITE, e)) return false;
    }
    return true;
}

static enum run_result zset_pop_block(struct call *c, const struct zset_pop *p)
{
    struct block_terms terms = {
        .first_key = p->first_key,
        .key_count = p->key_count,
        .type = TYPE_ZSET,
        .timeout_ms = p->timeout_ms,
    };
    return p->blocks ? call_block(c, &terms) : reply_null_array(c);
}

/* ---- BZPOPMIN and BZPOPMAX ---- */

static enum run_result zset_pop_waiting(struct call *c, bool max)
{
    struct zset_pop p = {
        .first_key = 1, .key_count = c->nargs - 2, .max = max, .blocks = true, .count = 1};
    struct key key;
    struct entry *e;
    if (!call_timeout(c, c->nargs - 1, &p.timeout_ms)) return RUN_ERROR;
    if (!zset_pop_first(c, &p, &key, &e)) return RUN_ERROR;
    if (e == NULL) return zset_pop_block(c, &p);

    struct zset_cursor at;
    must(zset_pop_seek(e, max, &at));
    struct zset_item item = zset_item(&at);
    reply_array(c, 3);
    reply_bulk(c, key.name);
    reply_bulk(c, item.member);
    reply_double(c, item.score);
    zset_pop_cut(c, key, e, 1, max);
    effect_of_key(c, zset_pop_name(max), key.name, c->nargs);
    return RUN_OK;
}

enum run_result cmd_BZPOPMIN(struct call *c) { return zset_pop_waiting(c, false); }
enum run_result cmd_BZPOPMAX(struct call *c) { return zset_pop_waiting(c, true); }

/* ---- ZMPOP and BZMPOP ---- */

/* What stands from the number of keys, argument i, on. */
static bool zset_mpop_parse(struct call *c, uint32_t i, struct zset_pop *p)
{
    int64_t keys;
    if (!call_int_range(c, i, 1, INT64_MAX, "ERR numkeys should be greater than 0", &keys))
        return false;
    uint32_t left = c->nargs - i - 1;
    bool ok = keys < (int64_t)left;
    uint32_t at = ok ? i + 1 + (uint32_t)keys : 0;
    p->first_key = i + 1;
    p->key_count = ok ? (uint32_t)keys : 0;
    p->max = ok && call_arg_is(c, at, "max");
    ok = ok && (p->max || call_arg_is(c, at, "min"));
    p->count = 1;
    if (ok && at + 1 < c->nargs) {
        ok = at + 2 < c->nargs && call_arg_is(c, at + 1, "count");
        if (ok && !call_int_range(c, at + 2, 1, INT64_MAX, "ERR count should be greater than 0",
                                  &p->count))
            return false;
        ok = ok && at + 3 == c->nargs;
    }
    if (!ok) reply_syntax(c);
    return ok;
}

static enum run_result zset_mpop(struct call *c, const struct zset_pop *p)
{
    struct key key;
    struct entry *e;
    if (!zset_pop_first(c, p, &key, &e)) return RUN_ERROR;
    if (e == NULL) return zset_pop_block(c, p);

    struct zset_cursor at;
    uint64_t taken = zset_count(e) < (uint64_t)p->count ? zset_count(e) : (uint64_t)p->count;
    must(zset_pop_seek(e, p->max, &at));
    reply_array(c, 2);
    reply_bulk(c, key.name);
    reply_array(c, taken);
    for (uint64_t left = taken; left > 0;) {
        struct zset_item item = zset_item(&at);
        reply_array(c, 2);
        reply_bulk(c, item.member);
        reply_double(c, item.score);
        if (--left > 0) must(p->max ? zset_prev(&at) : zset_next(&at));
    }
    zset_pop_cut(c, key, e, taken, p->max);
    effect_begin(c, 3);
    effect_word(zset_pop_name(p->max));
    effect_arg(key.name);
    effect_int((int64_t)taken);
    return RUN_OK;
}

enum run_result cmd_ZMPOP(struct call *c)
{
    struct zset_pop p = {.blocks = false};
    return zset_mpop_parse(c, 1, &p) ? zset_mpop(c, &p) : RUN_ERROR;
}

enum run_result cmd_BZMPOP(struct call *c)
{
    struct zset_pop p = {.blocks = true};
    if (!zset_mpop_parse(c, 2, &p) || !call_timeout(c, 1, &p.timeout_ms)) return RUN_ERROR;
    return zset_mpop(c, &p);
}
