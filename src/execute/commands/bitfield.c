/*
 * BITFIELD and BITFIELD_RO: integers of 1 to 64 bits at any bit offset of a string.
 *
 * The operations are parsed twice: once to refuse what is wrong before anything changes, once to
 * run them. So they need no memory. A field is read and written through the at most nine bytes that
 * it touches, as one big-endian number.
 */
#include "codec/number.h"
#include "execute/commands/bitmap.h"
#include "execute/commands/string_value.h"
#include "execute/commands/table.h"

#define BITFIELD_BAD_TYPE                                                                       \
    "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but " \
    "i64 is."

enum bitfield_verb { BITFIELD_GET, BITFIELD_SET, BITFIELD_INCRBY };
enum bitfield_overflow { BITFIELD_WRAP, BITFIELD_SAT, BITFIELD_FAIL };

struct bitfield_op {
    enum bitfield_verb verb;
    enum bitfield_overflow overflow;
    bool is_signed;
    uint32_t bits;
    uint64_t offset;
    int64_t value;
};

/* What the first parse found. */
struct bitfield_plan {
    uint32_t count;
    bool writes;
    size_t len; /* the string must be so long to be written to */
};

/* Wide enough for any field shifted to its place, and for sums of two. */
__extension__ typedef __int128 bitfield_int;
__extension__ typedef unsigned __int128 bitfield_uint;

/* ---- Parsing ---- */

static bool bitfield_type(struct call *c, uint32_t i, struct bitfield_op *op)
{
    struct bytes text = arg(c, i);
    int64_t bits = 0;
    bool ok = text.len > 1 && (text.ptr[0] == 'i' || text.ptr[0] == 'u');
    if (ok) {
        op->is_signed = text.ptr[0] == 'i';
        text = bytes_make(text.ptr + 1, text.len - 1);
        ok = number_int(text, &bits) && bits >= 1 && bits <= (op->is_signed ? 64 : 63);
    }
    if (!ok) reply_error(c, BITFIELD_BAD_TYPE);
    op->bits = (uint32_t)bits;
    return ok;
}

/* The word after OVERFLOW, at argument i. */
static bool bitfield_overflow_parse(struct call *c, uint32_t i, enum bitfield_overflow *out)
{
    if (call_arg_is(c, i, "wrap"))
        *out = BITFIELD_WRAP;
    else if (call_arg_is(c, i, "sat"))
        *out = BITFIELD_SAT;
    else if (call_arg_is(c, i, "fail"))
        *out = BITFIELD_FAIL;
    else
        return reply_error(c, "ERR Invalid OVERFLOW type specified"), false;
    return true;
}

static bool bitfield_verb_parse(const struct call *c, uint32_t i, enum bitfield_verb *out)
{
    static const char *const names[] = {"get", "set", "incrby"};
    for (*out = BITFIELD_GET; *out <= BITFIELD_INCRBY; (*out)++) {
        if (call_arg_is(c, i, names[*out])) return true;
    }
    return false;
}

/*
 * Parses the operation at argument *i, with the OVERFLOWs before it, and moves *i past it. False at
 * the end of the arguments, and for a mistake, which is answered and noted in c->failed.
 */
static bool bitfield_next(struct call *c, uint32_t *i, struct bitfield_op *op)
{
    while (*i + 1 < c->nargs && call_arg_is(c, *i, "overflow")) {
        if (!bitfield_overflow_parse(c, *i + 1, &op->overflow)) return false;
        *i += 2;
    }
    if (*i >= c->nargs) return false;

    uint32_t left = c->nargs - *i - 1;
    if (!bitfield_verb_parse(c, *i, &op->verb) || left < (op->verb == BITFIELD_GET ? 2 : 3)) {
        reply_syntax(c);
        return false;
    }
    if (!bitfield_type(c, *i + 1, op) || !bitmap_offset(c, *i + 2, op->bits, &op->offset))
        return false;
    if (op->verb != BITFIELD_GET && !call_int(c, *i + 3, &op->value)) return false;
    *i += op->verb == BITFIELD_GET ? 3 : 4;
    return true;
}

/* False: the error is answered. */
static bool bitfield_check(struct call *c, struct bitfield_plan *plan)
{
    struct bitfield_op op = {.overflow = BITFIELD_WRAP};
    *plan = (struct bitfield_plan){0};
    for (uint32_t i = 2; bitfield_next(c, &i, &op); plan->count++) {
        if (op.verb == BITFIELD_GET) continue;
        size_t end = (op.offset + op.bits + 7) >> 3;
        if (end > plan->len) plan->len = end;
        plan->writes = true;
    }
    return !c->failed;
}

/* ---- Fields ---- */

static size_t bitfield_span(const struct bitfield_op *op)
{
    return ((op->offset & 7) + op->bits + 7) >> 3;
}

/* The bytes that the field touches as one number; bytes past the end are zeros. */
static bitfield_uint bitfield_load(struct bytes s, const struct bitfield_op *op)
{
    bitfield_uint n = 0;
    size_t first = op->offset >> 3;
    for (size_t k = 0; k < bitfield_span(op); k++) {
        n = n << 8 | (uint8_t)(first + k < s.len ? s.ptr[first + k] : 0);
    }
    return n;
}

