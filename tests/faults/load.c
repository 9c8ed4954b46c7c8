/*
 * The checker's load: many connections that write by the plan (plan.h) and note in memory what was
 * acknowledged, and when. The notes go to a file at the end, which lies where the server's crash
 * does not reach.
 *
 *     faults-load PORT LOG EPOCH CONNECTIONS PIPELINE MILLISECONDS [stay]
 *
 * It ends after so much time, or when all connections are gone; with `stay` those are dialled again
 * and errors are no end. Prints: acked, refused and unknown operations, then the monotonic ns of
 * the first refusal and of the last acknowledgement (0: none), and the text of the last refusal.
 */
#include "faults/plan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNS_MAX 1024
#define OP_MAX 256          /* bytes of one operation */
#define REST_NS 2000000     /* after a refusal */
#define REDIAL_NS 20000000  /* after a connection was lost */
#define DRAIN_NS 5000000000 /* for replies that are still to come at the end */

struct conn {
    int fd; /* -1: gone */
    uint32_t id;
    redisReader *reader;
    uint64_t *notes; /* one for each operation sent */
    uint32_t sent, answered, cap;
    uint32_t replies; /* that came of the operation `answered` */
    uint64_t rest_until;
    char *out;
    size_t out_len, out_sent;
};

static int port;
static uint32_t epoch, pipeline;
static uint64_t first_refusal, last_ack;
static char last_error[160];

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool dial(struct conn *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0) return false;
    if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        close(c->fd);
        c->fd = -1;
        return false;
    }
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    c->reader = redisReaderCreate();
    return true;
}

/* What was in flight stays unknown. */
static void lose(struct conn *c)
{
    close(c->fd);
    c->fd = -1;
    redisReaderFree(c->reader);
    c->answered = c->sent;
    c->replies = 0;
    c->out_len = c->out_sent = 0;
    c->rest_until = now_ns() + REDIAL_NS;
}

static void write_op(struct conn *c)
{
    uint32_t j = c->sent, e = epoch, i = c->id, m = j / 16;
    char *p = c->out + c->out_len;
    int n = 0;
    switch (plan_kind_of(j)) {
    case PLAN_PUSH: n = snprintf(p, OP_MAX, "RPUSH l:%u:%u %u\r\n", e, i, j); break;
    case PLAN_PAIR:
        n = snprintf(p, OP_MAX, "MULTI\r\nINCR a:%u:%u\r\nINCR b:%u:%u\r\nEXEC\r\n", e, i, e, i);
        break;
    case PLAN_SET: n = snprintf(p, OP_MAX, "SET d:%u:%u:%u %u\r\n", e, i, m, j); break;
    case PLAN_DEL: n = snprintf(p, OP_MAX, "DEL d:%u:%u:%u\r\n", e, i, m); break;
    case PLAN_BRIEF: n = snprintf(p, OP_MAX, "SET x:%u:%u:%u %u PX 1\r\n", e, i, m, j); break;
    }
    c->out_len += (size_t)n;
    if (c->sent == c->cap) {
        c->cap = c->cap > 0 ? c->cap * 2 : 4096;
        c->notes = realloc(c->notes, c->cap * sizeof(*c->notes));
    }
    c->notes[c->sent++] = PLAN_UNKNOWN;
}

static void note(struct conn *c, const redisReply *reply)
{
    uint32_t whole = plan_kind_of(c->answered) == PLAN_PAIR ? 4 : 1;
    if (++c->replies < whole) return;
    c->replies = 0;
    uint64_t now = now_ns();
    bool refused = reply->type == REDIS_REPLY_ERROR || reply->type == REDIS_REPLY_NIL;
    c->notes[c->answered++] = now << 2 | (refused ? PLAN_REFUSED : PLAN_ACKED);
    if (!refused) {
        last_ack = now;
        return;
    }
    if (first_refusal == 0) first_refusal = now;
    if (reply->str != NULL) snprintf(last_error, sizeof(last_error), "%s", reply->str);
    c->rest_until = now + REST_NS;
}

