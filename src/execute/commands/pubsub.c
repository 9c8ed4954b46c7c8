/*
 * SUBSCRIBE and its kin, PUBLISH, PUBSUB. Subscribing and its end are answered with messages of
 * their own, one for each name, which CLIENT REPLY does not silence.
 */
#include "execute/core/pubsub.h"

#include "codec/glob.h"
#include "execute/commands/table.h"

/* ---- Subscriptions ---- */

/* Shard channels count by themselves. */
static int64_t count_told(const struct session *s, enum pubsub_kind kind)
{
    if (kind == PUBSUB_SHARD) return (int64_t)pubsub_count(s, PUBSUB_SHARD);
    return (int64_t)(pubsub_count(s, PUBSUB_CHANNEL) + pubsub_count(s, PUBSUB_PATTERN));
}

/* What is told of one name; ptr NULL: there was none. */
static void tell(struct call *c, const char *what, struct bytes name, int64_t count)
{
    c->is_push = true;
    reply_push(c, 3);
    reply_text(c, what);
    if (name.ptr == NULL)
        reply_null(c);
    else
        reply_bulk(c, name);
    reply_int(c, count);
}

static enum run_result subscribe(struct call *c, enum pubsub_kind kind, const char *what)
{
    for (uint32_t i = 1; i < c->nargs; i++) {
        pubsub_subscribe(c->session, kind, call_key(c, i));
        tell(c, what, arg(c, i), count_told(c->session, kind));
    }
    return RUN_OK;
}

enum run_result cmd_SUBSCRIBE(struct call *c) { return subscribe(c, PUBSUB_CHANNEL, "subscribe"); }

enum run_result cmd_PSUBSCRIBE(struct call *c)
{
    return subscribe(c, PUBSUB_PATTERN, "psubscribe");
}

enum run_result cmd_SSUBSCRIBE(struct call *c)
{
    if (c->outer != NULL)
        return reply_error(c, "ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");
    return subscribe(c, PUBSUB_SHARD, "ssubscribe");
}

struct goodbye {
    struct call *c;
    const char *what;
    int64_t left;
};

static void unsubscribe_tell(void *ctx, struct bytes name)
{
    struct goodbye *g = ctx;
    tell(g->c, g->what, name, --g->left);
}

static enum run_result unsubscribe_all(struct call *c, enum pubsub_kind kind, const char *what)
{
    struct goodbye g = {c, what, count_told(c->session, kind)};
    if (pubsub_count(c->session, kind) == 0) tell(c, what, bytes_make(NULL, 0), g.left);
    while (pubsub_unsubscribe_first(c->session, kind, unsubscribe_tell, &g)) {}
    return RUN_OK;
}

static enum run_result unsubscribe(struct call *c, enum pubsub_kind kind, const char *what)
{
    if (c->nargs == 1) return unsubscribe_all(c, kind, what);
    for (uint32_t i = 1; i < c->nargs; i++) {
        pubsub_unsubscribe(c->session, kind, call_key(c, i));
        tell(c, what, arg(c, i), count_told(c->session, kind));
    }
    return RUN_OK;
}

enum run_result cmd_UNSUBSCRIBE(struct call *c)
{
    return unsubscribe(c, PUBSUB_CHANNEL, "unsubscribe");
}

enum run_result cmd_PUNSUBSCRIBE(struct call *c)
{
    return unsubscribe(c, PUBSUB_PATTERN, "punsubscribe");
}

enum run_result cmd_SUNSUBSCRIBE(struct call *c)
{
    return unsubscribe(c, PUBSUB_SHARD, "sunsubscribe");
}

/* ---- Messages ---- */

enum run_result cmd_PUBLISH(struct call *c)
{
    return reply_int(c, (int64_t)pubsub_publish(PUBSUB_CHANNEL, call_key(c, 1), arg(c, 2)));
}

enum run_result cmd_SPUBLISH(struct call *c)
{
    return reply_int(c, (int64_t)pubsub_publish(PUBSUB_SHARD, call_key(c, 1), arg(c, 2)));
}

/* ---- PUBSUB ---- */

struct listing {
    struct call *c;
    struct bytes pattern; /* ptr NULL: all */
    uint64_t count;
};

static void list_name(void *ctx, struct bytes name)
{
    struct listing *l = ctx;
    if (l->pattern.ptr != NULL && !glob_match(l->pattern, name, false)) return;
    reply_bulk(l->c, name);
    l->count++;
}

static enum run_result list_names(struct call *c, enum pubsub_kind kind)
{
    struct listing l = {.c = c};
    if (c->nargs > 3) return reply_subcommand(c);
    if (c->nargs == 3) l.pattern = arg(c, 2);
    size_t mark = reply_defer(c);
    pubsub_each(kind, list_name, &l);
    return reply_defer_array(c, mark, l.count);
}

static enum run_result list_counts(struct call *c, enum pubsub_kind kind)
{
    reply_array(c, 2 * (uint64_t)(c->nargs - 2));
    for (uint32_t i = 2; i < c->nargs; i++) {
        reply_bulk(c, arg(c, i));
        reply_int(c, (int64_t)pubsub_subscriber_count(kind, call_key(c, i)));
    }
    return RUN_OK;
}

enum run_result cmd_PUBSUB_CHANNELS(struct call *c) { return list_names(c, PUBSUB_CHANNEL); }

enum run_result cmd_PUBSUB_SHARDCHANNELS(struct call *c) { return list_names(c, PUBSUB_SHARD); }

enum run_result cmd_PUBSUB_NUMSUB(struct call *c) { return list_counts(c, PUBSUB_CHANNEL); }

enum run_result cmd_PUBSUB_SHARDNUMSUB(struct call *c) { return list_counts(c, PUBSUB_SHARD); }

enum run_result cmd_PUBSUB_NUMPAT(struct call *c)
{
    return reply_int(c, (int64_t)pubsub_name_count(PUBSUB_PATTERN));
}

enum run_result cmd_PUBSUB_HELP(struct call *c)
{
    static const char *const lines[] = {
        "CHANNELS [<pattern>]",
        "    The channels that have subscribers, those that fit <pattern> with one.",
        "NUMPAT",
        "    How many patterns have subscribers.",
        "NUMSUB [<channel> ...]",
        "    How many subscribers channels have; those to patterns are not counted.",
        "SHARDCHANNELS [<pattern>]",
        "    The shard channels that have subscribers, those that fit <pattern> with one.",
        "SHARDNUMSUB [<shardchannel> ...]",
        "    How many subscribers shard channels have.",
        NULL,
    };
    return reply_help(c, lines);
}
