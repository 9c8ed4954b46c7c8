/* The writer's turn, with real sockets; the test is execute and accept. */
#ifndef UNIT_WRITE_HARNESS_H
#define UNIT_WRITE_HARNESS_H

#include "unit/backends.h"
#include "unit/solo.h"

#include "write/write.h"

#include <stdio.h>

enum { HOME_RING = 8, CONNS = 12 };

static struct {
    struct write_stage *w;
    struct handoff replies, home, freed;
    struct log_card card;
    struct conn_card *cards[CONNS];
    int ours[CONNS], theirs[CONNS];
    struct reply_batch *made[64];
    int made_count;
    char *got;
    size_t got_len;
} fx;

static inline int fixture_open(void **state)
{
    enum poller_kind kind = *(enum poller_kind *)*state;
    memset(&fx, 0, sizeof(fx));
    if (kind == POLLER_URING && !poller_has_uring()) return 0;
    solo_open(kind);
    handoff_open(&fx.replies, 64);
    handoff_open(&fx.home, HOME_RING);
    handoff_open(&fx.freed, SOLO_SLOTS);
    struct write_wiring w = {
        .replies = &fx.replies, .home = &fx.home, .freed = &fx.freed, .log_card = &fx.card};
    fx.w = write_open("write", &w);
    solo_adopt(write_stage(fx.w));
    for (uint32_t i = 0; i < CONNS; i++) {
        int fds[2], small = 4096;
        solo_pair(fds);
        setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
        fx.ours[i] = fds[0];
        fx.theirs[i] = fds[1];
        fx.cards[i] = solo_card(i, fds[0]);
    }
    fx.got = malloc(4u << 20);
    return 0;
}

static inline int fixture_close(void **state)
{
    (void)state;
    if (fx.w == NULL) return 0;
    write_close(fx.w);
    solo_close();
    for (int i = 0; i < CONNS; i++) {
        close(fx.theirs[i]);
        close(fx.ours[i]);
    }
    for (int i = 0; i < fx.made_count; i++) {
        free(fx.made[i]->buf);
        free(fx.made[i]->items);
        free(fx.made[i]);
    }
    free(fx.got);
    handoff_close(&fx.replies);
    handoff_close(&fx.home);
    handoff_close(&fx.freed);
    return 0;
}

#define NEEDS_BACKEND NEEDS_BACKEND_OF(fx.w)

static inline struct reply_batch *batch(void)
{
    struct reply_batch *b = calloc(1, sizeof(*b));
    b->items = calloc(64, sizeof(*b->items));
    b->item_max = 64;
    fx.made[fx.made_count++] = b;
    return b;
}

static inline void add_bytes(struct reply_batch *b, int conn, const char *data, size_t len,
                             uint32_t events)
{
    b->buf = realloc(b->buf, b->len + len + 1);
    memcpy(b->buf + b->len, data, len);
    b->items[b->item_count++] = (struct reply_item){
        .conn = fx.cards[conn]->ref, .events = events, .start = b->len, .len = len};
    b->len += len;
}

static inline void add(struct reply_batch *b, int conn, const char *text, uint32_t events)
{
    add_bytes(b, conn, text, strlen(text), events);
}

/* As execute does, in a turn of its own on the home thread or on another. */
static inline void hand_over(struct reply_batch *b, bool lent)
{
    handoff_push(&fx.replies, (uint64_t)(uintptr_t)b);
    stage_run_or_leave(write_stage(fx.w), lent ? &solo.lender : &solo.thread);
}

static inline void open_all(void)
{
    struct reply_batch *b = batch();
    for (int i = 0; i < CONNS; i++) add(b, i, "", REPLY_OPEN);
    hand_over(b, false);
    assert_ptr_equal(handoff_pop_ptr(&fx.home), b);
    assert_int_equal(write_open_connections(fx.w), CONNS);
}

/* What the peer can read now; gives how much there is in all. */
static inline size_t receive(int conn)
{
    ssize_t n;
    while ((n = recv(fx.theirs[conn], fx.got + fx.got_len, 65536, MSG_DONTWAIT)) > 0)
        fx.got_len += (size_t)n;
    return fx.got_len;
}

static inline char *large(size_t len)
{
    char *data = malloc(len);
    uint64_t seed = 77;
    for (size_t i = 0; i < len; i++) data[i] = (char)check_random(&seed);
    return data;
}

/* ---- Loans ---- */

enum { LENT = 700000 };

/* An item "$n CRLF <lent> CRLF", `times` of them. */
static inline void add_lent(struct reply_batch *b, int conn, const char *data, int times,
                            uint32_t events)
{
    char head[32];
    size_t start = b->len;
    int n = snprintf(head, sizeof(head), "$%d\r\n", LENT);
    if (b->loans == NULL) b->loans = calloc(16, sizeof(*b->loans));
    for (int i = 0; i < times; i++) {
        b->buf = realloc(b->buf, b->len + 64);
        memcpy(b->buf + b->len, head, (size_t)n);
        b->loans[b->loan_count++] =
            (struct reply_loan){.at = b->len + (size_t)n, .ptr = data, .len = LENT};
        memcpy(b->buf + b->len + n, "\r\n", 2);
        b->len += (size_t)n + 2;
    }
    b->items[b->item_count++] = (struct reply_item){
        .conn = fx.cards[conn]->ref, .events = events, .start = start, .len = b->len - start};
}

static inline void expect_lent(const char *got, const char *data)
{
    assert_memory_equal(got, "$700000\r\n", 9);
    assert_memory_equal(got + 9, data, LENT);
    assert_memory_equal(got + 9 + LENT, "\r\n", 2);
}

#endif
