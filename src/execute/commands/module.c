/*
 * MODULE: there are no modules. What asks for one is answered as by a Redis that cannot load it.
 */
#include "base/log.h"
#include "execute/commands/table.h"

enum run_result cmd_MODULE_LIST(struct call *c) { return reply_array(c, 0); }

enum run_result cmd_MODULE_LOAD(struct call *c)
{
    log_warn("MODULE LOAD %.*s: this server loads no modules", REPLY_WORD(arg(c, 2)));
    return reply_error(c, "ERR Error loading the extension. Please check the server logs.");
}

enum run_result cmd_MODULE_LOADEX(struct call *c) { return cmd_MODULE_LOAD(c); }

enum run_result cmd_MODULE_UNLOAD(struct call *c)
{
    return reply_error(c, "ERR Error unloading module: no such module with that name");
}

enum run_result cmd_MODULE_HELP(struct call *c)
{
    static const char *const lines[] = {
        "LIST",
        "    The modules that are loaded: none, as this server has no modules.",
        "LOAD <path> [<arg> ...]",
        "LOADEX <path> [CONFIG <name> <value> ...] [ARGS <arg> ...]",
        "UNLOAD <name>",
        "    Fail.",
        NULL,
    };
    return reply_help(c, lines);
}
