/*
 * One function reads an item and trusts nothing, whether the ziplist was found valid or not.
 */
#include "codec/ziplist.h"

enum {
    ZIPLIST_HEADER = 10,
    ZIPLIST_MIN = ZIPLIST_HEADER + 1,
    ZIPLIST_END = 0xff,
    ZIPLIST_LONG_BEFORE = 0xfe, /* 4 bytes follow with the length of the item before */
    ZIPLIST_COUNT_UNKNOWN = 0xffff,
    ZIPLIST_TEXT_14 = 1, /* the two top bits of an encoding */
    ZIPLIST_TEXT_32 = 0x80,
    ZIPLIST_INT_16 = 0xc0,
    ZIPLIST_INT_32 = 0xd0,
    ZIPLIST_INT_64 = 0xe0,
    ZIPLIST_INT_24 = 0xf0,
    ZIPLIST_INT_0 = 0xf1, /* to 0xfd: the numbers 0 to 12 */
    ZIPLIST_INT_12 = 0xfd,
    ZIPLIST_INT_8 = 0xfe,
};

static uint64_t ziplist_read_little(const uint8_t *p, size_t bytes)
{
    uint64_t n = 0;
    for (size_t i = 0; i < bytes; i++) n |= (uint64_t)p[i] << (8 * i);
    return n;
}

/* Bytes of an integer's data; -1 when the encoding is none of an integer. */
static int ziplist_int_bytes(uint8_t encoding)
{
    switch (encoding) {
    case ZIPLIST_INT_8: return 1;
    case ZIPLIST_INT_16: return 2;
    case ZIPLIST_INT_24: return 3;
    case ZIPLIST_INT_32: return 4;
    case ZIPLIST_INT_64: return 8;
    default: return encoding >= ZIPLIST_INT_0 && encoding <= ZIPLIST_INT_12 ? 0 : -1;
    }
}

/* The encoding and the data at `p`; gives where they end, NULL when they do not before `end`. */
static const uint8_t *ziplist_read_int(const uint8_t *p, const uint8_t *end,
                                       struct ziplist_item *item)
{
    uint8_t encoding = *p++;
    int bytes = ziplist_int_bytes(encoding);
    if (bytes < 0 || end - p < bytes) return NULL;
    item->is_int = true;
    if (bytes == 0) {
        item->number = encoding - ZIPLIST_INT_0;
        return p;
    }
    unsigned unused = 64 - 8 * (unsigned)bytes;
    item->number = (int64_t)(ziplist_read_little(p, (size_t)bytes) << unused) >> unused;
    return p + bytes;
}

static const uint8_t *ziplist_read_text(const uint8_t *p, const uint8_t *end,
                                        struct ziplist_item *item)
{
    size_t head = *p >> 6 == 0 ? 1 : *p >> 6 == ZIPLIST_TEXT_14 ? 2 : 5;
    if (head == 5 && *p != ZIPLIST_TEXT_32) return NULL;
    if ((size_t)(end - p) < head) return NULL;
    size_t len = head == 5 ? 0 : *p & 0x3f;
    for (size_t i = 1; i < head; i++) len = len << 8 | p[i];
    p += head;
    if ((size_t)(end - p) < len) return NULL;
    item->is_int = false;
    item->text = bytes_make((const char *)p, len);
    return p + len;
}

/* The item at `p`; *before is set to the length that it says the one before has. */
static const uint8_t *ziplist_read(const uint8_t *p, const uint8_t *end, struct ziplist_item *item,
                                   size_t *before)
{
    size_t head = *p == ZIPLIST_LONG_BEFORE ? 5 : 1;
    if (*p == ZIPLIST_END || (size_t)(end - p) <= head) return NULL;
    *before = head == 1 ? *p : ziplist_read_little(p + 1, 4);
    p += head;
    return *p >> 6 == 3 ? ziplist_read_int(p, end, item) : ziplist_read_text(p, end, item);
}

bool ziplist_is_valid(struct bytes zl, uint32_t *count)
{
    const uint8_t *start = (const uint8_t *)zl.ptr;
    if (zl.len < ZIPLIST_MIN || ziplist_read_little(start, 4) != zl.len) return false;
    const uint8_t *end = start + zl.len - 1, *p = start + ZIPLIST_HEADER;
    if (*end != ZIPLIST_END) return false;

    size_t last_len = 0, before;
    const uint8_t *last = p;
    uint32_t n = 0;
    struct ziplist_item item;
    while (p < end) {
        const uint8_t *next = ziplist_read(p, end, &item, &before);
        if (next == NULL || before != last_len) return false;
        last_len = (size_t)(next - p);
        last = p;
        p = next;
        n++;
    }
    uint64_t told = ziplist_read_little(start + 8, 2);
    if (told != ZIPLIST_COUNT_UNKNOWN && told != n) return false;
    *count = n;
    return ziplist_read_little(start + 4, 4) == (uint64_t)(last - start);
}

struct ziplist_walk ziplist_walk(struct bytes zl)
{
    const uint8_t *start = (const uint8_t *)zl.ptr;
    return (struct ziplist_walk){start + ZIPLIST_HEADER, start + zl.len - 1};
}

bool ziplist_next(struct ziplist_walk *walk, struct ziplist_item *item)
{
    if (walk->at >= walk->end) return false;
    size_t before;
    walk->at = ziplist_read(walk->at, walk->end, item, &before);
    return walk->at != NULL;
}
