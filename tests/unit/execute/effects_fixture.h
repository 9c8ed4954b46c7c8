/*
 * The stream of effects without a log: what commands told is caught from the ring to persist,
 * shown, and run again as a replay does it.
 *
 * effects_state() says all that a database holds, in an order of its own: expired keys and fields
 * that nobody met yet, deadlines, groups of streams. What follows the clock of whoever looks
 * (idle times, when consumers were seen) is left out.
 */
#ifndef TESTS_UNIT_EXECUTE_EFFECTS_FIXTURE_H
#define TESTS_UNIT_EXECUTE_EFFECTS_FIXTURE_H

#include "unit/execute/core_harness.h"

#include "base/must.h"
#include "codec/number.h"
#include "execute/commands/function.h"
#include "execute/commands/script.h"
#include "execute/core/effect.h"
#include "execute/core/orders.h"
#include "execute/types/hash.h"
#include "execute/types/list.h"
#include "execute/types/set.h"
#include "execute/types/stream.h"
#include "execute/types/stream_group.h"
#include "execute/types/zset.h"
#include "flow/handoff.h"

#include <inttypes.h>

static struct {
    struct handoff orders, home;
    struct execute_wiring wiring;
    struct reply stream; /* all that was caught */
    size_t shown_to;     /* so much of it was shown */
    char *shown;
    uint64_t end; /* the last number */
} effects;

static inline int effects_open(void **state)
{
    core_open(state);
    scripts_open();
    handoff_open(&effects.orders, 1024);
    handoff_open(&effects.home, 1024);
    effects.wiring =
        (struct execute_wiring){.log_orders = &effects.orders, .log_home = &effects.home};
    orders_open(&effects.wiring);
    effect_listen(true);
    effects.end = effect_number();
    return 0;
}

/* Takes what was handed over; the log has it at once. */
static inline void effects_catch(void)
{
    struct order *o;
    effect_flush();
    while ((o = handoff_pop_ptr(&effects.orders)) != NULL) {
        assert_int_equal(o->kind, ORDER_LOG_APPEND);
        assert_int_equal(o->end, effects.end + o->len);
        effects.end = o->end;
        reply_raw(&effects.stream, o->buf, o->len);
        handoff_push(&effects.home, (uint64_t)(uintptr_t)o);
        orders_take_home();
    }
    assert_int_equal(orders_out(), 0);
    assert_int_equal(effects.end, effect_number());
}

static inline int effects_close(void **state)
{
    effects_catch();
    scripts_close();
    functions_close();
    core_close(state);
    orders_close();
    handoff_close(&effects.orders);
    handoff_close(&effects.home);
    reply_release(&effects.stream);
    effects.shown_to = 0;
    free(effects.shown);
    effects.shown = NULL;
    return 0;
}

#define effects_test(name) cmocka_unit_test_setup_teardown(name, effects_open, effects_close)

/* ---- What was caught ---- */

static inline uint64_t effects_number(size_t *at, char type)
{
    const char *buf = effects.stream.buf;
    uint64_t n = 0;
    assert_int_equal(buf[(*at)++], type);
    for (; buf[*at] != '\r'; (*at)++) n = n * 10 + (uint64_t)(buf[*at] - '0');
    *at += 2;
    return n;
}

/* The next command; false at the end. Free the arguments. */
static inline bool effects_next(size_t *at, struct bytes **args, uint32_t *nargs)
{
    if (*at == effects.stream.len) return false;
    *nargs = (uint32_t)effects_number(at, '*');
    *args = malloc(*nargs * sizeof(**args));
    assert_non_null(*args);
    for (uint32_t i = 0; i < *nargs; i++) {
        size_t len = effects_number(at, '$');
        (*args)[i] = bytes_make(effects.stream.buf + *at, len);
        *at += len + 2;
        assert_true(*at <= effects.stream.len);
    }
    return true;
}

/* What was told since the last time, a '|' behind each command. */
static inline const char *effects_told(void)
{
    struct bytes *args;
    uint32_t nargs;
    effects_catch();
    size_t len = 0, cap = 2 * (effects.stream.len - effects.shown_to) + 2;
    effects.shown = realloc(effects.shown, cap);
    assert_non_null(effects.shown);
    while (effects_next(&effects.shown_to, &args, &nargs)) {
        for (uint32_t i = 0; i < nargs; i++) {
            memcpy(effects.shown + len, args[i].ptr, args[i].len);
            len += args[i].len;
            effects.shown[len++] = i + 1 < nargs ? ' ' : '|';
        }
        free(args);
    }
    effects.shown[len] = '\0';
    return effects.shown;
}

