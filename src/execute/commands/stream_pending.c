/* Pending entries of groups: XACK, XPENDING, XCLAIM, XAUTOCLAIM. */
#include "execute/commands/stream_args.h"
#include "execute/commands/stream_reply.h"
#include "execute/commands/stream_tell.h"
#include "execute/commands/table.h"
#include "execute/types/heap.h"

/* XAUTOCLAIM looks at so many entries for one that it claims. */
enum { STREAM_LOOKS_PER_CLAIM = 10, STREAM_CLAIM_COUNT = 100 };
#define STREAM_CLAIM_MAX (INT64_MAX / 16) /* what Redis bounds COUNT by */

enum run_result cmd_XACK(struct call *c)
{
    struct stream *s;
    struct stream_id id;
    if (!stream_args_find(c, 1, LOOKUP_EDIT, &s)) return RUN_ERROR;
    struct stream_group *g = s == NULL ? NULL : stream_group_find(s, arg(c, 2));
    if (g == NULL) return reply_int(c, 0);
    for (uint32_t i = 3; i < c->nargs; i++) {
        if (!stream_args_id(c, i, 0, &id)) return RUN_ERROR;
    }
    int64_t count = 0;
    for (uint32_t i = 3; i < c->nargs; i++) {
        if (stream_args_read_id(arg(c, i), 0, &id)) count += stream_pending_drop(g, id);
    }
    if (count > 0) call_touched(c, (uint64_t)count, call_key(c, 1));
    return reply_int(c, count);
}

/* ---- XPENDING ---- */

static int64_t stream_idle_ms(const struct call *c, const struct stream_pending *p)
{
    return p->delivered_ms > c->now_ms ? 0 : c->now_ms - p->delivered_ms;
}

static enum run_result stream_pending_summary(struct call *c, const struct stream_group *g)
{
    reply_array(c, 4);
    reply_int(c, (int64_t)g->pending.count);
    if (g->pending.count == 0) {
        reply_null(c);
        reply_null(c);
        return reply_null_array(c);
    }
    const struct stream_pending *first = sorted_at(&g->pending, sorted_first(&g->pending));
    const struct stream_pending *last = sorted_find_last(&g->pending);
    stream_reply_id(c, first->id);
    stream_reply_id(c, last->id);
    size_t mark = reply_defer(c);
    uint64_t count = 0;
    struct sorted_place at = sorted_first(&g->consumers);
    for (const struct stream_consumer *who; (who = stream_consumer_next(g, &at)) != NULL;) {
        if (who->pending.count == 0) continue;
        char text[NUMBER_INT_CHARS];
        reply_array(c, 2);
        reply_bulk(c, stream_consumer_name(who));
        reply_bulk(c, bytes_make(text, number_print_uint(text, who->pending.count)));
        count++;
    }
    return reply_defer_array(c, mark, count);
}

struct stream_pending_query {
    struct stream_id from, to;
    uint64_t count;
    int64_t min_idle_ms;
    uint32_t consumer_arg; /* 0: all */
};

static bool stream_parse_pending(struct call *c, struct stream_pending_query *q)
{
    *q = (struct stream_pending_query){0};
    uint32_t i = 3;
    if (call_arg_is(c, 3, "idle")) {
        if (!call_int(c, 4, &q->min_idle_ms)) return false;
        i = 5;
    }
    if (c->nargs < i + 3) {
        reply_syntax(c);
        return false;
    }
    q->consumer_arg = c->nargs > i + 3 ? i + 3 : 0;
    return stream_args_count(c, i + 2, NULL, &q->count) && stream_args_from(c, i, &q->from) &&
           stream_args_to(c, i + 1, &q->to);
}

