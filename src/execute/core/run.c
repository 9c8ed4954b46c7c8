/*
 * run(): the only way to run a command.
 *
 * Invariants: a command is dropped, held, rejected or run, and never two of them. A session with
 * held commands runs none that came later. The clock is read once a command: its end is the start
 * of the next.
 */
#include "execute/core/run.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "execute/core/acl.h"
#include "execute/core/busy.h"
#include "execute/core/client_limit.h"
#include "execute/core/effect.h"
#include "execute/core/event.h"
#include "execute/core/held.h"
#include "execute/core/hold.h"
#include "execute/core/latency.h"
#include "execute/core/memory_limit.h"
#include "execute/core/monitor.h"
#include "execute/core/multi.h"
#include "execute/core/loading.h"
#include "execute/core/pause.h"
#include "execute/core/persistence.h"
#include "execute/core/pubsub.h"
#include "execute/core/push.h"
#include "execute/core/reject.h"
#include "execute/core/slowlog.h"
#include "execute/core/snapshot.h"
#include "execute/core/stats.h"
#include "execute/core/tracking.h"
#include "execute/core/watch.h"
#include "execute/types/heap.h"
#include "execute/types/limits.h"

#include <inttypes.h>
#include <stdio.h>

#define CLOCK_STEP_NS 500000     /* commands of a turn that last longer than this see a new time */
#define CHOKE_LOOK_MS 5          /* how soon unread replies are looked at again */
#define RUN_HELD_REPLY_MAX 65536 /* bytes of reply after which held commands pause */

static command_handler *run_handlers[CMD_COUNT];
static uint32_t (*run_script_flags)(const struct call *c);

/* What the settings and the pause mean for each command, worked out when they change. */
static const struct settings *run_settings;
static uint32_t run_large_len; /* commands of such a length may break maxmemory-clients */
static uint64_t run_slow_ns;   /* slow log from here on */
static uint64_t run_late_ns;   /* slow log or latency monitor */
static uint32_t run_gate;      /* commands with one of these flags are looked at closer */
static bool run_gates_all;     /* all are: CLIENT PAUSE ALL, a script that lasts, no disk */

static int64_t run_turn_wall_ms, run_turn_mono_ms; /* at the turn's begin */
static uint64_t run_turn_ticks;
static int64_t run_wall_ms, run_mono_ms; /* as commands see them */
static uint64_t run_clock_ticks;         /* when these two were set */
static uint64_t run_clock_step;          /* CLOCK_STEP_NS in ticks */
static uint64_t run_ticks;               /* end of the last command; 0 before the first of a turn */
static uint64_t run_read_ticks;          /* when what runs now was read from its socket */
static bool run_replays;

static void run_set_value_limits(const struct settings *s)
{
    value_limits = (struct value_limits){
        .hash_max_listpack_entries = (uint64_t)s->hash_max_listpack_entries,
        .hash_max_listpack_value = (uint64_t)s->hash_max_listpack_value,
        .list_max_listpack_size = s->list_max_listpack_size,
        .list_compress_depth = (uint64_t)s->list_compress_depth,
        .set_max_intset_entries = (uint64_t)s->set_max_intset_entries,
        .set_max_listpack_entries = (uint64_t)s->set_max_listpack_entries,
        .set_max_listpack_value = (uint64_t)s->set_max_listpack_value,
        .zset_max_listpack_entries = (uint64_t)s->zset_max_listpack_entries,
        .zset_max_listpack_value = (uint64_t)s->zset_max_listpack_value,
        .stream_node_max_bytes = (uint64_t)s->stream_node_max_bytes,
        .stream_node_max_entries = (uint64_t)s->stream_node_max_entries,
    };
}

static void run_settings_changed(const struct settings *settings)
{
    run_settings = settings;
    int64_t us = settings->slowlog_log_slower_than;
    run_set_value_limits(settings);
    run_large_len = client_limit_command_len(settings);
    event_set_classes(settings->notify_keyspace_events);
    run_slow_ns = us < 0 || us > INT64_MAX / 1000 ? UINT64_MAX : (uint64_t)us * 1000;
    latency_set_threshold(settings->latency_monitor_threshold);
    run_late_ns = run_slow_ns < latency_threshold_ns ? run_slow_ns : latency_threshold_ns;
}

