/* Streams to RDB and back: the same entries and groups in all versions, payloads of Redis, and
 * payloads that somebody broke. */
#include "unit/execute/keyspace_fixture.h"
#include "unit/rdb_memory.h"

#include "execute/types/heap.h"
#include "execute/types/listpack.h"
#include "execute/types/stream_dump.h"
#include "execute/types/stream_group.h"

static struct rdb_out dump(const struct stream *s, uint16_t version, bool compress)
{
    struct rdb_out out = {.room = rdb_memory_room, .compress = compress};
    struct stream_dump d;
    rdb_put_byte(&out, stream_dump_type(version));
    stream_dump_begin(&out, &d, s, version);
    while (!stream_dump_step(&out, &d, 3)) continue;
    return out;
}

/* The payload is read from a copy of exactly its size. */
static const char *load(const uint8_t *bytes, size_t len, struct stream **out)
{
    uint8_t *copy = malloc(len + 1);
    memcpy(copy, bytes, len);
    struct rdb_in in = {.at = copy + 1, .end = copy + len, .max_string = 1 << 26};
    const char *wrong = stream_load(&in, copy[0], out);
    assert_int_equal(wrong == NULL, *out != NULL);
    if (wrong == NULL) assert_int_equal(rdb_left(&in), 0);
    if (wrong == NULL) stream_check(*out);
    free(copy);
    return wrong;
}

static void same_id(struct stream_id a, struct stream_id b)
{
    assert_int_equal(stream_id_compare(a, b), 0);
}

static void same_entries(const struct stream *a, const struct stream *b)
{
    struct stream_walk wa, wb;
    stream_walk_open(&wa, a, STREAM_ID_MIN, STREAM_ID_MAX);
    stream_walk_open(&wb, b, STREAM_ID_MIN, STREAM_ID_MAX);
    while (stream_walk_next(&wa)) {
        assert_true(stream_walk_next(&wb));
        same_id(wa.entry.id, wb.entry.id);
        assert_int_equal(wa.entry.count, wb.entry.count);
        struct bytes fa, fb, va, vb;
        char sa[2][NUMBER_INT_CHARS], sb[2][NUMBER_INT_CHARS];
        while (stream_entry_pair(&wa.entry, &fa, &va, sa)) {
            assert_true(stream_entry_pair(&wb.entry, &fb, &vb, sb));
            assert_true(bytes_equal(fa, fb) && bytes_equal(va, vb));
        }
    }
    assert_false(stream_walk_next(&wb));
}

static void same_pending(const struct sorted *a, const struct sorted *b, bool records)
{
    struct sorted_place pa = sorted_first(a), pb = sorted_first(b);
    assert_int_equal(a->count, b->count);
    for (; sorted_at(a, pa) != NULL; sorted_next(a, &pa), sorted_next(b, &pb)) {
        const struct stream_pending *ra = sorted_at(a, pa), *rb = sorted_at(b, pb);
        same_id(ra->id, rb->id);
        if (!records) continue;
        assert_int_equal(ra->delivered_ms, rb->delivered_ms);
        assert_int_equal(ra->deliveries, rb->deliveries);
        assert_true(
            bytes_equal(stream_consumer_name(ra->consumer), stream_consumer_name(rb->consumer)));
    }
}

static void same_group(const struct stream_group *a, const struct stream_group *b, bool active)
{
    assert_true(bytes_equal(stream_group_name(a), stream_group_name(b)));
    same_id(a->last_id, b->last_id);
    assert_int_equal(a->entries_read, b->entries_read);
    same_pending(&a->pending, &b->pending, true);
    assert_int_equal(a->consumers.count, b->consumers.count);
    struct sorted_place pa = {0}, pb = {0};
    for (const struct stream_consumer *ca; (ca = stream_consumer_next(a, &pa)) != NULL;) {
        const struct stream_consumer *cb = stream_consumer_next(b, &pb);
        assert_true(bytes_equal(stream_consumer_name(ca), stream_consumer_name(cb)));
        assert_int_equal(ca->seen_ms, cb->seen_ms);
        assert_int_equal(active ? ca->active_ms : cb->seen_ms, cb->active_ms);
        same_pending(&ca->pending, &cb->pending, false);
    }
}

