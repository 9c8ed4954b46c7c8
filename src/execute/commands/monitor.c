/* MONITOR. */
#include "execute/core/monitor.h"
#include "execute/commands/table.h"

/* A client that is shown commands already gets no second answer, as in Redis. */
enum run_result cmd_MONITOR(struct call *c)
{
    if (c->outer != NULL)
        return reply_error(c, "ERR MONITOR isn't allowed for DENY BLOCKING client");
    if (c->session->is_monitor) return RUN_OK;
    monitor_begin(c->session);
    return reply_ok(c);
}
