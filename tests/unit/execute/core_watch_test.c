/* WATCH: which changes make EXEC fail. */
#include "core_harness.h"

#include "execute/core/watch.h"

/* Watches the key, lets another session run a line, and tells whether EXEC still runs. */
static bool holds_after(struct session *s, const char *watch, struct session *other,
                        const char *line)
{
    core_expect(s, watch, "+OK|");
    core_ask(other, line);
    core_expect(s, "multi", "+OK|");
    const char *answer = core_ask(s, "exec");
    assert_true(strcmp(answer, "*0|") == 0 || strcmp(answer, "*-1|") == 0);
    return answer[1] == '0';
}

static void a_change_fails_the_exec(void **state)
{
    (void)state;
    struct session *s = core_session(0), *other = core_session(1);
    assert_false(holds_after(s, "watch k", other, "set k 1"));
    assert_false(holds_after(s, "watch k", other, "set k 1")); /* the same value, too */
    assert_true(holds_after(s, "watch k", other, "set l 1"));
    assert_true(holds_after(s, "watch k", other, "get k"));
    assert_true(holds_after(s, "watch k", other, "incr nosuch x"));
    assert_false(holds_after(s, "watch a b k", other, "append k x"));
    assert_false(holds_after(s, "watch k", other, "expire k 100"));
    assert_true(holds_after(s, "watch k", other, "setnx k 2"));
    assert_false(holds_after(s, "watch k", other, "rename k m"));
    assert_false(holds_after(s, "watch k", other, "rename m k"));
    assert_false(holds_after(s, "watch k", other, "del k"));
    assert_true(holds_after(s, "watch k", other, "del k"));
    assert_false(holds_after(s, "watch k", s, "set k 1")); /* its own changes as well */
}

static void changes_within_exec_do_not_fail_it(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    core_expect(s, "watch k", "+OK|");
    core_expect(s, "multi", "+OK|");
    core_expect(s, "set k 1", "+QUEUED|");
    core_expect(s, "set k 2", "+QUEUED|");
    core_expect(s, "exec", "*2|+OK|+OK|");
    core_expect(s, "multi", "+OK|");
    core_expect(s, "exec", "*0|");
}

static void unwatch_and_a_failed_exec_begin_anew(void **state)
{
    (void)state;
    struct session *s = core_session(0), *other = core_session(1);
    core_expect(s, "watch k", "+OK|");
    core_expect(other, "set k 1", "+OK|");
    core_expect(s, "unwatch", "+OK|");
    core_expect(s, "multi", "+OK|");
    core_expect(s, "exec", "*0|");
    assert_false(holds_after(s, "watch k", other, "set k 1"));
    assert_true(holds_after(s, "watch l", other, "set k 1"));
    assert_int_equal(watch_key_count(), 0);
}

static void databases_have_keys_of_their_own(void **state)
{
    (void)state;
    struct session *s = core_session(0), *other = core_session(1);
    core_expect(other, "select 1", "+OK|");
    assert_true(holds_after(s, "watch k", other, "set k 1"));
    assert_false(holds_after(s, "watch k", other, "move k 0"));
    assert_true(holds_after(s, "watch k", other, "flushdb"));
    assert_false(holds_after(s, "watch k", other, "flushall"));
    assert_true(holds_after(s, "watch k", other, "flushall"));
    core_expect(other, "set k 1", "+OK|");
    assert_false(holds_after(s, "watch k", other, "copy k k db 0"));
}

static void swapped_databases(void **state)
{
    (void)state;
    struct session *s = core_session(0), *other = core_session(1);
    assert_true(holds_after(s, "watch k", other, "swapdb 0 1"));
    core_expect(other, "set k 1", "+OK|");
    assert_false(holds_after(s, "watch k", other, "swapdb 0 1")); /* goes */
    assert_false(holds_after(s, "watch k", other, "swapdb 0 1")); /* comes */
    assert_true(holds_after(s, "watch k", other, "swapdb 1 2"));
    assert_true(holds_after(s, "watch k", other, "swapdb 0 0"));
}

