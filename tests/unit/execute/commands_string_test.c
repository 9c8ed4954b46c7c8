/* The handlers of the string group: options, limits, errors, and what counts as a change. */
#include "unit/execute/commands_harness.h"

#define WRONG "-WRONGTYPE Operation against a key holding the wrong kind of value"
#define SYNTAX "-ERR syntax error"
#define NOT_INT "-ERR value is not an integer or out of range"
#define TOO_LONG "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"

static void set_takes_every_option(void **state)
{
    (void)state;
    expect_change("SET k v", "+OK", 1);
    expect_change("SET k w NX", "$-1", 0);
    expect_change("SET k w XX", "+OK", 1);
    expect_change("SET none w XX", "$-1", 0);
    expect_change("SET k x GET", "$1 w", 1);
    expect_change("SET none y XX GET", "$-1", 0);
    expect_change("SET k y NX GET", "$1 x", 0);
    expect_change("SET fresh y GET NX", "$-1", 1);
    expect("GET fresh", "$1 y");
    expect("SET k v EX 100", "+OK");
    expect("TTL k", ":100");
    expect("SET k v KEEPTTL", "+OK");
    expect("PTTL k", ":100000");
    expect("SET k v PX 1500", "+OK");
    expect("PTTL k", ":1500");
    expect("SET k v EXAT 1700000010", "+OK");
    expect("TTL k", ":10");
    expect("SET k v PXAT 1700000000700", "+OK");
    expect("PEXPIRETIME k", ":1700000000700");
    expect("SET k v", "+OK");
    expect("TTL k", ":-1");
}

static void set_refuses_contradictions(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "SET k v NX XX",   "SET k v EX 1 PX 1",   "SET k v KEEPTTL EX 1", "SET k v EX 1 KEEPTTL",
        "SET k v EX",      "SET k v PERSIST",     "SET k v foo",          "SET k v EXAT 1 PXAT 1",
        "GETEX k KEEPTTL", "GETEX k NX",          "GETEX k EX 1 PERSIST", "GETEX k PERSIST EX 1",
        "GETEX none EX",   "GETEX k EX 1 EXAT 1", "SET k v EX x NX XX",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) expect_change(wrong[i], SYNTAX, 0);
    expect("SET k v EX 10 EX 20 GET GET", "$-1");
    expect("TTL k", ":20");
}

static void expire_times_are_checked(void **state)
{
    (void)state;
    expect("SET k v EX 0", "-ERR invalid expire time in 'set' command");
    expect("SET k v PX -1", "-ERR invalid expire time in 'set' command");
    expect("SET k v EX 9223372036854776", "-ERR invalid expire time in 'set' command");
    expect("SET k v PX 9223372036854775807", "-ERR invalid expire time in 'set' command");
    expect("SET k v EX x", NOT_INT);
    expect("SETEX k 0 v", "-ERR invalid expire time in 'setex' command");
    expect("PSETEX k -5 v", "-ERR invalid expire time in 'psetex' command");
    expect("EXISTS k", ":0");
    expect("SET k v PXAT 9223372036854775807", "+OK");
    expect("EXPIRETIME k", ":9223372036854776");
    expect("GETEX k EX 0", "-ERR invalid expire time in 'getex' command");
    expect("GETEX none EX x", "$-1");
}

static void getex_changes_the_deadline(void **state)
{
    (void)state;
    expect("SET k v", "+OK");
    expect_change("GETEX k", "$1 v", 0);
    expect_change("GETEX k PERSIST", "$1 v", 0);
    expect_change("GETEX k PX 700", "$1 v", 1);
    expect("PTTL k", ":700");
    expect_change("GETEX k PERSIST", "$1 v", 1);
    expect("PTTL k", ":-1");
    expect_change("GETEX k EXAT 1", "$1 v", 1);
    expect("DBSIZE", ":0");
}

