/*
 * DUMP and RESTORE: values as bytes that other servers understand.
 *
 * A payload is checked in depth before anything of it is used, whatever sanitize-dump-payload says.
 */
#include "execute/commands/payload.h"
#include "execute/commands/table.h"
#include "execute/core/effect.h"
#include "execute/core/event.h"
#include "execute/types/block.h"
#include "execute/types/dump.h"
#include "execute/types/entry.h"
#include "execute/types/load.h"

#include "base/log.h"
#include "execute/commands/debug.h"

/* ---- Payloads ---- */

static void payload_room(struct rdb_out *out, size_t want)
{
    struct payload *p = (struct payload *)out;
    size_t room = out->cap + out->cap / 2;
    if (room < out->len + want) room = out->len + want;
    struct block *larger = block_make(0, room);
    memcpy(larger->bytes, p->block->bytes, out->len);
    block_drop(p->block);
    p->block = larger;
    out->ptr = (uint8_t *)larger->bytes;
    out->cap = larger->cap;
}

void payload_begin(struct payload *p, const struct call *c)
{
    enum { ROOM = 256 };
    p->block = block_make(0, ROOM);
    p->out = (struct rdb_out){.ptr = (uint8_t *)p->block->bytes,
                              .cap = p->block->cap,
                              .room = payload_room,
                              .compress = c->settings->rdbcompression};
}

enum run_result payload_reply(struct payload *p, struct call *c, uint16_t version)
{
    rdb_put_footer(&p->out, version);
    p->block->len = p->out.len;
    reply_bulk_of(c, bytes_make(p->block->bytes, p->block->len), p->block);
    block_drop(p->block);
    return RUN_OK;
}

bool payload_open(struct call *c, uint32_t i, struct rdb_in *in)
{
    struct bytes body;
    if (!rdb_open_payload(arg(c, i), !debug_skips_checksums(), &body)) {
        reply_error(c, "ERR DUMP payload version or checksum are wrong");
        return false;
    }
    const uint8_t *at = (const uint8_t *)body.ptr;
    *in = (struct rdb_in){
        .at = at, .end = at + body.len, .max_string = (size_t)c->settings->proto_max_bulk_len};
    return true;
}

/* ---- DUMP ---- */

enum run_result cmd_DUMP(struct call *c)
{
    struct entry *e = keyspace_find(c->db, call_key(c, 1), LOOKUP_READ);
    if (e == NULL) return reply_null(c);
    struct payload p;
    payload_begin(&p, c);
    uint16_t version = dump_value(&p.out, e, (uint16_t)c->settings->rdb_version);
    return payload_reply(&p, c, version);
}

/* ---- RESTORE ---- */

struct restore_options {
    bool replace, absolute;
    int64_t idle_s; /* -1: not given */
    int64_t lfu;    /* -1: not given */
};

/* An integer from 0 to `max`: what is none has an error of its own. */
static bool restore_int(struct call *c, uint32_t i, int64_t max, const char *error, int64_t *out)
{
    if (!call_int(c, i, out)) return false;
    return (*out >= 0 && *out <= max) || reply_error(c, error) == RUN_OK;
}

static bool restore_parse(struct call *c, struct restore_options *o)
{
    *o = (struct restore_options){.idle_s = -1, .lfu = -1};
    for (uint32_t i = 4; i < c->nargs; i++) {
        bool more = i + 1 < c->nargs, good = true;
        if (call_arg_is(c, i, "replace"))
            o->replace = true;
        else if (call_arg_is(c, i, "absttl"))
            o->absolute = true;
        else if (call_arg_is(c, i, "idletime") && more && o->lfu < 0)
            good = call_int_range(c, ++i, 0, INT64_MAX, "ERR Invalid IDLETIME value, must be >= 0",
                                  &o->idle_s);
        else if (call_arg_is(c, i, "freq") && more && o->idle_s < 0)
            good = restore_int(c, ++i, UINT8_MAX, "ERR Invalid FREQ value, must be >= 0 and <= 255",
                               &o->lfu);
        else
            good = reply_syntax(c) == RUN_OK;
        if (!good) return false;
    }
    return true;
}

