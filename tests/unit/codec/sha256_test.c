/* SHA-256: the examples of FIPS 180-4, and lengths around the ends of blocks (sums by coreutils).
 */
#include "unit/check.h"

#include "codec/sha256.h"

static void expect_sum(struct bytes data, const char *wanted)
{
    uint8_t sum[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1];
    sha256(data, sum);
    sha256_print(sum, hex);
    assert_string_equal(hex, wanted);
}

static void examples_of_the_standard(void **state)
{
    (void)state;
    static char million[1000000];
    memset(million, 'a', sizeof(million));
    expect_sum(bytes_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_sum(bytes_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_sum(bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
               "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    expect_sum(bytes_make(million, sizeof(million)),
               "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void ends_of_blocks(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        const char *sum;
    } rows[] = {
        {55, "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072"},
        {56, "04c26261370ee7541549d16dee320c723e3fd14671e66a099afe0a377c16888e"},
        {63, "75220b47218278e656f2013bb8f0c455a25eaf01e86c64924e9d48d89776d6f2"},
        {64, "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c"},
        {65, "9537c5fdf120482f7d58d25e9ed583f52c02b4e304ea814db1633ad565aed7e9"},
        {119, "000b48d4edf0fa7bee3c6236ecd2785baa5db4eeb8bb54341b029e0d9fa5fb0c"},
        {120, "13f05a0b594787f5ecd315edc96141bd3243203d1b7d4f0836f37308b276ba98"},
        {128, "24da1b81d0b16df6428eee73c69fcb2a93c76bc6df706f0c6670fe6bfe800464"},
    };
    char text[128];
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect_sum(bytes_make(text, rows[i].len), rows[i].sum);
}

static void digits_are_read_back(void **state)
{
    (void)state;
    uint8_t sum[SHA256_BYTES], again[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1];
    sha256(bytes_of("abc"), sum);
    sha256_print(sum, hex);
    assert_true(sha256_read(bytes_of(hex), again));
    assert_memory_equal(sum, again, sizeof(sum));
    assert_false(sha256_read(bytes_make(hex, SHA256_HEX_CHARS - 1), again));
    hex[SHA256_HEX_CHARS - 1] = 'D'; /* capitals are none */
    assert_false(sha256_read(bytes_of(hex), again));
    hex[SHA256_HEX_CHARS - 1] = 'g';
    assert_false(sha256_read(bytes_of(hex), again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_standard),
        cmocka_unit_test(ends_of_blocks),
        cmocka_unit_test(digits_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
