/*
 * Chunks and batches. The first chunk of a batch's list is always the one that it was made with.
 */
#include "parse/input.h"

#include "base/must.h"

enum {
    BATCH_ITEMS_START = 64,
    BATCH_ARGS_START = 2048,
    BATCH_ARGS_KEPT = 16384,
    BATCH_COMMANDS_KEPT = 8192
};

struct chunk *chunk_new(struct arena *a, size_t cap)
{
    struct chunk *c = arena_alloc(a, sizeof(*c) + cap);
    c->next = NULL;
    c->cap = arena_usable(c) - sizeof(*c);
    c->len = 0;
    return c;
}

struct chunk *chunk_reserve(struct arena *a, struct chunk *c, size_t more)
{
    if (c->cap - c->len >= more) return c;
    size_t cap = c->cap * 2 > c->len + more ? c->cap * 2 : c->len + more;
    if (cap > c->len + more + (64u << 20)) cap = c->len + more + (64u << 20);
    c = arena_realloc(a, c, sizeof(*c) + cap);
    c->cap = arena_usable(c) - sizeof(*c);
    return c;
}

struct command_batch *batch_new(struct arena *a, uint16_t parser)
{
    struct command_batch *b = arena_zalloc(a, sizeof(*b));
    b->parser = parser;
    b->item_max = BATCH_ITEMS_START;
    b->items = arena_alloc(a, b->item_max * sizeof(*b->items));
    b->command_max = BATCH_COMMANDS;
    b->commands = arena_alloc(a, b->command_max * sizeof(*b->commands));
    b->arg_max = BATCH_ARGS_START;
    b->args = arena_alloc(a, b->arg_max * sizeof(*b->args));
    b->chunks = chunk_new(a, BATCH_CHUNK_LEN);
    return b;
}

void batch_reset(struct arena *a, struct command_batch *b)
{
    must(b->blocks.first == NULL); /* execute's, since the batch was handed over */
    struct chunk *own = b->chunks;
    while (own->next != NULL) {
        struct chunk *c = own->next;
        own->next = c->next;
        arena_free(a, c);
    }
    own->len = 0;
    if (b->arg_max > BATCH_ARGS_KEPT) {
        b->arg_max = BATCH_ARGS_START;
        arena_free(a, b->args);
        b->args = arena_alloc(a, b->arg_max * sizeof(*b->args));
    }
    if (b->command_max > BATCH_COMMANDS_KEPT) {
        b->command_max = BATCH_COMMANDS;
        arena_free(a, b->commands);
        b->commands = arena_alloc(a, b->command_max * sizeof(*b->commands));
    }
    b->item_count = b->command_count = b->arg_count = 0;
    b->read_ticks = 0;
}

void batch_free(struct arena *a, struct command_batch *b)
{
    batch_reset(a, b);
    arena_free(a, b->chunks);
    arena_free(a, b->args);
    arena_free(a, b->commands);
    arena_free(a, b->items);
    arena_free(a, b);
}

struct chunk *batch_chunk(struct command_batch *b) { return b->chunks; }

void batch_take_chunk(struct command_batch *b, struct chunk *c)
{
    c->next = b->chunks->next;
    b->chunks->next = c;
}

struct batch_item *batch_add_item(struct arena *a, struct command_batch *b, struct conn_ref conn)
{
    if (b->item_count == b->item_max) {
        b->item_max *= 2;
        b->items = arena_realloc(a, b->items, b->item_max * sizeof(*b->items));
    }
    struct batch_item *item = &b->items[b->item_count++];
    *item = (struct batch_item){.conn = conn, .first = b->command_count};
    return item;
}

void batch_grow(struct arena *a, struct command_batch *b, uint32_t nargs)
{
    if (b->command_count == b->command_max) {
        b->command_max *= 2;
        b->commands = arena_realloc(a, b->commands, b->command_max * sizeof(*b->commands));
    }
    if (b->arg_max - b->arg_count >= nargs) return;
    while (b->arg_max - b->arg_count < nargs) b->arg_max *= 2;
    b->args = arena_realloc(a, b->args, b->arg_max * sizeof(*b->args));
}

void batch_seal(struct command_batch *b)
{
    for (uint32_t i = 0; i < b->command_count; i++)
        b->commands[i].args = batch_args(b, &b->commands[i]);
}
