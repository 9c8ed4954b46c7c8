/* Counters, rates and the slow log. */
#include "core_harness.h"

#include "execute/core/slowlog.h"

static void list_error(void *ctx, struct bytes code, uint64_t count)
{
    char *out = ctx;
    size_t len = strlen(out);
    snprintf(out + len, 4096 - len, "%.*s=%d ", (int)code.len, code.ptr, (int)count);
}

static void errors_are_tallied_by_code_in_order(void **state)
{
    (void)state;
    char list[4096] = "";
    const char *texts[] = {"WRONGTYPE x", "ERR a", "NOAUTH b", "ERR c d", "", "ALONE"};
    for (size_t i = 0; i < 6; i++) stats_count_error(bytes_of(texts[i]));
    stats_each_error(list_error, list);
    assert_string_equal(list, "=1 ALONE=1 ERR=2 NOAUTH=1 WRONGTYPE=1 ");
    assert_int_equal(stats()->error_replies, 6);
    stats_reset();
    list[0] = '\0';
    stats_each_error(list_error, list);
    assert_string_equal(list, "");
}

struct kinds {
    int count;
    uint64_t errors, overflow;
};

static void count_kinds(void *ctx, struct bytes code, uint64_t count)
{
    struct kinds *kinds = ctx;
    kinds->count++;
    kinds->errors += count;
    if (bytes_equal(code, bytes_of("ERRORSTATS_OVERFLOW"))) kinds->overflow = count;
}

static void invented_codes_do_not_grow_the_server(void **state)
{
    (void)state;
    char code[64];
    struct kinds kinds = {0};
    for (int i = 0; i < 1000; i++) {
        snprintf(code, sizeof(code), "CODE%d x", i);
        stats_count_error(bytes_of(code));
    }
    stats_each_error(count_kinds, &kinds);
    assert_int_equal(kinds.count, 129);
    assert_int_equal(kinds.errors, 1000);
    assert_int_equal(kinds.overflow, 1000 - 128);
    assert_int_equal(stats()->error_replies, 1000);
}

static void rates_are_means_of_the_last_samples(void **state)
{
    (void)state;
    stats_sample(1000, 0, 0);
    for (uint64_t i = 1; i <= 16; i++) {
        stats()->commands += 10;
        stats_sample(1000 + 100 * i, 1000 * i, 3000 * i);
    }
    assert_int_equal(stats_rate_commands(), 100);
    assert_int_equal(stats_rate_in(), 10000);
    assert_int_equal(stats_rate_out(), 30000);
    for (uint64_t i = 17; i <= 24; i++) stats_sample(1000 + 100 * i, 16000, 48000);
    assert_int_equal(stats_rate_commands(), 50);
    assert_int_equal(stats_rate_in(), 5000);
}

static struct session *logger;

static void logged(const char *line)
{
    struct bytes args[CORE_WORDS];
    uint32_t nargs = core_split(line, args);
    bool no_such_sub = false;
    struct call c = {
        .session = logger,
        .spec = command_find(args, nargs, &no_such_sub),
        .args = args,
        .nargs = nargs,
        .settings = settings_now(),
        .now_ms = 5000,
    };
    slowlog_add(&c, &(struct slowlog_times){.us = 77}, 3);
}

/* The newest entry's arguments, joined by blanks. */
static const char *newest(void)
{
    static char text[8192];
    size_t len = 0;
    const struct slowlog_entry *e = slowlog_first();
    for (uint32_t i = 0; i < e->nargs; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s", i == 0 ? "" : " ",
                                (int)e->args[i].len, e->args[i].ptr);
    return text;
}

static void the_slow_log_keeps_the_newest(void **state)
{
    (void)state;
    logger = core_session(0);
    for (int i = 0; i < 5; i++) logged("get a");
    assert_int_equal(slowlog_count(), 3);
    uint64_t id = 4;
    for (const struct slowlog_entry *e = slowlog_first(); e != NULL; e = e->next, id--) {
        assert_int_equal(e->id, id);
        assert_int_equal(e->times.us, 77);
        assert_int_equal(e->at_s, 5);
    }
    assert_int_equal(id, 1);
    slowlog_clear();
    assert_int_equal(slowlog_count(), 0);
    assert_null(slowlog_first());
    logged("get b");
    assert_int_equal(slowlog_first()->id, 5);
}

static void long_commands_are_cut_in_the_slow_log(void **state)
{
    (void)state;
    static const char numbers[] =
        "2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31";
    char line[256], expected[256], x[131];
    logger = core_session(0);
    snprintf(line, sizeof(line), "mget %s 32", numbers);
    logged(line);
    assert_int_equal(slowlog_first()->nargs, 32);
    assert_non_null(strstr(newest(), " 31 32"));
    snprintf(line, sizeof(line), "mget %s 32 33", numbers);
    logged(line);
    assert_int_equal(slowlog_first()->nargs, 32);
    assert_non_null(strstr(newest(), " 31 ... (2 more arguments)"));

    memset(x, 'A', 130);
    x[130] = '\0';
    snprintf(line, sizeof(line), "set k %s", x);
    snprintf(expected, sizeof(expected), "set k %.128s... (2 more bytes)", x);
    logged(line);
    assert_string_equal(newest(), expected);
}

static void secrets_stay_out_of_the_slow_log(void **state)
{
    (void)state;
    logger = core_session(0);
    logged("auth secret");
    assert_string_equal(newest(), "auth (redacted)");
    logged("auth me secret");
    assert_string_equal(newest(), "auth (redacted) (redacted)");
    logged("hello 3 AUTH me secret setname auth");
    assert_string_equal(newest(), "hello 3 AUTH (redacted) (redacted) setname auth");
    logged("hello 3 setname auth auth me secret");
    assert_string_equal(newest(), "hello 3 setname auth auth (redacted) (redacted)");
    logged("config set maxclients 5 MASTERAUTH secret requirepass x port 3");
    assert_string_equal(
        newest(), "config set maxclients 5 MASTERAUTH (redacted) requirepass (redacted) port 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        core_test(errors_are_tallied_by_code_in_order),
        core_test(invented_codes_do_not_grow_the_server),
        core_test(rates_are_means_of_the_last_samples),
        core_test(the_slow_log_keeps_the_newest),
        core_test(long_commands_are_cut_in_the_slow_log),
        core_test(secrets_stay_out_of_the_slow_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
