/*
 * SORT and SORT_RO: the elements of a list, set or sorted set in an order of their own or of other
 * keys' values; answered, or stored as a list.
 *
 * Elements are gathered, each gets a key of 64 bits that mostly decides (base/keysort.h), and only
 * the part that LIMIT asks for is put in order.
 */
#include "codec/number.h"

#include "execute/commands/sort_vector.h"

#include "base/keysort.h"
#include "execute/commands/table.h"
#include "execute/core/acl.h"
#include "execute/core/effect.h"
#include "execute/core/event.h"
#include "execute/core/session.h"
#include "execute/types/heap.h"
#include "execute/types/list.h"

#include <ctype.h>

enum { SORT_GETS_FEW = 8, SORT_LOOK_FULL = 100, SORT_TELL_MAX = 1024 /* elements of an effect */ };

struct sort_query {
    bool may_store;
    bool desc, alpha;
    bool as_it_is; /* BY a pattern without a star: the order of the value stays */
    bool has_by;
    struct sort_pattern by;
    int64_t offset, count; /* LIMIT */
    uint32_t to;           /* argument with the key to store at, 0: none */
    struct sort_pattern *gets;
    uint32_t gets_count;
    struct sort_pattern few[SORT_GETS_FEW];
};

struct sort_work {
    struct call *c;
    const struct sort_query *q;
    struct sort_vector v;
    struct keysort_item *order; /* indexes of v; NULL: as they are */
    struct bytes *alphas;       /* what BY found, .ptr NULL: nothing; of ALPHA with BY */
    uint64_t from, to;          /* the part that is wanted */
    struct sort_name name;
};

/* ---- Arguments ---- */

static void sort_take_get(struct call *c, struct sort_query *q, uint32_t i)
{
    if (q->gets_count == SORT_GETS_FEW && q->gets == q->few) {
        q->gets = heap_alloc(c->nargs / 2 * sizeof q->gets[0]);
        memcpy(q->gets, q->few, sizeof q->few);
    }
    q->gets[q->gets_count++] = sort_pattern(arg(c, i));
}

/* Patterns lead to any key, so their user must be allowed to read all of them. */
static bool sort_may_read_all(struct call *c, const char *option)
{
    const struct session *s = c->session;
    if (!(s->care & CARE_RULES) || acl_reads_all_keys(s->user, c->spec, c->args, c->nargs))
        return true;
    reply_errorf(c, "ERR %s option of SORT denied due to insufficient ACL permissions.", option);
    return false;
}

/* Takes the option at argument i; gives how many arguments it has, -1 when it is none. */
static int sort_option(struct call *c, struct sort_query *q, uint32_t i)
{
    uint32_t left = c->nargs - i - 1;
    if (call_arg_is(c, i, "asc")) {
        q->desc = false;
    } else if (call_arg_is(c, i, "desc")) {
        q->desc = true;
    } else if (call_arg_is(c, i, "alpha")) {
        q->alpha = true;
    } else if (call_arg_is(c, i, "limit") && left >= 2) {
        if (!call_int(c, i + 1, &q->offset) || !call_int(c, i + 2, &q->count)) return -1;
        return 2;
    } else if (call_arg_is(c, i, "store") && left >= 1 && q->may_store) {
        q->to = i + 1;
        return 1;
    } else if (call_arg_is(c, i, "by") && left >= 1) {
        q->by = sort_pattern(arg(c, i + 1));
        /* "#" has no star either. */
        q->has_by = !q->by.is_fixed && !q->by.is_self;
        q->as_it_is = !q->has_by;
        if (q->has_by && !sort_may_read_all(c, "BY")) return -1;
        return 1;
    } else if (call_arg_is(c, i, "get") && left >= 1) {
        if (!sort_may_read_all(c, "GET")) return -1;
        sort_take_get(c, q, i + 1);
        return 1;
    } else {
        reply_syntax(c);
        return -1;
    }
    return 0;
}

static bool sort_parse(struct call *c, struct sort_query *q)
{
    for (uint32_t i = 2; i < c->nargs; i++) {
        int args = sort_option(c, q, i);
        if (args < 0) return false;
        i += (uint32_t)args;
    }
    return true;
}

/* ---- Ordering ---- */

/* What strtod() makes of the whole text: it skips blanks, and takes nothing for 0. */
static bool sort_number(struct bytes text, double *out)
{
    *out = 0;
    if (number_double(text, out) || text.len == 0) return true;
    while (text.len > 0 && isspace((unsigned char)*text.ptr))
        text = bytes_make(text.ptr + 1, text.len - 1);
    return number_double(text, out);
}

