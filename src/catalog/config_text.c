/* The path, which never changes once threads exist. */
#include "catalog/config_text.h"

#include "base/must.h"

#include <stdlib.h>
#include <string.h>

static char *path;

void config_set_path(const char *absolute)
{
    free(path);
    path = strdup(absolute);
    must(path != NULL);
}

const char *config_path(void) { return path == NULL ? "" : path; }
