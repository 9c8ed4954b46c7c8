/*
 * Draws at random from the elements of values: one generator, seeded by the kernel at its first
 * use. Not for secrets.
 */
#ifndef EXECUTE_TYPES_DICE_H
#define EXECUTE_TYPES_DICE_H

#include "execute/execute_private.h"

#include "base/random.h"

/* Lives as long as the process. */
struct random *dice(void);

#endif
