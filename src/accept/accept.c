/*
 * Slots: a stack of free ones, and a generation per slot that grows with each use, so that a late
 * message for an earlier connection never meets the later one. The number of live connections is
 * slots out minus slots freed; maxclients is checked against it.
 */
#include "accept/accept.h"

#include "base/clock.h"
#include "base/counter.h"
#include "base/log.h"
#include "catalog/error.h"
#include "catalog/settings.h"
#include "flow/thread.h"
#include "mem/arena.h"
#include "msg/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ACCEPT_PER_TURN = 256,
    ACCEPT_SETTINGS_ID = 0,
    ACCEPT_RETRY_NS = 100000000, /* after running out of descriptors */
    ACCEPT_DOUBTS_MAX = 64,
    ACCEPT_DOUBT_NS = 5000000,
};

/*
 * A connection over the limit of clients. One that is just dying may still be on its way down the
 * pipe, so the new one is not refused at once: a moment later it is looked at again.
 */
struct doubt {
    int fd;
    bool is_unix;
};

struct accept_stage {
    struct stage stage;
    struct accept_wiring wiring;
    struct arena *arena;
    struct accept_listeners listeners;
    bool watching;
    uint32_t *free_slots;
    uint32_t free_count;
    uint32_t slots_made;
    uint32_t *generations;
    uint64_t next_id;
    int next_parser;
    int spare_fd;
    uint64_t retry_ns; /* listeners rest until then; 0: they do not */
    bool rested;       /* that time is over, and the watcher was called */
    struct doubt doubts[ACCEPT_DOUBTS_MAX];
    int doubt_count;
    uint64_t doubt_ns; /* when to look at them again */
    struct counter total, rejected, live;
};

/* ---- Slots ---- */

static void accept_take_freed(struct accept_stage *a)
{
    for (int i = 0; i < a->wiring.writer_count; i++) {
        uint64_t slot;
        while (handoff_pop(a->wiring.freed[i], &slot)) {
            a->free_slots[a->free_count++] = (uint32_t)slot;
            counter_set(&a->live, counter_read(&a->live) - 1);
        }
    }
}

/* False when all slots are out. */
static bool accept_take_slot(struct accept_stage *a, uint32_t *slot)
{
    if (a->free_count > 0) {
        *slot = a->free_slots[--a->free_count];
    } else if (a->slots_made < a->wiring.slots_max) {
        *slot = a->slots_made++;
    } else {
        return false;
    }
    a->generations[*slot]++;
    return true;
}

/* ---- One connection ---- */

static void accept_refuse(struct accept_stage *a, int fd, const char *text)
{
    ssize_t n = send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)n; /* it is only politeness */
    close(fd);
    counter_add(&a->rejected, 1);
}

static void accept_tune(int fd, const struct settings *settings)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    int seconds = (int)settings->tcp_keepalive;
    if (seconds <= 0) return;
    int interval = seconds / 3 > 0 ? seconds / 3 : 1;
    int probes = 3;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof(seconds));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

static const char accept_protected_text[] =
    "-DENIED Redis is running in protected mode because protected mode is enabled and no password "
    "is set for the default user. In this mode connections are only accepted from the loopback "
    "interface. To connect from elsewhere, set a password (requirepass), or turn the protection "
    "off with 'CONFIG SET protected-mode no' from this host or with --protected-mode no at the "
    "start, after making sure that the port is not reachable from the internet.\r\n";

static void accept_fill_card(struct accept_stage *a, struct conn_card *card, int fd, uint32_t slot,
                             bool is_unix)
{
    card->ref = (struct conn_ref){.fd = fd, .slot = slot, .gen = a->generations[slot]};
    card->is_unix = is_unix;
    card->opened_ms = (int64_t)clock_mono_ms();
    card->id = a->next_id++;
    memset(&card->peer, 0, sizeof(card->peer));
    memset(&card->local, 0, sizeof(card->local));
    socklen_t len = sizeof(card->local);
    if (!is_unix) {
        getpeername(fd, (struct sockaddr *)&card->peer, &len);
        len = sizeof(card->local);
        getsockname(fd, (struct sockaddr *)&card->local, &len);
    }
    card->is_local = is_unix || conn_is_loopback(&card->peer);
    card->in_bytes = 0;
    card->in_held = card->in_room = card->in_args = 0;
    card->out_bytes = card->out_pending = 0;
    card->out_blocks = 0;
    card->replies = card->held = 0;
    card->cut = false;
}

/* The parser with the fewest live connections of ours would need counts that only parse knows;
 * turns are fair enough. */