static void many_keys(void **state)
{
    (void)state;
    expect_change("MSET a 1 b 2 a 3", "+OK", 3);
    expect("MGET a b none a", "*4 $1 3 $1 2 $-1 $1 3");
    expect("MSET a 1 b", "-ERR wrong number of arguments for 'mset' command");
    expect("MSETNX a 1 b", "-ERR wrong number of arguments for 'msetnx' command");
    expect_change("MSETNX c 1 a 2", ":0", 0);
    expect("EXISTS c", ":0");
    expect_change("MSETNX c 1 c 2 d 3", ":1", 3);
    expect("MGET c d", "*2 $1 2 $1 3");
}

static void mget_passes_the_window(void **state)
{
    (void)state;
    char line[1000] = "MGET", wanted[1000] = "*50";
    for (int i = 0; i < 50; i++) {
        char one[40];
        snprintf(one, sizeof one, "SET key%d v%d", i, i);
        expect(one, "+OK");
        sprintf(line + strlen(line), " key%d", i);
        sprintf(wanted + strlen(wanted), " $%d v%d", i < 10 ? 2 : 3, i);
    }
    expect(line, wanted);
}

static void ranges(void **state)
{
    (void)state;
    expect("SET s abcdef", "+OK");
    expect("GETRANGE s 1 2", "$2 bc");
    expect("GETRANGE s -3 -1", "$3 def");
    expect("SUBSTR s 0 -100", "$1 a");
    expect("GETRANGE s -1 -3", "$0 ");
    expect("GETRANGE s -9223372036854775808 9223372036854775807", "$6 abcdef");
    expect("GETRANGE none 0 -1", "$0 ");
    expect_change("SETRANGE s 8 x", ":9", 1);
    expect("STRLEN s", ":9");
    expect_change("SETRANGE none 5 \"\"", ":0", 0);
    expect_change("SETRANGE s 9223372036854775807 \"\"", ":9", 0);
    expect("SETRANGE s -1 x", "-ERR offset is out of range");
    expect("SETRANGE s 536870911 ab", TOO_LONG);
    expect("SETRANGE s 4294967295 ab", TOO_LONG);
    expect("SETRANGE s 9223372036854775807 ab", TOO_LONG);
    expect("EXISTS none", ":0");
}

static void append_respects_the_limit(void **state)
{
    (void)state;
    harness.settings->proto_max_bulk_len = 8;
    expect_change("APPEND a 12", ":2", 1);
    expect("OBJECT ENCODING a", "$3 int");
    expect_change("APPEND a \"\"", ":2", 1);
    expect("OBJECT ENCODING a", "$3 raw");
    expect("APPEND a 345678", ":8");
    expect("APPEND a 9", TOO_LONG);
    expect("GET a", "$8 12345678");
}

static void integers(void **state)
{
    (void)state;
    expect_change("INCR n", ":1", 1);
    expect("DECR n", ":0");
    expect("INCRBY n 9223372036854775807", ":9223372036854775807");
    expect_change("INCR n", "-ERR increment or decrement would overflow", 0);
    expect("DECRBY n -1", "-ERR increment or decrement would overflow");
    expect("DECRBY n -9223372036854775808", "-ERR decrement would overflow");
    expect("INCRBY n 9223372036854775808", NOT_INT);
    expect("SET n 010", "+OK");
    expect("INCR n", NOT_INT);
    expect("SET n \"\"", "+OK");
    expect("INCR n", NOT_INT);
    expect("SET n 5 EX 100", "+OK");
    expect("APPEND n 0", ":2");
    expect("INCR n", ":51");
    expect("OBJECT ENCODING n", "$3 int");
    expect("TTL n", ":100");
}

static void floats(void **state)
{
    (void)state;
    expect_change("INCRBYFLOAT f 10.5", "$4 10.5", 1);
    expect("INCRBYFLOAT f -10.5", "$1 0");
    expect("INCRBYFLOAT f 3.0e3", "$4 3000");
    expect("INCRBYFLOAT f inf", "-ERR increment would produce NaN or Infinity");
    expect("INCRBYFLOAT f nan", "-ERR value is not a valid float");
    expect("INCRBYFLOAT f x", "-ERR value is not a valid float");
    expect("INCRBYFLOAT f 1e5000", "-ERR value is not a valid float");
    assert_int_equal(strncmp(ask("INCRBYFLOAT f 1e4932"), "$4933 1", 7), 0);
    expect("INCRBYFLOAT f 1e4932", "-ERR increment would produce NaN or Infinity");
    expect("SET f 1 EX 10", "+OK");
    expect("INCRBYFLOAT f 0.1", "$3 1.1");
    expect("TTL f", ":10");
}

