/*
 * The first line of a script, "#!lua flags=no-writes,allow-oom".
 */
#ifndef EXECUTE_SCRIPT_SHEBANG_H
#define EXECUTE_SCRIPT_SHEBANG_H

#include "execute/execute_private.h"

#include "execute/core/call.h"

/*
 * Gives what the script says of itself (enum script_flag) and its code, which begins with the end
 * of that line, so that lines keep their numbers. False, and answered, when the line makes no
 * sense.
 */
bool shebang_read(struct call *c, struct bytes text, uint32_t *flags, struct bytes *code);

#endif
