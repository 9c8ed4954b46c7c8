/* Both stages together. */
#include "persist/persist.h"

#include "persist/files.h"
#include "persist/log.h"

#include "base/must.h"

#include <stdlib.h>

struct persist {
    struct log_stage *log;
    struct files_stage *files;
};

struct persist *persist_open(const struct persist_wiring *w, struct log_card *card)
{
    struct persist *p = calloc(1, sizeof(*p));
    must(p != NULL);
    p->log = log_stage_open(w, card);
    p->files = files_stage_open(w);
    return p;
}

void persist_set_execute(struct persist *p, struct stage *execute)
{
    log_stage_set_execute(p->log, execute);
    files_stage_set_execute(p->files, execute);
}

void persist_finish(struct persist *p)
{
    log_stage_finish(p->log);
    files_stage_finish(p->files);
}

void persist_close(struct persist *p)
{
    log_stage_close(p->log);
    files_stage_close(p->files);
    free(p);
}

struct stage *persist_log_stage(struct persist *p) { return log_stage_of(p->log); }
struct stage *persist_file_stage(struct persist *p) { return files_stage_of(p->files); }
struct nap *persist_log_nap(struct persist *p) { return log_stage_nap(p->log); }
