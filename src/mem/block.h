/*
 * A block: a long run of bytes in an allocation of its own, always in execute's arena.
 *
 * It is the one form in which big arguments come in, big values are kept and big replies leave, so
 * that none of the three copies bytes: parse fills a block and hands it over with its batch, the
 * value that is stored adopts it, and a reply borrows it until the kernel has its bytes.
 *
 * parse owns a block until its batch is handed over; execute owns it from then on, counts who needs
 * it, and frees it when nobody does. Writers see addresses of bytes and never this struct.
 */
#ifndef MEM_BLOCK_H
#define MEM_BLOCK_H

#include <stddef.h>
#include <stdint.h>

struct block {
    size_t len, cap;    /* of bytes: used, and room */
    struct block *next; /* in a list of blocks that came as arguments */
    uint32_t users;     /* execute's count: an entry, the batch it came with, loans of replies */
    uint32_t arg;       /* parse: the argument that it is */
    char bytes[];
};

/*
 * Arguments from here on are read into a block, unless one receive brought them whole; shorter ones
 * are copied by the type that stores them. Measured with io_uring, where buffers of 4 KiB are what
 * a block saves: server CPU per SET, this bound against 16 KiB and 32 KiB, is 0.90 and 0.89 with 10
 * KB (0.66 and 0.68 at pipeline 16), 0.88 and 0.83 with 20 KB, and the same from 40 KB on.
 */
#define BLOCK_ARG_MIN 8192

/* A list of blocks, in order. */
struct block_list {
    struct block *first, *last;
};

static inline void block_list_add(struct block_list *l, struct block *b)
{
    b->next = NULL;
    if (l->last != NULL)
        l->last->next = b;
    else
        l->first = b;
    l->last = b;
}

#endif
