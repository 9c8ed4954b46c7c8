/*
 * Code keeps the globals that it was compiled with: so there is one table of them in the VM, and
 * the server takes out and puts in what it holds, between runs.
 */
#include "execute/script/function_vm.h"

#include "execute/script/function_load.h"
#include "execute/script/sandbox.h"

static struct vm *functions_vm;
/* Places in the registry: tables with what is seen. */
static int functions_seen_loading, functions_seen_running;

/* Copies what is in the table at `from` to the one at `to`. */
static void function_vm_copy(lua_State *L, int from, int to)
{
    for (lua_pushnil(L); lua_next(L, from) != 0;) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, to);
    }
}

static void function_vm_empty(lua_State *L, int table)
{
    for (lua_pushnil(L); lua_next(L, table) != 0;) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_pushnil(L);
        lua_rawset(L, table);
    }
}

/* Pushes the table `redis` that a library sees while it is loaded. */
static void function_vm_push_redis(lua_State *L)
{
    static const char *const shared[] = {
        "log",         "LOG_DEBUG",     "LOG_VERBOSE",      "LOG_NOTICE",
        "LOG_WARNING", "REDIS_VERSION", "REDIS_VERSION_NUM"};
    lua_newtable(L);
    int table = lua_gettop(L);
    lua_getfield(L, VM_SLOT_GLOBALS, "redis");
    for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
        lua_getfield(L, -1, shared[i]);
        lua_setfield(L, table, shared[i]);
    }
    lua_pushcfunction(L, function_load_register);
    lua_setfield(L, table, "register_function");
    lua_settop(L, table);
    sandbox_freeze_globals(L, table);
}

/* Takes out of `redis` what is EVAL's alone. */
static void function_vm_trim_redis(lua_State *L)
{
    static const char *const absent[] = {"breakpoint", "debug", "replicate_commands"};
    lua_getfield(L, VM_SLOT_GLOBALS, "redis");
    sandbox_push_contents(L, -1);
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
        lua_pushnil(L);
        lua_setfield(L, -2, absent[i]);
    }
    lua_pop(L, 2);
}

struct vm *function_vm(void)
{
    if (functions_vm != NULL) return functions_vm;
    struct vm *vm = functions_vm = vm_open();
    lua_State *L = vm->lua;
    function_vm_trim_redis(L);
    lua_newtable(L);
    function_vm_push_redis(L);
    lua_setfield(L, -2, "redis");
    functions_seen_loading = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_newtable(L);
    function_vm_copy(L, VM_SLOT_GLOBALS, lua_gettop(L));
    functions_seen_running = luaL_ref(L, LUA_REGISTRYINDEX);
    return vm;
}

void function_vm_close(void)
{
    if (functions_vm != NULL) vm_close(functions_vm);
    functions_vm = NULL;
}

size_t function_vm_memory(void) { return functions_vm == NULL ? 0 : functions_vm->used; }

void function_vm_see(struct vm *vm, bool loading)
{
    lua_State *L = vm->lua;
    lua_rawgeti(L, LUA_REGISTRYINDEX, loading ? functions_seen_loading : functions_seen_running);
    function_vm_empty(L, VM_SLOT_GLOBALS);
    function_vm_copy(L, lua_gettop(L), VM_SLOT_GLOBALS);
    lua_pop(L, 1);
}

int function_vm_keep(lua_State *L) { return luaL_ref(L, LUA_REGISTRYINDEX); }

void function_vm_release(int callback)
{
    if (functions_vm != NULL) luaL_unref(functions_vm->lua, LUA_REGISTRYINDEX, callback);
}
