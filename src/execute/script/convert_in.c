/*
 * Replies to Lua values.
 *
 * What is read was written by this server a moment ago, whole and well-formed; must() guards what
 * would otherwise be read past the end.
 */
#include "execute/script/convert.h"

#include "base/must.h"
#include "execute/script/failure.h"

#include <stdlib.h>

struct convert_in {
    lua_State *lua;
    const char *at, *end;
};

/* The rest of a line, without its end. */
static struct bytes in_line(struct convert_in *in)
{
    const char *cr = memchr(in->at, '\r', (size_t)(in->end - in->at));
    must(cr != NULL && in->end - cr >= 2);
    struct bytes line = {in->at, (size_t)(cr - in->at)};
    in->at = cr + 2;
    return line;
}

static int64_t in_number(struct convert_in *in)
{
    bool is_negative = *in->at == '-';
    uint64_t n = 0;
    const char *p = in->at + is_negative;
    for (; p < in->end && *p != '\r'; p++) n = n * 10 + (uint64_t)(*p - '0');
    must(in->end - p >= 2);
    in->at = p + 2;
    return (int64_t)(is_negative ? 0 - n : n);
}

/* The bytes after a length. */
static struct bytes in_bulk(struct convert_in *in, int64_t len)
{
    must(len >= 0 && in->end - in->at >= len + 2);
    struct bytes bulk = {in->at, (size_t)len};
    in->at += len + 2;
    return bulk;
}

static void push_bytes(lua_State *L, struct bytes b) { lua_pushlstring(L, b.ptr, b.len); }

/* A table with one member, whose name is pushed; the caller pushes its value and calls lua_rawset.
 */
static void push_holder(lua_State *L, const char *name)
{
    lua_createtable(L, 0, 1);
    lua_pushstring(L, name);
}

static void push_status(struct convert_in *in)
{
    lua_State *L = in->lua;
    struct bytes text = in_line(in);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "ok");
    push_bytes(L, text);
    lua_rawset(L, -3);
}

static void push_value(struct convert_in *in);

static void push_array(struct convert_in *in, int64_t count)
{
    lua_State *L = in->lua;
    luaL_checkstack(L, 4, "the reply is nested too deeply");
    lua_createtable(L, (int)count, 0);
    for (int64_t i = 1; i <= count; i++) {
        push_value(in);
        lua_rawseti(L, -2, (int)i);
    }
}

static void push_map(struct convert_in *in, int64_t count)
{
    lua_State *L = in->lua;
    luaL_checkstack(L, 6, "the reply is nested too deeply");
    push_holder(L, "map");
    lua_createtable(L, 0, (int)count);
    for (int64_t i = 0; i < count; i++) {
        push_value(in);
        push_value(in);
        if (lua_isnil(L, -2))
            lua_pop(L, 2); /* nothing that a table could have as a key */
        else
            lua_rawset(L, -3);
    }
    lua_rawset(L, -3);
}

static void push_set(struct convert_in *in, int64_t count)
{
    lua_State *L = in->lua;
    luaL_checkstack(L, 6, "the reply is nested too deeply");
    push_holder(L, "set");
    lua_createtable(L, 0, (int)count);
    for (int64_t i = 0; i < count; i++) {
        push_value(in);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            continue;
        }
        lua_pushboolean(L, true);
        lua_rawset(L, -3);
    }
    lua_rawset(L, -3);
}

static void push_double(struct convert_in *in)
{
    struct bytes text = in_line(in); /* what follows it ends the number */
    push_holder(in->lua, "double");
    lua_pushnumber(in->lua, strtod(text.ptr, NULL));
    lua_rawset(in->lua, -3);
}

static void push_big_number(struct convert_in *in)
{
    push_holder(in->lua, "big_number");
    push_bytes(in->lua, in_line(in));
    lua_rawset(in->lua, -3);
}

static void push_verbatim(struct convert_in *in)
{
    lua_State *L = in->lua;
    struct bytes text = in_bulk(in, in_number(in));
    must(text.len >= 4);
    push_holder(L, "verbatim_string");
    lua_createtable(L, 0, 2);
    lua_pushliteral(L, "string");
    lua_pushlstring(L, text.ptr + 4, text.len - 4);
    lua_rawset(L, -3);
    lua_pushliteral(L, "format");
    lua_pushlstring(L, text.ptr, 3);
    lua_rawset(L, -3);
    lua_rawset(L, -3);
}

/* Attributes are not shown to scripts. */
static void skip_attributes(struct convert_in *in)
{
    int top = lua_gettop(in->lua);
    for (int64_t n = 2 * in_number(in); n > 0; n--) {
        push_value(in);
        lua_settop(in->lua, top);
    }
    push_value(in);
}

static void push_rare(struct convert_in *in, char type)
{
    lua_State *L = in->lua;
    switch (type) {
    case '%': push_map(in, in_number(in)); return;
    case '~': push_set(in, in_number(in)); return;
    case ',': push_double(in); return;
    case '(': push_big_number(in); return;
    case '=': push_verbatim(in); return;
    case '|': skip_attributes(in); return;
    case '>': push_array(in, in_number(in)); return;
    case '#': lua_pushboolean(L, *in->at == 't'); break;
    case '_': lua_pushnil(L); break;
    default: must(false);
    }
    in_line(in);
}

static void push_value(struct convert_in *in)
{
    int64_t n;
    must(in->at < in->end);
    char type = *in->at++;
    switch (type) {
    case ':': lua_pushnumber(in->lua, (lua_Number)in_number(in)); break;
    case '$':
        n = in_number(in);
        if (n < 0)
            lua_pushboolean(in->lua, false);
        else
            push_bytes(in->lua, in_bulk(in, n));
        break;
    case '*':
        n = in_number(in);
        if (n < 0)
            lua_pushboolean(in->lua, false);
        else
            push_array(in, n);
        break;
    case '+': push_status(in); break;
    case '-': failure_push(in->lua, in_line(in), true); break;
    default: push_rare(in, type);
    }
}

bool convert_push_reply(lua_State *L, struct bytes reply)
{
    struct convert_in in = {L, reply.ptr, reply.ptr + reply.len};
    luaL_checkstack(L, 8, "no room for a reply");
    if (unlikely(reply.len == 0)) { /* DEBUG SET-DISABLE-DENY-SCRIPTS: a command of another kind */
        lua_pushnil(L);
        return false;
    }
    push_value(&in);
    return reply.ptr[0] == '-';
}
