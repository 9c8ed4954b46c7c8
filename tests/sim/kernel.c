/*
 * The simulated kernel. Descriptors are given lowest first, at once, so that a number used too long
 * soon means somebody else. Whatever is done to a descriptor that is not open, or is open no more
 * than once, fails the seed.
 */
#include "sim/sim.h"

#include "base/clock.h"
#include "base/must.h"
#include "mem/arena.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FD_FIRST = 100000, FD_COUNT = 256, WATCHES = 256, BUFFERS = 6, BUFFER_LEN = 4096 };

struct queue {
    char *data;
    size_t len, at, cap; /* bytes [at, len) wait */
};

struct sim_socket {
    struct sim_socket *next; /* all of them; and those that wait for accept */
    struct sim_socket *next_waiting;
    struct queue in, out; /* as the server sees it */
    size_t delivered;     /* of in.len */
    size_t room;          /* bytes of `out` that may wait */
    int fd;
    bool listens, finished, reset, shut, closed;
    int readers, writables; /* watches that it is in */
};

enum watch_kind { WATCH_LISTENER, WATCH_READER, WATCH_WRITABLE };

struct sim_watch {
    struct sim_socket *s;
    uint64_t tag;
    enum watch_kind kind;
    bool paused, ended, direct;
};

struct sim_poller {
    struct poller base;
    bool woken;
    int count, lent; /* watches; buffers that were not given back */
    struct sim_watch watches[WATCHES];
};

uint64_t kernel_now_ns;
static struct sim_socket *fds[FD_COUNT];
static struct sim_socket *sockets, *waiting, **waiting_end;
static struct sim_socket *listener;
static int lent_buffers;

/* ---- Sockets ---- */

static void queue_put(struct queue *q, const char *data, size_t len)
{
    if (q->len + len > q->cap) {
        q->cap = (q->len + len) * 2;
        q->data = realloc(q->data, q->cap);
        must(q->data != NULL);
    }
    memcpy(q->data + q->len, data, len);
    q->len += len;
}

static struct sim_socket *socket_new(void)
{
    struct sim_socket *s = calloc(1, sizeof(*s));
    must(s != NULL);
    s->next = sockets;
    sockets = s;
    return s;
}

static int fd_give(struct sim_socket *s)
{
    for (int i = 0; i < FD_COUNT; i++) {
        if (fds[i] != NULL) continue;
        fds[i] = s;
        return s->fd = FD_FIRST + i;
    }
    must(!"out of simulated descriptors");
    return -1;
}

static bool fd_is_ours(int fd) { return fd >= FD_FIRST && fd < FD_FIRST + FD_COUNT; }

/* The socket of an fd that must be open. The CPU may be lost on the way in. */
static struct sim_socket *fd_enter(int fd, const char *what)
{
    fiber_maybe_yield();
    struct sim_socket *s = fd_is_ours(fd) ? fds[fd - FD_FIRST] : NULL;
    if (s == NULL) sim_fail("%s on the descriptor %d, which is not open", what, fd);
    return s;
}

void kernel_open(void)
{
    kernel_now_ns = 1000000000;
    sockets = waiting = listener = NULL;
    waiting_end = &waiting;
    lent_buffers = 0;
}

void kernel_close(void)
{
    for (int i = 0; i < FD_COUNT; i++)
        if (fds[i] != NULL) sim_fail("the descriptor %d was never closed", FD_FIRST + i);
    if (lent_buffers != 0) sim_fail("%d buffers of pollers were not given back", lent_buffers);
    while (sockets != NULL) {
        struct sim_socket *s = sockets;
        sockets = s->next;
        free(s->in.data);
        free(s->out.data);
        free(s);
    }
}

int kernel_listen(void)
{
    listener = socket_new();
    listener->listens = true;
    return fd_give(listener);
}

struct sim_socket *kernel_connect(size_t room)
{
    struct sim_socket *s = socket_new();
    s->room = room;
    *waiting_end = s;
    waiting_end = &s->next_waiting;
    return s;
}

void kernel_put(struct sim_socket *s, const char *data, size_t len)
{
    queue_put(&s->in, data, len);
}

bool kernel_can_deliver(const struct sim_socket *s) { return s->delivered < s->in.len; }

