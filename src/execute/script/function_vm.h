/*
 * The VM in which functions live, apart from that of EVAL. It is opened when the first library is
 * loaded and closed when all are flushed.
 */
#ifndef EXECUTE_SCRIPT_FUNCTION_VM_H
#define EXECUTE_SCRIPT_FUNCTION_VM_H

#include "execute/execute_private.h"

#include "execute/script/vm.h"

/* Opens it where it is not open yet. */
struct vm *function_vm(void);
/* Nothing may run in it, and no library is left. */
void function_vm_close(void);
/* Bytes. */
size_t function_vm_memory(void);

/*
 * Switches what all code in it sees: while a library is loaded nothing but a small table `redis`,
 * with register_function(); else what scripts see, without KEYS and ARGV.
 */
void function_vm_see(struct vm *vm, bool loading);

/* Keeps the function on top of the stack, which it takes away: gives its place. */
int function_vm_keep(lua_State *L);
void function_vm_release(int callback);
/* Pushes it. */
static inline void function_vm_push(struct vm *vm, int callback)
{
    lua_rawgeti(vm->lua, LUA_REGISTRYINDEX, callback);
}

#endif
