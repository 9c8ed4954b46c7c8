/*
 * hiredis's asynchronous interface on a poll(2) loop: every callback comes once, in order, with the
 * reply to its own command, also when connections end in between.
 */
#include "hiredis/poll_loop.h"

/* What one asynchronous connection saw. */
struct watcher {
    redisAsyncContext *context;
    size_t replies, lost, ends; /* lost: callbacks without a reply; ends: 1 after the disconnect */
    size_t *all;                /* counts the replies of all watchers too, where there is one */
    bool connected, wrong;
    int end_status;
};

/* Watchers of the running test; the loop is too large for a stack. */
static struct poll_loop loop;

static void on_connect(const redisAsyncContext *context, int status)
{
    ((struct watcher *)context->data)->connected = status == REDIS_OK;
}

static void on_end(const redisAsyncContext *context, int status)
{
    struct watcher *w = context->data;
    w->ends++;
    w->end_status = status;
}

static void watch(struct watcher *w, redisAsyncContext *context)
{
    *w = (struct watcher){.context = context};
    assert_non_null(context);
    if (context->err) fail_msg("connect: %s", context->errstr);
    context->data = w;
    poll_loop_attach(&loop, context);
    redisAsyncSetConnectCallback(context, on_connect);
    redisAsyncSetDisconnectCallback(context, on_end);
}

static void watch_tcp(struct watcher *w)
{
    watch(w, redisAsyncConnect("127.0.0.1", server_place.port));
}

/* Ends it when all pending replies are here. */
static void leave(struct watcher *w)
{
    redisAsyncDisconnect(w->context);
    poll_loop_until(&loop, &w->ends, 1);
    assert_int_equal(w->end_status, REDIS_OK);
}

static int begin_loop(void **state)
{
    (void)state;
    loop = (struct poll_loop){0};
    return 0;
}

/* The n-th callback of a connection whose commands are INCRs of a key of its own gets n. */
static void on_count(redisAsyncContext *context, void *reply, void *expected)
{
    struct watcher *w = context->data;
    redisReply *r = reply;
    if (r == NULL) {
        w->lost++;
        return;
    }
    w->replies++;
    if (w->all) (*w->all)++;
    if (r->type != REDIS_REPLY_INTEGER || (size_t)r->integer != (size_t)(uintptr_t)expected ||
        w->replies != (size_t)(uintptr_t)expected)
        w->wrong = true;
}

static void ten_thousand_callbacks_in_order(void **state)
{
    (void)state;
    struct watcher w;
    watch_tcp(&w);
    for (uintptr_t i = 1; i <= 10000; i++)
        assert_int_equal(redisAsyncCommand(w.context, on_count, (void *)i, "INCR n"), REDIS_OK);
    poll_loop_until(&loop, &w.replies, 10000);
    assert_true(w.connected);
    assert_false(w.wrong);
    leave(&w);
}

static void a_hundred_connections_in_one_loop(void **state)
{
    (void)state;
    enum { PEOPLE = 100, EACH = 100 };
    static struct watcher people[PEOPLE];
    size_t all = 0;
    for (int i = 0; i < PEOPLE; i++) {
        if (i % 2)
            watch_tcp(&people[i]);
        else
            watch(&people[i], redisAsyncConnectUnix(server_place.path));
        people[i].all = &all;
    }
    for (uintptr_t n = 1; n <= EACH; n++)
        for (int i = 0; i < PEOPLE; i++)
            redisAsyncCommand(people[i].context, on_count, (void *)n, "INCR n:%d", i);
    poll_loop_until(&loop, &all, PEOPLE * EACH);
    for (int i = 0; i < PEOPLE; i++) {
        assert_int_equal(people[i].replies, EACH);
        assert_false(people[i].wrong);
        leave(&people[i]);
    }
}

/* Sends the next command from the callback of the one before. */
static void on_step(redisAsyncContext *context, void *reply, void *expected)
{
    on_count(context, reply, expected);
    uintptr_t next = (uintptr_t)expected + 1;
    if (reply && next <= 2000) redisAsyncCommand(context, on_step, (void *)next, "INCR chain");
}

static void commands_sent_from_callbacks(void **state)
{
    (void)state;
    struct watcher w;
    watch_tcp(&w);
    redisAsyncCommand(w.context, on_step, (void *)(uintptr_t)1, "INCR chain");
    poll_loop_until(&loop, &w.replies, 2000);
    assert_false(w.wrong);
    leave(&w);
}

