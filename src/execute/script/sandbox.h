/*
 * What scripts may see and change.
 *
 * Globals are those of an allow-list; neither they nor the tables in them can be changed, and
 * reading a global that is not there is an error. As Debian's Lua knows no read-only tables, a
 * frozen table is empty and has its contents behind a metatable: writing is an error, reading
 * works, and the library functions that look behind metatables (next, pairs, rawget, rawset,
 * setmetatable, getmetatable, table.insert) know frozen tables. Functions of Lua and its libraries
 * that would harm the server with the right arguments are replaced or guarded
 * (sandbox_functions.c).
 */
#ifndef EXECUTE_SCRIPT_SANDBOX_H
#define EXECUTE_SCRIPT_SANDBOX_H

#include "execute/execute_private.h"

#include "execute/script/lua.h"

#define SANDBOX_READ_ONLY "Attempt to modify a readonly table"

/* In a new state: makes the globals. Pushes their contents, a table that the server may change. */
void sandbox_open(lua_State *L);
/* From now on scripts cannot change the table at `index`; not those in it. */
void sandbox_freeze(lua_State *L, int index);
/* The same for a table that serves as globals: what is not in it is an error. */
void sandbox_freeze_globals(lua_State *L, int index);
bool sandbox_is_frozen(lua_State *L, int index);
/* Pushes the contents of a frozen table. */
void sandbox_push_contents(lua_State *L, int index);

/* ---- Between sandbox.c and sandbox_functions.c ---- */
/* Replaces functions of the libraries, which are open; the stack stays as it is. */
void sandbox_guard_functions(lua_State *L);
/* The same in a table of cjson on top of the stack (sandbox_cjson.c). */
void sandbox_guard_cjson(lua_State *L);

#endif
