/*
 * MONITOR: sessions that are shown every command, as a line of text each.
 *
 * Commands are shown in the order in which they ran, those of a transaction before its EXEC, a
 * script before what it calls. Commands of administrators are not shown, and secrets are redacted
 * (core/redact.h). A line goes out behind what the command itself answers (core/push.h).
 */
#ifndef EXECUTE_CORE_MONITOR_H
#define EXECUTE_CORE_MONITOR_H

#include "execute/execute_private.h"

#include "execute/core/call.h"
#include "execute/core/session.h"

/* The session is shown commands from now on. It must not be one of them. */
void monitor_begin(struct session *s);
/* Not any more; it need not be one of them. */
void monitor_end(struct session *s);

static inline bool monitor_is_on(void)
{
    extern struct session *monitor_first;
    return monitor_first != NULL;
}
/* Shows the command of `c` with the arguments as they came. */
void monitor_show(const struct call *c, const struct command *cmd);

#endif
