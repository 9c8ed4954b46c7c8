/*
 * Lengths and the numbers in strings' heads: lengths of 2, 5 and 9 bytes are big endian, everything
 * else is little endian.
 */
#include "codec/rdb.h"

#include "base/must.h"
#include "codec/crc64.h"

#include <limits.h>
#include <math.h>
#include <liblzf/lzf.h>

enum {
    RDB_LEN_14 = 1,
    RDB_SPECIAL = 3,
    RDB_LEN_32_BYTE = 0x80,
    RDB_LEN_64_BYTE = 0x81,
    RDB_LEN_MAX_BYTES = 9,
    RDB_INT_8 = 0,
    RDB_INT_16 = 1,
    RDB_INT_32 = 2,
    RDB_COMPRESSED = 3,
    RDB_INT_TEXT_MAX = 11, /* characters of an integer of 32 bits */
    RDB_COMPRESS_MIN = 21,
    RDB_COMPRESS_GAIN = 4, /* bytes that compressing must spare */
    /* The best that 3 bytes of LZF can say is a copy of 264. */
    RDB_LZF_RATIO = 88,
    RDB_DOUBLE_NAN = 253,
    RDB_DOUBLE_INF = 254,
    RDB_DOUBLE_MINUS_INF = 255,
};

/* ---- Writing ---- */

/* Room for `len` bytes, which then count as written. */
static uint8_t *rdb_claim(struct rdb_out *out, size_t len)
{
    if (out->cap - out->len < len) out->room(out, len);
    uint8_t *at = out->ptr + out->len;
    out->len += len;
    return at;
}

static void rdb_write_little(uint8_t *to, uint64_t n, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) to[i] = (uint8_t)(n >> (8 * i));
}

static void rdb_write_big(uint8_t *to, uint64_t n, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) to[i] = (uint8_t)(n >> (8 * (bytes - 1 - i)));
}

void rdb_put_byte(struct rdb_out *out, uint8_t byte) { *rdb_claim(out, 1) = byte; }

void rdb_put_raw(struct rdb_out *out, struct bytes data)
{
    if (data.len != 0) memcpy(rdb_claim(out, data.len), data.ptr, data.len);
}

static size_t rdb_write_len(uint8_t *to, uint64_t n)
{
    if (n < 1 << 6) {
        to[0] = (uint8_t)n;
        return 1;
    }
    if (n < 1 << 14) {
        rdb_write_big(to, n | RDB_LEN_14 << 14, 2);
        return 2;
    }
    bool wide = n > UINT32_MAX;
    to[0] = wide ? RDB_LEN_64_BYTE : RDB_LEN_32_BYTE;
    rdb_write_big(to + 1, n, wide ? 8 : 4);
    return wide ? 9 : 5;
}

void rdb_put_len(struct rdb_out *out, uint64_t n)
{
    uint8_t form[RDB_LEN_MAX_BYTES];
    size_t len = rdb_write_len(form, n);
    memcpy(rdb_claim(out, len), form, len);
}

static void rdb_put_int_form(struct rdb_out *out, int32_t n)
{
    bool fits_8 = n == (int8_t)n, fits_16 = n == (int16_t)n;
    uint8_t form = fits_8 ? RDB_INT_8 : fits_16 ? RDB_INT_16 : RDB_INT_32;
    size_t bytes = (size_t)1 << form;
    uint8_t *to = rdb_claim(out, 1 + bytes);
    to[0] = (uint8_t)(RDB_SPECIAL << 6 | form);
    rdb_write_little(to + 1, (uint32_t)n, bytes);
}

/*
 * False, and nothing is written, when it would not become shorter. The head comes before the
 * compressed bytes but tells their length, so they move once that is known.
 */
static bool rdb_put_compressed(struct rdb_out *out, struct bytes text)
{
    if (text.len > UINT_MAX) return false;
    size_t head_max = 1 + 2 * RDB_LEN_MAX_BYTES, max = text.len - RDB_COMPRESS_GAIN;
    if (out->cap - out->len < head_max + max) out->room(out, head_max + max);

    uint8_t *head = out->ptr + out->len, *data = head + head_max;
    unsigned packed = lzf_compress(text.ptr, (unsigned)text.len, data, (unsigned)max);
    if (packed == 0) return false;
    size_t head_len = 1;
    head[0] = RDB_SPECIAL << 6 | RDB_COMPRESSED;
    head_len += rdb_write_len(head + head_len, packed);
    head_len += rdb_write_len(head + head_len, text.len);
    memmove(head + head_len, data, packed);
    out->len += head_len + packed;
    return true;
}

