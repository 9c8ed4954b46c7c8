/* Sets: commands of one set, SMOVE, and the walk of one set in steps. */
#include "execute/types/set.h"

#include "execute/commands/scan_options.h"
#include "execute/commands/table.h"
#include "execute/commands/typed.h"

/* ---- Changes ---- */

/* What the members of one window of arguments need is fetched together; gives how many they are. */
static uint32_t set_arguments(struct call *c, uint32_t from, const struct entry *e,
                              struct set_member members[SET_WINDOW])
{
    uint32_t n = 0;
    for (; n < SET_WINDOW && from + n < c->nargs; n++) set_member_of(&members[n], arg(c, from + n));
    if (n > 1) set_prefetch(e, members, set_mask(n));
    return n;
}

enum run_result cmd_SADD(struct call *c)
{
    struct entry *e;
    struct set_member members[SET_WINDOW];
    int64_t added = 0;
    struct key key = call_key(c, 1);
    if (!typed_find_or_make(c, key, TYPE_SET, &e)) return RUN_ERROR;
    set_expect(e, arg(c, 2), c->nargs - 2);
    for (uint32_t i = 2, n; i < c->nargs; i += n) {
        n = set_arguments(c, i, e, members);
        for (uint32_t k = 0; k < n; k++) added += set_add(e, &members[k]);
    }
    if (added > 0) call_event(c, (uint64_t)added, key, NOTIFY_SET, "sadd");
    return reply_int(c, added);
}

enum run_result cmd_SREM(struct call *c)
{
    struct key key = call_key(c, 1);
    struct entry *e;
    struct set_member members[SET_WINDOW];
    int64_t removed = 0;
    if (!typed_find(c, key, TYPE_SET, LOOKUP_WRITE, &e)) return RUN_ERROR;
    for (uint32_t i = 2, n; e != NULL && i < c->nargs; i += n) {
        n = set_arguments(c, i, e, members);
        for (uint32_t k = 0; k < n; k++) removed += set_remove(e, &members[k]);
        if (set_count(e) == 0) break;
    }
    if (removed == 0) return reply_int(c, 0);
    call_event(c, (uint64_t)removed, key, NOTIFY_SET, "srem");
    typed_drop_if_empty(c, key, e);
    return reply_int(c, removed);
}

enum run_result cmd_SMOVE(struct call *c)
{
    struct key from_key = call_key(c, 1), to_key = call_key(c, 2);
    struct entry *from, *to;
    struct set_member m;
    set_member_of(&m, arg(c, 3));
    if (!typed_find(c, from_key, TYPE_SET, LOOKUP_WRITE, &from)) return RUN_ERROR;
    if (from == NULL) return reply_int(c, 0);
    if (!typed_find(c, to_key, TYPE_SET, LOOKUP_WRITE, &to)) return RUN_ERROR;
    if (from == to) return reply_int(c, set_has(from, &m));
    if (!set_remove(from, &m)) return reply_int(c, 0);

    call_event(c, 1, from_key, NOTIFY_SET, "srem");
    typed_drop_if_empty(c, from_key, from);
    if (to == NULL) to = keyspace_make(c->db, to_key, TYPE_SET);
    if (set_add(to, &m)) call_event(c, 1, to_key, NOTIFY_SET, "sadd");
    return reply_int(c, 1);
}

/* ---- Questions ---- */

enum run_result cmd_SISMEMBER(struct call *c)
{
    struct entry *e;
    struct set_member m;
    set_member_of(&m, arg(c, 2));
    if (!typed_find(c, call_key(c, 1), TYPE_SET, LOOKUP_READ, &e)) return RUN_ERROR;
    return reply_int(c, e != NULL && set_has(e, &m));
}

enum run_result cmd_SMISMEMBER(struct call *c)
{
    struct entry *e;
    struct set_member members[SET_WINDOW];
    if (!typed_find(c, call_key(c, 1), TYPE_SET, LOOKUP_READ, &e)) return RUN_ERROR;
    reply_array(c, c->nargs - 2);
    for (uint32_t i = 2; i < c->nargs; i += SET_WINDOW) {
        uint32_t n = 0, having = 0;
        for (; n < SET_WINDOW && i + n < c->nargs; n++) set_member_of(&members[n], arg(c, i + n));
        if (e != NULL) having = set_having(e, members, set_mask(n));
        for (uint32_t k = 0; k < n; k++) reply_int(c, having >> k & 1);
    }
    return RUN_OK;
}

enum run_result cmd_SCARD(struct call *c)
{
    struct entry *e;
    if (!typed_find(c, call_key(c, 1), TYPE_SET, LOOKUP_READ, &e)) return RUN_ERROR;
    return reply_int(c, e == NULL ? 0 : (int64_t)set_count(e));
}

/* ---- Walks ---- */

enum run_result cmd_SMEMBERS(struct call *c)
{
    struct entry *e;
    struct set_member members[SET_WINDOW];
    if (!typed_find(c, call_key(c, 1), TYPE_SET, LOOKUP_READ, &e)) return RUN_ERROR;
    if (e == NULL) return reply_set(c, 0);
    reply_set(c, set_count(e));
    struct set_walk w = set_walk(e);
    for (uint32_t n; (n = set_next(&w, members, SET_WINDOW)) > 0;) {
        for (uint32_t i = 0; i < n; i++) reply_bulk(c, set_member_text(&members[i]));
    }
    return RUN_OK;
}

static enum run_result set_scan_table(struct call *c, const struct table *t, struct scan_options *o)
{
    uint64_t next = table_scan(t, o->cursor, (uint64_t)o->count, scan_options_visit, o);
    scan_options_reply_head(c, next, o->found_count);
    for (size_t i = 0; i < o->found_count; i++) reply_bulk(c, entry_name(o->found[i]));
    scan_options_close(o);
    return RUN_OK;
}

/* A small set is answered as a whole. */
static enum run_result set_scan_all(struct call *c, const struct entry *e,
                                    const struct scan_options *o)
{
    uint64_t count = 0;
    struct set_member m;
    reply_array(c, 2);
    reply_text(c, "0");
    size_t mark = reply_defer(c);
    for (struct set_walk w = set_walk(e); set_next(&w, &m, 1) > 0;) {
        struct bytes text = set_member_text(&m);
        if (!scan_options_fit(o, text)) continue;
        reply_bulk(c, text);
        count++;
    }
    return reply_defer_array(c, mark, count);
}

enum run_result cmd_SSCAN(struct call *c)
{
    struct scan_options o;
    struct entry *e;
    if (!scan_options_cursor(c, 2, &o)) return RUN_ERROR;
    if (!typed_find(c, call_key(c, 1), TYPE_SET, LOOKUP_READ, &e)) return RUN_ERROR;
    if (e == NULL) return scan_options_reply_head(c, 0, 0);
    if (!scan_options_parse(c, 3, false, &o)) return RUN_ERROR;
    const struct table *t = set_table(e);
    return t != NULL ? set_scan_table(c, t, &o) : set_scan_all(c, e, &o);
}
