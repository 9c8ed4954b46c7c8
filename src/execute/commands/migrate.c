/*
 * MIGRATE: keys go to another server.
 *
 * What is to be sent is made at once; the courier (core/errands.h) carries it, while execute goes
 * on. Until it is back the client waits and the keys are held (core/hold.h), so that what the
 * target has is what is here. Then those that the target took are deleted, even when the client is
 * gone by then. Within EXEC and scripts nothing else may run before it is over, so the server
 * waits, as Redis does.
 */
#include "execute/commands/payload.h"
#include "execute/commands/table.h"
#include "execute/core/blocking.h"
#include "execute/core/effect.h"
#include "execute/core/errands.h"
#include "execute/core/event.h"
#include "execute/core/hold.h"
#include "execute/core/run.h"
#include "execute/core/session.h"
#include "execute/core/stats.h"
#include "execute/types/block.h"
#include "execute/types/dump.h"
#include "execute/types/entry.h"
#include "execute/types/heap.h"

#include <string.h>

enum { MIGRATE_TIMEOUT_MS = 1000 }; /* where none is given */

struct migrate_terms {
    bool copies, replaces;
    uint32_t auth, auth_count; /* arguments of AUTH; 0: without */
    uint32_t first_key, key_count;
    int64_t db, timeout_ms;
};

struct migration {
    struct errand errand;    /* first */
    struct session_job job;  /* of `session` */
    struct session *session; /* that waits for it; NULL: nobody, or its handler */
    bool copies, in_place;
    bool is_home, is_stale; /* a key was changed on the way */
    struct payload text, greeting;
    uint32_t count;
    struct hold *keys;
    bool *taken;
    char *names, host[ERRAND_HOST_MAX];
};

/* ---- Arguments ---- */

static bool migrate_keys(struct call *c, uint32_t at, struct migrate_terms *m)
{
    if (arg(c, 3).len > 0) {
        reply_error(c, "ERR When using MIGRATE KEYS option, the key argument must be set to the "
                       "empty string");
        return false;
    }
    m->first_key = at;
    m->key_count = c->nargs - at;
    return true;
}

static bool migrate_parse(struct call *c, struct migrate_terms *m)
{
    *m = (struct migrate_terms){.first_key = 3, .key_count = 1};
    for (uint32_t i = 6; i < c->nargs; i++) {
        uint32_t left = c->nargs - 1 - i;
        if (call_arg_is(c, i, "copy")) {
            m->copies = true;
        } else if (call_arg_is(c, i, "replace")) {
            m->replaces = true;
        } else if (call_arg_is(c, i, "auth") && left >= 1) {
            m->auth = i + 1;
            m->auth_count = 1;
            i += 1;
        } else if (call_arg_is(c, i, "auth2") && left >= 2) {
            m->auth = i + 1;
            m->auth_count = 2;
            i += 2;
        } else if (call_arg_is(c, i, "keys")) {
            if (!migrate_keys(c, i + 1, m)) return false;
            break;
        } else {
            reply_syntax(c);
            return false;
        }
    }
    if (!call_int(c, 5, &m->timeout_ms) || !call_int(c, 4, &m->db)) return false;
    if (m->timeout_ms <= 0) m->timeout_ms = MIGRATE_TIMEOUT_MS;
    if (m->timeout_ms > INT32_MAX) m->timeout_ms = INT32_MAX;
    return true;
}

/* ---- What is sent ---- */

static void wire_head(struct rdb_out *out, char type, uint64_t n)
{
    char head[NUMBER_INT_CHARS + 3] = {type};
    size_t len = 1 + number_print_uint(head + 1, n);
    head[len++] = '\r';
    head[len++] = '\n';
    rdb_put_raw(out, bytes_make(head, len));
}

static void wire_put(struct rdb_out *out, struct bytes text)
{
    wire_head(out, '$', text.len);
    rdb_put_raw(out, text);
    rdb_put_raw(out, bytes_of("\r\n"));
}

static void wire_put_int(struct rdb_out *out, int64_t n)
{
    char digits[NUMBER_INT_CHARS];
    wire_put(out, bytes_make(digits, number_print_int(digits, n)));
}

static void migration_greet(struct migration *m, const struct call *c,
                            const struct migrate_terms *terms)
{
    struct rdb_out *out = &m->greeting.out;
    payload_begin(&m->greeting, c);
    if (terms->auth != 0) {
        wire_head(out, '*', 1 + terms->auth_count);
        wire_put(out, bytes_of("AUTH"));
        for (uint32_t i = 0; i < terms->auth_count; i++) wire_put(out, arg(c, terms->auth + i));
    }
    wire_head(out, '*', 2);
    wire_put(out, bytes_of("SELECT"));
    wire_put_int(out, terms->db);
    m->errand.greetings = terms->auth != 0 ? 2 : 1;
    m->errand.greets_anew = terms->auth != 0;
}

/* RESTORE for one value. `scratch` is where its payload is made. */
static void migration_put(struct migration *m, const struct call *c, const struct entry *e,
                          bool replaces, struct payload *scratch)
{
    struct rdb_out *out = &m->text.out;
    int64_t ttl = 0, deadline = entry_deadline_of(e);
    if (deadline != DEADLINE_NONE) ttl = deadline > c->now_ms ? deadline - c->now_ms : 1;
    scratch->out.len = 0;
    uint16_t version = dump_value(&scratch->out, e, (uint16_t)c->settings->rdb_version);
    rdb_put_footer(&scratch->out, version);
    wire_head(out, '*', replaces ? 5 : 4);
    wire_put(out, bytes_of("RESTORE"));
    wire_put(out, entry_name(e));
    wire_put_int(out, ttl);
    wire_put(out, bytes_make((const char *)scratch->out.ptr, scratch->out.len));
    if (replaces) wire_put(out, bytes_of("REPLACE"));
}

