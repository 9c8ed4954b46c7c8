/* Transactions: what is queued, when EXEC refuses, and what memory a queue takes. */
#include "core_harness.h"

#include "execute/core/multi.h"
#include "execute/core/watch.h"

static void commands_run_together_at_exec(void **state)
{
    (void)state;
    struct session *a = core_session(0), *b = core_session(1);
    core_expect(a, "multi", "+OK|");
    core_expect(a, "set k 1", "+QUEUED|");
    core_expect(a, "incr k", "+QUEUED|");
    core_expect(a, "lpush k x", "+QUEUED|");
    core_expect(a, "get k", "+QUEUED|");
    assert_int_equal(multi_count(a), 4);
    core_expect(b, "get k", "$-1|");
    core_expect(
        a, "exec",
        "*4|+OK|:2|-WRONGTYPE Operation against a key holding the wrong kind of value|$1|2|");
    assert_int_equal(multi_count(a), -1);
    assert_int_equal(multi_bytes(a), 0);
    core_expect(a, "exec", "-ERR EXEC without MULTI|");
    core_expect(a, "discard", "-ERR DISCARD without MULTI|");
    core_expect(a, "multi", "+OK|");
    core_expect(a, "exec", "*0|");
}

static void what_cannot_be_queued_ends_in_execabort(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    static const char *const wrong[] = {"nosuch", "get", "client nosuch x", "shutdown"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        core_expect(s, "multi", "+OK|");
        core_expect(s, "set k 1", "+QUEUED|");
        assert_int_equal(core_ask(s, wrong[i])[0], '-');
        core_expect(s, "set k 2", "+QUEUED|");
        core_expect(s, "exec", "-EXECABORT Transaction discarded because of previous errors.|");
    }
    core_expect(s, "exists k", ":0|");
    core_expect(s, "multi", "+OK|");
    core_expect(s, "multi", "-ERR MULTI calls can not be nested|");
    core_expect(s, "watch k", "-ERR WATCH inside MULTI is not allowed|");
    core_expect(s, "exec", "*0|");
}

static void a_refused_exec_ends_the_transaction(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    core_expect(s, "multi", "+OK|");
    core_expect(s, "set k 1", "+QUEUED|");
    core_expect(s, "exec now",
                "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' "
                "command|");
    core_expect(s, "exists k", ":0|");
    core_expect(s, "multi", "+OK|");
    core_expect(s, "set k 1", "+QUEUED|");
    core_set("maxmemory", "1");
    core_expect(s, "exec",
                "-EXECABORT Transaction discarded because of: OOM command not allowed when used "
                "memory > 'maxmemory'.|");
    core_set("maxmemory", "0");
    core_expect(s, "exists k", ":0|");
}

static void discard_and_reset_forget(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    core_expect(s, "watch k", "+OK|");
    core_expect(s, "multi", "+OK|");
    core_expect(s, "set k 1", "+QUEUED|");
    core_expect(s, "discard", "+OK|");
    assert_int_equal(watch_key_count(), 0);
    core_expect(s, "watch k", "+OK|");
    core_expect(s, "multi", "+OK|");
    core_expect(s, "reset", "+RESET|");
    assert_int_equal(watch_key_count(), 0);
    core_expect(s, "exists k", ":0|");
}

static void nothing_waits_in_a_transaction(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    core_expect(s, "multi", "+OK|");
    core_expect(s, "blpop l 0", "+QUEUED|");
    core_expect(s, "blmove l m left left 0", "+QUEUED|");
    core_expect(s, "bzpopmin z 0", "+QUEUED|");
    core_expect(s, "xread block 0 streams x $", "+QUEUED|");
    core_expect(s, "exec", "*4|*-1|$-1|*-1|*-1|");
    core_ask(s, "hello 3");
    core_expect(s, "multi", "+OK|");
    core_expect(s, "blpop l 0", "+QUEUED|");
    core_expect(s, "brpoplpush l m 0", "+QUEUED|");
    core_expect(s, "exec", "*2|_|_|");
}

/* Small commands share an allocation; large ones and many of them get others. */
static void a_queue_of_any_size_keeps_its_commands(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    char line[9000], value[8001];
    core_expect(s, "multi", "+OK|");
    size_t empty = multi_bytes(s);
    for (int i = 0; i < 3; i++) core_expect(s, "set a b", "+QUEUED|");
    assert_int_equal(multi_bytes(s), empty);
    for (int i = 0; i < 2000; i++) {
        int len = i % 100 == 0 ? 8000 : i % 37;
        memset(value, 'a' + i % 26, (size_t)len);
        value[len] = '\0';
        snprintf(line, sizeof(line), "append k%d %sx", i, value);
        core_expect(s, line, "+QUEUED|");
    }
    size_t full = multi_bytes(s);
    assert_true(full > 20 * 8000 && full < 2 * (20 * 8000 + 2000 * 250));
    core_ask(s, "exec");
    for (int i = 0; i < 2000; i++) {
        snprintf(line, sizeof(line), "strlen k%d", i);
        char answer[16];
        snprintf(answer, sizeof(answer), ":%d|", (i % 100 == 0 ? 8000 : i % 37) + 1);
        core_expect(s, line, answer);
    }
}

static void a_discarded_queue_gives_its_memory_back(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    size_t used = 0;
    for (int count = 1; count < 3000; count += 2000) { /* the first time makes histograms, too */
        used = heap_used();
        core_expect(s, "multi", "+OK|");
        for (int i = 0; i < count; i++) core_expect(s, "set a b", "+QUEUED|");
        assert_true(heap_used() >= used + multi_bytes(s));
        core_expect(s, "discard", "+OK|");
    }
    assert_int_equal(heap_used(), used);
}

static void a_queue_is_bounded_as_input_is(void **state)
{
    (void)state;
    core_set("client-query-buffer-limit", "1mb");
    struct session *s = core_session(0);
    char line[65000];
    memset(line, 'x', sizeof(line) - 1);
    memcpy(line, "echo ", 5);
    line[sizeof(line) - 1] = '\0';
    core_expect(s, "multi", "+OK|");
    int queued = 0;
    for (; !s->closing && queued < 100; queued++) core_ask(s, line);
    assert_true(s->closing);
    assert_true(queued >= 10 && queued <= 17);
    assert_int_equal(stats()->query_limit_cuts, 1);
    assert_int_equal(multi_bytes(s), 0);
}

static void sessions_that_end_leave_nothing(void **state)
{
    (void)state;
    size_t used = 0;
    for (uint32_t i = 0; i < 10; i++) {
        if (i == 1) used = heap_used(); /* the maps of watched keys stay */
        struct session *s = core_session(i);
        core_expect(s, "watch a b", "+OK|");
        core_expect(s, "multi", "+OK|");
        core_expect(s, "set a 1", "+QUEUED|");
        session_end(s);
    }
    assert_int_equal(watch_key_count(), 0);
    assert_int_equal(watch_session_count(), 0);
    assert_int_equal(heap_used(), used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        core_test(commands_run_together_at_exec),
        core_test(what_cannot_be_queued_ends_in_execabort),
        core_test(a_refused_exec_ends_the_transaction),
        core_test(discard_and_reset_forget),
        core_test(nothing_waits_in_a_transaction),
        core_test(a_queue_of_any_size_keeps_its_commands),
        core_test(a_discarded_queue_gives_its_memory_back),
        core_test(a_queue_is_bounded_as_input_is),
        core_test(sessions_that_end_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
