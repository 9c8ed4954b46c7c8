/* Blocking commands: who waits, who is served first, and how a wait ends. */
#include "core_harness.h"

#include "execute/core/blocking.h"

static void who_waits_first_is_served_first(void **state)
{
    (void)state;
    struct session *a = core_session(0), *b = core_session(1), *c = core_session(2);
    struct session *pusher = core_session(3);
    core_expect(a, "blpop k 0", "");
    core_expect(b, "blpop k 0", "");
    core_expect(c, "brpop k 0", "");
    assert_true(a->is_blocked && b->is_blocked && c->is_blocked);
    assert_int_equal(blocking_count(), 3);
    assert_int_equal(blocking_key_count(), 1);
    assert_int_equal(sessions_count_blocked(), 3);

    core_expect(pusher, "rpush k 1 2 3", ":3|");
    assert_true(blocking_is_pending());
    assert_string_equal(core_run_woken(), "*2|$1|k|$1|1|*2|$1|k|$1|2|*2|$1|k|$1|3|");
    assert_false(a->is_blocked || b->is_blocked || c->is_blocked);
    assert_int_equal(blocking_count(), 0);
    assert_int_equal(blocking_key_count(), 0);
    core_expect(pusher, "exists k", ":0|");
}

static void who_finds_nothing_keeps_its_place(void **state)
{
    (void)state;
    struct session *a = core_session(0), *b = core_session(1), *pusher = core_session(2);
    core_expect(a, "blpop x k 0", "");
    core_expect(b, "blpop k 0", "");
    core_expect(pusher, "rpush k 1", ":1|");
    core_expect(pusher, "lpop k", "$1|1|"); /* as a transaction would, before they are served */
    assert_string_equal(core_run_woken(), "");
    assert_int_equal(blocking_count(), 2);
    core_expect(pusher, "rpush k 2", ":1|");
    assert_string_equal(core_run_woken(), "*2|$1|k|$1|2|");
    assert_false(a->is_blocked);
    assert_true(b->is_blocked);
    assert_int_equal(blocking_key_count(), 1);
}

static void values_of_another_type_wake_nobody(void **state)
{
    (void)state;
    struct session *a = core_session(0), *other = core_session(1);
    core_expect(a, "blpop k 0", "");
    core_expect(other, "set k v", "+OK|");
    core_expect(other, "del k", ":1|");
    core_expect(other, "sadd k m", ":1|");
    assert_string_equal(core_run_woken(), "");
    assert_true(a->is_blocked);
    core_expect(other, "rpush l 7", ":1|");
    core_expect(other, "rename l k", "+OK|");
    assert_string_equal(core_run_woken(), "*2|$1|k|$1|7|");
}

static void one_that_is_served_may_feed_the_next(void **state)
{
    (void)state;
    struct session *a = core_session(0), *b = core_session(1), *pusher = core_session(2);
    core_expect(a, "blpop last 0", "");
    core_expect(b, "blmove first last left right 0", "");
    core_expect(pusher, "lpush first v", ":1|");
    assert_string_equal(core_run_woken(), "$1|v|*2|$4|last|$1|v|");
    assert_int_equal(blocking_count(), 0);
}

static void timeouts_end_in_their_order(void **state)
{
    (void)state;
    struct session *a = core_session(0), *b = core_session(1), *c = core_session(2);
    int64_t now = run_mono_now_ms();
    core_expect(a, "blpop k 5", "");
    core_expect(b, "blmove k l left left 2", "");
    core_expect(c, "blpop k 0", "");
    assert_int_equal(blocking_timeout_count(), 2);
    assert_int_equal(blocking_next_due_ms(), now + 2001);
    blocking_tick(now + 2000);
    assert_string_equal(core_run_woken(), "");
    blocking_tick(now + 2001);
    assert_string_equal(core_run_woken(), "*-1|");
    assert_false(b->is_blocked);
    assert_int_equal(blocking_next_due_ms(), now + 5001);
    blocking_tick(now + 100000);
    assert_string_equal(core_run_woken(), "*-1|");
    assert_int_equal(blocking_next_due_ms(), -1);
    assert_true(c->is_blocked);
}

