/* The handlers, in the order of the command table. */
#include "execute/commands/table.h"

#include "base/must.h"

#include <ctype.h>

/* A container by itself does nothing: this is for a word after it that is none of its subcommands.
 */
static enum run_result cmd_container(struct call *c)
{
    if (c->nargs < 2) return reply_arity(c);
    char upper[64];
    size_t n = 0;
    for (; c->spec->full[n] != '\0' && n + 1 < sizeof(upper); n++)
        upper[n] = (char)toupper((unsigned char)c->spec->full[n]);
    upper[n] = '\0';
    struct bytes word = arg(c, 1);
    int shown = word.len < 128 ? (int)word.len : 128;
    return reply_errorf(c, "ERR unknown subcommand '%.*s'. Try %s HELP.", shown, word.ptr, upper);
}

static command_handler *const handlers[CMD_COUNT] = {
#define COMMAND(id, ...) [CMD_##id] = cmd_##id,
#define CONTAINER(id, ...) [CMD_##id] = cmd_container,
#include "catalog/commands.def"
#undef COMMAND
};

command_handler *command_handler_of(enum command_id id)
{
    dcheck(id < CMD_COUNT);
    return handlers[id];
}
