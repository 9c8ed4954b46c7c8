/*
 * The Lua library `struct` that Redis's scripts know: values to packed bytes and back.
 *
 *   struct.pack(format, value...)          gives a string
 *   struct.unpack(format, string [, from]) gives the values, then where the next one would start
 *   struct.size(format)                    gives the bytes of a format without `s` and `c0`
 *
 * A format is a row of letters: b h l i integers and B H L I T theirs without sign, i and I
 * followed by their bytes (0 to 32, of which eight carry the value); f d floating point; s a string
 * up to its zero byte; cN N bytes of a string, c0 all of it, or, unpacking, as many as the value
 * before says; x a byte of padding. < and > choose the order of bytes, the machine's at first; !N
 * aligns what follows to its size, at most to N, a power of two (8 when N is missing); blanks say
 * nothing.
 */
#ifndef EXECUTE_SCRIPT_LUA_STRUCT_H
#define EXECUTE_SCRIPT_LUA_STRUCT_H

#include "execute/execute_private.h"

struct lua_State;

/* Pushes the library's table and gives 1; sets no global. */
int luaopen_baton_struct(struct lua_State *L);

#endif
