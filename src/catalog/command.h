/*
 * The command table: every command that this server knows, with what COMMAND INFO, COMMAND DOCS,
 * ACL categories and the checks before a handler need. The rows stand in catalog/commands.def; a
 * command that is not in it is unknown.
 *
 * The table is read-only after command_open(), which applies `rename-command` and builds the index
 * of names. Handlers are bound to rows by execute/commands/table.c: a row without a handler does
 * not link.
 */
#ifndef CATALOG_COMMAND_H
#define CATALOG_COMMAND_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* The flags that COMMAND INFO shows, under the names it shows. */
enum command_flag {
    CF_WRITE = 1 << 0,
    CF_READONLY = 1 << 1,
    CF_DENYOOM = 1 << 2,
    CF_ADMIN = 1 << 3,
    CF_PUBSUB = 1 << 4,
    CF_NOSCRIPT = 1 << 5,
    CF_BLOCKING = 1 << 6,
    CF_LOADING = 1 << 7,
    CF_STALE = 1 << 8,
    CF_SKIP_MONITOR = 1 << 9,
    CF_SKIP_SLOWLOG = 1 << 10,
    CF_ASKING = 1 << 11,
    CF_FAST = 1 << 12,
    CF_NO_AUTH = 1 << 13,
    CF_MAY_REPLICATE = 1 << 14,
    CF_NO_ASYNC_LOADING = 1 << 15,
    CF_NO_MULTI = 1 << 16,
    CF_ALLOW_BUSY = 1 << 17,
    CF_MOVABLE_KEYS = 1 << 18,
    CF_SENTINEL = 1 << 19,
    CF_PROTECTED = 1 << 20,
    CF_TOUCHES_ARBITRARY_KEYS = 1 << 21,
    CF_NO_MANDATORY_KEYS = 1 << 22,
};

/* ACL categories, one bit each, in the order of ACL CAT. */
enum command_category {
    CAT_KEYSPACE = 1 << 0,
    CAT_READ = 1 << 1,
    CAT_WRITE = 1 << 2,
    CAT_SET = 1 << 3,
    CAT_SORTEDSET = 1 << 4,
    CAT_LIST = 1 << 5,
    CAT_HASH = 1 << 6,
    CAT_STRING = 1 << 7,
    CAT_BITMAP = 1 << 8,
    CAT_HYPERLOGLOG = 1 << 9,
    CAT_GEO = 1 << 10,
    CAT_STREAM = 1 << 11,
    CAT_PUBSUB = 1 << 12,
    CAT_ADMIN = 1 << 13,
    CAT_FAST = 1 << 14,
    CAT_SLOW = 1 << 15,
    CAT_BLOCKING = 1 << 16,
    CAT_DANGEROUS = 1 << 17,
    CAT_CONNECTION = 1 << 18,
    CAT_TRANSACTION = 1 << 19,
    CAT_SCRIPTING = 1 << 20,
};

/* What a command does with a key, as COMMAND INFO shows it. */
enum key_flag {
    KEY_RO = 1 << 0,
    KEY_RW = 1 << 1,
    KEY_OW = 1 << 2,
    KEY_RM = 1 << 3,
    KEY_ACCESS = 1 << 4,
    KEY_UPDATE = 1 << 5,
    KEY_INSERT = 1 << 6,
    KEY_DELETE = 1 << 7,
    KEY_NOT_KEY = 1 << 8,
    KEY_INCOMPLETE = 1 << 9,
    KEY_VARIABLE_FLAGS = 1 << 10,
};

/* Where the keys of a command stand among its arguments (key specifications of Redis 7). */
struct key_spec {
    uint32_t flags; /* enum key_flag */
    enum { KEY_BEGIN_UNKNOWN, KEY_BEGIN_INDEX, KEY_BEGIN_KEYWORD } begin;
    int begin_index; /* INDEX: position; KEYWORD: where the search starts, negative from the end */
    const char *begin_keyword; /* KEYWORD */
    enum { KEY_FIND_UNKNOWN, KEY_FIND_RANGE, KEY_FIND_KEYNUM } find;
    int last, step,
        limit; /* RANGE: last relative to the first (negative: from the end), step, limit */
    int keynum_index,
        first; /* KEYNUM: where the count stands and where the first key, relative to begin */
    const char *notes; /* or NULL */
};

