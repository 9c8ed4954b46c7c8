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
#include "disk/disk.h"
#include "execute/core/acl.h"
#include "execute/core/ahead.h"
#include "execute/core/busy.h"
#include "execute/core/client_limit.h"
#include "execute/core/config_apply.h"
#include "execute/core/effect.h"
#include "execute/core/errands.h"
#include "execute/core/latency.h"
#include "execute/core/loading.h"
#include "execute/core/loose.h"
#include "execute/core/memory_limit.h"
#include "execute/core/orders.h"
#include "execute/core/persistence.h"
#include "execute/core/pubsub.h"
#include "execute/core/push.h"
#include "execute/core/run.h"
#include "execute/core/session.h"
#include "execute/core/shutdown.h"
#include "execute/core/slowlog.h"
#include "execute/core/snapshot.h"
#include "execute/core/stats.h"
#include "execute/core/tracking.h"
#include "execute/core/temp_files.h"
#include "execute/core/tracking_prefix.h"
#include "execute/core/world.h"
#include "execute/commands/info.h"
#include "execute/commands/function.h"
#include "execute/commands/script.h"
#include "execute/commands/table.h"
#include "execute/outbox.h"
#include "execute/keyspace/keyspace.h"
#include "execute/publish.h"
#include "execute/types/heap.h"
#include "flow/thread.h"

#include <stdio.h>

enum {
    EXECUTE_SETTINGS_ID = 1,
    EXECUTE_BATCHES_PER_TURN = 16, /* command batches */
    EXECUTE_REPLY_HELD =
        1 << 20, /* with an output limit: and so much of the limit more, before it leaves */
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
    EXECUTE_HELD_BYTES = 64 << 20, /* of replies that are out, when some wait for the disk */
    EXECUTE_HELD_MAX = 4096,       /* their batches */
    EXECUTE_STARVES_NS = 1000000,  /* when it looks again, if nobody tells */
    EXECUTE_BREATHS = 4,           /* looks for new batches, as long as there are some */
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
    struct outbox box;
    struct position *at; /* NULL while those run that were held */
    bool has_breathed;   /* the command that runs, or did last, let others run */
    int next_parser;
    uint64_t cron_ns, idle_check_ns, work_ns, expire_ns;
    uint64_t cycle_ns; /* when a cycle of expiry began, 0: none lasts */
    bool cycle_buried; /* it deleted values that are freed in steps */
    uint64_t due_ns;
    bool publishes;         /* somebody reads the figures */
    struct counter signals; /* the main thread's: how many came, times 256, and the last one */
    uint64_t signals_seen;
    bool starves; /* no more batches are taken before the disk has done something */
    struct execute_figures figures;
};

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
    struct reply *r = &e->box.open.out->reply;
    if (likely(reply_total(r) - e->box.open.total <= room) || s->closing) return;
    reply_rewind(r, e->box.open.start);
    reply_fit(r); /* what was dropped would stay, in every such batch's buffer */
    run_cut_over_limit(s);
}

/* Where the batch that is being filled for a writer has a message. */
struct push_place {
    const struct reply_batch *batch;
    size_t start;
};

/* Does the session's last message end in the batch where the next one begins? */
static struct reply_item *execute_adjacent(const struct reply_batch *b, const struct session *s,
                                           size_t start)
{
    if (s->push_item >= b->item_count) return NULL;
    struct reply_item *item = &b->items[s->push_item];
    bool is_own = item->conn.slot == s->conn.slot && item->conn.gen == s->conn.gen;
    return is_own && item->events == REPLY_PUSH && item->start + item->len == start ? item : NULL;
}

/* One message to one session: all items of a batch share its bytes, so a batch that a long message
 * made large does not leave before all have it. */
static void execute_push_to(struct execute_stage *e, struct turn *t, const struct push *p,
                            struct session *s, struct push_place *at)
{
    s->push_waits = false;
    int writer = conn_card(s->conn.slot)->writer;
    struct out *o = outbox_out(&e->box, writer);
    if (unlikely(o->batch->item_count >= OUTBOX_BATCH_ITEMS)) {
        outbox_publish(&e->box, t, o);
        outbox_out(&e->box, writer);
    }
    struct reply_batch *b = o->batch;
    struct push_place *place = &at[writer];
    must(b != NULL);
    if (place->batch != b) {
        *place = (struct push_place){b, o->reply.len};
        reply_raw(&o->reply, p->wire, p->len);
    }
    struct reply_item *last = execute_adjacent(b, s, place->start);
    if (last != NULL) {
        last->len += p->len;
        outbox_count_reply(s->conn, p->len);
        return;
    }
    s->push_item = b->item_count;
    const struct reply_item item = {
        .conn = s->conn, .events = REPLY_PUSH, .start = place->start, .len = p->len};
    outbox_append_item(&e->box, o, &item, p->len);
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
            execute_push_to(e, t, p, s, at);
        }
        push_free(p);
        for (int i = 0; i < e->wiring.writer_count; i++)
            outbox_publish_large(&e->box, t, &e->box.current[i]);
    }
}

