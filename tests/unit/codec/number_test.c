/* Numbers as text, both ways. Expected texts of doubles are those of Redis 7.2's shortest form. */
#include "unit/check.h"

#include "codec/number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void integers_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0},
                {"7", 7},
                {"-1", -1},
                {"10", 10},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN},
                {"-9223372036854775807", -INT64_MAX}};
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      "-0",
                                      "00",
                                      "01",
                                      "-01",
                                      " 1",
                                      "1 ",
                                      "1a",
                                      "a",
                                      "0x1",
                                      "1.0",
                                      "1e3",
                                      "--1",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "18446744073709551616",
                                      "99999999999999999999999"};
    int64_t n;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(number_int(bytes_of(good[i].text), &n));
        assert_true(n == good[i].value);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(number_int(bytes_of(bad[i]), &n));
    assert_false(number_int(bytes_make("1\0", 2), &n));
}

static void unsigned_integers_are_read_strictly(void **state)
{
    (void)state;
    uint64_t n;
    assert_true(number_uint(bytes_of("18446744073709551615"), &n));
    assert_true(n == UINT64_MAX);
    assert_true(number_uint(bytes_of("0"), &n));
    assert_true(n == 0);
    assert_false(number_uint(bytes_of("18446744073709551616"), &n));
    assert_false(number_uint(bytes_of("99999999999999999999"), &n));
    assert_false(number_uint(bytes_of("-1"), &n));
    assert_false(number_uint(bytes_of("01"), &n));
    assert_false(number_uint(bytes_of(""), &n));
}

static void integers_print_as_they_read(void **state)
{
    (void)state;
    uint64_t seed = 42;
    char text[NUMBER_INT_CHARS], wanted[NUMBER_INT_CHARS];
    for (int i = 0; i < 20000; i++) {
        int64_t n = (int64_t)(check_random(&seed) >> (i % 64)) * (i % 2 ? -1 : 1), back;
        size_t len = number_print_int(text, n);
        snprintf(wanted, sizeof(wanted), "%lld", (long long)n);
        assert_string_equal(text, wanted);
        assert_int_equal(len, strlen(wanted));
        assert_true(number_int(bytes_make(text, len), &back) && back == n);
    }
    assert_int_equal(number_print_int(text, INT64_MIN), 20);
    assert_string_equal(text, "-9223372036854775808");
    assert_int_equal(number_print_uint(text, UINT64_MAX), 20);
    assert_string_equal(text, "18446744073709551615");
    assert_int_equal(number_print_uint(text, 0), 1);
    assert_string_equal(text, "0");
}

static void doubles_are_read_as_zadd_reads_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0},
                {"1.5", 1.5},
                {"-1.5", -1.5},
                {"+2", 2},
                {".5", .5},
                {"5.", 5},
                {"-.5", -.5},
                {"1e3", 1000},
                {"1E-2", .01},
                {"0x10", 16},
                {"0x1p3", 8},
                {"inf", HUGE_VAL},
                {"+inf", HUGE_VAL},
                {"-Infinity", -HUGE_VAL},
                {"0000.100", .1},
                {"123456789012345", 123456789012345.0},
                {"999999999999999", 999999999999999.0},
                {"1234567890.12345", 1234567890.12345},
                {"12345678901234567890", 12345678901234567890.0},
                {"1.7976931348623157e308", DBL_MAX},
                {"9007199254740993", 9007199254740992.0},
                {"0.1234567890123456", 0.1234567890123456}};
    static const char *const bad[] = {"",    " 1",    "1 ",    "\t1",    "\v1",    "nan", "-nan",
                                      "1,5", "1.2.3", ".",     "-",      "-.",     "1e",  "--1",
                                      "one", "1x",    "1e400", "-1e400", "1e-400", "0x",  "infx"};
    double d;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(number_double(bytes_of(good[i].text), &d));
        assert_true(d == good[i].value);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(number_double(bytes_of(bad[i]), &d));
    assert_false(number_double(bytes_make("1\0", 2), &d));
    assert_true(number_double(bytes_of("-0"), &d) && d == 0 && signbit(d));
}

static void quick_and_slow_readers_of_doubles_agree(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int i = 0; i < 50000; i++) {
        char text[40];
        uint64_t a = check_random(&seed) >> (check_random(&seed) % 60);
        snprintf(text, sizeof(text), "%s%llu.%llu", i % 3 ? "" : "-",
                 (unsigned long long)(a % 1000000000),
                 (unsigned long long)(check_random(&seed) % 10000000));
        double d;
        assert_true(number_double(bytes_of(text), &d));
        assert_true(d == strtod(text, NULL));
    }
}

static void long_texts_of_doubles_have_a_bound(void **state)
{
    (void)state;
    static char text[NUMBER_LONG_DOUBLE_CHARS + 1];
    memset(text, '0', sizeof(text));
    text[0] = '1';
    text[1] = '.';
    double d;
    long double ld;
    assert_true(number_double(bytes_make(text, NUMBER_LONG_DOUBLE_CHARS - 1), &d) && d == 1);
    assert_true(number_long_double(bytes_make(text, NUMBER_LONG_DOUBLE_CHARS - 1), &ld) && ld == 1);
    assert_false(number_double(bytes_make(text, NUMBER_LONG_DOUBLE_CHARS), &d));
    assert_false(number_long_double(bytes_make(text, NUMBER_LONG_DOUBLE_CHARS), &ld));
}

