/*
 * Fuzzes the nodes of streams: the input is a row of operations on one stream, small ids and texts
 * from the input itself. What must hold: every entry reads back as it was added, in both
 * directions, after any deletions and trimming, and the invariants of stream_check().
 */
#include "execute/types/heap.h"
#include "execute/types/stream.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 400, PAIRS = 4 };

struct fuzz_entry {
    struct stream_id id;
    uint32_t count;
    struct bytes texts[2 * PAIRS]; /* in the input */
};

static struct fuzz_entry model[MOST];
static uint32_t model_count;
static const uint8_t *at, *end;

static void check(bool good)
{
    if (!good) abort();
}

static uint32_t take(void) { return at < end ? *at++ : 0; }

static struct bytes take_text(void)
{
    size_t len = take() & 0x1f;
    if (len == 0x1f) len = take();
    if (len > (size_t)(end - at)) len = (size_t)(end - at);
    struct bytes text = bytes_make((const char *)at, len);
    at += len;
    return text;
}

static void add(struct stream *s, struct stream_limits limits)
{
    if (model_count == MOST) return;
    struct fuzz_entry *m = &model[model_count];
    uint32_t how = take();
    m->id = s->last_id;
    if (how & 1) m->id.ms += (uint64_t)take() << (how & 0x38);
    if (m->id.ms != s->last_id.ms)
        m->id.seq = take();
    else if (!stream_id_raise(&m->id))
        return;
    if (stream_id_compare(m->id, s->last_id) <= 0) return;
    m->count = 1 + (how >> 6) % PAIRS;
    bool same = (how & 2) && model_count > 0 && m[-1].count == m->count;
    for (uint32_t i = 0; i < 2 * m->count; i++)
        m->texts[i] = same && i % 2 == 0 ? m[-1].texts[i] : take_text();
    stream_append(s, m->id, (struct stream_pairs){m->texts, m->count}, limits);
    model_count++;
}

static void forget(uint32_t i, uint32_t count)
{
    memmove(model + i, model + i + count, (model_count - i - count) * sizeof(model[0]));
    model_count -= count;
}

static void trim(struct stream *s)
{
    uint32_t how = take();
    struct stream_trim t = {.by = how & 1 ? STREAM_TRIM_LENGTH : STREAM_TRIM_ID,
                            .about = how & 2,
                            .limit = how & 4 ? take() : 0,
                            .length = take()};
    uint32_t gone = model_count > t.length ? model_count - (uint32_t)t.length : 0;
    if (t.by == STREAM_TRIM_ID) {
        if (model_count == 0) return;
        gone = (uint32_t)t.length % model_count;
        t.min = model[gone].id;
    }
    uint64_t deleted = stream_trim(s, &t);
    check(t.about ? deleted <= gone : deleted == gone);
    forget(0, (uint32_t)deleted);
}

static void check_entry(struct stream_entry *entry, const struct fuzz_entry *m)
{
    struct bytes field, value;
    char scratch[2][NUMBER_INT_CHARS];
    check(stream_id_compare(entry->id, m->id) == 0);
    for (uint32_t i = 0; i < m->count; i++) {
        check(stream_entry_pair(entry, &field, &value, scratch));
        check(bytes_equal(field, m->texts[2 * i]) && bytes_equal(value, m->texts[2 * i + 1]));
    }
    check(!stream_entry_pair(entry, &field, &value, scratch));
}

static void check_all(const struct stream *s)
{
    stream_check(s);
    check(s->length == model_count);
    struct stream_walk w;
    stream_walk_open(&w, s, STREAM_ID_MIN, STREAM_ID_MAX);
    for (uint32_t i = 0; i < model_count; i++) {
        check(stream_walk_next(&w));
        check_entry(&w.entry, &model[i]);
    }
    check(!stream_walk_next(&w));
    struct stream_walk_back b;
    stream_walk_back_open(&b, s, STREAM_ID_MIN, STREAM_ID_MAX);
    for (uint32_t i = model_count; i > 0; i--) {
        check(stream_walk_back_next(&b));
        check_entry(&b.entry, &model[i - 1]);
    }
    check(!stream_walk_back_next(&b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;
    if (arena == NULL) heap_use(arena = arena_open("fuzz"));
    at = data;
    end = data + size;
    model_count = 0;
    struct stream *s = stream_make();
    struct stream_limits limits = {take() * 8, take() % 120};
    while (at < end) {
        uint32_t how = take();
        if (how < 200) {
            add(s, limits);
        } else if (how < 250 && model_count > 0) {
            uint32_t i = take() % model_count;
            check(stream_delete(s, model[i].id));
            forget(i, 1);
        } else {
            trim(s);
        }
    }
    check_all(s);
    struct stream *copy = stream_copy(s);
    stream_free(s);
    check_all(copy);
    while (!stream_free_some(copy, 2)) continue;
    check(arena_used(arena) == 0);
    return 0;
}
