/*
 * Transactions: what a session queues between MULTI and EXEC or DISCARD.
 *
 * run() queues; EXEC (commands/transaction.c) takes the queue and runs it with run_within().
 */
#ifndef EXECUTE_CORE_MULTI_H
#define EXECUTE_CORE_MULTI_H

#include "execute/execute_private.h"

#include "execute/core/held.h"
#include "execute/core/session.h"

struct multi_chunk;

/* The commands lie in a region: what is left of this allocation, then chunks. */
struct multi {
    struct held_command *first, *last;
    uint32_t count;
    uint32_t flags;     /* of all queued commands together: enum command_flag */
    size_t bytes;       /* that are allocated */
    bool aborted;       /* a command could not be queued: EXEC will refuse */
    bool suits_loading; /* all of them may run while data is loaded */
    char *room;         /* for the next command */
    size_t room_len;
    struct multi_chunk *chunks;
};

/* The session must not be in a transaction. */
void multi_begin(struct session *s);
/* Copies the command to the end of the queue; `flags` are its own. Too much for
 * client-query-buffer-limit ends the session. */
void multi_queue(struct session *s, const struct command *cmd, uint32_t flags);
/* A command was refused; nothing happens outside of a transaction. */
void multi_abort(struct session *s);
/* Ends the transaction and gives what was queued; multi_free() ends it. */
struct multi *multi_take(struct session *s);
void multi_free(struct multi *m);
/* Ends the transaction, if there is one, and drops what was queued. */
void multi_forget(struct session *s);

/* Queued commands, -1 outside of a transaction. */
static inline int64_t multi_count(const struct session *s)
{
    return s->multi == NULL ? -1 : (int64_t)s->multi->count;
}
static inline size_t multi_bytes(const struct session *s)
{
    return s->multi == NULL ? 0 : s->multi->bytes;
}

#endif
