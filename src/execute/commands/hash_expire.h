/*
 * Times and lists of fields as the commands for deadlines of fields read them.
 */
#ifndef EXECUTE_COMMANDS_HASH_EXPIRE_H
#define EXECUTE_COMMANDS_HASH_EXPIRE_H

#include "execute/execute_private.h"

#include "execute/core/call.h"

/* Reads the time at argument i, of a unit of expire_options.h, as an absolute one: 0 to
 * HASH_DEADLINE_MAX. False: the error is answered. */
bool hash_expire_time(struct call *c, uint32_t i, unsigned unit, int64_t *at_ms);

/*
 * Reads FIELDS, how many and their names, from argument i to the last; *first is the first name's.
 * `bad_count` is the error for a number that cannot be. False: the error is answered.
 */
bool hash_expire_fields(struct call *c, uint32_t i, const char *bad_count, uint32_t *first);

/* The effect of fields getting a deadline: what stands behind it is the arguments from i on. */
void hash_expire_tell(struct call *c, int64_t at_ms, uint32_t i);

#endif
