/* What the snapshot's own files share. */
#ifndef EXECUTE_CORE_SNAPSHOT_PRIVATE_H
#define EXECUTE_CORE_SNAPSHOT_PRIVATE_H

#include "execute/execute_private.h"

#include "execute/core/orders.h"
#include "execute/core/snapshot_form.h"
#include "execute/keyspace/keyspace.h"

/* Entries that a step of the walk asks for. */
#define SNAPSHOT_SCAN_STEP 32
/* Memory of orders on their way: with more the walk waits. */
#define SNAPSHOT_OUT_MAX ((size_t)8 << 20)

/* ---- Forms (snapshot_form.c) ---- */
/* NULL: there is none yet. */
const struct snapshot_form_ops *snapshot_form_of(enum snapshot_form form);
void snapshot_each_function(void (*give)(void *ctx, struct bytes code), void *ctx);

/* ---- Bytes on their way (snapshot_stream.c) ---- */

/*
 * A run of bytes in orders. What is written while a large value is, which must stay in one piece,
 * gathers in a stream of its own and is sent behind it.
 */
struct snapshot_stream {
    struct rdb_out out;         /* first: its room() gets it */
    struct order *order;        /* whose buffer `out` fills, or NULL */
    struct order *first, *last; /* full ones that are not sent */
    size_t waiting;             /* their memory */
    int number;                 /* of the database that was selected; -1: none yet */
    bool is_aside;              /* full ones are not sent */
};

void snapshot_stream_open(struct snapshot_stream *s, bool is_aside, bool compresses);
/* A string that persist compresses, behind what it has; takes a user of the block. */
void snapshot_stream_string(struct snapshot_stream *s, struct block *b);
/* Sends what it has. */
void snapshot_stream_flush(struct snapshot_stream *s);
/* Sends all of `aside` behind all of `s`, and empties it. */
void snapshot_stream_join(struct snapshot_stream *s, struct snapshot_stream *aside);
void snapshot_stream_drop(struct snapshot_stream *s);
/* An order about the file itself; `done` gets it home. */
void snapshot_send(enum order_kind kind, const char *path, const char *to,
                   void (*done)(struct order *o));

/* ---- The one that is on (snapshot.c) ---- */

/* A database as it was at the beginning. */
struct snapshot_part {
    const struct table *table;
    struct db *db;   /* that has this table; NULL: it was flushed, the table is kept for us */
    int number;      /* it had then */
    size_t kept;     /* memory of a table that is kept, about */
    uint64_t cursor; /* of the walk */
    bool is_begun, is_walked;
};

/* A large value that is to be written. */
struct snapshot_large {
    struct snapshot_large *next;
    struct entry *e; /* owned: it has left the keyspace; NULL: it is in the part, under this name */
    struct snapshot_part *part;
    size_t kept; /* memory of what is owned, about */
    size_t name_len;
    char name[];
};

enum snapshot_phase {
    SNAPSHOT_OFF,     /* all entries are young */
    SNAPSHOT_SWEEPS,  /* one was aborted: old ones become young in steps */
    SNAPSHOT_WALKS,   /* one is on, not all is written */
    SNAPSHOT_FILES,   /* all is written, the file is finished */
    SNAPSHOT_ABORTED, /* the file is dropped */
};

struct snapshot {
    enum snapshot_phase phase;
    struct snapshot_terms terms; /* its paths are owned */
    const struct snapshot_form_ops *form;
    int result;
    struct snapshot_part *parts; /* as many as there are databases */
    int part_count, part_at;     /* that is walked */
    struct snapshot_stream main, aside;
    struct snapshot_cursor large; /* what is being written, in main; .e NULL: nothing */
    bool large_is_owned;
    size_t large_kept;                   /* its memory then */
    struct snapshot_large *first, *last; /* what comes next */
    size_t out;                          /* memory of orders that are with persist */
    size_t kept;                         /* of what left the keyspace */
    unsigned epochs;                     /* bits: an entry may have this one */
    uint64_t begun_ns;                   /* for the delay of keys */
    uint64_t next_ns;                    /* the next slice */
    uint64_t commands;                   /* that had run at the last one */
    uint64_t busy_until_ns;              /* commands have run not long ago */
    bool leaves_it;                      /* slices are left to the home */
    bool (*has_come)(void *self);        /* or NULL */
    void *has_come_self;
    bool holds_writers; /* some wait */
    struct snapshot_figures figures;
};
extern struct snapshot snapshot;

/* The disk is so far behind that nothing more should be written. */
bool snapshot_lags(void);
/* Selects the database where that is needed. */
void snapshot_select(struct snapshot_stream *s, int number);
/* Writes a value whole, wherever there is room for it now. */
void snapshot_put(struct snapshot_part *part, const struct entry *e);
/* All that is left of the large value that is being written. */
void snapshot_finish_large(void);
/* The part of what is in a database now; NULL: nothing of that was there. */
struct snapshot_part *snapshot_part_of(const struct db *db);
void snapshot_note_extra(void);
void snapshot_fail(int error);

/* ---- A check of it (snapshot_check.c) ---- */
#ifdef BATON_DEBUG
void snapshot_check_begin(void);
/* Before an old value is written. */
void snapshot_check_value(const struct entry *e);
void snapshot_check_end(void);
#else
static inline void snapshot_check_begin(void) {}
static inline void snapshot_check_value(const struct entry *e) { (void)e; }
static inline void snapshot_check_end(void) {}
#endif

/* ---- The write gate (snapshot_gate.c) ---- */
extern const struct keyspace_gate snapshot_gate;
/* `first`: before all others. */
void snapshot_queue_large(struct snapshot_part *part, const struct entry *e, bool first);
/* Takes it. */
void snapshot_queue_owned(struct snapshot_part *part, struct entry *e);
/* The next one becomes the one that is written; false: there is none. */
bool snapshot_next_large(void);
void snapshot_drop_large(void);
/* A table that was kept is not needed any more. */
void snapshot_let_go(struct snapshot_part *part);
/* Those who waited look again. */
void snapshot_ease(void);

#endif
