/*
 * Memory by stage: each stage allocates from a jemalloc arena of its own, with a thread cache of
 * its own, whichever thread runs its turn. Whoever holds the stage's token may call; what one arena
 * gave goes back to the same arena.
 *
 * Sizes are bytes. Allocation never returns NULL: sizes that a client chose are bounded before they
 * come here, and a machine that is out of memory stops the process with a message. Under
 * -DBATON_LIBC_MALLOC (sanitizer builds) the C library's malloc stands in, with the same
 * accounting.
 */
#ifndef MEM_ARENA_H
#define MEM_ARENA_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

struct arena;

/* `name` is borrowed for life ("execute"). */
struct arena *arena_open(const char *name);
void arena_close(struct arena *a);
const char *arena_name(const struct arena *a);

void *arena_alloc(struct arena *a, size_t len);
void *arena_zalloc(struct arena *a, size_t len);
/* `ptr` may be NULL. Keeps the first min(old, new) bytes. */
void *arena_realloc(struct arena *a, void *ptr, size_t len);
/* `ptr` may be NULL. */
void arena_free(struct arena *a, void *ptr);
/*
 * The same without the token of the arena's stage, from any thread: a stage that fills memory for
 * another takes it where it will live, so that it changes hands without a copy. There is no thread
 * cache on this way, so it is for large pieces only. Who frees it is whoever owns it by then, with
 * arena_free() when that is the arena's stage.
 */
void *arena_alloc_abroad(struct arena *a, size_t len);
void *arena_realloc_abroad(struct arena *a, void *ptr, size_t len);
void arena_free_abroad(struct arena *a, void *ptr);
/* What an allocation really occupies. */
size_t arena_usable(const void *ptr);
/* What arena_alloc(len) would occupy. */
size_t arena_rounded(size_t len);

/* Bytes in use now, and the highest ever; any thread may ask (relaxed). */
size_t arena_used(const struct arena *a);
size_t arena_peak(const struct arena *a);

/* The process as a whole, as the allocator sees it; slow (tens of microseconds). */
struct mem_totals {
    size_t allocated, active, resident, retained, metadata, mapped;
};
void mem_totals_read(struct mem_totals *out);
/* Sum of arena_used over all arenas, and the allocator's name ("jemalloc-5.3.0" or "libc"). */
size_t mem_used(void);
const char *mem_allocator(void);
/* Gives those free pages back to the kernel that were free for a while; to be called now and then,
 * as idle arenas do not do it by themselves. */
void mem_decay(void);
/*
 * Lets a thread of the allocator's do that, for all arenas: after a large value is freed it takes
 * 10 ms in a row. Not before a fork that the process goes on in. Off at first.
 */
void mem_set_background(bool on);
/* Gives all free pages back to the kernel. */
void mem_purge(void);
/* The allocator's own report, appended piece by piece through `put`. */
void mem_report(void (*put)(void *ctx, const char *text), void *ctx);
/* Resident set of the process, bytes. */
size_t mem_rss(void);

#endif
