/* The files' stage: a new file takes the place of the old one whole, or not at all. */
#include "unit/persist/persist_harness.h"

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
    expect_text("/data/temp-1.rdb", "");
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
    struct order *o = order_new(ORDER_FILE_REMOVE);
    o->path = strdup("/data/other");
    assert_int_equal(order_do(o), 0);
    assert_null(fake_at("/data/other", false));
    o = order_new(ORDER_FILE_REMOVE);
    o->path = strdup("/data/other");
    assert_int_equal(order_do(o), -ENOENT);
    assert_int_equal(give_bytes("x"), 0);
    assert_int_equal(log_order(ORDER_FILE_DROP), 0);
}

static int save(void)
{
    int rc = give_open(true), each;
    for (int i = 0; i < 3; i++)
        if ((each = give_bytes("data")) != 0) rc = each;
    if ((each = give_finish("/data/dump.rdb")) != 0) rc = each;
    return rc;
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
        fake.fail_at = fake.calls + at;
        fake.fail_most = 1;
        fake.fail_errno = EIO;
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
        WITH_FILES(what_is_dropped_or_left_open_goes),
        WITH_FILES(a_file_is_removed_whatever_is_open),
        WITH_FILES(whichever_call_fails_the_old_file_stays_or_the_new_one_is_whole),
        WITH_FILES(after_an_error_all_fails_until_a_new_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
