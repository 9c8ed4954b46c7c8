/*
 * Writers whose every step is known beforehand: what a snapshot must hold follows from how far each
 * had come, and that is in the snapshot.
 *
 *     faults-writer fill PORT SEED WRITERS
 *     faults-writer run PORT SEED WRITERS PIPELINE MILLISECONDS
 *     faults-writer replay PORT SEED STEPS...      a number for each writer
 *
 * Step j of writer w is a transaction: INCR clock, INCR clock:w, and one or two commands that
 * follow from seed, w and j. A state is of one instant when `clock` is the sum of all clock:w, and
 * when it is equal to a filled server on which each writer's first clock:w steps were replayed.
 * Writers share accounts, whose sum never changes; all other keys belong to one writer each.
 *
 * run prints the steps that were done; it ends early when the server goes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WRITERS_MAX 7 /* each has two of 16 databases */
#define STRINGS 4000
#define MEMBERS 20000
#define ACCOUNTS 1000
#define CHAINS 50
#define FAR_MS 4102444800000 /* an absolute time that does not come */
#define RESETS_EVERY 400     /* steps from one change of something large to the next */

enum { PATIENCE_S = 60 };

struct out {
    char *ptr;
    size_t len, cap;
    uint64_t commands;
};

struct writer {
    unsigned w;
    uint64_t step;
    uint8_t chain[CHAINS]; /* where each chain's key is */
    struct out out;
    int fd;
    pthread_t thread;
    uint64_t done;
};

static int port;
static uint64_t seed, pipeline, end_ms;

/* ---- Commands ---- */

__attribute__((format(printf, 2, 3))) static void say(struct out *o, const char *format, ...)
{
    if (o->cap - o->len < 4096) {
        o->cap = o->cap * 2 + 65536;
        o->ptr = realloc(o->ptr, o->cap);
    }
    va_list args;
    va_start(args, format);
    o->len += (size_t)vsnprintf(o->ptr + o->len, o->cap - o->len, format, args);
    va_end(args);
    memcpy(o->ptr + o->len, "\r\n", 2);
    o->len += 2;
    o->commands++;
}

static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static void say_string(struct writer *wr, uint64_t r, uint64_t j)
{
    struct out *o = &wr->out;
    unsigned w = wr->w, k = (unsigned)(r >> 8) % STRINGS;
    int len = (int)((r >> 32) % 300);
    switch (r >> 4 & 7) {
    case 0: say(o, "DEL s:%u:%u", w, k); break;
    case 1: say(o, "PEXPIREAT s:%u:%u %" PRIu64, w, k, (uint64_t)FAR_MS + j); break;
    case 2: say(o, "PERSIST s:%u:%u", w, k); break;
    case 3: say(o, "APPEND s:%u:%u %" PRIu64, w, k, j); break;
    case 4: say(o, "SETRANGE long:%u:%u %d %" PRIu64, w, k % 8, len * 200, j); break;
    default: say(o, "SET s:%u:%u %0*" PRIu64, w, k, len, j); break;
    }
}

/* A key goes from place to place: it must be in exactly one. */
static void say_chain(struct writer *wr, uint64_t r)
{
    unsigned c = (unsigned)(r >> 8) % CHAINS, from = wr->chain[c], to = (from + 1) % 3;
    say(&wr->out, "RENAME r:%u:%u:%u r:%u:%u:%u", wr->w, c, from, wr->w, c, to);
    wr->chain[c] = (uint8_t)to;
}

/* What concerns whole databases, in two that are the writer's own. */
static void say_databases(struct writer *wr, uint64_t j)
{
    struct out *o = &wr->out;
    unsigned w = wr->w;
    if (j / RESETS_EVERY % 6 == 4) {
        say(o, "SELECT %u", 1 + 2 * w);
        for (unsigned k = 0; k < 50; k++) say(o, "SET new:%u %" PRIu64, k, j);
        say(o, "FLUSHDB");
        say(o, "SET after:%u %" PRIu64, w, j);
        say(o, "SELECT 0");
    } else {
        say(o, "SWAPDB %u %u", 1 + 2 * w, 2 + 2 * w);
    }
}

