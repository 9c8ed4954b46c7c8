/* The handlers of the bitmap group, against the plain definition of each, one bit at a time. */
#include "unit/execute/commands_harness.h"

#define BAD_OFFSET "-ERR bit offset is not an integer or out of range"

enum { BITS_MAX = 120 * 8 };

/* Sets `key` to `len` random bytes, some of them runs of all zeros or ones, and gives them. */
static struct bytes random_value(const char *key, size_t len)
{
    static char buf[4][200];
    static int next;
    char *value = buf[next++ % 4];
    int kind = rand() % 4;
    for (size_t i = 0; i < len; i++) value[i] = (char)(kind == 0 ? 0 : kind == 1 ? 0xff : rand());
    if (len != 0 && kind < 2) value[(size_t)rand() % len] ^= (char)(1 << rand() % 8);
    struct bytes args[] = {bytes_of("SET"), bytes_of(key), bytes_make(value, len)};
    harness_run(args, 3);
    return args[2];
}

static int bit_of(struct bytes s, int64_t i)
{
    return i / 8 < (int64_t)s.len ? (uint8_t)s.ptr[i / 8] >> (7 - i % 8) & 1 : 0;
}

static int64_t int_of(const char *reply)
{
    assert_int_equal(reply[0], ':');
    return strtoll(reply + 1, NULL, 10);
}

static void bitcount_and_bitpos_agree_with_the_definition(void **state)
{
    (void)state;
    srand(1);
    for (int round = 0; round < 5000; round++) {
        struct bytes s = random_value("s", 1 + (size_t)rand() % 120);
        int64_t total = (int64_t)s.len * 8, start = rand() % total,
                end = start + rand() % (total - start);
        int64_t count = 0, first[2] = {-1, -1};
        for (int64_t i = end; i >= start; i--) {
            count += bit_of(s, i);
            first[bit_of(s, i)] = i;
        }
        char line[100];
        snprintf(line, sizeof line, "BITCOUNT s %d %d BIT", (int)start, (int)(end - total));
        assert_int_equal(int_of(ask(line)), count);
        for (int bit = 0; bit < 2; bit++) {
            snprintf(line, sizeof line, "BITPOS s %d %d %d BIT", bit, (int)(start - total),
                     (int)end);
            assert_int_equal(int_of(ask(line)), first[bit]);
        }
    }
}

static void bitcount_and_bitpos_know_their_edges(void **state)
{
    (void)state;
    expect("SETRANGE s 0 \xff\xff", ":2");
    expect("BITCOUNT none", ":0");
    expect("BITCOUNT s", ":16");
    expect("BITCOUNT s 1 1", ":8");
    expect("BITCOUNT s -1 -2", ":0");
    expect("BITCOUNT s 5 1", ":0");
    expect("BITCOUNT s -100 -50 BIT", ":1");
    expect("BITCOUNT s -9223372036854775808 9223372036854775807", ":16");
    expect("BITCOUNT s 0", "-ERR syntax error");
    expect("BITCOUNT s 0 1 foo", "-ERR syntax error");
    expect("BITPOS none 1", ":-1");
    expect("BITPOS none 0", ":0");
    expect("BITPOS s 0", ":16");
    expect("BITPOS s 0 1", ":16");
    expect("BITPOS s 0 0 -1", ":-1");
    expect("BITPOS s 0 5", ":-1");
    expect("BITPOS s 2", "-ERR The bit argument must be 1 or 0.");
    expect("BITPOS s 1 0 -1 foo", "-ERR syntax error");
}

static void setbit_and_getbit(void **state)
{
    (void)state;
    expect_change("SETBIT b 0 0", ":0", 1);
    expect_change("SETBIT b 0 0", ":0", 0);
    expect_change("SETBIT b 7 1", ":0", 1);
    expect("GET b", "$1 \x01");
    expect_change("SETBIT b 7 1", ":1", 0);
    expect_change("SETBIT b 90 0", ":0", 1);
    expect("STRLEN b", ":12");
    expect("GETBIT b 7", ":1");
    expect("GETBIT b 4294967295", ":0");
    expect("GETBIT b 4294967296", BAD_OFFSET);
    expect("SETBIT b 4294967296 1", BAD_OFFSET);
    expect("SETBIT b -1 1", BAD_OFFSET);
    expect("SETBIT b 1 2", "-ERR bit is not an integer or out of range");
    expect("SET n 1", "+OK");
    expect("GETBIT n 2", ":1");
    expect("SETBIT n 6 1", ":0");
    expect("GET n", "$1 3");
}

