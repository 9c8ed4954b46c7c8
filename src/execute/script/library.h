/*
 * Libraries of functions: a piece of code each, and the functions that it registered when it was
 * loaded.
 *
 * `libraries` are those that FCALL knows, in the order in which they were loaded; a set of its own
 * is what RESTORE builds before it joins it to them. Names of libraries are told apart by case,
 * names of functions are not, and are unique in their set. Persistence walks libraries.first and
 * needs no more than the code of each (function_load() makes a library of it again).
 */
#ifndef EXECUTE_SCRIPT_LIBRARY_H
#define EXECUTE_SCRIPT_LIBRARY_H

#include "execute/execute_private.h"

#include "base/bytes.h"

struct library;

struct function {
    struct function *next;      /* of its library, in the order of registration */
    struct function *same_hash; /* of one bucket of its set */
    struct library *library;
    uint32_t flags;    /* enum script_flag */
    int callback;      /* its place in the registry of the functions' VM */
    char *name;        /* ends at a zero byte, has none before */
    char *description; /* any bytes */
    size_t description_len;
};

struct library {
    struct library *next; /* of its set, in the order of loading */
    struct function *functions, *last_function;
    uint32_t function_count;
    size_t code_len;
    char *code; /* any bytes */
    char *name; /* ends at a zero byte, has none before */
};

struct libraries {
    struct library *first, *last;
    uint32_t count, function_count;
    struct function **buckets; /* by hash of the name in lower case; NULL: none yet */
    uint32_t bucket_count;     /* a power of two */
};

extern struct libraries libraries;

/* ---- One library ---- */

/* Both texts are copied. */
struct library *library_make(struct bytes name, struct bytes code);
/* Takes back the places of its callbacks, too. */
void library_free(struct library *lib);
/* Letters, digits and underscores, one at least: of libraries and functions alike. */
#define LIBRARY_NAME_ERROR                                                                     \
    "Library names can only contain letters, numbers, or underscores(_) and must be at least " \
    "one character long"
bool library_name_is_good(struct bytes name);
/* The caller fills in what it is; NULL: the library has one of this name. */
struct function *library_add(struct library *lib, struct bytes name);

/* ---- Sets ---- */

struct library *libraries_find(const struct libraries *set, struct bytes name);
struct function *libraries_find_function(const struct libraries *set, struct bytes name);
/* Puts it at the end, which it may be by what libraries_join() checks. Takes it. */
void libraries_put(struct libraries *set, struct library *lib);
/*
 * Moves all of `more` to the end of the set, or nothing, when one has the name of a library or one
 * of its functions that of a function in the set: *name says which. With `replace` libraries make
 * way, with their functions, for those of the same name, and are freed.
 */
enum library_clash { LIBRARIES_FIT, LIBRARY_EXISTS, FUNCTION_EXISTS };
enum library_clash libraries_join(struct libraries *set, struct libraries *more, bool replace,
                                  const char **name);
/* Takes it out, and gives it. */
void libraries_take(struct libraries *set, struct library *lib);
/* Frees all. */
void libraries_clear(struct libraries *set);
/* What the set and its libraries occupy outside of Lua. */
size_t libraries_memory(const struct libraries *set);

#endif
