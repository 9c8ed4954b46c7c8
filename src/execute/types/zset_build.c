/*
 * Building a sorted set aside: the table is filled first, then the members are sorted by merging
 * runs (results of unions are long runs often), and the tree is built from them in one go.
 */
#include "execute/types/heap.h"
#include "execute/types/zset_large.h"
#include "execute/types/zset_pack.h"

#define BUILD_ROOM 64

void zset_build_begin(struct zset_build *b) { *b = (struct zset_build){.set = zset_large_make()}; }

double *zset_build_find(const struct zset_build *b, struct key member)
{
    struct entry *m = zset_large_find(b->set, member);
    return m == NULL ? NULL : zset_score_at(m);
}

void zset_build_add(struct zset_build *b, struct key member, double score)
{
    if (b->count == b->room) {
        b->room = b->room == 0 ? BUILD_ROOM : 2 * b->room;
        b->pairs = heap_realloc(b->pairs, b->room * sizeof(struct rank_pair));
    }
    if (member.name.len > b->longest) b->longest = member.name.len;
    b->pairs[b->count++].member = zset_large_enter(b->set, member, score);
}

/* ---- Sorting ---- */

static bool zset_build_precedes(const struct rank_pair *a, const struct rank_pair *b)
{
    if (a->score != b->score) return a->score < b->score;
    return bytes_compare(zset_name(a->member), zset_name(b->member)) < 0;
}

/* The end of the run of ascending pairs that begins at `at`. */
static uint64_t zset_build_run_end(const struct rank_pair *pairs, uint64_t at, uint64_t count)
{
    do {
        at++;
    } while (at < count && zset_build_precedes(&pairs[at - 1], &pairs[at]));
    return at;
}

/* Two runs that lie one behind the other become one in `to`. */
static void zset_build_merge(struct rank_pair *to, const struct rank_pair *a,
                             const struct rank_pair *b, const struct rank_pair *end)
{
    const struct rank_pair *middle = b;
    while (a < middle && b < end) *to++ = zset_build_precedes(b, a) ? *b++ : *a++;
    while (a < middle) *to++ = *a++;
    while (b < end) *to++ = *b++;
}

/* One pass: runs are merged two by two into `to`. Gives how many are left. */
static uint64_t zset_build_merge_runs(struct rank_pair *to, const struct rank_pair *from,
                                      uint64_t count)
{
    uint64_t runs = 0;
    for (uint64_t at = 0; at < count; runs++) {
        uint64_t middle = zset_build_run_end(from, at, count);
        uint64_t end = middle < count ? zset_build_run_end(from, middle, count) : middle;
        zset_build_merge(to + at, from + at, from + middle, from + end);
        at = end;
    }
    return runs;
}

/* Gives the pairs in order, in the place of the old ones. */
static void zset_build_sort(struct zset_build *b)
{
    struct rank_pair *other = heap_alloc((b->count + 1) * sizeof(*other));
    uint64_t runs;
    do {
        runs = zset_build_merge_runs(other, b->pairs, b->count);
        struct rank_pair *sorted = other;
        other = b->pairs;
        b->pairs = sorted;
    } while (runs > 1);
    heap_free(other);
}

const struct rank_pair *zset_build_order(struct zset_build *b)
{
    for (uint64_t i = 0; i < b->count; i++) b->pairs[i].score = *zset_score_at(b->pairs[i].member);
    zset_build_sort(b);
    return b->pairs;
}

/* ---- The end ---- */

static bool zset_build_is_small(const struct zset_build *b)
{
    return b->count <= value_limits.zset_max_listpack_entries &&
           b->longest <= value_limits.zset_max_listpack_value;
}

/* NULL when it would be too large. */
static uint8_t *zset_build_pack(const struct zset_build *b)
{
    uint8_t *lp = listpack_make(0);
    for (uint64_t i = 0; i < b->count; i++) {
        struct bytes name = zset_name(b->pairs[i].member);
        if (!zset_pack_takes(lp, name)) {
            heap_free(lp);
            return NULL;
        }
        lp = zset_pack_append(lp, name, b->pairs[i].score);
    }
    return lp;
}

struct entry *zset_build_end(struct zset_build *b, struct bytes name)
{
    if (b->count == 0) {
        zset_build_drop(b);
        return NULL;
    }
    zset_build_order(b);
    struct entry *e =
        entry_make(name, entry_kind(TYPE_ZSET, ENC_SKIPLIST), ENTRY_WORD | ENTRY_ROOT, 0);
    uint8_t *lp = zset_build_is_small(b) ? zset_build_pack(b) : NULL;
    if (lp != NULL) {
        entry_set_root(e, ENC_LISTPACK, lp);
        zset_build_drop(b);
        return e;
    }
    rank_tree_build(&b->set->tree, b->pairs, b->count);
    entry_set_root(e, ENC_SKIPLIST, b->set);
    heap_free(b->pairs);
    return e;
}

void zset_build_drop(struct zset_build *b)
{
    while (!zset_large_free_some(b->set, UINT64_MAX)) continue;
    heap_free(b->pairs);
    *b = (struct zset_build){0};
}
