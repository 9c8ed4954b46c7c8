/* Orders: who is woken for them, and when there are too many. */
#include "unit/execute/core_harness.h"

#include "execute/core/orders.h"
#include "flow/thread.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

enum { RING = 16 };

static struct {
    struct handoff log_orders, log_home, file_orders, file_home;
    struct stage log, files;
    struct thread home; /* of both; it never sleeps, so that nobody wakes it */
    struct nap nap;
    struct log_card card;
    int done;
} ox;

static bool nobody_runs(void *self, struct turn *t)
{
    (void)self;
    (void)t;
    return false;
}

static int orders_begin(void **state)
{
    static const struct stage_ops ops = {.run = nobody_runs};
    int rc = core_open(state);
    memset(&ox, 0, sizeof(ox));
    handoff_open(&ox.log_orders, RING);
    handoff_open(&ox.log_home, RING);
    handoff_open(&ox.file_orders, RING);
    handoff_open(&ox.file_home, RING);
    stage_forget_all();
    stage_open(&ox.log, "log", NULL, &ops, false);
    stage_open(&ox.files, "files", NULL, &ops, false);
    thread_add_stage(&ox.home, &ox.log);
    thread_add_stage(&ox.home, &ox.files);
    struct execute_wiring w = {.log_orders = &ox.log_orders,
                               .log_home = &ox.log_home,
                               .file_orders = &ox.file_orders,
                               .file_home = &ox.file_home,
                               .log_stage = &ox.log,
                               .file_stage = &ox.files,
                               .log_card = &ox.card,
                               .log_nap = &ox.nap};
    orders_open(&w);
    return rc;
}

/* As persist does it. Gives how many. */
static int send_home(struct handoff *from, struct handoff *to)
{
    struct order *o;
    int count = 0;
    for (; (o = handoff_pop_ptr(from)) != NULL; count++) handoff_push(to, (uint64_t)(uintptr_t)o);
    return count;
}

static int orders_end(void **state)
{
    while (orders_out() > 0) {
        send_home(&ox.log_orders, &ox.log_home);
        send_home(&ox.file_orders, &ox.file_home);
        struct turn t = {0};
        orders_take_home();
        orders_give(&t);
    }
    orders_close();
    handoff_close(&ox.log_orders);
    handoff_close(&ox.log_home);
    handoff_close(&ox.file_orders);
    handoff_close(&ox.file_home);
    stage_forget_all();
    return core_close(state);
}

static void count_and_free(struct order *o)
{
    ox.done++;
    order_free(o);
}

static void append(size_t len, uint64_t end, bool is_awaited)
{
    struct order *o = order_make(ORDER_LOG_APPEND, len, count_and_free);
    o->len = len;
    o->end = end;
    o->is_awaited = is_awaited;
    order_send(o);
}

/* The stages that get a turn. */
static uint64_t given(void)
{
    struct turn t = {0};
    orders_give(&t);
    return t.given;
}

enum { LOG = 1, FILES = 2 };

static void each_stage_gets_a_turn_for_its_own(void **state)
{
    (void)state;
    assert_int_equal(given(), 0);
    append(100, 100, false);
    assert_int_equal(given(), LOG);
    assert_int_equal(given(), 0);
    order_send(order_make(ORDER_FILE_OPEN, 0, count_and_free));
    assert_int_equal(given(), FILES);
    assert_int_equal(orders_out(), 2);
    send_home(&ox.log_orders, &ox.log_home);
    send_home(&ox.file_orders, &ox.file_home);
    orders_take_home();
    assert_int_equal(ox.done, 2);
    assert_int_equal(orders_out(), 0);
    assert_int_equal(orders_bytes(), 0);
}

static void a_stage_that_naps_is_woken_for_what_is_awaited_only(void **state)
{
    (void)state;
    nap_begin(&ox.nap, NAP_LIGHT, 0);
    append(100, 100, false);
    assert_int_equal(given(), 0);
    append(100, 200, true);
    assert_int_equal(given(), LOG);
    append(100, 300, false);
    assert_int_equal(given(), 0);
    order_send(order_make(ORDER_LOG_SYNC, 0, count_and_free));
    assert_int_equal(given(), LOG);
    append(200 << 10, 400, false);
    assert_int_equal(given(), 0);
    append(100 << 10, 500, false);
    assert_int_equal(given(), LOG);
}

static void a_stage_that_gathers_is_woken_when_it_is_enough(void **state)
{
    (void)state;
    nap_begin(&ox.nap, NAP_DEEP, 300);
    append(100, 200, true);
    assert_int_equal(given(), 0);
    append(100, 300, true);
    assert_int_equal(given(), LOG);
    order_send(order_make(ORDER_LOG_SYNC, 0, count_and_free));
    assert_int_equal(given(), LOG);
}

static void what_the_ring_has_no_room_for_waits_in_line(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 3 * RING; i++) append(8, 8 * i, false);
    uint64_t end = 0;
    while (orders_out() > 0) {
        struct order *o;
        given();
        while ((o = handoff_pop_ptr(&ox.log_orders)) != NULL) {
            assert_int_equal(o->end, end + 8);
            end = o->end;
            handoff_push(&ox.log_home, (uint64_t)(uintptr_t)o);
        }
        orders_take_home();
    }
    assert_int_equal(end, 8 * 3 * RING);
    assert_int_equal(ox.done, 3 * RING);
}

static void too_much_on_its_way_is_a_lag_unless_the_disk_is_broken(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 8; i++) {
        assert_false(orders_log_lags());
        append(8 << 20, i, false);
    }
    assert_true(orders_log_lags());
    counter_set(&ox.card.error, EIO);
    assert_false(orders_log_lags());
    counter_set(&ox.card.error, 0);
    send_home(&ox.log_orders, &ox.log_home);
    orders_take_home();
    assert_false(orders_log_lags());
    for (uint64_t i = 1; i <= 8192; i++) append(8, i, false);
    assert_true(orders_log_lags());
}

/* The stage of the files, at work on a thread of its own. */
static void *do_files(void *count)
{
    for (int left = *(int *)count; left > 0; left -= send_home(&ox.file_orders, &ox.file_home))
        usleep(100);
    return NULL;
}

static void who_waits_for_files_does_not_wait_for_a_log_that_is_stuck(void **state)
{
    (void)state;
    int count = 2 * RING; /* more than are out at once */
    pthread_t thread;
    append(100, 100, true);
    for (int i = 0; i < count; i++) order_send(order_make(ORDER_FILE_WRITE, 0, count_and_free));
    assert_int_equal(pthread_create(&thread, NULL, do_files, &count), 0);
    alarm(60); /* else a wait for all would last for ever */
    orders_wait_files();
    alarm(0);
    pthread_join(thread, NULL);
    assert_int_equal(ox.done, count);
    assert_int_equal(orders_out(), 1);
}

int main(void)
{
#define WITH_ORDERS(test) cmocka_unit_test_setup_teardown(test, orders_begin, orders_end)
    const struct CMUnitTest tests[] = {
        WITH_ORDERS(each_stage_gets_a_turn_for_its_own),
        WITH_ORDERS(a_stage_that_naps_is_woken_for_what_is_awaited_only),
        WITH_ORDERS(a_stage_that_gathers_is_woken_when_it_is_enough),
        WITH_ORDERS(what_the_ring_has_no_room_for_waits_in_line),
        WITH_ORDERS(who_waits_for_files_does_not_wait_for_a_log_that_is_stuck),
        WITH_ORDERS(too_much_on_its_way_is_a_lag_unless_the_disk_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
