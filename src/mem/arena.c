/*
 * Arenas over jemalloc 5.3 (Jason Evans, "A scalable concurrent malloc(3) implementation", 2006):
 * each is one jemalloc arena plus one explicit thread cache, so that a stage keeps both whichever
 * thread runs its turn.
 *
 * Invariants: arenas are opened and closed by the thread that starts and ends the server; the
 * holder of the stage's token is the only caller of the functions that allocate and free. So `used`
 * and `peak` have one writer at any moment, and a plain relaxed load and store is enough; what
 * orders two writers is the token. Anyone may read them. The functions for those who do not hold
 * the token count in `abroad` with atomic additions; what was allocated there may be freed here, so
 * only the sum of both means something, and either may wrap.
 */
#include "mem/arena.h"

#include "base/log.h"
#include "base/must.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef BATON_LIBC_MALLOC
#include <malloc.h>
#else
#include <jemalloc/jemalloc.h>
#endif

#define ARENA_MAX 128

#ifndef BATON_LIBC_MALLOC
/*
 * Read by jemalloc at its start. Stages have arenas of their own, so one automatic arena is enough;
 * slabs of eight pages for the class of 64 bytes, which small keys with small values fall into,
 * save 2 bytes of bookkeeping a key. Free pages go back to the kernel over four seconds: by then
 * those of a large value that is freed in steps have become few long runs.
 */
const char *malloc_conf = "narenas:1,slab_sizes:64-64:8,dirty_decay_ms:4000,muzzy_decay_ms:0,"
                          "max_background_threads:1";
#endif

struct arena {
    int flags;             /* of jemalloc: arena and thread cache */
    unsigned heap;         /* jemalloc's number of the arena */
    unsigned cache;        /* jemalloc's number of the thread cache */
    _Atomic size_t used;   /* writer: the holder of the stage's token */
    _Atomic size_t peak;   /* same writer */
    _Atomic size_t abroad; /* anyone, added to; relaxed: it orders nothing */
    const char *name;
    _Atomic bool is_open; /* writer: the thread that opens and closes */
} __attribute__((aligned(64)));

static struct arena arena_table[ARENA_MAX];

static void arena_count(struct arena *a, size_t before, size_t after)
{
    size_t used = atomic_load_explicit(&a->used, memory_order_relaxed) - before + after;
    atomic_store_explicit(&a->used, used, memory_order_relaxed);
    used += atomic_load_explicit(&a->abroad, memory_order_relaxed);
    if (used > atomic_load_explicit(&a->peak, memory_order_relaxed))
        atomic_store_explicit(&a->peak, used, memory_order_relaxed);
}

static void arena_out_of_memory(const struct arena *a, size_t len) __attribute__((noreturn, cold));
static void arena_out_of_memory(const struct arena *a, size_t len)
{
    log_warn("Out of memory: %zu bytes for '%s', which holds %zu bytes of %zu in all", len, a->name,
             arena_used(a), mem_used());
    abort();
}

/* What differs between the allocators: heap_*(), and what the header says about the process. */
#ifdef BATON_LIBC_MALLOC

static void arena_heap_open(struct arena *a) { a->flags = 0; }
static void arena_heap_close(struct arena *a) { (void)a; }

static void *heap_alloc(const struct arena *a, size_t len)
{
    (void)a;
    return malloc(len);
}

static void *heap_zalloc(const struct arena *a, size_t len)
{
    (void)a;
    return calloc(1, len);
}

static void *heap_realloc(const struct arena *a, void *ptr, size_t len)
{
    (void)a;
    return realloc(ptr, len);
}

static void *heap_realloc_abroad(const struct arena *a, void *ptr, size_t len)
{
    (void)a;
    return realloc(ptr, len);
}

static void heap_free_abroad(const struct arena *a, void *ptr)
{
    (void)a;
    free(ptr);
}

static void heap_free(const struct arena *a, void *ptr, size_t usable)
{
    (void)a;
    (void)usable;
    free(ptr);
}

size_t arena_usable(const void *ptr)
{
    union {
        const void *given;
        void *plain;
    } p = {ptr};
    return malloc_usable_size(p.plain);
}

/* Sanitizers take sizes as they are; glibc adds a word and rounds to 16. */
size_t arena_rounded(size_t len)
{
    void *probe = NULL;
    if (len < 4096) probe = malloc(len == 0 ? 1 : len);
    size_t usable = probe == NULL ? ((len + 8 + 15) & ~(size_t)15) - 8 : malloc_usable_size(probe);
    free(probe);
    return usable;
}

