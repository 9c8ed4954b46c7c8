/* What keeps its batch at the writer: lent bytes, and items that are timed. */
#include "write_harness.h"

static void lent_bytes_come_in_their_places(bool lent_turn)
{
    char *data = large(LENT);
    size_t one = LENT + 11;
    open_all();
    struct reply_batch *b = batch();
    add(b, 0, "+a\r\n", 0);
    add_lent(b, 0, data, 2, 0);
    add(b, 1, "+b\r\n", 0);
    add_lent(b, 1, data, 1, 0);
    add(b, 0, "+c\r\n", 0);
    hand_over(b, lent_turn);
    assert_int_equal(handoff_depth(&fx.home), 0);
    assert_int_equal(write_pending_bytes(fx.w),
                     conn_meter(&fx.cards[0]->out_pending) + conn_meter(&fx.cards[1]->out_pending));
    assert_true(write_pending_bytes(fx.w) > 2 * LENT);
    solo_settle();
    SOLO_UNTIL(receive(0) == 2 * one + 8);
    assert_memory_equal(fx.got, "+a\r\n", 4);
    expect_lent(fx.got + 4, data);
    expect_lent(fx.got + 4 + one, data);
    assert_memory_equal(fx.got + 4 + 2 * one, "+c\r\n", 4);
    assert_int_equal(handoff_depth(&fx.home), 0); /* the other one still needs it */
    fx.got_len = 0;
    SOLO_UNTIL(receive(1) == one + 4);
    assert_memory_equal(fx.got, "+b\r\n", 4);
    expect_lent(fx.got + 4, data);
    solo_settle();
    assert_int_equal(handoff_depth(&fx.home), 1);
    assert_int_equal(write_pending_bytes(fx.w), 0);
    assert_int_equal(conn_meter(&fx.cards[0]->out_blocks), 0);
    assert_int_equal(conn_meter(&fx.cards[0]->out_bytes), 2 * one + 8);
    free(b->loans);
    free(data);
}

static void what_is_lent_comes_in_its_place(void **state)
{
    NEEDS_BACKEND;
    lent_bytes_come_in_their_places(false);
}

static void what_is_lent_comes_in_its_place_from_a_lent_turn(void **state)
{
    NEEDS_BACKEND;
    lent_bytes_come_in_their_places(true);
}

static void a_bye_waits_for_what_is_lent(void **state)
{
    NEEDS_BACKEND;
    char *data = large(LENT);
    open_all();
    struct reply_batch *b = batch();
    add_lent(b, 1, data, 1, REPLY_BYE);
    hand_over(b, true);
    solo_settle();
    assert_false(solo_is_closed(fx.ours[1]));
    SOLO_UNTIL(receive(1) == LENT + 11);
    SOLO_UNTIL(solo_is_closed(fx.ours[1]));
    expect_lent(fx.got, data);
    assert_int_equal(handoff_depth(&fx.home), 1);
    free(b->loans);
    free(data);
}

static void a_cut_waits_for_what_is_lent(void **state)
{
    NEEDS_BACKEND;
    char *data = large(LENT);
    open_all();
    struct reply_batch *b = batch();
    add_lent(b, 0, data, 1, REPLY_CUT);
    hand_over(b, false);
    SOLO_UNTIL(receive(0) == LENT + 11);
    solo_settle();
    assert_int_equal(recv(fx.theirs[0], fx.got, 1, MSG_DONTWAIT), 0);
    assert_int_equal(handoff_depth(&fx.home), 1);
    free(b->loans);
    free(data);
}

static void a_death_gives_back_what_was_lent(void **state)
{
    NEEDS_BACKEND;
    char *data = large(LENT);
    open_all();
    struct reply_batch *b = batch(), *more = batch(), *bye = batch();
    add_lent(b, 1, data, 2, 0);
    hand_over(b, false);
    solo_settle();
    assert_int_equal(handoff_depth(&fx.home), 0);
    close(fx.theirs[1]);
    add_lent(more, 1, data, 1, 0);
    hand_over(more, true);
    add(bye, 1, "", REPLY_BYE);
    hand_over(bye, true);
    SOLO_UNTIL(solo_is_closed(fx.ours[1]));
    assert_int_equal(handoff_depth(&fx.home), 3);
    assert_int_equal(write_pending_bytes(fx.w), 0);
    free(b->loans);
    free(more->loans);
    free(data);
    fx.theirs[1] = fx.ours[1] = -1;
}

/* Longer than the kernel takes at once. */
enum { UNREAD = 2 << 20 };

static void an_item_is_timed_when_it_is_taken_at_once(void **state)
{
    NEEDS_BACKEND;
    open_all();
    struct reply_batch *b = batch();
    uint64_t before = clock_ticks();
    add(b, 0, "+a\r\n", REPLY_TIMED);
    add(b, 1, "+b\r\n", 0);
    hand_over(b, true);
    assert_int_equal(handoff_depth(&fx.home), 1);
    assert_true(b->items[0].written_ticks >= before);
    assert_true(b->items[0].written_ticks <= clock_ticks());
    assert_int_equal(b->items[1].written_ticks, 0);
}

