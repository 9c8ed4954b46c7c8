/*
 * Lists: what takes elements off the ends, the forms that wait for them among it. A form that waits
 * does what the other does, and blocks when there was nothing to take; it is run again when one of
 * its keys has become a list.
 */
#include "execute/commands/list.h"

#include "execute/commands/table.h"
#include "execute/core/effect.h"
#include "execute/types/heap.h"

#define ERR_LIST_NUMKEYS "ERR numkeys should be greater than 0"
#define ERR_LIST_COUNT "ERR count should be greater than 0"

/* Elements up to this length are moved without an allocation. */
#define LIST_MOVED_MAX 256

/* ---- Pops ---- */

static const char *list_pop_name(bool at_head) { return at_head ? "LPOP" : "RPOP"; }

static const char *list_pop_event(bool at_head) { return at_head ? "lpop" : "rpop"; }

/* Answers the element at an end and removes it, and the key with the last one. */
static enum run_result list_pop_one(struct call *c, struct key key, struct entry *e, bool at_head)
{
    struct list_item item;
    must(list_peek(e, at_head, &item));
    list_reply(c, &item);
    list_drop(e, at_head);
    call_event(c, 1, key, NOTIFY_LIST, list_pop_event(at_head));
    typed_drop_if_empty(c, key, e);
    return RUN_OK;
}

/* The same for up to `max` elements, answered as an array. */
static enum run_result list_pop_many(struct call *c, struct key key, struct entry *e, bool at_head,
                                     uint64_t max)
{
    uint64_t count = list_count(e), n = max < count ? max : count;
    if (n == 0) return reply_array(c, 0);
    list_reply_run(c, e, at_head ? 0 : count - 1, n, at_head);
    call_event(c, n, key, NOTIFY_LIST, list_pop_event(at_head));
    if (n == count)
        typed_drop(c, key);
    else
        list_delete(e, at_head ? 0 : count - n, n);
    return RUN_OK;
}

static enum run_result list_pop(struct call *c, bool at_head)
{
    struct entry *e;
    int64_t max = 0;
    bool has_max = c->nargs > 2;
    if (c->nargs > 3) return reply_arity(c);
    if (has_max && !call_int_range(c, 2, 0, INT64_MAX, ERR_MUST_BE_POSITIVE, &max))
        return RUN_ERROR;
    struct key key = call_key(c, 1);
    if (!typed_find(c, key, TYPE_LIST, LOOKUP_WRITE, &e)) return RUN_ERROR;
    if (e == NULL) return has_max ? reply_null_array(c) : reply_null(c);
    if (has_max) return list_pop_many(c, key, e, at_head, (uint64_t)max);
    return list_pop_one(c, key, e, at_head);
}

enum run_result cmd_LPOP(struct call *c) { return list_pop(c, true); }
enum run_result cmd_RPOP(struct call *c) { return list_pop(c, false); }

/* ---- From the first of several lists ---- */

/* Which end is meant; false when the word is none. */
static bool list_end(struct call *c, uint32_t i, bool *at_head)
{
    *at_head = call_arg_is(c, i, "left");
    if (*at_head || call_arg_is(c, i, "right")) return true;
    reply_syntax(c);
    return false;
}

/* What LMPOP and its blocking form are given. */
struct list_choice {
    uint32_t first, count; /* arguments that are keys */
    uint64_t max;
    bool at_head;
};

static bool list_choice_parse(struct call *c, uint32_t i, struct list_choice *choice)
{
    int64_t count, max = 1;
    if (!call_int_range(c, i, 1, INT64_MAX, ERR_LIST_NUMKEYS, &count)) return false;
    if (count >= c->nargs - i - 1) {
        reply_syntax(c);
        return false;
    }
    uint32_t where = i + 1 + (uint32_t)count;
    if (!list_end(c, where, &choice->at_head)) return false;
    if (where + 1 < c->nargs) {
        bool ok = where + 2 < c->nargs && call_arg_is(c, where + 1, "count");
        if (ok && !call_int_range(c, where + 2, 1, INT64_MAX, ERR_LIST_COUNT, &max)) return false;
        if (!ok || where + 3 != c->nargs) {
            reply_syntax(c);
            return false;
        }
    }
    choice->first = i + 1;
    choice->count = (uint32_t)count;
    choice->max = (uint64_t)max;
    return true;
}

