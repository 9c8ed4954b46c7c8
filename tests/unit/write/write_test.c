/* The writer: order, queues, messages, limits, ends. */
#include "write_harness.h"

static void replies_leave_in_the_order_of_items(void **state)
{
    NEEDS_BACKEND;
    open_all();
    struct reply_batch *b = batch();
    add(b, 0, "+1\r\n", 0);
    add(b, 1, "+2\r\n", 0);
    add(b, 0, "+3\r\n", 0);
    hand_over(b, true);
    assert_ptr_equal(handoff_pop_ptr(&fx.home), b);
    assert_int_equal(receive(0), 8);
    assert_memory_equal(fx.got, "+1\r\n+3\r\n", 8);
    fx.got_len = 0;
    assert_int_equal(receive(1), 4);
    assert_int_equal(write_bytes_sent(fx.w), 12);
    assert_int_equal(conn_meter(&fx.cards[0]->out_bytes), 8);
}

/* What the kernel does not take: a short rest is copied, a long one keeps its batch. */
static void send_large(size_t len, bool lent, bool is_kept)
{
    char *data = large(len);
    open_all();
    struct reply_batch *b = batch(), *after = batch();
    add_bytes(b, 0, data, len, 0);
    add(after, 0, "+after\r\n", 0);
    hand_over(b, lent);
    hand_over(after, lent);
    assert_true(write_pending_bytes(fx.w) > 0);
    assert_int_equal(write_pending_bytes(fx.w), conn_meter(&fx.cards[0]->out_pending));
    assert_true(handoff_depth(&fx.home) == (is_kept ? 1 : 2));
    solo_settle();
    SOLO_UNTIL(receive(0) == len + 8);
    solo_settle();
    assert_memory_equal(fx.got, data, len);
    assert_memory_equal(fx.got + len, "+after\r\n", 8);
    assert_int_equal(write_pending_bytes(fx.w), 0);
    assert_int_equal(conn_meter(&fx.cards[0]->out_blocks), 0);
    assert_int_equal(handoff_depth(&fx.home), 2);
    free(data);
}

static void a_slow_reader_gets_all_in_time(void **state)
{
    NEEDS_BACKEND;
    send_large(60000, false, false);
}

static void a_long_rest_keeps_its_batch_until_it_is_out(void **state)
{
    NEEDS_BACKEND;
    send_large(2000000, false, true);
}

static void what_a_lent_turn_leaves_goes_on_at_home(void **state)
{
    NEEDS_BACKEND;
    send_large(2000000, true, true);
    assert_true(write_stage(fx.w)->turns_lent > 0);
}

/* ---- Messages ---- */

static void push(struct reply_batch *b, int conn, const char *text)
{
    add(b, conn, text, REPLY_PUSH);
}

static void expect(int conn, const char *text)
{
    fx.got_len = 0;
    assert_int_equal(receive(conn), strlen(text));
    assert_memory_equal(fx.got, text, fx.got_len);
}

static void messages_of_several_batches_leave_together(void **state)
{
    NEEDS_BACKEND;
    open_all();
    uint64_t calls = write_calls(fx.w);
    struct reply_batch *b = batch(), *after = batch();
    push(b, 0, ">1");
    push(b, 1, ">a");
    push(b, 0, ">2");
    push(after, 0, ">3");
    handoff_push(&fx.replies, (uint64_t)(uintptr_t)b);
    hand_over(after, true);
    expect(0, ">1>2>3");
    expect(1, ">a");
    assert_int_equal(write_calls(fx.w) - calls, 2);
    assert_int_equal(handoff_depth(&fx.home), 2);
    assert_int_equal(write_pending_bytes(fx.w), 0);
}

static void an_answer_takes_the_messages_before_it_along(void **state)
{
    NEEDS_BACKEND;
    open_all();
    uint64_t calls = write_calls(fx.w);
    struct reply_batch *b = batch();
    push(b, 0, ">1");
    add(b, 0, "+2", 0);
    push(b, 0, ">3");
    add(b, 1, "+x", 0);
    hand_over(b, true);
    expect(0, ">1+2>3");
    expect(1, "+x");
    assert_int_equal(write_calls(fx.w) - calls, 3);
}

