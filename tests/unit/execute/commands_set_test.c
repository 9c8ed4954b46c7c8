/* The handlers of sets. What a set is, types_set_test.c covers. */
#include "unit/execute/commands_harness.h"

#include "unit/check.h"

static void sadd_srem_and_questions(void **state)
{
    (void)state;
    expect_change("SADD s a b a", ":2", 2);
    expect_change("SADD s a", ":0", 0);
    expect("SCARD s", ":2");
    expect("SISMEMBER s a", ":1");
    expect("SISMEMBER s x", ":0");
    expect("SMISMEMBER s a x b", "*3 :1 :0 :1");
    expect_change("SREM s x y", ":0", 0);
    expect_change("SREM s a x", ":1", 1);
    expect_change("SREM s b c b d", ":1", 1);
    expect("EXISTS s", ":0");
    expect("SADD s \"\"", ":1");
    expect("SMEMBERS s", "*1 $0 ");
    expect("SREM s \"\"", ":1");
}

static void absent_keys_are_empty(void **state)
{
    (void)state;
    expect("SCARD s", ":0");
    expect("SISMEMBER s a", ":0");
    expect("SMISMEMBER s a b", "*2 :0 :0");
    expect("SMEMBERS s", "*0");
    expect_change("SREM s a", ":0", 0);
    expect("SPOP s", "$-1");
    expect("SPOP s 3", "*0");
    expect("SRANDMEMBER s", "$-1");
    expect("SRANDMEMBER s -3", "*0");
    expect("SSCAN s 0 foo", "*2 $1 0 *0");
    expect_change("SMOVE s t a", ":0", 0);
    expect("DBSIZE", ":0");
}

static void other_types_are_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {"SADD k a",
                                        "SREM k a",
                                        "SCARD k",
                                        "SISMEMBER k a",
                                        "SMISMEMBER k a",
                                        "SMEMBERS k",
                                        "SPOP k",
                                        "SPOP k 0",
                                        "SRANDMEMBER k",
                                        "SRANDMEMBER k 0",
                                        "SMOVE k s a",
                                        "SMOVE s k a",
                                        "SSCAN k 0",
                                        "SINTER s k",
                                        "SINTER none k",
                                        "SUNION none k",
                                        "SDIFF none k",
                                        "SINTERCARD 1 k",
                                        "SINTERSTORE d k s",
                                        "SUNIONSTORE d s k",
                                        "SDIFFSTORE d s s k"};
    expect("SET k v", "+OK");
    expect("SADD s a", ":1");
    expect("SADD d z", ":1");
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        expect(lines[i], "-" ERR_WRONG_TYPE);
        assert_int_equal(harness.changes, 0);
    }
    expect("SMEMBERS d", "*1 $1 z");
    expect("SCARD s", ":1");
}

static void arguments_that_make_no_sense(void **state)
{
    (void)state;
    expect("SADD s a b", ":2");
    expect("SPOP s -1", "-ERR value is out of range, must be positive");
    expect("SPOP s x", "-ERR value is out of range, must be positive");
    expect("SPOP s 1 2", "-ERR syntax error");
    expect("SRANDMEMBER s x", "-ERR value is not an integer or out of range");
    expect("SRANDMEMBER s -9223372036854775808",
           "-ERR value is out of range, value must between -9223372036854775807 and "
           "9223372036854775807");
    expect("SRANDMEMBER s 1 2", "-ERR syntax error");
    expect("SINTERCARD 0 s", "-ERR numkeys should be greater than 0");
    expect("SINTERCARD x s", "-ERR numkeys should be greater than 0");
    expect("SINTERCARD 2 s", "-ERR Number of keys can't be greater than number of args");
    expect("SINTERCARD 9223372036854775807 s",
           "-ERR Number of keys can't be greater than number of args");
    expect("SINTERCARD 1 s t", "-ERR syntax error");
    expect("SINTERCARD 1 s LIMIT", "-ERR syntax error");
    expect("SINTERCARD 1 s LIMIT -1", "-ERR LIMIT can't be negative");
    expect("SINTERCARD 1 s LIMIT x", "-ERR LIMIT can't be negative");
    expect("SSCAN s x", "-ERR invalid cursor");
    expect("SSCAN s 0 COUNT 0", "-ERR syntax error");
    expect("SSCAN s 0 TYPE set", "-ERR syntax error");
    expect("SSCAN s 0 MATCH", "-ERR syntax error");
}