/* The deadline from the argument: 0 stands for none. */
static bool restore_deadline(struct call *c, bool absolute, int64_t *at_ms)
{
    if (!restore_int(c, 2, INT64_MAX, "ERR Invalid TTL value, must be >= 0", at_ms)) return false;
    if (*at_ms == 0) {
        *at_ms = DEADLINE_NONE;
    } else if (!absolute && __builtin_add_overflow(*at_ms, c->now_ms, at_ms)) {
        reply_error(c, "ERR invalid expire time in 'restore' command");
        return false;
    }
    return true;
}

/* Gives the value of the payload at argument 3. False: the error is answered. */
static bool restore_load(struct call *c, struct entry **value)
{
    struct rdb_in in;
    uint8_t type = 0;
    if (!payload_open(c, 3, &in)) return false;
    const char *wrong = "the payload is empty";
    if (rdb_take_byte(&in, &type)) wrong = load_value(&in, type, arg(c, 1), value);
    if (wrong == NULL && rdb_left(&in) > 0) {
        wrong = "bytes follow the value";
        entry_free(*value);
    }
    if (wrong == NULL) return true;
    log_verbose("RESTORE refused a payload of type %u: %s", type, wrong);
    reply_error(c, "ERR Bad data format");
    return false;
}

static void restore_set_clock(const struct call *c, struct entry *e,
                              const struct restore_options *o)
{
    bool lfu = policy_is_lfu(c->settings->maxmemory_policy);
    if (lfu && o->lfu >= 0) entry_set_lfu(e, (uint8_t)o->lfu);
    int64_t idle_s = o->idle_s < INT64_MAX / 1000 ? o->idle_s : INT64_MAX / 1000;
    if (!lfu && idle_s >= 0) entry_set_idle_ms(e, idle_s * 1000);
}

/* What was there went, and what was restored was past its time. */
static void restore_tell_deleted(struct call *c, struct key key)
{
    call_event(c, 1, key, NOTIFY_GENERIC, "del");
    effect_of_key(c, c->settings->lazyfree_lazy_server_del ? "UNLINK" : "DEL", key.name, c->nargs);
}

static void restore_tell(struct call *c, int64_t at_ms)
{
    effect_begin(c, c->nargs + 1);
    effect_arg(arg(c, 0));
    effect_arg(arg(c, 1));
    effect_int(at_ms);
    effect_args_from(c, 3);
    effect_word("ABSTTL");
}

enum run_result cmd_RESTORE(struct call *c)
{
    struct restore_options o;
    struct entry *e;
    struct key key = call_key(c, 1);
    int64_t at_ms;
    if (!restore_parse(c, &o)) return RUN_ERROR;
    if (!o.replace && keyspace_find(c->db, key, LOOKUP_WRITE) != NULL)
        return reply_error(c, "BUSYKEY Target key name already exists.");
    if (!restore_deadline(c, o.absolute, &at_ms) || !restore_load(c, &e)) return RUN_ERROR;

    bool deleted = keyspace_delete(c->db, key);
    if (at_ms != DEADLINE_NONE && at_ms <= c->due_ms) {
        entry_free(e);
        if (deleted) restore_tell_deleted(c, key);
        return reply_ok(c);
    }
    keyspace_put_entry(c->db, key, e);
    if (at_ms != DEADLINE_NONE) e = keyspace_set_deadline(c->db, e, at_ms);
    restore_set_clock(c, e, &o);
    call_event(c, 1, key, NOTIFY_GENERIC, "restore");
    if (at_ms != DEADLINE_NONE && !o.absolute) restore_tell(c, at_ms);
    return reply_ok(c);
}
