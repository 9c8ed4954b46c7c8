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
 *
 * A script that lasts (core/busy.h) lets others run while its own command stands open: the rest of
 * its batch first, then new batches. Their replies collect in a second set of batches, which are
 * empty again before the script goes on; its own reply keeps its place in the first.
 */
#include "execute/execute.h"

#include "base/clock.h"
#include "base/must.h"
#include "execute/core/ahead.h"
#include "execute/core/busy.h"
#include "execute/core/config_apply.h"
#include "execute/core/loose.h"
#include "execute/core/memory_limit.h"
#include "execute/core/push.h"
#include "execute/core/run.h"
#include "execute/core/session.h"
#include "execute/core/slowlog.h"
#include "execute/core/stats.h"
#include "execute/core/world.h"
#include "execute/commands/debug.h"
#include "execute/commands/info.h"
#include "execute/commands/function.h"
#include "execute/commands/script.h"
#include "execute/commands/table.h"
#include "execute/keyspace/keyspace.h"
#include "execute/types/heap.h"

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
    /* Not in every turn: whoever holds the token takes turns, one after the other, as long as
     * others ask for some, and replies wait for the last of them. */
    EXECUTE_WORK_EVERY_NS = 1000000,
    EXECUTE_BREATHS = 4, /* looks for new batches, as long as there are some */
};

/* The reply batch that is being filled for one writer. */
struct out {
    struct reply_batch *batch;
    struct reply reply;
};

/* The item that is being filled: the replies of one session since `start`. */
struct open_item {
    struct out *out;
    struct conn_ref conn;
    size_t start; /* in the buffer */
    size_t total; /* there, with what is lent */
};

/* The next command of the batch that is being run. */
struct position {
    struct command_batch *batch;
    uint32_t item, command;
    uint32_t asked; /* up to where memory was asked for */
};

