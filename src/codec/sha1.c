/* The steps of a block; codec/sha.h has the rest. */
#include "codec/sha1.h"

#include "codec/sha.h"

static uint32_t sha1_rotate(uint32_t x, unsigned n) { return x << n | x >> (32 - n); }

/* The function and the constant of step t. */
static uint32_t sha1_mix(unsigned t, uint32_t b, uint32_t c, uint32_t d)
{
    switch (t / 20) {
    case 0: return ((b & c) | (~b & d)) + 0x5a827999u;
    case 1: return (b ^ c ^ d) + 0x6ed9eba1u;
    case 2: return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcu;
    default: return (b ^ c ^ d) + 0xca62c1d6u;
    }
}

static void sha1_take_block(uint32_t *state, const uint8_t *block)
{
    uint32_t w[80];
    for (unsigned t = 0; t < 16; t++) w[t] = sha_read_word(block + 4 * t);
    for (unsigned t = 16; t < 80; t++)
        w[t] = sha1_rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);

    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (unsigned t = 0; t < 80; t++) {
        uint32_t next = sha1_rotate(a, 5) + sha1_mix(t, b, c, d) + e + w[t];
        e = d;
        d = c;
        c = sha1_rotate(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void sha1(struct bytes data, uint8_t out[SHA1_BYTES])
{
    uint32_t state[5] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u};
    sha_take(state, data, sha1_take_block);
    sha_give(state, out, SHA1_BYTES);
}

void sha1_print(const uint8_t sum[SHA1_BYTES], char out[SHA1_HEX_CHARS + 1])
{
    sha_print(sum, SHA1_BYTES, out);
}
