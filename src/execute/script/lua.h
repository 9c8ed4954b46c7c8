/* Lua 5.1 as Debian has it. */
#ifndef EXECUTE_SCRIPT_LUA_H
#define EXECUTE_SCRIPT_LUA_H

#include "execute/execute_private.h"

#include <lua5.1/lua.h>
#include <lua5.1/lauxlib.h>
#include <lua5.1/lualib.h>

#include "base/bytes.h"

static inline struct bytes lua_bytes(lua_State *L, int index)
{
    struct bytes b;
    b.ptr = lua_tolstring(L, index, &b.len);
    return b;
}

#endif