void mem_totals_read(struct mem_totals *out)
{
    size_t rss = mem_rss();
    *out =
        (struct mem_totals){.allocated = mem_used(), .active = rss, .resident = rss, .mapped = rss};
}

const char *mem_allocator(void) { return "libc"; }

void mem_purge(void) { malloc_trim(0); }

void mem_decay(void) {}

void mem_set_background(bool on) { (void)on; }

void mem_report(void (*put)(void *ctx, const char *text), void *ctx)
{
    for (int i = 0; i < ARENA_MAX; i++) {
        const struct arena *a = &arena_table[i];
        if (!atomic_load_explicit(&a->is_open, memory_order_acquire)) continue;
        char line[160];
        snprintf(line, sizeof(line), "%s: %zu bytes in use, %zu at most\n", a->name, arena_used(a),
                 arena_peak(a));
        put(ctx, line);
    }
}

#else

static unsigned heap_make(const char *what)
{
    unsigned number;
    size_t len = sizeof(number);
    int err = mallctl(what, &number, &len, NULL, 0);
    if (err != 0) {
        log_warn("The allocator refuses %s: %s", what, strerrordesc_np(err));
        abort();
    }
    return number;
}

static void arena_heap_open(struct arena *a)
{
    a->heap = heap_make("arenas.create");
    a->cache = heap_make("tcache.create");
    a->flags = (int)(MALLOCX_ARENA(a->heap) | MALLOCX_TCACHE(a->cache));
}

static void arena_heap_close(struct arena *a)
{
    char what[64];
    must(mallctl("tcache.destroy", NULL, NULL, &a->cache, sizeof(a->cache)) == 0);
    snprintf(what, sizeof(what), "arena.%u.destroy", a->heap);
    must(mallctl(what, NULL, NULL, NULL, 0) == 0);
}

static void *heap_alloc(const struct arena *a, size_t len) { return mallocx(len, a->flags); }

static void *heap_zalloc(const struct arena *a, size_t len)
{
    return mallocx(len, a->flags | MALLOCX_ZERO);
}

static void *heap_realloc(const struct arena *a, void *ptr, size_t len)
{
    return ptr == NULL ? mallocx(len, a->flags) : rallocx(ptr, len, a->flags);
}

static int heap_flags_abroad(const struct arena *a)
{
    return (int)(MALLOCX_ARENA(a->heap) | MALLOCX_TCACHE_NONE);
}

static void *heap_realloc_abroad(const struct arena *a, void *ptr, size_t len)
{
    int flags = heap_flags_abroad(a);
    return ptr == NULL ? mallocx(len, flags) : rallocx(ptr, len, flags);
}

static void heap_free_abroad(const struct arena *a, void *ptr)
{
    dallocx(ptr, heap_flags_abroad(a));
}

static void heap_free(const struct arena *a, void *ptr, size_t usable)
{
    sdallocx(ptr, usable, a->flags);
}

size_t arena_usable(const void *ptr) { return sallocx(ptr, 0); }

size_t arena_rounded(size_t len) { return nallocx(len == 0 ? 1 : len, 0); }

static size_t mem_figure(const char *name)
{
    size_t value = 0, len = sizeof(value);
    return mallctl(name, &value, &len, NULL, 0) == 0 ? value : 0;
}

void mem_totals_read(struct mem_totals *out)
{
    uint64_t epoch = 1; /* any write makes jemalloc refresh its figures */
    mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch));
    *out = (struct mem_totals){
        .allocated = mem_figure("stats.allocated"),
        .active = mem_figure("stats.active"),
        .resident = mem_figure("stats.resident"),
        .retained = mem_figure("stats.retained"),
        .metadata = mem_figure("stats.metadata"),
        .mapped = mem_figure("stats.mapped"),
    };
}

const char *mem_allocator(void)
{
    static char name[32]; /* the same bytes whoever writes them first */
    const char *version = NULL;
    size_t len = sizeof(version);
    if (mallctl("version", &version, &len, NULL, 0) != 0) return "jemalloc";
    /* "5.3.0-0-g54eaed1d8b56b1aa528be3bdd1877e59c56fa90c": the commit is of no use to anyone */
    snprintf(name, sizeof(name), "jemalloc-%.*s", (int)strcspn(version, "-"), version);
    return name;
}

void mem_purge(void)
{
    char what[64];
    snprintf(what, sizeof(what), "arena.%u.purge", (unsigned)MALLCTL_ARENAS_ALL);
    mallctl(what, NULL, NULL, NULL, 0);
}

