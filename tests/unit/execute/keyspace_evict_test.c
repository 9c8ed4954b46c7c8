/* Which key goes when memory is short. */
#include "keyspace_fixture.h"

enum { KEYS = 4000, HOUR_MS = 3600000 };

static struct entry *put(struct db *db, uint64_t n, int64_t deadline_ms)
{
    return keyspace_put_string(db, fixture_key(n), bytes_of("v"), deadline_ms);
}

static bool has(struct db *db, uint64_t n)
{
    return keyspace_find(db, fixture_key(n), LOOKUP_QUIET) != NULL;
}

static uint64_t count(struct db *db, uint64_t from, uint64_t to)
{
    uint64_t sum = 0;
    for (uint64_t n = from; n < to; n++) sum += has(db, n);
    return sum;
}

static void evict(struct evict_rule rule, int times)
{
    for (int i = 0; i < times; i++) assert_true(keyspace_evict(&rule));
}

/* Half of the keys were used an hour later: nearly all victims are of the other half. */
static void keys_unused_for_long_go_first(void **state)
{
    (void)state;
    struct db *db = keyspace_db(1);
    for (uint64_t n = 0; n < KEYS; n++) put(db, n, DEADLINE_NONE);
    keyspace_tick(FIXTURE_NOW_MS + HOUR_MS);
    for (uint64_t n = 0; n < KEYS / 2; n++) keyspace_find(db, fixture_key(n), LOOKUP_READ);
    evict((struct evict_rule){EVICT_LRU, false, 5}, KEYS / 2);
    assert_int_equal(db_size(db), KEYS / 2);
    assert_true(count(db, 0, KEYS / 2) > KEYS / 2 - KEYS / 50);
    assert_int_equal(keyspace_stats()->evicted, KEYS / 2);
    keyspace_check(db);
}

static void keys_used_rarely_go_first(void **state)
{
    (void)state;
    struct db *db = keyspace_db(0);
    keyspace_set_lfu(true, 1, 0);
    for (uint64_t n = 0; n < KEYS; n++) put(db, n, DEADLINE_NONE);
    for (uint64_t n = 0; n < KEYS / 2; n++) {
        for (int i = 0; i < 30; i++) keyspace_find(db, fixture_key(n), LOOKUP_READ);
    }
    evict((struct evict_rule){EVICT_LFU, false, 5}, KEYS / 2);
    assert_true(count(db, 0, KEYS / 2) > KEYS / 2 - KEYS / 50);
}

static void only_keys_with_a_deadline_go_where_the_policy_says_so(void **state)
{
    (void)state;
    static const enum evict_order orders[] = {EVICT_LRU, EVICT_LFU, EVICT_RANDOM, EVICT_TTL};
    for (int i = 0; i < 4; i++) {
        struct db *db = keyspace_db(i % 2);
        for (uint64_t n = 0; n < KEYS; n++) {
            put(db, n, n % 4 == 0 ? FIXTURE_NOW_MS + HOUR_MS + (int64_t)n : DEADLINE_NONE);
        }
        struct evict_rule rule = {orders[i], true, 5};
        evict(rule, KEYS / 4);
        assert_false(keyspace_evict(&rule));
        assert_int_equal(db_size(db), KEYS - KEYS / 4);
        for (uint64_t n = 1; n < KEYS; n += 4) assert_true(has(db, n));
        keyspace_check(db);
        keyspace_flush(db, false);
    }
}

static void the_key_that_is_due_first_goes_first(void **state)
{
    (void)state;
    struct evict_rule rule = {EVICT_TTL, true, 5};
    for (uint64_t n = 0; n < KEYS; n++) {
        put(keyspace_db((int64_t)(n % 3)), n * 7919 % KEYS,
            FIXTURE_NOW_MS + 1000 + (int64_t)(n * 7919 % KEYS));
    }
    for (uint64_t gone = 0; gone < KEYS; gone++) {
        struct db *db = NULL;
        for (int i = 0; i < 3; i++)
            if (has(keyspace_db(i), gone)) db = keyspace_db(i);
        assert_non_null(db);
        assert_true(keyspace_evict(&rule));
        assert_false(has(db, gone));
    }
    assert_false(keyspace_evict(&rule));
}

/* Candidates of the pool that were deleted, moved or used meanwhile are not touched. */
static void the_pool_forgets_keys_that_changed(void **state)
{
    (void)state;
    struct db *db = keyspace_db(2);
    struct evict_rule rule = {EVICT_LRU, false, 5};
    for (int round = 0; round < 50; round++) {
        for (uint64_t n = 0; n < 200; n++) put(db, n, DEADLINE_NONE);
        keyspace_tick(FIXTURE_NOW_MS + round * 10000 + 5000);
        evict(rule, 20);
        for (uint64_t n = 0; n < 200; n += 3) keyspace_delete(db, fixture_key(n));
        for (uint64_t n = 1; n < 200; n += 3) keyspace_find(db, fixture_key(n), LOOKUP_READ);
        keyspace_tick(FIXTURE_NOW_MS + round * 10000 + 9000);
        evict(rule, 20);
        keyspace_check(db);
    }
}

static void nothing_goes_where_nothing_is(void **state)
{
    (void)state;
    for (int order = EVICT_LRU; order <= EVICT_TTL; order++) {
        struct evict_rule rule = {(enum evict_order)order, order == EVICT_TTL, 5};
        assert_false(keyspace_evict(&rule));
    }
    assert_int_equal(keyspace_stats()->evicted, 0);
}

#define evict_test(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        evict_test(keys_unused_for_long_go_first),
        evict_test(keys_used_rarely_go_first),
        evict_test(only_keys_with_a_deadline_go_where_the_policy_says_so),
        evict_test(the_key_that_is_due_first_goes_first),
        evict_test(the_pool_forgets_keys_that_changed),
        evict_test(nothing_goes_where_nothing_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
