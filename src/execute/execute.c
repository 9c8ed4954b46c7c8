/*
 * Execute's turn.
 *
 * Batches are taken from the parsers in rotation. Before a window of commands runs, the table's and
 * the entries' cache lines of their first keys are asked for. Replies collect in one batch per
 * writer, which leaves when it is large and at the end of a command batch. When a turn has made
 * much output it gives way to the writers and comes back, so that what clients do not read is known
 * in time.
 *
 * The time of a turn is read once; commands that last read it again (core/run.c).
 */
#include "execute/execute.h"

#include "base/clock.h"
#include "base/must.h"
#include "execute/core/acl.h"
#include "execute/core/ahead.h"
#include "execute/core/config_apply.h"
#include "execute/core/latency.h"
#include "execute/core/loose.h"
#include "execute/core/memory_limit.h"
#include "execute/core/pubsub.h"
#include "execute/core/push.h"
#include "execute/core/run.h"
#include "execute/core/session.h"
#include "execute/core/slowlog.h"
#include "execute/core/stats.h"
#include "execute/core/tracking.h"
#include "execute/core/tracking_prefix.h"
#include "execute/core/world.h"
#include "execute/commands/debug.h"
#include "execute/commands/info.h"
#include "execute/commands/script.h"
#include "execute/commands/table.h"
#include "execute/keyspace/keyspace.h"
#include "execute/publish.h"
#include "execute/types/heap.h"

#include <stdio.h>

enum {
    EXECUTE_SETTINGS_ID = 1,
    EXECUTE_BATCHES_PER_TURN = 16, /* command batches */
    EXECUTE_REPLY_LEN = 65536,     /* a reply batch with so much leaves */
    EXECUTE_REPLY_ITEMS = 4096,    /* or with so many items */
    EXECUTE_REPLY_HELD =
        1 << 20, /* with an output limit: and so much of the limit more, before it leaves */
    EXECUTE_REPLY_KEPT = 262144,    /* a buffer that grew larger is not kept for the next batch */
    EXECUTE_IDLE_BYTES = 4 << 20,   /* buffers of idle batches that are kept, in all */
    EXECUTE_IDLE_LEAST = 256 << 10, /* and even when memory is short */
    EXECUTE_IDLE_BATCHES = 1024,    /* idle batches that are kept */
    EXECUTE_TURN_OUTPUT = 1 << 20,  /* bytes of reply after which a turn gives way */
    EXECUTE_REPLIES_WAITING = 8192, /* reply batches that a writer has not taken: no more are made;
                                       its ring holds twice so many */
    EXECUTE_EXPIRE_BUDGET_US = 1000,
    EXECUTE_EXPIRE_MAX = 10000,
    EXECUTE_WORK_BUDGET_US = 500,
    EXECUTE_WALK_BUDGET_US = 100, /* nobody waits for what a walk over all keys counts */
    /* Not in every turn: whoever holds the token takes turns, one after the other, as long as
     * others ask for some, and replies wait for the last of them. */
    EXECUTE_WORK_EVERY_NS = 1000000,
};

/* The reply batch that is being filled for one writer. */
struct out {
    struct reply_batch *batch;
    struct reply reply;
};

struct execute_stage {
    struct stage stage;
    struct execute_wiring wiring;
    struct arena *arena;
    struct out outs[EXECUTE_PEERS_MAX];
    struct reply_batch *idle_list[EXECUTE_IDLE_BATCHES]; /* at home */
    uint32_t idle_count;
    size_t idle_bytes;     /* their buffers */
    uint64_t batches_made; /* those that exist */
    uint64_t awaited;      /* batches on their way with loans or items that are timed */
    int next_parser;
    uint64_t output;     /* bytes of reply of this turn */
    uint64_t read_ticks; /* of the command batch being run */
    uint64_t cron_ns, idle_check_ns, work_ns, expire_ns;
    uint64_t cycle_ns; /* when a cycle of expiry began, 0: none lasts */
    bool cycle_buried; /* it deleted values that are freed in steps */
    uint64_t due_ns;
    bool publishes; /* somebody reads the figures */
    struct execute_figures figures;
};

/* ---- Reply batches ---- */

static void execute_free_batch(struct execute_stage *e, struct reply_batch *b)
{
    arena_free(e->arena, b->buf);
    arena_free(e->arena, b->loans);
    arena_free(e->arena, b->items);
    arena_free(e->arena, b);
    e->batches_made--;
}

