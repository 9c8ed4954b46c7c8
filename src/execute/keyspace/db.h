/* What the keyspace's own files share: the databases, the time, the counters. */
#ifndef EXECUTE_KEYSPACE_DB_H
#define EXECUTE_KEYSPACE_DB_H

#include "execute/keyspace/table.h"

#include "base/histogram.h"
#include "base/random.h"

struct db {
    struct table table;
    int number;
};

/* A table that was flushed and waits to be freed in steps. */
struct grave {
    struct grave *next;
    uint64_t index; /* of the directory, where freeing goes on */
    struct table table;
};

struct keyspace {
    struct db *dbs;
    int count;
    int64_t now_ms;
    bool no_touch;
    bool expiry_off;
    bool keep_expired;
    struct random random;
    struct grave *graves;
    struct keyspace_stats stats;
    struct histogram expire_lag_us;
};
extern struct keyspace keyspace;

/* The hash of an entry's key. */
static inline uint64_t db_hash(const struct entry *e)
{
    return hash_bytes(entry_name_at(e), entry_name_len(e));
}

/* The slot of a key that is alive, or NULL; one that is due is deleted. */
uint64_t *db_find(struct db *db, struct key key);
/* Deletes an expired entry that somebody came across. */
void db_expire_met(struct db *db, uint64_t hash, uint64_t *slot);
/* Removes the entry in a slot and frees it. */
void db_remove(struct db *db, uint64_t hash, uint64_t *slot);

#endif
