/*
 * Areas of a search: circles and boxes around a place, and the ranges of numbers (codec/geohash.h)
 * that hold all places in them.
 *
 * The earth is a sphere of 6,372,797.560856 m, distances are great circles (haversine). A box's
 * width is measured along a parallel's two ends, at the latitude of the place in question. Pure
 * functions.
 */
#ifndef CODEC_GEO_AREA_H
#define CODEC_GEO_AREA_H

#include "codec/geohash.h"

/* Metres. */
double geo_distance(struct geo_point a, struct geo_point b);

struct geo_area {
    struct geo_point center;
    bool is_box;
    double radius_m;          /* of a circle; of a box half of its diagonal */
    double height_m, width_m; /* half of a box's */
    /* worked out: */
    double lat_rad, lon_rad, cos_lat; /* of the center */
    double haversine_max;             /* of the farthest place that needs a closer look */
};

/* Lengths are metres, not negative; the infinite one is everywhere. */
struct geo_area geo_area_circle(struct geo_point center, double radius_m);
struct geo_area geo_area_box(struct geo_point center, double width_m, double height_m);

/* *distance_m from the center is set when it is in the area, the rim included. */
bool geo_area_has(const struct geo_area *a, struct geo_point p, double *distance_m);

/* Numbers from `min` to below `end`. */
struct geo_range {
    uint64_t min, end;
};
#define GEO_RANGES_MAX 16
/* Gives how many ranges; none overlap. The first one is the center's cell, the others those around
 * it: north, south, east, west, and the corners. */
unsigned geo_area_ranges(const struct geo_area *a, struct geo_range out[GEO_RANGES_MAX]);

#endif