/* A batch is home: it waits for its next use, within bounds; more were out only because writers
 * lagged. */
static void execute_keep_batch(struct execute_stage *e, struct reply_batch *b)
{
    if (e->idle_count == EXECUTE_IDLE_BATCHES) {
        execute_free_batch(e, b);
        return;
    }
    if (b->cap > EXECUTE_REPLY_KEPT || e->idle_bytes + b->cap > EXECUTE_IDLE_BYTES) {
        arena_free(e->arena, b->buf);
        b->buf = NULL;
        b->cap = 0;
    }
    e->idle_bytes += b->cap;
    e->idle_list[e->idle_count++] = b;
}

/* What was waiting for the batch to be home. */
static void execute_settle(struct execute_stage *e, struct reply_batch *b)
{
    reply_repay(b->loans, b->loan_count);
    b->loan_count = 0;
    slowlog_land(b);
    b->awaited = false;
    e->awaited--;
}

static void execute_take_home(struct execute_stage *e)
{
    for (int i = 0; i < e->wiring.writer_count; i++) {
        struct reply_batch *b;
        while ((b = handoff_pop_ptr(e->wiring.home[i])) != NULL) {
            if (unlikely(b->awaited)) execute_settle(e, b);
            execute_keep_batch(e, b);
        }
    }
}

static void execute_drop_idle(struct execute_stage *e, size_t bytes)
{
    while (e->idle_count > 0 && e->idle_bytes >= bytes) {
        struct reply_batch *b = e->idle_list[--e->idle_count];
        e->idle_bytes -= b->cap;
        execute_free_batch(e, b);
    }
}

/* Memory is short: most of what only waits for its next use goes. */
static void execute_give_back(void *self)
{
    struct execute_stage *e = self;
    execute_take_home(e);
    execute_drop_idle(e, EXECUTE_IDLE_LEAST);
}

static struct reply_batch *execute_make_batch(struct execute_stage *e)
{
    struct reply_batch *b = arena_zalloc(e->arena, sizeof(*b));
    b->item_max = 64;
    b->items = arena_alloc(e->arena, b->item_max * sizeof(*b->items));
    e->batches_made++;
    return b;
}

static struct reply_batch *execute_take_batch(struct execute_stage *e)
{
    if (e->idle_count == 0) execute_take_home(e);
    if (e->idle_count == 0) return execute_make_batch(e);
    struct reply_batch *b = e->idle_list[--e->idle_count];
    e->idle_bytes -= b->cap;
    return b;
}

static struct out *execute_out(struct execute_stage *e, int writer)
{
    struct out *o = &e->outs[writer];
    if (o->batch != NULL) return o;
    o->batch = execute_take_batch(e);
    o->batch->item_count = 0;
    o->batch->writer = (uint16_t)writer;
    o->batch->read_ticks = e->read_ticks;
    o->reply = (struct reply){.buf = o->batch->buf,
                              .cap = o->batch->cap,
                              .lends = true,
                              .loans = o->batch->loans,
                              .loan_max = o->batch->loan_max};
    return o;
}

/* The batch takes the reply over. */
static struct reply_batch *execute_seal(struct execute_stage *e, struct out *o)
{
    struct reply_batch *b = o->batch;
    o->batch = NULL;
    b->buf = o->reply.buf;
    b->cap = o->reply.cap;
    b->len = o->reply.len;
    b->loans = o->reply.loans;
    b->loan_count = o->reply.loan_count;
    b->loan_max = o->reply.loan_max;
    b->awaited = b->loan_count > 0 || b->slow != NULL;
    e->awaited += b->awaited;
    return b;
}

static void execute_publish(struct execute_stage *e, struct turn *t, int writer)
{
    struct out *o = &e->outs[writer];
    if (o->batch == NULL || o->batch->item_count == 0) return;
    struct reply_batch *b = execute_seal(e, o);
    b->read_ticks = t->ticks;
    e->output += reply_total(&o->reply);
    handoff_push(e->wiring.replies[writer], (uint64_t)(uintptr_t)b);
    stage_give(t, e->wiring.writers[writer]);
}

/* What is being filled leaves when it is large. */
static void execute_publish_large(struct execute_stage *e, struct turn *t, int writer)
{
    const struct out *o = &e->outs[writer];
    if (o->batch == NULL) return;
    if (reply_total(&o->reply) >= EXECUTE_REPLY_LEN || o->batch->item_count >= EXECUTE_REPLY_ITEMS)
        execute_publish(e, t, writer);
}

