/*
 * Values of every length and of any bytes: what went in comes out.
 */
#include "hiredis/server.h"

enum { MB = 1 << 20 };

static void set_and_get(redisContext *c, size_t len, uint64_t seed)
{
    char *value = server_noise(len, seed);
    server_expect_ok(server_ask(c, "SET value %b", value, len));
    server_expect_integer(server_ask(c, "STRLEN value"), (long long)len);
    server_expect_bytes(server_ask(c, "GET value"), value, len);
    free(value);
}

static void a_value_of_1_mb(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    set_and_get(c, MB, 1);
    redisFree(c);
}

static void a_value_of_64_mb(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    set_and_get(c, 64 * MB, 2);
    redisFree(c);
}

static void large_values_in_a_pipeline(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    char *values[16];
    for (int i = 0; i < 16; i++) {
        values[i] = server_noise(MB, (uint64_t)i);
        redisAppendCommand(c, "SET big:%d %b", i, values[i], (size_t)MB);
        redisAppendCommand(c, "GET big:%d", i);
    }
    for (int i = 0; i < 16; i++) {
        server_expect_ok(server_next(c));
        server_expect_bytes(server_next(c), values[i], MB);
        free(values[i]);
    }
    redisFree(c);
}

/* A value is replaced while replies that carry its bytes are still on their way. */
static void a_value_that_changes_while_it_is_sent(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    char *first = server_noise(4 * MB, 3), *second = server_noise(4 * MB, 4);
    redisAppendCommand(c, "SET big %b", first, (size_t)4 * MB);
    for (int i = 0; i < 4; i++) redisAppendCommand(c, "GET big");
    redisAppendCommand(c, "SETRANGE big 10 0123456789");
    redisAppendCommand(c, "GET big");
    redisAppendCommand(c, "SET big %b", second, (size_t)4 * MB);
    redisAppendCommand(c, "GET big");
    redisAppendCommand(c, "DEL big");
    redisAppendCommand(c, "GET big");
    server_expect_ok(server_next(c));
    for (int i = 0; i < 4; i++) server_expect_bytes(server_next(c), first, 4 * MB);
    memcpy(first + 10, "0123456789", 10);
    server_expect_integer(server_next(c), 4 * MB);
    server_expect_bytes(server_next(c), first, 4 * MB);
    server_expect_ok(server_next(c));
    server_expect_bytes(server_next(c), second, 4 * MB);
    server_expect_integer(server_next(c), 1);
    redisReply *none = server_next(c);
    assert_int_equal(none->type, REDIS_REPLY_NIL);
    freeReplyObject(none);
    free(first);
    free(second);
    redisFree(c);
}

static void every_length_around_a_power_of_two(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    char *value = server_noise(MB + 3, 9);
    for (size_t power = 1; power <= MB; power *= 2) {
        for (size_t len = power > 3 ? power - 3 : 0; len <= power + 3; len++) {
            redisAppendCommand(c, "SET %b %b", value, power < 5000 ? len : 4, value, len);
            redisAppendCommand(c, "GET %b", value, power < 5000 ? len : 4);
            server_expect_ok(server_next(c));
            server_expect_bytes(server_next(c), value, len);
        }
    }
    free(value);
    redisFree(c);
}

static void every_byte_in_keys_and_values(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    unsigned char all[256];
    for (int i = 0; i < 256; i++) all[i] = (unsigned char)i;
    for (size_t i = 0; i < 256; i++) {
        redisAppendCommand(c, "SET %b %b", all + i, (size_t)1, all, i);
        redisAppendCommand(c, "APPEND %b %b", all + i, (size_t)1, all + i, 256 - i);
    }
    for (size_t i = 0; i < 256; i++) {
        server_expect_ok(server_next(c));
        server_expect_integer(server_next(c), 256);
    }
    server_expect_integer(server_ask(c, "DBSIZE"), 256);
    for (size_t i = 0; i < 256; i++)
        server_expect_bytes(server_ask(c, "GET %b", all + i, (size_t)1), all, 256);
    server_expect_bytes(server_ask(c, "ECHO %b", all, sizeof(all)), all, sizeof(all));
    redisFree(c);
}

