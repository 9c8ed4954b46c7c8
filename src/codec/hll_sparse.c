/*
 * How a sparse HyperLogLog changes. A register is raised by splitting the run that it is in, at
 * most into what is left of it, itself, and what is right of it; then runs around it that became
 * equal are joined.
 *
 * Where Redis splits, joins and gives up is kept to the byte: the same elements added in the same
 * order make the same string.
 */
#include "codec/hll.h"

#include "base/must.h"

enum {
    HLL_ZEROS_SHORT = 64, /* registers of a one-byte run of zeros */
    HLL_RANKS_MAX = 4,    /* registers of a run of a rank */
    HLL_RANK_SPARSE = 32, /* the highest rank of a run */
    HLL_SPLIT_BYTES = 5,  /* of the three runs of a split */
    HLL_JOIN_LOOKS = 5,   /* runs that are looked at to join them */
};

void hll_init(struct hll *h)
{
    static const uint8_t empty[HLL_HEADER + 2] = {'H',        'Y',         'L', 'L',
                                                  HLL_SPARSE, [16] = 0x7f, 0xff};
    memcpy(h->bytes, empty, sizeof empty);
    h->len = sizeof empty;
}

/* Writes a run of `count` registers, which one run can say, and gives its bytes. */
static size_t hll_put_run(uint8_t *out, uint8_t rank, uint32_t count)
{
    if (count == 0) return 0;
    uint32_t n = count - 1;
    if (rank != 0) {
        out[0] = (uint8_t)(0x80u | (rank - 1u) << 2 | n);
        return 1;
    }
    if (count <= HLL_ZEROS_SHORT) {
        out[0] = (uint8_t)n;
        return 1;
    }
    out[0] = (uint8_t)(0x40 | n >> 8);
    out[1] = (uint8_t)n;
    return 2;
}

/* How many registers the run at `p` has, and how many bytes. Of a long one that is cut off the byte
 * behind the value counts. */
static inline uint32_t hll_run_count(const uint8_t *p, size_t *bytes)
{
    uint8_t head = *p;
    *bytes = 1;
    if (head & 0x80) return (head & 3) + 1u;
    if (likely((head & 0x40) == 0)) return head + 1u;
    *bytes = 2;
    return ((uint32_t)(head & 63) << 8 | p[1]) + 1;
}

/* Joins neighbours of one rank from `at` on, as far as it looks. */
static void hll_join_runs(struct hll *h, size_t at)
{
    uint8_t *p = (uint8_t *)h->bytes;
    for (int look = 0; look < HLL_JOIN_LOOKS && at < h->len; look++) {
        if ((p[at] & 0x80) == 0) {
            at += p[at] & 0x40 ? 2 : 1;
            continue;
        }
        bool same = at + 1 < h->len && (p[at + 1] & 0x80) && (p[at] ^ p[at + 1]) >> 2 == 0;
        uint32_t both = same ? (p[at] & 3) + (p[at + 1] & 3) + 2u : 0;
        if (!same || both > HLL_RANKS_MAX) {
            at++;
            continue;
        }
        /* The joined run is looked at again: it may join with the next one. */
        p[at] = (uint8_t)((p[at] & 0xfc) | (both - 1));
        memmove(p + at + 1, p + at + 2, h->len - at - 2);
        h->len--;
    }
}

/* Finds the run that holds the register and where it begins; false when there is none. */
static bool hll_find_run(const struct hll *h, uint32_t index, struct hll_cursor *cursor,
                         struct hll_run *run, size_t *start)
{
    struct bytes value = bytes_make(h->bytes, h->len);
    size_t prev = cursor->prev, at = prev != 0 ? prev : HLL_HEADER;
    uint32_t first = cursor->first, prev_first = first;
    while (at < h->len) {
        size_t bytes;
        uint32_t count = hll_run_count((const uint8_t *)h->bytes + at, &bytes);
        if (index < first + count) break;
        prev = at;
        prev_first = first;
        at += bytes;
        first += count;
    }
    *cursor = (struct hll_cursor){prev, prev_first};
    *start = at;
    *run = (struct hll_run){.first = first};
    return hll_next_run(value, &at, run);
}

static enum hll_raised hll_raise_densely(struct hll *h, struct hll_spot spot)
{
    if (!hll_densify(h)) return HLL_BROKEN;
    return hll_dense_raise(h->bytes, spot) ? HLL_RAISED : HLL_SAME;
}

enum hll_raised hll_raise(struct hll *h, struct hll_spot spot, size_t sparse_max,
                          struct hll_cursor *cursor)
{
    bool dense = hll_form(bytes_make(h->bytes, h->len)) == HLL_DENSE;
    if (dense || spot.rank > HLL_RANK_SPARSE) return hll_raise_densely(h, spot);

    struct hll_run run;
    size_t start;
    if (!hll_find_run(h, spot.index, cursor, &run, &start)) return HLL_BROKEN;
    if (run.rank >= spot.rank) return HLL_SAME;

    uint8_t split[HLL_SPLIT_BYTES];
    size_t len = hll_put_run(split, run.rank, spot.index - run.first);
    len += hll_put_run(split + len, spot.rank, 1);
    len += hll_put_run(split + len, run.rank, run.first + run.count - spot.index - 1);
    size_t end = start + run.bytes, longer = h->len - run.bytes + len;
    if (len > run.bytes && (longer > sparse_max || longer > HLL_SPARSE_BYTES))
        return hll_raise_densely(h, spot);

    memmove(h->bytes + start + len, h->bytes + end, h->len - end);
    memcpy(h->bytes + start, split, len);
    h->len = longer;
    hll_join_runs(h, cursor->prev != 0 ? cursor->prev : HLL_HEADER);
    return HLL_RAISED;
}