static void execute_publish_all(struct execute_stage *e, struct turn *t)
{
    for (int i = 0; i < e->wiring.writer_count; i++) execute_publish(e, t, i);
}

/* Where an item begins. */
struct item_start {
    size_t len;   /* in the buffer */
    size_t total; /* with what is lent */
};

static struct item_start execute_item_start(const struct out *o)
{
    return (struct item_start){o->reply.len, reply_total(&o->reply)};
}

static inline void execute_count_reply(struct conn_ref conn, size_t total)
{
    struct conn_card *card = conn_card(conn.slot);
    conn_meter_set(&card->replies, conn_meter(&card->replies) + total);
}

static void execute_append_item(struct execute_stage *e, struct out *o,
                                const struct reply_item *item, size_t total)
{
    execute_count_reply(item->conn, total);
    struct reply_batch *b = o->batch;
    if (b->item_count == b->item_max) {
        b->item_max *= 2;
        b->items = arena_realloc(e->arena, b->items, b->item_max * sizeof(*b->items));
    }
    b->items[b->item_count++] = *item;
}

/* Ends an item: what was appended since its start, and what is to happen after it. */
static void execute_add_item(struct execute_stage *e, struct out *o, struct conn_ref conn,
                             struct item_start start, uint32_t events)
{
    size_t len = o->reply.len - start.len;
    if (unlikely(slowlog_is_fresh())) {
        slowlog_ride(o->batch, len > 0 ? (int64_t)o->batch->item_count : -1);
        if (len > 0) events |= REPLY_TIMED;
    }
    if (len == 0 && events == 0) return;
    execute_append_item(
        e, o, &(struct reply_item){.conn = conn, .events = events, .start = start.len, .len = len},
        reply_total(&o->reply) - start.total);
}

static uint32_t execute_cut_event(struct session *s)
{
    if (!s->cut_after_reply) return 0;
    s->cut_after_reply = false;
    return REPLY_CUT;
}

/* ---- Commands ---- */

/* Asks for the memory of the next commands. `item` is the one that command `from` belongs to. */
static void execute_prefetch(struct command_batch *b, uint32_t item, uint32_t from)
{
    uint32_t to = from + AHEAD_MAX < b->command_count ? from + AHEAD_MAX : b->command_count;
    struct db *dbs[AHEAD_MAX];
    uint32_t end = b->items[item].first + b->items[item].count;
    struct session *s = session_at(b->items[item].conn);
    for (uint32_t i = from; i < to; i++) {
        while (i >= end) {
            item++;
            end = b->items[item].first + b->items[item].count;
            s = session_at(b->items[item].conn);
        }
        dbs[i - from] = s != NULL && b->commands[i].first_key != 0 ? s->db : NULL;
    }
    ahead_fetch(&b->commands[from], dbs, to - from);
}

/* Drops what a session was answered since `start` when it is over the output limit; then nothing of
 * it has left. */
static void execute_enforce_limit(struct session *s, struct out *o, struct item_start start,
                                  uint64_t room)
{
    if (likely(reply_total(&o->reply) - start.total <= room) || s->closing) return;
    reply_rewind(&o->reply, start.len);
    reply_fit(&o->reply); /* what was dropped would stay, in every such batch's buffer */
    run_cut_over_limit(s);
}

/* Where the batch that is being filled for a writer has a message. */
struct push_place {
    const struct reply_batch *batch;
    size_t start;
};

/* Does the session's last message end in the batch where the next one begins? */
static struct reply_item *execute_adjacent(const struct out *o, const struct session *s,
                                           size_t start)
{
    if (s->push_item >= o->batch->item_count) return NULL;
    struct reply_item *item = &o->batch->items[s->push_item];
    bool is_own = item->conn.slot == s->conn.slot && item->conn.gen == s->conn.gen;
    return is_own && item->events == REPLY_PUSH && item->start + item->len == start ? item : NULL;
}

