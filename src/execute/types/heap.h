/*
 * execute's memory: what the keyspace, the sessions, held commands and the slow log allocate comes
 * from one arena, named once before the first allocation. Only execute's turn may call.
 */
#ifndef EXECUTE_TYPES_HEAP_H
#define EXECUTE_TYPES_HEAP_H

#include "execute/execute_private.h"

#include "mem/arena.h"

/* Written by heap_use(), once. */
extern struct arena *heap_arena;

void heap_use(struct arena *a);

static inline void *heap_alloc(size_t len) { return arena_alloc(heap_arena, len); }
static inline void *heap_zalloc(size_t len) { return arena_zalloc(heap_arena, len); }
/* `ptr` may be NULL. */
static inline void *heap_realloc(void *ptr, size_t len)
{
    return arena_realloc(heap_arena, ptr, len);
}
/* `ptr` may be NULL. */
static inline void heap_free(void *ptr) { arena_free(heap_arena, ptr); }
/* For what grows and shrinks often: it has room for `len` bytes afterwards, and moves only when
 * what it occupies is too small. */
static inline void *heap_grow(void *ptr, size_t len)
{
    return arena_usable(ptr) >= len ? ptr : heap_realloc(ptr, len);
}
/* Gives back what is behind `len` bytes, once that is more than half. */
static inline void *heap_shrink(void *ptr, size_t len)
{
    return arena_usable(ptr) / 2 <= len ? ptr : heap_realloc(ptr, len);
}
static inline size_t heap_used(void) { return arena_used(heap_arena); }

#endif
