/*
 * The parser of requests. It runs for every command of every client, so the usual request, whole in
 * the buffer, is read by one loop without a call; lines that are split, long or wrong take the slow
 * ways, which give the exact error.
 *
 * Invariants: p->pos is the first byte that no part of the command has used, and everything before
 * it is never read again; in state RESP_ARGS, args_left > 0 arguments are missing and bulk_len is
 * -1 unless the head of the next one has been read. What the parser answers depends on the bytes
 * alone and not on where they were cut.
 */
#include "codec/resp.h"

#include "base/must.h"
#include "codec/number.h"

#include <stdio.h>

enum resp_state { RESP_START, RESP_ARGS };

/* How far the reading of a line came. */
enum resp_line { RESP_LINE_WHOLE, RESP_LINE_OPEN, RESP_LINE_LONG, RESP_LINE_WRONG };

static inline bool resp_is_crlf(const char *at) { return memcmp(at, "\r\n", 2) == 0; }

/*
 * Reads "digits CR LF" at `at`: a number that is in the buffer with its end, without a sign or
 * leading zeros, of at most nine digits. Gives the byte after it, NULL when it is anything else.
 */
static inline const char *resp_quick_number(const char *at, const char *end, int64_t *n)
{
    const char *last = end - at > 9 ? at + 9 : end;
    uint32_t value = 0;
    const char *p = at;
    for (; p < last; p++) {
        unsigned digit = (unsigned char)*p - (unsigned)'0';
        if (digit > 9) break;
        value = value * 10 + digit;
    }
    if (p == at || end - p < 2 || !resp_is_crlf(p)) return NULL;
    if (unlikely(*at == '0' && p - at > 1)) return NULL;
    *n = value;
    return p + 2;
}

/* The same for any number, with the reason when there is none. The line starts at p->pos with its
 * mark ('*' or '$'). */
static enum resp_line resp_slow_number(struct resp_parser *p, const struct resp_limits *limits,
                                       const char *buf, size_t len, int64_t *n)
{
    size_t from = p->line_from > p->pos ? p->line_from : p->pos;
    const char *cr = len > from ? memchr(buf + from, '\r', len - from) : NULL;
    size_t end = cr == NULL ? len : (size_t)(cr - buf);
    if (end - p->pos > limits->max_inline) return RESP_LINE_LONG;
    p->line_from = end;
    if (cr == NULL || end + 1 == len) return RESP_LINE_OPEN;
    size_t start = p->pos + 1;
    if (buf[end + 1] != '\n' || !number_int(bytes_make(buf + start, end - start), n))
        return RESP_LINE_WRONG;
    p->pos = end + 2;
    return RESP_LINE_WHOLE;
}

