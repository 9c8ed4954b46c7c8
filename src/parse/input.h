/*
 * Input: the memory that requests are parsed in. A chunk belongs to a connection (a command that is
 * not whole yet) or to a batch (commands on their way), never to both.
 */
#ifndef PARSE_INPUT_H
#define PARSE_INPUT_H

#include "base/must.h"
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

struct batch_item *batch_add_item(struct arena *a, struct command_batch *b, struct conn_ref conn);
/* The item of the connection, made if the last one is another's. */
static inline struct batch_item *batch_item_for(struct arena *a, struct command_batch *b,
                                                struct conn_ref conn)
{
    if (likely(b->item_count > 0)) {
        struct batch_item *last = &b->items[b->item_count - 1];
        if (last->conn.slot == conn.slot && last->conn.gen == conn.gen) return last;
    }
    return batch_add_item(a, b, conn);
}
/* Room for one more command with `nargs` arguments; may move what is there. */
void batch_grow(struct arena *a, struct command_batch *b, uint32_t nargs);
/* A new command at the end of the batch with room for `nargs` arguments, to be filled through
 * batch_args(). */
static inline struct command *batch_add_command(struct arena *a, struct command_batch *b,
                                                uint32_t nargs)
{
    if (unlikely(b->command_count == b->command_max || b->arg_max - b->arg_count < nargs))
        batch_grow(a, b, nargs);
    struct command *c = &b->commands[b->command_count++];
    c->args = (const struct bytes *)(uintptr_t)b->arg_count;
    c->nargs = nargs;
    b->arg_count += nargs;
    return c;
}
/* Arguments of a command are kept as an index until the batch is sealed, because their array may
 * move. */
static inline struct bytes *batch_args(struct command_batch *b, const struct command *c)
{
    return b->args + (uintptr_t)c->args;
}
void batch_seal(struct command_batch *b);
static inline bool batch_is_empty(const struct command_batch *b) { return b->item_count == 0; }

#define BATCH_CHUNK_LEN 65536
#define BATCH_COMMANDS 256   /* a batch with so many is handed on */
#define INPUT_READ_LEN 16384 /* at most so much is read from a connection at once */

#endif
