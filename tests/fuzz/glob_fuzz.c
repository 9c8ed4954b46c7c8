/*
 * Fuzzes patterns: the first byte says how long the pattern is, the rest is the text. What must
 * hold of any pattern: a match stays one when '*' is put at either end, and an escaped text matches
 * itself and nothing longer.
 */
#include "codec/glob.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) abort();
}

/* A copy on the heap of exactly its size, so that a read past its end is seen. */
static struct bytes copied(const void *from, size_t len)
{
    char *copy = malloc(len == 0 ? 1 : len);
    memcpy(copy, from, len);
    return bytes_make(copy, len);
}

static void dropped(struct bytes b)
{
    union {
        const char *given;
        void *owned;
    } p = {b.ptr};
    free(p.owned);
}

static void check_stars(struct bytes pattern, struct bytes text, bool ignore_case)
{
    char *longer = malloc(pattern.len + 1);
    longer[0] = '*';
    memcpy(longer + 1, pattern.ptr, pattern.len);
    check(glob_match(bytes_make(longer, pattern.len + 1), text, ignore_case));
    free(longer);
}

static void check_escaped(struct bytes text, bool ignore_case)
{
    char *escaped = malloc(text.len * 2 + 1);
    for (size_t i = 0; i < text.len; i++) {
        escaped[i * 2] = '\\';
        escaped[i * 2 + 1] = text.ptr[i];
    }
    check(glob_match(bytes_make(escaped, text.len * 2), text, ignore_case));
    if (text.len > 0) {
        check(!glob_match(bytes_make(escaped, text.len * 2), bytes_make(text.ptr, text.len - 1),
                          ignore_case));
        check(!glob_match(bytes_make(escaped, text.len * 2 - 2), text, ignore_case));
    }
    free(escaped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 4096) return 0;
    size_t len = data[0] < size - 1 ? data[0] : size - 1;
    struct bytes pattern = copied(data + 1, len), text = copied(data + 1 + len, size - 1 - len);
    bool matches = glob_match(pattern, text, false);
    if (matches) check_stars(pattern, text, false);
    if (glob_match(pattern, text, true)) check_stars(pattern, text, true);
    if (glob_is_plain(pattern)) check(matches == bytes_equal(pattern, text));
    check_escaped(text, false);
    check_escaped(text, true);
    dropped(pattern);
    dropped(text);
    return 0;
}
