/*
 * A credit word: one side sleeps for want of something (batches), the other posts it. Whatever the
 * order, either the sleeper sees the post and tries again, or the poster sees the sleeper and gives
 * it a turn. One sleeper, posters one at a time.
 */
#ifndef FLOW_CREDIT_H
#define FLOW_CREDIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { CREDIT_NONE, CREDIT_POSTED, CREDIT_SLEEPING };

struct credit {
    _Atomic uint32_t word;
};

/* The sleeper, having found nothing: true when it may sleep; false: something was posted meanwhile,
 * look again. */
static inline bool credit_sleep(struct credit *c)
{
    return atomic_exchange_explicit(&c->word, CREDIT_SLEEPING, memory_order_acq_rel) !=
           CREDIT_POSTED;
}

/* The poster, having posted: true when the other side sleeps and must be given a turn. */
static inline bool credit_post(struct credit *c)
{
    return atomic_exchange_explicit(&c->word, CREDIT_POSTED, memory_order_acq_rel) ==
           CREDIT_SLEEPING;
}

#endif
