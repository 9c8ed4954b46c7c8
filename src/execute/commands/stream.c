/* Streams as sequences of entries: XADD, XTRIM, XDEL, XLEN, XRANGE and their relatives. */
#include "execute/commands/stream_args.h"
#include "execute/commands/stream_reply.h"
#include "execute/commands/stream_tell.h"
#include "execute/commands/table.h"

#define STREAM_BAD_TOP \
    "ERR The ID specified in XADD is equal or smaller than the target stream top item"
/* About-trimming without LIMIT: so many nodes of full size, within these bounds. */
enum { STREAM_TRIM_NODES = 100, STREAM_TRIM_MIN = 10000, STREAM_TRIM_MAX = 1000000 };

/* ---- Options of XADD and XTRIM ---- */

struct stream_options {
    struct stream_trim trim;
    bool no_make, limited;
    uint32_t id_arg; /* XADD: where the id stands; 0: not met yet */
};

/* MAXLEN or MINID at argument *i, which moves to the option's last word. */
static bool stream_parse_threshold(struct call *c, uint32_t *i, struct stream_options *o)
{
    bool by_length = call_arg_is(c, *i, "maxlen");
    if (o->trim.by != STREAM_TRIM_NONE) {
        reply_error(c, "ERR syntax error, MAXLEN and MINID options at the same time are not "
                       "compatible");
        return false;
    }
    o->trim.about = false;
    if (*i + 2 < c->nargs && (call_arg_is(c, *i + 1, "~") || call_arg_is(c, *i + 1, "="))) {
        o->trim.about = call_arg_is(c, *i + 1, "~");
        ++*i;
    }
    ++*i;
    o->trim.by = by_length ? STREAM_TRIM_LENGTH : STREAM_TRIM_ID;
    if (!by_length) return stream_args_id(c, *i, 0, &o->trim.min);
    int64_t length;
    if (!call_int(c, *i, &length)) return false;
    o->trim.length = (uint64_t)length;
    if (length < 0) reply_error(c, "ERR The MAXLEN argument must be >= 0.");
    return length >= 0;
}

static bool stream_parse_limit(struct call *c, uint32_t i, struct stream_options *o)
{
    int64_t limit;
    if (!call_int(c, i, &limit)) return false;
    o->trim.limit = (uint64_t)limit;
    o->limited = true;
    if (limit < 0) reply_error(c, "ERR The LIMIT argument must be >= 0.");
    return limit >= 0;
}

/* What only both options together can tell. */
static bool stream_check_limit(struct call *c, struct stream_options *o)
{
    if (call_is_replayed(c)) { /* logs of Redis have a LIMIT beside what has become exact */
        o->trim.limit = 0;
        return true;
    }
    if (o->limited && o->trim.by == STREAM_TRIM_NONE) {
        reply_error(c, "ERR syntax error, LIMIT cannot be used without specifying a trimming "
                       "strategy");
        return false;
    }
    if (o->limited && !o->trim.about) {
        reply_error(c, "ERR syntax error, LIMIT cannot be used without the special ~ option");
        return false;
    }
    if (o->limited || !o->trim.about) return true;
    uint64_t most = value_limits.stream_node_max_entries;
    if (most == 0)
        o->trim.limit = STREAM_TRIM_MIN;
    else
        o->trim.limit =
            most > STREAM_TRIM_MAX / STREAM_TRIM_NODES ? STREAM_TRIM_MAX : most * STREAM_TRIM_NODES;
    return true;
}

static bool stream_parse_options(struct call *c, bool adds, struct stream_options *o)
{
    *o = (struct stream_options){0};
    for (uint32_t i = 2; i < c->nargs; i++) {
        bool more = i + 1 < c->nargs;
        if (more && (call_arg_is(c, i, "maxlen") || call_arg_is(c, i, "minid"))) {
            if (!stream_parse_threshold(c, &i, o)) return false;
        } else if (more && call_arg_is(c, i, "limit")) {
            if (!stream_parse_limit(c, ++i, o)) return false;
        } else if (adds && call_arg_is(c, i, "nomkstream")) {
            o->no_make = true;
        } else if (adds) {
            o->id_arg = i;
            break;
        } else {
            reply_syntax(c);
            return false;
        }
    }
    return stream_check_limit(c, o);
}

/* ---- XADD ---- */

/* The id that a client asks for. */
struct stream_wish {
    struct stream_id id;
    bool any;     /* "*" */
    bool any_seq; /* "ms-*" */
};

