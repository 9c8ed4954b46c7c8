/*
 * A stream: entries in the order of their ids, added at the end, and the groups that read it.
 *
 * Ids only grow: who appends gives one behind last_id. Walks and entries that they show are good
 * until the stream changes.
 */
#ifndef EXECUTE_TYPES_STREAM_H
#define EXECUTE_TYPES_STREAM_H

#include "execute/execute_private.h"

#include "execute/types/sorted.h"
#include "execute/types/stream_node.h"

struct stream {
    uint64_t length;              /* entries that are there */
    uint64_t added;               /* ever: "entries-added" */
    struct stream_id last_id;     /* the highest ever */
    struct stream_id max_deleted; /* the highest that was deleted by name, 0-0: none */
    struct sorted nodes;          /* addresses of nodes, none empty */
    struct sorted groups;         /* addresses of groups by name: stream_group.h */
    size_t node_bytes;            /* what the nodes occupy */
};

/* ---- Life ---- */
struct stream *stream_make(void);
void stream_free(struct stream *s);
/* Frees about `max` allocations; true when all of it is gone. */
bool stream_free_some(struct stream *s, uint64_t max);
struct stream *stream_copy(const struct stream *s);
/* Bytes that it occupies. */
size_t stream_memory(const struct stream *s);
/* About how many allocations it is. */
uint64_t stream_pieces(const struct stream *s);

/* ---- Entries ---- */
/* `id` is behind last_id, which becomes it; the pairs are at most STREAM_ENTRY_BYTES in all. */
void stream_append(struct stream *s, struct stream_id id, struct stream_pairs pairs,
                   struct stream_limits limits);
/* The same, and should a node begin with it, `names` are its fields: what other entries share. */
void stream_append_named(struct stream *s, struct stream_id id, struct stream_pairs pairs,
                         struct stream_limits limits, struct stream_pairs names);
/* True when it was there. */
bool stream_delete(struct stream *s, struct stream_id id);
/* The first and the last one that is there; 0-0 in an empty stream. */
struct stream_id stream_first_id(const struct stream *s);
struct stream_id stream_last_entry_id(const struct stream *s);

struct stream_trim {
    enum stream_trim_by { STREAM_TRIM_NONE, STREAM_TRIM_LENGTH, STREAM_TRIM_ID } by;
    bool about;           /* whole nodes only */
    uint64_t length;      /* keep so many */
    struct stream_id min; /* keep those from here on */
    uint64_t limit;       /* delete at most so many where `about`; 0: no bound */
};
/* Gives how many it deleted. */
uint64_t stream_trim(struct stream *s, const struct stream_trim *how);

/* ---- Walks ---- */
struct stream_walk {
    const struct stream *stream;
    struct sorted_place at;
    const struct stream_node *node; /* of `entry`, NULL: the next begins the one at `at` */
    struct stream_id from, to;
    struct stream_entry entry; /* what the last step met */
};

/* Entries with from <= id <= to, in order. */
void stream_walk_open(struct stream_walk *w, const struct stream *s, struct stream_id from,
                      struct stream_id to);
bool stream_walk_next(struct stream_walk *w);

/* The last entries of a node, so that it is read once forwards for many steps back. */
#define STREAM_WALK_WINDOW 64
struct stream_walk_back {
    const struct stream *stream;
    struct sorted_place at;
    const struct stream_node *node; /* whose entries the window shows; NULL: none is left */
    struct stream_id from, to;
    struct stream_entry entry; /* what the last step met */
    uint32_t oldest;           /* index of the first entry in the window, a ring */
    uint32_t left;             /* entries in the window, not shown yet */
    bool more;                 /* the node has earlier ones than the window */
    struct stream_entry window[STREAM_WALK_WINDOW];
};

/* The same entries from the last to the first. */
void stream_walk_back_open(struct stream_walk_back *b, const struct stream *s,
                           struct stream_id from, struct stream_id to);
bool stream_walk_back_next(struct stream_walk_back *b);

/* ---- As a value (types/type.h) ---- */
struct type_ops;
extern const struct type_ops stream_ops;

/* Stops the process when an invariant is broken. Slow: for tests. */
void stream_check(const struct stream *s);

#endif
