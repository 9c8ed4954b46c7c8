/*
 * Blocks as execute uses them (mem/block.h says what they are).
 *
 * A block has users: the entry whose value it is, the batch that it came with as an argument, the
 * replies that borrow it until the kernel has its bytes. All but a lone user only read: who wants
 * to write asks block_resize(), which copies when there are others. The last user frees it.
 */
#ifndef EXECUTE_TYPES_BLOCK_H
#define EXECUTE_TYPES_BLOCK_H

#include "execute/execute_private.h"

#include "mem/block.h"

/* Gives a block of `len` bytes (not set) with room for `cap`, and one user. */
struct block *block_make(size_t len, size_t cap);
/* One user more, who will drop it. */
static inline struct block *block_share(struct block *b)
{
    b->users++;
    return b;
}
/* One user less; the last one frees it. */
void block_drop(struct block *b);
/* Takes `b` (may move), and gives it with one user to be written to: `len` bytes long, growth
 * zeroed; `cap` as needed, geometric. When there are other users, it is a copy. */
struct block *block_resize(struct block *b, size_t len);
/* Room for a string of `len` bytes that is growing: twice up to 1 MiB, then 1 MiB ahead. */
size_t block_room_ahead(size_t len);

#endif
