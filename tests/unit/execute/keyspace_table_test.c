/* The table as a whole: growth to a million keys and back, its memory, even draws, flushes in
 * steps. */
#include "unit/execute/keyspace_fixture.h"

#define MANY 1000000

static void test_grows_to_a_million_and_shrinks_to_nothing(void **state)
{
    (void)state;
    struct db *db = keyspace_db(0);
    for (uint64_t n = 0; n < MANY; n++) {
        fixture_put(db, n, DEADLINE_NONE);
        if (n == 10 || n == 1000 || n == 30000) keyspace_check(db);
    }
    keyspace_check(db);
    assert_int_equal(db_size(db), MANY);
    assert_true(db_table_bytes(db) < 12u * MANY);
    for (uint64_t n = 0; n < MANY; n++) {
        assert_non_null(keyspace_find(db, fixture_key(n), LOOKUP_READ));
        assert_null(keyspace_find(db, fixture_key(n + MANY), LOOKUP_READ));
    }
    assert_int_equal(keyspace_stats()->hits, MANY);
    assert_int_equal(keyspace_stats()->misses, MANY);
    for (uint64_t n = 0; n < MANY; n++) {
        assert_true(keyspace_delete(db, fixture_key(n)));
        assert_false(keyspace_delete(db, fixture_key(n)));
        if (n % (MANY / 8) == 0) keyspace_check(db);
        uint64_t left = MANY - 1 - n;
        if (n % 1000 == 0 && left > 5000) assert_true(db_table_bytes(db) < 30 * left);
    }
    keyspace_check(db);
    assert_int_equal(db_size(db), 0);
    assert_true(db_slot_count(db) <= 64);
    assert_true(db_table_bytes(db) <= 1024);
}

static void test_churn_at_a_constant_size_keeps_the_table_small(void **state)
{
    (void)state;
    struct db *db = keyspace_db(0);
    for (uint64_t n = 0; n < 20000; n++) fixture_put(db, n, DEADLINE_NONE);
    for (uint64_t n = 20000; n < 300000; n++) {
        fixture_put(db, n, fixture_below(2) ? DEADLINE_NONE : FIXTURE_NOW_MS + 1000);
        assert_true(keyspace_delete(db, fixture_key(n - 20000)));
    }
    keyspace_check(db);
    assert_int_equal(db_size(db), 20000);
    assert_true(db_table_bytes(db) < 24 * 20000);
}

static void test_every_size_has_its_invariants(void **state)
{
    (void)state;
    struct db *db = keyspace_db(0);
    uint64_t next = 0, first = 0;
    for (int round = 0; round < 60; round++) {
        uint64_t target = fixture_below(round % 2 ? 200 : 4000);
        while (next - first < target) {
            int64_t at = FIXTURE_NOW_MS + 1 + (int64_t)next;
            fixture_put(db, next, fixture_below(3) ? DEADLINE_NONE : at);
            next++;
            if (next % 37 == 0) keyspace_check(db);
        }
        while (next - first > target) {
            assert_true(keyspace_delete(db, fixture_key(first++)));
            if (first % 37 == 0) keyspace_check(db);
        }
        for (uint64_t n = first; n < next; n++) {
            assert_non_null(keyspace_find(db, fixture_key(n), LOOKUP_QUIET));
        }
    }
}

static void test_random_draws_every_key_about_as_often(void **state)
{
    (void)state;
    static uint32_t drawn[3000];
    static const uint64_t sizes[] = {1, 2, 10, 100, 700, 3000};
    struct db *db = keyspace_db(0);
    assert_null(keyspace_random(db));
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        keyspace_flush(db, false);
        for (uint64_t n = 0; n < sizes[s]; n++) fixture_put(db, n, DEADLINE_NONE);
        memset(drawn, 0, sizeof(drawn));
        for (uint64_t i = 0; i < sizes[s] * 200; i++) {
            struct bytes name = entry_name(keyspace_random(db));
            char text[32] = {0};
            memcpy(text, name.ptr, name.len);
            drawn[strtoul(text + 4, NULL, 10)]++;
        }
        /* 200 expected with a deviation of 14: six of them either way. */
        for (uint64_t n = 0; n < sizes[s]; n++) assert_in_range(drawn[n], 115, 285);
    }
}

