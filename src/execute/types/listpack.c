/*
 * Listpacks. An element is a head (the kind, with the length of a text or a small integer in it),
 * its data and the way back: the length of both in groups of 7 bits, the highest first, all but the
 * first byte marked by the top bit, so that it is read from its end. Multibyte integers are little
 * endian, but for the lengths and integers that share their first byte with the kind.
 *
 *      0xxxxxxx               0 to 127                 10xxxxxx       text below 64 bytes
 *      110xxxxx 1 byte        13-bit integer           1110xxxx 1 byte   text below 4096 bytes
 *      0xf1 to 0xf4           16, 24, 32, 64 bits      0xf0 4 bytes   longer text
 *
 * A listpack that came from outside may hold an integer in a wider kind than it needs, or as text.
 * So what an element says is compared, never its encoding.
 */
#include "execute/types/listpack.h"

#include "execute/types/heap.h"

#include "base/must.h"
#include "codec/number.h"

#define LISTPACK_HEADER 6
#define LISTPACK_END 0xff
#define LISTPACK_MANY 65535 /* as a count: to be counted by walking */

#define LISTPACK_TEXT6 0x80
#define LISTPACK_INT13 0xc0
#define LISTPACK_TEXT12 0xe0
#define LISTPACK_TEXT32 0xf0
#define LISTPACK_INT16 0xf1
#define LISTPACK_INT24 0xf2
#define LISTPACK_INT32 0xf3
#define LISTPACK_INT64 0xf4

_Static_assert(LISTPACK_INT_CHARS >= NUMBER_INT_CHARS, "an integer's text must fit");

/* ---- The header ---- */

static void listpack_set_bytes(uint8_t *lp, size_t bytes)
{
    lp[0] = (uint8_t)bytes;
    lp[1] = (uint8_t)(bytes >> 8);
    lp[2] = (uint8_t)(bytes >> 16);
    lp[3] = (uint8_t)(bytes >> 24);
}

static uint32_t listpack_head_count(const uint8_t *lp) { return lp[4] | (uint32_t)lp[5] << 8; }

static void listpack_set_count(uint8_t *lp, uint32_t count)
{
    if (count > LISTPACK_MANY) count = LISTPACK_MANY;
    lp[4] = (uint8_t)count;
    lp[5] = (uint8_t)(count >> 8);
}

static void listpack_add_count(uint8_t *lp, uint32_t more)
{
    uint32_t count = listpack_head_count(lp);
    if (count != LISTPACK_MANY) listpack_set_count(lp, count + more);
}

/* ---- Reading an element ---- */

/* Head and data of the kinds from 0xf0 on. */
static size_t listpack_wide_body(const uint8_t *at)
{
    switch (at[0]) {
    case LISTPACK_TEXT32: return 5 + listpack_bytes(at + 1);
    case LISTPACK_INT16: return 3;
    case LISTPACK_INT24: return 4;
    case LISTPACK_INT32: return 5;
    default: return 9;
    }
}

/* Bytes of head and data. */
static inline size_t listpack_body(const uint8_t *at)
{
    uint8_t kind = at[0];
    if (kind < LISTPACK_TEXT6) return 1;
    if (kind < LISTPACK_INT13) return 1 + (kind & 0x3fU);
    if (kind < LISTPACK_TEXT12) return 2;
    if (kind < LISTPACK_TEXT32) return 2 + ((kind & 0x0fU) << 8 | at[1]);
    return listpack_wide_body(at);
}

/* Bytes of the way back over so many. The borders are Redis's, one lower than they had to be. */
static inline size_t listpack_back(size_t body)
{
    if (likely(body < 128)) return 1;
    if (body < 16383) return 2;
    if (body < 2097151) return 3;
    return body < 268435455 ? 4 : 5;
}

static inline const uint8_t *listpack_after(const uint8_t *at)
{
    size_t body = listpack_body(at);
    return at + body + listpack_back(body);
}

static int64_t listpack_wide_int(const uint8_t *at)
{
    uint64_t bits = 0;
    unsigned len = at[0] == LISTPACK_INT64 ? 8 : at[0] - LISTPACK_INT16 + 2U;
    for (unsigned i = 0; i < len; i++) bits |= (uint64_t)at[1 + i] << (8 * i);
    unsigned above = 64 - 8 * len;
    return (int64_t)(bits << above) >> above;
}

