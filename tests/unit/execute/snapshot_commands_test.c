/* A snapshot as commands: run into empty databases they make the data again. */
#include "unit/execute/snapshot_fixture.h"
#include "unit/rdb_memory.h"

#include "execute/core/snapshot_form.h"

enum { ARGS_MAX = 2 * 64 + 2, FIELDS = 200, TEXT = 100000 };

/* ---- Out: all that the form writes, in memory ---- */

static struct rdb_out out;
static const struct snapshot_terms terms = {.version = RDB_VERSION_7_2};
static uint64_t step; /* elements of a step; 0: whole values */

static void write_entry(void *ctx, struct entry *e)
{
    (void)ctx;
    if (step == 0) {
        snapshot_form_commands.entry(&out, e);
        return;
    }
    struct snapshot_cursor c = {.e = e};
    snapshot_form_commands.large_begin(&out, &c);
    while (!snapshot_form_commands.large_step(&out, &c, step)) continue;
}

static void write_all(void)
{
    out = (struct rdb_out){.room = rdb_memory_room};
    snapshot_form_commands.begin(&out, &terms);
    for (int i = 0; i < keyspace_db_count(); i++) {
        uint64_t cursor = 0;
        snapshot_form_commands.select(&out, i);
        do cursor = table_scan(db_table(keyspace_db(i)), cursor, 10, write_entry, NULL);
        while (cursor != 0);
    }
    snapshot_form_commands.end(&out);
}

/* ---- And in again ---- */

static uint64_t read_number(const char **at, char type)
{
    char *end;
    assert_int_equal(**at, type);
    uint64_t n = strtoull(*at + 1, &end, 10);
    assert_memory_equal(end, "\r\n", 2);
    *at = end + 2;
    return n;
}

static void run_all(struct session *s)
{
    const char *at = (const char *)out.ptr, *end = at + out.len;
    while (at < end) {
        struct bytes args[ARGS_MAX];
        uint64_t nargs = read_number(&at, '*');
        assert_in_range(nargs, 1, ARGS_MAX);
        for (uint64_t i = 0; i < nargs; i++) {
            uint64_t len = read_number(&at, '$');
            args[i] = bytes_make(at, len);
            assert_memory_equal(at + len, "\r\n", 2);
            at += len + 2;
        }
        struct command cmd = core_command(args, (uint32_t)nargs);
        core.reply.len = 0;
        assert_true(run(s, &cmd, &core.reply));
        if (core.reply.buf[0] == '-')
            print_error("%.*s: %s\n", (int)args[0].len, args[0].ptr, core_show());
        assert_true(core.reply.buf[0] != '-');
    }
    assert_ptr_equal(at, end);
    core_expect(s, "SELECT 0", "+OK|");
}

/* Writes, empties, runs, compares. */
static void expect_again(struct session *s)
{
    struct picture want = picture_take();
    write_all();
    core_expect(s, "FLUSHALL", "+OK|");
    run_all(s);
    struct picture got = picture_take();
    picture_expect(&want, &got);
    assert_true(want.count > 0);
    picture_free(&want);
    picture_free(&got);
    free(out.ptr);
}

static void ask_each(struct session *s, const char *const *lines, int n)
{
    char line[512];
    for (; *lines != NULL; lines++) {
        const char *answer = core_ask(s, numbered(line, *lines, n));
        if (answer[0] == '-') print_error("%s: %s\n", line, answer);
        assert_true(answer[0] != '-');
    }
}

static void fill(struct session *s)
{
    static const char *const many[] = {
        "SET s# value-of-#",
        "SET n# #",
        "SET t# x PXAT 1700000200000",
        "RPUSH l e# #",
        "SADD ints #",
        "SADD words w# #",
        "ZADD z #.25 m#",
        "ZADD z -# n#",
        "HSET h f# v#",
        "XADD long * field # other text#",
        "HSET due a# 1 b# 2",
        "HPEXPIREAT due 1700000100000 FIELDS 1 b#",
        NULL,
    };
    static const char *const few[] = {
        "RPUSH small a 1 -5",
        "SADD small-ints 3 -7 100000",
        "SADD small-words a b",
        "ZADD small-z 1 a 0.1 b inf c -inf d 1e300 e",
        "HSET small-h f v g 1",
        "PEXPIREAT l 1700000100000",
        "PEXPIREAT small-h 1700000100001",
        "SET minus -17",
        "APPEND raw 12",
        "SETRANGE raw 5 x",
        "SELECT 9",
        "SET other 1",
        "HSET o f v",
        "SELECT 0",
        NULL,
    };
    for (int i = 0; i < FIELDS; i++) ask_each(s, many, i);
    ask_each(s, few, 0);
}

