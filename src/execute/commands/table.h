/*
 * From a row of the command table to the function that runs it.
 *
 * Each row of catalog/commands.def has a handler of its own, cmd_<ID>, declared here and defined in
 * the file of its family; a CONTAINER row has cmd_container. A row without a handler does not link,
 * a handler without a row does not compile.
 */
#ifndef EXECUTE_COMMANDS_TABLE_H
#define EXECUTE_COMMANDS_TABLE_H

#include "execute/execute_private.h"

#include "execute/core/call.h"

#define COMMAND(id, ...) command_handler cmd_##id;
#define CONTAINER(id, ...)
#include "catalog/commands.def"
#undef COMMAND

command_handler *command_handler_of(enum command_id id);

#endif
