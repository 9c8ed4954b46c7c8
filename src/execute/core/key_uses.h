/*
 * All keys of a request: few lie in the struct, which is meant for the stack, many on the heap.
 */
#ifndef EXECUTE_CORE_KEY_USES_H
#define EXECUTE_CORE_KEY_USES_H

#include "execute/execute_private.h"

#include "catalog/command.h"

enum { KEY_USES_FEW = 64 };

struct key_uses {
    int64_t count; /* as the finder gives it */
    struct key_use *at;
    struct key_use few[KEY_USES_FEW];
};

/* command_keys() or command_keys_found(). */
typedef int64_t key_finder(const struct command_spec *c, const struct bytes *args, uint32_t nargs,
                           struct key_use *out, uint32_t max);

/* key_uses_free() ends it, whatever was found. */
void key_uses_find(struct key_uses *k, key_finder *find, const struct command_spec *spec,
                   const struct bytes *args, uint32_t nargs);
void key_uses_free(struct key_uses *k);

#endif
