/*
 * Places in an area: GEOSEARCH, GEOSEARCHSTORE, and the older GEORADIUS family.
 *
 * All are one search. What differs is where the area stands among the arguments, which options are
 * known, and whether the places found are answered or stored.
 */
#include "execute/commands/geo.h"

#include "base/keysort.h"
#include "codec/geo_area.h"
#include "codec/number.h"
#include "execute/commands/table.h"
#include "execute/commands/typed.h"
#include "execute/commands/zset_reply.h"
#include "execute/types/heap.h"

enum geo_form {
    GEO_RADIUS,        /* key lon lat radius unit */
    GEO_RADIUS_MEMBER, /* key member radius unit */
    GEO_SEARCH,        /* key, and the area by options */
    GEO_SEARCH_STORE,  /* destination key, and the area by options */
};

enum geo_option {
    GEO_WITHDIST = 1,
    GEO_WITHHASH = 2,
    GEO_WITHCOORD = 4,
    GEO_ASC = 8,
    GEO_DESC = 16,
    GEO_ANY = 32,
    GEO_STOREDIST = 64, /* store distances instead of the numbers of the places */
};

struct geo_query {
    enum geo_form form;
    bool may_store;
    const struct entry *e; /* the source, NULL when it is absent */
    unsigned options;
    uint64_t count; /* 0: all */
    uint32_t to;    /* argument with the key to store at, 0: none */
    uint32_t at;    /* the next argument to look at */
    bool has_center, has_shape;
    struct geo_point center;
    bool is_box;
    double radius_m, width_m, height_m;
    double unit_m;
};

/* ---- Arguments ---- */

static bool geo_fail(struct call *c, const char *error)
{
    reply_error(c, error);
    return false;
}

/* A length that is not negative, at the next argument. */
static bool geo_length(struct call *c, struct geo_query *q, const char *not_number,
                       const char *negative, double *out)
{
    if (!number_double(arg(c, q->at), out)) return geo_fail(c, not_number);
    if (*out < 0) return geo_fail(c, negative);
    q->at++;
    return true;
}

/* A radius and its unit. */
static bool geo_take_radius(struct call *c, struct geo_query *q)
{
    if (!geo_length(c, q, "ERR need numeric radius", "ERR radius cannot be negative", &q->radius_m))
        return false;
    if (!geo_unit(c, q->at++, &q->unit_m)) return false;
    q->radius_m *= q->unit_m;
    q->has_shape = true;
    return true;
}

static bool geo_take_box(struct call *c, struct geo_query *q)
{
    static const char negative[] = "ERR height or width cannot be negative";
    double width, height;
    if (!number_double(arg(c, q->at), &width)) return geo_fail(c, "ERR need numeric width");
    if (!number_double(arg(c, q->at + 1), &height)) return geo_fail(c, "ERR need numeric height");
    if (width < 0 || height < 0) return geo_fail(c, negative);
    if (!geo_unit(c, q->at + 2, &q->unit_m)) return false;
    q->at += 3;
    q->width_m = width * q->unit_m;
    q->height_m = height * q->unit_m;
    q->has_shape = q->is_box = true;
    return true;
}

static bool geo_take_lonlat(struct call *c, struct geo_query *q)
{
    if (!geo_lonlat(c, q->at, &q->center)) return false;
    q->at += 2;
    q->has_center = true;
    return true;
}

/* Of a source that is absent any member will do: nothing will be found. */
static bool geo_take_member(struct call *c, struct geo_query *q)
{
    q->has_center = true;
    struct bytes member = arg(c, q->at++);
    if (q->e == NULL || geo_place(q->e, member, &q->center)) return true;
    return geo_fail(c, "ERR could not decode requested zset member");
}

/* The arguments before the options. */
static bool geo_parse_head(struct call *c, struct geo_query *q)
{
    q->at = q->form == GEO_SEARCH_STORE ? 3 : 2;
    q->to = q->form == GEO_SEARCH_STORE ? 1 : 0;
    if (q->form == GEO_RADIUS) return geo_take_lonlat(c, q) && geo_take_radius(c, q);
    if (q->form == GEO_RADIUS_MEMBER) {
        if (q->e == NULL) {
            q->at = 5;
            return true;
        }
        return geo_take_member(c, q) && geo_take_radius(c, q);
    }
    return true;
}

/* Options of one word. */
static bool geo_word(struct call *c, struct geo_query *q)
{
    static const struct {
        const char *word;
        unsigned option;
    } words[] = {{"withdist", GEO_WITHDIST},
                 {"withhash", GEO_WITHHASH},
                 {"withcoord", GEO_WITHCOORD},
                 {"any", GEO_ANY},
                 {"asc", GEO_ASC},
                 {"desc", GEO_DESC},
                 {"storedist", GEO_STOREDIST}};
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
        if (!call_arg_is(c, q->at, words[k].word)) continue;
        if (words[k].option == GEO_STOREDIST && q->form != GEO_SEARCH_STORE) return false;
        if (words[k].option & (GEO_ASC | GEO_DESC)) q->options &= ~(unsigned)(GEO_ASC | GEO_DESC);
        q->options |= words[k].option;
        q->at++;
        return true;
    }
    return false;
}

