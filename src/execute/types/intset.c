/* Intsets: little endian whatever the machine, unaligned. The width never shrinks. */
#include "execute/types/intset.h"

#include "execute/types/heap.h"

#include "base/must.h"

#include <string.h>

/* ---- Numbers at a place ---- */

static inline uint32_t intset_word(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline int64_t intset_read(const uint8_t *at, uint32_t width)
{
    if (width == 2) return (int16_t)(at[0] | at[1] << 8);
    if (width == 4) return (int32_t)intset_word(at);
    return (int64_t)(intset_word(at) | (uint64_t)intset_word(at + 4) << 32);
}

static inline void intset_write(uint8_t *at, uint32_t width, uint64_t bits)
{
    for (uint32_t i = 0; i < width; i++, bits >>= 8) at[i] = (uint8_t)bits;
}

static uint32_t intset_width_of(int64_t number)
{
    if (number >= INT16_MIN && number <= INT16_MAX) return 2;
    return number >= INT32_MIN && number <= INT32_MAX ? 4 : 8;
}

/* ---- The header ---- */

static inline uint32_t intset_width(const uint8_t *is) { return intset_word(is); }
static inline void intset_set_count(uint8_t *is, uint32_t n) { intset_write(is + 4, 4, n); }

/* Where the number of that index is, as bytes from the start. */
static inline size_t intset_offset(uint32_t width, uint32_t index)
{
    return INTSET_HEADER + (size_t)index * width;
}

uint32_t intset_count(const uint8_t *is) { return intset_word(is + 4); }

size_t intset_bytes(const uint8_t *is) { return intset_offset(intset_width(is), intset_count(is)); }

uint8_t *intset_make(void)
{
    uint8_t *is = heap_alloc(INTSET_HEADER);
    intset_write(is, 4, 2);
    intset_set_count(is, 0);
    return is;
}

uint8_t *intset_copy(const uint8_t *is)
{
    size_t bytes = intset_bytes(is);
    return memcpy(heap_alloc(bytes), is, bytes);
}

/* ---- Looking up ---- */

int64_t intset_get(const uint8_t *is, uint32_t index)
{
    uint32_t width = intset_width(is);
    return intset_read(is + intset_offset(width, index), width);
}

/* How many are below the number. The range halves without a branch on what was read. Inlined into
 * a loop of its own for each width. */
static inline __attribute__((always_inline)) uint32_t intset_below(const uint8_t *numbers,
                                                                   uint32_t count, uint32_t width,
                                                                   int64_t number)
{
    const uint8_t *base = numbers;
    while (count > 1) {
        uint32_t half = count / 2;
        const uint8_t *middle = base + (size_t)half * width;
        base = intset_read(middle - width, width) < number ? middle : base;
        count -= half;
    }
    uint32_t index = (uint32_t)((size_t)(base - numbers) / width);
    return index + (count == 1 && intset_read(base, width) < number);
}

bool intset_find(const uint8_t *is, int64_t number, uint32_t *index)
{
    uint32_t width = intset_width(is), count = intset_count(is);
    const uint8_t *numbers = is + INTSET_HEADER;
    if (width < intset_width_of(number)) {
        *index = number < 0 ? 0 : count;
        return false;
    }
    if (width == 2)
        *index = intset_below(numbers, count, 2, number);
    else if (width == 4)
        *index = intset_below(numbers, count, 4, number);
    else
        *index = intset_below(numbers, count, 8, number);
    return *index < count && intset_get(is, *index) == number;
}

/* ---- Changes ---- */

/* Makes all wider and adds a number that did not fit: it comes first or last. */
static uint8_t *intset_widen(uint8_t *is, int64_t number, uint32_t width)
{
    uint32_t old = intset_width(is), count = intset_count(is);
    uint32_t first = number < 0;
    is = heap_grow(is, intset_offset(width, count + 1));
    /* From the end, as they move up. */
    for (uint32_t i = count; i-- > 0;) {
        int64_t moved = intset_read(is + intset_offset(old, i), old);
        intset_write(is + intset_offset(width, i + first), width, (uint64_t)moved);
    }
    intset_write(is + intset_offset(width, first ? 0 : count), width, (uint64_t)number);
    intset_write(is, 4, width);
    intset_set_count(is, count + 1);
    return is;
}

uint8_t *intset_add(uint8_t *is, int64_t number, bool *added)
{
    uint32_t index;
    *added = !intset_find(is, number, &index);
    if (!*added) return is;
    uint32_t width = intset_width(is), count = intset_count(is);
    must(count < UINT32_MAX);
    if (width < intset_width_of(number)) return intset_widen(is, number, intset_width_of(number));
    size_t from = intset_offset(width, index), end = intset_offset(width, count);
    is = heap_grow(is, end + width);
    memmove(is + from + width, is + from, end - from);
    intset_write(is + from, width, (uint64_t)number);
    intset_set_count(is, count + 1);
    return is;
}

uint8_t *intset_remove(uint8_t *is, int64_t number, bool *removed)
{
    uint32_t index;
    *removed = intset_find(is, number, &index);
    return *removed ? intset_cut(is, index, 1) : is;
}

uint8_t *intset_cut(uint8_t *is, uint32_t index, uint32_t count)
{
    uint32_t width = intset_width(is), all = intset_count(is);
    must(index <= all && count <= all - index);
    size_t from = intset_offset(width, index), to = intset_offset(width, index + count);
    memmove(is + from, is + to, intset_offset(width, all) - to);
    intset_set_count(is, all - count);
    return heap_shrink(is, intset_offset(width, all - count));
}

/* ---- What came from outside ---- */

bool intset_is_valid(const uint8_t *bytes, size_t len)
{
    if (len < INTSET_HEADER) return false;
    uint32_t width = intset_width(bytes), count = intset_count(bytes);
    if (width != 2 && width != 4 && width != 8) return false;
    if (len != intset_offset(width, count)) return false;
    for (uint32_t i = 1; i < count; i++) {
        if (intset_get(bytes, i - 1) >= intset_get(bytes, i)) return false;
    }
    return true;
}
