/*
 * RDB's elements: bytes as redis-server 7.0 writes them, every border of the forms, what is written
 * reads back, and damaged input is refused.
 */
#include "unit/check.h"

#include "codec/rdb.h"

#include <math.h>
#include <stdlib.h>

static void grow(struct rdb_out *out, size_t want)
{
    out->cap = out->len + want;
    out->ptr = realloc(out->ptr, out->cap);
    assert_non_null(out->ptr);
}

static struct rdb_out fresh(bool compress)
{
    return (struct rdb_out){.room = grow, .compress = compress};
}

static struct bytes written(const struct rdb_out *out)
{
    return bytes_make((const char *)out->ptr, out->len);
}

static struct rdb_in reading(const void *data, size_t len)
{
    return (struct rdb_in){
        .at = data, .end = (const uint8_t *)data + len, .max_string = (size_t)1 << 20};
}

static void expect_bytes(struct rdb_out *out, const char *wanted, size_t len)
{
    assert_int_equal(out->len, len);
    assert_memory_equal(out->ptr, wanted, len);
    out->len = 0;
}

static void lengths_have_four_forms(void **state)
{
    (void)state;
    struct rdb_out out = fresh(false);
    static const struct {
        uint64_t n;
        size_t len;
        const char *form;
    } rows[] = {
        {0, 1, "\0"},
        {63, 1, "\x3f"},
        {64, 2, "\x40\x40"},
        {16383, 2, "\x7f\xff"},
        {16384, 5, "\x80\0\0\x40\0"},
        {UINT32_MAX, 5, "\x80\xff\xff\xff\xff"},
        {(uint64_t)UINT32_MAX + 1, 9, "\x81\0\0\0\1\0\0\0\0"},
        {UINT64_MAX, 9, "\x81\xff\xff\xff\xff\xff\xff\xff\xff"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rdb_put_len(&out, rows[i].n);
        struct rdb_in in = reading(out.ptr, out.len);
        uint64_t back;
        assert_true(rdb_take_len(&in, &back));
        assert_int_equal(back, rows[i].n);
        assert_int_equal(rdb_left(&in), 0);
        for (size_t cut = 0; cut < out.len; cut++) {
            in = reading(out.ptr, cut);
            assert_false(rdb_take_len(&in, &back));
        }
        expect_bytes(&out, rows[i].form, rows[i].len);
    }
    free(out.ptr);
}

static void a_length_is_no_special_string(void **state)
{
    (void)state;
    uint64_t n;
    struct rdb_in in = reading("\xc0\1", 2);
    assert_false(rdb_take_len(&in, &n));
    in = reading("\x82\0\0\0\0\0\0\0\0", 9);
    assert_false(rdb_take_len(&in, &n));
}

static void a_count_needs_bytes_for_its_things(void **state)
{
    (void)state;
    uint64_t n;
    struct rdb_in in = reading("\2abcd", 5);
    assert_true(rdb_take_count(&in, 2, &n));
    in = reading("\3abcd", 5);
    assert_false(rdb_take_count(&in, 2, &n));
    in = reading("\x81\x80\0\0\0\0\0\0\0abcd", 13);
    assert_false(rdb_take_count(&in, 2, &n));
}

/* Reads the string that was written, as text that the caller frees. */
static struct bytes read_back(const struct rdb_out *out)
{
    struct rdb_in in = reading(out->ptr, out->len);
    struct rdb_string s;
    assert_true(rdb_take_string(&in, &s));
    assert_int_equal(rdb_left(&in), 0);
    char *text = malloc(s.len + 1);
    assert_true(rdb_string_write(&s, text));
    if (s.form != RDB_LZF) assert_true(bytes_equal(rdb_string_text(&s), bytes_make(text, s.len)));
    return bytes_make(text, s.len);
}

static void expect_form(bool compress, struct bytes text, const char *form, size_t len)
{
    struct rdb_out out = fresh(compress);
    rdb_put_string(&out, text);
    struct bytes back = read_back(&out);
    assert_true(bytes_equal(back, text));
    free((void *)(uintptr_t)back.ptr);
    expect_bytes(&out, form, len);
    free(out.ptr);
}

static void strings_that_are_integers(void **state)
{
    (void)state;
    expect_form(false, bytes_of("0"), "\xc0\0", 2);
    expect_form(false, bytes_of("127"), "\xc0\x7f", 2);
    expect_form(false, bytes_of("-128"), "\xc0\x80", 2);
    expect_form(false, bytes_of("128"), "\xc1\x80\0", 3);
    expect_form(false, bytes_of("-32768"), "\xc1\0\x80", 3);
    expect_form(false, bytes_of("32768"), "\xc2\0\x80\0\0", 5);
    expect_form(false, bytes_of("-2147483648"), "\xc2\0\0\0\x80", 5);
    expect_form(false, bytes_of("2147483648"),
                "\x0a"
                "2147483648",
                11);
    expect_form(false, bytes_of("007"),
                "\x03"
                "007",
                4);
    expect_form(false, bytes_of("-0"), "\2-0", 3);
}

static void an_integer_is_the_string_of_its_text(void **state)
{
    (void)state;
    static const int64_t rows[] = {0,         -1,        127,       128,       -129,     INT16_MIN,
                                   INT32_MAX, INT32_MIN, 1LL << 31, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[NUMBER_INT_CHARS];
        size_t len = number_print_int(text, rows[i]);
        struct rdb_out a = fresh(false), b = fresh(false);
        rdb_put_int(&a, rows[i]);
        rdb_put_string(&b, bytes_make(text, len));
        assert_true(bytes_equal(written(&a), written(&b)));
        free(a.ptr);
        free(b.ptr);
    }
}

static void strings_are_compressed_where_it_pays(void **state)
{
    (void)state;
    expect_form(true, bytes_of(""), "\0", 1);
    expect_form(true, bytes_of("aaaaaaaaaaaaaaaaaaaa"),
                "\x14"
                "aaaaaaaaaaaaaaaaaaaa",
                21);
    expect_form(false, bytes_of("aaaaaaaaaaaaaaaaaaaaa"),
                "\x15"
                "aaaaaaaaaaaaaaaaaaaaa",
                22);
    expect_form(true, bytes_of("aaaaaaaaaaaaaaaaaaaaa"),
                "\xc3\x06\x15\x01"
                "aa\xe0\x0a\0",
                9);
    expect_form(true, bytes_of("abcdefghijklmnopqrstuvwxyz"),
                "\x1a"
                "abcdefghijklmnopqrstuvwxyz",
                27);
}

static void any_string_reads_back(void **state)
{
    (void)state;
    uint64_t seed = 7;
    static char text[70000];
    for (unsigned round = 0; round < 400; round++) {
        size_t len = check_random(&seed) % (round % 8 == 0 ? sizeof(text) : 200);
        unsigned letters = 1 + (unsigned)(check_random(&seed) % 256);
        for (size_t i = 0; i < len; i++) text[i] = (char)(check_random(&seed) % letters);
        struct rdb_out out = fresh(round % 2 == 0);
        rdb_put_string(&out, bytes_make(text, len));
        struct bytes back = read_back(&out);
        assert_true(bytes_equal(back, bytes_make(text, len)));
        free((void *)(uintptr_t)back.ptr);
        free(out.ptr);
    }
}

static void expect_refused(const char *form, size_t len)
{
    struct rdb_in in = reading(form, len);
    struct rdb_string s;
    if (!rdb_take_string(&in, &s)) return;
    assert_true(s.len <= 88 * len);
    char *text = malloc(s.len + 1);
    assert_false(rdb_string_write(&s, text));
    free(text);
}

static void damaged_strings_are_refused(void **state)
{
    (void)state;
    expect_refused("", 0);
    expect_refused("\5abcd", 5);
    expect_refused("\x81\x80\0\0\0\0\0\0\0a", 10);             /* 2^63 bytes */
    expect_refused("\x81\xff\xff\xff\xff\xff\xff\xff\xff", 9); /* 2^64 - 1 bytes */
    expect_refused("\xc1\0", 2);
    expect_refused("\xc4\0\0\0\0\0", 6);
    expect_refused("\xc3\x04\x80\x7f\xff\xff\xff\0aaa", 11); /* says that it is 2 GB */
    expect_refused("\xc3\x02\x04\x20\x05", 5);               /* copies from before its start */
    expect_refused("\xc3\x04\x05\2abc", 7);                  /* longer than it is */
    expect_refused("\xc3\x04\x02\2abc", 7);                  /* shorter than it is */
    expect_refused("\xc3\x05\x03\2abc", 7);                  /* not all there */
    expect_refused("\xc3\xc0\0\x03\2abc", 8);
}

static void a_string_may_not_pass_the_limit(void **state)
{
    (void)state;
    struct rdb_string s;
    struct rdb_in in;
    static const uint8_t plain[] = "\4abcd", packed[] = "\xc3\x06\x15\x01"
                                                        "aa\xe0\x0a\0";
    in = (struct rdb_in){.at = plain, .end = plain + 5, .max_string = 4};
    assert_true(rdb_take_string(&in, &s));
    in = (struct rdb_in){.at = plain, .end = plain + 5, .max_string = 3};
    assert_false(rdb_take_string(&in, &s));
    in = (struct rdb_in){.at = packed, .end = packed + 9, .max_string = 21};
    assert_true(rdb_take_string(&in, &s));
    in = (struct rdb_in){.at = packed, .end = packed + 9, .max_string = 20};
    assert_false(rdb_take_string(&in, &s));
}

static void doubles_and_times(void **state)
{
    (void)state;
    struct rdb_out out = fresh(false);
    static const double rows[] = {0, -1.5, 1e300, 3.0};
    for (size_t i = 0; i < 4; i++) rdb_put_double(&out, rows[i]);
    rdb_put_double(&out, -(double)INFINITY);
    rdb_put_ms(&out, 1700000000123);
    rdb_put_ms(&out, -1);
    assert_memory_equal(out.ptr + 24, "\0\0\0\0\0\0\x08\x40", 8);
    assert_memory_equal(out.ptr + 40, "\x7b\x68\xe5\xcf\x8b\x01\0\0", 8);

    struct rdb_in in = reading(out.ptr, out.len);
    double d;
    int64_t ms;
    for (size_t i = 0; i < 4; i++) {
        assert_true(rdb_take_double(&in, &d));
        assert_true(d == rows[i]);
    }
    assert_true(rdb_take_double(&in, &d) && isinf(d) && d < 0);
    assert_true(rdb_take_ms(&in, &ms) && ms == 1700000000123);
    assert_true(rdb_take_ms(&in, &ms) && ms == -1);
    assert_false(rdb_take_ms(&in, &ms));
    assert_false(rdb_take_double(&in, &d));
    free(out.ptr);
}

static void doubles_as_text(void **state)
{
    (void)state;
    struct rdb_in in = reading("\3"
                               "1.5\xfe\xff\xfd\2"
                               "1e",
                               11);
    double d;
    assert_true(rdb_take_double_text(&in, &d) && d == 1.5);
    assert_true(rdb_take_double_text(&in, &d) && isinf(d) && d > 0);
    assert_true(rdb_take_double_text(&in, &d) && isinf(d) && d < 0);
    assert_true(rdb_take_double_text(&in, &d) && isnan(d));
    assert_false(rdb_take_double_text(&in, &d)); /* no digits */
    in = reading("\4"
                 "1.5",
                 4);
    assert_false(rdb_take_double_text(&in, &d));
    in = reading("\0031.x", 4);
    assert_false(rdb_take_double_text(&in, &d));
}

/* DUMP of a key that redis-server 7.0.15 holds "bar" under. */
static const char payload[] = "\x00\x03"
                              "bar\x0a\x00\xe6\xbe\x49\x60\xee\x66\xfd\x17";

static void footers(void **state)
{
    (void)state;
    struct rdb_out out = fresh(true);
    rdb_put_byte(&out, RDB_STRING);
    rdb_put_string(&out, bytes_of("bar"));
    rdb_put_footer(&out, RDB_VERSION_7_0);
    struct bytes body;
    assert_true(rdb_open_payload(written(&out), true, &body));
    assert_int_equal(body.len, 5);
    expect_bytes(&out, payload, sizeof(payload) - 1);
    free(out.ptr);

    char copy[sizeof(payload)];
    for (size_t i = 0; i < sizeof(payload) - 1; i++) {
        memcpy(copy, payload, sizeof(payload));
        copy[i] ^= 1;
        assert_false(rdb_open_payload(bytes_make(copy, sizeof(payload) - 1), true, &body));
        assert_true(rdb_open_payload(bytes_make(copy, sizeof(payload) - 1), false, &body) ||
                    i == 6); /* the version's high byte */
    }
    for (size_t len = 0; len < RDB_FOOTER; len++)
        assert_false(rdb_open_payload(bytes_make(payload, len), false, &body));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_have_four_forms),
        cmocka_unit_test(a_length_is_no_special_string),
        cmocka_unit_test(a_count_needs_bytes_for_its_things),
        cmocka_unit_test(strings_that_are_integers),
        cmocka_unit_test(an_integer_is_the_string_of_its_text),
        cmocka_unit_test(strings_are_compressed_where_it_pays),
        cmocka_unit_test(any_string_reads_back),
        cmocka_unit_test(damaged_strings_are_refused),
        cmocka_unit_test(a_string_may_not_pass_the_limit),
        cmocka_unit_test(doubles_and_times),
        cmocka_unit_test(doubles_as_text),
        cmocka_unit_test(footers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
