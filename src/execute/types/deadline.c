/* Invariant of the heap: due[i] is not later than due[2i+1] and due[2i+2], and
 * due[i].segment->heap_at == i. */
#include "execute/types/deadline.h"

#include "execute/types/heap.h"

#define HEAP_FIRST 4

uint64_t deadline_word(uint64_t hash, int64_t at_ms)
{
    if (at_ms < 1) at_ms = 1;
    if (at_ms > (int64_t)BAND_LOW) at_ms = (int64_t)BAND_LOW;
    return (hash & ~BAND_LOW) | (uint64_t)at_ms;
}

static void heap_place(struct deadline_heap *h, uint32_t i, struct deadline_due due)
{
    h->due[i] = due;
    due.segment->heap_at = i;
}

static void heap_rise(struct deadline_heap *h, uint32_t i, struct deadline_due due)
{
    for (; i > 0; i = (i - 1) / 2) {
        uint32_t up = (i - 1) / 2;
        if (h->due[up].at_ms <= due.at_ms) break;
        heap_place(h, i, h->due[up]);
    }
    heap_place(h, i, due);
}

static void heap_sink(struct deadline_heap *h, uint32_t i, struct deadline_due due)
{
    for (;;) {
        uint32_t down = 2 * i + 1;
        if (down >= h->count) break;
        if (down + 1 < h->count && h->due[down + 1].at_ms < h->due[down].at_ms) down++;
        if (h->due[down].at_ms >= due.at_ms) break;
        heap_place(h, i, h->due[down]);
        i = down;
    }
    heap_place(h, i, due);
}

static void heap_replace(struct deadline_heap *h, uint32_t i, struct deadline_due due)
{
    if (i > 0 && h->due[(i - 1) / 2].at_ms > due.at_ms)
        heap_rise(h, i, due);
    else
        heap_sink(h, i, due);
}

static void heap_push(struct deadline_heap *h, struct deadline_due due)
{
    if (h->count == h->cap) {
        h->cap = h->cap == 0 ? HEAP_FIRST : h->cap * 2;
        h->due = heap_realloc(h->due, h->cap * sizeof(*h->due));
    }
    heap_rise(h, h->count++, due);
}

static void heap_pop(struct deadline_heap *h, uint32_t i)
{
    struct deadline_due last = h->due[--h->count];
    if (i < h->count) heap_replace(h, i, last);
    if (h->cap > HEAP_FIRST && h->count < h->cap / 4) {
        h->cap /= 2;
        h->due = heap_realloc(h->due, h->cap * sizeof(*h->due));
    }
}

/* Fills a new band of `step` or, when the words do not fit, of one of the next. `from` may have
 * empty places. */
static void deadline_fill(struct deadline_heap *h, struct segment *s, unsigned step,
                          const uint64_t *from)
{
    for (;; step++) {
        must(step < BAND_STEPS);
        uint64_t *words = heap_zalloc(band_rooms[step] * sizeof(*words));
        if (band_fill(words, band_rooms[step], from, s->deadline_count)) {
            h->words += band_rooms[step];
            s->deadlines = words;
            s->deadline_step = (uint8_t)step;
            return;
        }
        heap_free(words);
    }
}

static unsigned deadline_step_for(uint32_t count)
{
    unsigned step = 0;
    while (step < BAND_STEPS - 1 && band_limit(band_rooms[step]) < count) step++;
    return step;
}

static void deadline_resize(struct deadline_heap *h, struct segment *s, unsigned step)
{
    uint64_t *old = s->deadlines;
    h->words -= band_rooms[s->deadline_step];
    deadline_fill(h, s, step, old);
    heap_free(old);
}

void deadline_build(struct deadline_heap *h, struct segment *s, const uint64_t *words,
                    uint32_t count)
{
    if (count == 0) return;
    s->deadline_count = (uint16_t)count;
    deadline_fill(h, s, deadline_step_for(count), words);
    h->keys += count;
    int64_t at_ms = INT64_MAX;
    for (uint32_t i = 0; i < count; i++) {
        if (deadline_of_word(words[i]) < at_ms) at_ms = deadline_of_word(words[i]);
    }
    heap_push(h, (struct deadline_due){at_ms, s});
}

