/*
 * io_uring: multishot receives into a ring of provided buffers, one-shot polls for listeners and
 * for writability. A listener's poll is armed again at the next wait, which looks at its state
 * then: multishot polls tell of new arrivals only, not of connections left waiting.
 *
 * user_data of a request is its index in `watches`, a table that remembers the tag; so requests
 * that are cancelled or late are recognised, and an fd is never an identity. A watch is freed when
 * its last completion came. A receive that ends for want of buffers or by cancelling is armed again
 * or dropped as the watch's state says.
 *
 * Beside its receive each reader has a one-shot poll for the end of the stream: a multishot receive
 * that takes the last data after the end has arrived may go back to waiting without meeting the end
 * (seen with Linux 6.18), and nothing would wake it again. Once the poll has told of the end, the
 * rest is read by receives of one shot each, which cannot miss it.
 *
 * A reader that is direct has a one-shot poll in the place of its receive, armed again as a
 * listener's is; a poll tells of the end too. Whatever request is in the kernel is cancelled at a
 * change, and its last completion arms the other kind: so there is one request at a time, and all
 * that a receive took is given before the first POLL_READABLE.
 */
#include "flow/poller.h"

#include "base/clock.h"
#include "base/must.h"
#include "flow/gather.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    URING_ENTRIES = 1024,
    URING_COMPLETIONS = 8192,
    URING_BUFFERS = 256, /* power of two */
    URING_BUFFER_LEN = 4096,
    URING_GROUP = 1,
};

enum watch_kind { WATCH_FREE, WATCH_LISTENER, WATCH_READER, WATCH_WRITABLE };

struct watch {
    uint64_t tag;
    int fd;
    uint8_t kind;
    bool armed;     /* a request is in the kernel */
    bool paused;    /* must not be armed again */
    bool direct;    /* a reader that receives by itself */
    bool polls;     /* a reader: the request in the kernel is a poll */
    bool ending;    /* a reader whose stream's end was seen: no multishot any more */
    bool hangup;    /* the poll for that end is in the kernel */
    bool removed;   /* free it when no request is in the kernel any more */
    uint32_t epoch; /* of a reader, for gathering */
    uint32_t next;  /* chain of the tag index, or of free ones */
};

struct poller_uring {
    struct poller base;
    struct io_uring ring;
    struct io_uring_buf_ring *buffers;
    char *buffer_memory;
    struct watch *watches;
    uint32_t watch_max, watch_free;
    uint32_t *heads; /* tag index: hash -> first watch */
    uint32_t head_mask;
    struct gather gather;
};

#define WATCH_NONE UINT32_MAX
#define URING_NO_WATCH UINT64_MAX        /* user_data of cancellations */
#define URING_HANGUP (UINT64_C(1) << 32) /* beside the index: a reader's poll for the end */

static struct poller_uring *uring_of(struct poller *p) { return (struct poller_uring *)p; }

static struct io_uring_sqe *uring_sqe(struct poller_uring *u)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
    if (sqe == NULL) {
        io_uring_submit(&u->ring);
        sqe = io_uring_get_sqe(&u->ring);
    }
    must(sqe != NULL);
    return sqe;
}

/* ---- Watches ---- */

static uint32_t uring_bucket(const struct poller_uring *u, uint64_t tag, uint8_t kind)
{
    uint64_t h = (tag + kind) * 0x9e3779b97f4a7c15ull;
    return (uint32_t)(h >> 40) & u->head_mask;
}

static void uring_index_all(struct poller_uring *u)
{
    for (uint32_t b = 0; b <= u->head_mask; b++) u->heads[b] = WATCH_NONE;
    for (uint32_t i = 0; i < u->watch_max; i++) {
        struct watch *w = &u->watches[i];
        if (w->kind == WATCH_FREE) continue;
        uint32_t b = uring_bucket(u, w->tag, w->kind);
        w->next = u->heads[b];
        u->heads[b] = i;
    }
}

