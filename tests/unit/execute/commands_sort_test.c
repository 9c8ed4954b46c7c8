/* SORT and SORT_RO: replies and errors, and random calls against a plain insertion sort. */
#include "unit/execute/commands_harness.h"

#define NO_NUMBER "-ERR One or more scores can't be converted into double"

static void orders(void **state)
{
    (void)state;
    expect("RPUSH l 3 10 2 1", ":4");
    expect("SORT l", "*4 $1 1 $1 2 $1 3 $2 10");
    expect("SORT l DESC", "*4 $2 10 $1 3 $1 2 $1 1");
    expect("SORT l DESC ASC", "*4 $1 1 $1 2 $1 3 $2 10");
    expect("SORT l ALPHA", "*4 $1 1 $2 10 $1 2 $1 3");
    expect("SORT l BY nosort", "*4 $1 3 $2 10 $1 2 $1 1");
    expect("SORT l BY nosort DESC LIMIT 1 2", "*2 $1 2 $2 10");
    expect("RPUSH f 1.5 -inf \"\" 1e3 inf", ":5");
    expect("SORT f", "*5 $4 -inf $0  $3 1.5 $3 1e3 $3 inf");
    expect("ZADD z 3 a 1 b 2 c", ":3");
    expect("SORT z ALPHA DESC", "*3 $1 c $1 b $1 a");
    expect("SORT z BY nosort", "*3 $1 b $1 c $1 a");
    expect("SORT z BY nosort DESC LIMIT 0 1", "*1 $1 a");
    expect("SADD s 2 3 1", ":3");
    expect("SORT_RO s DESC", "*3 $1 3 $1 2 $1 1");
    expect("SORT none", "*0");
}

static void limits(void **state)
{
    (void)state;
    expect("RPUSH l 3 1 2", ":3");
    expect("SORT l LIMIT 0 -1", "*3 $1 1 $1 2 $1 3");
    expect("SORT l LIMIT -5 2", "*2 $1 1 $1 2");
    expect("SORT l LIMIT 2 5", "*1 $1 3");
    expect("SORT l LIMIT 1 0", "*0");
    expect("SORT l LIMIT 3 1", "*0");
    expect("SORT l BY nosort LIMIT 9223372036854775807 2", "*0");
    expect("SORT l LIMIT 1 9223372036854775807", "*2 $1 2 $1 3");
    expect("SORT l LIMIT -9223372036854775808 -9223372036854775808", "*3 $1 1 $1 2 $1 3");
    expect("SORT l BY nosort DESC LIMIT 2 9", "*1 $1 3");
}

static void patterns(void **state)
{
    (void)state;
    expect("RPUSH l a b c", ":3");
    expect("MSET w_a 3 w_b 1 w_c 2", "+OK");
    expect("HSET h_a f x g 1", ":2");
    expect("HSET h_b f y g 2", ":2");
    expect("SORT l BY w_*", "*3 $1 b $1 c $1 a");
    expect("SORT l BY w_* GET # GET w_*", "*6 $1 b $1 1 $1 c $1 2 $1 a $1 3");
    expect("SORT l BY h_*->g GET h_*->f", "*3 $-1 $1 x $1 y");
    expect("SORT l BY h_*->g DESC GET # GET h_*->no", "*6 $1 b $-1 $1 a $-1 $1 c $-1");
    expect("SORT l BY h_*->f ALPHA DESC", "*3 $1 b $1 a $1 c");
    expect("SORT l BY none_*", "*3 $1 a $1 b $1 c");
    expect("SORT l BY none_* DESC", "*3 $1 c $1 b $1 a");
    expect("SORT l BY w_*->", "*3 $1 a $1 b $1 c");
    expect("SORT l BY nosort GET const GET h_* GET *->f", "*9 $-1 $-1 $-1 $-1 $-1 $-1 $-1 $-1 $-1");
    expect("SET w_c text", "+OK");
    expect("SORT l BY w_*", NO_NUMBER);
    expect("SORT l", NO_NUMBER);
    expect("SORT l BY w_* ALPHA", "*3 $1 b $1 a $1 c");
    expect("HSET w_a f 1", "-"
                           "WRONGTYPE Operation against a key holding the wrong kind of value");
    expect("SORT l BY nosort LIMIT 0 1 GET w_* GET w_* GET w_* GET w_* GET w_* GET w_* GET w_* "
           "GET w_* GET w_* GET #",
           "*10 $1 3 $1 3 $1 3 $1 3 $1 3 $1 3 $1 3 $1 3 $1 3 $1 a");
}

