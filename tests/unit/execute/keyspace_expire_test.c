/* Deadlines: on time, all of them, at what cost in memory, and what is reported. */
#include "unit/execute/keyspace_fixture.h"

#define KEYS 20000

static int64_t expire_deadlines[KEYS];

static int64_t expire_earliest(void)
{
    int64_t next = INT64_MAX;
    for (int n = 0; n < KEYS; n++) {
        if (expire_deadlines[n] > 0 && expire_deadlines[n] < next) next = expire_deadlines[n];
    }
    return next == INT64_MAX ? -1 : next;
}

static void expire_change(struct db *db, uint64_t n, int64_t now)
{
    int64_t at = now + 1 + (int64_t)fixture_below(3000);
    uint64_t what = fixture_below(8);
    struct entry *e = keyspace_find(db, fixture_key(n), LOOKUP_WRITE);
    if (what == 0 || e == NULL) {
        fixture_put(db, n, expire_deadlines[n] = at);
    } else if (what < 5) {
        e = keyspace_set_deadline(db, e, expire_deadlines[n] = at);
    } else if (what < 7) {
        keyspace_set_deadline(db, e, expire_deadlines[n] = DEADLINE_NONE);
    } else {
        assert_true(keyspace_delete(db, fixture_key(n)));
        expire_deadlines[n] = 0;
    }
}

static void test_exactly_what_is_due_goes(void **state)
{
    (void)state;
    struct db *db = keyspace_db(0);
    memset(expire_deadlines, 0, sizeof(expire_deadlines));
    int64_t now = FIXTURE_NOW_MS;
    for (int round = 0; round < 300; round++) {
        for (int i = 0; i < 400; i++) expire_change(db, fixture_below(KEYS), now);
        int64_t next = keyspace_next_due_ms(), real = expire_earliest();
        assert_true(real == -1 ? next == -1 : next <= real && next != -1);
        keyspace_tick(now += (int64_t)fixture_below(60));
        uint64_t due = 0;
        for (int n = 0; n < KEYS; n++) due += expire_deadlines[n] > 0 && expire_deadlines[n] <= now;
        uint64_t first = fixture_below(due + 1);
        if (first > 0) assert_int_equal(keyspace_expire_due(first, UINT64_MAX), first);
        assert_int_equal(keyspace_expire_due(UINT64_MAX, UINT64_MAX), due - first);
        assert_true(keyspace_next_due_ms() == -1 || keyspace_next_due_ms() > now);
        uint64_t there = 0;
        for (int n = 0; n < KEYS; n++) {
            if (expire_deadlines[n] > 0 && expire_deadlines[n] <= now) expire_deadlines[n] = 0;
            there += expire_deadlines[n] != 0;
        }
        assert_int_equal(db_size(db), there);
        if (round % 20 == 0) keyspace_check(db);
    }
    assert_int_equal(keyspace_stats()->expired_lazily, 0);
}

static void test_a_lookup_meets_an_expired_key_as_absent(void **state)
{
    (void)state;
    struct db *db = keyspace_db(0);
    fixture_put(db, 1, FIXTURE_NOW_MS + 10);
    keyspace_tick(FIXTURE_NOW_MS + 9);
    assert_non_null(keyspace_find(db, fixture_key(1), LOOKUP_READ));
    keyspace_tick(FIXTURE_NOW_MS + 10);
    assert_int_equal(db_size(db), 1);
    assert_null(keyspace_find(db, fixture_key(1), LOOKUP_READ));
    assert_int_equal(db_size(db), 0);
    assert_int_equal(keyspace_stats()->expired, 1);
    assert_int_equal(keyspace_stats()->expired_lazily, 1);
    assert_int_equal(keyspace_stats()->misses, 1);
    fixture_put(db, 1, FIXTURE_NOW_MS + 11);
    keyspace_tick(FIXTURE_NOW_MS + 12);
    assert_false(keyspace_delete(db, fixture_key(1)));
    fixture_put(db, 1, FIXTURE_NOW_MS + 13);
    keyspace_tick(FIXTURE_NOW_MS + 13);
    struct entry *e = fixture_put(db, 1, DEADLINE_KEEP);
    assert_int_equal(entry_deadline(e), -1);
    keyspace_reset_stats();
    assert_int_equal(keyspace_stats()->expired, 0);
}

static void test_active_expiry_can_be_off(void **state)
{
    (void)state;
    struct db *db = keyspace_db(0);
    fixture_put(db, 1, FIXTURE_NOW_MS + 1);
    fixture_put(db, 2, FIXTURE_NOW_MS + 1);
    keyspace_set_active_expiry(false);
    keyspace_tick(FIXTURE_NOW_MS + 5);
    assert_int_equal(keyspace_next_due_ms(), -1);
    assert_int_equal(keyspace_expire_due(10, 1000), 0);
    assert_int_equal(db_size(db), 2);
    assert_null(keyspace_find(db, fixture_key(1), LOOKUP_READ));
    keyspace_set_active_expiry(true);
    assert_int_equal(keyspace_next_due_ms(), FIXTURE_NOW_MS + 1);
    assert_int_equal(keyspace_expire_due(10, 1000), 1);
}