static void same_stream(const struct stream *a, const struct stream *b, bool active)
{
    assert_int_equal(a->length, b->length);
    assert_int_equal(a->added, b->added);
    same_id(a->last_id, b->last_id);
    same_id(a->max_deleted, b->max_deleted);
    same_entries(a, b);
    assert_int_equal(a->groups.count, b->groups.count);
    struct sorted_place pa = {0}, pb = {0};
    for (const struct stream_group *g; (g = stream_group_next(a, &pa)) != NULL;)
        same_group(g, stream_group_next(b, &pb), active);
}

static struct bytes any_text(char room[64])
{
    size_t len = fixture_below(40);
    for (size_t i = 0; i < len; i++) room[i] = (char)('0' + fixture_below(30));
    if (fixture_below(3) == 0)
        len = number_print_int(room, (int64_t)random_next(&fixture_random) >> fixture_below(64));
    return bytes_make(room, len);
}

static void add_any(struct stream *s, struct stream_limits limits)
{
    char rooms[8][64];
    struct bytes texts[8];
    uint32_t count = fixture_below(4) == 0 ? 1 + (uint32_t)fixture_below(4) : 2;
    for (uint32_t i = 0; i < 2 * count; i++) texts[i] = any_text(rooms[i]);
    if (fixture_below(3) != 0) {
        for (uint32_t i = 0; i < count; i++) texts[2 * i] = bytes_of("field");
    }
    struct stream_id id = s->last_id;
    id.ms += fixture_below(3);
    id.seq = id.ms == s->last_id.ms ? id.seq + 1 : fixture_below(3);
    stream_append(s, id, (struct stream_pairs){texts, count}, limits);
}

static struct stream_id any_id(const struct stream *s)
{
    return (struct stream_id){fixture_below(s->last_id.ms + 1), fixture_below(3)};
}

static void add_group(struct stream *s, const char *name)
{
    static const char *const names[] = {"", "Alice", "Bob", "0"};
    struct stream_group *g =
        stream_group_make(s, bytes_of(name), any_id(s), (int64_t)fixture_below(9) - 1);
    for (unsigned i = 0; i < 4; i++) {
        struct stream_consumer *c = stream_consumer_make(g, bytes_of(names[i]), FIXTURE_NOW_MS);
        if (fixture_below(2) == 0) c->active_ms = FIXTURE_NOW_MS - 5;
    }
    for (uint64_t i = fixture_below(200); i > 0; i--) {
        struct stream_consumer *c = stream_consumer_find(g, bytes_of(names[fixture_below(4)]));
        struct stream_pending *p = stream_pending_give(g, any_id(s), c);
        p->delivered_ms = FIXTURE_NOW_MS - (int64_t)i;
        p->deliveries = 1 + fixture_below(1000);
    }
}

static struct stream *any_stream(unsigned entries, struct stream_limits limits)
{
    struct stream *s = stream_make();
    for (unsigned i = 0; i < entries; i++) {
        add_any(s, limits);
        if (fixture_below(4) == 0) stream_delete(s, any_id(s));
    }
    for (unsigned i = 0; i < entries % 4; i++) add_group(s, &"abc"[i]);
    return s;
}

static void test_round_trip(void **state)
{
    (void)state;
    static const uint16_t versions[] = {RDB_VERSION_7_0, RDB_VERSION_7_2};
    for (unsigned i = 0; i < 400; i++) {
        struct stream_limits limits = {fixture_below(2) * 500, fixture_below(3) * 20};
        struct stream *s = any_stream((unsigned)fixture_below(i < 300 ? 30 : 2000), limits), *back;
        struct rdb_out b = dump(s, versions[i % 2], i % 3 == 0);
        assert_int_equal(b.ptr[0], i % 2 == 0 ? RDB_STREAM_LISTPACKS_2 : RDB_STREAM_LISTPACKS_3);
        assert_null(load(b.ptr, b.len, &back));
        same_stream(s, back, i % 2 == 1);
        if (limits.entries != 0) assert_int_equal(back->nodes.count, s->nodes.count);
        free(b.ptr);
        stream_free(s);
        stream_free(back);
    }
}