void kernel_deliver(struct sim_socket *s)
{
    size_t left = s->in.len - s->delivered;
    s->delivered += sim_chance(2) ? left : sim_some(left);
    sim_note("deliver", (uint64_t)s->fd, s->delivered);
}

size_t kernel_can_take(const struct sim_socket *s) { return s->out.len - s->out.at; }

size_t kernel_take(struct sim_socket *s, char *to, size_t max)
{
    size_t n = kernel_can_take(s);
    if (n > max) n = max;
    memcpy(to, s->out.data + s->out.at, n);
    s->out.at += n;
    return n;
}

bool kernel_has_ended(const struct sim_socket *s)
{
    return (s->shut || s->closed || s->reset) && kernel_can_take(s) == 0;
}

bool kernel_is_closed(const struct sim_socket *s) { return s->closed; }
void kernel_finish(struct sim_socket *s) { s->finished = true; }

void kernel_abort(struct sim_socket *s)
{
    s->reset = true;
    s->delivered = s->in.at = s->in.len; /* what was on its way is gone */
    s->out.at = s->out.len;
}

static size_t socket_readable(const struct sim_socket *s) { return s->delivered - s->in.at; }

static bool socket_is_at_end(const struct sim_socket *s)
{
    return s->shut || s->reset || (s->finished && s->in.at == s->in.len);
}

static size_t socket_receive(struct sim_socket *s, char *to, size_t max)
{
    size_t n = socket_readable(s);
    if (n > max) n = max;
    n = sim_chance(2) ? n : sim_some(n);
    memcpy(to, s->in.data + s->in.at, n);
    s->in.at += n;
    sim_progress();
    return n;
}

/* ---- System calls; the names are the linker's ---- */

int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
ssize_t __wrap_recv(int fd, void *to, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *from, size_t len, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags);
int __wrap_shutdown(int fd, int how);
int __wrap_close(int fd);
int __real_close(int fd);
int __wrap_getpeername(int fd, struct sockaddr *addr, socklen_t *len);
int __wrap_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_nanosleep(const struct timespec *wait, struct timespec *left);
pid_t __wrap_getpid(void);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);
uint64_t __wrap_clock_mono_ns(void);
int64_t __wrap_clock_wall_us(void);
void __wrap_random_secret(void *out, size_t len);
void __wrap_poller_wake(struct poller *p);
void __wrap_poller_wait_for_wake(struct poller *p, uint64_t timeout_ns);
void __wrap_arena_close(struct arena *a);
void __real_arena_close(struct arena *a);

static int fail_with(const char *what, int fd, int error)
{
    sim_note(what, (uint64_t)fd, (uint64_t)-error);
    errno = error;
    return -1;
}

int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    (void)addr;
    (void)len;
    struct sim_socket *l = fd_enter(fd, "accept4");
    if (!l->listens || (flags & SOCK_NONBLOCK) == 0) sim_fail("accept4 of what does not listen");
    if (waiting == NULL) return fail_with("accept", fd, EAGAIN);
    if (sim_chance(50)) return fail_with("accept", fd, sim_chance(2) ? EINTR : ECONNABORTED);
    if (sim_choices.scarce && sim_chance(10)) return fail_with("accept", fd, EMFILE);
    struct sim_socket *s = waiting;
    waiting = s->next_waiting;
    if (waiting == NULL) waiting_end = &waiting;
    sim_progress();
    int given = fd_give(s);
    sim_note("accept", (uint64_t)fd, (uint64_t)given);
    return given;
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags)
{
    struct sim_socket *s = fd_enter(fd, "recv");
    if ((flags & MSG_DONTWAIT) == 0) sim_fail("a recv that could block");
    if (sim_chance(100)) return fail_with("recv", fd, EINTR);
    if (socket_readable(s) == 0 && s->reset) return fail_with("recv", fd, ECONNRESET);
    if (socket_readable(s) == 0 && !socket_is_at_end(s)) return fail_with("recv", fd, EAGAIN);
    size_t n = 0;
    for (size_t i = 0; i < m->msg_iovlen && socket_readable(s) > 0; i++) {
        size_t len = m->msg_iov[i].iov_len;
        size_t part = socket_receive(s, m->msg_iov[i].iov_base, len);
        n += part;
        if (part < len) break;
    }
    sim_note("recv", (uint64_t)fd, n);
    return (ssize_t)n;
}

