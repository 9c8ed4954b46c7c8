/*
 * The Lua library `cmsgpack` that Redis's scripts know: values to MessagePack and back.
 *
 *   cmsgpack.pack(value...)                       gives one string with all of them
 *   cmsgpack.unpack(string)                       gives all values
 *   cmsgpack.unpack_one(string [, offset])        gives where to go on, -1 at the end, and a value
 *   cmsgpack.unpack_limit(string, limit [, offset]) the same with up to `limit` values
 *
 * A table whose keys are 1 to n, or that is empty, is an array, any other a map; below 16 levels of
 * them, and for what MessagePack has no name for, stands nil. Numbers are integers where they are
 * whole and fit into 64 bits, else the shorter of float and double that keeps them. As in Redis,
 * binary strings, extensions and timestamps are refused, and an unsigned integer of 2^63 and more
 * reads as negative.
 */
#ifndef EXECUTE_SCRIPT_LUA_CMSGPACK_H
#define EXECUTE_SCRIPT_LUA_CMSGPACK_H

#include "execute/execute_private.h"

struct lua_State;

/* Pushes the library's table and gives 1; sets no global. */
int luaopen_baton_cmsgpack(struct lua_State *L);

#endif
