/*
 * HyperLogLog: hashing, reading, the estimate and the dense form. How sparse values change is in
 * hll_sparse.c.
 */
#include "codec/hll.h"

#include <endian.h>
#include <math.h>

#define HLL_INDEX_BITS 14
#define HLL_RANK_BITS (64 - HLL_INDEX_BITS)
#define HLL_RANK_TOP (HLL_RANK_BITS + 1)
#define HLL_ALPHA 0.721347520444481703680 /* 1 / (2 ln 2) */
#define HLL_STALE (UINT64_C(1) << 63)

enum { HLL_AT_ESTIMATE = 8 };

/* ---- Hashing ---- */

static inline uint64_t hll_mix(uint64_t k)
{
    const uint64_t m = UINT64_C(0xc6a4a7935bd1e995);
    k *= m;
    k ^= k >> 47;
    return k * m;
}

/* MurmurHash64A of Austin Appleby, as on a little-endian machine. */
static uint64_t hll_hash(struct bytes data)
{
    const uint64_t m = UINT64_C(0xc6a4a7935bd1e995);
    uint64_t h = UINT64_C(0xadc83b19) ^ data.len * m, k;
    const char *p = data.ptr;
    size_t left = data.len;
    for (; left >= sizeof k; left -= sizeof k, p += sizeof k) {
        memcpy(&k, p, sizeof k);
        h = (h ^ hll_mix(le64toh(k))) * m;
    }
    if (left > 0) {
        k = 0;
        memcpy(&k, p, left);
        h = (h ^ le64toh(k)) * m;
    }
    h = (h ^ h >> 47) * m;
    return h ^ h >> 47;
}

struct hll_spot hll_spot_of(struct bytes element)
{
    uint64_t hash = hll_hash(element);
    uint64_t rest = hash >> HLL_INDEX_BITS | UINT64_C(1) << HLL_RANK_BITS;
    return (struct hll_spot){(uint32_t)hash & (HLL_REGISTERS - 1),
                             (uint8_t)(__builtin_ctzll(rest) + 1)};
}

/* ---- Header ---- */

enum hll_form hll_form(struct bytes value)
{
    if (value.len < HLL_HEADER || memcmp(value.ptr, "HYLL", 4) != 0) return HLL_NEITHER;
    switch (value.ptr[HLL_AT_FORM]) {
    case HLL_DENSE: return value.len == HLL_DENSE_BYTES ? HLL_DENSE : HLL_NEITHER;
    case HLL_SPARSE: return HLL_SPARSE;
    default: return HLL_NEITHER;
    }
}

bool hll_cached(struct bytes value, uint64_t *out)
{
    uint64_t kept;
    memcpy(&kept, value.ptr + HLL_AT_ESTIMATE, sizeof kept);
    *out = le64toh(kept);
    return (*out & HLL_STALE) == 0;
}

void hll_set_cached(char *value, uint64_t estimate)
{
    uint64_t kept = htole64(estimate & ~HLL_STALE);
    memcpy(value + HLL_AT_ESTIMATE, &kept, sizeof kept);
}

void hll_drop_cached(char *value)
{
    char *last = value + HLL_AT_ESTIMATE + 7;
    *last = (char)(*last | 0x80);
}

/* ---- Reading ---- */

static inline const uint8_t *hll_packed(const char *value)
{
    return (const uint8_t *)value + HLL_HEADER;
}

bool hll_next_run(struct bytes value, size_t *at, struct hll_run *run)
{
    if (*at == 0) {
        *at = HLL_HEADER;
        *run = (struct hll_run){0};
    }
    if (*at >= value.len) return false;
    const uint8_t *p = (const uint8_t *)value.ptr + *at;
    struct hll_run next = {.first = run->first + run->count, .bytes = 1};
    if (*p & 0x80) {
        next.rank = (uint8_t)((*p >> 2 & 31) + 1);
        next.count = (*p & 3) + 1u;
    } else if (*p & 0x40) {
        if (value.len - *at < 2) return false;
        next.bytes = 2;
        next.count = ((uint32_t)(*p & 63) << 8 | p[1]) + 1;
    } else {
        next.count = *p + 1u;
    }
    if (next.count > HLL_REGISTERS - next.first) return false;
    *at += next.bytes;
    *run = next;
    return true;
}