static void storing(void **state)
{
    (void)state;
    expect("RPUSH l 3 1 2", ":3");
    expect("SET w_1 x", "+OK");
    expect_change("SORT l STORE to", ":3", 3);
    expect("LRANGE to 0 -1", "*3 $1 1 $1 2 $1 3");
    expect_change("SORT l GET w_* GET # STORE l", ":6", 6);
    expect("LRANGE l 0 -1", "*6 $1 x $1 1 $0  $1 2 $0  $1 3");
    expect("SET text x", "+OK");
    expect_change("SORT none STORE text", ":0", 1);
    expect("EXISTS text", ":0");
    expect_change("SORT to LIMIT 5 5 STORE to", ":0", 1);
    expect("EXISTS to", ":0");
    expect("SADD s b c a", ":3");
    expect("SORT s BY nosort STORE to", ":3");
    expect("LRANGE to 0 -1", "*3 $1 a $1 b $1 c");
    expect("SORT s ALPHA STORE x STORE s", ":3");
    expect("EXISTS x", ":0");
    expect("TYPE s", "+list");
}

static void errors(void **state)
{
    (void)state;
    static const char *const syntax[] = {
        "SORT l BY",     "SORT l LIMIT 1", "SORT l GET",         "SORT l foo",
        "SORT none foo", "SORT l STORE",   "SORT_RO l STORE to", "SORT l ASC DESC x",
    };
    expect("RPUSH l 1", ":1");
    for (size_t i = 0; i < sizeof syntax / sizeof syntax[0]; i++)
        expect(syntax[i], "-ERR syntax error");
    expect("SORT l LIMIT a 1", "-ERR value is not an integer or out of range");
    expect("SORT l LIMIT 1 9223372036854775808", "-ERR value is not an integer or out of range");
    expect("SET s x", "+OK");
    expect("SORT s", "-WRONGTYPE Operation against a key holding the wrong kind of value");
    expect("RPUSH bad 1 nan", ":2");
    expect("SORT bad", NO_NUMBER);
    expect("SORT bad LIMIT 5 5", NO_NUMBER);
}

/* ---- Against a plain sort ---- */

enum { MOST = 400 };

static int weight[MOST]; /* -1: no key */

/* < 0: a comes first. */
static int order_of(int a, int b, bool by, bool desc)
{
    int x = by ? (weight[a] < 0 ? 0 : weight[a]) : a, y = by ? (weight[b] < 0 ? 0 : weight[b]) : b;
    int order = x < y ? -1 : x > y;
    if (order == 0) {
        char s[2][20];
        snprintf(s[0], sizeof s[0], "%d", a);
        snprintf(s[1], sizeof s[1], "%d", b);
        order = strcmp(s[0], s[1]);
    }
    return desc ? -order : order;
}

static int make_value(const char *type, int *values)
{
    int n = 0, wanted = rand() % MOST;
    bool there[MOST] = {false};
    ask("DEL k");
    for (int i = 0; i < wanted; i++) {
        int value = rand() % MOST;
        char line[60];
        if (type[0] != 'R' && there[value]) continue;
        there[value] = true;
        values[n++] = value;
        snprintf(line, sizeof line, "%s %d", type, value);
        ask(line);
    }
    return n;
}

static void insertion_sort(int *values, int n, bool by, bool desc)
{
    for (int i = 1; i < n; i++) {
        int value = values[i], at = i;
        for (; at > 0 && order_of(value, values[at - 1], by, desc) < 0; at--)
            values[at] = values[at - 1];
        values[at] = value;
    }
}

static void random_sorts_agree_with_a_plain_one(void **state)
{
    (void)state;
    static const char *const types[] = {"RPUSH k", "SADD k", "ZADD k 1"};
    srand(6);
    for (int i = 0; i < MOST; i++) {
        char line[40];
        weight[i] = rand() % 4 == 0 ? -1 : rand() % 100;
        if (weight[i] < 0) continue;
        snprintf(line, sizeof line, "SET w_%d %d", i, weight[i]);
        ask(line);
    }
    for (int round = 0; round < 600; round++) {
        int values[MOST], n = make_value(types[round % 3], values);
        bool by = rand() % 2, desc = rand() % 2;
        int from = rand() % 50, count = rand() % 60;
        insertion_sort(values, n, by, desc);
        char line[100];
        snprintf(line, sizeof line, "SORT k %sLIMIT %d %d%s", by ? "BY w_* " : "", from, count,
                 desc ? " DESC" : "");
        const char *p = ask(line);
        int shown = from >= n ? 0 : count < n - from ? count : n - from;
        assert_int_equal(strtol(p + 1, NULL, 10), shown);
        for (int i = 0; i < shown; i++) {
            p = strchr(strchr(p, '$'), ' ') + 1;
            assert_int_equal(strtol(p, NULL, 10), values[from + i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        harness_test(orders),   harness_test(limits),
        harness_test(patterns), harness_test(storing),
        harness_test(errors),   harness_test(random_sorts_agree_with_a_plain_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
