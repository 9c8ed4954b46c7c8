/*
 * A snapshot as commands that make the data again: the base of a log without preamble, and what
 * any server of this kind can read.
 *
 * No command has more than COMMANDS_ITEMS elements (an entry of a stream has what it has), so that
 * who runs them is never busy for long with one. No command tells what a stream's groups have
 * pending of entries that were deleted since, nor when a consumer was seen last: so a stream's
 * groups come first, in a RESTORE without entries. The payload is made twice, as its length stands
 * before it.
 *
 * Invariant: one large value is being written at a time, and `commands_large` says where it stands.
 */
#include "execute/core/snapshot_form.h"

#include "base/must.h"
#include "catalog/settings.h"
#include "codec/crc64.h"
#include "execute/keyspace/keyspace.h"
#include "execute/types/heap.h"
#include "execute/types/list.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    COMMANDS_ITEMS = 64,
    COMMANDS_STRING_STEP = 256, /* bytes of a string that weigh as much as an element */
    COMMANDS_ID_CHARS = 48,
};

static uint16_t commands_version; /* of RDB, for payloads */

enum stream_phase { PHASE_MEASURE, PHASE_PAYLOAD, PHASE_ENTRIES, PHASE_DONE };

/* Where a payload goes whose length and checksum are wanted. */
struct measure {
    struct rdb_out out; /* first: measure_room() gets it */
    uint8_t buf[512];
    uint64_t len, crc;
};

/* Where the writing of a value stands. */
struct commands_walk {
    const struct entry *e;
    uint64_t done; /* a string: bytes; else elements */
    union {
        struct set_walk set;
        struct hash_walk hash;
        struct zset_cursor zset;
        struct {
            const struct stream *s;
            enum stream_phase phase;
            struct stream_dump groups;
            uint64_t payload_len, payload_crc; /* of what was measured, without the footer */
            struct stream_walk entries;
        } stream;
    };
};

static struct commands_walk commands_large;

/* ---- RESP ---- */

static void put_head(struct rdb_out *out, char type, uint64_t n)
{
    char head[NUMBER_INT_CHARS + 3];
    size_t len = 0;
    head[len++] = type;
    len += number_print_uint(head + len, n);
    head[len++] = '\r';
    head[len++] = '\n';
    rdb_put_raw(out, bytes_make(head, len));
}

static void put_line_end(struct rdb_out *out) { rdb_put_raw(out, bytes_make("\r\n", 2)); }

static void put_arg(struct rdb_out *out, struct bytes text)
{
    put_head(out, '$', text.len);
    rdb_put_raw(out, text);
    put_line_end(out);
}

static void put_word(struct rdb_out *out, const char *word) { put_arg(out, bytes_of(word)); }

static void put_int(struct rdb_out *out, int64_t n)
{
    char digits[NUMBER_INT_CHARS];
    put_arg(out, bytes_make(digits, number_print_int(digits, n)));
}

static void put_id(struct rdb_out *out, struct stream_id id)
{
    char text[COMMANDS_ID_CHARS];
    int len = snprintf(text, sizeof(text), "%" PRIu64 "-%" PRIu64, id.ms, id.seq);
    put_arg(out, bytes_make(text, (size_t)len));
}

/* Takes what is there into account, and makes room. */
static void measure_room(struct rdb_out *out, size_t want)
{
    struct measure *m = (struct measure *)out;
    m->crc = crc64(m->crc, bytes_make((const char *)out->ptr, out->len));
    m->len += out->len;
    out->len = 0;
    if (out->cap >= want) return;
    if (out->ptr != m->buf) heap_free(out->ptr);
    out->ptr = heap_alloc(want);
    out->cap = want;
}

static void measure_begin(struct measure *m, uint64_t len, uint64_t crc)
{
    m->out = (struct rdb_out){.ptr = m->buf, .cap = sizeof(m->buf), .room = measure_room};
    m->len = len;
    m->crc = crc;
}

static void measure_end(struct measure *m)
{
    measure_room(&m->out, 0);
    if (m->out.ptr != m->buf) heap_free(m->out.ptr);
}

/* A command about the value that is being written. */
static void put_command(struct rdb_out *out, const struct entry *e, uint64_t nargs,
                        const char *name)
{
    put_head(out, '*', nargs);
    put_word(out, name);
    put_arg(out, entry_name(e));
}

static uint64_t chunk_of(uint64_t left) { return left < COMMANDS_ITEMS ? left : COMMANDS_ITEMS; }

/* ---- Strings ---- */

static void begin_string(struct rdb_out *out, struct commands_walk *w)
{
    put_command(out, w->e, 3, "SET");
    put_head(out, '$', string_len(w->e));
}

static bool step_string(struct rdb_out *out, struct commands_walk *w, uint64_t max)
{
    char scratch[STRING_INT_CHARS];
    struct bytes text = string_bytes(w->e, scratch);
    uint64_t left = text.len - w->done;
    uint64_t len = left / COMMANDS_STRING_STEP < max ? left : max * COMMANDS_STRING_STEP;
    rdb_put_raw(out, bytes_make(text.ptr + w->done, len));
    w->done += len;
    if (w->done < text.len) return false;
    put_line_end(out);
    return true;
}

