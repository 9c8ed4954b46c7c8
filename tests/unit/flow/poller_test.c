/* The pollers, each test once with epoll and once with io_uring where the machine lets us. */
#include "unit/backends.h"

#include "base/clock.h"
#include "flow/poller.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TAGS = 700, TEXT_MAX = 1 << 17, SECOND = 1000000000 };

/* What a tag was told so far. */
struct told {
    size_t len;
    int ends, writables, readables;
    int fd; /* to receive from when it is told POLL_READABLE; -1: not a reader */
};

static struct {
    struct poller *p;
    enum poller_kind kind;
    struct told tags[TAGS];
    char text[TEXT_MAX]; /* of tag 1 */
    struct poll_event kept[TAGS];
    int kept_count;
} fx;

static int fixture_open(void **state)
{
    memset(&fx, 0, sizeof(fx));
    fx.kind = *(enum poller_kind *)*state;
    for (int i = 0; i < TAGS; i++) fx.tags[i].fd = -1;
    if (fx.kind == POLLER_URING && !poller_has_uring()) return 0;
    return poller_open(&fx.p, fx.kind);
}

static int fixture_close(void **state)
{
    (void)state;
    if (fx.p != NULL) poller_close(fx.p);
    return 0;
}

#define NEEDS_BACKEND NEEDS_BACKEND_OF(fx.p)

static void pair(int *fds)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
}

static void note(struct told *t, uint64_t tag, const char *data, size_t len)
{
    if (tag == 1) {
        assert_true(t->len + len <= TEXT_MAX);
        memcpy(fx.text + t->len, data, len);
    }
    t->len += len;
}

static void take_event(const struct poll_event *e, bool keep)
{
    assert_true(e->tag < TAGS);
    struct told *t = &fx.tags[e->tag];
    char buf[4096];
    switch (e->what) {
    case POLL_END: t->ends++; break;
    case POLL_WRITABLE: t->writables++; break;
    case POLL_DATA: note(t, e->tag, e->data, e->len); break;
    default:
        t->readables++;
        if (t->fd < 0) break;
        ssize_t n = recv(t->fd, buf, sizeof(buf), MSG_DONTWAIT);
        if (n > 0)
            note(t, e->tag, buf, (size_t)n);
        else if (n == 0 || errno != EAGAIN)
            t->ends++;
    }
    if (keep)
        fx.kept[fx.kept_count++] = *e;
    else
        poller_release(fx.p, e);
}

/* One wait; gives how many events there were. */
static int take(uint64_t timeout_ns)
{
    struct poll_event events[64];
    int n = poller_wait(fx.p, events, 64, timeout_ns);
    assert_in_range(n, 0, 64);
    for (int i = 0; i < n; i++) take_event(&events[i], false);
    return n;
}

/* Waits until *count is as large as wanted, 10 s at most. */
#define TAKE_UNTIL(condition)                                              \
    do {                                                                   \
        uint64_t until = clock_mono_ns() + 10ull * SECOND;                 \
        while (!(condition) && clock_mono_ns() < until) take(SECOND / 10); \
        assert_true(condition);                                            \
    } while (0)

/* Lets pass what is on its way. */
static void settle(void)
{
    for (int i = 0; i < 5; i++) take(2000000);
}

static void reader(int fd, uint64_t tag)
{
    fx.tags[tag].fd = fd;
    assert_int_equal(poller_add_reader(fx.p, fd, tag), 0);
}

