/*
 * The server under test as the programs of this folder see it. utils/run-hiredis starts it and
 * calls each of them as `PROGRAM PORT UNIX_SOCKET`; many programs meet the same server one after
 * another, so each test leaves no keys, no connections and no changed configuration behind.
 *
 * Whatever waits here gives up after SERVER_PATIENCE_S seconds and fails its test: a lost reply
 * shows as a failure and never as a program that hangs.
 */
#ifndef HIREDIS_SERVER_H
#define HIREDIS_SERVER_H

#include "unit/check.h"

#include <hiredis/hiredis.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SERVER_PATIENCE_S = 60 };

static struct {
    int port;
    const char *path;
} server_place;

/* To be called first by every main(). */
static inline void server_take_arguments(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s PORT UNIX_SOCKET\n", argv[0]);
        exit(2);
    }
    server_place.port = (int)strtol(argv[1], NULL, 10);
    server_place.path = argv[2];
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static inline redisContext *server_checked(redisContext *c)
{
    assert_non_null(c);
    if (c->err) fail_msg("connect: %s", c->errstr);
    redisSetTimeout(c, (struct timeval){.tv_sec = SERVER_PATIENCE_S});
    return c;
}

/* Both give a connection, which the caller ends with redisFree(). */
static inline redisContext *server_connect(void)
{
    return server_checked(redisConnect("127.0.0.1", server_place.port));
}

static inline redisContext *server_connect_unix(void)
{
    return server_checked(redisConnectUnix(server_place.path));
}

/* The next reply in the order of the commands; the caller frees it. */
static inline redisReply *server_next(redisContext *c)
{
    void *reply = NULL;
    if (redisGetReply(c, &reply) != REDIS_OK) fail_msg("no reply: %s", c->errstr);
    assert_non_null(reply);
    return reply;
}

/* One command and its reply, which the caller frees. Formats are those of redisCommand. */
static inline redisReply *server_ask(redisContext *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = redisvCommand(c, format, args);
    va_end(args);
    if (reply == NULL) fail_msg("no reply to '%s': %s", format, c->errstr);
    return reply;
}

/* The three below take the reply and free it. */
static inline void server_expect_integer(redisReply *reply, long long wanted)
{
    if (reply->type != REDIS_REPLY_INTEGER || reply->integer != wanted) {
        fail_msg("wanted integer %lld, got type %d, %lld, '%s'", wanted, reply->type,
                 reply->integer, reply->str ? reply->str : "");
    }
    freeReplyObject(reply);
}

static inline void server_expect_bytes(redisReply *reply, const void *bytes, size_t len)
{
    if (reply->type != REDIS_REPLY_STRING || reply->len != len) {
        fail_msg("wanted %zu bytes, got type %d, %zu bytes '%.100s'", len, reply->type,
                 (size_t)reply->len, reply->str ? reply->str : "");
    }
    if (memcmp(reply->str, bytes, len) != 0) fail_msg("%zu bytes, but not those that went in", len);
    freeReplyObject(reply);
}

/* A status such as +OK, or an error that begins with these words. */
static inline void server_expect_text(redisReply *reply, int type, const char *start)
{
    if (reply->type != type || strncmp(reply->str, start, strlen(start)) != 0) {
        fail_msg("wanted type %d '%s', got type %d '%.100s'", type, start, reply->type,
                 reply->str ? reply->str : "");
    }
    freeReplyObject(reply);
}

static inline void server_expect_ok(redisReply *reply)
{
    server_expect_text(reply, REDIS_REPLY_STATUS, "OK");
}

/* Nothing but the end of the connection is left to read. */
static inline void server_expect_end(redisContext *c)
{
    void *reply = NULL;
    assert_int_equal(redisGetReply(c, &reply), REDIS_ERR);
    assert_null(reply);
    if (c->err != REDIS_ERR_EOF) fail_msg("wanted the end, got error %d: %s", c->err, c->errstr);
}

static inline uint64_t server_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static inline void server_pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* The number behind `name:` in INFO. */
static inline long long server_info(redisContext *c, const char *name)
{
    redisReply *info = server_ask(c, "INFO");
    char field[64];
    snprintf(field, sizeof(field), "\n%s:", name);
    const char *at = info->type == REDIS_REPLY_STRING ? strstr(info->str, field) : NULL;
    if (at == NULL) fail_msg("INFO says nothing of %s", name);
    long long number = strtoll(at + strlen(field), NULL, 10);
    freeReplyObject(info);
    return number;
}

/* Waits until the server counts that many connections: those that closed are gone for good. */
static inline void server_await_connections(redisContext *c, long long wanted)
{
    uint64_t start = server_now_ms();
    long long count;
    while ((count = server_info(c, "connected_clients")) != wanted) {
        if (server_now_ms() - start > SERVER_PATIENCE_S * 1000ull)
            fail_msg("%lld connections, wanted %lld", count, wanted);
        server_pause_ms(20);
    }
}

/* Teardown of every test: no keys remain. */
static inline int server_clear(void **state)
{
    (void)state;
    redisContext *c = server_connect();
    server_expect_ok(server_ask(c, "FLUSHALL"));
    redisFree(c);
    return 0;
}

/* Bytes that look random and are the same for the same seed; the caller frees them. */
static inline char *server_noise(size_t len, uint64_t seed)
{
    char *bytes = malloc(len + sizeof(uint64_t));
    assert_non_null(bytes);
    uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
    for (size_t at = 0; at < len; at += sizeof(uint64_t)) {
        uint64_t word = check_random(&state);
        memcpy(bytes + at, &word, sizeof(word));
    }
    return bytes;
}

#endif
