/*
 * Lists: pushes, and what looks at or edits a list by index or value. Pops and moves are in
 * list_pop.c.
 */
#include "execute/commands/list.h"

#include "execute/commands/table.h"

#define ERR_LIST_INDEX "ERR index out of range"
#define ERR_LIST_RANK                                                                        \
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or " \
    "use negative to start from the end of the list"

/* ---- Ranges ---- */

bool list_range(uint64_t total, int64_t start, int64_t stop, uint64_t *from, uint64_t *count)
{
    int64_t n = (int64_t)total;
    if (start < 0) start = start < -n ? 0 : start + n;
    if (stop < 0) stop = stop < -n ? -1 : stop + n;
    if (stop >= n) stop = n - 1;
    if (start > stop) return false;
    *from = (uint64_t)start;
    *count = (uint64_t)(stop - start + 1);
    return true;
}

/* An index as clients write it; false when it is out of range. */
static bool list_index(uint64_t total, int64_t index, uint64_t *out)
{
    int64_t n = (int64_t)total;
    if (index < -n || index >= n) return false;
    *out = (uint64_t)(index < 0 ? index + n : index);
    return true;
}

enum run_result list_reply_run(struct call *c, const struct entry *e, uint64_t index,
                               uint64_t count, bool forward)
{
    struct list_walk w;
    struct list_item item;
    reply_array(c, count);
    list_walk_begin(&w, e, index, forward);
    for (; count > 0; count--) {
        must(list_walk_next(&w, &item));
        list_reply(c, &item);
    }
    list_walk_end(&w);
    return RUN_OK;
}

/* ---- Pushes ---- */

static enum run_result list_push_all(struct call *c, struct key key, struct entry *e, bool at_head)
{
    for (uint32_t i = 2; i < c->nargs; i++) list_push(e, at_head, list_arg(c, i));
    call_event(c, c->nargs - 2, key, NOTIFY_LIST, at_head ? "lpush" : "rpush");
    return reply_int(c, (int64_t)list_count(e));
}

static enum run_result list_push_or_make(struct call *c, bool at_head)
{
    struct entry *e;
    struct key key = call_key(c, 1);
    if (!typed_find_or_make(c, key, TYPE_LIST, &e)) return RUN_ERROR;
    return list_push_all(c, key, e, at_head);
}

static enum run_result list_push_if_there(struct call *c, bool at_head)
{
    struct entry *e;
    struct key key = call_key(c, 1);
    if (!typed_find(c, key, TYPE_LIST, LOOKUP_WRITE, &e)) return RUN_ERROR;
    return e == NULL ? reply_int(c, 0) : list_push_all(c, key, e, at_head);
}

enum run_result cmd_LPUSH(struct call *c) { return list_push_or_make(c, true); }
enum run_result cmd_RPUSH(struct call *c) { return list_push_or_make(c, false); }
enum run_result cmd_LPUSHX(struct call *c) { return list_push_if_there(c, true); }
enum run_result cmd_RPUSHX(struct call *c) { return list_push_if_there(c, false); }

/* ---- Looking ---- */

enum run_result cmd_LLEN(struct call *c)
{
    struct entry *e;
    if (!typed_find(c, call_key(c, 1), TYPE_LIST, LOOKUP_READ, &e)) return RUN_ERROR;
    return reply_int(c, e == NULL ? 0 : (int64_t)list_count(e));
}

enum run_result cmd_LINDEX(struct call *c)
{
    struct entry *e;
    int64_t index;
    uint64_t at;
    if (!typed_find(c, call_key(c, 1), TYPE_LIST, LOOKUP_READ, &e)) return RUN_ERROR;
    if (e == NULL) return reply_null(c);
    if (!call_int(c, 2, &index)) return RUN_ERROR;
    if (!list_index(list_count(e), index, &at)) return reply_null(c);
    struct list_walk w;
    struct list_item item;
    list_walk_begin(&w, e, at, true);
    must(list_walk_next(&w, &item));
    list_reply(c, &item);
    list_walk_end(&w);
    return RUN_OK;
}

