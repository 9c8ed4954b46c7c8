/* The files' stage: a new file takes the place of the old one whole, or not at all. */
#include "unit/persist/persist_harness.h"

#include "base/random.h"
#include "codec/crc64.h"
#include "codec/rdb.h"

static int give_open(bool often)
{
    struct order *o = order_new(ORDER_FILE_OPEN);
    o->path = strdup("/data/temp-1.rdb");
    o->syncs_often = often;
    return order_do(o);
}

static int give_bytes(const char *text)
{
    struct order *o = order_new(ORDER_FILE_WRITE);
    o->buf = strdup(text);
    o->len = strlen(text);
    return order_do(o);
}

static int give_finish(const char *to)
{
    struct order *o = order_new(ORDER_FILE_FINISH);
    o->to = to == NULL ? NULL : strdup(to);
    return order_do(o);
}

static int give_remove(const char *path)
{
    struct order *o = order_new(ORDER_FILE_REMOVE);
    o->path = strdup(path);
    return order_do(o);
}

static void expect_text(const char *path, const char *want)
{
    for (int left = 0; left < 2; left++) {
        const struct fake_file *f = fake_at(path, left);
        if (want == NULL) {
            assert_null(f);
            continue;
        }
        assert_non_null(f);
        assert_true(bytes_equal(fake_content(f, left), bytes_of(want)));
    }
}

static void a_finished_file_takes_the_place_of_the_old_one(void **state)
{
    (void)state;
    fake_put("/data/dump.rdb", "old");
    assert_int_equal(give_open(false), 0);
    assert_int_equal(give_bytes("new "), 0);
    assert_int_equal(give_bytes("data"), 0);
    expect_text("/data/dump.rdb", "old");
    assert_int_equal(give_finish("/data/dump.rdb"), 0);
    expect_text("/data/dump.rdb", "new data");
    expect_text("/data/temp-1.rdb", NULL);
    assert_int_equal(give_open(false), 0);
    assert_int_equal(give_finish(NULL), 0);
    assert_non_null(fake_at("/data/temp-1.rdb", false));
}

/* Where no sum is made (rdbchecksum no), its place is there all the same. */
static void a_sum_that_is_not_made_is_0(void **state)
{
    (void)state;
    assert_int_equal(give_open(false), 0);
    assert_int_equal(give_bytes("head"), 0);
    struct order *o = order_new(ORDER_FILE_FINISH);
    o->has_sum = true;
    assert_int_equal(order_do(o), 0);
    struct bytes all = fake_content(fake_at("/data/temp-1.rdb", false), false);
    assert_true(bytes_equal(all, bytes_make("head\0\0\0\0\0\0\0\0", 12)));
}

/* What it is as RDB: compressed where that pays; and the sum is that of what stands in the file. */
static void a_string_is_compressed_and_all_is_summed(void **state)
{
    (void)state;
    enum { LEN = 1000 };
    for (int same = 0; same < 2; same++) {
        struct order *o = order_new(ORDER_FILE_OPEN);
        o->path = strdup("/data/temp-1.rdb");
        o->has_sum = true;
        assert_int_equal(order_do(o), 0);
        assert_int_equal(give_bytes("head"), 0);
        char *text = malloc(LEN);
        struct random random;
        random_seed(&random, 1);
        for (size_t i = 0; i < LEN; i++) text[i] = same ? 'x' : (char)random_next(&random);
        o = order_new(ORDER_FILE_STRING);
        o->buf = memcpy(malloc(LEN), text, LEN);
        o->len = LEN;
        assert_int_equal(order_do(o), 0);
        o = order_new(ORDER_FILE_FINISH);
        o->has_sum = true;
        assert_int_equal(order_do(o), 0);

        struct bytes all = fake_content(fake_at("/data/temp-1.rdb", false), false);
        struct rdb_in in = {.at = (const uint8_t *)all.ptr + 4,
                            .end = (const uint8_t *)all.ptr + all.len,
                            .max_string = LEN};
        struct rdb_string s;
        assert_true(rdb_take_string(&in, &s));
        assert_int_equal(s.len, LEN);
        assert_int_equal(s.form, same ? RDB_LZF : RDB_PLAIN);
        char *got = malloc(LEN);
        assert_true(rdb_string_write(&s, got));
        assert_memory_equal(got, text, LEN);
        int64_t sum;
        assert_true(rdb_take_ms(&in, &sum));
        assert_int_equal(rdb_left(&in), 0);
        assert_int_equal((uint64_t)sum, crc64(0, bytes_make(all.ptr, all.len - 8)));
        free(got);
        free(text);
    }
}

