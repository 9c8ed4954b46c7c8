/*
 * Registers of a HyperLogLog. Three packed bytes are four registers: every loop here goes by such
 * groups, or by vectors of them, and the number of registers divides by all of these.
 *
 * The plain forms and the vector forms give the same results; the processor is asked which to take.
 */
#include "codec/hll_registers.h"

#include "base/must.h"

#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

void hll_registers_raise_plain(uint8_t ranks[HLL_REGISTERS], const uint8_t *packed)
{
    for (uint32_t i = 0; i < HLL_REGISTERS; i += 4, packed += 3) {
        uint32_t four = (uint32_t)packed[0] | (uint32_t)packed[1] << 8 | (uint32_t)packed[2] << 16;
        for (uint32_t k = 0; k < 4; k++, four >>= 6) {
            uint8_t rank = four & 63;
            if (rank > ranks[i + k]) ranks[i + k] = rank;
        }
    }
}

void hll_registers_pack_plain(uint8_t *packed, const uint8_t ranks[HLL_REGISTERS])
{
    for (uint32_t i = 0; i < HLL_REGISTERS; i += 4, packed += 3) {
        uint32_t four = 0;
        for (uint32_t k = 0; k < 4; k++) four |= (uint32_t)(ranks[i + k] & 63) << 6 * k;
        packed[0] = (uint8_t)four;
        packed[1] = (uint8_t)(four >> 8);
        packed[2] = (uint8_t)(four >> 16);
    }
}

void hll_registers_histogram_plain(const uint8_t ranks[HLL_REGISTERS],
                                   uint32_t counts[HLL_RANK_LIMIT])
{
    /* Neighbours count in tables of their own: equal ones need not wait for each other's store. */
    uint32_t tables[4][HLL_RANK_LIMIT] = {{0}};
    for (uint32_t i = 0; i < HLL_REGISTERS; i += 4) {
        for (uint32_t k = 0; k < 4; k++) tables[k][ranks[i + k] & 63]++;
    }
    for (uint32_t r = 0; r < HLL_RANK_LIMIT; r++)
        counts[r] = tables[0][r] + tables[1][r] + tables[2][r] + tables[3][r];
}

#ifdef __x86_64__
#define HLL_AVX2 __attribute__((target("avx2")))

enum {
    HLL_VECTOR = 32,        /* registers of a vector */
    HLL_VECTOR_PACKED = 24, /* their bytes when packed */
    HLL_VECTORS = HLL_REGISTERS / HLL_VECTOR,
    HLL_AHEAD = 4,           /* bytes before the packed ones that are read */
    HLL_COUNT_AT_ONCE = 128, /* vectors before a count of 8 bits could pass 255 */
};

/* Two times 12 packed bytes to 32 registers; each half is loaded with the 4 bytes before it. */
static inline HLL_AVX2 __m256i hll_avx2_unpack(const uint8_t *packed)
{
    const __m256i spread =
        _mm256_setr_epi8(4, 5, 6, -1, 7, 8, 9, -1, 10, 11, 12, -1, 13, 14, 15, -1, 4, 5, 6, -1, 7,
                         8, 9, -1, 10, 11, 12, -1, 13, 14, 15, -1);
    __m128i low = _mm_loadu_si128((const __m128i_u *)(packed - HLL_AHEAD));
    __m128i high = _mm_loadu_si128((const __m128i_u *)(packed - HLL_AHEAD + 12));
    __m256i four = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), spread);
    __m256i first = _mm256_and_si256(four, _mm256_set1_epi32(0x3f));
    __m256i second = _mm256_and_si256(_mm256_slli_epi32(four, 2), _mm256_set1_epi32(0x3f00));
    __m256i third = _mm256_and_si256(_mm256_slli_epi32(four, 4), _mm256_set1_epi32(0x3f0000));
    __m256i fourth = _mm256_and_si256(_mm256_slli_epi32(four, 6), _mm256_set1_epi32(0x3f000000));
    return _mm256_or_si256(_mm256_or_si256(first, second), _mm256_or_si256(third, fourth));
}

static HLL_AVX2 void hll_avx2_raise(uint8_t *ranks, const uint8_t *packed)
{
    for (uint32_t v = 0; v < HLL_VECTORS; v++) {
        __m256i_u *to = (__m256i_u *)(ranks + v * HLL_VECTOR);
        __m256i more = hll_avx2_unpack(packed + v * HLL_VECTOR_PACKED);
        _mm256_storeu_si256(to, _mm256_max_epu8(_mm256_loadu_si256(to), more));
    }
}

/* 32 registers to two times 12 bytes, each at the start of a half of the vector. */
static inline HLL_AVX2 __m256i hll_avx2_packed(const uint8_t *ranks)
{
    const __m256i squeeze =
        _mm256_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1, 0, 1, 2, 4, 5, 6,
                         8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
    __m256i all = _mm256_loadu_si256((const __m256i_u *)ranks);
    __m256i pairs = _mm256_maddubs_epi16(all, _mm256_set1_epi16(64 << 8 | 1));
    __m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(4096 << 16 | 1));
    return _mm256_shuffle_epi8(fours, squeeze);
}

