/*
 * Persistence as people see it: what is loaded at the start, when a snapshot is made (SAVE, BGSAVE,
 * save points), why writes are refused. Plain state of execute; core/snapshot.h, core/loading.h,
 * core/log_life.h and persist (core/orders.h) do the work. How the server ends is core/shutdown.h.
 */
#ifndef EXECUTE_CORE_PERSISTENCE_H
#define EXECUTE_CORE_PERSISTENCE_H

#include "execute/execute_private.h"

#include "base/must.h"
#include "catalog/settings.h"

#include <stdbool.h>
#include <stdint.h>

/* Before threads start: what there is is loaded when execute's turns begin, and then the world is
 * told (execute.h, `loaded`). */
void persistence_open(void);
void persistence_close(void);
/* In every turn, before its commands: the first one begins to load, so that no command runs before
 * that. */
void persistence_begin(void);
/* In every turn: loading, slices of a snapshot, the log's life, and, ten times a second, save
 * points. Gives when it wants the next turn: monotonic ns. Execute's cron gives it one in 100 ms
 * anyway. */
uint64_t persistence_tick(const struct settings *settings, uint64_t mono_ns);
/* DEBUG PAUSE-CRON: no save points, no shutdown by signal meanwhile. */
void persistence_pause_cron(bool paused);
bool persistence_cron_is_paused(void);

/* ---- Refusals ---- */

/* True when there is a reason to refuse writes; kept up to date by ticks. */
static inline bool persistence_refuses(void)
{
    extern const char *persistence_refusal_now;
    return unlikely(persistence_refusal_now != NULL);
}
/* What a client's write is refused with (a line with its code, -MISCONF), or NULL. */
const char *persistence_refusal(void);
/* How a script that may write is refused before it begins. Only while writes are refused. */
const char *persistence_refusal_of_script(void);
/* The number of the effect that must be on disk before replies may leave; 0: none. */
uint64_t persistence_reply_after(void);

/* ---- Snapshots ---- */

/* SAVE, within this call: 0 or -errno; -EBUSY: a background save is under way. */
int persistence_save(void);
/* BGSAVE: an error line, or NULL, and then *status is what the client is told. `waits`: for what
 * is in its way (SCHEDULE); `within`: for the end of the transaction or script that it is in. */
const char *persistence_bgsave(bool waits, bool within, const char **status);
/* A background save comes to nothing, within this call; its file is gone. */
void persistence_end_bgsave(void);
/* All data went (FLUSHALL): a save that is under way is of no use any more, and with save points a
 * new one is made, so that the old data does not come back. */
void persistence_flushed(void);
/* All data was replaced by what lies on disk (DEBUG RELOAD, LOADAOF). */
void persistence_reloaded(void);
struct persistence_figures {
    bool is_saving, is_scheduled; /* in the background */
    bool last_failed;
    int64_t last_save_s;       /* wall: LASTSAVE */
    int64_t last_s, current_s; /* seconds that a background save took; -1: none */
    uint64_t saves;            /* tried, of all kinds */
    uint64_t last_extra;       /* memory that the last background save cost at most */
};
struct persistence_figures persistence_figures(void);

#endif
