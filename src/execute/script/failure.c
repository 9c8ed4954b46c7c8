/* What a script raised becomes a table, and that the answer. */
#include "execute/script/failure.h"

#include "execute/script/sandbox.h"

#define FAILURE_COUNTED "ignore_error_stats_update"

void failure_push(lua_State *L, struct bytes text, bool is_counted)
{
    lua_createtable(L, 0, 4);
    lua_pushliteral(L, "err");
    lua_pushlstring(L, text.ptr, text.len);
    lua_rawset(L, -3);
    if (!is_counted) return;
    lua_pushliteral(L, FAILURE_COUNTED);
    lua_pushboolean(L, true);
    lua_rawset(L, -3);
}

int failure_raise(lua_State *L, const char *text)
{
    failure_push(L, bytes_of(text), false);
    return lua_error(L);
}

/* The innermost function of the script. */
static bool failure_place(lua_State *L, lua_Debug *place)
{
    for (int level = 1; lua_getstack(L, level, place); level++) {
        lua_getinfo(L, "nSl", place);
        if (place->currentline > 0) return true;
    }
    return false;
}

int failure_handler(lua_State *L)
{
    lua_Debug place;
    if (lua_type(L, 1) != LUA_TTABLE) {
        lua_pushliteral(L, "ERR ");
        lua_pushvalue(L, 1);
        if (!lua_isstring(L, -1)) { /* while a library is loaded there is no tostring() */
            lua_getglobal(L, "tostring");
            lua_insert(L, -2);
            lua_call(L, 1, 1);
        }
        lua_concat(L, 2);
        failure_push(L, lua_bytes(L, -1), false);
        lua_replace(L, 1);
    }
    lua_settop(L, 1);
    if (sandbox_is_frozen(L, 1) || !failure_place(L, &place)) return 1;
    lua_pushliteral(L, "source");
    lua_pushstring(L, place.source);
    lua_rawset(L, 1);
    lua_pushliteral(L, "line");
    lua_pushinteger(L, place.currentline);
    lua_rawset(L, 1);
    return 1;
}

/* Pushes a member of the table below the top `above` values. */
static bool failure_member(lua_State *L, int table, const char *name)
{
    lua_pushstring(L, name);
    lua_rawget(L, table);
    return lua_isstring(L, -1);
}

static bool failure_is_counted(lua_State *L, int table)
{
    lua_pushliteral(L, FAILURE_COUNTED);
    lua_rawget(L, table);
    bool is_counted = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return is_counted;
}

static enum run_result failure_send(struct call *c, const struct reply *text, bool is_counted)
{
    return reply_error_line(c, bytes_make(text->buf, text->len), !is_counted);
}

enum run_result failure_reply(struct call *c, lua_State *L, const char *name)
{
    struct reply text = {0};
    bool is_counted = false;
    int base = lua_gettop(L);
    if (lua_type(L, base) == LUA_TTABLE) {
        bool has_text = failure_member(L, base, "err");
        struct bytes err = has_text ? lua_bytes(L, -1) : bytes_of("ERR unknown error");
        reply_raw(&text, err.ptr, err.len);
        if (failure_member(L, base, "source") && failure_member(L, base, "line"))
            reply_printf(&text, " script: %s, on %s:%s.", name, lua_tostring(L, -2),
                         lua_tostring(L, -1));
        is_counted = failure_is_counted(L, base);
    } else {
        const char *what = lua_isstring(L, base) ? lua_tostring(L, base) : "unknown error";
        reply_printf(&text, "ERR %s script: %s", what, name);
    }
    lua_settop(L, base - 1);
    enum run_result result = failure_send(c, &text, is_counted);
    reply_release(&text);
    return result;
}

enum run_result failure_reply_table(struct call *c, lua_State *L)
{
    int base = lua_gettop(L);
    failure_member(L, base, "err");
    struct bytes err = lua_bytes(L, -1);
    struct reply text = {0};
    reply_raw(&text, err.ptr, err.len);
    enum run_result result = failure_send(c, &text, failure_is_counted(L, base));
    reply_release(&text);
    lua_settop(L, base - 1);
    return result;
}
