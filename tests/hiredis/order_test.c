/*
 * The order of replies and effects when fast and slow commands meet: within a connection that of
 * its commands, between connections one order that everybody sees.
 */
#include "hiredis/server.h"

static void fast_commands_wait_for_slow_ones_before_them(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    size_t big = 1 << 20;
    char *noise = server_noise(big, 3);
    server_expect_ok(server_ask(c, "SET big %b", noise, big));
    server_expect_ok(server_ask(c, "SET text %b", noise, (size_t)600));
    free(noise);
    for (int i = 0; i < 20; i++) {
        redisAppendCommand(c, "SET step %d", i);
        redisAppendCommand(c, "DEBUG SLEEP 0.01");
        redisAppendCommand(c, "GET step");
        redisAppendCommand(c, "BITCOUNT big");
        redisAppendCommand(c, "ECHO after-%d", i);
        redisAppendCommand(c, "LCS text text LEN");
        redisAppendCommand(c, "INCR step");
        redisAppendCommand(c, "GETRANGE big 0 0");
    }
    long long bits = -1;
    for (int i = 0; i < 20; i++) {
        char text[32];
        server_expect_ok(server_next(c));
        server_expect_ok(server_next(c));
        int len = snprintf(text, sizeof(text), "%d", i);
        server_expect_bytes(server_next(c), text, (size_t)len);
        redisReply *count = server_next(c);
        assert_int_equal(count->type, REDIS_REPLY_INTEGER);
        if (bits == -1) bits = count->integer;
        server_expect_integer(count, bits);
        len = snprintf(text, sizeof(text), "after-%d", i);
        server_expect_bytes(server_next(c), text, (size_t)len);
        server_expect_integer(server_next(c), 600);
        server_expect_integer(server_next(c), i + 1);
        redisReply *first = server_next(c);
        assert_int_equal(first->len, 1);
        freeReplyObject(first);
    }
    redisFree(c);
}

/* What was answered to one connection is seen by every other one from then on. */
static void an_answered_write_is_seen_by_others(void **state)
{
    (void)state;
    redisContext *a = server_connect(), *b = server_connect_unix();
    for (int i = 0; i < 1000; i++) {
        server_expect_ok(server_ask(a, "SET shared %d", i));
        char text[16];
        int len = snprintf(text, sizeof(text), "%d", i);
        server_expect_bytes(server_ask(b, "GET shared"), text, (size_t)len);
        server_expect_integer(server_ask(b, "DEL shared"), 1);
        server_expect_integer(server_ask(a, "EXISTS shared"), 0);
    }
    redisFree(a);
    redisFree(b);
}

/* Each number is given once, and every connection sees its own ones rise. */
static void one_counter_and_many_pipelines(void **state)
{
    (void)state;
    enum { PEOPLE = 50, EACH = 200 };
    redisContext *people[PEOPLE];
    bool given[PEOPLE * EACH + 1] = {false};
    for (int i = 0; i < PEOPLE; i++) people[i] = server_connect();
    for (int i = 0; i < PEOPLE; i++) {
        for (int n = 0; n < EACH; n++) redisAppendCommand(people[i], "INCR counter");
        int done = 0;
        while (!done) assert_int_equal(redisBufferWrite(people[i], &done), REDIS_OK);
    }
    for (int i = 0; i < PEOPLE; i++) {
        long long last = 0;
        for (int n = 0; n < EACH; n++) {
            redisReply *reply = server_next(people[i]);
            assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
            assert_true(reply->integer > last && reply->integer <= PEOPLE * EACH);
            assert_false(given[reply->integer]);
            given[reply->integer] = true;
            last = reply->integer;
            freeReplyObject(reply);
        }
        redisFree(people[i]);
    }
}

/* A pipeline with a slow command in it must not mix up those of others that wait meanwhile. */
static void a_slow_command_of_one_holds_nobody_out_of_order(void **state)
{
    (void)state;
    enum { PEOPLE = 20, EACH = 50 };
    redisContext *slow = server_connect(), *people[PEOPLE];
    for (int i = 0; i < PEOPLE; i++) people[i] = server_connect();
    redisAppendCommand(slow, "DEBUG SLEEP 0.2");
    redisAppendCommand(slow, "SET turn slow");
    redisAppendCommand(slow, "GET turn");
    int done = 0;
    while (!done) assert_int_equal(redisBufferWrite(slow, &done), REDIS_OK);
    for (int i = 0; i < PEOPLE; i++) {
        for (int n = 0; n < EACH; n++) {
            redisAppendCommand(people[i], "SET p:%d %d", i, n);
            redisAppendCommand(people[i], "GET p:%d", i);
        }
        done = 0;
        while (!done) assert_int_equal(redisBufferWrite(people[i], &done), REDIS_OK);
    }
    for (int i = 0; i < PEOPLE; i++) {
        for (int n = 0; n < EACH; n++) {
            char text[16];
            int len = snprintf(text, sizeof(text), "%d", n);
            server_expect_ok(server_next(people[i]));
            server_expect_bytes(server_next(people[i]), text, (size_t)len);
        }
        redisFree(people[i]);
    }
    server_expect_ok(server_next(slow));
    server_expect_ok(server_next(slow));
    server_expect_bytes(server_next(slow), "slow", 4);
    redisFree(slow);
}

/* Replies of all sizes take different ways through the server: copied, shared, lent. */
static void replies_of_all_sizes_keep_their_order(void **state)
{
    (void)state;
    static const size_t sizes[] = {0,     1,     11,    63,    64,    300,   4000,
                                   16383, 16384, 32767, 32768, 40000, 200000};
    enum { COUNT = sizeof(sizes) / sizeof(sizes[0]), ROUNDS = 300 };
    redisContext *c = server_connect();
    char *values[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = server_noise(sizes[i], i + 10);
        server_expect_ok(server_ask(c, "SET v:%d %b", (int)i, values[i], sizes[i]));
    }
    uint64_t pick = 99, again = 99;
    for (int i = 0; i < ROUNDS; i++) {
        redisAppendCommand(c, "GET v:%d", (int)(check_random(&pick) % COUNT));
        redisAppendCommand(c, "INCR between");
    }
    for (int i = 0; i < ROUNDS; i++) {
        size_t n = check_random(&again) % COUNT;
        server_expect_bytes(server_next(c), values[n], sizes[n]);
        server_expect_integer(server_next(c), i + 1);
    }
    for (size_t i = 0; i < COUNT; i++) free(values[i]);
    redisFree(c);
}

int main(int argc, char **argv)
{
    server_take_arguments(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(fast_commands_wait_for_slow_ones_before_them, server_clear),
        cmocka_unit_test_teardown(an_answered_write_is_seen_by_others, server_clear),
        cmocka_unit_test_teardown(one_counter_and_many_pipelines, server_clear),
        cmocka_unit_test_teardown(a_slow_command_of_one_holds_nobody_out_of_order, server_clear),
        cmocka_unit_test_teardown(replies_of_all_sizes_keep_their_order, server_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
