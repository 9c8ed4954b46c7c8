/* The ends of messages, and sums as bytes and digits. */
#include "codec/sha.h"

enum { SHA_BLOCK = 64, SHA_LENGTH = 8 };

void sha_take(uint32_t *state, struct bytes data,
              void (*take_block)(uint32_t *state, const uint8_t *block))
{
    const uint8_t *p = (const uint8_t *)data.ptr;
    size_t left = data.len;
    for (; left >= SHA_BLOCK; left -= SHA_BLOCK, p += SHA_BLOCK) take_block(state, p);

    uint8_t tail[2 * SHA_BLOCK] = {0};
    if (left != 0) memcpy(tail, p, left);
    tail[left] = 0x80;
    size_t end = left + 1 + SHA_LENGTH <= SHA_BLOCK ? SHA_BLOCK : 2 * SHA_BLOCK;
    uint64_t bits = (uint64_t)data.len * 8;
    for (unsigned i = 0; i < SHA_LENGTH; i++) tail[end - 1 - i] = (uint8_t)(bits >> (8 * i));
    for (size_t at = 0; at < end; at += SHA_BLOCK) take_block(state, tail + at);
}

void sha_give(const uint32_t *state, uint8_t *out, unsigned len)
{
    for (unsigned i = 0; i < len; i++) out[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

void sha_print(const uint8_t *sum, unsigned len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < len; i++) {
        out[2 * i] = digits[sum[i] >> 4];
        out[2 * i + 1] = digits[sum[i] & 15];
    }
    out[2 * len] = '\0';
}
