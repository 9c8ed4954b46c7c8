/*
 * The keys that tracking sessions have read, each with the numbers of those sessions.
 *
 * A session that ends, or stops to track, stays in the table: that its number means nobody any more
 * is seen when the key is changed, or when its line of numbers grows.
 */
#ifndef EXECUTE_CORE_TRACKING_TABLE_H
#define EXECUTE_CORE_TRACKING_TABLE_H

#include "execute/execute_private.h"

#include "execute/core/session.h"
#include "execute/types/key.h"

/* With more than `max` keys (0: no bound) others are given up: as if they had been changed. */
void tracking_table_add(struct key key, uint64_t reader, uint64_t max);
/* Tells those who have read the key, but for `by` when it asked for that, and forgets it. */
void tracking_table_touched(struct key key, const struct session *by);
/* Forgets all keys; the memory is freed by tracking_table_work(). */
void tracking_table_clear(void);
/* A step of giving up keys over the bound, and of freeing. True: there is more to do. */
bool tracking_table_work(uint64_t max);
void tracking_table_close(void);

uint64_t tracking_table_count(void); /* keys */
uint64_t tracking_table_items(void); /* pairs of key and reader */

#endif