/* A large value is replaced by another, or copied. */
static void say_large(struct writer *wr, uint64_t j)
{
    struct out *o = &wr->out;
    unsigned w = wr->w;
    switch (j / RESETS_EVERY % 6) {
    case 0: say(o, "RENAME z:%u z2:%u", w, w); break;
    case 1: say(o, "COPY h:%u h2:%u REPLACE", w, w); break;
    case 2: say(o, "SDIFFSTORE m:%u m:%u nothing", w, w); break;
    case 3: say(o, "DEL z2:%u", w); break;
    default: say_databases(wr, j); break;
    }
    say(o, "ZADD z:%u 1 one", w);
}

static void say_step(struct writer *wr)
{
    uint64_t j = ++wr->step, r = mix(mix(seed ^ (uint64_t)wr->w << 48) ^ j);
    struct out *o = &wr->out;
    unsigned w = wr->w, m = (unsigned)(r >> 8) % MEMBERS, amount = (unsigned)(r >> 44) % 100;
    if (j % RESETS_EVERY == 0) {
        say_large(wr, j);
        return;
    }
    switch (r & 15) {
    case 0:
    case 1:
    case 2:
        say(o, "INCRBY acc:%u %u", (unsigned)(r >> 8) % ACCOUNTS, amount);
        say(o, "DECRBY acc:%u %u", (unsigned)(r >> 24) % ACCOUNTS, amount);
        break;
    case 3: say(o, "HSET h:%u f%u %" PRIu64, w, m, j); break;
    case 4: say(o, "HDEL h:%u f%u", w, m); break;
    case 5: say(o, "ZADD z:%u %" PRIu64 " m%u", w, r >> 40, m); break;
    case 6: say(o, "ZREM z:%u m%u", w, m); break;
    case 7:
        say(o, "RPUSH q:%u %" PRIu64, w, j);
        say(o, "LPOP q:%u", w);
        break;
    case 8: say(o, "SADD m:%u m%u", w, m); break;
    case 9: say(o, "SREM m:%u m%u", w, m); break;
    case 10: say_chain(wr, r); break;
    case 11:
        say(o, "XADD x:%u %" PRIu64 "-1 f %" PRIu64, w, j, r);
        if (j % 64 == 0) say(o, "XTRIM x:%u MAXLEN 500", w);
        break;
    default: say_string(wr, r, j); break;
    }
}

/* ---- The connection ---- */

