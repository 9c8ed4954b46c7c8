/*
 * Invariants: a connection has a reader in the poller while it is open, and none while it connects.
 * Events name the connection's generation, so those of an older one are not ours. After each
 * answer there is new time; the errand has no more than `timeout_ms` without any progress.
 */
#include "courier/peer.h"

#include "base/clock.h"
#include "base/must.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEER_KEPT_NS UINT64_C(10000000000) /* an idle connection, as Redis keeps it */

static uint64_t peer_tag(const struct peer *p) { return thread_tag(p->stage, p->slot, p->gen); }

static void peer_progress(struct peer *p)
{
    p->due_ns = clock_mono_ns() + (uint64_t)p->errand->timeout_ms * 1000000u;
}

/* ---- The end of a conversation ---- */

static void peer_forget_addresses(struct peer *p)
{
    if (p->addresses != NULL) freeaddrinfo(p->addresses);
    p->addresses = p->next_address = NULL;
}

void peer_drop(struct peer *p)
{
    peer_forget_addresses(p);
    if (p->state != PEER_CLOSED) close(p->fd);
}

void peer_hang_up(struct peer *p, struct thread *th)
{
    if (p->state == PEER_OPEN) poller_remove_reader(th->poller, p->fd, peer_tag(p));
    peer_drop(p); /* that ends the wait for room, too */
    p->state = PEER_CLOSED;
    p->fd = -1;
    p->awaits = false;
    p->greeted_len = 0;
    p->gen++;
    p->due_ns = UINT64_MAX;
}

static void peer_complain(struct peer *p, const char *error)
{
    struct errand *e = p->errand;
    if (e->error[0] == '\0') snprintf(e->error, sizeof(e->error), "%s", error);
}

static void peer_connect(struct peer *p, struct thread *th);
static void peer_send(struct peer *p, struct thread *th);

static void peer_greet(struct peer *p)
{
    const struct errand *e = p->errand;
    bool is_known = !e->greets_anew && p->greeted_len == e->greeting.len && p->greeted_len > 0 &&
                    memcmp(p->greeted, e->greeting.ptr, p->greeted_len) == 0;
    p->greets = e->greetings > 0 && !is_known;
    if (p->greets) p->greeted_len = 0;
    p->out = p->greets ? e->greeting : e->text;
    p->answered = 0;
    p->line_len = 0;
}

/* The connection is of no use any more. */
static void peer_fail(struct peer *p, struct thread *th, const char *error)
{
    bool again = p->is_kept && !p->is_answered && error == NULL;
    bool was_sent = p->state == PEER_OPEN && p->out.len == 0;
    peer_hang_up(p, th);
    if (again) {
        p->is_kept = false;
        peer_greet(p);
        peer_connect(p, th);
        return;
    }
    if (error == NULL)
        error = was_sent ? "IOERR error or timeout reading to target instance"
                         : "IOERR error or timeout writing to target instance";
    peer_complain(p, error);
    p->errand = NULL;
}

/* All that there was to say was said and answered. */
static void peer_part(struct peer *p)
{
    p->errand = NULL;
    p->due_ns = clock_mono_ns() + PEER_KEPT_NS;
}

/* ---- Connecting ---- */

/* The next address that lets us try. False: there is none. */
static bool peer_try_next(struct peer *p)
{
    while (p->next_address != NULL) {
        const struct addrinfo *a = p->next_address;
        p->next_address = a->ai_next;
        p->fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (p->fd < 0) continue;
        int on = 1;
        setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (connect(p->fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS) return true;
        close(p->fd);
    }
    return false;
}

static void peer_await(struct peer *p, struct thread *th)
{
    if (p->awaits) return;
    p->awaits = true;
    poller_await_writable(th->poller, p->fd, peer_tag(p));
}

static void peer_connect_next(struct peer *p, struct thread *th)
{
    if (!peer_try_next(p)) {
        peer_fail(p, th, NULL);
        return;
    }
    p->state = PEER_CONNECTING;
    p->gen++;
    peer_await(p, th);
}

static void peer_connect(struct peer *p, struct thread *th)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    const struct errand *e = p->errand;
    peer_progress(p);
    int rc = e->host[0] == '\0' ? EAI_NONAME : getaddrinfo(e->host, NULL, &hints, &p->addresses);
    if (rc != 0) {
        p->addresses = NULL;
        peer_fail(p, th, "IOERR error or timeout connecting to the client");
        return;
    }
    for (struct addrinfo *a = p->addresses; a != NULL; a = a->ai_next) {
        if (a->ai_family == AF_INET)
            ((struct sockaddr_in *)(void *)a->ai_addr)->sin_port = htons(e->port);
        else if (a->ai_family == AF_INET6)
            ((struct sockaddr_in6 *)(void *)a->ai_addr)->sin6_port = htons(e->port);
    }
    p->next_address = p->addresses;
    peer_connect_next(p, th);
}