ssize_t __wrap_recv(int fd, void *to, size_t len, int flags)
{
    struct iovec place = {to, len};
    struct msghdr m = {.msg_iov = &place, .msg_iovlen = 1};
    return __wrap_recvmsg(fd, &m, flags);
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags)
{
    struct sim_socket *s = fd_enter(fd, "send");
    if ((flags & MSG_NOSIGNAL) == 0 || (flags & MSG_DONTWAIT) == 0)
        sim_fail("send that could hurt");
    if (s->reset) return fail_with("send", fd, ECONNRESET);
    if (s->shut) return fail_with("send", fd, EPIPE);
    if (sim_chance(100)) return fail_with("send", fd, EINTR);
    size_t waits = kernel_can_take(s), len = 0;
    size_t n = waits >= s->room ? 0 : s->room - waits;
    for (size_t i = 0; i < m->msg_iovlen; i++) len += m->msg_iov[i].iov_len;
    if (n > len) n = len;
    if (n == 0 || sim_chance(20)) return fail_with("send", fd, sim_chance(9) ? ENOBUFS : EAGAIN);
    if (sim_chance(3)) n = sim_some(n);
    size_t left = n;
    for (size_t i = 0; left > 0; i++) {
        size_t part = m->msg_iov[i].iov_len < left ? m->msg_iov[i].iov_len : left;
        queue_put(&s->out, m->msg_iov[i].iov_base, part);
        left -= part;
    }
    sim_progress();
    sim_note("send", (uint64_t)fd, n);
    return (ssize_t)n;
}

ssize_t __wrap_send(int fd, const void *from, size_t len, int flags)
{
    struct iovec piece = {(void *)(uintptr_t)from, len};
    struct msghdr m = {.msg_iov = &piece, .msg_iovlen = 1};
    return __wrap_sendmsg(fd, &m, flags);
}

int __wrap_shutdown(int fd, int how)
{
    struct sim_socket *s = fd_enter(fd, "shutdown");
    if (how != SHUT_RDWR) sim_fail("half a shutdown");
    s->shut = true;
    sim_note("shutdown", (uint64_t)fd, 0);
    return 0;
}

int __wrap_close(int fd)
{
    if (!fd_is_ours(fd)) return __real_close(fd);
    struct sim_socket *s = fd_enter(fd, "close");
    if (s->readers + s->writables > 0) sim_fail("%d is closed while a poller watches it", fd);
    fds[fd - FD_FIRST] = NULL;
    s->closed = true;
    sim_progress();
    sim_note("close", (uint64_t)fd, 0);
    return 0;
}

static int give_address(int fd, struct sockaddr *addr, socklen_t *len, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd_enter(fd, "getsockname");
    must(*len >= sizeof(in));
    memcpy(addr, &in, sizeof(in));
    *len = sizeof(in);
    return 0;
}

int __wrap_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
    return give_address(fd, addr, len, (uint16_t)(fd - FD_FIRST + 20000));
}

int __wrap_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
    return give_address(fd, addr, len, 6379);
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    (void)level;
    (void)name;
    (void)value;
    (void)len;
    fd_enter(fd, "setsockopt");
    return 0;
}

int __wrap_poll(struct pollfd *pfds, nfds_t count, int timeout)
{
    if (count != 1 || timeout != 0) sim_fail("a poll that could block");
    const struct sim_socket *s = fd_enter(pfds->fd, "poll");
    pfds->revents = (short)((s->shut ? POLLHUP : 0) | (s->reset ? POLLHUP | POLLERR : 0));
    return pfds->revents != 0;
}

uint64_t __wrap_clock_mono_ns(void)
{
    fiber_maybe_yield();
    return kernel_now_ns += 10 + sim_below(sim_choices.scripts ? 60000 : 60);
}

int __wrap_nanosleep(const struct timespec *wait, struct timespec *left)
{
    (void)left;
    fiber_sleep((uint64_t)wait->tv_sec * 1000000000u + (uint64_t)wait->tv_nsec);
    return 0;
}

