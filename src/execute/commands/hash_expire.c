/*
 * Deadlines of fields: the HEXPIRE family, HPERSIST, the HTTL family.
 *
 * All of them answer a number for each field; -2 stands for a field, or a key, that is not there.
 */
#include "execute/commands/hash_expire.h"
#include "execute/commands/expire_options.h"
#include "execute/commands/hash_edit.h"
#include "execute/commands/table.h"

#include "codec/number.h"

enum hash_answer {
    HASH_NO_FIELD = -2,
    HASH_NO_DEADLINE = -1,
    HASH_REFUSED = 0, /* by the condition */
    HASH_DONE = 1,
    HASH_GONE = 2, /* the time is past: the field was deleted */
};

static const char hash_bad_count[] = "ERR Parameter `numFields` should be greater than 0";

bool hash_expire_time(struct call *c, uint32_t i, unsigned unit, int64_t *at_ms)
{
    int64_t t;
    if (!call_int(c, i, &t)) return false;
    if (t < 0) {
        reply_error(c, "ERR invalid expire time, must be >= 0");
        return false;
    }
    bool bad = false;
    if (unit & EXPIRE_SECONDS) bad |= __builtin_mul_overflow(t, 1000, &t);
    if (!(unit & EXPIRE_ABSOLUTE)) bad |= __builtin_add_overflow(t, c->now_ms, &t);
    if (bad || t > HASH_DEADLINE_MAX) {
        reply_errorf(c, "ERR invalid expire time in '%s' command", c->spec->full);
        return false;
    }
    *at_ms = t;
    return true;
}

bool hash_expire_fields(struct call *c, uint32_t i, const char *bad_count, uint32_t *first)
{
    int64_t count;
    if (i + 1 >= c->nargs || !call_arg_is(c, i, "fields")) {
        reply_error(c, "ERR Mandatory argument FIELDS is missing or not at the right position");
        return false;
    }
    if (!call_int_range(c, i + 1, 1, INT64_MAX, bad_count, &count)) return false;
    if (count != c->nargs - (i + 2)) {
        reply_error(c, "ERR The `numfields` parameter must match the number of arguments");
        return false;
    }
    *first = i + 2;
    return true;
}

/* No field of a key that is not there. */
static enum run_result hash_reply_none(struct call *c, uint32_t first)
{
    reply_array(c, c->nargs - first);
    for (uint32_t i = first; i < c->nargs; i++) reply_int(c, HASH_NO_FIELD);
    return RUN_OK;
}

/* ---- HEXPIRE ---- */

enum hash_condition { HASH_ALWAYS, HASH_NX, HASH_XX, HASH_GT, HASH_LT };

/* The word at argument 3; *i is then the next argument. */
static enum hash_condition hash_condition_parse(struct call *c, uint32_t *i)
{
    static const char *const words[] = {"nx", "xx", "gt", "lt"};
    for (unsigned w = 0; w < 4; w++) {
        if (!call_arg_is(c, 3, words[w])) continue;
        *i = 4;
        return HASH_NX + w;
    }
    *i = 3;
    return HASH_ALWAYS;
}

/* A field without a deadline counts as one that is due at the end of time. */
static bool hash_condition_holds(enum hash_condition condition, int64_t had_ms, int64_t at_ms)
{
    bool none = had_ms == ENTRY_NO_DEADLINE;
    switch (condition) {
    case HASH_NX: return none;
    case HASH_XX: return !none;
    case HASH_GT: return !none && at_ms > had_ms;
    case HASH_LT: return none || at_ms < had_ms;
    case HASH_ALWAYS: break;
    }
    return true;
}

static enum hash_answer hash_expire_field(struct call *c, struct hash_edit *h, uint32_t i,
                                          enum hash_condition condition, int64_t at_ms)
{
    struct hash_item item;
    if (!hash_get(h->e, arg(c, i), c->due_ms, &item)) return HASH_NO_FIELD;
    if (!hash_condition_holds(condition, item.deadline_ms, at_ms)) return HASH_REFUSED;
    h->changes++;
    if (at_ms <= c->due_ms) {
        hash_delete(h->e, arg(c, i), c->due_ms);
        effect_begin(c, 3);
        effect_word("HDEL");
        effect_arg(arg(c, 1));
        effect_arg(arg(c, i));
        return HASH_GONE;
    }
    hash_set_deadline(h->e, arg(c, i), at_ms);
    return HASH_DONE;
}

void hash_expire_tell(struct call *c, int64_t at_ms, uint32_t i)
{
    effect_begin(c, 3 + c->nargs - i);
    effect_word("HPEXPIREAT");
    effect_arg(arg(c, 1));
    effect_int(at_ms);
    effect_args_from(c, i);
}