static int dial(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        perror("faults-writer: connect");
        exit(2);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    struct timeval patience = {.tv_sec = PATIENCE_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return fd;
}

static bool send_all(int fd, const char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
        if (n <= 0) return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

/* An error says that the steps are not what they were thought to be: it is none of the server's
 * refusals, so it ends the test. */
static void must_be_well(const redisReply *r)
{
    if (r->type == REDIS_REPLY_ERROR) {
        fprintf(stderr, "faults-writer: the server answered %s\n", r->str);
        exit(1);
    }
    for (size_t i = 0; r->type == REDIS_REPLY_ARRAY && i < r->elements; i++)
        must_be_well(r->element[i]);
}

/* Sends what is in `o` and reads the replies. False: the server is gone. */
static bool flush(int fd, struct out *o)
{
    redisReader *reader = redisReaderCreate();
    bool there = send_all(fd, o->ptr, o->len);
    char in[65536];
    while (there && o->commands > 0) {
        ssize_t n = recv(fd, in, sizeof(in), 0);
        if (n < 0 && errno == EAGAIN) {
            fprintf(stderr, "faults-writer: no reply within %d s\n", PATIENCE_S);
            exit(1);
        }
        there = n > 0;
        if (!there) break;
        redisReaderFeed(reader, in, (size_t)n);
        void *reply = NULL;
        while (redisReaderGetReply(reader, &reply) == REDIS_OK && reply != NULL) {
            must_be_well(reply);
            freeReplyObject(reply);
            reply = NULL;
            o->commands--;
        }
    }
    redisReaderFree(reader);
    o->len = 0;
    o->commands = 0;
    return there;
}

static void must_flush(int fd, struct out *o)
{
    if (flush(fd, o)) return;
    fprintf(stderr, "faults-writer: the server is gone\n");
    exit(1);
}

/* ---- The three jobs ---- */

static void fill_writer(int fd, unsigned w)
{
    struct out o = {0};
    for (unsigned k = 0; k < STRINGS; k++) say(&o, "SET s:%u:%u %u", w, k, k);
    for (unsigned k = 0; k < 8; k++) say(&o, "SETRANGE long:%u:%u 60000 end", w, k);
    must_flush(fd, &o);
    for (unsigned k = 0; k < MEMBERS; k++) {
        say(&o, "HSET h:%u f%u start", w, k);
        say(&o, "ZADD z:%u %u m%u", w, k, k);
        say(&o, "SADD m:%u m%u", w, k);
        say(&o, "RPUSH q:%u start%u", w, k);
        if (k % 500 == 499) must_flush(fd, &o);
    }
    for (unsigned c = 0; c < CHAINS; c++) say(&o, "SET r:%u:%u:0 chain%u", w, c, c);
    say(&o, "XADD x:%u 0-1 f start", w);
    for (unsigned db = 1; db <= 2; db++) {
        say(&o, "SELECT %u", db + 2 * w);
        for (unsigned k = 0; k < 1000; k++) say(&o, "SET other:%u %u", k, k);
    }
    say(&o, "SELECT 0");
    must_flush(fd, &o);
    free(o.ptr);
}

static void fill(unsigned writers)
{
    int fd = dial();
    struct out o = {0};
    for (unsigned k = 0; k < ACCOUNTS; k++) say(&o, "SET acc:%u 1000", k);
    must_flush(fd, &o);
    for (unsigned w = 0; w < writers; w++) fill_writer(fd, w);
    free(o.ptr);
}

static void replay(unsigned w, uint64_t steps)
{
    int fd = dial();
    struct writer *wr = calloc(1, sizeof(*wr));
    wr->w = w;
    while (wr->step < steps) {
        say_step(wr);
        if (wr->step % 500 == 0) must_flush(fd, &wr->out);
    }
    if (steps > 0) {
        say(&wr->out, "INCRBY clock %" PRIu64, steps);
        say(&wr->out, "SET clock:%u %" PRIu64, w, steps);
        must_flush(fd, &wr->out);
    }
    free(wr->out.ptr);
    free(wr);
    close(fd);
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static void *write_on(void *arg)
{
    struct writer *wr = arg;
    while (now_ms() < end_ms) {
        for (uint64_t k = 0; k < pipeline; k++) {
            say(&wr->out, "MULTI");
            say(&wr->out, "INCR clock");
            say(&wr->out, "INCR clock:%u", wr->w);
            say_step(wr);
            say(&wr->out, "EXEC");
        }
        if (!flush(wr->fd, &wr->out)) break;
        wr->done += pipeline;
    }
    return NULL;
}

static void run(unsigned writers, uint64_t ms)
{
    static struct writer all[WRITERS_MAX];
    end_ms = now_ms() + ms;
    for (unsigned w = 0; w < writers; w++) {
        all[w].w = w;
        all[w].fd = dial();
        pthread_create(&all[w].thread, NULL, write_on, &all[w]);
    }
    uint64_t done = 0;
    for (unsigned w = 0; w < writers; w++) {
        pthread_join(all[w].thread, NULL);
        done += all[w].done;
    }
    printf("%" PRIu64 "\n", done);
}

int main(int argc, char **argv)
{
    const char *job = argc > 4 ? argv[1] : "";
    bool fills = strcmp(job, "fill") == 0, runs = strcmp(job, "run") == 0 && argc == 7;
    if (!fills && !runs && strcmp(job, "replay") != 0) {
        fputs("usage: faults-writer fill|run|replay PORT SEED ...\n", stderr);
        return 2;
    }
    port = (int)strtol(argv[2], NULL, 10);
    seed = strtoull(argv[3], NULL, 10);
    unsigned long writers = strtoul(argv[4], NULL, 10);
    if ((fills || runs) && writers > WRITERS_MAX) return 2;
    if (fills) {
        fill((unsigned)writers);
    } else if (runs) {
        pipeline = strtoull(argv[5], NULL, 10);
        run((unsigned)writers, strtoull(argv[6], NULL, 10));
    } else {
        for (int i = 4; i < argc; i++) replay((unsigned)(i - 4), strtoull(argv[i], NULL, 10));
    }
    return 0;
}
