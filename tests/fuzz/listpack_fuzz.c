/*
 * Fuzzes what claims to be a listpack: the last 8 bytes say what to change, the rest is it, once as
 * it came and once with a header that agrees with its length, so that elements are reached. What
 * must hold of any that is valid: walks both ways meet the same elements, each finds itself, and it
 * is valid after each change with as many elements as it should.
 */
#include "execute/types/heap.h"
#include "execute/types/listpack.h"

#include <stdlib.h>
#include <string.h>

#define SCRIPT 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) abort();
}

static void check_element(const uint8_t *lp, const uint8_t *at)
{
    char scratch[LISTPACK_INT_CHARS];
    struct bytes text = listpack_text(at, scratch), raw;
    int64_t number, same;
    check(listpack_equals(at, text));
    const uint8_t *found = listpack_find(lp, listpack_first(lp), text, 0);
    check(found != NULL && found <= at && listpack_find(lp, at, text, 3) == at);
    if (listpack_get(at, &raw, &number))
        check(listpack_int(at, &same) && same == number);
    else
        check(bytes_equal(raw, text));
}

static void check_walks(const uint8_t *lp, uint32_t count)
{
    check(listpack_count(lp) == count);
    uint32_t forth = 0, back = 0;
    size_t bytes = LISTPACK_EMPTY;
    for (const uint8_t *at = listpack_first(lp); at != NULL; at = listpack_next(lp, at), forth++) {
        bytes += listpack_size_at(at);
        if (forth < 64) check_element(lp, at);
        if (forth < 64) check(listpack_seek(lp, forth) == at);
        if (forth < 64) check(listpack_seek(lp, (int64_t)forth - count) == at);
    }
    check(forth == count && bytes == listpack_bytes(lp));
    for (const uint8_t *at = listpack_last(lp); at != NULL; at = listpack_prev(lp, at)) back++;
    check(back == count);
    check(listpack_seek(lp, count) == NULL && listpack_seek(lp, -1 - (int64_t)count) == NULL);
}

static void check_changed(const uint8_t *lp, uint32_t count)
{
    uint32_t found;
    check(listpack_is_valid(lp, listpack_bytes(lp), &found) && found == count);
    check_walks(lp, count);
}

/* One change at the element `index`, the text of which may be put elsewhere. */
static uint8_t *change(uint8_t *lp, uint8_t what, uint8_t index, uint32_t *count)
{
    static char room[512];
    struct bytes text = bytes_make(room, (size_t)what + index);
    uint8_t *at = listpack_seek(lp, index);
    if (what % 5 == 0) {
        lp = listpack_append_int(lp, (int64_t)((uint64_t)index << (what % 64)));
    } else if (what % 5 == 1) {
        lp = listpack_prepend(lp, text);
    } else if (what % 5 == 2) {
        lp = listpack_insert(lp, &at, text);
        check(listpack_equals(at, text));
    } else if (at != NULL && what % 5 == 3) {
        lp = listpack_replace(lp, &at, text);
        check(listpack_equals(at, text));
        return lp;
    } else {
        uint32_t left = index < *count ? *count - index : 0, gone = what < left ? what : left;
        if (at != NULL) lp = listpack_delete(lp, &at, what);
        check((at == NULL) == (gone == left));
        *count -= gone;
        return lp;
    }
    ++*count;
    return lp;
}

static void check_listpack(const uint8_t *bytes, size_t len, const uint8_t *script)
{
    uint32_t count;
    if (!listpack_is_valid(bytes, len, &count)) return;
    check_walks(bytes, count);
    uint8_t *lp = listpack_copy(bytes);
    for (int i = 0; i < SCRIPT; i += 2) {
        if (!listpack_fits(lp, 600)) break;
        lp = change(lp, script[i], script[i + 1], &count);
        check_changed(lp, count);
    }
    uint8_t *joined = listpack_join(listpack_copy(bytes), lp);
    check_changed(joined, listpack_count(bytes) + count);
    heap_free(joined);
    heap_free(lp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (heap_arena == NULL) heap_use(arena_open("fuzz"));
    if (size < SCRIPT || size > 70000) return 0;
    size_t len = size - SCRIPT;
    uint8_t *copy = malloc(len + LISTPACK_EMPTY);
    memcpy(copy, data, len);
    check_listpack(copy, len, data + len);

    size_t whole = len + LISTPACK_EMPTY;
    for (int i = 0; i < 4; i++) copy[i] = (uint8_t)(whole >> 8 * i);
    memset(copy + 4, 0xff, 2);
    memcpy(copy + 6, data, len);
    copy[whole - 1] = 0xff;
    check_listpack(copy, whole, data + len);
    free(copy);
    check(heap_used() == 0);
    return 0;
}
