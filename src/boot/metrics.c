/*
 * One poll(2) over the listeners and a few connections.
 *
 * A connection reads its request, then sends its answer, then waits a moment for the peer to close
 * first, so that what the peer has sent beyond its request does not make the kernel throw the
 * answer away. Each step has a deadline; who passes it is closed. While all places are taken
 * nothing is accepted: the others wait in the kernel's queue, at most for the deadlines of those
 * that are served.
 */
#include "boot/metrics.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "boot/crash.h"
#include "boot/listen.h"
#include "codec/http.h"
#include "msg/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    METRICS_CONNS = 32,
    METRICS_BACKLOG = 64,
    METRICS_HEAD_MAX = 8192, /* a request's first line and header fields */
    METRICS_ANSWER_HEAD = 512,
    METRICS_READ_MS = 5000,
    METRICS_SEND_MS = 10000,
    METRICS_LINGER_MS = 500,
    METRICS_PAUSE_MS = 100, /* after an accept that failed for want of descriptors */
};

enum metrics_step { STEP_FREE, STEP_READ, STEP_SEND, STEP_LINGER };

struct metrics_conn {
    enum metrics_step step;
    int fd;
    bool is_local;
    int64_t until_ms; /* the step's deadline, monotonic */
    size_t in_len, out_len, sent;
    char in[METRICS_HEAD_MAX];
    char out[METRICS_ANSWER_HEAD + METRICS_PAGE_MAX];
};

struct metrics {
    struct metrics_sources from;
    int listeners[BIND_MAX];
    int listener_count;
    int wake_fd;
    int64_t pause_until_ms; /* nothing is accepted before; 0: now */
    _Atomic bool stopping;  /* written by metrics_close() */
    pthread_t thread;
    struct metrics_conn conns[METRICS_CONNS];
};

/* ---- Answers ---- */