static bool geo_take_count(struct call *c, struct geo_query *q)
{
    int64_t count;
    if (!call_int(c, q->at, &count)) return false;
    if (count <= 0) return geo_fail(c, "ERR COUNT must be > 0");
    q->count = (uint64_t)count;
    q->at++;
    return true;
}

static bool geo_take_store(struct call *c, struct geo_query *q)
{
    if (call_arg_is(c, q->at - 1, "storedist")) q->options |= GEO_STOREDIST;
    q->to = q->at++;
    return true;
}

/* An option with arguments, all of which are there; each of these may stand once but for COUNT. */
static bool geo_take_option(struct call *c, struct geo_query *q)
{
    typedef bool taker(struct call *, struct geo_query *);
    bool search = q->form == GEO_SEARCH || q->form == GEO_SEARCH_STORE;
    const struct {
        const char *word;
        uint32_t args;
        bool known;
        taker *take;
    } options[] = {
        {"count", 1, true, geo_take_count},
        {"store", 1, !search && q->may_store && q->to == 0, geo_take_store},
        {"storedist", 1, !search && q->may_store && q->to == 0, geo_take_store},
        {"frommember", 1, search && !q->has_center, geo_take_member},
        {"fromlonlat", 2, search && !q->has_center, geo_take_lonlat},
        {"byradius", 2, search && !q->has_shape, geo_take_radius},
        {"bybox", 3, search && !q->has_shape, geo_take_box},
    };
    for (size_t k = 0; k < sizeof options / sizeof options[0]; k++) {
        if (!options[k].known || !call_arg_is(c, q->at, options[k].word)) continue;
        if (c->nargs - q->at - 1 < options[k].args) break;
        q->at++;
        return options[k].take(c, q);
    }
    return geo_fail(c, ERR_SYNTAX);
}

