/*
 * Fuzzes the head of an HTTP request. What must hold: a verdict other than "more" stays whatever
 * follows, and what it gives lies in the request.
 */
#include "codec/http.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) abort();
}

static bool lies_in(struct bytes part, struct bytes whole)
{
    return part.len > 0 && part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len;
}

/* The verdict on the first `len` bytes, read from a copy of exactly that size. */
static enum http_verdict verdict_on(const uint8_t *data, size_t len)
{
    struct http_request request;
    char *copy = malloc(len == 0 ? 1 : len);
    if (len > 0) memcpy(copy, data, len);
    struct bytes in = bytes_make(copy, len);
    enum http_verdict verdict = http_read(in, &request);
    if (verdict == HTTP_HEAD) check(lies_in(request.method, in) && lies_in(request.path, in));
    free(copy);
    return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum http_verdict last = HTTP_MORE;
    if (size > 512) return 0;
    for (size_t len = 0; len <= size; len++) {
        enum http_verdict verdict = verdict_on(data, len);
        if (last != HTTP_MORE) check(verdict == last);
        last = verdict;
    }
    return 0;
}
