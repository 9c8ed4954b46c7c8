/*
 * cjson counts bytes in an int and ends the process when that overflows: what would come near it is
 * refused before. The buffers that it keeps are not the VM's memory, so the bound is not high.
 */
#include "execute/script/sandbox.h"

#include "base/must.h"

#define JSON_MAX ((size_t)1 << 29) /* bytes of text */
#define JSON_PER_CHAR 6            /* \u0000 */
#define JSON_PER_VALUE 32          /* a number, or what surrounds a member */

/* Takes the most that the value on top may become from *room. False when there is no room, or no
 * room on the stack: then cjson finds by itself that it is too deep. */
static bool json_fits(lua_State *L, size_t *room)
{
    size_t need = JSON_PER_VALUE;
    if (lua_type(L, -1) == LUA_TSTRING) need += lua_objlen(L, -1) * JSON_PER_CHAR;
    if (need > *room) return false;
    *room -= need;
    if (lua_type(L, -1) != LUA_TTABLE) return true;
    if (!lua_checkstack(L, 4)) return true;
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        bool fits = json_fits(L, room);
        lua_pop(L, 1);
        fits = fits && json_fits(L, room); /* the key */
        if (!fits) {
            lua_pop(L, 1);
            return false;
        }
    }
    return true;
}

/* The originals: each has its settings as an upvalue, which its guard takes over. */
static struct {
    lua_CFunction encode, decode, new;
} native;

static int guarded_encode(lua_State *L)
{
    size_t room = JSON_MAX;
    if (lua_gettop(L) == 1 && !json_fits(L, &room))
        return luaL_error(L, "Cannot serialise: the text would be too long");
    return native.encode(L);
}

static int guarded_decode(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TSTRING && lua_objlen(L, 1) > JSON_MAX)
        return luaL_error(L, "Cannot parse: the text is too long");
    return native.decode(L);
}

static int guarded_new(lua_State *L)
{
    int n = native.new(L);
    sandbox_guard_cjson(L);
    return n;
}

static void guard(lua_State *L, const char *name, lua_CFunction by, lua_CFunction *original)
{
    lua_getfield(L, -1, name);
    *original = lua_tocfunction(L, -1);
    must(*original != NULL && lua_getupvalue(L, -1, 1) != NULL);
    lua_pushcclosure(L, by, 1);
    lua_setfield(L, -3, name);
    lua_pop(L, 1);
}

void sandbox_guard_cjson(lua_State *L)
{
    guard(L, "encode", guarded_encode, &native.encode);
    guard(L, "decode", guarded_decode, &native.decode);
    guard(L, "new", guarded_new, &native.new);
}
