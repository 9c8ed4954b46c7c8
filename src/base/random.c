/* xoshiro256++ seeded by splitmix64, as its authors advise. */
#include "base/random.h"

#include "base/must.h"

#include <errno.h>
#include <sys/random.h>

static uint64_t random_rotl(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

void random_seed(struct random *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = (seed += 0x9e3779b97f4a7c15ull);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        r->state[i] = z ^ (z >> 31);
    }
}

uint64_t random_next(struct random *r)
{
    uint64_t *s = r->state;
    uint64_t result = random_rotl(s[0] + s[3], 23) + s[0];
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = random_rotl(s[3], 45);
    return result;
}

uint64_t random_below(struct random *r, uint64_t n)
{
    must(n > 0);
    /* Lemire's multiplication, with rejection of the few values that would bias. */
    uint64_t limit = (0 - n) % n;
    for (;;) {
        unsigned __int128 wide = (unsigned __int128)random_next(r) * n;
        if ((uint64_t)wide >= limit) return (uint64_t)(wide >> 64);
    }
}

void random_secret(void *out, size_t len)
{
    char *at = out;
    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0 && errno == EINTR) continue;
        must(n > 0);
        at += n;
        len -= (size_t)n;
    }
}

void random_hex(char *out, size_t chars)
{
    static const char digits[] = "0123456789abcdef";
    random_secret(out, chars);
    for (size_t i = 0; i < chars; i++) out[i] = digits[(unsigned char)out[i] & 15];
    out[chars] = '\0';
}
