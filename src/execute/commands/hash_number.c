/*
 * Fields as numbers: HINCRBY, HINCRBYFLOAT. A field keeps its deadline.
 */
#include "codec/number.h"
#include "execute/commands/hash_edit.h"
#include "execute/commands/table.h"

#include <math.h>

static void hash_number_put(struct call *c, struct hash_edit *h, struct bytes text,
                            const char *event)
{
    struct entry_text value = {.text = text};
    hash_edit_make(c, h);
    hash_set(h->e, arg(c, 2), &value, HASH_KEEP_DEADLINE, c->now_ms);
    h->changes++;
    hash_edit_end(c, h, event);
}

enum run_result cmd_HINCRBY(struct call *c)
{
    struct hash_edit h;
    struct hash_item item;
    int64_t by, n = 0;
    if (!call_int(c, 3, &by) || !hash_edit_begin(c, &h)) return RUN_ERROR;
    bool found = h.e != NULL && hash_get(h.e, arg(c, 2), c->now_ms, &item);
    if (found && !number_int(item.value, &n))
        return reply_error(c, "ERR hash value is not an integer");
    if (__builtin_add_overflow(n, by, &n)) return reply_error(c, ERR_OVERFLOW);

    char text[NUMBER_INT_CHARS];
    hash_number_put(c, &h, bytes_make(text, number_print_int(text, n)), "hincrby");
    return reply_int(c, n);
}

enum run_result cmd_HINCRBYFLOAT(struct call *c)
{
    struct hash_edit h;
    struct hash_item item;
    long double by, value = 0;
    if (!number_long_double(arg(c, 3), &by)) return reply_error(c, ERR_NOT_FLOAT);
    if (!isfinite(by)) return reply_error(c, "ERR value is NaN or Infinity");
    if (!hash_edit_begin(c, &h)) return RUN_ERROR;
    bool found = h.e != NULL && hash_get(h.e, arg(c, 2), c->now_ms, &item);
    if (found && !number_long_double(item.value, &value))
        return reply_error(c, "ERR hash value is not a float");
    value += by;
    if (!isfinite(value)) return reply_error(c, ERR_NAN_OR_INF);

    char text[NUMBER_LONG_DOUBLE_CHARS];
    struct bytes printed = bytes_make(text, number_print_long_double(text, value));
    hash_number_put(c, &h, printed, "hincrbyfloat");
    return reply_bulk(c, printed);
}
