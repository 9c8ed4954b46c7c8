/* Growth, split, shrink and merge of segments, and the directory that finds them. */
#include "execute/types/table.h"

#include "execute/types/heap.h"

/* Two buddies that hold no more than this together become one: well below a split, so that they do
 * not alternate. */
#define MERGE_MAX 250
/* How far ahead of a walk over entries their cache lines are asked for. */
#define AHEAD 8

static uint64_t table_word(const struct segment *s)
{
    return (uint64_t)band_homes(s->room) << BAND_TAG_SHIFT | (uint64_t)(uintptr_t)s;
}

static void table_point_at(struct table *t, const struct segment *s)
{
    uint64_t word = table_word(s), step = (uint64_t)1 << s->depth;
    for (uint64_t i = s->prefix; i <= t->mask; i += step) t->directory[i] = word;
}

static void table_enlist(struct table *t, const struct segment *s)
{
    t->slots += s->room;
    t->segment_bytes += segment_bytes(s);
    t->at_depth[s->depth]++;
}

static void table_delist(struct table *t, const struct segment *s)
{
    t->slots -= s->room;
    t->segment_bytes -= segment_bytes(s);
    t->at_depth[s->depth]--;
}

static void table_begin(struct table *t)
{
    struct segment *s = segment_make(SEGMENT_FIRST_STEP, 0, 0);
    t->directory = heap_alloc(sizeof(*t->directory));
    t->mask = 0;
    t->depth = 0;
    table_enlist(t, s);
    table_point_at(t, s);
}

/* An empty table as it was at first. */
static void table_clear(struct table *t)
{
    uint64_t at = 0;
    struct segment *s;
    while ((s = table_next_segment(t, &at)) != NULL) table_free_segment(t, s);
    table_close(t);
}

/* About the square root, as the counts of segments scatter: most get by without growing again. */
static uint64_t table_scatter(uint64_t mean)
{
    uint64_t root = 1;
    while (root * root < mean) root++;
    return root;
}

void table_expect(struct table *t, uint64_t count)
{
    const uint64_t most = band_limit(segment_step_room(SEGMENT_LAST_STEP));
    if (t->count > 0 || count < most) return;
    unsigned depth = 0;
    while ((count >> depth) + 2 * table_scatter(count >> depth) > most) depth++;
    if (depth > TABLE_DEPTH_MAX) return;
    if (t->directory != NULL) table_clear(t);
    uint64_t each = (count >> depth) + table_scatter(count >> depth);
    unsigned step = segment_step_for((uint32_t)each);
    t->depth = depth;
    t->mask = ((uint64_t)1 << depth) - 1;
    t->directory = heap_alloc((t->mask + 1) * sizeof(*t->directory));
    for (uint64_t prefix = 0; prefix <= t->mask; prefix++) {
        struct segment *s = segment_make(step, depth, prefix);
        table_enlist(t, s);
        t->directory[prefix] = table_word(s);
    }
}

static void table_double(struct table *t)
{
    must(t->depth < TABLE_DEPTH_MAX);
    size_t half = (t->mask + 1) * sizeof(*t->directory);
    t->directory = heap_realloc(t->directory, 2 * half);
    memcpy(t->directory + t->mask + 1, t->directory, half);
    t->depth++;
    t->mask = t->mask * 2 + 1;
}

static void table_halve(struct table *t)
{
    while (t->depth > 0 && t->at_depth[t->depth] == 0) {
        t->depth--;
        t->mask /= 2;
    }
    t->directory = heap_realloc(t->directory, (t->mask + 1) * sizeof(*t->directory));
}

/* Gives a segment another size, one of the steps given; false when none takes its slots. */
static bool table_resize(struct table *t, struct segment *s, unsigned step, unsigned last_step)
{
    struct segment_plan plan = {step, last_step, s->depth, s->prefix};
    struct segment *to = segment_make_of(plan, s->slots, s->count);
    if (to == NULL) return false;
    to->deadlines = s->deadlines;
    to->deadline_count = s->deadline_count;
    to->deadline_step = s->deadline_step;
    to->heap_at = s->heap_at;
    s->deadlines = NULL;
    deadline_moved(&t->deadlines, to);
    table_delist(t, s);
    table_enlist(t, to);
    table_point_at(t, to);
    segment_free(s);
    return true;
}

