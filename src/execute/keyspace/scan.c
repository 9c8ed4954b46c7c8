/* SCAN: a table's walk without the keys that are due. */
#include "execute/keyspace/db.h"

#include "execute/types/heap.h"

#define EXPIRED_ROOM 16 /* for expired entries at first */

struct scan_filter {
    void (*visit)(void *ctx, struct entry *e);
    void *ctx;
    bool expire; /* gather the expired */
    struct entry **expired;
    size_t expired_count, expired_room;
};

static void scan_filter(void *ctx, struct entry *e)
{
    struct scan_filter *f = ctx;
    if (likely(!entry_is_due(e, keyspace.due_ms))) {
        f->visit(f->ctx, e);
        return;
    }
    if (!f->expire) return;
    if (f->expired_count == f->expired_room) {
        f->expired_room = f->expired_room == 0 ? EXPIRED_ROOM : 2 * f->expired_room;
        f->expired = heap_realloc(f->expired, f->expired_room * sizeof(struct entry *));
    }
    f->expired[f->expired_count++] = e;
}

uint64_t keyspace_scan(struct db *db, uint64_t cursor, uint64_t count,
                       void (*visit)(void *ctx, struct entry *e), void *ctx)
{
    struct scan_filter f = {.visit = visit, .ctx = ctx};
    return table_scan(&db->table, cursor, count, scan_filter, &f);
}

/* A cursor stays good whatever the deletions do to the table. */
uint64_t keyspace_scan_expire(struct db *db, uint64_t cursor, uint64_t count,
                              void (*visit)(void *ctx, struct entry *e), void *ctx)
{
    struct scan_filter f = {.visit = visit, .ctx = ctx, .expire = !keyspace.keep_expired};
    uint64_t next = table_scan(&db->table, cursor, count, scan_filter, &f);
    for (size_t i = 0; i < f.expired_count; i++) {
        uint64_t hash = entry_hash(f.expired[i]);
        db_expire_met(db, hash, table_slot_of(&db->table, hash, f.expired[i]));
    }
    heap_free(f.expired);
    return next;
}
