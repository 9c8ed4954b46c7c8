/*
 * Two clients for measurements beside which a server does something else:
 *
 *     paced write PORT RATE KEYS BYTES    writes RATE keys a second at random, one in fifty of them
 *                                         to the sorted set `big`
 *     paced ping PORT                     says PING every 200 us and notes how long each took
 *
 * Both go on until SIGTERM. The first prints the writes that were answered, and a second's share of
 * them; the second prints the number of PINGs, and the p50, p99 and the longest in us.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCHES_A_SECOND 1000
#define BATCH_MAX 4096
#define LATE_MAX 64 /* batches that may be owed: what is more is given up, not made up for */
#define TIMES_MAX (1u << 22)

static volatile sig_atomic_t is_over;

static void end(int signal_number)
{
    (void)signal_number;
    is_over = 1;
}

static void fail(const char *what)
{
    fprintf(stderr, "paced: %s: %m\n", what);
    exit(1);
}

static int dial(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t next_random(void)
{
    static uint64_t x = 88172645463325252u;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x;
}

static size_t make_batch(char *out, size_t room, unsigned count, unsigned keys, int bytes)
{
    static const char digits[] = "0123456789abcdef";
    size_t len = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned key = (unsigned)(next_random() % keys);
        char value[512];
        for (int b = 0; b < bytes; b++) value[b] = digits[next_random() >> 32 & 15];
        value[bytes] = '\0';
        int n = i % 50 == 49 ? snprintf(out + len, room - len,
                                        "*4\r\n$4\r\nZADD\r\n$3\r\nbig\r\n$9\r\n%09u\r\n"
                                        "$19\r\nmember:%012u\r\n",
                                        (unsigned)(next_random() % 1000000000), key % 1000000)
                             : snprintf(out + len, room - len,
                                        "*3\r\n$3\r\nSET\r\n$16\r\nkey:%012u\r\n$%d\r\n%s\r\n", key,
                                        bytes, value);
        len += (size_t)n;
    }
    return len;
}

/* Replies are lines, and each write has one. */
static uint64_t read_replies(int fd)
{
    char in[65536];
    ssize_t got = recv(fd, in, sizeof(in), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) fail("recv");
    uint64_t lines = 0;
    for (ssize_t i = 0; i < got; i++) {
        if (in[i] == '-') {
            fprintf(stderr, "paced: the server answered %.*s\n", (int)(got - i), in + i);
            exit(1);
        }
        lines += in[i] == '\n';
    }
    return lines;
}

static void write_paced(int fd, unsigned rate, unsigned keys, int bytes)
{
    unsigned count = rate / BATCHES_A_SECOND;
    size_t room = (size_t)count * (size_t)(bytes + 128), len = 0, sent = 0;
    char *out = malloc(room);
    uint64_t answered = 0, start = now_ns(), due = start, step = 1000000000u / BATCHES_A_SECOND;
    while (!is_over) {
        uint64_t now = now_ns();
        if (now > due + LATE_MAX * step) due = now - LATE_MAX * step;
        if (sent == len && now >= due) {
            len = make_batch(out, room, count, keys, bytes);
            sent = 0;
            due += step;
        }
        if (sent < len) {
            ssize_t n = send(fd, out + sent, len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n < 0 && errno != EAGAIN && errno != EINTR) fail("send");
            if (n > 0) sent += (size_t)n;
        }
        struct pollfd p = {.fd = fd, .events = (short)(POLLIN | (sent < len ? POLLOUT : 0))};
        struct timespec wait = {.tv_nsec = sent == len && due > now ? (long)(due - now) : 0};
        if (sent == len && ppoll(&p, 1, &wait, NULL) <= 0) continue;
        answered += read_replies(fd);
    }
    double took = (double)(now_ns() - start) / 1e9;
    printf("%llu %.0f\n", (unsigned long long)answered, (double)answered / took);
}

static int compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void ping(int fd)
{
    uint32_t *times = malloc(TIMES_MAX * sizeof(*times)), count = 0;
    while (!is_over && count < TIMES_MAX) {
        uint64_t start = now_ns();
        if (send(fd, "PING\r\n", 6, MSG_NOSIGNAL) != 6) fail("send");
        char in[16];
        size_t len = 0;
        while (len < 7) {
            ssize_t got = recv(fd, in, sizeof(in), 0);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) fail("recv");
            len += (size_t)got;
        }
        times[count++] = (uint32_t)((now_ns() - start) / 1000u);
        struct timespec pause = {.tv_nsec = 200000};
        nanosleep(&pause, NULL);
    }
    if (count == 0) fail("no PING was answered");
    qsort(times, count, sizeof(*times), compare);
    printf("%u %u %u %u\n", count, times[count / 2], times[(uint64_t)count * 99 / 100],
           times[count - 1]);
}

int main(int argc, char **argv)
{
    bool writes = argc == 6 && strcmp(argv[1], "write") == 0;
    if (!writes && (argc != 3 || strcmp(argv[1], "ping") != 0)) {
        fputs("usage: paced write PORT RATE KEYS BYTES | paced ping PORT\n", stderr);
        return 2;
    }
    struct sigaction action = {.sa_handler = end};
    sigaction(SIGTERM, &action, NULL);
    int fd = dial((int)strtol(argv[2], NULL, 10));
    if (!writes) {
        ping(fd);
        return 0;
    }
    unsigned rate = (unsigned)strtoul(argv[3], NULL, 10);
    int bytes = (int)strtol(argv[5], NULL, 10);
    if (rate < BATCHES_A_SECOND || rate > BATCHES_A_SECOND * BATCH_MAX || bytes > 500) return 2;
    write_paced(fd, rate, (unsigned)strtoul(argv[4], NULL, 10), bytes);
    return 0;
}
