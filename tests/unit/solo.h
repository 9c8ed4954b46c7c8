/*
 * One stage alone: its thread is adopted, its poller is a real one, and its neighbours are the
 * test, which pops what it hands over and pushes what it is to get.
 */
#ifndef UNIT_SOLO_H
#define UNIT_SOLO_H

#include "unit/check.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "catalog/command.h"
#include "catalog/settings.h"
#include "flow/handoff.h"
#include "flow/thread.h"
#include "mem/arena.h"
#include "msg/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOLO_SLOTS = 64, SOLO_MS = 1000000 };

static struct {
    struct thread thread, lender; /* the stage's home, and another that may lend it a turn */
    struct stage neighbour;       /* whom the stage gives turns */
    int gives;                    /* how often the neighbour's turn came */
    enum poller_kind kind;
    size_t memory; /* before all */
} solo;

static inline bool solo_neighbour_run(void *self, struct turn *t)
{
    (void)self;
    (void)t;
    solo.gives++;
    return false;
}

static inline void solo_set(const char *option, const char *value)
{
    char error[OPTION_ERROR_MAX];
    struct bytes words[4];
    uint32_t count = 0;
    for (const char *p = value; *p != '\0'; count++) {
        words[count] = bytes_make(p, strcspn(p, " "));
        p += words[count].len + (p[words[count].len] == ' ');
    }
    struct settings *s = settings_copy(settings_now());
    const struct option *o = option_find(bytes_of(option));
    assert_non_null(o);
    assert_int_equal(option_set_text(s, o, words, count, OPTION_FROM_FILE, error), 0);
    settings_publish(s);
}

/* Before the stage is opened. */
static inline void solo_open(enum poller_kind kind)
{
    static bool is_open;
    static const struct stage_ops ops = {.run = solo_neighbour_run};
    if (!is_open) {
        clock_open();
        hash_open_with(7);
        command_open();
        assert_int_equal(log_open("/dev/null"), 0);
        is_open = true;
    }
    memset(&solo, 0, sizeof(solo));
    solo.kind = kind;
    solo.memory = mem_used();
    settings_publish(settings_default());
    assert_int_equal(conn_cards_open(SOLO_SLOTS), 0);
    stage_forget_all();
    thread_init(&solo.thread, "home", -1, kind);
    thread_init(&solo.lender, "lender", -1, kind);
    stage_open(&solo.neighbour, "neighbour", NULL, &ops, true);
    thread_add_stage(&solo.thread, &solo.neighbour);
}

/* After it was opened: the thread becomes its home. */
static inline void solo_adopt(struct stage *s)
{
    struct poller *p;
    assert_int_equal(poller_open(&p, solo.kind), 0);
    thread_add_stage(&solo.thread, s);
    thread_adopt(&solo.thread, p);
}

/* After the stage was closed. */
static inline void solo_close(void)
{
    thread_release(&solo.thread);
    conn_cards_close();
    stage_forget_all();
    assert_int_equal(mem_used(), solo.memory);
}

/* Rounds until nothing happens for a few milliseconds, or for a while when a stage has events that
 * it cannot take. */
static inline void solo_settle(void)
{
    for (int quiet = 0, rounds = 0; quiet < 3 && rounds < 40; rounds++)
        quiet = thread_round(&solo.thread, 2 * SOLO_MS) ? 0 : quiet + 1;
}

#define SOLO_UNTIL(condition)                                                                \
    do {                                                                                     \
        uint64_t until = clock_mono_ns() + 10000ull * SOLO_MS;                               \
        while (!(condition) && clock_mono_ns() < until) thread_round(&solo.thread, SOLO_MS); \
        assert_true(condition);                                                              \
    } while (0)

/* The card of a connection that accept would have taken in. */
static inline struct conn_card *solo_card(uint32_t slot, int fd)
{
    static uint64_t id;
    struct conn_card *card = conn_card_make(slot);
    uint32_t gen = card->ref.gen + 1;
    memset(card, 0, sizeof(*card));
    card->ref = (struct conn_ref){.fd = fd, .slot = slot, .gen = gen};
    card->id = ++id;
    card->authenticated = true;
    return card;
}

static inline void solo_pair(int *fds)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
}

static inline void solo_send(int fd, const char *data, size_t len)
{
    assert_int_equal(send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT), len);
}

static inline bool solo_is_closed(int fd) { return fcntl(fd, F_GETFD) < 0 && errno == EBADF; }

#endif
