/*
 * Many connections at once, and connections that end at any moment: nobody gets what is meant for
 * somebody else, and the server is left with no trace of those that are gone.
 */
#include "hiredis/server.h"

enum { MANY = 1000 };

static void send_appended(redisContext *c)
{
    int done = 0;
    while (!done) assert_int_equal(redisBufferWrite(c, &done), REDIS_OK);
}

static void a_thousand_connections_and_their_own_replies(void **state)
{
    (void)state;
    static redisContext *people[MANY];
    for (int i = 0; i < MANY; i++) people[i] = i % 4 ? server_connect() : server_connect_unix();
    server_await_connections(people[0], MANY);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < MANY; i++) {
            redisAppendCommand(people[i], "ECHO person-%d-%d", i, round);
            redisAppendCommand(people[i], "INCR person:%d", i);
            send_appended(people[i]);
        }
        for (int i = MANY - 1; i >= 0; i--) {
            char text[32];
            int len = snprintf(text, sizeof(text), "person-%d-%d", i, round);
            server_expect_bytes(server_next(people[i]), text, (size_t)len);
            server_expect_integer(server_next(people[i]), round + 1);
        }
    }
    for (int i = 1; i < MANY; i++) redisFree(people[i]);
    server_await_connections(people[0], 1);
    redisFree(people[0]);
}

/* What belongs to a connection is its own: name, database, protocol of replies. */
static void the_state_of_a_connection_is_its_own(void **state)
{
    (void)state;
    enum { PEOPLE = 64 };
    redisContext *people[PEOPLE];
    for (int i = 0; i < PEOPLE; i++) {
        people[i] = server_connect();
        server_expect_ok(server_ask(people[i], "SELECT %d", i % 16));
        server_expect_ok(server_ask(people[i], "CLIENT SETNAME name-%d", i));
        server_expect_ok(server_ask(people[i], "SET where:%d db-%d", i, i % 16));
    }
    for (int i = 0; i < PEOPLE; i++) {
        char text[32];
        int len = snprintf(text, sizeof(text), "name-%d", i);
        server_expect_bytes(server_ask(people[i], "CLIENT GETNAME"), text, (size_t)len);
        len = snprintf(text, sizeof(text), "db-%d", i % 16);
        server_expect_bytes(server_ask(people[i], "GET where:%d", i), text, (size_t)len);
        server_expect_integer(server_ask(people[i], "DBSIZE"), PEOPLE / 16);
    }
    for (int i = 0; i < PEOPLE; i++) redisFree(people[i]);
}

/* A connection takes the place (fd, slot) of one that just ended: nothing of that one is left. */
static void a_place_taken_again_is_clean(void **state)
{
    (void)state;
    for (int i = 0; i < 500; i++) {
        redisContext *c = server_connect();
        redisReply *name = server_ask(c, "CLIENT GETNAME");
        assert_true(name->type == REDIS_REPLY_NIL || name->len == 0);
        freeReplyObject(name);
        server_expect_integer(server_ask(c, "EXISTS other-database"), 0);
        server_expect_ok(server_ask(c, "CLIENT SETNAME me-%d", i));
        server_expect_ok(server_ask(c, "SELECT 3"));
        server_expect_ok(server_ask(c, "SET other-database 1"));
        redisAppendCommand(c, "CLIENT REPLY OFF");
        redisAppendCommand(c, "PING");
        static const char half[] = "*2\r\n$3\r\nGET\r\n$10\r\nhal";
        send_appended(c);
        send(c->fd, half, sizeof(half) - 1, MSG_NOSIGNAL);
        redisFree(c);
    }
}

/* Closing with unread bytes in the socket, or with SO_LINGER 0, resets the connection. */
static void close_somehow(redisContext *c, uint64_t how)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    if (how % 3 == 0) setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    if (how % 3 == 1) shutdown(c->fd, SHUT_WR);
    redisFree(c);
}

/* One round: people come, send pipelines of all kinds, and most go before they have their replies.
 */
static void come_and_go(uint64_t *pick, int round)
{
    enum { PEOPLE = 40 };
    redisContext *people[PEOPLE];
    for (int i = 0; i < PEOPLE; i++) {
        people[i] = check_random(pick) % 4 ? server_connect() : server_connect_unix();
        uint64_t depth = check_random(pick) % 200;
        for (uint64_t n = 0; n < depth; n++)
            redisAppendCommand(people[i], n % 8 ? "INCR churn:%d" : "GET large", i);
        send_appended(people[i]);
        uint64_t cut = check_random(pick) % 24;
        if (check_random(pick) % 2)
            send(people[i]->fd, "*2\r\n$3\r\nGET\r\n$5\r\nlarge", cut, MSG_NOSIGNAL);
        if (check_random(pick) % 2) {
            close_somehow(people[i], check_random(pick));
            people[i] = NULL;
        }
    }
    for (int i = 0; i < PEOPLE; i++)
        if (people[i]) close_somehow(people[i], (uint64_t)(i + round));
}

static void connections_that_end_with_replies_in_flight(void **state)
{
    (void)state;
    redisContext *stays = server_connect();
    size_t len = 20000;
    char *large = server_noise(len, 20);
    server_expect_ok(server_ask(stays, "SET large %b", large, len));
    uint64_t pick = 0x5eed;
    for (int round = 0; round < 25; round++) {
        for (int n = 0; n < 20; n++) redisAppendCommand(stays, n % 2 ? "GET large" : "INCR stays");
        send_appended(stays);
        come_and_go(&pick, round);
        for (int n = 0; n < 20; n++) {
            if (n % 2)
                server_expect_bytes(server_next(stays), large, len);
            else
                server_expect_integer(server_next(stays), round * 10 + n / 2 + 1);
        }
    }
    server_await_connections(stays, 1);
    free(large);
    redisFree(stays);
}

/* The victim's replies arrive whole up to the end that CLIENT KILL makes, however it falls. */
static void connections_killed_with_replies_in_flight(void **state)
{
    (void)state;
    redisContext *killer = server_connect();
    for (int i = 0; i < 100; i++) {
        redisContext *victim = server_connect();
        redisReply *id = server_ask(victim, "CLIENT ID");
        for (int n = 0; n < 300; n++) redisAppendCommand(victim, "INCR victim:%d", i);
        send_appended(victim);
        server_expect_integer(server_ask(killer, "CLIENT KILL ID %lld", id->integer), 1);
        freeReplyObject(id);
        void *reply = NULL;
        long long got = 0;
        while (redisGetReply(victim, &reply) == REDIS_OK) server_expect_integer(reply, ++got);
        if (victim->err != REDIS_ERR_EOF && victim->err != REDIS_ERR_IO)
            fail_msg("the end came as error %d: %s", victim->err, victim->errstr);
        assert_true(got <= 300);
        redisFree(victim);
    }
    server_await_connections(killer, 1);
    redisFree(killer);
}

int main(int argc, char **argv)
{
    server_take_arguments(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_thousand_connections_and_their_own_replies, server_clear),
        cmocka_unit_test_teardown(the_state_of_a_connection_is_its_own, server_clear),
        cmocka_unit_test_teardown(a_place_taken_again_is_clean, server_clear),
        cmocka_unit_test_teardown(connections_that_end_with_replies_in_flight, server_clear),
        cmocka_unit_test_teardown(connections_killed_with_replies_in_flight, server_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