/* From now on nothing is caught that was before. */
static inline void effects_forget(void) { effects_told(); }

/* ---- Running it again ---- */

static inline void effects_run(struct session *s, const struct bytes *args, uint32_t nargs)
{
    struct command cmd = core_command(args, nargs);
    core.reply.len = 0;
    assert_true(run(s, &cmd, &core.reply));
    if (core.reply.len == 0 || core.reply.buf[0] != '-') return;
    fail_msg("a replay was answered %s by %.*s %.*s", core_show(), (int)args[0].len, args[0].ptr,
             nargs > 1 ? (int)args[1].len : 0, nargs > 1 ? args[1].ptr : "");
}

/* All databases and libraries go, and all that was caught is done again, whatever the time is. */
static inline void effects_replay(struct session *s)
{
    struct bytes *args;
    uint32_t nargs;
    effects_catch();
    effect_listen(false);
    run_replay(true);
    keyspace_flush(NULL, false);
    functions_close();
    for (size_t at = 0; effects_next(&at, &args, &nargs);) {
        effects_run(s, args, nargs);
        free(args);
    }
    run_replay(false);
}

/* ---- What there is ---- */

/* Lines that are sorted before they are joined. */
struct effects_lines {
    struct reply *lines;
    size_t count, room;
};

static inline struct reply *effects_line(struct effects_lines *l)
{
    if (l->count == l->room) {
        l->room = l->room == 0 ? 16 : 2 * l->room;
        l->lines = realloc(l->lines, l->room * sizeof(*l->lines));
        assert_non_null(l->lines);
    }
    l->lines[l->count] = (struct reply){0};
    return &l->lines[l->count++];
}

static inline int effects_compare(const void *a, const void *b)
{
    const struct reply *x = a, *y = b;
    return bytes_compare(bytes_make(x->buf, x->len), bytes_make(y->buf, y->len));
}

static inline void effects_join(struct effects_lines *l, struct reply *out)
{
    if (l->count > 0) qsort(l->lines, l->count, sizeof(*l->lines), effects_compare);
    for (size_t i = 0; i < l->count; i++) {
        reply_raw(out, l->lines[i].buf, l->lines[i].len);
        reply_release(&l->lines[i]);
    }
    free(l->lines);
}

/* Bytes that cannot be printed as \x. */
static inline void effects_text(struct reply *out, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char ch = (unsigned char)text.ptr[i];
        if (ch > ' ' && ch < 127)
            reply_raw(out, &text.ptr[i], 1);
        else
            reply_printf(out, "\\%02x", ch);
    }
}

static inline void effects_pending(struct reply *out, const struct stream_group *g)
{
    struct sorted_place at = sorted_first(&g->pending);
    for (const struct stream_pending *p; (p = sorted_at(&g->pending, at)) != NULL;
         sorted_next(&g->pending, &at)) {
        reply_printf(out, " (%" PRIu64 "-%" PRIu64 " ", p->id.ms, p->id.seq);
        effects_text(out, stream_consumer_name(p->consumer));
        reply_printf(out, " %" PRId64 " %" PRIu64 ")", p->delivered_ms, p->deliveries);
    }
}

static inline void effects_stream_groups(struct reply *out, const struct stream *s)
{
    struct sorted_place at = sorted_first(&s->groups);
    for (const struct stream_group *g; (g = stream_group_next(s, &at)) != NULL;) {
        reply_printf(out, "\n    group ");
        effects_text(out, stream_group_name(g));
        reply_printf(out, " %" PRIu64 "-%" PRIu64 " read %" PRId64, g->last_id.ms, g->last_id.seq,
                     g->entries_read);
        struct sorted_place who = sorted_first(&g->consumers);
        for (const struct stream_consumer *c; (c = stream_consumer_next(g, &who)) != NULL;) {
            reply_printf(out, " ");
            effects_text(out, stream_consumer_name(c));
        }
        effects_pending(out, g);
    }
}