static int bit_after(const char *op, int a, int b)
{
    if (op[0] == 'A') return a & b;
    if (op[0] == 'O') return a | b;
    return a ^ b;
}

static void bitop_agrees_with_the_definition(void **state)
{
    (void)state;
    static const char *const ops[] = {"AND", "OR", "XOR"};
    srand(2);
    for (int round = 0; round < 600; round++) {
        struct bytes a = random_value("a", (size_t)rand() % 60),
                     b = random_value("b", (size_t)rand() % 60);
        const char *op = ops[round % 3], *to = round % 2 ? "a" : "to";
        char line[100];
        snprintf(line, sizeof line, "BITOP %s %s a b", op, to);
        size_t len = a.len > b.len ? a.len : b.len;
        assert_int_equal(int_of(ask(line)), len);
        for (size_t i = 0; i < len * 8; i++) {
            snprintf(line, sizeof line, "GETBIT %s %zu", to, i);
            assert_int_equal(int_of(ask(line)),
                             bit_after(op, bit_of(a, (int64_t)i), bit_of(b, (int64_t)i)));
        }
    }
}

static void bitop_knows_its_edges(void **state)
{
    (void)state;
    expect("SETRANGE s 0 \xaa\x01\xff\x55\xaa\x01\xff\x55\x0f", ":9");
    expect_change("BITOP NOT s s", ":9", 1);
    expect("GETRANGE s 0 1", "$2 \x55\xfe");
    expect("GETRANGE s 8 8", "$1 \xf0");
    expect("BITOP NOT s s s", "-ERR BITOP NOT must be called with a single source key.");
    expect("BITOP NAND s s s", "-ERR syntax error");
    expect_change("BITOP AND s none", ":0", 1);
    expect_change("BITOP AND s none", ":0", 0);
    expect("EXISTS s", ":0");
}

static void bitop_makes_big_results(void **state)
{
    (void)state;
    expect("SETBIT a 48000000 1", ":0");
    expect("SETRANGE b 3 x", ":4");
    expect("SET to old EX 100", "+OK");
    expect_change("BITOP OR to b a", ":6000001", 1);
    expect("TTL to", ":-1");
    expect("BITCOUNT to", ":5");
    expect("BITOP NOT to to", ":6000001");
    expect("BITCOUNT to", ":48000003");
    expect("BITOP AND to b to", ":6000001");
    expect("BITCOUNT to", ":0");
    expect("DBSIZE", ":3");
}

/* ---- BITFIELD ---- */

static void bitfield_reads_and_writes_any_place(void **state)
{
    (void)state;
    char model[BITS_MAX + 64] = {0};
    srand(3);
    expect("SETRANGE f 127 x", ":128");
    expect("BITFIELD f SET u8 1016 0", "*1 :120");
    for (int round = 0; round < 5000; round++) {
        bool is_signed = rand() % 2;
        int bits = 1 + rand() % (is_signed ? 64 : 63), offset = rand() % BITS_MAX;
        uint64_t value = (uint64_t)rand() << 40 ^ (uint64_t)rand() << 20 ^ (uint64_t)rand();
        uint64_t old = 0;
        for (int i = 0; i < bits; i++) old = old << 1 | (uint64_t)model[offset + i];
        if (is_signed && bits < 64 && old >> (bits - 1)) old |= UINT64_MAX << bits;
        for (int i = 0; i < bits; i++) model[offset + i] = (char)(value >> (bits - 1 - i) & 1);

        char line[100], wanted[40];
        snprintf(line, sizeof line, "BITFIELD f SET %c%d %d %lld", is_signed ? 'i' : 'u', bits,
                 offset, (long long)value);
        snprintf(wanted, sizeof wanted, "*1 :%lld", (long long)old);
        expect(line, wanted);
    }
    for (int i = 0; i < BITS_MAX + 64; i++) {
        char line[40];
        snprintf(line, sizeof line, "GETBIT f %d", i);
        assert_int_equal(int_of(ask(line)), model[i]);
    }
}

