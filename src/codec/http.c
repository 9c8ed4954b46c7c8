/* One pass over the first line, one search for the empty line; see http.h. */
#include "codec/http.h"

#define METHOD_MAX 16 /* none that is registered is longer */

static bool http_is_token(char c) { return (c >= 'A' && c <= 'Z') || c == '-'; }

/* What a target may hold: printable ASCII without blanks. */
static bool http_is_target(char c) { return c > ' ' && c < 0x7f; }

/* The empty line at the end of the head: line ends are CR LF, or LF alone as old clients send. */
static bool http_is_whole(struct bytes in)
{
    for (size_t i = 0; i + 1 < in.len; i++) {
        if (in.ptr[i] != '\n') continue;
        if (in.ptr[i + 1] == '\n') return true;
        if (i + 2 < in.len && in.ptr[i + 1] == '\r' && in.ptr[i + 2] == '\n') return true;
    }
    return false;
}

/* How many bytes from `at` on are of a kind. */
static size_t http_span(struct bytes in, size_t at, bool (*is)(char c))
{
    size_t end = at;
    while (end < in.len && is(in.ptr[end])) end++;
    return end - at;
}

/* The version and the end of the line, from `at` on; as much of it as is there must be right. */
static enum http_verdict http_read_version(struct bytes in, size_t at)
{
    static const char version[] = "HTTP/1.";
    size_t len = sizeof(version) - 1;
    size_t have = in.len - at < len ? in.len - at : len;
    if (memcmp(in.ptr + at, version, have) != 0) return HTTP_BAD;
    at += have;
    if (at == in.len) return HTTP_MORE;
    if (in.ptr[at] < '0' || in.ptr[at] > '9') return HTTP_BAD;
    at++;
    if (at < in.len && in.ptr[at] == '\r') at++;
    if (at == in.len) return HTTP_MORE;
    if (in.ptr[at] != '\n') return HTTP_BAD;
    return http_is_whole(in) ? HTTP_HEAD : HTTP_MORE;
}

enum http_verdict http_read(struct bytes in, struct http_request *out)
{
    size_t method = http_span(in, 0, http_is_token);
    if (method > METHOD_MAX) return HTTP_BAD;
    if (method == in.len) return HTTP_MORE;
    if (method == 0 || in.ptr[method] != ' ') return HTTP_BAD;
    size_t at = method + 1;
    if (at < in.len && in.ptr[at] != '/') return HTTP_BAD;
    size_t target = http_span(in, at, http_is_target);
    if (at + target == in.len) return HTTP_MORE;
    if (in.ptr[at + target] != ' ') return HTTP_BAD;
    enum http_verdict verdict = http_read_version(in, at + target + 1);
    if (verdict != HTTP_HEAD) return verdict;
    const char *query = memchr(in.ptr + at, '?', target);
    out->method = bytes_make(in.ptr, method);
    out->path = bytes_make(in.ptr + at, query == NULL ? target : (size_t)(query - (in.ptr + at)));
    return HTTP_HEAD;
}
