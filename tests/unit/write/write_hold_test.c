/* Batches that wait for the disk. */
#include "write_harness.h"

static void disk_reaches(uint64_t number)
{
    counter_set(&fx.card.durable, number);
    stage_run_or_leave(write_stage(fx.w), &solo.lender);
}

static void disk_fails_up_to(uint64_t number)
{
    counter_set(&fx.card.failed, number);
    stage_run_or_leave(write_stage(fx.w), &solo.lender);
}

/* A batch with one reply that waits for `after`. */
static struct reply_batch *waiting(int conn, const char *text, uint64_t after)
{
    struct reply_batch *b = batch();
    add(b, conn, text, 0);
    b->after = after;
    return b;
}

static void expect_got(int conn, const char *want)
{
    fx.got_len = 0;
    assert_int_equal(receive(conn), strlen(want));
    assert_memory_equal(fx.got, want, strlen(want));
}

static void what_is_on_disk_leaves_at_once(void **state)
{
    NEEDS_BACKEND;
    open_all();
    disk_reaches(10);
    hand_over(waiting(0, "+1\r\n", 10), true);
    expect_got(0, "+1\r\n");
    assert_int_equal(handoff_depth(&fx.home), 1);
}

static void replies_wait_for_their_number_and_for_those_before(void **state)
{
    NEEDS_BACKEND;
    open_all();
    hand_over(waiting(0, "+1\r\n", 10), true);
    hand_over(waiting(0, "+2\r\n", 20), false);
    hand_over(waiting(1, "+3\r\n", 0), true);
    assert_int_equal(write_pending_bytes(fx.w), 12);
    expect_got(0, "");
    expect_got(1, "");
    disk_reaches(9);
    expect_got(0, "");
    disk_reaches(10);
    expect_got(0, "+1\r\n");
    expect_got(1, "");
    disk_reaches(25);
    expect_got(0, "+2\r\n");
    expect_got(1, "+3\r\n");
    assert_int_equal(write_pending_bytes(fx.w), 0);
    assert_int_equal(handoff_depth(&fx.home), 3);
    hand_over(waiting(1, "+4\r\n", 25), true);
    expect_got(1, "+4\r\n");
}

static void what_the_disk_refused_is_never_told(void **state)
{
    NEEDS_BACKEND;
    open_all();
    struct reply_batch *end = waiting(2, "", 20);
    end->items[0].events = REPLY_BYE;
    hand_over(waiting(0, "+1\r\n", 20), true);
    hand_over(waiting(1, "+2\r\n", 30), true);
    hand_over(end, true);
    disk_fails_up_to(20);
    expect_got(0, "");
    assert_true(conn_meter(&fx.cards[0]->cut));
    assert_false(conn_meter(&fx.cards[1]->cut));
    assert_false(solo_is_closed(fx.ours[2]));
    disk_fails_up_to(30);
    assert_true(conn_meter(&fx.cards[1]->cut));
    assert_true(solo_is_closed(fx.ours[2]));
    assert_false(conn_meter(&fx.cards[2]->cut));
    assert_int_equal(write_pending_bytes(fx.w), 0);
    assert_int_equal(handoff_depth(&fx.home), 3);
}

static void what_the_disk_took_before_it_failed_is_told(void **state)
{
    NEEDS_BACKEND;
    open_all();
    hand_over(waiting(0, "+1\r\n", 10), true);
    hand_over(waiting(1, "+2\r\n", 20), true);
    counter_set(&fx.card.durable, 10);
    disk_fails_up_to(20);
    expect_got(0, "+1\r\n");
    expect_got(1, "");
    assert_true(conn_meter(&fx.cards[1]->cut));
    hand_over(waiting(3, "+3\r\n", 0), true);
    expect_got(3, "+3\r\n");
}

static void what_comes_when_the_disk_has_failed_is_cut_at_once(void **state)
{
    NEEDS_BACKEND;
    open_all();
    counter_set(&fx.card.failed, 20);
    hand_over(waiting(0, "+1\r\n", 20), true);
    assert_true(conn_meter(&fx.cards[0]->cut));
    assert_int_equal(write_pending_bytes(fx.w), 0);
}

/* A connection that begins in such a batch ends as others do. */
static void a_connection_that_begins_in_a_refused_batch_lives_until_its_end(void **state)
{
    NEEDS_BACKEND;
    struct reply_batch *b = batch();
    add(b, 0, "", REPLY_OPEN);
    add(b, 0, "+1\r\n", 0);
    b->after = 10;
    hand_over(b, true);
    disk_fails_up_to(10);
    assert_int_equal(write_open_connections(fx.w), 1);
    b = batch();
    add(b, 0, "", REPLY_BYE);
    hand_over(b, true);
    assert_int_equal(write_open_connections(fx.w), 0);
}

static void held_batches_go_home_when_the_writer_closes(void **state)
{
    NEEDS_BACKEND;
    open_all();
    hand_over(waiting(0, "+1\r\n", 10), true);
    hand_over(waiting(0, "+2\r\n", 0), true);
    assert_int_equal(handoff_depth(&fx.home), 0); /* and nothing leaks: fixture_close() */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(what_is_on_disk_leaves_at_once),
        BOTH(replies_wait_for_their_number_and_for_those_before),
        BOTH(what_the_disk_refused_is_never_told),
        BOTH(what_the_disk_took_before_it_failed_is_told),
        BOTH(what_comes_when_the_disk_has_failed_is_cut_at_once),
        BOTH(a_connection_that_begins_in_a_refused_batch_lives_until_its_end),
        BOTH(held_batches_go_home_when_the_writer_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