static inline void effects_stream(struct reply *out, const struct stream *s)
{
    struct stream_walk w;
    struct bytes field, value;
    char scratch[2][NUMBER_INT_CHARS];
    reply_printf(
        out,
        "%" PRIu64 " added %" PRIu64 " last %" PRIu64 "-%" PRIu64 " deleted %" PRIu64 "-%" PRIu64,
        s->length, s->added, s->last_id.ms, s->last_id.seq, s->max_deleted.ms, s->max_deleted.seq);
    stream_walk_open(&w, s, STREAM_ID_MIN, STREAM_ID_MAX);
    while (stream_walk_next(&w)) {
        reply_printf(out, " [%" PRIu64 "-%" PRIu64, w.entry.id.ms, w.entry.id.seq);
        while (stream_entry_pair(&w.entry, &field, &value, scratch)) {
            reply_printf(out, " ");
            effects_text(out, field);
            reply_printf(out, "=");
            effects_text(out, value);
        }
        reply_printf(out, "]");
    }
    effects_stream_groups(out, s);
}

static inline void effects_list(struct reply *out, const struct entry *e)
{
    struct list_walk w;
    struct list_item item;
    char scratch[LISTPACK_INT_CHARS];
    list_walk_begin(&w, e, 0, true);
    while (list_walk_next(&w, &item)) {
        reply_printf(out, " ");
        effects_text(out, list_item_text(&item, scratch));
    }
    list_walk_end(&w);
}

static inline void effects_set(struct reply *out, const struct entry *e)
{
    struct effects_lines lines = {0};
    struct set_member m;
    for (struct set_walk w = set_walk(e); set_next(&w, &m, 1) > 0;) {
        struct reply *line = effects_line(&lines);
        reply_printf(line, " ");
        effects_text(line, set_member_text(&m));
    }
    effects_join(&lines, out);
}

static inline void effects_hash(struct reply *out, const struct entry *e)
{
    struct effects_lines lines = {0};
    struct hash_walk w;
    struct hash_item item;
    hash_walk_begin(&w, e, INT64_MIN);
    while (hash_walk_next(&w, &item)) {
        struct reply *line = effects_line(&lines);
        reply_printf(line, " ");
        effects_text(line, item.field);
        reply_printf(line, "=");
        effects_text(line, item.value);
        if (item.deadline_ms != ENTRY_NO_DEADLINE)
            reply_printf(line, "@%" PRId64, item.deadline_ms);
    }
    effects_join(&lines, out);
}

static inline void effects_zset(struct reply *out, const struct entry *e)
{
    struct zset_cursor at;
    for (bool more = zset_seek(e, 0, &at); more; more = zset_next(&at)) {
        struct zset_item item = zset_item(&at);
        reply_printf(out, " %.17g:", item.score);
        effects_text(out, item.member);
    }
}

static inline void effects_entry(struct reply *out, struct entry *e)
{
    char scratch[STRING_INT_CHARS];
    effects_text(out, entry_name(e));
    reply_printf(out, " %s", entry_type_name(e));
    if (e->flags & ENTRY_DEADLINE) reply_printf(out, " @%" PRId64, entry_deadline(e));
    reply_printf(out, ": ");
    switch (entry_type(e)) {
    case TYPE_STRING: effects_text(out, string_bytes(e, scratch)); break;
    case TYPE_LIST: effects_list(out, e); break;
    case TYPE_SET: effects_set(out, e); break;
    case TYPE_HASH: effects_hash(out, e); break;
    case TYPE_ZSET: effects_zset(out, e); break;
    default: effects_stream(out, entry_root(e));
    }
    reply_printf(out, "\n");
}

static inline void effects_visit(void *ctx, struct entry *e)
{
    effects_entry(effects_line(ctx), e);
}

/* Free it. */
static inline char *effects_state(struct session *s)
{
    struct reply out = {0};
    keyspace_replay(true); /* what is due is shown, too */
    for (int i = 0; i < keyspace_db_count(); i++) {
        struct db *db = keyspace_db(i);
        if (db_size(db) == 0) continue;
        struct effects_lines lines = {0};
        uint64_t cursor = 0;
        do cursor = keyspace_scan(db, cursor, 100, effects_visit, &lines);
        while (cursor != 0);
        assert_int_equal(lines.count, db_size(db));
        reply_printf(&out, "db %d\n", i);
        effects_join(&lines, &out);
        keyspace_check(db);
    }
    keyspace_replay(false);
    reply_printf(&out, "%s\n", core_ask(s, "FUNCTION LIST WITHCODE"));
    char *text = strndup(out.buf, out.len);
    assert_non_null(text);
    reply_release(&out);
    return text;
}

#endif