static inline bool listpack_is_text(uint8_t kind)
{
    if (kind >= LISTPACK_TEXT12) return kind <= LISTPACK_TEXT32;
    return kind >= LISTPACK_TEXT6 && kind < LISTPACK_INT13;
}

static inline struct bytes listpack_text_at(const uint8_t *at)
{
    if (at[0] < LISTPACK_INT13) return bytes_make((const char *)at + 1, at[0] & 0x3fU);
    if (at[0] < LISTPACK_TEXT32)
        return bytes_make((const char *)at + 2, (at[0] & 0x0fU) << 8 | at[1]);
    return bytes_make((const char *)at + 5, listpack_bytes(at + 1));
}

static inline int64_t listpack_int_at(const uint8_t *at)
{
    if (at[0] < LISTPACK_TEXT6) return at[0];
    if (at[0] >= LISTPACK_TEXT32) return listpack_wide_int(at);
    int value = (at[0] & 0x1f) << 8 | at[1];
    return value < 4096 ? value : value - 8192;
}

bool listpack_get(const uint8_t *at, struct bytes *text, int64_t *number)
{
    if (listpack_is_text(at[0])) {
        *text = listpack_text_at(at);
        return false;
    }
    *number = listpack_int_at(at);
    return true;
}

struct bytes listpack_text(const uint8_t *at, char scratch[LISTPACK_INT_CHARS])
{
    if (listpack_is_text(at[0])) return listpack_text_at(at);
    return bytes_make(scratch, number_print_int(scratch, listpack_int_at(at)));
}

bool listpack_int(const uint8_t *at, int64_t *out)
{
    if (listpack_is_text(at[0])) return number_int(listpack_text_at(at), out);
    *out = listpack_int_at(at);
    return true;
}

bool listpack_equals(const uint8_t *at, struct bytes text)
{
    if (listpack_is_text(at[0])) return bytes_equal(listpack_text_at(at), text);
    int64_t number;
    return number_int(text, &number) && listpack_int_at(at) == number;
}

size_t listpack_size_at(const uint8_t *at) { return (size_t)(listpack_after(at) - at); }

/* ---- Walks ---- */

static uint8_t *listpack_place(const uint8_t *at)
{
    return *at == LISTPACK_END ? NULL : (uint8_t *)at;
}

uint8_t *listpack_first(const uint8_t *lp) { return listpack_place(lp + LISTPACK_HEADER); }

uint8_t *listpack_last(const uint8_t *lp) { return listpack_prev(lp, lp + listpack_bytes(lp) - 1); }

uint8_t *listpack_next(const uint8_t *lp, const uint8_t *at)
{
    (void)lp;
    return listpack_place(listpack_after(at));
}

uint8_t *listpack_prev(const uint8_t *lp, const uint8_t *at)
{
    if (at == lp + LISTPACK_HEADER) return NULL;
    const uint8_t *back = at - 1;
    size_t body = *back & 0x7fU;
    for (unsigned shift = 7; *back & 0x80; shift += 7) body |= (*--back & (size_t)0x7f) << shift;
    return (uint8_t *)back - body;
}

uint32_t listpack_count(const uint8_t *lp)
{
    uint32_t count = listpack_head_count(lp);
    if (likely(count != LISTPACK_MANY)) return count;
    count = 0;
    for (const uint8_t *at = lp + LISTPACK_HEADER; *at != LISTPACK_END; at = listpack_after(at))
        count++;
    return count;
}

static uint8_t *listpack_seek_back(const uint8_t *lp, int64_t steps)
{
    uint8_t *at = listpack_last(lp);
    while (at != NULL && steps-- > 0) at = listpack_prev(lp, at);
    return at;
}

uint8_t *listpack_seek(const uint8_t *lp, int64_t index)
{
    uint32_t count = listpack_head_count(lp);
    if (count != LISTPACK_MANY) {
        if (index < 0) index += count;
        if (index < 0 || index >= count) return NULL;
        if (index > count / 2) return listpack_seek_back(lp, count - 1 - index);
    }
    if (index < 0) return listpack_seek_back(lp, -1 - index);
    uint8_t *at = listpack_first(lp);
    while (at != NULL && index-- > 0) at = listpack_next(lp, at);
    return at;
}

