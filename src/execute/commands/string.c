/*
 * Strings as a whole: GET, SET and their relatives.
 *
 * GET and the three-word SET are the commands that everything is measured by: their plain forms do
 * one lookup and nothing else.
 */
#include "execute/commands/expire_options.h"
#include "execute/commands/string_value.h"
#include "execute/commands/table.h"
#include "execute/core/effect.h"

enum {
    STRING_WINDOW = 16
}; /* keys whose cache lines are fetched together by commands of many keys */

static enum run_result string_reply(struct call *c, const struct entry *e)
{
    if (e == NULL) return reply_null(c);
    char scratch[STRING_INT_CHARS];
    struct bytes value = string_bytes(e, scratch);
    if (unlikely(value.len >= REPLY_LEND_MIN)) return reply_bulk_of(c, value, string_block(e));
    return reply_bulk(c, value);
}

/* Argument i becomes the value. */
static void string_put(struct call *c, struct key key, uint32_t i, int64_t deadline_ms)
{
    string_value_put(c, key, i, deadline_ms);
    call_event(c, 1, key, NOTIFY_STRING, "set");
}

/* What a SET with options, or one by another name, comes to: SET key value, with `option` behind
 * it. */
static void string_tell_set(struct call *c, struct key key, uint32_t i, const char *option)
{
    effect_begin(c, option == NULL ? 3 : 4);
    effect_word("SET");
    effect_arg(key.name);
    effect_arg(arg(c, i));
    if (option != NULL) effect_word(option);
}

/* The same, and the key gets this deadline. */
static void string_put_until(struct call *c, struct key key, uint32_t i, int64_t deadline_ms)
{
    string_put(c, key, i, deadline_ms);
    call_notify(c, key, NOTIFY_GENERIC, "expire");
    if (c->spec->id == CMD_SET && c->nargs == 5 && call_arg_is(c, 3, "pxat")) return;
    effect_begin(c, 5);
    effect_word("SET");
    effect_arg(key.name);
    effect_arg(arg(c, i));
    effect_word("PXAT");
    effect_int(deadline_ms);
}

enum run_result cmd_GET(struct call *c)
{
    struct entry *e;
    if (!string_value_find(c, call_key(c, 1), LOOKUP_READ, &e)) return RUN_ERROR;
    return string_reply(c, e);
}

static enum run_result string_set_with_options(struct call *c)
{
    struct expire_options o;
    int64_t deadline_ms = DEADLINE_NONE;
    if (!expire_options_parse(c, 3, EXPIRE_FORM_SET, &o)) return RUN_ERROR;
    if (o.keep_ttl) deadline_ms = DEADLINE_KEEP;
    if (o.time_arg != 0 && !expire_time(c, o.time_arg, o.unit, true, &deadline_ms))
        return RUN_ERROR;

    struct key key = call_key(c, 1);
    struct entry *old = NULL;
    if (o.get) {
        if (!string_value_find(c, key, LOOKUP_READ, &old)) return RUN_ERROR;
        string_reply(c, old);
    } else if (o.nx || o.xx || o.keep_ttl) {
        old = keyspace_find(c->db, key, LOOKUP_WRITE);
    }
    bool refused = (o.nx && old != NULL) || (o.xx && old == NULL);
    if (!refused && o.time_arg != 0) {
        string_put_until(c, key, 2, deadline_ms);
    } else if (!refused) {
        string_put(c, key, 2, deadline_ms);
        if (c->nargs > 4 || !o.keep_ttl) string_tell_set(c, key, 2, o.keep_ttl ? "KEEPTTL" : NULL);
    }

    if (o.get) return RUN_OK;
    return refused ? reply_null(c) : reply_ok(c);
}

enum run_result cmd_SET(struct call *c)
{
    if (unlikely(c->nargs > 3)) return string_set_with_options(c);
    string_put(c, call_key(c, 1), 2, DEADLINE_NONE);
    return reply_ok(c);
}

enum run_result cmd_SETNX(struct call *c)
{
    struct key key = call_key(c, 1);
    if (keyspace_find(c->db, key, LOOKUP_WRITE) != NULL) return reply_int(c, 0);
    string_put(c, key, 2, DEADLINE_NONE);
    return reply_int(c, 1);
}

static enum run_result string_set_for(struct call *c, unsigned unit)
{
    int64_t deadline_ms;
    if (!expire_time(c, 2, unit, true, &deadline_ms)) return RUN_ERROR;
    string_put_until(c, call_key(c, 1), 3, deadline_ms);
    return reply_ok(c);
}

