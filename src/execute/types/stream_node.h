/*
 * A node: a run of a stream's entries in one allocation.
 *
 *     struct stream_node
 *     names     the fields of the entry that the node began with, texts
 *     entries   flags (1 byte), ms, seq, then a count of pairs, names and values, or values alone
 *
 * Ids are differences to the entry before, in numbers of variable length, which the flags may leave
 * out; an entry whose fields are those of the node has values alone. A text is a byte that says
 * what follows, and that: short integers and strings are two bytes less than in a listpack.
 *
 * An entry that is deleted keeps its place until half of a node is such ones: then they are taken
 * out. Those at the front are out at once, their bytes until then are not used.
 *
 * Functions that change a node take it and give it back: its address may change.
 */
#ifndef EXECUTE_TYPES_STREAM_NODE_H
#define EXECUTE_TYPES_STREAM_NODE_H

#include "execute/execute_private.h"

#include "base/bytes.h"
#include "codec/number.h"
#include "execute/types/stream_id.h"

/* Entries of a node, deleted ones included; reverse walks rely on nodes being small. */
#define STREAM_NODE_ENTRIES 16384
/* Bytes of a node that holds more than one entry. */
#define STREAM_NODE_BYTES ((size_t)1 << 20)
/* Bytes of names and values in one entry: less than the largest listpack, as which it is dumped. */
#define STREAM_ENTRY_BYTES (((size_t)1 << 30) - ((size_t)1 << 24))

struct stream_node {
    struct stream_id base;      /* before the first entry, behind the last one of the node before */
    struct stream_id last;      /* of the last entry, deleted or not */
    uint32_t names_end;         /* where in the body the names end */
    uint32_t start, used, room; /* bytes of body: the first entry, the end, allocated */
    uint32_t name_count;
    uint16_t count, deleted; /* entries: alive and not */
    uint8_t body[];
};

/* How large nodes may become; 0: no bound but those above. */
struct stream_limits {
    uint64_t bytes, entries;
};

/* Fields and values in turn; `count` pairs. */
struct stream_pairs {
    const struct bytes *texts;
    uint32_t count;
};

/* Gives a node with this entry and the fields of `names` as those of the node, which are the
 * entry's own but while streams are loaded. */
struct stream_node *stream_node_make(struct stream_id id, struct stream_pairs pairs,
                                     struct stream_pairs names);
/* Adds it behind the last one, unless the node is full by these limits: then gives false. */
bool stream_node_add(struct stream_node **node, struct stream_id id, struct stream_pairs pairs,
                     struct stream_limits limits);
/* Gives back what was allocated ahead. */
struct stream_node *stream_node_fit(struct stream_node *node);
struct stream_node *stream_node_copy(const struct stream_node *node);

/*
 * An entry while it is read. Texts come in the order of the fields; which is next is kept here.
 * Zeroed, it is before the first entry of a node.
 */
struct stream_entry {
    struct stream_id id;
    const uint8_t *head;  /* where the entry begins */
    const uint8_t *at;    /* the next text, or where the entry ends */
    const uint8_t *names; /* the next name where names are the node's, else NULL */
    uint32_t count;       /* pairs */
    uint32_t left;        /* pairs not read */
    bool deleted;
};

/* The next entry, deleted ones too; false behind the last one. */
bool stream_node_next(const struct stream_node *node, struct stream_entry *entry);
/* The next pair; false when all were read. Integers are printed into the scratches. */
bool stream_entry_pair(struct stream_entry *entry, struct bytes *field, struct bytes *value,
                       char scratch[2][NUMBER_INT_CHARS]);
/* Back to the first pair. */
void stream_entry_again(const struct stream_node *node, struct stream_entry *entry);

/* The fields of the node, in order. */
struct stream_names {
    const uint8_t *at;
    uint32_t left;
};
static inline struct stream_names stream_node_names(const struct stream_node *node)
{
    return (struct stream_names){node->body, node->name_count};
}
bool stream_node_next_name(struct stream_names *names, struct bytes *name,
                           char scratch[NUMBER_INT_CHARS]);

/* Deletes the entry, which is alive and as stream_node_next() gave it. The node may be left without
 * entries. */
void stream_node_delete(struct stream_node *node, struct stream_entry *entry);
/* Takes what was deleted out when it is half of the node or more. */
struct stream_node *stream_node_tidy(struct stream_node *node);

#endif
