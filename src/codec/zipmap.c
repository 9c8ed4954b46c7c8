/*
 * One function reads a pair and trusts nothing, whether the zipmap was found valid or not.
 */
#include "codec/zipmap.h"

enum { ZIPMAP_MIN = 2, ZIPMAP_LONG = 254, ZIPMAP_COUNT_UNKNOWN = 254, ZIPMAP_END = 0xff };

/* A length and `extra` bytes after it. */
static bool zipmap_take_text(const uint8_t **at, const uint8_t *end, size_t extra,
                             struct bytes *text)
{
    const uint8_t *p = *at;
    if (p >= end || *p == ZIPMAP_END) return false;
    size_t head = *p == ZIPMAP_LONG ? 5 : 1;
    if ((size_t)(end - p) < head + extra) return false;
    size_t len = *p;
    if (head == 5) len = (size_t)p[1] | (size_t)p[2] << 8 | (size_t)p[3] << 16 | (size_t)p[4] << 24;
    p += head;
    size_t unused = extra == 0 ? 0 : *p;
    p += extra;
    if ((size_t)(end - p) < len + unused) return false;
    *text = bytes_make((const char *)p, len);
    *at = p + len + unused;
    return true;
}

static bool zipmap_read(const uint8_t **at, const uint8_t *end, struct bytes *field,
                        struct bytes *value)
{
    return zipmap_take_text(at, end, 0, field) && zipmap_take_text(at, end, 1, value);
}

bool zipmap_is_valid(struct bytes map, uint32_t *count)
{
    if (map.len < ZIPMAP_MIN) return false;
    struct zipmap_walk walk = zipmap_walk(map);
    if (*walk.end != ZIPMAP_END) return false;

    uint32_t n = 0;
    struct bytes field, value;
    for (; walk.at < walk.end; n++)
        if (!zipmap_read(&walk.at, walk.end, &field, &value)) return false;
    uint8_t told = (uint8_t)map.ptr[0];
    *count = n;
    return told == n || told == ZIPMAP_COUNT_UNKNOWN;
}

struct zipmap_walk zipmap_walk(struct bytes map)
{
    const uint8_t *start = (const uint8_t *)map.ptr;
    return (struct zipmap_walk){start + 1, start + map.len - 1};
}

bool zipmap_next(struct zipmap_walk *walk, struct bytes *field, struct bytes *value)
{
    return walk->at < walk->end && zipmap_read(&walk->at, walk->end, field, value);
}