static void a_cut_and_a_bye_take_messages_along(void **state)
{
    NEEDS_BACKEND;
    open_all();
    struct reply_batch *b = batch();
    push(b, 0, ">1");
    add(b, 0, "", REPLY_CUT);
    push(b, 1, ">2");
    add(b, 1, "", REPLY_BYE);
    hand_over(b, true);
    expect(0, ">1");
    expect(1, ">2");
    assert_int_equal(recv(fx.theirs[0], fx.got, 1, MSG_DONTWAIT), 0);
    assert_true(solo_is_closed(fx.ours[1]));
    assert_int_equal(handoff_depth(&fx.home), 1);
}

static void messages_to_one_who_has_gone_are_dropped(void **state)
{
    NEEDS_BACKEND;
    open_all();
    close(fx.theirs[1]);
    for (int i = 0; i < 3; i++) {
        struct reply_batch *b = batch();
        push(b, 1, ">lost");
        push(b, 0, ">1");
        hand_over(b, true);
    }
    expect(0, ">1>1>1");
    assert_true(conn_meter(&fx.cards[1]->cut));
    assert_int_equal(handoff_depth(&fx.home), 3);
    fx.theirs[1] = -1;
}

/* What a slow reader leaves is copied, many messages to a block; their batches go home. */
static void a_slow_reader_keeps_no_batch_of_messages(void **state)
{
    NEEDS_BACKEND;
    enum { BATCHES = 6, EACH = 60, LEN = 500 };
    char *data = large(BATCHES * EACH * LEN);
    open_all();
    for (int i = 0; i < BATCHES; i++) {
        struct reply_batch *b = batch();
        for (int k = 0; k < EACH; k++)
            add_bytes(b, 0, data + (i * EACH + k) * LEN, LEN, REPLY_PUSH);
        hand_over(b, true);
    }
    assert_int_equal(handoff_depth(&fx.home), BATCHES);
    assert_true(write_pending_bytes(fx.w) > BATCHES * EACH * LEN / 2);
    assert_true(conn_meter(&fx.cards[0]->out_blocks) < 2 * write_pending_bytes(fx.w) / 4096);
    solo_settle();
    SOLO_UNTIL(receive(0) == BATCHES * EACH * LEN);
    solo_settle();
    assert_memory_equal(fx.got, data, BATCHES * EACH * LEN);
    assert_int_equal(write_pending_bytes(fx.w), 0);
    assert_int_equal(conn_meter(&fx.cards[0]->out_blocks), 0);
    free(data);
}

static struct reply_batch *push_to_all(const char *text)
{
    struct reply_batch *b = batch();
    for (int i = 0; i < CONNS; i++) push(b, i, text);
    return b;
}

/* A turn sends to eight. */
static void a_long_line_gives_way_to_what_comes(void **state)
{
    NEEDS_BACKEND;
    open_all();
    uint64_t calls = write_calls(fx.w);
    hand_over(push_to_all(">1"), true);
    assert_int_equal(write_calls(fx.w) - calls, 8);
    assert_true(solo.lender.unfinished & 1ull << write_stage(fx.w)->index);
    expect(7, ">1");
    expect(8, "");
    assert_int_equal(handoff_depth(&fx.home), 0);
    struct reply_batch *more = push_to_all(">2");
    add(more, 9, "+answer", 0);
    hand_over(more, true);
    expect(9, ">1>2+answer"); /* not in line any more */
    expect(11, ">1>2");
    expect(8, ">1>2");
    solo_settle();
    expect(0, ">1>2");
    expect(7, ">2");
    assert_int_equal(write_calls(fx.w) - calls, 20);
    assert_int_equal(handoff_depth(&fx.home), 2);
}

static void the_home_goes_on_when_nobody_else_does(void **state)
{
    NEEDS_BACKEND;
    open_all();
    hand_over(push_to_all(">1"), true);
    fx.got_len = 0;
    SOLO_UNTIL(receive(11) == 2);
    solo_settle();
    assert_int_equal(handoff_depth(&fx.home), 1);
}

