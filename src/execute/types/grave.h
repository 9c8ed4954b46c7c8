/*
 * Graves: values whose key is gone. Small ones are freed at once; large ones wait here and are
 * freed in steps, so that no deletion of a large value stops the server.
 */
#ifndef EXECUTE_TYPES_GRAVE_H
#define EXECUTE_TYPES_GRAVE_H

#include "execute/execute_private.h"

#include <stdbool.h>
#include <stdint.h>

/* Takes a value that is no string: kind and root of its entry. */
void grave_take(uint8_t kind, void *root);
/* Frees a step's worth; false when there was nothing to free. */
bool grave_dig(void);
/* Values that wait; values that were freed in steps so far. */
uint64_t grave_count(void);
uint64_t grave_freed(void);
void grave_reset_freed(void);

#endif