static void test_random_skips_the_expired(void **state)
{
    (void)state;
    struct db *db = keyspace_db(0);
    for (uint64_t n = 0; n < 500; n++) fixture_put(db, n, FIXTURE_NOW_MS + 1);
    struct entry *alive = fixture_put(db, 500, DEADLINE_NONE);
    keyspace_tick(FIXTURE_NOW_MS + 1);
    assert_ptr_equal(keyspace_random(db), alive);
    keyspace_delete(db, fixture_key(500));
    assert_null(keyspace_random(db));
    assert_int_equal(db_size(db), 0);
    keyspace_check(db);
}

static void test_flush_in_steps_detaches_at_once_and_frees_later(void **state)
{
    (void)state;
    struct db *db = keyspace_db(1);
    for (uint64_t n = 0; n < 50000; n++) fixture_put(db, n, FIXTURE_NOW_MS + 5000);
    fixture_put(keyspace_db(2), 1, DEADLINE_NONE);
    size_t full = arena_used(fixture_arena);
    assert_int_equal(keyspace_flush(NULL, true), 50001);
    assert_int_equal(db_size(db), 0);
    assert_int_equal(keyspace_next_due_ms(), -1);
    assert_true(arena_used(fixture_arena) >= full);
    assert_int_equal(keyspace_stats()->pending_free, 50001);
    fixture_put(db, 7, DEADLINE_NONE);
    uint64_t steps = 0, pending = 50001;
    while (keyspace_work(0)) {
        assert_true(keyspace_stats()->pending_free <= pending);
        pending = keyspace_stats()->pending_free;
        steps++;
    }
    assert_true(steps > 50);
    assert_int_equal(keyspace_stats()->pending_free, 0);
    assert_int_equal(keyspace_stats()->freed_later, 50001);
    assert_non_null(keyspace_find(db, fixture_key(7), LOOKUP_QUIET));
    assert_true(arena_used(fixture_arena) < 2000);
}

static void test_swap_exchanges_contents_and_deadlines(void **state)
{
    (void)state;
    struct db *a = keyspace_db(0), *b = keyspace_db(3);
    for (uint64_t n = 0; n < 3000; n++) fixture_put(a, n, FIXTURE_NOW_MS + 10);
    fixture_put(b, 5000, DEADLINE_NONE);
    keyspace_swap(a, b);
    assert_int_equal(db_size(a), 1);
    assert_int_equal(db_deadline_count(b), 3000);
    assert_int_equal(db_number(a), 0);
    keyspace_tick(FIXTURE_NOW_MS + 10);
    assert_int_equal(keyspace_expire_due(UINT64_MAX, UINT64_MAX), 3000);
    assert_int_equal(db_size(b), 0);
    assert_non_null(keyspace_find(a, fixture_key(5000), LOOKUP_QUIET));
    assert_null(keyspace_db(-1));
    assert_null(keyspace_db(FIXTURE_DBS));
    assert_int_equal(keyspace_db_count(), FIXTURE_DBS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_grows_to_a_million_and_shrinks_to_nothing),
        FIXTURE_TEST(test_churn_at_a_constant_size_keeps_the_table_small),
        FIXTURE_TEST(test_every_size_has_its_invariants),
        FIXTURE_TEST(test_random_draws_every_key_about_as_often),
        FIXTURE_TEST(test_random_skips_the_expired),
        FIXTURE_TEST(test_flush_in_steps_detaches_at_once_and_frees_later),
        FIXTURE_TEST(test_swap_exchanges_contents_and_deadlines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
