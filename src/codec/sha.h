/*
 * What SHA-1 and SHA-256 (FIPS 180-4) share: messages are taken in blocks of 64 bytes, of 16
 * big-endian words each; what is left over, a one bit, zeros and the length in bits make one or two
 * blocks more. Pure functions.
 */
#ifndef CODEC_SHA_H
#define CODEC_SHA_H

#include "base/bytes.h"

static inline uint32_t sha_read_word(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Takes the whole message and what ends it. */
void sha_take(uint32_t *state, struct bytes data,
              void (*take_block)(uint32_t *state, const uint8_t *block));
/* The sum of `len` bytes. */
void sha_give(const uint32_t *state, uint8_t *out, unsigned len);
/* A sum of `len` bytes in lower-case digits, and a terminator. */
void sha_print(const uint8_t *sum, unsigned len, char *out);

#endif