/* Names of temporary files have it. */
pid_t __wrap_getpid(void) { return 4711; }

/* For all but clock.c: CPU times and the log's stamps. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
    (void)clock;
    *ts = (struct timespec){.tv_nsec = (long)(kernel_now_ns % 1000000000)};
    return 0;
}

int64_t __wrap_clock_wall_us(void)
{
    return INT64_C(1700000000000000) + (int64_t)(__wrap_clock_mono_ns() / 1000);
}

void __wrap_random_secret(void *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((unsigned char *)out)[i] = (unsigned char)random_next(&sim_random);
}

/* Whoever closes an arena has given everything back. */
void __wrap_arena_close(struct arena *a)
{
    if (arena_used(a) != 0) sim_fail("%zu bytes of %s were lost", arena_used(a), arena_name(a));
    __real_arena_close(a);
}

/* ---- Pollers ---- */

static struct sim_poller *poller_of(const struct poller *p)
{
    return (struct sim_poller *)(uintptr_t)p;
}

/* Does it give bytes, as io_uring does, or say that there are some? */
static bool watch_gives(const struct sim_watch *w)
{
    return w->kind == WATCH_READER && sim_choices.data_mode && !w->direct;
}

static bool watch_is_ready(const struct sim_poller *p, const struct sim_watch *w)
{
    switch (w->kind) {
    case WATCH_LISTENER: return waiting != NULL;
    case WATCH_WRITABLE: return kernel_can_take(w->s) < w->s->room || w->s->shut || w->s->reset;
    case WATCH_READER: break;
    }
    if (w->paused || w->ended) return false;
    if (socket_readable(w->s) > 0) return !watch_gives(w) || p->lent < BUFFERS;
    return socket_is_at_end(w->s);
}

bool kernel_poller_is_ready(const struct poller *base, bool wake_only)
{
    const struct sim_poller *p = poller_of(base);
    if (p->woken) return true;
    for (int i = 0; i < p->count && !wake_only; i++)
        if (watch_is_ready(p, &p->watches[i])) return true;
    return false;
}

static void watch_drop(struct sim_poller *p, int i)
{
    struct sim_watch *w = &p->watches[i];
    if (w->kind == WATCH_READER) w->s->readers--;
    if (w->kind == WATCH_WRITABLE) w->s->writables--;
    p->watches[i] = p->watches[--p->count];
}

static void watch_tell(struct sim_poller *p, int i, struct poll_event *e)
{
    struct sim_watch *w = &p->watches[i];
    *e = (struct poll_event){.tag = w->tag, .what = POLL_READABLE};
    sim_note("event", w->tag, w->kind);
    if (w->kind == WATCH_WRITABLE) {
        e->what = POLL_WRITABLE;
        watch_drop(p, i);
    } else if (watch_gives(w)) {
        w->ended = socket_readable(w->s) == 0;
        e->what = w->ended ? POLL_END : POLL_DATA;
        if (w->ended) return;
        e->data = malloc(BUFFER_LEN);
        must(e->data != NULL);
        e->len = (uint32_t)socket_receive(w->s, e->data, BUFFER_LEN);
        p->lent++;
        lent_buffers++;
    }
}

/* As io_uring does, a reader may be told several times at once. */
static int op_collect(struct sim_poller *p, struct poll_event *events, int max)
{
    int count = 0, from = p->count > 0 ? (int)sim_below((uint64_t)p->count) : 0;
    for (int k = 0; k < p->count && count < max; k++) {
        int i = (from + k) % p->count;
        if (!watch_is_ready(p, &p->watches[i]) || sim_chance(4)) continue;
        bool reads = watch_gives(&p->watches[i]);
        do watch_tell(p, i, &events[count++]);
        while (reads && count < max && watch_is_ready(p, &p->watches[i]) && sim_chance(2));
    }
    return count;
}

static int op_wait(struct poller *base, struct poll_event *events, int max, uint64_t timeout_ns)
{
    struct sim_poller *p = poller_of(base);
    fiber_maybe_yield();
    int count = op_collect(p, events, max);
    if (count == 0 && timeout_ns > 0 && !p->woken) {
        fiber_block(timeout_ns == UINT64_MAX ? timeout_ns : kernel_now_ns + timeout_ns, false);
        count = op_collect(p, events, max);
    }
    p->woken = false;
    return count;
}

