/*
 * Parts of strings and strings as numbers: GETRANGE, SETRANGE, APPEND, the INCR family.
 */
#include "codec/number.h"
#include "execute/commands/string_value.h"
#include "execute/commands/table.h"
#include "execute/core/effect.h"

#include <math.h>

enum run_result cmd_GETRANGE(struct call *c)
{
    int64_t start, end;
    struct entry *e;
    if (!call_int(c, 2, &start) || !call_int(c, 3, &end)) return RUN_ERROR;
    if (!string_value_find(c, call_key(c, 1), LOOKUP_READ, &e)) return RUN_ERROR;

    char scratch[STRING_INT_CHARS];
    struct bytes value = string_value_bytes(e, scratch);
    bool backwards = start < 0 && end < 0 && start > end;
    if (backwards || !string_value_range((int64_t)value.len, &start, &end))
        return reply_text(c, "");
    struct bytes part = bytes_make(value.ptr + start, (size_t)(end - start) + 1);
    return reply_bulk_of(c, part, string_block(e));
}

enum run_result cmd_SUBSTR(struct call *c) { return cmd_GETRANGE(c); }

enum run_result cmd_SETRANGE(struct call *c)
{
    int64_t offset;
    struct key key = call_key(c, 1);
    struct bytes part = arg(c, 3);
    struct entry *e;
    if (!call_int(c, 2, &offset)) return RUN_ERROR;
    if (offset < 0) return reply_error(c, ERR_OFFSET);
    if (!string_value_find(c, key, LOOKUP_WRITE, &e)) return RUN_ERROR;
    size_t len = e == NULL ? 0 : string_len(e);
    if (part.len == 0) return reply_int(c, (int64_t)len);
    if (!string_value_fits(c, (uint64_t)offset, part.len)) return RUN_ERROR;

    size_t part_end = (size_t)offset + part.len;
    if (len < part_end) len = part_end;
    char *value = keyspace_edit_string(c->db, key, &e, len);
    memcpy(value + offset, part.ptr, part.len);
    call_event(c, 1, key, NOTIFY_STRING, "setrange");
    return reply_int(c, (int64_t)len);
}

enum run_result cmd_APPEND(struct call *c)
{
    struct key key = call_key(c, 1);
    struct bytes more = arg(c, 2);
    struct entry *e;
    if (!string_value_find(c, key, LOOKUP_WRITE, &e)) return RUN_ERROR;
    size_t len = e == NULL ? 0 : string_len(e);
    if (e == NULL) {
        string_value_put(c, key, 2, DEADLINE_NONE);
    } else {
        if (!string_value_fits(c, len, more.len)) return RUN_ERROR;
        char *value = keyspace_edit_string(c->db, key, &e, len + more.len);
        if (more.len != 0) memcpy(value + len, more.ptr, more.len);
    }
    call_event(c, 1, key, NOTIFY_STRING, "append");
    return reply_int(c, (int64_t)(len + more.len));
}

/* ---- Numbers ---- */

static enum run_result string_edit_incr(struct call *c, int64_t by)
{
    struct key key = call_key(c, 1);
    struct entry *e;
    int64_t n = 0;
    if (!string_value_find(c, key, LOOKUP_WRITE, &e)) return RUN_ERROR;
    if (e != NULL && !string_int(e, &n)) return reply_error(c, ERR_NOT_INT);
    if (__builtin_add_overflow(n, by, &n)) return reply_error(c, ERR_OVERFLOW);

    if (e != NULL && entry_encoding(e) == ENC_INT)
        string_set_int(e, n);
    else
        keyspace_put_int(c->db, key, n, e == NULL ? DEADLINE_NONE : DEADLINE_KEEP);
    call_event(c, 1, key, NOTIFY_STRING, "incrby");
    return reply_int(c, n);
}

enum run_result cmd_INCR(struct call *c) { return string_edit_incr(c, 1); }
enum run_result cmd_DECR(struct call *c) { return string_edit_incr(c, -1); }

enum run_result cmd_INCRBY(struct call *c)
{
    int64_t by;
    if (!call_int(c, 2, &by)) return RUN_ERROR;
    return string_edit_incr(c, by);
}

enum run_result cmd_DECRBY(struct call *c)
{
    int64_t by;
    if (!call_int(c, 2, &by)) return RUN_ERROR;
    if (by == INT64_MIN) return reply_error(c, "ERR decrement would overflow");
    return string_edit_incr(c, -by);
}

enum run_result cmd_INCRBYFLOAT(struct call *c)
{
    struct key key = call_key(c, 1);
    struct entry *e;
    long double value = 0, by;
    char scratch[STRING_INT_CHARS];
    if (!string_value_find(c, key, LOOKUP_WRITE, &e)) return RUN_ERROR;
    if (e != NULL && !number_long_double(string_bytes(e, scratch), &value))
        return reply_error(c, ERR_NOT_FLOAT);
    if (!number_long_double(arg(c, 2), &by)) return reply_error(c, ERR_NOT_FLOAT);
    value += by;
    if (!isfinite(value)) return reply_error(c, ERR_NAN_OR_INF);

    char text[NUMBER_LONG_DOUBLE_CHARS];
    struct bytes printed = bytes_make(text, number_print_long_double(text, value));
    keyspace_put_string(c->db, key, printed, e == NULL ? DEADLINE_NONE : DEADLINE_KEEP);
    call_event(c, 1, key, NOTIFY_STRING, "incrbyfloat");
    effect_begin(c, 4);
    effect_word("SET");
    effect_arg(key.name);
    effect_arg(printed);
    effect_word("KEEPTTL");
    return reply_bulk(c, printed);
}
