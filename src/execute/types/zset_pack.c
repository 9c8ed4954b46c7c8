/* The small form of a sorted set: searched by walking, from the end first when it is added to. */
#include "execute/types/zset_pack.h"

#include "codec/number.h"

static double zset_pack_score(const uint8_t *at)
{
    int64_t number;
    struct bytes text;
    if (listpack_get(at, &text, &number)) return (double)number;
    double score = 0;
    must(number_double(text, &score));
    return score;
}

struct zset_item zset_pack_item(const uint8_t *lp, const uint8_t *at,
                                char scratch[LISTPACK_INT_CHARS])
{
    return (struct zset_item){listpack_text(at, scratch), zset_pack_score(listpack_next(lp, at))};
}

uint8_t *zset_pack_find(const uint8_t *lp, struct bytes member)
{
    return listpack_find(lp, listpack_first(lp), member, 1);
}

uint64_t zset_pack_rank(const uint8_t *lp, const uint8_t *at)
{
    uint64_t rank = 0;
    for (const uint8_t *p = listpack_first(lp); p != at; rank++)
        p = listpack_next(lp, listpack_next(lp, p));
    return rank;
}

static bool zset_pack_is_below(const uint8_t *lp, const uint8_t *at, const struct rank_bound *b)
{
    if (b->by != RANK_BY_MEMBER) {
        double score = zset_pack_score(listpack_next(lp, at));
        if (score != b->score) return score < b->score;
        if (b->by == RANK_BY_SCORE) return b->after;
    }
    char scratch[LISTPACK_INT_CHARS];
    return bytes_compare(listpack_text(at, scratch), b->member) < (b->after ? 1 : 0);
}

uint64_t zset_pack_below(const uint8_t *lp, const struct rank_bound *b)
{
    uint64_t count = 0;
    const uint8_t *at = listpack_first(lp);
    for (; at != NULL && zset_pack_is_below(lp, at, b); count++)
        at = listpack_next(lp, listpack_next(lp, at));
    return count;
}

bool zset_pack_takes(const uint8_t *lp, struct bytes member)
{
    return listpack_count(lp) / 2 < value_limits.zset_max_listpack_entries &&
           member.len <= value_limits.zset_max_listpack_value &&
           listpack_fits(lp, member.len + NUMBER_DOUBLE_CHARS);
}

static struct bytes zset_pack_print(char out[NUMBER_DOUBLE_CHARS], double score)
{
    return bytes_make(out, number_print_double(out, score));
}

uint8_t *zset_pack_append(uint8_t *lp, struct bytes member, double score)
{
    char text[NUMBER_DOUBLE_CHARS];
    lp = listpack_append(lp, member);
    return listpack_append(lp, zset_pack_print(text, score));
}

/* The first member that is not below, or NULL. */
static uint8_t *zset_pack_place(const uint8_t *lp, const struct rank_bound *b)
{
    uint8_t *last = listpack_last(lp);
    if (last == NULL || zset_pack_is_below(lp, listpack_prev(lp, last), b)) return NULL;
    uint8_t *at = listpack_first(lp);
    while (zset_pack_is_below(lp, at, b)) at = listpack_next(lp, listpack_next(lp, at));
    return at;
}

uint8_t *zset_pack_insert(uint8_t *lp, struct bytes member, double score)
{
    struct rank_bound b = {RANK_BY_PAIR, false, score, member};
    uint8_t *at = zset_pack_place(lp, &b);
    if (at == NULL) return zset_pack_append(lp, member, score);
    char text[NUMBER_DOUBLE_CHARS];
    lp = listpack_insert(lp, &at, member);
    at = listpack_next(lp, at);
    return listpack_insert(lp, &at, zset_pack_print(text, score));
}

uint8_t *zset_pack_remove(uint8_t *lp, uint8_t *at) { return listpack_delete(lp, &at, 2); }