static void doubles_print_in_the_shortest_form(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } rows[] = {{0, "0"},
                {-0.0, "-0"},
                {1, "1"},
                {-1, "-1"},
                {1.5, "1.5"},
                {0.1, "0.1"},
                {-0.1, "-0.1"},
                {3.3, "3.3"},
                {100, "100"},
                {1e8, "100000000"},
                {4503599627370496.0, "4503599627370496"},
                {9007199254740992.0, "9007199254740992"},
                {1e16, "1e+16"},
                {1.5e16, "1.5e+16"},
                {1.2345678901234567e19, "12345678901234567000"},
                {1e22, "1e+22"},
                {1.25e30, "1.25e+30"},
                {DBL_MAX, "1.7976931348623157e+308"},
                {-DBL_MAX, "-1.7976931348623157e+308"},
                {DBL_MIN, "2.2250738585072014e-308"},
                {5e-324, "5e-324"},
                {1e-5, "0.00001"},
                {1e-7, "0.0000001"},
                {1e-9, "0.000000001"},
                {1e-10, "1e-10"},
                {1.5e-10, "1.5e-10"},
                {1690000000.123456, "1690000000.123456"},
                {123456.789012345, "123456.789012345"},
                {0.30000000000000004, "0.30000000000000004"},
                {5.684341886080802e-14, "5.684341886080802e-14"},
                {0x1p-1074, "5e-324"},
                {2.5, "2.5"},
                {1e15 + 0.5, "1000000000000000.5"}};
    char text[NUMBER_DOUBLE_CHARS];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t len = number_print_double(text, rows[i].value);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(len, strlen(text));
    }
    number_print_double(text, HUGE_VAL);
    assert_string_equal(text, "inf");
    number_print_double(text, -HUGE_VAL);
    assert_string_equal(text, "-inf");
    number_print_double(text, (double)NAN);
    assert_string_equal(text, "nan");
}

/* Counts the digits between the first and the last that is not zero, before any exponent. */
static int significant_digits(const char *text)
{
    int count = 0, zeros = 0;
    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text < '0' || *text > '9') continue;
        if (*text == '0') {
            zeros++;
            continue;
        }
        if (count > 0) count += zeros;
        zeros = 0;
        count++;
    }
    return count;
}

static void every_double_reads_back(void **state)
{
    (void)state;
    uint64_t seed = 99;
    for (int i = 0; i < 30000; i++) {
        union {
            uint64_t bits;
            double value;
        } u = {check_random(&seed)};
        if (i % 2 == 1) u.value = (double)(int64_t)(u.bits % 2000000000) / (double)(1 + i % 1000);
        if (isnan(u.value) || isinf(u.value)) continue;
        char text[NUMBER_DOUBLE_CHARS], shorter[NUMBER_DOUBLE_CHARS];
        size_t len = number_print_double(text, u.value);
        double back;
        assert_true(len < NUMBER_DOUBLE_CHARS);
        assert_true(number_double(bytes_make(text, len), &back));
        assert_true(back == u.value);
        int digits = significant_digits(text);
        assert_in_range(digits, u.value == 0 ? 0 : 1, 17);
        if (digits < 2 || fabs(u.value) < 1e16) continue;
        snprintf(shorter, sizeof(shorter), "%.*e", digits - 2, u.value);
        assert_true(strtod(shorter, NULL) != u.value);
    }
}

static void long_doubles_print_plainly(void **state)
{
    (void)state;
    static const struct {
        const char *from, *text;
    } rows[] = {{"0.1", "0.1"},
                {"-0.1", "-0.1"},
                {"3.0e3", "3000"},
                {"1e20", "100000000000000000000"},
                {"1e-20", "0"},
                {"-1e-20", "0"},
                {"123456789.123456789", "123456789.12345678899873747"},
                {"10.50", "10.5"},
                {"-3", "-3"}};
    static char text[NUMBER_LONG_DOUBLE_CHARS];
    long double d;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(number_long_double(bytes_of(rows[i].from), &d));
        size_t len = number_print_long_double(text, d);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(len, strlen(text));
    }
    assert_int_equal(number_print_long_double(text, LDBL_MAX), 4933);
    assert_false(number_long_double(bytes_of("nan"), &d));
    assert_false(number_long_double(bytes_of("1e5000"), &d));
    assert_false(number_long_double(bytes_of(" 1"), &d));
    assert_false(number_long_double(bytes_of(""), &d));
    assert_true(number_long_double(bytes_of("-inf"), &d) && isinf(d));
}

static void memory_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0},
                {"512", 512},
                {"1b", 1},
                {"1k", 1000},
                {"1KB", 1024},
                {"2m", 2000000},
                {"2Mb", 2097152},
                {"1g", 1000000000},
                {"1gb", 1073741824},
                {"9223372036854775807", INT64_MAX}};
    static const char *const bad[] = {"",
                                      "k",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 kb",
                                      "1.5gb",
                                      "1t",
                                      "1kbb",
                                      "9223372036854775808",
                                      "9223372036854775807k",
                                      "8589934592gb",
                                      "10%"};
    int64_t n;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(number_memory(bytes_of(good[i].text), &n));
        assert_true(n == good[i].value);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(number_memory(bytes_of(bad[i]), &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_read_strictly),
        cmocka_unit_test(unsigned_integers_are_read_strictly),
        cmocka_unit_test(integers_print_as_they_read),
        cmocka_unit_test(doubles_are_read_as_zadd_reads_them),
        cmocka_unit_test(quick_and_slow_readers_of_doubles_agree),
        cmocka_unit_test(long_texts_of_doubles_have_a_bound),
        cmocka_unit_test(doubles_print_in_the_shortest_form),
        cmocka_unit_test(every_double_reads_back),
        cmocka_unit_test(long_doubles_print_plainly),
        cmocka_unit_test(memory_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
