/*
 * Places one by one: GEOADD, GEODIST, GEOHASH, GEOPOS.
 */
#include "execute/commands/geo.h"

#include "codec/geo_area.h"
#include "codec/number.h"
#include "execute/commands/table.h"
#include "execute/commands/typed.h"
#include "execute/types/heap.h"

#include <math.h>

bool geo_lonlat(struct call *c, uint32_t i, struct geo_point *out)
{
    if (!call_double(c, i, &out->lon) || !call_double(c, i + 1, &out->lat)) return false;
    if (geo_point_is_valid(*out)) return true;
    reply_errorf(c, "ERR invalid longitude,latitude pair %f,%f", out->lon, out->lat);
    return false;
}

bool geo_unit(struct call *c, uint32_t i, double *metres)
{
    static const struct {
        const char *name;
        double metres;
    } units[] = {{"m", 1}, {"km", 1000}, {"ft", 0.3048}, {"mi", 1609.34}};
    for (size_t k = 0; k < sizeof units / sizeof units[0]; k++) {
        if (!call_arg_is(c, i, units[k].name)) continue;
        *metres = units[k].metres;
        return true;
    }
    reply_error(c, "ERR unsupported unit provided. please use M, KM, FT, MI");
    return false;
}

bool geo_place(const struct entry *e, struct bytes member, struct geo_point *out)
{
    double score;
    if (e == NULL || !zset_score(e, member, &score)) return false;
    *out = geohash_decode(geohash_of_score(score));
    return true;
}

enum run_result geo_reply_length(struct call *c, double length)
{
    char text[NUMBER_INT_CHARS + 5];
    /* No way on earth is so long that this could overflow. */
    uint64_t parts = (uint64_t)llrint(length * 1e4);
    size_t len = number_print_uint(text, parts / 10000);
    text[len++] = '.';
    for (uint64_t unit = 1000; unit > 0; unit /= 10) text[len++] = (char)('0' + parts / unit % 10);
    return reply_bulk(c, bytes_make(text, len));
}

static void geo_reply_coordinate(struct call *c, double degrees)
{
    char text[NUMBER_LONG_DOUBLE_CHARS];
    reply_double_text(c, bytes_make(text, number_print_long_double(text, degrees)));
}

enum run_result geo_reply_point(struct call *c, struct geo_point p)
{
    reply_array(c, 2);
    geo_reply_coordinate(c, p.lon);
    geo_reply_coordinate(c, p.lat);
    return RUN_OK;
}

/* ---- GEOADD ---- */

struct geo_add {
    unsigned rules; /* enum zset_rule */
    bool changed;   /* CH: moved ones count too */
    uint32_t first, count;
    double *scores;
};

static bool geo_add_parse(struct call *c, struct geo_add *a)
{
    uint32_t i = 2;
    for (; i < c->nargs; i++) {
        if (call_arg_is(c, i, "nx"))
            a->rules |= ZSET_NX;
        else if (call_arg_is(c, i, "xx"))
            a->rules |= ZSET_XX;
        else if (call_arg_is(c, i, "ch"))
            a->changed = true;
        else
            break;
    }
    a->first = i;
    a->count = (c->nargs - i) / 3;
    bool both = a->rules == (ZSET_NX | ZSET_XX);
    if (!both && a->count > 0 && (c->nargs - i) % 3 == 0) return true;
    reply_syntax(c);
    return false;
}

/* All places are read before one is added. */
static bool geo_add_scores(struct call *c, struct geo_add *a)
{
    for (uint32_t i = 0; i < a->count; i++) {
        struct geo_point p;
        if (!geo_lonlat(c, a->first + 3 * i, &p)) return false;
        a->scores[i] = (double)geohash_encode(p);
    }
    return true;
}

static enum run_result geo_add_all(struct call *c, struct geo_add *a)
{
    struct entry *e;
    struct key key = call_key(c, 1);
    if (!geo_add_scores(c, a)) return RUN_ERROR;
    if (!typed_find(c, key, TYPE_ZSET, LOOKUP_WRITE, &e)) return RUN_ERROR;
    if (e == NULL && (a->rules & ZSET_XX)) return reply_int(c, 0);
    if (e == NULL) e = keyspace_make(c->db, key, TYPE_ZSET);

    int64_t added = 0, moved = 0;
    for (uint32_t i = 0; i < a->count; i++) {
        struct bytes member = arg(c, a->first + 3 * i + 2);
        enum zset_change change = zset_add(e, member, &a->scores[i], a->rules);
        added += change == ZSET_ADDED;
        moved += change == ZSET_UPDATED;
    }
    if (added + moved > 0) call_event(c, (uint64_t)(added + moved), key, NOTIFY_ZSET, "zadd");
    return reply_int(c, a->changed ? added + moved : added);
}

enum run_result cmd_GEOADD(struct call *c)
{
    struct geo_add a = {0};
    if (!geo_add_parse(c, &a)) return RUN_ERROR;
    a.scores = heap_alloc(a.count * sizeof a.scores[0]);
    enum run_result result = geo_add_all(c, &a);
    heap_free(a.scores);
    return result;
}

/* ---- Reading ---- */

enum run_result cmd_GEODIST(struct call *c)
{
    double unit_m = 1;
    struct entry *e;
    if (c->nargs > 5) return reply_syntax(c);
    if (c->nargs == 5 && !geo_unit(c, 4, &unit_m)) return RUN_ERROR;
    if (!typed_find(c, call_key(c, 1), TYPE_ZSET, LOOKUP_READ, &e)) return RUN_ERROR;
    struct geo_point a, b;
    if (!geo_place(e, arg(c, 2), &a) || !geo_place(e, arg(c, 3), &b)) return reply_null(c);
    return geo_reply_length(c, geo_distance(a, b) / unit_m);
}

enum run_result cmd_GEOHASH(struct call *c)
{
    struct entry *e;
    if (!typed_find(c, call_key(c, 1), TYPE_ZSET, LOOKUP_READ, &e)) return RUN_ERROR;
    reply_array(c, c->nargs - 2);
    for (uint32_t i = 2; i < c->nargs; i++) {
        struct geo_point p;
        char text[GEOHASH_TEXT_CHARS + 1];
        if (!geo_place(e, arg(c, i), &p)) {
            reply_null(c);
            continue;
        }
        geohash_print(p, text);
        reply_bulk(c, bytes_make(text, GEOHASH_TEXT_CHARS));
    }
    return RUN_OK;
}

enum run_result cmd_GEOPOS(struct call *c)
{
    struct entry *e;
    if (!typed_find(c, call_key(c, 1), TYPE_ZSET, LOOKUP_READ, &e)) return RUN_ERROR;
    reply_array(c, c->nargs - 2);
    for (uint32_t i = 2; i < c->nargs; i++) {
        struct geo_point p;
        if (geo_place(e, arg(c, i), &p))
            geo_reply_point(c, p);
        else
            reply_null_array(c);
    }
    return RUN_OK;
}
