/*
 * SCRIPT KILL and FUNCTION KILL.
 */
#include "execute/commands/table.h"
#include "execute/core/busy.h"

enum run_result cmd_SCRIPT_KILL(struct call *c) { return busy_kill(c, BUSY_SCRIPT); }

enum run_result cmd_FUNCTION_KILL(struct call *c) { return busy_kill(c, BUSY_FUNCTION); }