static void receive(struct conn *c)
{
    char in[16384];
    ssize_t got = recv(c->fd, in, sizeof(in), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        lose(c);
        return;
    }
    redisReaderFeed(c->reader, in, (size_t)got);
    void *reply = NULL;
    while (redisReaderGetReply(c->reader, &reply) == REDIS_OK && reply != NULL) {
        if (c->answered == c->sent) {
            fprintf(stderr, "faults-load: a reply that nobody asked for\n");
            exit(2);
        }
        note(c, reply);
        freeReplyObject(reply);
        reply = NULL;
    }
}

static void feed(struct conn *c, uint64_t now)
{
    if (c->out_len == 0 && now >= c->rest_until) {
        while (c->sent - c->answered < pipeline) write_op(c);
    }
    if (c->out_sent == c->out_len) return;
    ssize_t n =
        send(c->fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        lose(c);
        return;
    }
    if (n > 0) c->out_sent += (size_t)n;
    if (c->out_sent == c->out_len) c->out_sent = c->out_len = 0;
}

/* Until the time is up; replies that are still to come are waited for, without writing. */
static void run(struct conn *conns, uint32_t count, uint64_t end, bool stays)
{
    struct pollfd polls[CONNS_MAX];
    for (uint64_t now = now_ns(); now < end + DRAIN_NS; now = now_ns()) {
        bool alive = false, waits = false;
        for (uint32_t i = 0; i < count; i++) {
            struct conn *c = &conns[i];
            if (c->fd < 0 && stays && now < end && now >= c->rest_until && !dial(c))
                c->rest_until = now + REDIAL_NS;
            if (c->fd >= 0 && now < end) feed(c, now);
            polls[i] = (struct pollfd){.fd = c->fd, .events = POLLIN};
            if (c->out_len > 0) polls[i].events |= POLLOUT;
            alive = alive || c->fd >= 0;
            waits = waits || (c->fd >= 0 && c->answered < c->sent);
        }
        if ((!alive && !stays) || (now >= end && !waits)) return;
        if (poll(polls, count, 2) <= 0) continue;
        for (uint32_t i = 0; i < count; i++) {
            if (polls[i].revents & (POLLIN | POLLHUP | POLLERR)) receive(&conns[i]);
        }
    }
}

static void save(const char *path, const struct conn *conns, uint32_t count)
{
    FILE *f = fopen(path, "wb");
    if (f == NULL) {
        perror(path);
        exit(2);
    }
    struct plan_head head = {.magic = PLAN_MAGIC, .epoch = epoch, .conns = count};
    uint64_t fates[3] = {0};
    fwrite(&head, sizeof(head), 1, f);
    for (uint32_t i = 0; i < count; i++) {
        const struct conn *c = &conns[i];
        fwrite(&c->sent, sizeof(c->sent), 1, f);
        if (c->sent > 0) fwrite(c->notes, sizeof(*c->notes), c->sent, f);
        for (uint32_t j = 0; j < c->sent; j++) fates[c->notes[j] & 3]++;
    }
    if (fclose(f) != 0) perror(path);
    printf("%llu %llu %llu %llu %llu %s\n", (unsigned long long)fates[PLAN_ACKED],
           (unsigned long long)fates[PLAN_REFUSED], (unsigned long long)fates[PLAN_UNKNOWN],
           (unsigned long long)first_refusal, (unsigned long long)last_ack, last_error);
}

int main(int argc, char **argv)
{
    uint32_t count = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 0;
    if (argc < 7 || count == 0 || count > CONNS_MAX) {
        fputs("usage: faults-load PORT LOG EPOCH CONNECTIONS PIPELINE MILLISECONDS [stay]\n",
              stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    port = (int)strtol(argv[1], NULL, 10);
    epoch = (uint32_t)strtoul(argv[3], NULL, 10);
    pipeline = (uint32_t)strtoul(argv[5], NULL, 10);
    struct conn *conns = calloc(count, sizeof(*conns));
    for (uint32_t i = 0; i < count; i++) {
        conns[i].id = i;
        conns[i].out = malloc((size_t)OP_MAX * pipeline);
        if (!dial(&conns[i])) {
            perror("faults-load: connect");
            return 2;
        }
    }
    run(conns, count, now_ns() + strtoull(argv[6], NULL, 10) * 1000000u, argc > 7);
    save(argv[2], conns, count);
    return 0;
}