/* Generated from commands.def: CMD_GET, CMD_CLIENT_LIST, ... and CMD_COUNT. */
enum command_id {
#define COMMAND(id, ...) CMD_##id,
#include "catalog/commands.def"
#undef COMMAND
    CMD_COUNT
};

struct command_spec {
    enum command_id id;
    const char *name;   /* lower case; of a subcommand its own word: "list" */
    const char *parent; /* lower case name of the container, NULL at the top level */
    const char *full;   /* "client|list"; the name itself at the top level */
    int arity;          /* as Redis counts: the name included; negative: at least */
    uint32_t flags;
    uint32_t categories;
    const char *group; /* "string", "generic", ... */
    const char *since;
    const char *syntax;     /* as in commands-7.2.tsv: what COMMAND DOCS arguments are made from */
    const char *summary;    /* our own words */
    const char *complexity; /* our own words */
    const char *tips;       /* space separated command tips, "" without */
    const char *deprecated; /* "since|replaced by" or NULL */
    const struct key_spec *keys;
    uint8_t key_count;
    uint8_t element; /* argument that names an element of the first key's value, a member or field
                        (the first of several): its memory is asked for ahead; 0: none */
    /* filled by command_open() */
    bool is_container; /* has subcommands */
    int16_t first_key; /* fixed index of the first key; 0: none or not fixed (ask command_keys) */
};

void command_open(void);

/* By id, 0 .. CMD_COUNT-1; containers and subcommands alike. */
const struct command_spec *command_by_id(enum command_id id);

/*
 * The row that a request means: of a container with a known second word the subcommand. NULL: no
 * such command. When the command is a container that needs a subcommand and the word is not known,
 * *no_such_sub is set and the container's row returned.
 */
const struct command_spec *command_find(const struct bytes *args, uint32_t nargs,
                                        bool *no_such_sub);
/* The same for a caller that remembers its last one: pipelines repeat their commands. Zeroed at
 * first. */
struct command_memo {
    uint64_t head;
    size_t len;
    const struct command_spec *spec;
};
const struct command_spec *command_find_again(struct command_memo *memo, const struct bytes *args,
                                              uint32_t nargs, bool *no_such_sub);
/* By name as users write it, "get" or "client|list", any case. NULL when unknown. */
const struct command_spec *command_named(struct bytes name);

static inline bool command_arity_fits(const struct command_spec *c, uint32_t nargs)
{
    return c->arity >= 0 ? (int64_t)nargs == c->arity : (int64_t)nargs >= -(int64_t)c->arity;
}

/* `rename-command`: "" for `to` removes the name. 0, or -ENOENT (no such command), -EEXIST. Before
 * command_open() is over only. */
int command_rename(const char *from, const char *to);

/* A key of a request: its position in args and what is done with it. */
struct key_use {
    uint32_t index;
    uint32_t flags;
};

/*
 * Finds the keys of a whole request (arity already fits). Writes at most `max` uses, returns how
 * many there are; -1 when the arguments make no sense (a count that is not a number or passes the
 * end).
 */
int64_t command_keys(const struct command_spec *c, const struct bytes *args, uint32_t nargs,
                     struct key_use *out, uint32_t max);

/* The same for checks of what may be touched: what makes no sense is passed over, and the other
 * keys are found all the same. */
int64_t command_keys_found(const struct command_spec *c, const struct bytes *args, uint32_t nargs,
                           struct key_use *out, uint32_t max);

/* Names of flags, categories and key flags, for COMMAND and ACL: the bit's index gives the name,
 * NULL past the end. */
const char *command_flag_name(unsigned bit);
const char *command_category_name(unsigned bit);
/* The bit of a category, any case; 0: unknown. */
uint32_t command_category_named(struct bytes name);
const char *key_flag_name(unsigned bit);

#endif
