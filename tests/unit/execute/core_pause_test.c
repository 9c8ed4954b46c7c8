/* CLIENT PAUSE: what waits, and in which order it goes on. */
#include "core_harness.h"

static void writes_wait_and_reads_do_not(void **state)
{
    (void)state;
    struct session *a = core_session(0);
    struct session *b = core_session(1);
    core_expect(a, "client pause 1000 write", "+OK|");
    assert_int_equal(run_pause_mode(), PAUSE_WRITE);
    core_expect(b, "get k", "$-1|");
    core_expect(b, "set k", "-ERR wrong number of arguments for 'set' command|");
    core_expect(b, "set k v", "");
    assert_true(b->is_paused);
    assert_int_equal(sessions_count_blocked(), 1);
    assert_true(conn_card(1)->held > strlen("setkv"));
    core_expect(b, "get k", ""); /* behind the one that waits */
    core_expect(a, "get k", "$-1|");
    assert_null(run_next_ready());

    core_expect(a, "client unpause", "+OK|");
    assert_string_equal(core_run_held(), "+OK|$1|v|");
    assert_false(b->is_paused);
    assert_int_equal(sessions_count_blocked(), 0);
    assert_int_equal(conn_card(1)->held, 0);
    core_expect(b, "get k", "$1|v|");
}

static void everything_waits_for_the_time(void **state)
{
    (void)state;
    struct session *a = core_session(0);
    struct session *b = core_session(1);
    struct session *d = core_session(2);
    core_expect(a, "client pause 1000", "+OK|");
    assert_int_equal(run_next_due_ms(), core.now_ms + 1000);
    core_expect(d, "ping d", "");
    core_expect(b, "ping b", "");
    core_expect(a, "client unpause", "");
    core_expect(d, "ping again", "");
    core_expect(b, "nonsense", "");
    core_set_time(core.now_ms + 999);
    assert_string_equal(core_run_held(), "");
    core_set_time(core.now_ms + 1);
    assert_int_equal(run_pause_mode(), PAUSE_OFF);
    assert_int_equal(run_next_due_ms(), core.now_ms); /* those who waited may go on */
    assert_string_equal(core_run_held(),
                        "$1|d|$5|again|$1|b|"
                        "-ERR unknown command 'nonsense', with args beginning with: |+OK|");
    assert_int_equal(run_next_due_ms(), -1);
}

static void a_pause_is_only_made_stricter_and_longer(void **state)
{
    (void)state;
    int64_t start = core.now_ms;
    run_pause(PAUSE_ALL, start + 200);
    run_pause(PAUSE_WRITE, start + 20);
    assert_int_equal(run_pause_mode(), PAUSE_ALL);
    assert_int_equal(run_pause_until_ms(), start + 200);
    run_unpause();
    run_pause(PAUSE_WRITE, start + 500);
    run_pause(PAUSE_ALL, start + 100);
    assert_int_equal(run_pause_mode(), PAUSE_ALL);
    assert_int_equal(run_pause_until_ms(), start + 500);
}

static void who_is_ready_may_have_to_wait_again(void **state)
{
    (void)state;
    struct session *a = core_session(0);
    struct session *b = core_session(1);
    core_expect(a, "client pause 1000 all", "+OK|");
    core_expect(a, "client pause 5000 write", "");
    core_expect(b, "get k", "");
    core_expect(b, "set k v", "");
    core_expect(b, "get k", "");
    core_set_time(core.now_ms + 1000);
    assert_string_equal(core_run_held(), "+OK|$-1|");
    assert_true(b->is_paused);
    assert_null(run_next_ready());
    core_set_time(core.now_ms + 5000);
    assert_string_equal(core_run_held(), "+OK|$1|v|");
}

static void who_dies_while_waiting_runs_nothing(void **state)
{
    (void)state;
    struct session *a = core_session(0);
    struct session *b = core_session(1);
    core_expect(a, "client pause 1000 write", "+OK|");
    core_expect(b, "set k v", "");
    core_expect(a, "client kill id 2", ":1|");
    assert_int_equal(sessions_count_blocked(), 0);
    core_expect(a, "client unpause", "+OK|");
    assert_string_equal(core_run_held(), "");
    session_end(b);
    assert_int_equal(db_size(keyspace_db(0)), 0);
    core_expect(a, "client pause 1000 write", "+OK|");
    core_expect(a, "set k v", "");
    session_end(a);
    core_set_time(core.now_ms + 1000);
    assert_string_equal(core_run_held(), "");
}

static void held_commands_after_quit_are_dropped(void **state)
{
    (void)state;
    struct session *a = core_session(0);
    core_expect(a, "client pause 1000 all", "+OK|");
    core_expect(a, "quit", "");
    core_expect(a, "set k v", "");
    core_set_time(core.now_ms + 1000);
    assert_string_equal(core_run_held(), "+OK|");
    assert_true(a->closing && a->cut_after_reply);
    assert_int_equal(db_size(keyspace_db(0)), 0);
}

/* Its end came while it held commands for a client that does not read; then it is killed. */
static void who_is_killed_after_its_end_is_ended(void **state)
{
    (void)state;
    struct session *a = core_session(0);
    run_choke(a);
    core_expect(a, "get k", "");
    a->bye_waits = true;
    session_kill(a);
    assert_ptr_equal(run_next_ready(), a);
    assert_string_equal(core_run_held(), "");
    session_end(a);
    assert_null(run_next_ready());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        core_test(writes_wait_and_reads_do_not),
        core_test(everything_waits_for_the_time),
        core_test(a_pause_is_only_made_stricter_and_longer),
        core_test(who_is_ready_may_have_to_wait_again),
        core_test(who_dies_while_waiting_runs_nothing),
        core_test(held_commands_after_quit_are_dropped),
        core_test(who_is_killed_after_its_end_is_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
