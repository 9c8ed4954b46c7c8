/* The loader of RDB files: all versions, all opcodes, built by hand or by a snapshot. */
#include "unit/execute/loading_fixture.h"
#include "unit/rdb_memory.h"

#include "base/log.h"

static struct loading_rdb r;
static char functions[256];

static int rdb_open(void **state)
{
    log_set_level(LOG_NOTHING);
    functions[0] = '\0';
    return core_open(state);
}

static const char *add_functions(struct bytes code, bool replaces)
{
    snprintf(functions, sizeof(functions), "%.*s%s", (int)code.len, code.ptr,
             replaces ? " replaces" : "");
    return code.len == 3 ? "it is bad" : NULL;
}

/* ---- Files by hand: the bytes between head and end, as hex digits; blanks are passed over ---- */

static unsigned digit(char c) { return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10); }

static struct text file_of(int version, const char *hex)
{
    struct text t = {0};
    char head[16];
    text_add(&t, head, (size_t)sprintf(head, "REDIS%04d", version));
    for (; *hex != '\0'; hex++) {
        if (*hex == ' ') continue;
        char byte = (char)(digit(hex[0]) << 4 | digit(hex[1]));
        text_add(&t, &byte, 1);
        hex++;
    }
    text_add(&t, "\xff", 1);
    uint64_t sum = crc64(0, text_bytes(&t));
    if (version >= 5) text_add(&t, &sum, sizeof(sum));
    return t;
}

static enum loading_result load(const struct loading_rdb_terms *terms, int version, const char *hex)
{
    struct text t = file_of(version, hex);
    enum loading_result result = loading_rdb_bytes(text_bytes(&t), terms, &r);
    free(t.ptr);
    return result;
}

/* The answer to a line after the file was loaded into empty databases. */
static void expect_of(int version, const char *hex, const char *line, const char *answer)
{
    struct loading_rdb_terms terms = loading_terms();
    struct session *s = core_session(0);
    loading_forget();
    enum loading_result result = load(&terms, version, hex);
    if (result != LOADING_DONE) print_error("%s\n", r.wrong);
    assert_int_equal(result, LOADING_DONE);
    core_expect(s, line, answer);
    session_end(s);
}

static void expect_refused(const struct loading_rdb_terms *terms, const char *hex, const char *why)
{
    loading_forget();
    assert_int_equal(load(terms, 11, hex), LOADING_FAILED);
    if (strstr(r.wrong, why) == NULL) print_error("%s\n", r.wrong);
    assert_non_null(strstr(r.wrong, why));
}

static void files_of_every_version_are_read(void **state)
{
    (void)state;
    for (int version = 1; version <= 12; version++)
        expect_of(version, "fe00 00 016b 0176", "GET k", "$1|v|");
    /* Strings as integers of 8, 16 and 32 bits, and compressed. */
    expect_of(1, "fe00 00 0161 c007", "GET a", "$1|7|");
    expect_of(2, "fe00 00 0161 c13075", "GET a", "$5|30000|");
    expect_of(3, "fe00 00 0161 c2a0860100", "GET a", "$6|100000|");
    expect_of(3, "fe00 00 0161 c30409 0061c000", "STRLEN a", ":9|");
    /* Lists, sets, sorted sets with scores as text, hashes, element by element. */
    expect_of(1, "fe00 01 016c 02 0161 0162", "LRANGE l 0 -1", "*2|$1|a|$1|b|");
    expect_of(1, "fe00 02 0173 01 0161", "SISMEMBER s a", ":1|");
    expect_of(1, "fe00 03 017a 01 0161 03312e35", "ZSCORE z a", "$3|1.5|");
    expect_of(1, "fe00 03 017a 01 0161 fe", "ZSCORE z a", "$3|inf|");
    expect_of(2, "fe00 04 0168 01 0166 0176", "HGET h f", "$1|v|");
    expect_of(8, "fe00 05 017a 01 0161 000000000000f83f", "ZSCORE z a", "$3|1.5|");
    /* A zipmap, a ziplist, an intset. */
    expect_of(2,
              "fe00 09 0168 07 01 01 66 01 00 76 ff"
              " 00 016b 0176",
              "GET k", "$1|v|");
    expect_of(2, "fe00 0a 016c 0f 0f000000 0a000000 0100 00 02 6869 ff", "LINDEX l 0", "$2|hi|");
    expect_of(2, "fe00 0b 0173 0c 02000000 02000000 0100 0200", "SMEMBERS s", "*2|$1|1|$1|2|");
    /* A quicklist of ziplists, and one of listpacks and single items. */
    expect_of(7, "fe00 0e 016c 01 0f 0f000000 0a000000 0100 00 02 6869 ff", "LLEN l", ":1|");
    expect_of(10, "fe00 12 016c 02 01 026869 02 0b 0b000000 0100 826869 03 ff", "LLEN l", ":2|");
}

