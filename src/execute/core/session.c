/*
 * The registry of sessions.
 *
 * Invariants: a slot of the table holds a session from BATCH_OPEN to BYE. The list (in the order of
 * id) and the hash of ids hold the sessions that are not closing, and those only.
 */
#include "execute/core/session.h"

#include "base/clock.h"
#include "catalog/settings.h"
#include "execute/core/acl.h"
#include "execute/core/blocking.h"
#include "execute/core/client_limit.h"
#include "execute/core/held.h"
#include "execute/core/monitor.h"
#include "execute/core/multi.h"
#include "execute/core/pause.h"
#include "execute/core/pubsub.h"
#include "execute/core/stats.h"
#include "execute/core/tracking.h"
#include "execute/core/watch.h"
#include "execute/types/heap.h"
#include "msg/conn.h"

#include <inttypes.h>

#define BLOCK_SLOTS 1024
#define LEAST_BUCKETS 64

static struct session **
    *session_blocks; /* by slot / BLOCK_SLOTS; a block is made when first used */
static size_t session_block_count;
static struct session *session_first, *session_last;
static uint64_t session_count; /* of the list */
static uint64_t session_count_all;
static struct session **session_buckets; /* by id; a power of two of them */
static uint64_t session_bucket_count;

static struct session **buckets_make(uint64_t count)
{
    return heap_zalloc(count * sizeof(struct session *));
}

void sessions_open(void)
{
    session_bucket_count = LEAST_BUCKETS;
    session_buckets = buckets_make(session_bucket_count);
    acl_open();
}

void sessions_close(void)
{
    for (size_t b = 0; b < session_block_count; b++) {
        if (session_blocks[b] == NULL) continue;
        for (size_t i = 0; i < BLOCK_SLOTS; i++)
            if (session_blocks[b][i] != NULL) session_end(session_blocks[b][i]);
        heap_free(session_blocks[b]);
    }
    heap_free(session_blocks);
    heap_free(session_buckets);
    session_blocks = NULL;
    session_buckets = NULL;
    session_block_count = 0;
    session_bucket_count = 0;
    acl_close();
}

/* The place of a slot, made when it is not there. */
static struct session **slot_make(uint32_t slot)
{
    size_t block = slot / BLOCK_SLOTS;
    if (block >= session_block_count) {
        size_t count = block + 1;
        session_blocks = heap_realloc(session_blocks, count * sizeof(struct session **));
        for (size_t i = session_block_count; i < count; i++) session_blocks[i] = NULL;
        session_block_count = count;
    }
    if (session_blocks[block] == NULL) session_blocks[block] = buckets_make(BLOCK_SLOTS);
    return &session_blocks[block][slot % BLOCK_SLOTS];
}

struct session *session_at(struct conn_ref conn)
{
    size_t block = conn.slot / BLOCK_SLOTS;
    if (block >= session_block_count || session_blocks[block] == NULL) return NULL;
    struct session *s = session_blocks[block][conn.slot % BLOCK_SLOTS];
    return s != NULL && s->conn.gen == conn.gen ? s : NULL;
}

static struct session **bucket_of(uint64_t id)
{
    return &session_buckets[id & (session_bucket_count - 1)];
}

static void buckets_grow(void)
{
    heap_free(session_buckets);
    session_bucket_count *= 2;
    session_buckets = buckets_make(session_bucket_count);
    for (struct session *s = session_first; s != NULL; s = s->next) {
        struct session **bucket = bucket_of(s->id);
        s->same_hash = *bucket;
        *bucket = s;
    }
}

/* Connections of several parsers may arrive a little out of order, so the place is near the end. */
static void list_insert(struct session *s)
{
    struct session *before = session_last;
    while (before != NULL && before->id > s->id) before = before->prev;
    s->prev = before;
    s->next = before != NULL ? before->next : session_first;
    if (s->next != NULL)
        s->next->prev = s;
    else
        session_last = s;
    if (before != NULL)
        before->next = s;
    else
        session_first = s;

    struct session **bucket = bucket_of(s->id);
    s->same_hash = *bucket;
    *bucket = s;
    session_count++;
    if (session_count > session_bucket_count) buckets_grow();
}

static void list_remove(struct session *s)
{
    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        session_first = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    else
        session_last = s->prev;

    struct session **link = bucket_of(s->id);
    while (*link != s) link = &(*link)->same_hash;
    *link = s->same_hash;
    session_count--;
}

