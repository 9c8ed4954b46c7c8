/*
 * How answers are written, RESP2 and RESP3.
 *
 * Invariant: each function appends whole protocol elements, and room is asked for before a byte is
 * written, so that r->buf never holds half an element. The functions that a GET or a SET needs take
 * one reply_room() and no formatted printing.
 */
#include "execute/core/call.h"

#include "codec/number.h"
#include "execute/core/stats.h"
#include "execute/types/block.h"
#include "execute/types/heap.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#define REPLY_LEAST 4096 /* of a buffer */
#define HEAD_CHARS 24    /* a type, 20 digits, CR LF */

void reply_grow(struct reply *r, size_t more)
{
    size_t need = r->len + more;
    size_t cap = r->cap < REPLY_LEAST ? REPLY_LEAST : r->cap;
    while (cap < need) cap *= 2;
    r->buf = heap_realloc(r->buf, cap);
    r->cap = cap;
}

void reply_fit(struct reply *r)
{
    if (r->len == 0) {
        reply_release(r);
        return;
    }
    r->buf = heap_realloc(r->buf, r->len);
    r->cap = r->len;
}

static void reply_add_loan(struct reply *r, struct reply_loan loan)
{
    if (r->loan_count == r->loan_max) {
        r->loan_max = r->loan_max == 0 ? 4 : r->loan_max * 2;
        r->loans = heap_realloc(r->loans, r->loan_max * sizeof(*r->loans));
    }
    r->loans[r->loan_count++] = loan;
}

/* The loans that came later lie behind the place; as long as they are counted, it seems to lie
 * before where it is. */
size_t reply_place(const struct reply *r, size_t total)
{
    size_t lent = r->lent;
    for (uint32_t i = r->loan_count; i > 0 && r->loans[i - 1].at + lent > total; i--)
        lent -= r->loans[i - 1].len;
    return total - lent;
}

void reply_move_loans(struct reply *to, struct reply *from, size_t at)
{
    uint32_t first = from->loan_count;
    while (first > 0 && from->loans[first - 1].at > at) first--;
    for (uint32_t i = first; i < from->loan_count; i++) reply_add_loan(to, from->loans[i]);
    from->loan_count = first;
}

void reply_repay(const struct reply_loan *loans, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) block_drop(loans[i].block);
}

void reply_rewind(struct reply *r, size_t len)
{
    r->len = len;
    while (r->loan_count > 0 && r->loans[r->loan_count - 1].at > len) {
        const struct reply_loan *loan = &r->loans[--r->loan_count];
        r->lent -= loan->len;
        block_drop(loan->block);
    }
}

void reply_release(struct reply *r)
{
    reply_rewind(r, 0);
    heap_free(r->buf);
    heap_free(r->loans);
    r->buf = NULL;
    r->loans = NULL;
    r->len = r->cap = r->loan_max = 0;
}

