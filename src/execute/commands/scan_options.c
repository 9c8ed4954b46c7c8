/* Cursors and options of the scans. */
#include "execute/commands/scan_options.h"

#include "codec/number.h"
#include "execute/types/heap.h"

enum { SCAN_OPTIONS_COUNT = 10, SCAN_OPTIONS_ROOM = 64 };

/* As strtoul reads a cursor: a sign and leading zeros are fine, no digits at all only in an empty
 * text. */
static bool scan_options_number(struct bytes text, uint64_t *out)
{
    bool signed_text = text.len != 0 && (text.ptr[0] == '-' || text.ptr[0] == '+');
    uint64_t n = 0;
    for (size_t i = signed_text; i < text.len; i++) {
        unsigned digit = (unsigned)(uint8_t)text.ptr[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, digit, &n))
            return false;
    }
    *out = signed_text && text.ptr[0] == '-' ? 0 - n : n;
    return !(signed_text && text.len == 1);
}

bool scan_options_cursor(struct call *c, uint32_t i, struct scan_options *o)
{
    *o = (struct scan_options){.count = SCAN_OPTIONS_COUNT};
    if (scan_options_number(arg(c, i), &o->cursor)) return true;
    reply_error(c, ERR_INVALID_CURSOR);
    return false;
}

bool scan_options_parse(struct call *c, uint32_t i, unsigned also, struct scan_options *o)
{
    for (; i < c->nargs; i += 2) {
        if ((also & SCAN_OPTIONS_NOVALUES) && call_arg_is(c, i, "novalues")) {
            o->names_only = true;
            i--;
            continue;
        }
        bool ok = i + 1 < c->nargs;
        if (ok && call_arg_is(c, i, "count")) {
            if (!call_int(c, i + 1, &o->count)) return false;
            ok = o->count > 0;
        } else if (ok && call_arg_is(c, i, "match")) {
            o->pattern = arg(c, i + 1);
            o->has_pattern = !bytes_equal(o->pattern, bytes_of("*"));
        } else if (ok && (also & SCAN_OPTIONS_TYPE) && call_arg_is(c, i, "type")) {
            o->type = arg(c, i + 1);
            o->has_type = true;
        } else {
            ok = false;
        }
        if (ok) continue;
        reply_syntax(c);
        return false;
    }
    return true;
}

void scan_options_visit(void *ctx, struct entry *e)
{
    struct scan_options *o = ctx;
    if (o->has_type && !bytes_is_word(o->type, entry_type_name(e))) return;
    if (!scan_options_fit(o, entry_name(e))) return;
    if (o->found_count == o->found_room) {
        o->found_room = o->found_room == 0 ? SCAN_OPTIONS_ROOM : 2 * o->found_room;
        o->found = heap_realloc(o->found, o->found_room * sizeof(struct entry *));
    }
    o->found[o->found_count++] = e;
}

enum run_result scan_options_reply_head(struct call *c, uint64_t next, uint64_t count)
{
    char cursor[NUMBER_INT_CHARS];
    reply_array(c, 2);
    reply_bulk(c, bytes_make(cursor, number_print_uint(cursor, next)));
    return reply_array(c, count);
}

void scan_options_close(struct scan_options *o) { heap_free(o->found); }
