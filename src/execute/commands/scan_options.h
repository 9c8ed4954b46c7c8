/*
 * What SCAN, SSCAN, HSCAN and ZSCAN share: cursor, options, and the entries that one step gathers.
 *
 * A handler takes the cursor, looks its key up (an absent key is answered before the options are
 * read), takes the options, walks and answers:
 *
 *     struct scan_options o;
 *     if (!scan_options_cursor(c, 2, &o)) return RUN_ERROR;
 *     if (!typed_find(c, call_key(c, 1), TYPE_SET, LOOKUP_READ, &e)) return RUN_ERROR;
 *     if (e == NULL) return scan_options_reply_head(c, 0, 0);
 *     if (!scan_options_parse(c, 3, 0, &o)) return RUN_ERROR;
 *     next = table_scan(t, o.cursor, (uint64_t)o.count, scan_options_visit, &o);
 *     scan_options_reply_head(c, next, o.found_count);
 *     for (size_t i = 0; i < o.found_count; i++) reply_bulk(c, entry_name(o.found[i]));
 *     scan_options_close(&o);
 *
 * Small forms answer all of their elements that fit the pattern, with cursor 0.
 */
#ifndef EXECUTE_COMMANDS_SCAN_OPTIONS_H
#define EXECUTE_COMMANDS_SCAN_OPTIONS_H

#include "execute/execute_private.h"

#include "codec/glob.h"
#include "execute/core/call.h"

struct scan_options {
    uint64_t cursor;
    int64_t count; /* above 0 */
    struct bytes pattern, type;
    bool has_pattern, has_type; /* a pattern that fits everything is none */
    bool names_only;            /* NOVALUES */
    /* The cursor is answered before the entries but known after them: so they are gathered. */
    struct entry **found;
    size_t found_count, found_room;
};

/* Options that only some commands take: bits. */
#define SCAN_OPTIONS_TYPE 1
#define SCAN_OPTIONS_NOVALUES 2

/* Both answer the error themselves and return false; then nothing is to be closed. */
/* The cursor at argument i; sets all the rest to the defaults. */
bool scan_options_cursor(struct call *c, uint32_t i, struct scan_options *o);
/* The options from argument i on; `also`: those of the bits above that the command takes. */
bool scan_options_parse(struct call *c, uint32_t i, unsigned also, struct scan_options *o);

static inline bool scan_options_fit(const struct scan_options *o, struct bytes name)
{
    return !o->has_pattern || glob_match(o->pattern, name, false);
}

/* For table_scan() and keyspace_scan(), `ctx` the options: gathers the entries that fit. */
void scan_options_visit(void *ctx, struct entry *e);

/* The head of the answer: `count` elements follow (both of a pair count). */
enum run_result scan_options_reply_head(struct call *c, uint64_t next, uint64_t count);

/* Frees what was gathered, not the entries. */
void scan_options_close(struct scan_options *o);

#endif
