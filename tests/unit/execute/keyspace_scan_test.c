/* SCAN's promise: what is there from the first call to the last is shown, however the table grows
 * and shrinks between calls. */
#include "unit/execute/keyspace_fixture.h"

#define KEEP 3000
#define CALLS_MAX 1000000

struct scan_seen {
    uint32_t times[200000];
    uint64_t shown;
};

static struct scan_seen seen;

static uint64_t scan_number(const struct entry *e)
{
    struct bytes name = entry_name(e);
    char text[32] = {0};
    memcpy(text, name.ptr, name.len);
    return strtoul(text + 4, NULL, 10);
}

static void scan_visit(void *ctx, struct entry *e)
{
    struct scan_seen *s = ctx;
    s->shown++;
    s->times[scan_number(e)]++;
}

static void scan_grow(struct db *db, uint64_t *extra, uint64_t target)
{
    while (*extra < target) fixture_put(db, KEEP + (*extra)++, DEADLINE_NONE);
    while (*extra > target) assert_true(keyspace_delete(db, fixture_key(KEEP + --*extra)));
}

static void test_a_quiet_table_is_shown_exactly_once(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, 2, 9, 10, 11, 100, 600, 5000, 100000};
    struct db *db = keyspace_db(0);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        keyspace_flush(db, false);
        for (uint64_t n = 0; n < sizes[i]; n++) fixture_put(db, n, DEADLINE_NONE);
        for (uint64_t count = 1; count <= 1000; count *= 10) {
            memset(&seen, 0, sizeof(seen));
            uint64_t cursor = 0;
            do {
                uint64_t before = seen.shown;
                cursor = keyspace_scan(db, cursor, count, scan_visit, &seen);
                assert_in_range(seen.shown - before, cursor == 0 ? 0 : count, count + 3);
                assert_true(cursor < (uint64_t)1 << 53);
            } while (cursor != 0);
            assert_int_equal(seen.shown, sizes[i]);
            for (uint64_t n = 0; n < sizes[i]; n++) assert_int_equal(seen.times[n], 1);
        }
    }
}

/* One whole scan while `extra` keys come and go as `target` says; gives how many calls it took. */
static uint64_t scan_under_churn(struct db *db, uint64_t *extra,
                                 uint64_t (*target)(uint64_t extra, uint64_t call))
{
    uint64_t cursor = 0, calls = 0;
    memset(&seen, 0, sizeof(seen));
    do {
        cursor = keyspace_scan(db, cursor, 1 + fixture_below(40), scan_visit, &seen);
        assert_true(++calls < CALLS_MAX);
        scan_grow(db, extra, target(*extra, calls));
    } while (cursor != 0);
    for (uint64_t n = 0; n < KEEP; n++) assert_true(seen.times[n] > 0);
    return calls;
}

static uint64_t target_growing(uint64_t extra, uint64_t call)
{
    (void)call;
    return extra + fixture_below(300) > 30000 ? 30000 : extra + fixture_below(300);
}
static uint64_t target_shrinking(uint64_t extra, uint64_t call)
{
    (void)call;
    uint64_t less = fixture_below(400);
    return extra > less ? extra - less : 0;
}
static uint64_t target_wild(uint64_t extra, uint64_t call)
{
    if (call % 7 != 0) return extra;
    return fixture_below(2) ? fixture_below(100) : fixture_below(30000);
}
static uint64_t target_beating(uint64_t extra, uint64_t call)
{
    (void)extra;
    return call % 2 ? 6000 : 0;
}

static void test_nothing_is_missed_while_the_table_changes(void **state)
{
    (void)state;
    static uint64_t (*const targets[])(uint64_t, uint64_t) = {target_growing, target_shrinking,
                                                              target_wild, target_shrinking};
    struct db *db = keyspace_db(0);
    uint64_t extra = 0;
    for (uint64_t n = 0; n < KEEP; n++) fixture_put(db, n, DEADLINE_NONE);
    for (int round = 0; round < 16; round++) {
        if (round % 4 == 1) scan_grow(db, &extra, 30000);
        scan_under_churn(db, &extra, targets[round % 4]);
        keyspace_check(db);
    }
}

