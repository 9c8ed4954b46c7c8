/*
 * epoll: level-triggered readers and listeners in one instance; waits for writability in a second
 * instance nested in the first, because one fd can be watched once per instance and a thread may be
 * home to both the parser and the writer of a connection.
 */
#include "flow/poller.h"

#include "base/must.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EPOLL_BATCH = 256 };

struct poller_epoll {
    struct poller base;
    int fd;
    int out_fd; /* writability, one shot */
    struct epoll_event ready[EPOLL_BATCH];
};

static struct poller_epoll *epoll_of(struct poller *p) { return (struct poller_epoll *)p; }

static int epoll_timeout_ms(uint64_t timeout_ns)
{
    if (timeout_ns == UINT64_MAX) return -1;
    uint64_t ms = (timeout_ns + 999999) / 1000000;
    return ms > 3600000 ? 3600000 : (int)ms;
}

/* Collects one-shot writability events. */
static int epoll_take_writables(struct poller_epoll *e, struct poll_event *events, int max)
{
    struct epoll_event out[64];
    int n = epoll_wait(e->out_fd, out, max < 64 ? max : 64, 0);
    for (int i = 0; i < n; i++)
        events[i] = (struct poll_event){.tag = out[i].data.u64, .what = POLL_WRITABLE};
    return n < 0 ? 0 : n;
}

static int epoll_op_wait(struct poller *p, struct poll_event *events, int max, uint64_t timeout_ns)
{
    struct poller_epoll *e = epoll_of(p);
    int want = max < EPOLL_BATCH ? max : EPOLL_BATCH;
    int n = epoll_wait(e->fd, e->ready, want, epoll_timeout_ms(timeout_ns));
    if (n < 0) return errno == EINTR ? 0 : -errno;
    int count = 0;
    bool writables = false;
    for (int i = 0; i < n; i++) {
        if (e->ready[i].data.u64 == POLLER_NEST_TAG) {
            writables = true;
            continue;
        }
        events[count++] = (struct poll_event){.tag = e->ready[i].data.u64, .what = POLL_READABLE};
    }
    if (writables) count += epoll_take_writables(e, events + count, max - count);
    return count;
}

static int epoll_control(int ep, int op, int fd, uint32_t what, uint64_t tag)
{
    struct epoll_event ev = {.events = what, .data.u64 = tag};
    return epoll_ctl(ep, op, fd, &ev) == 0 ? 0 : -errno;
}

static int epoll_op_add(struct poller *p, int fd, uint64_t tag)
{
    return epoll_control(epoll_of(p)->fd, EPOLL_CTL_ADD, fd, EPOLLIN, tag);
}

static void epoll_op_remove(struct poller *p, int fd, uint64_t tag)
{
    (void)epoll_control(epoll_of(p)->fd, EPOLL_CTL_DEL, fd, 0, tag);
}

/* Taken out, not masked: a masked fd would still report a hang-up over and over. */
static void epoll_op_pause(struct poller *p, int fd, uint64_t tag) { epoll_op_remove(p, fd, tag); }

static void epoll_op_resume(struct poller *p, int fd, uint64_t tag)
{
    (void)epoll_op_add(p, fd, tag);
}

/* It always is. */
static void epoll_op_read_direct(struct poller *p, int fd, uint64_t tag, bool on)
{
    (void)p;
    (void)fd;
    (void)tag;
    (void)on;
}

static void epoll_op_release(struct poller *p, const struct poll_event *e)
{
    (void)p;
    (void)e;
}

static void epoll_op_await_writable(struct poller *p, int fd, uint64_t tag)
{
    struct poller_epoll *e = epoll_of(p);
    uint32_t what = EPOLLOUT | EPOLLONESHOT;
    int rc = epoll_control(e->out_fd, EPOLL_CTL_MOD, fd, what, tag);
    if (rc == -ENOENT) rc = epoll_control(e->out_fd, EPOLL_CTL_ADD, fd, what, tag);
    must(rc == 0);
}

static void epoll_op_close(struct poller *p)
{
    struct poller_epoll *e = epoll_of(p);
    close(e->out_fd);
    close(e->fd);
    free(e);
}

static const struct poller_ops epoll_ops = {
    .wait = epoll_op_wait,
    .add_listener = epoll_op_add,
    .remove_listener = epoll_op_remove,
    .add_reader = epoll_op_add,
    .pause_reader = epoll_op_pause,
    .resume_reader = epoll_op_resume,
    .read_direct = epoll_op_read_direct,
    .remove_reader = epoll_op_remove,
    .release = epoll_op_release,
    .await_writable = epoll_op_await_writable,
    .close = epoll_op_close,
};

int poller_open_epoll(struct poller **out)
{
    struct poller_epoll *e = calloc(1, sizeof(*e));
    must(e != NULL);
    e->base.ops = &epoll_ops;
    e->fd = epoll_create1(EPOLL_CLOEXEC);
    e->out_fd = epoll_create1(EPOLL_CLOEXEC);
    int rc = 0;
    if (e->fd < 0 || e->out_fd < 0) rc = -errno;
    if (rc == 0) rc = epoll_control(e->fd, EPOLL_CTL_ADD, e->out_fd, EPOLLIN, POLLER_NEST_TAG);
    if (rc != 0) {
        if (e->fd >= 0) close(e->fd);
        if (e->out_fd >= 0) close(e->out_fd);
        free(e);
        return rc;
    }
    *out = &e->base;
    return 0;
}
