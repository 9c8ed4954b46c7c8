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

struct nap {
    _Alignas(64) _Atomic uint32_t is_on;
};

/* Consumer: it will look again at a deadline of its own. */
static inline void nap_begin(struct nap *n)
{
    atomic_store_explicit(&n->is_on, 1, memory_order_relaxed);
}

/* Consumer: from now on it must be woken. It looks at its ring once more after this. */
static inline void nap_end(struct nap *n)
{
    atomic_exchange_explicit(&n->is_on, 0, memory_order_acq_rel);
}

/* Producer, after a push: the consumer will find it without being woken. */
static inline bool nap_covers(struct nap *n)
{
    return atomic_fetch_or_explicit(&n->is_on, 0, memory_order_acq_rel) != 0;
}

#endif