/* A table that doubles and halves between any two calls cannot hold a scan up. */
static void test_a_scan_ends_while_the_table_beats(void **state)
{
    (void)state;
    struct db *db = keyspace_db(0);
    uint64_t extra = 0;
    for (uint64_t n = 0; n < KEEP; n++) fixture_put(db, n, DEADLINE_NONE);
    for (int round = 0; round < 3; round++) {
        assert_true(scan_under_churn(db, &extra, target_beating) < 4 * KEEP);
    }
}

static void test_any_number_is_taken_as_a_cursor(void **state)
{
    (void)state;
    struct db *db = keyspace_db(0);
    assert_int_equal(keyspace_scan(db, 12345, 10, scan_visit, &seen), 0);
    for (uint64_t n = 0; n < 5000; n++) fixture_put(db, n, DEADLINE_NONE);
    for (int i = 0; i < 3000; i++) {
        uint64_t cursor = random_next(&fixture_random) >> fixture_below(64);
        if (i == 0) cursor = UINT64_MAX;
        for (int calls = 0; cursor != 0 && calls < 5; calls++) {
            cursor = keyspace_scan(db, cursor, 1 + fixture_below(100), scan_visit, &seen);
        }
        int calls = 0;
        while (cursor != 0) {
            cursor = keyspace_scan(db, cursor, 500, scan_visit, &seen);
            assert_true(++calls < 200);
        }
    }
}

static void test_the_expired_are_not_shown(void **state)
{
    (void)state;
    struct db *db = keyspace_db(0);
    for (uint64_t n = 0; n < 2000; n++)
        fixture_put(db, n, n % 2 ? FIXTURE_NOW_MS + 1 : DEADLINE_NONE);
    keyspace_tick(FIXTURE_NOW_MS + 1);
    memset(&seen, 0, sizeof(seen));
    uint64_t cursor = 0;
    do {
        cursor = keyspace_scan(db, cursor, 10, scan_visit, &seen);
    } while (cursor != 0);
    for (uint64_t n = 0; n < 2000; n++) assert_int_equal(seen.times[n], n % 2 ? 0 : 1);
}

/* Many in one segment, so that the segment shrinks and merges behind the step. */
static void test_the_expired_are_deleted_behind_a_step(void **state)
{
    (void)state;
    struct db *db = keyspace_db(0);
    for (uint64_t count = 1; count <= 10000; count *= 100) {
        int64_t due = keyspace_now_ms() + 1;
        keyspace_flush(db, false);
        keyspace_reset_stats();
        for (uint64_t n = 0; n < 4000; n++) fixture_put(db, n, n % 8 ? due : DEADLINE_NONE);
        keyspace_tick(due);
        memset(&seen, 0, sizeof(seen));
        uint64_t cursor = 0;
        do {
            cursor = keyspace_scan_expire(db, cursor, count, scan_visit, &seen);
            keyspace_check(db);
        } while (cursor != 0);
        for (uint64_t n = 0; n < 4000; n += 8) assert_true(seen.times[n] >= 1);
        for (uint64_t n = 0; n < 4000; n++) assert_true(n % 8 == 0 || seen.times[n] == 0);
        assert_int_equal(db_size(db), 500);
        assert_int_equal(keyspace_stats()->expired, 3500);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_a_quiet_table_is_shown_exactly_once),
        FIXTURE_TEST(test_nothing_is_missed_while_the_table_changes),
        FIXTURE_TEST(test_a_scan_ends_while_the_table_beats),
        FIXTURE_TEST(test_any_number_is_taken_as_a_cursor),
        FIXTURE_TEST(test_the_expired_are_not_shown),
        FIXTURE_TEST(test_the_expired_are_deleted_behind_a_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