static enum run_result stream_pending_list(struct call *c, const struct stream_group *g,
                                           const struct stream_pending_query *q)
{
    const struct sorted *ids = &g->pending;
    if (q->consumer_arg != 0) {
        const struct stream_consumer *who = stream_consumer_find(g, arg(c, q->consumer_arg));
        if (who == NULL) return reply_array(c, 0);
        ids = &who->pending;
    }
    size_t mark = reply_defer(c);
    uint64_t count = 0;
    struct sorted_place at = sorted_seek(ids, &q->from);
    for (const struct stream_id *id; count < q->count && (id = sorted_at(ids, at)) != NULL;
         sorted_next(ids, &at)) {
        if (stream_id_compare(*id, q->to) > 0) break;
        const struct stream_pending *p = stream_pending_find(g, *id);
        if (stream_idle_ms(c, p) < q->min_idle_ms) continue;
        reply_array(c, 4);
        stream_reply_id(c, p->id);
        reply_bulk(c, stream_consumer_name(p->consumer));
        reply_int(c, stream_idle_ms(c, p));
        reply_int(c, (int64_t)p->deliveries);
        count++;
    }
    return reply_defer_array(c, mark, count);
}

enum run_result cmd_XPENDING(struct call *c)
{
    struct stream *s;
    struct stream_group *g;
    struct stream_pending_query q;
    bool summary = c->nargs == 3;
    if (!summary && (c->nargs < 6 || c->nargs > 9)) return reply_syntax(c);
    if (!summary && !stream_parse_pending(c, &q)) return RUN_ERROR;
    if (!stream_args_group(c, 1, LOOKUP_READ, &s, &g)) return RUN_ERROR;
    return summary ? stream_pending_summary(c, g) : stream_pending_list(c, g, &q);
}

/* ---- Claiming ---- */

struct stream_claim {
    struct stream *stream;
    struct stream_group *group;
    struct stream_consumer *consumer;
    int64_t min_idle_ms;
    int64_t delivered_ms; /* what the claimed entries get */
    int64_t deliveries;   /* the same; -1: one more than they had */
    bool just_id, force;
    struct stream_id last_id; /* raises the group's */
    uint32_t behind_ids;      /* XCLAIM: the argument behind the last id */
};

static bool stream_parse_min_idle(struct call *c, const char *error, struct stream_claim *claim)
{
    if (!call_int_range(c, 4, INT64_MIN, INT64_MAX, error, &claim->min_idle_ms)) return false;
    if (claim->min_idle_ms < 0) claim->min_idle_ms = 0;
    return true;
}

static struct stream_told stream_told_of(struct call *c, const struct stream_claim *claim)
{
    return (struct stream_told){c, arg(c, 1), claim->group};
}

/* Effects begin here: the parts of the command say what they are. */
static void stream_claim_consumer(struct call *c, struct stream_claim *claim)
{
    effect_none(c);
    claim->consumer = stream_consumer_find(claim->group, arg(c, 3));
    if (claim->consumer == NULL) {
        claim->consumer = stream_consumer_make(claim->group, arg(c, 3), c->now_ms);
        struct stream_told told = stream_told_of(c, claim);
        stream_tell_consumer(&told, arg(c, 3));
        call_event(c, 1, call_key(c, 1), NOTIFY_STREAM, "xgroup-createconsumer");
    }
    claim->consumer->seen_ms = c->now_ms;
}

/* The group's pending entries are part of the value. */
static void stream_claim_done(struct call *c)
{
    if (c->changes > 0) call_touched(c, 0, call_key(c, 1));
}

static bool stream_has_entry(const struct stream *s, struct stream_id id)
{
    struct stream_walk w;
    stream_walk_open(&w, s, id, id);
    return stream_walk_next(&w);
}

/* One that was pending is not in the stream any more. */
static void stream_claim_gone(struct call *c, const struct stream_claim *claim, struct stream_id id)
{
    call_changed(c, 1);
    struct stream_told told = stream_told_of(c, claim);
    stream_tell_dropped(&told, id);
}

/* The entry is there. */
static void stream_claim_entry(struct call *c, const struct stream_claim *claim,
                               struct stream_id id)
{
    bool forced = stream_pending_find(claim->group, id) == NULL;
    struct stream_pending *p = stream_pending_give(claim->group, id, claim->consumer);
    if (forced) p->deliveries = 1; /* as if somebody had read it before, as in Redis */
    p->delivered_ms = claim->delivered_ms;
    if (claim->deliveries >= 0)
        p->deliveries = (uint64_t)claim->deliveries;
    else if (!claim->just_id)
        p->deliveries++;
    claim->consumer->active_ms = c->now_ms;
    call_changed(c, 1);
    struct stream_told told = stream_told_of(c, claim);
    stream_tell_pending(&told, p);
    if (claim->just_id)
        stream_reply_id(c, id);
    else
        must(stream_reply_one(c, claim->stream, id));
}