void deadline_add(struct deadline_heap *h, struct segment *s, uint64_t word)
{
    struct deadline_due due = {deadline_of_word(word), s};
    if (s->deadlines == NULL) {
        s->deadlines = heap_zalloc(band_rooms[0] * sizeof(*s->deadlines));
        s->deadline_step = 0;
        h->words += band_rooms[0];
        heap_push(h, due);
    } else if (due.at_ms < h->due[s->heap_at].at_ms) {
        heap_rise(h, s->heap_at, due);
    }
    if (s->deadline_count >= band_limit(band_rooms[s->deadline_step]) &&
        s->deadline_step < BAND_STEPS - 1) {
        deadline_resize(h, s, s->deadline_step + 1);
    }
    while (!band_insert(s->deadlines, band_rooms[s->deadline_step], word)) {
        deadline_resize(h, s, s->deadline_step + 1);
    }
    s->deadline_count++;
    h->keys++;
}

void deadline_remove(struct deadline_heap *h, struct segment *s, uint64_t word)
{
    must(s->deadlines != NULL);
    uint32_t room = band_rooms[s->deadline_step];
    int32_t at = band_find(s->deadlines, room, word);
    must(at >= 0);
    band_remove(s->deadlines, room, (uint32_t)at);
    s->deadline_count--;
    h->keys--;
    if (s->deadline_count == 0) {
        deadline_drop(h, s);
    } else if (s->deadline_step > 0 &&
               s->deadline_count < band_limit(band_rooms[s->deadline_step - 1]) * 3 / 4) {
        deadline_resize(h, s, s->deadline_step - 1);
    }
}

void deadline_moved(struct deadline_heap *h, struct segment *s)
{
    if (s->deadlines != NULL) h->due[s->heap_at].segment = s;
}

void deadline_drop(struct deadline_heap *h, struct segment *s)
{
    if (s->deadlines == NULL) return;
    heap_pop(h, s->heap_at);
    h->keys -= s->deadline_count;
    h->words -= band_rooms[s->deadline_step];
    heap_free(s->deadlines);
    s->deadlines = NULL;
    s->deadline_count = 0;
}

/* What stays when many go: one pass instead of a removal for each. */
static void deadline_keep(struct deadline_heap *h, struct segment *s, const uint64_t *words,
                          uint32_t count)
{
    uint64_t *old = s->deadlines;
    h->words -= band_rooms[s->deadline_step];
    h->keys -= s->deadline_count - count;
    s->deadline_count = (uint16_t)count;
    deadline_fill(h, s, deadline_step_for(count), words);
    heap_free(old);
}

uint32_t deadline_take_due(struct deadline_heap *h, struct segment *s, int64_t now_ms,
                           uint64_t *out, uint32_t max)
{
    uint64_t rest[SEGMENT_ROOM_MAX], next = BAND_LOW;
    uint64_t now = now_ms < 0 ? 0 : (uint64_t)now_ms;
    uint32_t taken = 0, left = 0;
    for (uint32_t i = 0; i < band_rooms[s->deadline_step]; i++) {
        uint64_t word = s->deadlines[i],
                 before = (word & BAND_LOW) - 1; /* an empty place is never due */
        if (unlikely(before < now) && taken < max) {
            out[taken++] = word;
            continue;
        }
        next = before < next ? before : next;
        rest[left] = word;
        left += word != 0;
    }
    if (left == 0) {
        deadline_drop(h, s);
        return taken;
    }
    heap_replace(h, s->heap_at,
                 (struct deadline_due){(int64_t)(next < BAND_LOW ? next + 1 : next), s});
    if (taken > left / 8) {
        deadline_keep(h, s, rest, left);
    } else {
        for (uint32_t i = 0; i < taken; i++) deadline_remove(h, s, out[i]);
    }
    return taken;
}

void deadline_close(struct deadline_heap *h)
{
    must(h->count == 0);
    heap_free(h->due);
    *h = (struct deadline_heap){0};
}