/* Blanks before a word; vertical tabs and form feeds among them, which do not end one. */
static inline bool resp_is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static inline bool resp_ends_word(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline int resp_hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte inside "...": how many source bytes it takes, and what it stands for. */
static size_t resp_inline_escape(const char *at, const char *end, char *out)
{
    *out = *at;
    if (*at != '\\' || at + 1 == end) return 1;
    if (at[1] == 'x' && end - at >= 4 && resp_hex(at[2]) >= 0 && resp_hex(at[3]) >= 0) {
        *out = (char)(resp_hex(at[2]) * 16 + resp_hex(at[3]));
        return 4;
    }
    switch (at[1]) {
    case 'n': *out = '\n'; break;
    case 'r': *out = '\r'; break;
    case 't': *out = '\t'; break;
    case 'b': *out = '\b'; break;
    case 'a': *out = '\a'; break;
    default: *out = at[1];
    }
    return 2;
}

/* One step inside a quotation that `quote` opened; the closing quote is not handed in. */
static size_t resp_inline_step(const char *at, const char *end, char quote, char *out)
{
    if (quote == '"') return resp_inline_escape(at, end, out);
    if (*at == '\\' && at + 1 < end && at[1] == '\'') {
        *out = '\'';
        return 2;
    }
    *out = *at;
    return 1;
}

/* Skips the word at `at`. NULL: its quotes are not balanced. */
static const char *resp_inline_skip(const char *at, const char *end)
{
    char ignored;
    while (at < end && !resp_ends_word(*at)) {
        char quote = *at++;
        if (quote != '"' && quote != '\'') continue;
        while (at < end && *at != quote) at += resp_inline_step(at, end, quote, &ignored);
        if (at >= end) return NULL;
        at++;
        return at == end || resp_is_blank(*at) ? at : NULL;
    }
    return at;
}

/* Number of words in a line, or -1 when a quote has no end or no blank after it. */
static int64_t resp_inline_count(const char *at, const char *end)
{
    int64_t count = 0;
    for (;;) {
        while (at < end && resp_is_blank(*at)) at++;
        if (at >= end) return count;
        at = resp_inline_skip(at, end);
        if (at == NULL) return -1;
        count++;
    }
}

/* Takes the next word from *at on, unescaped in place: it only shrinks. The line is known to be
 * sound and to have the word. */
static struct bytes resp_inline_word(char **at, const char *end)
{
    char *p = *at;
    while (resp_is_blank(*p)) p++;
    char *start = p, *out = p, quote = 0;
    while (p < end && (quote != 0 || !resp_ends_word(*p))) {
        if (quote == 0 && (*p == '"' || *p == '\'')) {
            quote = *p++;
        } else if (quote == 0) {
            *out++ = *p++;
        } else if (*p == quote) {
            p++;
            break; /* a closing quote ends the word */
        } else {
            p += resp_inline_step(p, end, quote, out);
            out++;
        }
    }
    *at = p;
    return bytes_make(start, (size_t)(out - start));
}

/* What one call of resp_parse() was given. */
struct resp_call {
    const struct resp_limits *limits;
    char *buf;
    size_t len;
    struct resp_span *spans;
    uint32_t span_max;
    struct resp_error *error;
};

static enum resp_result resp_fail(const struct resp_call *c, const char *text)
    __attribute__((cold));
static enum resp_result resp_fail(const struct resp_call *c, const char *text)
{
    c->error->text = text;
    return RESP_ERROR;
}

static enum resp_result resp_inline(struct resp_parser *p, const struct resp_call *c)
{
    char *buf = c->buf;
    char *lf =
        c->len > p->line_from ? memchr(buf + p->line_from, '\n', c->len - p->line_from) : NULL;
    size_t end = lf == NULL ? c->len : (size_t)(lf - buf);
    if (end > c->limits->max_inline) return resp_fail(c, "Protocol error: too big inline request");
    p->line_from = end;
    if (lf == NULL) return RESP_MORE;

    const char *stop = end > 0 && lf[-1] == '\r' ? lf - 1 : lf;
    int64_t count = resp_inline_count(buf, stop);
    if (count < 0) return resp_fail(c, "Protocol error: unbalanced quotes in request");
    if (count > c->span_max) return RESP_ROOM;
    char *at = buf;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes word = resp_inline_word(&at, stop);
        c->spans[i] = (struct resp_span){(size_t)(word.ptr - buf), word.len};
    }
    p->nargs = (uint32_t)count;
    p->pos = end + 1;
    return RESP_COMMAND;
}

/* The head of a multibulk: leaves p in RESP_ARGS, or gives what else happened. */
static enum resp_result resp_head(struct resp_parser *p, const struct resp_call *c)
{
    int64_t count = 0;
    const char *after = NULL;
    if (likely(c->len >= 4 && resp_is_crlf(c->buf + 2) && c->buf[1] > '0' && c->buf[1] <= '9')) {
        count = c->buf[1] - '0';
        after = c->buf + 4;
    } else {
        after = resp_quick_number(c->buf + 1, c->buf + c->len, &count);
    }
    if (likely(after != NULL)) {
        p->pos = (size_t)(after - c->buf);
    } else {
        switch (resp_slow_number(p, c->limits, c->buf, c->len, &count)) {
        case RESP_LINE_OPEN: return RESP_MORE;
        case RESP_LINE_LONG: return resp_fail(c, "Protocol error: too big mbulk count string");
        case RESP_LINE_WRONG: return resp_fail(c, "Protocol error: invalid multibulk length");
        case RESP_LINE_WHOLE: break;
        }
    }
    if (count > INT32_MAX || (count > c->limits->max_args && c->limits->authenticated))
        return resp_fail(c, "Protocol error: invalid multibulk length");
    if (count > c->limits->max_args)
        return resp_fail(c, "Protocol error: unauthenticated multibulk length");
    p->state = RESP_ARGS;
    p->args_left = count;
    p->bulk_len = -1;
    return RESP_COMMAND;
}

/* The head of a bulk at p->pos, when it is not a plain one: p->bulk_len, or what else happened. */
static enum resp_result resp_bulk_head(struct resp_parser *p, const struct resp_call *c)
{
    if (p->pos >= c->len) return RESP_MORE;
    char mark = c->buf[p->pos];
    if (mark != '$') {
        /* a byte that would break the reply's line is shown as a blank */
        if (mark == '\r' || mark == '\n' || mark == '\0') mark = ' ';
        snprintf(c->error->buf, RESP_ERROR_LEN, "Protocol error: expected '$', got '%c'", mark);
        return resp_fail(c, c->error->buf);
    }
    int64_t len;
    switch (resp_slow_number(p, c->limits, c->buf, c->len, &len)) {
    case RESP_LINE_OPEN: return RESP_MORE;
    case RESP_LINE_LONG: return resp_fail(c, "Protocol error: too big bulk count string");
    case RESP_LINE_WRONG: return resp_fail(c, "Protocol error: invalid bulk length");
    case RESP_LINE_WHOLE: break;
    }
    p->bulk_len = len;
    return RESP_COMMAND;
}