static int accept_choose_parser(struct accept_stage *a)
{
    int chosen = a->next_parser;
    a->next_parser = (a->next_parser + 1) % a->wiring.parser_count;
    return chosen;
}

/* Gives the connection its slot, its parser and its writer. False: there is no room, and nothing
 * happened. */
static bool accept_hand_over(struct accept_stage *a, struct turn *t, int fd, bool is_unix,
                             const struct settings *settings)
{
    uint32_t slot;
    if (counter_read(&a->live) >= (uint64_t)settings->maxclients || !accept_take_slot(a, &slot))
        return false;
    struct conn_card *card = conn_card_make(slot);
    if (card == NULL) {
        a->free_slots[a->free_count++] = slot;
        return false;
    }
    accept_fill_card(a, card, fd, slot, is_unix);
    bool open = conn_is_open();
    if (settings->protected_mode && open && !card->is_local) {
        accept_refuse(a, fd, accept_protected_text);
        a->free_slots[a->free_count++] = slot;
        return true;
    }
    if (!is_unix) accept_tune(fd, settings);
    card->authenticated = open;
    int parser = accept_choose_parser(a);
    card->parser = (uint16_t)parser;
    card->writer = (uint16_t)(parser % a->wiring.writer_count);
    counter_add(&a->live, 1);
    handoff_push(a->wiring.seeds[parser], slot);
    stage_give(t, a->wiring.parsers[parser]);
    t->items++;
    return true;
}

static void accept_take_in(struct accept_stage *a, struct turn *t, int fd, bool is_unix,
                           const struct settings *settings)
{
    counter_add(&a->total, 1);
    if (accept_hand_over(a, t, fd, is_unix, settings)) return;
    if (a->doubt_count == ACCEPT_DOUBTS_MAX) {
        accept_refuse(a, fd, "-" ERR_MAX_CLIENTS "\r\n");
        return;
    }
    if (a->doubt_count == 0) a->doubt_ns = clock_mono_ns() + ACCEPT_DOUBT_NS;
    a->doubts[a->doubt_count++] = (struct doubt){fd, is_unix};
}

static void accept_settle_doubts(struct accept_stage *a, struct turn *t,
                                 const struct settings *settings)
{
    if (a->doubt_count == 0 || clock_mono_ns() < a->doubt_ns) return;
    for (int i = 0; i < a->doubt_count; i++) {
        const struct doubt *d = &a->doubts[i];
        if (!accept_hand_over(a, t, d->fd, d->is_unix, settings))
            accept_refuse(a, d->fd, "-" ERR_MAX_CLIENTS "\r\n");
    }
    a->doubt_count = 0;
}

/* ---- Listeners ---- */

static void accept_watch(struct accept_stage *a, struct thread *th)
{
    for (int i = 0; i < a->listeners.count; i++)
        poller_add_listener(th->poller, a->listeners.list[i].fd,
                            thread_tag(&a->stage, (uint32_t)i, 0));
    a->watching = true;
    a->rested = false;
    a->retry_ns = 0;
}

static void accept_unwatch(struct accept_stage *a, struct thread *th)
{
    if (!a->watching) return;
    for (int i = 0; i < a->listeners.count; i++)
        poller_remove_listener(th->poller, a->listeners.list[i].fd,
                               thread_tag(&a->stage, (uint32_t)i, 0));
    a->watching = false;
}

static void accept_close_listeners(struct accept_stage *a)
{
    for (int i = 0; i < a->listeners.count; i++) close(a->listeners.list[i].fd);
    a->listeners.count = 0;
}

/* New listeners take the place of the old; those in both stay open. */
static void accept_take_orders(struct accept_stage *a, struct thread *th)
{
    struct accept_listeners *order;
    while ((order = handoff_pop_ptr(a->wiring.orders)) != NULL) {
        accept_unwatch(a, th);
        for (int i = 0; i < a->listeners.count; i++) {
            bool kept = false;
            for (int j = 0; j < order->count; j++)
                kept |= order->list[j].fd == a->listeners.list[i].fd;
            if (!kept) close(a->listeners.list[i].fd);
        }
        a->listeners = *order;
        free(order);
        accept_watch(a, th);
    }
}

/* Out of descriptors: takes one connection with the spare one, tells it, and lets the listeners
 * rest. */
static void accept_exhausted(struct accept_stage *a, struct thread *th, int listen_fd)
{
    if (a->spare_fd >= 0) {
        close(a->spare_fd);
        int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) accept_refuse(a, fd, "-" ERR_MAX_CLIENTS "\r\n");
        a->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    accept_unwatch(a, th);
    a->retry_ns = clock_mono_ns() + ACCEPT_RETRY_NS;
    log_warn("Out of file descriptors: accepting rests for 100 ms");
}