/* The first of these keys that is there: *key and *e (NULL: none). False: it is no list. */
static bool list_choose(struct call *c, uint32_t first, uint32_t count, struct key *key,
                        struct entry **e)
{
    *e = NULL;
    for (uint32_t i = first; i < first + count && *e == NULL; i++) {
        *key = call_key(c, i);
        if (!typed_find(c, *key, TYPE_LIST, LOOKUP_WRITE, e)) return false;
    }
    return true;
}

static enum run_result list_reply_choice(struct call *c, const struct list_choice *choice,
                                         struct key key, struct entry *e)
{
    uint64_t count = list_count(e);
    effect_begin(c, 3);
    effect_word(list_pop_name(choice->at_head));
    effect_arg(key.name);
    effect_int((int64_t)(choice->max < count ? choice->max : count));
    reply_array(c, 2);
    reply_bulk(c, key.name);
    return list_pop_many(c, key, e, choice->at_head, choice->max);
}

enum run_result cmd_LMPOP(struct call *c)
{
    struct list_choice choice;
    struct key key;
    struct entry *e;
    if (!list_choice_parse(c, 1, &choice)) return RUN_ERROR;
    if (!list_choose(c, choice.first, choice.count, &key, &e)) return RUN_ERROR;
    return e == NULL ? reply_null_array(c) : list_reply_choice(c, &choice, key, e);
}

static enum run_result list_wait(struct call *c, uint32_t first_key, uint32_t key_count,
                                 int64_t timeout_ms)
{
    struct block_terms terms = {
        .first_key = first_key,
        .key_count = key_count,
        .type = TYPE_LIST,
        .answers_null = c->spec->id == CMD_BLMOVE || c->spec->id == CMD_BRPOPLPUSH,
        .timeout_ms = timeout_ms,
    };
    return call_block(c, &terms);
}

enum run_result cmd_BLMPOP(struct call *c)
{
    struct list_choice choice;
    struct key key;
    struct entry *e;
    int64_t timeout_ms;
    if (!list_choice_parse(c, 2, &choice) || !call_timeout(c, 1, &timeout_ms)) return RUN_ERROR;
    if (!list_choose(c, choice.first, choice.count, &key, &e)) return RUN_ERROR;
    if (e == NULL) return list_wait(c, choice.first, choice.count, timeout_ms);
    return list_reply_choice(c, &choice, key, e);
}

static enum run_result list_pop_blocking(struct call *c, bool at_head)
{
    struct key key;
    struct entry *e;
    int64_t timeout_ms;
    if (!call_timeout(c, c->nargs - 1, &timeout_ms)) return RUN_ERROR;
    if (!list_choose(c, 1, c->nargs - 2, &key, &e)) return RUN_ERROR;
    if (e == NULL) return list_wait(c, 1, c->nargs - 2, timeout_ms);
    effect_of_key(c, list_pop_name(at_head), key.name, c->nargs);
    reply_array(c, 2);
    reply_bulk(c, key.name);
    return list_pop_one(c, key, e, at_head);
}

enum run_result cmd_BLPOP(struct call *c) { return list_pop_blocking(c, true); }
enum run_result cmd_BRPOP(struct call *c) { return list_pop_blocking(c, false); }

/* ---- Moves ---- */

/* An element between two lists: its text is in `small`, in a block of its own, or in `big`. */
struct list_moved {
    struct list_value value;
    char *big;
    char small[LIST_MOVED_MAX];
};