static void opcodes_say_when_and_how_a_key_was_used(void **state)
{
    (void)state;
    expect_of(2, "fe00 fd 00e1f57e 00 016b 0176", "PEXPIRETIME k", ":2130043136000|");
    expect_of(3, "fe00 fc 0038d360ba010000 00 016b 0176", "PEXPIRETIME k", ":1900000000000|");
    expect_of(9, "fe00 f8 8000000064 00 016b 0176", "OBJECT IDLETIME k", ":100|");
    expect_of(9, "fe00 f8 05 f9 07 00 016b 0176", "GET k", "$1|v|");
    expect_of(9, "fe00 fb 01 00 fe 03 00 016b 0176", "DBSIZE", ":0|");
    expect_of(12, "fe00 f4 01 02 00 00 016b 0176", "GET k", "$1|v|");
    /* Data of a module: an id, when it came, then parts of each kind up to the end. */
    expect_of(10,
              "f7 8100000000000000ff 02 01 01 05 02 06 03 00000000 04 0000000000000000"
              " 05 03616263 00 fe00 00 016b 0176",
              "GET k", "$1|v|");
}

static void a_key_that_is_due_is_dropped_but_not_under_a_log(void **state)
{
    (void)state;
    const char *hex = "fe00 fc 0100000000000000 00 016b 0176 00 016c 0176";
    struct loading_rdb_terms terms = loading_terms();
    assert_int_equal(load(&terms, 11, hex), LOADING_DONE);
    assert_int_equal(r.keys, 1);
    assert_int_equal(r.expired, 1);
    assert_int_equal(db_size(keyspace_db(0)), 1);
    loading_forget();
    terms.is_log_base = true;
    assert_int_equal(load(&terms, 11, hex), LOADING_DONE);
    assert_int_equal(r.keys, 2);
    assert_int_equal(db_size(keyspace_db(0)), 2);
}

static void keys_without_elements_are_passed_over(void **state)
{
    (void)state;
    struct loading_rdb_terms terms = loading_terms();
    assert_int_equal(load(&terms, 9, "fe00 02 0173 00 04 0168 00 0e 016c 00 00 016b 0176"),
                     LOADING_DONE);
    assert_int_equal(r.empty, 3);
    assert_int_equal(r.keys, 1);
}

static void a_key_twice_is_refused_unless_merged(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    struct loading_rdb_terms terms = loading_terms();
    expect_refused(&terms, "fe00 00 016b 0176 00 016b 0177", "Duplicated key");
    loading_forget();
    core_expect(s, "SET k old", "+OK|");
    assert_int_equal(load(&terms, 11, "fe00 00 016b 0176"), LOADING_FAILED);
    core_expect(s, "GET k", "$3|old|");
    terms.merges = true;
    assert_int_equal(load(&terms, 11, "fe00 00 016b 0176"), LOADING_DONE);
    core_expect(s, "GET k", "$1|v|");
}

