/*
 * Lua values to replies. Tables are read without their metatables: no code of the script runs here,
 * and nothing here raises an error.
 */
#include "execute/script/convert.h"

#include "base/must.h"
#include "execute/script/failure.h"
#include "execute/types/heap.h"

struct convert_out {
    struct call *call;
    lua_State *lua;
    int resp;
};

static void out_value(struct convert_out *out);

/* As the hardware converts: what does not fit is the least of all. */
static int64_t out_int(lua_Number n) { return n >= -0x1p63 && n < 0x1p63 ? (int64_t)n : INT64_MIN; }

/* Pushes a member of the table on top; true when it is of that type, else it is away again. */
static bool out_member(lua_State *L, const char *name, int type)
{
    lua_pushstring(L, name);
    lua_rawget(L, -2);
    if (lua_type(L, -1) == type) return true;
    lua_pop(L, 1);
    return false;
}

/* The text on top, CR and LF as blanks. */
static struct reply out_clean(lua_State *L)
{
    struct bytes text = lua_bytes(L, -1);
    struct reply clean = {0};
    reply_raw(&clean, text.ptr, text.len);
    for (size_t i = 0; i < clean.len; i++)
        if (clean.buf[i] == '\r' || clean.buf[i] == '\n') clean.buf[i] = ' ';
    return clean;
}

static void out_big_number(struct convert_out *out)
{
    struct reply digits = out_clean(out->lua);
    reply_bignum(out->call, bytes_make(digits.buf, digits.len));
    reply_release(&digits);
}

static void out_map(struct convert_out *out)
{
    lua_State *L = out->lua;
    uint64_t count = 0;
    size_t mark = reply_defer(out->call);
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        lua_pushvalue(L, -2);
        out_value(out);
        out_value(out);
        count++;
    }
    reply_defer_map(out->call, mark, count);
}

static void out_set(struct convert_out *out)
{
    lua_State *L = out->lua;
    uint64_t count = 0;
    size_t mark = reply_defer(out->call);
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        out_value(out);
        count++;
    }
    reply_defer_set(out->call, mark, count);
}

/* The table on top has the members `string` and `format`. */
static bool out_verbatim(struct convert_out *out)
{
    lua_State *L = out->lua;
    bool fits = false;
    if (!out_member(L, "format", LUA_TSTRING)) return false;
    struct bytes format = lua_bytes(L, -1);
    char name[4] = "txt";
    if (format.len == 3) memcpy(name, format.ptr, 3);
    lua_pop(L, 1);
    if (format.len == 3 && out_member(L, "string", LUA_TSTRING)) {
        reply_verbatim(out->call, lua_bytes(L, -1), name);
        lua_pop(L, 1);
        fits = true;
    }
    return fits;
}

/* Tables that stand for something other than an array. */
static bool out_special(struct convert_out *out)
{
    lua_State *L = out->lua;
    bool done = true;
    if (out_member(L, "ok", LUA_TSTRING)) {
        reply_status_bytes(out->call, lua_bytes(L, -1));
    } else if (out_member(L, "double", LUA_TNUMBER)) {
        reply_double(out->call, lua_tonumber(L, -1));
    } else if (out_member(L, "map", LUA_TTABLE)) {
        out_map(out);
    } else if (out_member(L, "set", LUA_TTABLE)) {
        out_set(out);
    } else if (out_member(L, "big_number", LUA_TSTRING)) {
        out_big_number(out);
    } else if (out_member(L, "verbatim_string", LUA_TTABLE)) {
        done = out_verbatim(out);
    } else {
        return false;
    }
    lua_pop(L, 1);
    return done;
}

/* Up to the first element that is nil. */
static void out_array(struct convert_out *out)
{
    lua_State *L = out->lua;
    uint64_t count = 0;
    size_t mark = reply_defer(out->call);
    for (int i = 1;; i++) {
        lua_rawgeti(L, -1, i);
        if (lua_isnil(L, -1)) break;
        out_value(out);
        count++;
    }
    lua_pop(L, 1);
    reply_defer_array(out->call, mark, count);
}

static void out_table(struct convert_out *out)
{
    lua_State *L = out->lua;
    if (out_member(L, "err", LUA_TSTRING)) {
        lua_pop(L, 1);
        failure_reply_table(out->call, L);
        return;
    }
    if (!out_special(out)) out_array(out);
    lua_pop(L, 1);
}

/* Answers with the value on top and takes it away. */
static void out_value(struct convert_out *out)
{
    lua_State *L = out->lua;
    struct call *c = out->call;
    if (!lua_checkstack(L, 6)) {
        reply_error(c, "ERR reached lua stack limit");
        lua_pop(L, 1);
        return;
    }
    switch (lua_type(L, -1)) {
    case LUA_TTABLE: out_table(out); return;
    case LUA_TSTRING: reply_bulk(c, lua_bytes(L, -1)); break;
    case LUA_TNUMBER: reply_int(c, out_int(lua_tonumber(L, -1))); break;
    case LUA_TBOOLEAN:
        if (out->resp == 3)
            reply_bool(c, lua_toboolean(L, -1));
        else if (lua_toboolean(L, -1))
            reply_int(c, 1);
        else
            reply_null(c);
        break;
    default: reply_null(c);
    }
    lua_pop(L, 1);
}

enum run_result convert_reply(struct call *c, lua_State *L, int resp)
{
    struct convert_out out = {c, L, resp};
    out_value(&out);
    return c->failed ? RUN_ERROR : RUN_OK;
}
