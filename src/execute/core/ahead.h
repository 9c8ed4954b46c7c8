/*
 * Asking ahead for the memory of commands that are about to run: they miss the cache together
 * instead of one after the other.
 */
#ifndef EXECUTE_CORE_AHEAD_H
#define EXECUTE_CORE_AHEAD_H

#include "execute/execute_private.h"

#include "msg/command_batch.h"

struct db;

#define AHEAD_MAX 32 /* bits of a mask */

/* `dbs` are the databases that the commands will run in; NULL: nothing is known of one. `count` is
 * at most AHEAD_MAX. */
void ahead_fetch(const struct command *commands, struct db *const *dbs, uint32_t count);

#endif
