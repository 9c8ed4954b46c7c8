/*
 * Who waits for a snapshot, and who does not: writers of a large value that is not written yet, in
 * whatever way they come to write it, until it is written; nobody else.
 */
#include "unit/execute/snapshot_files.h"

#include "execute/commands/function.h"
#include "execute/commands/script.h"

enum { LARGE = 3000 };

/* Makes nodes of the list. */
#define PADDING "-with-some-sixty-bytes-of-text-behind-it-and-more-and-more"
#define ITEM(n) "$64|item-" #n PADDING "|"

static struct session *writer, *other;
static int over;

static void is_over(int result) { over = result; }

static void begin_as(bool compresses)
{
    const struct snapshot_terms t = {.version = RDB_VERSION_7_2,
                                     .has_checksum = true,
                                     .compresses = compresses,
                                     .path = snapshot_temp,
                                     .done = is_over};
    over = 1;
    assert_int_equal(snapshot_begin(&t), 0);
}

static void begin(void) { begin_as(false); }

static int test_open(void **state)
{
    char line[512];
    core_open(state);
    scripts_open();
    files_open();
    writer = core_session(0);
    other = core_session(1);
    for (int i = 0; i < LARGE; i++) {
        core_ask(writer, numbered(line, "RPUSH large-list item-#" PADDING, i));
        core_ask(writer, numbered(line, "ZADD large-zset # member-#", i));
        core_ask(writer, numbered(line, "HSET large-hash field-# value", i));
        core_ask(writer, numbered(line, "SADD small-set #", i % 10));
    }
    core_expect(writer, "SETRANGE long 1000000 x", ":1000001|");
    begin();
    return 0;
}

static void go_on(void)
{
    while (over == 1) {
        snapshot_work(1000);
        files_work(10);
    }
    assert_int_equal(over, 0);
}

static void finish(void)
{
    go_on();
    assert_int_equal(unlink(snapshot_temp), 0);
}

static int test_close(void **state)
{
    snapshot_close();
    files_close();
    scripts_close();
    return core_close(state);
}

/* The line waits now; when the value is written, it is answered. */
static void expect_wait(const char *line, const char *answer)
{
    core_expect(writer, line, "");
    assert_non_null(writer->held_first);
    core_expect(other, "PING", "+PONG|");
    core_expect(other, "LRANGE large-list 0 0", "*1|" ITEM(0) "");
    core_expect(other, "SADD small-set new", ":1|");
    core_expect(other, "SREM small-set new", ":1|");
    while (writer->held_first != NULL) {
        assert_int_equal(over, 1);
        snapshot_work(1);
        files_work(10);
        const char *said = core_run_held();
        if (writer->held_first == NULL) assert_string_equal(said, answer);
    }
}

static void a_large_value_is_waited_for(void **state)
{
    (void)state;
    expect_wait("ZADD large-zset 1 another", ":1|");
    core_expect(writer, "ZADD large-zset 1 more", ":1|"); /* the snapshot has it */
    expect_wait("LPOP large-list 2", "*2|" ITEM(0) ITEM(1));
    core_expect(writer, "RPUSH list-of-now x", ":1|");
    assert_true(snapshot_figures().held_commands >= 2);
    finish();
}

static void commands_of_one_session_keep_their_order(void **state)
{
    (void)state;
    core_expect(writer, "HSET large-hash another 1", "");
    core_expect(writer, "HLEN large-hash", "");
    core_expect(writer, "SET small 1", "");
    while (writer->held_first != NULL) {
        snapshot_work(1);
        files_work(10);
        const char *said = core_run_held();
        if (writer->held_first == NULL) assert_string_equal(said, ":1|:3001|+OK|");
    }
    finish();
}

static void a_transaction_waits_as_a_whole(void **state)
{
    (void)state;
    core_expect(writer, "MULTI", "+OK|");
    core_expect(writer, "INCR counter", "+QUEUED|");
    core_expect(writer, "HSET large-hash another 1", "+QUEUED|");
    expect_wait("EXEC", "*2|:1|:1|");
    core_expect(writer, "MULTI", "+OK|");
    core_expect(writer, "SELECT 1", "+QUEUED|");
    core_expect(writer, "LPUSH large-list x", "+QUEUED|"); /* another one */
    core_expect(writer, "EXEC", "*2|+OK|:1|");
    finish();
}

static void a_script_waits_for_the_keys_that_it_names(void **state)
{
    (void)state;
    expect_wait("EVAL return(redis.call('LLEN',KEYS[1])) 1 large-list", ":3000|");
    finish();
}

/* It is written on the spot. */
static void a_script_need_not_name_them(void **state)
{
    (void)state;
    snapshot_work(1);
    core_expect(writer, "EVAL return(redis.call('LPUSH','large-list','x')) 0", ":3001|");
    core_expect(writer, "LPUSH large-list y", ":3002|");
    assert_true(snapshot_figures().gate_saves >= 1);
    finish();
}

