/*
 * Bit offsets, shared by SETBIT and its relatives and BITFIELD. Bit 0 is the highest bit of the
 * first byte.
 */
#ifndef EXECUTE_COMMANDS_BITMAP_H
#define EXECUTE_COMMANDS_BITMAP_H

#include "execute/execute_private.h"

#include "execute/core/call.h"

/*
 * Reads the bit offset at argument i. With `bits` not 0 also "#n", the n-th field of so many bits.
 * False: it is not one, or lies past what a string may hold; the error is answered.
 */
bool bitmap_offset(struct call *c, uint32_t i, uint32_t bits, uint64_t *out);

#endif
