/* CRC-64 of Jones: the check value of its catalogue entry, and the definition taken bit by bit. */
#include "unit/check.h"

#include "codec/crc64.h"

static uint64_t bit_by_bit(uint64_t crc, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0x95ac9329ac4bc9b5u : crc >> 1;
    }
    return crc;
}

static void check_value(void **state)
{
    (void)state;
    assert_int_equal(crc64(0, bytes_of("123456789")), 0xe9c6d914c4b8d9cau);
    assert_int_equal(crc64(0, bytes_of("")), 0);
}

static void every_length_and_place_agrees_with_the_definition(void **state)
{
    (void)state;
    uint8_t data[96];
    uint64_t seed = 1;
    for (size_t i = 0; i < sizeof(data); i++) data[i] = (uint8_t)check_random(&seed);
    for (size_t from = 0; from < 8; from++) {
        for (size_t len = 0; len + from <= sizeof(data); len++) {
            struct bytes part = bytes_make((const char *)data + from, len);
            assert_int_equal(crc64(0, part), bit_by_bit(0, data + from, len));
        }
    }
}

static void a_sum_goes_on_over_pieces(void **state)
{
    (void)state;
    const char *text = "a sum may be taken in pieces of any length";
    size_t len = strlen(text);
    uint64_t whole = crc64(0, bytes_of(text));
    for (size_t cut = 0; cut <= len; cut++) {
        uint64_t first = crc64(0, bytes_make(text, cut));
        assert_int_equal(crc64(first, bytes_make(text + cut, len - cut)), whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_value),
        cmocka_unit_test(every_length_and_place_agrees_with_the_definition),
        cmocka_unit_test(a_sum_goes_on_over_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
