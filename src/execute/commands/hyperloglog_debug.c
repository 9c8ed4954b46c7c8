/*
 * PFDEBUG, which shows the insides of a HyperLogLog, and PFSELFTEST.
 */
#include "execute/commands/hyperloglog.h"

#include "base/must.h"
#include "execute/commands/table.h"
#include "execute/core/event.h"
#include "execute/types/heap.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- PFDEBUG ---- */

/* Makes the value at argument 2 dense; *done is false when it already was. */
static bool hyperloglog_densify_key(struct call *c, struct entry **e, struct bytes *value,
                                    bool *done)
{
    *done = hll_form(*value) == HLL_SPARSE;
    if (!*done) return true;
    struct hll h;
    if (!hll_copy(&h, *value) || !hll_densify(&h)) {
        reply_error(c, ERR_HLL_BROKEN);
        return false;
    }
    hyperloglog_store(c, 2, e, &h);
    *value = string_bytes(*e, (char[STRING_INT_CHARS]){0});
    call_touched(c, 1, call_key(c, 2));
    return true;
}

static enum run_result hyperloglog_getreg(struct call *c, struct entry *e, struct bytes value)
{
    bool done;
    if (!hyperloglog_densify_key(c, &e, &value, &done)) return RUN_ERROR;
    reply_array(c, HLL_REGISTERS);
    for (uint32_t i = 0; i < HLL_REGISTERS; i++)
        reply_int(c, hll_registers_get((const uint8_t *)value.ptr + HLL_HEADER, i));
    return RUN_OK;
}

/* The runs as text: "z:" and "Z:" zeros in one byte and in two, "v:" a rank and how often. */
static enum run_result hyperloglog_decode(struct call *c, struct bytes value)
{
    enum { RUN_CHARS = 10 };
    if (hll_form(value) != HLL_SPARSE) return reply_error(c, "ERR HLL encoding is not sparse");

    /* Sound or not, there is no run after the last register. */
    char *text = heap_alloc((size_t)HLL_REGISTERS * RUN_CHARS);
    struct hll_run run = {0};
    size_t at = 0, len = 0;
    while (hll_next_run(value, &at, &run)) {
        int n = run.rank != 0
                    ? snprintf(text + len, RUN_CHARS, "v:%u,%" PRIu32 " ", run.rank, run.count)
                    : snprintf(text + len, RUN_CHARS, "%c:%" PRIu32 " ", run.bytes == 1 ? 'z' : 'Z',
                               run.count);
        len += (size_t)n;
    }
    if (len > 0) len--;
    reply_bulk(c, bytes_make(text, len));
    heap_free(text);
    return RUN_OK;
}

enum run_result cmd_PFDEBUG(struct call *c)
{
    struct entry *e;
    struct bytes value;
    bool done;
    if (!hyperloglog_find(c, 2, LOOKUP_WRITE, &e, &value)) return RUN_ERROR;
    if (e == NULL) return reply_error(c, "ERR The specified key does not exist");
    if (call_arg_is(c, 1, "getreg")) return hyperloglog_getreg(c, e, value);
    if (call_arg_is(c, 1, "decode")) return hyperloglog_decode(c, value);
    if (call_arg_is(c, 1, "encoding"))
        return reply_status(c, hll_form(value) == HLL_DENSE ? "dense" : "sparse");
    if (call_arg_is(c, 1, "todense")) {
        if (!hyperloglog_densify_key(c, &e, &value, &done)) return RUN_ERROR;
        return reply_int(c, done);
    }
    return reply_errorf(c, "ERR Unknown PFDEBUG subcommand '%.*s'", (int)arg(c, 1).len,
                        arg(c, 1).ptr);
}

/* ---- PFSELFTEST ---- */

enum {
    SELFTEST_ROUNDS = 20,
    SELFTEST_ELEMENTS = 200000,
};
#define SELFTEST_ERROR 0.04 /* five times the standard error */

/* Registers at random, packed and read again, with and without vectors. */
static bool hyperloglog_registers_work(void)
{
    static uint8_t ranks[HLL_REGISTERS], again[HLL_REGISTERS];
    static struct {
        uint8_t before[HLL_HEADER], packed[HLL_PACKED_BYTES];
    } vector, plain;
    uint32_t seed = 1, counts[2][HLL_RANK_LIMIT];
    for (int round = 0; round < SELFTEST_ROUNDS; round++) {
        for (uint32_t i = 0; i < HLL_REGISTERS; i++) {
            seed = seed * 1664525 + 1013904223;
            ranks[i] = (uint8_t)(seed >> 26);
            hll_registers_set(vector.packed, i, ranks[i]);
        }
        for (uint32_t i = 0; i < HLL_REGISTERS; i++)
            if (hll_registers_get(vector.packed, i) != ranks[i]) return false;
        hll_registers_pack_plain(plain.packed, ranks);
        if (memcmp(&vector, &plain, sizeof plain) != 0) return false;
        hll_registers_pack(vector.packed, ranks);
        if (memcmp(&vector, &plain, sizeof plain) != 0) return false;
        memset(again, 0, sizeof again);
        hll_registers_raise(again, vector.packed);
        if (memcmp(ranks, again, sizeof again) != 0) return false;
        hll_registers_histogram(ranks, counts[0]);
        hll_registers_histogram_plain(ranks, counts[1]);
        if (memcmp(counts[0], counts[1], sizeof counts[0]) != 0) return false;
    }
    return true;
}

/* Different elements, counted by a sparse and by a dense value: the same estimate, and a good one.
 */
static bool hyperloglog_estimates_well(uint32_t *bad_at)
{
    struct hll sparse, dense;
    hll_init(&sparse);
    hll_init(&dense);
    must(hll_densify(&dense));
    uint32_t look_at = 1;
    for (uint32_t n = 1; n <= SELFTEST_ELEMENTS; n++) {
        struct hll_spot spot = hll_spot_of(bytes_make((const char *)&n, sizeof n));
        hll_raise(&sparse, spot, HLL_DENSE_BYTES / 4, &(struct hll_cursor){0});
        hll_dense_raise(dense.bytes, spot);
        if (n < look_at) continue;
        look_at += 1 + look_at / 4;
        *bad_at = n;
        uint64_t a, b;
        if (!hll_estimate(bytes_make(sparse.bytes, sparse.len), &a)) return false;
        if (!hll_estimate(bytes_make(dense.bytes, dense.len), &b) || a != b) return false;
        if (fabs((double)a - n) > 1 + n * SELFTEST_ERROR) return false;
    }
    return true;
}

enum run_result cmd_PFSELFTEST(struct call *c)
{
    uint32_t bad_at;
    if (!hyperloglog_registers_work())
        return reply_error(c, "TESTFAILED registers are not read back as they were written");
    if (!hyperloglog_estimates_well(&bad_at))
        return reply_errorf(c, "TESTFAILED the estimate of %" PRIu32 " elements is off", bad_at);
    return reply_ok(c);
}
