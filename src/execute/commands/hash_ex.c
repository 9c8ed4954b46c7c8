/*
 * Fields that are read or stored together with what becomes of them: HGETDEL, HGETEX, HSETEX.
 *
 * A time that is past deletes the fields at once.
 */
#include "execute/commands/expire_options.h"
#include "execute/commands/hash_edit.h"
#include "execute/commands/hash_expire.h"
#include "execute/commands/table.h"

#include "codec/number.h"

static const char hash_bad_count[] = "ERR Number of fields must be a positive integer";

enum run_result cmd_HGETDEL(struct call *c)
{
    struct hash_edit h;
    uint32_t first;
    if (!hash_edit_begin(c, &h)) return RUN_ERROR;
    if (!hash_expire_fields(c, 2, hash_bad_count, &first)) return RUN_ERROR;
    reply_array(c, c->nargs - first);
    for (uint32_t i = first; i < c->nargs; i++) {
        hash_edit_reply_field(c, h.e, arg(c, i));
        if (h.e != NULL) h.changes += hash_delete(h.e, arg(c, i), c->due_ms);
    }
    if (h.changes > 0) effect_of_key(c, "HDEL", h.key.name, first);
    hash_edit_end(c, &h, "hdel");
    return RUN_OK;
}

/* ---- HGETEX ---- */

/* Reads the option, if there is one, and the fields. *at_ms is HASH_KEEP_DEADLINE without an
 * option, ENTRY_NO_DEADLINE with PERSIST. */
static bool hash_getex_parse(struct call *c, int64_t *at_ms, uint32_t *first)
{
    uint32_t i = 2;
    unsigned unit;
    *at_ms = HASH_KEEP_DEADLINE;
    if (expire_options_unit(arg(c, 2), &unit)) {
        if (!hash_expire_time(c, 3, unit, at_ms)) return false;
        i = 4;
    } else if (call_arg_is(c, 2, "persist")) {
        *at_ms = ENTRY_NO_DEADLINE;
        i = 3;
    }
    return hash_expire_fields(c, i, hash_bad_count, first);
}

static void hash_getex_field(struct call *c, struct hash_edit *h, struct bytes field, int64_t at_ms)
{
    struct hash_item item;
    if (h->e == NULL || !hash_get(h->e, field, c->due_ms, &item)) {
        reply_null(c);
        return;
    }
    hash_edit_reply_value(c, &item);
    if (at_ms == HASH_KEEP_DEADLINE || at_ms == item.deadline_ms) return;
    h->changes++;
    if (at_ms != ENTRY_NO_DEADLINE && at_ms <= c->due_ms)
        hash_delete(h->e, field, c->due_ms);
    else
        hash_set_deadline(h->e, field, at_ms);
}

static const char *hash_getex_event(const struct call *c, int64_t at_ms)
{
    if (at_ms == ENTRY_NO_DEADLINE) return "hpersist";
    return at_ms <= c->due_ms ? "hdel" : "hexpire";
}

static void hash_getex_tell(struct call *c, int64_t at_ms, uint32_t first)
{
    if (at_ms == ENTRY_NO_DEADLINE)
        effect_of_key(c, "HPERSIST", arg(c, 1), first - 2); /* from FIELDS on */
    else if (at_ms <= c->due_ms)
        effect_of_key(c, "HDEL", arg(c, 1), first);
    else
        hash_expire_tell(c, at_ms, first - 2);
}

enum run_result cmd_HGETEX(struct call *c)
{
    struct hash_edit h;
    int64_t at_ms;
    uint32_t first;
    if (!hash_edit_begin(c, &h)) return RUN_ERROR;
    if (!hash_getex_parse(c, &at_ms, &first)) return RUN_ERROR;
    reply_array(c, c->nargs - first);
    for (uint32_t i = first; i < c->nargs; i++) hash_getex_field(c, &h, arg(c, i), at_ms);
    if (h.changes > 0) hash_getex_tell(c, at_ms, first);
    hash_edit_end(c, &h, hash_getex_event(c, at_ms));
    return RUN_OK;
}

/* ---- HSETEX ---- */

struct hash_setex {
    bool fnx, fxx;
    bool has_time;  /* or KEEPTTL */
    int64_t at_ms;  /* ENTRY_NO_DEADLINE without, HASH_KEEP_DEADLINE with KEEPTTL */
    uint32_t first; /* argument: field, value, field, value to the last */
};

static bool hash_setex_error(struct call *c, const char *error)
{
    reply_error(c, error);
    return false;
}

