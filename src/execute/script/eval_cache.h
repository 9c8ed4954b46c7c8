/*
 * The scripts that EVALSHA finds, by the SHA-1 of their text, and the VM that they are compiled in.
 *
 * What SCRIPT LOAD brought stays until SCRIPT FLUSH; of what EVAL brought the EVAL_CACHE_MAX used
 * last stay.
 */
#ifndef EXECUTE_SCRIPT_EVAL_CACHE_H
#define EXECUTE_SCRIPT_EVAL_CACHE_H

#include "execute/execute_private.h"

#include "codec/sha1.h"
#include "execute/core/call.h"
#include "execute/script/vm.h"

#define EVAL_CACHE_MAX 500

struct eval_script {
    char name[SHA1_HEX_CHARS + 1];   /* the digits */
    uint32_t flags;                  /* enum script_flag */
    int function;                    /* reference of the compiled function in the VM's registry */
    bool stays;                      /* SCRIPT LOAD brought it */
    struct eval_script *next, *prev; /* of those that do not stay, oldest first */
};

/* The VM, made when it is first asked for. */
struct vm *eval_cache_vm(void);
/* By its digits in any case, or NULL. */
struct eval_script *eval_cache_find(struct bytes digits);
/* By its text; one that is new is compiled. NULL: it does not compile, and that is answered. */
struct eval_script *eval_cache_load(struct call *c, struct bytes text, bool stays);
/* It is run now. */
void eval_cache_touch(struct eval_script *s);
/* Forgets all scripts; not while one runs. */
void eval_cache_flush(void);

uint64_t eval_cache_count(void);
uint64_t eval_cache_evicted(void);
size_t eval_cache_bytes(void); /* beside the VM */
size_t eval_cache_vm_bytes(void);

#endif
