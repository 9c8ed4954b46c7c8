/*
 * A cache under a Zipf distribution: reads keys and stores those that are missing, as an
 * application does, and prints hit rate and the highest memory in use.
 *
 *     zipf-cache PORT REQUESTS KEYS EXPONENT VALUE_BYTES SEED
 *
 * Requests go in windows of WINDOW GETs and then the SETs for what was missing. Prints one line:
 * requests, hits, percent, the highest used_memory, seconds.
 */
#include <hiredis/hiredis.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WINDOW = 64, MEMORY_EVERY = 1000, KEY_CHARS = 32 };

static uint64_t state;

/* splitmix64: Steele, Lea, Flood 2014. */
static uint64_t next_random(void)
{
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* The sum of rank^-exponent up to each rank, for a search by bisection. */
static double *make_sums(uint64_t keys, double exponent)
{
    double *sums = malloc(keys * sizeof(*sums)), sum = 0;
    for (uint64_t i = 0; sums != NULL && i < keys; i++) {
        sum += pow((double)(i + 1), -exponent);
        sums[i] = sum;
    }
    return sums;
}

static uint64_t draw(const double *sums, uint64_t keys)
{
    double at = (double)(next_random() >> 11) / 9007199254740992.0 * sums[keys - 1];
    uint64_t low = 0, high = keys - 1;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (sums[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static redisReply *take(redisContext *c)
{
    redisReply *r = NULL;
    if (redisGetReply(c, (void **)&r) != REDIS_OK) {
        fprintf(stderr, "zipf-cache: %s\n", c->errstr);
        exit(1);
    }
    return r;
}

static uint64_t used_memory(redisContext *c)
{
    redisAppendCommand(c, "INFO memory");
    redisReply *r = take(c);
    const char *at = strstr(r->str, "used_memory:");
    uint64_t used = at == NULL ? 0 : strtoull(at + strlen("used_memory:"), NULL, 10);
    freeReplyObject(r);
    return used;
}

/* One window; gives the hits. */
static uint64_t run_window(redisContext *c, const double *sums, uint64_t keys, const char *value)
{
    uint64_t drawn[WINDOW], hits = 0, missing = 0;
    char key[KEY_CHARS];
    for (int i = 0; i < WINDOW; i++) {
        drawn[i] = draw(sums, keys);
        snprintf(key, sizeof(key), "key:%012llu", (unsigned long long)drawn[i]);
        redisAppendCommand(c, "GET %s", key);
    }
    for (int i = 0; i < WINDOW; i++) {
        redisReply *r = take(c);
        if (r->type == REDIS_REPLY_STRING)
            hits++;
        else
            drawn[missing++] = drawn[i];
        freeReplyObject(r);
    }
    for (uint64_t i = 0; i < missing; i++) {
        snprintf(key, sizeof(key), "key:%012llu", (unsigned long long)drawn[i]);
        redisAppendCommand(c, "SET %s %s", key, value);
    }
    for (uint64_t i = 0; i < missing; i++) freeReplyObject(take(c));
    return hits;
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr, "usage: zipf-cache PORT REQUESTS KEYS EXPONENT VALUE_BYTES SEED\n");
        return 2;
    }
    uint64_t requests = strtoull(argv[2], NULL, 10), keys = strtoull(argv[3], NULL, 10);
    size_t len = strtoull(argv[5], NULL, 10);
    state = strtoull(argv[6], NULL, 10);
    double *sums = make_sums(keys, strtod(argv[4], NULL));
    char *value = malloc(len + 1);
    redisContext *c = redisConnect("127.0.0.1", (int)strtol(argv[1], NULL, 10));
    if (sums == NULL || value == NULL || c == NULL || c->err != 0) {
        fprintf(stderr, "zipf-cache: %s\n", c == NULL ? "no memory" : c->errstr);
        return 1;
    }
    memset(value, 'v', len);
    value[len] = '\0';
    uint64_t hits = 0, done = 0, peak = 0;
    time_t began = time(NULL);
    for (uint64_t n = 0; done < requests; n++, done += WINDOW) {
        hits += run_window(c, sums, keys, value);
        if (n % MEMORY_EVERY != 0) continue;
        uint64_t used = used_memory(c);
        if (used > peak) peak = used;
    }
    printf("requests %llu hits %llu percent %.3f peak %llu seconds %lld\n",
           (unsigned long long)done, (unsigned long long)hits, 100.0 * (double)hits / (double)done,
           (unsigned long long)peak, (long long)(time(NULL) - began));
    redisFree(c);
    free(value);
    free(sums);
    return 0;
}
