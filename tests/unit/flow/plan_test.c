/* The plan line in all its forms, its errors, and the count of CPUs. */
#include "unit/check.h"

#include "flow/plan.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

static const char *const kinds[] = {"accept", "parse", "execute", "write", NULL};

static struct plan plan;
static char error[128];

/* The plan as "accept0 parse0+write0": threads by blanks, stages with their indexes. */
static void expect(const char *line, const char *shown)
{
    error[0] = '\0';
    assert_int_equal(plan_parse(&plan, line, kinds, error, sizeof(error)), 0);
    char out[1024] = "";
    size_t len = 0;
    for (int t = 0; t < plan.thread_count; t++) {
        const struct plan_thread *th = &plan.threads[t];
        for (int s = 0; s < th->stage_count; s++)
            len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s%d",
                                    s > 0   ? "+"
                                    : t > 0 ? " "
                                            : "",
                                    kinds[th->stages[s].kind], th->stages[s].index);
    }
    assert_string_equal(out, shown);
    assert_string_equal(error, "");
}

static void expect_wrong(const char *line, const char *reason)
{
    error[0] = '\0';
    assert_int_equal(plan_parse(&plan, line, kinds, error, sizeof(error)), -EINVAL);
    assert_string_equal(error, reason);
}

static void a_line_names_threads_and_their_stages(void **state)
{
    (void)state;
    expect("accept/parse/execute/write", "accept0 parse0 execute0 write0");
    expect("accept+parse+execute+write", "accept0+parse0+execute0+write0");
    expect("parse", "parse0");
    expect("accept+parse/execute+write", "accept0+parse0 execute0+write0");
    expect(" accept / parse + write*2/\texecute ", "accept0 parse0+write0 parse1+write1 execute0");
    expect("accept/parse/execute/write", "accept0 parse0 execute0 write0");
    assert_int_equal(plan.kind_count[0], 1);
    assert_int_equal(plan.kind_count[1], 1);
    assert_int_equal(plan.kind_count[2], 1);
    assert_int_equal(plan.kind_count[3], 1);
}

static void copies_of_a_thread_number_their_stages(void **state)
{
    (void)state;
    expect("accept/parse+write*2/execute", "accept0 parse0+write0 parse1+write1 execute0");
    expect("parse*3/write*2/parse", "parse0 parse1 parse2 write0 write1 parse3");
    expect("parse*1", "parse0");
    expect("parse+parse*2", "parse0+parse1 parse2+parse3");
    assert_int_equal(plan.kind_count[1], 4);
    assert_int_equal(plan.kind_count[0], 0);
}

static void a_stage_that_is_none_is_named(void **state)
{
    (void)state;
    expect_wrong("accept/prase", "'prase' is not a stage");
    expect_wrong("", "'' is not a stage");
    expect_wrong("accept//write", "'' is not a stage");
    expect_wrong("accept/", "'' is not a stage");
    expect_wrong("accept+/write", "'' is not a stage");
    expect_wrong("+accept", "'' is not a stage");
    expect_wrong("accept write", "'acceptwrite' is not a stage");
    expect_wrong("Accept", "'Accept' is not a stage");
    expect_wrong("*2", "'' is not a stage");
}

static void copies_are_a_number_from_one_to_what_fits(void **state)
{
    (void)state;
    const char *reason = "a plan has 1 to 64 threads";
    expect_wrong("parse*0", reason);
    expect_wrong("parse*-1", reason);
    expect_wrong("parse*", reason);
    expect_wrong("parse*x", reason);
    expect_wrong("parse*2x", reason);
    expect_wrong("parse*2*2", reason);
    expect_wrong("parse*65", reason);
    expect_wrong("parse*64/write", reason);
    expect_wrong("parse*9223372036854775807", reason);
    expect_wrong("parse/parse*9223372036854775807", reason);
    expect_wrong("parse*99999999999999999999999", reason);
    assert_int_equal(plan_parse(&plan, "parse*64", kinds, error, sizeof(error)), 0);
    assert_int_equal(plan.thread_count, 64);
    assert_int_equal(plan.threads[63].stages[0].index, 63);
}

static void a_thread_has_a_bounded_number_of_stages(void **state)
{
    (void)state;
    expect("parse+parse+parse+parse+parse+parse+parse+parse",
           "parse0+parse1+parse2+parse3+parse4+parse5+parse6+parse7");
    expect_wrong("parse+parse+parse+parse+parse+parse+parse+parse+parse",
                 "too many stages on one thread");
}

/* Never a plan that is only the beginning of what was written. */
static void a_line_that_is_too_long_is_refused(void **state)
{
    (void)state;
    for (int zeros = 0; zeros < 24; zeros++) {
        char line[1024];
        int len = snprintf(line, sizeof(line), "accept*%0*d", zeros + 1, 1);
        int stages = 1;
        for (; len < 500 + zeros; stages += 2) {
            strcpy(line + len, "/parse+write");
            len += 12;
        }
        int rc = plan_parse(&plan, line, kinds, error, sizeof(error));
        int found = plan.kind_count[0] + plan.kind_count[1] + plan.kind_count[3];
        if (len > 511)
            assert_int_equal(rc, -EINVAL);
        else
            assert_int_equal(found, stages);
    }
}

static void cpus_are_those_of_the_affinity(void **state)
{
    (void)state;
    cpu_set_t all, one;
    assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
    int cpus[CPU_SETSIZE];
    int n = plan_cpus(cpus, CPU_SETSIZE, 0);
    assert_in_range(n, 1, CPU_COUNT(&all));
    for (int i = 0; i < n; i++) {
        assert_true(CPU_ISSET((unsigned)cpus[i], &all));
        for (int j = 0; j < i; j++) assert_int_not_equal(cpus[i], cpus[j]);
    }
    int least[1];
    assert_int_equal(plan_cpus(least, 1, 0), 1);
    assert_int_equal(least[0], cpus[0]);

    int last = cpus[n - 1];
    CPU_ZERO(&one);
    CPU_SET((unsigned)last, &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    int alone = plan_cpus(cpus, CPU_SETSIZE, 7);
    sched_setaffinity(0, sizeof(all), &all);
    assert_int_equal(alone, 1);
    assert_int_equal(cpus[0], last);
}

static void the_first_cpu_rotates(void **state)
{
    (void)state;
    cpu_set_t all;
    assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
    unsigned n = (unsigned)CPU_COUNT(&all);
    if (n < 2) skip();
    int a[1], b[1], again[1];
    plan_cpus(a, 1, 0);
    plan_cpus(b, 1, 1);
    plan_cpus(again, 1, n);
    assert_int_not_equal(a[0], b[0]);
    assert_int_equal(a[0], again[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_names_threads_and_their_stages),
        cmocka_unit_test(copies_of_a_thread_number_their_stages),
        cmocka_unit_test(a_stage_that_is_none_is_named),
        cmocka_unit_test(copies_are_a_number_from_one_to_what_fits),
        cmocka_unit_test(a_thread_has_a_bounded_number_of_stages),
        cmocka_unit_test(a_line_that_is_too_long_is_refused),
        cmocka_unit_test(cpus_are_those_of_the_affinity),
        cmocka_unit_test(the_first_cpu_rotates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
