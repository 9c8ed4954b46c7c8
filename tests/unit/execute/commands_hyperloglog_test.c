/* The handlers of the HyperLogLog group: replies, errors, the estimate that the value keeps. */
#include "unit/execute/commands_harness.h"

#define NOT_ONE "-WRONGTYPE Key is not a valid HyperLogLog string value."
#define BROKEN "-INVALIDOBJ Corrupted HLL object detected"

static void counting(void **state)
{
    (void)state;
    expect("PFCOUNT h", ":0");
    expect_change("PFADD h", ":1", 1);
    expect_change("PFADD h", ":0", 0);
    expect_change("PFADD h a b c a", ":1", 3);
    expect_change("PFADD h c b a", ":0", 0);
    expect_change("PFADD h \"\"", ":1", 1);
    expect("PFCOUNT h", ":4");
    expect("PFADD g a x", ":1");
    expect("PFCOUNT h g none", ":5");
    expect("PFCOUNT none none", ":0");
    expect("PFDEBUG ENCODING h", "+sparse");
    expect("TYPE h", "+string");
}

static void the_estimate_is_kept_in_the_value(void **state)
{
    (void)state;
    expect("PFADD h a b c", ":1");
    expect("PFDEBUG DECODE h", "$44 Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603");
    expect("GETBIT h 120", ":1");
    expect_change("PFCOUNT h", ":3", 1);
    expect("GETBIT h 120", ":0");
    expect_change("PFCOUNT h", ":3", 0);
    expect("SETRANGE h 8 *", ":27");
    expect("PFCOUNT h", ":42");
    expect("PFCOUNT h h", ":3");
    expect("PFADD h a", ":0");
    expect("PFCOUNT h", ":42");
    expect("PFADD h d", ":1");
    expect("PFCOUNT h", ":4");
}

static void sparse_becomes_dense(void **state)
{
    (void)state;
    expect("PFADD h a b c", ":1");
    expect_change("PFDEBUG TODENSE h", ":1", 1);
    expect_change("PFDEBUG TODENSE h", ":0", 0);
    expect("PFDEBUG ENCODING h", "+dense");
    expect("PFDEBUG DECODE h", "-ERR HLL encoding is not sparse");
    expect("STRLEN h", ":12304");
    expect("PFCOUNT h", ":3");
    expect_change("PFADD h a b c d e", ":1", 2);
    expect("PFCOUNT h", ":5");
    harness.settings->hll_sparse_max_bytes = 30;
    expect("PFADD g a b c d e f g", ":1");
    expect("PFDEBUG ENCODING g", "+dense");
    expect("PFCOUNT g h", ":7");
}

static void merging(void **state)
{
    (void)state;
    expect("PFADD a 1 2 3", ":1");
    expect("PFADD b 3 4", ":1");
    expect_change("PFMERGE to a b none", "+OK", 1);
    expect("PFCOUNT to", ":4");
    expect("PFDEBUG ENCODING to", "+sparse");
    expect("PFMERGE new", "+OK");
    expect("PFCOUNT new", ":0");
    expect("PFADD to 9", ":1");
    expect("EXPIRE to 100", ":1");
    expect("PFDEBUG TODENSE b", ":1");
    expect("PFMERGE to b to", "+OK");
    expect("PFDEBUG ENCODING to", "+dense");
    expect("PFCOUNT to", ":5");
    expect("TTL to", ":100");
    expect("PFMERGE b a", "+OK");
    expect("PFCOUNT b", ":4");
    harness.settings->hll_sparse_max_bytes = 23;
    expect("PFMERGE a b", "+OK");
    expect("PFADD s 1", ":1");
    expect("PFADD t 2", ":1");
    expect("PFMERGE s t", "+OK");
    expect("PFDEBUG ENCODING s", "+dense");
    expect("PFCOUNT s", ":2");
}

static void what_is_no_hyperloglog(void **state)
{
    (void)state;
    expect("SET s text", "+OK");
    expect("SET n 12", "+OK");
    expect("PFADD h a", ":1");
    expect("PFADD s a", NOT_ONE);
    expect("PFADD n a", NOT_ONE);
    expect("PFCOUNT s", NOT_ONE);
    expect("PFCOUNT h s", NOT_ONE);
    expect("PFMERGE s h", NOT_ONE);
    expect("PFMERGE h s", NOT_ONE);
    expect("PFMERGE new s", NOT_ONE);
    expect("EXISTS new", ":0");
    expect("PFDEBUG ENCODING s", NOT_ONE);
    expect("PFDEBUG ENCODING none", "-ERR The specified key does not exist");
    expect("PFDEBUG NOSUCH h", "-ERR Unknown PFDEBUG subcommand 'NOSUCH'");
}

static void broken_values_are_refused(void **state)
{
    (void)state;
    expect("PFADD h a b c", ":1");
    expect("PFADD good a", ":1");
    expect("APPEND h hello", ":32");
    expect("PFCOUNT h", BROKEN);
    expect("PFCOUNT good h", BROKEN);
    expect_change("PFMERGE good h", BROKEN, 0);
    expect("PFDEBUG TODENSE h", BROKEN);
    expect("PFDEBUG GETREG h", BROKEN);
    expect("PFCOUNT good", ":1");
    /* The runs end after the 64th register: what was added before that was met stays. */
    struct bytes cut = bytes_make("HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x3f", 17);
    harness_run((struct bytes[]){bytes_of("SET"), bytes_of("h"), cut}, 3);
    expect_change("PFADD h x y z", BROKEN, 0);
    expect("STRLEN h", ":17");
}

static void registers_as_numbers(void **state)
{
    (void)state;
    expect("PFADD h a b c", ":1");
    const char *reply = ask("PFDEBUG GETREG h");
    assert_memory_equal(reply, "*16384 ", 7);
    int ones = 0, twos = 0;
    for (const char *p = reply; (p = strchr(p, ':')) != NULL; p++) {
        ones += p[1] == '1';
        twos += p[1] == '2';
    }
    assert_int_equal(ones, 2);
    assert_int_equal(twos, 1);
    expect("PFDEBUG ENCODING h", "+dense");
    expect("PFSELFTEST", "+OK");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        harness_test(counting),
        harness_test(the_estimate_is_kept_in_the_value),
        harness_test(sparse_becomes_dense),
        harness_test(merging),
        harness_test(what_is_no_hyperloglog),
        harness_test(broken_values_are_refused),
        harness_test(registers_as_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