void run_gate_changed(void)
{
    const uint32_t writes = CF_WRITE | CF_MAY_REPLICATE;
    bool holds = pause_mode() == PAUSE_WRITE || snapshot_may_hold() || hold_is_on();
    run_gate = CF_PROTECTED | (holds ? writes : 0);
}

void run_look_again(void)
{
    run_gates_all = pause_mode() == PAUSE_ALL || persistence_refuses() || loading_is_on();
}

static void run_pause_changed(void)
{
    enum pause_mode mode = pause_mode();
    run_look_again();
    keyspace_keep_expired(mode != PAUSE_OFF); /* data stands still under a pause */
    run_gate_changed();
}

void run_open(command_handler *(*handler_of)(enum command_id id))
{
    for (int id = 0; id < CMD_COUNT; id++) {
        run_handlers[id] = handler_of((enum command_id)id);
        must(run_handlers[id] != NULL);
    }
    pause_open();
    blocking_open();
    watch_open();
    hold_open();
    pubsub_open();
    event_open();
    slowlog_open();
    latency_open();
    run_clock_step = clock_ns_to_ticks(CLOCK_STEP_NS);
    run_pause_changed();
    run_begin_turn(settings_now(), clock_wall_ms(), clock_ticks());
}

void run_ask_scripts(uint32_t (*flags_of)(const struct call *c)) { run_script_flags = flags_of; }

void run_close(void)
{
    push_close();
    tracking_close();
    blocking_close();
    watch_close();
    hold_close();
    pubsub_close();
    slowlog_close();
    effect_close();
}

/* The time of the turn's begin and what has passed since: the kernel need not be asked again. */
static void run_set_time(uint64_t ticks)
{
    int64_t passed_ms = (int64_t)(clock_ticks_to_ns(ticks - run_turn_ticks) / 1000000);
    run_clock_ticks = ticks;
    run_wall_ms = run_turn_wall_ms + passed_ms;
    run_mono_ms = run_turn_mono_ms + passed_ms;
    if (busy_is_breathing()) return; /* no time passes in the script's data */
    keyspace_tick(run_wall_ms);
    if (unlikely(pause_mode() != PAUSE_OFF)) {
        pause_tick(run_wall_ms);
        run_pause_changed();
    }
}

void run_begin_turn(const struct settings *settings, int64_t wall_ms, uint64_t ticks)
{
    if (settings != run_settings) run_settings_changed(settings);
    run_ticks = 0;
    run_turn_ticks = ticks;
    run_turn_wall_ms = wall_ms;
    run_turn_mono_ms = (int64_t)clock_mono_ms();
    run_set_time(ticks);
}

void run_note_read(uint64_t ticks) { run_read_ticks = ticks; }

uint64_t run_last_ticks(void) { return run_ticks; }

int64_t run_now_ms(void) { return run_wall_ms; }

void run_replay(bool on)
{
    run_replays = on;
    keyspace_replay(on);
}

/* ---- Checks before a handler ---- */

static bool run_is_allowed(const struct session *s, int whom)
{
    if (whom == ALLOWED_LOCAL) return conn_card(s->conn.slot)->is_local;
    return whom == ALLOWED_YES;
}

/* What RESP2 lets a subscriber send, whose messages would be taken for answers. */
static bool run_suits_subscriber(enum command_id id)
{
    switch (id) {
    case CMD_SUBSCRIBE:
    case CMD_UNSUBSCRIBE:
    case CMD_PSUBSCRIBE:
    case CMD_PUNSUBSCRIBE:
    case CMD_SSUBSCRIBE:
    case CMD_SUNSUBSCRIBE:
    case CMD_PING:
    case CMD_QUIT:
    case CMD_RESET: return true;
    default: return false;
    }
}

enum verdict {
    VERDICT_RUN,
    VERDICT_REJECTED,
    VERDICT_WAIT,          /* for the end of a pause */
    VERDICT_WAIT_SNAPSHOT, /* for what a snapshot must write first */
    VERDICT_QUEUE,
};

/* Within a transaction these run at once. */
static bool run_ends_multi(enum command_id id)
{
    switch (id) {
    case CMD_MULTI:
    case CMD_EXEC:
    case CMD_DISCARD:
    case CMD_WATCH:
    case CMD_QUIT:
    case CMD_RESET: return true;
    default: return false;
    }
}

/* EXEC does what its commands do, EVAL what its script says that it does. What EXEC may do without
 * that is its own: a queued AUTH does not let it run before one. */