/* Whatever is done to a payload, what is still accepted is a sound stream. */
static void test_broken_payloads(void **state)
{
    (void)state;
    unsigned accepted = 0, refused = 0;
    for (unsigned i = 0; i < 60; i++) {
        struct stream *s = any_stream(3 + i, (struct stream_limits){0, 10});
        struct rdb_out b = dump(s, RDB_VERSION_7_2, i % 2 == 0);
        stream_free(s);
        for (unsigned k = 0; k < 400; k++) {
            uint8_t *copy = malloc(b.len);
            memcpy(copy, b.ptr, b.len);
            for (uint64_t n = 1 + fixture_below(3); n > 0; n--)
                copy[1 + fixture_below(b.len - 1)] = (uint8_t)random_next(&fixture_random);
            struct rdb_in in = {.at = copy + 1, .end = copy + b.len, .max_string = 1 << 26};
            struct stream *back;
            if (stream_load(&in, copy[0], &back) == NULL) {
                stream_check(back);
                stream_free(back);
                accepted++;
            } else {
                assert_null(back);
                refused++;
            }
            free(copy);
        }
        for (size_t len = 1; len < b.len; len += 1 + fixture_below(7)) {
            struct stream *back;
            assert_non_null(load(b.ptr, len, &back));
        }
        free(b.ptr);
    }
    assert_true(accepted > 100 && refused > 1000);
}

/* ---- A payload of Redis 7.0, as hex ---- */

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t len = 0;
    for (; hex[0] != 0; hex += 2) {
        char pair[3] = {hex[0], hex[1], 0};
        out[len++] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return len;
}

/* Entries 1-1 (f v, n 1), 1-2 (f w, n -70000; deleted), 2-0 (g 123456789012), 5-7 (f x, n 2), 6-0
 * (f y, n 3), in nodes of 3; group g, of which Alice has 1-1 and 2-0, Bob 5-7, and Eve nothing. */
#define PAYLOAD_7_0                                                                    \
    "13021000000000000000010000000000000001404a4a0000001900020101010201816602816e0200" \
    "0102010001000181760201010501030100010101817702f290eefe04050100010101dfff02010181" \
    "6702f4141a99be1c000000090601ff10000000000000000500000000000000073030000000120002" \
    "0100010201816602816e0200010201000100018178020201050102010101dff90281790203010501" \
    "ff0406000101010205010167050781ffffffffffffffff0300000000000000010000000000000001" \
    "8327661aa201000001000000000000000200000000000000008327661aa201000001000000000000" \
    "000500000000000000078327661aa2010000010305416c6963658327661aa2010000020000000000" \
    "00000100000000000000010000000000000002000000000000000003426f628327661aa201000001" \
    "00000000000000050000000000000007034576658327661aa201000000"

static void test_payload_of_redis(void **state)
{
    (void)state;
    uint8_t bytes[512];
    struct stream *s, *want = stream_make();
    size_t len = unhex(PAYLOAD_7_0, bytes);
    assert_null(load(bytes, len, &s));

    static const char *const texts[][4] = {{"f", "v", "n", "1"},
                                           {"f", "w", "n", "-70000"},
                                           {"g", "123456789012", "", ""},
                                           {"f", "x", "n", "2"},
                                           {"f", "y", "n", "3"}};
    static const struct stream_id ids[] = {{1, 1}, {1, 2}, {2, 0}, {5, 7}, {6, 0}};
    for (unsigned i = 0; i < 5; i++) {
        struct bytes pairs[4];
        for (unsigned k = 0; k < 4; k++) pairs[k] = bytes_of(texts[i][k]);
        stream_append(want, ids[i], (struct stream_pairs){pairs, i == 2 ? 1 : 2},
                      (struct stream_limits){0, 3});
    }
    stream_delete(want, ids[1]);
    struct stream_group *g = stream_group_make(want, bytes_of("g"), ids[3], STREAM_READ_UNKNOWN);
    int64_t seen_ms =
        stream_pending_find(stream_group_find(s, bytes_of("g")), ids[0])->delivered_ms;
    static const char *const names[] = {"Alice", "", "Alice", "Bob", "Eve"};
    for (unsigned i = 0; i < 5; i++) {
        if (i == 1) continue;
        struct stream_consumer *c = stream_consumer_find(g, bytes_of(names[i]));
        if (c == NULL) c = stream_consumer_make(g, bytes_of(names[i]), seen_ms);
        c->active_ms = seen_ms; /* as it was seen, in this version */
        if (i == 4) continue;
        struct stream_pending *p = stream_pending_give(g, ids[i], c);
        p->delivered_ms = seen_ms;
        p->deliveries = 1;
    }
    same_stream(want, s, true);
    stream_free(s);
    stream_free(want);
}

