/*
 * One conn_out per connection, from REPLY_OPEN to the close. What the kernel did not take is a
 * queue of pieces: small ones are copied, so that the batch can go home; a large one, and all of an
 * item with loans, keeps its batch until it is sent (batch->kept counts them). While a queue is not
 * empty nothing overtakes it.
 *
 * Messages (REPLY_PUSH) are not sent one by one: a message to many is one send for each of them,
 * and the next one to the same receivers often comes while those are under way. So they wait in a
 * queue of their own, as pieces that keep their batches, and their connections stand in line;
 * between two sends new batches are looked at. What answers a command is sent at once, and takes
 * the messages before it along. While the line is long the turn gives way to what comes in: a
 * lock-step client that publishes to a hundred others then has several messages in each send.
 *
 * Invariants: pieces of a connection leave in the order of its items; a batch goes home when its
 * last item is dealt with and no piece points into it; the fd is closed after REPLY_BYE only, here
 * only, and the slot is freed after the close.
 */
#include "write/write.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/log.h"
#include "catalog/settings.h"
#include "flow/thread.h"
#include "mem/arena.h"
#include "write/hold.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    WRITE_COPY_MAX = 65536,   /* a longer rest keeps its batch */
    WRITE_PER_TURN = 64,      /* batches */
    WRITE_SEND_MAX = 1 << 20, /* bytes sent to one connection before others get their turn */
    WRITE_PIECES = 32,        /* sent with one call */
    WRITE_CHUNK = 4096,       /* pieces are copied into chunks of so much */
    WRITE_READY_MAX = 16384,  /* bytes of messages that wait for one connection's turn */
    WRITE_LINE_MAX = 1024,    /* connections in line: no new batches until there are fewer */
    WRITE_SENDS = 8,          /* to connections in line, in a turn */
    WRITE_LINE_NS = 3000000,  /* when the home goes on if whoever runs the turn does not */
    WRITE_TIMED_MAX = 4,      /* batches that a connection may keep for the sake of their times */
    WRITE_SOFT_CHECK_NS = 500000000,
};

struct piece {
    struct piece *next;
    const char *ptr;
    size_t len;
    struct reply_batch
        *batch; /* the batch that `ptr` points into, or NULL: then the bytes follow */
    struct reply_item
        *timed;  /* the item of that batch that ends here and is to be timed, or NULL */
    size_t room; /* of a copy: for more bytes behind it */
    char copy[];
};

struct pieces {
    struct piece *first, *last;
};

struct conn_out {
    struct conn_ref ref;
    struct conn_card *card;
    struct pieces queue; /* what the kernel did not take */
    struct pieces ready; /* messages; empty while the queue is not */
    size_t ready_len;
    struct conn_out *prev_in_line, *next_in_line; /* of those with messages */
    bool in_line;
    uint32_t timed;        /* pieces of the queue that keep their batch to be timed */
    uint64_t pending;      /* bytes of the queue */
    uint64_t over_soft_ns; /* since when it is over the soft limit; 0: it is not */
    bool cut;              /* shut down: what still comes is dropped */
    bool cut_next;         /* shut down when the queue is empty */
    bool bye;              /* close when the queue is empty */
    bool waits;            /* in the list of those that need to know about writability */
    bool watched;          /* the poller will tell */
    struct conn_out *next_waiting;
};

struct write_stage {
    struct stage stage;
    struct write_wiring wiring;
    struct arena *arena;
    struct conn_out **conns;
    uint32_t conn_max;
    struct conn_out *waiting;                /* the home is to watch them */
    struct reply_batch *returning;           /* done, but the ring home had no room */
    struct hold held;                        /* batches that wait for the disk */
    struct conn_out *line_first, *line_last; /* connections with messages */
    uint32_t line_count;
    uint64_t line_due_ns; /* when the home looks after the line; 0: it is empty */
    uint64_t soft_count;  /* connections over their soft limit */
    uint64_t soft_check_ns;
    const struct settings *settings;
    struct counter sent, writes, cuts, pending, open;
};

/* ---- Connections ---- */

static struct conn_out *write_conn_at(struct write_stage *w, uint32_t slot, uint32_t gen)
{
    if (slot >= w->conn_max || w->conns[slot] == NULL) return NULL;
    return w->conns[slot]->ref.gen == gen ? w->conns[slot] : NULL;
}

