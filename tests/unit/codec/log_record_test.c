/* Records of a log: commands, annotations, and what is neither. */
#include "unit/check.h"

#include "codec/log_record.h"

static struct bytes args[8];

static enum log_record read_text(const char *text, size_t len, struct log_reader *r)
{
    const uint8_t *at = (const uint8_t *)text;
    *r = (struct log_reader){.at = at, .end = at + len, .args = args, .args_max = 8};
    return log_record_read(r);
}

static enum log_record read_all(const char *text, struct log_reader *r)
{
    return read_text(text, strlen(text), r);
}

static void a_command_has_its_arguments(void **state)
{
    (void)state;
    struct log_reader r;
    const char text[] = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\nb\r\nrest";
    assert_int_equal(read_all(text, &r), LOG_COMMAND);
    assert_int_equal(r.nargs, 3);
    assert_true(bytes_equal(args[0], bytes_of("SET")));
    assert_true(bytes_equal(args[2], bytes_of("a\r\nb")));
    assert_string_equal((const char *)r.at, "rest");
    assert_int_equal(r.lines, 7);
}

static void cut_anywhere_it_is_short(void **state)
{
    (void)state;
    struct log_reader r;
    const char text[] = "*2\r\n$3\r\nDEL\r\n$10\r\n0123456789\r\n";
    for (size_t len = 1; len < sizeof(text) - 1; len++) {
        assert_int_equal(read_text(text, len, &r), LOG_SHORT);
        assert_in_range(r.missing, 1, sizeof(text) - 1 - len);
    }
    assert_int_equal(read_text(text, sizeof(text) - 1, &r), LOG_COMMAND);
}

static void more_arguments_than_room_are_told_where_bytes_justify_them(void **state)
{
    (void)state;
    struct log_reader r;
    assert_int_equal(read_all("*9\r\n$0\r\n", &r), LOG_SHORT);
    char text[256] = "*9\r\n";
    for (int i = 0; i < 9; i++) strcat(text, "$1\r\nx\r\n");
    assert_int_equal(read_all(text, &r), LOG_ARGS);
    assert_int_equal(r.nargs, 9);
    assert_int_equal(read_all("*2147483647\r\n", &r), LOG_SHORT);
}

static void expect_bad(const char *text, size_t at)
{
    struct log_reader r;
    assert_int_equal(read_all(text, &r), LOG_BAD);
    assert_int_equal(r.bad - (const uint8_t *)text, at);
    assert_non_null(r.expected);
}

static void what_is_no_record_is_bad_at_its_place(void **state)
{
    (void)state;
    expect_bad("!!!", 0);
    expect_bad("*1\r\n!3\r\n", 4);
    expect_bad("*x\r\n", 1);
    expect_bad("*1\r\n$-1\r\n", 5);
    expect_bad("*1\rx", 3);
    expect_bad("*0\r\n", 0);
    expect_bad("*99999999999\r\n", 11);
    expect_bad("*1\r\n$2\r\nabc\r\n", 10);
    expect_bad("*1\r\n$2\r\nab\rx", 11);
}

static void an_annotation_is_a_line(void **state)
{
    (void)state;
    struct log_reader r;
    assert_int_equal(read_all("#TS:1628217470\r\n*1", &r), LOG_ANNOTATION);
    assert_true(bytes_equal(r.text, bytes_of("TS:1628217470")));
    assert_int_equal(log_record_time(r.text), 1628217470);
    assert_string_equal((const char *)r.at, "*1");
    assert_int_equal(read_all("#TS:16", &r), LOG_SHORT);
    assert_int_equal(log_record_time(bytes_of("other")), -1);
    assert_int_equal(log_record_time(bytes_of("TS:x")), -2);
    const char zeros[] = "#T\0\0\0";
    assert_int_equal(read_text(zeros, 5, &r), LOG_BAD);
    assert_int_equal(r.bad - (const uint8_t *)zeros, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_has_its_arguments),
        cmocka_unit_test(cut_anywhere_it_is_short),
        cmocka_unit_test(more_arguments_than_room_are_told_where_bytes_justify_them),
        cmocka_unit_test(what_is_no_record_is_bad_at_its_place),
        cmocka_unit_test(an_annotation_is_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
