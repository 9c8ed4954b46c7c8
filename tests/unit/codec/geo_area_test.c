/* Areas of a search: distances, and that no place in an area lies outside of its ranges, at the
 * poles and where longitudes meet too. */
#include "unit/check.h"

#include "codec/geo_area.h"

#include <math.h>

static double any(uint64_t *random, double from, double to)
{
    return from + (to - from) * (double)(check_random(random) % 1000001) / 1e6;
}

static void distances(void **state)
{
    (void)state;
    struct geo_point palermo = {13.36138933897018433, 38.11555639549629859};
    struct geo_point catania = {15.08726745843887329, 37.50266842333162032};
    assert_true(fabs(geo_distance(palermo, catania) - 166274.1516) < 0.0001);
    assert_true(geo_distance(palermo, palermo) == 0);
    struct geo_point a = {0, 0}, b = {180, 0};
    assert_true(fabs(geo_distance(a, b) - M_PI * 6372797.560856) < 0.01);
}

/* What geo_area_has() says, from distances alone. */
static bool has_plainly(const struct geo_area *a, struct geo_point p)
{
    if (!a->is_box) return geo_distance(a->center, p) <= a->radius_m;
    struct geo_point beside = {a->center.lon, p.lat};
    double north = fabs(p.lat - a->center.lat) * (M_PI / 180) * 6372797.560856;
    return north <= a->height_m && geo_distance(beside, p) <= a->width_m;
}

static unsigned ranges_with(const struct geo_range *ranges, unsigned n, uint64_t hash)
{
    unsigned with = 0;
    for (unsigned i = 0; i < n; i++) with += hash >= ranges[i].min && hash < ranges[i].end;
    return with;
}

/* A place near the area, or anywhere; as it comes back from its number. */
static struct geo_point near_place(uint64_t *random, const struct geo_area *a)
{
    double reach = a->radius_m / 6372797.560856 * 180 / M_PI * 1.5 + 1e-5;
    struct geo_point p = {a->center.lon + any(random, -reach, reach) / cos(a->lat_rad),
                          a->center.lat + any(random, -reach, reach)};
    if (p.lon > 180) p.lon -= 360;
    if (p.lon < -180) p.lon += 360;
    if (check_random(random) % 50 == 0) p.lon = 180;
    if (check_random(random) % 50 == 0) p.lat = GEO_LAT_MAX;
    if (!geo_point_is_valid(p))
        p = (struct geo_point){any(random, -180, 180), any(random, -GEO_LAT_MAX, GEO_LAT_MAX)};
    return p;
}

static void check_area(uint64_t *random, const struct geo_area *a)
{
    struct geo_range ranges[GEO_RANGES_MAX];
    unsigned n = geo_area_ranges(a, ranges);
    assert_true(n >= 1 && n <= GEO_RANGES_MAX);
    for (int i = 0; i < 300; i++) {
        uint64_t hash = geohash_encode(near_place(random, a));
        struct geo_point p = geohash_decode(hash);
        double distance;
        bool has = geo_area_has(a, p, &distance);
        assert_int_equal(has, has_plainly(a, p));
        if (has) assert_true(distance == geo_distance(a->center, p));
        unsigned with = ranges_with(ranges, n, hash);
        assert_true(with <= 1);
        if (has) assert_int_equal(with, 1);
    }
}

static void ranges_hold_all_that_is_in_the_area(void **state)
{
    (void)state;
    uint64_t random = 11;
    for (int round = 0; round < 6000; round++) {
        struct geo_point center = {any(&random, -180, 180),
                                   any(&random, -GEO_LAT_MAX, GEO_LAT_MAX)};
        if (round % 5 == 0) center.lon = round % 2 ? 180 : -180;
        if (round % 7 == 0) center.lat = round % 2 ? GEO_LAT_MAX : -GEO_LAT_MAX;
        double size = pow(10, any(&random, 0, 7.4));
        struct geo_area circle = geo_area_circle(center, size);
        struct geo_area box = geo_area_box(center, size, pow(10, any(&random, 0, 7.4)));
        check_area(&random, &circle);
        check_area(&random, &box);
    }
}

static void ends_of_sizes(void **state)
{
    (void)state;
    uint64_t random = 12;
    static const double sizes[] = {0, 5e-324, 1e-9, 4e7, 1e300, INFINITY};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct geo_point center = {any(&random, -180, 180), any(&random, -85, 85)};
        struct geo_area circle = geo_area_circle(center, sizes[i]);
        struct geo_area flat = geo_area_box(center, sizes[i], 0);
        struct geo_area thin = geo_area_box(center, 0, sizes[i]);
        check_area(&random, &circle);
        check_area(&random, &flat);
        check_area(&random, &thin);
        double distance;
        assert_true(geo_area_has(&circle, center, &distance) && distance == 0);
    }
}

static void a_small_area_is_a_small_part_of_the_earth(void **state)
{
    (void)state;
    struct geo_range ranges[GEO_RANGES_MAX];
    struct geo_area a = geo_area_circle((struct geo_point){13.4, 52.5}, 1000);
    unsigned n = geo_area_ranges(&a, ranges);
    double part = 0;
    for (unsigned i = 0; i < n; i++) part += (double)(ranges[i].end - ranges[i].min);
    assert_true(n <= 9 && part / 0x1p52 < 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances),
        cmocka_unit_test(ranges_hold_all_that_is_in_the_area),
        cmocka_unit_test(ends_of_sizes),
        cmocka_unit_test(a_small_area_is_a_small_part_of_the_earth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
