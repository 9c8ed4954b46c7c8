/*
 * maxmemory: before a command runs, keys are evicted until the memory in use is below the limit.
 */
#ifndef EXECUTE_CORE_MEMORY_LIMIT_H
#define EXECUTE_CORE_MEMORY_LIMIT_H

#include "execute/execute_private.h"

#include "catalog/settings.h"

#include <stdbool.h>
#include <stdint.h>

/* Who keeps memory only in order to be quick is asked to give it back before a key goes. */
void memory_limit_open(void (*give_back)(void *self), void *self);

/*
 * Makes room by the policy in force, for as long as maxmemory-eviction-tenacity lets a command
 * wait. False when memory is over the limit and nothing may go any more: commands that may grow
 * memory are refused. What could not be done in time goes on with the next command, or in
 * memory_limit_tick().
 */
bool memory_limit_make_room(const struct settings *s);
/* From execute's clock; true while there is more to evict. */
bool memory_limit_tick(const struct settings *s);

/* Milliseconds that memory was over the limit because evicting took longer: in all, and since when
 * it is now (0: it is not). */
uint64_t memory_limit_exceeded_ms(void);
uint64_t memory_limit_exceeding_ms(void);
void memory_limit_reset_stats(void);

#endif