static void client_unblock_answers_for_the_command(void **state)
{
    (void)state;
    struct session *a = core_session_with_id(0, 11), *b = core_session_with_id(1, 12);
    struct session *other = core_session_with_id(2, 13);
    core_expect(a, "blpop k 0", "");
    core_expect(b, "blpop k 0", "");
    core_expect(other, "client unblock 11", ":1|");
    core_expect(other, "client unblock 11", ":0|"); /* once is enough */
    core_expect(other, "client unblock 12 error", ":1|");
    core_expect(other, "client unblock 13", ":0|");
    core_expect(other, "client unblock 99", ":0|");
    core_expect(other, "rpush k 1", ":1|"); /* comes too late for both */
    assert_string_equal(core_run_woken(), "*-1|-UNBLOCKED client unblocked via CLIENT UNBLOCK|");
    core_expect(other, "llen k", ":1|");
}

static void later_commands_wait_behind_it(void **state)
{
    (void)state;
    struct session *a = core_session(0), *pusher = core_session(1);
    core_expect(a, "blpop k 0", "");
    core_expect(a, "ping", "");
    core_expect(a, "blpop k 0", "");
    core_expect(a, "ping last", "");
    assert_true(conn_card(0)->held > 0);
    core_expect(pusher, "rpush k 1", ":1|");
    assert_string_equal(core_run_woken(), "*2|$1|k|$1|1|");
    assert_string_equal(core_run_held(), "+PONG|");
    assert_true(a->is_blocked);
    core_expect(pusher, "rpush k 2", ":1|");
    assert_string_equal(core_run_woken(), "*2|$1|k|$1|2|");
    assert_string_equal(core_run_held(), "$4|last|");
    assert_int_equal(conn_card(0)->held, 0);
}

/* It was blocked by the last of the commands that made more replies than its client reads. */
static void one_that_must_read_first_may_be_served(void **state)
{
    (void)state;
    struct session *a = core_session(0), *pusher = core_session(1);
    core_expect(a, "blpop k 0", "");
    core_expect(a, "ping", "");
    run_choke(a);
    core_expect(pusher, "rpush k 1", ":1|");
    assert_string_equal(core_run_woken(), "*2|$1|k|$1|1|");
    assert_false(a->is_blocked);
    assert_true(a->is_choked);
    assert_string_equal(core_run_held(), "+PONG|"); /* nothing is unread here */
}

static void a_session_that_ends_leaves_no_trace(void **state)
{
    (void)state;
    struct session *a = core_session(0), *b = core_session(1), *pusher = core_session(2);
    core_expect(a, "blpop k l m 7", "");
    core_expect(b, "blpop k 7", "");
    assert_int_equal(blocking_key_count(), 3);
    core_expect(pusher, "rpush k 1", ":1|");
    session_kill(a); /* fed, but not served yet */
    assert_string_equal(core_run_woken(), "*2|$1|k|$1|1|");
    session_end(a);
    assert_int_equal(blocking_key_count(), 0);
    assert_int_equal(blocking_timeout_count(), 0);
}

static void a_swapped_database_feeds(void **state)
{
    (void)state;
    struct session *a = core_session(0), *pusher = core_session(1);
    core_expect(a, "select 9", "+OK|");
    core_expect(a, "blpop k 0", "");
    core_expect(pusher, "rpush k 1", ":1|");
    assert_string_equal(core_run_woken(), ""); /* of another database */
    core_expect(pusher, "swapdb 0 9", "+OK|");
    assert_string_equal(core_run_woken(), "*2|$1|k|$1|1|");
}

static void expiry_and_flushing_do_no_harm(void **state)
{
    (void)state;
    struct session *a = core_session(0), *other = core_session(1);
    core_expect(a, "blpop k l 0", "");
    core_expect(other, "set k v px 100", "+OK|");
    core_set_time(core.now_ms + 200);
    keyspace_expire_due(100, 100000);
    core_expect(other, "flushall", "+OK|");
    core_expect(other, "flushall async", "+OK|");
    assert_string_equal(core_run_woken(), "");
    core_expect(other, "rpush l 1", ":1|");
    assert_string_equal(core_run_woken(), "*2|$1|l|$1|1|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        core_test(who_waits_first_is_served_first),
        core_test(who_finds_nothing_keeps_its_place),
        core_test(values_of_another_type_wake_nobody),
        core_test(one_that_is_served_may_feed_the_next),
        core_test(timeouts_end_in_their_order),
        core_test(client_unblock_answers_for_the_command),
        core_test(later_commands_wait_behind_it),
        core_test(one_that_must_read_first_may_be_served),
        core_test(a_session_that_ends_leaves_no_trace),
        core_test(a_swapped_database_feeds),
        core_test(expiry_and_flushing_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