static bool sort_score(struct sort_work *w, const struct sort_element *s, double *out)
{
    struct sort_found found;
    if (!w->q->has_by) {
        if (s->text.ptr != NULL) return sort_number(s->text, out);
        *out = (double)s->number;
        return true;
    }
    *out = 0;
    if (!sort_find(w->c, &w->q->by, s, &w->name, &found)) return true;
    return sort_number(found.text, out);
}

/* The first bytes of a text, so that they compare like it. */
static uint64_t sort_prefix(struct bytes text)
{
    uint64_t key = 0;
    size_t n = text.len < sizeof key ? text.len : sizeof key;
    for (size_t i = 0; i < n; i++) key |= (uint64_t)(uint8_t)text.ptr[i] << (56 - 8 * i);
    return key;
}

static uint64_t sort_alpha(struct sort_work *w, uint64_t i)
{
    const struct sort_element *s = &w->v.list[i];
    char scratch[NUMBER_INT_CHARS];
    if (!w->q->has_by) return sort_prefix(sort_text(s, scratch));
    struct sort_found found;
    w->alphas[i] = bytes_make(NULL, 0);
    if (!sort_find(w->c, &w->q->by, s, &w->name, &found)) return 0;
    w->alphas[i] = found.is_volatile ? sort_keep(&w->v, found.text) : found.text;
    return sort_prefix(found.text);
}

static int sort_compare_alphas(struct bytes a, struct bytes b)
{
    if (a.ptr == NULL || b.ptr == NULL) return (a.ptr != NULL) - (b.ptr != NULL);
    return bytes_compare(a, b);
}

/* Of elements with equal keys. */
static int sort_tie(void *ctx, uint64_t a, uint64_t b)
{
    const struct sort_work *w = ctx;
    char scratch[2][NUMBER_INT_CHARS];
    int order = w->alphas == NULL ? 0 : sort_compare_alphas(w->alphas[a], w->alphas[b]);
    if (order == 0)
        order = bytes_compare(sort_text(&w->v.list[a], scratch[0]),
                              sort_text(&w->v.list[b], scratch[1]));
    return w->q->desc ? -order : order;
}

/* False: something that is to be a number is none. */
static bool sort_order(struct sort_work *w)
{
    const struct sort_query *q = w->q;
    w->order = heap_alloc(w->v.count * sizeof w->order[0]);
    if (q->alpha && q->has_by) w->alphas = heap_alloc(w->v.count * sizeof w->alphas[0]);
    for (uint64_t i = 0; i < w->v.count; i++) {
        double score = 0;
        if (!q->alpha && !sort_score(w, &w->v.list[i], &score)) return false;
        uint64_t key = q->alpha ? sort_alpha(w, i) : keysort_double(score);
        w->order[i] = (struct keysort_item){q->desc ? ~key : key, i};
    }
    keysort(w->order, w->v.count, w->from, w->to, sort_tie, w);
    return true;
}

/* ---- Answering ---- */

static const struct sort_element *sort_at(const struct sort_work *w, uint64_t i)
{
    return &w->v.list[w->order == NULL ? i : w->order[i].ref];
}

static void sort_reply_element(struct call *c, const struct sort_element *s)
{
    char scratch[NUMBER_INT_CHARS];
    reply_bulk_of(c, sort_text(s, scratch), s->block);
}

static enum run_result sort_reply(struct sort_work *w)
{
    const struct sort_query *q = w->q;
    struct sort_found found;
    uint64_t gets = q->gets_count;
    reply_array(w->c, (w->to - w->from) * (gets == 0 ? 1 : gets));
    for (uint64_t i = w->from; i < w->to; i++) {
        const struct sort_element *s = sort_at(w, i);
        if ((i - w->from) % SORT_LOOK_FULL == SORT_LOOK_FULL - 1 && call_reply_full(w->c)) break;
        if (gets == 0) sort_reply_element(w->c, s);
        for (uint32_t g = 0; g < gets; g++) {
            if (!q->gets[g].is_fixed && sort_find(w->c, &q->gets[g], s, &w->name, &found))
                reply_bulk_of(w->c, found.text, found.block);
            else
                reply_null(w->c);
        }
    }
    return RUN_OK;
}

static void sort_push(struct entry *to, struct bytes text, struct block *b)
{
    list_push(to, false, (struct list_value){text, b == NULL ? NULL : block_share(b)});
}

