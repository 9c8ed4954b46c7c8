/*
 * What execute asks of persist (msg/order.h), and what comes home. All in execute's turn.
 */
#ifndef EXECUTE_CORE_ORDERS_H
#define EXECUTE_CORE_ORDERS_H

#include "execute/execute_private.h"

#include "base/bytes.h"
#include "execute/execute.h"
#include "flow/stage.h"
#include "msg/log_card.h"
#include "msg/order.h"

/* Borrowed for life. Without a log's stage (unit tests) orders must not be sent. */
void orders_open(const struct execute_wiring *w);
void orders_close(void);

/* An order with a buffer of `cap` bytes, or none. `done` is called when it is home, and frees it.
 */
struct order *order_make(enum order_kind kind, size_t cap, void (*done)(struct order *o));
void order_free(struct order *o); /* with its buffer and its paths */
/* Copies them; `to` may be NULL. */
void order_set_paths(struct order *o, const char *path, const char *to);
/* For orders of which nobody wants to know more. */
void order_done_free(struct order *o);

/* Takes it. To the stage that its kind belongs to. */
void order_send(struct order *o);
/* At the end of a turn, and before replies leave that wait for what was sent. A log's stage that
 * looks by itself soon is not woken for effects that nobody waits for. */
void orders_give(struct turn *t);
/* At the top of a turn. */
void orders_take_home(void);
/* Waits, in the middle of a turn, until no order of the files' stage is out; done() is called for
 * each. For what blocks anyway: SAVE, SHUTDOWN. Not for those of the log: with a full disk some do
 * not come home. */
void orders_wait_files(void);
/* Waits a little for orders of either stage, whether one comes home or not: for those who wait for
 * some of them. */
void orders_wait_some(void);

/* The log's stage has enough to do: what nobody waits for may gather. */
bool orders_log_is_busy(void);
/* The log's stage has so much to write that it must not get more. */
bool orders_log_lags(void);
/* Execute gets a turn when orders come home from the log, or no longer. */
void orders_starve(bool on);
uint64_t orders_out(void);   /* orders that are not at home */
uint64_t orders_bytes(void); /* their buffers */
/* What the log's stage tells; never NULL. */
const struct log_card *orders_log_card(void);
/* For tests: the log's stage sleeps so long before it writes. */
void orders_delay_writes(uint64_t us);
/* Execute gets a turn when this number is on disk; 0: nobody waits. */
void orders_watch(uint64_t number);

#endif
