/*
 * Input: the memory that requests are parsed in. A chunk belongs to a connection (a command that is
 * not whole yet) or to a batch (commands on their way), never to both.
 */
#ifndef PARSE_INPUT_H
#define PARSE_INPUT_H

#include "codec/resp.h"
#include "mem/arena.h"
#include "msg/command_batch.h"
#include "parse/big.h"

struct chunk {
    struct chunk *next;
    size_t cap, len;
    char data[];
};

/* parse's part of a connection. */
struct conn_in {
    struct conn_ref ref;
    struct conn_card *card;
    struct resp_parser parser;
    struct chunk *held;      /* bytes of a command that is not whole, or NULL */
    struct resp_span *spans; /* its arguments so far, when there are any */
    uint32_t span_max;
    struct big_input big; /* its big arguments; there is a held chunk then */
    uint8_t direct_idle;  /* reads in a row without a big argument, while direct */
    bool direct; /* big arguments were met: told of readiness, not given bytes (flow/poller.h) */
    bool deaf;   /* what still comes is dropped: protocol error, limit */
    bool paused; /* not read for now */
    bool ended;  /* the stream's end was met */
    struct conn_in *next_paused;
};

struct chunk *chunk_new(struct arena *a, size_t cap);
/* Room for `more` bytes after those that it has; may move it. */
struct chunk *chunk_reserve(struct arena *a, struct chunk *c, size_t more);

/* A batch with an input chunk of its own that it keeps for life. */
struct command_batch *batch_new(struct arena *a, uint16_t parser);
/* Coming home: empty again; what it was given besides its own chunk is freed, and what grew too
 * large is shrunk. */
void batch_reset(struct arena *a, struct command_batch *b);
void batch_free(struct arena *a, struct command_batch *b);
/* The chunk that new input goes to. */
struct chunk *batch_chunk(struct command_batch *b);
/* The batch takes a chunk. */
void batch_take_chunk(struct command_batch *b, struct chunk *c);

/* The item of the connection, made if the last one is another's. */
struct batch_item *batch_item_for(struct arena *a, struct command_batch *b, struct conn_ref conn);
/* A new command at the end of the batch with room for `nargs` arguments, to be filled through
 * batch_args(). */
struct command *batch_add_command(struct arena *a, struct command_batch *b, uint32_t nargs);
/* Arguments of a command are kept as an index until the batch is sealed, because their array may
 * move. */
struct bytes *batch_args(struct command_batch *b, const struct command *c);
void batch_seal(struct command_batch *b);
static inline bool batch_is_empty(const struct command_batch *b) { return b->item_count == 0; }

#define BATCH_CHUNK_LEN 65536
#define BATCH_COMMANDS 512   /* a batch with so many is handed on */
#define INPUT_READ_LEN 16384 /* at most so much is read from a connection at once */

#endif
