/*
 * CRC-64 eight bytes at a time: the remainder of eight bytes is the exclusive or of eight entries,
 * one of a table for each distance from the end of the eight.
 *
 * The tables are linear: the entry of a byte is the exclusive or of the entries of its bits. So the
 * entries of the single bits say all, and the compiler works out the rest.
 */
#include "codec/crc64.h"

enum { CRC64_STEP = 8 };

/* Entries of the bytes 1, 2, 4, ... 128, for a byte that is followed by so many others. */
#define CRC64_BITS_0(entry, byte)                                                               \
    entry(byte, 0x7ad870c830358979, 0xf5b0e190606b12f2, 0xc038e5739841b68f, 0xab28ecb46814fe75, \
          0x7d08ff3b88be6f81, 0xfa11fe77117cdf02, 0xdf7adabd7a6e2d6f, 0x95ac9329ac4bc9b5)
#define CRC64_BITS_1(entry, byte)                                                               \
    entry(byte, 0x89e99ffd73bddf69, 0x388a19a9bfec2db9, 0x711433537fd85b72, 0xe22866a6ffb0b6e4, \
          0xef09eb1ea7f6fea3, 0xf54af06e177a6e2d, 0xc1ccc68f76634f31, 0xa8c0ab4db4510d09)
#define CRC64_BITS_2(entry, byte)                                                               \
    entry(byte, 0xf4125129ce4038be, 0xc37d8400c417e217, 0xada22e52d0b85745, 0x701d7af6f9e73de1, \
          0xe03af5edf3ce7bc2, 0xeb2ccd88bf0b64ef, 0xfd00bd4226815ab5, 0xd1585cd715952601)
#define CRC64_BITS_3(entry, byte)                                                               \
    entry(byte, 0x8ce168638c796306, 0x329bf69440655567, 0x6537ed2880caaace, 0xca6fda510195559c, \
          0xbf8692f15bbd3853, 0x545403b1efede3cd, 0xa8a80763dfdbc79a, 0x7a092894e7201c5f)
#define CRC64_BITS_4(entry, byte)                                                               \
    entry(byte, 0x3504e58b9ba6dd1e, 0x6a09cb17374dba3c, 0xd413962e6e9b7478, 0x837e0a0f85a17b9b, \
          0x2da5324c53d5645d, 0x5b4a6498a7aac8ba, 0xb694c9314f559174, 0x4670b431c63cb183)
#define CRC64_BITS_5(entry, byte)                                                               \
    entry(byte, 0xe39d1389931b9354, 0xec6301407ea0b5c3, 0xf39f24d3a5d6f8ed, 0xcc676ff4133a62b1, \
          0xb397f9bb7ee35609, 0x4c76d525a5513f79, 0x98edaa4b4aa27ef2, 0x1a8272c5cdd36e8f)
#define CRC64_BITS_6(entry, byte)                                                               \
    entry(byte, 0x62a95de6e302eff2, 0xc552bbcdc605dfe4, 0xa1fc51c8d49c2ca3, 0x68a185c2f1afca2d, \
          0xd1430b85e35f945a, 0x89df31589e28bbdf, 0x38e744e264c6e4d5, 0x71ce89c4c98dc9aa)
#define CRC64_BITS_7(entry, byte)                                                               \
    entry(byte, 0x381d0015c96f4444, 0x703a002b92de8888, 0xe074005725bd1110, 0xebb126fd13edb14b, \
          0xfc3b6ba97f4cf1fd, 0xd32ff101a60e7091, 0x8d06c450148b7249, 0x3154aef3718177f9)

#define CRC64_BIT(byte, bit, value) (((byte) >> (bit)&1) != 0 ? (uint64_t)(value) : 0)
#define CRC64_ENTRY(byte, b0, b1, b2, b3, b4, b5, b6, b7)                       \
    (CRC64_BIT(byte, 0, b0) ^ CRC64_BIT(byte, 1, b1) ^ CRC64_BIT(byte, 2, b2) ^ \
     CRC64_BIT(byte, 3, b3) ^ CRC64_BIT(byte, 4, b4) ^ CRC64_BIT(byte, 5, b5) ^ \
     CRC64_BIT(byte, 6, b6) ^ CRC64_BIT(byte, 7, b7))
#define CRC64_AT(bits, byte) bits(CRC64_ENTRY, byte)
#define CRC64_4(bits, n) \
    CRC64_AT(bits, n), CRC64_AT(bits, (n) + 1), CRC64_AT(bits, (n) + 2), CRC64_AT(bits, (n) + 3)
#define CRC64_16(bits, n) \
    CRC64_4(bits, n), CRC64_4(bits, (n) + 4), CRC64_4(bits, (n) + 8), CRC64_4(bits, (n) + 12)
#define CRC64_64(bits, n) \
    CRC64_16(bits, n), CRC64_16(bits, (n) + 16), CRC64_16(bits, (n) + 32), CRC64_16(bits, (n) + 48)
#define CRC64_256(bits)                                                                 \
    {                                                                                   \
        CRC64_64(bits, 0), CRC64_64(bits, 64), CRC64_64(bits, 128), CRC64_64(bits, 192) \
    }

static const uint64_t crc64_tables[CRC64_STEP][256] = {
    CRC64_256(CRC64_BITS_0), CRC64_256(CRC64_BITS_1), CRC64_256(CRC64_BITS_2),
    CRC64_256(CRC64_BITS_3), CRC64_256(CRC64_BITS_4), CRC64_256(CRC64_BITS_5),
    CRC64_256(CRC64_BITS_6), CRC64_256(CRC64_BITS_7),
};

static uint64_t crc64_read_word(const uint8_t *p)
{
    uint64_t word = 0;
    for (unsigned i = 0; i < CRC64_STEP; i++) word |= (uint64_t)p[i] << (8 * i);
    return word;
}

static uint64_t crc64_take_word(uint64_t word)
{
    uint64_t crc = 0;
    for (unsigned i = 0; i < CRC64_STEP; i++)
        crc ^= crc64_tables[CRC64_STEP - 1 - i][word >> (8 * i) & 0xff];
    return crc;
}

uint64_t crc64(uint64_t crc, struct bytes data)
{
    const uint8_t *p = (const uint8_t *)data.ptr;
    size_t left = data.len;
    for (; left >= CRC64_STEP; left -= CRC64_STEP, p += CRC64_STEP)
        crc = crc64_take_word(crc ^ crc64_read_word(p));
    for (; left > 0; left--, p++) crc = crc64_tables[0][(crc ^ *p) & 0xff] ^ crc >> 8;
    return crc;
}