static void put(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void a_wait_lasts_until_its_time(void **state)
{
    NEEDS_BACKEND;
    uint64_t from = clock_mono_ns();
    assert_int_equal(take(30000000), 0);
    assert_true(clock_mono_ns() - from >= 29000000);
    from = clock_mono_ns();
    for (int i = 0; i < 10; i++) assert_int_equal(take(0), 0);
    assert_true(clock_mono_ns() - from < SECOND);
}

static void *wake_soon(void *arg)
{
    usleep(20000);
    poller_wake(arg);
    return NULL;
}

static void another_thread_ends_a_wait(void **state)
{
    NEEDS_BACKEND;
    for (int i = 0; i < 3; i++) {
        pthread_t other;
        uint64_t from = clock_mono_ns();
        pthread_create(&other, NULL, wake_soon, fx.p);
        /* The middle one waits for wakes only. */
        if (i == 1)
            poller_wait_for_wake(fx.p, UINT64_MAX);
        else
            assert_int_equal(take(UINT64_MAX), 0);
        pthread_join(other, NULL);
        assert_true(clock_mono_ns() - from >= 15000000);
    }
    for (int i = 0; i < 1000; i++) poller_wake(fx.p);
    take(10ull * SECOND); /* many wakes are one */
    settle();
    uint64_t from = clock_mono_ns();
    assert_int_equal(take(20000000), 0);
    assert_true(clock_mono_ns() - from >= 19000000);
}

static void a_wait_for_wakes_leaves_events_where_they_are(void **state)
{
    NEEDS_BACKEND;
    int fds[2];
    pair(fds);
    reader(fds[0], 1);
    put(fds[1], "here");
    uint64_t from = clock_mono_ns();
    poller_wait_for_wake(fx.p, 20000000);
    assert_true(clock_mono_ns() - from >= 19000000);
    assert_int_equal(fx.tags[1].len, 0);
    TAKE_UNTIL(fx.tags[1].len == 4);
    close(fds[0]);
    close(fds[1]);
}

static void bytes_arrive_whole_and_in_order(void **state)
{
    NEEDS_BACKEND;
    int fds[2];
    pair(fds);
    reader(fds[0], 1);
    uint64_t seed = 3;
    static char sent[100000];
    for (size_t i = 0; i < sizeof(sent); i++) sent[i] = (char)check_random(&seed);
    for (size_t at = 0; at < sizeof(sent);) {
        size_t n = check_random(&seed) % 9000 + 1;
        if (n > sizeof(sent) - at) n = sizeof(sent) - at;
        ssize_t done = send(fds[1], sent + at, n, MSG_NOSIGNAL);
        if (done > 0) at += (size_t)done;
        if (done < 0 || check_random(&seed) % 3 == 0) take(1000000);
    }
    TAKE_UNTIL(fx.tags[1].len == sizeof(sent));
    assert_memory_equal(fx.text, sent, sizeof(sent));
    assert_int_equal(fx.tags[1].ends, 0);
    close(fds[0]);
    close(fds[1]);
}

static void the_end_comes_after_the_bytes_and_once(void **state)
{
    NEEDS_BACKEND;
    int fds[2];
    pair(fds);
    reader(fds[0], 1);
    put(fds[1], "last words");
    close(fds[1]);
    TAKE_UNTIL(fx.tags[1].ends > 0);
    assert_int_equal(fx.tags[1].len, 10);
    poller_remove_reader(fx.p, fds[0], 1);
    settle();
    assert_int_equal(fx.tags[1].ends, 1);
    close(fds[0]);
}

static void a_local_shutdown_is_an_end_too(void **state)
{
    NEEDS_BACKEND;
    int fds[2];
    pair(fds);
    reader(fds[0], 1);
    take(0);
    shutdown(fds[0], SHUT_RDWR);
    TAKE_UNTIL(fx.tags[1].ends == 1);
    poller_remove_reader(fx.p, fds[0], 1);
    settle();
    close(fds[0]);
    close(fds[1]);
}

static void a_paused_reader_is_silent_until_resumed(void **state)
{
    NEEDS_BACKEND;
    int fds[2];
    pair(fds);
    reader(fds[0], 1);
    put(fds[1], "a");
    TAKE_UNTIL(fx.tags[1].len == 1);
    poller_pause_reader(fx.p, fds[0], 1);
    settle();
    size_t before = fx.tags[1].len;
    put(fds[1], "bc");
    settle();
    assert_int_equal(fx.tags[1].len, before);
    poller_resume_reader(fx.p, fds[0], 1);
    TAKE_UNTIL(fx.tags[1].len == 3);
    /* Changes of mind before the next wait. */
    for (int i = 0; i < 100; i++) {
        poller_pause_reader(fx.p, fds[0], 1);
        poller_resume_reader(fx.p, fds[0], 1);
        if (i % 10 == 0) put(fds[1], "x");
        if (i % 7 == 0) take(0);
    }
    TAKE_UNTIL(fx.tags[1].len == 13);
    assert_memory_equal(fx.text, "abcxxxxxxxxxx", 13);
    poller_pause_reader(fx.p, fds[0], 1);
    settle();
    close(fds[1]); /* a hang-up does not keep a paused reader's owner awake either */
    take(20000000);
    uint64_t from = clock_mono_ns();
    assert_int_equal(take(20000000), 0);
    assert_true(clock_mono_ns() - from >= 19000000);
    assert_int_equal(fx.tags[1].ends, 0);
    poller_resume_reader(fx.p, fds[0], 1);
    TAKE_UNTIL(fx.tags[1].ends == 1);
    close(fds[0]);
}

static void a_removed_reader_is_not_told(void **state)
{
    NEEDS_BACKEND;
    int fds[2];
    for (int i = 0; i < 200; i++) {
        pair(fds);
        uint64_t tag = 2 + (uint64_t)i;
        reader(fds[0], tag);
        if (i % 2 == 0) take(0); /* armed, or not submitted yet */
        if (i % 3 == 0) put(fds[1], "x");
        poller_remove_reader(fx.p, fds[0], tag);
        if (i % 5 == 0) poller_remove_reader(fx.p, fds[0], tag); /* twice does no harm */
        if (i % 3 == 1) put(fds[1], "y");
        close(fds[0]);
        close(fds[1]);
        take(0);
        assert_int_equal(fx.tags[tag].len + (size_t)fx.tags[tag].ends, 0);
    }
    pair(fds); /* and all buffers are there still */
    reader(fds[0], 1);
    for (int i = 0; i < 600; i++) {
        put(fds[1], "z");
        if (i % 50 == 0) take(0);
    }
    TAKE_UNTIL(fx.tags[1].len == 600);
    close(fds[0]);
    close(fds[1]);
}

static void fill(int fd)
{
    static char zeros[65536];
    while (send(fd, zeros, sizeof(zeros), MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {}
    while (send(fd, zeros, 1, MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {}
}

static void drain(int fd)
{
    static char sink[65536];
    while (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0) {}
}

/* Whenever it changes, no byte is lost or overtakes another. */
static void a_reader_may_become_direct_at_any_time(void **state)
{
    NEEDS_BACKEND;
    int fds[2];
    pair(fds);
    reader(fds[0], 1);
    uint64_t seed = 5;
    static char sent[100000];
    for (size_t i = 0; i < sizeof(sent); i++) sent[i] = (char)check_random(&seed);
    for (size_t at = 0; at < sizeof(sent);) {
        size_t n = check_random(&seed) % 5000 + 1;
        if (n > sizeof(sent) - at) n = sizeof(sent) - at;
        ssize_t done = send(fds[1], sent + at, n, MSG_NOSIGNAL);
        if (done > 0) at += (size_t)done;
        uint64_t what = check_random(&seed) % 8;
        if (what < 3) poller_read_direct(fx.p, fds[0], 1, what < 2);
        if (what == 3) poller_pause_reader(fx.p, fds[0], 1);
        if (what > 3 || done < 0) poller_resume_reader(fx.p, fds[0], 1);
        if (done < 0 || check_random(&seed) % 2 == 0) take(1000000);
    }
    poller_resume_reader(fx.p, fds[0], 1);
    TAKE_UNTIL(fx.tags[1].len == sizeof(sent));
    assert_memory_equal(fx.text, sent, sizeof(sent));
    assert_int_equal(fx.tags[1].ends, 0);
    close(fds[0]);
    close(fds[1]);
}

static void a_direct_reader_is_told_of_readiness_and_of_the_end(void **state)
{
    NEEDS_BACKEND;
    for (int turn = 0; turn < 8; turn++) {
        int fds[2];
        uint64_t tag = 2 + (uint64_t)turn;
        pair(fds);
        reader(fds[0], tag);
        if (turn & 1) take(0);
        poller_read_direct(fx.p, fds[0], tag, true);
        settle();
        int readables = fx.tags[tag].readables;
        if (turn & 2) put(fds[1], "abc");
        if (turn & 2) TAKE_UNTIL(fx.tags[tag].len == 3);
        if (turn & 2) assert_true(fx.tags[tag].readables > readables);
        if (turn & 4) poller_read_direct(fx.p, fds[0], tag, false); /* not in effect yet */
        close(fds[1]);
        TAKE_UNTIL(fx.tags[tag].ends > 0);
        poller_remove_reader(fx.p, fds[0], tag);
        settle();
        close(fds[0]);
    }
}

static void a_direct_reader_may_be_removed(void **state)
{
    NEEDS_BACKEND;
    int fds[2];
    for (int i = 0; i < 100; i++) {
        pair(fds);
        uint64_t tag = 2 + (uint64_t)i;
        reader(fds[0], tag);
        if (i % 2 == 0) take(0);
        poller_read_direct(fx.p, fds[0], tag, true);
        if (i % 4 < 2) settle();
        if (i % 3 == 0) put(fds[1], "x");
        poller_remove_reader(fx.p, fds[0], tag);
        close(fds[0]);
        close(fds[1]);
        take(0);
        assert_int_equal(fx.tags[tag].len + (size_t)fx.tags[tag].ends, 0);
    }
}

static void writability_is_told_once_per_wish(void **state)
{
    NEEDS_BACKEND;
    int fds[2];
    pair(fds);
    for (int round = 1; round <= 3; round++) {
        fill(fds[0]);
        poller_await_writable(fx.p, fds[0], 5);
        settle();
        assert_int_equal(fx.tags[5].writables, round - 1);
        drain(fds[1]);
        TAKE_UNTIL(fx.tags[5].writables == round);
        settle();
        assert_int_equal(fx.tags[5].writables, round);
    }
    fill(fds[0]);
    poller_await_writable(fx.p, fds[0], 5);
    take(0);
    shutdown(fds[0], SHUT_RDWR); /* a failure ends the wait as well */
    TAKE_UNTIL(fx.tags[5].writables == 4);
    close(fds[0]);
    close(fds[1]);
}

static void one_fd_may_be_read_and_awaited_at_once(void **state)
{
    NEEDS_BACKEND;
    int fds[2];
    pair(fds);
    reader(fds[0], 1);
    fill(fds[0]);
    poller_await_writable(fx.p, fds[0], 5);
    put(fds[1], "in");
    TAKE_UNTIL(fx.tags[1].len == 2);
    assert_int_equal(fx.tags[5].writables, 0);
    drain(fds[1]);
    TAKE_UNTIL(fx.tags[5].writables == 1);
    put(fds[1], "more");
    TAKE_UNTIL(fx.tags[1].len == 6);
    close(fds[0]);
    close(fds[1]);
}

static void many_waits_for_writability_are_all_told(void **state)
{
    NEEDS_BACKEND;
    enum { MANY = 150 };
    static int fds[MANY][2];
    for (int i = 0; i < MANY; i++) {
        pair(fds[i]);
        poller_await_writable(fx.p, fds[i][0], (uint64_t)i);
    }
    int all = 0;
    TAKE_UNTIL(({
        all = 0;
        for (int i = 0; i < MANY; i++) all += fx.tags[i].writables;
        all == MANY;
    }));
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(fx.tags[i].writables, 1);
        close(fds[i][0]);
        close(fds[i][1]);
    }
}

static int listen_here(struct sockaddr_in *at)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(*at);
    assert_int_equal(bind(fd, (struct sockaddr *)at, len), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)at, &len), 0);
    return fd;
}

static int dial(const struct sockaddr_in *at)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)at, sizeof(*at)), 0);
    return fd;
}

