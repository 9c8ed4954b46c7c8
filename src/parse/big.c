/* Invariant: have < need while an argument is open, but between its last byte and big_end(); with
 * have > 0 there is a block. */
#include "parse/big.h"

#include "base/must.h"

#include <string.h>

/* Makes room for one more byte at least. */
static void big_reserve(struct arena *home, struct big_input *g)
{
    size_t cap = g->block == NULL ? 0 : g->block->cap;
    if (g->have < cap) return;
    size_t want = g->have * 2 > BIG_STEP ? g->have * 2 : BIG_STEP;
    if (want < g->proven) want = g->proven;
    if (want > g->need) want = g->need;
    g->block = arena_realloc_abroad(home, g->block, sizeof(*g->block) + want);
    g->block->cap = arena_usable(g->block) - sizeof(*g->block);
}

void big_begin(struct arena *home, struct big_input *g, size_t len, const char *data, size_t n)
{
    must(!big_is_open(g) && g->block == NULL && n < len + 2);
    g->need = len + 2;
    big_put(home, g, data, n);
}

void big_note_head(struct big_input *g, size_t len)
{
    g->head = len == g->last_head && len <= BIG_HEAD_MAX ? len : 0;
    g->last_head = len;
}

struct block *big_guess(struct arena *home, const struct big_input *g)
{
    if (g->head == 0 || g->proven > BIG_GUESS_MAX) return NULL;
    struct block *b = arena_alloc_abroad(home, sizeof(*b) + g->proven);
    b->cap = arena_usable(b) - sizeof(*b);
    return b;
}

bool big_take_guess(struct big_input *g, struct block *b, size_t n)
{
    if (!big_is_open(g) || g->have > 0 || n > g->need) {
        g->head = g->last_head = 0;
        return false;
    }
    g->block = b;
    g->have = n;
    return true;
}

char *big_room(struct arena *home, struct big_input *g, size_t *room)
{
    big_reserve(home, g);
    size_t most = g->block->cap < g->need ? g->block->cap : g->need;
    *room = most - g->have;
    return g->block->bytes + g->have;
}

bool big_got(struct big_input *g, size_t n)
{
    g->have += n;
    must(g->have <= g->need);
    return big_is_whole(g);
}

size_t big_put(struct arena *home, struct big_input *g, const char *data, size_t len)
{
    size_t done = 0;
    while (done < len && !big_is_whole(g)) {
        size_t room;
        char *to = big_room(home, g, &room);
        if (room > len - done) room = len - done;
        memcpy(to, data + done, room);
        big_got(g, room);
        done += room;
    }
    return done;
}

bool big_end(struct big_input *g, uint32_t arg)
{
    struct block *b = g->block;
    must(b != NULL && big_is_whole(g));
    if (memcmp(b->bytes + g->need - 2, "\r\n", 2) != 0) return false;
    b->len = g->need - 2;
    b->users = 1;
    b->arg = arg;
    block_list_add(&g->whole, b);
    g->whole_bytes += b->len;
    size_t proven = g->need < BIG_PROVEN_MAX ? g->need : BIG_PROVEN_MAX;
    if (g->proven < proven) g->proven = proven;
    g->block = NULL;
    g->need = g->have = 0;
    return true;
}

void big_free_list(struct arena *home, struct block_list *l)
{
    while (l->first != NULL) {
        struct block *b = l->first;
        l->first = b->next;
        arena_free_abroad(home, b);
    }
    l->last = NULL;
}

void big_drop(struct arena *home, struct big_input *g)
{
    arena_free_abroad(home, g->block);
    big_free_list(home, &g->whole);
    g->block = NULL;
    g->need = g->have = g->whole_bytes = 0;
}