/* Prints into the reply's own room; the first try is nearly always enough. */
__attribute__((format(printf, 2, 0))) static void reply_vprintf(struct reply *r, const char *fmt,
                                                                va_list ap)
{
    va_list again;
    va_copy(again, ap);
    char *p = reply_room(r, 256);
    int n = vsnprintf(p, r->cap - r->len, fmt, ap);
    must(n >= 0);
    if ((size_t)n >= r->cap - r->len) {
        p = reply_room(r, (size_t)n + 1);
        n = vsnprintf(p, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    r->len += (size_t)n;
}

void reply_printf(struct reply *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    reply_vprintf(r, fmt, ap);
    va_end(ap);
}

/* Decimal digits of n at p; gives their number. Counts and lengths are short, so short ones come
 * first. */
static inline size_t reply_digits(char *p, uint64_t n)
{
    if (likely(n < 10)) {
        p[0] = (char)('0' + n);
        return 1;
    }
    if (likely(n < 100)) {
        p[0] = (char)('0' + n / 10);
        p[1] = (char)('0' + n % 10);
        return 2;
    }
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n != 0);
    memcpy(p, digits + at, sizeof(digits) - at);
    return sizeof(digits) - at;
}

static inline char *reply_put_head(char *p, char type, uint64_t n)
{
    *p++ = type;
    p += reply_digits(p, n);
    *p++ = '\r';
    *p++ = '\n';
    return p;
}

static inline enum run_result reply_head(struct call *c, char type, uint64_t n)
{
    struct reply *r = c->reply;
    char *p = reply_room(r, HEAD_CHARS);
    r->len += (size_t)(reply_put_head(p, type, n) - p);
    return RUN_OK;
}

#define REPLY_CONSTANT(c, text)                                             \
    do {                                                                    \
        struct reply *r_ = (c)->reply;                                      \
        memcpy(reply_room(r_, sizeof(text) - 1), (text), sizeof(text) - 1); \
        r_->len += sizeof(text) - 1;                                        \
    } while (0)

enum run_result reply_ok(struct call *c)
{
    REPLY_CONSTANT(c, "+OK\r\n");
    return RUN_OK;
}

enum run_result reply_int(struct call *c, int64_t n)
{
    struct reply *r = c->reply;
    char *p = reply_room(r, HEAD_CHARS);
    char *end = p;
    *end++ = ':';
    uint64_t magnitude = (uint64_t)n;
    if (n < 0) {
        *end++ = '-';
        magnitude = 0 - magnitude;
    }
    end += reply_digits(end, magnitude);
    *end++ = '\r';
    *end++ = '\n';
    r->len += (size_t)(end - p);
    return RUN_OK;
}

enum run_result reply_bulk(struct call *c, struct bytes b)
{
    struct reply *r = c->reply;
    char *p = reply_room(r, b.len + HEAD_CHARS + 2);
    char *end = reply_put_head(p, '$', b.len);
    if (b.len != 0) memcpy(end, b.ptr, b.len);
    end += b.len;
    *end++ = '\r';
    *end++ = '\n';
    r->len += (size_t)(end - p);
    return RUN_OK;
}

enum run_result reply_bulk_of(struct call *c, struct bytes part, struct block *b)
{
    struct reply *r = c->reply;
    if (b == NULL || !r->lends || part.len < REPLY_LEND_MIN) return reply_bulk(c, part);
    reply_head(c, '$', part.len);
    reply_add_loan(r, (struct reply_loan){r->len, part.ptr, part.len, block_share(b)});
    r->lent += part.len;
    REPLY_CONSTANT(c, "\r\n");
    return RUN_OK;
}

enum run_result reply_text(struct call *c, const char *cstr)
{
    return reply_bulk(c, bytes_of(cstr));
}

enum run_result reply_null(struct call *c)
{
    if (c->reply->resp == 3)
        REPLY_CONSTANT(c, "_\r\n");
    else
        REPLY_CONSTANT(c, "$-1\r\n");
    return RUN_OK;
}

enum run_result reply_null_array(struct call *c)
{
    if (c->reply->resp == 3)
        REPLY_CONSTANT(c, "_\r\n");
    else
        REPLY_CONSTANT(c, "*-1\r\n");
    return RUN_OK;
}

/* One line of `type`: a line end inside the text would let it forge another reply. */
static void reply_line(struct reply *r, char type, struct bytes text)
{
    char *p = reply_room(r, text.len + 3);
    *p++ = type;
    for (size_t i = 0; i < text.len; i++) {
        char ch = text.ptr[i];
        *p++ = (ch == '\r' || ch == '\n') ? ' ' : ch;
    }
    *p++ = '\r';
    *p = '\n';
    r->len += text.len + 3;
}

enum run_result reply_status_bytes(struct call *c, struct bytes text)
{
    reply_line(c->reply, '+', text);
    return RUN_OK;
}

enum run_result reply_status(struct call *c, const char *text)
{
    return reply_status_bytes(c, bytes_of(text));
}

enum run_result reply_error_line(struct call *c, struct bytes line, bool counts)
{
    reply_line(c->reply, '-', line);
    if (counts) stats_count_error(line);
    c->failed = true;
    return RUN_ERROR;
}

enum run_result reply_error(struct call *c, const char *text)
{
    return reply_error_line(c, bytes_of(text), true);
}

enum run_result reply_errorf(struct call *c, const char *fmt, ...)
{
    struct reply text = {0};
    va_list ap;
    va_start(ap, fmt);
    reply_vprintf(&text, fmt, ap);
    va_end(ap);
    *reply_room(&text, 1) = '\0';
    enum run_result result = reply_error(c, text.buf);
    reply_release(&text);
    return result;
}

enum run_result reply_wrong_type(struct call *c) { return reply_error(c, ERR_WRONG_TYPE); }

enum run_result reply_syntax(struct call *c) { return reply_error(c, ERR_SYNTAX); }

enum run_result reply_arity(struct call *c)
{
    return reply_errorf(c, "ERR wrong number of arguments for '%s' command", c->spec->full);
}

/* A copy of the container's name in capitals, as messages show it; cut to what fits. */
static const char *reply_shout(char *out, size_t size, const char *name)
{
    size_t i = 0;
    for (; name[i] != '\0' && i + 1 < size; i++) out[i] = (char)toupper((unsigned char)name[i]);
    out[i] = '\0';
    return out;
}

static const char *reply_container(const struct call *c)
{
    return c->spec->parent != NULL ? c->spec->parent : c->spec->name;
}

enum run_result reply_subcommand(struct call *c)
{
    char shout[64];
    struct bytes word = c->args[c->nargs > 1 ? 1 : 0];
    return reply_errorf(
        c, "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try %s HELP.",
        REPLY_WORD(word), reply_shout(shout, sizeof(shout), reply_container(c)));
}

enum run_result reply_help(struct call *c, const char *const *lines)
{
    char shout[64];
    char head[160];
    uint64_t count = 0;
    while (lines[count] != NULL) count++;

    reply_array(c, count + 3);
    snprintf(head, sizeof(head), "%s <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
             reply_shout(shout, sizeof(shout), reply_container(c)));
    reply_status(c, head);
    for (uint64_t i = 0; i < count; i++) reply_status(c, lines[i]);
    reply_status(c, "HELP");
    return reply_status(c, "    Prints this help.");
}

enum run_result reply_double_text(struct call *c, struct bytes printed)
{
    if (c->reply->resp != 3) return reply_bulk(c, printed);
    reply_line(c->reply, ',', printed);
    return RUN_OK;
}

enum run_result reply_double(struct call *c, double d)
{
    char text[NUMBER_DOUBLE_CHARS];
    return reply_double_text(c, bytes_make(text, number_print_double(text, d)));
}

enum run_result reply_bool(struct call *c, bool b)
{
    if (c->reply->resp != 3) return reply_int(c, b);
    if (b)
        REPLY_CONSTANT(c, "#t\r\n");
    else
        REPLY_CONSTANT(c, "#f\r\n");
    return RUN_OK;
}

enum run_result reply_bignum(struct call *c, struct bytes digits)
{
    if (c->reply->resp != 3) return reply_bulk(c, digits);
    reply_line(c->reply, '(', digits);
    return RUN_OK;
}

enum run_result reply_verbatim(struct call *c, struct bytes text, const char *format3)
{
    if (c->reply->resp != 3) return reply_bulk(c, text);
    must(strlen(format3) == 3);
    reply_head(c, '=', text.len + 4);
    reply_raw(c->reply, format3, 3);
    reply_raw(c->reply, ":", 1);
    if (text.len != 0) reply_raw(c->reply, text.ptr, text.len);
    REPLY_CONSTANT(c, "\r\n");
    return RUN_OK;
}

enum run_result reply_key_value_text(struct call *c, const char *key, const char *value)
{
    reply_text(c, key);
    return reply_text(c, value);
}

enum run_result reply_array(struct call *c, uint64_t n) { return reply_head(c, '*', n); }

enum run_result reply_map(struct call *c, uint64_t n)
{
    return c->reply->resp == 3 ? reply_head(c, '%', n) : reply_head(c, '*', 2 * n);
}

enum run_result reply_set(struct call *c, uint64_t n)
{
    return reply_head(c, c->reply->resp == 3 ? '~' : '*', n);
}

enum run_result reply_push(struct call *c, uint64_t n)
{
    return reply_head(c, c->reply->resp == 3 ? '>' : '*', n);
}

size_t reply_defer(struct call *c) { return c->reply->len; }

/* The head's length is known only now, so what followed moves up by it once. */
static enum run_result reply_insert_head(struct call *c, size_t mark, char type, uint64_t n)
{
    struct reply *r = c->reply;
    char head[HEAD_CHARS];
    size_t len = (size_t)(reply_put_head(head, type, n) - head);
    must(mark <= r->len);
    reply_room(r, len);
    memmove(r->buf + mark + len, r->buf + mark, r->len - mark);
    memcpy(r->buf + mark, head, len);
    r->len += len;
    for (uint32_t i = r->loan_count; i-- > 0 && r->loans[i].at > mark;) r->loans[i].at += len;
    return RUN_OK;
}

enum run_result reply_defer_array(struct call *c, size_t mark, uint64_t n)
{
    return reply_insert_head(c, mark, '*', n);
}

enum run_result reply_defer_map(struct call *c, size_t mark, uint64_t n)
{
    bool is_map = c->reply->resp == 3;
    return reply_insert_head(c, mark, is_map ? '%' : '*', is_map ? n : 2 * n);
}

enum run_result reply_defer_set(struct call *c, size_t mark, uint64_t n)
{
    return reply_insert_head(c, mark, c->reply->resp == 3 ? '~' : '*', n);
}