static void bitfield_overflows_as_told(void **state)
{
    (void)state;
    expect_change("BITFIELD f INCRBY u8 0 257", "*1 :1", 1);
    expect("BITFIELD f OVERFLOW SAT INCRBY u8 0 300 INCRBY u8 0 -300", "*2 :255 :0");
    expect("BITFIELD f OVERFLOW SAT SET i8 0 -300 GET i8 0 SET i8 0 300 GET i8 0",
           "*4 :0 :-128 :-128 :127");
    expect_change("BITFIELD f INCRBY i8 0 256", "*1 :127", 0);
    expect_change("BITFIELD f OVERFLOW FAIL INCRBY i8 0 1 SET u8 0 256 SET u8 0 -1 GET u8 0",
                  "*4 $-1 $-1 $-1 :127", 0);
    expect("BITFIELD f OVERFLOW FAIL INCRBY i8 0 1 OVERFLOW WRAP INCRBY i8 0 1", "*2 $-1 :-128");
    expect("BITFIELD m SET i64 0 9223372036854775807 INCRBY i64 0 1",
           "*2 :0 :-9223372036854775808");
    expect("BITFIELD m OVERFLOW SAT INCRBY i64 0 -1", "*1 :-9223372036854775808");
    expect("BITFIELD m OVERFLOW SAT INCRBY u63 0 9223372036854775807"
           " INCRBY u63 0 -9223372036854775808",
           "*2 :9223372036854775807 :0");
}

static void bitfield_refuses_what_is_wrong_before_it_writes(void **state)
{
    (void)state;
    static const char *const types[] = {"u64", "i65", "u0", "U8", "u08", "u", "8", "\"\""};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        char line[100];
        snprintf(line, sizeof line, "BITFIELD f SET u8 0 1 GET %s 0", types[i]);
        expect(
            line,
            "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported "
            "but i64 is.");
    }
    expect("BITFIELD f SET u8 #4294967295 1", BAD_OFFSET);
    expect("BITFIELD f SET u8 #9223372036854775807 1", BAD_OFFSET);
    expect("BITFIELD f GET u8 -1", BAD_OFFSET);
    expect("BITFIELD f SET u8 0 1 SET u8 0", "-ERR syntax error");
    expect("BITFIELD f SET u8 0 1 OVERFLOW", "-ERR syntax error");
    expect("BITFIELD f SET u8 0 1 OVERFLOW foo", "-ERR Invalid OVERFLOW type specified");
    expect("BITFIELD f SET u8 0 x", "-ERR value is not an integer or out of range");
    expect("BITFIELD_RO f GET u8 0 SET u8 0 1",
           "-ERR BITFIELD_RO only supports the GET subcommand");
    expect("BITFIELD f GET u8 0 OVERFLOW SAT", "*1 :0");
    expect("BITFIELD_RO f", "*0");
    expect("EXISTS f", ":0");
    expect_change("BITFIELD f OVERFLOW FAIL SET u8 0 256", "*1 $-1", 0);
    expect("STRLEN f", ":1");
    expect("BITFIELD f SET u8 #0 65 SET u8 #1 66", "*2 :0 :0");
    expect("BITFIELD_RO f GET u8 #1", "*1 :66");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        harness_test(bitcount_and_bitpos_agree_with_the_definition),
        harness_test(bitcount_and_bitpos_know_their_edges),
        harness_test(setbit_and_getbit),
        harness_test(bitop_agrees_with_the_definition),
        harness_test(bitop_knows_its_edges),
        harness_test(bitop_makes_big_results),
        harness_test(bitfield_reads_and_writes_any_place),
        harness_test(bitfield_overflows_as_told),
        harness_test(bitfield_refuses_what_is_wrong_before_it_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
