/* Invariant: a block that can be reached has a user, and one that is written to has no other. */
#include "execute/types/block.h"

#include "base/must.h"
#include "execute/types/heap.h"

#include <string.h>

#define BLOCK_STEP ((size_t)1 << 20)

struct block *block_make(size_t len, size_t cap)
{
    must(cap >= len);
    size_t room = arena_rounded(sizeof(struct block) + cap);
    struct block *b = heap_alloc(room);
    b->len = len;
    b->cap = room - sizeof(*b);
    b->users = 1;
    return b;
}

void block_drop(struct block *b)
{
    dcheck(b->users > 0);
    if (--b->users == 0) heap_free(b);
}

size_t block_room_ahead(size_t len) { return len < BLOCK_STEP ? len * 2 : len + BLOCK_STEP; }

struct block *block_resize(struct block *b, size_t len)
{
    if (b->users > 1) {
        size_t keep = b->len < len ? b->len : len;
        struct block *copy = block_make(keep, b->cap >= len ? len : block_room_ahead(len));
        memcpy(copy->bytes, b->bytes, keep);
        block_drop(b);
        b = copy;
    }
    if (len > b->cap) {
        size_t room = arena_rounded(sizeof(*b) + block_room_ahead(len));
        b = heap_realloc(b, room);
        b->cap = room - sizeof(*b);
    }
    if (len > b->len) memset(b->bytes + b->len, 0, len - b->len);
    b->len = len;
    return b;
}