static void libraries_go_to_who_asked_for_them(void **state)
{
    (void)state;
    struct loading_rdb_terms terms = loading_terms();
    terms.add_functions = add_functions;
    assert_int_equal(load(&terms, 10, "f5 0461626364"), LOADING_DONE);
    assert_string_equal(functions, "abcd");
    terms.merges = true;
    assert_int_equal(load(&terms, 10, "f5 0461626364"), LOADING_DONE);
    assert_string_equal(functions, "abcd replaces");
    expect_refused(&terms, "f5 03616263", "Failed loading library, it is bad");
}

static void what_makes_no_sense_is_refused_in_words(void **state)
{
    (void)state;
    struct loading_rdb_terms terms = loading_terms();
    expect_refused(&terms, "fe10 00 016b 0176", "a database");
    expect_refused(&terms, "f6 0161", "Pre-release function format not supported.");
    expect_refused(&terms, "07 016b 01", "a module's values");
    expect_refused(&terms, "fe00 63 016b 0176", "the type is not known");
    expect_refused(&terms, "fe00 00 016b c4", "a string");
    expect_refused(&terms, "fe00 02 0173 02 0161 0161", "Set has a member twice");
    expect_refused(&terms, "fe00 01 016c 81ffffffffffffffff 0161", "Unexpected EOF");
    expect_refused(&terms, "fe00 02 0173 813fffffffffffffff", "Unexpected EOF");
    loading_forget();
    assert_int_equal(loading_rdb_bytes(bytes_of("REDIS0013\xff"), &terms, &r), LOADING_FAILED);
    assert_string_equal(r.wrong, "Can't handle RDB format version 13");
    assert_int_equal(loading_rdb_bytes(bytes_of("RADIS0011\xff"), &terms, &r), LOADING_FAILED);
    assert_string_equal(r.wrong, "Wrong signature trying to load DB from file");
    assert_true(r.wrong_format);
}

static void a_sum_of_zero_or_of_nobody_is_not_checked(void **state)
{
    (void)state;
    struct loading_rdb_terms terms = loading_terms();
    struct text t = file_of(11, "fe00 00 016b 0176");
    memset(t.ptr + t.len - 8, 0, 8);
    assert_int_equal(loading_rdb_bytes(text_bytes(&t), &terms, &r), LOADING_DONE);
    loading_forget();
    t.ptr[t.len - 1] = 1;
    assert_int_equal(loading_rdb_bytes(text_bytes(&t), &terms, &r), LOADING_FAILED);
    assert_string_equal(r.wrong, "RDB CRC error");
    loading_forget();
    terms.checks_sum = false;
    assert_int_equal(loading_rdb_bytes(text_bytes(&t), &terms, &r), LOADING_DONE);
    free(t.ptr);
}

static void a_false_announcement_of_keys_costs_nothing(void **state)
{
    (void)state;
    struct loading_rdb_terms terms = loading_terms();
    size_t before = heap_used();
    assert_int_equal(load(&terms, 11, "fe00 fb 81ffffffffffffffff 00 00 016b 0176"), LOADING_DONE);
    assert_true(heap_used() - before < 65536);
}

static void what_a_snapshot_wrote_comes_back_from_a_file(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    struct loading_rdb_terms terms = loading_terms();
    loading_fill(s, 3000); /* values larger than a piece of the file, too */
    struct picture want = picture_take();
    struct text file = loading_save(RDB_VERSION_7_4);
    assert_true(file.len > 1 << 20);
    char path[LOADING_PATH];
    text_to_file(&file, path);
    loading_forget();

    struct loading_input in;
    assert_int_equal(loading_input_open(&in, path), 0);
    loading_rdb_begin(&r, &terms, &in);
    enum loading_result result;
    uint64_t slices = 0, offset = 0;
    do {
        struct loading_slice slice = {.until_ticks = UINT64_MAX,
                                      .until_offset = loading_input_offset(&in) + 65536};
        result = loading_rdb_step(&r, &slice);
        assert_true(loading_input_offset(&in) > offset || result == LOADING_DONE);
        offset = loading_input_offset(&in);
        slices++;
    } while (result == LOADING_MORE);
    assert_int_equal(result, LOADING_DONE);
    assert_in_range(slices, 5, file.len / 65536 + 2);
    loading_rdb_end(&r);
    loading_input_close(&in);
    struct picture got = picture_take();
    picture_expect(&want, &got);
    picture_free(&want);
    picture_free(&got);
    free(file.ptr);
    unlink(path);
}

