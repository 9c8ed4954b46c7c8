/*
 * The first line of a script, "#!lua flags=no-writes,allow-oom".
 */
#ifndef EXECUTE_SCRIPT_SHEBANG_H
#define EXECUTE_SCRIPT_SHEBANG_H

#include "execute/execute_private.h"

#include "base/bytes.h"

struct shebang {
    uint32_t flags;    /* enum script_flag: what the script says of itself */
    struct bytes code; /* begins with the end of that line, so that lines keep their numbers */
    const char *error; /* NULL, or what is wrong, */
    struct bytes word; /* and the word that is */
};

struct shebang shebang_read(struct bytes text);

#endif