static int watch_find(const struct sim_poller *p, uint64_t tag, enum watch_kind kind)
{
    for (int i = 0; i < p->count; i++)
        if (p->watches[i].tag == tag && p->watches[i].kind == kind) return i;
    return -1;
}

static void watch_add(struct poller *base, int fd, uint64_t tag, enum watch_kind kind)
{
    struct sim_poller *p = poller_of(base);
    struct sim_socket *s = fd_enter(fd, "a watch");
    must(p->count < WATCHES && watch_find(p, tag, kind) < 0);
    if (kind == WATCH_READER && ++s->readers > 1) sim_fail("%d has two readers", fd);
    if (kind == WATCH_WRITABLE && ++s->writables > 1) sim_fail("%d is awaited twice", fd);
    p->watches[p->count++] = (struct sim_watch){.s = s, .tag = tag, .kind = kind};
}

static void watch_remove(struct poller *base, int fd, uint64_t tag, enum watch_kind kind)
{
    fd_enter(fd, "the end of a watch");
    int i = watch_find(poller_of(base), tag, kind);
    if (i >= 0) watch_drop(poller_of(base), i);
}

static void watch_pause(struct poller *base, int fd, uint64_t tag, bool paused)
{
    fd_enter(fd, "a pause");
    int i = watch_find(poller_of(base), tag, WATCH_READER);
    if (i >= 0) poller_of(base)->watches[i].paused = paused;
}

static int op_add_listener(struct poller *p, int fd, uint64_t tag)
{
    watch_add(p, fd, tag, WATCH_LISTENER);
    return 0;
}

static void op_remove_listener(struct poller *p, int fd, uint64_t tag)
{
    watch_remove(p, fd, tag, WATCH_LISTENER);
}

static int op_add_reader(struct poller *p, int fd, uint64_t tag)
{
    watch_add(p, fd, tag, WATCH_READER);
    return 0;
}

static void op_pause_reader(struct poller *p, int fd, uint64_t tag)
{
    watch_pause(p, fd, tag, true);
}
static void op_resume_reader(struct poller *p, int fd, uint64_t tag)
{
    watch_pause(p, fd, tag, false);
}

static void op_remove_reader(struct poller *p, int fd, uint64_t tag)
{
    watch_remove(p, fd, tag, WATCH_READER);
}

static void op_read_direct(struct poller *base, int fd, uint64_t tag, bool on)
{
    fd_enter(fd, "a change of reading");
    int i = watch_find(poller_of(base), tag, WATCH_READER);
    if (i >= 0) poller_of(base)->watches[i].direct = on;
}

static void op_await_writable(struct poller *p, int fd, uint64_t tag)
{
    watch_add(p, fd, tag, WATCH_WRITABLE);
}

static void op_release(struct poller *base, const struct poll_event *e)
{
    if (e->what != POLL_DATA) return;
    memset(e->data, 0xdd, BUFFER_LEN);
    free(e->data);
    poller_of(base)->lent--;
    lent_buffers--;
}

static void op_close(struct poller *p) { free(p); }

struct poller *kernel_poller_open(void)
{
    static const struct poller_ops ops = {
        .wait = op_wait,
        .add_listener = op_add_listener,
        .remove_listener = op_remove_listener,
        .add_reader = op_add_reader,
        .pause_reader = op_pause_reader,
        .resume_reader = op_resume_reader,
        .read_direct = op_read_direct,
        .remove_reader = op_remove_reader,
        .release = op_release,
        .await_writable = op_await_writable,
        .close = op_close,
    };
    struct sim_poller *p = calloc(1, sizeof(*p));
    must(p != NULL);
    p->base.ops = &ops;
    p->base.wake_fd = -1;
    return &p->base;
}

void __wrap_poller_wake(struct poller *p) { poller_of(p)->woken = true; }

void __wrap_poller_wait_for_wake(struct poller *p, uint64_t timeout_ns)
{
    if (!poller_of(p)->woken)
        fiber_block(timeout_ns == UINT64_MAX ? timeout_ns : kernel_now_ns + timeout_ns, true);
    poller_of(p)->woken = false;
}