static void uring_grow_watches(struct poller_uring *u)
{
    uint32_t old = u->watch_max;
    uint32_t max = old == 0 ? 64 : old * 2;
    u->watches = realloc(u->watches, max * sizeof(*u->watches));
    u->heads = realloc(u->heads, max * sizeof(*u->heads));
    must(u->watches != NULL && u->heads != NULL);
    memset(u->watches + old, 0, (max - old) * sizeof(*u->watches));
    u->watch_max = max;
    u->head_mask = max - 1;
    uring_index_all(u);
    for (uint32_t i = max; i-- > old;) {
        u->watches[i].next = u->watch_free;
        u->watch_free = i;
    }
}

static uint32_t uring_watch_new(struct poller_uring *u, int fd, uint64_t tag, uint8_t kind)
{
    if (u->watch_free == WATCH_NONE) uring_grow_watches(u);
    uint32_t i = u->watch_free;
    struct watch *w = &u->watches[i];
    u->watch_free = w->next;
    uint32_t b = uring_bucket(u, tag, kind);
    *w = (struct watch){.tag = tag, .fd = fd, .kind = kind, .next = u->heads[b]};
    u->heads[b] = i;
    return i;
}

static uint32_t uring_watch_find(const struct poller_uring *u, uint64_t tag, uint8_t kind)
{
    uint32_t i = u->heads[uring_bucket(u, tag, kind)];
    while (i != WATCH_NONE &&
           (u->watches[i].tag != tag || u->watches[i].kind != kind || u->watches[i].removed))
        i = u->watches[i].next;
    return i;
}

static void uring_watch_free(struct poller_uring *u, uint32_t i)
{
    struct watch *w = &u->watches[i];
    uint32_t *at = &u->heads[uring_bucket(u, w->tag, w->kind)];
    while (*at != i) at = &u->watches[*at].next;
    *at = w->next;
    w->kind = WATCH_FREE;
    w->next = u->watch_free;
    u->watch_free = i;
}

static void uring_arm(struct poller_uring *u, uint32_t i)
{
    struct watch *w = &u->watches[i];
    struct io_uring_sqe *sqe = uring_sqe(u);
    if (w->kind == WATCH_READER && w->direct) {
        w->polls = true;
        io_uring_prep_poll_add(sqe, w->fd, POLLIN);
    } else if (w->kind == WATCH_READER) {
        w->polls = false;
        if (w->ending)
            io_uring_prep_recv(sqe, w->fd, NULL, 0, 0);
        else
            io_uring_prep_recv_multishot(sqe, w->fd, NULL, 0, 0);
        sqe->flags |= IOSQE_BUFFER_SELECT;
        sqe->buf_group = URING_GROUP;
    } else if (w->kind == WATCH_LISTENER) {
        io_uring_prep_poll_add(sqe, w->fd, POLLIN);
    } else {
        io_uring_prep_poll_add(sqe, w->fd, POLLOUT);
    }
    io_uring_sqe_set_data64(sqe, i);
    w->armed = true;
}

static void uring_arm_hangup(struct poller_uring *u, uint32_t i)
{
    struct io_uring_sqe *sqe = uring_sqe(u);
    io_uring_prep_poll_add(sqe, u->watches[i].fd, POLLRDHUP);
    io_uring_sqe_set_data64(sqe, i | URING_HANGUP);
    u->watches[i].hangup = true;
}

static void uring_cancel(struct poller_uring *u, uint64_t user_data)
{
    struct io_uring_sqe *sqe = uring_sqe(u);
    io_uring_prep_cancel64(sqe, user_data, 0);
    io_uring_sqe_set_data64(sqe, URING_NO_WATCH);
}

/* Frees a watch that was removed when its last completion has come. */
static void uring_watch_settle(struct poller_uring *u, uint32_t i)
{
    const struct watch *w = &u->watches[i];
    if (w->removed && !w->armed && !w->hangup) uring_watch_free(u, i);
}

static void uring_remove(struct poller *p, uint64_t tag, uint8_t kind)
{
    struct poller_uring *u = uring_of(p);
    uint32_t i = uring_watch_find(u, tag, kind);
    if (i == WATCH_NONE) return;
    struct watch *w = &u->watches[i];
    w->removed = true;
    if (w->armed) uring_cancel(u, i);
    if (w->hangup) uring_cancel(u, i | URING_HANGUP);
    uring_watch_settle(u, i);
}

