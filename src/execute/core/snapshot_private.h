/* What the snapshot's own files share. */
#ifndef EXECUTE_CORE_SNAPSHOT_PRIVATE_H
#define EXECUTE_CORE_SNAPSHOT_PRIVATE_H

#include "execute/execute_private.h"

#include "execute/core/snapshot_form.h"

/* Entries that a step of the walk asks for. */
#define SNAPSHOT_SCAN_STEP 32

/* NULL: there is none yet. */
const struct snapshot_form_ops *snapshot_form_of(enum snapshot_form form);
void snapshot_each_function(void (*give)(void *ctx, struct bytes code), void *ctx);

#endif