static void metrics_answer(struct metrics_conn *c, const char *status, const char *more, size_t len)
{
    char head[METRICS_ANSWER_HEAD];
    int n = snprintf(head, sizeof(head),
                     "HTTP/1.0 %s\r\nServer: baton\r\n%sContent-Type: text/plain; version=0.0.4; "
                     "charset=utf-8\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                     status, more, len);
    must(n > 0 && n < METRICS_ANSWER_HEAD);
    /* The body was written behind the room for the longest head. */
    memmove(c->out + n, c->out + METRICS_ANSWER_HEAD, len);
    memcpy(c->out, head, (size_t)n);
    c->out_len = (size_t)n + len;
    c->sent = 0;
    c->step = STEP_SEND;
    c->until_ms = (int64_t)clock_mono_ms() + METRICS_SEND_MS;
}

static void metrics_refuse(struct metrics_conn *c, const char *status, const char *more)
{
    size_t len = strlen(status) + 1;
    memcpy(c->out + METRICS_ANSWER_HEAD, status, len - 1);
    c->out[METRICS_ANSWER_HEAD + len - 1] = '\n';
    metrics_answer(c, status, more, len);
}

/* As for other ports: while nobody needs a password, only this machine is served. */
static bool metrics_may_read(const struct metrics_conn *c)
{
    const struct settings *s = settings_enter(SETTINGS_METRICS);
    bool closed = s->protected_mode && conn_is_open();
    settings_leave(SETTINGS_METRICS);
    return c->is_local || !closed;
}

static void metrics_serve(struct metrics *m, struct metrics_conn *c, const struct http_request *r)
{
    bool known = bytes_equal(r->path, bytes_of("/metrics")) || bytes_equal(r->path, bytes_of("/"));
    if (!metrics_may_read(c)) {
        metrics_refuse(c, "403 Forbidden", "");
    } else if (!bytes_equal(r->method, bytes_of("GET"))) {
        metrics_refuse(c, "405 Method Not Allowed", "Allow: GET\r\n");
    } else if (!known) {
        metrics_refuse(c, "404 Not Found", "");
    } else {
        size_t len = metrics_page(&m->from, c->out + METRICS_ANSWER_HEAD, METRICS_PAGE_MAX);
        metrics_answer(c, "200 OK", "", len);
    }
}

/* ---- Steps of a connection ---- */

static void metrics_drop(struct metrics_conn *c)
{
    close(c->fd);
    c->step = STEP_FREE;
}

static void metrics_read(struct metrics *m, struct metrics_conn *c)
{
    ssize_t n = recv(c->fd, c->in + c->in_len, METRICS_HEAD_MAX - c->in_len, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
        metrics_drop(c);
        return;
    }
    c->in_len += (size_t)n;
    struct http_request request;
    switch (http_read(bytes_make(c->in, c->in_len), &request)) {
    case HTTP_HEAD: metrics_serve(m, c, &request); return;
    case HTTP_BAD: metrics_refuse(c, "400 Bad Request", ""); return;
    case HTTP_MORE:
        if (c->in_len == METRICS_HEAD_MAX)
            metrics_refuse(c, "431 Request Header Fields Too Large", "");
        return;
    }
}

static void metrics_send(struct metrics_conn *c)
{
    ssize_t n = send(c->fd, c->out + c->sent, c->out_len - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n < 0) {
        metrics_drop(c);
        return;
    }
    c->sent += (size_t)n;
    if (c->sent < c->out_len) return;
    shutdown(c->fd, SHUT_WR);
    c->step = STEP_LINGER;
    c->until_ms = (int64_t)clock_mono_ms() + METRICS_LINGER_MS;
}

/* What still comes is thrown away until the peer closes, or the moment is over. */
static void metrics_linger(struct metrics_conn *c)
{
    ssize_t n = recv(c->fd, c->in, METRICS_HEAD_MAX, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) metrics_drop(c);
}

static void metrics_step(struct metrics *m, struct metrics_conn *c)
{
    if (c->step == STEP_READ) metrics_read(m, c);
    if (c->step == STEP_SEND) metrics_send(c); /* an answer that was just made, too */
    if (c->step == STEP_LINGER) metrics_linger(c);
}

/* ---- Connections ---- */

static struct metrics_conn *metrics_free_place(struct metrics *m)
{
    for (int i = 0; i < METRICS_CONNS; i++)
        if (m->conns[i].step == STEP_FREE) return &m->conns[i];
    return NULL;
}

static void metrics_accept(struct metrics *m, int listener, int64_t now_ms)
{
    struct metrics_conn *c = metrics_free_place(m);
    if (c == NULL) return;
    struct sockaddr_in6 peer = {0};
    socklen_t len = sizeof(peer);
    int fd = accept4(listener, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        bool short_of = errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS;
        if (short_of) m->pause_until_ms = now_ms + METRICS_PAUSE_MS;
        return;
    }
    c->step = STEP_READ;
    c->fd = fd;
    c->is_local = conn_is_loopback(&peer);
    c->until_ms = now_ms + METRICS_READ_MS;
    c->in_len = 0;
}

/* ---- The thread ---- */

/* Where each pollfd of a round belongs: the wake-up first, then connections, then listeners. */
struct metrics_round {
    struct pollfd fds[1 + METRICS_CONNS + BIND_MAX];
    struct metrics_conn *conns[METRICS_CONNS];
    nfds_t conn_count, count;
    int64_t until_ms; /* -1: no deadline */
};

static void metrics_add_deadline(struct metrics_round *r, int64_t at_ms)
{
    if (r->until_ms < 0 || at_ms < r->until_ms) r->until_ms = at_ms;
}

static void metrics_plan_round(struct metrics *m, struct metrics_round *r, int64_t now_ms)
{
    *r = (struct metrics_round){.until_ms = -1, .count = 1};
    r->fds[0] = (struct pollfd){.fd = m->wake_fd, .events = POLLIN};
    for (int i = 0; i < METRICS_CONNS; i++) {
        struct metrics_conn *c = &m->conns[i];
        if (c->step != STEP_FREE && now_ms >= c->until_ms) metrics_drop(c);
        if (c->step == STEP_FREE) continue;
        short events = c->step == STEP_SEND ? POLLOUT : POLLIN;
        r->fds[r->count++] = (struct pollfd){.fd = c->fd, .events = events};
        r->conns[r->conn_count++] = c;
        metrics_add_deadline(r, c->until_ms);
    }
    if (now_ms < m->pause_until_ms) {
        metrics_add_deadline(r, m->pause_until_ms);
        return;
    }
    for (int i = 0; i < m->listener_count && r->conn_count < METRICS_CONNS; i++)
        r->fds[r->count++] = (struct pollfd){.fd = m->listeners[i], .events = POLLIN};
}

static void metrics_do_round(struct metrics *m, const struct metrics_round *r)
{
    int64_t now_ms = (int64_t)clock_mono_ms();
    for (nfds_t i = 0; i < r->conn_count; i++)
        if (r->fds[1 + i].revents != 0) metrics_step(m, r->conns[i]);
    for (nfds_t i = 1 + r->conn_count; i < r->count; i++)
        if (r->fds[i].revents != 0) metrics_accept(m, r->fds[i].fd, now_ms);
}

static void *metrics_main(void *self)
{
    struct metrics *m = self;
    pthread_setname_np(pthread_self(), "metrics");
    crash_thread();
    while (!atomic_load_explicit(&m->stopping, memory_order_acquire)) {
        struct metrics_round r;
        int64_t now_ms = (int64_t)clock_mono_ms();
        metrics_plan_round(m, &r, now_ms);
        int wait_ms = r.until_ms < 0 ? -1 : (int)(r.until_ms - now_ms);
        if (poll(r.fds, r.count, wait_ms) > 0) metrics_do_round(m, &r);
    }
    return NULL;
}

static void metrics_free(struct metrics *m)
{
    for (int i = 0; i < METRICS_CONNS; i++)
        if (m->conns[i].step != STEP_FREE) metrics_drop(&m->conns[i]);
    for (int i = 0; i < m->listener_count; i++) close(m->listeners[i]);
    if (m->wake_fd >= 0) close(m->wake_fd);
    free(m);
}

static int metrics_listen(struct metrics *m, const struct settings *s, char *error, size_t len)
{
    for (int i = 0; i < s->bind.count; i++) {
        const char *addr = s->bind.addr[i];
        bool optional = addr[0] == '-';
        int fd = listen_tcp_at(addr + optional, (int)s->metrics_port, METRICS_BACKLOG, error, len);
        if (fd >= 0)
            m->listeners[m->listener_count++] = fd;
        else if (!optional || !listen_is_absent(fd))
            return fd;
    }
    return 0;
}

struct metrics *metrics_open(const struct settings *settings, const struct metrics_sources *from,
                             char *error, size_t error_len)
{
    struct metrics *m = calloc(1, sizeof(*m));
    must(m != NULL);
    m->from = *from;
    m->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int rc = m->wake_fd < 0 ? -errno : metrics_listen(m, settings, error, error_len);
    if (rc == 0) {
        rc = -pthread_create(&m->thread, NULL, metrics_main, m);
        if (rc != 0) snprintf(error, error_len, "%s", strerrordesc_np(-rc));
    }
    if (rc == 0) return m;
    metrics_free(m);
    return NULL;
}

void metrics_close(struct metrics *m)
{
    if (m == NULL) return;
    atomic_store_explicit(&m->stopping, true, memory_order_release);
    uint64_t one = 1;
    ssize_t n = write(m->wake_fd, &one, sizeof(one));
    (void)n;
    pthread_join(m->thread, NULL);
    metrics_free(m);
}
