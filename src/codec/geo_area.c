/*
 * Areas of a search.
 *
 * To find what is in an area, a grid is chosen whose cell of the center and the eight around it
 * hold it all. Rows and columns of cells that the area does not reach are left out.
 */
#include "codec/geo_area.h"

#include <math.h>

#define EARTH_RADIUS_M 6372797.560856
#define HALF_EQUATOR_M 20037726.37

static double geo_radians(double degrees) { return degrees * (M_PI / 180.); }
static double geo_degrees(double radians) { return radians / (M_PI / 180.); }

/* Of two places, both in radians: the square of half of the chord between them. */
static double geo_haversine(double lat_a, double lon_a, double lat_b, double lon_b)
{
    double u = sin((lat_b - lat_a) / 2), v = sin((lon_b - lon_a) / 2);
    return u * u + cos(lat_a) * cos(lat_b) * v * v;
}

static double geo_arc_m(double haversine)
{
    return 2. * EARTH_RADIUS_M * asin(haversine >= 1 ? 1 : sqrt(haversine));
}

double geo_distance(struct geo_point a, struct geo_point b)
{
    return geo_arc_m(geo_haversine(geo_radians(a.lat), geo_radians(a.lon), geo_radians(b.lat),
                                   geo_radians(b.lon)));
}

/* ---- What is in an area ---- */

static void geo_area_settle(struct geo_area *a)
{
    a->lat_rad = geo_radians(a->center.lat);
    a->lon_rad = geo_radians(a->center.lon);
    a->cos_lat = cos(a->lat_rad);
    double half = a->radius_m / (2. * EARTH_RADIUS_M);
    double chord = half >= M_PI_2 ? 1 : sin(half);
    /* A little more than exact: what lies on the rim is decided by its distance. */
    a->haversine_max = chord * chord * (1 + 1e-9) + 1e-18;
}

struct geo_area geo_area_circle(struct geo_point center, double radius_m)
{
    struct geo_area a = {.center = center, .radius_m = radius_m};
    geo_area_settle(&a);
    return a;
}

struct geo_area geo_area_box(struct geo_point center, double width_m, double height_m)
{
    struct geo_area a = {.center = center,
                         .is_box = true,
                         .radius_m =
                             sqrt(width_m / 2 * (width_m / 2) + height_m / 2 * (height_m / 2)),
                         .height_m = height_m / 2,
                         .width_m = width_m / 2};
    geo_area_settle(&a);
    return a;
}

bool geo_area_has(const struct geo_area *a, struct geo_point p, double *distance_m)
{
    double lat = geo_radians(p.lat), lon = geo_radians(p.lon);
    double north_m = fabs(lat - a->lat_rad) * EARTH_RADIUS_M;
    if (north_m > (a->is_box ? a->height_m : a->radius_m * (1 + 1e-9) + 1e-3)) return false;
    double u = sin((lat - a->lat_rad) / 2), v = sin((lon - a->lon_rad) / 2), cos_lat = cos(lat);
    if (a->is_box && geo_arc_m(cos_lat * cos_lat * v * v) > a->width_m) return false;
    double haversine = u * u + a->cos_lat * cos_lat * v * v;
    if (!a->is_box && haversine > a->haversine_max) return false;
    *distance_m = geo_arc_m(haversine);
    return a->is_box || *distance_m <= a->radius_m;
}

/* ---- Where to look ---- */

/* The bounds of an area in degrees; longitudes may pass 180, latitudes stay within the limits. */
struct geo_bounds {
    double west, east, south, north;
};

/* How far east and west the area reaches, in degrees: at its widest, toward the nearer pole. */
static double geo_lon_reach(const struct geo_area *a, double width_m, double lat_reach)
{
    double widest = fabs(a->center.lat) + lat_reach, angle = width_m / EARTH_RADIUS_M;
    if (widest >= 90 || angle >= M_PI) return 180;
    double by_parallel = angle / cos(geo_radians(widest));
    double chord = sin(angle / 2) / cos(geo_radians(widest));
    double by_chord = chord >= 1 ? M_PI : 2 * asin(chord);
    double reach = geo_degrees(a->is_box && by_chord > by_parallel ? by_chord : by_parallel);
    return reach > 180 ? 180 : reach;
}

static struct geo_bounds geo_area_bounds(const struct geo_area *a)
{
    double height_m = a->is_box ? a->height_m : a->radius_m;
    double width_m = a->is_box ? a->width_m : a->radius_m;
    double lat_reach = geo_degrees(height_m / EARTH_RADIUS_M);
    double lon_reach = geo_lon_reach(a, width_m, lat_reach);
    struct geo_bounds b = {a->center.lon - lon_reach, a->center.lon + lon_reach,
                           a->center.lat - lat_reach, a->center.lat + lat_reach};
    if (b.south < -GEO_LAT_MAX) b.south = -GEO_LAT_MAX;
    if (b.north > GEO_LAT_MAX) b.north = GEO_LAT_MAX;
    return b;
}

