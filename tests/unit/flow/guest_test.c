/* A guest: a stage at home on one thread whose socket another thread watches. */
#include "unit/check.h"

#include "base/clock.h"
#include "base/must.h"
#include "flow/thread.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DEADLINE_MS = 30000, MESSAGES = 2000 };

static struct {
    struct thread home, watcher;
    struct stage guest, other; /* `other` is at home where the guest is watched */
    int fds[2];
    _Atomic unsigned taken, elsewhere; /* bytes; turns at home that found the socket to be set up */
    bool is_set_up;
} fx;

#define WAIT_FOR(condition)                                         \
    do {                                                            \
        uint64_t until = clock_mono_ms() + DEADLINE_MS;             \
        while (!(condition) && clock_mono_ms() < until) usleep(50); \
        assert_true(condition);                                     \
    } while (0)

static bool guest_run(void *self, struct turn *t)
{
    (void)self;
    if (t->thread != &fx.watcher) {
        if (fx.is_set_up) return false;
        atomic_fetch_add(&fx.elsewhere, 1);
        t->for_watcher = true;
        return false;
    }
    if (!fx.is_set_up) {
        must(poller_add_reader(t->thread->poller, fx.fds[0], thread_tag(&fx.guest, 7, 1)) == 0);
        fx.is_set_up = true;
    }
    struct poll_event *e;
    while ((e = thread_event(t->thread, &fx.guest)) != NULL) {
        must(thread_tag_slot(e->tag) == 7);
        char buf[64];
        ssize_t n = recv(fx.fds[0], buf, sizeof(buf), MSG_DONTWAIT);
        thread_event_done(t->thread, &fx.guest);
        if (n > 0) atomic_fetch_add(&fx.taken, (unsigned)n);
    }
    return false;
}

static bool other_run(void *self, struct turn *t)
{
    (void)self;
    (void)t;
    return false;
}

static int fixture_open(void **state)
{
    (void)state;
    static const struct stage_ops guest_ops = {.run = guest_run}, other_ops = {.run = other_run};
    memset(&fx, 0, sizeof(fx));
    stage_forget_all();
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fx.fds), 0);
    stage_open(&fx.guest, "guest", NULL, &guest_ops, false);
    stage_open(&fx.other, "other", NULL, &other_ops, false);
    thread_init(&fx.home, "home", -1, POLLER_EPOLL);
    thread_init(&fx.watcher, "watcher", -1, POLLER_EPOLL);
    thread_add_stage(&fx.home, &fx.guest);
    thread_add_stage(&fx.watcher, &fx.other);
    thread_watch_for(&fx.watcher, &fx.guest);
    assert_int_equal(thread_start(&fx.home, NULL), 0);
    assert_int_equal(thread_start(&fx.watcher, NULL), 0);
    stage_call_home(&fx.guest);
    return 0;
}

static int fixture_close(void **state)
{
    (void)state;
    thread_stop(&fx.home);
    thread_stop(&fx.watcher);
    close(fx.fds[0]);
    close(fx.fds[1]);
    return 0;
}

static void its_events_are_taken_where_it_is_watched(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= MESSAGES; i++) {
        assert_int_equal(send(fx.fds[1], "x", 1, MSG_NOSIGNAL), 1);
        WAIT_FOR(atomic_load(&fx.taken) == i);
    }
    assert_in_range(fx.elsewhere, 1, 3);
    assert_true(fx.guest.turns_lent >= MESSAGES);
    assert_in_range(fx.home.sleeps, 1, 10); /* nobody woke it for these */
}

static void it_stays_lent(void **state)
{
    (void)state;
    stage_set_mode(&fx.guest, STAGE_HOME);
    assert_int_equal(send(fx.fds[1], "x", 1, MSG_NOSIGNAL), 1);
    WAIT_FOR(atomic_load(&fx.taken) == 1);
}

/* Whoever has the token when a call comes: nothing is lost. */
static void calls_to_its_home_may_come_at_any_time(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= MESSAGES; i++) {
        assert_int_equal(send(fx.fds[1], "x", 1, MSG_NOSIGNAL), 1);
        stage_call_home(&fx.guest);
        if (i % 3 == 0) thread_call_guest(&fx.watcher);
        if (i % 16 == 0) WAIT_FOR(atomic_load(&fx.taken) == i);
    }
    WAIT_FOR(atomic_load(&fx.taken) == MESSAGES);
    WAIT_FOR(!stage_is_held(&fx.guest) && !stage_was_left(&fx.guest));
}

int main(void)
{
    clock_open();
#define EACH(test) cmocka_unit_test_setup_teardown(test, fixture_open, fixture_close)
    const struct CMUnitTest tests[] = {
        EACH(its_events_are_taken_where_it_is_watched),
        EACH(it_stays_lent),
        EACH(calls_to_its_home_may_come_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