static void each_class_has_its_limit(void **state)
{
    NEEDS_BACKEND;
    char *data = large(400000);
    solo_set("client-output-buffer-limit", "pubsub 100000 0 0");
    open_all();
    conn_meter_set(&fx.cards[0]->output_class, CLIENT_PUBSUB);
    struct reply_batch *b = batch();
    add_bytes(b, 0, data, 400000, REPLY_PUSH);
    add_bytes(b, 1, data, 400000, REPLY_PUSH);
    hand_over(b, false);
    assert_int_equal(write_limit_cuts(fx.w), 1);
    assert_true(conn_meter(&fx.cards[0]->cut));
    SOLO_UNTIL(receive(1) == 400000);
    assert_memory_equal(fx.got, data, 400000);
    free(data);
}

static void a_bye_closes_and_frees_the_slot(void **state)
{
    NEEDS_BACKEND;
    open_all();
    struct reply_batch *b = batch();
    add(b, 2, "+bye\r\n", REPLY_BYE);
    hand_over(b, true);
    assert_true(solo_is_closed(fx.ours[2]));
    uint64_t slot = 99;
    assert_true(handoff_pop(&fx.freed, &slot));
    assert_int_equal(slot, 2);
    assert_int_equal(receive(2), 6);
    assert_int_equal(write_open_connections(fx.w), CONNS - 1);
}

static void a_bye_waits_for_what_is_queued(void **state)
{
    NEEDS_BACKEND;
    char *data = large(500000);
    open_all();
    struct reply_batch *b = batch();
    add_bytes(b, 1, data, 500000, REPLY_BYE);
    hand_over(b, true);
    solo_settle();
    assert_false(solo_is_closed(fx.ours[1]));
    assert_int_equal(handoff_depth(&fx.freed), 0);
    SOLO_UNTIL(receive(1) == 500000);
    SOLO_UNTIL(solo_is_closed(fx.ours[1]));
    assert_memory_equal(fx.got, data, 500000);
    assert_int_equal(handoff_depth(&fx.freed), 1);
    assert_int_equal(handoff_depth(&fx.home), 1);
    free(data);
}

static void a_bye_after_the_peer_has_gone_closes_too(void **state)
{
    NEEDS_BACKEND;
    char *data = large(500000);
    open_all();
    struct reply_batch *b = batch(), *bye = batch();
    add_bytes(b, 1, data, 500000, 0);
    hand_over(b, false);
    solo_settle();
    close(fx.theirs[1]);
    add(bye, 1, "", REPLY_BYE);
    hand_over(bye, true);
    SOLO_UNTIL(solo_is_closed(fx.ours[1]));
    assert_int_equal(handoff_depth(&fx.freed), 1);
    assert_int_equal(handoff_depth(&fx.home), 2);
    assert_int_equal(write_pending_bytes(fx.w), 0);
    free(data);
    fx.theirs[1] = fx.ours[1] = -1;
}

static void a_cut_lets_the_bytes_before_it_out(void **state)
{
    NEEDS_BACKEND;
    char *data = large(300000);
    open_all();
    struct reply_batch *b = batch();
    add_bytes(b, 0, data, 300000, REPLY_CUT);
    add(b, 1, "+1\r\n", REPLY_CUT);
    add(b, 1, "+dropped\r\n", 0);
    hand_over(b, false);
    assert_int_equal(receive(1), 4);
    assert_int_equal(recv(fx.theirs[1], fx.got, 1, MSG_DONTWAIT), 0); /* the end, but not closed */
    assert_false(solo_is_closed(fx.ours[1]));
    fx.got_len = 0;
    SOLO_UNTIL(receive(0) == 300000);
    solo_settle();
    assert_int_equal(recv(fx.theirs[0], fx.got, 1, MSG_DONTWAIT), 0);
    free(data);
}

static void the_hard_limit_cuts_at_once(void **state)
{
    NEEDS_BACKEND;
    char *data = large(400000);
    solo_set("client-output-buffer-limit", "normal 100000 0 0");
    open_all();
    struct reply_batch *b = batch();
    add_bytes(b, 0, data, 400000, 0);
    add(b, 1, "+fine\r\n", 0);
    hand_over(b, true);
    solo_settle();
    assert_int_equal(write_limit_cuts(fx.w), 1);
    assert_true(conn_meter(&fx.cards[0]->cut));
    assert_int_equal(write_pending_bytes(fx.w), 0);
    assert_int_equal(handoff_depth(&fx.home), 1);
    assert_true(receive(0) < 400000);
    assert_int_equal(recv(fx.theirs[0], fx.got, 1, MSG_DONTWAIT), 0);
    fx.got_len = 0;
    assert_int_equal(receive(1), 7);
    free(data);
}