/* How far the field's lowest bit is from the lowest bit of the bytes that it touches. */
static uint32_t bitfield_shift(const struct bitfield_op *op)
{
    return (uint32_t)(bitfield_span(op) * 8 - (op->offset & 7)) - op->bits;
}

static bitfield_uint bitfield_mask(const struct bitfield_op *op)
{
    return ((bitfield_uint)1 << op->bits) - 1;
}

/* The low bits of n as a value of the field's type. */
static int64_t bitfield_cut(bitfield_uint n, const struct bitfield_op *op)
{
    uint64_t bits = (uint64_t)(n & bitfield_mask(op));
    uint64_t sign = op->is_signed ? (uint64_t)1 << (op->bits - 1) : 0;
    return (int64_t)((bits ^ sign) - sign);
}

static int64_t bitfield_read(struct bytes s, const struct bitfield_op *op)
{
    return bitfield_cut(bitfield_load(s, op) >> bitfield_shift(op), op);
}

static void bitfield_write(char *p, size_t len, const struct bitfield_op *op, int64_t value)
{
    uint32_t shift = bitfield_shift(op);
    bitfield_uint n = bitfield_load(bytes_make(p, len), op) & ~(bitfield_mask(op) << shift);
    n |= ((bitfield_uint)(uint64_t)value & bitfield_mask(op)) << shift;
    for (size_t k = bitfield_span(op); k-- > 0; n >>= 8)
        p[(op->offset >> 3) + k] = (char)(uint8_t)n;
}

/* Brings what was wanted into the field's range, as OVERFLOW says. False: it fails. */
static bool bitfield_fit(const struct bitfield_op *op, bitfield_int wanted, int64_t *out)
{
    bitfield_int max = (bitfield_int)(bitfield_mask(op) >> op->is_signed);
    bitfield_int min = op->is_signed ? -max - 1 : 0;
    bool fits = wanted >= min && wanted <= max;
    if (fits || op->overflow == BITFIELD_WRAP)
        *out = bitfield_cut((bitfield_uint)wanted, op);
    else
        *out = (int64_t)(wanted < min ? min : max);
    return fits || op->overflow != BITFIELD_FAIL;
}

/* ---- Running ---- */

/* Runs one operation on the string and answers it; gives whether it changed something. */
static bool bitfield_run(struct call *c, const struct bitfield_op *op, char *p, size_t len,
                         bool grown)
{
    int64_t old = bitfield_read(bytes_make(p, len), op), now;
    bitfield_int wanted = op->value;
    if (op->verb == BITFIELD_SET && !op->is_signed) wanted = (bitfield_int)(uint64_t)op->value;
    if (op->verb == BITFIELD_INCRBY) wanted += old;
    if (!bitfield_fit(op, wanted, &now)) {
        reply_null(c);
        return false;
    }
    bitfield_write(p, len, op, now);
    reply_int(c, op->verb == BITFIELD_SET ? old : now);
    return grown || now != old;
}

static enum run_result bitfield_read_all(struct call *c, const struct bitfield_plan *plan)
{
    struct bitfield_op op = {.overflow = BITFIELD_WRAP};
    struct entry *e;
    char scratch[STRING_INT_CHARS];
    if (!string_value_find(c, call_key(c, 1), LOOKUP_READ, &e)) return RUN_ERROR;
    struct bytes value = string_value_bytes(e, scratch);
    reply_array(c, plan->count);
    for (uint32_t i = 2; bitfield_next(c, &i, &op);) reply_int(c, bitfield_read(value, &op));
    return RUN_OK;
}

static enum run_result bitfield_write_all(struct call *c, const struct bitfield_plan *plan)
{
    struct bitfield_op op = {.overflow = BITFIELD_WRAP};
    struct key key = call_key(c, 1);
    struct entry *e;
    if (!string_value_find(c, key, LOOKUP_WRITE, &e)) return RUN_ERROR;
    size_t len = e == NULL ? 0 : string_len(e);
    bool grown = plan->len > len;
    if (grown) len = plan->len;
    char *p = keyspace_edit_string(c->db, key, &e, len);

    uint64_t changes = 0;
    reply_array(c, plan->count);
    for (uint32_t i = 2; bitfield_next(c, &i, &op);) {
        if (op.verb == BITFIELD_GET)
            reply_int(c, bitfield_read(bytes_make(p, len), &op));
        else
            changes += bitfield_run(c, &op, p, len, grown);
    }
    if (changes > 0) call_event(c, changes, key, NOTIFY_STRING, "setbit");
    return RUN_OK;
}

enum run_result cmd_BITFIELD(struct call *c)
{
    struct bitfield_plan plan;
    if (!bitfield_check(c, &plan)) return RUN_ERROR;
    return plan.writes ? bitfield_write_all(c, &plan) : bitfield_read_all(c, &plan);
}

enum run_result cmd_BITFIELD_RO(struct call *c)
{
    struct bitfield_plan plan;
    if (!bitfield_check(c, &plan)) return RUN_ERROR;
    if (plan.writes) return reply_error(c, "ERR BITFIELD_RO only supports the GET subcommand");
    return bitfield_read_all(c, &plan);
}