static bool stream_is_idle(const struct call *c, const struct stream_claim *claim,
                           const struct stream_pending *p)
{
    return claim->min_idle_ms == 0 || c->now_ms - p->delivered_ms >= claim->min_idle_ms;
}

/* ---- XCLAIM ---- */

/* An option with a number; *i moves to it. */
static bool stream_parse_claim_number(struct call *c, uint32_t *i, struct stream_claim *claim)
{
    int64_t n;
    uint32_t at = (*i)++;
    if (call_arg_is(c, at, "idle")) {
        if (!call_int_range(c, *i, INT64_MIN, INT64_MAX,
                            "ERR Invalid IDLE option argument for XCLAIM", &n))
            return false;
        if (__builtin_sub_overflow(c->now_ms, n, &claim->delivered_ms)) claim->delivered_ms = -1;
        return true;
    }
    if (call_arg_is(c, at, "time"))
        return call_int_range(c, *i, INT64_MIN, INT64_MAX,
                              "ERR Invalid TIME option argument for XCLAIM", &claim->delivered_ms);
    return call_int_range(c, *i, INT64_MIN, INT64_MAX,
                          "ERR Invalid RETRYCOUNT option argument for XCLAIM", &claim->deliveries);
}

static bool stream_parse_claim(struct call *c, struct stream_claim *claim)
{
    struct stream_id id;
    uint32_t i = 5;
    while (i < c->nargs && stream_args_read_id(arg(c, i), 0, &id)) i++;
    claim->behind_ids = i;
    claim->deliveries = -1;
    claim->delivered_ms = c->now_ms;
    for (; i < c->nargs; i++) {
        bool more = i + 1 < c->nargs;
        if (call_arg_is(c, i, "force")) {
            claim->force = true;
        } else if (call_arg_is(c, i, "justid")) {
            claim->just_id = true;
        } else if (more && (call_arg_is(c, i, "idle") || call_arg_is(c, i, "time") ||
                            call_arg_is(c, i, "retrycount"))) {
            if (!stream_parse_claim_number(c, &i, claim)) return false;
        } else if (more && call_arg_is(c, i, "lastid")) {
            if (!stream_args_id(c, ++i, 0, &claim->last_id)) return false;
        } else {
            reply_errorf(c, "ERR Unrecognized XCLAIM option '%.*s'", REPLY_WORD(arg(c, i)));
            return false;
        }
    }
    if (call_is_replayed(c)) return true; /* it was right when it was told, by another clock */
    if (claim->delivered_ms < 0 || claim->delivered_ms > c->now_ms) claim->delivered_ms = c->now_ms;
    return true;
}

/* True when it was claimed and answered. */
static bool stream_claim_one(struct call *c, const struct stream_claim *claim, struct stream_id id)
{
    if (!stream_has_entry(claim->stream, id)) {
        if (stream_pending_drop(claim->group, id)) stream_claim_gone(c, claim, id);
        return false;
    }
    const struct stream_pending *p = stream_pending_find(claim->group, id);
    if (p == NULL && !claim->force) return false;
    if (p != NULL && !stream_is_idle(c, claim, p)) return false;
    stream_claim_entry(c, claim, id);
    return true;
}

enum run_result cmd_XCLAIM(struct call *c)
{
    struct stream_claim claim = {0};
    if (!stream_args_group(c, 1, LOOKUP_EDIT, &claim.stream, &claim.group)) return RUN_ERROR;
    if (!stream_parse_min_idle(c, "ERR Invalid min-idle-time argument for XCLAIM", &claim))
        return RUN_ERROR;
    if (!stream_parse_claim(c, &claim)) return RUN_ERROR;
    if (stream_id_compare(claim.last_id, claim.group->last_id) > 0) {
        claim.group->last_id = claim.last_id;
        call_changed(c, 1);
        struct stream_told told = stream_told_of(c, &claim);
        stream_tell_read(&told);
    }
    stream_claim_consumer(c, &claim);
    size_t mark = reply_defer(c);
    uint64_t count = 0;
    for (uint32_t i = 5; i < claim.behind_ids && !call_reply_full(c); i++) {
        struct stream_id id;
        if (stream_args_read_id(arg(c, i), 0, &id)) count += stream_claim_one(c, &claim, id);
    }
    stream_claim_done(c);
    return reply_defer_array(c, mark, count);
}

