/*
 * SLOWLOG.
 */
#include "execute/core/slowlog.h"
#include "execute/commands/table.h"

#define SLOWLOG_GET_DEFAULT 10

/* What the field after those of Redis holds: the command's three waits. */
static void slowlog_show_times(struct call *c, const struct slowlog_entry *e)
{
    reply_map(c, 3);
    reply_text(c, "waited-usec");
    reply_int(c, (int64_t)e->times.wait_us);
    reply_text(c, "ran-usec");
    reply_int(c, (int64_t)e->times.us);
    reply_text(c, "written-usec");
    if (e->write_us < 0)
        reply_null(c);
    else
        reply_int(c, e->write_us);
}

static void slowlog_show_entry(struct call *c, const struct slowlog_entry *e, bool with_times)
{
    reply_array(c, with_times ? 7 : 6);
    reply_int(c, (int64_t)e->id);
    reply_int(c, e->at_s);
    reply_int(c, (int64_t)e->times.us);
    reply_array(c, e->nargs);
    for (uint32_t i = 0; i < e->nargs; i++) reply_bulk(c, e->args[i]);
    reply_bulk(c, e->peer);
    reply_bulk(c, e->client_name);
    if (with_times) slowlog_show_times(c, e);
}

enum run_result cmd_SLOWLOG_GET(struct call *c)
{
    int64_t wanted = SLOWLOG_GET_DEFAULT;
    bool with_times = c->nargs == 4 && call_arg_is(c, 3, "withtimes");
    if (c->nargs > 3 && !with_times) return reply_subcommand(c);
    if (c->nargs >= 3 &&
        !call_int_range(c, 2, -1, INT64_MAX, "ERR count should be greater than or equal to -1",
                        &wanted))
        return RUN_ERROR;
    uint64_t count = slowlog_count();
    if (wanted >= 0 && (uint64_t)wanted < count) count = (uint64_t)wanted;
    reply_array(c, count);
    const struct slowlog_entry *e = slowlog_first();
    for (uint64_t i = 0; i < count; i++, e = e->next) slowlog_show_entry(c, e, with_times);
    return RUN_OK;
}

enum run_result cmd_SLOWLOG_LEN(struct call *c) { return reply_int(c, (int64_t)slowlog_count()); }

enum run_result cmd_SLOWLOG_RESET(struct call *c)
{
    slowlog_clear();
    return reply_ok(c);
}

enum run_result cmd_SLOWLOG_HELP(struct call *c)
{
    static const char *const lines[] = {
        "GET [<count> [WITHTIMES]]",
        "    The latest slow commands, newest first (default: 10; -1: all). Of each: its number,",
        "    Unix time, microseconds that it took, arguments, the client's address and name;",
        "    WITHTIMES: and how long it waited to be run, ran, and its reply waited to be written.",
        "LEN",
        "    How many slow commands are kept.",
        "RESET",
        "    Forgets them.",
        NULL,
    };
    return reply_help(c, lines);
}
