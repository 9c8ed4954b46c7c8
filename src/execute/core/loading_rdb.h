/*
 * Reads an RDB file, of versions 1 to 12: into the keyspace, or only to see whether it could be.
 *
 *     "REDIS" and four digits, then one after the other: what opcodes announce (codec/rdb.h), and
 *     keys: a type, a name, a value (types/load.h). RDB_OP_EOF ends it; what follows is not looked
 *     at.
 *
 * Nothing in it is trusted; a file that announces many keys gets no more memory than its bytes
 * justify.
 */
#ifndef EXECUTE_CORE_LOADING_RDB_H
#define EXECUTE_CORE_LOADING_RDB_H

#include "execute/execute_private.h"

#include "execute/core/loading_input.h"
#include "execute/core/loading_parts.h"
#include "execute/keyspace/keyspace.h"

struct loading_rdb;
struct loading_rdb_terms {
    bool is_log_base; /* commands follow that expect keys which are due, so they stay */
    bool merges;      /* a key that is there already makes way, instead of being an error */
    bool only_checks; /* nothing is stored */
    bool checks_sum;  /* rdbchecksum */
    bool is_lfu;      /* which clock of keys counts */
    int databases;    /* more are an error */
    int64_t now_ms;
    /* Takes the code of a library of functions. NULL, or what is wrong with it. NULL: they are
     * passed over. */
    const char *(*add_functions)(struct bytes code, bool replaces);
    /* Of only_checks: what is said about the file, for people. */
    void (*tell)(const struct loading_rdb *r, const char *text);
};

/* What it is at, for those who check files. */
enum loading_rdb_place {
    LOADING_RDB_START,
    LOADING_RDB_TYPE,
    LOADING_RDB_EXPIRE,
    LOADING_RDB_KEY,
    LOADING_RDB_VALUE,
    LOADING_RDB_SUM,
    LOADING_RDB_LENGTH,
    LOADING_RDB_AUX,
    LOADING_RDB_MODULE_AUX,
    LOADING_RDB_FUNCTION,
};

#define LOADING_RDB_AHEAD 16 /* keys whose places in the table are asked for together */

struct loading_rdb {
    struct loading_rdb_terms terms;
    struct loading_input *in;
    int version;
    uint64_t keys, expired, empty; /* loaded, dropped because due, without elements */
    uint64_t with_deadline;        /* of all keys seen */
    uint64_t used_memory;          /* of the server that wrote it, as it says */
    char wrong[LOADING_WRONG_CHARS];
    bool wrong_format; /* it is no RDB file, or of an unknown version */
    enum loading_rdb_place place;
    int type;         /* of the key that is read, -1: none */
    char *name;       /* its name, where it was compressed; owns */
    struct bytes key; /* its name; borrows from the input */
    /* loading_rdb.c's own */
    size_t name_cap;
    struct db *db;
    uint64_t db_number;
    int64_t deadline_ms, idle_s; /* of the next key; -1: none */
    int frequency;
    struct loading_rdb_key {
        struct entry *e;
        uint64_t hash;
    } ahead[LOADING_RDB_AHEAD];
    uint32_t ahead_count;
};

/* Borrows the input until the end. */
void loading_rdb_begin(struct loading_rdb *r, const struct loading_rdb_terms *terms,
                       struct loading_input *in);
enum loading_result loading_rdb_step(struct loading_rdb *r, const struct loading_slice *slice);
void loading_rdb_end(struct loading_rdb *r);

#endif