/* FIELDS at argument i: the rest is pairs. */
static bool hash_setex_pairs(struct call *c, uint32_t i, struct hash_setex *o)
{
    int64_t count;
    if (i + 1 == c->nargs) return hash_setex_error(c, "ERR missing FIELDS argument");
    if (!call_int_range(c, i + 1, 1, INT64_MAX, "ERR invalid number of fields", &count))
        return false;
    uint32_t left = c->nargs - (i + 2);
    if (left % 2 != 0 || count != left / 2) {
        reply_arity(c);
        return false;
    }
    o->first = i + 2;
    return true;
}

static bool hash_setex_condition(struct call *c, bool *option, struct hash_setex *o)
{
    if (o->fnx || o->fxx)
        return hash_setex_error(c, "ERR Only one of FXX or FNX arguments can be specified");
    *option = true;
    return true;
}

/* Takes the option at *i and moves *i to its last argument. */
static bool hash_setex_option(struct call *c, uint32_t *i, struct hash_setex *o)
{
    unsigned unit;
    if (call_arg_is(c, *i, "fnx")) return hash_setex_condition(c, &o->fnx, o);
    if (call_arg_is(c, *i, "fxx")) return hash_setex_condition(c, &o->fxx, o);
    bool keep = call_arg_is(c, *i, "keepttl");
    if (!keep && !expire_options_unit(arg(c, *i), &unit)) {
        reply_errorf(c, "ERR unknown argument: %.*s", REPLY_WORD(arg(c, *i)));
        return false;
    }
    if (o->has_time) {
        return hash_setex_error(
            c, "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified");
    }
    o->has_time = true;
    o->at_ms = HASH_KEEP_DEADLINE;
    if (keep) return true;
    if (++*i < c->nargs) return hash_expire_time(c, *i, unit, &o->at_ms);
    return hash_setex_error(c, "ERR missing expire time");
}

static bool hash_setex_parse(struct call *c, struct hash_setex *o)
{
    *o = (struct hash_setex){.at_ms = ENTRY_NO_DEADLINE};
    for (uint32_t i = 2; i < c->nargs; i++) {
        if (call_arg_is(c, i, "fields")) return hash_setex_pairs(c, i, o);
        if (!hash_setex_option(c, &i, o)) return false;
    }
    return hash_setex_error(c, "ERR missing FIELDS argument");
}

/* FNX: none of the fields is there; FXX: all of them are. */
static bool hash_setex_holds(struct call *c, const struct hash_setex *o, const struct entry *e)
{
    struct hash_item item;
    for (uint32_t i = o->first; i < c->nargs && (o->fnx || o->fxx); i += 2) {
        bool found = e != NULL && hash_get(e, arg(c, i), c->due_ms, &item);
        if (found == o->fnx) return false;
    }
    return true;
}

static void hash_setex_tell(struct call *c, const struct hash_setex *o, bool past)
{
    if (past) {
        effect_begin(c, 2 + (c->nargs - o->first) / 2);
        effect_word("HDEL");
        effect_arg(arg(c, 1));
        for (uint32_t i = o->first; i < c->nargs; i += 2) effect_arg(arg(c, i));
        return;
    }
    if (!o->has_time) {
        effect_of_key(c, "HSET", arg(c, 1), o->first);
        return;
    }
    bool keeps = o->at_ms == HASH_KEEP_DEADLINE;
    uint32_t from = o->first - 2; /* FIELDS and their number */
    effect_begin(c, (keeps ? 3 : 4) + c->nargs - from);
    effect_word("HSETEX");
    effect_arg(arg(c, 1));
    effect_word(keeps ? "KEEPTTL" : "PXAT");
    if (!keeps) effect_int(o->at_ms);
    effect_args_from(c, from);
}

enum run_result cmd_HSETEX(struct call *c)
{
    struct hash_edit h;
    struct hash_setex o;
    if (!hash_setex_parse(c, &o) || !hash_edit_begin(c, &h)) return RUN_ERROR;
    if (!hash_setex_holds(c, &o, h.e)) return reply_int(c, 0);
    bool past = o.at_ms >= 0 && o.at_ms <= c->due_ms;
    if (!past) hash_edit_make(c, &h);
    for (uint32_t i = o.first; i < c->nargs; i += 2) {
        if (!past)
            hash_edit_put(c, &h, arg(c, i), i + 1, o.at_ms);
        else if (h.e != NULL)
            h.changes += hash_delete(h.e, arg(c, i), c->due_ms);
    }
    if (h.changes > 0) hash_setex_tell(c, &o, past);
    hash_edit_end(c, &h, past ? "hdel" : "hset");
    if (!past && o.at_ms >= 0) call_notify(c, h.key, NOTIFY_HASH, "hexpire");
    return reply_int(c, 1);
}
