/*
 * Fuzzes RDB's elements: the first byte says what the rest is read as. What must hold of any input:
 * what was read reads the same after it was written again, and no string claims more memory than
 * 88 times its bytes.
 */
#include "codec/rdb.h"
#include "codec/ziplist.h"
#include "codec/zipmap.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) abort();
}

static void grow(struct rdb_out *out, size_t want)
{
    out->cap = out->len + want;
    out->ptr = realloc(out->ptr, out->cap);
    check(out->ptr != NULL);
}

static struct rdb_in reading(const uint8_t *data, size_t len)
{
    return (struct rdb_in){.at = data, .end = data + len, .max_string = (size_t)1 << 24};
}

/* The string's text on the heap, exactly as long as it is; NULL when it is damaged. */
static char *text_of(const struct rdb_string *s)
{
    char *text = malloc(s->len == 0 ? 1 : s->len);
    if (rdb_string_write(s, text)) return text;
    free(text);
    return NULL;
}

static void write_again(struct bytes text, bool compress)
{
    struct rdb_out out = {.room = grow, .compress = compress};
    rdb_put_string(&out, text);
    struct rdb_in in = reading(out.ptr, out.len);
    struct rdb_string s;
    check(rdb_take_string(&in, &s) && rdb_left(&in) == 0 && s.len == text.len);
    char *back = text_of(&s);
    check(back != NULL && memcmp(back, text.ptr, text.len) == 0);
    free(back);
    free(out.ptr);
}

static void strings(struct rdb_in in)
{
    struct rdb_string s;
    for (size_t before = rdb_left(&in); rdb_take_string(&in, &s); before = rdb_left(&in)) {
        check(s.form == RDB_INT || s.len <= 88 * (before - rdb_left(&in)));
        char *text = text_of(&s);
        if (text == NULL) continue;
        write_again(bytes_make(text, s.len), true);
        write_again(bytes_make(text, s.len), false);
        free(text);
    }
}

static void numbers(struct rdb_in in)
{
    uint64_t n, back;
    int64_t ms, ms_back;
    double d, d_back;
    while (rdb_take_len(&in, &n) && rdb_take_ms(&in, &ms) && rdb_take_double(&in, &d)) {
        struct rdb_out out = {.room = grow};
        rdb_put_len(&out, n);
        rdb_put_ms(&out, ms);
        rdb_put_double(&out, d);
        struct rdb_in again = reading(out.ptr, out.len);
        check(rdb_take_len(&again, &back) && back == n);
        check(rdb_take_ms(&again, &ms_back) && ms_back == ms);
        check(rdb_take_double(&again, &d_back) && memcmp(&d, &d_back, sizeof(d)) == 0);
        free(out.ptr);
    }
    while (rdb_take_double_text(&in, &d)) {}
}

static void ziplists(struct bytes zl)
{
    uint32_t count, seen = 0;
    if (!ziplist_is_valid(zl, &count)) return;
    struct ziplist_walk walk = ziplist_walk(zl);
    struct ziplist_item item;
    while (ziplist_next(&walk, &item)) {
        seen++;
        if (!item.is_int) check(item.text.len < zl.len);
    }
    check(seen == count);
}

static void zipmaps(struct bytes map)
{
    uint32_t count, seen = 0;
    if (!zipmap_is_valid(map, &count)) return;
    struct zipmap_walk walk = zipmap_walk(map);
    struct bytes field, value;
    while (zipmap_next(&walk, &field, &value)) {
        seen++;
        check(field.len + value.len < map.len);
    }
    check(seen == count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 1 << 16) return 0;
    uint8_t *copy = malloc(size);
    memcpy(copy, data + 1, size - 1);
    struct bytes all = bytes_make((const char *)copy, size - 1), body;
    switch (data[0] % 5) {
    case 0: strings(reading(copy, size - 1)); break;
    case 1: numbers(reading(copy, size - 1)); break;
    case 2: ziplists(all); break;
    case 3: zipmaps(all); break;
    default:
        if (rdb_open_payload(all, true, &body)) check(body.len + RDB_FOOTER == all.len);
    }
    free(copy);
    return 0;
}
