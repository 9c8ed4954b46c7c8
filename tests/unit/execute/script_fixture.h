/*
 * A bare Lua with the libraries under test. A case is a chunk and what it returns, in order and as
 * text: strings in hexadecimal digits where the chunk says so with hex().
 */
#ifndef UNIT_EXECUTE_SCRIPT_FIXTURE_H
#define UNIT_EXECUTE_SCRIPT_FIXTURE_H

#include "unit/check.h"

#include <lua5.1/lauxlib.h>
#include <lua5.1/lua.h>
#include <lua5.1/lualib.h>
#include <stdio.h>
#include <string.h>

struct script_case {
    const char *chunk, *expected; /* an error's text for chunks that fail */
};

static inline lua_State *script_begin(int (*open)(lua_State *L), const char *name)
{
    static const char *const helpers =
        "function hex(s) return (s:gsub('.', function(c) return ('%02x'):format(c:byte()) end)) "
        "end "
        "function raw(h) return (h:gsub('..', function(d) return string.char(tonumber(d, 16)) "
        "end)) end "
        "function list(...) local t = {} for i = 1, select('#', ...) do t[i] = "
        "tostring((select(i, ...))) end return table.concat(t, ' ') end";
    lua_State *L = luaL_newstate();
    assert_non_null(L);
    luaL_openlibs(L);
    assert_int_equal(open(L), 1);
    lua_setglobal(L, name);
    assert_int_equal(luaL_dostring(L, helpers), 0);
    return L;
}

/* The chunk's results joined by blanks, or its error; borrowed until the stack is emptied. */
static inline const char *script_run(lua_State *L, const char *chunk)
{
    char whole[1024];
    lua_settop(L, 0);
    snprintf(whole, sizeof(whole), "return list((function() %s end)())", chunk);
    if (luaL_loadbuffer(L, whole, strlen(whole), "=t") == 0) (void)lua_pcall(L, 0, 1, 0);
    return lua_tostring(L, -1);
}

static inline void script_check(lua_State *L, const struct script_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *got = script_run(L, cases[i].chunk);
        if (strcmp(got, cases[i].expected) != 0)
            fail_msg("%s\n  gives    %s\n  expected %s", cases[i].chunk, got, cases[i].expected);
    }
}
#define SCRIPT_CHECK(L, cases) script_check(L, cases, sizeof(cases) / sizeof((cases)[0]))

#endif
