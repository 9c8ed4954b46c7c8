/*
 * Places as numbers. Coordinates are scaled the way Redis does it, operation by operation, since
 * the last bit of a score and the last digit of a coordinate depend on it.
 */
#include "codec/geohash.h"

#define GEO_CELLS (1u << GEO_STEPS)

/* Moves bit i to bit 2i. */
static uint64_t geohash_spread(uint64_t x)
{
    x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
    x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    x = (x | x << 2) & UINT64_C(0x3333333333333333);
    return (x | x << 1) & UINT64_C(0x5555555555555555);
}

/* Moves bit 2i to bit i. */
static uint32_t geohash_gather(uint64_t x)
{
    x &= UINT64_C(0x5555555555555555);
    x = (x | x >> 1) & UINT64_C(0x3333333333333333);
    x = (x | x >> 2) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    x = (x | x >> 4) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x >> 8) & UINT64_C(0x0000ffff0000ffff);
    return (uint32_t)(x | x >> 16);
}

uint64_t geohash_weave(uint32_t y, uint32_t x)
{
    return geohash_spread(y) | geohash_spread(x) << 1;
}

static uint32_t geohash_scale(double value, double max)
{
    return (uint32_t)((value + max) / (max + max) * GEO_CELLS);
}

uint64_t geohash_encode(struct geo_point p)
{
    return geohash_weave(geohash_scale(p.lat, GEO_LAT_MAX), geohash_scale(p.lon, GEO_LON_MAX));
}

/* The middle of a cell of the finest grid. */
static double geohash_middle(uint32_t cell, double max)
{
    double low = -max + (cell * 1. / GEO_CELLS) * (max + max);
    double high = -max + ((cell + 1.) / GEO_CELLS) * (max + max);
    double middle = (low + high) / 2;
    return middle > max ? max : middle;
}

struct geo_point geohash_decode(uint64_t hash)
{
    return (struct geo_point){geohash_middle(geohash_gather(hash >> 1), GEO_LON_MAX),
                              geohash_middle(geohash_gather(hash), GEO_LAT_MAX)};
}

uint64_t geohash_of_score(double score)
{
    const double end = (double)(UINT64_C(1) << (2 * GEO_STEPS + 2));
    if (score >= 0 && score < end) return (uint64_t)score;
    return score < 0 ? 0 : (UINT64_C(1) << (2 * GEO_STEPS + 2)) - 1;
}

void geohash_print(struct geo_point p, char out[GEOHASH_TEXT_CHARS + 1])
{
    static const char digits[] = "0123456789bcdefghjkmnpqrstuvwxyz";
    uint64_t hash = geohash_weave(geohash_scale(p.lat, 90.), geohash_scale(p.lon, GEO_LON_MAX));
    /* 52 bits are ten digits and two bits that are not worth an eleventh. */
    for (int i = 0; i < GEOHASH_TEXT_CHARS - 1; i++)
        out[i] = digits[hash >> (2 * GEO_STEPS - 5 * (i + 1)) & 31];
    out[GEOHASH_TEXT_CHARS - 1] = '0';
    out[GEOHASH_TEXT_CHARS] = '\0';
}
