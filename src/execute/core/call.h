/*
 * What a command handler sees: one call of one command by one session.
 *
 * A handler parses its arguments, looks up, acts and answers exactly once, with the reply_*
 * functions below; it keeps no pointer to an argument after it returned. Whoever changes data says
 * so with call_changed(), and of each key with call_event() (core/event.h). Only run() and
 * run_within() (core/run.h) call handlers.
 */
#ifndef EXECUTE_CORE_CALL_H
#define EXECUTE_CORE_CALL_H

#include "execute/execute_private.h"

#include "base/bytes.h"
#include "catalog/command.h"
#include "catalog/error.h"
#include "catalog/settings.h"
#include "execute/core/reply.h"
#include "execute/keyspace/keyspace.h"
#include "msg/command_batch.h"

struct session;

/* Shorter strings are copied into a reply: measured, a loan costs as much as copying so many bytes.
 */
#define REPLY_LEND_MIN 16384

/* What the stream of effects is told of a call (core/effect.h). */
enum call_effect {
    EFFECT_ITSELF, /* the command as it came, if it changed anything */
    EFFECT_TOLD,   /* the handler has said what */
};

struct call {
    struct session *session;
    struct db *db; /* the session's selected database */
    const struct command_spec *spec;
    const struct bytes *args;
    void *own_args; /* memory of args that the handler made; freed after call_block() copied them */
    uint32_t nargs;
    uint16_t first_key; /* index of the key whose hash is known, 0: none */
    uint64_t hash;
    struct reply *reply;
    const struct call *outer; /* the EXEC or script that runs it, or NULL; then it may not wait */
    const struct settings *settings;
    int64_t now_ms;     /* wall clock of this command */
    int64_t due_ms;     /* what has expired: the same, or before all time in a replay */
    uint64_t changes;   /* what call_changed() added up */
    bool failed;        /* an error was answered */
    uint8_t effect;     /* enum call_effect */
    bool is_late;       /* it waited, and its time is over */
    bool is_push;       /* what it answers is messages, which CLIENT REPLY does not silence */
    size_t reply_start; /* reply_total() before this command */
};

/* What a handler returns; the reply_* functions give it, so that `return reply_int(c, n);` reads
 * well. */
enum run_result { RUN_OK, RUN_ERROR, RUN_BLOCKED };

/* The call of the command that the client sent: that of EXEC or of the script, if there is one. */
static inline const struct call *call_outermost(const struct call *c)
{
    while (unlikely(c->outer != NULL)) c = c->outer;
    return c;
}

static inline struct bytes arg(const struct call *c, uint32_t i) { return c->args[i]; }

/* Of a log, not of a client: run_replay(). */
static inline bool call_is_replayed(const struct call *c) { return c->due_ms == INT64_MIN; }

/* Run by a script, and not by a client or its EXEC. */
static inline bool call_is_scripted(const struct call *c)
{
    return c->outer != NULL && c->outer->spec->id != CMD_EXEC;
}

/* The key at argument i, hashed (for the first key parse has done it). */
static inline struct key call_key(const struct call *c, uint32_t i)
{
    if (i == c->first_key && c->first_key != 0) return (struct key){c->args[i], c->hash};
    return key_make(c->args[i]);
}

/*
 * True when the command's own reply is over the hard limit of the client's output: it will be cut
 * and the reply dropped, so the handler returns as if it had answered all. For handlers whose reply
 * is not bounded by the data (a negative count of SRANDMEMBER): asked every hundred elements or so.
 */
bool call_reply_full(const struct call *c);

/* What a blocking command that found nothing waits for. */
struct block_terms {
    uint32_t first_key, key_count; /* the arguments that are its keys, one after the other */
    enum value_type type;          /* only a value of this type wakes it */
    bool wakes_when_gone;          /* or any change of the key, its deletion included */
    bool answers_null;             /* where it may not wait: with a null string, not a null array */
    int64_t timeout_ms;            /* 0: for ever */
    /* Looks again when the log has `log_number` on disk, and when it is switched on or off
     * (core/log_life.h); UINT64_MAX: for that alone. */
    bool waits_for_log;
    uint64_t log_number;
    bool answers_late; /* when its time is over the handler is called once more, with c->is_late,
                        * and answers; else null is the answer */
};
/*
 * Answers nothing: the handler returns what it gives, RUN_BLOCKED, and is called again, from the
 * start, when a key is fed; until it answers. The arguments are copied from c->args, which the
 * handler may have set to an array of its own (XREAD's $ becomes an id). Within another command
 * nothing waits: it answers null at once.
 */
