/*
 * The keyed hash of keys: XXH3 (Collet, BSD-2-Clause, Debian's libxxhash-dev) under a secret of 192
 * random bytes drawn at start, so that nobody can prepare colliding keys. The same bytes hash alike
 * in every stage of one process.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Draws the secret; once, before the first thread starts. */
void hash_open(void);
/* For tests and the simulator: a fixed secret. */
void hash_open_with(uint64_t seed);

uint64_t hash_bytes(const void *ptr, size_t len);

#endif
