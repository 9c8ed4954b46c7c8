/*
 * Arguments of a call, read with the usual errors.
 */
#include "execute/core/call.h"

#include "codec/number.h"

#include <inttypes.h>

bool call_int(struct call *c, uint32_t i, int64_t *out)
{
    if (number_int(c->args[i], out)) return true;
    reply_error(c, ERR_NOT_INT);
    return false;
}

/* Without an `error` of the caller's the range says itself what is wrong. */
static void call_range_error(struct call *c, int64_t min, int64_t max)
{
    if (min == 0 && max == INT64_MAX)
        reply_error(c, ERR_MUST_BE_POSITIVE);
    else
        reply_errorf(c, ERR_OUT_OF_RANGE ", value must between %" PRId64 " and %" PRId64, min, max);
}

bool call_int_range(struct call *c, uint32_t i, int64_t min, int64_t max, const char *error,
                    int64_t *out)
{
    bool is_int = number_int(c->args[i], out);
    if (is_int && *out >= min && *out <= max) return true;
    if (error != NULL)
        reply_error(c, error);
    else if (!is_int)
        reply_error(c, ERR_NOT_INT);
    else
        call_range_error(c, min, max);
    return false;
}

bool call_double(struct call *c, uint32_t i, double *out)
{
    if (number_double(c->args[i], out)) return true;
    reply_error(c, ERR_NOT_FLOAT);
    return false;
}

bool call_arg_is(const struct call *c, uint32_t i, const char *word)
{
    return bytes_is_word(c->args[i], word);
}
