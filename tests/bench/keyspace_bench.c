/*
 * How fast and how small the keyspace is, without a server around it: nanoseconds per operation and
 * bytes per key.
 *
 *     keyspace_bench [keys ...]        default 1000000 3000000
 *
 * Lookups run in windows of 32 with both prefetch passes, as execute runs them; "cold" is without
 * prefetch. Built by hand with -O2 -std=gnu11 -D_GNU_SOURCE -DBATON_ROOM_EXECUTE -Isrc from this
 * file, the sources of execute/keyspace, execute/types and base, mem/arena.c and codec/number.c,
 * and -ljemalloc -lm.
 */
#include "execute/keyspace/keyspace.h"

#include "base/clock.h"
#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>

#define WINDOW 32
#define OPS 2000000
#define BLOCKS 20
#define KEY_LEN 16
#define VALUE_LEN 32

enum op { OP_GET, OP_GET_COLD, OP_SET, OP_SET_TTL, OP_DEL };

static struct random bench_random;
static uint64_t bench_found, bench_sink;

static void bench_name(char *out, uint64_t n)
{
    char text[32];
    snprintf(text, sizeof(text), "key:%012llu", (unsigned long long)n % 1000000000000ull);
    memcpy(out, text, KEY_LEN);
}

static void bench_one(struct db *db, enum op op, struct key key, int64_t deadline_ms)
{
    static const char value[VALUE_LEN] = "some value of thirty-two bytes..";
    char scratch[STRING_INT_CHARS];
    if (op == OP_SET || op == OP_SET_TTL) {
        keyspace_put_string(db, key, bytes_make(value, VALUE_LEN), deadline_ms);
    } else if (op == OP_DEL) {
        bench_found += keyspace_delete(db, key);
    } else {
        struct entry *e = keyspace_find(db, key, LOOKUP_READ);
        if (e == NULL) return;
        struct bytes v = string_bytes(e, scratch);
        bench_sink += (uint8_t)v.ptr[0] + v.len;
        bench_found++;
    }
}

static uint64_t bench_window(struct db *db, enum op op, const struct key *keys)
{
    uint64_t start = clock_ticks();
    if (op != OP_GET_COLD) {
        for (int i = 0; i < WINDOW; i++) keyspace_prefetch_slot(db, keys[i].hash);
        for (int i = 0; i < WINDOW; i++) keyspace_prefetch_entry(db, keys[i].hash);
    }
    int64_t deadline = DEADLINE_NONE;
    if (op == OP_SET_TTL) deadline = (int64_t)(1000000 + random_below(&bench_random, 1u << 30));
    for (int i = 0; i < WINDOW; i++) bench_one(db, op, keys[i], deadline);
    return clock_ticks() - start;
}

static int bench_order(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/*
 * Runs about `ops` operations in blocks; prints the median block and the best one, as other
 * programs disturb. Operation i works on key base + (spread > 0 ? random below spread : i). Names
 * are made while the clock stands.
 */
static void bench_run(const char *what, struct db *db, enum op op, uint64_t ops, uint64_t base,
                      uint64_t spread)
{
    char names[WINDOW][KEY_LEN];
    struct key keys[WINDOW];
    double blocks[BLOCKS];
    uint64_t block_ops = (ops + BLOCKS - 1) / BLOCKS / WINDOW * WINDOW, at = base;
    for (int b = 0; b < BLOCKS; b++) {
        uint64_t ticks = 0;
        for (uint64_t done = 0; done < block_ops; done += WINDOW) {
            for (uint64_t i = 0; i < WINDOW; i++) {
                uint64_t n = spread > 0 ? base + random_below(&bench_random, spread) : at++;
                bench_name(names[i], n);
                keys[i] = key_make(bytes_make(names[i], KEY_LEN));
            }
            ticks += bench_window(db, op, keys);
        }
        blocks[b] = (double)clock_ticks_to_ns(ticks) / (double)block_ops;
    }
    qsort(blocks, BLOCKS, sizeof(blocks[0]), bench_order);
    printf("  %-16s %6.1f ns, best %6.1f\n", what, blocks[BLOCKS / 2], blocks[0]);
}

static void bench_memory(struct db *db, const char *what, size_t rss_before, size_t used_before)
{
    mem_purge();
    double n = (double)db_size(db);
    printf("  memory %-10s %6.1f B/key RSS, %6.1f arena, table and deadlines %5.2f, load %.3f\n",
           what, (double)(mem_rss() - rss_before) / n, (double)(mem_used() - used_before) / n,
           (double)db_table_bytes(db) / n, n / (double)db_slot_count(db));
}

static void bench_keys(uint64_t keys)
{
    struct db *db = keyspace_db(0);
    keyspace_flush(NULL, false);
    mem_purge();
    size_t rss = mem_rss(), used = mem_used();
    printf("%llu keys\n", (unsigned long long)keys);
    bench_run("SET new", db, OP_SET, keys, 0, 0);
    bench_memory(db, "plain", rss, used);
    bench_run("GET hit", db, OP_GET, OPS, 0, keys);
    bench_run("GET hit, cold", db, OP_GET_COLD, OPS, 0, keys);
    bench_run("GET miss", db, OP_GET, OPS, keys, keys);
    bench_run("SET overwrite", db, OP_SET, OPS, 0, keys);
    bench_run("SET with TTL", db, OP_SET_TTL, keys, 0, 0);
    bench_memory(db, "with TTL", rss, used);
    bench_run("SET TTL again", db, OP_SET_TTL, OPS, 0, keys);
    keyspace_tick((1 << 30) + 2000000);
    uint64_t start = clock_mono_ns(), gone = keyspace_expire_due(keys / 2, UINT64_MAX);
    printf("  expire         %6.1f ns\n", (double)(clock_mono_ns() - start) / (double)gone);
    keyspace_tick(0);
    bench_run("SET refill", db, OP_SET, keys, 0, 0);
    bench_run("DEL", db, OP_DEL, keys, 0, 0);
}

int main(int argc, char **argv)
{
    clock_open();
    hash_open_with(1);
    random_seed(&bench_random, 1);
    keyspace_use_arena(arena_open("bench"));
    keyspace_open(1);
    keyspace_tick(0);
    for (int i = 1; i < argc; i++) bench_keys(strtoull(argv[i], NULL, 10));
    if (argc == 1) {
        bench_keys(1000000);
        bench_keys(3000000);
    }
    keyspace_close();
    return bench_sink == 0 && bench_found == 0;
}
