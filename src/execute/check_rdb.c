/* baton-check-rdb FILE: reads an RDB file as the server does, and stores nothing. */
#include "execute/check_private.h"

#include "base/clock.h"
#include "base/must.h"
#include "execute/core/loading_rdb.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "version.h"

static const char *const check_places[] = {
    [LOADING_RDB_START] = "start",
    [LOADING_RDB_TYPE] = "read-type",
    [LOADING_RDB_EXPIRE] = "read-expire",
    [LOADING_RDB_KEY] = "read-key",
    [LOADING_RDB_VALUE] = "read-object-value",
    [LOADING_RDB_SUM] = "check-sum",
    [LOADING_RDB_LENGTH] = "read-len",
    [LOADING_RDB_AUX] = "read-aux",
    [LOADING_RDB_MODULE_AUX] = "read-module-aux",
    [LOADING_RDB_FUNCTION] = "read-functions",
};

static const char *const check_types[] = {
    "string",
    "list-linked",
    "set-hashtable",
    "zset-v1",
    "hash-hashtable",
    "zset-v2",
    "module-pre-release",
    "module-value",
    "",
    "hash-zipmap",
    "list-ziplist",
    "set-intset",
    "zset-ziplist",
    "hash-ziplist",
    "quicklist",
    "stream",
    "hash-listpack",
    "zset-listpack",
    "quicklist-v2",
    "stream-v2",
    "set-listpack",
    "stream-v3",
    "hash-metadata-old",
    "hash-listpack-ex-old",
    "hash-metadata",
    "hash-listpack-ex",
};

static void check_tell(const struct loading_rdb *r, const char *text)
{
    printf("[offset %" PRIu64 "] %s\n", loading_input_offset(r->in), text);
}

static void check_tell_keys(const struct loading_rdb *r)
{
    printf("[info] %" PRIu64 " keys read\n", r->keys);
    printf("[info] %" PRIu64 " expires\n", r->with_deadline);
    printf("[info] %" PRIu64 " already expired\n", r->expired);
}

static void check_tell_wrong(const struct loading_rdb *r)
{
    printf("--- RDB ERROR DETECTED ---\n");
    check_tell(r, r->wrong);
    printf("[additional info] While doing: %s\n", check_places[r->place]);
    if (r->type >= 0) {
        bool known = (size_t)r->type < sizeof(check_types) / sizeof(*check_types);
        if (r->place == LOADING_RDB_VALUE)
            printf("[additional info] Reading key '%.*s'\n", LOADING_WORD(r->key));
        printf("[additional info] Reading type %d (%s)\n", r->type,
               known ? check_types[r->type] : "unknown");
    }
    check_tell_keys(r);
}

bool check_rdb_input(struct loading_input *in, const char *path)
{
    const struct loading_rdb_terms terms = {
        .only_checks = true,
        .checks_sum = true,
        .databases = INT_MAX,
        .now_ms = clock_wall_ms(),
        .tell = check_tell,
    };
    const struct loading_slice all = {.until_ticks = UINT64_MAX, .until_offset = UINT64_MAX};
    struct loading_rdb r;
    loading_rdb_begin(&r, &terms, in);
    printf("[offset 0] Checking RDB file %s\n", path);
    enum loading_result result = loading_rdb_step(&r, &all);
    must(result != LOADING_MORE);
    if (result == LOADING_DONE) {
        check_tell(&r, "\\o/ RDB looks OK! \\o/");
        check_tell_keys(&r);
    } else {
        check_tell_wrong(&r);
    }
    loading_rdb_end(&r);
    return result == LOADING_DONE;
}

int check_rdb(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "Usage: %s <rdb-file-name>\n", argv[0]);
        return 1;
    }
    if (strcmp(argv[1], "-v") == 0 || strcmp(argv[1], "--version") == 0) {
        printf("baton-check-rdb %s\n", BATON_VERSION);
        return 0;
    }
    struct loading_input in;
    int r = loading_input_open(&in, argv[1]);
    if (r != 0) {
        printf("Cannot open file %s: %s\n", argv[1], strerrordesc_np(-r));
        return 1;
    }
    bool good = check_rdb_input(&in, argv[1]);
    loading_input_close(&in);
    return good ? 0 : 1;
}
