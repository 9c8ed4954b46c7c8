/*
 * Commands for keys of any type, and for whole databases.
 */
#include "execute/commands/generic.h"
#include "execute/commands/table.h"
#include "execute/core/effect.h"
#include "execute/core/event.h"
#include "execute/core/persistence.h"

/* ---- Keys ---- */

enum run_result cmd_DEL(struct call *c)
{
    uint64_t deleted = 0;
    for (uint32_t i = 1; i < c->nargs; i++) deleted += call_delete(c, call_key(c, i));
    return reply_int(c, (int64_t)deleted);
}

enum run_result cmd_UNLINK(struct call *c) { return cmd_DEL(c); }

enum run_result cmd_EXISTS(struct call *c)
{
    int64_t found = 0;
    for (uint32_t i = 1; i < c->nargs; i++) found += generic_peek(c, i) != NULL;
    return reply_int(c, found);
}

enum run_result cmd_TOUCH(struct call *c)
{
    int64_t found = 0;
    for (uint32_t i = 1; i < c->nargs; i++)
        found += keyspace_find(c->db, call_key(c, i), LOOKUP_READ) != NULL;
    return reply_int(c, found);
}

enum run_result cmd_TYPE(struct call *c)
{
    struct entry *e = generic_peek(c, 1);
    return reply_status(c, e == NULL ? "none" : entry_type_name(e));
}

enum run_result cmd_RANDOMKEY(struct call *c)
{
    struct entry *e = keyspace_random(c->db);
    return e == NULL ? reply_null(c) : reply_bulk(c, entry_name(e));
}

/* ---- Keys that go to another place ---- */

/* RENAME and RENAMENX. *moved is false when RENAMENX found the new name taken, or old and new are
 * one. */
static enum run_result generic_rename(struct call *c, bool only_new, bool *moved)
{
    struct key from = call_key(c, 1), to = call_key(c, 2);
    *moved = false;
    struct entry *e = keyspace_find(c->db, from, LOOKUP_WRITE);
    if (e == NULL) return reply_error(c, ERR_NO_KEY);
    if (bytes_equal(from.name, to.name)) return RUN_OK;
    if (only_new && keyspace_find(c->db, to, LOOKUP_WRITE) != NULL) return RUN_OK;

    keyspace_move(c->db, e, c->db, to);
    call_event(c, 1, from, NOTIFY_GENERIC, "rename_from");
    call_event(c, 0, to, NOTIFY_GENERIC, "rename_to");
    *moved = true;
    return RUN_OK;
}

enum run_result cmd_RENAME(struct call *c)
{
    bool moved;
    enum run_result result = generic_rename(c, false, &moved);
    return result == RUN_OK ? reply_ok(c) : result;
}

enum run_result cmd_RENAMENX(struct call *c)
{
    bool moved;
    enum run_result result = generic_rename(c, true, &moved);
    return result == RUN_OK ? reply_int(c, moved) : result;
}

/* The database whose number stands at argument i; NULL: the error is answered. */
static struct db *generic_db(struct call *c, uint32_t i)
{
    int64_t number;
    if (!call_int_range(c, i, INT32_MIN, INT32_MAX, NULL, &number)) return NULL;
    struct db *db = keyspace_db(number);
    if (db == NULL) reply_error(c, ERR_DB_INDEX);
    return db;
}

enum run_result cmd_MOVE(struct call *c)
{
    struct key key = call_key(c, 1);
    struct db *to = generic_db(c, 2);
    if (to == NULL) return RUN_ERROR;
    if (to == c->db) return reply_error(c, ERR_SAME_OBJECT);

    struct entry *e = keyspace_find(c->db, key, LOOKUP_WRITE);
    if (e == NULL || keyspace_find(to, key, LOOKUP_WRITE) != NULL) return reply_int(c, 0);
    keyspace_move(c->db, e, to, key);
    call_event(c, 1, key, NOTIFY_GENERIC, "move_from");
    call_event_in(c, to, 0, key, NOTIFY_GENERIC, "move_to");
    return reply_int(c, 1);
}

static bool generic_copy_parse(struct call *c, struct db **to, bool *replace)
{
    *to = c->db;
    *replace = false;
    for (uint32_t i = 3; i < c->nargs; i++) {
        if (call_arg_is(c, i, "replace")) {
            *replace = true;
        } else if (call_arg_is(c, i, "db") && i + 1 < c->nargs) {
            *to = generic_db(c, ++i);
            if (*to == NULL) return false;
        } else {
            reply_syntax(c);
            return false;
        }
    }
    return true;
}

enum run_result cmd_COPY(struct call *c)
{
    struct key from = call_key(c, 1), to = call_key(c, 2);
    struct db *to_db;
    bool replace;
    if (!generic_copy_parse(c, &to_db, &replace)) return RUN_ERROR;
    if (to_db == c->db && bytes_equal(from.name, to.name)) return reply_error(c, ERR_SAME_OBJECT);

    struct entry *e = keyspace_find(c->db, from, LOOKUP_READ);
    if (e == NULL) return reply_int(c, 0);
    if (keyspace_find(to_db, to, LOOKUP_WRITE) != NULL && !replace) return reply_int(c, 0);
    keyspace_copy(c->db, e, to_db, to);
    call_event_in(c, to_db, 1, to, NOTIFY_GENERIC, "copy_to");
    return reply_int(c, 1);
}

/* ---- Databases ---- */

enum run_result cmd_DBSIZE(struct call *c) { return reply_int(c, (int64_t)db_size(c->db)); }

/* FLUSHDB and FLUSHALL (`db` NULL), with SYNC, ASYNC or what the settings say. */
static enum run_result generic_flush(struct call *c, struct db *db)
{
    bool later = c->settings->lazyfree_lazy_user_flush;
    if (c->nargs > 1) {
        later = call_arg_is(c, 1, "async");
        if (c->nargs > 2 || (!later && !call_arg_is(c, 1, "sync"))) return reply_syntax(c);
    }
    event_flushed(db, NULL);
    call_changed(c, keyspace_flush(db, later));
    if (db == NULL) persistence_flushed();
    effect_same(c); /* even where nothing was */
    return reply_ok(c);
}

enum run_result cmd_FLUSHDB(struct call *c) { return generic_flush(c, c->db); }
enum run_result cmd_FLUSHALL(struct call *c) { return generic_flush(c, NULL); }

enum run_result cmd_SWAPDB(struct call *c)
{
    int64_t a, b;
    if (!call_int_range(c, 1, INT32_MIN, INT32_MAX, "ERR invalid first DB index", &a))
        return RUN_ERROR;
    if (!call_int_range(c, 2, INT32_MIN, INT32_MAX, "ERR invalid second DB index", &b))
        return RUN_ERROR;
    struct db *first = keyspace_db(a), *second = keyspace_db(b);
    if (first == NULL || second == NULL) return reply_error(c, ERR_DB_INDEX);
    if (first != second) event_flushed(first, second);
    keyspace_swap(first, second);
    call_changed(c, 1);
    return reply_ok(c);
}