/* A key that is due counts as absent, whether it was deleted or not. */
static void keys_that_expire(void **state)
{
    (void)state;
    struct session *s = core_session(0), *other = core_session(1);
    core_expect(other, "set k 1 px 10", "+OK|");
    core_expect(s, "watch k", "+OK|");
    core_set_time(core.now_ms + 100);
    core_expect(s, "multi", "+OK|");
    core_expect(s, "exec", "*-1|"); /* expired since */

    assert_true(holds_after(s, "watch k", other, "get k")); /* expired before, and deleted now */
    core_expect(other, "set k 1 px 10", "+OK|");
    core_set_time(core.now_ms + 100);
    assert_false(holds_after(s, "watch k", other, "set k 2"));

    core_expect(other, "set k 1 px 10", "+OK|");
    core_set_time(core.now_ms + 100);
    core_expect(s, "watch k", "+OK|");
    keyspace_expire_due(100, 100000);
    core_expect(s, "multi", "+OK|");
    core_expect(s, "exec", "*0|");

    core_expect(other, "set k 1 px 10", "+OK|");
    core_expect(s, "watch k", "+OK|");
    core_set_time(core.now_ms + 100);
    keyspace_expire_due(100, 100000);
    core_expect(s, "multi", "+OK|");
    core_expect(s, "exec", "*-1|");
}

static void keys_that_are_due_and_databases_that_are_swapped(void **state)
{
    (void)state;
    struct session *s = core_session(0), *other = core_session(1);
    core_expect(other, "set k 1 px 10", "+OK|");
    core_set_time(core.now_ms + 100);
    assert_true(holds_after(s, "watch k", other, "swapdb 0 1")); /* due, then absent */
    assert_true(holds_after(s, "watch k", other, "swapdb 0 1")); /* absent, then due */
    assert_true(holds_after(s, "watch k", other, "flushall"));

    core_expect(other, "set k 1 px 10", "+OK|");
    core_expect(other, "select 1", "+OK|");
    core_expect(other, "set k 1", "+OK|");
    core_set_time(core.now_ms + 100);
    assert_false(holds_after(s, "watch k", other, "swapdb 0 1")); /* due, then there */
}

static void eviction_is_a_change(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    core_expect(s, "set k 1", "+OK|");
    core_expect(s, "watch k", "+OK|");
    assert_true(keyspace_evict(&(struct evict_rule){.order = EVICT_RANDOM, .samples = 5}));
    core_expect(s, "multi", "+OK|");
    core_expect(s, "exec", "*-1|");
}

static void many_watch_one_key(void **state)
{
    (void)state;
    enum { MANY = 50 };
    struct session *all[MANY], *other = core_session(MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        all[i] = core_session(i);
        core_expect(all[i], "watch k k l", "+OK|");
    }
    assert_int_equal(watch_session_count(), MANY);
    assert_int_equal(watch_key_count(), 2 * MANY);
    session_end(all[0]);
    session_end(all[MANY / 2]);
    session_end(all[MANY - 1]);
    core_expect(other, "set k 1", "+OK|");
    for (uint32_t i = 1; i < MANY - 1; i++) {
        if (i == MANY / 2) continue;
        core_expect(all[i], "multi", "+OK|");
        core_expect(all[i], "exec", "*-1|");
    }
    assert_int_equal(watch_session_count(), 0);
    assert_int_equal(watch_key_count(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        core_test(a_change_fails_the_exec),
        core_test(changes_within_exec_do_not_fail_it),
        core_test(unwatch_and_a_failed_exec_begin_anew),
        core_test(databases_have_keys_of_their_own),
        core_test(swapped_databases),
        core_test(keys_that_expire),
        core_test(keys_that_are_due_and_databases_that_are_swapped),
        core_test(eviction_is_a_change),
        core_test(many_watch_one_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
