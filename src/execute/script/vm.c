/*
 * Making, running and freeing a VM.
 *
 * Invariant: between runs the stack of vm->lua holds the slots of vm.h and nothing else, so that an
 * error leaves nothing behind.
 */
#include "execute/script/vm.h"

#include "base/must.h"
#include "execute/core/busy.h"
#include "execute/script/failure.h"
#include "execute/script/redis_api.h"
#include "execute/script/sandbox.h"
#include "execute/types/heap.h"

#define VM_BLOCK_MAX ((size_t)1 << 30) /* libraries count the bytes of a string in an int */
#define VM_CALM_LEAST ((size_t)4 << 20)
#define VM_POLL_EVERY 10000 /* instructions: about 0.1 ms */

static void *vm_alloc(void *self, void *ptr, size_t old_len, size_t len)
{
    struct vm *vm = self;
    if (len == 0) {
        vm_give(&vm->spares, ptr, old_len);
        vm->used -= old_len;
        return NULL;
    }
    if (unlikely(vm->limit > 0) && len > old_len &&
        (len > VM_BLOCK_MAX || vm->used + (len - old_len) > vm->limit))
        return NULL;
    vm->used += len - old_len; /* wraps around where it shrinks */
    return ptr == NULL ? vm_take(&vm->spares, len) : vm_resize(&vm->spares, ptr, old_len, len);
}

/* Between instructions; coroutines inherit it. */
static void vm_hook(lua_State *L, lua_Debug *debug)
{
    (void)debug;
    if (vm_of(L)->run == NULL || likely(busy_poll())) return;
    vm_end_run(L);
    failure_raise(L, busy_death());
}

static void vm_set_hook(struct vm *vm)
{
    lua_sethook(vm->lua, vm_hook, LUA_MASKCOUNT, VM_POLL_EVERY);
}

void vm_end_run(lua_State *L)
{
    vm_of(L)->ends = true;
    lua_sethook(L, vm_hook, LUA_MASKCOUNT, 1);
    lua_sethook(vm_of(L)->lua, vm_hook, LUA_MASKCOUNT, 1);
}

/* Only calls without protection come here, and they are not limited. */
static int vm_panic(lua_State *L)
{
    (void)L;
    must(false);
    return 0;
}

struct vm *vm_open(void)
{
    struct vm *vm = heap_zalloc(sizeof(*vm));
    lua_State *L = vm->lua = lua_newstate(vm_alloc, vm);
    must(L != NULL);
    lua_atpanic(L, vm_panic);
    vm_set_hook(vm);
    sandbox_open(L);
    must(lua_gettop(L) == VM_SLOT_GLOBALS);
    lua_pushcfunction(L, failure_handler);
    lua_pushliteral(L, "KEYS");
    lua_pushliteral(L, "ARGV");
    redis_api_open(L, VM_SLOT_GLOBALS);
    must(lua_gettop(L) == VM_SLOTS);
    lua_gc(L, LUA_GCCOLLECT, 0);
    vm->calm = vm->used + VM_CALM_LEAST;
    return vm;
}

void vm_close(struct vm *vm)
{
    must(vm->run == NULL);
    lua_close(vm->lua);
    must(vm->used == 0);
    vm_spares_close(&vm->spares);
    heap_free(vm);
}

bool vm_load(lua_State *L, struct bytes code, const char *chunk, size_t limit)
{
    struct vm *vm = vm_of(L);
    size_t usual = vm->limit;
    if (code.len > 0 && code.ptr[0] == LUA_SIGNATURE[0]) {
        lua_pushliteral(L, "bytecode is not loaded");
        return false;
    }
    lua_pushstring(L, chunk); /* Lua's parser does not keep the chunk's name from being collected */
    if (limit > 0) vm->limit = limit;
    bool ok = luaL_loadbuffer(L, code.ptr, code.len, chunk) == 0;
    vm->limit = usual;
    lua_remove(L, -2);
    return ok;
}

bool vm_call(struct vm *vm, int nargs, size_t limit)
{
    vm->limit = limit;
    int status = lua_pcall(vm->lua, nargs, 1, VM_SLOT_HANDLER);
    vm->limit = 0;
    if (unlikely(vm->ends)) vm_set_hook(vm);
    vm->ends = false;
    return status == 0;
}

void vm_tidy(struct vm *vm)
{
    if (likely(vm->used < vm->calm)) return;
    lua_gc(vm->lua, LUA_GCCOLLECT, 0);
    vm->calm = 2 * vm->used + VM_CALM_LEAST;
}
