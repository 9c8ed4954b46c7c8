/*
 * Persistence as people see it: when a snapshot is made (SAVE, BGSAVE, save points), when the log
 * is on, rewritten, and why writes are refused. Plain state of execute; core/snapshot.h,
 * core/effect.h, core/loading.h and persist (core/orders.h) do the work.
 */
#ifndef EXECUTE_CORE_PERSISTENCE_H
#define EXECUTE_CORE_PERSISTENCE_H

#include "execute/execute_private.h"

#include "catalog/settings.h"

#include <stdbool.h>
#include <stdint.h>

/* Before threads start: loads what there is when execute's turns begin. */
void persistence_open(void);
void persistence_close(void);
/* In every turn: loading, slices of a snapshot, save points, automatic rewrites, tries again after
 * errors. Gives when it wants the next turn: monotonic ns. */
uint64_t persistence_tick(const struct settings *settings, uint64_t mono_ns);

/* What a client's write is refused with (a line with its code, -MISCONF), or NULL. */
const char *persistence_refusal(void);
/* The number of the effect that must be on disk before replies may leave; 0: none. */
uint64_t persistence_reply_after(void);

int persistence_save(void);                 /* SAVE: 0 or -errno */
const char *persistence_bgsave(bool waits); /* the error line, or NULL; SCHEDULE: `waits` */
bool persistence_is_scheduled(void);        /* BGSAVE waits for a rewrite to end */
const char *persistence_rewrite(void);      /* BGREWRITEAOF: the error line, or NULL */

#endif
