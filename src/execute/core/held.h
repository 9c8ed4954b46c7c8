/*
 * Commands that a session could not run when they came: copied, in order, until it may go on. And
 * those that MULTI queues.
 */
#ifndef EXECUTE_CORE_HELD_H
#define EXECUTE_CORE_HELD_H

#include "execute/execute_private.h"

#include "execute/core/session.h"

struct held_command {
    struct held_command *next;
    size_t bytes;   /* of all this */
    uint64_t ticks; /* in line: when it was read; blocked: how long it had waited till it ran */
    struct command command;
    struct bytes args[]; /* and the bytes that they borrow, behind the last one */
};

/* A copy of the command and its arguments; ends with held_free(). */
struct held_command *held_copy(const struct command *cmd, uint64_t ticks);
/* The same in memory that the caller has: held_size() bytes. */
size_t held_size(const struct command *cmd);
struct held_command *held_copy_to(void *memory, size_t size, const struct command *cmd,
                                  uint64_t ticks);

/* Copies the command to the end of the session's line. */
void held_add(struct session *s, const struct command *cmd, uint64_t ticks);
/* Gives the first, or NULL. The caller owns it: it ends with held_free() or goes back with
 * held_return(). */
struct held_command *held_take(struct session *s);
void held_return(struct session *s, struct held_command *h);
void held_free(struct held_command *h);
/* Copies the command that the session waits in; it had waited for `ticks` when it ran. */
void held_keep_blocked(struct session *s, const struct command *cmd, uint64_t ticks);
void held_drop_blocked(struct session *s);
/* Frees all that stand in line. */
void held_clear(struct session *s);

#endif
