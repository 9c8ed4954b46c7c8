/*
 * run(): the only way to run a command.
 *
 * State, authentication, arity and the other checks before a handler, the handler, then counters,
 * slow log and latency. Batches, held-back commands and, in time, AOF loading and the master's
 * stream all come through here; what EXEC and scripts run comes through run_within().
 *
 * A session that is paused or blocked does not run its commands: they are copied (held) in order
 * and run when it may go on.
 */
#ifndef EXECUTE_CORE_RUN_H
#define EXECUTE_CORE_RUN_H

#include "execute/execute_private.h"

#include "execute/core/blocking.h"
#include "execute/core/call.h"
#include "execute/core/session.h"

/*
 * `handler_of` binds the rows of the command table: core knows no command. Opens pause and slow log
 * too; keyspace, sessions and counters are open already.
 */
void run_open(command_handler *(*handler_of)(enum command_id id));
/* `flags_of` tells the flags of a call with CF_MAY_REPLICATE: those of the script that it runs. */
void run_ask_scripts(uint32_t (*flags_of)(const struct call *c));
void run_close(void);

/* At the top of execute's turn: the settings and the time of the turn. Sets the keyspace's time
 * too. */
void run_begin_turn(const struct settings *settings, int64_t wall_ms, uint64_t ticks);
/* The commands that come next were read from their sockets at `ticks`. */
void run_note_read(uint64_t ticks);
/* clock_ticks() when the last command ended; 0 before the first of a turn. */
uint64_t run_last_ticks(void);
/* The wall clock of now in ms, as commands see it: a command that took long has moved it. */
int64_t run_now_ms(void);
/* While on, commands are those of a log (core/effect.h): nothing is due, whatever its deadline, and
 * a past one is kept; what went in time the log says. call_is_replayed() tells handlers. */
void run_replay(bool on);

/*
 * Runs one command of a session, or holds it back, or drops it when the session is closing. The
 * answer, if any, is appended to `reply` in the session's protocol version. Gives false when
 * nothing more of this session runs for now (held, closing): the caller may give the rest of its
 * commands all the same, and must when they were not dropped: they are held in order.
 */
bool run(struct session *s, const struct command *cmd, struct reply *reply);

/*
 * Runs a command within the one that `outer` is a call of (EXEC, a script), for session `s`: the
 * caller's own or one that stands for it. Handler, counters and events are those of run(), the
 * checks before them are the caller's: a command with a flaw must not come here. It may not wait,
 * and time stands still. The answer is appended to `reply` in the version of reply->resp.
 */
enum run_result run_within(const struct call *outer, struct session *s, const struct command *cmd,
                           struct reply *reply);
/*
 * Runs a command of a log that is loaded, during run_replay(), for a session that stands for a
 * client. There are no checks, nobody is told and nothing is counted; a command with a flaw must
 * not come here. It may not wait: so `outer`, a call of EXEC, stands around it. False: the answer
 * is an error.
 */
bool run_loaded(struct session *s, const struct call *outer, const struct command *cmd,
                struct reply *reply);
/* Finds what parse finds of a command: its row or its flaw, its first key and that one's hash.
 * Borrows the arguments; one at least. */
void run_prepare(struct command *cmd, const struct bytes *args, uint32_t nargs);
/* Makes room in memory before a command with this spec's flags, with maxmemory. False: there is
 * none, and it may grow memory: it is to be refused with ERR_OOM. */
bool run_memory_allows(uint32_t flags);

/* What persistence_refuses() says has changed. */
void run_look_again(void);

/* ---- CLIENT PAUSE ---- */
enum pause_mode { PAUSE_OFF, PAUSE_WRITE, PAUSE_ALL };
/* Wall ms; extends, never shortens, as Redis does. While not off, nothing may delete keys because
 * they are due. */
void run_pause(enum pause_mode mode, int64_t until_ms);
void run_unpause(void);
enum pause_mode run_pause_mode(void);
int64_t run_pause_until_ms(void); /* -1 when not paused */
/* Keys are held now, or were let go (core/hold.h): who waits is judged again. */
void run_holds_changed(void);

/* A snapshot began or ended: it may hold writers. */
void run_gate_changed(void);

/* ---- Clients that do not read ---- */
/* True when the client has left more than output-high-water unread. */
bool run_must_choke(const struct session *s);
/* No more of the session's commands run until its client has read half of that. */
void run_choke(struct session *s);

/* How much more reply the hard limit of client-output-buffer-limit lets the session have, beside
 * what its client's kernel did not take yet; UINT64_MAX without a limit. */
uint64_t run_reply_room(const struct session *s);
/* It was more: logs, counts and ends the session. The caller drops the reply. */
void run_cut_over_limit(struct session *s);

/* ---- Sessions that may go on ---- */
/* The next session with held commands that may run now (pause over, unblocked), or NULL. */
struct session *run_next_ready(void);
/* Runs what the session holds, appending to `reply`, until it is empty or the session may not go
 * on. */
void run_held(struct session *s, struct reply *reply);
/* It holds commands, and what they waited for is over. */
void run_go_on(struct session *s);

/* ---- Scripts that last (core/busy.h) ---- */
/* Others run while a command does: what run() knows of it is put aside, and then taken up again. */
struct run_moment {
    uint64_t ticks, clock_ticks, read_ticks;
    int64_t wall_ms, mono_ms;
};
struct run_moment run_put_aside(void);
void run_take_up(const struct run_moment *moment);

/* ---- Sessions that waited in a blocking command (core/blocking.h) ---- */
/* Runs the command of a session that blocking_next() gave, or answers for it. */
void run_woken(struct session *s, enum blocking_wake how, struct reply *reply);
/* The monotonic clock in ms as commands see it. */
int64_t run_mono_now_ms(void);

/* When time alone makes a session ready or a timeout due: absolute wall ms, or -1. */
int64_t run_next_due_ms(void);

#endif