static void a_disconnect_waits_for_pending_replies(void **state)
{
    (void)state;
    struct watcher w;
    watch_tcp(&w);
    redisAsyncCommand(w.context, on_count, (void *)(uintptr_t)1, "INCR n");
    poll_loop_until(&loop, &w.replies, 1);
    redisAsyncCommand(w.context, NULL, NULL, "DEBUG SLEEP 0.05");
    for (uintptr_t i = 2; i <= 1000; i++)
        redisAsyncCommand(w.context, on_count, (void *)i, "INCR n");
    leave(&w);
    assert_int_equal(w.replies, 1000);
    assert_int_equal(w.lost, 0);
    assert_false(w.wrong);
}

/* Freed with commands in flight: their callbacks come without a reply, and the server, left with a
 * connection that went away, serves the others. */
static void a_free_with_replies_in_flight(void **state)
{
    (void)state;
    struct watcher gone, stays;
    watch_tcp(&gone);
    watch_tcp(&stays);
    redisAsyncCommand(gone.context, on_count, (void *)(uintptr_t)1, "INCR gone");
    poll_loop_until(&loop, &gone.replies, 1);
    for (uintptr_t i = 2; i <= 5000; i++)
        redisAsyncCommand(gone.context, on_count, (void *)i, "INCR gone");
    while (gone.replies < 2 && poll_loop_turn(&loop)) continue;
    redisAsyncFree(gone.context);
    assert_int_equal(gone.replies + gone.lost, 5000);
    assert_int_equal(gone.ends, 1);
    for (uintptr_t i = 1; i <= 100; i++)
        redisAsyncCommand(stays.context, on_count, (void *)i, "INCR stays");
    poll_loop_until(&loop, &stays.replies, 100);
    assert_false(stays.wrong);
    leave(&stays);
}

static void on_id(redisAsyncContext *context, void *reply, void *id)
{
    *(long long *)id = reply ? ((redisReply *)reply)->integer : -1;
    ((struct watcher *)context->data)->replies++;
}

static void a_killed_connection_ends_its_callbacks(void **state)
{
    (void)state;
    struct watcher w;
    long long id = 0;
    watch_tcp(&w);
    redisAsyncCommand(w.context, on_id, &id, "CLIENT ID");
    poll_loop_until(&loop, &w.replies, 1);
    assert_true(id > 0);
    redisContext *killer = server_connect();
    server_expect_integer(server_ask(killer, "CLIENT KILL ID %lld", id), 1);
    redisFree(killer);
    redisAsyncCommand(w.context, on_count, (void *)(uintptr_t)2, "INCR never");
    poll_loop_until(&loop, &w.ends, 1);
    assert_int_equal(w.end_status, REDIS_ERR);
    assert_int_equal(w.lost, 1);
}

static void quit_is_answered_after_what_came_before(void **state)
{
    (void)state;
    struct watcher w;
    watch_tcp(&w);
    for (uintptr_t i = 1; i <= 1000; i++)
        redisAsyncCommand(w.context, on_count, (void *)i, "INCR n");
    redisAsyncCommand(w.context, NULL, NULL, "QUIT");
    poll_loop_until(&loop, &w.ends, 1);
    assert_int_equal(w.replies, 1000);
    assert_false(w.wrong);
}

static void on_value(redisAsyncContext *context, void *reply, void *value)
{
    struct watcher *w = context->data;
    redisReply *r = reply;
    w->replies++;
    if (r == NULL || r->len != 1 << 20 || memcmp(r->str, value, r->len) != 0) w->wrong = true;
}

static void large_values_both_ways(void **state)
{
    (void)state;
    struct watcher w;
    size_t len = 1 << 20;
    char *value = server_noise(len, 5);
    watch_tcp(&w);
    for (int i = 0; i < 16; i++)
        redisAsyncCommand(w.context, NULL, NULL, "SET big:%d %b", i, value, len);
    for (int i = 0; i < 16; i++) redisAsyncCommand(w.context, on_value, value, "GET big:%d", i);
    poll_loop_until(&loop, &w.replies, 16);
    assert_false(w.wrong);
    free(value);
    leave(&w);
}

int main(int argc, char **argv)
{
    server_take_arguments(argc, argv);
#define LOOP_TEST(f) cmocka_unit_test_setup_teardown(f, begin_loop, server_clear)
    const struct CMUnitTest tests[] = {
        LOOP_TEST(ten_thousand_callbacks_in_order),
        LOOP_TEST(a_hundred_connections_in_one_loop),
        LOOP_TEST(commands_sent_from_callbacks),
        LOOP_TEST(a_disconnect_waits_for_pending_replies),
        LOOP_TEST(a_free_with_replies_in_flight),
        LOOP_TEST(a_killed_connection_ends_its_callbacks),
        LOOP_TEST(quit_is_answered_after_what_came_before),
        LOOP_TEST(large_values_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