static void resp3_answers_sets_as_sets(void **state)
{
    (void)state;
    expect("SADD s a", ":1");
    harness.reply.resp = 3;
    expect("SMEMBERS s", "~1 $1 a");
    expect("SINTER s", "~1 $1 a");
    expect("SUNION s", "~1 $1 a");
    expect("SDIFF s", "~1 $1 a");
    expect("SINTER s none", "~0");
    expect("SRANDMEMBER s 1", "*1 $1 a");
    expect("SRANDMEMBER none", "_");
    expect("SPOP s 0", "~0");
    expect("SPOP s 5", "~1 $1 a");
    expect("SPOP s", "_");
}

static void smove_moves(void **state)
{
    (void)state;
    expect("SADD a 1 x", ":2");
    expect("SADD b 2", ":1");
    expect_change("SMOVE a b x", ":1", 2);
    expect("OBJECT ENCODING b", "$8 listpack");
    expect_change("SMOVE a b x", ":0", 0);
    expect("SADD a x", ":1");
    expect_change("SMOVE a b x", ":1", 1);
    expect_change("SMOVE a a 1", ":1", 0);
    expect_change("SMOVE a a 9", ":0", 0);
    expect_change("SMOVE a c 1", ":1", 2);
    expect("EXISTS a", ":0");
    expect("OBJECT ENCODING c", "$6 intset");
}

static void stores_replace_whatever_was_there(void **state)
{
    (void)state;
    expect("SADD a 1 2 3", ":3");
    expect("SADD b 2 3 x", ":3");
    expect("SET d v EX 100", "+OK");
    expect_change("SINTERSTORE d a b", ":2", 1);
    expect("TTL d", ":-1");
    expect("OBJECT ENCODING d", "$6 intset");
    expect("SUNIONSTORE d a b d", ":4");
    expect("OBJECT ENCODING d", "$8 listpack");
    expect("SDIFFSTORE d d a", ":1");
    expect("SMEMBERS d", "*1 $1 x");
    expect_change("SDIFFSTORE d a a", ":0", 1);
    expect("EXISTS d", ":0");
    expect_change("SDIFFSTORE d none a", ":0", 0);
    expect("SINTERCARD 2 a b", ":2");
    expect("SINTERCARD 2 a b LIMIT 1", ":1");
    expect("SINTERCARD 2 a b LIMIT 0", ":2");
    expect("SINTERCARD 3 a b none", ":0");
}

static void sscan_gives_small_sets_whole(void **state)
{
    (void)state;
    expect("SADD s 1 2 13", ":3");
    expect("SSCAN s 0", "*2 $1 0 *3 $1 1 $1 2 $2 13");
    expect("SSCAN s 77 COUNT 1 MATCH 1*", "*2 $1 0 *2 $1 1 $2 13");
}

/* ---- Random sets against masks of bits ---- */

enum { UNIVERSE = 500, SETS = 4 };

static bool naive[SETS][UNIVERSE];
static uint64_t random_state = 88172645463325252u;
static uint64_t below(uint64_t n) { return check_random(&random_state) % n; }

/* Member `i` of a universe of integers and words. */
static const char *member(int i, char text[16])
{
    snprintf(text, 16, i % 3 == 0 ? "%d" : "m%d", i);
    return text;
}

static int member_index(struct bytes text)
{
    char copy[16] = {0};
    assert_true(text.len < sizeof(copy));
    memcpy(copy, text.ptr, text.len);
    return atoi(copy[0] == 'm' ? copy + 1 : copy);
}

static void fill(int set)
{
    char line[64], text[16];
    int kind = (int)below(3), density = 1 + (int)below(20);
    snprintf(line, sizeof(line), "DEL s%d", set);
    ask(line);
    for (int i = 0; i < UNIVERSE; i++) {
        naive[set][i] =
            below(20) < (uint64_t)density && (kind != 0 || i % 3 == 0) && (kind != 1 || i < 60);
        if (!naive[set][i]) continue;
        snprintf(line, sizeof(line), "SADD s%d %s", set, member(i, text));
        expect(line, ":1");
    }
}

