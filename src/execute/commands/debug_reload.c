/* DEBUG RELOAD and LOADAOF: the data goes to the disk and comes back from it, within one call.
 * AOF-FLUSH-SLEEP: it goes late. */
#include "execute/commands/debug.h"

#include "base/log.h"
#include "execute/core/loading.h"
#include "execute/core/log_life.h"
#include "execute/core/orders.h"
#include "execute/core/persistence.h"
#include "execute/keyspace/keyspace.h"
#include "execute/script/library.h"

struct reload {
    bool merges, keeps_data, skips_save;
};

static bool reload_parse(struct call *c, struct reload *r)
{
    for (uint32_t i = 2; i < c->nargs; i++) {
        if (call_arg_is(c, i, "merge")) {
            r->merges = true;
        } else if (call_arg_is(c, i, "noflush")) {
            r->keeps_data = true;
        } else if (call_arg_is(c, i, "nosave")) {
            r->skips_save = true;
        } else {
            reply_error(c, "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
            return false;
        }
    }
    return true;
}

static void reload_empty(void)
{
    keyspace_flush(NULL, false);
    libraries_clear(&libraries);
}

enum run_result debug_reload(struct call *c)
{
    struct reload r = {0};
    char error[256] = "";
    if (!reload_parse(c, &r)) return RUN_ERROR;
    persistence_end_bgsave();
    if (!r.skips_save && persistence_save() != 0) return reply_error(c, "ERR");
    if (!r.keeps_data) reload_empty();
    int result = loading_rdb_now(c->settings->dbfilename, r.merges, error, sizeof(error));
    if (result != 0) {
        log_warn("DEBUG RELOAD: %s", error);
        return reply_error(c, "ERR Error trying to load the RDB dump, check server logs.");
    }
    persistence_reloaded();
    log_warn("DB reloaded by DEBUG RELOAD");
    return reply_ok(c);
}

enum run_result debug_loadaof(struct call *c)
{
    char error[256] = "";
    int result = log_life_flush();
    if (result == 0) {
        reload_empty();
        result = loading_log_now(c, error, sizeof(error));
    }
    if (result != 0) {
        log_warn("DEBUG LOADAOF: %s", error);
        return reply_error(c, "ERR Error trying to load the AOF files, check server logs.");
    }
    persistence_reloaded();
    log_warn("Append Only File loaded by DEBUG LOADAOF");
    return reply_ok(c);
}

enum run_result debug_flush_sleep(struct call *c)
{
    int64_t us;
    if (!call_int_range(c, 2, 0, INT64_MAX, ERR_OUT_OF_RANGE, &us)) return RUN_ERROR;
    orders_delay_writes((uint64_t)us);
    return reply_ok(c);
}