enum run_result cmd_LRANGE(struct call *c)
{
    struct entry *e;
    int64_t start, stop;
    uint64_t from, count;
    if (!call_int(c, 2, &start) || !call_int(c, 3, &stop)) return RUN_ERROR;
    if (!typed_find(c, call_key(c, 1), TYPE_LIST, LOOKUP_READ, &e)) return RUN_ERROR;
    if (e == NULL || !list_range(list_count(e), start, stop, &from, &count))
        return reply_array(c, 0);
    return list_reply_run(c, e, from, count, true);
}

/* Options of LPOS. */
struct list_search {
    uint64_t skip; /* matches that are passed over */
    uint64_t want; /* matches that are answered */
    uint64_t look; /* elements that are looked at */
    bool forward, is_array;
};

static bool list_search_rank(struct call *c, uint32_t i, struct list_search *s)
{
    int64_t rank;
    if (!call_int_range(c, i, -INT64_MAX, INT64_MAX, NULL, &rank)) return false;
    if (rank == 0) {
        reply_error(c, ERR_LIST_RANK);
        return false;
    }
    s->forward = rank > 0;
    s->skip = (uint64_t)(rank > 0 ? rank : -rank) - 1;
    return true;
}

static bool list_search_parse(struct call *c, struct list_search *s)
{
    int64_t n;
    *s = (struct list_search){.want = 1, .look = UINT64_MAX, .forward = true};
    for (uint32_t i = 3; i < c->nargs; i += 2) {
        bool has_value = i + 1 < c->nargs;
        if (has_value && call_arg_is(c, i, "rank")) {
            if (!list_search_rank(c, i + 1, s)) return false;
        } else if (has_value && call_arg_is(c, i, "count")) {
            const char *error = "ERR COUNT can't be negative";
            if (!call_int_range(c, i + 1, 0, INT64_MAX, error, &n)) return false;
            s->want = n == 0 ? UINT64_MAX : (uint64_t)n;
            s->is_array = true;
        } else if (has_value && call_arg_is(c, i, "maxlen")) {
            const char *error = "ERR MAXLEN can't be negative";
            if (!call_int_range(c, i + 1, 0, INT64_MAX, error, &n)) return false;
            s->look = n == 0 ? UINT64_MAX : (uint64_t)n;
        } else {
            reply_syntax(c);
            return false;
        }
    }
    return true;
}

static bool list_item_is(const struct list_item *item, const struct list_needle *needle)
{
    if (!item->is_int) return bytes_equal(item->text, needle->text);
    return needle->is_int && item->number == needle->number;
}

/* Answers the indexes of matches as they come; gives how many there were. */
static uint64_t list_search_run(struct call *c, const struct entry *e, const struct list_search *s)
{
    struct list_needle needle = list_needle(arg(c, 2));
    struct list_walk w;
    struct list_item item;
    uint64_t count = list_count(e), seen = 0, skipped = 0, found = 0;
    list_walk_begin(&w, e, s->forward ? 0 : count - 1, s->forward);
    for (; found < s->want && seen < s->look && list_walk_next(&w, &item); seen++) {
        if (!list_item_is(&item, &needle) || skipped++ < s->skip) continue;
        reply_int(c, (int64_t)(s->forward ? seen : count - 1 - seen));
        found++;
    }
    list_walk_end(&w);
    return found;
}

enum run_result cmd_LPOS(struct call *c)
{
    struct list_search s;
    struct entry *e;
    if (!list_search_parse(c, &s)) return RUN_ERROR;
    if (!typed_find(c, call_key(c, 1), TYPE_LIST, LOOKUP_READ, &e)) return RUN_ERROR;
    if (e == NULL) return s.is_array ? reply_array(c, 0) : reply_null(c);
    size_t mark = reply_defer(c);
    uint64_t found = list_search_run(c, e, &s);
    if (s.is_array) return reply_defer_array(c, mark, found);
    return found > 0 ? RUN_OK : reply_null(c);
}

