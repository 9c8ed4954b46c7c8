/*
 * Between replies and Lua values, as Redis's documentation of scripts has it.
 */
#ifndef EXECUTE_SCRIPT_CONVERT_H
#define EXECUTE_SCRIPT_CONVERT_H

#include "execute/execute_private.h"

#include "execute/core/call.h"
#include "execute/script/lua.h"

/*
 * Pushes the value of a whole reply, the first one where there are several. An error becomes a
 * table that says that it was counted; gives true for one. May raise an error of Lua (memory).
 */
bool convert_push_reply(lua_State *L, struct bytes reply);

/* Answers with the value on top of the stack and takes it away. `resp`: the version that the script
 * spoke. */
enum run_result convert_reply(struct call *c, lua_State *L, int resp);

#endif
