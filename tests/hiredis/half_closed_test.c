/*
 * Half-closed sockets: a client that sends its commands and shuts its sending side down still gets
 * every reply, and then the end of the connection. Death has one road, and replies are before it.
 */
#include "hiredis/server.h"

/* Writes what was appended, and then no more. */
static void send_and_shut(redisContext *c)
{
    int done = 0;
    while (!done) assert_int_equal(redisBufferWrite(c, &done), REDIS_OK);
    assert_int_equal(shutdown(c->fd, SHUT_WR), 0);
}

static void all_replies_then_the_end(redisContext *c, int count)
{
    for (int i = 0; i < count; i++) redisAppendCommand(c, "INCR counter");
    send_and_shut(c);
    for (int i = 1; i <= count; i++) server_expect_integer(server_next(c), i);
    server_expect_end(c);
    redisFree(c);
}

static void one_command(void **state)
{
    (void)state;
    all_replies_then_the_end(server_connect(), 1);
}

static void a_deep_pipeline(void **state)
{
    (void)state;
    all_replies_then_the_end(server_connect(), 50000);
}

static void a_deep_pipeline_over_the_unix_socket(void **state)
{
    (void)state;
    all_replies_then_the_end(server_connect_unix(), 50000);
}

static void no_command_at_all(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    send_and_shut(c);
    server_expect_end(c);
    redisFree(c);
}

/* The server learns of the end long before it can send the replies. */
static void expect_large_replies(int count)
{
    redisContext *c = server_connect();
    size_t len = 1 << 20;
    char *value = server_noise(len, 7);
    server_expect_ok(server_ask(c, "SET big %b", value, len));
    for (int i = 0; i < count; i++) redisAppendCommand(c, "GET big");
    redisAppendCommand(c, "ECHO last");
    send_and_shut(c);
    server_pause_ms(200);
    for (int i = 0; i < count; i++) server_expect_bytes(server_next(c), value, len);
    server_expect_bytes(server_next(c), "last", 4);
    server_expect_end(c);
    free(value);
    redisFree(c);
}

static void replies_that_wait_for_the_reader(void **state)
{
    (void)state;
    expect_large_replies(32);
}

/* More than the 64 MB of output-high-water: its last commands are held back when the end comes. */
static void commands_that_wait_for_the_reader(void **state)
{
    (void)state;
    expect_large_replies(100);
}

static void a_slow_command_in_flight(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    redisAppendCommand(c, "SET a 1");
    redisAppendCommand(c, "DEBUG SLEEP 0.2");
    redisAppendCommand(c, "GET a");
    send_and_shut(c);
    server_expect_ok(server_next(c));
    server_expect_ok(server_next(c));
    server_expect_bytes(server_next(c), "1", 1);
    server_expect_end(c);
    redisFree(c);
}

/* What is cut off in the middle is no command and has no effect. */
static void half_a_command_at_the_end(void **state)
{
    (void)state;
    static const char text[] = "*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$5\r\nwhole\r\n"
                               "*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$100\r\nnever";
    redisContext *c = server_connect();
    assert_int_equal(send(c->fd, text, sizeof(text) - 1, MSG_NOSIGNAL), sizeof(text) - 1);
    send_and_shut(c);
    server_expect_ok(server_next(c));
    server_expect_end(c);
    redisFree(c);
    c = server_connect();
    server_expect_bytes(server_ask(c, "GET half"), "whole", 5);
    redisFree(c);
}

static void a_large_value_as_the_last_command(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    size_t len = 8 << 20;
    char *value = server_noise(len, 8);
    redisAppendCommand(c, "SET big %b", value, len);
    redisAppendCommand(c, "GET big");
    send_and_shut(c);
    server_expect_ok(server_next(c));
    server_expect_bytes(server_next(c), value, len);
    server_expect_end(c);
    free(value);
    redisFree(c);
}

static void many_at_once(void **state)
{
    (void)state;
    enum { PEOPLE = 200, EACH = 50 };
    redisContext *people[PEOPLE];
    for (int i = 0; i < PEOPLE; i++) people[i] = i % 2 ? server_connect() : server_connect_unix();
    for (int i = 0; i < PEOPLE; i++) {
        for (int n = 0; n < EACH; n++) redisAppendCommand(people[i], "INCR n:%d", i);
        send_and_shut(people[i]);
    }
    for (int i = 0; i < PEOPLE; i++) {
        for (int n = 1; n <= EACH; n++) server_expect_integer(server_next(people[i]), n);
        server_expect_end(people[i]);
        redisFree(people[i]);
    }
}

static void quit_and_what_comes_after_it(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    redisAppendCommand(c, "SET a 1");
    redisAppendCommand(c, "QUIT");
    redisAppendCommand(c, "SET a 2");
    send_and_shut(c);
    server_expect_ok(server_next(c));
    server_expect_ok(server_next(c));
    void *reply = NULL;
    assert_int_equal(redisGetReply(c, &reply), REDIS_ERR);
    redisFree(c);
    c = server_connect();
    server_expect_bytes(server_ask(c, "GET a"), "1", 1);
    redisFree(c);
}

/* A client that will never read: its commands still take effect, and its connection is gone soon.
 */
static void a_client_that_reads_no_reply(void **state)
{
    (void)state;
    redisContext *watcher = server_connect(), *c = server_connect();
    server_expect_text(server_ask(c, "PING"), REDIS_REPLY_STATUS, "PONG");
    long long before = server_info(watcher, "connected_clients");
    for (int i = 0; i < 1000; i++) redisAppendCommand(c, "INCR unread");
    assert_int_equal(shutdown(c->fd, SHUT_RD), 0);
    send_and_shut(c);
    server_await_connections(watcher, before - 1);
    server_expect_bytes(server_ask(watcher, "GET unread"), "1000", 4);
    redisFree(c);
    redisFree(watcher);
}

int main(int argc, char **argv)
{
    server_take_arguments(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(one_command, server_clear),
        cmocka_unit_test_teardown(a_deep_pipeline, server_clear),
        cmocka_unit_test_teardown(a_deep_pipeline_over_the_unix_socket, server_clear),
        cmocka_unit_test_teardown(no_command_at_all, server_clear),
        cmocka_unit_test_teardown(replies_that_wait_for_the_reader, server_clear),
        cmocka_unit_test_teardown(commands_that_wait_for_the_reader, server_clear),
        cmocka_unit_test_teardown(a_slow_command_in_flight, server_clear),
        cmocka_unit_test_teardown(half_a_command_at_the_end, server_clear),
        cmocka_unit_test_teardown(a_large_value_as_the_last_command, server_clear),
        cmocka_unit_test_teardown(many_at_once, server_clear),
        cmocka_unit_test_teardown(quit_and_what_comes_after_it, server_clear),
        cmocka_unit_test_teardown(a_client_that_reads_no_reply, server_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
