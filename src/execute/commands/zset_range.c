/*
 * Ranges of sorted sets: by rank, by score, by member. Whatever way a range is written, it becomes
 * a run of ranks; then members are answered, counted, stored or removed.
 */
#include "codec/number.h"
#include "execute/commands/table.h"
#include "execute/commands/typed.h"
#include "execute/commands/zset_reply.h"

#include <math.h>
#include <stdlib.h>

#define ERR_RANGE_SCORE "ERR min or max is not a float"
#define ERR_RANGE_LEX "ERR min or max not valid string range item"

enum zset_range_by { RANGE_BY_RANK, RANGE_BY_SCORE, RANGE_BY_LEX };

struct zset_range {
    enum zset_range_by by;
    bool reverse, scores;
    bool limited;
    int64_t offset, limit;       /* LIMIT */
    int64_t start, stop;         /* by rank, from the end that comes first */
    struct rank_bound low, high; /* by score or member: what is not below low but below high */
    uint64_t first, count;       /* the run of ranks, once the set is known */
};

/* ---- Ends ---- */

/* More lenient than the score of a member: nothing is 0, and what is too large is infinite. */
static bool zset_range_number(struct bytes text, double *out)
{
    if (number_double(text, out)) return true;
    char copy[NUMBER_DOUBLE_CHARS], *end;
    if (text.len >= sizeof(copy)) return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    *out = strtod(copy, &end);
    return end == copy + text.len && !isnan(*out);
}

/* A score, "(" in front when it is not in the range itself. */
static bool zset_range_score(struct bytes text, bool is_high, struct rank_bound *out)
{
    bool open = text.len > 0 && text.ptr[0] == '(';
    *out = (struct rank_bound){.by = RANK_BY_SCORE, .after = is_high != open};
    return zset_range_number(bytes_make(text.ptr + open, text.len - open), &out->score);
}

/* "-" and "+" are before and behind all; others begin with "[" or, not in the range, "(". */
static bool zset_range_lex(struct bytes text, bool is_high, struct rank_bound *out)
{
    if (bytes_equal(text, bytes_of("-")) || bytes_equal(text, bytes_of("+"))) {
        bool after = text.ptr[0] == '+';
        *out = (struct rank_bound){RANK_BY_SCORE, after, after ? INFINITY : -INFINITY, text};
        return true;
    }
    if (text.len == 0 || (text.ptr[0] != '[' && text.ptr[0] != '(')) return false;
    bool open = text.ptr[0] == '(';
    struct bytes member = bytes_make(text.ptr + 1, text.len - 1);
    *out = (struct rank_bound){RANK_BY_MEMBER, is_high != open, 0, member};
    return true;
}

/* The ends at arguments i and i + 1, the higher one first when `reverse` and not by rank. */
static bool zset_range_ends(struct call *c, uint32_t i, struct zset_range *r)
{
    if (r->by == RANGE_BY_RANK) return call_int(c, i, &r->start) && call_int(c, i + 1, &r->stop);
    struct bytes low = arg(c, i + r->reverse), high = arg(c, i + !r->reverse);
    if (r->by == RANGE_BY_SCORE) {
        if (zset_range_score(low, false, &r->low) && zset_range_score(high, true, &r->high))
            return true;
        reply_error(c, ERR_RANGE_SCORE);
        return false;
    }
    if (zset_range_lex(low, false, &r->low) && zset_range_lex(high, true, &r->high)) return true;
    reply_error(c, ERR_RANGE_LEX);
    return false;
}

/* ---- The run of ranks ---- */

static void zset_range_by_rank(struct zset_range *r, int64_t all)
{
    int64_t start = r->start < 0 ? r->start + all : r->start;
    int64_t stop = r->stop < 0 ? r->stop + all : r->stop;
    if (start < 0) start = 0;
    if (stop >= all) stop = all - 1;
    if (start > stop) return;
    r->count = (uint64_t)(stop - start) + 1;
    r->first = (uint64_t)(r->reverse ? all - 1 - stop : start);
}

