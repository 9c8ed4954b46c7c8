/*
 * Pipelines over one blocking connection: however deep they are and however their bytes are cut,
 * each command has its reply, in the order of the commands.
 */
#include "hiredis/server.h"

enum { DEEP = 100000 };

static void appended_commands_are_answered_in_order(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    for (int i = 0; i < 1000; i++) {
        redisAppendCommand(c, "SET key:%d value-%d", i, i);
        redisAppendCommand(c, "APPEND key:%d !", i);
        redisAppendCommand(c, "GET key:%d", i);
        redisAppendCommand(c, "STRLEN key:%d", i);
    }
    for (int i = 0; i < 1000; i++) {
        char value[32];
        int len = snprintf(value, sizeof(value), "value-%d!", i);
        server_expect_ok(server_next(c));
        server_expect_integer(server_next(c), len);
        server_expect_bytes(server_next(c), value, (size_t)len);
        server_expect_integer(server_next(c), len);
    }
    redisFree(c);
}

static void a_hundred_thousand_commands_in_one_pipeline(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    for (int i = 0; i < DEEP; i++) redisAppendCommand(c, "INCR counter");
    for (int i = 1; i <= DEEP; i++) server_expect_integer(server_next(c), i);
    server_expect_bytes(server_ask(c, "GET counter"), "100000", 6);
    redisFree(c);
}

/* The client writes all its commands before it reads one reply, as every blocking client does: the
 * replies, far larger than all socket buffers, must not keep the server from reading. */
static void replies_larger_than_every_buffer(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    size_t len = 1024;
    char *value = server_noise(len, 1);
    server_expect_ok(server_ask(c, "SET key %b", value, len));
    for (int i = 0; i < DEEP; i++) redisAppendCommand(c, "GET key");
    for (int i = 0; i < DEEP; i++) server_expect_bytes(server_next(c), value, len);
    free(value);
    redisFree(c);
}

static void commands_larger_than_every_buffer(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    size_t len = 4096;
    char *value = server_noise(len, 2);
    for (int i = 0; i < 10000; i++) redisAppendCommand(c, "SET key:%d %b", i % 100, value, len);
    for (int i = 0; i < 10000; i++) server_expect_ok(server_next(c));
    for (int i = 0; i < 100; i++) redisAppendCommand(c, "GET key:%d", i);
    for (int i = 0; i < 100; i++) server_expect_bytes(server_next(c), value, len);
    server_expect_integer(server_ask(c, "DBSIZE"), 100);
    free(value);
    redisFree(c);
}

static void an_error_does_not_end_the_pipeline(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    for (int i = 0; i < 500; i++) {
        redisAppendCommand(c, "SET number %d", i);
        redisAppendCommand(c, "NO-SUCH-COMMAND a b");
        redisAppendCommand(c, "GET");
        redisAppendCommand(c, "INCRBY number abc");
        redisAppendCommand(c, "SET number 1 EX 0");
        redisAppendCommand(c, "INCR number");
    }
    for (int i = 0; i < 500; i++) {
        int error = REDIS_REPLY_ERROR;
        server_expect_ok(server_next(c));
        server_expect_text(server_next(c), error, "ERR unknown command 'NO-SUCH-COMMAND'");
        server_expect_text(server_next(c), error,
                           "ERR wrong number of arguments for 'get' command");
        server_expect_text(server_next(c), error, "ERR value is not an integer or out of range");
        server_expect_text(server_next(c), error, "ERR invalid expire time in 'set' command");
        server_expect_integer(server_next(c), i + 1);
    }
    redisFree(c);
}

static void send_all(redisContext *c, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(c->fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0) fail_msg("send: errno %d", errno);
        bytes += sent;
        len -= (size_t)sent;
    }
}

