/* SAVE's snapshot: the file holds what the databases hold, whatever the types. */
#include "unit/execute/snapshot_fixture.h"

#include "disk/disk.h"
#include "execute/core/snapshot_form.h"

static struct snapshot_terms terms(void)
{
    return (struct snapshot_terms){.version = RDB_VERSION_7_2,
                                   .compresses = true,
                                   .has_checksum = true,
                                   .path = snapshot_temp,
                                   .to = snapshot_path};
}

static void fill(struct session *s, int n)
{
    char line[512];
    for (int i = 0; i < n; i++) {
        static const char *const lines[] = {
            "SET s# value-of-#",
            "SET n# # EX 1000",
            "RPUSH l a b c # #",
            "SADD set# a b #",
            "SADD ints 1 #",
            "SADD words w# x",
            "ZADD z # m#",
            "ZADD small# # m",
            "HSET h f# v#",
            "HSET small-h# f# v",
            "XADD x# * field #",
            "XADD long * field # other text",
            "APPEND text abcdefghijklmnopqrstuvwxyz#",
        };
        for (size_t j = 0; j < sizeof(lines) / sizeof(lines[0]); j++) {
            numbered(line, lines[j], i);
            const char *answer = core_ask(s, line);
            if (answer[0] == '-') print_error("%s: %s\n", line, answer);
            assert_true(answer[0] != '-');
        }
    }
    core_expect(s, "XGROUP CREATE long g 0", "+OK|");
    core_ask(s, "XREADGROUP GROUP g me COUNT 50 STREAMS long >");
    core_expect(s, "HSET due a 1 b 2 c 3", ":3|");
    core_expect(s, "HPEXPIRE due 100000 FIELDS 1 b", "*1|:1|");
    core_expect(s, "SELECT 7", "+OK|");
    core_expect(s, "SET other 1", "+OK|");
}

static void expect_file(const struct picture *want, struct rdb_file *f)
{
    struct picture got = picture_read(snapshot_path, f);
    picture_expect(want, &got);
    picture_free(&got);
    assert_int_equal(access(snapshot_temp, F_OK), -1);
    assert_int_equal(unlink(snapshot_path), 0);
}

static void all_types_come_back(void **state)
{
    (void)state;
    struct rdb_file f;
    fill(core_session(0), 2000);
    struct picture want = picture_take();
    struct snapshot_terms t = terms();
    assert_int_equal(snapshot_now(&t), 0);
    expect_file(&want, &f);
    assert_int_equal(f.version, 12); /* a field has a deadline */
    assert_int_equal(f.aof_base, '0');
    assert_true(f.checksum != 0);
    t.version = RDB_VERSION_7_0;
    t.compresses = t.has_checksum = false;
    t.is_log_base = true;
    assert_int_equal(snapshot_now(&t), 0);
    expect_file(&want, &f);
    assert_int_equal(f.aof_base, '1');
    assert_true(f.checksum == 0);
    picture_free(&want);
}

static void an_empty_server_is_a_file(void **state)
{
    (void)state;
    struct picture none = {0};
    struct rdb_file f;
    struct snapshot_terms t = terms();
    assert_int_equal(snapshot_now(&t), 0);
    expect_file(&none, &f);
    assert_int_equal(f.version, 11);
}

static void give_functions(void (*give)(void *ctx, struct bytes code), void *ctx)
{
    give(ctx, bytes_of("#!lua name=one"));
}

static void functions_are_in_it(void **state)
{
    (void)state;
    struct picture none = {0};
    struct rdb_file f;
    struct snapshot_terms t = terms();
    snapshot_on_functions(give_functions);
    assert_int_equal(snapshot_now(&t), 0);
    snapshot_on_functions(NULL);
    expect_file(&none, &f);
    assert_string_equal(f.functions, "#!lua name=one");
}

static int64_t write_fails(int fd, const void *ptr, size_t len)
{
    (void)fd;
    (void)ptr;
    (void)len;
    errno = ENOSPC;
    return -1;
}

static int sync_fails(int fd)
{
    (void)fd;
    errno = EIO;
    return -1;
}

static int sync_range_fails(int fd, uint64_t from, uint64_t len)
{
    (void)fd;
    (void)from;
    (void)len;
    errno = ENOSYS;
    return -1;
}

/* The sync at the end says whether all is there. */
static void a_system_that_does_not_write_back_early_does_no_harm(void **state)
{
    (void)state;
    struct rdb_file f;
    struct session *s = core_session(0);
    char line[512];
    for (int i = 0; i < 6; i++)
        core_expect(s, numbered(line, "SETRANGE long# 1048575 x", i), ":1048576|");
    struct picture want = picture_take();
    struct snapshot_terms t = terms();
    t.compresses = false;
    t.syncs_often = true;
    const struct disk_calls *were = disk_calls;
    struct disk_calls calls = *were;
    calls.sync_range = sync_range_fails;
    disk_calls = &calls;
    assert_int_equal(snapshot_now(&t), 0);
    disk_calls = were;
    expect_file(&want, &f);
    picture_free(&want);
}

/* The last good file stays. */
static void a_fault_leaves_what_was(void **state)
{
    (void)state;
    struct rdb_file f;
    struct session *s = core_session(0);
    core_expect(s, "SET a 1", "+OK|");
    struct picture want = picture_take();
    struct snapshot_terms t = terms();
    assert_int_equal(snapshot_now(&t), 0);
    core_expect(s, "SET a 2", "+OK|");

    const struct disk_calls *were = disk_calls;
    struct disk_calls calls = *were;
    calls.write = write_fails;
    disk_calls = &calls;
    assert_int_equal(snapshot_now(&t), -ENOSPC);
    calls.write = were->write;
    calls.sync = sync_fails;
    assert_int_equal(snapshot_now(&t), -EIO);
    disk_calls = were;
    t.path = "/nowhere/at/all";
    assert_int_equal(snapshot_now(&t), -ENOENT);
    expect_file(&want, &f);
    picture_free(&want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        core_test(all_types_come_back),
        core_test(an_empty_server_is_a_file),
        core_test(functions_are_in_it),
        core_test(a_system_that_does_not_write_back_early_does_no_harm),
        core_test(a_fault_leaves_what_was),
    };
    return cmocka_run_group_tests(tests, snapshot_dir_open, snapshot_dir_close);
}