static struct conn_out *write_conn_open(struct write_stage *w, struct conn_ref ref)
{
    if (ref.slot >= w->conn_max) {
        uint32_t max = w->conn_max == 0 ? 256 : w->conn_max;
        while (max <= ref.slot) max *= 2;
        w->conns = arena_realloc(w->arena, w->conns, max * sizeof(struct conn_out *));
        memset(w->conns + w->conn_max, 0, (max - w->conn_max) * sizeof(struct conn_out *));
        w->conn_max = max;
    }
    must(w->conns[ref.slot] == NULL);
    struct conn_out *c = arena_zalloc(w->arena, sizeof(*c));
    c->ref = ref;
    c->card = conn_card(ref.slot);
    w->conns[ref.slot] = c;
    counter_add(&w->open, 1);
    return c;
}

static void write_batch_home(struct write_stage *w, struct reply_batch *b)
{
    if (handoff_try_push(w->wiring.home, (uint64_t)(uintptr_t)b)) return;
    b->next = w->returning;
    w->returning = b;
}

static void write_return_more(struct write_stage *w)
{
    while (w->returning != NULL) {
        struct reply_batch *next = w->returning->next; /* read before it is given away */
        if (!handoff_try_push(w->wiring.home, (uint64_t)(uintptr_t)w->returning)) return;
        w->returning = next;
    }
}

/* `more` may be negative. */
static void write_add_pending(struct write_stage *w, uint64_t more)
{
    counter_set(&w->pending, counter_read(&w->pending) + more);
}

static void write_set_pending(struct write_stage *w, struct conn_out *c, uint64_t pending)
{
    write_add_pending(w, pending - c->pending);
    c->pending = pending;
    conn_meter_set(&c->card->out_pending, pending);
}

/* The first piece of a queue is done with. */
static void write_free_first(struct write_stage *w, struct pieces *q)
{
    struct piece *p = q->first;
    q->first = p->next;
    if (q->first == NULL) q->last = NULL;
    if (p->batch != NULL && --p->batch->kept == 0) write_batch_home(w, p->batch);
    arena_free(w->arena, p);
}

static void write_drop_first(struct write_stage *w, struct conn_out *c)
{
    c->timed -= c->queue.first->timed != NULL;
    write_free_first(w, &c->queue);
    conn_meter_set(&c->card->out_blocks, conn_meter(&c->card->out_blocks) - 1);
}

/* ---- The line of those with messages ---- */

static void write_enter_line(struct write_stage *w, struct conn_out *c)
{
    c->in_line = true;
    c->prev_in_line = w->line_last;
    c->next_in_line = NULL;
    if (w->line_last != NULL)
        w->line_last->next_in_line = c;
    else
        w->line_first = c;
    w->line_last = c;
    w->line_count++;
}

static void write_leave_line(struct write_stage *w, struct conn_out *c)
{
    if (!c->in_line) return;
    c->in_line = false;
    if (c->prev_in_line != NULL)
        c->prev_in_line->next_in_line = c->next_in_line;
    else
        w->line_first = c->next_in_line;
    if (c->next_in_line != NULL)
        c->next_in_line->prev_in_line = c->prev_in_line;
    else
        w->line_last = c->prev_in_line;
    w->line_count--;
}

static void write_drop_ready(struct write_stage *w, struct conn_out *c)
{
    while (c->ready.first != NULL) write_free_first(w, &c->ready);
    c->ready_len = 0;
    write_leave_line(w, c);
}

static void write_drop_all(struct write_stage *w, struct conn_out *c)
{
    write_drop_ready(w, c);
    while (c->queue.first != NULL) write_drop_first(w, c);
    write_set_pending(w, c, 0);
    if (c->over_soft_ns != 0) w->soft_count--;
    c->over_soft_ns = 0;
}

static void write_cut(struct write_stage *w, struct conn_out *c)
{
    if (c->cut) return;
    c->cut = true;
    conn_meter_set(&c->card->cut, true);
    write_drop_all(w, c);
    shutdown(c->ref.fd, SHUT_RDWR);
}

/* The one place where a connection's descriptor is closed. */
static void write_conn_close(struct write_stage *w, struct conn_out *c)
{
    write_drop_all(w, c);
    close(c->ref.fd);
    w->conns[c->ref.slot] = NULL;
    counter_set(&w->open, counter_read(&w->open) - 1);
    handoff_push(w->wiring.freed, c->ref.slot);
    arena_free(w->arena, c);
}

