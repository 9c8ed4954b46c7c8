/*
 * A check of the write gate, in debug builds and where the environment has BATON_SNAPSHOT_CHECK: a
 * snapshot notes a sum of each value when it begins, and compares when it writes the value. An edit
 * that did not pass the gate, wherever it is, stops the process then.
 */
#include "execute/core/snapshot_private.h"

#ifdef BATON_DEBUG

#include "codec/crc64.h"
#include "execute/types/heap.h"
#include "execute/types/table.h"

#include <stdlib.h>

/* By address: an old entry does not move. */
struct check_sum {
    const struct entry *e;
    uint64_t sum;
};

struct check_out {
    struct rdb_out out; /* first: check_room() gets it */
    uint64_t sum;
};

static struct check_sum *check_sums; /* open addressing */
static uint64_t check_mask;

static void check_room(struct rdb_out *out, size_t want)
{
    struct check_out *c = (struct check_out *)out;
    c->sum = crc64(c->sum, bytes_make((const char *)out->ptr, out->len));
    out->len = 0;
    if (out->cap >= want) return;
    out->cap = 2 * want;
    out->ptr = heap_realloc(out->ptr, out->cap);
}

static uint64_t check_sum_of(const struct entry *e)
{
    struct check_out c = {.out.room = check_room};
    int64_t at_ms = entry_deadline(e);
    dump_named(&c.out, e, RDB_VERSION_7_2);
    check_room(&c.out, 0);
    heap_free(c.out.ptr);
    return crc64(c.sum, bytes_make((const char *)&at_ms, sizeof(at_ms)));
}

static struct check_sum *check_slot(const struct entry *e)
{
    uint64_t i = hash_bytes((const char *)&e, sizeof(e)) & check_mask;
    while (check_sums[i].e != NULL && check_sums[i].e != e) i = (i + 1) & check_mask;
    return &check_sums[i];
}

static void check_note(void *ctx, struct entry *e)
{
    (void)ctx;
    *check_slot(e) = (struct check_sum){e, check_sum_of(e)};
}

void snapshot_check_begin(void)
{
    if (getenv("BATON_SNAPSHOT_CHECK") == NULL) return;
    snapshot_check_end();
    uint64_t room = 64;
    while (room < 2 * snapshot.figures.keys_total) room *= 2;
    check_mask = room - 1;
    check_sums = heap_zalloc(room * sizeof(*check_sums));
    for (int i = 0; i < snapshot.part_count; i++) {
        uint64_t cursor = 0;
        /* Shown twice is noted twice, the same. */
        do cursor = table_scan(snapshot.parts[i].table, cursor, 100, check_note, NULL);
        while (cursor != 0);
    }
}

void snapshot_check_value(const struct entry *e)
{
    if (check_sums == NULL) return;
    const struct check_sum *s = check_slot(e);
    must(s->e == e);                 /* else it was moved without passing the gate */
    must(s->sum == check_sum_of(e)); /* else it was edited */
}

void snapshot_check_end(void)
{
    heap_free(check_sums);
    check_sums = NULL;
}

#endif