/* The poller still watches it: the number must not become somebody else's before that is over. */
static void a_connection_that_is_watched_is_not_closed_yet(void **state)
{
    NEEDS_BACKEND;
    char *data = large(400000);
    solo_set("client-output-buffer-limit", "normal 400000 0 0");
    open_all();
    struct reply_batch *b = batch(), *more = batch(), *bye = batch();
    add_bytes(b, 0, data, 300000, 0);
    hand_over(b, false);
    solo_settle();
    add_bytes(more, 0, data, 300000, 0);
    hand_over(more, true);
    assert_int_equal(write_limit_cuts(fx.w), 1);
    add(bye, 0, "", REPLY_BYE);
    hand_over(bye, true);
    assert_false(solo_is_closed(fx.ours[0]));
    SOLO_UNTIL(solo_is_closed(fx.ours[0]));
    assert_int_equal(handoff_depth(&fx.freed), 1);
    free(data);
}

static void the_soft_limit_cuts_when_its_time_is_over(void **state)
{
    NEEDS_BACKEND;
    char *data = large(400000);
    solo_set("client-output-buffer-limit", "normal 0 100000 1");
    open_all();
    struct reply_batch *b = batch();
    add_bytes(b, 0, data, 400000, 0);
    hand_over(b, true);
    uint64_t from = clock_mono_ns();
    solo_settle();
    assert_int_equal(write_limit_cuts(fx.w), 0);
    SOLO_UNTIL(write_limit_cuts(fx.w) == 1);
    assert_true(clock_mono_ns() - from >= 1000ull * SOLO_MS);
    assert_int_equal(write_pending_bytes(fx.w), 0);
    free(data);
}

static void strangers_who_do_not_read_are_cut(void **state)
{
    NEEDS_BACKEND;
    char *data = large(100000);
    open_all();
    fx.cards[0]->authenticated = false;
    struct reply_batch *b = batch();
    add_bytes(b, 0, data, 100000, 0);
    hand_over(b, false);
    assert_int_equal(write_limit_cuts(fx.w), 1);
    free(data);
}

static void batches_that_find_the_way_home_full_come_later(void **state)
{
    NEEDS_BACKEND;
    open_all();
    for (int i = 0; i < 30; i++) {
        struct reply_batch *b = batch();
        add(b, 0, "+x\r\n", 0);
        handoff_push(&fx.replies, (uint64_t)(uintptr_t)b);
    }
    int home = 0;
    for (int i = 0; i < 20; i++) {
        stage_run_or_leave(write_stage(fx.w), &solo.thread);
        while (handoff_pop_ptr(&fx.home) != NULL) home++;
    }
    assert_int_equal(home, 30);
    SOLO_UNTIL(receive(0) == 120);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(replies_leave_in_the_order_of_items),
        BOTH(a_slow_reader_gets_all_in_time),
        BOTH(a_long_rest_keeps_its_batch_until_it_is_out),
        BOTH(what_a_lent_turn_leaves_goes_on_at_home),
        BOTH(messages_of_several_batches_leave_together),
        BOTH(an_answer_takes_the_messages_before_it_along),
        BOTH(a_cut_and_a_bye_take_messages_along),
        BOTH(messages_to_one_who_has_gone_are_dropped),
        BOTH(a_slow_reader_keeps_no_batch_of_messages),
        BOTH(a_long_line_gives_way_to_what_comes),
        BOTH(the_home_goes_on_when_nobody_else_does),
        BOTH(each_class_has_its_limit),
        BOTH(a_bye_closes_and_frees_the_slot),
        BOTH(a_bye_waits_for_what_is_queued),
        BOTH(a_bye_after_the_peer_has_gone_closes_too),
        BOTH(a_cut_lets_the_bytes_before_it_out),
        BOTH(the_hard_limit_cuts_at_once),
        BOTH(a_connection_that_is_watched_is_not_closed_yet),
        BOTH(the_soft_limit_cuts_when_its_time_is_over),
        BOTH(strangers_who_do_not_read_are_cut),
        BOTH(batches_that_find_the_way_home_full_come_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
