/*
 * SHA-256 (FIPS 180-4): what is kept of a password. Pure functions.
 */
#ifndef CODEC_SHA256_H
#define CODEC_SHA256_H

#include "base/bytes.h"

#define SHA256_BYTES 32
#define SHA256_HEX_CHARS 64

/* `out` may overlap `data`. */
void sha256(struct bytes data, uint8_t out[SHA256_BYTES]);
/* Lower-case digits and a terminator. */
void sha256_print(const uint8_t sum[SHA256_BYTES], char out[SHA256_HEX_CHARS + 1]);
/* False when the text is not just SHA256_HEX_CHARS lower-case digits. */
bool sha256_read(struct bytes text, uint8_t out[SHA256_BYTES]);

#endif
