/*
 * The unix socket: a connection like any other, told apart only by how CLIENT and INFO name it.
 */
#include "hiredis/server.h"

#include <sys/stat.h>

static void it_is_a_socket_of_the_file_system(void **state)
{
    (void)state;
    struct stat about;
    assert_int_equal(stat(server_place.path, &about), 0);
    assert_true(S_ISSOCK(about.st_mode));
}

static void a_deep_pipeline(void **state)
{
    (void)state;
    redisContext *c = server_connect_unix();
    for (int i = 0; i < 50000; i++) redisAppendCommand(c, "INCR n");
    for (int i = 1; i <= 50000; i++) server_expect_integer(server_next(c), i);
    redisFree(c);
}

static void a_value_of_64_mb(void **state)
{
    (void)state;
    redisContext *c = server_connect_unix();
    size_t len = 64 << 20;
    char *value = server_noise(len, 40);
    server_expect_ok(server_ask(c, "SET big %b", value, len));
    server_expect_bytes(server_ask(c, "GET big"), value, len);
    free(value);
    redisFree(c);
}

static void expect_part(redisReply *reply, const char *part)
{
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    if (strstr(reply->str, part) == NULL) fail_msg("'%s' is not in: %s", part, reply->str);
    freeReplyObject(reply);
}

static void client_info_names_the_socket(void **state)
{
    (void)state;
    redisContext *c = server_connect_unix(), *tcp = server_connect();
    char text[512];
    snprintf(text, sizeof(text), " addr=%s:0 laddr=%s:0 ", server_place.path, server_place.path);
    expect_part(server_ask(c, "CLIENT INFO"), text);
    expect_part(server_ask(c, "CLIENT INFO"), " flags=U ");
    expect_part(server_ask(tcp, "CLIENT LIST"), text);
    expect_part(server_ask(tcp, "CLIENT INFO"), " flags=N ");
    snprintf(text, sizeof(text), "CLIENT KILL ADDR %s:0 LADDR %s:0", server_place.path,
             server_place.path);
    server_expect_integer(server_ask(tcp, text), 1);
    server_expect_end(c);
    redisFree(c);
    redisFree(tcp);
}

static void many_come_and_go(void **state)
{
    (void)state;
    enum { PEOPLE = 200 };
    redisContext *people[PEOPLE];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < PEOPLE; i++) people[i] = server_connect_unix();
        for (int i = 0; i < PEOPLE; i++)
            server_expect_integer(server_ask(people[i], "INCR n"), round * PEOPLE + i + 1);
        for (int i = 0; i < PEOPLE; i++) redisFree(people[i]);
    }
    redisContext *c = server_connect_unix();
    server_await_connections(c, 1);
    redisFree(c);
}

int main(int argc, char **argv)
{
    server_take_arguments(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(it_is_a_socket_of_the_file_system, server_clear),
        cmocka_unit_test_teardown(a_deep_pipeline, server_clear),
        cmocka_unit_test_teardown(a_value_of_64_mb, server_clear),
        cmocka_unit_test_teardown(client_info_names_the_socket, server_clear),
        cmocka_unit_test_teardown(many_come_and_go, server_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
