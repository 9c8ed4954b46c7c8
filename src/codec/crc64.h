/*
 * CRC-64 with the polynomial of Jones (0xad93d23594c935a9, reflected, starting from 0, the sum as
 * it is): the checksum of RDB files and of DUMP's payloads. A pure function.
 */
#ifndef CODEC_CRC64_H
#define CODEC_CRC64_H

#include "base/bytes.h"

/* Goes on from the sum of the bytes before; 0 at the start. */
uint64_t crc64(uint64_t crc, struct bytes data);

#endif
