/*
 * The slow log: the latest commands that took longer than slowlog-log-slower-than, newest first.
 * Long commands are cut and passwords are kept out.
 *
 * An entry also tells how long its reply waited to be written. Only the writer knows: an entry
 * rides on the batch that carries the reply (slowlog_ride()), the writer notes in the item when the
 * kernel had taken all of it, and when the batch is home the entry is completed (slowlog_land()).
 */
#ifndef EXECUTE_CORE_SLOWLOG_H
#define EXECUTE_CORE_SLOWLOG_H

#include "execute/execute_private.h"

#include "execute/core/call.h"
#include "execute/core/session.h"

#define SLOWLOG_ARGS 32
#define SLOWLOG_ARG_CHARS 128

struct slowlog_times {
    uint64_t wait_us;   /* from being read to being run */
    uint64_t us;        /* it ran */
    uint64_t end_ticks; /* when it was through */
};

struct slowlog_entry {
    struct slowlog_entry *next; /* older */
    struct slowlog_entry *newer;
    uint64_t id;
    int64_t at_s; /* wall */
    struct slowlog_times times;
    int64_t write_us; /* from its end until its reply was written; -1: that is not known */
    /* While its reply is on its way: those of the same batch, and the item. */
    struct slowlog_entry *ride_next, **ride_link;
    uint32_t ride_item;
    struct bytes peer, client_name;
    uint32_t nargs;
    struct bytes args[]; /* and the bytes that all of them borrow */
};

void slowlog_open(void);
void slowlog_close(void);

/* The command of `c` took long; the log keeps `max` entries. */
void slowlog_add(const struct call *c, const struct slowlog_times *times, uint64_t max);

/* For slowlog_is_fresh() only: entries whose reply is not in an item yet. */
extern struct slowlog_entry *slowlog_fresh;
static inline bool slowlog_is_fresh(void) { return slowlog_fresh != NULL; }
/* The replies of all fresh entries are in item `item` of `b`; -1: they have none. */
void slowlog_ride(struct reply_batch *b, int64_t item);
/* The batch is home, or will never leave. */
void slowlog_land(struct reply_batch *b);

/* Newest; then e->next. */
const struct slowlog_entry *slowlog_first(void);
uint64_t slowlog_count(void);
/* How many entries there ever were: the id of the next one. */
uint64_t slowlog_next_entry_id(void);
void slowlog_clear(void);

#endif