uint8_t *listpack_find(const uint8_t *lp, const uint8_t *from, struct bytes text, unsigned skip)
{
    (void)lp;
    if (from == NULL) return NULL;
    int64_t number = 0;
    bool is_number = number_int(text, &number);
    for (const uint8_t *at = from; *at != LISTPACK_END; at = listpack_after(at)) {
        if (listpack_is_text(*at)) {
            if (bytes_equal(listpack_text_at(at), text)) return (uint8_t *)at;
        } else if (is_number && listpack_int_at(at) == number) {
            return (uint8_t *)at;
        }
        for (unsigned i = 0; i < skip; i++) {
            at = listpack_after(at);
            if (*at == LISTPACK_END) return NULL;
        }
    }
    return NULL;
}

/* ---- Writing an element ---- */

/* An element to be. */
struct listpack_piece {
    struct bytes text; /* when it is no integer */
    int64_t number;
    size_t body; /* bytes of head and data */
    uint8_t kind;
};

static struct listpack_piece listpack_int_piece(int64_t n)
{
    if (n >= 0 && n < 128) return (struct listpack_piece){.number = n, .body = 1};
    if (n >= -4096 && n < 4096)
        return (struct listpack_piece){.number = n, .body = 2, .kind = LISTPACK_INT13};
    if (n >= INT16_MIN && n <= INT16_MAX)
        return (struct listpack_piece){.number = n, .body = 3, .kind = LISTPACK_INT16};
    if (n >= -(1 << 23) && n < 1 << 23)
        return (struct listpack_piece){.number = n, .body = 4, .kind = LISTPACK_INT24};
    if (n >= INT32_MIN && n <= INT32_MAX)
        return (struct listpack_piece){.number = n, .body = 5, .kind = LISTPACK_INT32};
    return (struct listpack_piece){.number = n, .body = 9, .kind = LISTPACK_INT64};
}

static struct listpack_piece listpack_piece(struct bytes text)
{
    int64_t number;
    if (number_int(text, &number)) return listpack_int_piece(number);
    if (text.len < 64)
        return (struct listpack_piece){.text = text, .body = 1 + text.len, .kind = LISTPACK_TEXT6};
    if (text.len < 4096)
        return (struct listpack_piece){.text = text, .body = 2 + text.len, .kind = LISTPACK_TEXT12};
    must(text.len < LISTPACK_MAX);
    return (struct listpack_piece){.text = text, .body = 5 + text.len, .kind = LISTPACK_TEXT32};
}

static inline size_t listpack_piece_size(const struct listpack_piece *piece)
{
    return piece->body + listpack_back(piece->body);
}

static void listpack_write_text(uint8_t *at, uint8_t kind, struct bytes text)
{
    size_t head = 1;
    at[0] = (uint8_t)(kind | text.len);
    if (kind == LISTPACK_TEXT12) {
        at[0] = (uint8_t)(kind | text.len >> 8);
        at[1] = (uint8_t)text.len;
        head = 2;
    } else if (kind == LISTPACK_TEXT32) {
        at[0] = kind;
        listpack_set_bytes(at + 1, text.len);
        head = 5;
    }
    if (text.len > 0) memcpy(at + head, text.ptr, text.len);
}

static void listpack_write_int(uint8_t *at, const struct listpack_piece *piece)
{
    uint64_t bits = (uint64_t)piece->number;
    if (piece->body == 1) {
        at[0] = (uint8_t)bits;
    } else if (piece->kind == LISTPACK_INT13) {
        at[0] = (uint8_t)(LISTPACK_INT13 | (bits >> 8 & 0x1f));
        at[1] = (uint8_t)bits;
    } else {
        at[0] = piece->kind;
        for (size_t i = 1; i < piece->body; i++, bits >>= 8) at[i] = (uint8_t)bits;
    }
}

/* Writes from the end, as it is read. */
static void listpack_write_back(uint8_t *at, size_t body)
{
    for (size_t i = listpack_back(body) - 1; i > 0; i--, body >>= 7) at[i] = (uint8_t)(body | 0x80);
    at[0] = (uint8_t)body;
}

static inline void listpack_write(uint8_t *at, const struct listpack_piece *piece)
{
    if (listpack_is_text(piece->kind))
        listpack_write_text(at, piece->kind, piece->text);
    else
        listpack_write_int(at, piece);
    listpack_write_back(at + piece->body, piece->body);
}

