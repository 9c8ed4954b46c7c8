/*
 * A consumer that was busy a moment ago naps: it looks at its ring by itself after a while, and
 * producers need not wake it for what can wait as long.
 *
 * One word, changed by read-modify-writes on both sides: a producer that came before nap_end() has
 * pushed before the consumer's last look, and one that came after it is told to wake.
 */
#ifndef FLOW_NAP_H
#define FLOW_NAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum nap_depth {
    NAP_NONE,
    NAP_LIGHT, /* the urgent wakes it */
    NAP_DEEP,  /* it waits until there is enough of it */
};

struct nap {
    _Alignas(64) _Atomic uint32_t depth;
    _Atomic uint64_t enough; /* a number that producers count to */
};

/* Consumer: it will look again at a deadline of its own. `enough` is for NAP_DEEP. */
static inline void nap_begin(struct nap *n, enum nap_depth depth, uint64_t enough)
{
    atomic_store_explicit(&n->enough, enough, memory_order_relaxed);
    atomic_exchange_explicit(&n->depth, depth, memory_order_acq_rel);
}

/* Consumer: from now on it must be woken. It looks at its ring once more after this. */
static inline void nap_end(struct nap *n)
{
    atomic_exchange_explicit(&n->depth, NAP_NONE, memory_order_acq_rel);
}

/* Producer, after pushes up to `number`: the consumer will find them in time without being woken.
 */
static inline bool nap_covers(struct nap *n, bool is_urgent, uint64_t number)
{
    uint32_t depth = atomic_fetch_or_explicit(&n->depth, 0, memory_order_acq_rel);
    if (!is_urgent) return depth != NAP_NONE;
    return depth == NAP_DEEP && number < atomic_load_explicit(&n->enough, memory_order_relaxed);
}

#endif