/* Each send is a packet of its own (TCP_NODELAY is hiredis's default). */
static void commands_cut_anywhere(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    char *set, *get;
    int set_len = redisFormatCommand(&set, "SET cut %b", "a\r\n\0*$b", (size_t)8);
    int get_len = redisFormatCommand(&get, "GET cut");
    size_t len = (size_t)(set_len + get_len);
    char *both = malloc(len);
    assert_non_null(both);
    memcpy(both, set, (size_t)set_len);
    memcpy(both + set_len, get, (size_t)get_len);
    for (size_t cut = 1; cut < len; cut++) {
        send_all(c, both, cut);
        send_all(c, both + cut, len - cut);
        server_expect_ok(server_next(c));
        server_expect_bytes(server_next(c), "a\r\n\0*$b", 8);
    }
    for (size_t i = 0; i < len; i++) send_all(c, both + i, 1);
    server_expect_ok(server_next(c));
    server_expect_bytes(server_next(c), "a\r\n\0*$b", 8);
    free(both);
    redisFreeCommand(set);
    redisFreeCommand(get);
    redisFree(c);
}

static void inline_commands_between_others(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    static const char text[] =
        "PING\r\nSET a \"x y\"\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n\r\n  \r\nGET a\n"
        "*0\r\n*-1\r\n*1\r\n$4\r\nPING\r\n";
    for (int i = 0; i < 200; i++) send_all(c, text, sizeof(text) - 1);
    for (int i = 0; i < 200; i++) {
        server_expect_text(server_next(c), REDIS_REPLY_STATUS, "PONG");
        server_expect_ok(server_next(c));
        server_expect_bytes(server_next(c), "x y", 3);
        server_expect_bytes(server_next(c), "x y", 3);
        server_expect_text(server_next(c), REDIS_REPLY_STATUS, "PONG");
    }
    redisFree(c);
}

static void replies_before_a_protocol_error(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    static const char set[] = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
    for (int i = 0; i < 1000; i++) send_all(c, set, sizeof(set) - 1);
    send_all(c, "*1\r\nPING\r\n", 10);
    for (int i = 0; i < 1000; i++) server_expect_ok(server_next(c));
    server_expect_text(server_next(c), REDIS_REPLY_ERROR,
                       "ERR Protocol error: expected '$', got 'P'");
    server_expect_end(c);
    redisFree(c);
}

static void the_database_changes_within_a_pipeline(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    for (int i = 0; i < 1600; i++) {
        redisAppendCommand(c, "SELECT %d", i % 16);
        redisAppendCommand(c, "INCR here");
    }
    for (int i = 0; i < 1600; i++) {
        server_expect_ok(server_next(c));
        server_expect_integer(server_next(c), i / 16 + 1);
    }
    redisFree(c);
}

static void silenced_replies_leave_no_gap(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    for (int i = 0; i < 300; i++) {
        redisAppendCommand(c, "CLIENT REPLY SKIP");
        redisAppendCommand(c, "INCR silent");
        redisAppendCommand(c, "ECHO %d", i);
        redisAppendCommand(c, "CLIENT REPLY OFF");
        redisAppendCommand(c, "INCR silent");
        redisAppendCommand(c, "CLIENT REPLY ON");
    }
    for (int i = 0; i < 300; i++) {
        char text[16];
        int len = snprintf(text, sizeof(text), "%d", i);
        server_expect_bytes(server_next(c), text, (size_t)len);
        server_expect_ok(server_next(c));
    }
    server_expect_bytes(server_ask(c, "GET silent"), "600", 3);
    redisFree(c);
}

int main(int argc, char **argv)
{
    server_take_arguments(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(appended_commands_are_answered_in_order, server_clear),
        cmocka_unit_test_teardown(a_hundred_thousand_commands_in_one_pipeline, server_clear),
        cmocka_unit_test_teardown(replies_larger_than_every_buffer, server_clear),
        cmocka_unit_test_teardown(commands_larger_than_every_buffer, server_clear),
        cmocka_unit_test_teardown(an_error_does_not_end_the_pipeline, server_clear),
        cmocka_unit_test_teardown(commands_cut_anywhere, server_clear),
        cmocka_unit_test_teardown(inline_commands_between_others, server_clear),
        cmocka_unit_test_teardown(replies_before_a_protocol_error, server_clear),
        cmocka_unit_test_teardown(the_database_changes_within_a_pipeline, server_clear),
        cmocka_unit_test_teardown(silenced_replies_leave_no_gap, server_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