/* One message to one session: all items of a batch share its bytes. */
static void execute_push_to(struct execute_stage *e, const struct push *p, struct session *s,
                            struct push_place *at)
{
    s->push_waits = false;
    int writer = conn_card(s->conn.slot)->writer;
    struct out *o = execute_out(e, writer);
    struct push_place *place = &at[writer];
    if (place->batch != o->batch) {
        *place = (struct push_place){o->batch, o->reply.len};
        reply_raw(&o->reply, p->wire, p->len);
    }
    struct reply_item *last = execute_adjacent(o, s, place->start);
    if (last != NULL) {
        last->len += p->len;
        execute_count_reply(s->conn, p->len);
        return;
    }
    s->push_item = o->batch->item_count;
    const struct reply_item item = {
        .conn = s->conn, .events = REPLY_PUSH, .start = place->start, .len = p->len};
    execute_append_item(e, o, &item, p->len);
}

/* Delivers messages: between two items, so that none of them is torn. */
static void execute_pushes(struct execute_stage *e, struct turn *t)
{
    struct push *p;
    while ((p = push_next()) != NULL) {
        struct push_place at[EXECUTE_PEERS_MAX] = {0};
        for (uint32_t i = 0; i < p->to_count; i++) {
            struct session *s = session_at(p->to[i]);
            if (s == NULL || (s->closing && !s->cut_after_reply)) continue;
            execute_push_to(e, p, s, at);
            execute_publish_large(e, t, conn_card(s->conn.slot)->writer);
        }
        push_free(p);
    }
}

/* Before answers leave: who listens to prefixes of keys is told no later than the one who changed
 * them is answered. */
static void execute_broadcast(struct execute_stage *e, struct turn *t)
{
    if (likely(!tracking_prefix_is_pending())) return;
    tracking_prefix_tell();
    execute_pushes(e, t);
}

/* Sessions that waited for what the last command did, or whose wait is over. */
static void execute_woken(struct execute_stage *e, struct turn *t)
{
    enum blocking_wake how;
    struct session *s;
    while ((s = blocking_next(&how)) != NULL) {
        if (s->push_waits) execute_pushes(e, t);
        int writer = conn_card(s->conn.slot)->writer;
        struct out *o = execute_out(e, writer);
        struct item_start start = execute_item_start(o);
        run_woken(s, how, &o->reply);
        execute_enforce_limit(s, o, start, run_reply_room(s));
        execute_add_item(e, o, s->conn, start, execute_cut_event(s));
        execute_publish_large(e, t, writer);
        if (s->push_waits) execute_pushes(e, t);
    }
}

/* After a command of `s`: sessions that waited for what it did, and messages that may not wait: to
 * `s` itself, which comes next, or too many. */
static inline bool execute_has_aftermath(const struct session *s)
{
    return blocking_is_pending() || s->push_waits || push_is_due();
}

static void execute_aftermath(struct execute_stage *e, struct turn *t, const struct session *s)
{
    if (blocking_is_pending()) execute_woken(e, t);
    if (s->push_waits || push_is_due()) execute_pushes(e, t);
}

/* All that is left of both. */
static void execute_aftermath_all(struct execute_stage *e, struct turn *t)
{
    if (blocking_is_pending()) execute_woken(e, t);
    if (push_is_pending()) execute_pushes(e, t);
}

/* The commands of one item. `*asked` is up to where memory was asked for. */
static void execute_commands(struct execute_stage *e, struct turn *t, struct command_batch *b,
                             uint32_t index, struct session *s, uint32_t *asked)
{
    const struct batch_item *item = &b->items[index];
    int writer = conn_card(item->conn.slot)->writer;
    struct out *o = execute_out(e, writer);
    struct item_start start = execute_item_start(o);
    uint64_t room = run_reply_room(s);
    size_t leave = EXECUTE_REPLY_LEN + (room == UINT64_MAX          ? 0
                                        : room < EXECUTE_REPLY_HELD ? room
                                                                    : EXECUTE_REPLY_HELD);
    for (uint32_t i = item->first; i < item->first + item->count; i++) {
        if (i >= *asked && b->command_count > 1) {
            execute_prefetch(b, index, i);
            *asked = i + AHEAD_MAX;
        }
        o->reply.resp = s->resp;
        run(s, &b->commands[i], &o->reply);
        execute_enforce_limit(s, o, start, room);
        if (unlikely(execute_has_aftermath(s))) {
            execute_add_item(e, o, item->conn, start, execute_cut_event(s));
            execute_aftermath(e, t, s);
            o = execute_out(e, writer);
            start = execute_item_start(o);
        }
        if (reply_total(&o->reply) < leave) continue;
        execute_add_item(e, o, item->conn, start, 0);
        execute_publish(e, t, writer);
        if (run_must_choke(s)) run_choke(s);
        o = execute_out(e, writer);
        start = execute_item_start(o);
    }
    execute_add_item(e, o, item->conn, start, execute_cut_event(s));
}

