/*
 * Deadlines of keys: the EXPIRE family, the TTL family and PERSIST.
 */
#include "execute/commands/expire_options.h"
#include "execute/commands/generic.h"
#include "execute/commands/table.h"
#include "execute/core/event.h"

#include <limits.h>

/* When EXPIRE may change a deadline. */
struct expire_condition {
    bool nx, xx, gt, lt;
};

static bool expire_condition_parse(struct call *c, struct expire_condition *out)
{
    *out = (struct expire_condition){0};
    for (uint32_t i = 3; i < c->nargs; i++) {
        bool *option = call_arg_is(c, i, "nx")   ? &out->nx
                       : call_arg_is(c, i, "xx") ? &out->xx
                       : call_arg_is(c, i, "gt") ? &out->gt
                       : call_arg_is(c, i, "lt") ? &out->lt
                                                 : NULL;
        if (option == NULL) {
            struct bytes word = arg(c, i);
            int len = word.len < INT_MAX ? (int)word.len : INT_MAX;
            reply_errorf(c, "ERR Unsupported option %.*s", len, word.ptr);
            return false;
        }
        *option = true;
    }
    const char *error = NULL;
    if (out->nx && (out->xx || out->gt || out->lt))
        error = "ERR NX and XX, GT or LT options at the same time are not compatible";
    else if (out->gt && out->lt)
        error = "ERR GT and LT options at the same time are not compatible";
    if (error != NULL) reply_error(c, error);
    return error == NULL;
}

/* A key without a deadline counts as one that is due at the end of time. */
static bool expire_condition_holds(const struct expire_condition *o, int64_t old_ms, int64_t new_ms)
{
    bool none = old_ms == DEADLINE_NONE;
    if (o->nx && !none) return false;
    if (o->xx && none) return false;
    if (o->gt && (none || new_ms <= old_ms)) return false;
    return !(o->lt && !none && new_ms >= old_ms);
}

static enum run_result expire_key(struct call *c, unsigned unit)
{
    struct expire_condition condition;
    int64_t at_ms;
    struct key key = call_key(c, 1);
    if (!expire_condition_parse(c, &condition)) return RUN_ERROR;
    if (!expire_time(c, 2, unit, false, &at_ms)) return RUN_ERROR;
    struct entry *e = keyspace_find(c->db, key, LOOKUP_WRITE);
    if (e == NULL || !expire_condition_holds(&condition, entry_deadline(e), at_ms))
        return reply_int(c, 0);

    if (expire_is_past(c, at_ms))
        expire_now(c, key);
    else
        expire_set(c, key, e, at_ms);
    return reply_int(c, 1);
}

enum run_result cmd_EXPIRE(struct call *c) { return expire_key(c, EXPIRE_SECONDS); }
enum run_result cmd_PEXPIRE(struct call *c) { return expire_key(c, EXPIRE_MS); }
enum run_result cmd_EXPIREAT(struct call *c)
{
    return expire_key(c, EXPIRE_SECONDS | EXPIRE_ABSOLUTE);
}
enum run_result cmd_PEXPIREAT(struct call *c) { return expire_key(c, EXPIRE_MS | EXPIRE_ABSOLUTE); }

enum run_result cmd_PERSIST(struct call *c)
{
    struct key key = call_key(c, 1);
    struct entry *e = keyspace_find(c->db, key, LOOKUP_WRITE);
    if (e == NULL || entry_deadline(e) == DEADLINE_NONE) return reply_int(c, 0);
    keyspace_set_deadline(c->db, e, DEADLINE_NONE);
    call_event(c, 1, key, NOTIFY_GENERIC, "persist");
    return reply_int(c, 1);
}

/* Milliseconds as the nearest second, half up. */
static int64_t expire_to_seconds(int64_t ms) { return ms / 1000 + (ms % 1000 >= 500); }

/* -2: no such key; -1: no deadline; else the deadline, or the time until then, in the unit. */
static enum run_result expire_reply_time(struct call *c, unsigned unit)
{
    struct entry *e = generic_peek(c, 1);
    if (e == NULL) return reply_int(c, -2);
    int64_t t = entry_deadline(e);
    if (t == DEADLINE_NONE) return reply_int(c, -1);

    if (!(unit & EXPIRE_ABSOLUTE)) t = t > c->now_ms ? t - c->now_ms : 0;
    return reply_int(c, unit & EXPIRE_SECONDS ? expire_to_seconds(t) : t);
}

enum run_result cmd_TTL(struct call *c) { return expire_reply_time(c, EXPIRE_SECONDS); }
enum run_result cmd_PTTL(struct call *c) { return expire_reply_time(c, EXPIRE_MS); }
enum run_result cmd_EXPIRETIME(struct call *c)
{
    return expire_reply_time(c, EXPIRE_SECONDS | EXPIRE_ABSOLUTE);
}
enum run_result cmd_PEXPIRETIME(struct call *c)
{
    return expire_reply_time(c, EXPIRE_MS | EXPIRE_ABSOLUTE);
}
