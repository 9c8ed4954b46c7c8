/*
 * Fuzzes what claims to be an intset: the first byte says with which width the rest is one, and the
 * rest is taken as it came too. What must hold of any that is valid: each number finds itself, and
 * it is valid after numbers were added and removed, with as many as it should.
 */
#include "execute/types/heap.h"
#include "execute/types/intset.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) abort();
}

static void check_changed(const uint8_t *is, uint32_t count)
{
    check(intset_count(is) == count && intset_is_valid(is, intset_bytes(is)));
}

/* Adds the neighbour of each number, then removes every other number. */
static void check_changes(const uint8_t *bytes)
{
    uint8_t *is = intset_copy(bytes);
    uint32_t count = intset_count(is), index;
    bool changed;
    for (uint32_t i = 0; i < intset_count(bytes); i++) {
        int64_t number = intset_get(bytes, i);
        check(intset_find(bytes, number, &index) && index == i);
        number = (int64_t)((uint64_t)number * 2 + 1);
        bool there = intset_find(is, number, &index);
        is = intset_add(is, number, &changed);
        check(changed == !there);
        count += changed;
    }
    check_changed(is, count);
    for (uint32_t i = 0; i < intset_count(bytes); i += 2) {
        is = intset_remove(is, intset_get(bytes, i), &changed);
        check(changed && !intset_find(is, intset_get(bytes, i), &index));
        count--;
    }
    check_changed(is, count);
    is = intset_cut(is, count / 3, count / 2);
    check_changed(is, count - count / 2);
    heap_free(is);
}

static void check_intset(const uint8_t *bytes, size_t len)
{
    if (!intset_is_valid(bytes, len)) return;
    check(intset_bytes(bytes) == len);
    check_changes(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (heap_arena == NULL) heap_use(arena_open("fuzz"));
    if (size < 1 || size > 4096) return 0;
    size_t len = size - 1;
    uint8_t *copy = malloc(len + INTSET_HEADER);
    memcpy(copy, data + 1, len);
    check_intset(copy, len);

    size_t width = (size_t)2 << data[0] % 3, count = len / width;
    memset(copy, 0, INTSET_HEADER);
    copy[0] = (uint8_t)width;
    copy[4] = (uint8_t)count;
    copy[5] = (uint8_t)(count >> 8);
    memcpy(copy + INTSET_HEADER, data + 1, count * width);
    check_intset(copy, INTSET_HEADER + count * width);
    free(copy);
    check(heap_used() == 0);
    return 0;
}