static void zset_range_limit(struct zset_range *r)
{
    if (r->offset < 0 || (uint64_t)r->offset >= r->count) {
        r->count = 0;
        return;
    }
    uint64_t left = r->count - (uint64_t)r->offset;
    uint64_t count = r->limit >= 0 && (uint64_t)r->limit < left ? (uint64_t)r->limit : left;
    r->first += r->reverse ? left - count : (uint64_t)r->offset;
    r->count = count;
}

/* Sets first and count; `e` may be NULL. */
static void zset_range_find(const struct entry *e, struct zset_range *r)
{
    r->first = r->count = 0;
    if (e == NULL) return;
    if (r->by == RANGE_BY_RANK) {
        zset_range_by_rank(r, (int64_t)zset_count(e));
    } else {
        r->first = zset_below(e, &r->low);
        uint64_t end = zset_below(e, &r->high);
        if (end > r->first) r->count = end - r->first;
    }
    if (r->limited) zset_range_limit(r);
}

/* ---- Options ---- */

/* What a command's name says already; the others are free words of ZRANGE. */
struct zset_range_form {
    bool is_free; /* BYSCORE, BYLEX and REV may be given */
    bool stores;  /* no WITHSCORES */
};

/* The option at *i, which is left at its last word. */
static bool zset_range_option(struct call *c, uint32_t *i, struct zset_range_form form,
                              struct zset_range *r)
{
    if (!form.stores && call_arg_is(c, *i, "withscores")) {
        r->scores = true;
    } else if (call_arg_is(c, *i, "limit") && *i + 2 < c->nargs) {
        if (!call_int(c, *i + 1, &r->offset) || !call_int(c, *i + 2, &r->limit)) return false;
        r->limited = true;
        *i += 2;
    } else if (form.is_free && !r->reverse && call_arg_is(c, *i, "rev")) {
        r->reverse = true;
    } else if (form.is_free && r->by == RANGE_BY_RANK && call_arg_is(c, *i, "bylex")) {
        r->by = RANGE_BY_LEX;
    } else if (form.is_free && r->by == RANGE_BY_RANK && call_arg_is(c, *i, "byscore")) {
        r->by = RANGE_BY_SCORE;
    } else {
        reply_syntax(c);
        return false;
    }
    return true;
}

/* The ends at argument i, and the options behind them. */
static bool zset_range_parse(struct call *c, uint32_t i, struct zset_range_form form,
                             struct zset_range *r)
{
    for (uint32_t k = i + 2; k < c->nargs; k++) {
        if (!zset_range_option(c, &k, form, r)) return false;
    }
    if (r->limited && r->by == RANGE_BY_RANK) {
        reply_error(c, "ERR syntax error, LIMIT is only supported in combination with either "
                       "BYSCORE or BYLEX");
        return false;
    }
    if (r->scores && r->by == RANGE_BY_LEX) {
        reply_error(c, "ERR syntax error, WITHSCORES not supported in combination with BYLEX");
        return false;
    }
    return zset_range_ends(c, i, r);
}

/* ---- Answering ---- */

static enum run_result zset_range_reply(struct call *c, struct zset_range_form form,
                                        struct zset_range *r)
{
    struct entry *e;
    if (!zset_range_parse(c, 2, form, r)) return RUN_ERROR;
    if (!typed_find(c, call_key(c, 1), TYPE_ZSET, LOOKUP_READ, &e)) return RUN_ERROR;
    zset_range_find(e, r);
    if (r->count == 0) return reply_array(c, 0);
    struct zset_cursor at;
    must(zset_seek(e, r->reverse ? r->first + r->count - 1 : r->first, &at));
    return zset_reply_items(c, &at, r->count, r->reverse, r->scores);
}

static enum run_result zset_range_fixed(struct call *c, enum zset_range_by by, bool reverse)
{
    struct zset_range r = {.by = by, .reverse = reverse};
    return zset_range_reply(c, (struct zset_range_form){0}, &r);
}

enum run_result cmd_ZRANGE(struct call *c)
{
    struct zset_range r = {.by = RANGE_BY_RANK};
    return zset_range_reply(c, (struct zset_range_form){.is_free = true}, &r);
}

