/*
 * The options: every directive of the configuration, each a row of catalog/options.def.
 *
 * struct settings (catalog/settings.h) has one member for each row: bool, int64_t, int (an enum's
 * value), char * (owned, never NULL,
 * "" for none) or one of the structs below. An option is set from words and printed as text here
 * and nowhere else, for the configuration file, the command line and CONFIG alike. What is set is
 * checked for range and form; what it does to the running server is the business of those who own
 * the thing.
 *
 * Names, aliases, defaults, ranges and error texts are those of Redis 7.2, which clients and
 * configuration files rely on.
 */
#ifndef CATALOG_OPTION_H
#define CATALOG_OPTION_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* ---- The values of options that are words ---- */

enum io_backend { IO_BACKEND_AUTO, IO_BACKEND_URING, IO_BACKEND_EPOLL };
enum stage_lending { LENDING_NO, LENDING_YES, LENDING_TRIAL };
enum supervised { SUPERVISED_NO, SUPERVISED_SYSTEMD, SUPERVISED_UPSTART, SUPERVISED_AUTO };
/* enable-protected-configs, enable-debug-command, enable-module-command: for whom. */
enum allowed { ALLOWED_NO, ALLOWED_YES, ALLOWED_LOCAL };
enum oom_adjust { OOM_ADJUST_NO, OOM_ADJUST_RELATIVE, OOM_ADJUST_ABSOLUTE };
enum appendfsync { APPENDFSYNC_NO, APPENDFSYNC_ALWAYS, APPENDFSYNC_EVERYSEC };
enum diskless_load { DISKLESS_LOAD_DISABLED, DISKLESS_LOAD_EMPTY_DB, DISKLESS_LOAD_SWAPDB };
enum sanitize { SANITIZE_NO, SANITIZE_YES, SANITIZE_CLIENTS };
enum tls_auth { TLS_AUTH_NO, TLS_AUTH_YES, TLS_AUTH_OPTIONAL };
enum propagation_error {
    ON_PROPAGATION_IGNORE,
    ON_PROPAGATION_PANIC,
    ON_PROPAGATION_PANIC_REPLICAS
};
enum endpoint_type { ENDPOINT_IP, ENDPOINT_HOSTNAME, ENDPOINT_UNKNOWN };

/* shutdown-on-sigint, shutdown-on-sigterm: bits; 0 is "default". */
enum shutdown_how {
    SHUTDOWN_SAVE = 1 << 0,
    SHUTDOWN_NOSAVE = 1 << 1,
    SHUTDOWN_NOW = 1 << 2,
    SHUTDOWN_FORCE = 1 << 3,
};

enum maxmemory_policy {
    POLICY_VOLATILE_LRU,
    POLICY_VOLATILE_LFU,
    POLICY_VOLATILE_RANDOM,
    POLICY_VOLATILE_TTL,
    POLICY_ALLKEYS_LRU,
    POLICY_ALLKEYS_LFU,
    POLICY_ALLKEYS_RANDOM,
    POLICY_NOEVICTION,
};
static inline bool policy_is_lfu(int policy)
{
    return policy == POLICY_VOLATILE_LFU || policy == POLICY_ALLKEYS_LFU;
}

/* Chooses keys by when or how often they were used. */
static inline bool policy_has_clocks(int policy)
{
    return policy_is_lfu(policy) || policy == POLICY_ALLKEYS_LRU || policy == POLICY_VOLATILE_LRU;
}

/* notify-keyspace-events: bits, in the order in which CONFIG GET prints their letters. */
enum notify_class {
    NOTIFY_GENERIC = 1 << 0,
    NOTIFY_STRING = 1 << 1,
    NOTIFY_LIST = 1 << 2,
    NOTIFY_SET = 1 << 3,
    NOTIFY_HASH = 1 << 4,
    NOTIFY_ZSET = 1 << 5,
    NOTIFY_EXPIRED = 1 << 6,
    NOTIFY_EVICTED = 1 << 7,
    NOTIFY_STREAM = 1 << 8,
    NOTIFY_MODULE = 1 << 9,
    NOTIFY_NEW = 1 << 10,
    NOTIFY_KEYSPACE = 1 << 11,
    NOTIFY_KEYEVENT = 1 << 12,
    NOTIFY_MISS = 1 << 13,
    NOTIFY_ALL = (1 << 10) - 1, /* "A": all but new, miss and the two channels */
};

/* ---- The values of options that are more than one word ---- */

#define BIND_MAX 16
struct setting_bind {
    char *addr[BIND_MAX]; /* a leading '-' means: go on without it when it is not there */
    int count;
};

#define SAVE_POINTS_MAX 64
struct setting_save {
    struct {
        int64_t seconds, changes;
    } point[SAVE_POINTS_MAX];
    int count;
    bool given; /* a file or the command line has set it: further lines add to it */
};

enum client_class { CLIENT_NORMAL, CLIENT_REPLICA, CLIENT_PUBSUB, CLIENT_CLASSES };
/* client_output_buffer_limit[CLIENT_CLASSES]; 0 is no limit. */
struct setting_output_limit {
    int64_t hard, soft; /* bytes */
    int64_t soft_seconds;
};
struct setting_output_limits {
    struct setting_output_limit of[CLIENT_CLASSES];
};

