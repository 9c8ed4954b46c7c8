/* What clients ask of the log and of replicas: BGREWRITEAOF, WAITAOF, WAIT. */
#include "execute/commands/table.h"
#include "execute/core/log_life.h"
#include "execute/core/session.h"

enum run_result cmd_BGREWRITEAOF(struct call *c)
{
    const char *status;
    const char *error = log_life_rewrite(c->outer != NULL, &status);
    return error != NULL ? reply_error(c, error) : reply_status(c, status);
}

/* In ms, and here no fractions. */
static bool wait_timeout(struct call *c, uint32_t i, int64_t *ms)
{
    if (!call_int_range(c, i, INT64_MIN, INT64_MAX, "ERR timeout is not an integer or out of range",
                        ms))
        return false;
    const char *error = NULL;
    if (*ms < 0)
        error = "ERR timeout is negative";
    else if (*ms > INT64_MAX / 2)
        error = "ERR timeout is out of range";
    if (error != NULL) reply_error(c, error);
    return error == NULL;
}

/* Until there are replicas, none has anything. */
enum run_result cmd_WAIT(struct call *c)
{
    int64_t replicas, timeout_ms;
    if (!call_int(c, 1, &replicas) || !wait_timeout(c, 2, &timeout_ms)) return RUN_ERROR;
    if (replicas <= 0 || c->outer != NULL || c->is_late) return reply_int(c, 0);
    const struct block_terms terms = {.timeout_ms = timeout_ms, .answers_late = true};
    return call_block(c, &terms);
}

enum run_result cmd_WAITAOF(struct call *c)
{
    int64_t local, replicas, timeout_ms;
    if (!call_int_range(c, 1, 0, 1, NULL, &local) ||
        !call_int_range(c, 2, 0, INT64_MAX, ERR_MUST_BE_POSITIVE, &replicas) ||
        !wait_timeout(c, 3, &timeout_ms))
        return RUN_ERROR;
    if (local > 0 && !log_life_is_wanted())
        return reply_error(c, "ERR WAITAOF cannot be used when numlocal is set but appendonly is "
                              "disabled.");
    uint64_t number = c->session->effect_number;
    bool is_durable = log_life_is_durable(number);
    bool is_enough = is_durable >= local && replicas == 0;
    if (!is_enough && c->outer == NULL && !c->is_late) {
        const struct block_terms terms = {
            .timeout_ms = timeout_ms,
            .waits_for_log = local > 0,
            .log_number = is_durable ? UINT64_MAX : number,
            .answers_late = true,
        };
        return call_block(c, &terms);
    }
    reply_array(c, 2);
    reply_int(c, is_durable);
    return reply_int(c, 0);
}