void rdb_put_string(struct rdb_out *out, struct bytes text)
{
    int64_t n;
    if (text.len <= RDB_INT_TEXT_MAX && number_int(text, &n) && n == (int32_t)n) {
        rdb_put_int_form(out, (int32_t)n);
        return;
    }
    if (out->compress && text.len >= RDB_COMPRESS_MIN && rdb_put_compressed(out, text)) return;
    rdb_put_len(out, text.len);
    rdb_put_raw(out, text);
}

void rdb_put_int(struct rdb_out *out, int64_t number)
{
    if (number == (int32_t)number) {
        rdb_put_int_form(out, (int32_t)number);
        return;
    }
    char digits[NUMBER_INT_CHARS];
    size_t len = number_print_int(digits, number);
    rdb_put_len(out, len);
    rdb_put_raw(out, bytes_make(digits, len));
}

void rdb_put_double(struct rdb_out *out, double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof(bits));
    rdb_write_little(rdb_claim(out, sizeof(bits)), bits, sizeof(bits));
}

void rdb_put_ms(struct rdb_out *out, int64_t ms)
{
    rdb_write_little(rdb_claim(out, sizeof(ms)), (uint64_t)ms, sizeof(ms));
}

void rdb_put_footer_of(struct rdb_out *out, uint16_t version, uint64_t crc)
{
    uint8_t *to = rdb_claim(out, RDB_FOOTER);
    rdb_write_little(to, version, 2);
    rdb_write_little(to + 2, crc64(crc, bytes_make((const char *)to, 2)), 8);
}

void rdb_put_footer(struct rdb_out *out, uint16_t version)
{
    uint64_t crc = crc64(0, bytes_make((const char *)out->ptr, out->len));
    rdb_put_footer_of(out, version, crc);
}

/* ---- Reading ---- */

static uint64_t rdb_read_little(const uint8_t *p, size_t bytes)
{
    uint64_t n = 0;
    for (size_t i = 0; i < bytes; i++) n |= (uint64_t)p[i] << (8 * i);
    return n;
}

static uint64_t rdb_read_big(const uint8_t *p, size_t bytes)
{
    uint64_t n = 0;
    for (size_t i = 0; i < bytes; i++) n = n << 8 | p[i];
    return n;
}

/* NULL when there are not so many bytes. */
static const uint8_t *rdb_take(struct rdb_in *in, size_t len)
{
    if (unlikely(rdb_left(in) < len)) {
        in->missing = len - rdb_left(in);
        return NULL;
    }
    const uint8_t *at = in->at;
    in->at += len;
    return at;
}

bool rdb_take_byte(struct rdb_in *in, uint8_t *byte)
{
    const uint8_t *p = rdb_take(in, 1);
    if (p == NULL) return false;
    *byte = *p;
    return true;
}

/* A length, or the kind of a special string: then *special is set. */
static bool rdb_take_head(struct rdb_in *in, uint64_t *n, bool *special)
{
    uint8_t first;
    if (!rdb_take_byte(in, &first)) return false;
    unsigned form = first >> 6;
    *special = form == RDB_SPECIAL;
    *n = first & 0x3f;
    if (form == 0 || *special) return true;

    size_t more;
    if (form == RDB_LEN_14)
        more = 1;
    else if (first == RDB_LEN_32_BYTE)
        more = 4;
    else if (first == RDB_LEN_64_BYTE)
        more = 8;
    else
        return false;
    const uint8_t *p = rdb_take(in, more);
    if (p == NULL) return false;
    uint64_t rest = rdb_read_big(p, more);
    *n = form == RDB_LEN_14 ? *n << 8 | rest : rest;
    return true;
}

bool rdb_take_len(struct rdb_in *in, uint64_t *n)
{
    bool special;
    return rdb_take_head(in, n, &special) && !special;
}

bool rdb_take_count(struct rdb_in *in, size_t each, uint64_t *n)
{
    if (!rdb_take_len(in, n)) return false;
    if (*n <= rdb_left(in) / each) return true;
    in->missing = *n <= UINT64_MAX / each ? *n * each - rdb_left(in) : UINT64_MAX;
    return false;
}

