/* Sorted sets: member by member with scores as doubles or text, a listpack, a ziplist. */
#include "execute/types/load_parts.h"

#include "execute/types/heap.h"
#include "execute/types/zset.h"

#include <math.h>

static bool load_zset_add(struct load *l, struct zset_build *b, struct bytes member, double score)
{
    struct key key = key_make(member);
    if (isnan(score)) return load_wrong(l, "Zset has a score that is not a number");
    if (zset_build_find(b, key) != NULL) return load_wrong(l, "Zset has a member twice");
    zset_build_add(b, key, score);
    return true;
}

static bool load_take_score(struct load *l, double *score)
{
    bool taken =
        l->type == RDB_ZSET ? rdb_take_double_text(l->in, score) : rdb_take_double(l->in, score);
    return taken || load_wrong(l, "Zset has a score that is damaged");
}

static struct entry *load_zset_finish(struct load *l, struct zset_build *b, bool good)
{
    if (good) return zset_build_end(b, l->name);
    zset_build_drop(b);
    return NULL;
}

static struct entry *load_zset_members(struct load *l)
{
    uint64_t count;
    if (!load_take_count(l, 2, &count)) return NULL;
    struct zset_build b;
    zset_build_begin(&b);
    struct load_text t = {0};
    double score;
    bool good = true;
    for (; count > 0 && good; count--)
        good = load_take_text(l, &t) && load_take_score(l, &score) &&
               load_zset_add(l, &b, t.text, score);
    load_text_end(&t);
    return load_zset_finish(l, &b, good);
}

/* ---- From a listpack ---- */

/* False when it is no number. */
static bool load_pack_score(const uint8_t *at, double *score)
{
    struct bytes text;
    int64_t number;
    if (!listpack_get(at, &text, &number)) return number_double(text, score) && !isnan(*score);
    *score = (double)number;
    return true;
}

/* True when scores are numbers, and members and scores are in order. */
static bool load_pack_is_ordered(const uint8_t *lp)
{
    char scratch[2][LISTPACK_INT_CHARS];
    struct bytes before = {0};
    double before_score = 0;
    unsigned turn = 0;
    for (const uint8_t *at = listpack_first(lp); at != NULL; turn ^= 1) {
        struct bytes member = listpack_text(at, scratch[turn]);
        double score;
        at = listpack_next(lp, at);
        if (!load_pack_score(at, &score)) return false;
        bool first = before.ptr == NULL;
        if (!first && score < before_score) return false;
        if (!first && score == before_score && bytes_compare(before, member) >= 0) return false;
        before = member;
        before_score = score;
        at = listpack_next(lp, at);
    }
    return true;
}

static struct entry *load_zset_elements(struct load *l, const uint8_t *lp)
{
    struct zset_build b;
    zset_build_begin(&b);
    char scratch[LISTPACK_INT_CHARS];
    bool good = true;
    for (const uint8_t *at = listpack_first(lp); at != NULL && good; at = listpack_next(lp, at)) {
        struct bytes member = listpack_text(at, scratch);
        double score = 0;
        at = listpack_next(lp, at);
        good = load_pack_score(at, &score) && load_zset_add(l, &b, member, score);
    }
    return load_zset_finish(l, &b, good);
}

static struct entry *load_zset_pack(struct load *l)
{
    const char *what = l->type == RDB_ZSET_ZIPLIST ? "Zset ziplist integrity check failed"
                                                   : "Zset listpack integrity check failed";
    uint32_t count;
    uint8_t *lp = l->type == RDB_ZSET_ZIPLIST ? load_take_ziplist(l, &count, what)
                                              : load_take_listpack(l, &count, what);
    if (lp == NULL) return NULL;
    struct load_limits limits = {UINT32_MAX, value_limits.zset_max_listpack_value, 2};
    bool fits =
        count / 2 <= value_limits.zset_max_listpack_entries && load_fits(lp, count, &limits);
    bool good = count > 0 && count % 2 == 0 && load_pack_is_ordered(lp) &&
                (!fits || load_is_distinct(lp, count, 2));
    if (!good) load_wrong(l, count == 0 ? load_empty : what);
    if (good && fits) return load_entry(l, TYPE_ZSET, ENC_LISTPACK, lp);
    struct entry *e = good ? load_zset_elements(l, lp) : NULL;
    heap_free(lp);
    return e;
}

struct entry *load_zset(struct load *l)
{
    bool members = l->type == RDB_ZSET || l->type == RDB_ZSET_2;
    return members ? load_zset_members(l) : load_zset_pack(l);
}
