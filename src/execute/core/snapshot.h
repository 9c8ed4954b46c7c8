/*
 * A snapshot: all databases as they stand at one instant, written in slices while commands go on.
 * One mechanism for the RDB file, the rewrite of the log and, in time, full sync.
 *
 * How it stays at its instant: an entry has a bit that says whether the snapshot has it
 * (keyspace.h). The walk over the tables encodes what has not been; the keyspace's write gate,
 * before an entry changes or goes, encodes it first. A large value is encoded with a cursor, in
 * slices: who wants to write to one that is not whole yet, or to anything while the disk is far
 * behind, waits (its session's commands are held, snapshot_must_wait()); nobody else does. A large
 * value that is deleted or replaced stays aside until it is encoded, and so does a database that is
 * flushed.
 *
 * What is encoded goes to persist in orders (core/orders.h) of bounded number.
 */
#ifndef EXECUTE_CORE_SNAPSHOT_H
#define EXECUTE_CORE_SNAPSHOT_H

#include "execute/execute_private.h"

#include "execute/core/call.h"

enum snapshot_form {
    SNAPSHOT_RDB,
    SNAPSHOT_COMMANDS, /* of a log without preamble */
};

struct snapshot_terms {
    enum snapshot_form form;
    uint16_t version; /* of RDB */
    bool compresses, has_checksum;
    bool is_log_base; /* an aux field of RDB says so */
    bool syncs_often;
    const char *path;     /* written here first */
    const char *to;       /* renamed to this when it is whole and synced; NULL: it stays */
    int64_t key_delay_us; /* rdb-key-save-delay: positive: per key; negative: keys a microsecond */
    /* In a later turn: 0 or -errno; -ECANCELED after snapshot_abort(). The file is gone unless 0.
     */
    void (*done)(int result);
};

/* The instant is now. One at a time: -EBUSY. The terms are copied. */
int snapshot_begin(const struct snapshot_terms *terms);
bool snapshot_is_on(void);
/* Its file goes; done() is called. Too late while the file is being finished: then it is. */
void snapshot_abort(void);
void snapshot_close(void);
/* The whole of it within this call, straight to the disk: SAVE, SHUTDOWN, DEBUG RELOAD. 0 or
 * -errno. done() is not called. A snapshot in slices may be on; it goes on. */
int snapshot_now(const struct snapshot_terms *terms);

/* Are there slices to be cut? */
bool snapshot_works(void);
/*
 * Before snapshot_work(): is the turn lent, while its home has nothing else to do? Then slices are
 * left to the home, as the thread that runs the turn reads clients, too. `has_come` tells whether
 * commands wait for execute's turn, which ends a slice; borrowed.
 */
void snapshot_turn(bool leaves_it, bool (*has_come)(void *self), void *self);
/* A slice of about so much time at most, in execute's turn. Gives when it wants the next: monotonic
 * ns, 0 at once, UINT64_MAX when a home-coming order will say. */
uint64_t snapshot_work(uint64_t budget_us);

/* Before a command that writes: would it change what must be encoded first, and cannot at once? */
static inline bool snapshot_may_hold(void)
{
    extern bool snapshot_holds;
    return unlikely(snapshot_holds);
}
bool snapshot_must_wait(const struct call *c);

struct snapshot_figures {
    uint64_t keys_done, keys_total;
    uint64_t bytes;         /* encoded so far */
    uint64_t extra_bytes;   /* memory that it costs now: orders that are out, values kept aside */
    uint64_t extra_peak;    /* the most, of the one that is on or was last */
    uint64_t gate_saves;    /* keys that the write gate encoded */
    uint64_t held_commands; /* that waited for it */
    int64_t begun_ms;       /* wall */
    uint64_t begun;         /* snapshots since the start */
};
struct snapshot_figures snapshot_figures(void);
/* Of them those that are not in orders: keys need not be evicted for them, either. */
uint64_t snapshot_kept_bytes(void);

#endif