struct execute_stage {
    struct stage stage;
    struct execute_wiring wiring;
    struct arena *arena;
    struct turn *turn;
    struct out out_sets[2][EXECUTE_PEERS_MAX];
    struct out *outs;      /* one of them */
    struct open_item open; /* while a session's commands run */
    struct position *at;   /* NULL while those run that were held */
    bool has_breathed;     /* the command that runs, or did last, let others run */
    struct reply_batch *idle_list[EXECUTE_IDLE_BATCHES]; /* at home */
    uint32_t idle_count;
    size_t idle_bytes;     /* their buffers */
    uint64_t batches_made; /* those that exist */
    uint64_t lending;      /* batches on their way with loans */
    int next_parser;
    uint64_t output;     /* bytes of reply of this turn */
    uint64_t read_ticks; /* of the command batch being run */
    uint64_t cron_ns, idle_check_ns, work_ns, expire_ns;
    uint64_t due_ns;
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

static void execute_repay(struct execute_stage *e, struct reply_batch *b)
{
    reply_repay(b->loans, b->loan_count);
    b->loan_count = 0;
    e->lending--;
}

static void execute_take_home(struct execute_stage *e)
{
    for (int i = 0; i < e->wiring.writer_count; i++) {
        struct reply_batch *b;
        while ((b = handoff_pop_ptr(e->wiring.home[i])) != NULL) {
            if (b->loan_count > 0) execute_repay(e, b);
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
    e->lending += b->loan_count > 0;
    return b;
}

static void execute_publish(struct execute_stage *e, struct turn *t, struct out *o)
{
    if (o->batch == NULL || o->batch->item_count == 0) return;
    struct reply_batch *b = execute_seal(e, o);
    b->read_ticks = t->ticks;
    e->output += reply_total(&o->reply);
    handoff_push(e->wiring.replies[b->writer], (uint64_t)(uintptr_t)b);
    stage_give(t, e->wiring.writers[b->writer]);
}

/* What is being filled leaves when it is large. */
static void execute_publish_large(struct execute_stage *e, struct turn *t, struct out *o)
{
    if (o->batch == NULL) return;
    if (reply_total(&o->reply) >= EXECUTE_REPLY_LEN || o->batch->item_count >= EXECUTE_REPLY_ITEMS)
        execute_publish(e, t, o);
}

static void execute_publish_all(struct execute_stage *e, struct turn *t)
{
    for (int i = 0; i < e->wiring.writer_count; i++) execute_publish(e, t, &e->outs[i]);
}

/* Gives where the replies of `conn` are to be appended. */
static struct out *execute_begin_item(struct execute_stage *e, struct conn_ref conn)
{
    struct out *o = execute_out(e, conn_card(conn.slot)->writer);
    e->open = (struct open_item){o, conn, o->reply.len, reply_total(&o->reply)};
    return o;
}

static void execute_append_item(struct execute_stage *e, struct out *o,
                                const struct reply_item *item, size_t total)
{
    struct conn_card *card = conn_card(item->conn.slot);
    conn_meter_set(&card->replies, conn_meter(&card->replies) + total);
    struct reply_batch *b = o->batch;
    if (b->item_count == b->item_max) {
        b->item_max *= 2;
        b->items = arena_realloc(e->arena, b->items, b->item_max * sizeof(*b->items));
    }
    b->items[b->item_count++] = *item;
}

/* Ends the open item: what was appended since its start, and what is to happen after it. */
static void execute_end_item(struct execute_stage *e, uint32_t events)
{
    const struct open_item *open = &e->open;
    const struct reply *r = &open->out->reply;
    size_t len = r->len - open->start;
    if (len == 0 && events == 0) return;
    const struct reply_item item = {
        .conn = open->conn, .events = events, .start = open->start, .len = len};
    execute_append_item(e, open->out, &item, reply_total(r) - open->total);
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

/* Drops what a session was answered in the open item when it is over the output limit; then nothing
 * of it has left. */
static void execute_enforce_limit(struct execute_stage *e, struct session *s, uint64_t room)
{
    struct reply *r = &e->open.out->reply;
    if (likely(reply_total(r) - e->open.total <= room) || s->closing) return;
    reply_rewind(r, e->open.start);
    reply_fit(r); /* what was dropped would stay, in every such batch's buffer */
    run_cut_over_limit(s);
}

/* Where the batch that is being filled for a writer has a message. */
struct push_place {
    const struct reply_batch *batch;
    size_t start;
};

/* One message to one session: all items of a batch share its bytes. */
static void execute_push_to(struct execute_stage *e, struct turn *t, const struct push *p,
                            struct conn_ref to, struct push_place *at)
{
    int writer = conn_card(to.slot)->writer;
    struct out *o = execute_out(e, writer);
    struct push_place *place = &at[writer];
    if (place->batch != o->batch) {
        *place = (struct push_place){o->batch, o->reply.len};
        reply_raw(&o->reply, p->wire, p->len);
    }
    const struct reply_item item = {.conn = to, .start = place->start, .len = p->len};
    execute_append_item(e, o, &item, p->len);
    execute_publish_large(e, t, o);
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
            execute_push_to(e, t, p, s->conn, at);
        }
        push_free(p);
    }
}

/* Sessions that waited for what the last command did, or whose wait is over. */
static void execute_woken(struct execute_stage *e, struct turn *t)
{
    enum blocking_wake how;
    struct session *s;
    while ((s = blocking_next(&how)) != NULL) {
        struct out *o = execute_begin_item(e, s->conn);
        run_woken(s, how, &o->reply);
        execute_enforce_limit(e, s, run_reply_room(s));
        execute_end_item(e, execute_cut_event(s));
        execute_publish_large(e, t, o);
        execute_pushes(e, t);
    }
}

/* After a command: messages that it sent, then sessions that waited for what it did. Those of a
 * script wait for its end. */
static inline bool execute_has_aftermath(void)
{
    return (blocking_is_pending() || push_is_pending()) && !busy_is_breathing();
}

static void execute_aftermath(struct execute_stage *e, struct turn *t)
{
    execute_pushes(e, t);
    if (blocking_is_pending()) execute_woken(e, t);
}

/* The commands of an item, from the position on. */
static void execute_commands(struct execute_stage *e, struct turn *t, struct position *at,
                             struct session *s)
{
    struct command_batch *b = at->batch;
    uint32_t end = b->items[at->item].first + b->items[at->item].count;
    struct out *o = execute_begin_item(e, s->conn);
    uint64_t room = run_reply_room(s);
    size_t leave = EXECUTE_REPLY_LEN + (room == UINT64_MAX          ? 0
                                        : room < EXECUTE_REPLY_HELD ? room
                                                                    : EXECUTE_REPLY_HELD);
    while (at->command < end) {
        uint32_t i = at->command++;
        if (i >= at->asked && b->command_count > 1) {
            execute_prefetch(b, at->item, i);
            at->asked = i + AHEAD_MAX;
        }
        o->reply.resp = s->resp;
        run(s, &b->commands[i], &o->reply);
        execute_enforce_limit(e, s, room);
        if (unlikely(execute_has_aftermath())) {
            execute_end_item(e, execute_cut_event(s));
            execute_aftermath(e, t);
            o = execute_begin_item(e, s->conn);
        }
        if (reply_total(&o->reply) < leave) continue;
        execute_end_item(e, 0);
        execute_publish(e, t, o);
        if (run_must_choke(s)) run_choke(s);
        o = execute_begin_item(e, s->conn);
    }
    execute_end_item(e, execute_cut_event(s));
}

/*
 * The stream has ended. What the session holds because its client was slow to read is still run, as
 * the client may only have shut its sending side; what waits for the end of a pause is not. Its
 * script, too, runs to its end.
 */
static void execute_bye(struct execute_stage *e, struct session *s)
{
    bool runs_on = s->is_choked || (s->held_first != NULL && !s->is_paused && !s->is_blocked);
    if (s->is_busy || (runs_on && !s->closing)) return;
    execute_begin_item(e, s->conn);
    session_end(s);
    execute_end_item(e, REPLY_BYE);
}

static void execute_item(struct execute_stage *e, struct turn *t, struct position *at)
{
    const struct batch_item *item = &at->batch->items[at->item];
    struct session *s;
    if (item->events & BATCH_OPEN) {
        s = session_begin(item->conn);
        execute_begin_item(e, item->conn);
        execute_end_item(e, REPLY_OPEN);
    } else {
        s = session_at(item->conn);
    }
    must(s != NULL);
    at->command = item->first;
    if (item->count > 0) execute_commands(e, t, at, s);
    if (unlikely(e->has_breathed) && !busy_is_breathing()) {
        e->has_breathed = false;
        run_go_on(s);
    }
    if (item->events & BATCH_BYE) s->bye_waits = true;
    if (s->bye_waits) execute_bye(e, s);
}

/* The items from the position on. */
static void execute_items(struct execute_stage *e, struct turn *t, struct position *at)
{
    for (; at->item < at->batch->item_count; at->item++) execute_item(e, t, at);
}

static void execute_batch(struct execute_stage *e, struct turn *t, struct command_batch *b)
{
    struct position at = {.batch = b};
    stage_note_handoff(&e->stage, t, b->read_ticks);
    e->read_ticks = b->read_ticks;
    e->at = &at;
    if (unlikely(b->blocks.first != NULL)) loose_take(b);
    execute_items(e, t, &at);
    loose_let_go();
    e->at = NULL;
    t->items += b->command_count;
    execute_publish_all(e, t);
    e->wiring.send_home(e->wiring.parsers[b->parser], t, b);
}

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

/* As many as one turn may; gives how many. */
static int execute_batches(struct execute_stage *e, struct turn *t)
{
    int count = 0;
    for (; count < EXECUTE_BATCHES_PER_TURN && e->output < EXECUTE_TURN_OUTPUT; count++) {
        if (execute_writers_lag(e)) {
            e->output = EXECUTE_TURN_OUTPUT;
            break;
        }
        struct command_batch *b = execute_next_batch(e);
        if (b == NULL) break;
        execute_batch(e, t, b);
    }
    return count;
}

/* ---- A script that lasts ---- */

/*
 * Everything that was answered before the script goes out, so that what is answered meanwhile comes
 * after it. Inside of EXEC that is all but the open item. What is left lies in a new buffer where
 * it lay in the old: those who build it remember places.
 */
static void execute_part(struct execute_stage *e, struct turn *t)
{
    struct open_item *open = &e->open;
    struct out *o = open->out;
    if (!busy_is_nested()) {
        execute_end_item(e, 0);
        open->start = o->reply.len;
        open->total = reply_total(&o->reply);
    }
    if (o->batch->item_count > 0) {
        struct out old = *o;
        const struct reply *from = &old.reply;
        o->batch = NULL;
        execute_out(e, old.batch->writer);
        reply_room(&o->reply, from->len);
        if (from->len > open->start)
            memcpy(o->reply.buf + open->start, from->buf + open->start, from->len - open->start);
        o->reply.len = from->len;
        o->reply.lent = from->lent;
        o->reply.resp = from->resp;
        reply_move_loans(&o->reply, &old.reply, open->start);
        old.reply.len = open->start;
        execute_publish(e, t, &old);
    }
    execute_publish_all(e, t);
}

/* What is left of the batch that the script came with. Its own session's commands are held. */
static void execute_rest(struct execute_stage *e, struct turn *t, struct position *at)
{
    if (at == NULL || at->item == at->batch->item_count) return;
    execute_commands(e, t, at, session_at(at->batch->items[at->item].conn));
    at->item++;
    execute_items(e, t, at);
    execute_publish_all(e, t);
}

/* See busy_poll(). */
static void execute_breathe(void *self)
{
    struct execute_stage *e = self;
    struct turn *t = e->turn;
    struct run_moment moment = run_put_aside();
    struct block *blocks = loose_put_aside();
    uint64_t turn_ticks = t->ticks, read_ticks = e->read_ticks;
    if (!e->has_breathed) execute_part(e, t);
    struct open_item open = e->open;
    struct position *at = e->at;
    e->has_breathed = true;
    e->outs = e->out_sets[1];
    e->output = 0;
    t->ticks = clock_ticks();
    execute_rest(e, t, at);
    for (int i = 0; i < EXECUTE_BREATHS; i++) {
        stage_breathe(t);
        if (execute_batches(e, t) == 0) break;
    }
    e->outs = e->out_sets[0];
    e->open = open;
    e->at = at;
    e->read_ticks = read_ticks;
    t->ticks = turn_ticks;
    loose_take_up(blocks);
    run_take_up(&moment);
}

/* ---- Time ---- */

/* Sessions that were held back and may go on. */
static void execute_held(struct execute_stage *e, struct turn *t)
{
    struct session *s;
    while (e->output < EXECUTE_TURN_OUTPUT && (s = run_next_ready()) != NULL) {
        struct out *o = execute_begin_item(e, s->conn);
        o->reply.resp = s->resp;
        run_held(s, &o->reply);
        e->has_breathed = false;
        execute_enforce_limit(e, s, run_reply_room(s));
        execute_end_item(e, execute_cut_event(s));
        if (reply_total(&o->reply) >= EXECUTE_REPLY_LEN) {
            execute_publish(e, t, o);
            if (run_must_choke(s)) run_choke(s);
        }
        if (s->bye_waits) execute_bye(e, s);
        execute_aftermath(e, t);
    }
    execute_publish_all(e, t);
}

/* Clients that were silent for longer than `timeout`. */
static void execute_close_silent(const struct settings *settings, int64_t mono_ms)
{
    int64_t limit_ms = settings->timeout * 1000;
    if (limit_ms <= 0) return;
    for (struct session *s = sessions_first(); s != NULL; s = s->next)
        if (!s->is_blocked && !s->is_paused && mono_ms - s->active_ms > limit_ms) session_kill(s);
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
    info_cron(began);
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
    if (mono_ns >= e->work_ns && keyspace_work(EXECUTE_WORK_BUDGET_US))
        e->work_ns = mono_ns + EXECUTE_WORK_EVERY_NS;
    if (e->work_ns > mono_ns && e->work_ns < due) due = e->work_ns;
    blocking_tick((int64_t)(mono_ns / 1000000));
    /* While clients are paused nothing is deleted, so that data stands still. */
    bool paused = run_pause_mode() != PAUSE_OFF;
    if (!paused && memory_limit_tick(settings)) due = mono_ns + 1000000;
    int64_t next = paused ? -1 : keyspace_next_due_ms();
    if (next >= 0 && next <= wall_ms && mono_ns >= e->expire_ns) {
        keyspace_expire_due(EXECUTE_EXPIRE_MAX, EXECUTE_EXPIRE_BUDGET_US);
        next = keyspace_next_due_ms();
        if (next >= 0 && next <= wall_ms) e->expire_ns = mono_ns + EXECUTE_WORK_EVERY_NS;
    }
    int64_t held = run_next_due_ms();
    if (held >= 0 && (next < 0 || held < next)) next = held;
    if (next < 0) return due;
    uint64_t at = mono_ns + (next > wall_ms ? (uint64_t)(next - wall_ms) * 1000000u : 1000000u);
    return at < due ? at : due;
}

/* ---- The stage ---- */

static bool execute_run(void *self, struct turn *t)
{
    struct execute_stage *e = self;
    const struct settings *settings = settings_enter(EXECUTE_SETTINGS_ID);
    int64_t wall_ms = clock_wall_ms();
    keyspace_tick(wall_ms);
    run_begin_turn(settings, wall_ms, t->ticks);
    e->output = 0;
    e->turn = t;
    if (unlikely(e->lending > 0)) execute_take_home(e); /* what was lent may be written to again */
    bool more = execute_batches(e, t) == EXECUTE_BATCHES_PER_TURN;
    execute_held(e, t);
    e->due_ns = execute_time(e, settings_now(), wall_ms, clock_mono_ns());
    if (unlikely(execute_has_aftermath())) {
        execute_aftermath(e, t);
        execute_publish_all(e, t);
        e->due_ns = 0; /* they may hold commands */
    }
    settings_leave(EXECUTE_SETTINGS_ID);
    if (e->output >= EXECUTE_TURN_OUTPUT) {
        for (int i = 0; i < e->wiring.writer_count; i++) stage_give(t, e->wiring.writers[i]);
        stage_give(t, &e->stage);
        return false;
    }
    return more;
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
    e->outs = e->out_sets[0];
    world_set(&w->world);
    stats_open();
    keyspace_open((int)settings_now()->databases);
    sessions_open();
    run_open(command_handler_of);
    memory_limit_open(execute_give_back, e);
    busy_open(execute_breathe, e);
    config_apply_open();
    e->due_ns = 0;
    stage_open(&e->stage, "execute", e, &execute_ops, true);
    return e;
}

void execute_close(struct execute_stage *e)
{
    struct arena *arena = e->arena;
    execute_take_home(e);
    for (int i = 0; i < 2 * EXECUTE_PEERS_MAX; i++) {
        struct out *o = &e->out_sets[i / EXECUTE_PEERS_MAX][i % EXECUTE_PEERS_MAX];
        if (o->batch == NULL) continue;
        struct reply_batch *b = execute_seal(e, o);
        if (b->loan_count > 0) execute_repay(e, b);
        execute_free_batch(e, b);
    }
    execute_drop_idle(e, 0);
    scripts_close();
    functions_close();
    config_apply_close();
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

uint64_t execute_batches_out(const struct execute_stage *e)
{
    uint64_t in_hand = 0;
    for (int i = 0; i < e->wiring.writer_count; i++)
        in_hand += (e->out_sets[0][i].batch != NULL) + (e->out_sets[1][i].batch != NULL);
    return e->batches_made - e->idle_count - in_hand;
}

uint64_t execute_sessions(const struct execute_stage *e)
{
    (void)e;
    return sessions_count_all();
}
