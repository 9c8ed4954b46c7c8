/* What the keyspace's own files share: the databases, the time, the counters. */
#ifndef EXECUTE_KEYSPACE_DB_H
#define EXECUTE_KEYSPACE_DB_H

#include "execute/keyspace/keyspace.h"
#include "execute/types/table.h"

#include "base/histogram.h"
#include "base/random.h"

struct db {
    struct table table;
    int number;
    uint64_t waited; /* keys that somebody waits for (keyspace_on_waited) */
};

/* A table that was flushed and waits to be freed in steps. */
struct flushed {
    struct flushed *next;
    uint64_t index; /* of the directory, where freeing goes on */
    bool is_kept;   /* keyspace_let_go() comes first */
    struct table table;
};

struct keyspace {
    struct db *dbs;
    int count;
    int64_t now_ms;
    int64_t due_ms; /* what is due by then has expired */
    bool no_touch;
    bool replays;
    bool expiry_off;
    bool keep_expired;
    struct random random;
    void (*on_waited)(struct db *db, const struct key *key);
    void (*on_event)(struct db *db, struct key key, enum keyspace_event what);
    void (*on_element)(struct db *db, struct key key, struct bytes name);
    bool tells_made, tells_missed;
    const struct keyspace_gate *gate;
    struct flushed *flushed;
    struct keyspace_stats stats;
    struct histogram expire_lag_us;
};
extern struct keyspace keyspace;

/* The slot of a key that is alive, or NULL; one that is due is deleted. */
uint64_t *db_find(struct db *db, struct key key);
/* Deletes an expired entry that somebody came across. */
void db_expire_met(struct db *db, uint64_t hash, uint64_t *slot);
/* What is under a key changed its type, came or went: those who wait for it hear of it. */
static inline void db_tell_waiting(struct db *db, struct key key)
{
    if (unlikely(db->waited > 0)) keyspace.on_waited(db, &key);
}
/* The entry is about to go. */
static inline void db_tell_gone(struct db *db, uint64_t hash, const struct entry *e)
{
    if (unlikely(db->waited > 0)) db_tell_waiting(db, (struct key){entry_name(e), hash});
}
/* The candidates of eviction are of databases that are closed. */
void evict_forget(void);
/* The database whose next deadline is the earliest (a lower bound, as the heaps know it), or NULL.
 */
struct db *db_next_due(void);
/* Something happened to this entry, which may be out of the table, but is not freed. */
static inline void db_tell(struct db *db, uint64_t hash, const struct entry *e,
                           enum keyspace_event what)
{
    if (keyspace.on_event != NULL) keyspace.on_event(db, (struct key){entry_name(e), hash}, what);
}
static inline void db_tell_made(struct db *db, struct key key)
{
    if (unlikely(keyspace.tells_made)) keyspace.on_event(db, key, KEYSPACE_MADE);
}
/* Before an entry changes. */
void db_pass_gate(struct db *db, struct entry *e);
static inline void db_before_edit(struct db *db, struct entry *e)
{
    if (unlikely(entry_is_old(e))) db_pass_gate(db, e);
}
/* Frees an entry that has left its table, unless the gate takes it. */
static inline void db_free_entry(struct db *db, struct entry *e)
{
    if (unlikely(entry_is_old(e)) && keyspace.gate != NULL && keyspace.gate->gone(db, e)) return;
    entry_free(e);
}
/* Removes the entry in a slot and frees it; the second also says why. */
void db_remove(struct db *db, uint64_t hash, uint64_t *slot);
void db_delete(struct db *db, uint64_t hash, uint64_t *slot, enum keyspace_event why);

#endif
