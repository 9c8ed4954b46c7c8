/*
 * A VM's small blocks: what Lua frees is kept, up to a bound, for what it asks for next, as every
 * run makes and drops the same few tables and strings. Lua says how long a block is when it gives
 * it back, so nothing is kept with the blocks.
 */
#ifndef EXECUTE_SCRIPT_VM_ALLOC_H
#define EXECUTE_SCRIPT_VM_ALLOC_H

#include "execute/execute_private.h"

#include <stddef.h>

#define VM_CLASS_BYTES 16
#define VM_CLASSES 16 /* blocks of up to 256 bytes */

struct vm_spare {
    struct vm_spare *next;
};

struct vm_spares {
    struct vm_spare *of[VM_CLASSES];
    size_t bytes; /* of all */
};

/* As lua_Alloc has it; `len` > 0. */
void *vm_take(struct vm_spares *s, size_t len);
void *vm_resize(struct vm_spares *s, void *ptr, size_t old_len, size_t len);
void vm_give(struct vm_spares *s, void *ptr, size_t len);
/* Gives all spare blocks back to the heap. */
void vm_spares_close(struct vm_spares *s);

#endif