/* ---- Whole listpacks ---- */

uint8_t *listpack_make(size_t room)
{
    uint8_t *lp = heap_alloc(room < LISTPACK_EMPTY ? LISTPACK_EMPTY : room);
    listpack_set_bytes(lp, LISTPACK_EMPTY);
    listpack_set_count(lp, 0);
    lp[LISTPACK_HEADER] = LISTPACK_END;
    return lp;
}

uint8_t *listpack_copy(const uint8_t *lp)
{
    size_t bytes = listpack_bytes(lp);
    return memcpy(heap_alloc(bytes), lp, bytes);
}

uint8_t *listpack_trim(uint8_t *lp) { return heap_realloc(lp, listpack_bytes(lp)); }

size_t listpack_cost(size_t len)
{
    size_t body = len + (len < 64 ? 1 : len < 4096 ? 2 : 5);
    return body + listpack_back(body);
}

bool listpack_fits(const uint8_t *lp, size_t len)
{
    return len < LISTPACK_MAX && listpack_cost(len) <= LISTPACK_MAX - listpack_bytes(lp);
}

/* ---- Changes ---- */

/* Makes `now` bytes out of `old` bytes at `from`; what they hold is up to the caller. */
static uint8_t *listpack_splice(uint8_t *lp, size_t from, size_t old, size_t now)
{
    size_t bytes = listpack_bytes(lp), after = bytes - old + now;
    must(after <= LISTPACK_MAX);
    if (old == now) return lp;
    if (now > old) lp = heap_grow(lp, after);
    memmove(lp + from + now, lp + from + old, bytes - from - old);
    listpack_set_bytes(lp, after);
    return now < old ? heap_shrink(lp, after) : lp;
}

/* In the place of `old` bytes at `from`; 0 inserts. */
static uint8_t *listpack_put(uint8_t *lp, size_t from, size_t old,
                             const struct listpack_piece *piece)
{
    lp = listpack_splice(lp, from, old, listpack_piece_size(piece));
    listpack_write(lp + from, piece);
    if (old == 0) listpack_add_count(lp, 1);
    return lp;
}

static uint8_t *listpack_append_piece(uint8_t *lp, const struct listpack_piece *piece)
{
    size_t end = listpack_bytes(lp) - 1, after = end + listpack_piece_size(piece) + 1;
    must(after <= LISTPACK_MAX);
    lp = heap_grow(lp, after);
    listpack_write(lp + end, piece);
    lp[after - 1] = LISTPACK_END;
    listpack_set_bytes(lp, after);
    listpack_add_count(lp, 1);
    return lp;
}

uint8_t *listpack_append(uint8_t *lp, struct bytes text)
{
    struct listpack_piece piece = listpack_piece(text);
    return listpack_append_piece(lp, &piece);
}

uint8_t *listpack_append_int(uint8_t *lp, int64_t number)
{
    struct listpack_piece piece = listpack_int_piece(number);
    return listpack_append_piece(lp, &piece);
}

uint8_t *listpack_prepend(uint8_t *lp, struct bytes text)
{
    struct listpack_piece piece = listpack_piece(text);
    return listpack_put(lp, LISTPACK_HEADER, 0, &piece);
}

uint8_t *listpack_insert(uint8_t *lp, uint8_t **at, struct bytes text)
{
    struct listpack_piece piece = listpack_piece(text);
    size_t from = *at == NULL ? listpack_bytes(lp) - 1 : (size_t)(*at - lp);
    lp = listpack_put(lp, from, 0, &piece);
    *at = lp + from;
    return lp;
}

static uint8_t *listpack_replace_piece(uint8_t *lp, uint8_t **at,
                                       const struct listpack_piece *piece)
{
    size_t from = (size_t)(*at - lp);
    lp = listpack_put(lp, from, listpack_size_at(*at), piece);
    *at = lp + from;
    return lp;
}

uint8_t *listpack_replace(uint8_t *lp, uint8_t **at, struct bytes text)
{
    struct listpack_piece piece = listpack_piece(text);
    return listpack_replace_piece(lp, at, &piece);
}

