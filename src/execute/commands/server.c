/*
 * TIME, LASTSAVE, SHUTDOWN.
 */
#include "base/clock.h"
#include "codec/number.h"
#include "execute/commands/table.h"
#include "execute/core/busy.h"
#include "execute/core/session.h"
#include "execute/core/stats.h"
#include "execute/script/script.h"
#include "execute/core/world.h"

enum run_result cmd_TIME(struct call *c)
{
    int64_t us = call_is_scripted(c) ? script_time_us() : clock_wall_us();
    char text[NUMBER_INT_CHARS];
    reply_array(c, 2);
    reply_bulk(c, bytes_make(text, number_print_int(text, us / 1000000)));
    return reply_bulk(c, bytes_make(text, number_print_int(text, us % 1000000)));
}

/* Until there is saving, the state of the start is the last one that was complete. */
enum run_result cmd_LASTSAVE(struct call *c) { return reply_int(c, stats()->started_ms / 1000); }

struct shutdown_order {
    int how; /* enum shutdown_how */
    bool abort;
};

static bool shutdown_parse(struct call *c, struct shutdown_order *order)
{
    static const struct {
        const char *word;
        int how;
    } words[] = {{"save", SHUTDOWN_SAVE},
                 {"nosave", SHUTDOWN_NOSAVE},
                 {"now", SHUTDOWN_NOW},
                 {"force", SHUTDOWN_FORCE}};
    for (uint32_t i = 1; i < c->nargs; i++) {
        int how = 0;
        for (unsigned w = 0; w < sizeof(words) / sizeof(words[0]); w++)
            if (call_arg_is(c, i, words[w].word)) how = words[w].how;
        if (how == 0 && !call_arg_is(c, i, "abort")) return false;
        order->abort |= how == 0;
        order->how |= how;
    }
    if (order->abort && order->how != 0) return false;
    return (order->how & (SHUTDOWN_SAVE | SHUTDOWN_NOSAVE)) != (SHUTDOWN_SAVE | SHUTDOWN_NOSAVE);
}

/* The client gets no answer and runs nothing more: it waits for the end with its connection open.
 */
enum run_result cmd_SHUTDOWN(struct call *c)
{
    struct shutdown_order order = {0};
    if (!shutdown_parse(c, &order)) return reply_syntax(c);
    if (order.abort) {
        if (world()->shutdown_abort()) return reply_ok(c);
        return reply_error(c, "ERR No shutdown in progress.");
    }
    if (busy_is_breathing()) {
        if (!(order.how & SHUTDOWN_NOSAVE)) return reply_error(c, busy_error());
        busy_abort();
    }
    world()->shutdown(order.how); /* false: it ends already, which is as good */
    c->session->is_blocked = true;
    return RUN_BLOCKED;
}