/* A grid of 2^step columns and rows, and the center's cell in it. */
struct geo_grid {
    unsigned step;
    int32_t count, x, y;
    double width, height; /* of a cell, degrees */
};

static int32_t geo_grid_index(double value, double max, int32_t count)
{
    int32_t i = (int32_t)((value + max) / (max + max) * count);
    return i >= count ? count - 1 : i;
}

static struct geo_grid geo_grid(const struct geo_area *a, unsigned step)
{
    int32_t count = 1 << step;
    return (struct geo_grid){.step = step,
                             .count = count,
                             .x = geo_grid_index(a->center.lon, GEO_LON_MAX, count),
                             .y = geo_grid_index(a->center.lat, GEO_LAT_MAX, count),
                             .width = 2 * GEO_LON_MAX / count,
                             .height = 2 * GEO_LAT_MAX / count};
}

static double geo_grid_west(const struct geo_grid *g, int32_t x)
{
    return x * g->width - GEO_LON_MAX;
}
static double geo_grid_south(const struct geo_grid *g, int32_t y)
{
    return y * g->height - GEO_LAT_MAX;
}

/* Does the center's cell, with the ones around it, hold all? Two cells each way always do. */
static bool geo_grid_holds(const struct geo_grid *g, const struct geo_bounds *b)
{
    if (g->step == 1) return true;
    return geo_grid_west(g, g->x - 1) <= b->west && geo_grid_west(g, g->x + 2) >= b->east &&
           (g->y == 0 || geo_grid_south(g, g->y - 1) <= b->south) &&
           (g->y == g->count - 1 || geo_grid_south(g, g->y + 2) >= b->north);
}

/* The finest grid that is likely to do: cells as high as the radius, or wider near the poles. */
static unsigned geo_first_step(const struct geo_area *a)
{
    int step = 1;
    if (a->radius_m == 0) return GEO_STEPS;
    for (double r = a->radius_m; r < HALF_EQUATOR_M; r *= 2) step++;
    step -= 2;
    if (fabs(a->center.lat) > 66) step--;
    if (fabs(a->center.lat) > 80) step--;
    return (unsigned)(step < 1 ? 1 : step > GEO_STEPS ? GEO_STEPS : step);
}

/* Adds a cell unless it is there. The last column and row have one more behind them: places at
 * exactly 180 degrees east, or at the northern limit. */
static unsigned geo_add_cell(const struct geo_grid *g, int32_t x, int32_t y, struct geo_range *out,
                             unsigned n)
{
    for (int32_t more_y = 0; more_y <= (y == g->count - 1); more_y++) {
        for (int32_t more_x = 0; more_x <= (x == g->count - 1); more_x++) {
            uint64_t cell = geohash_weave((uint32_t)(y + more_y), (uint32_t)(x + more_x));
            unsigned shift = 2 * (GEO_STEPS - g->step), i = 0;
            while (i < n && out[i].min != cell << shift) i++;
            if (i == n) out[n++] = (struct geo_range){cell << shift, (cell + 1) << shift};
        }
    }
    return n;
}

unsigned geo_area_ranges(const struct geo_area *a, struct geo_range out[GEO_RANGES_MAX])
{
    static const struct {
        int8_t x, y;
    } around[] = {{0, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}};
    struct geo_bounds b = geo_area_bounds(a);
    unsigned step = geo_first_step(a), n = 0;
    struct geo_grid g = geo_grid(a, step);
    while (!geo_grid_holds(&g, &b)) g = geo_grid(a, --step);

    /* In a grid of two by two the neighbour on one side is the one on the other side too. */
    bool all = g.step == 1;
    bool west = all || geo_grid_west(&g, g.x) >= b.west;
    bool east = all || geo_grid_west(&g, g.x + 1) <= b.east;
    bool south = all || (g.y > 0 && geo_grid_south(&g, g.y) >= b.south);
    bool north = all || (g.y < g.count - 1 && geo_grid_south(&g, g.y + 1) <= b.north);
    for (unsigned i = 0; i < sizeof around / sizeof around[0]; i++) {
        bool reached = (around[i].x >= 0 || west) && (around[i].x <= 0 || east) &&
                       (around[i].y >= 0 || south) && (around[i].y <= 0 || north);
        int32_t x = (g.x + around[i].x + g.count) % g.count;
        int32_t y = (g.y + around[i].y + g.count) % g.count;
        if (reached) n = geo_add_cell(&g, x, y, out, n);
    }
    return n;
}
