/* Entries: encodings, clocks, and the sizes that the design promises. */
#include "unit/execute/keyspace_fixture.h"

#include "execute/types/entry.h"

static struct entry *entry_put(const char *value)
{
    return keyspace_put_string(keyspace_db(0), fixture_key(1), bytes_of(value), DEADLINE_NONE);
}

static void test_encodings_are_named_as_object_encoding_says(void **state)
{
    (void)state;
    static const struct {
        const char *value, *encoding;
    } cases[] = {
        {"0", "int"},
        {"-1", "int"},
        {"9223372036854775807", "int"},
        {"-9223372036854775808", "int"},
        {"9223372036854775808", "embstr"},
        {"-9223372036854775809", "embstr"},
        {"01", "embstr"},
        {"+1", "embstr"},
        {" 1", "embstr"},
        {"-0", "embstr"},
        {"-", "embstr"},
        {"1.0", "embstr"},
        {"", "embstr"},
        {"12345678901234567890123456789012345678901234", "embstr"},
        {"123456789012345678901234567890123456789012345", "raw"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct entry *e = entry_put(cases[i].value);
        assert_string_equal(entry_encoding_name(e), cases[i].encoding);
        assert_string_equal(entry_type_name(e), "string");
        char scratch[STRING_INT_CHARS];
        assert_true(bytes_equal(string_bytes(e, scratch), bytes_of(cases[i].value)));
    }
    struct entry *e = entry_put("7");
    keyspace_edit_string(keyspace_db(0), fixture_key(1), &e, 1);
    assert_string_equal(entry_encoding_name(e), "raw");
    int64_t n = 0;
    assert_true(string_int(e, &n));
    assert_int_equal(n, 7);
}

static void test_a_small_key_takes_one_cache_line(void **state)
{
    (void)state;
    struct bytes name = bytes_of("sixteen-byte-key"),
                 value = bytes_of("a value of thirty-two bytes.....");
    struct entry *e = keyspace_put_string(keyspace_db(0), key_make(name), value, DEADLINE_NONE);
    assert_int_equal(entry_size(e), 56);
    struct entry *timed = keyspace_set_deadline(keyspace_db(0), e, FIXTURE_NOW_MS + 1000);
    assert_int_equal(entry_size(timed), 64);
    assert_true(entry_memory(timed, 0) >= 64);
    e = keyspace_put_int(keyspace_db(0), key_make(name), 123456789012, DEADLINE_NONE);
    assert_int_equal(entry_size(e), 32);
}

static void test_an_overwrite_of_the_same_size_stays_in_place(void **state)
{
    (void)state;
    struct entry *e = entry_put("some value");
    for (int i = 0; i < 5; i++) {
        size_t used = arena_used(fixture_arena);
        assert_ptr_equal(entry_put("other word"), e);
        assert_int_equal(arena_used(fixture_arena), used);
    }
}

static void test_appends_are_amortised(void **state)
{
    (void)state;
    struct entry *e = NULL;
    const char *before = NULL;
    int moves = 0;
    for (size_t len = 1; len <= 3000000; len += 1 + len / 1000) {
        char *at = keyspace_edit_string(keyspace_db(0), fixture_key(1), &e, len);
        moves += at != before;
        before = at;
        at[len - 1] = 'x';
    }
    assert_true(moves < (FIXTURE_SIZE_CLASSES ? 60 : 320));
    assert_true(entry_memory(e, 0) < 3 * 3000000);
}

static void test_recency_counts_seconds(void **state)
{
    (void)state;
    struct db *db = keyspace_db(0);
    struct entry *e = entry_put("value");
    keyspace_tick(FIXTURE_NOW_MS + 7000);
    assert_int_equal(entry_idle_ms(e), 7000);
    assert_ptr_equal(keyspace_find(db, fixture_key(1), LOOKUP_QUIET), e);
    assert_int_equal(entry_idle_ms(e), 7000);
    keyspace_no_touch(true);
    keyspace_find(db, fixture_key(1), LOOKUP_READ);
    assert_int_equal(entry_idle_ms(e), 7000);
    keyspace_no_touch(false);
    keyspace_find(db, fixture_key(1), LOOKUP_READ);
    assert_int_equal(entry_idle_ms(e), 0);
    entry_set_idle_ms(e, 100500);
    assert_int_equal(entry_idle_ms(e), 100000);
    keyspace_find(db, fixture_key(1), LOOKUP_WRITE);
    assert_int_equal(entry_idle_ms(e), 0);
    entry_set_idle_ms(e, 3600000);
    keyspace_move(db, e, keyspace_db(1), fixture_key(2));
    e = keyspace_find(keyspace_db(1), fixture_key(2), LOOKUP_QUIET);
    assert_int_equal(entry_idle_ms(e), 3600000);
}

static void test_frequency_rises_by_the_logarithm_and_decays(void **state)
{
    (void)state;
    struct db *db = keyspace_db(0);
    keyspace_set_lfu(true, 10, 1);
    struct entry *e = entry_put("value");
    assert_int_equal(entry_lfu(e), 5);
    keyspace_find(db, fixture_key(1), LOOKUP_READ);
    assert_int_equal(entry_lfu(e), 6);
    for (int i = 0; i < 1000; i++) keyspace_find(db, fixture_key(1), LOOKUP_READ);
    assert_in_range(entry_lfu(e), 12, 26); /* redis.conf says 18 after 1000 hits with factor 10 */
    for (int i = 0; i < 1000000; i++) keyspace_find(db, fixture_key(1), LOOKUP_READ);
    assert_int_equal(entry_lfu(e), 255);
    keyspace_tick(FIXTURE_NOW_MS + 10 * 60000);
    assert_int_equal(entry_lfu(e), 245);
    entry_set_lfu(e, 100);
    assert_int_equal(entry_lfu(e), 100);
    keyspace_set_lfu(true, 10, 0);
    keyspace_tick(FIXTURE_NOW_MS + 1000 * 60000);
    assert_int_equal(entry_lfu(e), 100);
    keyspace_set_lfu(true, 0, 1);
    entry_set_lfu(e, 100);
    keyspace_find(db, fixture_key(1), LOOKUP_READ);
    assert_int_equal(entry_lfu(e), 101);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_encodings_are_named_as_object_encoding_says),
        FIXTURE_TEST(test_a_small_key_takes_one_cache_line),
        FIXTURE_TEST(test_an_overwrite_of_the_same_size_stays_in_place),
        FIXTURE_TEST(test_appends_are_amortised),
        FIXTURE_TEST(test_recency_counts_seconds),
        FIXTURE_TEST(test_frequency_rises_by_the_logarithm_and_decays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
