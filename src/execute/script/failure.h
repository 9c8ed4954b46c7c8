/*
 * How scripts fail: tables with the members err (the whole line with its code), source, line, and
 * ignore_error_stats_update where the error was counted already.
 */
#ifndef EXECUTE_SCRIPT_FAILURE_H
#define EXECUTE_SCRIPT_FAILURE_H

#include "execute/execute_private.h"

#include "execute/core/call.h"
#include "execute/script/lua.h"

/* Pushes the table for an error. `is_counted`: the server's figures know it already. */
void failure_push(lua_State *L, struct bytes text, bool is_counted);
/* Pushes and raises it. */
int failure_raise(lua_State *L, const char *text);
/* The handler of errors: makes the table, if it is none yet, and says where it happened. */
int failure_handler(lua_State *L);
/* Answers a run of the script called `name` with the error value on top of the stack and takes that
 * away. */
enum run_result failure_reply(struct call *c, lua_State *L, const char *name);
/* Answers with the error table on top of the stack, as one that a script gave back. */
enum run_result failure_reply_table(struct call *c, lua_State *L);

#endif
