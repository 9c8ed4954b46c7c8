/* To come: nothing is kept yet. */
#include "execute/core/persistence.h"

#include <errno.h>
#include <stddef.h>

void persistence_open(void) {}
void persistence_close(void) {}

uint64_t persistence_tick(const struct settings *settings, uint64_t mono_ns)
{
    (void)settings;
    (void)mono_ns;
    return UINT64_MAX;
}

const char *persistence_refusal(void) { return NULL; }
uint64_t persistence_reply_after(void) { return 0; }
int persistence_save(void) { return -ENOSYS; }

const char *persistence_bgsave(bool waits)
{
    (void)waits;
    return NULL;
}

bool persistence_is_scheduled(void) { return false; }
const char *persistence_rewrite(void) { return NULL; }
