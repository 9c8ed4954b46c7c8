/* Whole databases: flushing at once or in steps, swapping. */
#include "execute/keyspace/db.h"

#include "base/clock.h"
#include "execute/types/grave.h"
#include "execute/types/heap.h"

static void flush_now(struct table *t)
{
    struct segment *s;
    for (uint64_t index = 0; (s = table_next_segment(t, &index)) != NULL;) {
        table_free_segment(t, s);
    }
    table_close(t);
}

/* Its table moves into a record of its own. */
static void flush_aside(struct db *db)
{
    struct flushed *g = heap_alloc(sizeof(*g));
    *g = (struct flushed){.next = keyspace.flushed, .table = db->table};
    db->table = (struct table){0};
    keyspace.flushed = g;
    g->is_kept = keyspace.gate != NULL && keyspace.gate->flushed(db, &g->table);
    if (!g->is_kept) keyspace.stats.pending_free += g->table.count;
}

static uint64_t flush_one(struct db *db, bool later)
{
    uint64_t count = db->table.count;
    if (db->table.directory == NULL) return 0;
    if (db->waited > 0) keyspace.on_waited(db, NULL);
    if (later || keyspace.gate != NULL)
        flush_aside(db);
    else
        flush_now(&db->table);
    return count;
}

void keyspace_let_go(const struct table *was)
{
    struct flushed *g = keyspace.flushed;
    while (&g->table != was) g = g->next;
    must(g->is_kept);
    g->is_kept = false;
    keyspace.stats.pending_free += g->table.count;
}

uint64_t keyspace_flush(struct db *db, bool later)
{
    if (db != NULL) return flush_one(db, later);
    uint64_t count = 0;
    for (int i = 0; i < keyspace.count; i++) count += flush_one(&keyspace.dbs[i], later);
    return count;
}

void keyspace_swap(struct db *a, struct db *b)
{
    struct table table = a->table;
    a->table = b->table;
    b->table = table;
    if (keyspace.gate != NULL) keyspace.gate->swapped(a, b);
    if (a->waited > 0) keyspace.on_waited(a, NULL);
    if (b->waited > 0) keyspace.on_waited(b, NULL);
}

/* A step of freeing flushed tables; false when there are none. */
static bool flush_step(void)
{
    struct flushed **link = &keyspace.flushed;
    while (*link != NULL && (*link)->is_kept) link = &(*link)->next;
    struct flushed *g = *link;
    if (g == NULL) return false;
    struct segment *s = table_next_segment(&g->table, &g->index);
    if (s != NULL) {
        uint64_t graves = grave_count();
        uint64_t count = table_free_segment(&g->table, s);
        keyspace.stats.pending_free -= count;
        /* Large values went into graves: they still wait, and count when they are freed. */
        keyspace.stats.freed_later += count - (grave_count() - graves);
        return true;
    }
    *link = g->next;
    table_close(&g->table);
    heap_free(g);
    return true;
}

bool keyspace_work(uint64_t budget_us)
{
    uint64_t start_us = 0;
    while (grave_dig() || flush_step()) {
        if (start_us == 0)
            start_us = clock_mono_us();
        else if (clock_mono_us() - start_us >= budget_us)
            return true;
    }
    return false;
}
