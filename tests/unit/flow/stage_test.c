/* Tokens and turns with real threads; see stage_line.h. */
#include "unit/flow/stage_line.h"

#include <unistd.h>

enum { DEADLINE_MS = 30000, EXCHANGES = 5000, WORDS = 60000 };

/* Thousands of exchanges; `modes` says how a stage's mode is chosen before each. */
static void talk(int exchanges, void (*modes)(int exchange))
{
    line_each(line_start_stage);
    for (int i = 0; i < exchanges; i++) {
        modes(i);
        if (!line_exchange((uint64_t)i * 1000, DEADLINE_MS)) {
            fprintf(stderr, "exchange %d hangs; consumer's token %u, sink's %u\n", i,
                    (unsigned)line.consumer.stage.token, (unsigned)line.sink.stage.token);
            must(!"lost work");
        }
    }
    line_close();
    assert_int_equal(line.consumer.seen[0] + line.consumer.seen[1], 2 * exchanges);
    assert_int_equal(line.sink.seen[0] + line.sink.seen[1], 2 * exchanges);
    assert_int_equal(atomic_load(&line.consumer.stage.items), 2 * exchanges);
}

static void modes_stay(int exchange) { (void)exchange; }

static void modes_home(int exchange)
{
    if (exchange != 0) return;
    stage_set_mode(&line.consumer.stage, STAGE_HOME);
    stage_set_mode(&line.sink.stage, STAGE_HOME);
}

static void modes_change(int exchange)
{
    static uint64_t seed = 23;
    (void)exchange;
    uint64_t r = check_random(&seed);
    stage_set_mode(&line.consumer.stage, r & 1 ? STAGE_HOME : STAGE_LENT);
    stage_set_mode(&line.sink.stage, r & 2 ? STAGE_HOME : STAGE_LENT);
}

static void lock_step_never_hangs_when_turns_are_lent(void **state)
{
    (void)state;
    line_open();
    talk(EXCHANGES, modes_stay);
    assert_true(line.consumer.stage.turns_lent > 0);
    assert_true(line.sink.stage.turns_lent > 0);
}

/* The control test shows that this hangs a protocol that does not look again. */
static void lock_step_never_hangs_when_holders_are_slow_to_let_go(void **state)
{
    (void)state;
    line_open();
    line.consumer.lingers = true;
    talk(EXCHANGES, modes_stay);
}

static void lock_step_never_hangs_at_home(void **state)
{
    (void)state;
    line_open();
    talk(EXCHANGES, modes_home);
    assert_int_equal(line.consumer.stage.turns_lent, 0);
    assert_int_equal(line.sink.stage.turns_lent, 0);
    assert_true(line.consumer.stage.wakes > 0);
}

static void lock_step_never_hangs_while_modes_change(void **state)
{
    (void)state;
    line_open();
    line.consumer.lingers = true;
    talk(EXCHANGES, modes_change);
    assert_in_range(line.consumer.stage.turns_lent, 1, line.consumer.stage.turns - 1);
}

/* Both producers pour; the modes change or not meanwhile. */
static void pour(bool change)
{
    line_open();
    line.bursts = true;
    for (int i = 0; i < LINE_PRODUCERS; i++) line.producers[i].burst = WORDS;
    line_each(line_start_stage);
    for (int i = 0; i < LINE_PRODUCERS; i++) stage_call_home(&line.producers[i].stage);
    uint64_t until = clock_mono_ms() + DEADLINE_MS;
    while (atomic_load(&line.sunk) < LINE_PRODUCERS * WORDS && clock_mono_ms() < until) {
        if (change) modes_change(0);
        usleep(100);
    }
    line_close();
    assert_int_equal(line.wrong, 0);
    for (int i = 0; i < LINE_PRODUCERS; i++) {
        assert_int_equal(line.consumer.seen[i], WORDS);
        assert_int_equal(line.sink.seen[i], WORDS);
    }
}

static void every_word_of_a_flood_arrives_once_and_in_order(void **state)
{
    (void)state;
    pour(false);
}

static void a_flood_survives_changing_modes(void **state)
{
    (void)state;
    pour(true);
}

/* ---- One stage with work by count ---- */

