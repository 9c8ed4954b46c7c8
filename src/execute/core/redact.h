/*
 * Which arguments of a command are secrets, or might be some: passwords, and what else tells of
 * users. Whoever shows commands to people (slow log, MONITOR, logs) asks here and shows REDACTED
 * instead.
 */
#ifndef EXECUTE_CORE_REDACT_H
#define EXECUTE_CORE_REDACT_H

#include "execute/execute_private.h"

#include "base/bytes.h"
#include "catalog/command.h"

#define REDACTED "(redacted)"

bool redact_hides(const struct command_spec *spec, const struct bytes *args, uint32_t nargs,
                  uint32_t i);

/* Argument i as it may be shown. */
static inline struct bytes redact_arg(const struct command_spec *spec, const struct bytes *args,
                                      uint32_t nargs, uint32_t i)
{
    return redact_hides(spec, args, nargs, i) ? bytes_of(REDACTED) : args[i];
}

#endif