static uint32_t run_flags(const struct call *c)
{
    uint32_t flags = c->spec->flags;
    const uint32_t done = CF_WRITE | CF_MAY_REPLICATE | CF_DENYOOM;
    if ((flags & CF_MAY_REPLICATE) && run_script_flags != NULL) return run_script_flags(c);
    if (c->session->multi != NULL && c->spec->id == CMD_EXEC)
        flags |= c->session->multi->flags & done;
    return flags;
}

static enum verdict run_waits; /* what the last command that could not run waits for */

static void run_wait(struct session *s)
{
    if (run_waits == VERDICT_WAIT)
        pause_wait(s);
    else
        pause_for_snapshot(s);
}

static bool run_is_denied(struct call *c)
{
    if (!(c->session->care & CARE_RULES)) return false;
    struct acl_verdict v = acl_check(c->session->user, c->spec, c->args, c->nargs);
    if (likely(v.denied == ACL_ALLOWED)) return false;
    reject_denied(c, v);
    return true;
}

/* Commands that the configuration opens to all, to local clients or to nobody. */
static bool run_is_protected(struct call *c)
{
    bool debugs = c->spec->id == CMD_DEBUG;
    int whom = debugs ? run_settings->enable_debug_command : run_settings->enable_module_command;
    if (run_is_allowed(c->session, whom)) return false;
    const char *name = debugs ? "DEBUG" : "MODULE", *option = debugs ? "debug" : "module";
    char error[320];
    snprintf(error, sizeof(error),
             "ERR %s command not allowed. If the enable-%s-command option is set to \"local\", you "
             "can run it from a local connection, otherwise you need to set this option in the "
             "configuration file, and then restart the server.",
             name, option);
    reject(c, error);
    return true;
}

/* The disk cannot keep what a write would change; who pings wants to know, too. What is loaded
 * comes from that disk. */
static bool run_is_unsafe(struct call *c, uint32_t flags)
{
    if (!persistence_refuses() || loading_is_on()) return false;
    if (!(flags & CF_WRITE) && c->spec->id != CMD_PING) return false;
    reject(c, persistence_refusal());
    return true;
}

/* What may run while the data is not whole; of EXEC so may all that it would do. */
static bool run_suits_loading(const struct call *c)
{
    const struct multi *m = c->session->multi;
    if (!(c->spec->flags & CF_LOADING)) return false;
    return c->spec->id != CMD_EXEC || m == NULL || m->suits_loading;
}

/* The checks that most commands need not pass: run() comes here when one of them may matter. */
static enum verdict run_judge_all(struct call *c)
{
    uint32_t flags = run_flags(c);
    bool queues = c->session->multi != NULL && !run_ends_multi(c->spec->id);
    if ((c->spec->flags & CF_PROTECTED) && run_is_protected(c)) return VERDICT_REJECTED;
    if (!(flags & CF_NO_AUTH) && !session_is_authenticated(c->session)) {
        reject(c, ERR_NOAUTH);
        return VERDICT_REJECTED;
    }
    if ((c->session->care & CARE_SUBSCRIBED) && !run_suits_subscriber(c->spec->id)) {
        reject_subscriber(c);
        return VERDICT_REJECTED;
    }
    if (queues && (flags & CF_NO_MULTI)) {
        reject(c, "ERR Command not allowed inside a transaction");
        return VERDICT_REJECTED;
    }
    if (run_is_denied(c) || run_is_unsafe(c, flags)) return VERDICT_REJECTED;
    if (loading_is_on() && !run_suits_loading(c)) {
        reject(c, ERR_LOADING);
        return VERDICT_REJECTED;
    }
    if (busy_is_breathing()) {
        if (!(c->spec->flags & CF_ALLOW_BUSY)) { /* whatever EXEC has queued */
            reject(c, busy_error());
            return VERDICT_REJECTED;
        }
        return queues ? VERDICT_QUEUE : VERDICT_RUN;
    }
    if (pause_mode() == PAUSE_ALL) return VERDICT_WAIT;
    bool writes = (flags & (CF_WRITE | CF_MAY_REPLICATE)) != 0;
    if (pause_mode() == PAUSE_WRITE && writes) return VERDICT_WAIT;
    if (queues) return VERDICT_QUEUE;
    if (hold_is_on() && hold_must_wait(c, flags)) return VERDICT_WAIT;
    if (writes && snapshot_may_hold() && snapshot_must_wait(c)) return VERDICT_WAIT_SNAPSHOT;
    return VERDICT_RUN;
}