/*
 * The stream has ended. What the session holds because its client was slow to read is still run, as
 * the client may only have shut its sending side; what waits for the end of a pause is not.
 */
static void execute_bye(struct execute_stage *e, struct session *s)
{
    bool runs_on = s->is_choked || (s->held_first != NULL && !s->is_paused && !s->is_blocked);
    if (runs_on && !s->closing) return;
    struct conn_ref conn = s->conn;
    session_end(s);
    struct out *o = execute_out(e, conn_card(conn.slot)->writer);
    execute_add_item(e, o, conn, execute_item_start(o), REPLY_BYE);
}

static void execute_item(struct execute_stage *e, struct turn *t, struct command_batch *b,
                         uint32_t index, uint32_t *asked)
{
    const struct batch_item *item = &b->items[index];
    struct session *s;
    if (item->events & BATCH_OPEN) {
        s = session_begin(item->conn);
        struct out *o = execute_out(e, conn_card(item->conn.slot)->writer);
        execute_add_item(e, o, item->conn, execute_item_start(o), REPLY_OPEN);
    } else {
        s = session_at(item->conn);
    }
    must(s != NULL);
    if (unlikely(s->push_waits)) execute_pushes(e, t);
    if (item->count > 0) execute_commands(e, t, b, index, s, asked);
    if (item->events & BATCH_BYE) {
        s->bye_waits = true;
        execute_bye(e, s);
    }
}

static void execute_batch(struct execute_stage *e, struct turn *t, struct command_batch *b)
{
    stage_note_handoff(&e->stage, t, b->read_ticks);
    e->read_ticks = b->read_ticks;
    run_note_read(b->read_ticks);
    if (unlikely(b->blocks.first != NULL)) loose_take(b);
    uint32_t asked = 0;
    for (uint32_t i = 0; i < b->item_count; i++) execute_item(e, t, b, i, &asked);
    loose_let_go();
    t->items += b->command_count;
    execute_aftermath_all(e, t);
    execute_broadcast(e, t);
    execute_publish_all(e, t);
    e->wiring.send_home(e->wiring.parsers[b->parser], t, b);
}

/* ---- Time ---- */

/* Sessions that were held back and may go on. */
static void execute_held(struct execute_stage *e, struct turn *t)
{
    struct session *s;
    while (e->output < EXECUTE_TURN_OUTPUT && (s = run_next_ready()) != NULL) {
        if (s->push_waits) execute_pushes(e, t);
        int writer = conn_card(s->conn.slot)->writer;
        struct out *o = execute_out(e, writer);
        struct item_start start = execute_item_start(o);
        o->reply.resp = s->resp;
        run_held(s, &o->reply);
        execute_enforce_limit(s, o, start, run_reply_room(s));
        execute_add_item(e, o, s->conn, start, execute_cut_event(s));
        if (reply_total(&o->reply) >= EXECUTE_REPLY_LEN) {
            execute_publish(e, t, writer);
            if (run_must_choke(s)) run_choke(s);
        }
        if (s->bye_waits) execute_bye(e, s);
        execute_aftermath_all(e, t);
    }
    execute_broadcast(e, t);
    execute_publish_all(e, t);
}

/* Clients that were silent for longer than `timeout`. */
static void execute_close_silent(const struct settings *settings, int64_t mono_ms)
{
    int64_t limit_ms = settings->timeout * 1000;
    if (limit_ms <= 0) return;
    for (struct session *s = sessions_first(); s != NULL; s = s->next)
        if (!s->is_blocked && !s->is_paused && !pubsub_is_subscriber(s) &&
            mono_ms - s->active_ms > limit_ms)
            session_kill(s);
}

static void execute_cron(struct execute_stage *e, const struct settings *settings, uint64_t mono_ns)
{
    uint64_t began = clock_ticks();
    execute_take_home(e); /* after a burst nothing else would */
    mem_decay();
    struct world_counters counters = {0};
    if (e->wiring.world.counters != NULL) e->wiring.world.counters(&counters);
    stats_sample(mono_ns / 1000000, counters.net_in, counters.net_out);
    if (mono_ns >= e->idle_check_ns) {
        e->idle_check_ns = mono_ns + 1000000000u;
        execute_close_silent(settings, (int64_t)(mono_ns / 1000000));
    }
    if (e->publishes) publish_figures(&e->figures, settings);
    info_cron(began);
}