static void all_types_come_back(void **state)
{
    (void)state;
    struct session *s = core_session(1);
    fill(s);
    step = 0;
    expect_again(s);
    for (step = 1; step <= 100; step += 33) expect_again(s);
}

static void streams_come_back_with_groups(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "XADD s 1-1 f v",
        "XADD s 1-2 f v g w",
        "XADD s 2-0 other 1",
        "XADD s 7-7 f v",
        "XADD s 8-0 f v",
        "XDEL s 8-0",
        "XGROUP CREATE s g 0",
        "XGROUP CREATE s idle $",
        "XGROUP CREATE s lost 1-2 ENTRIESREAD 2",
        "XGROUP CREATECONSUMER s g nobody",
        "XREADGROUP GROUP g one COUNT 2 STREAMS s >",
        "XREADGROUP GROUP g two STREAMS s >",
        "XCLAIM s g one 0 2-0 RETRYCOUNT 9 JUSTID",
        "XDEL s 2-0",
        "XADD emptied 5-5 a b",
        "XDEL emptied 5-5",
        "XGROUP CREATE emptied g 3",
        "XGROUP CREATE new g $ MKSTREAM",
        "XGROUP CREATE bare g $ MKSTREAM",
        "XGROUP DESTROY bare g",
        "PEXPIREAT bare 1700000100000",
        NULL,
    };
    struct session *s = core_session(1);
    ask_each(s, lines, 0);
    core_set_time(INT64_C(1700000050000)); /* when consumers were seen is told, too */
    for (step = 0; step <= 3; step++) expect_again(s);
    core_expect(s, "XINFO CONSUMERS s nothing",
                "-NOGROUP No such consumer group 'nothing' for key name 's'|");
    core_expect(s, "XPENDING s g", "*4|:4|$3|1-1|$3|7-7|*2|*2|$3|one|$1|3|*2|$3|two|$1|1|");
    core_expect(
        s, "XADD emptied 5-5 a b",
        "-ERR The ID specified in XADD is equal or smaller than the target stream top item|");
}

static void long_strings_come_back(void **state)
{
    (void)state;
    struct session *s = core_session(1);
    char *text = malloc(TEXT);
    for (size_t i = 0; i < TEXT; i++) text[i] = (char)(i * 7 + i / 251);
    const struct bytes args[] = {bytes_of("SET"), bytes_of("text"), bytes_make(text, TEXT)};
    struct command cmd = core_command(args, 3);
    assert_true(run(s, &cmd, &core.reply));
    core_expect(s, "SET empty  PXAT 1700000100000", "+OK|");
    for (step = 0; step <= 3; step++) expect_again(s);
    free(text);
}

/* What is due is not told; what is left of the hash is. */
static void fields_that_are_due_stay_behind(void **state)
{
    (void)state;
    struct session *s = core_session(1);
    core_expect(s, "HSET h a 1 b 2 c 3", ":3|");
    core_expect(s, "HPEXPIREAT h 1700000000010 FIELDS 1 b", "*1|:1|");
    core_set_time(INT64_C(1700000000020));
    step = 0;
    write_all();
    core_expect(s, "FLUSHALL", "+OK|");
    run_all(s);
    free(out.ptr);
    core_expect(s, "HMGET h a b c", "*3|$1|1|$-1|$1|3|");
    core_expect(s, "HLEN h", ":2|");
}

static void libraries_are_loaded_by_their_code(void **state)
{
    (void)state;
    out = (struct rdb_out){.room = rdb_memory_room};
    snapshot_form_commands.function(&out, bytes_of("#!lua name=x"));
    static const char want[] = "*3\r\n$8\r\nFUNCTION\r\n$4\r\nLOAD\r\n$12\r\n#!lua name=x\r\n";
    assert_int_equal(out.len, sizeof(want) - 1);
    assert_memory_equal(out.ptr, want, out.len);
    free(out.ptr);
}

static void the_time_stands_first_where_the_option_says_so(void **state)
{
    (void)state;
    out = (struct rdb_out){.room = rdb_memory_room};
    snapshot_form_commands.begin(&out, &terms);
    assert_int_equal(out.len, 0);
    core_set("aof-timestamp-enabled", "yes");
    snapshot_form_commands.begin(&out, &terms);
    static const char want[] = "#TS:1700000000\r\n";
    assert_int_equal(out.len, sizeof(want) - 1);
    assert_memory_equal(out.ptr, want, out.len);
    free(out.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        core_test(all_types_come_back),
        core_test(streams_come_back_with_groups),
        core_test(long_strings_come_back),
        core_test(fields_that_are_due_stay_behind),
        core_test(libraries_are_loaded_by_their_code),
        core_test(the_time_stands_first_where_the_option_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