static void what_is_dropped_or_left_open_goes(void **state)
{
    (void)state;
    assert_int_equal(give_bytes("x"), -EBADF);
    assert_int_equal(log_order(ORDER_FILE_DROP), 0);
    assert_int_equal(give_open(false), 0);
    assert_int_equal(give_bytes("x"), 0);
    assert_int_equal(log_order(ORDER_FILE_DROP), 0);
    expect_text("/data/temp-1.rdb", NULL);
    assert_int_equal(give_bytes("x"), -EBADF);
    assert_int_equal(give_open(false), 0);
    restart();
    expect_text("/data/temp-1.rdb", NULL);
}

static void a_file_is_removed_whatever_is_open(void **state)
{
    (void)state;
    fake_put("/data/other", "x");
    assert_int_equal(give_open(false), 0);
    assert_int_equal(give_remove("/data/other"), 0);
    assert_null(fake_at("/data/other", false));
    assert_int_equal(give_remove("/data/other"), -ENOENT);
    assert_int_equal(give_bytes("x"), 0);
    assert_int_equal(log_order(ORDER_FILE_DROP), 0);
}

static int save_to(const char *name)
{
    int rc = give_open(true), each;
    for (int i = 0; i < 3; i++)
        if ((each = give_bytes("data")) != 0) rc = each;
    if ((each = give_finish(name)) != 0) rc = each;
    return rc;
}

static void fail_call(int at)
{
    fake.fail_at = fake.calls + at;
    fake.fail_most = 1;
    fake.fail_errno = EIO;
}

static int save(void) { return save_to("/data/dump.rdb"); }

/* A base of the log: who adopts it would have removed it, but is not told of it. */
static void whichever_call_fails_no_file_is_left_that_keeps_its_name(void **state)
{
    (void)state;
    int first = fake.calls;
    assert_int_equal(save_to(NULL), 0);
    int calls = fake.calls - first;
    assert_int_equal(give_remove("/data/temp-1.rdb"), 0);
    for (int at = 1; at <= calls; at++) {
        fail_call(at);
        assert_int_equal(save_to(NULL), -EIO);
        fake.fail_at = 0;
        assert_null(fake_at("/data/temp-1.rdb", false));
    }
}

/* Only the sync of the folder comes after the rename: then a power cut may bring the old one back.
 */
static void whichever_call_fails_the_old_file_stays_or_the_new_one_is_whole(void **state)
{
    (void)state;
    int first = fake.calls;
    assert_int_equal(save(), 0);
    int calls = fake.calls - first;
    for (int at = 1; at <= calls; at++) {
        fake_put("/data/dump.rdb", "old");
        fail_call(at);
        bool fails = save() != 0;
        bool closes_folder = at >= calls - 1; /* its opening, its sync */
        assert_true(fails);
        fake.fail_at = 0;
        assert_null(fake_at("/data/temp-1.rdb", false));
        const struct fake_file *seen = fake_at("/data/dump.rdb", false);
        assert_true(bytes_equal(fake_content(seen, false),
                                bytes_of(closes_folder ? "datadatadata" : "old")));
        const struct fake_file *left = fake_at("/data/dump.rdb", true);
        assert_true(bytes_equal(fake_content(left, true), bytes_of("old")));
    }
    assert_int_equal(save(), 0);
    expect_text("/data/dump.rdb", "datadatadata");
}

static void after_an_error_all_fails_until_a_new_file(void **state)
{
    (void)state;
    assert_int_equal(give_open(false), 0);
    fake.room = 6;
    assert_int_equal(give_bytes("four"), 0);
    assert_int_equal(give_bytes("four"), -ENOSPC);
    expect_text("/data/temp-1.rdb", NULL);
    fake.room = -1;
    assert_int_equal(give_bytes("four"), -ENOSPC);
    assert_int_equal(give_finish("/data/dump.rdb"), -ENOSPC);
    assert_null(fake_at("/data/dump.rdb", false));
    assert_int_equal(save(), 0);
}

int main(void)
{
#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, harness_open, harness_close)
    const struct CMUnitTest tests[] = {
        WITH_FILES(a_finished_file_takes_the_place_of_the_old_one),
        WITH_FILES(a_sum_that_is_not_made_is_0),
        WITH_FILES(a_string_is_compressed_and_all_is_summed),
        WITH_FILES(what_is_dropped_or_left_open_goes),
        WITH_FILES(a_file_is_removed_whatever_is_open),
        WITH_FILES(whichever_call_fails_no_file_is_left_that_keeps_its_name),
        WITH_FILES(whichever_call_fails_the_old_file_stays_or_the_new_one_is_whole),
        WITH_FILES(after_an_error_all_fails_until_a_new_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