/* ---- Limits ---- */

static void write_over_limit(struct write_stage *w, struct conn_out *c, const char *which)
{
    log_warn("Client id=%llu closed for overcoming of output buffer limits: %llu bytes, %s",
             (unsigned long long)c->card->id, (unsigned long long)c->pending, which);
    counter_add(&w->cuts, 1);
    write_cut(w, c);
}

/* A client that has not authenticated gets errors only; one that leaves them unread is up to no
 * good. */
enum { WRITE_UNAUTHENTICATED_MAX = 1024 };

static void write_check_limits(struct write_stage *w, struct conn_out *c)
{
    const struct setting_output_limit *limit =
        &w->settings->client_output_buffer_limit.of[conn_meter(&c->card->output_class)];
    if (c->cut) return;
    if (limit->hard > 0 && c->pending > (uint64_t)limit->hard) {
        write_over_limit(w, c, "hard limit of client-output-buffer-limit");
        return;
    }
    if (c->pending > WRITE_UNAUTHENTICATED_MAX && !conn_meter(&c->card->authenticated)) {
        write_over_limit(w, c, "the bound for unauthenticated clients");
        return;
    }
    bool over = limit->soft > 0 && c->pending > (uint64_t)limit->soft;
    if (!over) {
        if (c->over_soft_ns != 0) w->soft_count--;
        c->over_soft_ns = 0;
        return;
    }
    uint64_t now = clock_mono_ns();
    if (c->over_soft_ns == 0) {
        c->over_soft_ns = now;
        w->soft_count++;
        if (w->soft_check_ns == 0) w->soft_check_ns = now + WRITE_SOFT_CHECK_NS;
    } else if (now - c->over_soft_ns > (uint64_t)limit->soft_seconds * 1000000000u) {
        write_over_limit(w, c, "soft limit of client-output-buffer-limit");
    }
}

static void write_check_soft_limits(struct write_stage *w)
{
    if (w->soft_check_ns == 0 || clock_mono_ns() < w->soft_check_ns) return;
    for (uint32_t i = 0; i < w->conn_max && w->soft_count > 0; i++)
        if (w->conns[i] != NULL && w->conns[i]->over_soft_ns != 0)
            write_check_limits(w, w->conns[i]);
    w->soft_check_ns = w->soft_count > 0 ? clock_mono_ns() + WRITE_SOFT_CHECK_NS : 0;
}

/* ---- Sending ---- */

/* After a send: false when the kernel takes no more now, or the connection failed, and is cut. */
static bool write_was_taken(struct write_stage *w, struct conn_out *c, ssize_t sent)
{
    if (likely(sent >= 0)) {
        counter_add(&w->writes, 1);
        return true;
    }
    if (errno != EAGAIN && errno != ENOBUFS) write_cut(w, c);
    return false;
}

static void write_note_sent(struct write_stage *w, struct conn_out *c, size_t len)
{
    counter_add(&w->sent, len);
    uint64_t before = conn_meter(&c->card->out_bytes);
    conn_meter_set(&c->card->out_bytes, before + len);
}

/* Gives how many bytes the kernel took; a connection that failed is cut and takes all, to nowhere.
 */