static void peer_connected(struct peer *p, struct thread *th)
{
    int error = 0;
    socklen_t len = sizeof(error);
    getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error != 0) {
        close(p->fd);
        p->state = PEER_CLOSED;
        peer_connect_next(p, th);
        return;
    }
    peer_forget_addresses(p);
    p->state = PEER_OPEN;
    must(poller_add_reader(th->poller, p->fd, peer_tag(p)) == 0);
    peer_progress(p);
    peer_send(p, th);
}

/* ---- Talking ---- */

static void peer_send(struct peer *p, struct thread *th)
{
    while (p->out.len > 0 && !p->awaits) {
        ssize_t n = send(p->fd, p->out.ptr, p->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            p->out = bytes_make(p->out.ptr + n, p->out.len - (size_t)n);
            peer_progress(p);
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
            peer_await(p, th);
        } else {
            peer_fail(p, th, NULL);
            return;
        }
    }
}

/* The answer to a command stands in p->line. False: the conversation is over. */
static bool peer_answer(struct peer *p, struct thread *th)
{
    struct errand *e = p->errand;
    bool good = p->line_len == 3 && memcmp(p->line, "+OK", 3) == 0;
    if (!good && (p->line_len == 0 || p->line[0] != '-')) {
        peer_fail(p, th, "IOERR unexpected answer from target instance");
        return false;
    }
    if (!good && e->error[0] == '\0')
        snprintf(e->error, sizeof(e->error), "ERR Target instance replied with error: %.*s",
                 (int)p->line_len - 1, p->line + 1);
    if (!p->greets) e->taken[p->answered] = good;
    p->answered++;
    p->is_answered = true;
    p->line_len = 0;
    if (p->answered < (p->greets ? e->greetings : e->count)) return true;
    if (p->out.len > 0) { /* answers to what was not asked */
        peer_fail(p, th, "IOERR unexpected answer from target instance");
        return false;
    }
    if (p->greets && e->error[0] == '\0') {
        p->greets = false;
        if (!e->greets_anew && e->greeting.len <= sizeof(p->greeted)) {
            p->greeted_len = e->greeting.len;
            memcpy(p->greeted, e->greeting.ptr, e->greeting.len);
        }
        p->out = e->text;
        p->answered = 0;
        peer_send(p, th);
        return p->errand != NULL;
    }
    peer_part(p);
    return false;
}

/* What the peer said. */
static void peer_hear(struct peer *p, struct thread *th, const char *at, size_t len)
{
    for (const char *end = at + len; at < end;) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        size_t part = (size_t)((feed != NULL ? feed : end) - at);
        size_t room = sizeof(p->line) - p->line_len;
        size_t kept = part < room ? part : room;
        memcpy(p->line + p->line_len, at, kept);
        p->line_len += (uint32_t)kept;
        at += part;
        if (feed == NULL) return;
        at++;
        if (p->line_len > 0 && p->line[p->line_len - 1] == '\r') p->line_len--;
        if (p->errand == NULL || !peer_answer(p, th)) {
            /* More than was asked for: whose answer would the next one be? */
            if (at < end && p->state == PEER_OPEN) peer_hang_up(p, th);
            return;
        }
    }
}

static void peer_receive(struct peer *p, struct thread *th)
{
    char buf[16384];
    ssize_t n = recv(p->fd, buf, sizeof(buf), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return; /* told again while there is more */
    if (p->errand == NULL) {
        peer_hang_up(p, th); /* it ended, or speaks unasked */
    } else if (n <= 0) {
        peer_fail(p, th, NULL);
    } else {
        peer_progress(p);
        peer_hear(p, th, buf, (size_t)n);
    }
}

void peer_on_event(struct peer *p, struct thread *th, uint8_t what)
{
    if (what != POLL_WRITABLE) {
        peer_receive(p, th);
        return;
    }
    p->awaits = false;
    if (p->errand == NULL) return;
    if (p->state == PEER_CONNECTING)
        peer_connected(p, th);
    else
        peer_send(p, th);
}

void peer_begin(struct peer *p, struct thread *th, struct errand *e)
{
    must(p->errand == NULL);
    p->errand = e;
    p->is_answered = false;
    p->is_kept = p->state == PEER_OPEN;
    peer_greet(p);
    peer_progress(p);
    if (p->is_kept)
        peer_send(p, th);
    else
        peer_connect(p, th);
}

void peer_on_due(struct peer *p, struct thread *th)
{
    if (p->errand == NULL) {
        peer_hang_up(p, th);
        return;
    }
    p->is_kept = false; /* a peer that is slow is not asked twice */
    peer_fail(p, th, NULL);
}