static struct {
    struct stage stage, other;
    struct thread home, lender;
    _Atomic int64_t left; /* turns that say "more" */
    _Atomic uint64_t due; /* what it answers */
    _Atomic uint64_t ran_at_home_ns;
    _Atomic uint64_t other_runs;
    int gives_way; /* turns that go on in the runner's next round */
    bool breathes;
    enum { OTHER_CALLED, OTHER_GIVEN, OTHER_OWED, OTHER_NOT } how; /* before it breathes */
    bool breathed; /* the other stage had its turn meanwhile */
} one;

static bool one_run(void *self, struct turn *t)
{
    (void)self;
    if (t->at_home) {
        atomic_store(&one.ran_at_home_ns, clock_mono_ns());
        if (atomic_load(&one.due) <= clock_mono_ns()) atomic_store(&one.due, UINT64_MAX);
    }
    if (one.breathes && one.how == OTHER_OWED) { /* by the turn before */
        stage_give(t, &one.other);
        one.how = OTHER_NOT;
        return true;
    }
    if (one.breathes) {
        uint64_t before = atomic_load(&one.other_runs);
        if (one.how == OTHER_CALLED) stage_call_home(&one.other);
        if (one.how == OTHER_GIVEN) stage_give(t, &one.other);
        stage_breathe(t);
        one.breathed = atomic_load(&one.other_runs) > before;
        one.breathes = false;
    }
    if (one.gives_way > 0) {
        one.gives_way--;
        t->goes_on = true;
        return false;
    }
    return atomic_fetch_sub(&one.left, 1) > 1;
}

static uint64_t one_due(void *self)
{
    (void)self;
    return atomic_load(&one.due);
}

static bool other_run(void *self, struct turn *t)
{
    (void)self;
    (void)t;
    atomic_fetch_add(&one.other_runs, 1);
    return false;
}

static void one_open(bool lendable)
{
    static const struct stage_ops ops = {.run = one_run, .due = one_due};
    static const struct stage_ops other_ops = {.run = other_run};
    stage_forget_all();
    memset(&one, 0, sizeof(one));
    atomic_store(&one.due, UINT64_MAX);
    stage_open(&one.stage, "one", NULL, &ops, lendable);
    stage_open(&one.other, "other", NULL, &other_ops, false);
    thread_init(&one.home, "home", -1, POLLER_EPOLL);
    thread_init(&one.lender, "lender", -1, POLLER_EPOLL);
    thread_add_stage(&one.home, &one.stage);
    thread_add_stage(&one.home, &one.other);
    assert_int_equal(thread_start(&one.home, NULL), 0);
}

#define WAIT_FOR(condition)                                          \
    do {                                                             \
        uint64_t until = clock_mono_ms() + DEADLINE_MS;              \
        while (!(condition) && clock_mono_ms() < until) usleep(200); \
        assert_true(condition);                                      \
    } while (0)

static void a_lender_leaves_a_long_turn_to_the_home(void **state)
{
    (void)state;
    one_open(true);
    atomic_store(&one.left, 1000);
    stage_run_or_leave(&one.stage, &one.lender);
    assert_int_equal(one.stage.turns_lent, STAGE_ROUNDS);
    WAIT_FOR(atomic_load(&one.left) <= 0);
    WAIT_FOR(!stage_is_held(&one.stage) && !stage_was_left(&one.stage));
    thread_stop(&one.home);
    assert_int_equal(one.stage.turns_lent, STAGE_ROUNDS);
    assert_in_range(one.stage.turns, 1000, 1001);
}

/* From within the first turn of the lender. */
static bool one_tell_turn(void *self, struct turn *t)
{
    (void)self;
    assert_int_equal(stage_turn_ticks(&one.stage), t->ticks);
    assert_ptr_equal(stage_runner(&one.stage), &one.lender);
    atomic_fetch_add(&one.other_runs, 1);
    return false;
}

static void a_turn_tells_since_when_it_runs_and_where(void **state)
{
    (void)state;
    static const struct stage_ops ops = {.run = one_tell_turn};
    one_open(true);
    thread_stop(&one.home);
    one.stage.ops = &ops;
    assert_ptr_equal(stage_runner(&one.stage), NULL);
    assert_int_equal(stage_turn_ticks(&one.stage), 0);
    stage_run_or_leave(&one.stage, &one.lender);
    assert_int_equal(atomic_load(&one.other_runs), 1);
    assert_int_equal(stage_turn_ticks(&one.stage), 0);
    assert_ptr_equal(stage_runner(&one.stage), &one.lender);
}

