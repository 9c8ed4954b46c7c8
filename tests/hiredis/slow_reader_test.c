/*
 * Clients that read slowly, late or never: others are served meanwhile, the slow one gets all that
 * it is owed unless an output limit cuts it, and what it held is given back.
 */
#include "hiredis/server.h"

static const size_t large = 1 << 20;

static void send_appended(redisContext *c)
{
    int done = 0;
    while (!done) assert_int_equal(redisBufferWrite(c, &done), REDIS_OK);
}

/* So little room at the receiving end that the server has to keep the replies. The server knows it
 * already: what is counted later is counted with it. */
static redisContext *connect_narrow(void)
{
    redisContext *c = server_connect();
    int room = 1 << 16;
    assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
    server_expect_text(server_ask(c, "PING"), REDIS_REPLY_STATUS, "PONG");
    return c;
}

static void a_reader_that_comes_late(void **state)
{
    (void)state;
    redisContext *slow = connect_narrow(), *other = server_connect();
    char *value = server_noise(large, 30);
    server_expect_ok(server_ask(other, "SET large %b", value, large));
    for (int i = 0; i < 32; i++) redisAppendCommand(slow, "GET large");
    send_appended(slow);
    for (int i = 1; i <= 2000; i++) server_expect_integer(server_ask(other, "INCR n"), i);
    server_expect_integer(server_ask(other, "DEL large"), 1);
    /* The keeper of those replies may have been held back, so that later ones see no value. */
    for (int i = 0; i < 32; i++) {
        redisReply *reply = server_next(slow);
        if (reply->type == REDIS_REPLY_NIL)
            freeReplyObject(reply);
        else
            server_expect_bytes(reply, value, large);
    }
    server_expect_text(server_ask(slow, "PING"), REDIS_REPLY_STATUS, "PONG");
    free(value);
    redisFree(slow);
    redisFree(other);
}

/* Takes 16 KB at a time with pauses, while somebody else goes on with work of his own. */
static void a_reader_that_takes_sips(void **state)
{
    (void)state;
    redisContext *slow = connect_narrow(), *other = server_connect();
    char *value = server_noise(large, 31);
    server_expect_ok(server_ask(other, "SET large %b", value, large));
    for (int i = 0; i < 4; i++) redisAppendCommand(slow, "GET large");
    send_appended(slow);
    int replies = 0, sips = 0;
    while (replies < 4) {
        if (redisBufferRead(slow) != REDIS_OK)
            fail_msg("after %d replies: %s", replies, slow->errstr);
        void *reply = NULL;
        while (redisGetReplyFromReader(slow, &reply) == REDIS_OK && reply) {
            server_expect_bytes(reply, value, large);
            replies++;
            reply = NULL;
        }
        if (++sips % 8 == 0) {
            server_pause_ms(1);
            server_expect_integer(server_ask(other, "INCR n"), sips / 8);
        }
    }
    free(value);
    redisFree(slow);
    redisFree(other);
}

static void readers_that_never_come(void **state)
{
    (void)state;
    enum { PEOPLE = 20 };
    redisContext *people[PEOPLE], *other = server_connect();
    char *value = server_noise(large, 32);
    server_expect_ok(server_ask(other, "SET large %b", value, large));
    for (int i = 0; i < PEOPLE; i++) {
        people[i] = connect_narrow();
        for (int n = 0; n < 8; n++) redisAppendCommand(people[i], "GET large");
        send_appended(people[i]);
    }
    for (int i = 1; i <= 500; i++) server_expect_integer(server_ask(other, "INCR n"), i);
    for (int i = 0; i < PEOPLE; i++) redisFree(people[i]);
    server_await_connections(other, 1);
    server_expect_bytes(server_ask(other, "GET large"), value, large);
    free(value);
    redisFree(other);
}

/* Twenty megabytes of replies against a limit of two: cut, and nobody else is. */
static void a_reader_over_the_output_limit(void **state)
{
    (void)state;
    redisContext *slow = connect_narrow(), *other = server_connect();
    size_t len = 100000;
    char *value = server_noise(len, 33);
    const char *limit = "CONFIG SET client-output-buffer-limit %s";
    server_expect_ok(server_ask(other, "SET value %b", value, len));
    server_expect_ok(server_ask(other, limit, "normal 2mb 0 0"));
    for (int i = 0; i < 200; i++) redisAppendCommand(slow, "GET value");
    send_appended(slow);
    server_await_connections(other, 1);
    int got = 0;
    void *reply = NULL;
    while (redisGetReply(slow, &reply) == REDIS_OK) {
        server_expect_bytes(reply, value, len);
        got++;
    }
    assert_true(got < 200);
    server_expect_ok(server_ask(other, limit, "normal 0 0 0"));
    server_expect_bytes(server_ask(other, "GET value"), value, len);
    free(value);
    redisFree(slow);
    redisFree(other);
}

int main(int argc, char **argv)
{
    server_take_arguments(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_reader_that_comes_late, server_clear),
        cmocka_unit_test_teardown(a_reader_that_takes_sips, server_clear),
        cmocka_unit_test_teardown(readers_that_never_come, server_clear),
        cmocka_unit_test_teardown(a_reader_over_the_output_limit, server_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
