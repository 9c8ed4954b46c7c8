/*
 * A load that redis-benchmark cannot make: groups of commands, scripts, messages to subscribers.
 *
 *     raw-load PORT CONNECTIONS PIPELINE REPLIES MILLISECONDS SUBSCRIBERS CHANNEL FILE
 *
 * FILE holds one group of requests in RESP, which has REPLIES replies. Each connection keeps
 * PIPELINE groups in flight. SUBSCRIBERS connections more subscribe to CHANNEL and read what comes.
 * Prints the groups that were answered and the messages that were read.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READ_MAX 262144

struct client {
    int fd;
    bool is_subscriber;
    uint64_t pending; /* elements that are missing of the reply being read; 0: between replies */
    uint64_t skip;    /* bytes of a bulk string that are still to come */
    char line[64];    /* a head that was cut */
    size_t line_len;
    uint64_t replies;  /* whole ones */
    uint64_t answered; /* groups */
};

static char *group;
static size_t group_len;
static uint64_t group_replies, groups_done, messages;

static void fail(const char *what)
{
    fprintf(stderr, "raw-load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void send_all(int fd, const char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail("send");
        p += n;
        len -= (size_t)n;
    }
}

static int dial(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) fail("connect");
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

/* The head of an element, without CR LF. */
static void take_head(struct client *c, const char *head)
{
    if (c->pending == 0) c->pending = 1;
    c->pending--;
    long long n = atoll(head + 1);
    switch (head[0]) {
    case '$':
    case '=':
        if (n >= 0) c->skip = (uint64_t)n + 2;
        break;
    case '%': n *= 2; /* fall through */
    case '*':
    case '~':
    case '>':
        if (n > 0) c->pending += (uint64_t)n;
        break;
    case '-': fprintf(stderr, "raw-load: the server answered %s\n", head); exit(1);
    default: break;
    }
    if (c->pending == 0 && c->skip == 0) c->replies++;
}

static size_t take_line(struct client *c, const char *p, size_t len)
{
    const char *end = memchr(p, '\n', len);
    size_t n = end == NULL ? len : (size_t)(end - p) + 1;
    size_t room = sizeof(c->line) - 1 - c->line_len;
    memcpy(c->line + c->line_len, p, n < room ? n : room);
    c->line_len += n < room ? n : room;
    if (end == NULL) return n;
    c->line[c->line_len] = '\0';
    c->line_len = 0;
    take_head(c, c->line);
    return n;
}

static void take_bytes(struct client *c, const char *p, size_t len)
{
    while (len > 0) {
        size_t n;
        if (c->skip > 0) {
            n = len < c->skip ? len : c->skip;
            c->skip -= n;
            if (c->skip == 0 && c->pending == 0) c->replies++;
        } else {
            n = take_line(c, p, len);
        }
        p += n;
        len -= n;
    }
}

static void send_groups(int fd, uint64_t count)
{
    static char *many;
    static uint64_t made;
    if (made < count) {
        many = realloc(many, count * group_len);
        for (uint64_t i = made; i < count; i++) memcpy(many + i * group_len, group, group_len);
        made = count;
    }
    send_all(fd, many, count * group_len);
}

/* Only whole rounds are answered with new ones: that is how pipelining clients work. */
static void answer(struct client *c, uint64_t pipeline, bool goes_on)
{
    if (c->is_subscriber) {
        messages += c->replies;
        c->replies = 0;
        return;
    }
    uint64_t round = group_replies * pipeline;
    while (c->replies >= round) {
        c->replies -= round;
        groups_done += pipeline;
        if (goes_on) send_groups(c->fd, pipeline);
    }
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void read_group(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) fail(path);
    group = malloc(1 << 20);
    group_len = fread(group, 1, 1 << 20, f);
    fclose(f);
    if (group_len == 0) fail(path);
}

static void subscribe(struct client *c, const char *channel)
{
    char text[512];
    int n = snprintf(text, sizeof(text),
                     "*2\r\n$9\r\nSUBSCRIBE\r\n"
                     "$%zu\r\n%s\r\n",
                     strlen(channel), channel);
    send_all(c->fd, text, (size_t)n);
    while (c->replies == 0) {
        char in[512];
        ssize_t got = recv(c->fd, in, sizeof(in), 0);
        if (got <= 0) fail("subscribe");
        take_bytes(c, in, (size_t)got);
    }
    c->replies = 0;
}

int main(int argc, char **argv)
{
    if (argc != 9) {
        fputs("usage: raw-load PORT CONNECTIONS PIPELINE REPLIES MILLISECONDS SUBSCRIBERS CHANNEL"
              " FILE\n",
              stderr);
        return 2;
    }
    int port = atoi(argv[1]), conns = atoi(argv[2]), subscribers = atoi(argv[6]);
    uint64_t pipeline = (uint64_t)atoll(argv[3]);
    group_replies = (uint64_t)atoll(argv[4]);
    read_group(argv[8]);

    int poll = epoll_create1(EPOLL_CLOEXEC);
    int count = conns + subscribers;
    struct client *clients = calloc((size_t)count, sizeof(*clients));
    char *in = malloc(READ_MAX);
    for (int i = 0; i < count; i++) {
        clients[i].fd = dial(port);
        clients[i].is_subscriber = i >= conns;
        if (i >= conns) subscribe(&clients[i], argv[7]);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &clients[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, clients[i].fd, &e);
    }
    for (int i = 0; i < conns; i++) send_groups(clients[i].fd, pipeline);

    int64_t end = now_ms() + atoll(argv[5]);
    for (int64_t quiet = end + 2000, now = now_ms(); now < quiet; now = now_ms()) {
        struct epoll_event events[256];
        int n = epoll_wait(poll, events, 256, now < end ? 100 : 50);
        if (n == 0 && now >= end) break; /* all is answered */
        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;
            ssize_t got = recv(c->fd, in, READ_MAX, MSG_DONTWAIT);
            if (got == 0) fail("the server closed a connection");
            if (got < 0) continue;
            take_bytes(c, in, (size_t)got);
            answer(c, pipeline, now < end);
        }
    }
    printf("%llu %llu\n", (unsigned long long)groups_done, (unsigned long long)messages);
    return 0;
}