static void list_moved_take(struct list_moved *m, const struct entry *e, bool at_head)
{
    struct list_item item;
    must(list_peek(e, at_head, &item));
    m->big = NULL;
    if (item.block != NULL) {
        m->value = (struct list_value){item.text, block_share(item.block)};
        return;
    }
    char scratch[LISTPACK_INT_CHARS], *to = m->small;
    struct bytes text = list_item_text(&item, scratch);
    if (text.len > sizeof(m->small)) to = m->big = heap_alloc(text.len);
    if (text.len > 0) memcpy(to, text.ptr, text.len);
    m->value = (struct list_value){bytes_make(to, text.len), NULL};
}

/* From the list `e` under argument 1 to the one under argument 2, `to` (NULL: not there). */
static enum run_result list_move_one(struct call *c, struct entry *e, struct entry *to,
                                     bool from_head, bool to_head)
{
    struct list_moved m;
    struct key key = call_key(c, 1), to_key = call_key(c, 2);
    list_moved_take(&m, e, from_head);
    reply_bulk_of(c, m.value.text, m.value.block);
    list_drop(e, from_head);
    bool emptied = to != e && list_count(e) == 0;
    if (to != e) {
        if (emptied) keyspace_delete(c->db, key);
        to = keyspace_find(c->db, to_key, LOOKUP_QUIET);
        if (to == NULL) to = keyspace_make(c->db, to_key, TYPE_LIST);
    }
    list_push(to, to_head, m.value);
    heap_free(m.big);
    call_event(c, 1, to_key, NOTIFY_LIST, to_head ? "lpush" : "rpush");
    call_event(c, 0, key, NOTIFY_LIST, list_pop_event(from_head));
    if (emptied) call_notify(c, key, NOTIFY_GENERIC, "del");
    return RUN_OK;
}

/* Both lists; *e is NULL when there is nothing to move. False: one is no list. */
static bool list_move_find(struct call *c, struct entry **e, struct entry **to)
{
    if (!typed_find(c, call_key(c, 1), TYPE_LIST, LOOKUP_WRITE, e)) return false;
    if (*e == NULL) return true;
    return typed_find(c, call_key(c, 2), TYPE_LIST, LOOKUP_WRITE, to);
}

static enum run_result list_move(struct call *c, bool from_head, bool to_head)
{
    struct entry *e, *to;
    if (!list_move_find(c, &e, &to)) return RUN_ERROR;
    return e == NULL ? reply_null(c) : list_move_one(c, e, to, from_head, to_head);
}

static enum run_result list_move_blocking(struct call *c, bool from_head, bool to_head,
                                          uint32_t timeout_arg)
{
    struct entry *e, *to;
    int64_t timeout_ms;
    if (!call_timeout(c, timeout_arg, &timeout_ms)) return RUN_ERROR;
    if (!list_move_find(c, &e, &to)) return RUN_ERROR;
    if (e == NULL) return list_wait(c, 1, 1, timeout_ms);
    /* The command that does not wait, without the timeout: it is the last argument. */
    effect_begin(c, c->nargs - 1);
    effect_word(c->spec->id == CMD_BLMOVE ? "LMOVE" : "RPOPLPUSH");
    for (uint32_t i = 1; i < c->nargs - 1; i++) effect_arg(arg(c, i));
    return list_move_one(c, e, to, from_head, to_head);
}

enum run_result cmd_LMOVE(struct call *c)
{
    bool from_head, to_head;
    if (!list_end(c, 3, &from_head) || !list_end(c, 4, &to_head)) return RUN_ERROR;
    return list_move(c, from_head, to_head);
}

enum run_result cmd_BLMOVE(struct call *c)
{
    bool from_head, to_head;
    if (!list_end(c, 3, &from_head) || !list_end(c, 4, &to_head)) return RUN_ERROR;
    return list_move_blocking(c, from_head, to_head, 5);
}

enum run_result cmd_RPOPLPUSH(struct call *c) { return list_move(c, false, true); }
enum run_result cmd_BRPOPLPUSH(struct call *c) { return list_move_blocking(c, false, true, 3); }
