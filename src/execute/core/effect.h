/*
 * Effects: what commands did to the data, as commands that do the same wherever they are run:
 * absolute times, no chance, no clock, no waiting. One stream, numbered by bytes and encoded once;
 * the log (and, in time, replicas and their backlog) reads it.
 *
 * A command that changed something (call_changed()) is its own effect, with the arguments as they
 * came. A handler for which that is not so says what is: effect_begin() with the number of
 * arguments, then that many of effect_arg() and its kin; again for each further effect. Or it says
 * effect_none(). Handlers need not ask whether anybody hears: without ears these do nothing, and
 * effect_is_heard() spares work that is only for them.
 *
 *     effect_begin(c, 5);                     SET k v EX 10 becomes SET k v PXAT 1700000000000
 *     effect_word("SET"), effect_arg(key) ...
 *
 * What a command does, EXEC and scripts with all that they run, is a unit: more than one effect of
 * it stand between MULTI and EXEC. What the keyspace does by itself (expired, evicted) is a DEL, in
 * the unit of the command that met the key or in one of its own.
 */
#ifndef EXECUTE_CORE_EFFECT_H
#define EXECUTE_CORE_EFFECT_H

#include "execute/execute_private.h"

#include "execute/core/call.h"

static inline bool effect_is_heard(void)
{
    extern bool effect_heard;
    return unlikely(effect_heard);
}

/* ---- For handlers ---- */
/* One effect of this command follows, in place of the command itself. */
void effect_begin(struct call *c, uint32_t nargs);
/* The same, for another database. */
void effect_begin_in(struct call *c, const struct db *db, uint32_t nargs);
void effect_arg(struct bytes text);
void effect_word(const char *text);
void effect_int(int64_t n);
/* All arguments of the command from this one on. */
void effect_args_from(const struct call *c, uint32_t i);
void effect_none(struct call *c);
/* The command as it came is one of several effects, at this place among them; or it is one though
 * it changed nothing. */
void effect_same(struct call *c);
/* "NAME key", with the arguments in `c` from `i` on behind it. */
void effect_of_key(struct call *c, const char *name, struct bytes key, uint32_t i);

/* ---- For run() ---- */
/* The outermost command begins: what comes until effect_unit_end() is one unit. */
static inline void effect_unit_begin(void)
{
    extern bool effect_in_unit;
    effect_in_unit = true;
}
void effect_commit(void);
static inline void effect_unit_end(void)
{
    extern bool effect_in_unit;
    extern size_t effect_open;
    effect_in_unit = false;
    if (unlikely(effect_open > 0)) effect_commit();
}
/* After a handler: the command is its own effect, unless it said otherwise. */
void effect_after(struct call *c);
/* What scripts were told not to tell (redis.set_repl without AOF): effects are dropped meanwhile,
 * but for what the keyspace does by itself. */
void effect_mute(bool on);

/* ---- For event.c ---- */
/* A key went by itself. `later`: it is told as an UNLINK. */
void effect_deleted(const struct db *db, struct bytes name, bool later);

/* ---- For persistence ---- */
/* From now on effects are told, or no more; then what an open unit has told is dropped. */
void effect_listen(bool on);
/* The number of the last effect: bytes of the stream so far. */
uint64_t effect_number(void);
/* Hands over what was gathered since the last time, as ORDER_LOG_APPEND. */
void effect_flush(void);
/* The same at the end of a turn, but what nobody waits for gathers while the log has enough to do:
 * a slow sync would find as many orders as there were turns. True: some is kept, and another turn
 * is wanted soon. */
bool effect_flush_or_keep(void);
/* A reply waits until effect `number` is on disk: the disk is asked for it by the next flush, at
 * once, whatever the settings say by then. */
static inline void effect_await(uint64_t number)
{
    extern uint64_t effect_awaited;
    if (unlikely(number > effect_awaited)) effect_awaited = number;
}
/* The next effect is told its database again: a new file begins. */
void effect_forget_db(void);
void effect_close(void);

#endif