/* Deletes keys that are due; gives when the next is, as keyspace_next_due_ms() does. */
static int64_t execute_expire(struct execute_stage *e, int64_t wall_ms, uint64_t mono_ns)
{
    uint64_t waiting = keyspace_pending_free();
    if (e->cycle_ns == 0) e->cycle_ns = mono_ns;
    keyspace_expire_due(EXECUTE_EXPIRE_MAX, EXECUTE_EXPIRE_BUDGET_US);
    e->cycle_buried |= keyspace_pending_free() > waiting;
    int64_t next = keyspace_next_due_ms();
    if (next >= 0 && next <= wall_ms) e->expire_ns = mono_ns + EXECUTE_WORK_EVERY_NS;
    return next;
}

/* A cycle of expiry lasts until nothing is due and the memory of what it deleted is free. Its time
 * so far is told as it goes: the longest of a second is what is kept. */
static void execute_time_cycle(struct execute_stage *e, int64_t next_ms, int64_t wall_ms)
{
    uint64_t lasted_ns = clock_mono_ns() - e->cycle_ns;
    latency_note(LATENCY_EXPIRE_CYCLE, lasted_ns);
    if (next_ms >= 0 && next_ms <= wall_ms) return;
    if (e->cycle_buried && keyspace_pending_free() > 0) return;
    e->cycle_ns = 0;
    e->cycle_buried = false;
}

/* What time asks for; gives when it must be asked again. */
static uint64_t execute_time(struct execute_stage *e, const struct settings *settings,
                             int64_t wall_ms, uint64_t mono_ns)
{
    if (mono_ns >= e->cron_ns) {
        if (!debug_cron_is_paused()) execute_cron(e, settings, mono_ns);
        e->cron_ns = mono_ns + 100000000u;
    }
    uint64_t due = e->cron_ns;
    if (mono_ns >= e->work_ns) {
        bool more = keyspace_work(EXECUTE_WORK_BUDGET_US);
        more |= keysizes_work(EXECUTE_WALK_BUDGET_US);
        if (more) e->work_ns = mono_ns + EXECUTE_WORK_EVERY_NS;
    }
    if (e->work_ns > mono_ns && e->work_ns < due) due = e->work_ns;
    blocking_tick((int64_t)(mono_ns / 1000000));
    /* While clients are paused nothing is deleted, so that data stands still. */
    bool paused = run_pause_mode() != PAUSE_OFF;
    if (!paused && memory_limit_tick(settings)) due = mono_ns + 1000000;
    if (tracking_work(settings->tracking_table_max_keys)) due = mono_ns + 1000000;
    int64_t next = paused ? -1 : keyspace_next_due_ms();
    if (next >= 0 && next <= wall_ms && mono_ns >= e->expire_ns)
        next = execute_expire(e, wall_ms, mono_ns);
    if (unlikely(e->cycle_ns != 0)) execute_time_cycle(e, next, wall_ms);
    int64_t held = run_next_due_ms();
    if (held >= 0 && (next < 0 || held < next)) next = held;
    if (next < 0) return due;
    uint64_t at = mono_ns + (next > wall_ms ? (uint64_t)(next - wall_ms) * 1000000u : 1000000u);
    return at < due ? at : due;
}

/* ---- The stage ---- */

/* A batch of the next parser in rotation that has one. */
static struct command_batch *execute_next_batch(struct execute_stage *e)
{
    for (int i = 0; i < e->wiring.parser_count; i++) {
        int p = (e->next_parser + i) % e->wiring.parser_count;
        struct command_batch *b = handoff_pop_ptr(e->wiring.commands[p]);
        if (b == NULL) continue;
        e->next_parser = (p + 1) % e->wiring.parser_count;
        return b;
    }
    return NULL;
}

/* A writer on a thread of its own may fall behind; then it is waited for, by giving way. */
static bool execute_writers_lag(const struct execute_stage *e)
{
    for (int i = 0; i < e->wiring.writer_count; i++)
        if (handoff_depth(e->wiring.replies[i]) > EXECUTE_REPLIES_WAITING) return true;
    return false;
}