/* Accepts from one listener; false when the listeners went to rest. */
static bool accept_from(struct accept_stage *a, struct turn *t, const struct accept_listener *l,
                        const struct settings *settings)
{
    for (int i = 0; i < ACCEPT_PER_TURN; i++) {
        int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            accept_take_in(a, t, fd, l->is_unix, settings);
            continue;
        }
        if (errno == ECONNABORTED || errno == EINTR || errno == EPROTO) continue;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            accept_exhausted(a, t->thread, l->fd);
            return false;
        }
        break;
    }
    return true;
}

/* ---- The stage ---- */

/* Everything that needs the poller which the listeners are with. */
static void accept_listen(struct accept_stage *a, struct turn *t, const struct settings *settings)
{
    accept_take_orders(a, t->thread);
    if (!a->watching && (a->rested || (a->retry_ns != 0 && clock_mono_ns() >= a->retry_ns)))
        accept_watch(a, t->thread);
    struct poll_event *e;
    while ((e = thread_event(t->thread, &a->stage)) != NULL) {
        uint32_t i = thread_tag_slot(e->tag);
        bool live = a->watching && (int)i < a->listeners.count;
        if (live) accept_from(a, t, &a->listeners.list[i], settings);
        thread_event_done(t->thread, &a->stage);
    }
}

/* In a turn elsewhere: has the watcher do what only it can. */
static void accept_call_watcher(struct accept_stage *a, struct turn *t)
{
    bool rested = !a->watching && a->retry_ns != 0 && clock_mono_ns() >= a->retry_ns;
    if (rested) {
        a->rested = true;
        a->retry_ns = clock_mono_ns() + ACCEPT_RETRY_NS; /* not again before that */
    }
    t->for_watcher = rested || handoff_depth(a->wiring.orders) > 0;
}

static bool accept_run(void *self, struct turn *t)
{
    struct accept_stage *a = self;
    const struct settings *settings = settings_enter(ACCEPT_SETTINGS_ID);
    accept_take_freed(a);
    accept_settle_doubts(a, t, settings);
    if (a->stage.watcher == NULL || t->thread == a->stage.watcher)
        accept_listen(a, t, settings);
    else
        accept_call_watcher(a, t);
    settings_leave(ACCEPT_SETTINGS_ID);
    return false;
}

static uint64_t accept_due(void *self)
{
    struct accept_stage *a = self;
    uint64_t due = a->watching || a->retry_ns == 0 ? UINT64_MAX : a->retry_ns;
    return a->doubt_count > 0 && a->doubt_ns < due ? a->doubt_ns : due;
}

static uint64_t accept_depth(void *self)
{
    const struct accept_stage *a = self;
    uint64_t depth = handoff_depth(a->wiring.orders);
    for (int i = 0; i < a->wiring.writer_count; i++) depth += handoff_depth(a->wiring.freed[i]);
    return depth;
}

static const struct stage_ops accept_ops = {
    .run = accept_run, .due = accept_due, .depth = accept_depth};

struct accept_stage *accept_open(const struct accept_wiring *w)
{
    struct arena *arena = arena_open("accept");
    struct accept_stage *a = arena_zalloc(arena, sizeof(*a));
    a->arena = arena;
    a->wiring = *w;
    a->free_slots = arena_alloc(arena, w->slots_max * sizeof(*a->free_slots));
    a->generations = arena_zalloc(arena, w->slots_max * sizeof(*a->generations));
    a->next_id = 1;
    a->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    stage_open(&a->stage, "accept", a, &accept_ops, false);
    return a;
}

void accept_close(struct accept_stage *a)
{
    accept_close_listeners(a);
    for (int i = 0; i < a->doubt_count; i++) close(a->doubts[i].fd);
    if (a->spare_fd >= 0) close(a->spare_fd);
    struct arena *arena = a->arena;
    arena_free(arena, a->free_slots);
    arena_free(arena, a->generations);
    arena_free(arena, a);
    arena_close(arena);
}

struct stage *accept_stage(struct accept_stage *a) { return &a->stage; }
uint64_t accept_connections_total(const struct accept_stage *a) { return counter_read(&a->total); }
uint64_t accept_connections_rejected(const struct accept_stage *a)
{
    return counter_read(&a->rejected);
}
uint64_t accept_connections_now(const struct accept_stage *a) { return counter_read(&a->live); }
