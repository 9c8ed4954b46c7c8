/*
 * Big arguments: from BLOCK_ARG_MIN bytes on an argument is read straight into a block of execute's
 * arena (mem/block.h), beside the chunk that holds the rest of its command.
 *
 * What a client can make us reserve is bounded by what it has sent: a block begins with BIG_STEP
 * bytes and doubles when it is full, up to the announced length. A connection that has sent an
 * argument of some length whole gets so much at once for its next one (BIG_PROVEN_MAX at most), as
 * growing may copy.
 *
 * A client that sends one big command after another mostly sends heads of one length. So where the
 * last two were equal, the next receive puts what comes behind such a head straight into a block (a
 * guess); a wrong guess costs a copy.
 *
 * `home` is execute's arena. All of this is parse's, until the blocks go with a batch.
 */
#ifndef PARSE_BIG_H
#define PARSE_BIG_H

#include "mem/arena.h"
#include "mem/block.h"

#include <stdbool.h>

#define BIG_STEP ((size_t)65536)
#define BIG_PROVEN_MAX ((size_t)1 << 20)
#define BIG_GUESS_MAX ((size_t)262144) /* longer ones take several receives anyway */
#define BIG_HEAD_MAX 512

/* A connection's. Zeroed: no big argument is there. */
struct big_input {
    struct block *block;     /* what has come of the argument that is being read, or NULL */
    size_t need, have;       /* its bytes and the CR LF behind it; 0: none is being read */
    struct block_list whole; /* arguments before it, of the same command */
    size_t whole_bytes;
    size_t proven;          /* what the longest needed that the connection has sent */
    size_t head, last_head; /* length of a command in front of it: as guessed, 0 without a
                               guess, and of the last one */
};

/* An argument of `len` bytes begins with `n` bytes, fewer than it needs. */
void big_begin(struct arena *home, struct big_input *g, size_t len, const char *data, size_t n);
static inline bool big_is_open(const struct big_input *g) { return g->need != 0; }
/* `len` bytes of its command came before it. */
void big_note_head(struct big_input *g, size_t len);
/* A block to receive a guess into, up to g->proven bytes; NULL: nothing is guessed. The caller owns
 * it and ends it with big_take_guess() or arena_free_abroad(). */
struct block *big_guess(struct arena *home, const struct big_input *g);
/* `n` bytes were received into the block. True: they are the first ones of the argument that is
 * open, which takes the block. False: they are not, and it stays the caller's. */
bool big_take_guess(struct big_input *g, struct block *b, size_t n);
/* Room for the bytes that come next, at least one, and never for more than are missing. */
char *big_room(struct arena *home, struct big_input *g, size_t *room);
static inline size_t big_missing(const struct big_input *g) { return g->need - g->have; }
/* So many were written there. True: the argument is whole. */
bool big_got(struct big_input *g, size_t n);
/* Copies as many of `len` bytes as are missing; gives how many. */
size_t big_put(struct arena *home, struct big_input *g, const char *data, size_t len);
static inline bool big_is_whole(const struct big_input *g) { return g->have == g->need; }
/* The whole argument, which is its command's number `arg`, joins those before it. False, and
 * nothing happened: no CR LF is behind it. */
bool big_end(struct big_input *g, uint32_t arg);
/* Frees all. */
void big_drop(struct arena *home, struct big_input *g);
void big_free_list(struct arena *home, struct block_list *l);

/* Bytes held, and room reserved for more. */
static inline size_t big_held(const struct big_input *g) { return g->whole_bytes + g->have; }
static inline size_t big_reserved(const struct big_input *g)
{
    return g->block == NULL || g->block->cap < g->have ? 0 : g->block->cap - g->have;
}

#endif
