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

extern bool effect_heard;
static inline bool effect_is_heard(void) { return unlikely(effect_heard); }

/* ---- For handlers ---- */
/* One effect of this command follows, in place of the command itself. */
void effect_begin(struct call *c, uint32_t nargs);
/* The same, for another database. */
void effect_begin_in(struct call *c, const struct db *db, uint32_t nargs);
void effect_arg(struct bytes text);
void effect_word(const char *text);
void effect_int(int64_t n);
/* As text that reads back as the same number. */
void effect_double(double d);
void effect_none(struct call *c);
/* The command as it came is one of several effects, at this place among them. */
void effect_same(struct call *c);

/* ---- For run() ---- */
/* The outermost command begins: what comes until effect_unit_end() is one unit. */
void effect_unit_begin(void);
void effect_unit_end(void);
/* After a handler: the command is its own effect, unless it said otherwise. */
void effect_after(struct call *c);
/* What scripts were told not to tell (redis.set_repl without AOF): effects are dropped meanwhile.
 */
void effect_mute(bool on);

/* ---- For event.c ---- */
void effect_deleted(struct db *db, struct bytes name);

/* ---- For persistence ---- */
/* From now on effects are appended to the log, the first after `number`; or no more. */
void effect_listen(bool on);
/* The number of the last effect: bytes of the stream so far. */
uint64_t effect_number(void);
/* Hands over what was gathered since the last time, as ORDER_LOG_APPEND. */
void effect_flush(void);
/* The next effect is told its database again: a new file begins. */
void effect_forget_db(void);
void effect_close(void);

#endif
