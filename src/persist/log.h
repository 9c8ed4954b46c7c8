/* The log's stage; see persist.h. */
#ifndef PERSIST_LOG_H
#define PERSIST_LOG_H

#include "persist/persist.h"

struct log_stage;
struct log_stage *log_stage_open(const struct persist_wiring *w, struct log_card *card);
void log_stage_set_execute(struct log_stage *l, struct stage *execute);
/* No turn is run any more: what it still has is written and synced, as far as that goes, and all
 * orders are sent home. */
void log_stage_finish(struct log_stage *l);
void log_stage_close(struct log_stage *l);
struct stage *log_stage_of(struct log_stage *l);
struct nap *log_stage_nap(struct log_stage *l);

#endif
