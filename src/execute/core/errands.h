/*
 * What execute asks of the courier (msg/errand.h), and what comes home. All in execute's turn.
 */
#ifndef EXECUTE_CORE_ERRANDS_H
#define EXECUTE_CORE_ERRANDS_H

#include "execute/execute_private.h"

#include "execute/execute.h"
#include "msg/errand.h"

/* Borrowed for life. Without a courier (unit tests) errands must not be sent. */
void errands_open(const struct execute_wiring *w);
void errands_close(void);

/* Takes it; e->done is called when it is home. */
void errand_send(struct errand *e);
/* Waits, in the middle of a turn, until this one is home, for those that may not wait otherwise:
 * EXEC and scripts. The others that come home meanwhile are kept until errands_take_home(). */
void errand_wait(struct errand *e);
/* At the end of a turn. */
void errands_give(struct turn *t);
/* At the top of a turn. */
void errands_take_home(void);

#endif
