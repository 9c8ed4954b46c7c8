/*
 * What the tests of snapshots share: a file is read back by a reader of its own and compared with
 * what the databases were at some moment, value by value.
 *
 * A picture is a list of keys, each with a sum of all that a key is: type, value, deadline. Sums do
 * not depend on the order in which sets and hashes are walked.
 */
#ifndef TESTS_UNIT_EXECUTE_SNAPSHOT_FIXTURE_H
#define TESTS_UNIT_EXECUTE_SNAPSHOT_FIXTURE_H

#include "unit/execute/core_harness.h"

#include "codec/crc64.h"
#include "execute/core/orders.h"
#include "execute/core/snapshot.h"
#include "execute/keyspace/keyspace.h"
#include "execute/types/dump.h"
#include "execute/types/list.h"
#include "execute/types/load.h"
#include "execute/types/stream_group.h"
#include "execute/types/table.h"
#include "execute/types/type.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The text with each # replaced by the number; `out` has 512 bytes. */
static inline const char *numbered(char *out, const char *text, int n)
{
    char *at = out;
    for (; *text != '\0'; text++) {
        assert_true(at - out < 480);
        if (*text == '#')
            at += sprintf(at, "%d", n);
        else
            *at++ = *text;
    }
    *at = '\0';
    return out;
}

/* ---- Sums ---- */

static inline uint64_t sum_pair(struct bytes a, struct bytes b)
{
    return crc64(crc64(crc64(1, a), bytes_of("|")), b);
}

static inline uint64_t sum_hash(const struct entry *e)
{
    struct hash_walk w;
    struct hash_item item;
    uint64_t sum = 0;
    hash_walk_begin(&w, e, 0);
    while (hash_walk_next(&w, &item)) {
        uint64_t pair = sum_pair(item.field, item.value);
        sum ^= crc64(pair, bytes_make((const char *)&item.deadline_ms, sizeof(int64_t)));
    }
    return sum;
}

static inline uint64_t sum_set(const struct entry *e)
{
    struct set_walk w = set_walk(e);
    struct set_member m;
    uint64_t sum = 0;
    while (set_next(&w, &m, 1) > 0) sum ^= crc64(1, set_member_text(&m));
    return sum;
}

static inline uint64_t sum_zset(const struct entry *e)
{
    struct zset_cursor at;
    uint64_t sum = 0;
    for (bool more = zset_seek(e, 0, &at); more; more = zset_next(&at)) {
        struct zset_item item = zset_item(&at);
        sum = crc64(sum, item.member);
        sum = crc64(sum, bytes_make((const char *)&item.score, sizeof(double)));
    }
    return sum;
}

static inline uint64_t sum_list(const struct entry *e)
{
    char scratch[LISTPACK_INT_CHARS];
    struct list_walk w;
    struct list_item item;
    uint64_t sum = 0;
    list_walk_begin(&w, e, 0, true);
    while (list_walk_next(&w, &item))
        sum = sum_pair(bytes_make((char *)&sum, sizeof(sum)), list_item_text(&item, scratch));
    list_walk_end(&w);
    return sum;
}

static inline uint64_t sum_words(uint64_t sum, const uint64_t *words, size_t count)
{
    return crc64(sum, bytes_make((const char *)words, count * sizeof(words[0])));
}

static inline uint64_t sum_group(uint64_t sum, const struct stream_group *g)
{
    const uint64_t head[] = {g->last_id.ms, g->last_id.seq, (uint64_t)g->entries_read,
                             g->consumers.count};
    sum = sum_words(crc64(sum, stream_group_name(g)), head, 4);
    struct sorted_place at = sorted_first(&g->consumers);
    for (const struct stream_consumer *c; (c = stream_consumer_next(g, &at)) != NULL;) {
        uint64_t seen_ms = (uint64_t)c->seen_ms;
        sum = sum_words(crc64(sum, stream_consumer_name(c)), &seen_ms, 1);
    }
    at = sorted_first(&g->pending);
    for (const struct stream_pending *p; (p = sorted_at(&g->pending, at)) != NULL;
         sorted_next(&g->pending, &at)) {
        const uint64_t words[] = {p->id.ms, p->id.seq, (uint64_t)p->delivered_ms, p->deliveries};
        sum = sum_words(crc64(sum, stream_consumer_name(p->consumer)), words, 4);
    }
    return sum;
}