/* Rules alone are common, so they have a short way. */
static enum verdict run_judge(struct call *c)
{
    bool rules_only = c->session->care == CARE_RULES && !(c->spec->flags & run_gate);
    if (!rules_only || run_gates_all) return run_judge_all(c);
    return run_is_denied(c) ? VERDICT_REJECTED : VERDICT_RUN;
}

/*
 * With maxmemory: room is made before a command, so that one that may grow memory can be refused,
 * and after it, so that memory is below the limit when its answer is read. While clients are paused
 * the data stands still, and while a script runs.
 */
static bool run_make_room(void)
{
    return pause_mode() != PAUSE_OFF || busy_is_breathing() || loading_is_on() ||
           memory_limit_make_room(run_settings);
}

bool run_memory_allows(uint32_t flags)
{
    return run_settings->maxmemory <= 0 || run_make_room() || !(flags & CF_DENYOOM);
}

/* Whatever is queued takes memory. */
static enum verdict run_judge_memory(struct call *c, enum verdict so_far)
{
    uint32_t flags = so_far == VERDICT_QUEUE ? CF_DENYOOM : run_flags(c);
    if (run_memory_allows(flags)) return so_far;
    reject(c, ERR_OOM);
    return VERDICT_REJECTED;
}

/* ---- Running ---- */

/* CLIENT REPLY: what the command answered goes away again. */
static void run_silence(const struct call *c, size_t mark)
{
    struct session *s = c->session;
    if (s->reply_mode != REPLIES_OFF && s->reply_mode != REPLIES_SKIP_NOW) return;
    if (!c->is_push) reply_rewind(c->reply, mark);
    if (s->reply_mode == REPLIES_SKIP_NOW) s->reply_mode = REPLIES_ON;
}

/* How long a command that begins now has waited to be run. Readers may see another CPU's clock. */
static uint64_t run_waited_ticks(uint64_t now)
{
    return now > run_read_ticks ? now - run_read_ticks : 0;
}

/* The command of `c`, which began at `began`, took long. Of what a script runs only the script
 * itself is noted. */
static void run_note_late(const struct call *c, uint64_t began, uint64_t ns)
{
    uint32_t flags = c->spec->flags;
    if (call_is_scripted(c)) return;
    if (ns >= run_slow_ns && !(flags & CF_SKIP_SLOWLOG)) {
        struct slowlog_times times = {
            .wait_us = clock_ticks_to_ns(run_waited_ticks(began)) / 1000,
            .us = ns / 1000,
            .end_ticks = run_ticks,
        };
        slowlog_add(c, &times, (uint64_t)run_settings->slowlog_max_len);
    }
    latency_note(flags & CF_FAST ? LATENCY_FAST_COMMAND : LATENCY_COMMAND, ns);
}

/* After the handler, which began at `began`: what it took, and what it changed. */
static void run_account(const struct call *c, uint64_t began)
{
    uint64_t now = clock_ticks();
    uint64_t ns = clock_ticks_to_ns(now - began);
    run_ticks = now;

    const struct settings *settings = settings_now();
    if (unlikely(settings != run_settings)) run_settings_changed(settings);

    struct command_stats *cs = stats_of(c->spec->id);
    cs->calls++;
    cs->ns += ns;
    cs->failed += c->failed;
    if (run_settings->latency_tracking) stats_record_latency(cs, ns);
    stats()->commands++;
    stats()->changes_since_save += c->changes;
    c->session->command_count++;

    if (unlikely(ns >= run_late_ns)) run_note_late(c, began, ns);
    if (unlikely(now - run_clock_ticks >= run_clock_step) && c->outer == NULL) run_set_time(now);
}

/* What WAITAOF of the session waits for. What the keyspace did since the last command counts, too.
 */
static void run_note_effects(struct session *s)
{
    static uint64_t seen;
    if (effect_number() == seen) return;
    seen = effect_number();
    s->effect_number = seen;
}

