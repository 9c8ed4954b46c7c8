/*
 * SHA-1. The message is taken in blocks of 64 bytes; what is left over, a one bit, zeros and the
 * length in bits make one or two blocks more.
 */
#include "codec/sha1.h"

enum { SHA1_BLOCK = 64, SHA1_LENGTH = 8 };

static uint32_t sha1_rotate(uint32_t x, unsigned n) { return x << n | x >> (32 - n); }

static uint32_t sha1_read_word(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

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

static void sha1_take_block(uint32_t state[5], const uint8_t *block)
{
    uint32_t w[80];
    for (unsigned t = 0; t < 16; t++) w[t] = sha1_read_word(block + 4 * t);
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
    const uint8_t *p = (const uint8_t *)data.ptr;
    size_t left = data.len;
    for (; left >= SHA1_BLOCK; left -= SHA1_BLOCK, p += SHA1_BLOCK) sha1_take_block(state, p);

    uint8_t tail[2 * SHA1_BLOCK] = {0};
    if (left != 0) memcpy(tail, p, left);
    tail[left] = 0x80;
    size_t end = left + 1 + SHA1_LENGTH <= SHA1_BLOCK ? SHA1_BLOCK : 2 * SHA1_BLOCK;
    uint64_t bits = (uint64_t)data.len * 8;
    for (unsigned i = 0; i < SHA1_LENGTH; i++) tail[end - 1 - i] = (uint8_t)(bits >> (8 * i));
    for (size_t at = 0; at < end; at += SHA1_BLOCK) sha1_take_block(state, tail + at);

    for (unsigned i = 0; i < SHA1_BYTES; i++)
        out[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

void sha1_print(const uint8_t sum[SHA1_BYTES], char out[SHA1_HEX_CHARS + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < SHA1_BYTES; i++) {
        out[2 * i] = digits[sum[i] >> 4];
        out[2 * i + 1] = digits[sum[i] & 15];
    }
    out[SHA1_HEX_CHARS] = '\0';
}
