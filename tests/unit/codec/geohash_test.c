/* Places as numbers: the scores that Redis's own test of GEOADD expects, and the way back. */
#include "unit/check.h"

#include "codec/geohash.h"

#include <math.h>

static void scores_are_those_of_redis(void **state)
{
    (void)state;
    static const struct {
        struct geo_point at;
        uint64_t hash;
    } rows[] = {
        {{-74.0131604, 40.7126674}, UINT64_C(1791873972053020)},
        {{-73.9903085, 40.7362513}, UINT64_C(1791875485187452)},
        {{-73.9733487, 40.7648057}, UINT64_C(1791875761332224)},
        {{-73.9564142, 40.7480973}, UINT64_C(1791875796750882)},
        {{-73.9454966, 40.747533}, UINT64_C(1791875804419201)},
        {{-73.9375699, 40.7498929}, UINT64_C(1791875830079666)},
        {{-73.7858139, 40.6428986}, UINT64_C(1791895905559723)},
        {{-180, -85.05112878}, 0},
        {{180, 85.05112878}, UINT64_C(13510798882111488)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_true(geohash_encode(rows[i].at) == rows[i].hash);
}

static void coordinates_come_back(void **state)
{
    (void)state;
    struct geo_point p = geohash_decode(geohash_encode((struct geo_point){13.361389, 38.115556}));
    assert_true(p.lon == 13.36138933897018433 && p.lat == 38.11555639549629859);
    uint64_t random = 5;
    for (int i = 0; i < 100000; i++) {
        struct geo_point at = {(double)(check_random(&random) % 360000000) / 1e6 - 180,
                               (double)(check_random(&random) % 170000000) / 1e6 - 85};
        uint64_t hash = geohash_encode(at);
        p = geohash_decode(hash);
        assert_true(fabs(p.lon - at.lon) < 3e-6 && fabs(p.lat - at.lat) < 3e-6);
        assert_true(geohash_encode(p) == hash);
        assert_true(geohash_of_score((double)hash) == hash);
    }
}

static void any_score_is_a_valid_place(void **state)
{
    (void)state;
    static const double scores[] = {-1,  -INFINITY, INFINITY, 1e300, 0.5, 18014398509481983.,
                                    -0., 9.3e18,    1.9e19};
    for (size_t i = 0; i < sizeof scores / sizeof scores[0]; i++)
        assert_true(geo_point_is_valid(geohash_decode(geohash_of_score(scores[i]))));
    uint64_t random = 6;
    for (int i = 0; i < 10000; i++)
        assert_true(geo_point_is_valid(geohash_decode(check_random(&random))));
    assert_false(geo_point_is_valid((struct geo_point){180.1, 0}));
    assert_false(geo_point_is_valid((struct geo_point){0, -85.06}));
    assert_false(geo_point_is_valid((struct geo_point){NAN, 0}));
}

static void texts(void **state)
{
    (void)state;
    char text[GEOHASH_TEXT_CHARS + 1];
    geohash_print(geohash_decode(geohash_encode((struct geo_point){-5.6, 42.6})), text);
    assert_string_equal(text, "ezs42e44yx0");
    geohash_print((struct geo_point){180, 85.05112878}, text);
    assert_string_equal(text, "bp05b5048p0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_those_of_redis),
        cmocka_unit_test(coordinates_come_back),
        cmocka_unit_test(any_score_is_a_valid_place),
        cmocka_unit_test(texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
