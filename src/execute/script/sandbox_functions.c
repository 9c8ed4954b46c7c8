/*
 * Functions of Lua and its libraries that are replaced: those that would see through frozen tables,
 * and those that crash or hang with the right arguments.
 */
#include "execute/script/sandbox.h"

#include "base/must.h"
#include "execute/script/vm.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define UNPACK_MAX 8000u /* what Lua lets a C function push */
#define REP_MAX ((size_t)1 << 30)
#define PATTERN_MAX 4000 /* each item of a pattern may be a level of recursion */

/* The originals, the same in each VM. */
static struct {
    lua_CFunction getmetatable, insert, next, pcall, rawget, rawset, setmetatable;
    lua_CFunction find, match, gmatch, gsub;
} native;

static int sandbox_raise(lua_State *L, const char *text)
{
    lua_pushstring(L, text);
    return lua_error(L);
}

/* ---- Tables ---- */

/* The first argument gives way to its contents. */
static void look_through(lua_State *L)
{
    if (!sandbox_is_frozen(L, 1)) return;
    sandbox_push_contents(L, 1);
    lua_replace(L, 1);
}

static int guarded_next(lua_State *L)
{
    look_through(L);
    return native.next(L);
}

/* Upvalues: Lua's next, and the one above. */
static int guarded_pairs(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_pushvalue(L, lua_upvalueindex(sandbox_is_frozen(L, 1) ? 2 : 1));
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

/* What a global is not is nil here, and no error: the contents of the globals are read raw. */
static int guarded_rawget(lua_State *L)
{
    look_through(L);
    return native.rawget(L);
}

static int guarded_rawset(lua_State *L)
{
    if (sandbox_is_frozen(L, 1)) return sandbox_raise(L, SANDBOX_READ_ONLY);
    return native.rawset(L);
}

static int guarded_setmetatable(lua_State *L)
{
    if (sandbox_is_frozen(L, 1)) return sandbox_raise(L, SANDBOX_READ_ONLY);
    return native.setmetatable(L);
}

static int guarded_insert(lua_State *L)
{
    if (sandbox_is_frozen(L, 1)) return sandbox_raise(L, SANDBOX_READ_ONLY);
    return native.insert(L);
}

/* Upvalues: stand-ins for the metatables of strings and of the globals; other frozen tables show
 * none. */
static int guarded_getmetatable(lua_State *L)
{
    luaL_checkany(L, 1);
    if (lua_type(L, 1) == LUA_TSTRING) {
        lua_pushvalue(L, lua_upvalueindex(1));
    } else if (!sandbox_is_frozen(L, 1)) {
        return native.getmetatable(L);
    } else if (lua_rawequal(L, 1, LUA_GLOBALSINDEX)) {
        lua_pushvalue(L, lua_upvalueindex(2));
    } else {
        lua_pushnil(L);
    }
    return 1;
}

static int guarded_unpack(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Number from = trunc(luaL_optnumber(L, 2, 1));
    lua_Number to = trunc(luaL_optnumber(L, 3, (lua_Number)lua_objlen(L, 1)));
    if (!(from <= to)) return 0;
    if (to - from >= UNPACK_MAX || from < INT_MIN || to > INT_MAX ||
        !lua_checkstack(L, (int)(to - from) + 1))
        return luaL_error(L, "too many results to unpack");
    int count = (int)(to - from) + 1;
    for (int i = 0; i < count; i++) lua_rawgeti(L, 1, (int)from + i);
    return count;
}

/* ---- Code ---- */

static int push_code(lua_State *L, struct bytes code, const char *chunk)
{
    if (vm_load(L, code, chunk, 0)) return 1;
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

static int guarded_loadstring(lua_State *L)
{
    struct bytes code;
    code.ptr = luaL_checklstring(L, 1, &code.len);
    return push_code(L, code, luaL_optstring(L, 2, code.ptr));
}

/* The pieces are joined before they are compiled. */
static int guarded_load(lua_State *L)
{
    luaL_Buffer code;
    luaL_checktype(L, 1, LUA_TFUNCTION);
    const char *chunk = luaL_optstring(L, 2, "=(load)");
    luaL_buffinit(L, &code);
    for (;;) {
        lua_pushvalue(L, 1);
        lua_call(L, 0, 1);
        if (lua_isnil(L, -1) || (lua_isstring(L, -1) && lua_objlen(L, -1) == 0)) break;
        if (!lua_isstring(L, -1)) return luaL_error(L, "reader function must return a string");
        luaL_addvalue(&code);
    }
    lua_pop(L, 1);
    luaL_pushresult(&code);
    return push_code(L, lua_bytes(L, -1), chunk);
}

/* As in Redis: what redis.call() raised comes back as its text. */
static int guarded_pcall(lua_State *L)
{
    int n = native.pcall(L);
    if (lua_toboolean(L, 1) || n < 2 || lua_type(L, 2) != LUA_TTABLE) return n;
    lua_pushliteral(L, "err");
    lua_rawget(L, 2);
    if (lua_type(L, -1) == LUA_TSTRING)
        lua_replace(L, 2);
    else
        lua_pop(L, 1);
    return n;
}

/* Upvalue: the script's own handler of errors. It is not called for the error that ends a run: that
 * comes from the hook, in which there are no hooks that could end the handler. */
static int call_handler(lua_State *L)
{
    if (vm_of(L)->ends) return 1;
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

static int guarded_xpcall(lua_State *L)
{
    luaL_checkany(L, 2);
    lua_settop(L, 2);
    lua_pushcclosure(L, call_handler, 1);
    lua_insert(L, 1);
    int status = lua_pcall(L, 0, LUA_MULTRET, 1);
    lua_pushboolean(L, status == 0);
    lua_replace(L, 1);
    return lua_gettop(L);
}

/* Scripts do not tune the collector for those that come later. */
static int guarded_collectgarbage(lua_State *L)
{
    static const char *const words[] = {"collect", "count",    "step",       "stop",
                                        "restart", "setpause", "setstepmul", NULL};
    switch (luaL_checkoption(L, 1, "collect", words)) {
    case 0: lua_pushinteger(L, lua_gc(L, LUA_GCCOLLECT, 0)); break;
    case 1: lua_pushnumber(L, (lua_Number)vm_of(L)->used / 1024); break;
    case 2: lua_pushboolean(L, lua_gc(L, LUA_GCSTEP, (int)luaL_optinteger(L, 2, 0))); break;
    default: lua_pushinteger(L, 0);
    }
    return 1;
}

/* ---- Strings ---- */

static void rep_fill(char *to, struct bytes what, size_t total)
{
    memcpy(to, what.ptr, what.len);
    for (size_t done = what.len; done < total;) {
        size_t n = done < total - done ? done : total - done;
        memcpy(to + done, to, n);
        done += n;
    }
}

static int guarded_rep(lua_State *L)
{
    char small[1024];
    struct bytes what;
    what.ptr = luaL_checklstring(L, 1, &what.len);
    lua_Number times = luaL_checknumber(L, 2);
    if (!(times >= 1) || what.len == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    if (times > (double)REP_MAX || (double)what.len * floor(times) > (double)REP_MAX)
        return luaL_error(L, "resulting string too large");
    size_t total = what.len * (size_t)times;
    char *to = total <= sizeof(small) ? small : lua_newuserdata(L, total);
    rep_fill(to, what, total);
    lua_pushlstring(L, to, total);
    return 1;
}

static void check_pattern(lua_State *L)
{
    if (lua_type(L, 2) == LUA_TSTRING && lua_objlen(L, 2) > PATTERN_MAX)
        luaL_error(L, "pattern too complex");
}

static int guarded_find(lua_State *L)
{
    if (!lua_toboolean(L, 4)) check_pattern(L);
    return native.find(L);
}
static int guarded_match(lua_State *L) { return check_pattern(L), native.match(L); }
static int guarded_gsub(lua_State *L) { return check_pattern(L), native.gsub(L); }
static int guarded_gmatch(lua_State *L) { return check_pattern(L), native.gmatch(L); }

/* ---- Numbers ---- */

/* The generator of lrand48(3), so that a seed gives what it gives in Redis. */
static int own_random(lua_State *L)
{
    struct vm *vm = vm_of(L);
    vm->random = (vm->random * UINT64_C(0x5DEECE66D) + 0xB) & ((UINT64_C(1) << 48) - 1);
    lua_Number r = (lua_Number)((vm->random >> 17) % INT32_MAX) / (lua_Number)INT32_MAX;
    int n = lua_gettop(L);
    if (n > 2) return luaL_error(L, "wrong number of arguments");
    if (n == 0) {
        lua_pushnumber(L, r);
        return 1;
    }
    lua_Number low = n == 1 ? 1 : (lua_Number)luaL_checkint(L, 1);
    lua_Number high = (lua_Number)luaL_checkint(L, n);
    luaL_argcheck(L, low <= high, n, "interval is empty");
    lua_pushnumber(L, floor(r * (high - low + 1)) + low);
    return 1;
}

static int own_randomseed(lua_State *L)
{
    vm_of(L)->random = ((uint64_t)(uint32_t)luaL_checkint(L, 1) << 16) | 0x330E;
    return 0;
}

static int own_tohex(lua_State *L)
{
    uint32_t bits = (uint32_t)(int64_t)fmod(nearbyint(luaL_checknumber(L, 1)), 4294967296.0);
    lua_Integer width = luaL_optinteger(L, 2, 8);
    char text[9];
    size_t shown = width < -8 || width > 8 ? 8 : (size_t)llabs((long long)width);
    snprintf(text, sizeof(text), width < 0 ? "%08X" : "%08x", bits);
    lua_pushlstring(L, text + 8 - shown, shown);
    return 1;
}

/* ---- In their places ---- */

/* `native` gets what is replaced, when it is not NULL. */
static void replace(lua_State *L, const char *name, lua_CFunction by, lua_CFunction *original)
{
    lua_getfield(L, -1, name);
    lua_CFunction was = lua_tocfunction(L, -1);
    must(was != NULL);
    if (original != NULL) *original = was;
    lua_pop(L, 1);
    lua_pushcfunction(L, by);
    lua_setfield(L, -2, name);
}

static void replace_of_base(lua_State *L)
{
    lua_getfield(L, LUA_GLOBALSINDEX, "next"); /* Lua's, for pairs */
    lua_pushvalue(L, LUA_GLOBALSINDEX);
    replace(L, "collectgarbage", guarded_collectgarbage, NULL);
    replace(L, "load", guarded_load, NULL);
    replace(L, "loadstring", guarded_loadstring, NULL);
    replace(L, "next", guarded_next, &native.next);
    replace(L, "pcall", guarded_pcall, &native.pcall);
    replace(L, "rawget", guarded_rawget, &native.rawget);
    replace(L, "rawset", guarded_rawset, &native.rawset);
    replace(L, "setmetatable", guarded_setmetatable, &native.setmetatable);
    replace(L, "unpack", guarded_unpack, NULL);
    replace(L, "xpcall", guarded_xpcall, NULL);
    lua_pushvalue(L, -2);
    lua_getfield(L, -2, "next");
    lua_pushcclosure(L, guarded_pairs, 2);
    lua_setfield(L, -2, "pairs");
    lua_pop(L, 2);
}

/* A stand-in for a metatable: frozen, and with __index where the real one shows that. */
static void push_stand_in(lua_State *L, const char *library)
{
    lua_newtable(L);
    if (library != NULL) {
        lua_getfield(L, LUA_GLOBALSINDEX, library);
        lua_setfield(L, -2, "__index");
    }
    sandbox_freeze(L, -1);
}

static void replace_getmetatable(lua_State *L)
{
    lua_getfield(L, LUA_GLOBALSINDEX, "getmetatable");
    native.getmetatable = lua_tocfunction(L, -1);
    lua_pop(L, 1);
    push_stand_in(L, LUA_STRLIBNAME);
    push_stand_in(L, NULL);
    lua_pushcclosure(L, guarded_getmetatable, 2);
    lua_setfield(L, LUA_GLOBALSINDEX, "getmetatable");
}

void sandbox_guard_functions(lua_State *L)
{
    replace_of_base(L);
    replace_getmetatable(L);

    lua_getfield(L, LUA_GLOBALSINDEX, LUA_TABLIBNAME);
    replace(L, "insert", guarded_insert, &native.insert);
    lua_pop(L, 1);

    lua_getfield(L, LUA_GLOBALSINDEX, LUA_STRLIBNAME);
    replace(L, "rep", guarded_rep, NULL);
    replace(L, "find", guarded_find, &native.find);
    replace(L, "match", guarded_match, &native.match);
    replace(L, "gsub", guarded_gsub, &native.gsub);
    replace(L, "gmatch", guarded_gmatch, &native.gmatch);
    replace(L, "gfind", guarded_gmatch, NULL);
    lua_pop(L, 1);

    lua_getfield(L, LUA_GLOBALSINDEX, LUA_MATHLIBNAME);
    replace(L, "random", own_random, NULL);
    replace(L, "randomseed", own_randomseed, NULL);
    lua_pop(L, 1);

    lua_getfield(L, LUA_GLOBALSINDEX, "cjson");
    sandbox_guard_cjson(L);
    lua_pop(L, 1);

    lua_getfield(L, LUA_GLOBALSINDEX, "bit");
    replace(L, "tohex", own_tohex, NULL);
    lua_pop(L, 1);
}