static bool stream_parse_wish(struct call *c, uint32_t i, struct stream_wish *wish)
{
    struct bytes text = arg(c, i);
    *wish = (struct stream_wish){0};
    if (text.len == 1 && text.ptr[0] == '*') {
        wish->any = true;
        return true;
    }
    if (text.len > 2 && text.ptr[text.len - 1] == '*' && text.ptr[text.len - 2] == '-') {
        wish->any_seq = true;
        text.len -= 2;
        if (memchr(text.ptr, '-', text.len) == NULL && stream_args_read_id(text, 0, &wish->id))
            return true;
    }
    return stream_args_id(c, i, 0, &wish->id);
}

/* The next id that the wish allows; false when there is none behind `last`. */
static bool stream_grant(const struct stream_wish *wish, struct stream_id last, int64_t now_ms,
                         struct stream_id *id)
{
    if (wish->any) {
        *id = (struct stream_id){now_ms < 0 ? 0 : (uint64_t)now_ms, 0};
        if (id->ms > last.ms) return true;
        *id = last;
        return stream_id_raise(id);
    }
    *id = wish->id;
    if (wish->any_seq && id->ms == last.ms) {
        id->seq = last.seq + 1;
        return last.seq != UINT64_MAX;
    }
    return stream_id_compare(*id, last) > 0;
}

static bool stream_pairs_fit(struct call *c, uint32_t from)
{
    size_t sum = 0;
    for (uint32_t i = from; i < c->nargs; i++) {
        if (arg(c, i).len > STREAM_ENTRY_BYTES - sum) return false;
        sum += arg(c, i).len;
    }
    return true;
}

enum run_result cmd_XADD(struct call *c)
{
    struct stream_options o;
    struct stream_wish wish;
    if (!stream_parse_options(c, true, &o)) return RUN_ERROR;
    if (o.id_arg == 0) return reply_arity(c);
    if (!stream_parse_wish(c, o.id_arg, &wish)) return RUN_ERROR;
    uint32_t from = o.id_arg + 1, count = (c->nargs - from) / 2;
    if (count == 0 || (c->nargs - from) % 2 != 0) return reply_arity(c);
    if (!wish.any && !wish.any_seq && stream_id_is_zero(wish.id))
        return reply_error(c, "ERR The ID specified in XADD must be greater than 0-0");

    struct key key = call_key(c, 1);
    struct entry *e;
    if (!typed_find(c, key, TYPE_STREAM, LOOKUP_WRITE, &e)) return RUN_ERROR;
    if (e == NULL && o.no_make) return reply_null(c);
    struct stream_id id,
        last = e == NULL ? STREAM_ID_MIN : ((struct stream *)entry_root(e))->last_id;
    if (stream_id_compare(last, STREAM_ID_MAX) == 0)
        return reply_error(c, "ERR The stream has exhausted the last possible ID, unable to add "
                              "more items");
    if (!stream_grant(&wish, last, c->now_ms, &id)) return reply_error(c, STREAM_BAD_TOP);
    if (!stream_pairs_fit(c, from))
        return reply_error(c, "ERR Elements are too large to be stored");

    bool is_new = e == NULL; /* then it wakes who waits by itself */
    if (is_new) e = keyspace_make(c->db, key, TYPE_STREAM);
    struct stream *s = entry_root(e);
    stream_append(s, id, (struct stream_pairs){c->args + from, count}, stream_args_limits());
    call_event(c, 1, key, NOTIFY_STREAM, "xadd");
    bool trimmed = stream_trim(s, &o.trim) > 0;
    if (trimmed) call_notify(c, key, NOTIFY_STREAM, "xtrim");
    if (effect_is_heard() && (wish.any || wish.any_seq || o.trim.about))
        stream_tell_add(c, s, id, trimmed, from);
    if (!is_new) call_fed(c, key);
    return stream_reply_id(c, id);
}

/* ---- The others ---- */

enum run_result cmd_XTRIM(struct call *c)
{
    struct stream_options o;
    struct stream *s;
    if (!stream_parse_options(c, false, &o)) return RUN_ERROR;
    if (!stream_args_find(c, 1, LOOKUP_WRITE, &s)) return RUN_ERROR;
    if (s == NULL) return reply_int(c, 0);
    uint64_t deleted = stream_trim(s, &o.trim);
    if (deleted == 0) return reply_int(c, 0);
    call_event(c, deleted, call_key(c, 1), NOTIFY_STREAM, "xtrim");
    if (o.trim.about) stream_tell_trim(c, s);
    return reply_int(c, (int64_t)deleted);
}

