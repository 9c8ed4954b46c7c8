/* The writer's turn, with real sockets; the test is execute and accept. */
#include "unit/backends.h"
#include "unit/solo.h"

#include "write/write.h"

#include <stdio.h>

enum { HOME_RING = 8, CONNS = 12 };

static struct {
    struct write_stage *w;
    struct handoff replies, home, freed;
    struct conn_card *cards[CONNS];
    int ours[CONNS], theirs[CONNS];
    struct reply_batch *made[64];
    int made_count;
    char *got;
    size_t got_len;
} fx;

static int fixture_open(void **state)
{
    enum poller_kind kind = *(enum poller_kind *)*state;
    memset(&fx, 0, sizeof(fx));
    if (kind == POLLER_URING && !poller_has_uring()) return 0;
    solo_open(kind);
    handoff_open(&fx.replies, 64);
    handoff_open(&fx.home, HOME_RING);
    handoff_open(&fx.freed, SOLO_SLOTS);
    struct write_wiring w = {.replies = &fx.replies, .home = &fx.home, .freed = &fx.freed};
    fx.w = write_open("write", &w);
    solo_adopt(write_stage(fx.w));
    for (uint32_t i = 0; i < CONNS; i++) {
        int fds[2], small = 4096;
        solo_pair(fds);
        setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
        fx.ours[i] = fds[0];
        fx.theirs[i] = fds[1];
        fx.cards[i] = solo_card(i, fds[0]);
    }
    fx.got = malloc(4u << 20);
    return 0;
}

static int fixture_close(void **state)
{
    (void)state;
    if (fx.w == NULL) return 0;
    write_close(fx.w);
    solo_close();
    for (int i = 0; i < CONNS; i++) {
        close(fx.theirs[i]);
        close(fx.ours[i]);
    }
    for (int i = 0; i < fx.made_count; i++) {
        free(fx.made[i]->buf);
        free(fx.made[i]->items);
        free(fx.made[i]);
    }
    free(fx.got);
    handoff_close(&fx.replies);
    handoff_close(&fx.home);
    handoff_close(&fx.freed);
    return 0;
}

#define NEEDS_BACKEND NEEDS_BACKEND_OF(fx.w)

static struct reply_batch *batch(void)
{
    struct reply_batch *b = calloc(1, sizeof(*b));
    b->items = calloc(64, sizeof(*b->items));
    b->item_max = 64;
    fx.made[fx.made_count++] = b;
    return b;
}

static void add_bytes(struct reply_batch *b, int conn, const char *data, size_t len,
                      uint32_t events)
{
    b->buf = realloc(b->buf, b->len + len + 1);
    memcpy(b->buf + b->len, data, len);
    b->items[b->item_count++] = (struct reply_item){
        .conn = fx.cards[conn]->ref, .events = events, .start = b->len, .len = len};
    b->len += len;
}

static void add(struct reply_batch *b, int conn, const char *text, uint32_t events)
{
    add_bytes(b, conn, text, strlen(text), events);
}

/* As execute does, in a turn of its own on the home thread or on another. */
static void hand_over(struct reply_batch *b, bool lent)
{
    handoff_push(&fx.replies, (uint64_t)(uintptr_t)b);
    stage_run_or_leave(write_stage(fx.w), lent ? &solo.lender : &solo.thread);
}

static void open_all(void)
{
    struct reply_batch *b = batch();
    for (int i = 0; i < CONNS; i++) add(b, i, "", REPLY_OPEN);
    hand_over(b, false);
    assert_ptr_equal(handoff_pop_ptr(&fx.home), b);
    assert_int_equal(write_open_connections(fx.w), CONNS);
}

/* What the peer can read now; gives how much there is in all. */
static size_t receive(int conn)
{
    ssize_t n;
    while ((n = recv(fx.theirs[conn], fx.got + fx.got_len, 65536, MSG_DONTWAIT)) > 0)
        fx.got_len += (size_t)n;
    return fx.got_len;
}

static char *large(size_t len)
{
    char *data = malloc(len);
    uint64_t seed = 77;
    for (size_t i = 0; i < len; i++) data[i] = (char)check_random(&seed);
    return data;
}

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

/* ---- Loans ---- */

enum { LENT = 700000 };

/* An item "$n CRLF <lent> CRLF", `times` of them. */
static void add_lent(struct reply_batch *b, int conn, const char *data, int times, uint32_t events)
{
    char head[32];
    size_t start = b->len;
    int n = snprintf(head, sizeof(head), "$%d\r\n", LENT);
    if (b->loans == NULL) b->loans = calloc(16, sizeof(*b->loans));
    for (int i = 0; i < times; i++) {
        b->buf = realloc(b->buf, b->len + 64);
        memcpy(b->buf + b->len, head, (size_t)n);
        b->loans[b->loan_count++] =
            (struct reply_loan){.at = b->len + (size_t)n, .ptr = data, .len = LENT};
        memcpy(b->buf + b->len + n, "\r\n", 2);
        b->len += (size_t)n + 2;
    }
    b->items[b->item_count++] = (struct reply_item){
        .conn = fx.cards[conn]->ref, .events = events, .start = start, .len = b->len - start};
}

static void expect_lent(const char *got, const char *data)
{
    assert_memory_equal(got, "$700000\r\n", 9);
    assert_memory_equal(got + 9, data, LENT);
    assert_memory_equal(got + 9 + LENT, "\r\n", 2);
}

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
