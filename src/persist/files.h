/* The files' stage; see persist.h. */
#ifndef PERSIST_FILES_H
#define PERSIST_FILES_H

#include "persist/persist.h"

struct files_stage;
struct files_stage *files_stage_open(const struct persist_wiring *w);
void files_stage_set_execute(struct files_stage *f, struct stage *execute);
/* As log_stage_finish(); a file that is open is removed. */
void files_stage_finish(struct files_stage *f);
void files_stage_close(struct files_stage *f);
struct stage *files_stage_of(struct files_stage *f);

#endif
