/*
 * Loading: the data comes back from an RDB file or from the files of a log. At the start in slices,
 * in execute's turn, while clients are answered -LOADING; within one call for DEBUG RELOAD and
 * LOADAOF.
 *
 * Files are read piece by piece (core/loading_input.h) and nothing in them is trusted. Meanwhile
 * nothing expires and nothing is evicted.
 */
#ifndef EXECUTE_CORE_LOADING_H
#define EXECUTE_CORE_LOADING_H

#include "execute/execute_private.h"

#include "base/bytes.h"
#include "execute/core/call.h"

extern bool loading_on;
static inline bool loading_is_on(void) { return loading_on; }

/* Once, before anything is loaded. `add` takes the code of a library of functions that an RDB file
 * holds, and gives NULL or what is wrong with it. */
void loading_on_functions(const char *(*add)(struct bytes code, bool replaces));

/*
 * Begins with what the settings say: the log where it is on and there is one, else the RDB file, if
 * there is one. `done` gets 0 or -errno with a reason for the log (a broken file); the data is then
 * what was read before the fault.
 */
void loading_begin(void (*done)(int result, const char *reason));
/* A slice. True while more is left. */
bool loading_step(uint64_t budget_us);
/* The server ends: what is being loaded stays as it is. */
void loading_close(void);

/* Within one call. The keyspace is as the caller left it: what is loaded comes into it.
 * `merges`: keys and libraries that are there already make way, instead of being an error. 0 or
 * -errno, `error` has the reason. */
int loading_rdb_now(const char *path, bool merges, char *error, size_t error_len);
/* `by` is the command that asks for it: while a script of the log lasts, its client waits. */
int loading_log_now(const struct call *by, char *error, size_t error_len);

struct loading_figures {
    int64_t begun_ms; /* wall; 0: never */
    uint64_t total_bytes, loaded_bytes;
    uint64_t used_memory;               /* of the server that wrote the RDB file, 0: not known */
    uint64_t keys_loaded, keys_expired; /* of the last RDB file */
    bool is_log;
    uint64_t truncated_bytes; /* of the log's last file, that were cut off */
};
struct loading_figures loading_figures(void);

#endif
