/*
 * CONFIG REWRITE: writes the settings as they are into the configuration file, and leaves the file
 * as its owner wrote it where it can.
 *
 * Comments, blank lines, directives that are no options (include, rename-command) and the lines of
 * options whose value they give already stay as they are, in their order. Other options change in
 * their place; those that had no line and are not at their default are added at the end. The file
 * is replaced as a whole or not at all.
 */
#ifndef EXECUTE_CORE_CONFIG_REWRITE_H
#define EXECUTE_CORE_CONFIG_REWRITE_H

#include "execute/execute_private.h"

#include "catalog/settings.h"

#include <stdio.h>

/* `all`: options at their default are written too (DEBUG CONFIG-REWRITE-FORCE-ALL). 0, -ENOTSUP
 * without a file, or -errno. */
int config_rewrite(bool all);

/* The same as text: writes to `out` what the file that holds `old` becomes with settings `s`, and
 * with these lines of users (ptr NULL: its own stay). For config_rewrite and for tests. */
void config_rewrite_text(struct bytes old, const struct settings *s, struct bytes users, bool all,
                         FILE *out);

#endif
