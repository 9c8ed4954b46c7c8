/* Each library is opened as Lua's own loader would do it, and becomes a global by its result. */
#include "execute/script/libraries.h"

#include "execute/script/lua_cmsgpack.h"
#include "execute/script/lua_struct.h"

#include <lua5.1/lua-bitop.h>
#include <lua5.1/lua-cjson.h>

static void library_open(lua_State *L, const char *name, lua_CFunction open)
{
    lua_pushcfunction(L, open);
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
    if (*name != '\0' && lua_istable(L, -1))
        lua_setglobal(L, name);
    else
        lua_pop(L, 1);
}

void libraries_open(lua_State *L)
{
    static const luaL_Reg libraries[] = {
        {"", luaopen_base},
        {LUA_TABLIBNAME, luaopen_table},
        {LUA_STRLIBNAME, luaopen_string},
        {LUA_MATHLIBNAME, luaopen_math},
        {LUA_OSLIBNAME, luaopen_os},
        {"bit", luaopen_bit},
        {"cjson", luaopen_cjson},
        {"struct", luaopen_baton_struct},
        {"cmsgpack", luaopen_baton_cmsgpack},
    };
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
        library_open(L, libraries[i].name, libraries[i].func);
}
