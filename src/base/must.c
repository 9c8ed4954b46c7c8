/* The end of a process that found itself wrong: one log line that says where, then SIGABRT, whose
 * handler adds the report. */
#include "base/must.h"

#include "base/log.h"

#include <stdlib.h>

void must_fail(const char *what, const char *file, int line)
{
    log_warn("=== ASSERTION FAILED ===");
    log_warn("==> %s:%d '%s' is not true", file, line, what);
    abort();
}
