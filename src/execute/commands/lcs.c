/*
 * LCS: the longest common subsequence of two strings, by dynamic programming.
 *
 * Only one row of lengths is kept. What the way back needs of each cell is one bit, "the cell above
 * was longer than the one to the left": whether the bytes match it sees for itself. So memory is a
 * 32nd of the full table; the limit that the error speaks of is still that of a full table of
 * 32-bit cells, as clients of Redis know it, and it bounds the time too.
 */
#include "execute/commands/string_value.h"
#include "execute/commands/table.h"
#include "execute/types/heap.h"

struct lcs_options {
    bool len, idx, with_match_len;
    int64_t min_match_len;
};

struct lcs {
    struct bytes a, b;
    uint32_t *row;   /* b.len + 1 lengths */
    uint64_t *above; /* a.len rows of `words` words, or NULL when nobody walks back */
    size_t words;
};

/* A run of matching bytes while the way back is walked: [a, a + len) of one string and [b, b + len)
 * of the other. */
struct lcs_run {
    size_t a, b, len;
};

static bool lcs_parse(struct call *c, struct lcs_options *o)
{
    *o = (struct lcs_options){0};
    for (uint32_t i = 3; i < c->nargs; i++) {
        if (call_arg_is(c, i, "len")) {
            o->len = true;
        } else if (call_arg_is(c, i, "idx")) {
            o->idx = true;
        } else if (call_arg_is(c, i, "withmatchlen")) {
            o->with_match_len = true;
        } else if (call_arg_is(c, i, "minmatchlen") && i + 1 < c->nargs) {
            if (!call_int(c, ++i, &o->min_match_len)) return false;
        } else {
            reply_syntax(c);
            return false;
        }
    }
    if (!o->len || !o->idx) return true;
    reply_error(c, "ERR If you want both the length and indexes, please just use IDX.");
    return false;
}

static bool lcs_fits(struct call *c, struct bytes a, struct bytes b)
{
    uint64_t cells, size;
    const char *error = NULL;
    if (a.len >= UINT32_MAX - 1 || b.len >= UINT32_MAX - 1)
        error = "ERR String too long for LCS";
    else if (__builtin_mul_overflow(a.len + 1, b.len + 1, &cells) ||
             __builtin_mul_overflow(cells, sizeof(uint32_t), &size))
        error = "ERR Insufficient memory, failed allocating transient memory for LCS";
    else if (size > (uint64_t)c->settings->proto_max_bulk_len)
        error = "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
    if (error != NULL) reply_error(c, error);
    return error == NULL;
}

/* Fills the table row by row; gives the length of the subsequence. */
static uint32_t lcs_fill(struct lcs *t)
{
    memset(t->row, 0, (t->b.len + 1) * sizeof *t->row);
    for (size_t i = 0; i < t->a.len; i++) {
        uint32_t diagonal = 0, left = 0;
        uint64_t *above = t->above == NULL ? NULL : t->above + i * t->words;
        uint64_t bits = 0;
        for (size_t j = 0; j < t->b.len; j++) {
            uint32_t up = t->row[j + 1];
            bool is_above = up > left;
            uint32_t here = t->a.ptr[i] == t->b.ptr[j] ? diagonal + 1 : is_above ? up : left;
            t->row[j + 1] = left = here;
            diagonal = up;
            bits |= (uint64_t)is_above << (j % 64);
            if (above == NULL || (j % 64 != 63 && j + 1 != t->b.len)) continue;
            above[j / 64] = bits;
            bits = 0;
        }
    }
    return t->row[t->b.len];
}

/* One step of the way back from the cell (*i, *j), counted from 1. True when the bytes there match.
 */
static bool lcs_back(const struct lcs *t, size_t *i, size_t *j)
{
    size_t a = *i - 1, b = *j - 1;
    if (t->a.ptr[a] == t->b.ptr[b]) {
        *i = a;
        *j = b;
        return true;
    }
    bool above = t->above[a * t->words + b / 64] >> (b % 64) & 1;
    *(above ? i : j) -= 1;
    return false;
}

static enum run_result lcs_reply_text(struct call *c, const struct lcs *t, uint32_t len)
{
    char *text = heap_alloc(len + 1);
    size_t i = t->a.len, j = t->b.len, left = len;
    while (i > 0 && j > 0) {
        if (lcs_back(t, &i, &j)) text[--left] = t->a.ptr[i];
    }
    reply_bulk(c, bytes_make(text, len));
    heap_free(text);
    return RUN_OK;
}

static uint64_t lcs_reply_run(struct call *c, const struct lcs_options *o, struct lcs_run r)
{
    if (r.len == 0 || (int64_t)r.len < o->min_match_len) return 0;
    reply_array(c, o->with_match_len ? 3 : 2);
    reply_array(c, 2);
    reply_int(c, (int64_t)r.a);
    reply_int(c, (int64_t)(r.a + r.len - 1));
    reply_array(c, 2);
    reply_int(c, (int64_t)r.b);
    reply_int(c, (int64_t)(r.b + r.len - 1));
    if (o->with_match_len) reply_int(c, (int64_t)r.len);
    return 1;
}

/* The runs, the last one first. */
static enum run_result lcs_reply_index(struct call *c, const struct lcs *t,
                                       const struct lcs_options *o, uint32_t len)
{
    reply_map(c, 2);
    reply_text(c, "matches");
    size_t mark = reply_defer(c);
    uint64_t shown = 0;
    struct lcs_run run = {0, 0, 0};
    size_t i = t->a.len, j = t->b.len;
    while (i > 0 && j > 0) {
        if (lcs_back(t, &i, &j)) {
            run = (struct lcs_run){i, j, run.len + 1};
        } else {
            shown += lcs_reply_run(c, o, run);
            run.len = 0;
        }
    }
    shown += lcs_reply_run(c, o, run);
    reply_defer_array(c, mark, shown);
    reply_text(c, "len");
    return reply_int(c, len);
}

static enum run_result lcs_answer(struct call *c, const struct lcs_options *o, struct bytes a,
                                  struct bytes b)
{
    struct lcs t = {.a = a, .b = b, .words = (b.len + 63) / 64};
    t.row = heap_alloc((b.len + 1) * sizeof *t.row);
    if (!o->len) t.above = heap_alloc(a.len * t.words * sizeof *t.above + 1);

    uint32_t len = lcs_fill(&t);
    if (o->len)
        reply_int(c, len);
    else if (o->idx)
        lcs_reply_index(c, &t, o, len);
    else
        lcs_reply_text(c, &t, len);

    heap_free(t.row);
    if (t.above != NULL) heap_free(t.above);
    return RUN_OK;
}

enum run_result cmd_LCS(struct call *c)
{
    struct lcs_options o;
    struct entry *a = keyspace_find(c->db, call_key(c, 1), LOOKUP_READ);
    struct entry *b = keyspace_find(c->db, call_key(c, 2), LOOKUP_READ);
    if ((a != NULL && entry_type(a) != TYPE_STRING) || (b != NULL && entry_type(b) != TYPE_STRING))
        return reply_error(c, "ERR The specified keys must contain string values");
    if (!lcs_parse(c, &o)) return RUN_ERROR;

    char scratch_a[STRING_INT_CHARS], scratch_b[STRING_INT_CHARS];
    struct bytes text_a = string_value_bytes(a, scratch_a),
                 text_b = string_value_bytes(b, scratch_b);
    if (!lcs_fits(c, text_a, text_b)) return RUN_ERROR;
    return lcs_answer(c, &o, text_a, text_b);
}