/* ---- Values passed over ---- */

static void expect_passed_over(const struct entry *e, uint16_t version)
{
    struct rdb_out out = {.room = rdb_memory_room};
    dump_value(&out, e, version);
    struct rdb_in in = {.at = out.ptr + 1, .end = out.ptr + out.len, .max_string = SIZE_MAX};
    assert_true(rdb_skip_value(&in, out.ptr[0]));
    assert_int_equal(rdb_left(&in), 0);
    for (size_t len = 1; len < out.len; len += 1 + len / 64) {
        in = (struct rdb_in){.at = out.ptr + 1, .end = out.ptr + len, .max_string = SIZE_MAX};
        assert_false(rdb_skip_value(&in, out.ptr[0]));
        assert_in_range(in.missing, 1, out.len - len);
    }
    free(out.ptr);
}

static void expect_passed_over_visit(void *ctx, struct entry *e)
{
    (void)ctx;
    expect_passed_over(e, RDB_VERSION_7_0);
    expect_passed_over(e, RDB_VERSION_7_4);
}

static void values_are_passed_over_as_they_are_written(void **state)
{
    (void)state;
    loading_fill(core_session(0), 300);
    uint64_t cursor = 0;
    do cursor = keyspace_scan(keyspace_db(0), cursor, 100, expect_passed_over_visit, NULL);
    while (cursor != 0);
}

/* ---- A disk that fails ---- */

static void expect_from_disk(const char *path, int error, const char *why)
{
    struct loading_rdb_terms terms = loading_terms();
    struct loading_input in;
    loading_forget();
    reads_fail(2, error);
    assert_int_equal(loading_input_open(&in, path), 0);
    loading_rdb_begin(&r, &terms, &in);
    assert_int_equal(loading_rdb_step(&r, &loading_whole), LOADING_FAILED);
    assert_string_equal(r.wrong, why);
    loading_rdb_end(&r);
    loading_input_close(&in);
    reads_are_well();
}

static void a_disk_that_fails_and_a_file_that_shrinks_are_errors(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    loading_fill(s, 3000);
    struct text file = loading_save(RDB_VERSION_7_2);
    char path[LOADING_PATH];
    text_to_file(&file, path);
    expect_from_disk(path, EIO, "Error reading the RDB file: Input/output error");
    expect_from_disk(path, 0, "Unexpected EOF reading RDB file");
    free(file.ptr);
    unlink(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rdb_open, core_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_of_every_version_are_read),
        TEST(opcodes_say_when_and_how_a_key_was_used),
        TEST(a_key_that_is_due_is_dropped_but_not_under_a_log),
        TEST(keys_without_elements_are_passed_over),
        TEST(a_key_twice_is_refused_unless_merged),
        TEST(libraries_go_to_who_asked_for_them),
        TEST(what_makes_no_sense_is_refused_in_words),
        TEST(a_sum_of_zero_or_of_nobody_is_not_checked),
        TEST(a_false_announcement_of_keys_costs_nothing),
        TEST(what_a_snapshot_wrote_comes_back_from_a_file),
        TEST(values_are_passed_over_as_they_are_written),
        TEST(a_disk_that_fails_and_a_file_that_shrinks_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
