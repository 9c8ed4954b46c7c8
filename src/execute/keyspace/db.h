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
    uint64_t waited; /* keys that somebody waits for (keyspace_on_new) */
};

/* A table that was flushed and waits to be freed in steps. */
struct flushed {
    struct flushed *next;
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
    void (*on_new)(struct db *db, struct key key, const struct entry *e);
    struct flushed *flushed;
    struct keyspace_stats stats;
    struct histogram expire_lag_us;
};
extern struct keyspace keyspace;

/* The slot of a key that is alive, or NULL; one that is due is deleted. */
uint64_t *db_find(struct db *db, struct key key);
/* Deletes an expired entry that somebody came across. */
void db_expire_met(struct db *db, uint64_t hash, uint64_t *slot);
/* Removes the entry in a slot and frees it. */
void db_remove(struct db *db, uint64_t hash, uint64_t *slot);

#endif