enum run_result cmd_ZREVRANGE(struct call *c) { return zset_range_fixed(c, RANGE_BY_RANK, true); }
enum run_result cmd_ZRANGEBYSCORE(struct call *c)
{
    return zset_range_fixed(c, RANGE_BY_SCORE, false);
}
enum run_result cmd_ZREVRANGEBYSCORE(struct call *c)
{
    return zset_range_fixed(c, RANGE_BY_SCORE, true);
}
enum run_result cmd_ZRANGEBYLEX(struct call *c) { return zset_range_fixed(c, RANGE_BY_LEX, false); }
enum run_result cmd_ZREVRANGEBYLEX(struct call *c)
{
    return zset_range_fixed(c, RANGE_BY_LEX, true);
}

/* ---- Counting ---- */

static enum run_result zset_range_count(struct call *c, enum zset_range_by by)
{
    struct zset_range r = {.by = by};
    struct entry *e;
    if (!zset_range_ends(c, 2, &r)) return RUN_ERROR;
    if (!typed_find(c, call_key(c, 1), TYPE_ZSET, LOOKUP_READ, &e)) return RUN_ERROR;
    zset_range_find(e, &r);
    return reply_int(c, (int64_t)r.count);
}

enum run_result cmd_ZCOUNT(struct call *c) { return zset_range_count(c, RANGE_BY_SCORE); }
enum run_result cmd_ZLEXCOUNT(struct call *c) { return zset_range_count(c, RANGE_BY_LEX); }

/* ---- Storing ---- */

/* The run as a set of its own, built from what is in order; NULL when it is empty. */
static struct entry *zset_range_copy(const struct entry *e, const struct zset_range *r,
                                     struct bytes name)
{
    struct zset_build b;
    struct zset_cursor at;
    uint64_t left = r->count;
    zset_build_begin(&b);
    if (left > 0) must(zset_seek(e, r->first, &at));
    while (left > 0) {
        struct zset_item item = zset_item(&at);
        zset_build_add(&b, key_make(item.member), item.score);
        if (--left > 0) must(zset_next(&at));
    }
    return zset_build_end(&b, name);
}

enum run_result cmd_ZRANGESTORE(struct call *c)
{
    struct zset_range r = {.by = RANGE_BY_RANK};
    struct zset_range_form form = {.is_free = true, .stores = true};
    struct entry *e;
    if (!zset_range_parse(c, 3, form, &r)) return RUN_ERROR;
    if (!typed_find(c, call_key(c, 2), TYPE_ZSET, LOOKUP_READ, &e)) return RUN_ERROR;
    zset_range_find(e, &r);
    struct key to = call_key(c, 1);
    return zset_reply_store(c, to, zset_range_copy(e, &r, to.name), "zrangestore");
}

/* ---- Removing ---- */

static enum run_result zset_range_remove(struct call *c, enum zset_range_by by)
{
    struct zset_range r = {.by = by};
    struct entry *e;
    struct key key = call_key(c, 1);
    if (!zset_range_ends(c, 2, &r)) return RUN_ERROR;
    if (!typed_find(c, key, TYPE_ZSET, LOOKUP_WRITE, &e)) return RUN_ERROR;
    zset_range_find(e, &r);
    if (r.count == 0) return reply_int(c, 0);
    call_event(c, r.count, key, NOTIFY_ZSET, c->spec->name);
    if (r.count == zset_count(e))
        typed_drop(c, key);
    else
        zset_cut(e, r.first, r.count);
    return reply_int(c, (int64_t)r.count);
}

enum run_result cmd_ZREMRANGEBYRANK(struct call *c) { return zset_range_remove(c, RANGE_BY_RANK); }
enum run_result cmd_ZREMRANGEBYSCORE(struct call *c)
{
    return zset_range_remove(c, RANGE_BY_SCORE);
}
enum run_result cmd_ZREMRANGEBYLEX(struct call *c) { return zset_range_remove(c, RANGE_BY_LEX); }