static void a_timed_item_keeps_its_batch_until_all_of_it_is_taken(void **state)
{
    NEEDS_BACKEND;
    char *data = large(UNREAD);
    open_all();
    struct reply_batch *b = batch(), *timed = batch();
    add_bytes(b, 0, data, UNREAD, 0);
    hand_over(b, false);
    add(timed, 0, "+slow\r\n", REPLY_TIMED);
    hand_over(timed, false);
    solo_settle();
    assert_int_equal(handoff_depth(&fx.home), 0);
    assert_int_equal(timed->items[0].written_ticks, 0);
    uint64_t before = clock_ticks();
    SOLO_UNTIL(receive(0) == UNREAD + 7);
    solo_settle();
    assert_int_equal(handoff_depth(&fx.home), 2);
    assert_true(timed->items[0].written_ticks >= before);
    assert_memory_equal(fx.got + UNREAD, "+slow\r\n", 7);
    free(data);
}

static void a_client_that_does_not_read_keeps_few_timed_batches(void **state)
{
    NEEDS_BACKEND;
    char *data = large(UNREAD);
    open_all();
    struct reply_batch *b = batch();
    add_bytes(b, 0, data, UNREAD, 0);
    hand_over(b, false);
    for (int i = 0; i < 10; i++) {
        struct reply_batch *timed = batch();
        add(timed, 0, "+slow\r\n", REPLY_TIMED);
        hand_over(timed, false);
    }
    assert_int_equal(handoff_depth(&fx.home), 10 - 4);
    for (int i = 0; i < 6; i++)
        assert_int_equal(((struct reply_batch *)handoff_pop_ptr(&fx.home))->items[0].written_ticks,
                         0);
    SOLO_UNTIL(receive(0) == UNREAD + 70);
    solo_settle();
    assert_int_equal(handoff_depth(&fx.home), 5);
    free(data);
}

static void what_was_never_sent_has_no_time(void **state)
{
    NEEDS_BACKEND;
    char *data = large(UNREAD);
    open_all();
    struct reply_batch *b = batch(), *more = batch();
    add_bytes(b, 1, data, UNREAD, REPLY_TIMED);
    hand_over(b, false);
    close(fx.theirs[1]);
    add(more, 1, "+lost\r\n", REPLY_TIMED | REPLY_BYE);
    hand_over(more, true);
    SOLO_UNTIL(solo_is_closed(fx.ours[1]));
    assert_int_equal(handoff_depth(&fx.home), 2);
    assert_int_equal(b->items[0].written_ticks, 0);
    assert_int_equal(more->items[0].written_ticks, 0);
    free(data);
    fx.theirs[1] = fx.ours[1] = -1;
}

static void a_timed_item_may_have_loans(void **state)
{
    NEEDS_BACKEND;
    char *data = large(LENT);
    open_all();
    struct reply_batch *b = batch();
    add_lent(b, 0, data, 1, REPLY_TIMED);
    hand_over(b, false);
    assert_int_equal(b->items[0].written_ticks, 0);
    SOLO_UNTIL(receive(0) == LENT + 11);
    solo_settle();
    assert_int_equal(handoff_depth(&fx.home), 1);
    assert_int_not_equal(b->items[0].written_ticks, 0);
    free(b->loans);
    free(data);
}

static void lent_bytes_count_for_the_hard_limit(void **state)
{
    NEEDS_BACKEND;
    char *data = large(LENT);
    solo_set("client-output-buffer-limit", "normal 1000000 0 0");
    open_all();
    struct reply_batch *b = batch();
    add_lent(b, 0, data, 1, 0);
    add_lent(b, 1, data, 2, 0);
    hand_over(b, true);
    assert_int_equal(write_limit_cuts(fx.w), 1);
    assert_true(conn_meter(&fx.cards[1]->cut));
    assert_int_equal(conn_meter(&fx.cards[1]->out_pending), 0);
    SOLO_UNTIL(receive(0) == LENT + 11);
    solo_settle();
    assert_int_equal(handoff_depth(&fx.home), 1);
    free(b->loans);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(what_is_lent_comes_in_its_place),
        BOTH(what_is_lent_comes_in_its_place_from_a_lent_turn),
        BOTH(a_bye_waits_for_what_is_lent),
        BOTH(a_cut_waits_for_what_is_lent),
        BOTH(a_death_gives_back_what_was_lent),
        BOTH(an_item_is_timed_when_it_is_taken_at_once),
        BOTH(a_timed_item_keeps_its_batch_until_all_of_it_is_taken),
        BOTH(a_client_that_does_not_read_keeps_few_timed_batches),
        BOTH(what_was_never_sent_has_no_time),
        BOTH(a_timed_item_may_have_loans),
        BOTH(lent_bytes_count_for_the_hard_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
