/*
 * The `redis` table of scripts.
 */
#ifndef EXECUTE_SCRIPT_REDIS_API_H
#define EXECUTE_SCRIPT_REDIS_API_H

#include "execute/execute_private.h"

#include "execute/script/lua.h"

/* Makes the table and puts it, frozen, into the table of globals at index `globals`. */
void redis_api_open(lua_State *L, int globals);
/* What is kept from run to run goes back. */
void redis_api_close(void);

#endif