static bool execute_run(void *self, struct turn *t)
{
    struct execute_stage *e = self;
    const struct settings *settings = settings_enter(EXECUTE_SETTINGS_ID);
    int64_t wall_ms = clock_wall_ms();
    keyspace_tick(wall_ms);
    run_begin_turn(settings, wall_ms, t->ticks);
    e->output = 0;
    if (unlikely(e->awaited > 0)) execute_take_home(e); /* what was lent may be written to again */
    struct command_batch *b = NULL;
    for (int i = 0; i < EXECUTE_BATCHES_PER_TURN && e->output < EXECUTE_TURN_OUTPUT; i++) {
        if (execute_writers_lag(e)) {
            e->output = EXECUTE_TURN_OUTPUT;
            break;
        }
        b = execute_next_batch(e);
        if (b == NULL) break;
        execute_batch(e, t, b);
    }
    execute_held(e, t);
    e->due_ns = execute_time(e, settings_now(), wall_ms, clock_mono_ns());
    if (unlikely(blocking_is_pending() || push_is_pending() || tracking_prefix_is_pending())) {
        execute_aftermath_all(e, t);
        execute_broadcast(e, t);
        execute_publish_all(e, t);
        e->due_ns = 0; /* they may hold commands */
    }
    settings_leave(EXECUTE_SETTINGS_ID);
    if (e->output >= EXECUTE_TURN_OUTPUT) {
        for (int i = 0; i < e->wiring.writer_count; i++) stage_give(t, e->wiring.writers[i]);
        stage_give(t, &e->stage);
        return false;
    }
    return b != NULL;
}

static uint64_t execute_due(void *self) { return ((struct execute_stage *)self)->due_ns; }

static uint64_t execute_depth(void *self)
{
    const struct execute_stage *e = self;
    uint64_t depth = 0;
    for (int i = 0; i < e->wiring.parser_count; i++) depth += handoff_depth(e->wiring.commands[i]);
    return depth;
}

static const struct stage_ops execute_ops = {
    .run = execute_run, .due = execute_due, .depth = execute_depth};

struct execute_stage *execute_open(const struct execute_wiring *w)
{
    struct arena *arena = arena_open("execute");
    heap_use(arena);
    struct execute_stage *e = arena_zalloc(arena, sizeof(*e));
    e->arena = arena;
    e->wiring = *w;
    world_set(&w->world);
    stats_open();
    keyspace_open((int)settings_now()->databases);
    sessions_open();
    run_open(command_handler_of);
    memory_limit_open(execute_give_back, e);
    config_apply_open();
    e->due_ns = 0;
    stage_open(&e->stage, "execute", e, &execute_ops, true);
    return e;
}

int execute_load_users(char *error, size_t error_len)
{
    struct reply text = {0};
    int r = acl_load_at_start(&text);
    if (r != 0) snprintf(error, error_len, "%.*s", (int)text.len, text.buf);
    reply_release(&text);
    return r;
}

void execute_close(struct execute_stage *e)
{
    struct arena *arena = e->arena;
    execute_take_home(e);
    for (int i = 0; i < e->wiring.writer_count; i++) {
        struct out *o = &e->outs[i];
        if (o->batch == NULL) continue;
        struct reply_batch *b = execute_seal(e, o);
        if (b->awaited) execute_settle(e, b);
        execute_free_batch(e, b);
    }
    execute_drop_idle(e, 0);
    scripts_close();
    config_apply_close();
    keysizes_close();
    sessions_close();
    run_close();
    keyspace_close();
    stats_close();
    arena_free(arena, e);
    arena_close(arena);
}

struct stage *execute_stage(struct execute_stage *e) { return &e->stage; }
struct arena *execute_arena(struct execute_stage *e) { return e->arena; }

void execute_on_config(const char *option, int (*apply)(const struct settings *old,
                                                        const struct settings *new, char *error))
{
    config_on_change(option, apply);
}

const struct execute_figures *execute_figures(struct execute_stage *e)
{
    e->publishes = true;
    return &e->figures;
}

uint64_t execute_batches_out(const struct execute_stage *e)
{
    uint64_t in_hand = 0;
    for (int i = 0; i < e->wiring.writer_count; i++) in_hand += e->outs[i].batch != NULL;
    return e->batches_made - e->idle_count - in_hand;
}

uint64_t execute_sessions(const struct execute_stage *e)
{
    (void)e;
    return sessions_count_all();
}
