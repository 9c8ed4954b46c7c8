/* maxmemory-clients: who is closed, in which order, and what that means for keys. */
#include "core_harness.h"

#include "execute/core/client_limit.h"

enum { KB = 1024, MB = 1024 * KB };

/* A session whose client has sent so much of a command. */
static struct session *holding(uint32_t slot, uint32_t bytes)
{
    struct session *s = core_session(slot);
    conn_meter_set(&conn_card(slot)->in_held, bytes);
    return s;
}

static void look(const char *limit)
{
    core_set("maxmemory-clients", limit);
    client_limit_look(settings_now(), UINT64_MAX);
}

static int close_all(void **state)
{
    for (uint32_t i = 0; i < 16; i++) conn_meter_set(&conn_card_make(i)->in_held, 0);
    return core_close(state);
}

static void the_largest_go_until_the_sum_fits(void **state)
{
    (void)state;
    struct session *of[9];
    const uint32_t sizes[] = {100 * KB, MB, 3 * MB, 100 * KB, MB, 3 * MB, 100 * KB, MB, 3 * MB};
    for (uint32_t i = 0; i < 9; i++) of[i] = holding(i, sizes[i]);
    look("13mb");
    for (int i = 0; i < 9; i++) assert_false(of[i]->closing);
    look("10mb"); /* one of the large */
    assert_true(of[2]->closing && !of[5]->closing && !of[8]->closing);
    look("4mb");
    assert_true(of[5]->closing && of[8]->closing && !of[1]->closing);
    look("1mb");
    for (int i = 0; i < 9; i++) assert_int_equal(of[i]->closing, sizes[i] > 100 * KB);
    assert_int_equal(stats()->clients_evicted, 6);
    assert_int_equal(sessions_count(), 3);
}

static void who_may_not_be_evicted_is_counted_and_stays(void **state)
{
    (void)state;
    struct session *stays = holding(0, 3 * MB), *goes = holding(1, 200 * KB);
    stays->no_evict = true;
    look("4mb");
    assert_false(goes->closing);
    look("3mb");
    assert_true(goes->closing && !stays->closing);
}

static void a_share_of_maxmemory(void **state)
{
    (void)state;
    struct session *s = holding(0, MB);
    look("5%"); /* of nothing: no limit */
    assert_int_equal(client_limit_bytes(settings_now()), 0);
    assert_false(s->closing);
    core_set("maxmemory", "100mb");
    assert_int_equal(client_limit_bytes(settings_now()), 5 * MB);
    look("1%");
    assert_true(s->closing);
    look("1"); /* nobody could talk to the server any more */
    assert_int_equal(client_limit_bytes(settings_now()), 128 * KB);
}

static void everything_that_a_session_holds_is_counted(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    uint64_t before = session_memory_all(s);
    core_expect(s, "watch some-key other-key", "+OK|");
    assert_true(session_memory_all(s) > before + strlen("some-keyother-key"));
    core_expect(s, "multi", "+OK|");
    core_expect(s, "echo a-word-that-is-queued", "+QUEUED|");
    assert_true(session_memory_all(s) > before + strlen("some-keyother-keya-word-that-is-queued"));
    core_expect(s, "discard", "+OK|");
    assert_int_equal(session_memory_all(s), before);
    conn_meter_set(&conn_card(0)->replies, 1000); /* 400 of them are still on their way */
    conn_meter_set(&conn_card(0)->out_bytes, 500);
    conn_meter_set(&conn_card(0)->out_pending, 100);
    assert_int_equal(session_memory_all(s), before + 500);
    conn_meter_set(&conn_card(0)->replies, 0);
    conn_meter_set(&conn_card(0)->out_bytes, 0);
    conn_meter_set(&conn_card(0)->out_pending, 0);
}

static void a_command_that_breaks_the_limit_does_not_run(void **state)
{
    (void)state;
    struct session *s = core_session(0), *other = core_session(1);
    look("128kb");
    core_expect(s, "set k v", "+OK|");
    struct bytes args[] = {bytes_of("set"), bytes_of("k"), bytes_of("w")};
    struct command cmd = core_command(args, 3);
    cmd.wire_len = 200 * KB;
    core.reply.len = 0;
    assert_false(run(s, &cmd, &core.reply));
    assert_int_equal(core.reply.len, 0);
    assert_true(s->closing && !other->closing);
    core_expect(other, "get k", "$1|v|");
}

static void what_a_closed_one_holds_is_not_held_against_keys(void **state)
{
    (void)state;
    struct session *s = holding(0, MB);
    look("128kb");
    assert_true(s->closing);
    assert_in_range(client_limit_dying_bytes(), MB, MB + 64 * KB);
    conn_meter_set(&conn_card(0)->in_held, 3 * MB); /* parse has not seen the end yet */
    assert_in_range(client_limit_dying_bytes(), 3 * MB, 3 * MB + 64 * KB);
    session_end(s);
    assert_int_equal(client_limit_dying_bytes(), 0);
}

#define limit_test(name) cmocka_unit_test_setup_teardown(name, core_open, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        limit_test(the_largest_go_until_the_sum_fits),
        limit_test(who_may_not_be_evicted_is_counted_and_stays),
        limit_test(a_share_of_maxmemory),
        limit_test(everything_that_a_session_holds_is_counted),
        limit_test(a_command_that_breaks_the_limit_does_not_run),
        limit_test(what_a_closed_one_holds_is_not_held_against_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
