/*
 * maxmemory-clients: when the memory of all clients together is over the limit, the largest are
 * closed, as the bucket of their size tells (buckets are powers of two), until it is not.
 *
 * All clients are looked at, as what they cost is known to three stages and added up by nobody: at
 * the top of a turn, as often as that costs little, and before a command that could break the limit
 * alone. Those with CLIENT NO-EVICT are counted and stay.
 */
#ifndef EXECUTE_CORE_CLIENT_LIMIT_H
#define EXECUTE_CORE_CLIENT_LIMIT_H

#include "execute/execute_private.h"

#include "catalog/settings.h"
#include "execute/core/session.h"

/* In bytes; 0: there is none. */
uint64_t client_limit_bytes(const struct settings *s);

/* At the top of a turn that began at `ticks`: no session may be in anybody's hands. */
void client_limit_look(const struct settings *s, uint64_t ticks);
/* Commands that take so many bytes on the wire, or more, could break the limit alone. */
uint32_t client_limit_command_len(const struct settings *s);
/* Before such a command runs, its length being in its session's last_wire_len. The session may be
 * closing after it. */
void client_limit_command(const struct settings *s, uint32_t wire_len);

/* The session ends: what it held is free now. */
void client_limit_forget(const struct session *s);
/* What clients hold that were closed and are not gone yet, and go on to receive until their end is
 * seen: no keys are to be evicted for that. */
uint64_t client_limit_dying_bytes(void);

#endif