/* All but when consumers were active, which not every version of RDB knows. */
static inline uint64_t sum_stream(const struct entry *e)
{
    const struct stream *s = entry_root(e);
    const uint64_t head[] = {s->length,      s->added,          s->last_id.ms,
                             s->last_id.seq, s->max_deleted.ms, s->max_deleted.seq};
    uint64_t sum = sum_words(0, head, 6);
    struct stream_walk w;
    struct bytes field, value;
    char scratch[2][NUMBER_INT_CHARS];
    stream_walk_open(&w, s, STREAM_ID_MIN, STREAM_ID_MAX);
    while (stream_walk_next(&w)) {
        const uint64_t id[] = {w.entry.id.ms, w.entry.id.seq};
        sum = sum_words(sum, id, 2);
        while (stream_entry_pair(&w.entry, &field, &value, scratch)) sum ^= sum_pair(field, value);
    }
    struct sorted_place at = sorted_first(&s->groups);
    for (const struct stream_group *g; (g = stream_group_next(s, &at)) != NULL;)
        sum = sum_group(sum, g);
    return sum;
}

static inline uint64_t sum_entry(const struct entry *e)
{
    char scratch[STRING_INT_CHARS];
    int64_t head[] = {(int64_t)entry_type(e), entry_deadline(e)};
    uint64_t sum = 0;
    switch (entry_type(e)) {
    case TYPE_STRING: sum = crc64(1, string_bytes(e, scratch)); break;
    case TYPE_LIST: sum = sum_list(e); break;
    case TYPE_SET: sum = sum_set(e); break;
    case TYPE_ZSET: sum = sum_zset(e); break;
    case TYPE_HASH: sum = sum_hash(e); break;
    case TYPE_STREAM: sum = sum_stream(e); break;
    }
    return crc64(sum, bytes_make((const char *)head, sizeof(head)));
}

/* ---- Pictures ---- */

struct picture_key {
    char *name;
    size_t name_len;
    int db;
    uint64_t sum;
    const char *form; /* its encoding */
    uint64_t count;
};

struct picture {
    struct picture_key *keys;
    size_t count, room;
    int db; /* of what is added next */
};

static inline void picture_add(struct picture *p, const struct entry *e)
{
    if (p->count == p->room) {
        p->room = p->room * 2 + 64;
        p->keys = realloc(p->keys, p->room * sizeof(p->keys[0]));
        assert_non_null(p->keys);
    }
    struct bytes name = entry_name(e);
    struct picture_key *k = &p->keys[p->count++];
    *k = (struct picture_key){
        .name = malloc(name.len + 1),
        .name_len = name.len,
        .db = p->db,
        .sum = sum_entry(e),
        .form = entry_encoding_name(e),
        .count = type_count(e),
    };
    memcpy(k->name, name.ptr, name.len);
    k->name[name.len] = '\0';
}

static inline void picture_visit(void *ctx, struct entry *e) { picture_add(ctx, e); }

static inline int picture_compare(const void *a, const void *b)
{
    const struct picture_key *x = a, *y = b;
    if (x->db != y->db) return x->db < y->db ? -1 : 1;
    size_t len = x->name_len < y->name_len ? x->name_len : y->name_len;
    int order = memcmp(x->name, y->name, len);
    if (order != 0) return order;
    return x->name_len == y->name_len ? 0 : x->name_len < y->name_len ? -1 : 1;
}

static inline void picture_sort(struct picture *p)
{
    if (p->count > 0) qsort(p->keys, p->count, sizeof(p->keys[0]), picture_compare);
}

/* What is there now, what is due but not met yet included. */
static inline struct picture picture_take(void)
{
    struct picture p = {0};
    for (p.db = 0; p.db < keyspace_db_count(); p.db++) {
        uint64_t cursor = 0;
        do cursor = table_scan(db_table(keyspace_db(p.db)), cursor, 100, picture_visit, &p);
        while (cursor != 0);
    }
    picture_sort(&p);
    return p;
}

static inline void picture_free(struct picture *p)
{
    for (size_t i = 0; i < p->count; i++) free(p->keys[i].name);
    free(p->keys);
    *p = (struct picture){0};
}

static inline void picture_expect(const struct picture *want, const struct picture *got)
{
    for (size_t i = 0; i < want->count && i < got->count; i++) {
        const struct picture_key *w = &want->keys[i], *g = &got->keys[i];
        if (picture_compare(w, g) == 0 && w->sum == g->sum) continue;
        print_error("key %zu: expected %d '%s', %s of %zu, got %d '%s', %s of %zu\n", i, w->db,
                    w->name, w->form, (size_t)w->count, g->db, g->name, g->form, (size_t)g->count);
        fail();
    }
    assert_int_equal(want->count, got->count);
}

/* ---- Files ---- */

/* A folder for all tests of a file: the snapshot, and what it is called until it is whole. */
static char snapshot_dir[32], snapshot_path[64], snapshot_temp[64];