static bool hll_sparse_merge(uint8_t ranks[HLL_REGISTERS], struct bytes value)
{
    struct hll_run run = {0};
    size_t at = 0;
    while (hll_next_run(value, &at, &run)) {
        if (run.rank == 0) continue;
        for (uint32_t i = run.first; i < run.first + run.count; i++)
            if (run.rank > ranks[i]) ranks[i] = run.rank;
    }
    return at == value.len && run.first + run.count == HLL_REGISTERS;
}

bool hll_merge_into(uint8_t ranks[HLL_REGISTERS], struct bytes value)
{
    if (hll_form(value) == HLL_SPARSE) return hll_sparse_merge(ranks, value);
    hll_registers_raise(ranks, hll_packed(value.ptr));
    return true;
}

static bool hll_sparse_histogram(struct bytes value, uint32_t counts[HLL_RANK_LIMIT])
{
    struct hll_run run = {0};
    size_t at = 0;
    memset(counts, 0, HLL_RANK_LIMIT * sizeof counts[0]);
    while (hll_next_run(value, &at, &run)) counts[run.rank] += run.count;
    return at == value.len && run.first + run.count == HLL_REGISTERS;
}

/* ---- The estimate ---- */

/* The function sigma of the paper: what registers of 0 add. */
static double hll_sigma(double x)
{
    if (x == 1.) return INFINITY;
    double y = 1, z = x, before;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z != before);
    return z;
}

/* The function tau of the paper: what full registers add. */
static double hll_tau(double x)
{
    if (x == 0. || x == 1.) return 0.;
    double y = 1, z = 1 - x, before;
    do {
        x = sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (z != before);
    return z / 3;
}

static uint64_t hll_estimate_of(const uint32_t counts[HLL_RANK_LIMIT])
{
    const double m = HLL_REGISTERS;
    double z = m * hll_tau((m - counts[HLL_RANK_TOP]) / m);
    for (int r = HLL_RANK_BITS; r >= 1; r--) {
        z += counts[r];
        z *= 0.5;
    }
    z += m * hll_sigma(counts[0] / m);
    /* Registers that no hash gives, and nothing else: there is no end to it. */
    if (z == 0.) return INT64_MAX;
    return (uint64_t)llround(HLL_ALPHA * m * m / z);
}

uint64_t hll_estimate_ranks(const uint8_t ranks[HLL_REGISTERS])
{
    uint32_t counts[HLL_RANK_LIMIT];
    hll_registers_histogram(ranks, counts);
    return hll_estimate_of(counts);
}

bool hll_estimate(struct bytes value, uint64_t *out)
{
    if (hll_form(value) == HLL_SPARSE) {
        uint32_t counts[HLL_RANK_LIMIT];
        bool sound = hll_sparse_histogram(value, counts);
        *out = sound ? hll_estimate_of(counts) : 0;
        return sound;
    }
    uint8_t ranks[HLL_REGISTERS] = {0};
    hll_registers_raise(ranks, hll_packed(value.ptr));
    *out = hll_estimate_ranks(ranks);
    return true;
}

/* ---- Changing ---- */

bool hll_dense_raise(char *value, struct hll_spot spot)
{
    uint8_t *packed = (uint8_t *)value + HLL_HEADER;
    if (hll_registers_get(packed, spot.index) >= spot.rank) return false;
    hll_registers_set(packed, spot.index, spot.rank);
    return true;
}

bool hll_copy(struct hll *h, struct bytes value)
{
    if (value.len > HLL_SPARSE_BYTES) return false;
    memcpy(h->bytes, value.ptr, value.len);
    h->len = value.len;
    return true;
}

bool hll_densify(struct hll *h)
{
    struct bytes value = bytes_make(h->bytes, h->len);
    if (hll_form(value) == HLL_DENSE) return true;
    uint8_t ranks[HLL_REGISTERS] = {0};
    if (!hll_merge_into(ranks, value)) return false;
    h->bytes[HLL_AT_FORM] = HLL_DENSE;
    h->len = HLL_DENSE_BYTES;
    hll_registers_pack((uint8_t *)h->bytes + HLL_HEADER, ranks);
    return true;
}
