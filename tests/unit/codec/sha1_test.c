/* SHA-1: the examples of FIPS 180-4, and lengths around the ends of blocks (sums by coreutils). */
#include "unit/check.h"

#include "codec/sha1.h"

static void expect_sum(struct bytes data, const char *wanted)
{
    uint8_t sum[SHA1_BYTES];
    char hex[SHA1_HEX_CHARS + 1];
    sha1(data, sum);
    sha1_print(sum, hex);
    assert_string_equal(hex, wanted);
}

static void examples_of_the_standard(void **state)
{
    (void)state;
    static char million[1000000];
    memset(million, 'a', sizeof(million));
    expect_sum(bytes_of(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    expect_sum(bytes_of("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    expect_sum(bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
               "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    expect_sum(bytes_make(million, sizeof(million)), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

static void ends_of_blocks(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        const char *sum;
    } rows[] = {
        {55, "cef734ba81a024479e09eb5a75b6ddae62e6abf1"},
        {56, "901305367c259952f4e7af8323f480d59f81335b"},
        {63, "0ddc4e0cccd9a12850deb5abb0853a4425559fec"},
        {64, "bb2fa3ee7afb9f54c6dfb5d021f14b1ffe40c163"},
        {65, "78c741ddc482e4cdf8c474a0876347a0905b6233"},
        {119, "4300320394f7ee239bcdce7d3b8bcee173a0cd5c"},
        {120, "ceb2821639c4b6dcb10bce0e522ca2e608ce056d"},
        {128, "150fa3fbdc899bd0b8f95a9fb6027f564d953762"},
    };
    char text[128];
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect_sum(bytes_make(text, rows[i].len), rows[i].sum);
}

static void the_sum_may_go_where_the_data_was(void **state)
{
    (void)state;
    uint8_t data[SHA1_BYTES] = "abcdefghijklmnopqrs";
    uint8_t apart[SHA1_BYTES];
    sha1(bytes_make((const char *)data, sizeof(data)), apart);
    sha1(bytes_make((const char *)data, sizeof(data)), data);
    assert_memory_equal(data, apart, sizeof(data));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_standard),
        cmocka_unit_test(ends_of_blocks),
        cmocka_unit_test(the_sum_may_go_where_the_data_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