bool rdb_take_double(struct rdb_in *in, double *d)
{
    const uint8_t *p = rdb_take(in, sizeof(*d));
    if (p == NULL) return false;
    uint64_t bits = rdb_read_little(p, sizeof(bits));
    memcpy(d, &bits, sizeof(*d));
    return true;
}

bool rdb_take_double_text(struct rdb_in *in, double *d)
{
    uint8_t len;
    if (!rdb_take_byte(in, &len)) return false;
    switch (len) {
    case RDB_DOUBLE_NAN: *d = (double)NAN; return true;
    case RDB_DOUBLE_INF: *d = (double)INFINITY; return true;
    case RDB_DOUBLE_MINUS_INF: *d = -(double)INFINITY; return true;
    default: break;
    }
    const uint8_t *p = rdb_take(in, len);
    return p != NULL && number_double(bytes_make((const char *)p, len), d);
}

bool rdb_take_ms(struct rdb_in *in, int64_t *ms)
{
    const uint8_t *p = rdb_take(in, sizeof(*ms));
    if (p == NULL) return false;
    *ms = (int64_t)rdb_read_little(p, sizeof(*ms));
    return true;
}

bool rdb_skip(struct rdb_in *in, size_t len) { return rdb_take(in, len) != NULL; }

static bool rdb_take_data(struct rdb_in *in, uint64_t len, struct rdb_string *s)
{
    const uint8_t *p = rdb_take(in, len);
    s->data = bytes_make((const char *)p, len);
    return p != NULL;
}

static bool rdb_take_int_form(struct rdb_in *in, size_t bytes, struct rdb_string *s)
{
    const uint8_t *p = rdb_take(in, bytes);
    if (p == NULL) return false;
    unsigned unused = (unsigned)(32 - 8 * bytes);
    int32_t n = (int32_t)((uint32_t)rdb_read_little(p, bytes) << unused) >> unused;
    s->form = RDB_INT;
    s->len = number_print_int(s->digits, n);
    return true;
}

static bool rdb_take_compressed(struct rdb_in *in, struct rdb_string *s)
{
    uint64_t packed, len;
    if (!rdb_take_len(in, &packed) || !rdb_take_len(in, &len)) return false;
    if (!rdb_take_data(in, packed, s)) return false;
    if (len == 0 || len > UINT_MAX || packed > UINT_MAX || len > in->max_string) return false;
    s->form = RDB_LZF;
    s->len = len;
    return len <= packed * RDB_LZF_RATIO;
}

bool rdb_take_string(struct rdb_in *in, struct rdb_string *s)
{
    uint64_t n;
    bool special;
    if (!rdb_take_head(in, &n, &special)) return false;
    if (!special) {
        s->form = RDB_PLAIN;
        s->len = n;
        return n <= in->max_string && rdb_take_data(in, n, s);
    }
    switch (n) {
    case RDB_INT_8:
    case RDB_INT_16:
    case RDB_INT_32: return rdb_take_int_form(in, (size_t)1 << n, s);
    case RDB_COMPRESSED: return rdb_take_compressed(in, s);
    default: return false;
    }
}

struct bytes rdb_string_text(const struct rdb_string *s)
{
    return s->form == RDB_INT ? bytes_make(s->digits, s->len) : s->data;
}

bool rdb_string_write(const struct rdb_string *s, char *to)
{
    if (s->form == RDB_LZF) {
        unsigned in_len = (unsigned)s->data.len, len = (unsigned)s->len;
        return lzf_decompress(s->data.ptr, in_len, to, len) == len;
    }
    struct bytes text = rdb_string_text(s);
    if (text.len != 0) memcpy(to, text.ptr, text.len);
    return true;
}

bool rdb_open_payload(struct bytes payload, bool check, struct bytes *body)
{
    if (payload.len < RDB_FOOTER) return false;
    size_t len = payload.len - RDB_FOOTER;
    const uint8_t *footer = (const uint8_t *)payload.ptr + len;
    if (rdb_read_little(footer, 2) > RDB_VERSION_MAX) return false;
    *body = bytes_make(payload.ptr, len);
    return !check || crc64(0, bytes_make(payload.ptr, len + 2)) == rdb_read_little(footer + 2, 8);
}
