/*
 * What unit tests share: cmocka with the headers that it needs before it, and a loop that makes the
 * same numbers in every run.
 */
#ifndef UNIT_CHECK_H
#define UNIT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A small generator of its own (Marsaglia's xorshift64), so that tests do not rest on what they
 * test. */
static inline uint64_t check_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