/* One pending entry that two consumers claim to have. */
static void test_one_entry_of_two_consumers(void **state)
{
    (void)state;
    struct stream *s = stream_make(), *back;
    struct stream_group *g = stream_group_make(s, bytes_of("g"), STREAM_ID_MIN, 0);
    struct stream_consumer *a = stream_consumer_make(g, bytes_of("a"), 1);
    struct stream_consumer *b = stream_consumer_make(g, bytes_of("b"), 1);
    stream_pending_give(g, (struct stream_id){7, 7}, a);
    stream_pending_give(g, (struct stream_id){7, 8}, b);
    struct rdb_out payload = dump(s, RDB_VERSION_7_2, false);
    assert_null(load(payload.ptr, payload.len, &back));
    stream_free(back);
    payload.ptr[payload.len - 1] = 7;
    assert_string_equal(load(payload.ptr, payload.len, &back),
                        "Duplicated consumer PEL entry loading a stream consumer group");
    payload.ptr[payload.len - 1] = 9;
    assert_string_equal(load(payload.ptr, payload.len, &back),
                        "Consumer entry not found in group global PEL");
    free(payload.ptr);
    stream_free(s);
}

/* A node of Redis's layout: a field of `len` bytes that `count` entries share. */
static uint8_t *long_field_node(size_t len, unsigned count)
{
    char *name = calloc(1, len);
    uint8_t *lp = listpack_make(0), *entries = listpack_make(0);
    const int64_t head[] = {count, 0, 1};
    for (unsigned i = 0; i < 3; i++) lp = listpack_append_int(lp, head[i]);
    lp = listpack_append(lp, bytes_make(name, len));
    lp = listpack_append_int(lp, 0);
    for (unsigned i = 0; i < count; i++) {
        const int64_t entry[] = {STREAM_PACKED_NODE_NAMES, i, 0, 7, 4};
        for (unsigned k = 0; k < 5; k++) entries = listpack_append_int(entries, entry[k]);
    }
    lp = listpack_join(lp, entries); /* one by one would copy the field each time */
    heap_free(entries);
    free(name);
    return lp;
}

/* Few bytes must not become a mountain: each of our nodes would repeat the field. */
static void test_growth_is_bounded(void **state)
{
    (void)state;
    enum { LEN = 2 << 20, COUNT = 5000 };
    uint8_t *lp = long_field_node(LEN, COUNT);
    struct rdb_out b = {.room = rdb_memory_room};
    rdb_put_byte(&b, RDB_STREAM_LISTPACKS_3);
    rdb_put_len(&b, 1);
    rdb_put_string(&b, bytes_make("\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0", 16));
    rdb_put_string(&b, bytes_make((const char *)lp, listpack_bytes(lp)));
    heap_free(lp);
    struct stream *s;
    assert_string_equal(load(b.ptr, b.len, &s),
                        "Stream would take much more memory than it came in");
    assert_true(arena_peak(fixture_arena) < (size_t)40 * LEN);
    free(b.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_round_trip),        FIXTURE_TEST(test_broken_payloads),
        FIXTURE_TEST(test_payload_of_redis),  FIXTURE_TEST(test_one_entry_of_two_consumers),
        FIXTURE_TEST(test_growth_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