enum run_result cmd_XDEL(struct call *c)
{
    struct stream *s;
    struct stream_id id;
    if (!stream_args_find(c, 1, LOOKUP_WRITE, &s)) return RUN_ERROR;
    if (s == NULL) return reply_int(c, 0);
    for (uint32_t i = 2; i < c->nargs; i++) {
        if (!stream_args_id(c, i, 0, &id)) return RUN_ERROR;
    }
    int64_t deleted = 0;
    for (uint32_t i = 2; i < c->nargs; i++) {
        if (stream_args_read_id(arg(c, i), 0, &id)) deleted += stream_delete(s, id);
    }
    if (deleted > 0) call_event(c, (uint64_t)deleted, call_key(c, 1), NOTIFY_STREAM, "xdel");
    return reply_int(c, deleted);
}

enum run_result cmd_XLEN(struct call *c)
{
    struct stream *s;
    if (!stream_args_find(c, 1, LOOKUP_READ, &s)) return RUN_ERROR;
    return reply_int(c, s == NULL ? 0 : (int64_t)s->length);
}

static enum run_result stream_range(struct call *c, bool back)
{
    struct stream_id from, to;
    struct stream *s;
    uint64_t count = 0;
    bool counted = false;
    if (!stream_args_from(c, back ? 3 : 2, &from)) return RUN_ERROR;
    if (!stream_args_to(c, back ? 2 : 3, &to)) return RUN_ERROR;
    for (uint32_t i = 4; i < c->nargs; i += 2) {
        if (!call_arg_is(c, i, "count") || i + 1 >= c->nargs) return reply_syntax(c);
        if (!stream_args_count(c, i + 1, NULL, &count)) return RUN_ERROR;
        counted = true;
    }
    if (!stream_args_find(c, 1, LOOKUP_READ, &s)) return RUN_ERROR;
    if (s == NULL) return reply_array(c, 0);
    if (counted && count == 0) return reply_null_array(c);
    return back ? stream_reply_range_back(c, s, from, to, count)
                : stream_reply_range(c, s, from, to, count);
}

enum run_result cmd_XRANGE(struct call *c) { return stream_range(c, false); }
enum run_result cmd_XREVRANGE(struct call *c) { return stream_range(c, true); }

/* ---- XSETID ---- */

struct stream_set {
    struct stream_id last, max_deleted;
    int64_t added;
    bool has_added, has_deleted;
};

static bool stream_parse_set(struct call *c, struct stream_set *set)
{
    *set = (struct stream_set){0};
    if (!stream_args_id(c, 2, 0, &set->last)) return false;
    for (uint32_t i = 3; i < c->nargs; i += 2) {
        if (i + 1 < c->nargs && call_arg_is(c, i, "entriesadded")) {
            set->has_added = true;
            if (!call_int(c, i + 1, &set->added)) return false;
            if (set->added < 0) reply_error(c, "ERR entries_added must be positive");
            if (set->added < 0) return false;
        } else if (i + 1 < c->nargs && call_arg_is(c, i, "maxdeletedid")) {
            set->has_deleted = true;
            if (!stream_args_id(c, i + 1, 0, &set->max_deleted)) return false;
            if (stream_id_compare(set->last, set->max_deleted) >= 0) continue;
            reply_error(c, "ERR The ID specified in XSETID is smaller than the provided "
                           "max_deleted_entry_id");
            return false;
        } else {
            reply_syntax(c);
            return false;
        }
    }
    return true;
}

/* NULL when the stream may be set so. */
static const char *stream_set_flaw(const struct stream *s, const struct stream_set *set)
{
    if (stream_id_compare(set->last, s->max_deleted) < 0)
        return "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id";
    if (s->length == 0) return NULL;
    if (stream_id_compare(set->last, stream_last_entry_id(s)) < 0)
        return "ERR The ID specified in XSETID is smaller than the target stream top item";
    if (set->has_added && s->length > (uint64_t)set->added)
        return "ERR The entries_added specified in XSETID is smaller than the target stream length";
    return NULL;
}

enum run_result cmd_XSETID(struct call *c)
{
    struct stream_set set;
    struct stream *s;
    if (!stream_parse_set(c, &set)) return RUN_ERROR;
    if (!stream_args_find(c, 1, LOOKUP_WRITE, &s)) return RUN_ERROR;
    if (s == NULL) return reply_error(c, ERR_NO_KEY);
    const char *flaw = stream_set_flaw(s, &set);
    if (flaw != NULL) return reply_error(c, flaw);
    s->last_id = set.last;
    if (set.has_added) s->added = (uint64_t)set.added;
    if (set.has_deleted && !stream_id_is_zero(set.max_deleted)) s->max_deleted = set.max_deleted;
    call_event(c, 1, call_key(c, 1), NOTIFY_STREAM, "xsetid");
    return reply_ok(c);
}