static void bytes_that_look_like_the_protocol(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        {"", 0},
        {"\r\n", 2},
        {"\0", 1},
        {"\0\0\0\r\n", 5},
        {"$3\r\nGET\r\n", 9},
        {"*1\r\n$4\r\nPING\r\n", 14},
        {"+OK\r\n-ERR\r\n:1\r\n", 15},
        {"a\r", 2},
        {"\n", 1},
        {"\xff\xfe\x80\xc3\x28", 5},
        {"\"quoted\\\" 'words'", 17},
    };
    redisContext *c = server_connect();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *bytes = rows[i].bytes;
        size_t len = rows[i].len;
        server_expect_ok(server_ask(c, "SET %b %b", bytes, len, bytes, len));
        server_expect_bytes(server_ask(c, "GET %b", bytes, len), bytes, len);
        server_expect_bytes(server_ask(c, "GETSET %b x", bytes, len), bytes, len);
        server_expect_ok(server_ask(c, "MSET %b %b", bytes, len, bytes, len));
        server_expect_bytes(server_ask(c, "GETDEL %b", bytes, len), bytes, len);
    }
    redisFree(c);
}

static void parts_of_large_values(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    size_t len = 2 * MB;
    char *value = server_noise(len, 12);
    for (size_t at = 0; at < len; at += len / 8)
        redisAppendCommand(c, "APPEND parts %b", value + at, len / 8);
    for (size_t at = len / 8; at <= len; at += len / 8)
        server_expect_integer(server_next(c), (long long)at);
    uint64_t pick = 7;
    for (int i = 0; i < 200; i++) {
        size_t from = check_random(&pick) % len, count = check_random(&pick) % (len - from) + 1;
        redisReply *part = server_ask(c, "GETRANGE parts %lld %lld", (long long)from,
                                      (long long)(from + count - 1));
        server_expect_bytes(part, value + from, count);
        memset(value + from, i, count / 100);
        server_expect_integer(
            server_ask(c, "SETRANGE parts %lld %b", (long long)from, value + from, count / 100),
            (long long)len);
    }
    server_expect_bytes(server_ask(c, "GET parts"), value, len);
    free(value);
    redisFree(c);
}

static void a_command_of_a_hundred_thousand_arguments(void **state)
{
    (void)state;
    enum { PAIRS = 50000, WORDS = 2 * PAIRS + 1, WORD = 12 };
    redisContext *c = server_connect();
    static char text[WORDS][WORD];
    static const char *argv[WORDS];
    for (int i = 0; i < WORDS; i++) {
        snprintf(text[i], WORD, i % 2 ? "k%d" : "v%d", (i - 1) / 2 % PAIRS);
        argv[i] = text[i];
    }
    argv[0] = "MSET";
    redisReply *reply = redisCommandArgv(c, WORDS, argv, NULL);
    assert_non_null(reply);
    server_expect_ok(reply);
    server_expect_integer(server_ask(c, "DBSIZE"), PAIRS);
    for (int i = 0; i < PAIRS; i++) argv[i + 1] = text[2 * i + 1];
    argv[0] = "MGET";
    reply = redisCommandArgv(c, PAIRS + 1, argv, NULL);
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_ARRAY);
    assert_int_equal(reply->elements, PAIRS);
    for (size_t i = 0; i < PAIRS; i++) assert_string_equal(reply->element[i]->str, text[2 * i + 2]);
    freeReplyObject(reply);
    redisFree(c);
}

int main(int argc, char **argv)
{
    server_take_arguments(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_value_of_1_mb, server_clear),
        cmocka_unit_test_teardown(a_value_of_64_mb, server_clear),
        cmocka_unit_test_teardown(large_values_in_a_pipeline, server_clear),
        cmocka_unit_test_teardown(a_value_that_changes_while_it_is_sent, server_clear),
        cmocka_unit_test_teardown(every_length_around_a_power_of_two, server_clear),
        cmocka_unit_test_teardown(every_byte_in_keys_and_values, server_clear),
        cmocka_unit_test_teardown(bytes_that_look_like_the_protocol, server_clear),
        cmocka_unit_test_teardown(parts_of_large_values, server_clear),
        cmocka_unit_test_teardown(a_command_of_a_hundred_thousand_arguments, server_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