/* Reads an array of members as the harness gives it; they must be the wanted ones, each once. */
static void expect_members(const char *line, const bool want[UNIVERSE])
{
    bool got[UNIVERSE] = {false};
    int count = 0, wanted = 0;
    ask(line);
    const char *p = harness.reply.buf, *end = p + harness.reply.len;
    assert_int_equal(*p, '*');
    int said = atoi(p + 1);
    for (p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1; p < end; count++) {
        int len = atoi(p + 1);
        p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
        int at = member_index(bytes_make(p, (size_t)len));
        assert_false(got[at]);
        got[at] = true;
        p += len + 2;
    }
    for (int i = 0; i < UNIVERSE; i++) {
        assert_int_equal(got[i], want[i]);
        wanted += want[i];
    }
    assert_int_equal(count, wanted);
    assert_int_equal(said, wanted);
}

static void check_operation(const char *name, int sets,
                            int (*fold)(int in_first, int in_others, int others))
{
    bool want[UNIVERSE];
    char keys[64] = "", line[128];
    int which[SETS + 1], wanted = 0;
    for (int k = 0; k < sets; k++) {
        which[k] = (int)below(SETS);
        snprintf(keys + strlen(keys), sizeof(keys) - strlen(keys), " s%d", which[k]);
    }
    for (int i = 0; i < UNIVERSE; i++) {
        int others = 0;
        for (int k = 1; k < sets; k++) others += naive[which[k]][i];
        want[i] = fold(naive[which[0]][i], others, sets - 1) != 0;
        wanted += want[i];
    }
    snprintf(line, sizeof(line), "%s%s", name, keys);
    expect_members(line, want);
    snprintf(line, sizeof(line), "%sSTORE d%s", name, keys);
    char count[16];
    snprintf(count, sizeof(count), ":%d", wanted);
    expect(line, count);
    expect_members("SMEMBERS d", want);
    if (strcmp(name, "SINTER") != 0) return;
    snprintf(line, sizeof(line), "SINTERCARD %d%s", sets, keys);
    expect(line, count);
}

static int fold_inter(int first, int others, int count) { return first && others == count; }
static int fold_union(int first, int others, int count) { return (void)count, first || others; }
static int fold_diff(int first, int others, int count) { return (void)count, first && !others; }

static void algebra_agrees_with_a_naive_model(void **state)
{
    (void)state;
    for (int round = 0; round < 60; round++) {
        for (int i = 0; i < SETS; i++) fill(i);
        for (int k = 1; k <= SETS; k++) {
            check_operation("SINTER", k, fold_inter);
            check_operation("SUNION", k, fold_union);
            check_operation("SDIFF", k, fold_diff);
        }
    }
}

/* ---- Draws ---- */

/* Members of an answered array, by index; gives how many. */
static int drawn(const char *line, int out[])
{
    ask(line);
    const char *p = harness.reply.buf, *end = p + harness.reply.len;
    int count = 0;
    for (p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1; p < end;) {
        int len = atoi(p + 1);
        p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
        out[count++] = member_index(bytes_make(p, (size_t)len));
        p += len + 2;
    }
    return count;
}

static void srandmember_draws_different_or_repeated(void **state)
{
    (void)state;
    static int out[2 * UNIVERSE];
    for (int round = 0; round < 40; round++) {
        fill(0);
        int size = 0;
        for (int i = 0; i < UNIVERSE; i++) size += naive[0][i];
        for (int want = 1; want < size + 3; want += 1 + want / 4) {
            char line[64];
            bool seen[UNIVERSE] = {false};
            snprintf(line, sizeof(line), "SRANDMEMBER s0 %d", want);
            assert_int_equal(drawn(line, out), want < size ? want : size);
            for (int i = 0; i < want && i < size; i++) {
                assert_true(naive[0][out[i]] && !seen[out[i]]);
                seen[out[i]] = true;
            }
            snprintf(line, sizeof(line), "SRANDMEMBER s0 -%d", want);
            assert_int_equal(drawn(line, out), want);
            for (int i = 0; i < want; i++) assert_true(naive[0][out[i]]);
        }
    }
}