enum run_result call_block(struct call *c, const struct block_terms *terms);
/* Something came into a value that was there before: for values whose readers wait for more, as
 * those of streams do. New keys feed by themselves. */
void call_fed(struct call *c, struct key key);
/* A timeout in seconds, fractions allowed, as the blocking commands take it; 0: for ever. */
bool call_timeout(struct call *c, uint32_t i, int64_t *ms);

/* `n` things were changed (keys or elements: what the counter of changes since the last save adds).
 */
static inline void call_changed(struct call *c, uint64_t n) { c->changes += n; }

/* Arguments. On failure they answer the usual error themselves and return false. */
bool call_int(struct call *c, uint32_t i,
              int64_t *out); /* "value is not an integer or out of range" */
bool call_int_range(struct call *c, uint32_t i, int64_t min, int64_t max, const char *error,
                    int64_t *out);
bool call_double(struct call *c, uint32_t i, double *out); /* "value is not a valid float" */
bool call_arg_is(const struct call *c, uint32_t i, const char *word); /* ASCII case ignored */

/*
 * Answers. Each writes what the session's protocol version asks for. `text` of errors and statuses
 * is cleaned of CR and LF. The errors of catalog/error.h are passed as they are; reply_error()
 * takes the whole line with its code, "ERR syntax error".
 */
enum run_result reply_ok(struct call *c);
enum run_result reply_status(struct call *c, const char *text);
enum run_result reply_status_bytes(struct call *c, struct bytes text);
enum run_result reply_error(struct call *c, const char *text);
enum run_result reply_errorf(struct call *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, of any bytes; `counts`: the server's figures do not know of it yet. */
enum run_result reply_error_line(struct call *c, struct bytes line, bool counts);
enum run_result reply_wrong_type(struct call *c);
enum run_result reply_syntax(struct call *c);
/* "wrong number of arguments for 'x' command", for checks that the table cannot make. */
enum run_result reply_arity(struct call *c);
/* "unknown subcommand or wrong number of arguments for 'x'. Try Y HELP." */
enum run_result reply_subcommand(struct call *c);
/* An array of statuses: the usual HELP head, the lines, the usual tail. `lines` ends with NULL. */
enum run_result reply_help(struct call *c, const char *const *lines);

enum run_result reply_int(struct call *c, int64_t n);
enum run_result reply_bulk(struct call *c, struct bytes b);
/* `part` lies in `b`, and is lent where it is long and the reply knows of loans; `b` may be NULL.
 */
enum run_result reply_bulk_of(struct call *c, struct bytes part, struct block *b);
enum run_result reply_text(struct call *c, const char *cstr); /* a bulk string */
enum run_result reply_null(struct call *c);                   /* $-1 or _ */
enum run_result reply_null_array(struct call *c);             /* *-1 or _ */
enum run_result reply_double(struct call *c, double d);
enum run_result reply_double_text(struct call *c, struct bytes printed);
enum run_result reply_bool(struct call *c, bool b);
enum run_result reply_bignum(struct call *c, struct bytes digits);
enum run_result reply_verbatim(struct call *c, struct bytes text,
                               const char *format3); /* "txt", "mkd" */
enum run_result reply_key_value_text(struct call *c, const char *key, const char *value);
/* Heads: the elements follow. A map counts pairs. */
enum run_result reply_array(struct call *c, uint64_t n);
enum run_result reply_map(struct call *c, uint64_t n);
enum run_result reply_set(struct call *c, uint64_t n);
enum run_result reply_push(struct call *c, uint64_t n);
/* A head whose count is known later: mark = reply_defer(c); elements...; reply_defer_array(c, mark,
 * n). */
size_t reply_defer(struct call *c);
enum run_result reply_defer_array(struct call *c, size_t mark, uint64_t n);
enum run_result reply_defer_map(struct call *c, size_t mark, uint64_t n);
enum run_result reply_defer_set(struct call *c, size_t mark, uint64_t n);

typedef enum run_result command_handler(struct call *c);

#endif
