/* The common part: the choice of backend and the eventfd that wakes a waiting thread. */
#include "flow/poller.h"

#include "base/must.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int poller_open(struct poller **out, enum poller_kind kind)
{
    int wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wake_fd < 0) return -errno;
    int rc = -ENOSYS;
    if (kind != POLLER_EPOLL) rc = poller_open_uring(out);
    if (rc != 0 && kind != POLLER_URING) rc = poller_open_epoll(out);
    if (rc == 0) {
        (*out)->wake_fd = wake_fd;
        rc = (*out)->ops->add_listener(*out, wake_fd, POLLER_WAKE_TAG);
        if (rc != 0) (*out)->ops->close(*out);
    }
    if (rc != 0) close(wake_fd);
    return rc;
}

void poller_close(struct poller *p)
{
    int wake_fd = p->wake_fd;
    p->ops->close(p);
    close(wake_fd);
}

bool poller_has_uring(void)
{
    struct poller *p = NULL;
    if (poller_open(&p, POLLER_URING) != 0 || p == NULL) return false;
    poller_close(p);
    return true;
}

void poller_set_gathering(struct poller *p, uint64_t gather_ns) { p->gather_ns = gather_ns; }

/* Drops the wake-up from the events; it only ended the wait. */
static int poller_strip_wake(struct poller *p, struct poll_event *events, int count)
{
    int kept = 0;
    for (int i = 0; i < count; i++) {
        if (events[i].tag == POLLER_WAKE_TAG) {
            uint64_t wakes;
            ssize_t n = read(p->wake_fd, &wakes, sizeof(wakes));
            (void)n;
            continue;
        }
        if (kept != i) events[kept] = events[i];
        kept++;
    }
    return kept;
}

int poller_wait(struct poller *p, struct poll_event *events, int max, uint64_t timeout_ns)
{
    int count = p->ops->wait(p, events, max, timeout_ns);
    return count <= 0 ? 0 : poller_strip_wake(p, events, count);
}

void poller_wait_for_wake(struct poller *p, uint64_t timeout_ns)
{
    struct pollfd pfd = {.fd = p->wake_fd, .events = POLLIN};
    struct timespec ts = {.tv_sec = (time_t)(timeout_ns / 1000000000u),
                          .tv_nsec = (long)(timeout_ns % 1000000000u)};
    if (ppoll(&pfd, 1, timeout_ns == UINT64_MAX ? NULL : &ts, NULL) <= 0) return;
    uint64_t wakes;
    ssize_t n = read(p->wake_fd, &wakes, sizeof(wakes));
    (void)n;
}

void poller_wake(struct poller *p)
{
    uint64_t one = 1;
    ssize_t n = write(p->wake_fd, &one, sizeof(one));
    (void)n; /* EAGAIN: it is awake already */
}

int poller_add_listener(struct poller *p, int fd, uint64_t tag)
{
    return p->ops->add_listener(p, fd, tag);
}
void poller_remove_listener(struct poller *p, int fd, uint64_t tag)
{
    p->ops->remove_listener(p, fd, tag);
}
int poller_add_reader(struct poller *p, int fd, uint64_t tag)
{
    return p->ops->add_reader(p, fd, tag);
}
void poller_pause_reader(struct poller *p, int fd, uint64_t tag)
{
    p->ops->pause_reader(p, fd, tag);
}
void poller_resume_reader(struct poller *p, int fd, uint64_t tag)
{
    p->ops->resume_reader(p, fd, tag);
}
void poller_read_direct(struct poller *p, int fd, uint64_t tag, bool on)
{
    p->ops->read_direct(p, fd, tag, on);
}
void poller_remove_reader(struct poller *p, int fd, uint64_t tag)
{
    p->ops->remove_reader(p, fd, tag);
}
void poller_release(struct poller *p, const struct poll_event *e) { p->ops->release(p, e); }
void poller_await_writable(struct poller *p, int fd, uint64_t tag)
{
    p->ops->await_writable(p, fd, tag);
}
