/*
 * Strings as rows of bits: SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP. Bit 0 is the highest bit of the
 * first byte.
 *
 * Whole strings are read 64 bits at a time, at any alignment.
 */
#include "codec/number.h"
#include "execute/commands/bitmap.h"
#include "execute/commands/string_value.h"
#include "execute/commands/table.h"
#include "execute/types/heap.h"

#include <endian.h>

bool bitmap_offset(struct call *c, uint32_t i, uint32_t bits, uint64_t *out)
{
    struct bytes text = arg(c, i);
    bool counts_fields = bits != 0 && text.len != 0 && text.ptr[0] == '#';
    if (counts_fields) text = bytes_make(text.ptr + 1, text.len - 1);

    int64_t n;
    bool ok = number_int(text, &n) && n >= 0;
    if (ok && counts_fields) ok = !__builtin_mul_overflow(n, bits, &n);
    if (ok) ok = (n >> 3) < c->settings->proto_max_bulk_len;
    if (!ok) reply_error(c, ERR_BIT_OFFSET);
    *out = ok ? (uint64_t)n : 0;
    return ok;
}

static inline uint64_t bitmap_word(const char *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

static int bitmap_get(struct bytes s, uint64_t offset)
{
    uint64_t byte = offset >> 3;
    return byte < s.len ? (uint8_t)s.ptr[byte] >> (7 - (offset & 7)) & 1 : 0;
}

enum run_result cmd_GETBIT(struct call *c)
{
    uint64_t offset;
    struct entry *e;
    char scratch[STRING_INT_CHARS];
    if (!bitmap_offset(c, 2, 0, &offset)) return RUN_ERROR;
    if (!string_value_find(c, call_key(c, 1), LOOKUP_READ, &e)) return RUN_ERROR;
    return reply_int(c, bitmap_get(string_value_bytes(e, scratch), offset));
}

enum run_result cmd_SETBIT(struct call *c)
{
    uint64_t offset;
    int64_t bit;
    struct key key = call_key(c, 1);
    struct entry *e;
    if (!bitmap_offset(c, 2, 0, &offset)) return RUN_ERROR;
    if (!call_int_range(c, 3, 0, 1, "ERR bit is not an integer or out of range", &bit))
        return RUN_ERROR;
    if (!string_value_find(c, key, LOOKUP_WRITE, &e)) return RUN_ERROR;

    char scratch[STRING_INT_CHARS];
    struct bytes before = string_value_bytes(e, scratch);
    int old = bitmap_get(before, offset);
    size_t byte = offset >> 3;
    if (e != NULL && byte < before.len && old == bit) return reply_int(c, old);

    char *value = keyspace_edit_string(c->db, key, &e, byte < before.len ? before.len : byte + 1);
    uint8_t mask = (uint8_t)(0x80 >> (offset & 7));
    value[byte] = (char)(bit ? value[byte] | mask : value[byte] & ~mask);
    call_event(c, 1, key, NOTIFY_STRING, "setbit");
    return reply_int(c, old);
}

/* ---- BITCOUNT ---- */

static inline __attribute__((always_inline)) uint64_t bitmap_count_words(const char *p, size_t len)
{
    uint64_t counts[4] = {0}, rest = 0;
    size_t i = 0;
    for (; i + 32 <= len; i += 32) {
        for (size_t k = 0; k < 4; k++)
            counts[k] += (uint64_t)__builtin_popcountll(bitmap_word(p + i + 8 * k));
    }
    for (; i + 8 <= len; i += 8) rest += (uint64_t)__builtin_popcountll(bitmap_word(p + i));
    for (; i < len; i++) rest += (uint64_t)__builtin_popcount((uint8_t)p[i]);
    return counts[0] + counts[1] + counts[2] + counts[3] + rest;
}

#ifdef __x86_64__
/* The instruction is younger than the architecture: without it the compiler calls a slow routine.
 */
__attribute__((target("popcnt"))) static uint64_t bitmap_count_fast(const char *p, size_t len)
{
    return bitmap_count_words(p, len);
}
#endif

static uint64_t bitmap_count(const char *p, size_t len)
{
#ifdef __x86_64__
    if (likely(__builtin_cpu_supports("popcnt"))) return bitmap_count_fast(p, len);
#endif
    return bitmap_count_words(p, len);
}

/* Bits set from bit `start` to bit `end`, both included. */
static uint64_t bitmap_count_bits(const char *p, uint64_t start, uint64_t end)
{
    uint8_t before = (uint8_t) ~(0xff >> (start & 7)), after = (uint8_t)(0x7f >> (end & 7));
    uint64_t count = bitmap_count(p + (start >> 3), (end >> 3) - (start >> 3) + 1);
    count -= (uint64_t)__builtin_popcount((uint8_t)p[start >> 3] & before);
    return count - (uint64_t)__builtin_popcount((uint8_t)p[end >> 3] & after);
}

/* The unit at argument i, when it is given: true for BIT. */
static bool bitmap_unit(struct call *c, uint32_t i, bool *bits)
{
    *bits = c->nargs > i && call_arg_is(c, i, "bit");
    if (c->nargs <= i || (c->nargs == i + 1 && (*bits || call_arg_is(c, i, "byte")))) return true;
    reply_syntax(c);
    return false;
}

enum run_result cmd_BITCOUNT(struct call *c)
{
    int64_t start = 0, end = -1;
    bool bits = false;
    struct entry *e;
    if (!string_value_find(c, call_key(c, 1), LOOKUP_READ, &e)) return RUN_ERROR;
    if (e == NULL) return reply_int(c, 0);
    if (c->nargs == 3 || c->nargs > 5) return reply_syntax(c);
    if (c->nargs > 3) {
        if (!call_int(c, 2, &start) || !call_int(c, 3, &end)) return RUN_ERROR;
        if (start < 0 && end < 0 && start > end) return reply_int(c, 0);
        if (!bitmap_unit(c, 4, &bits)) return RUN_ERROR;
    }

    char scratch[STRING_INT_CHARS];
    struct bytes value = string_bytes(e, scratch);
    int64_t total = (int64_t)value.len * (bits ? 8 : 1);
    if (!string_value_range(total, &start, &end)) return reply_int(c, 0);
    if (!bits)
        return reply_int(c, (int64_t)bitmap_count(value.ptr + start, (size_t)(end - start) + 1));
    return reply_int(c, (int64_t)bitmap_count_bits(value.ptr, (uint64_t)start, (uint64_t)end));
}

/* ---- BITPOS ---- */

/* The first bit that is `bit`, from bit `start` to bit `end`, both included; -1 when there is none.
 */
static int64_t bitmap_find(const char *p, bool bit, int64_t start, int64_t end)
{
    int64_t i = start >> 3, last = end >> 3, at = -1;
    uint8_t flip = bit ? 0 : 0xff;
    uint64_t flips = bit ? 0 : UINT64_MAX;
    uint8_t head = (uint8_t)((uint8_t)p[i] ^ flip) & (uint8_t)(0xff >> (start & 7));
    if (head != 0) {
        at = i * 8 + __builtin_clz(head) - 24;
        return at <= end ? at : -1;
    }
    i++;
    while (i + 8 <= last + 1 && bitmap_word(p + i) == flips) i += 8;
    while (i <= last && (uint8_t)p[i] == flip) i++;
    if (i > last) return -1;
    at = i * 8 + __builtin_clz((uint8_t)((uint8_t)p[i] ^ flip)) - 24;
    return at <= end ? at : -1;
}

enum run_result cmd_BITPOS(struct call *c)
{
    int64_t bit, start = 0, end = -1;
    bool bits = false;
    struct entry *e;
    if (!call_int(c, 2, &bit)) return RUN_ERROR;
    if (bit != 0 && bit != 1) return reply_error(c, "ERR The bit argument must be 1 or 0.");
    if (!string_value_find(c, call_key(c, 1), LOOKUP_READ, &e)) return RUN_ERROR;
    if (e == NULL) return reply_int(c, bit ? -1 : 0);
    if (c->nargs > 3 && !call_int(c, 3, &start)) return RUN_ERROR;
    if (!bitmap_unit(c, 5, &bits)) return RUN_ERROR;
    if (c->nargs > 4 && !call_int(c, 4, &end)) return RUN_ERROR;

    char scratch[STRING_INT_CHARS];
    struct bytes value = string_bytes(e, scratch);
    int64_t total = (int64_t)value.len * (bits ? 8 : 1);
    if (!string_value_range(total, &start, &end)) return reply_int(c, -1);
    if (!bits) {
        start *= 8;
        end = end * 8 + 7;
    }
    int64_t at = bitmap_find(value.ptr, bit == 1, start, end);
    /* To the right of a string without a given end there are only zeros. */
    if (at < 0 && bit == 0 && c->nargs <= 4) at = (int64_t)value.len * 8;
    return reply_int(c, at);
}

/* ---- BITOP ---- */

enum { BITMAP_BIG = 4 << 20 }; /* bytes */

enum bitmap_op { BITMAP_AND, BITMAP_OR, BITMAP_XOR, BITMAP_NOT };

static bool bitmap_op_parse(const struct call *c, enum bitmap_op *op)
{
    static const char *const names[] = {"and", "or", "xor", "not"};
    for (*op = BITMAP_AND; *op <= BITMAP_NOT; (*op)++) {
        if (call_arg_is(c, 1, names[*op])) return true;
    }
    return false;
}

static inline uint64_t bitmap_op_word(enum bitmap_op op, uint64_t a, uint64_t b)
{
    switch (op) {
    case BITMAP_AND: return a & b;
    case BITMAP_OR: return a | b;
    case BITMAP_XOR: return a ^ b;
    case BITMAP_NOT: return ~b;
    }
    return 0;
}

/* Inlined once for each operation, so that each has a loop of its own. */
static inline __attribute__((always_inline)) void bitmap_op_loop(enum bitmap_op op, char *to,
                                                                 const char *from, size_t len)
{
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t w = bitmap_op_word(op, bitmap_word(to + i), bitmap_word(from + i));
        memcpy(to + i, &w, sizeof w);
    }
    for (; i < len; i++) to[i] = (char)bitmap_op_word(op, (uint8_t)to[i], (uint8_t)from[i]);
}

