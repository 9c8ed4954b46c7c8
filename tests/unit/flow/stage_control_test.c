/*
 * Negative control: the same line of threads over a release that does not look again
 * (STAGE_TEST_DROP_RECHECK) must lose work, and the test must notice. Were this test to fail, those
 * of stage_test.c would prove nothing.
 *
 * The program holds two versions of stage.c, and the linker takes this one (see the Makefile).
 */
#define STAGE_TEST_DROP_RECHECK
#include "flow/stage.c"

#include "unit/flow/stage_line.h"

static uint64_t waiting;

static void count_waiting(struct line_stage *s)
{
    assert_int_equal(atomic_load(&s->stage.token), 0);
    for (int i = 0; i < LINE_PRODUCERS; i++) waiting += handoff_depth(&s->in[i]);
}

/* Not only late: nobody holds a token, none is marked, and words lie in a ring. */
static void a_release_that_does_not_look_again_loses_work(void **state)
{
    (void)state;
    line_open();
    line.consumer.lingers = true;
    line_each(line_start_stage);
    int exchange = 0;
    while (exchange < 100000 && line_exchange((uint64_t)exchange * 1000, 1000)) exchange++;
    print_message("lock-step hangs after %d exchanges\n", exchange);
    assert_in_range(exchange, 0, 99999);
    line_each(count_waiting);
    assert_true(waiting > 0);
    line_close();
}

int main(void)
{
    clock_open();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_release_that_does_not_look_again_loses_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