/* A new segment in the place of old ones. */
static void table_adopt(struct table *t, const struct segment *s)
{
    table_enlist(t, s);
    table_point_at(t, s);
}

/* Reads the deadlines of a segment's entries; they were read just before, to be split. */
static void table_index_deadlines(struct table *t, struct segment *s)
{
    uint64_t words[SEGMENT_ROOM_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0, left = s->count; left > 0; i++) {
        if (s->slots[i] == 0) continue;
        left--;
        const struct entry *e = segment_entry(s->slots[i]);
        int64_t due_ms = entry_due(e);
        if (due_ms != ENTRY_NO_DEADLINE) words[count++] = deadline_word(s->slots[i], due_ms);
    }
    deadline_build(&t->deadlines, s, words, count);
}

static void table_split(struct table *t, struct segment *s)
{
    if (s->depth == t->depth) table_double(t);
    uint64_t words[SEGMENT_ROOM_MAX], half[2][SEGMENT_ROOM_MAX];
    uint32_t count = 0, counts[2] = {0, 0};
    for (uint32_t i = 0; count < s->count; i++) {
        if (s->slots[i] != 0) words[count++] = s->slots[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        if (i + AHEAD < count) __builtin_prefetch(segment_entry(words[i + AHEAD]));
        const struct entry *e = segment_entry(words[i]);
        unsigned side = hash_bytes(entry_name_at(e), entry_name_len(e)) >> s->depth & 1;
        half[side][counts[side]++] = words[i];
    }
    bool deadlines = s->deadline_count > 0;
    deadline_drop(&t->deadlines, s);
    table_delist(t, s);
    for (unsigned side = 0; side < 2; side++) {
        struct segment_plan plan = {segment_step_for(counts[side]), SEGMENT_LAST_STEP,
                                    s->depth + 1u, s->prefix | (uint64_t)side << s->depth};
        struct segment *to = segment_make_of(plan, half[side], counts[side]);
        must(to != NULL);
        table_adopt(t, to);
        if (deadlines) table_index_deadlines(t, to);
    }
    segment_free(s);
}

static void table_grow(struct table *t, struct segment *s)
{
    if (s->step < SEGMENT_LAST_STEP && table_resize(t, s, s->step + 1u, SEGMENT_LAST_STEP)) return;
    table_split(t, s);
}

void table_insert(struct table *t, uint64_t hash, struct entry *e)
{
    if (unlikely(t->directory == NULL)) table_begin(t);
    uint64_t slot = segment_slot(hash, e);
    struct segment *s = table_segment(t, hash);
    while (s->count >= band_limit(s->room) || !band_insert(s->slots, s->room, slot)) {
        table_grow(t, s);
        s = table_segment(t, hash);
    }
    s->count++;
    t->count++;
    table_due_change(t, hash, TABLE_NEVER_DUE, table_due_of(e));
}

uint64_t *table_slot_of(const struct table *t, uint64_t hash, const struct entry *e)
{
    struct segment *s = table_segment(t, hash);
    int32_t at = band_find(s->slots, s->room, segment_slot(hash, e));
    must(at >= 0);
    return &s->slots[at];
}

void table_take(struct table *t, struct segment *s, uint64_t *slot)
{
    band_remove(s->slots, s->room, (uint32_t)(slot - s->slots));
    s->count--;
    t->count--;
}

void table_remove(struct table *t, uint64_t hash, uint64_t *slot)
{
    struct segment *s = table_segment(t, hash);
    table_due_change(t, hash, table_due_of(segment_entry(*slot)), TABLE_NEVER_DUE);
    table_take(t, s, slot);
    table_settle(t, s);
}

/* The deadlines of two segments become those of one. */
static void table_join_deadlines(struct table *t, struct segment *a, struct segment *b,
                                 struct segment *to)
{
    uint64_t words[MERGE_MAX];
    uint32_t a_room = a->deadlines == NULL ? 0 : band_rooms[a->deadline_step];
    uint32_t b_room = b->deadlines == NULL ? 0 : band_rooms[b->deadline_step];
    uint32_t count = band_interleave(a->deadlines, a_room, b->deadlines, b_room, words);
    deadline_drop(&t->deadlines, a);
    deadline_drop(&t->deadlines, b);
    deadline_build(&t->deadlines, to, words, count);
}

/* Merges a segment with its buddy where both are nearly empty; gives the merged one or NULL. */
static struct segment *table_merge(struct table *t, struct segment *s)
{
    if (s->depth == 0 || s->count > MERGE_MAX) return NULL;
    uint64_t bit = (uint64_t)1 << (s->depth - 1);
    struct segment *buddy = table_segment(t, s->prefix ^ bit);
    if (buddy->depth != s->depth || s->count + buddy->count > MERGE_MAX) return NULL;
    uint64_t words[MERGE_MAX];
    uint32_t count = band_interleave(s->slots, s->room, buddy->slots, buddy->room, words);
    struct segment_plan plan = {segment_step_for(count), SEGMENT_LAST_STEP, s->depth - 1u,
                                s->prefix & ~bit};
    struct segment *to = segment_make_of(plan, words, count);
    if (to == NULL) return NULL;
    table_join_deadlines(t, s, buddy, to);
    table_delist(t, s);
    table_delist(t, buddy);
    table_adopt(t, to);
    segment_free(s);
    segment_free(buddy);
    return to;
}

void table_settle(struct table *t, struct segment *s)
{
    unsigned depth = t->depth;
    for (struct segment *merged = s; (merged = table_merge(t, s)) != NULL;) s = merged;
    if (depth > 0 && t->at_depth[depth] == 0) table_halve(t);
    if (s->step == SEGMENT_FIRST_STEP) return;
    if (s->count >= band_limit(segment_step_room(s->step - 1u)) * 3 / 4) return;
    unsigned step = segment_step_for(s->count + s->count / 8u);
    if (step < s->step) table_resize(t, s, step, s->step - 1u);
}

size_t table_bytes(const struct table *t)
{
    size_t sum = t->segment_bytes + t->deadlines.words * sizeof(uint64_t);
    sum += t->deadlines.cap * sizeof(struct deadline_due);
    if (t->directory != NULL) sum += (t->mask + 1) * sizeof(*t->directory);
    return sum;
}

struct segment *table_next_segment(const struct table *t, uint64_t *index)
{
    while (t->directory != NULL && *index <= t->mask) {
        uint64_t i = (*index)++;
        struct segment *s = table_word_segment(t->directory[i]);

        if (s != NULL && s->prefix == i) return s;
    }
    return NULL;
}

uint64_t table_free_segment(struct table *t, struct segment *s)
{
    uint64_t count = s->count;
    uint32_t ahead = 0;
    deadline_drop(&t->deadlines, s);
    table_delist(t, s);
    t->count -= count;
    for (uint64_t i = s->prefix, step = (uint64_t)1 << s->depth; i <= t->mask; i += step) {
        t->directory[i] = 0;
    }
    for (uint32_t i = 0; i < s->room; i++) {
        for (; ahead < s->room && ahead < i + AHEAD; ahead++) {
            if (s->slots[ahead] != 0) __builtin_prefetch(segment_entry(s->slots[ahead]));
        }
        if (s->slots[i] != 0) entry_free(segment_entry(s->slots[i]));
    }
    segment_free(s);
    return count;
}

void table_close(struct table *t)
{
    must(t->count == 0 && t->slots == 0);
    deadline_close(&t->deadlines);
    heap_free(t->directory);
    *t = (struct table){0};
}

/*
 * Every slot of every segment is as likely as another, empty ones are drawn again: a segment of
 * depth d stands under 2^(depth-d) indexes but only its first one counts.
 */
uint64_t *table_random(const struct table *t, struct random *random)
{
    for (;;) {
        uint64_t index = random_next(random);
        struct segment *s = table_segment(t, index);
        if (s->prefix != (index & t->mask)) continue;
        uint32_t room = t->depth == 0 ? s->room : SEGMENT_ROOM_MAX;
        uint64_t at = random_below(random, room);
        if (at < s->room && s->slots[at] != 0) return &s->slots[at];
    }
}