uint8_t *listpack_replace_int(uint8_t *lp, uint8_t **at, int64_t number)
{
    struct listpack_piece piece = listpack_int_piece(number);
    return listpack_replace_piece(lp, at, &piece);
}

uint8_t *listpack_delete(uint8_t *lp, uint8_t **at, uint32_t count)
{
    const uint8_t *end = *at;
    uint32_t gone = 0;
    for (; gone < count && *end != LISTPACK_END; gone++) end = listpack_after(end);
    size_t from = (size_t)(*at - lp), old = (size_t)(end - *at);
    uint32_t known = listpack_head_count(lp);
    if (known != LISTPACK_MANY) listpack_set_count(lp, known - gone);
    lp = listpack_splice(lp, from, old, 0);
    *at = listpack_place(lp + from);
    return lp;
}

uint8_t *listpack_join(uint8_t *lp, const uint8_t *other)
{
    must(other != lp);
    size_t end = listpack_bytes(lp) - 1, more = listpack_bytes(other) - LISTPACK_EMPTY;
    lp = listpack_splice(lp, end, 0, more);
    memcpy(lp + end, other + LISTPACK_HEADER, more);
    listpack_add_count(lp, listpack_head_count(other));
    return lp;
}

/* ---- At the ends ---- */

bool listpack_append_within(uint8_t *lp, size_t room, struct bytes text)
{
    struct listpack_piece piece = listpack_piece(text);
    size_t end = listpack_bytes(lp) - 1, after = end + listpack_piece_size(&piece) + 1;
    if (after > room) return false;
    listpack_write(lp + end, &piece);
    lp[after - 1] = LISTPACK_END;
    listpack_set_bytes(lp, after);
    listpack_add_count(lp, 1);
    return true;
}

uint8_t *listpack_prepend_within(uint8_t *lp, size_t gap, struct bytes text)
{
    struct listpack_piece piece = listpack_piece(text);
    size_t size = listpack_piece_size(&piece);
    if (size > gap) return NULL;
    uint8_t *to = lp - size;
    memmove(to, lp, LISTPACK_HEADER);
    listpack_write(to + LISTPACK_HEADER, &piece);
    listpack_set_bytes(to, listpack_bytes(to) + size);
    listpack_add_count(to, 1);
    return to;
}

static void listpack_lose(uint8_t *lp, size_t bytes)
{
    listpack_set_bytes(lp, bytes);
    uint32_t known = listpack_head_count(lp);
    if (known != LISTPACK_MANY) listpack_set_count(lp, known - 1);
}

uint8_t *listpack_drop_first(uint8_t *lp)
{
    size_t size = listpack_size_at(lp + LISTPACK_HEADER);
    uint8_t *to = lp + size;
    memmove(to, lp, LISTPACK_HEADER);
    listpack_lose(to, listpack_bytes(to) - size);
    return to;
}

void listpack_drop_last(uint8_t *lp)
{
    uint8_t *last = listpack_last(lp);
    *last = LISTPACK_END;
    listpack_lose(lp, (size_t)(last - lp) + 1);
}

/* ---- What came from outside ---- */

/* The element's bytes when it is whole within `left` bytes, else 0. */
static size_t listpack_check(const uint8_t *at, size_t left)
{
    uint8_t way[5];
    if (at[0] > LISTPACK_INT64) return 0;
    size_t head = at[0] == LISTPACK_TEXT32 ? 5 : at[0] >= LISTPACK_INT13 ? 2 : 1;
    if (left < head) return 0;
    size_t body = listpack_body(at), back = listpack_back(body);
    if (left < body + back) return 0;
    listpack_write_back(way, body);
    return memcmp(at + body, way, back) == 0 ? body + back : 0;
}

bool listpack_is_valid(const uint8_t *bytes, size_t len, uint32_t *count)
{
    if (len < LISTPACK_EMPTY || len > LISTPACK_MAX || listpack_bytes(bytes) != len) return false;
    if (bytes[len - 1] != LISTPACK_END) return false;
    uint32_t found = 0;
    for (size_t from = LISTPACK_HEADER; from < len - 1; found++) {
        size_t size = listpack_check(bytes + from, len - 1 - from);
        if (size == 0) return false;
        from += size;
    }
    *count = found;
    return listpack_head_count(bytes) == found || listpack_head_count(bytes) == LISTPACK_MANY;
}
