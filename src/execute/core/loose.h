/*
 * Loose blocks: the big arguments of the command batch that is being run. They came with the batch
 * and are execute's now: those that a value adopts stay, the others end with the batch.
 *
 * Arguments stay readable until the batch is done, whatever becomes of the key: the list is a user
 * of each block beside the entry that adopts it.
 */
#ifndef EXECUTE_CORE_LOOSE_H
#define EXECUTE_CORE_LOOSE_H

#include "execute/execute_private.h"

#include "mem/block.h"
#include "msg/command_batch.h"

/* Takes the batch's blocks; the ones of the last batch were let go. */
void loose_take(struct command_batch *b);
/* At the end of the batch. */
void loose_let_go(void);
/* A command that lasts lets other batches be run in the middle of its own: the blocks of that one
 * are taken up again before it goes on. */
struct block *loose_put_aside(void);
void loose_take_up(struct block *first);
/* Gives a share of the block whose bytes begin at `bytes`: the caller is one more user of it. NULL:
 * no block came with these bytes. */
struct block *loose_adopt(const char *bytes);

#endif