static HLL_AVX2 void hll_avx2_pack(uint8_t *packed, const uint8_t *ranks)
{
    for (uint32_t v = 0; v < HLL_VECTORS; v++) {
        uint8_t both[32];
        _mm256_storeu_si256((__m256i_u *)both, hll_avx2_packed(ranks + v * HLL_VECTOR));
        memcpy(packed + v * HLL_VECTOR_PACKED, both, 12);
        memcpy(packed + v * HLL_VECTOR_PACKED + 12, both + 16, 12);
    }
}

/* The largest register. */
static HLL_AVX2 uint8_t hll_avx2_top(const uint8_t *ranks)
{
    __m256i top = _mm256_setzero_si256();
    for (uint32_t v = 0; v < HLL_VECTORS; v++)
        top = _mm256_max_epu8(top, _mm256_loadu_si256((const __m256i_u *)(ranks + v * HLL_VECTOR)));
    uint8_t each[HLL_VECTOR], most = 0;
    _mm256_storeu_si256((__m256i_u *)each, top);
    for (uint32_t i = 0; i < HLL_VECTOR; i++) most = each[i] > most ? each[i] : most;
    return most;
}

static inline HLL_AVX2 uint32_t hll_avx2_sum(__m256i bytes)
{
    __m256i sums = _mm256_sad_epu8(bytes, _mm256_setzero_si256());
    return (uint32_t)(_mm256_extract_epi64(sums, 0) + _mm256_extract_epi64(sums, 1) +
                      _mm256_extract_epi64(sums, 2) + _mm256_extract_epi64(sums, 3));
}

/* Counts four ranks in one pass over the registers. */
static HLL_AVX2 void hll_avx2_count(const uint8_t *ranks, uint8_t rank, uint32_t counts[4])
{
    const __m256i a = _mm256_set1_epi8((char)rank), b = _mm256_set1_epi8((char)(rank + 1)),
                  c = _mm256_set1_epi8((char)(rank + 2)), d = _mm256_set1_epi8((char)(rank + 3));
    for (uint32_t part = 0; part < HLL_VECTORS; part += HLL_COUNT_AT_ONCE) {
        __m256i of_a = _mm256_setzero_si256(), of_b = of_a, of_c = of_a, of_d = of_a;
        for (uint32_t v = part; v < part + HLL_COUNT_AT_ONCE; v++) {
            __m256i all = _mm256_loadu_si256((const __m256i_u *)(ranks + v * HLL_VECTOR));
            of_a = _mm256_sub_epi8(of_a, _mm256_cmpeq_epi8(all, a));
            of_b = _mm256_sub_epi8(of_b, _mm256_cmpeq_epi8(all, b));
            of_c = _mm256_sub_epi8(of_c, _mm256_cmpeq_epi8(all, c));
            of_d = _mm256_sub_epi8(of_d, _mm256_cmpeq_epi8(all, d));
        }
        counts[0] += hll_avx2_sum(of_a);
        counts[1] += hll_avx2_sum(of_b);
        counts[2] += hll_avx2_sum(of_c);
        counts[3] += hll_avx2_sum(of_d);
    }
}

/* Registers that were not made up lie close together: passes that compare cost less than a table.
 */
static HLL_AVX2 void hll_avx2_histogram(const uint8_t *ranks, uint32_t counts[HLL_RANK_LIMIT])
{
    uint8_t top = hll_avx2_top(ranks);
    uint32_t found = 0;
    memset(counts, 0, HLL_RANK_LIMIT * sizeof counts[0]);
    for (uint8_t r = 0; r <= top && r < HLL_RANK_LIMIT && found < HLL_REGISTERS; r += 4) {
        hll_avx2_count(ranks, r, counts + r);
        found += counts[r] + counts[r + 1] + counts[r + 2] + counts[r + 3];
    }
}

static inline bool hll_registers_by_vector(void) { return __builtin_cpu_supports("avx2"); }
#endif

void hll_registers_raise(uint8_t ranks[HLL_REGISTERS], const uint8_t *packed)
{
#ifdef __x86_64__
    if (likely(hll_registers_by_vector())) {
        hll_avx2_raise(ranks, packed);
        return;
    }
#endif
    hll_registers_raise_plain(ranks, packed);
}

void hll_registers_pack(uint8_t *packed, const uint8_t ranks[HLL_REGISTERS])
{
#ifdef __x86_64__
    if (likely(hll_registers_by_vector())) {
        hll_avx2_pack(packed, ranks);
        return;
    }
#endif
    hll_registers_pack_plain(packed, ranks);
}

void hll_registers_histogram(const uint8_t ranks[HLL_REGISTERS], uint32_t counts[HLL_RANK_LIMIT])
{
#ifdef __x86_64__
    if (likely(hll_registers_by_vector())) {
        hll_avx2_histogram(ranks, counts);
        return;
    }
#endif
    hll_registers_histogram_plain(ranks, counts);
}