/* ---- Completions ---- */

static void uring_give_buffer(struct poller_uring *u, uint16_t id)
{
    io_uring_buf_ring_add(u->buffers, u->buffer_memory + (size_t)id * URING_BUFFER_LEN,
                          URING_BUFFER_LEN, id, io_uring_buf_ring_mask(URING_BUFFERS), 0);
    io_uring_buf_ring_advance(u->buffers, 1);
}

static bool uring_error_is_passing(int res)
{
    return res == -ENOBUFS || res == -EINTR || res == -EAGAIN || res == -ECANCELED ||
           res == -ENOMEM;
}

/* One completion of a direct reader's poll, which takes nothing off the socket: what is not told
 * here is told by the next request. */
static bool uring_complete_direct(struct poller_uring *u, uint32_t i,
                                  const struct io_uring_cqe *cqe, struct poll_event *e)
{
    struct watch *w = &u->watches[i];
    w->armed = false;
    if (w->removed) {
        uring_watch_settle(u, i);
        return false;
    }
    if (w->paused) return false;
    bool tells = w->direct && cqe->res > 0;
    if (tells) {
        gather_meet(&u->gather, &w->epoch);
        *e = (struct poll_event){.tag = w->tag, .what = POLL_READABLE};
    }
    uring_arm(u, i);
    return tells;
}

/* One completion of a receive. True when `e` was filled. */
static bool uring_complete_read(struct poller_uring *u, uint32_t i, const struct io_uring_cqe *cqe,
                                struct poll_event *e)
{
    struct watch *w = &u->watches[i];
    if (w->polls) return uring_complete_direct(u, i, cqe, e);
    bool more = (cqe->flags & IORING_CQE_F_MORE) != 0;
    w->armed = more;
    if (w->removed) {
        if (cqe->flags & IORING_CQE_F_BUFFER)
            uring_give_buffer(u, (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT));
        uring_watch_settle(u, i);
        return false;
    }
    if (cqe->res > 0) {
        uint16_t id = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
        gather_meet(&u->gather, &w->epoch);
        *e = (struct poll_event){.tag = w->tag,
                                 .data = u->buffer_memory + (size_t)id * URING_BUFFER_LEN,
                                 .len = (uint32_t)cqe->res,
                                 .buffer = id,
                                 .what = POLL_DATA};
        if (!more && !w->paused) uring_arm(u, i);
        return true;
    }
    if (uring_error_is_passing(cqe->res)) {
        if (!more && !w->paused) uring_arm(u, i);
        return false;
    }
    *e = (struct poll_event){.tag = w->tag, .what = POLL_END};
    w->paused = true;
    return true;
}

/* The end of a stream was seen: the receive is cancelled, and armed as one that meets it. */
static void uring_complete_hangup(struct poller_uring *u, uint32_t i)
{
    struct watch *w = &u->watches[i];
    w->hangup = false;
    w->ending = true;
    if (w->removed)
        uring_watch_settle(u, i);
    else if (w->armed && !w->paused && !w->polls)
        uring_cancel(u, i);
}

/* One completion of a poll. */
static bool uring_complete_poll(struct poller_uring *u, uint32_t i, const struct io_uring_cqe *cqe,
                                struct poll_event *e)
{
    struct watch *w = &u->watches[i];
    bool more = (cqe->flags & IORING_CQE_F_MORE) != 0;
    w->armed = more;
    if (w->removed) {
        uring_watch_settle(u, i);
        return false;
    }
    *e = (struct poll_event){.tag = w->tag,
                             .what = w->kind == WATCH_LISTENER ? POLL_READABLE : POLL_WRITABLE};
    if (w->kind == WATCH_WRITABLE)
        uring_watch_free(u, i);
    else if (!more)
        uring_arm(u, i);
    return true;
}