/* to = to op from, over `len` bytes; of a shorter `from` the rest is zeros. */
static void bitmap_op_apply(enum bitmap_op op, char *to, size_t len, struct bytes from)
{
    switch (op) {
    case BITMAP_AND:
        bitmap_op_loop(BITMAP_AND, to, from.ptr, from.len);
        memset(to + from.len, 0, len - from.len);
        break;
    case BITMAP_OR: bitmap_op_loop(BITMAP_OR, to, from.ptr, from.len); break;
    case BITMAP_XOR: bitmap_op_loop(BITMAP_XOR, to, from.ptr, from.len); break;
    case BITMAP_NOT: bitmap_op_loop(BITMAP_NOT, to, from.ptr, from.len); break;
    }
}

/* The length of the longest source. False: one is no string, and the error is answered. */
static bool bitmap_op_len(struct call *c, size_t *len)
{
    *len = 0;
    for (uint32_t i = 3; i < c->nargs; i++) {
        struct entry *e;
        if (!string_value_find(c, call_key(c, i), LOOKUP_READ, &e)) return false;
        if (e != NULL && string_len(e) > *len) *len = string_len(e);
    }
    return true;
}

/* Combines all sources into `to`, `len` bytes. */
static void bitmap_op_all(struct call *c, enum bitmap_op op, char *to, size_t len)
{
    char scratch[STRING_INT_CHARS];
    for (uint32_t i = 3; i < c->nargs; i++) {
        struct entry *e = keyspace_find(c->db, call_key(c, i), LOOKUP_QUIET);
        struct bytes from = string_value_bytes(e, scratch);
        if (i > 3 || op == BITMAP_NOT) {
            bitmap_op_apply(op, to, len, from);
        } else {
            memcpy(to, from.ptr, from.len);
            memset(to + from.len, 0, len - from.len);
        }
    }
}

