/*
 * Fuzzes the libraries struct and cmsgpack of scripts: the first byte says which. cmsgpack unpacks
 * the rest; struct unpacks it with a format that stands before a zero byte. What must hold of any
 * input: no more memory than a Lua script may have, and what was packed at a depth that is kept
 * whole is as long when it was read and packed again.
 */
#include "execute/script/lua_cmsgpack.h"
#include "execute/script/lua_struct.h"

#include <lua5.1/lauxlib.h>
#include <lua5.1/lua.h>
#include <lua5.1/lualib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_MEMORY = 64 << 20 };

static size_t used;

static void *limited(void *user, void *ptr, size_t old_len, size_t len)
{
    (void)user;
    if (len > old_len && used + (len - old_len) > FUZZ_MEMORY) return NULL;
    used += len - old_len;
    if (len > 0) return realloc(ptr, len);
    free(ptr);
    return NULL;
}

/* Tables that lie too deep are packed as nil, which a table does not keep: so the second reading is
 * the first that is equal to the next. */
static const char *const again =
    "local which, a, b = ...\n"
    "if which == 0 then\n"
    "    local value = { cmsgpack.unpack(a) }\n"
    "    local cut = cmsgpack.unpack(cmsgpack.pack(unpack(value, 1, 1)))\n"
    "    local first = cmsgpack.pack(cut)\n"
    "    assert(#cmsgpack.pack((cmsgpack.unpack(first))) == #first)\n"
    "    cmsgpack.unpack_one(a, #a / 2)\n"
    "    cmsgpack.unpack_limit(a, 3, #a / 3)\n"
    "else\n"
    "    pcall(struct.size, a)\n"
    "    pcall(struct.pack, a, b, b, b)\n"
    "    local values = { struct.unpack(a, b) }\n"
    "    local at = values[#values]\n"
    "    assert(at >= 1 and at <= #b + 1)\n"
    "    pcall(struct.pack, a, unpack(values, 1, #values - 1))\n"
    "    struct.unpack(a, b, #b / 2)\n"
    "end\n";

static lua_State *open_lua(void)
{
    lua_State *L = lua_newstate(limited, NULL);
    luaL_openlibs(L);
    luaopen_baton_struct(L);
    lua_setglobal(L, "struct");
    luaopen_baton_cmsgpack(L);
    lua_setglobal(L, "cmsgpack");
    if (luaL_loadstring(L, again) != 0) abort();
    return L;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static lua_State *L;
    if (L == NULL) L = open_lua();
    if (size < 1 || size > 1 << 16) return 0;
    const uint8_t *rest = data + 1;
    size_t left = size - 1;
    lua_settop(L, 1);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, data[0] & 1);
    if (data[0] & 1) {
        size_t format = strnlen((const char *)rest, left);
        lua_pushlstring(L, (const char *)rest, format);
        rest += format;
        left -= format;
    }
    lua_pushlstring(L, (const char *)rest, left);
    if (lua_pcall(L, data[0] & 1 ? 3 : 2, 0, 0) != 0 &&
        strstr(lua_tostring(L, -1), "assertion failed") != NULL)
        abort();
    return 0;
}
