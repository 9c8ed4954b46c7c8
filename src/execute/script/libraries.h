/*
 * The libraries that scripts find: those of Lua that do no harm, cjson and bit from Debian, struct
 * and cmsgpack of our own.
 */
#ifndef EXECUTE_SCRIPT_LIBRARIES_H
#define EXECUTE_SCRIPT_LIBRARIES_H

#include "execute/execute_private.h"

#include "execute/script/lua.h"

/* As globals of a new state. */
void libraries_open(lua_State *L);

#endif
