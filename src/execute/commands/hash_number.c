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
    hash_set(h->e, arg(c, 2), &value, HASH_KEEP_DEADLINE, c->due_ms);
    h->changes++;
    hash_edit_end(c, h, event);
}

enum run_result cmd_HINCRBY(struct call *c)
{
    struct hash_edit h;
    struct hash_item item;
    int64_t by, n = 0;
    if (!call_int(c, 3, &by) || !hash_edit_begin(c, &h)) return RUN_ERROR;
    bool found = h.e != NULL && hash_get(h.e, arg(c, 2), c->due_ms, &item);
    if (found && !number_int(item.value, &n))
        return reply_error(c, "ERR hash value is not an integer");
    if (__builtin_add_overflow(n, by, &n)) return reply_error(c, ERR_OVERFLOW);

    char text[NUMBER_INT_CHARS];
    hash_number_put(c, &h, bytes_make(text, number_print_int(text, n)), "hincrby");
    return reply_int(c, n);
}

/* As a field keeps its deadline and HSET takes it away, one that has one is told otherwise. */
static void hash_number_tell(struct call *c, struct bytes text, bool has_deadline)
{
    effect_begin(c, has_deadline ? 7 : 4);
    effect_word(has_deadline ? "HSETEX" : "HSET");
    effect_arg(arg(c, 1));
    if (has_deadline) {
        effect_word("KEEPTTL");
        effect_word("FIELDS");
        effect_int(1);
    }
    effect_arg(arg(c, 2));
    effect_arg(text);
}

enum run_result cmd_HINCRBYFLOAT(struct call *c)
{
    struct hash_edit h;
    struct hash_item item;
    long double by, value = 0;
    if (!number_long_double(arg(c, 3), &by)) return reply_error(c, ERR_NOT_FLOAT);
    if (!isfinite(by)) return reply_error(c, "ERR value is NaN or Infinity");
    if (!hash_edit_begin(c, &h)) return RUN_ERROR;
    bool found = h.e != NULL && hash_get(h.e, arg(c, 2), c->due_ms, &item);
    if (found && !number_long_double(item.value, &value))
        return reply_error(c, "ERR hash value is not a float");
    value += by;
    if (!isfinite(value)) return reply_error(c, ERR_NAN_OR_INF);

    char text[NUMBER_LONG_DOUBLE_CHARS];
    struct bytes printed = bytes_make(text, number_print_long_double(text, value));
    bool has_deadline = found && item.deadline_ms != ENTRY_NO_DEADLINE;
    hash_number_put(c, &h, printed, "hincrbyfloat");
    hash_number_tell(c, printed, has_deadline);
    return reply_bulk(c, printed);
}
