/*
 * XREAD and XREADGROUP: what came into streams behind an id that the client knows, or behind what
 * its group has read.
 *
 * When they wait, the ids "$" have become those of the streams' ends: the command that runs again
 * begins where the first one did.
 */
#include "execute/commands/stream_args.h"
#include "execute/commands/stream_reply.h"
#include "execute/commands/stream_tell.h"
#include "execute/commands/table.h"
#include "execute/types/heap.h"

struct stream_read {
    uint64_t count; /* 0: all */
    int64_t timeout_ms;
    bool blocks, no_ack;
    uint32_t group; /* argument of the group's name, the consumer's follows; 0: XREAD */
    uint32_t first; /* argument of the first key */
    uint32_t keys;  /* the ids follow them */
};

/* What one key asks for. */
struct stream_ask {
    struct stream *stream;
    struct stream_group *group; /* NULL: XREAD */
    struct stream_consumer *consumer;
    struct bytes key;
    struct stream_id after;
    bool is_new; /* ">": what the group has not read */
};

/* ---- Arguments ---- */

static bool stream_read_only_group(struct call *c, const char *option)
{
    if (c->spec->id == CMD_XREADGROUP) return true;
    reply_errorf(c, "ERR The %s option is only supported by XREADGROUP. You called XREAD instead.",
                 option);
    return false;
}

static bool stream_parse_block(struct call *c, uint32_t i, struct stream_read *r)
{
    if (call_is_scripted(c)) {
        reply_errorf(c, "ERR %s command is not allowed with BLOCK option from scripts",
                     c->spec->name);
        return false;
    }
    r->blocks = true;
    if (!call_int_range(c, i, INT64_MIN, INT64_MAX, "ERR timeout is not an integer or out of range",
                        &r->timeout_ms))
        return false;
    const char *error = NULL;
    if (r->timeout_ms < 0)
        error = "ERR timeout is negative";
    else if (r->timeout_ms > INT64_MAX - c->now_ms)
        error = "ERR timeout is out of range";
    if (error != NULL) reply_error(c, error);
    return error == NULL;
}

static bool stream_parse_streams(struct call *c, uint32_t first, struct stream_read *r)
{
    r->first = first;
    r->keys = (c->nargs - first) / 2;
    if ((c->nargs - first) % 2 == 0) return true;
    bool group = c->spec->id == CMD_XREADGROUP;
    reply_errorf(c,
                 "ERR Unbalanced '%s' list of streams: for each stream key an ID or '%s' must be "
                 "specified.",
                 group ? "xreadgroup" : "xread", group ? ">" : "$");
    return false;
}

static bool stream_parse_read(struct call *c, struct stream_read *r)
{
    *r = (struct stream_read){0};
    for (uint32_t i = 1; i < c->nargs && r->first == 0; i++) {
        bool more = i + 1 < c->nargs;
        if (more && call_arg_is(c, i, "block")) {
            if (!stream_parse_block(c, ++i, r)) return false;
        } else if (more && call_arg_is(c, i, "count")) {
            if (!stream_args_count(c, ++i, NULL, &r->count)) return false;
        } else if (more && call_arg_is(c, i, "streams")) {
            if (!stream_parse_streams(c, i + 1, r)) return false;
        } else if (i + 2 < c->nargs && call_arg_is(c, i, "group")) {
            if (!stream_read_only_group(c, "GROUP")) return false;
            r->group = i + 1;
            i += 2;
        } else if (call_arg_is(c, i, "noack")) {
            if (!stream_read_only_group(c, "NOACK")) return false;
            r->no_ack = true;
        } else {
            reply_syntax(c);
            return false;
        }
    }
    if (r->first == 0) {
        reply_syntax(c);
        return false;
    }
    if (c->spec->id == CMD_XREAD || r->group != 0) return true;
    reply_error(c, "ERR Missing GROUP option for XREADGROUP");
    return false;
}

static bool stream_find_group(struct call *c, const struct stream_read *r, uint32_t k,
                              struct stream_ask *ask)
{
    struct bytes name = arg(c, r->group);
    ask->group = ask->stream == NULL ? NULL : stream_group_find(ask->stream, name);
    if (ask->group != NULL) return true;
    reply_errorf(c,
                 "NOGROUP No such key '%.*s' or consumer group '%.*s' in XREADGROUP with GROUP "
                 "option",
                 REPLY_WORD(arg(c, r->first + k)), REPLY_WORD(name));
    return false;
}