static void getset_and_getdel(void **state)
{
    (void)state;
    expect_change("GETSET k v", "$-1", 1);
    expect("EXPIRE k 10", ":1");
    expect_change("GETSET k w", "$1 v", 1);
    expect("TTL k", ":-1");
    expect_change("GETDEL k", "$1 w", 1);
    expect_change("GETDEL k", "$-1", 0);
    expect_change("SETNX k v", ":1", 1);
    expect_change("SETNX k v", ":0", 0);
}

/* ---- LCS ---- */

static void lcs_answers_in_every_form(void **state)
{
    (void)state;
    expect("MSET a ohmytext b mynewtext", "+OK");
    expect("LCS a b", "$6 mytext");
    expect("LCS a b LEN", ":6");
    expect("LCS a b IDX", "*4 $7 matches *2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6");
    expect("LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN",
           "*4 $7 matches *1 *3 *2 :4 :7 *2 :5 :8 :4 $3 len :6");
    harness.reply.resp = 3;
    expect("LCS a none IDX", "%2 $7 matches *0 $3 len :0");
    harness.reply.resp = 2;
    expect("LCS a b LEN IDX", "-ERR If you want both the length and indexes, please just use IDX.");
    expect("LCS a b MINMATCHLEN", SYNTAX);
    expect("LCS a b MINMATCHLEN x", NOT_INT);
    expect("LCS a b foo", SYNTAX);
    expect("LCS none none2", "$0 ");
}

static void lcs_refuses_before_it_allocates(void **state)
{
    (void)state;
    expect("SETRANGE a 99999999 x", ":100000000");
    expect("SETRANGE b 99999999 x", ":100000000");
    size_t before = heap_used();
    expect("LCS a b IDX",
           "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
    assert_int_equal(heap_used(), before);
}

/* The length of the longest common subsequence, by the definition. */
static size_t lcs_naive(const char *a, const char *b)
{
    static size_t memo[32][32];
    size_t n = strlen(a), m = strlen(b);
    for (size_t i = 0; i <= n; i++) {
        for (size_t j = 0; j <= m; j++) {
            size_t best = 0;
            if (i > 0 && j > 0) {
                best = memo[i - 1][j] > memo[i][j - 1] ? memo[i - 1][j] : memo[i][j - 1];
                if (a[i - 1] == b[j - 1]) best = memo[i - 1][j - 1] + 1;
            }
            memo[i][j] = best;
        }
    }
    return memo[n][m];
}

static bool is_subsequence(const char *part, const char *of)
{
    for (; *part != '\0' && *of != '\0'; of++) part += *part == *of;
    return *part == '\0';
}

static void lcs_finds_a_longest_one(void **state)
{
    (void)state;
    srand(7);
    for (int round = 0; round < 500; round++) {
        char a[32] = "", b[32] = "", line[100];
        for (int i = 1 + rand() % 30; i-- > 0;) a[i] = (char)('a' + rand() % 3);
        for (int i = 1 + rand() % 30; i-- > 0;) b[i] = (char)('a' + rand() % 3);
        snprintf(line, sizeof line, "MSET a %s b %s", a, b);
        expect(line, "+OK");
        const char *found = strchr(ask("LCS a b"), ' ') + 1;
        assert_int_equal(strlen(found), lcs_naive(a, b));
        assert_true(is_subsequence(found, a));
        assert_true(is_subsequence(found, b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        harness_test(set_takes_every_option),
        harness_test(set_refuses_contradictions),
        harness_test(expire_times_are_checked),
        harness_test(getex_changes_the_deadline),
        harness_test(many_keys),
        harness_test(mget_passes_the_window),
        harness_test(ranges),
        harness_test(append_respects_the_limit),
        harness_test(integers),
        harness_test(floats),
        harness_test(getset_and_getdel),
        harness_test(lcs_answers_in_every_form),
        harness_test(lcs_refuses_before_it_allocates),
        harness_test(lcs_finds_a_longest_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
