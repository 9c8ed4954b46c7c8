/*
 * SAVE, BGSAVE, LASTSAVE, SHUTDOWN.
 */
#include "execute/commands/table.h"
#include "execute/core/busy.h"
#include "execute/core/multi.h"
#include "execute/core/persistence.h"
#include "execute/core/session.h"
#include "execute/core/shutdown.h"

#include <errno.h>

enum run_result cmd_SAVE(struct call *c)
{
    int r = persistence_save();
    if (r == 0) return reply_ok(c);
    return reply_error(c, r == -EBUSY ? "ERR Background save already in progress" : "ERR");
}

/* Within EXEC the save waits for its end. */
enum run_result cmd_BGSAVE(struct call *c)
{
    bool waits = c->nargs == 2 && call_arg_is(c, 1, "schedule");
    if (c->nargs > 1 && !waits) return reply_syntax(c);
    const char *status, *error = persistence_bgsave(waits, c->outer != NULL, &status);
    return error != NULL ? reply_error(c, error) : reply_status(c, status);
}

enum run_result cmd_LASTSAVE(struct call *c)
{
    return reply_int(c, persistence_figures().last_save_s);
}

/* ---- The end ---- */

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

/* Where the server ends, the client gets no answer and runs nothing more: it waits for that with
 * its connection open. */
enum run_result cmd_SHUTDOWN(struct call *c)
{
    struct shutdown_order order = {0};
    if (!shutdown_parse(c, &order)) return reply_syntax(c);
    if (order.abort) {
        if (shutdown_abort()) return reply_ok(c);
        return reply_error(c, "ERR No shutdown in progress.");
    }
    if (busy_is_breathing()) {
        if (!(order.how & SHUTDOWN_NOSAVE)) return reply_error(c, busy_error());
        shutdown_after_script(order.how);
        busy_abort();
    } else if (!shutdown_now(order.how)) {
        return reply_error(c, SHUTDOWN_REFUSAL);
    }
    c->session->is_blocked = true;
    return RUN_BLOCKED;
}
