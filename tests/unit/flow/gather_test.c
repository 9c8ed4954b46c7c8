/* Gathering, fed with made-up clients. */
#include "unit/check.h"

#include "base/clock.h"
#include "flow/gather.h"

#include <string.h>

enum { US = 1000, BOUND_NS = 100 * US, CONNS_MAX = 500 };

static struct {
    struct gather g;
    uint32_t conns[CONNS_MAX];
    uint64_t now;
} fx;

static int fixture_open(void **state)
{
    (void)state;
    memset(&fx, 0, sizeof(fx));
    fx.now = 1u << 30;
    return 0;
}

static void pass_ns(uint64_t ns) { fx.now += ns * 1000000 / clock_ticks_to_ns(1000000) + 1; }

/* `conns` connections, all of which were active in an epoch. */
static void active(unsigned conns)
{
    for (int epoch = 0; epoch < 2; epoch++) {
        for (unsigned i = 0; i < conns; i++) gather_meet(&fx.g, &fx.conns[i]);
        pass_ns(2 * GATHER_EPOCH_NS);
        gather_learn(&fx.g, fx.now, 1, 2);
    }
}

static uint32_t plan(uint64_t worked_ns, uint64_t *wait_ns)
{
    pass_ns(worked_ns);
    return gather_plan(&fx.g, fx.now, BOUND_NS, wait_ns);
}

/* A round of work, then a sleep that brings as many events as were asked for, up to `most`. */
static uint32_t round_of(uint32_t most)
{
    uint64_t wait_ns;
    uint32_t asked = plan(50 * US, &wait_ns);
    uint32_t got = asked < most ? asked : most;
    gather_learn(&fx.g, fx.now, asked, got > 2 ? got : 2);
    return asked;
}

static void nothing_is_gathered_at_first(void **state)
{
    (void)state;
    uint64_t wait_ns;
    assert_int_equal(plan(US, &wait_ns), 1);
    gather_learn(&fx.g, fx.now, 1, 3);
    assert_int_equal(plan(US, &wait_ns), 1);
}

static void few_connections_are_not_waited_for(void **state)
{
    (void)state;
    active(2 * GATHER_LEAST - 1);
    for (int i = 0; i < 100; i++) assert_int_equal(round_of(100), 1);
}

static void a_round_of_one_event_is_followed_by_a_plain_wait(void **state)
{
    (void)state;
    active(50);
    for (int i = 0; i < 20; i++) round_of(100);
    uint64_t wait_ns;
    assert_true(plan(US, &wait_ns) > 1);
    gather_learn(&fx.g, fx.now, 1, 1);
    assert_int_equal(plan(US, &wait_ns), 1);
}

static void a_wait_lasts_as_the_work_did_and_is_bounded(void **state)
{
    (void)state;
    active(50);
    for (int i = 0; i < 20; i++) round_of(100);
    uint64_t wait_ns = 0;
    assert_true(plan(20 * US, &wait_ns) > 1);
    assert_in_range(wait_ns, 20 * US, 21 * US);
    assert_true(plan(1000 * US, &wait_ns) > 1);
    assert_int_equal(wait_ns, BOUND_NS);
    assert_int_equal(gather_plan(&fx.g, fx.now, 0, &wait_ns), 1);
}

static void wishes_grow_to_half_of_the_active_and_no_further_than_the_most(void **state)
{
    (void)state;
    active(40);
    uint32_t asked = 0;
    for (int i = 0; i < 100; i++) asked = round_of(100);
    assert_int_equal(asked, 20);
    active(CONNS_MAX);
    for (int i = 0; i < 100; i++) asked = round_of(100);
    assert_int_equal(asked, GATHER_MOST);
}

static void a_wish_that_fails_is_lowered_and_tried_less_and_less(void **state)
{
    (void)state;
    active(50);
    unsigned failed[2] = {0, 0};
    for (unsigned i = 0; i < 4000; i++) failed[i >= 2000] += round_of(10) > 10;
    assert_in_range(failed[0], 2, 12);
    assert_in_range(failed[1], 0, 3);
}

static void connections_that_fell_silent_are_forgotten(void **state)
{
    (void)state;
    active(50);
    for (int i = 0; i < 20; i++) round_of(100);
    active(3);
    assert_int_equal(round_of(100), 1);
}

int main(void)
{
    clock_open();
#define EACH(test) cmocka_unit_test_setup(test, fixture_open)
    const struct CMUnitTest tests[] = {
        EACH(nothing_is_gathered_at_first),
        EACH(few_connections_are_not_waited_for),
        EACH(a_round_of_one_event_is_followed_by_a_plain_wait),
        EACH(a_wait_lasts_as_the_work_did_and_is_bounded),
        EACH(wishes_grow_to_half_of_the_active_and_no_further_than_the_most),
        EACH(a_wish_that_fails_is_lowered_and_tried_less_and_less),
        EACH(connections_that_fell_silent_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
