/* XGROUP: groups of a stream and their consumers. */
#include "execute/commands/stream_args.h"
#include "execute/commands/table.h"

#define STREAM_NEEDS_KEY                                                                         \
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to " \
    "use the MKSTREAM option to create an empty stream automatically."

struct stream_group_options {
    bool make;
    int64_t entries_read;
};

static bool stream_parse_group(struct call *c, bool may_make, struct stream_group_options *o)
{
    *o = (struct stream_group_options){.entries_read = STREAM_READ_UNKNOWN};
    for (uint32_t i = 5; i < c->nargs; i++) {
        if (may_make && call_arg_is(c, i, "mkstream")) {
            o->make = true;
        } else if (i + 1 < c->nargs && call_arg_is(c, i, "entriesread")) {
            if (!call_int(c, ++i, &o->entries_read)) return false;
            if (o->entries_read >= 0 || o->entries_read == STREAM_READ_UNKNOWN) continue;
            reply_error(c, "ERR value for ENTRIESREAD must be positive or -1");
            return false;
        } else {
            reply_subcommand(c);
            return false;
        }
    }
    return true;
}

static bool stream_find_made(struct call *c, struct stream **s)
{
    if (!stream_args_find(c, 2, LOOKUP_WRITE, s)) return false;
    if (*s == NULL) reply_error(c, STREAM_NEEDS_KEY);
    return *s != NULL;
}

static bool stream_find_group(struct call *c, struct stream **s, struct stream_group **g)
{
    if (!stream_find_made(c, s)) return false;
    *g = stream_group_find(*s, arg(c, 3));
    if (*g != NULL) return true;
    reply_errorf(c, STREAM_NO_GROUP_FORMAT, REPLY_WORD(arg(c, 3)), REPLY_WORD(arg(c, 2)));
    return false;
}

/* "$" is the stream's end, 0-0 without one. */
static bool stream_parse_group_id(struct call *c, const struct stream *s, struct stream_id *id)
{
    if (!call_arg_is(c, 4, "$")) {
        return c->spec->id == CMD_XGROUP_SETID ? stream_args_any_id(c, 4, 0, id)
                                               : stream_args_id(c, 4, 0, id);
    }
    *id = s == NULL ? STREAM_ID_MIN : s->last_id;
    return true;
}

enum run_result cmd_XGROUP_CREATE(struct call *c)
{
    struct stream_group_options o;
    struct stream *s;
    struct stream_id id;
    if (!stream_parse_group(c, true, &o)) return RUN_ERROR;
    if (!stream_args_find(c, 2, LOOKUP_WRITE, &s)) return RUN_ERROR;
    if (s == NULL && !o.make) return reply_error(c, STREAM_NEEDS_KEY);
    if (!stream_parse_group_id(c, s, &id)) return RUN_ERROR;
    if (s == NULL) s = entry_root(keyspace_make(c->db, call_key(c, 2), TYPE_STREAM));
    if (stream_group_make(s, arg(c, 3), id, o.entries_read) == NULL)
        return reply_error(c, "BUSYGROUP Consumer Group name already exists");
    call_event(c, 1, call_key(c, 2), NOTIFY_STREAM, "xgroup-create");
    return reply_ok(c);
}

enum run_result cmd_XGROUP_SETID(struct call *c)
{
    struct stream_group_options o;
    struct stream *s;
    struct stream_group *g;
    struct stream_id id;
    if (!stream_parse_group(c, false, &o)) return RUN_ERROR;
    if (!stream_find_group(c, &s, &g)) return RUN_ERROR;
    if (!stream_parse_group_id(c, s, &id)) return RUN_ERROR;
    g->last_id = id;
    g->entries_read = o.entries_read;
    call_event(c, 1, call_key(c, 2), NOTIFY_STREAM, "xgroup-setid");
    return reply_ok(c);
}

enum run_result cmd_XGROUP_DESTROY(struct call *c)
{
    struct stream *s;
    if (!stream_find_made(c, &s)) return RUN_ERROR;
    struct stream_group *g = stream_group_find(s, arg(c, 3));
    if (g == NULL) return reply_int(c, 0);
    stream_group_drop(s, g);
    struct key key = call_key(c, 2);
    call_fed(c, key); /* who waits in XREADGROUP learns that the group is gone */
    call_event(c, 1, key, NOTIFY_STREAM, "xgroup-destroy");
    return reply_int(c, 1);
}

enum run_result cmd_XGROUP_CREATECONSUMER(struct call *c)
{
    struct stream *s;
    struct stream_group *g;
    if (!stream_find_group(c, &s, &g)) return RUN_ERROR;
    bool made = stream_consumer_make(g, arg(c, 4), c->now_ms) != NULL;
    if (made) call_event(c, 1, call_key(c, 2), NOTIFY_STREAM, "xgroup-createconsumer");
    return reply_int(c, made);
}

enum run_result cmd_XGROUP_DELCONSUMER(struct call *c)
{
    struct stream *s;
    struct stream_group *g;
    if (!stream_find_group(c, &s, &g)) return RUN_ERROR;
    struct stream_consumer *consumer = stream_consumer_find(g, arg(c, 4));
    if (consumer == NULL) return reply_int(c, 0);
    call_event(c, 1, call_key(c, 2), NOTIFY_STREAM, "xgroup-delconsumer");
    return reply_int(c, (int64_t)stream_consumer_drop(g, consumer));
}

enum run_result cmd_XGROUP_HELP(struct call *c)
{
    static const char *const lines[] = {
        "CREATE <key> <group> <id|$> [MKSTREAM] [ENTRIESREAD <n>]",
        "    Make a group that reads what comes after the id; $ is the stream's end.",
        "    MKSTREAM makes an empty stream where there is none; ENTRIESREAD says how many",
        "    entries are up to the id.",
        "CREATECONSUMER <key> <group> <consumer>",
        "    Make a consumer.",
        "DELCONSUMER <key> <group> <consumer>",
        "    Remove a consumer together with its pending entries.",
        "DESTROY <key> <group>",
        "    Remove a group.",
        "SETID <key> <group> <id|$> [ENTRIESREAD <n>]",
        "    Let a group go on after another id.",
        NULL,
    };
    return reply_help(c, lines);
}