/* ---- Lists, sets, sorted sets ---- */

static bool step_list(struct rdb_out *out, struct commands_walk *w, uint64_t max)
{
    uint64_t count = list_count(w->e), until = max < count - w->done ? w->done + max : count;
    char scratch[LISTPACK_INT_CHARS];
    struct list_walk items;
    list_walk_begin(&items, w->e, w->done, true);
    while (w->done < until) {
        uint64_t n = chunk_of(until - w->done);
        put_command(out, w->e, n + 2, "RPUSH");
        struct list_item item;
        for (uint64_t i = 0; i < n; i++) {
            must(list_walk_next(&items, &item));
            put_arg(out, list_item_text(&item, scratch));
        }
        w->done += n;
    }
    list_walk_end(&items);
    return w->done == count;
}

static bool step_set(struct rdb_out *out, struct commands_walk *w, uint64_t max)
{
    struct set_member members[SET_WINDOW];
    for (uint64_t n = 0; n < max;) {
        uint32_t got = set_next(&w->set, members, SET_WINDOW);
        if (got == 0) return true;
        put_command(out, w->e, got + 2, "SADD");
        for (uint32_t i = 0; i < got; i++) put_arg(out, set_member_text(&members[i]));
        n += got;
    }
    return false;
}

static bool step_zset(struct rdb_out *out, struct commands_walk *w, uint64_t max)
{
    uint64_t count = zset_count(w->e), until = max < count - w->done ? w->done + max : count;
    while (w->done < until) {
        uint64_t n = chunk_of(until - w->done);
        put_command(out, w->e, 2 * n + 2, "ZADD");
        for (uint64_t i = 0; i < n; i++) {
            struct zset_item item = zset_item(&w->zset);
            char score[NUMBER_DOUBLE_CHARS];
            put_arg(out, bytes_make(score, number_print_double(score, item.score)));
            put_arg(out, item.member);
            zset_next(&w->zset);
        }
        w->done += n;
    }
    return w->done == count;
}

/* ---- Hashes ---- */

/* Those of the fields that have deadlines get them: neighbours with the same one together. */
static void put_field_deadlines(struct rdb_out *out, const struct entry *e,
                                const struct hash_item *items, uint32_t count)
{
    for (uint32_t i = 0, n; i < count; i += n) {
        n = 1;
        if (items[i].deadline_ms == ENTRY_NO_DEADLINE) continue;
        while (i + n < count && items[i + n].deadline_ms == items[i].deadline_ms) n++;
        put_command(out, e, n + 5, "HPEXPIREAT");
        put_int(out, items[i].deadline_ms);
        put_word(out, "FIELDS");
        put_int(out, n);
        for (uint32_t k = i; k < i + n; k++) put_arg(out, items[k].field);
    }
}

static bool step_hash(struct rdb_out *out, struct commands_walk *w, uint64_t max)
{
    struct hash_item items[COMMANDS_ITEMS];
    for (uint64_t done = 0; done < max;) {
        uint32_t n = 0;
        while (n < COMMANDS_ITEMS && hash_walk_next(&w->hash, &items[n])) n++;
        if (n == 0) return true;
        put_command(out, w->e, 2 * (uint64_t)n + 2, "HMSET");
        for (uint32_t i = 0; i < n; i++) {
            put_arg(out, items[i].field);
            put_arg(out, items[i].value);
        }
        if (w->e->flags & ENTRY_DUE) put_field_deadlines(out, w->e, items, n);
        done += n;
    }
    return false;
}

/* ---- Streams ---- */

static void begin_stream(struct commands_walk *w)
{
    w->stream.s = entry_root(w->e);
    bool is_plain = w->stream.s->groups.count == 0 && w->stream.s->length > 0;
    w->stream.phase = is_plain ? PHASE_ENTRIES : PHASE_MEASURE;
    w->stream.payload_len = w->stream.payload_crc = 0;
    stream_walk_open(&w->stream.entries, w->stream.s, STREAM_ID_MIN, STREAM_ID_MAX);
}

static void begin_payload(struct rdb_out *out, struct commands_walk *w)
{
    rdb_put_byte(out, stream_dump_type(commands_version));
    stream_dump_groups_begin(out, &w->stream.groups, w->stream.s, commands_version);
}

static void step_measure(struct rdb_out *out, struct commands_walk *w, uint64_t max)
{
    struct measure m;
    measure_begin(&m, w->stream.payload_len, w->stream.payload_crc);
    if (m.len == 0) begin_payload(&m.out, w);
    bool done = stream_dump_step(&m.out, &w->stream.groups, max);
    measure_end(&m);
    w->stream.payload_len = m.len;
    w->stream.payload_crc = m.crc;
    if (!done) return;
    put_command(out, w->e, 4, "RESTORE");
    put_word(out, "0");
    put_head(out, '$', m.len + RDB_FOOTER);
    begin_payload(out, w);
    w->stream.phase = PHASE_PAYLOAD;
}