static enum run_result run_handler(struct call *c)
{
    bool quiet = c->session->no_touch && c->spec->id != CMD_TOUCH;
    if (unlikely(quiet)) keyspace_no_touch(true);
    if (unlikely(run_ticks == 0)) run_ticks = clock_ticks();
    uint64_t began = run_ticks;
    bool is_unit = c->outer == NULL && !busy_is_breathing();
    if (is_unit) effect_unit_begin();
    enum run_result result = run_handlers[c->spec->id](c);
    if (unlikely(quiet)) keyspace_no_touch(false);
    if (effect_is_heard()) effect_after(c);
    if (is_unit) effect_unit_end();
    if (effect_is_heard()) run_note_effects(c->session);
    dcheck(result != RUN_ERROR || c->failed);
    if (unlikely(result == RUN_BLOCKED)) {
        run_ticks = clock_ticks(); /* it counts when it is done */
        return result;
    }
    run_account(c, began);
    tracking_after(c);
    return result;
}

/* The handler for the first time, with those who are shown commands told. A script is shown before
 * what it calls. */
static enum run_result run_shown(struct call *c, const struct command *cmd)
{
    if (likely(!monitor_is_on())) return run_handler(c);
    bool shown_before = (c->spec->flags & CF_SKIP_MONITOR) != 0;
    if (shown_before) monitor_show(c, cmd);
    enum run_result result = run_handler(c);
    if (!shown_before) monitor_show(c, cmd);
    return result;
}

static struct call run_make_call(struct session *s, const struct command *cmd, struct reply *reply)
{
    return (struct call){
        .session = s,
        .db = s->db,
        .spec = cmd->spec,
        .args = cmd->args,
        .nargs = cmd->nargs,
        .first_key = cmd->first_key,
        .hash = cmd->hash,
        .reply = reply,
        .settings = run_settings,
        .now_ms = run_wall_ms,
        .due_ms = run_replays ? INT64_MIN : run_wall_ms,
        .reply_start = reply_total(reply),
    };
}

/* The handler said that it waits: its command is copied with the arguments as they stand now. The
 * one that waits for nothing but the server's end, SHUTDOWN, is never run again. */
static void run_keep_blocked(struct session *s, const struct command *cmd, const struct call *c)
{
    if (s->blocking == NULL) return;
    struct command copy = *cmd;
    copy.args = c->args;
    copy.nargs = c->nargs;
    held_keep_blocked(s, &copy, run_waited_ticks(run_ticks));
    heap_free(c->own_args);
}

static void run_queue(struct call *c, const struct command *cmd)
{
    multi_queue(c->session, cmd, run_flags(c));
    reply_status(c, "QUEUED");
}

/* What holds for one command of the client, or leaves out its answer. */
static void run_done(const struct call *c, size_t mark)
{
    if (unlikely(c->session->care & CARE_CACHING)) tracking_command_done(c->session, c->spec);
    if (unlikely(c->session->reply_mode != REPLIES_ON)) run_silence(c, mark);
}

/* False when the command has to wait; then nothing happened but that run_waits says for what. */
static bool run_now(struct session *s, const struct command *cmd, struct reply *reply)
{
    size_t mark = reply->len;
    reply->resp = s->resp;
    struct call c = run_make_call(s, cmd, reply);
    enum verdict verdict = VERDICT_RUN;
    if (unlikely(cmd->flaw != FLAW_NONE)) {
        verdict = VERDICT_REJECTED;
        reject_flawed(&c, cmd);
    } else if (unlikely((cmd->spec->flags & run_gate) || run_gates_all || s->care != 0)) {
        verdict = run_judge(&c);
        if (verdict == VERDICT_WAIT || verdict == VERDICT_WAIT_SNAPSHOT) {
            run_waits = verdict;
            return false;
        }
    }

    if (unlikely(s->reply_mode == REPLIES_SKIP_NEXT)) s->reply_mode = REPLIES_SKIP_NOW;
    s->last = cmd->spec;
    s->last_wire_len = cmd->wire_len;
    s->active_ms = run_mono_ms;
    if (unlikely(cmd->wire_len >= run_large_len) && !busy_is_breathing()) {
        client_limit_command(run_settings, cmd->wire_len);
        if (s->closing) return true;
    }
    bool blocked = false;
    if (unlikely(run_settings->maxmemory > 0) && verdict != VERDICT_REJECTED)
        verdict = run_judge_memory(&c, verdict);
    if (likely(verdict == VERDICT_RUN))
        blocked = run_shown(&c, cmd) == RUN_BLOCKED;
    else if (verdict == VERDICT_QUEUE)
        run_queue(&c, cmd);
    if (unlikely(run_settings->maxmemory > 0) && c.changes > 0) run_make_room();
    if (unlikely(blocked)) run_keep_blocked(s, cmd, &c);
    s->last_wire_len = s->last_args_len = 0;
    if (!blocked) run_done(&c, mark);
    return true;
}