/* Looks at the k-th key and its id. */
static bool stream_parse_ask(struct call *c, const struct stream_read *r, uint32_t k,
                             enum lookup how, struct stream_ask *ask)
{
    *ask = (struct stream_ask){.key = arg(c, r->first + k)};
    uint32_t id = r->first + r->keys + k;
    if (!stream_args_find(c, r->first + k, how, &ask->stream)) return false;
    if (r->group != 0 && !stream_find_group(c, r, k, ask)) return false;
    if (call_arg_is(c, id, "$")) {
        if (ask->stream != NULL) ask->after = ask->stream->last_id;
        if (r->group == 0) return true;
        reply_error(c, "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read "
                       "the history of this consumer by specifying a proper ID, or use the > ID to "
                       "get new messages. The $ ID would just return an empty result set.");
        return false;
    }
    if (call_arg_is(c, id, ">")) {
        ask->is_new = true;
        if (r->group != 0) return true;
        reply_error(c, "ERR The > ID can be specified only when calling XREADGROUP using the GROUP "
                       "<group> <consumer> option.");
        return false;
    }
    return stream_args_id(c, id, 0, &ask->after);
}

/* ---- Answers ---- */

/* True when there is something to answer for this key. */
static bool stream_has_answer(const struct stream_ask *ask)
{
    if (ask->group != NULL && !ask->is_new) return true;
    if (ask->stream == NULL || ask->stream->length == 0) return false;
    struct stream_id after = ask->group != NULL ? ask->group->last_id : ask->after;
    return stream_id_compare(stream_last_entry_id(ask->stream), after) > 0;
}

static struct stream_told stream_told_of(struct call *c, const struct stream_ask *ask)
{
    return (struct stream_told){c, ask->key, ask->group};
}

/* New entries for a consumer: they become pending, unless they need no acknowledgement. */
static void stream_deliver(struct call *c, const struct stream_read *r, struct stream_ask *ask,
                           struct stream_id from)
{
    struct stream_walk w;
    size_t mark = reply_defer(c);
    uint64_t count = 0;
    stream_walk_open(&w, ask->stream, from, STREAM_ID_MAX);
    while ((r->count == 0 || count < r->count) && stream_walk_next(&w)) {
        stream_group_read(ask->stream, ask->group, w.entry.id);
        if (!r->no_ack) {
            struct stream_pending *p = stream_pending_give(ask->group, w.entry.id, ask->consumer);
            p->delivered_ms = c->now_ms;
            p->deliveries = 1;
            ask->consumer->active_ms = c->now_ms;
        }
        stream_reply_entry(c, &w.entry);
        count++;
    }
    reply_defer_array(c, mark, count);
    if (!effect_is_heard()) return;
    struct stream_told told = stream_told_of(c, ask);
    if (!r->no_ack)
        stream_tell_delivered(&told, ask->stream, from, count, stream_consumer_name(ask->consumer));
    stream_tell_read(&told);
}

/* What the consumer has and did not acknowledge; null for what was deleted since. */
static void stream_reply_history(struct call *c, const struct stream_read *r,
                                 struct stream_ask *ask, struct stream_id from)
{
    size_t mark = reply_defer(c);
    uint64_t count = 0;
    const struct sorted *ids = &ask->consumer->pending;
    struct stream_told told = stream_told_of(c, ask);
    struct sorted_place at = sorted_seek(ids, &from);
    for (const struct stream_id *id; (id = sorted_at(ids, at)) != NULL; sorted_next(ids, &at)) {
        if (r->count != 0 && count == r->count) break;
        count++;
        if (stream_reply_one(c, ask->stream, *id)) {
            struct stream_pending *p = stream_pending_find(ask->group, *id);
            p->delivered_ms = c->now_ms;
            p->deliveries++;
            stream_tell_pending(&told, p);
        } else {
            reply_array(c, 2);
            stream_reply_id(c, *id);
            reply_null_array(c);
        }
    }
    reply_defer_array(c, mark, count);
}

