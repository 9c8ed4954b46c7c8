/*
 * Sorts things by a 64-bit key. Most comparisons are decided by the key alone; what has equal keys
 * is told apart by a function of the caller. It takes O(n log n) whatever the input.
 */
#ifndef BASE_KEYSORT_H
#define BASE_KEYSORT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct keysort_item {
    uint64_t key;
    uint64_t ref; /* the caller's: an index, an address */
};

/* < 0, 0, > 0: which of two things with equal keys comes first. */
typedef int keysort_tie(void *ctx, uint64_t a, uint64_t b);

/*
 * Brings to the places from `from` to below `to` what would be there if all were sorted; the others
 * stay in any order, which saves most of the work where few are wanted. `tie` NULL: by ref.
 */
void keysort(struct keysort_item *items, size_t count, size_t from, size_t to, keysort_tie *tie,
             void *ctx);

/* A key that orders as the double does; not for NaN. -0 and 0 are equal. */
static inline uint64_t keysort_double(double d)
{
    uint64_t bits;
    d += 0.;
    memcpy(&bits, &d, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

#endif
