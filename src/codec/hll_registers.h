/*
 * The 16,384 registers of a HyperLogLog: packed, 6 bits each, from the lowest bit of the first byte
 * on; or unpacked, a byte each. Pure functions, with AVX2 where the processor has it.
 */
#ifndef CODEC_HLL_REGISTERS_H
#define CODEC_HLL_REGISTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HLL_REGISTERS 16384
#define HLL_PACKED_BYTES (HLL_REGISTERS * 6 / 8)
#define HLL_RANK_LIMIT 64 /* registers are below it */

static inline uint8_t hll_registers_get(const uint8_t *packed, uint32_t index)
{
    const uint8_t *p = packed + index / 4 * 3;
    uint32_t four = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
    return four >> index % 4 * 6 & 63;
}

static inline void hll_registers_set(uint8_t *packed, uint32_t index, uint8_t rank)
{
    uint8_t *p = packed + index / 4 * 3;
    uint32_t shift = index % 4 * 6;
    uint32_t four = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
    four = (four & ~(UINT32_C(63) << shift)) | (uint32_t)(rank & 63) << shift;
    p[0] = (uint8_t)four;
    p[1] = (uint8_t)(four >> 8);
    p[2] = (uint8_t)(four >> 16);
}

/* Each of `ranks` becomes the larger one of itself and the packed register. The 4 bytes before
 * `packed` are read too (they may hold anything). */
void hll_registers_raise(uint8_t ranks[HLL_REGISTERS], const uint8_t *packed);
void hll_registers_pack(uint8_t *packed, const uint8_t ranks[HLL_REGISTERS]);
/* Sets counts[r] to how many registers hold r. */
void hll_registers_histogram(const uint8_t ranks[HLL_REGISTERS], uint32_t counts[HLL_RANK_LIMIT]);

/* The same without the vector instructions, to compare. */
void hll_registers_raise_plain(uint8_t ranks[HLL_REGISTERS], const uint8_t *packed);
void hll_registers_pack_plain(uint8_t *packed, const uint8_t ranks[HLL_REGISTERS]);
void hll_registers_histogram_plain(const uint8_t ranks[HLL_REGISTERS],
                                   uint32_t counts[HLL_RANK_LIMIT]);

#endif