/* ---- XAUTOCLAIM ---- */

static bool stream_parse_autoclaim(struct call *c, struct stream_claim *claim,
                                   struct stream_id *from, int64_t *count)
{
    *count = STREAM_CLAIM_COUNT;
    claim->deliveries = -1;
    claim->delivered_ms = c->now_ms;
    if (!stream_parse_min_idle(c, "ERR Invalid min-idle-time argument for XAUTOCLAIM", claim))
        return false;
    if (!stream_args_from(c, 5, from)) return false;
    for (uint32_t i = 6; i < c->nargs; i++) {
        if (i + 1 < c->nargs && call_arg_is(c, i, "count")) {
            if (!call_int_range(c, ++i, 1, STREAM_CLAIM_MAX, "ERR COUNT must be > 0", count))
                return false;
        } else if (call_arg_is(c, i, "justid")) {
            claim->just_id = true;
        } else {
            reply_syntax(c);
            return false;
        }
    }
    return true;
}

/* Ids that the answer is made of when the walk is over. */
struct stream_ids {
    struct stream_id *ids;
    uint64_t count, room;
};

static void stream_ids_add(struct stream_ids *list, struct stream_id id)
{
    if (list->count == list->room) {
        list->room = list->room == 0 ? 16 : 2 * list->room;
        list->ids = heap_realloc(list->ids, list->room * sizeof(*list->ids));
    }
    list->ids[list->count++] = id;
}

/* Walks the pending entries from *from on and sorts out which are claimed and which are not in the
 * stream any more; these go. *from becomes the id to go on from, 0-0 at the end. */
static void stream_autoclaim_walk(struct call *c, const struct stream_claim *claim,
                                  struct stream_id *from, int64_t count, struct stream_ids lists[2])
{
    struct sorted *pending = &claim->group->pending;
    struct sorted_place at = sorted_seek(pending, from);
    const struct stream_pending *p;
    int64_t looks = count * STREAM_LOOKS_PER_CLAIM;
    while ((p = sorted_at(pending, at)) != NULL && count > 0 && looks-- > 0) {
        struct stream_id id = p->id;
        if (!stream_has_entry(claim->stream, id)) {
            stream_ids_add(&lists[1], id);
            stream_pending_drop(claim->group, id);
            stream_claim_gone(c, claim, id);
            at = sorted_seek(pending, &id);
            count--;
            continue;
        }
        if (stream_is_idle(c, claim, p)) {
            stream_ids_add(&lists[0], id);
            count--;
        }
        sorted_next(pending, &at);
    }
    *from = p == NULL ? STREAM_ID_MIN : p->id;
}

enum run_result cmd_XAUTOCLAIM(struct call *c)
{
    struct stream_claim claim = {0};
    struct stream_id from;
    int64_t count;
    struct stream_ids lists[2] = {{0}, {0}}; /* claimed, gone */
    if (!stream_parse_autoclaim(c, &claim, &from, &count)) return RUN_ERROR;
    if (!stream_args_group(c, 1, LOOKUP_EDIT, &claim.stream, &claim.group)) return RUN_ERROR;
    stream_claim_consumer(c, &claim);
    stream_autoclaim_walk(c, &claim, &from, count, lists);

    reply_array(c, 3);
    stream_reply_id(c, from);
    reply_array(c, lists[0].count);
    for (uint64_t i = 0; i < lists[0].count; i++) stream_claim_entry(c, &claim, lists[0].ids[i]);
    reply_array(c, lists[1].count);
    for (uint64_t i = 0; i < lists[1].count; i++) stream_reply_id(c, lists[1].ids[i]);
    heap_free(lists[0].ids);
    heap_free(lists[1].ids);
    stream_claim_done(c);
    return RUN_OK;
}
