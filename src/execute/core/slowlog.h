/*
 * The slow log: the latest commands that took longer than slowlog-log-slower-than, newest first.
 * Long commands are cut and passwords are kept out.
 */
#ifndef EXECUTE_CORE_SLOWLOG_H
#define EXECUTE_CORE_SLOWLOG_H

#include "execute/execute_private.h"

#include "execute/core/call.h"
#include "execute/core/session.h"

#define SLOWLOG_ARGS 32
#define SLOWLOG_ARG_CHARS 128

struct slowlog_entry {
    struct slowlog_entry *next; /* older */
    struct slowlog_entry *newer;
    uint64_t id;
    int64_t at_s; /* wall */
    uint64_t us;
    struct bytes peer, client_name;
    uint32_t nargs;
    struct bytes args[]; /* and the bytes that all of them borrow */
};

void slowlog_open(void);
void slowlog_close(void);

/* The command of `c` took `us`; the log keeps `max` entries. */
void slowlog_add(const struct call *c, uint64_t us, uint64_t max);
/* Newest; then e->next. */
const struct slowlog_entry *slowlog_first(void);
uint64_t slowlog_count(void);
void slowlog_clear(void);

#endif
