/* XINFO: what is known about a stream, its groups and their consumers. */
#include "execute/commands/stream_args.h"
#include "execute/commands/stream_reply.h"
#include "execute/commands/table.h"

enum { STREAM_FULL_COUNT = 10 };

static void stream_put_int(struct call *c, const char *name, int64_t n)
{
    reply_text(c, name);
    reply_int(c, n);
}

static void stream_put_id(struct call *c, const char *name, struct stream_id id)
{
    reply_text(c, name);
    stream_reply_id(c, id);
}

static void stream_put_read(struct call *c, const struct stream *s, const struct stream_group *g)
{
    uint64_t lag;
    reply_text(c, "entries-read");
    if (g->entries_read == STREAM_READ_UNKNOWN)
        reply_null(c);
    else
        reply_int(c, g->entries_read);
    reply_text(c, "lag");
    if (stream_group_lag(s, g, &lag))
        reply_int(c, (int64_t)lag);
    else
        reply_null(c);
}

/* A node is a key of the index; the root is a node more of it. */
static void stream_put_head(struct call *c, const struct stream *s)
{
    stream_put_int(c, "length", (int64_t)s->length);
    stream_put_int(c, "radix-tree-keys", (int64_t)s->nodes.count);
    stream_put_int(c, "radix-tree-nodes", (int64_t)s->nodes.count + 1);
    stream_put_id(c, "last-generated-id", s->last_id);
    stream_put_id(c, "max-deleted-entry-id", s->max_deleted);
    stream_put_int(c, "entries-added", (int64_t)s->added);
    stream_put_id(c, "recorded-first-entry-id", stream_first_id(s));
}

/* ---- XINFO STREAM ---- */

static enum run_result stream_info_short(struct call *c, const struct stream *s)
{
    reply_map(c, 10);
    stream_put_head(c, s);
    stream_put_int(c, "groups", (int64_t)s->groups.count);
    reply_text(c, "first-entry");
    if (!stream_reply_one(c, s, stream_first_id(s))) reply_null(c);
    reply_text(c, "last-entry");
    if (!stream_reply_one(c, s, stream_last_entry_id(s))) reply_null(c);
    return RUN_OK;
}

/* `ids` are a group's records or a consumer's ids; both begin with an id. */
static void stream_put_pending(struct call *c, const struct stream_group *g,
                               const struct sorted *ids, uint64_t max)
{
    bool of_group = ids == &g->pending;
    struct sorted_place at = sorted_first(ids);
    uint64_t count = max == 0 || max > ids->count ? ids->count : max;
    stream_put_int(c, "pel-count", (int64_t)ids->count);
    reply_text(c, "pending");
    reply_array(c, count);
    for (; count > 0; count--, sorted_next(ids, &at)) {
        const struct stream_pending *p =
            stream_pending_find(g, *(const struct stream_id *)sorted_at(ids, at));
        reply_array(c, of_group ? 4 : 3);
        stream_reply_id(c, p->id);
        if (of_group) reply_bulk(c, stream_consumer_name(p->consumer));
        reply_int(c, p->delivered_ms);
        reply_int(c, (int64_t)p->deliveries);
    }
}

static void stream_put_group(struct call *c, const struct stream *s, const struct stream_group *g,
                             uint64_t max)
{
    reply_map(c, 7);
    reply_text(c, "name");
    reply_bulk(c, stream_group_name(g));
    stream_put_id(c, "last-delivered-id", g->last_id);
    stream_put_read(c, s, g);
    stream_put_pending(c, g, &g->pending, max);
    reply_text(c, "consumers");
    reply_array(c, g->consumers.count);
    struct sorted_place at = sorted_first(&g->consumers);
    for (const struct stream_consumer *who; (who = stream_consumer_next(g, &at)) != NULL;) {
        reply_map(c, 5);
        reply_text(c, "name");
        reply_bulk(c, stream_consumer_name(who));
        stream_put_int(c, "seen-time", who->seen_ms);
        stream_put_int(c, "active-time", who->active_ms);
        stream_put_pending(c, g, &who->pending, max);
    }
}

