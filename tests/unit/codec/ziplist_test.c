/*
 * Ziplists and zipmaps: samples written out by their formats, every encoding, and every damage of
 * one byte is refused or still read without a step out of bounds.
 */
#include "unit/check.h"

#include "codec/ziplist.h"
#include "codec/zipmap.h"

#include <stdlib.h>

/* a, 12, -1, 300, 100000, -3000000, 2^40, and 64 times 'b' after a long length. */
static const char items[] = "\x73\0\0\0\x2b\0\0\0\x08\0"
                            "\0\1a"
                            "\3\xfd"
                            "\2\xfe\xff"
                            "\3\xc0\x2c\1"
                            "\4\xf0\xa0\x86\1"
                            "\5\xd0\x40\x39\xd2\xff"
                            "\6\xe0\0\0\0\0\0\1\0\0"
                            "\xfe\x0a\0\0\0\x40\x40"
                            "bbbbbbbbbbbbbbbb"
                            "bbbbbbbbbbbbbbbb"
                            "bbbbbbbbbbbbbbbb"
                            "bbbbbbbbbbbbbbbb"
                            "\xff";

static struct bytes sample(void) { return bytes_make(items, sizeof(items) - 1); }

static void every_encoding_is_read(void **state)
{
    (void)state;
    static const int64_t numbers[] = {12, -1, 300, 100000, -3000000, 1LL << 40};
    uint32_t count;
    assert_true(ziplist_is_valid(sample(), &count));
    assert_int_equal(count, 8);

    struct ziplist_walk walk = ziplist_walk(sample());
    struct ziplist_item item;
    assert_true(ziplist_next(&walk, &item));
    assert_true(!item.is_int && bytes_equal(item.text, bytes_of("a")));
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        assert_true(ziplist_next(&walk, &item));
        assert_true(item.is_int);
        assert_int_equal(item.number, numbers[i]);
    }
    assert_true(ziplist_next(&walk, &item));
    assert_true(!item.is_int);
    assert_int_equal(item.text.len, 64);
    assert_false(ziplist_next(&walk, &item));
}

static void an_empty_ziplist(void **state)
{
    (void)state;
    struct bytes empty = bytes_make("\x0b\0\0\0\x0a\0\0\0\0\0\xff", 11);
    uint32_t count;
    assert_true(ziplist_is_valid(empty, &count));
    assert_int_equal(count, 0);
    struct ziplist_walk walk = ziplist_walk(empty);
    struct ziplist_item item;
    assert_false(ziplist_next(&walk, &item));
}

static void a_count_may_be_unknown(void **state)
{
    (void)state;
    char copy[sizeof(items)];
    memcpy(copy, items, sizeof(items));
    copy[8] = copy[9] = (char)0xff;
    uint32_t count;
    assert_true(ziplist_is_valid(bytes_make(copy, sizeof(items) - 1), &count));
    assert_int_equal(count, 8);
}

/* In memory of its own, so that a read past the end is seen. */
static bool copy_is_valid(const char *data, size_t len, bool map)
{
    char *copy = malloc(len == 0 ? 1 : len);
    if (len != 0) memcpy(copy, data, len);
    uint32_t count;
    bool good = map ? zipmap_is_valid(bytes_make(copy, len), &count)
                    : ziplist_is_valid(bytes_make(copy, len), &count);
    free(copy);
    return good;
}

static void heads_and_links_that_lie_are_refused(void **state)
{
    (void)state;
    /* length, tail, count, lengths of the ones before, an encoding, the end */
    static const size_t places[] = {0, 4, 8, 10, 13, 15, 18, 22, 27, 33, 43, 44, 48, 49, 114};
    char copy[sizeof(items)];
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        memcpy(copy, items, sizeof(items));
        copy[places[i]] ^= 1;
        assert_false(copy_is_valid(copy, sizeof(items) - 1, false));
    }
    for (size_t len = 0; len < sizeof(items) - 1; len++)
        assert_false(copy_is_valid(items, len, false));
}

static void any_byte_may_be_damaged(void **state)
{
    (void)state;
    uint64_t seed = 3;
    char copy[sizeof(items)];
    for (unsigned round = 0; round < 20000; round++) {
        memcpy(copy, items, sizeof(items));
        for (unsigned i = 0; i <= round % 3; i++)
            copy[check_random(&seed) % (sizeof(items) - 1)] = (char)check_random(&seed);
        uint32_t count;
        struct bytes zl = bytes_make(copy, sizeof(items) - 1);
        if (!copy_is_valid(copy, sizeof(items) - 1, false)) continue;
        assert_true(ziplist_is_valid(zl, &count));
        struct ziplist_walk walk = ziplist_walk(zl);
        struct ziplist_item item;
        uint32_t seen = 0;
        while (ziplist_next(&walk, &item)) seen++;
        assert_int_equal(seen, count);
    }
}

/* Two pairs: f1 with v1 and two unused bytes, an empty field with a value that has a long length.
 */
static const char pairs[] = "\2"
                            "\2f1\2\2v1.."
                            "\0\xfe\3\0\0\0\0xyz"
                            "\xff";

static void zipmaps_are_read(void **state)
{
    (void)state;
    struct bytes map = bytes_make(pairs, sizeof(pairs) - 1), field, value;
    uint32_t count;
    assert_true(zipmap_is_valid(map, &count));
    assert_int_equal(count, 2);
    struct zipmap_walk walk = zipmap_walk(map);
    assert_true(zipmap_next(&walk, &field, &value));
    assert_true(bytes_equal(field, bytes_of("f1")) && bytes_equal(value, bytes_of("v1")));
    assert_true(zipmap_next(&walk, &field, &value));
    assert_true(field.len == 0 && bytes_equal(value, bytes_of("xyz")));
    assert_false(zipmap_next(&walk, &field, &value));
}

static void damaged_zipmaps_are_refused(void **state)
{
    (void)state;
    char copy[sizeof(pairs)];
    for (size_t len = 0; len < sizeof(pairs) - 1; len++)
        assert_false(copy_is_valid(pairs, len, true));
    /* count, lengths, the end */
    static const size_t places[] = {0, 1, 4, 5, 10, 12, 20};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        memcpy(copy, pairs, sizeof(pairs));
        copy[places[i]] = (char)(copy[places[i]] + 1);
        assert_false(copy_is_valid(copy, sizeof(pairs) - 1, true));
    }
    /* a value of 4 GB, a field without a value */
    assert_false(copy_is_valid("\1\1a\xfe\xff\xff\xff\xff\0\xff", 10, true));
    assert_false(copy_is_valid("\1\1a\xff", 4, true));
    assert_true(copy_is_valid("\xfe\1a\0\0\xff", 6, true));
    assert_false(copy_is_valid("\xff\1a\0\0\xff", 6, true));
    assert_true(copy_is_valid("\0\xff", 2, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_encoding_is_read),
        cmocka_unit_test(an_empty_ziplist),
        cmocka_unit_test(a_count_may_be_unknown),
        cmocka_unit_test(heads_and_links_that_lie_are_refused),
        cmocka_unit_test(any_byte_may_be_damaged),
        cmocka_unit_test(zipmaps_are_read),
        cmocka_unit_test(damaged_zipmaps_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
