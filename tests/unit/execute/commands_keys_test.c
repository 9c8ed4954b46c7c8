/* The handlers for keys of any type: deadlines, names, databases, walks, OBJECT. */
#include "unit/execute/commands_harness.h"

#define SAME "-ERR source and destination objects are the same"

static void expire_obeys_its_conditions(void **state)
{
    (void)state;
    expect("SET k v", "+OK");
    expect_change("EXPIRE k 100 XX", ":0", 0);
    expect("EXPIRE k 100 GT", ":0");
    expect_change("EXPIRE k 100 LT", ":1", 1);
    expect("EXPIRE k 200 NX", ":0");
    expect("EXPIRE k 100 GT", ":0");
    expect("EXPIRE k 200 XX GT", ":1");
    expect("EXPIRE k 300 LT XX", ":0");
    expect("TTL k", ":200");
    expect("PEXPIRE k 1500 LT", ":1");
    expect("PTTL k", ":1500");
    expect("TTL k", ":2");
    expect("EXPIREAT k 1700000100", ":1");
    expect("EXPIRETIME k", ":1700000100");
    expect("PEXPIREAT k 9223372036854775807", ":1");
    expect("PEXPIRETIME k", ":9223372036854775807");
    expect("EXPIRETIME k", ":9223372036854776");
    expect_change("PERSIST k", ":1", 1);
    expect_change("PERSIST k", ":0", 0);
    expect("EXPIRE none 100", ":0");
    expect("TTL none", ":-2");
    expect("PEXPIRETIME k", ":-1");
}

static void expire_refuses_what_makes_no_sense(void **state)
{
    (void)state;
    expect("SET k v", "+OK");
    expect("EXPIRE k 1 NX GT",
           "-ERR NX and XX, GT or LT options at the same time are not compatible");
    expect("EXPIRE k 1 GT LT", "-ERR GT and LT options at the same time are not compatible");
    expect("EXPIRE k 1 foo NX", "-ERR Unsupported option foo");
    expect("EXPIRE k x", "-ERR value is not an integer or out of range");
    expect("EXPIRE k 9223372036854775807", "-ERR invalid expire time in 'expire' command");
    expect("EXPIRE k -9223372036854775808", "-ERR invalid expire time in 'expire' command");
    expect("EXPIREAT k -9223372036854775808", "-ERR invalid expire time in 'expireat' command");
    expect("PEXPIRE k 9223372036854775807", "-ERR invalid expire time in 'pexpire' command");
    expect("TTL k", ":-1");
}

static void a_past_deadline_deletes(void **state)
{
    (void)state;
    expect("SET k v", "+OK");
    expect_change("PEXPIRE k -9223372036854775808", ":1", 1);
    expect("SET k v", "+OK");
    expect_change("EXPIRE k 0 NX", ":1", 1);
    expect("DBSIZE", ":0");
    expect("SET k v PX 100", "+OK");
    harness_set_time(HARNESS_NOW_MS + 101);
    expect("GET k", "$-1");
    expect("SET k v PX 100", "+OK");
    harness_set_time(HARNESS_NOW_MS + 300);
    expect("EXPIRE k 10", ":0");
    expect("DEL k", ":0");
}

static void del_exists_touch_type(void **state)
{
    (void)state;
    expect("MSET a 1 b 2 c 3", "+OK");
    expect("EXISTS a a none b", ":3");
    expect("TOUCH a none a", ":2");
    expect_change("DEL a a none b", ":2", 2);
    expect_change("UNLINK c c", ":1", 1);
    expect("TYPE a", "+none");
    expect("SET a 1", "+OK");
    expect("TYPE a", "+string");
}

static void rename_and_move_carry_the_deadline(void **state)
{
    (void)state;
    expect("RENAME none x", "-ERR no such key");
    expect("RENAMENX none none", "-ERR no such key");
    expect("SET a 1 EX 100", "+OK");
    expect_change("RENAME a a", "+OK", 0);
    expect_change("RENAMENX a a", ":0", 0);
    expect("SET b 2 EX 900", "+OK");
    expect_change("RENAMENX a b", ":0", 0);
    expect_change("RENAME a b", "+OK", 1);
    expect("TTL b", ":100");
    expect("GET b", "$1 1");
    expect("EXISTS a", ":0");
    expect("MOVE b 0", SAME);
    expect("MOVE b 16", "-ERR DB index is out of range");
    expect("MOVE b x", "-ERR value is not an integer or out of range");
    expect("MOVE b 99999999999",
           "-ERR value is out of range, value must between -2147483648 and 2147483647");
    expect_change("MOVE b 3", ":1", 1);
    expect_change("MOVE b 3", ":0", 0);
    harness.db = keyspace_db(3);
    expect("TTL b", ":100");
}

static void copy_leaves_the_original(void **state)
{
    (void)state;
    expect("SET a 1 EX 100", "+OK");
    expect_change("COPY a b", ":1", 1);
    expect_change("COPY a b", ":0", 0);
    expect("SET a 2", "+OK");
    expect("GET b", "$1 1");
    expect("TTL b", ":100");
    expect_change("COPY a b REPLACE", ":1", 1);
    expect("GET b", "$1 2");
    expect("TTL b", ":-1");
    expect("COPY a a", SAME);
    expect("COPY a a DB 0", SAME);
    expect("COPY a a DB 2", ":1");
    expect("COPY a b DB", "-ERR syntax error");
    expect("COPY a b DB 16", "-ERR DB index is out of range");
    expect("COPY none b REPLACE", ":0");
    harness.db = keyspace_db(2);
    expect("GET a", "$1 2");
}

