/*
 * KEYS and SCAN: walks over a database. Each step's time is bounded by what it visits; KEYS is one
 * walk of the whole table.
 */
#include "codec/glob.h"
#include "execute/commands/scan_options.h"
#include "execute/commands/table.h"

/* ---- KEYS ---- */

struct scan_keys {
    struct call *call;
    struct bytes pattern;
    bool all; /* the pattern is "*" */
    uint64_t count;
};

static void scan_keys_visit(void *ctx, struct entry *e)
{
    struct scan_keys *k = ctx;
    if (!k->all && !glob_match(k->pattern, entry_name(e), false)) return;
    reply_bulk(k->call, entry_name(e));
    k->count++;
}

/* A pattern without anything special names at most one key. */
static enum run_result scan_keys_plain(struct call *c)
{
    struct entry *e = keyspace_find(c->db, call_key(c, 1), LOOKUP_QUIET);
    if (e == NULL) return reply_array(c, 0);
    reply_array(c, 1);
    return reply_bulk(c, entry_name(e));
}

enum run_result cmd_KEYS(struct call *c)
{
    struct scan_keys k = {.call = c, .pattern = arg(c, 1)};
    if (glob_is_plain(k.pattern)) return scan_keys_plain(c);

    k.all = bytes_equal(k.pattern, bytes_of("*"));
    size_t mark = reply_defer(c);
    uint64_t cursor = 0;
    do {
        cursor = keyspace_scan(c->db, cursor, UINT64_MAX, scan_keys_visit, &k);
    } while (cursor != 0);
    return reply_defer_array(c, mark, k.count);
}

/* ---- SCAN ---- */

enum run_result cmd_SCAN(struct call *c)
{
    struct scan_options o;
    if (!scan_options_cursor(c, 1, &o)) return RUN_ERROR;
    if (!scan_options_parse(c, 2, SCAN_OPTIONS_TYPE, &o)) return RUN_ERROR;
    uint64_t next =
        keyspace_scan_expire(c->db, o.cursor, (uint64_t)o.count, scan_options_visit, &o);
    scan_options_reply_head(c, next, o.found_count);
    for (size_t i = 0; i < o.found_count; i++) reply_bulk(c, entry_name(o.found[i]));
    scan_options_close(&o);
    return RUN_OK;
}