static void test_a_million_deadlines_cost_less_than_16_bytes_each(void **state)
{
    (void)state;
    enum { MANY = 200000 };
    struct db *db = keyspace_db(0);
    static const char value[33] = "a value of thirty-two bytes.....";
    char name[32];
    for (int pass = 0; pass < 2; pass++) {
        size_t before = arena_used(fixture_arena);
        for (int n = 0; n < MANY; n++) {
            snprintf(name, sizeof(name), "key:%012d", n);
            keyspace_put_string(db, key_make(bytes_make(name, 16)), bytes_make(value, 32),
                                pass == 0 ? DEADLINE_NONE : FIXTURE_NOW_MS + 1000 + n % 100);
        }
        size_t each = (arena_used(fixture_arena) - before) / MANY;
        if (pass == 0)
            assert_in_range(each, FIXTURE_SIZE_CLASSES ? 64 : 56, 76);
        else
            assert_in_range(each, 8, FIXTURE_SIZE_CLASSES ? 15 : 23);
    }
    keyspace_check(db);
    int64_t average = db_average_ttl_ms(db);
    assert_in_range(average, 1045, 1055);
    uint64_t gone = 0, calls = 0;
    for (int64_t now = FIXTURE_NOW_MS + 1000; now < FIXTURE_NOW_MS + 1100; now++) {
        keyspace_tick(now);
        while (keyspace_next_due_ms() <= now && keyspace_next_due_ms() != -1) {
            gone += keyspace_expire_due(1000, 500);
            calls++;
        }
    }
    assert_int_equal(gone, MANY);
    assert_true(calls >= MANY / 1000);
    assert_int_equal(db_size(db), 0);
    assert_true(keyspace_stats()->expire_lag_us[1] < 10000);
    assert_true(keyspace_stats()->expire_lag_us[0] <= keyspace_stats()->expire_lag_us[3]);
}

static void test_lateness_is_recorded(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < 100; n++) fixture_put(keyspace_db(0), n, FIXTURE_NOW_MS + 10);
    keyspace_tick(FIXTURE_NOW_MS + 30);
    assert_int_equal(keyspace_expire_due(1000, UINT64_MAX), 100);
    for (int i = 0; i < 4; i++) assert_in_range(keyspace_stats()->expire_lag_us[i], 20000, 25000);
}

static void test_deadlines_at_the_borders(void **state)
{
    (void)state;
    static const int64_t far[] = {(1ll << 48) - 2, (1ll << 48) - 1, 1ll << 48, INT64_MAX};
    struct db *db = keyspace_db(0);
    for (int i = 0; i < 4; i++) {
        struct entry *e = fixture_put(db, (uint64_t)i, far[i]);
        assert_int_equal(entry_deadline(e), far[i]);
        e = keyspace_set_deadline(db, e, far[3 - i]);
        assert_int_equal(entry_deadline(e), far[3 - i]);
    }
    keyspace_check(db);
    static const int64_t past[] = {-5000, 0, 1};
    for (int i = 0; i < 3; i++) {
        struct entry *e = fixture_put(db, 10 + (uint64_t)i, DEADLINE_NONE);
        e = keyspace_set_deadline(db, e, past[i]);
        assert_int_equal(entry_deadline(e), past[i]);
    }
    keyspace_check(db);
    assert_int_equal(keyspace_expire_due(100, UINT64_MAX), 3);
    assert_int_equal(db_size(db), 4);
}

static void expire_ignore(void *ctx, struct entry *e)
{
    (void)e;
    ++*(int *)ctx;
}

/* CLIENT PAUSE: the expired are absent, but go only when something takes their place. */
static void test_the_expired_may_have_to_stay(void **state)
{
    (void)state;
    int shown = 0;
    struct db *db = keyspace_db(0);
    for (uint64_t n = 0; n < 5; n++) fixture_put(db, n, FIXTURE_NOW_MS + 1);
    keyspace_tick(FIXTURE_NOW_MS + 1);
    keyspace_keep_expired(true);
    assert_null(keyspace_find(db, fixture_key(0), LOOKUP_READ));
    assert_null(keyspace_find(db, fixture_key(0), LOOKUP_WRITE));
    assert_null(keyspace_random(db));
    assert_int_equal(keyspace_scan_expire(db, 0, 100, expire_ignore, &shown), 0);
    assert_int_equal(shown, 0);
    assert_int_equal(db_size(db), 5);
    assert_int_equal(keyspace_stats()->expired, 0);

    struct entry *e = NULL;
    fixture_put(db, 0, DEADLINE_NONE);
    memcpy(keyspace_edit_string(db, fixture_key(1), &e, 3), "abc", 3);
    keyspace_copy(db, keyspace_find(db, fixture_key(0), LOOKUP_READ), db, fixture_key(2));
    keyspace_move(db, keyspace_find(db, fixture_key(0), LOOKUP_READ), db, fixture_key(3));
    keyspace_check(db);
    assert_int_equal(db_size(db), 4);
    for (uint64_t n = 1; n <= 3; n++) {
        assert_non_null(keyspace_find(db, fixture_key(n), LOOKUP_READ));
    }
    keyspace_keep_expired(false);
    assert_null(keyspace_find(db, fixture_key(4), LOOKUP_READ));
    assert_int_equal(db_size(db), 3);
    assert_int_equal(db_deadline_count(db), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_exactly_what_is_due_goes),
        FIXTURE_TEST(test_a_lookup_meets_an_expired_key_as_absent),
        FIXTURE_TEST(test_active_expiry_can_be_off),
        FIXTURE_TEST(test_the_expired_may_have_to_stay),
        FIXTURE_TEST(test_a_million_deadlines_cost_less_than_16_bytes_each),
        FIXTURE_TEST(test_lateness_is_recorded),
        FIXTURE_TEST(test_deadlines_at_the_borders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
