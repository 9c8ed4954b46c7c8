/*
 * KEYS and SCAN: walks over a database. Each step's time is bounded by what it visits; KEYS is one
 * walk of the whole table.
 */
#include "codec/glob.h"
#include "codec/number.h"
#include "execute/commands/table.h"
#include "execute/core/call.h"
#include "execute/types/heap.h"

enum { SCAN_COUNT = 10, SCAN_ROOM = 64 };

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

struct scan {
    uint64_t cursor;
    int64_t count;
    struct bytes pattern, type;
    bool has_pattern, has_type;
    /* The cursor is answered before the keys but known after them: so they are gathered. */
    struct entry **found;
    size_t found_count, found_room;
};

/* As strtoul reads a cursor: a sign and leading zeros are fine, no digits at all only in an empty
 * text. */
static bool scan_cursor(struct bytes text, uint64_t *out)
{
    bool signed_text = text.len != 0 && (text.ptr[0] == '-' || text.ptr[0] == '+');
    uint64_t n = 0;
    for (size_t i = signed_text; i < text.len; i++) {
        unsigned digit = (unsigned)(uint8_t)text.ptr[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, digit, &n))
            return false;
    }
    *out = signed_text && text.ptr[0] == '-' ? 0 - n : n;
    return !(signed_text && text.len == 1);
}

static bool scan_parse(struct call *c, struct scan *s)
{
    *s = (struct scan){.count = SCAN_COUNT};
    if (!scan_cursor(arg(c, 1), &s->cursor)) {
        reply_error(c, ERR_INVALID_CURSOR);
        return false;
    }
    for (uint32_t i = 2; i < c->nargs; i += 2) {
        bool ok = i + 1 < c->nargs;
        if (ok && call_arg_is(c, i, "count")) {
            if (!call_int(c, i + 1, &s->count)) return false;
            ok = s->count > 0;
        } else if (ok && call_arg_is(c, i, "match")) {
            s->pattern = arg(c, i + 1);
            s->has_pattern = !bytes_equal(s->pattern, bytes_of("*"));
        } else if (ok && call_arg_is(c, i, "type")) {
            s->type = arg(c, i + 1);
            s->has_type = true;
        } else {
            ok = false;
        }
        if (ok) continue;
        reply_syntax(c);
        return false;
    }
    return true;
}

static void scan_visit(void *ctx, struct entry *e)
{
    struct scan *s = ctx;
    if (s->has_type && !bytes_is_word(s->type, entry_type_name(e))) return;
    if (s->has_pattern && !glob_match(s->pattern, entry_name(e), false)) return;
    if (s->found_count == s->found_room) {
        s->found_room = s->found_room == 0 ? SCAN_ROOM : 2 * s->found_room;
        s->found = heap_realloc(s->found, s->found_room * sizeof(struct entry *));
    }
    s->found[s->found_count++] = e;
}

enum run_result cmd_SCAN(struct call *c)
{
    struct scan s;
    if (!scan_parse(c, &s)) return RUN_ERROR;
    uint64_t next = keyspace_scan_expire(c->db, s.cursor, (uint64_t)s.count, scan_visit, &s);

    char cursor[NUMBER_INT_CHARS];
    reply_array(c, 2);
    reply_bulk(c, bytes_make(cursor, number_print_uint(cursor, next)));
    reply_array(c, s.found_count);
    for (size_t i = 0; i < s.found_count; i++) reply_bulk(c, entry_name(s.found[i]));
    heap_free(s.found);
    return RUN_OK;
}