static enum run_result stream_info_full(struct call *c, const struct stream *s, uint64_t max)
{
    reply_map(c, 9);
    stream_put_head(c, s);
    reply_text(c, "entries");
    stream_reply_range(c, s, STREAM_ID_MIN, STREAM_ID_MAX, max);
    reply_text(c, "groups");
    reply_array(c, s->groups.count);
    struct sorted_place at = sorted_first(&s->groups);
    for (const struct stream_group *g; (g = stream_group_next(s, &at)) != NULL;)
        stream_put_group(c, s, g, max);
    return RUN_OK;
}

/* The stream at argument 2, which must be there. */
static struct stream *stream_info_find(struct call *c)
{
    struct stream *s;
    if (!stream_args_find(c, 2, LOOKUP_READ, &s)) return NULL;
    if (s == NULL) reply_error(c, ERR_NO_KEY);
    return s;
}

enum run_result cmd_XINFO_STREAM(struct call *c)
{
    int64_t count = STREAM_FULL_COUNT;
    bool full = c->nargs > 3;
    if (full && !call_arg_is(c, 3, "full")) return reply_subcommand(c);
    if (c->nargs > 4) {
        if (c->nargs != 6 || !call_arg_is(c, 4, "count")) return reply_subcommand(c);
        if (!call_int(c, 5, &count)) return RUN_ERROR;
        if (count < 0) count = STREAM_FULL_COUNT;
    }
    const struct stream *s = stream_info_find(c);
    if (s == NULL) return RUN_ERROR;
    return full ? stream_info_full(c, s, (uint64_t)count) : stream_info_short(c, s);
}

/* ---- Groups and consumers ---- */

enum run_result cmd_XINFO_GROUPS(struct call *c)
{
    const struct stream *s = stream_info_find(c);
    if (s == NULL) return RUN_ERROR;
    reply_array(c, s->groups.count);
    struct sorted_place at = sorted_first(&s->groups);
    for (const struct stream_group *g; (g = stream_group_next(s, &at)) != NULL;) {
        reply_map(c, 6);
        reply_text(c, "name");
        reply_bulk(c, stream_group_name(g));
        stream_put_int(c, "consumers", (int64_t)g->consumers.count);
        stream_put_int(c, "pending", (int64_t)g->pending.count);
        stream_put_id(c, "last-delivered-id", g->last_id);
        stream_put_read(c, s, g);
    }
    return RUN_OK;
}

static int64_t stream_ms_since(const struct call *c, int64_t at_ms)
{
    return at_ms > c->now_ms ? 0 : c->now_ms - at_ms;
}

enum run_result cmd_XINFO_CONSUMERS(struct call *c)
{
    const struct stream *s = stream_info_find(c);
    if (s == NULL) return RUN_ERROR;
    const struct stream_group *g = stream_group_find(s, arg(c, 3));
    if (g == NULL)
        return reply_errorf(c, STREAM_NO_GROUP_FORMAT, REPLY_WORD(arg(c, 3)),
                            REPLY_WORD(arg(c, 2)));
    reply_array(c, g->consumers.count);
    struct sorted_place at = sorted_first(&g->consumers);
    for (const struct stream_consumer *who; (who = stream_consumer_next(g, &at)) != NULL;) {
        reply_map(c, 4);
        reply_text(c, "name");
        reply_bulk(c, stream_consumer_name(who));
        stream_put_int(c, "pending", (int64_t)who->pending.count);
        stream_put_int(c, "idle", stream_ms_since(c, who->seen_ms));
        stream_put_int(c, "inactive",
                       who->active_ms == -1 ? -1 : stream_ms_since(c, who->active_ms));
    }
    return RUN_OK;
}

enum run_result cmd_XINFO_HELP(struct call *c)
{
    static const char *const lines[] = {
        "CONSUMERS <key> <group>",
        "    The consumers of a group.",
        "GROUPS <key>",
        "    The groups of a stream.",
        "STREAM <key> [FULL [COUNT <n>]]",
        "    A stream, or with FULL its entries, groups and consumers too, at most COUNT of",
        "    each list of entries (10; 0 is all).",
        NULL,
    };
    return reply_help(c, lines);
}
