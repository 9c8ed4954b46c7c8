/* To come: nothing is saved yet. */
#include "execute/core/snapshot.h"

#include <errno.h>

bool snapshot_holds;

int snapshot_begin(const struct snapshot_terms *terms)
{
    (void)terms;
    return -ENOSYS;
}

bool snapshot_is_on(void) { return false; }
void snapshot_abort(void) {}

uint64_t snapshot_work(uint64_t budget_us)
{
    (void)budget_us;
    return UINT64_MAX;
}

bool snapshot_must_wait(const struct call *c)
{
    (void)c;
    return false;
}

void snapshot_before_flush(void) {}
struct snapshot_figures snapshot_figures(void) { return (struct snapshot_figures){0}; }