static void a_turn_that_gives_way_goes_on_in_the_runners_next_round(void **state)
{
    (void)state;
    struct poller *poller;
    one_open(true);
    assert_int_equal(poller_open(&poller, POLLER_EPOLL), 0);
    thread_adopt(&one.lender, poller);
    one.gives_way = 2;
    stage_run_or_leave(&one.stage, &one.lender);
    assert_int_equal(one.gives_way, 1);
    assert_false(stage_is_held(&one.stage) || stage_was_left(&one.stage));
    assert_true(thread_round(&one.lender, 0));
    assert_int_equal(one.gives_way, 0);
    assert_true(thread_round(&one.lender, 0));
    assert_false(thread_round(&one.lender, 0));
    assert_int_equal(one.stage.turns_lent, 3);
    assert_int_equal(one.stage.wakes, 0);
    thread_release(&one.lender);
    thread_stop(&one.home);
}

static void a_stage_that_is_not_lendable_runs_at_home_only(void **state)
{
    (void)state;
    one_open(false);
    stage_set_mode(&one.stage, STAGE_LENT); /* a wish that is not granted */
    atomic_store(&one.left, 3);
    stage_run_or_leave(&one.stage, &one.lender);
    WAIT_FOR(atomic_load(&one.left) <= 0);
    thread_stop(&one.home);
    assert_int_equal(one.stage.turns_lent, 0);
    assert_int_equal(one.stage.wakes, 1);
}

static void a_deadline_that_a_lent_turn_sets_is_met_at_home(void **state)
{
    (void)state;
    one_open(true);
    usleep(20000); /* the home sleeps without a deadline by now */
    for (int i = 0; i < 10; i++) {
        uint64_t due = clock_mono_ns() + 5000000;
        atomic_store(&one.ran_at_home_ns, 0);
        atomic_store(&one.due, due);
        stage_run_or_leave(&one.stage, &one.lender);
        WAIT_FOR(atomic_load(&one.ran_at_home_ns) != 0);
        assert_true(atomic_load(&one.ran_at_home_ns) >= due);
    }
    assert_true(one.stage.turns_lent >= 10);
    thread_stop(&one.home);
}

static void in_a_long_turn_the_neighbours_are_served(void **state)
{
    (void)state;
    for (int how = OTHER_CALLED; how <= OTHER_OWED; how++) {
        one_open(true);
        one.breathes = true;
        one.how = how;
        stage_call_home(&one.stage);
        WAIT_FOR(atomic_load(&one.other_runs) > 0);
        thread_stop(&one.home);
        assert_true(one.breathed);
    }
}

static void a_stopped_thread_ends_at_once_though_it_sleeps_for_ever(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        one_open(true);
        if (i % 2 == 0) usleep(1000);
        thread_stop(&one.home);
    }
}

int main(void)
{
    clock_open();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lock_step_never_hangs_when_turns_are_lent),
        cmocka_unit_test(lock_step_never_hangs_when_holders_are_slow_to_let_go),
        cmocka_unit_test(lock_step_never_hangs_at_home),
        cmocka_unit_test(lock_step_never_hangs_while_modes_change),
        cmocka_unit_test(every_word_of_a_flood_arrives_once_and_in_order),
        cmocka_unit_test(a_flood_survives_changing_modes),
        cmocka_unit_test(a_lender_leaves_a_long_turn_to_the_home),
        cmocka_unit_test(a_turn_tells_since_when_it_runs_and_where),
        cmocka_unit_test(a_turn_that_gives_way_goes_on_in_the_runners_next_round),
        cmocka_unit_test(a_stage_that_is_not_lendable_runs_at_home_only),
        cmocka_unit_test(a_deadline_that_a_lent_turn_sets_is_met_at_home),
        cmocka_unit_test(in_a_long_turn_the_neighbours_are_served),
        cmocka_unit_test(a_stopped_thread_ends_at_once_though_it_sleeps_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
