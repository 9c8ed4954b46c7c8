/* The secret is written once, before threads, and only read after. */
#include "base/hash.h"

#include "base/random.h"

#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wcast-align"
#pragma GCC diagnostic ignored "-Wshadow"
#include <xxhash.h>
#pragma GCC diagnostic pop

static unsigned char hash_secret[XXH3_SECRET_SIZE_MIN + 56];

void hash_open(void) { random_secret(hash_secret, sizeof(hash_secret)); }

void hash_open_with(uint64_t seed)
{
    struct random r;
    random_seed(&r, seed);
    for (size_t i = 0; i < sizeof(hash_secret); i++)
        hash_secret[i] = (unsigned char)random_next(&r);
}

uint64_t hash_bytes(const void *ptr, size_t len)
{
    return XXH3_64bits_withSecret(ptr, len, hash_secret, sizeof(hash_secret));
}
