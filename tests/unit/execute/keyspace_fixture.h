/* What the tests of the keyspace share: a keyspace that is opened and closed around each test, and
 * must give all memory back. */
#ifndef TESTS_KEYSPACE_FIXTURE_H
#define TESTS_KEYSPACE_FIXTURE_H

#ifndef BATON_ROOM_EXECUTE
#define BATON_ROOM_EXECUTE
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/random.h"
#include "execute/keyspace/keyspace.h"

#include <stdio.h>
#include <stdlib.h>

#define FIXTURE_DBS 4
/* Sanitizer builds allocate exact sizes: nothing fits into the rest of a size class. */
#ifdef BATON_LIBC_MALLOC
#define FIXTURE_SIZE_CLASSES 0
#else
#define FIXTURE_SIZE_CLASSES 1
#endif
#define FIXTURE_NOW_MS 1700000000000

static struct arena *fixture_arena;
static struct random fixture_random;

static inline int fixture_open(void **state)
{
    (void)state;
    clock_open();
    hash_open_with(7);
    random_seed(&fixture_random, 7);
    if (fixture_arena == NULL) fixture_arena = arena_open("test");
    keyspace_use_arena(fixture_arena);
    keyspace_open(FIXTURE_DBS);
    keyspace_tick(FIXTURE_NOW_MS);
    return 0;
}

static inline int fixture_close(void **state)
{
    (void)state;
    keyspace_set_lfu(false, 10, 1);
    keyspace_no_touch(false);
    keyspace_close();
    return arena_used(fixture_arena) == 0 ? 0 : -1;
}

static inline uint64_t fixture_below(uint64_t n) { return random_below(&fixture_random, n); }

/* The n-th of a family of names; the text is good until the next call but three. */
static inline struct key fixture_key(uint64_t n)
{
    static char texts[4][32];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    int len = snprintf(text, sizeof(texts[0]), "key:%llu", (unsigned long long)n);
    return key_make(bytes_make(text, (size_t)len));
}

static inline struct entry *fixture_put(struct db *db, uint64_t n, int64_t deadline_ms)
{
    return keyspace_put_string(db, fixture_key(n), bytes_of("value"), deadline_ms);
}

#define FIXTURE_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_open, fixture_close)

#endif
