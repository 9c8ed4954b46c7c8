/* Which tool is meant, and what both need. */
#include "execute/check_private.h"

#include "base/hash.h"
#include "base/log.h"
#include "execute/types/heap.h"

#include <string.h>

static int check_run(check_tool *tool, int argc, char **argv)
{
    hash_open();
    log_set_level(LOG_NOTHING); /* the tools tell what there is to tell */
    struct arena *arena = arena_open("check");
    heap_use(arena);
    int rc = tool(argc, argv);
    arena_close(arena);
    return rc;
}

static int check_run_rdb(int argc, char **argv) { return check_run(check_rdb, argc, argv); }
static int check_run_aof(int argc, char **argv) { return check_run(check_aof, argc, argv); }

check_tool *check_tool_named(const char *argv0)
{
    const char *slash = strrchr(argv0, '/');
    const char *name = slash == NULL ? argv0 : slash + 1;
    if (strcmp(name, "baton-check-rdb") == 0 || strcmp(name, "redis-check-rdb") == 0)
        return check_run_rdb;
    if (strcmp(name, "baton-check-aof") == 0 || strcmp(name, "redis-check-aof") == 0)
        return check_run_aof;
    return NULL;
}