/* What the options must be together. */
static bool geo_check(struct call *c, struct geo_query *q)
{
    const unsigned with = GEO_WITHDIST | GEO_WITHHASH | GEO_WITHCOORD;
    bool search = q->form == GEO_SEARCH || q->form == GEO_SEARCH_STORE;
    if (q->to != 0 && (q->options & with)) {
        reply_errorf(c, "ERR %s is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
                     search ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS");
    } else if (search && !q->has_center) {
        reply_errorf(c, "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for %s",
                     c->spec->name);
    } else if (search && !q->has_shape) {
        reply_errorf(c, "ERR exactly one of BYRADIUS and BYBOX can be specified for %s",
                     c->spec->name);
    } else if ((q->options & GEO_ANY) && q->count == 0) {
        reply_error(c, "ERR the ANY argument requires COUNT argument");
    } else {
        return true;
    }
    return false;
}

static bool geo_parse(struct call *c, struct geo_query *q)
{
    if (!geo_parse_head(c, q)) return false;
    while (q->at < c->nargs) {
        if (!geo_word(c, q) && !geo_take_option(c, q)) return false;
    }
    if (!geo_check(c, q)) return false;
    /* A few of many are the nearest ones, unless any will do. */
    if (q->count != 0 && (q->options & (GEO_ASC | GEO_DESC | GEO_ANY)) == 0) q->options |= GEO_ASC;
    return true;
}

/* ---- Finding ---- */

struct geo_hit {
    struct bytes member;
    uint64_t hash;
    double score, distance_m;
};

struct geo_hits {
    struct geo_hit *list;
    uint64_t count, room, most;
    char *texts; /* of members that a small set keeps as numbers; NULL: they lie in the set */
    size_t texts_len;
};

static void geo_hits_add(struct geo_hits *h, struct geo_hit hit)
{
    if (h->count == h->room) {
        h->room = h->room == 0 ? 64 : 2 * h->room;
        h->list = heap_realloc(h->list, h->room * sizeof h->list[0]);
    }
    if (h->texts != NULL && hit.member.len < LISTPACK_INT_CHARS) {
        char *text = h->texts + h->texts_len;
        memcpy(text, hit.member.ptr, hit.member.len);
        h->texts_len += hit.member.len;
        hit.member.ptr = text;
    }
    h->list[h->count++] = hit;
}

/* The places of a range that are in the area, until there are enough. */
static void geo_scan(const struct entry *e, const struct geo_area *area, struct geo_range range,
                     struct geo_hits *h)
{
    struct rank_bound from = {.by = RANK_BY_SCORE, .score = (double)range.min};
    struct zset_cursor at;
    if (!zset_seek(e, zset_below(e, &from), &at)) return;
    do {
        struct zset_item item = zset_item(&at);
        if (item.score >= (double)range.end || h->count == h->most) return;
        struct geo_hit hit = {item.member, geohash_of_score(item.score), item.score, 0};
        if (geo_area_has(area, geohash_decode(hit.hash), &hit.distance_m)) geo_hits_add(h, hit);
    } while (zset_next(&at));
}

static void geo_find(const struct geo_query *q, struct geo_hits *h)
{
    struct geo_range ranges[GEO_RANGES_MAX];
    struct geo_area area = q->is_box ? geo_area_box(q->center, q->width_m, q->height_m)
                                     : geo_area_circle(q->center, q->radius_m);
    h->most = q->options & GEO_ANY ? q->count : UINT64_MAX;
    if (zset_table(q->e) == NULL) h->texts = heap_alloc(zset_count(q->e) * LISTPACK_INT_CHARS);
    unsigned n = geo_area_ranges(&area, ranges);
    for (unsigned i = 0; i < n; i++) geo_scan(q->e, &area, ranges[i], h);
}

/* The order in which hits are given: gives `count` indexes of them. */
static struct keysort_item *geo_order(const struct geo_query *q, const struct geo_hits *h,
                                      uint64_t count)
{
    struct keysort_item *order = heap_alloc(h->count * sizeof order[0]);
    for (uint64_t i = 0; i < h->count; i++) {
        uint64_t key = keysort_double(h->list[i].distance_m);
        order[i] = (struct keysort_item){q->options & GEO_DESC ? ~key : key, i};
    }
    if (q->options & (GEO_ASC | GEO_DESC)) keysort(order, h->count, 0, count, NULL, NULL);
    return order;
}

/* ---- Answering ---- */

static void geo_reply_hit(struct call *c, const struct geo_query *q, const struct geo_hit *hit)
{
    unsigned with = q->options & (GEO_WITHDIST | GEO_WITHHASH | GEO_WITHCOORD);
    if (with != 0) reply_array(c, 1 + (uint64_t)__builtin_popcount(with));
    reply_bulk(c, hit->member);
    if (with & GEO_WITHDIST) geo_reply_length(c, hit->distance_m / q->unit_m);
    if (with & GEO_WITHHASH) reply_int(c, (int64_t)hit->hash);
    if (with & GEO_WITHCOORD) geo_reply_point(c, geohash_decode(hit->hash));
}

static enum run_result geo_answer(struct call *c, const struct geo_query *q,
                                  const struct geo_hits *h, const struct keysort_item *order,
                                  uint64_t count)
{
    if (q->to == 0) {
        reply_array(c, count);
        for (uint64_t i = 0; i < count; i++) geo_reply_hit(c, q, &h->list[order[i].ref]);
        return RUN_OK;
    }
    struct zset_build b;
    zset_build_begin(&b);
    for (uint64_t i = 0; i < count; i++) {
        const struct geo_hit *hit = &h->list[order[i].ref];
        double score = q->options & GEO_STOREDIST ? hit->distance_m / q->unit_m : hit->score;
        zset_build_add(&b, key_make(hit->member), score);
    }
    return zset_reply_store(c, call_key(c, q->to), zset_build_end(&b, arg(c, q->to)),
                            q->form == GEO_SEARCH_STORE ? "geosearchstore" : "georadiusstore");
}

static enum run_result geo_run(struct call *c, enum geo_form form, bool may_store)
{
    struct geo_query q = {.form = form, .may_store = may_store};
    struct key source = call_key(c, form == GEO_SEARCH_STORE ? 2 : 1);
    struct entry *e;
    if (!typed_find(c, source, TYPE_ZSET, LOOKUP_READ, &e)) return RUN_ERROR;
    q.e = e;
    if (!geo_parse(c, &q)) return RUN_ERROR;

    struct geo_hits h = {0};
    if (e != NULL) geo_find(&q, &h);
    uint64_t count = q.count != 0 && q.count < h.count ? q.count : h.count;
    struct keysort_item *order = geo_order(&q, &h, count);
    enum run_result result = geo_answer(c, &q, &h, order, count);
    heap_free(order);
    heap_free(h.texts);
    heap_free(h.list);
    return result;
}

enum run_result cmd_GEORADIUS(struct call *c) { return geo_run(c, GEO_RADIUS, true); }
enum run_result cmd_GEORADIUS_RO(struct call *c) { return geo_run(c, GEO_RADIUS, false); }
enum run_result cmd_GEORADIUSBYMEMBER(struct call *c)
{
    return geo_run(c, GEO_RADIUS_MEMBER, true);
}
enum run_result cmd_GEORADIUSBYMEMBER_RO(struct call *c)
{
    return geo_run(c, GEO_RADIUS_MEMBER, false);
}
enum run_result cmd_GEOSEARCH(struct call *c) { return geo_run(c, GEO_SEARCH, false); }
enum run_result cmd_GEOSEARCHSTORE(struct call *c) { return geo_run(c, GEO_SEARCH_STORE, true); }