/* Who takes only one connection per event must still get them all. */
static void a_listener_is_told_again_while_connections_wait(void **state)
{
    NEEDS_BACKEND;
    struct sockaddr_in at;
    int fd = listen_here(&at), clients[20];
    assert_int_equal(poller_add_listener(fx.p, fd, 9), 0);
    for (int i = 0; i < 20; i++) clients[i] = dial(&at);
    int accepted = 0;
    for (int waits = 0; accepted < 20 && waits < 100; waits++) {
        int before = fx.tags[9].readables;
        take(SECOND / 10);
        if (fx.tags[9].readables == before) continue;
        int one = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
        assert_true(one >= 0);
        close(one);
        accepted++;
    }
    assert_int_equal(accepted, 20);
    poller_remove_listener(fx.p, fd, 9);
    settle();
    int before = fx.tags[9].readables;
    int late = dial(&at);
    settle();
    assert_int_equal(fx.tags[9].readables, before);
    assert_int_equal(poller_add_listener(fx.p, fd, 9), 0);
    TAKE_UNTIL(fx.tags[9].readables > before);
    close(late);
    for (int i = 0; i < 20; i++) close(clients[i]);
    poller_remove_listener(fx.p, fd, 9);
    take(0);
    close(fd);
}

/* io_uring's buffers run out when nobody gives them back; nothing may be lost by that. */
static void more_readers_than_buffers_all_get_their_bytes(void **state)
{
    NEEDS_BACKEND;
    enum { MANY = 330 };
    static int fds[MANY][2];
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < 2 * MANY + 64) skip();
    for (int i = 0; i < MANY; i++) {
        pair(fds[i]);
        reader(fds[i][0], (uint64_t)i);
        put(fds[i][1], "1");
    }
    static struct poll_event events[512];
    for (int round = 0; round < 4; round++) {
        int n = poller_wait(fx.p, events, 512, 20000000);
        for (int i = 0; i < n && fx.kept_count < TAGS; i++) take_event(&events[i], true);
    }
    for (int i = 0; i < fx.kept_count; i++) poller_release(fx.p, &fx.kept[i]);
    size_t all = 0;
    TAKE_UNTIL(({
        all = 0;
        for (int i = 0; i < MANY; i++) all += fx.tags[i].len;
        all == MANY;
    }));
    for (int i = 0; i < MANY; i++) {
        put(fds[i][1], "2");
        assert_int_equal(fx.tags[i].len, 1);
    }
    TAKE_UNTIL(({
        all = 0;
        for (int i = 0; i < MANY; i++) all += fx.tags[i].len;
        all == 2 * MANY;
    }));
    for (int i = 0; i < MANY; i++) {
        close(fds[i][0]);
        close(fds[i][1]);
    }
}

