/*
 * write sends replies in the order in which execute gave them, keeps what the kernel does not take,
 * enforces the limits of output buffers, and is the only one who closes a connection.
 *
 * A batch that says so (`after`) is held until the log's card tells that its effect is on disk, and
 * all that came behind it. If the disk refused, its connections are cut: what they asked for is
 * done, but they are not told so.
 *
 * A turn may be lent: then nothing blocks, and what the kernel does not take waits for the home,
 * which watches for writability.
 */
#ifndef WRITE_WRITE_H
#define WRITE_WRITE_H

#include "flow/handoff.h"
#include "flow/stage.h"
#include "msg/log_card.h"
#include "msg/reply_batch.h"

struct write_wiring {
    struct handoff *replies;         /* execute -> here: struct reply_batch * */
    struct handoff *home;            /* here -> execute: batches that are done */
    struct handoff *freed;           /* here -> accept: slots */
    const struct log_card *log_card; /* NULL where no batch waits for a disk */
    uint16_t index;
    unsigned settings_id;
};

struct write_stage;
struct write_stage *write_open(const char *name, const struct write_wiring *w);
void write_close(struct write_stage *w);
struct stage *write_stage(struct write_stage *w);

/* Any thread, as information. */
uint64_t write_bytes_sent(const struct write_stage *w);
uint64_t write_calls(const struct write_stage *w); /* that sent something */
uint64_t write_limit_cuts(const struct write_stage *w);
uint64_t write_pending_bytes(const struct write_stage *w); /* of held batches, too */
uint64_t write_open_connections(const struct write_stage *w);

#endif
