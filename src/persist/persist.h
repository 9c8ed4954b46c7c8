/*
 * The door of persist: two stages that block in the kernel by trade, so each has a thread of its
 * own that is never lent.
 *
 * The log's stage takes ORDER_LOG_*, keeps the folder of the append-only log with its manifest, and
 * commits in groups: it writes all that it holds with one write, syncs as appendfsync says, and
 * publishes how far the disk has got (msg/log_card.h). The files' stage takes ORDER_FILE_* and
 * writes snapshots.
 */
#ifndef PERSIST_PERSIST_H
#define PERSIST_PERSIST_H

#include "flow/handoff.h"
#include "flow/nap.h"
#include "flow/stage.h"
#include "msg/log_card.h"
#include "msg/order.h"

#define PERSIST_WRITERS_MAX 32

struct persist_wiring {
    struct handoff *log_orders, *log_home; /* execute -> here, and back */
    struct handoff *file_orders, *file_home;
    struct stage *writers[PERSIST_WRITERS_MAX]; /* they wait for `durable` */
    int writer_count;
    unsigned log_settings_id; /* for settings_enter() */
};

struct persist;
struct persist *persist_open(const struct persist_wiring *w, struct log_card *card);
/* Execute is opened after persist. */
void persist_set_execute(struct persist *p, struct stage *execute);
/* Threads have ended: the log is written and synced, and orders are sent home. Execute is closed
 * after this, as orders are its memory, and before persist_close(). */
void persist_finish(struct persist *p);
void persist_close(struct persist *p);
struct stage *persist_log_stage(struct persist *p);
struct stage *persist_file_stage(struct persist *p);
/* While it covers, the log's stage need not be given a turn for effects that nobody waits for. */
struct nap *persist_log_nap(struct persist *p);

#endif