/* A connection of the loopback interface; fds[1] is the server's end. */
static void tcp_pair(int *fds)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fds[0], (struct sockaddr *)&at, len), 0);
    fds[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    assert_true(fds[1] >= 0);
    close(listener);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
}

/* All that a socket takes, and its end, before we look: more than the backend has buffers for. */
static void an_end_right_behind_much_data_is_told(void **state)
{
    NEEDS_BACKEND;
    static const char much[1 << 16];
    for (int turn = 0; turn < 100; turn++) {
        int fds[2];
        memset(&fx.tags[2], 0, sizeof(fx.tags[2]));
        tcp_pair(fds);
        reader(fds[1], 2);
        for (int i = 0; i < 64 && send(fds[0], much, sizeof(much), MSG_NOSIGNAL) > 0; i++) {
            if (turn % 3 == 0) take(0);
        }
        if (turn % 2 == 0) {
            struct linger reset = {1, 0};
            setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        }
        close(fds[0]);
        TAKE_UNTIL(fx.tags[2].ends > 0);
        poller_remove_reader(fx.p, fds[1], 2);
        take(0);
        close(fds[1]);
    }
}

int main(void)
{
    clock_open();
    const struct CMUnitTest tests[] = {
        BOTH(a_wait_lasts_until_its_time),
        BOTH(another_thread_ends_a_wait),
        BOTH(a_wait_for_wakes_leaves_events_where_they_are),
        BOTH(bytes_arrive_whole_and_in_order),
        BOTH(the_end_comes_after_the_bytes_and_once),
        BOTH(a_local_shutdown_is_an_end_too),
        BOTH(a_paused_reader_is_silent_until_resumed),
        BOTH(a_removed_reader_is_not_told),
        BOTH(a_reader_may_become_direct_at_any_time),
        BOTH(a_direct_reader_is_told_of_readiness_and_of_the_end),
        BOTH(a_direct_reader_may_be_removed),
        BOTH(writability_is_told_once_per_wish),
        BOTH(one_fd_may_be_read_and_awaited_at_once),
        BOTH(many_waits_for_writability_are_all_told),
        BOTH(a_listener_is_told_again_while_connections_wait),
        BOTH(an_end_right_behind_much_data_is_told),
        BOTH(more_readers_than_buffers_all_get_their_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
