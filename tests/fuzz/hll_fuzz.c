/*
 * Fuzzes HyperLogLogs: the input is a sparse value behind its header. Whatever the runs are:
 * reading gives the same verdict by every way, and a sound value stays sound and keeps its
 * registers while it is raised, whether it stays sparse or becomes dense.
 */
#include "codec/hll.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) abort();
}

static bool read_all(const struct hll *h, uint8_t ranks[HLL_REGISTERS])
{
    memset(ranks, 0, HLL_REGISTERS);
    /* A copy on the heap of exactly its size, so that a read past its end is seen. */
    char *copy = malloc(h->len);
    memcpy(copy, h->bytes, h->len);
    struct bytes value = bytes_make(copy, h->len);
    uint64_t estimate;
    bool sound = hll_merge_into(ranks, value);
    check(hll_estimate(value, &estimate) == sound);
    if (sound) check(estimate == hll_estimate_ranks(ranks));
    free(copy);
    return sound;
}

static void raise_some(struct hll *h, const uint8_t *data, size_t size)
{
    static uint8_t ranks[HLL_REGISTERS], after[HLL_REGISTERS];
    bool sound = read_all(h, ranks);
    for (size_t i = 0; i + 3 <= size && i < 3 * 64; i += 3) {
        struct hll_spot spot = {(uint32_t)(data[i] << 8 | data[i + 1]) % HLL_REGISTERS,
                                (uint8_t)(data[i + 2] % 51 + 1)};
        enum hll_raised raised = hll_raise(h, spot, 3000, &(struct hll_cursor){0});
        if (!sound) continue;
        check(raised == (spot.rank > ranks[spot.index] ? HLL_RAISED : HLL_SAME));
        if (raised == HLL_RAISED) ranks[spot.index] = spot.rank;
    }
    check(h->len <= HLL_SPARSE_BYTES);
    bool still = read_all(h, after);
    if (sound) check(still && memcmp(ranks, after, sizeof ranks) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hll h;
    if (size > 4096) return 0;
    hll_init(&h);
    memcpy(h.bytes + HLL_HEADER, data, size);
    h.len = HLL_HEADER + size;
    raise_some(&h, data, size);
    /* The same input as changes of a sound value. */
    hll_init(&h);
    raise_some(&h, data, size);
    return 0;
}
