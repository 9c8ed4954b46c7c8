/*
 * A borrowed run of bytes: not terminated, may hold any byte. The commonest argument type in Baton.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct bytes {
    const char *ptr;
    size_t len;
};

static inline struct bytes bytes_make(const char *ptr, size_t len)
{
    return (struct bytes){ptr, len};
}

/* Borrows a C string. */
static inline struct bytes bytes_of(const char *cstr) { return (struct bytes){cstr, strlen(cstr)}; }

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* ASCII case is ignored; `word` is a C string. */
static inline bool bytes_is_word(struct bytes a, const char *word)
{
    return a.len == strlen(word) && (a.len == 0 || strncasecmp(a.ptr, word, a.len) == 0);
}

/* Bytewise order, shorter first when one is a prefix: < 0, 0, > 0. */
static inline int bytes_compare(struct bytes a, struct bytes b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n == 0 ? 0 : memcmp(a.ptr, b.ptr, n);
    if (c != 0) return c;
    return a.len < b.len ? -1 : a.len > b.len;
}

#endif