static int uring_reap(struct poller_uring *u, struct poll_event *events, int max)
{
    int count = 0;
    unsigned head;
    unsigned seen = 0;
    struct io_uring_cqe *cqe;
    io_uring_for_each_cqe(&u->ring, head, cqe)
    {
        if (count == max) break;
        seen++;
        if (cqe->user_data == URING_NO_WATCH || cqe->user_data == LIBURING_UDATA_TIMEOUT) continue;
        uint32_t i = (uint32_t)cqe->user_data;
        must(i < u->watch_max && u->watches[i].kind != WATCH_FREE);
        if (cqe->user_data & URING_HANGUP) {
            uring_complete_hangup(u, i);
            continue;
        }
        bool filled = u->watches[i].kind == WATCH_READER
                          ? uring_complete_read(u, i, cqe, &events[count])
                          : uring_complete_poll(u, i, cqe, &events[count]);
        if (filled) count++;
    }
    io_uring_cq_advance(&u->ring, seen);
    return count;
}

/* Sleeps until `count` completions are there, or the time has passed. */
static void uring_sleep(struct poller_uring *u, uint32_t count, uint64_t timeout_ns)
{
    int rc;
    if (timeout_ns == UINT64_MAX) {
        rc = io_uring_submit_and_wait(&u->ring, count);
    } else {
        struct __kernel_timespec ts = {.tv_sec = (int64_t)(timeout_ns / 1000000000u),
                                       .tv_nsec = (long long)(timeout_ns % 1000000000u)};
        struct io_uring_cqe *cqe;
        rc = io_uring_submit_and_wait_timeout(&u->ring, &cqe, count, &ts, NULL);
    }
    must(rc >= 0 || rc == -ETIME || rc == -EINTR || rc == -EAGAIN || rc == -EBUSY);
}

static int uring_sleep_and_reap(struct poller_uring *u, struct poll_event *events, int max,
                                uint32_t count, uint64_t timeout_ns)
{
    uring_sleep(u, count, timeout_ns);
    int n = uring_reap(u, events, max);
    gather_learn(&u->gather, clock_ticks(), count, (uint32_t)n);
    return n;
}

static int uring_op_wait(struct poller *p, struct poll_event *events, int max, uint64_t timeout_ns)
{
    struct poller_uring *u = uring_of(p);
    if (timeout_ns == 0) {
        int rc = io_uring_submit_and_get_events(&u->ring);
        must(rc >= 0 || rc == -EINTR || rc == -EAGAIN || rc == -EBUSY);
        return uring_reap(u, events, max);
    }
    uint64_t wait_ns;
    uint32_t count = gather_plan(&u->gather, clock_ticks(), p->gather_ns, &wait_ns);
    if (count > 1 && wait_ns < timeout_ns) {
        int n = uring_sleep_and_reap(u, events, max, count, wait_ns);
        if (n > 0) return n;
    }
    return uring_sleep_and_reap(u, events, max, 1, timeout_ns);
}

/* ---- The interface ---- */

static int uring_op_add_listener(struct poller *p, int fd, uint64_t tag)
{
    uring_arm(uring_of(p), uring_watch_new(uring_of(p), fd, tag, WATCH_LISTENER));
    return 0;
}

static void uring_op_remove_listener(struct poller *p, int fd, uint64_t tag)
{
    (void)fd;
    uring_remove(p, tag, WATCH_LISTENER);
    io_uring_submit(&uring_of(p)->ring);
}

static int uring_op_add_reader(struct poller *p, int fd, uint64_t tag)
{
    struct poller_uring *u = uring_of(p);
    uint32_t i = uring_watch_new(u, fd, tag, WATCH_READER);
    uring_arm(u, i);
    uring_arm_hangup(u, i);
    return 0;
}

static void uring_op_pause_reader(struct poller *p, int fd, uint64_t tag)
{
    (void)fd;
    struct poller_uring *u = uring_of(p);
    uint32_t i = uring_watch_find(u, tag, WATCH_READER);
    if (i == WATCH_NONE || u->watches[i].paused) return;
    u->watches[i].paused = true;
    if (u->watches[i].armed) uring_cancel(u, i);
}