/* For a master, a replica, a child process. */
struct setting_oom_values {
    int of[3];
};

#define PERCENTILES_MAX 64
struct setting_percentiles {
    double at[PERCENTILES_MAX]; /* 0.0 .. 100.0 */
    int count;
};

/* A password: any bytes, a zero among them too, and one more zero behind. */
struct setting_secret {
    char *ptr; /* never NULL */
    size_t len;
};
static inline struct bytes secret_bytes(const struct setting_secret *s)
{
    return bytes_make(s->ptr, s->len);
}

struct setting_replicaof {
    char *host; /* "": a master */
    int port;
};

/* ---- The settings: one member for each option, its name with '_' for '-' ---- */

struct settings {
#define OPT_BOOL(member, ...) bool member;
#define OPT_INT(member, ...) int64_t member;
#define OPT_ENUM(member, ...) int member;
#define OPT_STRING(member, ...) char *member;
#define OPT_SPECIAL(member, type, ...) type member;
#include "catalog/options.def"
};

/* ---- The table ---- */

enum option_kind { OPTION_BOOL, OPTION_INT, OPTION_ENUM, OPTION_STRING, OPTION_SPECIAL };

enum option_flag {
    OPTION_IMMUTABLE = 1 << 0,    /* only at start, not by CONFIG SET */
    OPTION_SENSITIVE = 1 << 1,    /* its value is kept out of logs, slow log and error texts */
    OPTION_HIDDEN = 1 << 2,       /* CONFIG GET shows it when asked by its whole name only */
    OPTION_DENY_LOADING = 1 << 3, /* not while a data set is being loaded */
    OPTION_PROTECTED = 1 << 4,    /* CONFIG SET only as enable-protected-configs says */
    OPTION_MULTI_ARG = 1 << 5,    /* several words; one text of several words counts as these */
    OPTION_MEMORY = 1 << 6,       /* an int that takes "64mb" */
    OPTION_OCTAL = 1 << 7,        /* an int in octal digits */
    OPTION_PERCENT = 1 << 8,      /* an int that takes "5%" as well, stored as -5 */
    OPTION_BITS = 1 << 9,         /* an enum of which several words may be given */
    OPTION_PENDING = 1 << 10,     /* known and reported; what it is for is still to come */
    OPTION_INERT = 1 << 11, /* known and reported for compatibility; Baton has no use for it */
    /* With IMMUTABLE: CONFIG SET may say again what it is. For options that are Baton's own: tools
     * that set all that CONFIG GET shows pass over Redis's immutable ones by name only. */
    OPTION_SAME = 1 << 12,
};

struct option_word {
    const char *word; /* NULL ends the list */
    int value;
};

#define OPTION_ERROR_MAX 256
/* An own rule of a string option: 0, or -EINVAL with a text in `error`. */
typedef int option_check(const char *value, char error[OPTION_ERROR_MAX]);

struct option_special; /* how a special option is set, printed, copied: catalog/option_special.h */

struct option {
    const char *name;
    const char *alias; /* the other name that CONFIG GET shows too, or NULL */
    enum option_kind kind;
    uint32_t flags;
    size_t offset;                   /* of its member in struct settings */
    int64_t fallback;                /* default of bool, int and enum */
    int64_t min, max;                /* int */
    const struct option_word *words; /* enum */
    const char *text;                /* default of string */
    option_check *check;             /* string, may be NULL */
    const struct option_special *special;
    const char *help; /* one line */
};

size_t option_count(void);
const struct option *option_at(size_t i);
/* By name or alias, any case. NULL when unknown. */
const struct option *option_find(struct bytes name);

/* Files and the command line build `save` up line by line; a client replaces it. */
enum option_source { OPTION_FROM_FILE, OPTION_FROM_CLIENT };

/*
 * Sets the option in `s` from words. A single word that holds blanks is split first when the option
 * takes several. On failure gives -EINVAL, the reason in `error` (worded as Redis words it), and
 * the option may have no sensible value: throw `s` away.
 */
int option_set_text(struct settings *s, const struct option *o, const struct bytes *words,
                    uint32_t count, enum option_source source, char error[OPTION_ERROR_MAX]);

/*
 * As CONFIG GET answers it. Gives memory of malloc(), with a zero behind. A secret may hold zeros
 * too: `len`, when not NULL, is set to the length.
 */
char *option_get_text(const struct settings *s, const struct option *o, size_t *len);
/* As lines of a configuration file, each ended by '\n', quoted as needed; "" when there is nothing
 * to write. Gives. */
char *option_get_lines(const struct settings *s, const struct option *o);
bool option_is_equal(const struct settings *a, const struct settings *b, const struct option *o);

/* The member of an option in a settings object. */
static inline void *option_member(const struct settings *s, const struct option *o)
{
    return (char *)(uintptr_t)s + o->offset;
}

/* For settings.c: one member at its default (memory as it comes), copied over nothing, released. */
void option_reset(struct settings *s, const struct option *o);
void option_copy(struct settings *to, const struct settings *from, const struct option *o);
void option_release(struct settings *s, const struct option *o);

/* ---- For people ---- */
/* `--options`: all that are not hidden, with default and one line of help; those without effect are
 * marked. */
void option_print_all(FILE *out);
/* Those that are accepted but have no effect yet, as a Markdown list: for the README. */
void option_print_pending(FILE *out);

#endif