/* ---- Edits ---- */

enum run_result cmd_LSET(struct call *c)
{
    struct entry *e;
    int64_t index;
    uint64_t at;
    if (!typed_find(c, call_key(c, 1), TYPE_LIST, LOOKUP_WRITE, &e)) return RUN_ERROR;
    if (e == NULL) return reply_error(c, ERR_NO_KEY);
    if (!call_int(c, 2, &index)) return RUN_ERROR;
    if (!list_index(list_count(e), index, &at)) return reply_error(c, ERR_LIST_INDEX);
    list_replace(e, at, list_arg(c, 3));
    call_event(c, 1, call_key(c, 1), NOTIFY_LIST, "lset");
    return reply_ok(c);
}

/* The index of the first element that equals argument i. */
static bool list_find(struct call *c, const struct entry *e, uint32_t i, uint64_t *index)
{
    struct list_needle needle = list_needle(arg(c, i));
    struct list_walk w;
    struct list_item item;
    bool found = false;
    list_walk_begin(&w, e, 0, true);
    for (*index = 0; list_walk_next(&w, &item); (*index)++) {
        found = list_item_is(&item, &needle);
        if (found) break;
    }
    list_walk_end(&w);
    return found;
}

enum run_result cmd_LINSERT(struct call *c)
{
    struct entry *e;
    uint64_t index;
    bool is_after = call_arg_is(c, 2, "after");
    if (!is_after && !call_arg_is(c, 2, "before")) return reply_syntax(c);
    if (!typed_find(c, call_key(c, 1), TYPE_LIST, LOOKUP_WRITE, &e)) return RUN_ERROR;
    if (e == NULL) return reply_int(c, 0);
    if (!list_find(c, e, 3, &index)) return reply_int(c, -1);
    list_insert(e, index + is_after, list_arg(c, 4));
    call_event(c, 1, call_key(c, 1), NOTIFY_LIST, "linsert");
    return reply_int(c, (int64_t)list_count(e));
}

enum run_result cmd_LREM(struct call *c)
{
    struct entry *e;
    int64_t count;
    if (!call_int(c, 2, &count)) return RUN_ERROR;
    struct key key = call_key(c, 1);
    if (!typed_find(c, key, TYPE_LIST, LOOKUP_WRITE, &e)) return RUN_ERROR;
    if (e == NULL) return reply_int(c, 0);
    uint64_t max = count < 0 ? 0 - (uint64_t)count : (uint64_t)count;
    uint64_t removed = list_remove(e, arg(c, 3), max == 0 ? UINT64_MAX : max, count >= 0);
    if (removed == 0) return reply_int(c, 0);
    call_event(c, removed, key, NOTIFY_LIST, "lrem");
    typed_drop_if_empty(c, key, e);
    return reply_int(c, (int64_t)removed);
}

enum run_result cmd_LTRIM(struct call *c)
{
    struct entry *e;
    int64_t start, stop;
    uint64_t from, keep;
    if (!call_int(c, 2, &start) || !call_int(c, 3, &stop)) return RUN_ERROR;
    struct key key = call_key(c, 1);
    if (!typed_find(c, key, TYPE_LIST, LOOKUP_WRITE, &e)) return RUN_ERROR;
    if (e == NULL) return reply_ok(c);
    uint64_t count = list_count(e);
    if (!list_range(count, start, stop, &from, &keep)) {
        call_event(c, count, key, NOTIFY_LIST, "ltrim");
        typed_drop(c, key);
        return reply_ok(c);
    }
    uint64_t behind = count - from - keep;
    if (behind > 0) list_delete(e, from + keep, behind);
    if (from > 0) list_delete(e, 0, from);
    call_event(c, from + behind, key, NOTIFY_LIST, "ltrim");
    return reply_ok(c);
}
