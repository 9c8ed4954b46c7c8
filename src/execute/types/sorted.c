/*
 * Sorted arrays in chunks.
 *
 * Invariants: no chunk in use is empty; a chunk's records are data[from .. from + count); `count`
 * and `bytes` are sums over the chunks. Chunks that are appended to are left full, a full one that
 * something is put into is split in halves, and one that fell below a quarter joins a neighbour
 * where both leave room for more.
 */
#include "execute/types/sorted.h"

#include "base/must.h"
#include "execute/types/heap.h"

#include <string.h>

enum { SORTED_FIRST_ROOM = 4 }; /* records of a young chunk, chunks of a young list */

struct sorted_chunk {
    uint16_t from, count, room; /* records */
    uint16_t unused;
    uint64_t data[];
};

static size_t sorted_chunk_size(const struct sorted *s, uint32_t room)
{
    return sizeof(struct sorted_chunk) + (size_t)room * s->kind->record;
}

static struct sorted_chunk *sorted_chunk_of(const struct sorted *s, uint32_t i)
{
    return s->chunks[s->from + i];
}

static char *sorted_record(const struct sorted *s, const struct sorted_chunk *c, uint32_t i)
{
    return (char *)(uintptr_t)c->data + (size_t)(c->from + i) * s->kind->record;
}

void sorted_open(struct sorted *s, const struct sorted_kind *kind)
{
    must(kind->record % 8 == 0 && kind->most >= 8);
    *s = (struct sorted){.kind = kind};
}

/* ---- Chunks ---- */

static struct sorted_chunk *sorted_chunk_make(struct sorted *s, uint32_t room)
{
    struct sorted_chunk *c = heap_alloc(sorted_chunk_size(s, room));
    *c = (struct sorted_chunk){.room = (uint16_t)room};
    s->bytes += arena_usable(c);
    return c;
}

static void sorted_chunk_free(struct sorted *s, struct sorted_chunk *c)
{
    s->bytes -= arena_usable(c);
    heap_free(c);
}

/* Puts a chunk into the list before the i-th one. */
static void sorted_list_insert(struct sorted *s, uint32_t i, struct sorted_chunk *c)
{
    if (s->from + s->chunk_count == s->room) {
        if (s->from > s->room / 2) {
            memmove(s->chunks, s->chunks + s->from, s->chunk_count * sizeof(struct sorted_chunk *));
            s->from = 0;
        } else {
            s->room = s->room == 0 ? SORTED_FIRST_ROOM : s->room * 2;
            if (s->chunks != NULL) s->bytes -= arena_usable(s->chunks);
            s->chunks = heap_realloc(s->chunks, s->room * sizeof(struct sorted_chunk *));
            s->bytes += arena_usable(s->chunks);
        }
    }
    struct sorted_chunk **at = s->chunks + s->from + i;
    memmove(at + 1, at, (s->chunk_count - i) * sizeof(struct sorted_chunk *));
    *at = c;
    s->chunk_count++;
}

static void sorted_list_remove(struct sorted *s, uint32_t i)
{
    sorted_chunk_free(s, sorted_chunk_of(s, i));
    s->chunk_count--;
    if (i == 0) {
        s->from++;
        return;
    }
    struct sorted_chunk **at = s->chunks + s->from + i;
    memmove(at, at + 1, (s->chunk_count - i) * sizeof(struct sorted_chunk *));
}

/* Frees the list when its last chunk has gone. */
static void sorted_list_end(struct sorted *s)
{
    if (s->chunk_count > 0 || s->chunks == NULL) return;
    s->bytes -= arena_usable(s->chunks);
    heap_free(s->chunks);
    s->chunks = NULL;
    s->from = s->room = 0;
}

bool sorted_close_some(struct sorted *s, uint32_t max)
{
    for (uint32_t i = 0; i < max && s->chunk_count > 0; i++) {
        s->count -= sorted_chunk_of(s, 0)->count;
        sorted_list_remove(s, 0);
    }
    sorted_list_end(s);
    return s->chunk_count == 0;
}

void sorted_close(struct sorted *s) { sorted_close_some(s, UINT32_MAX); }

void sorted_copy(struct sorted *to, const struct sorted *from)
{
    sorted_open(to, from->kind);
    for (uint32_t i = 0; i < from->chunk_count; i++) {
        const struct sorted_chunk *c = sorted_chunk_of(from, i);
        struct sorted_chunk *copy = sorted_chunk_make(to, c->count);
        copy->count = c->count;
        memcpy(copy->data, sorted_record(from, c, 0), (size_t)c->count * from->kind->record);
        sorted_list_insert(to, i, copy);
    }
    to->count = from->count;
}

/* ---- Places ---- */

struct sorted_place sorted_end(const struct sorted *s)
{
    return (struct sorted_place){s->chunk_count, 0};
}

void *sorted_at(const struct sorted *s, struct sorted_place at)
{
    if (at.chunk >= s->chunk_count) return NULL;
    return sorted_record(s, sorted_chunk_of(s, at.chunk), at.index);
}

void sorted_next(const struct sorted *s, struct sorted_place *at)
{
    if (++at->index < sorted_chunk_of(s, at->chunk)->count) return;
    *at = (struct sorted_place){at->chunk + 1, 0};
}

bool sorted_prev(const struct sorted *s, struct sorted_place *at)
{
    if (at->index > 0) {
        at->index--;
        return true;
    }
    if (at->chunk == 0) return false;
    at->chunk--;
    at->index = sorted_chunk_of(s, at->chunk)->count - 1u;
    return true;
}

void *sorted_find_last(const struct sorted *s)
{
    struct sorted_place at = sorted_end(s);
    return sorted_prev(s, &at) ? sorted_at(s, at) : NULL;
}