static size_t write_send(struct write_stage *w, struct conn_out *c, const char *ptr, size_t len)
{
    size_t done = 0;
    while (done < len) {
        size_t n = len - done < WRITE_SEND_MAX ? len - done : WRITE_SEND_MAX;
        ssize_t sent = send(c->ref.fd, ptr + done, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (!write_was_taken(w, c, sent)) break;
        done += (size_t)sent;
        if ((size_t)sent < n) break;
    }
    if (c->cut) return len;
    write_note_sent(w, c, done);
    return done;
}

static void write_want_watch(struct write_stage *w, struct conn_out *c)
{
    if (c->waits || c->watched) return;
    c->waits = true;
    c->next_waiting = w->waiting;
    w->waiting = c;
}

static struct piece *write_append(struct pieces *q, struct piece *p)
{
    if (q->last == NULL)
        q->first = p;
    else
        q->last->next = p;
    q->last = p;
    return p;
}

/* A piece that keeps its batch. */
static void write_keep(struct write_stage *w, struct pieces *q, struct reply_batch *b,
                       struct bytes bytes)
{
    struct piece *p = arena_alloc(w->arena, sizeof(*p));
    *p = (struct piece){.ptr = bytes.ptr, .len = bytes.len, .batch = b};
    b->kept++;
    write_append(q, p);
}

/* Copies behind the last piece while that has room. True when a piece was made. */
static bool write_copy(struct write_stage *w, struct pieces *q, struct bytes bytes)
{
    struct piece *p = q->last;
    bool fits = p != NULL && p->room >= bytes.len;
    if (!fits) {
        size_t room = p == NULL || bytes.len > WRITE_CHUNK ? bytes.len : WRITE_CHUNK;
        p = arena_alloc(w->arena, sizeof(*p) + room);
        *p = (struct piece){.ptr = p->copy, .room = room};
        write_append(q, p);
    }
    memcpy((char *)(uintptr_t)p->ptr + p->len, bytes.ptr, bytes.len);
    p->len += bytes.len;
    p->room -= bytes.len;
    return !fits;
}

/* A piece at the end of the queue: a copy, or one that keeps its batch. The caller counts it as
 * pending. */
static void write_add_piece(struct write_stage *w, struct conn_out *c, struct reply_batch *b,
                            struct bytes bytes, bool keep)
{
    bool is_new = true;
    if (keep)
        write_keep(w, &c->queue, b, bytes);
    else
        is_new = write_copy(w, &c->queue, bytes);
    if (is_new) conn_meter_set(&c->card->out_blocks, conn_meter(&c->card->out_blocks) + 1);
}

/* The last piece is the end of an item that is to be timed, and keeps its batch. */
static void write_time_last(struct conn_out *c, struct reply_item *item)
{
    c->queue.last->timed = item;
    c->timed++;
}

/* Queues bytes of an item; `timed`: the item, when they are its end and it is to be timed. */
static void write_queue(struct write_stage *w, struct conn_out *c, struct reply_batch *b,
                        struct bytes bytes, struct reply_item *timed)
{
    if (c->timed >= WRITE_TIMED_MAX) timed = NULL;
    write_add_piece(w, c, b, bytes, bytes.len > WRITE_COPY_MAX || timed != NULL);
    if (timed != NULL) write_time_last(c, timed);
    write_set_pending(w, c, c->pending + bytes.len);
    write_want_watch(w, c);
    write_check_limits(w, c);
}

/* The pieces at the front of a queue as one message; gives their length. */
static size_t write_gather(const struct pieces *q, struct msghdr *m, struct iovec *to)
{
    size_t len = 0;
    m->msg_iov = to;
    m->msg_iovlen = 0;
    for (struct piece *p = q->first;
         p != NULL && m->msg_iovlen < WRITE_PIECES && len < WRITE_SEND_MAX; p = p->next) {
        size_t n = p->len < WRITE_SEND_MAX - len ? p->len : WRITE_SEND_MAX - len;
        to[m->msg_iovlen++] = (struct iovec){(char *)(uintptr_t)p->ptr, n};
        len += n;
    }
    return len;
}

/* The kernel took `n` bytes of the front of the queue. */
static void write_consume(struct write_stage *w, struct conn_out *c, size_t n)
{
    while (n > 0 && n >= c->queue.first->len) {
        n -= c->queue.first->len;
        struct reply_item *timed = c->queue.first->timed;
        if (unlikely(timed != NULL)) timed->written_ticks = clock_ticks();
        write_drop_first(w, c);
    }
    if (n == 0) return;
    c->queue.first->ptr += n;
    c->queue.first->len -= n;
}

/* Sends from the queue until the kernel takes no more; gives how many bytes, which the caller takes
 * off what is pending. A connection that failed is cut. */
static size_t write_send_queue(struct write_stage *w, struct conn_out *c)
{
    size_t done = 0;
    while (c->queue.first != NULL) {
        struct iovec pieces[WRITE_PIECES];
        struct msghdr m = {0};
        size_t len = write_gather(&c->queue, &m, pieces);
        ssize_t sent = sendmsg(c->ref.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (!write_was_taken(w, c, sent)) break;
        done += (size_t)sent;
        write_consume(w, c, (size_t)sent);
        if ((size_t)sent < len) break;
    }
    write_note_sent(w, c, done);
    return done;
}

/* Sends what is queued. True when the queue is empty. */
static bool write_flush(struct write_stage *w, struct conn_out *c)
{
    size_t n = write_send_queue(w, c);
    if (c->cut) return true;
    write_set_pending(w, c, c->pending - n);
    if (c->queue.first != NULL) return false;
    write_check_limits(w, c);
    return true;
}

/* ---- Messages ---- */

/* One send of what is ready; gives how much the kernel took. */
static size_t write_send_ready(struct write_stage *w, struct conn_out *c)
{
    if (c->ready.first->next == NULL)
        return write_send(w, c, c->ready.first->ptr, c->ready.first->len);
    struct iovec pieces[WRITE_PIECES];
    struct msghdr m = {0};
    ssize_t sent;
    write_gather(&c->ready, &m, pieces);
    do {
        sent = sendmsg(c->ref.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (!write_was_taken(w, c, sent)) return 0;
    write_note_sent(w, c, (size_t)sent);
    return (size_t)sent;
}

/* Sends a connection's messages; what the kernel does not take is queued. */
static void write_flush_ready(struct write_stage *w, struct conn_out *c)
{
    size_t n = write_send_ready(w, c);
    if (c->cut) return;
    for (struct piece *p; (p = c->ready.first) != NULL; write_free_first(w, &c->ready)) {
        size_t taken = n < p->len ? n : p->len;
        n -= taken;
        struct bytes rest = bytes_make(p->ptr + taken, p->len - taken);
        if (rest.len > 0) write_queue(w, c, p->batch, rest, NULL);
        if (c->cut) return;
    }
    c->ready_len = 0;
    write_leave_line(w, c);
}

/* Messages wait for their connection's turn, unless they are many. What is given in one piece
 * stays one. */
static void write_add_ready(struct write_stage *w, struct conn_out *c, struct reply_batch *b,
                            struct bytes bytes)
{
    struct piece *last = c->ready.last;
    if (last != NULL && last->ptr + last->len == bytes.ptr && last->batch == b)
        last->len += bytes.len;
    else
        write_keep(w, &c->ready, b, bytes);
    c->ready_len += bytes.len;
    if (!c->in_line) write_enter_line(w, c);
    if (c->ready_len >= WRITE_READY_MAX) write_flush_ready(w, c);
}

/*
 * An item with loans: its parts of the buffer and the lent bytes between them become pieces, which
 * leave at once when nothing is before them. What is pending is told only after that: it is what
 * the kernel did not take.
 */
static void write_lent_item(struct write_stage *w, struct conn_out *c, struct reply_batch *b,
                            struct reply_item *item, const struct reply_loan *loans, uint32_t count)
{
    bool is_first = c->queue.first == NULL;
    size_t at = item->start, total = item->len;
    for (uint32_t i = 0; i < count; i++) {
        write_add_piece(w, c, b, bytes_make(b->buf + at, loans[i].at - at), true);
        write_add_piece(w, c, b, bytes_make(loans[i].ptr, loans[i].len), true);
        at = loans[i].at;
        total += loans[i].len;
    }
    write_add_piece(w, c, b, bytes_make(b->buf + at, item->start + item->len - at), true);
    if (item->events & REPLY_TIMED) write_time_last(c, item);
    if (is_first) total -= write_send_queue(w, c);
    if (c->cut) return;
    write_set_pending(w, c, c->pending + total);
    if (c->queue.first == NULL) return;
    write_want_watch(w, c);
    write_check_limits(w, c);
}

/* What is due when the queue is empty. One that the home still watches stays until the watch is
 * over, which a cut ends at once. */
static void write_settle(struct write_stage *w, struct conn_out *c)
{
    if (c->queue.first != NULL) return;
    if (c->cut_next) write_cut(w, c);
    if (c->bye && !c->waits && !c->watched) write_conn_close(w, c);
}

/* How many of the batch's loans from number `from` on belong to the item. */
static uint32_t write_count_loans(const struct reply_batch *b, const struct reply_item *item,
                                  uint32_t from)
{
    uint32_t to = from;
    while (to < b->loan_count && b->loans[to].at < item->start + item->len) to++;
    return to - from;
}

/* An item's own bytes: a message waits, an answer takes the messages before it along. */
static void write_bytes(struct write_stage *w, struct conn_out *c, struct reply_batch *b,
                        struct reply_item *item)
{
    struct bytes bytes = bytes_make(b->buf + item->start, item->len);
    struct reply_item *timed = item->events & REPLY_TIMED ? item : NULL;
    if (unlikely((item->events & REPLY_PUSH) || c->in_line) && c->queue.first == NULL) {
        write_add_ready(w, c, b, bytes);
        if (item->events & REPLY_PUSH) return;
        if (c->in_line) write_flush_ready(w, c);
        if (timed != NULL && c->queue.first == NULL && !c->cut)
            timed->written_ticks = clock_ticks();
        return;
    }
    size_t n = c->queue.first == NULL ? write_send(w, c, bytes.ptr, bytes.len) : 0;
    if (c->cut) return;
    if (n < bytes.len)
        write_queue(w, c, b, bytes_make(bytes.ptr + n, bytes.len - n), timed);
    else if (timed != NULL)
        timed->written_ticks = clock_ticks();
}

/* `*loan` is the batch's next loan. */
static void write_item(struct write_stage *w, struct reply_batch *b, struct reply_item *item,
                       uint32_t *loan)
{
    uint32_t from = *loan;
    if (unlikely(from < b->loan_count)) *loan += write_count_loans(b, item, from);
    struct conn_out *c;
    if (item->events & REPLY_OPEN)
        c = write_conn_open(w, item->conn);
    else
        c = write_conn_at(w, item->conn.slot, item->conn.gen);
    must(c != NULL);
    if (unlikely(*loan > from)) {
        if (c->in_line) write_flush_ready(w, c);
        if (!c->cut) write_lent_item(w, c, b, item, &b->loans[from], *loan - from);
    } else if (item->len > 0 && !c->cut) {
        write_bytes(w, c, b, item);
    }
    if (likely((item->events & (REPLY_CUT | REPLY_BYE)) == 0)) return;
    if (c->in_line) write_flush_ready(w, c);
    if (item->events & REPLY_CUT) c->cut_next = true;
    if (item->events & REPLY_BYE) c->bye = true;
    write_settle(w, c);
}

static void write_batch(struct write_stage *w, struct turn *t, struct reply_batch *b)
{
    b->kept = 1; /* our own, while its items are gone through */
    uint32_t loan = 0;
    for (uint32_t i = 0; i < b->item_count; i++) write_item(w, b, &b->items[i], &loan);
    t->items += b->item_count;
    if (--b->kept == 0) write_batch_home(w, b);
}

/* ---- Batches that wait for the disk ---- */

static void write_hold(struct write_stage *w, struct reply_batch *b)
{
    hold_add(&w->held, b);
    write_add_pending(w, hold_len(b));
}

static struct reply_batch *write_let_go(struct write_stage *w)
{
    struct reply_batch *b = hold_take(&w->held);
    if (b != NULL) write_add_pending(w, -hold_len(b));
    return b;
}

/* What it answers was not kept: its connections are opened and closed as it says, but get none of
 * it, nor anything after it. */
static void write_cut_batch(struct write_stage *w, struct reply_batch *b)
{
    for (uint32_t i = 0; i < b->item_count; i++) {
        struct reply_item *item = &b->items[i];
        struct conn_out *c = item->events & REPLY_OPEN
                                 ? write_conn_open(w, item->conn)
                                 : write_conn_at(w, item->conn.slot, item->conn.gen);
        must(c != NULL);
        if (item->len > 0) write_cut(w, c);
        if (item->events & REPLY_CUT) c->cut_next = true;
        if (item->events & REPLY_BYE) c->bye = true;
        write_settle(w, c);
    }
    write_batch_home(w, b);
}

/* Sends what the disk has reached, cuts what it failed to take. */
static void write_release_held(struct write_stage *w, struct turn *t)
{
    while (w->held.first != NULL) {
        enum hold_end end = hold_first_end(&w->held, w->wiring.log_card);
        if (end == HOLD_NOT_YET) return;
        struct reply_batch *b = write_let_go(w);
        if (end == HOLD_SENT)
            write_batch(w, t, b);
        else
            write_cut_batch(w, b);
    }
}

/* ---- The stage ---- */

/* At home: watches those that wait for room in the kernel. */
static void write_watch_waiting(struct write_stage *w, struct turn *t)
{
    if (w->waiting == NULL) return;
    if (!t->at_home) {
        t->for_home = true;
        return;
    }
    while (w->waiting != NULL) {
        struct conn_out *c = w->waiting;
        w->waiting = c->next_waiting;
        c->waits = false;
        if (c->queue.first == NULL || c->cut) {
            write_settle(w, c);
            continue;
        }
        c->watched = true;
        poller_await_writable(t->thread->poller, c->ref.fd,
                              thread_tag(&w->stage, c->ref.slot, c->ref.gen));
    }
}

static void write_take_events(struct write_stage *w, struct turn *t)
{
    struct poll_event *e;
    while ((e = thread_event(t->thread, &w->stage)) != NULL) {
        struct conn_out *c = write_conn_at(w, thread_tag_slot(e->tag), thread_tag_gen(e->tag));
        thread_event_done(t->thread, &w->stage);
        if (c == NULL) continue;
        c->watched = false;
        if (!write_flush(w, c)) write_want_watch(w, c);
        write_settle(w, c);
    }
}

/* Takes batches and, between them, sends to those in line: as many as a turn may. True when more
 * batches may be there. */
static bool write_batches(struct write_stage *w, struct turn *t)
{
    int batches = 0, sends = WRITE_SENDS;
    for (;;) {
        struct reply_batch *b = NULL;
        if (batches < WRITE_PER_TURN && w->line_count < WRITE_LINE_MAX)
            b = handoff_pop_ptr(w->wiring.replies);
        if (b != NULL) {
            batches++;
            if (b->read_ticks != 0) stage_note_handoff(&w->stage, t, b->read_ticks);
            if (unlikely(hold_wants(&w->held, w->wiring.log_card, b)))
                write_hold(w, b);
            else
                write_batch(w, t, b);
        } else if (w->line_count > 0 && sends-- > 0) {
            write_flush_ready(w, w->line_first);
        } else {
            return batches == WRITE_PER_TURN || w->line_count >= WRITE_LINE_MAX;
        }
    }
}

static bool write_run(void *self, struct turn *t)
{
    struct write_stage *w = self;
    w->settings = settings_enter(w->wiring.settings_id);
    write_return_more(w);
    if (t->at_home) write_take_events(w, t);
    bool more = write_batches(w, t);
    if (unlikely(w->held.first != NULL)) write_release_held(w, t);
    w->line_due_ns = w->line_count > 0 ? clock_mono_ns() + WRITE_LINE_NS : 0;
    t->goes_on = w->line_count > 0;
    write_watch_waiting(w, t);
    write_check_soft_limits(w);
    settings_leave(w->wiring.settings_id);
    return more;
}

static uint64_t write_due(void *self)
{
    const struct write_stage *w = self;
    uint64_t due = w->soft_check_ns == 0 ? UINT64_MAX : w->soft_check_ns;
    return w->line_due_ns != 0 && w->line_due_ns < due ? w->line_due_ns : due;
}

static uint64_t write_depth(void *self)
{
    return handoff_depth(((const struct write_stage *)self)->wiring.replies);
}

static const struct stage_ops write_ops = {
    .run = write_run, .due = write_due, .depth = write_depth};

struct write_stage *write_open(const char *name, const struct write_wiring *wiring)
{
    struct arena *arena = arena_open(name);
    struct write_stage *w = arena_zalloc(arena, sizeof(*w));
    w->arena = arena;
    w->wiring = *wiring;
    stage_open(&w->stage, name, w, &write_ops, true);
    return w;
}

void write_close(struct write_stage *w)
{
    struct arena *arena = w->arena;
    for (uint32_t i = 0; i < w->conn_max; i++) {
        struct conn_out *c = w->conns[i];
        if (c == NULL) continue;
        write_drop_all(w, c);
        close(c->ref.fd);
        arena_free(arena, c);
    }
    struct reply_batch *b;
    while ((b = write_let_go(w)) != NULL) write_batch_home(w, b);
    while ((b = handoff_pop_ptr(w->wiring.replies)) != NULL) write_batch_home(w, b);
    write_return_more(w);
    arena_free(arena, w->conns);
    arena_free(arena, w);
    arena_close(arena);
}

struct stage *write_stage(struct write_stage *w) { return &w->stage; }
uint64_t write_bytes_sent(const struct write_stage *w) { return counter_read(&w->sent); }
uint64_t write_calls(const struct write_stage *w) { return counter_read(&w->writes); }
uint64_t write_limit_cuts(const struct write_stage *w) { return counter_read(&w->cuts); }
uint64_t write_pending_bytes(const struct write_stage *w) { return counter_read(&w->pending); }
uint64_t write_open_connections(const struct write_stage *w) { return counter_read(&w->open); }
