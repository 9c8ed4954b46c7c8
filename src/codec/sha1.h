/*
 * SHA-1 (FIPS 180-4): names scripts and sums up data sets, as Redis's users know them by it. Not
 * for anything secret. Pure functions.
 */
#ifndef CODEC_SHA1_H
#define CODEC_SHA1_H

#include "base/bytes.h"

#define SHA1_BYTES 20
#define SHA1_HEX_CHARS 40

/* `out` may overlap `data`. */
void sha1(struct bytes data, uint8_t out[SHA1_BYTES]);
/* Lower-case digits and a terminator. */
void sha1_print(const uint8_t sum[SHA1_BYTES], char out[SHA1_HEX_CHARS + 1]);

#endif
