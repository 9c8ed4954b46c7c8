/*
 * Random numbers: a fast generator (xoshiro256++, Blackman and Vigna 2019, public domain) for
 * sampling, and bytes of the kernel (getrandom(2)) for seeds, ids and secrets. A generator belongs
 * to one stage.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state[4];
};

void random_seed(struct random *r, uint64_t seed);
uint64_t random_next(struct random *r);
/* Uniform in [0, n), n > 0. */
uint64_t random_below(struct random *r, uint64_t n);
/* Never fails: stops the process when the kernel gives no random bytes. */
void random_secret(void *out, size_t len);
/* `chars` lower-case hex digits and a terminator. */
void random_hex(char *out, size_t chars);

#endif
