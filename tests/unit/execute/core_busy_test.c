/* Scripts that last: when others are let in, what they are answered, and what ends a script. */
#include "core_harness.h"

#include "execute/core/busy.h"
#include "execute/types/block.h"

#define IS_BUSY \
    "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.|"

static struct {
    struct session *runner, *other;
    struct call call;
    const char *asks, *answer; /* what the other does in a breath */
    int breaths;
} script;

static void breathe(void *self)
{
    assert_ptr_equal(self, &script);
    script.breaths++;
    struct run_moment moment = run_put_aside();
    if (script.asks != NULL) core_expect(script.other, script.asks, script.answer);
    run_take_up(&moment);
}

/* A script that may run for 1 ms, or as long as it likes. */
static void begin(enum busy_kind kind, bool may_last)
{
    core_set("busy-reply-threshold", may_last ? "0" : "1");
    busy_open(breathe, &script);
    memset(&script, 0, sizeof(script));
    script.runner = core_session(0);
    script.other = core_session(1);
    script.call = (struct call){.session = script.runner,
                                .reply = &core.reply,
                                .settings = settings_now(),
                                .now_ms = core.now_ms};
    busy_begin(kind, bytes_of("name"), &script.call);
}

static void last_for_ms(uint64_t ms)
{
    uint64_t until = clock_mono_ns() + ms * 1000000;
    while (clock_mono_ns() < until) continue;
}

/* One poll of a script that is late. */
static bool poll_while(const char *asks, const char *answer)
{
    int before = script.breaths;
    script.asks = asks;
    script.answer = answer;
    last_for_ms(2);
    bool goes_on = busy_poll();
    assert_int_equal(script.breaths, before + 1);
    return goes_on;
}

static void others_are_let_in_when_it_is_late(void **state)
{
    (void)state;
    begin(BUSY_SCRIPT, false);
    assert_non_null(busy_script());
    assert_true(poll_while("get k", IS_BUSY));
    assert_true(poll_while("ping", IS_BUSY));
    assert_true(
        poll_while("nonsense", "-ERR unknown command 'nonsense', with args beginning with: |"));
    assert_true(poll_while("multi", "+OK|"));
    assert_true(poll_while("get k", IS_BUSY));
    assert_true(poll_while("exec",
                           "-EXECABORT Transaction discarded because of: BUSY Redis is busy "
                           "running a script. You can only call SCRIPT KILL or SHUTDOWN "
                           "NOSAVE.|"));
    assert_true(busy_script_ms() >= 12);
    assert_false(busy_is_breathing());
    busy_end();
    assert_null(busy_script());
    core_expect(script.other, "ping", "+PONG|");
}

static void its_own_session_is_held(void **state)
{
    (void)state;
    begin(BUSY_SCRIPT, false);
    script.other = script.runner;
    assert_true(poll_while("ping", ""));
    assert_true(poll_while("multi", ""));
    busy_end();
    run_go_on(script.runner);
    assert_string_equal(core_run_held(), "+PONG|+OK|");
}

static void between_breaths_a_poll_is_a_look_at_the_clock(void **state)
{
    (void)state;
    begin(BUSY_SCRIPT, false);
    assert_true(poll_while(NULL, NULL));
    uint64_t began = clock_mono_ns();
    for (int i = 0; i < 1000; i++) assert_true(busy_poll());
    assert_in_range(script.breaths, 1, 2 + (clock_mono_ns() - began) / 1000000);
    busy_end();
}

static void without_a_limit_nobody_is_let_in(void **state)
{
    (void)state;
    begin(BUSY_SCRIPT, true);
    last_for_ms(3);
    assert_true(busy_poll());
    assert_int_equal(script.breaths, 0);
    busy_end();
}

static void it_is_killed_by_its_own_kind_of_kill(void **state)
{
    (void)state;
    begin(BUSY_FUNCTION, false);
    assert_true(poll_while("script kill", "-BUSY Redis is busy running a script. You can only call "
                                          "FUNCTION KILL or SHUTDOWN NOSAVE.|"));
    assert_false(poll_while("function kill", "+OK|"));
    assert_string_equal(busy_death(), "ERR Script killed by user with FUNCTION KILL.");
    assert_false(busy_poll()); /* pcall in the script does not help it */
    busy_end();
    core_expect(script.other, "function kill", "-NOTBUSY No scripts in execution right now.|");
    busy_begin(BUSY_SCRIPT, bytes_of("next"), &script.call);
    assert_true(busy_poll());
    busy_end();
}

static void one_that_wrote_is_not_killed_but_ends_with_the_server(void **state)
{
    (void)state;
    begin(BUSY_SCRIPT, false);
    busy_wrote();
    assert_true(poll_while("script kill", "-" ERR_UNKILLABLE "|"));
    assert_true(poll_while("shutdown", IS_BUSY));
    busy_leave();
    assert_true(busy_poll());
    busy_abort();
    assert_false(busy_poll());
    busy_end();
}

static void one_that_wrote_nothing_ends_when_the_server_does(void **state)
{
    (void)state;
    begin(BUSY_SCRIPT, false);
    assert_true(poll_while("ping", IS_BUSY));
    busy_leave();
    assert_false(busy_poll());
    busy_end();
}

static void places_in_a_reply_are_found_again(void **state)
{
    (void)state;
    struct reply from = {.lends = true, .resp = 2}, to = {0};
    struct call c = {.reply = &from};
    struct block *b = block_make(2 * REPLY_LEND_MIN, 2 * REPLY_LEND_MIN);
    size_t places[8], totals[8];
    for (int i = 0; i < 8; i++) {
        places[i] = from.len;
        totals[i] = reply_total(&from);
        if (i % 3 == 1)
            reply_bulk_of(&c, bytes_make(b->bytes, REPLY_LEND_MIN + (size_t)i), b);
        else
            reply_int(&c, i);
    }
    for (int i = 0; i < 8; i++) assert_int_equal(reply_place(&from, totals[i]), places[i]);

    uint32_t before = from.loan_count;
    reply_move_loans(&to, &from, places[4]); /* those of 4 and 7 */
    assert_int_equal(to.loan_count, 2);
    assert_int_equal(from.loan_count, before - 2);
    assert_true(to.loans[0].at > places[4] && to.loans[1].at > places[7]);
    reply_release(&to);
    reply_release(&from);
    block_drop(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        core_test(others_are_let_in_when_it_is_late),
        core_test(its_own_session_is_held),
        core_test(between_breaths_a_poll_is_a_look_at_the_clock),
        core_test(without_a_limit_nobody_is_let_in),
        core_test(it_is_killed_by_its_own_kind_of_kill),
        core_test(one_that_wrote_is_not_killed_but_ends_with_the_server),
        core_test(one_that_wrote_nothing_ends_when_the_server_does),
        core_test(places_in_a_reply_are_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
