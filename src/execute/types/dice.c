/* The generator and its seed. */
#include "execute/types/dice.h"

#include <stdbool.h>

static struct random dice_random;
static bool dice_seeded;

struct random *dice(void)
{
    if (!dice_seeded) {
        uint64_t seed;
        random_secret(&seed, sizeof(seed));
        random_seed(&dice_random, seed);
        dice_seeded = true;
    }
    return &dice_random;
}