/* Before answers leave: who listens to prefixes of keys is told no later than the one who changed
 * them is answered. */
static void execute_broadcast(struct execute_stage *e, struct turn *t)
{
    if (likely(!tracking_prefix_is_pending()) || busy_is_breathing()) return;
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
        struct out *o = outbox_begin_item(&e->box, s->conn);
        run_woken(s, how, &o->reply);
        execute_enforce_limit(e, s, run_reply_room(s));
        outbox_end_item(&e->box, execute_cut_event(s));
        outbox_publish_large(&e->box, t, o);
        if (s->push_waits) execute_pushes(e, t);
    }
}

/* Those that wait for what a script did wait for its end, too. */
static inline bool execute_must_wake(void) { return blocking_is_pending() && !busy_is_breathing(); }

/* After a command of `s`: sessions that waited for what it did, and messages that may not wait: to
 * `s` itself, which comes next, or too many. */
static inline bool execute_has_aftermath(const struct session *s)
{
    return execute_must_wake() || s->push_waits || push_is_due();
}

static void execute_aftermath(struct execute_stage *e, struct turn *t, const struct session *s)
{
    if (execute_must_wake()) execute_woken(e, t);
    if (s->push_waits || push_is_due()) execute_pushes(e, t);
}

/* All that is left of both. */
static void execute_aftermath_all(struct execute_stage *e, struct turn *t)
{
    if (execute_must_wake()) execute_woken(e, t);
    if (push_is_pending()) execute_pushes(e, t);
}

/* The commands of an item, from the position on. */
static void execute_commands(struct execute_stage *e, struct turn *t, struct position *at,
                             struct session *s)
{
    struct command_batch *b = at->batch;
    uint32_t end = b->items[at->item].first + b->items[at->item].count;
    struct out *o = outbox_begin_item(&e->box, s->conn);
    uint64_t room = run_reply_room(s);
    size_t leave = OUTBOX_BATCH_LEN + (room == UINT64_MAX          ? 0
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
        if (unlikely(execute_has_aftermath(s))) {
            outbox_end_item(&e->box, execute_cut_event(s));
            execute_aftermath(e, t, s);
            o = outbox_begin_item(&e->box, s->conn);
        }
        if (reply_total(&o->reply) < leave) continue;
        outbox_end_item(&e->box, 0);
        outbox_publish(&e->box, t, o);
        if (run_must_choke(s)) run_choke(s);
        o = outbox_begin_item(&e->box, s->conn);
    }
    outbox_end_item(&e->box, execute_cut_event(s));
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
    outbox_begin_item(&e->box, s->conn);
    session_end(s);
    outbox_end_item(&e->box, REPLY_BYE);
}

