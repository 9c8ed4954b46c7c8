/*
 * Negative control: the same line of threads over a release that does not look again
 * (STAGE_TEST_DROP_RECHECK) must lose work, and the test must notice. Were this test to fail, those
 * of stage_test.c would prove nothing.
 *
 * The program holds two versions of stage.c and thread.c: the library's, and these, under other
 * names.
 */
#define STAGE_TEST_DROP_RECHECK
#define stage_count control_stage_count
#define stage_at control_stage_at
#define stage_open control_stage_open
#define stage_forget_all control_stage_forget_all
#define stage_set_mode control_stage_set_mode
#define stage_note_handoff control_stage_note_handoff
#define stage_run_or_leave control_stage_run_or_leave
#define stage_run_at_home control_stage_run_at_home
#define stage_call_home control_stage_call_home
#define stage_breathe control_stage_breathe
#define stage_read_figures control_stage_read_figures
#define thread_init control_thread_init
#define thread_add_stage control_thread_add_stage
#define thread_start control_thread_start
#define thread_stop control_thread_stop
#define thread_poke control_thread_poke
#define thread_event control_thread_event
#define thread_event_done control_thread_event_done
#define thread_breathe control_thread_breathe
#define thread_adopt control_thread_adopt
#define thread_release control_thread_release
#define thread_round control_thread_round

#include "flow/stage.c"
#include "flow/thread.c"

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