/* Takes in the keys that are there, and holds them where that is wanted. */
static void migration_gather(struct migration *m, struct call *c, const struct migrate_terms *terms)
{
    struct payload scratch;
    payload_begin(&scratch, c);
    payload_begin(&m->text, c);
    char *name = m->names;
    for (uint32_t i = terms->first_key; i < terms->first_key + terms->key_count; i++) {
        struct entry *e = keyspace_find(c->db, call_key(c, i), LOOKUP_READ);
        if (e == NULL) continue;
        struct hold *h = &m->keys[m->count];
        size_t len = arg(c, i).len;
        if (len > 0) memcpy(name, arg(c, i).ptr, len);
        *h = (struct hold){.db = c->db, .key = key_make(bytes_make(name, len))};
        if (!m->copies && !m->in_place && !hold_begin(h)) continue; /* it was named before */
        migration_put(m, c, e, terms->replaces, &scratch);
        name += len;
        m->count++;
    }
    block_drop(scratch.block);
}

/* ---- Life ---- */

static void migration_free(struct migration *m)
{
    block_drop(m->text.block);
    block_drop(m->greeting.block);
    heap_free(m->keys);
    heap_free(m->taken);
    heap_free(m->names);
    heap_free(m);
}

/* The key is the target's now. */
static void migration_delete(struct migration *m, struct hold *h)
{
    if (h->is_touched && keyspace_find(h->db, h->key, LOOKUP_QUIET) != NULL) {
        m->is_stale = true;
        return;
    }
    if (!keyspace_delete(h->db, h->key)) return;
    stats()->changes_since_save++;
    effect_deleted(h->db, h->key.name, false);
    if (!event_is_heard()) return;
    event_touched(h->db, h->key, m->session);
    event_notify(h->db, h->key, NOTIFY_GENERIC, "del");
}

static void migration_done(struct errand *e)
{
    struct migration *m = (struct migration *)e;
    m->is_home = true;
    if (!m->in_place) effect_unit_begin();
    for (uint32_t i = 0; i < m->count; i++) {
        hold_end(&m->keys[i]);
        if (m->taken[i] && !m->copies) migration_delete(m, &m->keys[i]);
    }
    if (m->in_place) return;
    effect_unit_end();
    if (!m->copies) run_holds_changed();
    if (m->session != NULL)
        blocking_job_done(m->session);
    else
        migration_free(m);
}

/* The session has its answer, or is gone. */
static void migration_left(struct session_job *job)
{
    struct migration *m = job->owner;
    m->session = NULL;
    if (m->is_home) migration_free(m);
}

static struct migration *migration_make(struct call *c, const struct migrate_terms *terms)
{
    struct migration *m = heap_zalloc(sizeof(*m));
    size_t names = 0;
    for (uint32_t i = 0; i < terms->key_count; i++) names += arg(c, terms->first_key + i).len;
    m->keys = heap_alloc((terms->key_count + 1) * sizeof(*m->keys));
    m->taken = heap_zalloc((terms->key_count + 1) * sizeof(*m->taken));
    m->names = heap_alloc(names + 1);
    m->job = (struct session_job){.left = migration_left, .owner = m};
    m->copies = terms->copies;
    m->in_place = c->outer != NULL;
    m->session = m->in_place ? NULL : c->session;
    migration_greet(m, c, terms);
    migration_gather(m, c, terms);
    return m;
}

static void migration_send(struct migration *m, const struct call *c,
                           const struct migrate_terms *terms)
{
    struct errand *e = &m->errand;
    struct bytes host = arg(c, 1);
    int64_t port;
    /* What is no host that could be looked up stays empty, which is none either. */
    bool is_name = host.len < sizeof(m->host) && memchr(host.ptr, 0, host.len) == NULL;
    if (is_name) memcpy(m->host, host.ptr, host.len);
    if (!number_int(arg(c, 2), &port) || port < 0 || port > UINT16_MAX) port = 0;
    e->done = migration_done;
    e->host = m->host;
    e->port = (uint16_t)port;
    e->greeting = bytes_make((const char *)m->greeting.out.ptr, m->greeting.out.len);
    e->text = bytes_make((const char *)m->text.out.ptr, m->text.out.len);
    e->count = m->count;
    e->timeout_ms = terms->timeout_ms;
    e->taken = m->taken;
    errand_send(e);
}

static enum run_result migration_answer(const struct migration *m, struct call *c)
{
    if (m->errand.error[0] != '\0') return reply_error(c, m->errand.error);
    if (m->is_stale)
        return reply_error(c, "ERR A key was changed while it was on its way: the target instance "
                              "has the value from before");
    return reply_ok(c);
}

enum run_result cmd_MIGRATE(struct call *c)
{
    struct migrate_terms terms;
    effect_none(c);
    if (c->outer == NULL && c->session->job != NULL)
        return migration_answer(c->session->job->owner, c);
    if (!migrate_parse(c, &terms)) return RUN_ERROR;
    struct migration *m = migration_make(c, &terms);
    if (m->count == 0) {
        migration_free(m);
        return reply_status(c, "NOKEY");
    }
    migration_send(m, c, &terms);
    if (!m->in_place) {
        if (!m->copies) run_holds_changed();
        return call_block_on(c, &m->job);
    }
    errand_wait(&m->errand);
    enum run_result result = migration_answer(m, c);
    migration_free(m);
    return result;
}
