/*
 * The watchdog: a turn of execute that lasts longer than `watchdog-period` is told of in the log,
 * with the stack of the thread that runs it, once for each such turn. SIGALRM asks for that stack
 * at any time.
 *
 * The main thread looks, and sends a signal to the thread that runs the turn: only that one can say
 * where it is.
 */
#ifndef BOOT_WATCHDOG_H
#define BOOT_WATCHDOG_H

#include "flow/stage.h"

/* Before threads start. `execute` is borrowed as long as the main thread calls what follows. */
void watchdog_open(const struct stage *execute);
/* 0: off. Whoever sets it has the main thread look. */
void watchdog_set_period(int64_t ms);

/* The main thread: looks whether a turn has lasted too long. Gives the ms until it must look again,
 * or -1 where it need not: there is no period. */
int watchdog_look(void);
/* The main thread: shows the stack of whoever runs execute's turn, or ran the last one. */
void watchdog_show(void);

#endif