static enum run_result hash_expire_in(struct call *c, unsigned unit)
{
    struct hash_edit h;
    int64_t at_ms;
    uint32_t i, first;
    if (!hash_edit_begin(c, &h)) return RUN_ERROR;
    if (!hash_expire_time(c, 2, unit, &at_ms)) return RUN_ERROR;
    enum hash_condition condition = hash_condition_parse(c, &i);
    if (!hash_expire_fields(c, i, hash_bad_count, &first)) return RUN_ERROR;
    if (h.e == NULL) return hash_reply_none(c, first);

    reply_array(c, c->nargs - first);
    for (i = first; i < c->nargs; i++) reply_int(c, hash_expire_field(c, &h, i, condition, at_ms));
    if (h.changes > 0 && at_ms > c->due_ms) hash_expire_tell(c, at_ms, 3);
    hash_edit_end(c, &h, at_ms <= c->due_ms ? "hdel" : "hexpire");
    return RUN_OK;
}

enum run_result cmd_HEXPIRE(struct call *c) { return hash_expire_in(c, EXPIRE_SECONDS); }
enum run_result cmd_HPEXPIRE(struct call *c) { return hash_expire_in(c, EXPIRE_MS); }
enum run_result cmd_HEXPIREAT(struct call *c)
{
    return hash_expire_in(c, EXPIRE_SECONDS | EXPIRE_ABSOLUTE);
}
enum run_result cmd_HPEXPIREAT(struct call *c)
{
    return hash_expire_in(c, EXPIRE_MS | EXPIRE_ABSOLUTE);
}

/* ---- HPERSIST ---- */

static enum hash_answer hash_persist_field(struct call *c, struct hash_edit *h, uint32_t i)
{
    struct hash_item item;
    if (!hash_get(h->e, arg(c, i), c->due_ms, &item)) return HASH_NO_FIELD;
    if (item.deadline_ms == ENTRY_NO_DEADLINE) return HASH_NO_DEADLINE;
    hash_set_deadline(h->e, arg(c, i), ENTRY_NO_DEADLINE);
    h->changes++;
    return HASH_DONE;
}

enum run_result cmd_HPERSIST(struct call *c)
{
    struct hash_edit h;
    uint32_t first;
    if (!hash_edit_begin(c, &h)) return RUN_ERROR;
    if (!hash_expire_fields(c, 2, hash_bad_count, &first)) return RUN_ERROR;
    if (h.e == NULL) return hash_reply_none(c, first);

    reply_array(c, c->nargs - first);
    for (uint32_t i = first; i < c->nargs; i++) reply_int(c, hash_persist_field(c, &h, i));
    hash_edit_end(c, &h, "hpersist");
    return RUN_OK;
}

/* ---- HTTL ---- */

/* Seconds are rounded up. */
static int64_t hash_time_answer(const struct call *c, int64_t deadline_ms, unsigned unit)
{
    if (deadline_ms == ENTRY_NO_DEADLINE) return HASH_NO_DEADLINE;
    int64_t t = unit & EXPIRE_ABSOLUTE ? deadline_ms : deadline_ms - c->now_ms;
    return unit & EXPIRE_SECONDS ? (t + 999) / 1000 : t;
}

static enum run_result hash_reply_times(struct call *c, unsigned unit)
{
    struct entry *e;
    struct hash_item item;
    uint32_t first;
    if (!hash_edit_find(c, &e)) return RUN_ERROR;
    if (!hash_expire_fields(c, 2, hash_bad_count, &first)) return RUN_ERROR;
    if (e == NULL) return hash_reply_none(c, first);

    reply_array(c, c->nargs - first);
    for (uint32_t i = first; i < c->nargs; i++) {
        bool found = hash_get(e, arg(c, i), c->due_ms, &item);
        reply_int(c, found ? hash_time_answer(c, item.deadline_ms, unit) : HASH_NO_FIELD);
    }
    return RUN_OK;
}

enum run_result cmd_HTTL(struct call *c) { return hash_reply_times(c, EXPIRE_SECONDS); }
enum run_result cmd_HPTTL(struct call *c) { return hash_reply_times(c, EXPIRE_MS); }
enum run_result cmd_HEXPIRETIME(struct call *c)
{
    return hash_reply_times(c, EXPIRE_SECONDS | EXPIRE_ABSOLUTE);
}
enum run_result cmd_HPEXPIRETIME(struct call *c)
{
    return hash_reply_times(c, EXPIRE_MS | EXPIRE_ABSOLUTE);
}
