/*
 * What the CLIENT subcommands share: the words that name clients.
 */
#ifndef EXECUTE_COMMANDS_CLIENT_H
#define EXECUTE_COMMANDS_CLIENT_H

#include "execute/core/call.h"
#include "execute/core/session.h"

enum client_type { TYPE_OF_NORMAL, TYPE_OF_MASTER, TYPE_OF_REPLICA, TYPE_OF_PUBSUB };

/* Reads argument i; on failure answers the usual error and returns false. */
bool client_type(struct call *c, uint32_t i, enum client_type *out);
enum client_type client_type_of(const struct session *s);

/* True for a name that fits into a line of CLIENT LIST: printable, without spaces. Empty is valid.
 */
bool client_text_is_valid(struct bytes text);
#define ERR_CLIENT_NAME "ERR Client names cannot contain spaces, newlines or special characters."

#endif