/* Written by execute's turn alone, which also calls mem_decay(). */
static bool mem_background;

void mem_set_background(bool on)
{
    mem_background = mallctl("background_thread", NULL, NULL, &on, sizeof(on)) == 0 && on;
}

void mem_decay(void)
{
    if (mem_background) return;
    char what[64];
    snprintf(what, sizeof(what), "arena.%u.decay", (unsigned)MALLCTL_ARENAS_ALL);
    mallctl(what, NULL, NULL, NULL, 0);
}

void mem_report(void (*put)(void *ctx, const char *text), void *ctx)
{
    malloc_stats_print(put, ctx, NULL);
}

#endif

struct arena *arena_open(const char *name)
{
    struct arena *a = arena_table;
    while (atomic_load_explicit(&a->is_open, memory_order_relaxed)) {
        a++;
        must(a < arena_table + ARENA_MAX);
    }
    a->name = name;
    atomic_store_explicit(&a->used, 0, memory_order_relaxed);
    atomic_store_explicit(&a->abroad, 0, memory_order_relaxed);
    atomic_store_explicit(&a->peak, 0, memory_order_relaxed);
    arena_heap_open(a);
    atomic_store_explicit(&a->is_open, true,
                          memory_order_release); /* readers of the table: after the name */
    return a;
}

void arena_close(struct arena *a)
{
    must(atomic_load_explicit(&a->is_open, memory_order_relaxed));
    atomic_store_explicit(&a->is_open, false, memory_order_relaxed);
    arena_heap_close(a);
}

const char *arena_name(const struct arena *a) { return a->name; }

void *arena_alloc(struct arena *a, size_t len)
{
    void *ptr = heap_alloc(a, len == 0 ? 1 : len);
    if (unlikely(ptr == NULL)) arena_out_of_memory(a, len);
    arena_count(a, 0, arena_usable(ptr));
    return ptr;
}

void *arena_zalloc(struct arena *a, size_t len)
{
    void *ptr = heap_zalloc(a, len == 0 ? 1 : len);
    if (unlikely(ptr == NULL)) arena_out_of_memory(a, len);
    arena_count(a, 0, arena_usable(ptr));
    return ptr;
}

void *arena_realloc(struct arena *a, void *ptr, size_t len)
{
    size_t before = ptr == NULL ? 0 : arena_usable(ptr);
    void *moved = heap_realloc(a, ptr, len == 0 ? 1 : len);
    if (unlikely(moved == NULL)) arena_out_of_memory(a, len);
    arena_count(a, before, arena_usable(moved));
    return moved;
}

void arena_free(struct arena *a, void *ptr)
{
    if (ptr == NULL) return;
    size_t usable = arena_usable(ptr);
    heap_free(a, ptr, usable);
    arena_count(a, usable, 0);
}

void *arena_realloc_abroad(struct arena *a, void *ptr, size_t len)
{
    size_t before = ptr == NULL ? 0 : arena_usable(ptr);
    void *moved = heap_realloc_abroad(a, ptr, len == 0 ? 1 : len);
    if (unlikely(moved == NULL)) arena_out_of_memory(a, len);
    atomic_fetch_add_explicit(&a->abroad, arena_usable(moved) - before, memory_order_relaxed);
    return moved;
}

void *arena_alloc_abroad(struct arena *a, size_t len) { return arena_realloc_abroad(a, NULL, len); }

void arena_free_abroad(struct arena *a, void *ptr)
{
    if (ptr == NULL) return;
    atomic_fetch_sub_explicit(&a->abroad, arena_usable(ptr), memory_order_relaxed);
    heap_free_abroad(a, ptr);
}

size_t arena_used(const struct arena *a)
{
    return atomic_load_explicit(&a->used, memory_order_relaxed) +
           atomic_load_explicit(&a->abroad, memory_order_relaxed);
}

size_t arena_peak(const struct arena *a)
{
    return atomic_load_explicit(&a->peak, memory_order_relaxed);
}

size_t mem_used(void)
{
    size_t sum = 0;
    for (int i = 0; i < ARENA_MAX; i++) {
        if (!atomic_load_explicit(&arena_table[i].is_open, memory_order_relaxed)) continue;
        sum += arena_used(&arena_table[i]);
    }
    return sum;
}

size_t mem_rss(void)
{
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0) return 0;
    text[n] = '\0';
    /* "size resident shared ...", in pages */
    const char *second = strchr(text, ' ');
    if (second == NULL) return 0;
    return strtoul(second, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}
