/* DEBUG: the compact forms of values, and the nodes of large lists. */
#include "execute/commands/debug.h"

#include "codec/number.h"
#include "execute/commands/list.h"

#include <inttypes.h>
#include <stdio.h>

#define DEBUG_THRESHOLD_MAX ((int64_t)1 << 32)
#define ERR_DEBUG_THRESHOLD "ERR argument must be a memory value bigger than 1 and smaller than 4gb"

enum run_result debug_quicklist_threshold(struct call *c)
{
    int64_t bytes;
    bool is_size = number_memory(arg(c, 2), &bytes) && bytes >= 0 && bytes < DEBUG_THRESHOLD_MAX;
    if (!is_size) return reply_error(c, ERR_DEBUG_THRESHOLD);
    quicklist_set_threshold((size_t)bytes);
    return reply_ok(c);
}

size_t debug_list_figures(const struct entry *e, char *out, size_t room)
{
    if (entry_type(e) != TYPE_LIST || entry_encoding(e) != ENC_QUICKLIST) return 0;
    const struct quicklist *q = entry_root(e);
    size_t sum = 0;
    for (uint32_t i = 0; i < q->node_count; i++)
        sum += quicklist_node_bytes(quicklist_at(q, i), quicklist_gap(q, i));
    int n = snprintf(out, room,
                     " ql_nodes:%" PRIu32 " ql_avg_node:%.2f ql_listpack_max:%" PRId64
                     " ql_compressed:%d ql_uncompressed_size:%zu",
                     q->node_count, (double)q->count / q->node_count,
                     value_limits.list_max_listpack_size, q->depth != 0, sum);
    return (size_t)n < room ? (size_t)n : room - 1;
}

/* One line for each element: where it begins, what it takes, and its text. */
enum run_result debug_listpack(struct call *c)
{
    const struct entry *e = keyspace_find(c->db, call_key(c, 2), LOOKUP_QUIET);
    if (e == NULL) return reply_error(c, ERR_NO_KEY);
    if (entry_encoding(e) != ENC_LISTPACK)
        return reply_error(c, "ERR Not a listpack encoded object.");
    const uint8_t *lp = entry_root(e);
    struct reply r = {0};
    reply_printf(&r, "bytes %zu, elements %" PRIu32 "\n", listpack_bytes(lp), listpack_count(lp));
    for (uint8_t *at = listpack_first(lp); at != NULL; at = listpack_next(lp, at)) {
        char scratch[LISTPACK_INT_CHARS];
        struct bytes text = listpack_text(at, scratch);
        reply_printf(&r, "at %zu, bytes %zu, %s: ", (size_t)(at - lp), listpack_size_at(at),
                     text.ptr == scratch ? "integer" : "text");
        if (text.len > 0) reply_raw(&r, text.ptr, text.len);
        reply_raw(&r, "\n", 1);
    }
    reply_verbatim(c, bytes_make(r.buf, r.len), "txt");
    reply_release(&r);
    return RUN_OK;
}
