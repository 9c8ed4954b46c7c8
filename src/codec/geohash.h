/*
 * Places on earth as numbers. A place is kept as 52 bits: longitude and latitude, each as its part
 * of the whole range in 26 bits, the bits taken in turns with the longitude's first. Near places
 * often have near numbers, and a cell of the grid that halves both ranges s times is one range of
 * numbers. The numbers are those of Redis, as they stand in its sorted sets.
 *
 * Longitudes reach from -180 to 180 degrees; latitudes to +-85.05112878, where the map of the web
 * (EPSG:3857) becomes a square. Pure functions.
 */
#ifndef CODEC_GEOHASH_H
#define CODEC_GEOHASH_H

#include <stdbool.h>
#include <stdint.h>

#define GEO_LON_MAX 180.
#define GEO_LAT_MAX 85.05112878
#define GEO_STEPS 26 /* bits of each coordinate */

/* Degrees. */
struct geo_point {
    double lon, lat;
};

/* False outside of the limits, and for what is not a number. */
static inline bool geo_point_is_valid(struct geo_point p)
{
    return p.lon >= -GEO_LON_MAX && p.lon <= GEO_LON_MAX && p.lat >= -GEO_LAT_MAX &&
           p.lat <= GEO_LAT_MAX;
}

/* The number of a valid place. The very ends of the ranges take a bit more: below 2^54. */
uint64_t geohash_encode(struct geo_point p);
/* The middle of what has this number; any number gives a valid place. */
struct geo_point geohash_decode(uint64_t hash);
/* The number that a score stands for; scores that GEOADD does not make are brought into range. */
uint64_t geohash_of_score(double score);

/* Takes the bits of x and y in turns, y's first; both below 2^27. */
uint64_t geohash_weave(uint32_t y, uint32_t x);

#define GEOHASH_TEXT_CHARS 11
/* The text that geohash.org knows the place by, where latitudes reach to 90 degrees; terminated. */
void geohash_print(struct geo_point p, char out[GEOHASH_TEXT_CHARS + 1]);

#endif
