/*
 * A VM: a Lua 5.1 state for scripts, in its sandbox (script/sandbox.h), with the `redis` table.
 *
 * Its memory comes from execute's heap and is counted. While it is limited (vm_call()), a script
 * that asks for more than `script-memory-limit` gets the error "not enough memory"; what the server
 * does between runs is not limited, as there nobody could catch the error.
 */
#ifndef EXECUTE_SCRIPT_VM_H
#define EXECUTE_SCRIPT_VM_H

#include "execute/execute_private.h"

#include "base/bytes.h"
#include "execute/script/lua.h"
#include "execute/script/vm_alloc.h"

struct script_run;

struct vm {
    lua_State *lua;
    size_t used;  /* bytes */
    size_t limit; /* 0: not limited now */
    size_t calm;  /* above this many bytes a run ends with a full collection */
    struct vm_spares spares;
    uint64_t random;        /* math.random's state */
    struct script_run *run; /* what runs in it now, or NULL */
    bool ends;              /* vm_end_run() was called for it */
};

/* The stack of vm->lua begins with what is always there. */
enum vm_slot {
    VM_SLOT_GLOBALS = 1, /* what scripts see as globals: writable for the server only */
    VM_SLOT_HANDLER,     /* of errors */
    VM_SLOT_KEYS,        /* the words "KEYS" and "ARGV" */
    VM_SLOT_ARGV,
    VM_SLOTS = VM_SLOT_ARGV
};

struct vm *vm_open(void);
/* Nothing may run in it. */
void vm_close(struct vm *vm);
/* The VM that a state, or one of its coroutines, belongs to. */
static inline struct vm *vm_of(lua_State *L)
{
    void *vm;
    lua_getallocf(L, &vm);
    return vm;
}

/*
 * Compiles `code`, which errors call `chunk` ("@user_script"): pushes the function, or gives false
 * and pushes a message. Bytecode is refused. `limit`: as that of vm_call(); 0 where one holds
 * already.
 */
bool vm_load(lua_State *L, struct bytes code, const char *chunk, size_t limit);
/*
 * Calls the function below its `nargs` arguments, all on vm->lua's stack, under the limit. Gives
 * true and one result on the stack, or false and the error value (see VM_SLOT_HANDLER's handler in
 * script/failure.h). The function and its arguments are gone.
 */
bool vm_call(struct vm *vm, int nargs, size_t limit);
/* What runs is to end, whatever it catches: from now on an error is raised at every instruction. */
void vm_end_run(lua_State *L);
/* After a run: a full collection, if it left much behind. */
void vm_tidy(struct vm *vm);

#endif