static bool bitmap_op_reads(const struct call *c, struct bytes name)
{
    for (uint32_t i = 3; i < c->nargs; i++) {
        if (bytes_equal(arg(c, i), name)) return true;
    }
    return false;
}

/* The target may be one of the sources, and storing may move entries. */
static void bitmap_op_apart(struct call *c, enum bitmap_op op, struct key to, size_t len)
{
    char *result = heap_alloc(len);
    bitmap_op_all(c, op, result, len);
    keyspace_put_string(c->db, to, bytes_make(result, len), DEADLINE_NONE);
    heap_free(result);
}

/* Saves a copy, at the price of the room ahead that edited strings have: for big results. */
static void bitmap_op_in_place(struct call *c, enum bitmap_op op, struct key to, size_t len)
{
    struct entry *e = NULL;
    keyspace_delete(c->db, to);
    bitmap_op_all(c, op, keyspace_edit_string(c->db, to, &e, len), len);
}

enum run_result cmd_BITOP(struct call *c)
{
    enum bitmap_op op;
    size_t len;
    if (!bitmap_op_parse(c, &op)) return reply_syntax(c);
    if (op == BITMAP_NOT && c->nargs != 4)
        return reply_error(c, "ERR BITOP NOT must be called with a single source key.");
    if (!bitmap_op_len(c, &len)) return RUN_ERROR;

    struct key to = call_key(c, 2);
    if (len == 0) {
        call_delete(c, to);
        return reply_int(c, 0);
    }
    if (len >= BITMAP_BIG && !bitmap_op_reads(c, to.name))
        bitmap_op_in_place(c, op, to, len);
    else
        bitmap_op_apart(c, op, to, len);
    call_event(c, 1, to, NOTIFY_STRING, "set");
    return reply_int(c, (int64_t)len);
}