static enum resp_result resp_bulk_check(const struct resp_call *c, int64_t len)
{
    if (len < 0 || (len > c->limits->max_bulk && c->limits->authenticated))
        return resp_fail(c, "Protocol error: invalid bulk length");
    if (len > c->limits->max_bulk)
        return resp_fail(c, "Protocol error: unauthenticated bulk length");
    return RESP_COMMAND;
}

/* Takes arguments that are whole in the buffer and shorter than 100 bytes, as nearly all are, and
 * leaves the first other one where it is. */
static void resp_quick_args(struct resp_parser *p, const struct resp_call *c)
{
    enum { SHORTEST = 6 }; /* $0 CR LF CR LF */
    const char *at = c->buf + p->pos, *end = c->buf + c->len;
    struct resp_span *span = c->spans + p->nargs, *last = c->spans + c->span_max;
    int64_t left = p->args_left;
    for (; left > 0 && span < last && end - at >= SHORTEST && *at == '$'; left--) {
        unsigned len = (unsigned char)at[1] - (unsigned)'0', digit;
        const char *body = at + 4;
        if (len > 9) break;
        if (!resp_is_crlf(at + 2)) {
            digit = (unsigned char)at[2] - (unsigned)'0';
            if (len == 0 || digit > 9 || !resp_is_crlf(at + 3)) break;
            len = len * 10 + digit;
            body = at + 5;
        }
        if (end - body < (ptrdiff_t)len + 2 || !resp_is_crlf(body + len)) break;
        *span++ = (struct resp_span){(size_t)(body - c->buf), len};
        at = body + len + 2;
    }
    p->pos = (size_t)(at - c->buf);
    p->nargs = (uint32_t)(span - c->spans);
    p->args_left = left;
}

static enum resp_result resp_args(struct resp_parser *p, const struct resp_call *c)
{
    const char *buf = c->buf, *end = buf + c->len;
    if (likely(p->bulk_len < 0 && c->limits->max_bulk >= 99)) resp_quick_args(p, c);
    while (p->args_left > 0) {
        if (p->nargs == c->span_max) return RESP_ROOM;
        if (p->bulk_len < 0) {
            const char *at = buf + p->pos;
            const char *after = NULL;
            if (likely(at < end && *at == '$'))
                after = resp_quick_number(at + 1, end, &p->bulk_len);
            if (likely(after != NULL)) {
                p->pos = (size_t)(after - buf);
            } else {
                enum resp_result head = resp_bulk_head(p, c);
                if (head != RESP_COMMAND) return head;
            }
            if (unlikely((uint64_t)p->bulk_len > (uint64_t)c->limits->max_bulk)) {
                enum resp_result check = resp_bulk_check(c, p->bulk_len);
                if (check != RESP_COMMAND) return check;
            }
        }
        size_t len = (size_t)p->bulk_len;
        if (c->len - p->pos < len + 2) return RESP_MORE;
        if (unlikely(!resp_is_crlf(buf + p->pos + len))) return resp_fail(c, RESP_NO_CRLF);
        c->spans[p->nargs++] = (struct resp_span){p->pos, len};
        p->pos += len + 2;
        p->bulk_len = -1;
        p->args_left--;
    }
    return RESP_COMMAND;
}

enum resp_result resp_parse(struct resp_parser *p, const struct resp_limits *limits,
                            const struct resp_input *in, struct resp_error *error)
{
    struct resp_call call = {limits, in->buf, in->len, in->spans, in->span_max, error};
    if (p->state == RESP_START) {
        if (in->len == 0) return RESP_MORE;
        if (in->buf[0] != '*') return resp_inline(p, &call);
        enum resp_result head = resp_head(p, &call);
        if (head != RESP_COMMAND) return head;
    }
    return resp_args(p, &call);
}

void resp_skip_bulk(struct resp_parser *p, struct resp_span *spans)
{
    must(p->state == RESP_ARGS && p->args_left > 0 && p->bulk_len >= 0);
    spans[p->nargs++] = (struct resp_span){0, (size_t)p->bulk_len};
    p->bulk_len = -1;
    p->args_left--;
}

size_t resp_wants(const struct resp_parser *p)
{
    if (p->state != RESP_ARGS || p->args_left <= 0 || p->bulk_len < 0) return 0;
    return p->pos + (size_t)p->bulk_len + 2;
}
