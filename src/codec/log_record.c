/*
 * Numbers of heads are short and mostly of one or two digits. A record is read from its start
 * whenever it is asked for: there is no state between calls.
 */
#include "codec/log_record.h"

#include "base/must.h"
#include "codec/number.h"

enum { LOG_NUMBER_DIGITS = 10 }; /* 4 GB, and 2^31 arguments */

static enum log_record log_short(struct log_reader *r, uint64_t missing)
{
    r->missing = missing;
    return LOG_SHORT;
}

static enum log_record log_bad(struct log_reader *r, const uint8_t *at, const char *expected)
{
    r->bad = at;
    r->expected = expected;
    return LOG_BAD;
}

/* A head: a letter, a number, a line end. Gives LOG_COMMAND when it is there. */
static inline enum log_record log_take_head(struct log_reader *r, const uint8_t **at,
                                            uint8_t letter, uint64_t *n)
{
    const uint8_t *p = *at, *end = r->end;
    if (unlikely(p == end)) return log_short(r, 1);
    if (unlikely(*p != letter))
        return log_bad(r, p, letter == '$' ? "Expected prefix '$'" : "Expected prefix '*'");
    uint64_t value = 0;
    const uint8_t *digits = ++p;
    for (; p < end && (uint8_t)(*p - '0') < 10; p++) {
        if (unlikely(p - digits == LOG_NUMBER_DIGITS)) return log_bad(r, p, "Expected \\r\\n");
        value = value * 10 + (uint64_t)(*p - '0');
    }
    if (unlikely(end - p < 2)) {
        if (p < end && *p != '\r') return log_bad(r, p, "Expected \\r\\n");
        return log_short(r, (uint64_t)(2 - (end - p)));
    }
    if (unlikely(p == digits)) return log_bad(r, p, "Expected a number");
    if (unlikely(p[0] != '\r' || p[1] != '\n'))
        return log_bad(r, p + (p[0] == '\r'), "Expected \\r\\n");
    r->lines++;
    *at = p + 2;
    *n = value;
    return LOG_COMMAND;
}

static inline enum log_record log_take_arg(struct log_reader *r, const uint8_t **at,
                                           struct bytes *arg)
{
    uint64_t len;
    enum log_record head = log_take_head(r, at, '$', &len);
    if (unlikely(head != LOG_COMMAND)) return head;
    const uint8_t *text = *at;
    uint64_t left = (uint64_t)(r->end - text);
    if (unlikely(left < len + 2)) return log_short(r, len + 2 - left);
    if (unlikely(text[len] != '\r' || text[len + 1] != '\n'))
        return log_bad(r, text + len + (text[len] == '\r'), "Expected \\r\\n");
    r->lines++;
    *arg = bytes_make((const char *)text, len);
    *at = text + len + 2;
    return LOG_COMMAND;
}

static enum log_record log_take_annotation(struct log_reader *r)
{
    size_t left = (size_t)(r->end - r->at);
    size_t most = left < LOG_ANNOTATION_MAX ? left : LOG_ANNOTATION_MAX;
    const uint8_t *nl = memchr(r->at, '\n', most);
    if (nl == NULL) {
        const uint8_t *zero = memchr(r->at, 0, most);
        if (zero != NULL) return log_bad(r, zero, "Expected text");
        if (most == LOG_ANNOTATION_MAX) return log_bad(r, r->at, "Expected a shorter annotation");
        return log_short(r, 1);
    }
    size_t len = (size_t)(nl - r->at) - 1;
    if (len > 0 && nl[-1] == '\r') len--;
    r->text = bytes_make((const char *)r->at + 1, len);
    r->lines = 1;
    r->at = nl + 1;
    return LOG_ANNOTATION;
}

enum log_record log_record_read(struct log_reader *r)
{
    r->lines = 0;
    if (unlikely(*r->at == '#')) return log_take_annotation(r);
    const uint8_t *at = r->at;
    uint64_t nargs;
    enum log_record got = log_take_head(r, &at, '*', &nargs);
    if (unlikely(got != LOG_COMMAND)) return got;
    if (unlikely(nargs == 0 || nargs > INT32_MAX)) return log_bad(r, r->at, "Expected arguments");
    if (unlikely(nargs > r->args_max)) {
        /* An argument takes 5 bytes, so that a number alone asks for no memory. */
        uint64_t left = (uint64_t)(r->end - at);
        if (left / 5 < nargs) return log_short(r, nargs * 5 - left);
        r->nargs = (uint32_t)nargs;
        return LOG_ARGS;
    }
    for (uint64_t i = 0; i < nargs; i++) {
        got = log_take_arg(r, &at, &r->args[i]);
        if (unlikely(got != LOG_COMMAND)) return got;
    }
    r->nargs = (uint32_t)nargs;
    r->at = at;
    return LOG_COMMAND;
}

int64_t log_record_time(struct bytes text)
{
    int64_t seconds;
    if (text.len < 3 || memcmp(text.ptr, "TS:", 3) != 0) return -1;
    if (!number_int(bytes_make(text.ptr + 3, text.len - 3), &seconds) || seconds < 0) return -2;
    return seconds;
}
