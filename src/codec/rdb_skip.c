/*
 * Values are passed over by the heads of their parts, so that it costs little to learn whether all
 * of one is there. Nothing is checked but that the parts do not end too early.
 */
#include "codec/rdb.h"

enum { SKIP_STREAM_ID = 16, SKIP_MS = 8 };

static bool skip_lens(struct rdb_in *in, unsigned count)
{
    uint64_t n;
    for (; count > 0; count--)
        if (!rdb_take_len(in, &n)) return false;
    return true;
}

static bool skip_strings(struct rdb_in *in, unsigned count)
{
    struct rdb_string s;
    for (; count > 0; count--)
        if (!rdb_take_string(in, &s)) return false;
    return true;
}

/* What an element of a value consists of. */
static bool skip_element(struct rdb_in *in, uint8_t type)
{
    double score;
    switch (type) {
    case RDB_HASH: return skip_strings(in, 2);
    case RDB_ZSET: return skip_strings(in, 1) && rdb_take_double_text(in, &score);
    case RDB_ZSET_2: return skip_strings(in, 1) && rdb_skip(in, sizeof(score));
    case RDB_LIST_QUICKLIST_2: return skip_lens(in, 1) && skip_strings(in, 1);
    case RDB_HASH_DEADLINES_OLD:
    case RDB_HASH_DEADLINES: return skip_lens(in, 1) && skip_strings(in, 2);
    default: return skip_strings(in, 1);
    }
}

static bool skip_elements(struct rdb_in *in, uint8_t type)
{
    uint64_t count;
    if (!rdb_take_count(in, 1, &count)) return false;
    for (; count > 0; count--)
        if (!skip_element(in, type)) return false;
    return true;
}

/* ---- Streams ---- */

static bool skip_consumer(struct rdb_in *in, uint8_t type)
{
    uint64_t pending;
    unsigned times = type == RDB_STREAM_LISTPACKS_3 ? 2 : 1;
    return skip_strings(in, 1) && rdb_skip(in, times * SKIP_MS) &&
           rdb_take_count(in, SKIP_STREAM_ID, &pending) &&
           rdb_skip(in, (size_t)pending * SKIP_STREAM_ID);
}

static bool skip_group(struct rdb_in *in, uint8_t type)
{
    uint64_t pending, consumers;
    unsigned lens = type == RDB_STREAM_LISTPACKS ? 2 : 3;
    if (!skip_strings(in, 1) || !skip_lens(in, lens)) return false;
    if (!rdb_take_count(in, SKIP_STREAM_ID + SKIP_MS + 1, &pending)) return false;
    for (; pending > 0; pending--)
        if (!rdb_skip(in, SKIP_STREAM_ID + SKIP_MS) || !skip_lens(in, 1)) return false;
    if (!rdb_take_count(in, 1, &consumers)) return false;
    for (; consumers > 0; consumers--)
        if (!skip_consumer(in, type)) return false;
    return true;
}

static bool skip_stream(struct rdb_in *in, uint8_t type)
{
    uint64_t nodes, groups;
    unsigned lens = type == RDB_STREAM_LISTPACKS ? 3 : 8;
    if (!rdb_take_count(in, 2, &nodes)) return false;
    for (; nodes > 0; nodes--)
        if (!skip_strings(in, 2)) return false;
    if (!skip_lens(in, lens) || !rdb_take_count(in, 1, &groups)) return false;
    for (; groups > 0; groups--)
        if (!skip_group(in, type)) return false;
    return true;
}

bool rdb_skip_value(struct rdb_in *in, uint8_t type)
{
    switch (type) {
    case RDB_LIST:
    case RDB_SET:
    case RDB_ZSET:
    case RDB_ZSET_2:
    case RDB_HASH:
    case RDB_LIST_QUICKLIST:
    case RDB_LIST_QUICKLIST_2:
    case RDB_HASH_DEADLINES_OLD: return skip_elements(in, type);
    case RDB_HASH_DEADLINES: return rdb_skip(in, SKIP_MS) && skip_elements(in, type);
    case RDB_HASH_LISTPACK_DEADLINES: return rdb_skip(in, SKIP_MS) && skip_strings(in, 1);
    case RDB_STREAM_LISTPACKS:
    case RDB_STREAM_LISTPACKS_2:
    case RDB_STREAM_LISTPACKS_3: return skip_stream(in, type);
    default: return skip_strings(in, 1);
    }
}
