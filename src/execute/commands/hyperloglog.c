/*
 * HyperLogLogs: PFADD, PFCOUNT, PFMERGE. They are strings; codec/hll.h has their form.
 *
 * Dense values are changed where they are. Sparse ones are changed in a copy on the stack, which
 * has room for what may come of them, and stored again.
 */
#include "execute/commands/hyperloglog.h"

#include "execute/commands/string_value.h"
#include "execute/commands/table.h"

bool hyperloglog_find(struct call *c, uint32_t i, enum lookup how, struct entry **e,
                      struct bytes *value)
{
    *value = bytes_make(NULL, 0);
    if (!string_value_find(c, call_key(c, i), how, e)) return false;
    if (*e == NULL) return true;
    char scratch[STRING_INT_CHARS];
    struct bytes found = string_bytes(*e, scratch);
    if (hll_form(found) == HLL_NEITHER) {
        reply_error(c, "WRONGTYPE Key is not a valid HyperLogLog string value.");
        return false;
    }
    *value = found;
    return true;
}

void hyperloglog_store(struct call *c, uint32_t i, struct entry **e, const struct hll *h)
{
    char *value = keyspace_edit_string(c->db, call_key(c, i), e, h->len);
    memcpy(value, h->bytes, h->len);
}

/* ---- PFADD ---- */

static enum run_result hyperloglog_add_dense(struct call *c, struct entry *e, struct bytes value)
{
    char *bytes = NULL;
    uint32_t raised = 0;
    for (uint32_t i = 2; i < c->nargs; i++) {
        struct hll_spot spot = hll_spot_of(arg(c, i));
        const uint8_t *packed = (const uint8_t *)value.ptr + HLL_HEADER;
        if (hll_registers_get(packed, spot.index) >= spot.rank) continue;
        if (bytes == NULL) {
            bytes = keyspace_edit_string(c->db, call_key(c, 1), &e, value.len);
            value.ptr = bytes;
        }
        raised += hll_dense_raise(bytes, spot);
    }
    if (raised == 0) return reply_int(c, 0);
    hll_drop_cached(bytes);
    call_event(c, raised, call_key(c, 1), NOTIFY_STRING, "pfadd");
    return reply_int(c, 1);
}

enum run_result cmd_PFADD(struct call *c)
{
    struct entry *e;
    struct bytes value;
    if (!hyperloglog_find(c, 1, LOOKUP_WRITE, &e, &value)) return RUN_ERROR;
    if (e != NULL && hll_form(value) == HLL_DENSE) return hyperloglog_add_dense(c, e, value);

    struct hll h;
    if (e == NULL)
        hll_init(&h);
    else if (!hll_copy(&h, value))
        return reply_error(c, ERR_HLL_BROKEN);

    size_t sparse_max = (size_t)c->settings->hll_sparse_max_bytes;
    enum hll_raised raised = HLL_SAME;
    uint32_t changes = e == NULL;
    for (uint32_t i = 2; i < c->nargs && raised != HLL_BROKEN; i++) {
        raised = hll_raise(&h, hll_spot_of(arg(c, i)), sparse_max, &(struct hll_cursor){0});
        changes += raised == HLL_RAISED;
    }
    /* What was added before a broken place was met stays added. */
    if (changes > 0) {
        hll_drop_cached(h.bytes);
        hyperloglog_store(c, 1, &e, &h);
        call_event(c, changes, call_key(c, 1), NOTIFY_STRING, "pfadd");
    }
    if (raised == HLL_BROKEN) return reply_error(c, ERR_HLL_BROKEN);
    return reply_int(c, changes > 0);
}

/* ---- PFCOUNT ---- */

/* Raises `ranks` by the keys from argument `from` on; *dense tells whether one of them is. False:
 * one cannot be read, and the error is answered. */
static bool hyperloglog_merge_keys(struct call *c, uint32_t from, uint8_t ranks[HLL_REGISTERS],
                                   bool *dense)
{
    *dense = false;
    for (uint32_t i = from; i < c->nargs; i++) {
        struct entry *e;
        struct bytes value;
        if (!hyperloglog_find(c, i, LOOKUP_READ, &e, &value)) return false;
        if (e == NULL) continue;
        if (hll_form(value) == HLL_DENSE) *dense = true;
        if (!hll_merge_into(ranks, value)) {
            reply_error(c, ERR_HLL_BROKEN);
            return false;
        }
    }
    return true;
}

static enum run_result hyperloglog_count_union(struct call *c)
{
    uint8_t ranks[HLL_REGISTERS] = {0};
    bool dense;
    if (!hyperloglog_merge_keys(c, 1, ranks, &dense)) return RUN_ERROR;
    return reply_int(c, (int64_t)hll_estimate_ranks(ranks));
}

enum run_result cmd_PFCOUNT(struct call *c)
{
    if (c->nargs > 2) return hyperloglog_count_union(c);
    struct entry *e;
    struct bytes value;
    uint64_t estimate;
    if (!hyperloglog_find(c, 1, LOOKUP_READ, &e, &value)) return RUN_ERROR;
    if (e == NULL) return reply_int(c, 0);
    if (hll_cached(value, &estimate)) return reply_int(c, (int64_t)estimate);
    if (!hll_estimate(value, &estimate)) return reply_error(c, ERR_HLL_BROKEN);

    /* The next one need not count; the value is another one for who compares or copies it. */
    hll_set_cached(keyspace_edit_string(c->db, call_key(c, 1), &e, value.len), estimate);
    call_touched(c, 1, call_key(c, 1));
    return reply_int(c, (int64_t)estimate);
}

/* ---- PFMERGE ---- */

/* Raises all registers of `h` to `ranks`, which are none of them lower. */
static void hyperloglog_raise_all(struct hll *h, const uint8_t ranks[HLL_REGISTERS],
                                  size_t sparse_max)
{
    struct hll_cursor cursor = {0};
    uint32_t i = 0;
    for (; i < HLL_REGISTERS && h->bytes[HLL_AT_FORM] == HLL_SPARSE; i++) {
        if (ranks[i] == 0) continue;
        struct hll_spot spot = {i, ranks[i]};
        must(hll_raise(h, spot, sparse_max, &cursor) != HLL_BROKEN);
    }
    if (i < HLL_REGISTERS) hll_registers_pack((uint8_t *)h->bytes + HLL_HEADER, ranks);
}

enum run_result cmd_PFMERGE(struct call *c)
{
    uint8_t ranks[HLL_REGISTERS] = {0};
    bool dense;
    if (!hyperloglog_merge_keys(c, 1, ranks, &dense)) return RUN_ERROR;

    struct entry *e;
    struct bytes value;
    struct hll h;
    if (!hyperloglog_find(c, 1, LOOKUP_WRITE, &e, &value)) return RUN_ERROR;
    if (e == NULL)
        hll_init(&h);
    else
        must(hll_copy(&h, value));
    if (dense) must(hll_densify(&h));
    hyperloglog_raise_all(&h, ranks, (size_t)c->settings->hll_sparse_max_bytes);
    hll_drop_cached(h.bytes);
    hyperloglog_store(c, 1, &e, &h);
    call_event(c, 1, call_key(c, 1), NOTIFY_STRING, "pfadd");
    return reply_ok(c);
}
