/*
 * Keys that must not change for a while, because they are being copied elsewhere (MIGRATE).
 *
 * While a key is held, commands that would write to it wait, as under CLIENT PAUSE, until it is
 * let go; so do those that empty or exchange databases. Reads go on. What no command says
 * beforehand (a script that writes to a key which it did not name, expiry, eviction) is not held
 * up; whoever holds the key then sees that it was touched.
 */
#ifndef EXECUTE_CORE_HOLD_H
#define EXECUTE_CORE_HOLD_H

#include "execute/execute_private.h"

#include "execute/core/call.h"

struct hold {
    struct db *db;
    struct key key; /* the owner's copy of its name */
    bool is_on, is_touched;
};

void hold_open(void);
void hold_close(void);

static inline bool hold_is_on(void)
{
    extern uint64_t hold_count;
    return unlikely(hold_count > 0);
}

/* The owner's struct, with db and key filled. False, and nothing happens, when the key is held
 * already. */
bool hold_begin(struct hold *h);
/* Whoever waits is to be judged again: pause_judge_again(). Nothing happens unless h->is_on. */
void hold_end(struct hold *h);

/* Would the command, with these flags, write to what is held? */
bool hold_must_wait(const struct call *c, uint32_t flags);

/* ---- For event.c ---- */
void hold_touched(struct db *db, struct key key);
/* A database (NULL: all) is emptied or exchanged. */
void hold_flushed(struct db *db);

#endif