enum run_result cmd_SETEX(struct call *c) { return string_set_for(c, EXPIRE_SECONDS); }
enum run_result cmd_PSETEX(struct call *c) { return string_set_for(c, EXPIRE_MS); }

enum run_result cmd_GETSET(struct call *c)
{
    struct key key = call_key(c, 1);
    struct entry *old;
    if (!string_value_find(c, key, LOOKUP_READ, &old)) return RUN_ERROR;
    string_reply(c, old);
    string_put(c, key, 2, DEADLINE_NONE);
    string_tell_set(c, key, 2, NULL);
    return RUN_OK;
}

enum run_result cmd_GETDEL(struct call *c)
{
    struct key key = call_key(c, 1);
    struct entry *e;
    if (!string_value_find(c, key, LOOKUP_READ, &e)) return RUN_ERROR;
    string_reply(c, e);
    if (e == NULL) return RUN_OK;
    call_delete(c, key);
    effect_of_key(c, "DEL", key.name, c->nargs);
    return RUN_OK;
}

enum run_result cmd_GETEX(struct call *c)
{
    struct expire_options o;
    struct key key = call_key(c, 1);
    struct entry *e;
    int64_t deadline_ms = DEADLINE_NONE;
    if (!expire_options_parse(c, 2, EXPIRE_FORM_GETEX, &o)) return RUN_ERROR;
    if (!string_value_find(c, key, LOOKUP_READ, &e)) return RUN_ERROR;
    if (e == NULL) return reply_null(c);
    if (o.time_arg != 0 && !expire_time(c, o.time_arg, o.unit, true, &deadline_ms))
        return RUN_ERROR;

    string_reply(c, e);
    if (o.time_arg != 0 && expire_is_past(c, deadline_ms)) {
        expire_now(c, key);
    } else if (o.time_arg != 0) {
        expire_set(c, key, e, deadline_ms);
    } else if (o.persist && entry_deadline(e) != DEADLINE_NONE) {
        keyspace_set_deadline(c->db, e, DEADLINE_NONE);
        call_event(c, 1, key, NOTIFY_GENERIC, "persist");
        effect_of_key(c, "PERSIST", key.name, c->nargs);
    }
    return RUN_OK;
}

enum run_result cmd_STRLEN(struct call *c)
{
    struct entry *e;
    if (!string_value_find(c, call_key(c, 1), LOOKUP_READ, &e)) return RUN_ERROR;
    return reply_int(c, e == NULL ? 0 : (int64_t)string_len(e));
}

/* ---- Many keys ---- */

/* Hashes up to STRING_WINDOW keys, from argument `from` on in steps of `step`, and asks for their
 * memory; gives how many. */
static uint32_t string_window(struct call *c, uint32_t from, uint32_t step,
                              struct key keys[STRING_WINDOW])
{
    uint32_t n = 0;
    for (uint32_t i = from; i < c->nargs && n < STRING_WINDOW; i += step) {
        keys[n] = call_key(c, i);
        keyspace_prefetch_slot(c->db, keys[n++].hash);
    }
    for (uint32_t k = 0; k < n; k++) keyspace_prefetch_entry(c->db, keys[k].hash);
    return n;
}

enum run_result cmd_MGET(struct call *c)
{
    struct key keys[STRING_WINDOW];
    reply_array(c, c->nargs - 1);
    for (uint32_t i = 1, n; i < c->nargs; i += n) {
        n = string_window(c, i, 1, keys);
        for (uint32_t k = 0; k < n; k++) {
            struct entry *e = keyspace_find(c->db, keys[k], LOOKUP_READ);
            if (e != NULL && entry_type(e) != TYPE_STRING) e = NULL;
            string_reply(c, e);
        }
    }
    return RUN_OK;
}

static void string_put_all(struct call *c)
{
    struct key keys[STRING_WINDOW];
    for (uint32_t i = 1, n; i < c->nargs; i += 2 * n) {
        n = string_window(c, i, 2, keys);
        for (uint32_t k = 0; k < n; k++) string_put(c, keys[k], i + 2 * k + 1, DEADLINE_NONE);
    }
}

enum run_result cmd_MSET(struct call *c)
{
    if (c->nargs % 2 == 0) return reply_arity(c);
    string_put_all(c);
    return reply_ok(c);
}

enum run_result cmd_MSETNX(struct call *c)
{
    if (c->nargs % 2 == 0) return reply_arity(c);
    for (uint32_t i = 1; i < c->nargs; i += 2) {
        if (keyspace_find(c->db, call_key(c, i), LOOKUP_WRITE) != NULL) return reply_int(c, 0);
    }
    string_put_all(c);
    return reply_int(c, 1);
}