static void whole_databases(void **state)
{
    (void)state;
    expect("MSET a 1 b 2", "+OK");
    expect_change("SWAPDB 0 1", "+OK", 1);
    expect("DBSIZE", ":0");
    expect("SWAPDB x 1", "-ERR invalid first DB index");
    expect("SWAPDB 1 x", "-ERR invalid second DB index");
    expect("SWAPDB 1 99", "-ERR DB index is out of range");
    expect("SET c 3", "+OK");
    expect("FLUSHDB foo", "-ERR syntax error");
    expect("FLUSHDB SYNC ASYNC", "-ERR syntax error");
    expect_change("FLUSHDB", "+OK", 1);
    expect_change("FLUSHALL ASYNC", "+OK", 2);
    harness.db = keyspace_db(1);
    expect("DBSIZE", ":0");
    expect("RANDOMKEY", "$-1");
    expect("SET only v", "+OK");
    expect("RANDOMKEY", "$4 only");
}

/* Runs SCAN from 0 to 0 with the given options; gives how many keys it showed and counts each in
 * seen[]. */
static int scan_all(const char *options, int seen[1000])
{
    char line[100];
    unsigned long long cursor = 0;
    int shown = 0;
    do {
        snprintf(line, sizeof line, "SCAN %llu%s", cursor, options);
        const char *reply = ask(line);
        int digits, used;
        long count;
        assert_int_equal(sscanf(reply, "*2 $%d %llu *%ld%n", &digits, &cursor, &count, &used), 3);
        for (reply += used; count-- > 0; reply += used, shown++) {
            int len, n;
            assert_int_equal(sscanf(reply, " $%d key%d%n", &len, &n, &used), 2);
            seen[n]++;
        }
    } while (cursor != 0);
    return shown;
}

static void scan_shows_every_key(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        char line[40];
        snprintf(line, sizeof line, "SET key%d v", i);
        expect(line, "+OK");
    }
    static const char *const options[] = {"", " COUNT 1", " COUNT 9223372036854775807",
                                          " MATCH key* TYPE string"};
    for (size_t k = 0; k < sizeof options / sizeof options[0]; k++) {
        int seen[1000] = {0};
        scan_all(options[k], seen);
        for (int i = 0; i < 1000; i++) assert_true(seen[i] > 0);
    }
    int seen[1000] = {0};
    assert_int_equal(scan_all(" TYPE list", seen), 0);
    assert_int_equal(scan_all(" TYPE nothing", seen), 0);
    assert_true(scan_all(" MATCH key99?", seen) >= 10);
    for (int i = 0; i < 1000; i++) assert_int_equal(seen[i] > 0, i >= 990);
    assert_int_equal(strncmp(ask("KEYS *"), "*1000 ", 6), 0);
    assert_int_equal(strncmp(ask("KEYS key12?"), "*10 ", 4), 0);
    expect("KEYS key7", "*1 $4 key7");
    expect("KEYS nokey", "*0");
}

static void scan_reads_cursors_as_strtoul(void **state)
{
    (void)state;
    expect("SCAN +00", "*2 $1 0 *0");
    expect("SCAN \"\"", "*2 $1 0 *0");
    static const char *const wrong[] = {"x", "-", "+", "1x", "18446744073709551616", "--1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char line[60];
        snprintf(line, sizeof line, "SCAN %s", wrong[i]);
        expect(line, "-ERR invalid cursor");
    }
    expect("SCAN 0 COUNT 0", "-ERR syntax error");
    expect("SCAN 0 COUNT x", "-ERR value is not an integer or out of range");
    expect("SCAN 0 MATCH", "-ERR syntax error");
    expect("SCAN 0 foo bar", "-ERR syntax error");
}

static void object_tells_about_values(void **state)
{
    (void)state;
    expect("MSET n 5 big 10000 s text", "+OK");
    expect("OBJECT ENCODING n", "$3 int");
    expect("OBJECT ENCODING s", "$6 embstr");
    expect("OBJECT ENCODING none", "$-1");
    expect("OBJECT REFCOUNT n", ":2147483647");
    expect("OBJECT REFCOUNT big", ":1");
    expect("OBJECT REFCOUNT none", "$-1");
    expect("OBJECT IDLETIME s", ":0");
    harness_set_time(HARNESS_NOW_MS + 120000);
    const char *idle = ask("OBJECT IDLETIME s");
    int64_t seconds = strtoll(idle + 1, NULL, 10);
    assert_in_range(seconds, 110, 121);
    assert_int_equal(ask("OBJECT FREQ s")[0], '-');
    expect("OBJECT FREQ none", "$-1");

    harness.settings->maxmemory_policy = POLICY_ALLKEYS_LFU;
    keyspace_set_lfu(true, 10, 1);
    expect("SET fresh text", "+OK");
    expect("OBJECT FREQ fresh", ":5");
    assert_int_equal(ask("OBJECT IDLETIME fresh")[0], '-');
    keyspace_set_lfu(false, 10, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        harness_test(expire_obeys_its_conditions),
        harness_test(expire_refuses_what_makes_no_sense),
        harness_test(a_past_deadline_deletes),
        harness_test(del_exists_touch_type),
        harness_test(rename_and_move_carry_the_deadline),
        harness_test(copy_leaves_the_original),
        harness_test(whole_databases),
        harness_test(scan_shows_every_key),
        harness_test(scan_reads_cursors_as_strtoul),
        harness_test(object_tells_about_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