static inline int snapshot_dir_open(void **state)
{
    (void)state;
    strcpy(snapshot_dir, "/tmp/baton-snapshot-XXXXXX");
    assert_non_null(mkdtemp(snapshot_dir));
    snprintf(snapshot_path, sizeof(snapshot_path), "%s/dump.rdb", snapshot_dir);
    snprintf(snapshot_temp, sizeof(snapshot_temp), "%s/temp.rdb", snapshot_dir);
    return 0;
}

/* Nothing was left in it. */
static inline int snapshot_dir_close(void **state)
{
    (void)state;
    return rmdir(snapshot_dir);
}

struct rdb_file {
    uint8_t *bytes;
    size_t len;
    int version;
    char aof_base, functions[256];
    uint64_t checksum;
};

static inline struct rdb_file rdb_file_read(const char *path)
{
    struct rdb_file f = {0};
    struct stat st;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    f.len = (size_t)st.st_size;
    f.bytes = malloc(f.len);
    assert_int_equal(read(fd, f.bytes, f.len), f.len);
    close(fd);
    return f;
}

static inline void rdb_text(const struct rdb_string *s, char *out, size_t len)
{
    assert_true(s->len < len);
    if (s->len > 0) assert_true(rdb_string_write(s, out));
    out[s->len] = '\0';
}

static inline void rdb_read_key(struct rdb_in *in, uint8_t type, int64_t at_ms, struct picture *p)
{
    struct rdb_string s;
    struct entry *e;
    assert_true(rdb_take_string(in, &s));
    char *name = malloc(s.len + 1);
    if (s.len > 0) assert_true(rdb_string_write(&s, name));
    const char *wrong = load_value(in, type, bytes_make(name, s.len), &e);
    if (wrong != NULL) print_error("type %u: %s\n", type, wrong);
    assert_null(wrong);
    free(name);
    if (at_ms >= 0) e = entry_with_deadline(e, at_ms);
    picture_add(p, e);
    entry_free(e);
}

static inline void rdb_read_aux(struct rdb_in *in, struct rdb_file *f)
{
    struct rdb_string name, value;
    char text[32], what[64];
    assert_true(rdb_take_string(in, &name) && rdb_take_string(in, &value));
    rdb_text(&name, text, sizeof(text));
    rdb_text(&value, what, sizeof(what));
    if (strcmp(text, "aof-base") == 0) f->aof_base = what[0];
    if (strcmp(text, "redis-ver") == 0) assert_string_equal(what, "7.2.6");
}

/* One opcode or key; false at the end. */
static inline bool rdb_read_item(struct rdb_in *in, struct rdb_file *f, struct picture *p,
                                 int64_t *at_ms)
{
    struct rdb_string s;
    uint64_t a, b;
    uint8_t type, byte;
    assert_true(rdb_take_byte(in, &type));
    switch (type) {
    case RDB_OP_EOF: return false;
    case RDB_OP_AUX: rdb_read_aux(in, f); return true;
    case RDB_OP_FUNCTION:
        assert_true(rdb_take_string(in, &s));
        rdb_text(&s, f->functions, sizeof(f->functions));
        return true;
    case RDB_OP_SELECT:
        assert_true(rdb_take_len(in, &a));
        p->db = (int)a;
        return true;
    case RDB_OP_RESIZE: assert_true(rdb_take_len(in, &a) && rdb_take_len(in, &b)); return true;
    case RDB_OP_EXPIRE_MS: assert_true(rdb_take_ms(in, at_ms)); return true;
    case RDB_OP_IDLE: assert_true(rdb_take_len(in, &a)); return true;
    case RDB_OP_FREQUENCY: assert_true(rdb_take_byte(in, &byte)); return true;
    default:
        rdb_read_key(in, type, *at_ms, p);
        *at_ms = -1;
        return true;
    }
}

/* What a file holds; it is sound, and its sum is right. */
static inline struct picture picture_read(const char *path, struct rdb_file *f)
{
    struct picture p = {0};
    int64_t at_ms = -1;
    *f = rdb_file_read(path);
    assert_true(f->len > 17 && memcmp(f->bytes, "REDIS", 5) == 0);
    f->version = atoi((const char *)f->bytes + 5);
    struct rdb_in in = {.at = f->bytes + 9, .end = f->bytes + f->len, .max_string = SIZE_MAX};
    while (rdb_read_item(&in, f, &p, &at_ms)) continue;
    assert_int_equal(rdb_left(&in), 8);
    memcpy(&f->checksum, in.at, 8);
    if (f->checksum != 0)
        assert_true(f->checksum == crc64(0, bytes_make((char *)f->bytes, f->len - 8)));
    free(f->bytes);
    f->bytes = NULL;
    picture_sort(&p);
    return p;
}

#endif