static void spop_takes_what_it_answers(void **state)
{
    (void)state;
    static int out[2 * UNIVERSE];
    for (int round = 0; round < 60; round++) {
        fill(0);
        int size = 0;
        for (int i = 0; i < UNIVERSE; i++) size += naive[0][i];
        while (size > 0) {
            char line[64];
            int want = 1 + (int)below((uint64_t)size + 3);
            snprintf(line, sizeof(line), "SPOP s0 %d", want);
            int got = drawn(line, out);
            assert_int_equal(got, want < size ? want : size);
            assert_int_equal(harness.changes, got);
            for (int i = 0; i < got; i++) {
                assert_true(naive[0][out[i]]);
                naive[0][out[i]] = false;
            }
            size -= got;
            expect_members("SMEMBERS s0", naive[0]);
        }
        expect("EXISTS s0", ":0");
    }
}

/* Each member is as likely as another to be among those chosen, whatever the way they are chosen
 * in; six standard deviations are met once in 500 million. */
static void choices_are_even(void **state)
{
    (void)state;
    enum { MEMBERS = 200, ROUNDS = 4000 };
    static const int wants[] = {5, 100, 190};
    static int out[MEMBERS], times[UNIVERSE];
    char line[64], text[16];
    for (int i = 0; i < MEMBERS; i++) {
        snprintf(line, sizeof(line), "SADD s %s", member(i, text));
        expect(line, ":1");
    }
    expect("OBJECT ENCODING s", "$9 hashtable");
    for (size_t w = 0; w < sizeof(wants) / sizeof(*wants); w++) {
        memset(times, 0, sizeof(times));
        snprintf(line, sizeof(line), "SRANDMEMBER s %d", wants[w]);
        for (int round = 0; round < ROUNDS; round++) {
            int count = drawn(line, out);
            for (int i = 0; i < count; i++) times[out[i]]++;
        }
        double share = (double)wants[w] / MEMBERS;
        for (int i = 0; i < MEMBERS; i++) {
            double off = times[i] - ROUNDS * share;
            assert_true(off * off < 36 * ROUNDS * share * (1 - share));
        }
    }
}

static void sscan_shows_what_stays_while_the_set_changes(void **state)
{
    (void)state;
    char line[64];
    static int seen[3000];
    for (int i = 0; i < 3000; i++) {
        snprintf(line, sizeof(line), "SADD s m%d", i);
        expect(line, ":1");
    }
    uint64_t cursor = 0;
    int removed = 3000;
    do {
        snprintf(line, sizeof(line), "SSCAN s %llu COUNT 20", (unsigned long long)cursor);
        ask(line);
        const char *p = harness.reply.buf, *end = p + harness.reply.len;
        p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
        p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
        cursor = strtoull(p, NULL, 10);
        p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
        for (p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1; p < end;) {
            int len = atoi(p + 1);
            p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
            seen[member_index(bytes_make(p, (size_t)len))]++;
            p += len + 2;
        }
        for (int i = 0; i < 40 && removed > 500; i++) {
            snprintf(line, sizeof(line), "SREM s m%d", --removed);
            expect(line, ":1");
        }
    } while (cursor != 0);
    for (int i = 0; i < 500; i++) assert_true(seen[i] > 0);
}

int main(void)
{
    hash_open_with(11);
    const struct CMUnitTest tests[] = {
        harness_test(sadd_srem_and_questions),
        harness_test(absent_keys_are_empty),
        harness_test(other_types_are_refused),
        harness_test(arguments_that_make_no_sense),
        harness_test(resp3_answers_sets_as_sets),
        harness_test(smove_moves),
        harness_test(stores_replace_whatever_was_there),
        harness_test(sscan_gives_small_sets_whole),
        harness_test(algebra_agrees_with_a_naive_model),
        harness_test(srandmember_draws_different_or_repeated),
        harness_test(spop_takes_what_it_answers),
        harness_test(choices_are_even),
        harness_test(sscan_shows_what_stays_while_the_set_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
