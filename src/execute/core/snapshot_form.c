/* The forms there are, and who knows what core does not. */
#include "execute/core/snapshot_private.h"

static void (*snapshot_functions)(void (*give)(void *ctx, struct bytes code), void *ctx);

void snapshot_on_functions(void (*each)(void (*give)(void *ctx, struct bytes code), void *ctx))
{
    snapshot_functions = each;
}

void snapshot_each_function(void (*give)(void *ctx, struct bytes code), void *ctx)
{
    if (snapshot_functions != NULL) snapshot_functions(give, ctx);
}

const struct snapshot_form_ops *snapshot_form_of(enum snapshot_form form)
{
    return form == SNAPSHOT_RDB ? &snapshot_form_rdb : &snapshot_form_commands;
}
