/* Arguments of the stream commands. */
#include "execute/commands/stream_args.h"

#include "codec/number.h"

#define STREAM_BAD_ID "ERR Invalid stream ID specified as stream command argument"
#define STREAM_ID_CHARS 127

/* Leading zeros and a plus are allowed, as they always were for ids. */
static bool stream_args_read_part(struct bytes text, uint64_t *out)
{
    if (text.len > 1 && text.ptr[0] == '+') text = bytes_make(text.ptr + 1, text.len - 1);
    while (text.len > 1 && text.ptr[0] == '0') text = bytes_make(text.ptr + 1, text.len - 1);
    return number_uint(text, out);
}

bool stream_args_read_id(struct bytes text, uint64_t seq, struct stream_id *out)
{
    if (text.len == 0 || text.len > STREAM_ID_CHARS) return false;
    const char *dash = memchr(text.ptr, '-', text.len);
    size_t len = dash == NULL ? text.len : (size_t)(dash - text.ptr);
    out->seq = seq;
    if (!stream_args_read_part(bytes_make(text.ptr, len), &out->ms)) return false;
    if (dash == NULL) return true;
    return stream_args_read_part(bytes_make(dash + 1, text.len - len - 1), &out->seq);
}

bool stream_args_id(struct call *c, uint32_t i, uint64_t seq, struct stream_id *out)
{
    if (stream_args_read_id(arg(c, i), seq, out)) return true;
    reply_error(c, STREAM_BAD_ID);
    return false;
}

bool stream_args_any_id(struct call *c, uint32_t i, uint64_t seq, struct stream_id *out)
{
    struct bytes text = arg(c, i);
    bool least = text.len == 1 && text.ptr[0] == '-';
    if (!least && !(text.len == 1 && text.ptr[0] == '+')) return stream_args_id(c, i, seq, out);
    *out = least ? STREAM_ID_MIN : STREAM_ID_MAX;
    return true;
}

/* The id behind "(", when there is one; else *out is as stream_args_any_id() gives it. */
static bool stream_args_bound(struct call *c, uint32_t i, uint64_t seq, struct stream_id *out,
                              bool *open)
{
    struct bytes text = arg(c, i);
    *open = text.len > 0 && text.ptr[0] == '(';
    if (!*open) return stream_args_any_id(c, i, seq, out);
    if (stream_args_read_id(bytes_make(text.ptr + 1, text.len - 1), seq, out)) return true;
    reply_error(c, STREAM_BAD_ID);
    return false;
}

bool stream_args_from(struct call *c, uint32_t i, struct stream_id *out)
{
    bool open;
    if (!stream_args_bound(c, i, 0, out, &open)) return false;
    if (!open || stream_id_raise(out)) return true;
    reply_error(c, "ERR invalid start ID for the interval");
    return false;
}

bool stream_args_to(struct call *c, uint32_t i, struct stream_id *out)
{
    bool open;
    if (!stream_args_bound(c, i, UINT64_MAX, out, &open)) return false;
    if (!open || stream_id_lower(out)) return true;
    reply_error(c, "ERR invalid end ID for the interval");
    return false;
}

bool stream_args_count(struct call *c, uint32_t i, const char *error, uint64_t *out)
{
    int64_t n;
    if (!call_int_range(c, i, INT64_MIN, INT64_MAX, error, &n)) return false;
    *out = n < 0 ? 0 : (uint64_t)n;
    return true;
}

bool stream_args_group(struct call *c, uint32_t i, enum lookup how, struct stream **s,
                       struct stream_group **g)
{
    if (!stream_args_find(c, i, how, s)) return false;
    *g = *s == NULL ? NULL : stream_group_find(*s, arg(c, i + 1));
    if (*g != NULL) return true;
    reply_errorf(c, "NOGROUP No such key '%.*s' or consumer group '%.*s'", REPLY_WORD(arg(c, i)),
                 REPLY_WORD(arg(c, i + 1)));
    return false;
}
