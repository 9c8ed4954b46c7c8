/*
 * The list is walked for each adoption: it is in the order of arguments, so the one looked for is
 * mostly the first that was not adopted, and where it is not, what is walked over cost far more to
 * receive.
 */
#include "execute/core/loose.h"

#include "base/must.h"
#include "execute/types/block.h"

static struct block *loose_first;

void loose_take(struct command_batch *b)
{
    must(loose_first == NULL);
    loose_first = b->blocks.first;
    b->blocks = (struct block_list){0};
}

void loose_let_go(void)
{
    while (loose_first != NULL) {
        struct block *b = loose_first;
        loose_first = b->next;
        block_drop(b);
    }
}

struct block *loose_put_aside(void)
{
    struct block *first = loose_first;
    loose_first = NULL;
    return first;
}

void loose_take_up(struct block *first)
{
    must(loose_first == NULL);
    loose_first = first;
}

struct block *loose_adopt(const char *bytes)
{
    for (struct block *b = loose_first; b != NULL; b = b->next)
        if (b->bytes == bytes) return block_share(b);
    return NULL;
}
