/*
 * Frozen tables, and the allow-list.
 *
 * Invariant: a frozen table is empty and its metatable, which no script ever gets, has
 * sandbox_refuse as __newindex: by that it is known.
 */
#include "execute/script/sandbox.h"

#include "base/must.h"
#include "execute/script/libraries.h"

static int sandbox_refuse(lua_State *L) { return luaL_error(L, SANDBOX_READ_ONLY); }

static int sandbox_missing(lua_State *L)
{
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
    return luaL_error(L, "Script attempted to access nonexistent global variable '%s'", name);
}

bool sandbox_is_frozen(lua_State *L, int index)
{
    if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index)) return false;
    lua_pushliteral(L, "__newindex");
    lua_rawget(L, -2);
    bool is_frozen = lua_tocfunction(L, -1) == sandbox_refuse;
    lua_pop(L, 2);
    return is_frozen;
}

void sandbox_push_contents(lua_State *L, int index)
{
    must(lua_getmetatable(L, index));
    lua_pushliteral(L, "__index");
    lua_rawget(L, -2);
    lua_remove(L, -2);
}

/* Moves what is in the table at `index` into the empty one on top. */
static void sandbox_move(lua_State *L, int index)
{
    int to = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, to);
    }
    lua_pushnil(L);
    while (lua_next(L, to) != 0) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_pushnil(L);
        lua_rawset(L, index);
    }
}

/* The contents are left on top. */
static void sandbox_freeze_and_push(lua_State *L, int index)
{
    if (index < 0 && index > LUA_REGISTRYINDEX) index += lua_gettop(L) + 1;
    lua_newtable(L);
    sandbox_move(L, index);
    lua_createtable(L, 0, 2);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, sandbox_refuse);
    lua_setfield(L, -2, "__newindex");
    lua_setmetatable(L, index);
}

void sandbox_freeze(lua_State *L, int index)
{
    sandbox_freeze_and_push(L, index);
    lua_pop(L, 1);
}

static void sandbox_freeze_globals_and_push(lua_State *L, int index)
{
    sandbox_freeze_and_push(L, index);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, sandbox_missing);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
}

void sandbox_freeze_globals(lua_State *L, int index)
{
    sandbox_freeze_globals_and_push(L, index);
    lua_pop(L, 1);
}

/* ---- The allow-list ---- */

/* A table keeps those of its members that are named; NULL: all. */
struct sandbox_name {
    const char *name;
    const char *const *members;
};

static const char *const sandbox_os[] = {"clock", NULL};

static const struct sandbox_name sandbox_tables[] = {
    {"bit", NULL},      {"cjson", NULL},  {"cmsgpack", NULL}, {"coroutine", NULL}, {"math", NULL},
    {"os", sandbox_os}, {"string", NULL}, {"struct", NULL},   {"table", NULL},
};

static const char *const sandbox_functions[] = {
    "_G",           "_VERSION", "assert", "collectgarbage", "error",  "gcinfo",
    "getmetatable", "ipairs",   "load",   "loadstring",     "next",   "pairs",
    "pcall",        "rawequal", "rawget", "rawset",         "select", "setmetatable",
    "tonumber",     "tostring", "type",   "unpack",         "xpcall",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Copies member `name` of the table at `from` into the one on top. */
static void sandbox_copy(lua_State *L, int from, const char *name)
{
    lua_getfield(L, from, name);
    must(!lua_isnil(L, -1));
    lua_setfield(L, -2, name);
}

/* Copies a library with what is allowed of it. */
static void sandbox_copy_table(lua_State *L, const struct sandbox_name *table)
{
    lua_getfield(L, LUA_GLOBALSINDEX, table->name);
    must(lua_istable(L, -1));
    if (table->members != NULL) {
        int from = lua_gettop(L);
        lua_newtable(L);
        for (const char *const *m = table->members; *m != NULL; m++) sandbox_copy(L, from, *m);
        lua_remove(L, from);
    }
    sandbox_freeze(L, -1);
    lua_setfield(L, -2, table->name);
}

/* The methods of strings are what is in the string library. */
static void sandbox_bind_strings(lua_State *L)
{
    lua_pushliteral(L, "");
    must(lua_getmetatable(L, -1));
    lua_getfield(L, LUA_GLOBALSINDEX, "string");
    sandbox_push_contents(L, -1);
    lua_setfield(L, -3, "__index");
    lua_pop(L, 3);
}

void sandbox_open(lua_State *L)
{
    libraries_open(L);
    sandbox_guard_functions(L);
    lua_newtable(L);
    for (size_t i = 0; i < COUNT(sandbox_tables); i++) sandbox_copy_table(L, &sandbox_tables[i]);
    for (size_t i = 0; i < COUNT(sandbox_functions); i++)
        sandbox_copy(L, LUA_GLOBALSINDEX, sandbox_functions[i]);
    sandbox_bind_strings(L);

    /* The table of globals itself stays, as the environment of all functions of libraries. */
    lua_pushvalue(L, LUA_GLOBALSINDEX);
    int globals = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, globals) != 0) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_pushnil(L);
        lua_rawset(L, globals);
    }
    lua_pushnil(L);
    while (lua_next(L, globals - 1) != 0) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, globals);
    }
    lua_remove(L, globals - 1);
    sandbox_freeze_globals_and_push(L, -1);
    lua_remove(L, -2);
}
