/* What the tests of packed values share: an arena that must be empty after each test, bytes written
 * in hex, and numbers around the border of every width. */
#ifndef TESTS_TYPES_FIXTURE_H
#define TESTS_TYPES_FIXTURE_H

#include "unit/check.h"

#include "execute/types/heap.h"

#include <stdlib.h>
#include <string.h>

static struct arena *types_arena;
static uint64_t types_state;

static inline int types_open(void **state)
{
    (void)state;
    types_state = 88172645463325252U;
    if (types_arena == NULL) types_arena = arena_open("test");
    heap_use(types_arena);
    return 0;
}

static inline int types_close(void **state)
{
    (void)state;
    return arena_used(types_arena) == 0 ? 0 : -1;
}

#define TYPES_TEST(name) cmocka_unit_test_setup_teardown(name, types_open, types_close)

static inline uint64_t types_below(uint64_t n) { return check_random(&types_state) % n; }

/* Up to 3 away from a power of two or its negative. */
static inline int64_t types_border(void)
{
    uint64_t n = ((uint64_t)1 << types_below(64)) + types_below(7) - 3;
    return (int64_t)(types_below(2) ? n : 0 - n);
}

/* Two digits a byte. Gives the bytes, for free(3). */
static inline uint8_t *types_hex(const char *hex, size_t *len)
{
    *len = strlen(hex) / 2;
    uint8_t *bytes = malloc(*len);
    for (size_t i = 0; i < *len; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return bytes;
}

static inline void types_assert_hex(const uint8_t *bytes, size_t len, const char *hex)
{
    size_t expected;
    uint8_t *want = types_hex(hex, &expected);
    assert_int_equal(len, expected);
    assert_memory_equal(bytes, want, len);
    free(want);
}

#endif
