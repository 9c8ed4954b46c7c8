/*
 * SLOWLOG.
 */
#include "execute/core/slowlog.h"
#include "execute/commands/table.h"

#define SLOWLOG_GET_DEFAULT 10

static void slowlog_show_entry(struct call *c, const struct slowlog_entry *e)
{
    reply_array(c, 6);
    reply_int(c, (int64_t)e->id);
    reply_int(c, e->at_s);
    reply_int(c, (int64_t)e->us);
    reply_array(c, e->nargs);
    for (uint32_t i = 0; i < e->nargs; i++) reply_bulk(c, e->args[i]);
    reply_bulk(c, e->peer);
    reply_bulk(c, e->client_name);
}

enum run_result cmd_SLOWLOG_GET(struct call *c)
{
    int64_t wanted = SLOWLOG_GET_DEFAULT;
    if (c->nargs > 3) return reply_subcommand(c);
    if (c->nargs == 3 &&
        !call_int_range(c, 2, -1, INT64_MAX, "ERR count should be greater than or equal to -1",
                        &wanted))
        return RUN_ERROR;
    uint64_t count = slowlog_count();
    if (wanted >= 0 && (uint64_t)wanted < count) count = (uint64_t)wanted;
    reply_array(c, count);
    const struct slowlog_entry *e = slowlog_first();
    for (uint64_t i = 0; i < count; i++, e = e->next) slowlog_show_entry(c, e);
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
        "GET [<count>]",
        "    The latest slow commands, newest first (default: 10; -1: all). Of each: its number,",
        "    Unix time, microseconds that it took, arguments, the client's address and name.",
        "LEN",
        "    How many slow commands are kept.",
        "RESET",
        "    Forgets them.",
        NULL,
    };
    return reply_help(c, lines);
}