/* As what it made, since the same command would make something else. */
static void sort_tell(struct call *c, struct key key, const struct entry *made)
{
    struct list_walk w;
    struct list_item item;
    char scratch[LISTPACK_INT_CHARS];
    effect_begin(c, 2);
    effect_word("DEL");
    effect_arg(key.name);
    list_walk_begin(&w, made, 0, true);
    for (uint64_t left = list_count(made); left > 0;) {
        uint32_t n = left < SORT_TELL_MAX ? (uint32_t)left : SORT_TELL_MAX;
        effect_begin(c, 2 + n);
        effect_word("RPUSH");
        effect_arg(key.name);
        for (left -= n; n > 0; n--) {
            must(list_walk_next(&w, &item));
            effect_arg(list_item_text(&item, scratch));
        }
    }
    list_walk_end(&w);
}

static enum run_result sort_store(struct sort_work *w)
{
    const struct sort_query *q = w->q;
    struct call *c = w->c;
    struct key key = call_key(c, q->to);
    if (w->from == w->to) {
        call_delete(c, key);
        return reply_int(c, 0);
    }
    struct entry *to = type_make_entry(key.name, TYPE_LIST);
    char scratch[NUMBER_INT_CHARS];
    struct sort_found found;
    for (uint64_t i = w->from; i < w->to; i++) {
        const struct sort_element *s = sort_at(w, i);
        if (q->gets_count == 0) sort_push(to, sort_text(s, scratch), s->block);
        for (uint32_t g = 0; g < q->gets_count; g++) {
            if (!q->gets[g].is_fixed && sort_find(c, &q->gets[g], s, &w->name, &found))
                sort_push(to, found.text, found.block);
            else
                sort_push(to, bytes_make("", 0), NULL);
        }
    }
    uint64_t count = list_count(to);
    keyspace_put_entry(c->db, key, to);
    if (w->name.met_due) sort_tell(c, key, to);
    call_event(c, count, key, NOTIFY_LIST, "sortstore");
    return reply_int(c, (int64_t)count);
}

/* ---- All of it ---- */

/* The part of `total` elements that LIMIT asks for. */
static void sort_limit(const struct sort_query *q, uint64_t total, uint64_t *from, uint64_t *to)
{
    *from = q->offset < 0 ? 0 : (uint64_t)q->offset;
    if (*from > total) *from = total;
    uint64_t count = q->count < 0 ? total : (uint64_t)q->count;
    *to = count < total - *from ? *from + count : total;
}

static enum run_result sort_run(struct sort_work *w, const struct entry *e)
{
    const struct sort_query *q = w->q;
    uint64_t total = e == NULL ? 0 : type_count(e);
    sort_limit(q, total, &w->from, &w->to);
    if (q->as_it_is) {
        sort_gather(&w->v, e, w->from, w->to - w->from, q->desc);
        w->to -= w->from;
        w->from = 0;
    } else {
        sort_gather(&w->v, e, 0, total, false);
        if (!sort_order(w))
            return reply_error(w->c, "ERR One or more scores can't be converted into double");
    }
    return q->to == 0 ? sort_reply(w) : sort_store(w);
}

static enum run_result sort_do(struct call *c, struct sort_query *q)
{
    if (!sort_parse(c, q)) return RUN_ERROR;
    struct entry *e = keyspace_find(c->db, call_key(c, 1), LOOKUP_READ);
    enum value_type type = e == NULL ? TYPE_LIST : entry_type(e);
    if (type != TYPE_LIST && type != TYPE_SET && type != TYPE_ZSET) return reply_wrong_type(c);
    /* What is stored, or done by a script, must not depend on where a set happens to keep its
     * members. */
    if (type == TYPE_SET && q->as_it_is && (q->to != 0 || call_is_scripted(c))) {
        q->as_it_is = false;
        q->alpha = true;
    }
    struct sort_work w = {.c = c, .q = q};
    enum run_result result = sort_run(&w, e);
    sort_vector_free(&w.v);
    heap_free(w.order);
    heap_free(w.alphas);
    heap_free(w.name.bytes);
    return result;
}

static enum run_result sort_command(struct call *c, bool may_store)
{
    struct sort_query q = {.may_store = may_store, .count = -1};
    q.gets = q.few;
    enum run_result result = sort_do(c, &q);
    if (q.gets != q.few) heap_free(q.gets);
    return result;
}

enum run_result cmd_SORT(struct call *c) { return sort_command(c, true); }
enum run_result cmd_SORT_RO(struct call *c) { return sort_command(c, false); }
