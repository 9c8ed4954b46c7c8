/* The latency monitor. */
#include "core_harness.h"

#include "execute/core/latency.h"

static void only_what_is_late_is_kept(void **state)
{
    (void)state;
    latency_set_threshold(20);
    latency_note(LATENCY_COMMAND, 19999999);
    assert_int_equal(latency_count(LATENCY_COMMAND), 0);
    latency_note(LATENCY_COMMAND, 20000000);
    assert_int_equal(latency_count(LATENCY_COMMAND), 1);
    assert_int_equal(latency_sample(LATENCY_COMMAND, 0).ms, 20);
    latency_set_threshold(0);
    assert_false(latency_is_on());
    latency_note(LATENCY_FAST_COMMAND, UINT64_MAX - 1);
    assert_int_equal(latency_count(LATENCY_FAST_COMMAND), 0);
    latency_set_threshold(INT64_MAX);
    assert_false(latency_is_on());
}

static void a_second_keeps_its_longest(void **state)
{
    (void)state;
    latency_add(LATENCY_COMMAND, 7);
    latency_add(LATENCY_COMMAND, 9);
    latency_add(LATENCY_COMMAND, 8);
    uint32_t last = latency_count(LATENCY_COMMAND) - 1;
    assert_true(last <= 1); /* the clock may have gone on */
    assert_int_equal(latency_longest_ms(LATENCY_COMMAND), 9);
    if (last == 0) assert_int_equal(latency_sample(LATENCY_COMMAND, 0).ms, 9);
}

static void events_are_found_by_name_and_reset(void **state)
{
    (void)state;
    for (unsigned e = 0; e < LATENCY_EVENTS; e++) {
        enum latency_event event = (enum latency_event)e;
        assert_int_equal(latency_find(bytes_of(latency_name(event))), event);
        latency_add(event, 5);
        assert_true(latency_reset(event));
        assert_false(latency_reset(event));
        assert_int_equal(latency_longest_ms(event), 0);
    }
    assert_int_equal(latency_find(bytes_of("Command")), LATENCY_EVENTS);
    assert_int_equal(latency_find(bytes_of("")), LATENCY_EVENTS);
}

static void commands_answer_what_was_seen(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    core_set("latency-monitor-threshold", "1000"); /* not the commands themselves */
    assert_string_equal(core_ask(s, "latency latest"), "*0|");
    latency_add(LATENCY_EVICTION_DEL, 1030);
    assert_non_null(strstr(core_ask(s, "latency latest"), "*1|*4|$12|eviction-del|:"));
    assert_non_null(strstr(core_ask(s, "latency history eviction-del"), "*1|*2|:"));
    assert_non_null(strstr(core_ask(s, "latency graph eviction-del"),
                           "eviction-del - high 1030 ms, low 1030 ms (all time high 1030 ms)"));
    assert_non_null(strstr(core_ask(s, "latency doctor"), "eviction-del"));
    assert_string_equal(core_ask(s, "latency reset nosuch eviction-del eviction-del"), ":1|");
    assert_string_equal(core_ask(s, "latency history eviction-del"), "*0|");
    assert_string_equal(core_ask(s, "latency graph eviction-del"),
                        "-ERR No samples available for event 'eviction-del'|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        core_test(only_what_is_late_is_kept),
        core_test(a_second_keeps_its_longest),
        core_test(events_are_found_by_name_and_reset),
        core_test(commands_answer_what_was_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
