/*
 * Commands that do not get as far as their handler: what they are answered. Each of these answers
 * once, and keeps a transaction that the session is in from being executed.
 */
#ifndef EXECUTE_CORE_REJECT_H
#define EXECUTE_CORE_REJECT_H

#include "execute/execute_private.h"

#include "execute/core/acl.h"
#include "execute/core/call.h"

/* `error` is the whole line with its code; counts as rejected. */
void reject(struct call *c, const char *error);
/* Parse has found something wrong with it. One of a broken stream ends the session. */
void reject_flawed(struct call *c, const struct command *cmd);
/* RESP2 does not let a subscriber send it. */
void reject_subscriber(struct call *c);
/* The user's rules forbid it; noted in ACL LOG. */
void reject_denied(struct call *c, struct acl_verdict v);

#endif
