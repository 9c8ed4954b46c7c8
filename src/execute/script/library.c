/*
 * Invariant of a set: each function of its libraries is in the buckets once, under its name in
 * lower case. A set without libraries may keep its buckets.
 */
#include "execute/script/library.h"

#include "base/hash.h"
#include "base/must.h"
#include "execute/script/function_vm.h"
#include "execute/types/heap.h"

#include <ctype.h>

struct libraries libraries;

/* ---- One library ---- */

static char *library_copy(struct bytes text)
{
    char *copy = heap_alloc(text.len + 1);
    if (text.len != 0) memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

struct library *library_make(struct bytes name, struct bytes code)
{
    struct library *lib = heap_zalloc(sizeof(*lib));
    lib->name = library_copy(name);
    lib->code = library_copy(code);
    lib->code_len = code.len;
    return lib;
}

void library_free(struct library *lib)
{
    for (struct function *f = lib->functions, *next; f != NULL; f = next) {
        next = f->next;
        function_vm_release(f->callback);
        heap_free(f->description);
        heap_free(f->name);
        heap_free(f);
    }
    heap_free(lib->name);
    heap_free(lib->code);
    heap_free(lib);
}

bool library_name_is_good(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c >= 0x80 || (!isalnum(c) && c != '_')) return false;
    }
    return name.len > 0;
}

struct function *library_add(struct library *lib, struct bytes name)
{
    for (struct function *f = lib->functions; f != NULL; f = f->next)
        if (bytes_is_word(name, f->name)) return NULL;
    struct function *f = heap_zalloc(sizeof(*f));
    f->library = lib;
    f->name = library_copy(name);
    if (lib->last_function != NULL)
        lib->last_function->next = f;
    else
        lib->functions = f;
    lib->last_function = f;
    lib->function_count++;
    return f;
}

/* ---- Sets ---- */

struct library *libraries_find(const struct libraries *set, struct bytes name)
{
    for (struct library *lib = set->first; lib != NULL; lib = lib->next)
        if (bytes_equal(name, bytes_of(lib->name))) return lib;
    return NULL;
}

static struct function **libraries_bucket(const struct libraries *set, struct bytes name)
{
    enum { HASHED = 64 }; /* bytes of a name that are looked at */
    char lower[HASHED] = {0};
    size_t len = name.len < HASHED ? name.len : HASHED;
    for (size_t i = 0; i < len; i++) lower[i] = (char)tolower((unsigned char)name.ptr[i]);
    return &set->buckets[hash_bytes(lower, len) & (set->bucket_count - 1)];
}

struct function *libraries_find_function(const struct libraries *set, struct bytes name)
{
    if (set->function_count == 0) return NULL;
    struct function *f = *libraries_bucket(set, name);
    while (f != NULL && !bytes_is_word(name, f->name)) f = f->same_hash;
    return f;
}

static void libraries_index(struct libraries *set, struct library *lib)
{
    for (struct function *f = lib->functions; f != NULL; f = f->next) {
        struct function **bucket = libraries_bucket(set, bytes_of(f->name));
        f->same_hash = *bucket;
        *bucket = f;
    }
}

static void libraries_grow(struct libraries *set, uint32_t functions)
{
    enum { FIRST = 16 };
    uint32_t count = set->bucket_count == 0 ? FIRST : set->bucket_count;
    while (count < functions) count *= 2;
    if (count == set->bucket_count) return;
    heap_free(set->buckets);
    set->buckets = heap_zalloc(count * sizeof(struct function *));
    set->bucket_count = count;
    for (struct library *lib = set->first; lib != NULL; lib = lib->next) libraries_index(set, lib);
}

void libraries_put(struct libraries *set, struct library *lib)
{
    libraries_grow(set, set->function_count + lib->function_count);
    libraries_index(set, lib);
    lib->next = NULL;
    if (set->last != NULL)
        set->last->next = lib;
    else
        set->first = lib;
    set->last = lib;
    set->count++;
    set->function_count += lib->function_count;
}

void libraries_take(struct libraries *set, struct library *lib)
{
    struct library **at = &set->first, *before = NULL;
    for (; *at != lib; at = &before->next) before = *at;
    *at = lib->next;
    if (set->last == lib) set->last = before;
    set->count--;
    set->function_count -= lib->function_count;
    for (struct function *f = lib->functions; f != NULL; f = f->next) {
        struct function **link = libraries_bucket(set, bytes_of(f->name));
        while (*link != f) link = &(*link)->same_hash;
        *link = f->same_hash;
    }
}

static enum library_clash libraries_check(const struct libraries *set, const struct libraries *more,
                                          bool replace, const char **name)
{
    for (struct library *lib = more->first; lib != NULL && !replace; lib = lib->next) {
        *name = lib->name;
        if (libraries_find(set, bytes_of(*name)) != NULL) return LIBRARY_EXISTS;
    }
    for (struct library *lib = more->first; lib != NULL; lib = lib->next) {
        for (struct function *f = lib->functions; f != NULL; f = f->next) {
            struct function *other = libraries_find_function(set, bytes_of(f->name));
            *name = f->name;
            if (other != NULL && libraries_find(more, bytes_of(other->library->name)) == NULL)
                return FUNCTION_EXISTS;
        }
    }
    return LIBRARIES_FIT;
}

enum library_clash libraries_join(struct libraries *set, struct libraries *more, bool replace,
                                  const char **name)
{
    enum library_clash clash = libraries_check(set, more, replace, name);
    if (clash != LIBRARIES_FIT) return clash;
    for (struct library *lib = more->first; lib != NULL; lib = lib->next) {
        struct library *old = libraries_find(set, bytes_of(lib->name));
        if (old == NULL) continue;
        libraries_take(set, old);
        library_free(old);
    }
    for (struct library *lib = more->first, *next; lib != NULL; lib = next) {
        next = lib->next;
        libraries_put(set, lib);
    }
    heap_free(more->buckets);
    *more = (struct libraries){0};
    return LIBRARIES_FIT;
}

void libraries_clear(struct libraries *set)
{
    for (struct library *lib = set->first, *next; lib != NULL; lib = next) {
        next = lib->next;
        library_free(lib);
    }
    heap_free(set->buckets);
    *set = (struct libraries){0};
}

size_t libraries_memory(const struct libraries *set)
{
    size_t bytes = set->bucket_count * sizeof(struct function *);
    for (struct library *lib = set->first; lib != NULL; lib = lib->next) {
        bytes += arena_usable(lib) + arena_usable(lib->name) + arena_usable(lib->code);
        for (struct function *f = lib->functions; f != NULL; f = f->next)
            bytes += arena_usable(f) + arena_usable(f->name) + f->description_len;
    }
    return bytes;
}