static void uring_op_resume_reader(struct poller *p, int fd, uint64_t tag)
{
    (void)fd;
    struct poller_uring *u = uring_of(p);
    uint32_t i = uring_watch_find(u, tag, WATCH_READER);
    if (i == WATCH_NONE) return;
    u->watches[i].paused = false;
    if (!u->watches[i].armed)
        uring_arm(u, i); /* else its cancellation is on the way, and re-arms it */
}

static void uring_op_read_direct(struct poller *p, int fd, uint64_t tag, bool on)
{
    (void)fd;
    struct poller_uring *u = uring_of(p);
    uint32_t i = uring_watch_find(u, tag, WATCH_READER);
    if (i == WATCH_NONE || u->watches[i].direct == on) return;
    u->watches[i].direct = on;
    if (u->watches[i].armed) uring_cancel(u, i); /* what comes next is armed behind it */
}

static void uring_op_remove_reader(struct poller *p, int fd, uint64_t tag)
{
    (void)fd;
    uring_remove(p, tag, WATCH_READER);
}

static void uring_op_release(struct poller *p, const struct poll_event *e)
{
    if (e->what == POLL_DATA) uring_give_buffer(uring_of(p), e->buffer);
}

static void uring_op_await_writable(struct poller *p, int fd, uint64_t tag)
{
    struct poller_uring *u = uring_of(p);
    if (uring_watch_find(u, tag, WATCH_WRITABLE) != WATCH_NONE) return;
    uring_arm(u, uring_watch_new(u, fd, tag, WATCH_WRITABLE));
}

static void uring_op_close(struct poller *p)
{
    struct poller_uring *u = uring_of(p);
    io_uring_queue_exit(&u->ring);
    if (u->buffers != NULL) munmap(u->buffers, URING_BUFFERS * sizeof(struct io_uring_buf));
    free(u->buffer_memory);
    free(u->watches);
    free(u->heads);
    free(u);
}

static const struct poller_ops uring_ops = {
    .wait = uring_op_wait,
    .add_listener = uring_op_add_listener,
    .remove_listener = uring_op_remove_listener,
    .add_reader = uring_op_add_reader,
    .pause_reader = uring_op_pause_reader,
    .resume_reader = uring_op_resume_reader,
    .read_direct = uring_op_read_direct,
    .remove_reader = uring_op_remove_reader,
    .release = uring_op_release,
    .await_writable = uring_op_await_writable,
    .close = uring_op_close,
};

static int uring_open_buffers(struct poller_uring *u)
{
    void *ring = mmap(NULL, URING_BUFFERS * sizeof(struct io_uring_buf), PROT_READ | PROT_WRITE,
                      MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    if (ring == MAP_FAILED) return -errno;
    u->buffers = ring;
    struct io_uring_buf_reg reg = {
        .ring_addr = (uint64_t)(uintptr_t)ring, .ring_entries = URING_BUFFERS, .bgid = URING_GROUP};
    int rc = io_uring_register_buf_ring(&u->ring, &reg, 0);
    if (rc != 0) return rc;
    io_uring_buf_ring_init(u->buffers);
    u->buffer_memory = aligned_alloc(4096, (size_t)URING_BUFFERS * URING_BUFFER_LEN);
    must(u->buffer_memory != NULL);
    for (unsigned id = 0; id < URING_BUFFERS; id++) uring_give_buffer(u, (uint16_t)id);
    return 0;
}

int poller_open_uring(struct poller **out)
{
    struct poller_uring *u = calloc(1, sizeof(*u));
    must(u != NULL);
    u->base.ops = &uring_ops;
    u->watch_free = WATCH_NONE;
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_COOP_TASKRUN | IORING_SETUP_CQSIZE,
        .cq_entries = URING_COMPLETIONS,
    };
    int rc = io_uring_queue_init_params(URING_ENTRIES, &u->ring, &params);
    if (rc != 0) {
        free(u);
        return rc;
    }
    rc = uring_open_buffers(u);
    if (rc != 0) {
        uring_op_close(&u->base);
        return rc;
    }
    io_uring_register_ring_fd(&u->ring); /* saves a look-up per call; not needed */
    *out = &u->base;
    return 0;
}