void run_prepare(struct command *cmd, const struct bytes *args, uint32_t nargs)
{
    bool no_such_sub = false;
    *cmd = (struct command){.args = args, .nargs = nargs};
    cmd->spec = command_find(args, nargs, &no_such_sub);
    if (cmd->spec == NULL) {
        cmd->flaw = FLAW_UNKNOWN;
    } else if (no_such_sub) {
        cmd->flaw = FLAW_SUBCOMMAND;
    } else if (!command_arity_fits(cmd->spec, nargs)) {
        cmd->flaw = FLAW_ARITY;
    } else if (cmd->spec->first_key > 0 && (uint32_t)cmd->spec->first_key < nargs) {
        cmd->first_key = (uint16_t)cmd->spec->first_key;
        cmd->hash = hash_bytes(args[cmd->first_key].ptr, args[cmd->first_key].len);
    }
}

enum run_result run_within(const struct call *outer, struct session *s, const struct command *cmd,
                           struct reply *reply)
{
    dcheck(cmd->flaw == FLAW_NONE);
    struct call c = run_make_call(s, cmd, reply);
    c.outer = outer;
    c.now_ms = outer->now_ms;
    c.due_ms = outer->due_ms;
    s->last = cmd->spec;
    run_ticks = clock_ticks();
    enum run_result result = run_shown(&c, cmd);
    must(result != RUN_BLOCKED);
    return result;
}

bool run_loaded(struct session *s, const struct call *outer, const struct command *cmd,
                struct reply *reply)
{
    struct call c = run_make_call(s, cmd, reply);
    c.outer = outer;
    s->last = cmd->spec;
    enum run_result result = run_handlers[cmd->spec->id](&c);
    must(result != RUN_BLOCKED);
    return !c.failed;
}

bool run(struct session *s, const struct command *cmd, struct reply *reply)
{
    if (unlikely(s->closing)) return false;
    if (unlikely(s->held_first != NULL || s->is_blocked || s->is_choked || s->is_busy)) {
        held_add(s, cmd, run_read_ticks);
        return false;
    }
    if (unlikely(!run_now(s, cmd, reply))) {
        held_add(s, cmd, run_read_ticks);
        run_wait(s);
        return false;
    }
    return !s->closing;
}

void run_held(struct session *s, struct reply *reply)
{
    pause_forget(s);
    size_t mark = reply_total(reply);
    struct held_command *h;
    while (!s->closing && !s->is_blocked && (h = held_take(s)) != NULL) {
        if (reply_total(reply) - mark >= RUN_HELD_REPLY_MAX) {
            held_return(s, h);
            pause_make_ready(s);
            return;
        }
        run_read_ticks = h->ticks;
        if (!run_now(s, &h->command, reply)) {
            held_return(s, h);
            run_wait(s);
            return;
        }
        held_free(h);
        if ((blocking_is_pending() || s->push_waits) && s->held_first != NULL && !s->is_blocked) {
            pause_make_ready(s); /* messages to it and those who wait for what it wrote go first */
            return;
        }
    }
}

/* ---- Blocking commands ---- */

int64_t run_mono_now_ms(void) { return run_mono_ms; }

/* True when it is answered. */
static bool run_blocked(struct call *c, enum blocking_wake how)
{
    if (how == BLOCKING_FED) return run_is_denied(c) || run_handler(c) != RUN_BLOCKED;
    if (how == BLOCKING_TIMEOUT && blocking_answers_late(c->session)) {
        c->is_late = true;
        return run_handler(c) != RUN_BLOCKED;
    }
    if (how == BLOCKING_TIMEOUT)
        reply_null_array(c);
    else
        reply_error(c, "UNBLOCKED client unblocked via CLIENT UNBLOCK");
    if (run_ticks == 0) run_ticks = clock_ticks();
    run_account(c, run_ticks);
    return true;
}

/* What it is about to change is to be in the snapshot first, as with a command that comes: another
 * client may take what fed it. One that comes back from a job must end. */
