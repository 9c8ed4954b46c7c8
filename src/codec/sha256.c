/* The steps of a block; codec/sha.h has the rest. */
#include "codec/sha256.h"

#include "codec/sha.h"

enum { SHA256_STEPS = 64 };

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t sha256_constants[SHA256_STEPS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t sha256_rotate(uint32_t x, unsigned n) { return x >> n | x << (32 - n); }

static uint32_t sha256_spread_low(uint32_t x)
{
    return sha256_rotate(x, 7) ^ sha256_rotate(x, 18) ^ x >> 3;
}

static uint32_t sha256_spread_high(uint32_t x)
{
    return sha256_rotate(x, 17) ^ sha256_rotate(x, 19) ^ x >> 10;
}

static void sha256_take_block(uint32_t *state, const uint8_t *block)
{
    uint32_t w[SHA256_STEPS], v[8];
    for (unsigned t = 0; t < 16; t++) w[t] = sha_read_word(block + 4 * t);
    for (unsigned t = 16; t < SHA256_STEPS; t++)
        w[t] = sha256_spread_high(w[t - 2]) + w[t - 7] + sha256_spread_low(w[t - 15]) + w[t - 16];

    memcpy(v, state, sizeof v);
    for (unsigned t = 0; t < SHA256_STEPS; t++) {
        uint32_t e = v[4], a = v[0];
        uint32_t choice = (e & v[5]) ^ (~e & v[6]);
        uint32_t majority = (a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]);
        uint32_t sum_e = sha256_rotate(e, 6) ^ sha256_rotate(e, 11) ^ sha256_rotate(e, 25);
        uint32_t sum_a = sha256_rotate(a, 2) ^ sha256_rotate(a, 13) ^ sha256_rotate(a, 22);
        uint32_t first = v[7] + sum_e + choice + sha256_constants[t] + w[t];
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += first;
        v[0] = first + sum_a + majority;
    }
    for (unsigned i = 0; i < 8; i++) state[i] += v[i];
}

void sha256(struct bytes data, uint8_t out[SHA256_BYTES])
{
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    sha_take(state, data, sha256_take_block);
    sha_give(state, out, SHA256_BYTES);
}

void sha256_print(const uint8_t sum[SHA256_BYTES], char out[SHA256_HEX_CHARS + 1])
{
    sha_print(sum, SHA256_BYTES, out);
}

static int sha256_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool sha256_read(struct bytes text, uint8_t out[SHA256_BYTES])
{
    if (text.len != SHA256_HEX_CHARS) return false;
    for (unsigned i = 0; i < SHA256_BYTES; i++) {
        int high = sha256_digit(text.ptr[2 * i]), low = sha256_digit(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
