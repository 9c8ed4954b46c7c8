/*
 * The functions of `redis`. redis.call() and redis.pcall() are in redis_call.c.
 */
#include "execute/script/redis_api.h"

#include "base/log.h"
#include "catalog/command.h"
#include "codec/sha1.h"
#include "execute/core/effect.h"
#include "execute/core/run.h"
#include "execute/script/failure.h"
#include "execute/script/redis_call.h"
#include "execute/script/sandbox.h"
#include "execute/script/script.h"
#include "version.h"

enum { REPL_NONE = 0, REPL_AOF = 1, REPL_REPLICA = 2, REPL_ALL = 3 };

/* Pushes an error table as a value. */
static int push_failure(lua_State *L, const char *text)
{
    failure_push(L, bytes_of(text), false);
    return 1;
}

/* The argument is one string. */
static bool is_one_string(lua_State *L)
{
    return lua_gettop(L) == 1 && lua_type(L, 1) == LUA_TSTRING;
}

/* A text of one word is no code: it gets the general one. A leading '-' is the protocol's. */
static int redis_error_reply(lua_State *L)
{
    if (!is_one_string(L)) return push_failure(L, "ERR wrong number or type of arguments");
    struct bytes text = lua_bytes(L, 1);
    if (text.len > 0 && text.ptr[0] == '-') text = bytes_make(text.ptr + 1, text.len - 1);
    bool has_code = text.len > 0 && memchr(text.ptr, ' ', text.len) != NULL;
    lua_pushstring(L, has_code ? "" : "ERR ");
    lua_pushlstring(L, text.ptr, text.len);
    lua_concat(L, 2);
    failure_push(L, lua_bytes(L, -1), false);
    return 1;
}

static int redis_status_reply(lua_State *L)
{
    if (!is_one_string(L)) return push_failure(L, "ERR wrong number or type of arguments");
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "ok");
    return 1;
}

static int redis_sha1hex(lua_State *L)
{
    uint8_t sum[SHA1_BYTES];
    char text[SHA1_HEX_CHARS + 1];
    if (lua_gettop(L) != 1) return failure_raise(L, "ERR wrong number of arguments");
    struct bytes data = lua_bytes(L, 1);
    if (data.ptr == NULL) data = bytes_of("");
    sha1(data, sum);
    sha1_print(sum, text);
    lua_pushlstring(L, text, SHA1_HEX_CHARS);
    return 1;
}

static int redis_log(lua_State *L)
{
    int n = lua_gettop(L);
    if (n < 2) return failure_raise(L, "ERR redis.log() requires two arguments or more.");
    if (lua_type(L, 1) != LUA_TNUMBER)
        return failure_raise(L, "ERR First argument must be a number (log level).");
    lua_Number level = lua_tonumber(L, 1);
    if (!(level >= LOG_DEBUG_ALL && level < LOG_NOTHING))
        return failure_raise(L, "ERR Invalid debug level.");
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    for (int i = 2; i <= n; i++) {
        if (i > 2) luaL_addchar(&text, ' ');
        if (lua_isstring(L, i)) {
            lua_pushvalue(L, i);
            luaL_addvalue(&text);
        }
    }
    luaL_pushresult(&text);
    log_line((enum log_level)level, "%s", lua_tostring(L, -1));
    return 0;
}

static int redis_setresp(lua_State *L)
{
    if (lua_gettop(L) != 1) return failure_raise(L, "ERR redis.setresp() requires one argument.");
    lua_Number resp = lua_tonumber(L, 1);
    if (resp != 2 && resp != 3) return failure_raise(L, "ERR RESP version must be 2 or 3.");
    struct script_run *run = vm_of(L)->run;
    if (run != NULL) run->resp = (uint8_t)resp;
    return 0;
}

static int redis_set_repl(lua_State *L)
{
    if (lua_gettop(L) != 1) return failure_raise(L, "ERR redis.set_repl() requires two arguments.");
    lua_Number flags = lua_tonumber(L, 1);
    if (!(flags >= REPL_NONE && flags <= REPL_ALL))
        return failure_raise(
            L, "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
    struct script_run *run = vm_of(L)->run;
    if (run == NULL) return 0;
    run->repl = (uint8_t)flags;
    effect_mute(!(run->repl & REPL_AOF));
    return 0;
}

/* Scripts are always replicated by what they do. */
static int redis_replicate_commands(lua_State *L)
{
    lua_pushboolean(L, true);
    return 1;
}

/* There is no debugger. */
static int redis_breakpoint(lua_State *L)
{
    lua_pushboolean(L, false);
    return 1;
}

static int redis_debug(lua_State *L)
{
    (void)L;
    return 0;
}

static void push_constants(lua_State *L)
{
    static const struct {
        const char *name;
        int value;
    } constants[] = {
        {"LOG_DEBUG", LOG_DEBUG_ALL}, {"LOG_VERBOSE", LOG_VERBOSE_MORE}, {"LOG_NOTICE", LOG_NOTE},
        {"LOG_WARNING", LOG_WARN},    {"REPL_NONE", REPL_NONE},          {"REPL_AOF", REPL_AOF},
        {"REPL_SLAVE", REPL_REPLICA}, {"REPL_REPLICA", REPL_REPLICA},    {"REPL_ALL", REPL_ALL},
    };
    int major, minor, patch;
    for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
        lua_pushinteger(L, constants[i].value);
        lua_setfield(L, -2, constants[i].name);
    }
    must(sscanf(BATON_REDIS_VERSION, "%d.%d.%d", &major, &minor, &patch) == 3);
    lua_pushliteral(L, BATON_REDIS_VERSION);
    lua_setfield(L, -2, "REDIS_VERSION");
    lua_pushinteger(L, major << 16 | minor << 8 | patch);
    lua_setfield(L, -2, "REDIS_VERSION_NUM");
}

void redis_api_open(lua_State *L, int globals)
{
    static const luaL_Reg functions[] = {
        {"call", redis_call},
        {"pcall", redis_pcall},
        {"acl_check_cmd", redis_acl_check_cmd},
        {"error_reply", redis_error_reply},
        {"status_reply", redis_status_reply},
        {"sha1hex", redis_sha1hex},
        {"log", redis_log},
        {"setresp", redis_setresp},
        {"set_repl", redis_set_repl},
        {"replicate_commands", redis_replicate_commands},
        {"breakpoint", redis_breakpoint},
        {"debug", redis_debug},
    };
    lua_newtable(L);
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        lua_pushcfunction(L, functions[i].func);
        lua_setfield(L, -2, functions[i].name);
    }
    push_constants(L);
    sandbox_freeze(L, -1);
    lua_pushliteral(L, "redis");
    lua_insert(L, -2);
    lua_rawset(L, globals);
}