static bool run_woken_must_wait(const struct call *c)
{
    bool writes = (c->spec->flags & CF_WRITE) != 0;
    return writes && c->session->job == NULL && snapshot_may_hold() && snapshot_must_wait(c);
}

void run_woken(struct session *s, enum blocking_wake how, struct reply *reply)
{
    size_t mark = reply->len;
    reply->resp = s->resp;
    uint64_t read_ticks = run_read_ticks; /* of the batch whose commands go on after this */
    run_read_ticks = clock_ticks() - s->blocked->ticks; /* being blocked is no waiting */
    struct call c = run_make_call(s, &s->blocked->command, reply);
    if (how == BLOCKING_FED && run_woken_must_wait(&c)) {
        run_read_ticks = read_ticks;
        blocking_hold(s);
        return;
    }
    bool answered = run_blocked(&c, how);
    run_read_ticks = read_ticks;
    if (!answered) {
        blocking_wait_on(s);
        return;
    }
    run_done(&c, mark);
    blocking_forget(s);
    run_go_on(s); /* one that must read first stands in its line already */
}

/* ---- Scripts that last ---- */

struct run_moment run_put_aside(void)
{
    struct run_moment moment = {run_ticks, run_clock_ticks, run_read_ticks, run_wall_ms,
                                run_mono_ms};
    run_gates_all = true;
    run_ticks = 0;
    run_set_time(clock_ticks());
    return moment;
}

void run_take_up(const struct run_moment *moment)
{
    run_ticks = moment->ticks;
    run_clock_ticks = moment->clock_ticks;
    run_read_ticks = moment->read_ticks;
    run_wall_ms = moment->wall_ms;
    run_mono_ms = moment->mono_ms;
    run_look_again();
}

void run_go_on(struct session *s)
{
    if (s->held_first != NULL && !s->closing && !s->is_blocked && s->line == NULL)
        pause_make_ready(s);
}

/* ---- CLIENT PAUSE ---- */

void run_pause(enum pause_mode mode, int64_t until_ms)
{
    pause_begin(mode, until_ms);
    run_pause_changed();
}

void run_unpause(void)
{
    pause_end();
    run_pause_changed();
}

void run_holds_changed(void)
{
    run_pause_changed();
    pause_judge_again();
}

enum pause_mode run_pause_mode(void) { return pause_mode(); }

int64_t run_pause_until_ms(void) { return pause_until_ms(); }

void run_choke(struct session *s) { pause_until_read(s); }

bool run_must_choke(const struct session *s)
{
    int64_t limit = run_settings->output_high_water;
    return limit > 0 && pause_unread_bytes(s) > (uint64_t)limit;
}

uint64_t run_reply_room(const struct session *s)
{
    int64_t hard = run_settings->client_output_buffer_limit.of[session_output_class(s)].hard;
    if (likely(hard <= 0)) return UINT64_MAX;
    uint64_t unread = conn_meter(&conn_card(s->conn.slot)->out_pending);
    return unread < (uint64_t)hard ? (uint64_t)hard - unread : 0;
}

bool call_reply_full(const struct call *c)
{
    size_t len = reply_total(c->reply) - c->reply_start;
    if (len < REPLY_LEND_MIN) return false; /* it is cut when it is complete */
    return len > run_reply_room(c->session);
}

void run_cut_over_limit(struct session *s)
{
    log_warn("Client id=%" PRIu64 " closed for overcoming of output buffer limits (hard limit of "
             "client-output-buffer-limit, by the reply to %s)",
             s->id, s->last == NULL ? "nothing" : s->last->full);
    stats()->output_limit_cuts++;
    session_kill(s);
}

struct session *run_next_ready(void)
{
    int64_t limit = run_settings->output_high_water;
    if (pause_has_readers()) pause_look_at_readers(limit > 0 ? (uint64_t)limit / 2 : UINT64_MAX);
    return pause_first_ready();
}

int64_t run_next_due_ms(void)
{
    int64_t due = pause_until_ms();
    int64_t blocked = blocking_next_due_ms();
    if (blocked >= 0) blocked += run_wall_ms - run_mono_ms;
    if (blocked >= 0 && (due < 0 || due > blocked)) due = blocked;
    if (pause_first_ready() != NULL) return run_wall_ms;
    if (pause_has_readers() && (due < 0 || due > run_wall_ms + CHOKE_LOOK_MS))
        due = run_wall_ms + CHOKE_LOOK_MS;
    return due;
}
