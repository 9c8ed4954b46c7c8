/*
 * Commands that scripts run.
 */
#ifndef EXECUTE_SCRIPT_REDIS_CALL_H
#define EXECUTE_SCRIPT_REDIS_CALL_H

#include "execute/execute_private.h"

#include "execute/script/lua.h"

int redis_call(lua_State *L);
int redis_pcall(lua_State *L);
int redis_acl_check_cmd(lua_State *L);
/* Frees what is kept between calls. */
void redis_call_close(void);

#endif