static void session_set_user(struct session *s, struct user *u, bool is_authenticated)
{
    acl_enter(u);
    if (s->user != NULL) acl_leave(s->user);
    s->user = u;
    session_set_care(s, CARE_UNAUTHENTICATED, !is_authenticated);
    session_set_care(s, CARE_RULES, !acl_is_unlimited(u));
    conn_card(s->conn.slot)->authenticated = is_authenticated;
}

/* As one that did not log in yet. */
static void session_set_default_user(struct session *s)
{
    session_set_user(s, acl_default_user(), acl_is_open(acl_default_user()));
}

struct session *session_begin(struct conn_ref conn)
{
    struct session **slot = slot_make(conn.slot);
    must(*slot == NULL);
    const struct conn_card *card = conn_card(conn.slot);

    struct session *s = heap_zalloc(sizeof(*s));
    s->conn = conn;
    s->id = card->id;
    s->db = keyspace_db(0);
    s->resp = 2;
    session_tell_output_class(s);
    s->opened_ms = card->opened_ms;
    s->active_ms = (int64_t)clock_mono_ms();
    session_set_default_user(s);
    *slot = s;
    list_insert(s);
    session_count_all++;
    stats()->connections++;
    return s;
}

/* No more commands; gone for people. */
static void session_close(struct session *s)
{
    if (s->closing) return;
    s->closing = true;
    list_remove(s);
    pause_forget(s);
    blocking_forget(s);
    multi_forget(s);
    watch_forget_all(s);
    pubsub_forget_all(s);
    tracking_end(s);
    monitor_end(s);
    if (s->bye_waits) pause_make_ready(s); /* nothing else would end it */
}

void session_end(struct session *s)
{
    session_close(s);
    pause_forget(s);
    held_clear(s);
    client_limit_forget(s);
    session_blocks[s->conn.slot / BLOCK_SLOTS][s->conn.slot % BLOCK_SLOTS] = NULL;
    session_count_all--;
    acl_leave(s->user);
    heap_free(s->name);
    heap_free(s->lib_name);
    heap_free(s->lib_ver);
    heap_free(s);
}

void session_kill(struct session *s)
{
    session_close(s);
    /* It fails when the peer is gone already, and then there is nothing left to do. */
    if (s->conn.fd >= 0) (void)shutdown(s->conn.fd, SHUT_RDWR);
}

void session_finish(struct session *s)
{
    s->cut_after_reply = true;
    session_close(s);
}

struct session *session_by_id(uint64_t id)
{
    struct session *s = *bucket_of(id);
    while (s != NULL && s->id != id) s = s->same_hash;
    return s;
}

struct session *sessions_first(void) { return session_first; }

uint64_t sessions_count(void) { return session_count; }

uint64_t sessions_count_all(void) { return session_count_all; }

uint64_t sessions_count_blocked(void) { return pause_count_waiting() + blocking_count(); }

void session_set_text(char **text, struct bytes value)
{
    heap_free(*text);
    *text = NULL;
    if (value.len == 0) return;
    *text = heap_alloc(value.len + 1);
    memcpy(*text, value.ptr, value.len);
    (*text)[value.len] = '\0';
}

enum client_class session_output_class(const struct session *s)
{
    return pubsub_is_subscriber(s) || s->is_monitor ? CLIENT_PUBSUB : CLIENT_NORMAL;
}

void session_tell_output_class(const struct session *s)
{
    conn_meter_set(&conn_card(s->conn.slot)->output_class, (uint8_t)session_output_class(s));
}

void session_set_name(struct session *s, struct bytes name) { session_set_text(&s->name, name); }

void session_reset(struct session *s)
{
    s->db = keyspace_db(0);
    s->resp = 2;
    s->reply_mode = REPLIES_ON;
    s->no_evict = s->no_touch = false;
    multi_forget(s);
    watch_forget_all(s);
    pubsub_forget_all(s);
    tracking_end(s);
    monitor_end(s);
    session_set_name(s, bytes_make(NULL, 0));
    session_set_default_user(s);
}

void session_authenticate(struct session *s, struct user *u) { session_set_user(s, u, true); }

bool session_is_authenticated(const struct session *s)
{
    return !(s->care & CARE_UNAUTHENTICATED) || acl_is_open(acl_default_user());
}

static size_t text_memory(const char *text) { return text == NULL ? 0 : arena_usable(text); }

