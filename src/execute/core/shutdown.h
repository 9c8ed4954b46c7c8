/*
 * The end of the server, as far as the data goes: a snapshot where one is wanted, the log on disk,
 * and not one command after that. Then boot drains what clients are to be sent.
 *
 * A shutdown that cannot keep the data is refused, and the server goes on.
 */
#ifndef EXECUTE_CORE_SHUTDOWN_H
#define EXECUTE_CORE_SHUTDOWN_H

#include "execute/execute_private.h"

#include "base/must.h"
#include "catalog/settings.h"

#include <stdbool.h>

#define SHUTDOWN_REFUSAL "ERR Errors trying to SHUTDOWN. Check logs."

void shutdown_open(void);
/* SHUTDOWN, within this call; `how` is of enum shutdown_how. False: it is refused, and the log says
 * why. */
bool shutdown_now(int how);
/* A signal: at the end of this turn, or of the next that may. */
void shutdown_ask(int signal_number);
/* SHUTDOWN NOSAVE in the middle of a script that lasts: when the script is over, and in any case.
 */
void shutdown_after_script(int how);
/* SHUTDOWN ABORT. False: there is nothing to call off. */
bool shutdown_abort(void);
/* In every turn, after its commands. */
void shutdown_tick(const struct settings *settings);
/* A script that may end should. */
bool shutdown_is_asked(void);
/* Nothing is run any more. */
static inline bool shutdown_is_done(void)
{
    extern bool shutdown_done;
    return unlikely(shutdown_done);
}

#endif