static void stream_answer(struct call *c, const struct stream_read *r, uint32_t k,
                          struct stream_ask *ask)
{
    bool is_new = ask->group != NULL && ask->is_new;
    struct stream_id from = is_new ? ask->group->last_id : ask->after;
    bool none = !stream_id_raise(&from); /* nothing is behind the greatest id */
    if (c->reply->resp == 2) reply_array(c, 2);
    reply_bulk(c, arg(c, r->first + k));
    if (none)
        reply_array(c, 0);
    else if (ask->group == NULL)
        stream_reply_range(c, ask->stream, from, STREAM_ID_MAX, r->count);
    else if (is_new)
        stream_deliver(c, r, ask, from);
    else
        stream_reply_history(c, r, ask, from);
}

/* A consumer comes to be by asking. */
static void stream_see_consumer(struct call *c, const struct stream_read *r, struct key key,
                                struct stream_ask *ask)
{
    struct bytes name = arg(c, r->group + 1);
    ask->consumer = stream_consumer_find(ask->group, name);
    if (ask->consumer == NULL) {
        ask->consumer = stream_consumer_make(ask->group, name, c->now_ms);
        struct stream_told told = stream_told_of(c, ask);
        stream_tell_consumer(&told, name);
        call_event(c, 1, key, NOTIFY_STREAM, "xgroup-createconsumer");
    }
    ask->consumer->seen_ms = c->now_ms;
}

/* Answers the keys that have something; gives how many. */
static uint64_t stream_read_all(struct call *c, const struct stream_read *r)
{
    uint64_t answered = 0;
    size_t mark = 0;
    effect_none(c); /* the parts say what there is to say */
    for (uint32_t k = 0; k < r->keys && !call_reply_full(c); k++) {
        struct stream_ask ask;
        enum lookup how = r->group != 0 ? LOOKUP_EDIT : LOOKUP_READ;
        must(stream_parse_ask(c, r, k, how, &ask)); /* it was checked */
        if (ask.group != NULL) stream_see_consumer(c, r, call_key(c, r->first + k), &ask);
        if (!stream_has_answer(&ask)) continue;
        if (answered++ == 0) mark = reply_defer(c);
        stream_answer(c, r, k, &ask);
        if (ask.group != NULL) call_touched(c, 1, call_key(c, r->first + k));
    }
    if (answered > 0 && c->reply->resp == 2)
        reply_defer_array(c, mark, answered);
    else if (answered > 0)
        reply_defer_map(c, mark, answered);
    return answered;
}

/* Puts ids in the place of "$", in a copy of the arguments. */
static void stream_fix_ends(struct call *c, const struct stream_read *r)
{
    struct {
        char text[STREAM_ID_TEXT];
    } * texts;
    struct bytes *args = heap_alloc(c->nargs * sizeof(*args) + r->keys * sizeof(*texts));
    memcpy(args, c->args, c->nargs * sizeof(*args));
    texts = (void *)(args + c->nargs);
    for (uint32_t k = 0; k < r->keys; k++) {
        struct stream_ask ask;
        uint32_t i = r->first + r->keys + k;
        if (!call_arg_is(c, i, "$")) continue;
        must(stream_parse_ask(c, r, k, LOOKUP_QUIET, &ask));
        args[i] = bytes_make(texts[k].text, stream_reply_print_id(texts[k].text, ask.after));
    }
    c->args = c->own_args = args;
}

static enum run_result stream_wait(struct call *c, const struct stream_read *r)
{
    bool ends = false;
    for (uint32_t k = 0; k < r->keys; k++) ends |= call_arg_is(c, r->first + r->keys + k, "$");
    if (ends && c->outer == NULL) stream_fix_ends(c, r);
    return call_block(c, &(struct block_terms){
                             .first_key = r->first,
                             .key_count = r->keys,
                             .type = TYPE_STREAM,
                             .wakes_when_gone = r->group != 0,
                             .timeout_ms = r->timeout_ms,
                         });
}

static enum run_result stream_read(struct call *c)
{
    struct stream_read r;
    if (!stream_parse_read(c, &r)) return RUN_ERROR;
    for (uint32_t k = 0; k < r.keys; k++) {
        struct stream_ask ask;
        if (!stream_parse_ask(c, &r, k, LOOKUP_READ, &ask)) return RUN_ERROR;
    }
    if (stream_read_all(c, &r) > 0) return RUN_OK;
    if (!r.blocks) return reply_null_array(c);
    return stream_wait(c, &r);
}

enum run_result cmd_XREAD(struct call *c) { return stream_read(c); }
enum run_result cmd_XREADGROUP(struct call *c) { return stream_read(c); }
