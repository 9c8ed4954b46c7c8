/*
 * Runs the commands of one file of an append-only log (codec/log_record.h).
 *
 * What stands between MULTI and EXEC runs when its EXEC was seen, so that of a transaction that is
 * not whole nothing is done. The caller sees to it that nothing is due meanwhile (run_replay()):
 * the log itself says what went when.
 */
#ifndef EXECUTE_CORE_LOADING_LOG_H
#define EXECUTE_CORE_LOADING_LOG_H

#include "execute/execute_private.h"

#include "execute/core/ahead.h"
#include "execute/core/call.h"
#include "execute/core/loading_input.h"
#include "execute/core/loading_parts.h"
#include "execute/core/session.h"

struct loading_log {
    struct loading_input *in;
    const char *name;     /* of the file, for the log; borrowed */
    uint64_t good_offset; /* what is before this has been run, and is whole */
    uint64_t failed;      /* commands that answered an error */
    bool is_cut_off;      /* when it failed: all that is wrong is that it ends there */
    char wrong[LOADING_WRONG_CHARS];
    /* loading_log.c's own */
    struct session session; /* stands for a client */
    struct call outer;      /* what commands run within, so that they do not wait */
    struct reply reply;
    uint64_t group_end; /* in a transaction: the offset behind its EXEC, else 0 */
    struct command window[AHEAD_MAX];
    size_t ends[AHEAD_MAX]; /* bytes from in->at to the end of each */
    struct db *dbs[AHEAD_MAX];
    struct bytes *args; /* of the window */
    uint32_t arg_count, args_max;
};

/* Borrows all until the end. `by`: the command that asks for it, NULL at the start of the server.
 */
void loading_log_begin(struct loading_log *l, struct loading_input *in, const char *name,
                       const struct call *by);
enum loading_result loading_log_step(struct loading_log *l, const struct loading_slice *slice);
void loading_log_end(struct loading_log *l);

#endif