size_t session_memory(const struct session *s)
{
    return arena_usable(s) + text_memory(s->name) + text_memory(s->lib_name) +
           text_memory(s->lib_ver) + s->held_bytes + multi_bytes(s) + s->watch_bytes +
           pubsub_memory(s) + tracking_bytes(s);
}

/* `out` takes 16 chars or more. */
static void session_print_flags(const struct session *s, const struct conn_card *card, char *out)
{
    const struct tracking *t = s->tracking;
    char *p = out;
    if (s->is_monitor) *p++ = 'O';
    if (pubsub_is_subscriber(s)) *p++ = 'P';
    if (s->multi != NULL) *p++ = 'x';
    if (s->is_blocked || s->is_paused) *p++ = 'b';
    if (t != NULL) *p++ = 't';
    if (t != NULL && (t->options & TRACKING_BROKEN)) *p++ = 'R';
    if (t != NULL && (t->options & TRACKING_BROADCAST)) *p++ = 'B';
    if (s->watch_failed) *p++ = 'd';
    if (s->closing) *p++ = s->cut_after_reply ? 'c' : 'A';
    if (card->is_unix) *p++ = 'U';
    if (s->no_evict) *p++ = 'e';
    if (s->no_touch) *p++ = 'T';
    if (p == out) *p++ = 'N';
    *p = '\0';
}

static const char *text_or_empty(const char *text) { return text == NULL ? "" : text; }

/* What the other stages say of the connection. */
struct buffers {
    uint64_t query, query_free, args, out, blocks;
};

static struct buffers session_read_card(const struct session *s, const struct conn_card *card)
{
    return (struct buffers){
        .query = card->in_held + s->last_wire_len,
        .query_free = card->in_room,
        .args = card->in_args + s->last_args_len,
        .out = card->out_pending,
        .blocks = card->out_blocks,
    };
}

/* Replies on their way count, too: so what was checked at the top of a turn does not grow by what
 * was made before it. */
uint64_t session_memory_all(const struct session *s)
{
    struct buffers b = session_read_card(s, conn_card(s->conn.slot));
    uint64_t unread = pause_unread_bytes(s);
    return session_memory(s) + b.query + b.query_free + b.args + (b.out > unread ? b.out : unread);
}

void session_describe(const struct session *s, struct reply *r)
{
    const struct conn_card *card = conn_card(s->conn.slot);
    const char *unix_path = settings_now()->unixsocket;
    struct buffers in = session_read_card(s, card);
    int64_t now_ms = (int64_t)clock_mono_ms();
    char peer[256], local[256], flags[16];
    conn_print_peer(card, unix_path, peer, sizeof(peer));
    conn_print_local(card, unix_path, local, sizeof(local));
    session_print_flags(s, card, flags);

    reply_printf(r, "id=%" PRIu64 " addr=%s laddr=%s fd=%d name=%s", s->id, peer, local, s->conn.fd,
                 text_or_empty(s->name));
    reply_printf(r, " age=%" PRId64 " idle=%" PRId64 " flags=%s db=%d",
                 (now_ms - s->opened_ms) / 1000, (now_ms - s->active_ms) / 1000, flags,
                 db_number(s->db));
    reply_printf(r, " sub=%" PRIu64 " psub=%" PRIu64 " ssub=%" PRIu64,
                 pubsub_count(s, PUBSUB_CHANNEL), pubsub_count(s, PUBSUB_PATTERN),
                 pubsub_count(s, PUBSUB_SHARD));
    reply_printf(r, " multi=%" PRId64 " qbuf=%" PRIu64 " qbuf-free=%" PRIu64, multi_count(s),
                 in.query, in.query_free);
    /* Replies go into the buffer of their batch: a session has none of its own. */
    reply_printf(r, " argv-mem=%" PRIu64 " multi-mem=%zu rbs=0 rbp=0 obl=0 oll=%" PRIu64, in.args,
                 multi_bytes(s), in.blocks);
    reply_printf(r, " omem=%" PRIu64 " tot-mem=%" PRIu64 " events=%s cmd=%s user=%s", in.out,
                 session_memory_all(s), in.out != 0 ? "rw" : "r",
                 s->last == NULL ? "NULL" : s->last->full, acl_name(s->user));
    int64_t redirect = s->tracking == NULL ? -1 : (int64_t)s->tracking->redirect;
    reply_printf(r, " redir=%" PRId64 " resp=%d lib-name=%s lib-ver=%s", redirect, s->resp,
                 text_or_empty(s->lib_name), text_or_empty(s->lib_ver));
}