/* One that was blocked, and is fed, may change a large value: nothing is written on the spot. */
static void who_is_woken_waits_like_others(void **state)
{
    (void)state;
    finish();
    core_expect(other, "BLMOVE fed large-list LEFT LEFT 0", "");
    assert_true(other->is_blocked);
    begin();
    core_expect(writer, "RPUSH fed x y", ":2|");
    assert_string_equal(core_run_woken(), "");
    assert_int_equal(snapshot_figures().held_commands, 1);
    core_expect(writer, "LPOP fed", "$1|x|");
    const char *said = "";
    while (said[0] == '\0') {
        assert_int_equal(over, 1);
        snapshot_work(1);
        files_work(10);
        said = core_run_woken();
    }
    assert_string_equal(said, "$1|y|");
    assert_int_equal(snapshot_figures().gate_saves, 0);
    core_expect(writer, "LRANGE large-list 0 1", "*2|$1|y|" ITEM(0) "");
    finish();
}

static void who_is_held_when_woken_can_still_be_unblocked(void **state)
{
    (void)state;
    struct session *third = core_session(2);
    finish();
    core_expect(third, "BLMOVE fed large-list LEFT LEFT 0", "");
    core_expect(other, "BLMOVE fed large-list LEFT LEFT 0", "");
    begin();
    core_expect(writer, "RPUSH fed x", ":1|");
    assert_string_equal(core_run_woken(), "");
    assert_true(blocking_unblock(other, BLOCKING_ERROR));
    assert_string_equal(core_run_woken(), "-UNBLOCKED client unblocked via CLIENT UNBLOCK|");
    core_expect(writer, "DEL fed", ":1|");
    finish();
    assert_string_equal(core_run_woken(), ""); /* there is nothing: it waits on */
    core_expect(writer, "RPUSH fed z", ":1|");
    assert_string_equal(core_run_woken(), "$1|z|");
}

static void what_goes_and_long_strings_do_not_wait(void **state)
{
    (void)state;
    core_expect(writer, "SETRANGE long 5 abc", ":1000001|");
    core_expect(writer, "APPEND long x", ":1000002|");
    core_expect(writer, "FLUSHDB", "+OK|");
    core_expect(writer, "RPUSH large-list x", ":1|");
    assert_true(snapshot_figures().extra_bytes > 1000000);
    finish();
    assert_int_equal(snapshot_figures().extra_bytes, 0);
}

/* Persist has it, and execute changes it, and frees it. */
static void a_long_string_is_compressed_as_it_was(void **state)
{
    (void)state;
    struct rdb_file f;
    finish();
    struct picture want = picture_take();
    begin_as(true);
    for (int i = 0; i < 100; i++) snapshot_work(1000);
    core_expect(writer, "SETRANGE long 5 abc", ":1000001|");
    core_expect(writer, "DEL long", ":1|");
    assert_int_equal(snapshot_figures().gate_saves, 0); /* it was on its way */
    go_on();
    struct picture got = picture_read(snapshot_temp, &f);
    picture_expect(&want, &got);
    assert_int_equal(files.strings, 1);
    assert_true(snapshot_figures().bytes < 1000000 && f.len < 1000000);
    assert_int_equal(snapshot_figures().extra_bytes, 0);
    picture_free(&want);
    picture_free(&got);
    assert_int_equal(unlink(snapshot_temp), 0);
}

static void the_end_of_an_aborted_one_is_the_end_of_waiting(void **state)
{
    (void)state;
    core_expect(writer, "ZADD large-zset 1 another", "");
    snapshot_abort();
    assert_string_equal(core_run_held(), ":1|");
    while (over == 1) files_work(1);
    assert_int_equal(over, -ECANCELED);
}

/* A disk that takes nothing: memory stays bounded, and then writers of what is old wait. */
static void a_slow_disk_is_waited_for(void **state)
{
    (void)state;
    char line[64];
    finish();
    char *value = malloc(20001);
    memset(value, 'v', 20000);
    value[20000] = '\0';
    for (int i = 0; i < 4000; i++) {
        struct bytes args[] = {bytes_of("SET"), bytes_of(numbered(line, "key:#", i)),
                               bytes_of(value)};
        struct command cmd = core_command(args, 3);
        assert_true(run(writer, &cmd, &core.reply));
    }
    free(value);
    begin();
    for (int i = 0; i < 100000; i++) snapshot_work(1000);
    assert_true(snapshot_figures().extra_peak < 12 << 20); /* the walk waits */
    int n = 4000;
    while (writer->held_first == NULL && n > 0) core_ask(writer, numbered(line, "DEL key:#", --n));
    assert_true(n > 0);
    assert_true(snapshot_figures().extra_peak < 40 << 20);
    core_expect(other, "SET new 1", "+OK|");
    while (writer->held_first != NULL) {
        assert_true(files_work(1) > 0);
        core_run_held();
    }
    finish();
}

#define gate_test(name) cmocka_unit_test_setup_teardown(name, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        gate_test(a_large_value_is_waited_for),
        gate_test(commands_of_one_session_keep_their_order),
        gate_test(a_transaction_waits_as_a_whole),
        gate_test(a_script_waits_for_the_keys_that_it_names),
        gate_test(a_script_need_not_name_them),
        gate_test(who_is_woken_waits_like_others),
        gate_test(who_is_held_when_woken_can_still_be_unblocked),
        gate_test(what_goes_and_long_strings_do_not_wait),
        gate_test(a_long_string_is_compressed_as_it_was),
        gate_test(the_end_of_an_aborted_one_is_the_end_of_waiting),
        gate_test(a_slow_disk_is_waited_for),
    };
    return cmocka_run_group_tests(tests, snapshot_dir_open, snapshot_dir_close);
}
