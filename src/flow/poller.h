/*
 * A poller waits for sockets on behalf of one thread: io_uring or epoll behind one interface.
 *
 * With epoll a reader is told POLL_READABLE and receives by itself; with io_uring it is given
 * POLL_DATA, bytes in a buffer of the poller that it must give back with poller_release() when it
 * has copied or parsed them. The end of a stream is POLL_END (errors too). All calls but
 * poller_wake() are the owning thread's; poller_open() too, as a ring belongs to the thread that
 * made it.
 *
 * Source of the io_uring use: man pages io_uring_setup(2), io_uring_prep_recv_multishot(3),
 * io_uring_setup_buf_ring(3).
 */
#ifndef FLOW_POLLER_H
#define FLOW_POLLER_H

#include <stdbool.h>
#include <stdint.h>

struct poller;

enum poller_kind { POLLER_AUTO, POLLER_URING, POLLER_EPOLL };

enum poll_what {
    POLL_READABLE, /* a reader or a listener: bytes or connections wait; told again while they do */
    POLL_DATA,     /* a reader: data[0..len) */
    POLL_END,      /* a reader: nothing will come any more; told once */
    POLL_WRITABLE, /* poller_await_writable() is over, told once; also when the socket failed */
};

struct poll_event {
    uint64_t tag; /* as given when the watch began */
    char *data;
    uint32_t len;
    uint16_t buffer;
    uint8_t what;
};

/* 0 or -errno. POLLER_AUTO takes io_uring where poller_has_uring(), else epoll. */
int poller_open(struct poller **out, enum poller_kind kind);
void poller_close(struct poller *p);
/* Whether this machine lets us use io_uring with all that we need (containers often do not). */
bool poller_has_uring(void);

/*
 * Waits until something happened, poller_wake() was called or `timeout_ns` passed (0: does not
 * wait, UINT64_MAX: for ever). Gives the number of events, at most `max`.
 */
int poller_wait(struct poller *p, struct poll_event *events, int max, uint64_t timeout_ns);
/* How long a busy owner may wait for more events at once (flow/gather.h); 0, as at first: it does
 * not. epoll has no such wait. */
void poller_set_gathering(struct poller *p, uint64_t gather_ns);
/* Waits for poller_wake() or the time only; events stay where they are. */
void poller_wait_for_wake(struct poller *p, uint64_t timeout_ns);
/* Any thread. */
void poller_wake(struct poller *p);

int poller_add_listener(struct poller *p, int fd, uint64_t tag);
void poller_remove_listener(struct poller *p, int fd, uint64_t tag);

int poller_add_reader(struct poller *p, int fd, uint64_t tag);
/* Stops telling of bytes until resumed; events on their way may still come. */
void poller_pause_reader(struct poller *p, int fd, uint64_t tag);
void poller_resume_reader(struct poller *p, int fd, uint64_t tag);
/*
 * On: the reader receives by itself from now on, whatever the backend: it is told POLL_READABLE,
 * after what was received for it before has been given as POLL_DATA. For bytes that have a place of
 * their own to go to. Off, as at first: as the backend does it. A reader that is direct must not
 * receive but when it was just told.
 */
void poller_read_direct(struct poller *p, int fd, uint64_t tag, bool on);
/* After POLL_END, or before the fd is closed by somebody else. */
void poller_remove_reader(struct poller *p, int fd, uint64_t tag);
/* Gives a POLL_DATA buffer back. */
void poller_release(struct poller *p, const struct poll_event *e);

void poller_await_writable(struct poller *p, int fd, uint64_t tag);

/* The two implementations; private to flow. */
struct poller_ops {
    int (*wait)(struct poller *, struct poll_event *, int, uint64_t);
    int (*add_listener)(struct poller *, int, uint64_t);
    void (*remove_listener)(struct poller *, int, uint64_t);
    int (*add_reader)(struct poller *, int, uint64_t);
    void (*pause_reader)(struct poller *, int, uint64_t);
    void (*resume_reader)(struct poller *, int, uint64_t);
    void (*read_direct)(struct poller *, int, uint64_t, bool);
    void (*remove_reader)(struct poller *, int, uint64_t);
    void (*release)(struct poller *, const struct poll_event *);
    void (*await_writable)(struct poller *, int, uint64_t);
    void (*close)(struct poller *);
};

struct poller {
    const struct poller_ops *ops;
    int wake_fd;
    uint64_t gather_ns; /* see poller_set_gathering() */
};

#define POLLER_WAKE_TAG UINT64_MAX
#define POLLER_NEST_TAG (UINT64_MAX - 1)

int poller_open_epoll(struct poller **out);
int poller_open_uring(struct poller **out);

#endif