struct sorted_place sorted_seek(const struct sorted *s, const void *key)
{
    const void *last = sorted_find_last(s);
    if (last == NULL || s->kind->compare(last, key) < 0) return sorted_end(s);
    uint32_t low = 0,
             high = s->chunk_count - 1; /* the first chunk whose last record is not before */
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const struct sorted_chunk *c = sorted_chunk_of(s, mid);
        if (s->kind->compare(sorted_record(s, c, c->count - 1u), key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    const struct sorted_chunk *c = sorted_chunk_of(s, low);
    uint32_t first = 0, behind = c->count - 1u;
    while (first < behind) {
        uint32_t mid = (first + behind) / 2;
        if (s->kind->compare(sorted_record(s, c, mid), key) < 0)
            first = mid + 1;
        else
            behind = mid;
    }
    return (struct sorted_place){low, first};
}

void *sorted_find(const struct sorted *s, const void *key)
{
    void *record = sorted_at(s, sorted_seek(s, key));
    return record != NULL && s->kind->compare(record, key) == 0 ? record : NULL;
}

/* ---- Insertion and removal ---- */

/* Makes room for one record more in the i-th chunk, which is not full. */
static struct sorted_chunk *sorted_chunk_widen(struct sorted *s, uint32_t i)
{
    struct sorted_chunk *c = sorted_chunk_of(s, i);
    if (c->from + c->count < c->room) return c;
    if (c->from > 0) {
        memmove(c->data, sorted_record(s, c, 0), (size_t)c->count * s->kind->record);
        c->from = 0;
        return c;
    }
    uint32_t room = c->room * 2u < s->kind->most ? c->room * 2u : s->kind->most;
    s->bytes -= arena_usable(c);
    c = heap_realloc(c, sorted_chunk_size(s, room));
    s->bytes += arena_usable(c);
    c->room = (uint16_t)room;
    s->chunks[s->from + i] = c;
    return c;
}

/* Moves the upper half of a full chunk into a new one behind it. */
static void sorted_chunk_split(struct sorted *s, uint32_t i)
{
    struct sorted_chunk *c = sorted_chunk_of(s, i), *upper = sorted_chunk_make(s, s->kind->most);
    upper->count = c->count / 2;
    c->count = (uint16_t)(c->count - upper->count);
    memcpy(upper->data, sorted_record(s, c, c->count), (size_t)upper->count * s->kind->record);
    sorted_list_insert(s, i + 1, upper);
}

void *sorted_insert(struct sorted *s, struct sorted_place at)
{
    if (at.index == 0 && at.chunk > 0) { /* the same place, seen from the chunk before */
        at.chunk--;
        at.index = sorted_chunk_of(s, at.chunk)->count;
    }
    if (s->chunk_count == 0) {
        sorted_list_insert(s, 0, sorted_chunk_make(s, SORTED_FIRST_ROOM));
    } else if (sorted_chunk_of(s, at.chunk)->count == s->kind->most) {
        bool at_end = at.index == s->kind->most;
        if (at_end && at.chunk + 1 == s->chunk_count)
            sorted_list_insert(s, at.chunk + 1, sorted_chunk_make(s, s->kind->most));
        else if (!at_end)
            sorted_chunk_split(s, at.chunk);
        else if (sorted_chunk_of(s, at.chunk + 1)->count == s->kind->most)
            sorted_chunk_split(s, at.chunk + 1);
        uint32_t here = sorted_chunk_of(s, at.chunk)->count;
        if (at_end || at.index > here) at = (struct sorted_place){at.chunk + 1, at.index - here};
    }
    struct sorted_chunk *c = sorted_chunk_widen(s, at.chunk);
    char *record = sorted_record(s, c, at.index);
    memmove(record + s->kind->record, record, (size_t)(c->count - at.index) * s->kind->record);
    c->count++;
    s->count++;
    return record;
}

/* Joins chunk i + 1 to chunk i when both have become small. */
static bool sorted_chunks_join(struct sorted *s, uint32_t i)
{
    if (i + 1 >= s->chunk_count) return false;
    struct sorted_chunk *a = sorted_chunk_of(s, i), *b = sorted_chunk_of(s, i + 1);
    uint32_t sum = (uint32_t)a->count + b->count;
    if (sum > s->kind->most * 3u / 4) return false;
    struct sorted_chunk *c = sorted_chunk_make(s, s->kind->most);
    memcpy(c->data, sorted_record(s, a, 0), (size_t)a->count * s->kind->record);
    memcpy(sorted_record(s, c, a->count), sorted_record(s, b, 0),
           (size_t)b->count * s->kind->record);
    c->count = (uint16_t)sum;
    s->chunks[s->from + i] = c;
    sorted_chunk_free(s, a);
    sorted_list_remove(s, i + 1);
    return true;
}

void sorted_remove(struct sorted *s, struct sorted_place *at)
{
    struct sorted_chunk *c = sorted_chunk_of(s, at->chunk);
    char *record = sorted_record(s, c, at->index);
    c->count--;
    s->count--;
    if (at->index == 0) {
        c->from++;
    } else {
        memmove(record, record + s->kind->record, (size_t)(c->count - at->index) * s->kind->record);
    }
    if (c->count == 0) {
        sorted_list_remove(s, at->chunk);
        sorted_list_end(s);
        return;
    }
    if (c->count < s->kind->most / 4 && !sorted_chunks_join(s, at->chunk) && at->chunk > 0) {
        uint32_t before = sorted_chunk_of(s, at->chunk - 1)->count;
        if (sorted_chunks_join(s, at->chunk - 1)) {
            at->chunk--;
            at->index += before;
        }
    }
    if (at->index == sorted_chunk_of(s, at->chunk)->count)
        *at = (struct sorted_place){at->chunk + 1, 0};
}