static void execute_item(struct execute_stage *e, struct turn *t, struct position *at)
{
    const struct batch_item *item = &at->batch->items[at->item];
    struct session *s;
    if (item->events & BATCH_OPEN) {
        s = session_begin(item->conn);
        outbox_begin_item(&e->box, item->conn);
        outbox_end_item(&e->box, REPLY_OPEN);
    } else {
        s = session_at(item->conn);
    }
    must(s != NULL);
    at->command = item->first;
    if (unlikely(s->push_waits)) execute_pushes(e, t);
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

/* Where the answers wait for the disk, it gets to know at once what was done; else at the end of
 * the turn. */
static void execute_tell_effects(struct turn *t)
{
    if (!effect_is_heard()) return;
    uint64_t after = persistence_reply_after();
    if (after == 0) return;
    effect_await(after);
    effect_flush();
    orders_give(t);
}

static void execute_batch(struct execute_stage *e, struct turn *t, struct command_batch *b)
{
    struct position at = {.batch = b};
    stage_note_handoff(&e->stage, t, b->read_ticks);
    e->box.read_ticks = b->read_ticks;
    e->at = &at;
    run_note_read(b->read_ticks);
    if (unlikely(b->blocks.first != NULL)) loose_take(b);
    execute_items(e, t, &at);
    loose_let_go();
    e->at = NULL;
    t->items += b->command_count;
    execute_aftermath_all(e, t);
    execute_broadcast(e, t);
    execute_tell_effects(t);
    outbox_publish_all(&e->box, t);
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

/* The disk is far behind: with what it has not taken, or with replies that wait for it. Then no
 * more is begun before some of that is home. */
static bool execute_disk_lags(const struct execute_stage *e)
{
    if (unlikely(orders_log_lags())) return true;
    if (likely(e->box.bytes_out < EXECUTE_HELD_BYTES && outbox_batches(&e->box) < EXECUTE_HELD_MAX))
        return false;
    return persistence_reply_after() > counter_read(&orders_log_card()->durable);
}

/* As many as one turn may; gives how many. */
static int execute_batches(struct execute_stage *e, struct turn *t)
{
    int count = 0;
    if (unlikely(e->starves)) outbox_take_home(&e->box);
    e->starves = false;
    for (; count < EXECUTE_BATCHES_PER_TURN && e->box.output < EXECUTE_TURN_OUTPUT; count++) {
        if (unlikely(execute_disk_lags(e))) {
            e->starves = true;
            break;
        }
        if (execute_writers_lag(e)) {
            e->box.output = EXECUTE_TURN_OUTPUT;
            break;
        }
        struct command_batch *b = execute_next_batch(e);
        if (b == NULL) break;
        execute_batch(e, t, b);
    }
    return count;
}

/* ---- A script that lasts ---- */

/* What is left of the batch that the script came with. Its own session's commands are held. */
static void execute_rest(struct execute_stage *e, struct turn *t, struct position *at)
{
    if (at == NULL || at->item == at->batch->item_count) return;
    execute_commands(e, t, at, session_at(at->batch->items[at->item].conn));
    at->item++;
    execute_items(e, t, at);
    outbox_publish_all(&e->box, t);
}

/* What the main thread was told. */
static void execute_take_signal(struct execute_stage *e)
{
    uint64_t signals = counter_read(&e->signals);
    if (likely(signals == e->signals_seen)) return;
    e->signals_seen = signals;
    shutdown_ask((int)(signals & 0xff));
}

/* See busy_poll(). */
static void execute_breathe(void *self)
{
    struct execute_stage *e = self;
    struct turn *t = e->turn;
    struct run_moment moment = run_put_aside();
    struct block *blocks = loose_put_aside();
    uint64_t turn_ticks = t->ticks, read_ticks = e->box.read_ticks;
    if (!e->has_breathed && busy_has_client()) outbox_part(&e->box, t, busy_reply_start());
    struct open_item open = e->box.open;
    struct position *at = e->at;
    e->has_breathed = true;
    outbox_set_aside(&e->box, true);
    e->box.output = 0;
    t->ticks = clock_ticks();
    execute_pushes(e, t);
    execute_rest(e, t, at);
    for (int i = 0; i < EXECUTE_BREATHS; i++) {
        stage_breathe(t);
        execute_take_signal(e);
        if (unlikely(shutdown_is_asked() || thread_is_stopping(t->thread))) busy_leave();
        if (execute_batches(e, t) == 0) break;
    }
    outbox_set_aside(&e->box, false);
    e->box.open = open;
    e->at = at;
    e->box.read_ticks = read_ticks;
    t->ticks = turn_ticks;
    loose_take_up(blocks);
    run_take_up(&moment);
}

/* ---- Time ---- */

/* Sessions that were held back and may go on. */
static void execute_held(struct execute_stage *e, struct turn *t)
{
    struct session *s;
    while (e->box.output < EXECUTE_TURN_OUTPUT && (s = run_next_ready()) != NULL) {
        if (s->push_waits) execute_pushes(e, t);
        struct out *o = outbox_begin_item(&e->box, s->conn);
        o->reply.resp = s->resp;
        run_held(s, &o->reply);
        e->has_breathed = false;
        execute_enforce_limit(e, s, run_reply_room(s));
        outbox_end_item(&e->box, execute_cut_event(s));
        if (reply_total(&o->reply) >= OUTBOX_BATCH_LEN) {
            outbox_publish(&e->box, t, o);
            if (run_must_choke(s)) run_choke(s);
        }
        if (s->bye_waits) execute_bye(e, s);
        execute_aftermath_all(e, t);
    }
    execute_broadcast(e, t);
    outbox_publish_all(&e->box, t);
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
    outbox_take_home(&e->box); /* after a burst nothing else would */
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
        if (!persistence_cron_is_paused()) execute_cron(e, settings, mono_ns);
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
    /* While clients are paused nothing is deleted, so that data stands still; and while it is
     * loaded.
     */
    bool paused = run_pause_mode() != PAUSE_OFF || loading_is_on();
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

static uint64_t execute_depth(void *self)
{
    const struct execute_stage *e = self;
    uint64_t depth = 0;
    for (int i = 0; i < e->wiring.parser_count; i++) depth += handoff_depth(e->wiring.commands[i]);
    return depth;
}

static bool execute_has_come(void *self) { return execute_depth(self) > 0; }

/* Has its home no other stage? */
static bool execute_is_alone(const struct execute_stage *e)
{
    for (unsigned i = 0; i < stage_count(); i++)
        if (stage_at(i) != &e->stage && stage_at(i)->home == e->stage.home) return false;
    return true;
}

static void execute_note_runner(struct execute_stage *e, const struct turn *t)
{
    if (snapshot_works()) snapshot_turn(!t->at_home && execute_is_alone(e), execute_has_come, e);
}

static bool execute_run(void *self, struct turn *t)
{
    struct execute_stage *e = self;
    const struct settings *settings = settings_enter(EXECUTE_SETTINGS_ID);
    int64_t wall_ms = clock_wall_ms();
    keyspace_tick(wall_ms);
    run_begin_turn(settings, wall_ms, t->ticks);
    e->box.output = 0;
    e->turn = t;
    execute_take_signal(e);
    orders_take_home();
    if (run_pause_mode() == PAUSE_OFF) errands_take_home(); /* data stands still under a pause */
    if (unlikely(e->box.awaited > 0))
        outbox_take_home(&e->box); /* what was lent may be written to again */
    if (unlikely(settings->maxmemory_clients != 0)) client_limit_look(settings, t->ticks);
    persistence_begin();
    bool more = execute_batches(e, t) == EXECUTE_BATCHES_PER_TURN;
    execute_held(e, t);
    uint64_t mono_ns = clock_mono_ns();
    e->due_ns = execute_time(e, settings_now(), wall_ms, mono_ns);
    execute_note_runner(e, t);
    uint64_t persist_due = persistence_tick(settings_now(), mono_ns);
    if (persist_due < e->due_ns) e->due_ns = persist_due;
    if (unlikely(blocking_is_pending() || push_is_pending() || tracking_prefix_is_pending())) {
        execute_aftermath_all(e, t);
        execute_broadcast(e, t);
        outbox_publish_all(&e->box, t);
        e->due_ns = 0; /* they may hold commands */
    }
    bool keeps = effect_flush_or_keep();
    orders_give(t);
    orders_starve(e->starves);
    if (unlikely(e->starves || keeps) && e->due_ns > mono_ns + EXECUTE_STARVES_NS)
        e->due_ns = mono_ns + EXECUTE_STARVES_NS;
    errands_give(t);
    settings_leave(EXECUTE_SETTINGS_ID);
    if (e->box.output >= EXECUTE_TURN_OUTPUT) {
        for (int i = 0; i < e->wiring.writer_count; i++) stage_give(t, e->wiring.writers[i]);
        stage_give(t, &e->stage);
        return false;
    }
    return more;
}

static uint64_t execute_due(void *self) { return ((struct execute_stage *)self)->due_ns; }

static const struct stage_ops execute_ops = {
    .run = execute_run, .due = execute_due, .depth = execute_depth};

struct execute_stage *execute_open(const struct execute_wiring *w)
{
    struct arena *arena = arena_open("execute");
    heap_use(arena);
    struct execute_stage *e = arena_zalloc(arena, sizeof(*e));
    e->arena = arena;
    e->wiring = *w;
    outbox_open(&e->box, arena, &e->wiring);
    world_set(&w->world);
    orders_open(&e->wiring);
    errands_open(&e->wiring);
    stats_open();
    keyspace_open((int)settings_now()->databases);
    sessions_open();
    run_open(command_handler_of);
    scripts_open();
    functions_open();
    busy_open(execute_breathe, e);
    config_apply_open();
    loading_on_functions(functions_add);
    persistence_open();
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
    loading_close();
    errands_close();
    persistence_close();
    snapshot_close();
    outbox_close(&e->box);
    scripts_close();
    functions_close();
    config_apply_close();
    keysizes_close();
    sessions_close();
    run_close();
    orders_close();
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

void execute_signal(struct execute_stage *e, int signal_number)
{
    uint64_t before = counter_read(&e->signals);
    counter_set(&e->signals, (before & ~(uint64_t)0xff) + 0x100 + (uint64_t)signal_number);
    stage_call_home(&e->stage);
}

void execute_remove_temp_files(void)
{
    char name[TEMP_FILE_NAME];
    for (int kind = 0; kind < TEMP_FILES; kind++) {
        temp_file_name(name, (enum temp_file)kind);
        (void)disk_remove(name); /* mostly it is not there */
    }
}

uint64_t execute_batches_out(const struct execute_stage *e) { return outbox_batches_out(&e->box); }

uint64_t execute_sessions(const struct execute_stage *e)
{
    (void)e;
    return sessions_count_all();
}
