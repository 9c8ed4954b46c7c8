/*
 * RDB: magic and version, fields about the file, functions, then for each key its deadline, what
 * the policy of eviction knows of it, type, name and value.
 */
#include "execute/core/snapshot_form.h"

#include "base/clock.h"
#include "catalog/option.h"
#include "catalog/settings.h"
#include "execute/keyspace/keyspace.h"
#include "execute/types/table.h"
#include "mem/arena.h"

#include <stdio.h>

/* What servers compare with their own when they read the file. */
#define RDB_REDIS_VERSION "7.2.6"

static uint16_t rdb_version; /* of the snapshot that is on; SAVE beside it has the same option */

static void rdb_aux(struct rdb_out *out, const char *name, struct bytes value)
{
    rdb_put_byte(out, RDB_OP_AUX);
    rdb_put_string(out, bytes_of(name));
    rdb_put_string(out, value);
}

static void rdb_aux_int(struct rdb_out *out, const char *name, int64_t n)
{
    char digits[NUMBER_INT_CHARS];
    rdb_aux(out, name, bytes_make(digits, number_print_int(digits, n)));
}

/* Deadlines of fields take a later version than the option may say. */
static uint16_t rdb_version_for(uint16_t version)
{
    for (int i = 0; i < keyspace_db_count(); i++)
        if (db_table(keyspace_db(i))->element_deadlines > 0) return RDB_VERSION_7_4;
    return version;
}

static void rdb_begin(struct rdb_out *out, const struct snapshot_terms *terms)
{
    char magic[16];
    rdb_version = terms->version;
    int len = snprintf(magic, sizeof(magic), "REDIS%04u", rdb_version_for(terms->version));
    rdb_put_raw(out, bytes_make(magic, (size_t)len));
    rdb_aux(out, "redis-ver", bytes_of(RDB_REDIS_VERSION));
    rdb_aux_int(out, "redis-bits", (int64_t)(8 * sizeof(void *)));
    rdb_aux_int(out, "ctime", clock_wall_ms() / 1000);
    rdb_aux_int(out, "used-mem", (int64_t)mem_used());
    rdb_aux_int(out, "aof-base", terms->is_log_base);
}

static void rdb_function(struct rdb_out *out, struct bytes code)
{
    rdb_put_byte(out, RDB_OP_FUNCTION);
    rdb_put_string(out, code);
}

static void rdb_select(struct rdb_out *out, int number)
{
    rdb_put_byte(out, RDB_OP_SELECT);
    rdb_put_len(out, (uint64_t)number);
}

static void rdb_expect(struct rdb_out *out, uint64_t keys, uint64_t deadlines)
{
    rdb_put_byte(out, RDB_OP_RESIZE);
    rdb_put_len(out, keys);
    rdb_put_len(out, deadlines);
}

/* What stands before the type. */
static void rdb_before(struct rdb_out *out, const struct entry *e)
{
    int64_t at_ms = entry_deadline(e);
    if (e->flags & ENTRY_DEADLINE) {
        rdb_put_byte(out, RDB_OP_EXPIRE_MS);
        rdb_put_ms(out, at_ms);
    }
    enum maxmemory_policy policy = settings_now()->maxmemory_policy;
    if (policy_is_lfu(policy)) {
        rdb_put_byte(out, RDB_OP_FREQUENCY);
        rdb_put_byte(out, entry_lfu(e));
    } else if (policy_has_clocks(policy)) {
        rdb_put_byte(out, RDB_OP_IDLE);
        rdb_put_len(out, (uint64_t)entry_idle_ms(e) / 1000);
    }
}

static void rdb_entry(struct rdb_out *out, const struct entry *e)
{
    rdb_before(out, e);
    dump_named(out, e, rdb_version);
}

static void rdb_large_begin(struct rdb_out *out, struct snapshot_cursor *c)
{
    rdb_before(out, c->e);
    dump_begin(out, &c->walk, c->e, rdb_version);
}

static bool rdb_large_step(struct rdb_out *out, struct snapshot_cursor *c, uint64_t max)
{
    return dump_step(out, &c->walk, max);
}

static void rdb_string_head(struct rdb_out *out, const struct entry *e)
{
    rdb_before(out, e);
    rdb_put_byte(out, RDB_STRING);
    rdb_put_string(out, entry_name(e));
}

static void rdb_end(struct rdb_out *out) { rdb_put_byte(out, RDB_OP_EOF); }

const struct snapshot_form_ops snapshot_form_rdb = {
    .begin = rdb_begin,
    .function = rdb_function,
    .select = rdb_select,
    .expect = rdb_expect,
    .entry = rdb_entry,
    .large_begin = rdb_large_begin,
    .large_step = rdb_large_step,
    .string_head = rdb_string_head,
    .end = rdb_end,
    .has_checksum = true,
    .compresses = true,
};