static void step_payload(struct rdb_out *out, struct commands_walk *w, uint64_t max)
{
    if (!stream_dump_step(out, &w->stream.groups, max)) return;
    rdb_put_footer_of(out, commands_version, w->stream.payload_crc);
    put_line_end(out);
    w->stream.phase = PHASE_ENTRIES;
}

static void put_stream_entry(struct rdb_out *out, const struct entry *e, struct stream_entry *entry)
{
    struct bytes field, value;
    char scratch[2][NUMBER_INT_CHARS];
    put_command(out, e, 3 + 2 * (uint64_t)entry->count, "XADD");
    put_id(out, entry->id);
    while (stream_entry_pair(entry, &field, &value, scratch)) {
        put_arg(out, field);
        put_arg(out, value);
    }
}

/* What the entries do not tell. */
static void put_stream_counters(struct rdb_out *out, const struct entry *e, const struct stream *s)
{
    put_command(out, e, 7, "XSETID");
    put_id(out, s->last_id);
    put_word(out, "ENTRIESADDED");
    put_int(out, (int64_t)s->added);
    put_word(out, "MAXDELETEDID");
    put_id(out, s->max_deleted);
}

static void step_entries(struct rdb_out *out, struct commands_walk *w, uint64_t max)
{
    for (uint64_t n = 0; n < max; n++) {
        if (!stream_walk_next(&w->stream.entries)) {
            put_stream_counters(out, w->e, w->stream.s);
            w->stream.phase = PHASE_DONE;
            return;
        }
        put_stream_entry(out, w->e, &w->stream.entries.entry);
    }
}

/* A step of one phase; all of them where there is no bound. */
static bool step_stream(struct rdb_out *out, struct commands_walk *w, uint64_t max)
{
    do {
        switch (w->stream.phase) {
        case PHASE_MEASURE: step_measure(out, w, max); break;
        case PHASE_PAYLOAD: step_payload(out, w, max); break;
        case PHASE_ENTRIES: step_entries(out, w, max); break;
        case PHASE_DONE: break;
        }
    } while (max == UINT64_MAX && w->stream.phase != PHASE_DONE);
    return w->stream.phase == PHASE_DONE;
}

/* ---- Any value ---- */

static void commands_begin(struct rdb_out *out, struct commands_walk *w, const struct entry *e)
{
    w->e = e;
    w->done = 0;
    switch (entry_type(e)) {
    case TYPE_STRING: begin_string(out, w); return;
    case TYPE_SET: w->set = set_walk(e); return;
    case TYPE_ZSET: zset_seek(e, 0, &w->zset); return;
    case TYPE_HASH: hash_walk_begin(&w->hash, e, INT64_MIN); return; /* what was there then */
    case TYPE_STREAM: begin_stream(w); return;
    case TYPE_LIST: return;
    }
}

static bool commands_step(struct rdb_out *out, struct commands_walk *w, uint64_t max)
{
    static bool (*const step[TYPE_COUNT])(struct rdb_out *, struct commands_walk *, uint64_t) = {
        [TYPE_STRING] = step_string, [TYPE_LIST] = step_list, [TYPE_SET] = step_set,
        [TYPE_ZSET] = step_zset,     [TYPE_HASH] = step_hash, [TYPE_STREAM] = step_stream,
    };
    if (!step[entry_type(w->e)](out, w, max)) return false;
    if (w->e->flags & ENTRY_DEADLINE) {
        put_command(out, w->e, 3, "PEXPIREAT");
        put_int(out, entry_deadline(w->e));
    }
    return true;
}

/* ---- The form ---- */

static void form_begin(struct rdb_out *out, const struct snapshot_terms *terms)
{
    commands_version = terms->version;
    if (!settings_now()->aof_timestamp_enabled) return;
    char line[32];
    int len = snprintf(line, sizeof(line), "#TS:%" PRId64 "\r\n", keyspace_now_ms() / 1000);
    rdb_put_raw(out, bytes_make(line, (size_t)len));
}

static void form_function(struct rdb_out *out, struct bytes code)
{
    put_head(out, '*', 3);
    put_word(out, "FUNCTION");
    put_word(out, "LOAD");
    put_arg(out, code);
}

static void form_select(struct rdb_out *out, int number)
{
    put_head(out, '*', 2);
    put_word(out, "SELECT");
    put_int(out, number);
}

static void form_entry(struct rdb_out *out, const struct entry *e)
{
    struct commands_walk w;
    commands_begin(out, &w, e);
    commands_step(out, &w, UINT64_MAX);
}

static void form_large_begin(struct rdb_out *out, struct snapshot_cursor *c)
{
    commands_begin(out, &commands_large, c->e);
}

static bool form_large_step(struct rdb_out *out, struct snapshot_cursor *c, uint64_t max)
{
    must(commands_large.e == c->e);
    return commands_step(out, &commands_large, max);
}

static void form_end(struct rdb_out *out) { (void)out; }

const struct snapshot_form_ops snapshot_form_commands = {
    .begin = form_begin,
    .function = form_function,
    .select = form_select,
    .entry = form_entry,
    .large_begin = form_large_begin,
    .large_step = form_large_step,
    .end = form_end,
};
