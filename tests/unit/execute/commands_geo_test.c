/* The handlers of the geo group: replies, errors, and searches against a plain look at all places.
 */
#include "unit/execute/commands_harness.h"

#include "codec/geo_area.h"
#include "execute/types/limits.h"

#include <math.h>

static void add_sicily(void)
{
    expect_change("GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", ":2", 2);
}

static void adding(void **state)
{
    (void)state;
    add_sicily();
    expect_change("GEOADD s 13.361389 38.115556 Palermo", ":0", 0);
    expect_change("GEOADD s NX 1 1 Palermo 2 2 new", ":1", 1);
    expect_change("GEOADD s XX CH 1 1 Palermo 3 3 other", ":1", 1);
    expect_change("GEOADD s 2 3 Palermo", ":0", 1);
    expect("ZSCORE s Palermo", "$16 3378964761752270");
    expect("ZCARD s", ":3");
    expect("GEOADD none XX 1 1 a", ":0");
    expect("EXISTS none", ":0");
    expect("GEOADD s NX XX 1 1 a", "-ERR syntax error");
    expect("GEOADD s NX NX NX", "-ERR syntax error");
    expect("GEOADD s 1 1 a 2 2", "-ERR syntax error");
    expect("GEOADD s a 1 b", "-ERR value is not a valid float");
    expect_change("GEOADD s 1 1 a 181 2 b",
                  "-ERR invalid longitude,latitude pair 181.000000,2.000000", 0);
    expect("GEOADD s 1 86 a", "-ERR invalid longitude,latitude pair 1.000000,86.000000");
    expect("GEOADD s nan 1 a", "-ERR value is not a valid float");
    expect("SET t text", "+OK");
    expect("GEOADD t 1 1 a", "-"
                             "WRONGTYPE Operation against a key holding the wrong kind of value");
}

static void reading(void **state)
{
    (void)state;
    add_sicily();
    expect("GEODIST s Palermo Catania", "$11 166274.1516");
    expect("GEODIST s Palermo Catania KM", "$8 166.2742");
    expect("GEODIST s Palermo Palermo ft", "$6 0.0000");
    expect("GEODIST s Palermo none", "$-1");
    expect("GEODIST none a b", "$-1");
    expect("GEODIST s Palermo Catania yd",
           "-ERR unsupported unit provided. please use M, KM, FT, MI");
    expect("GEODIST s Palermo Catania m m", "-ERR syntax error");
    expect("GEOPOS s Palermo none", "*2 *2 $20 13.36138933897018433 $20 38.11555639549629859 *-1");
    expect("GEOHASH s Palermo none", "*2 $11 sqc8b49rny0 $-1");
    expect("GEOPOS none a", "*1 *-1");
    expect("GEOHASH s", "*0");
    harness.reply.resp = 3;
    expect("GEOPOS s Palermo", "*1 *2 ,13.36138933897018433 ,38.11555639549629859");
    expect("GEODIST s Palermo Catania", "$11 166274.1516");
    harness.reply.resp = 2;
    expect("ZADD s -5 low inf high 0.5 half", ":3");
    assert_memory_equal(ask("GEOPOS s low high half"), "*3 *2 $", 7);
}

static void searching(void **state)
{
    (void)state;
    add_sicily();
    expect("GEOADD s 12.758489 38.788135 edge", ":1");
    expect("GEORADIUS s 15 37 200 km ASC", "*2 $7 Catania $7 Palermo");
    expect("GEORADIUS s 15 37 200 km DESC", "*2 $7 Palermo $7 Catania");
    expect("GEORADIUS_RO s 15 37 200 km COUNT 1", "*1 $7 Catania");
    expect("GEOSEARCH s FROMLONLAT 15 37 BYBOX 400 400 km ASC COUNT 3 WITHDIST",
           "*3 *2 $7 Catania $7 56.4413 *2 $7 Palermo $8 190.4424 *2 $4 edge $8 279.7405");
    expect("GEOSEARCH s BYRADIUS 1 m FROMMEMBER edge WITHHASH", "*1 *2 $4 edge :3479273021651468");
    expect("GEORADIUSBYMEMBER s edge 1 m WITHCOORD WITHDIST",
           "*1 *3 $4 edge $6 0.0000 *2 $19 12.7584877610206604 $20 38.78813451624225195");
    expect("GEOSEARCH none FROMMEMBER x BYRADIUS 1 m", "*0");
    expect("GEORADIUSBYMEMBER none x y z", "*0");
}

static void storing(void **state)
{
    (void)state;
    add_sicily();
    expect_change("GEORADIUS s 15 37 200 km STORE to", ":2", 1);
    expect("ZRANGE to 0 -1 WITHSCORES",
           "*4 $7 Palermo $16 3479099956230698 $7 Catania $16 3479447370796909");
    expect("GEOSEARCHSTORE to s FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST COUNT 1", ":1");
    expect("ZRANGE to 0 -1", "*1 $7 Catania");
    expect("GEORADIUSBYMEMBER s Palermo 1 km STOREDIST s", ":1");
    expect("ZRANGE s 0 -1 WITHSCORES", "*2 $7 Palermo $1 0");
    expect("SET text x", "+OK");
    expect_change("GEOSEARCHSTORE text s FROMLONLAT 90 10 BYRADIUS 1 m", ":0", 1);
    expect("EXISTS text", ":0");
    expect_change("GEOSEARCHSTORE to none FROMLONLAT 90 10 BYRADIUS 1 m", ":0", 1);
    expect("EXISTS to", ":0");
}

static void errors(void **state)
{
    (void)state;
    static const struct {
        const char *line, *error;
    } rows[] = {
        {"GEORADIUS s 15 37 200 xx", "unsupported unit provided. please use M, KM, FT, MI"},
        {"GEORADIUS s 15 37 -1 km", "radius cannot be negative"},
        {"GEORADIUS s 15 37 abc km", "need numeric radius"},
        {"GEORADIUS s 15 37 nan km", "need numeric radius"},
        {"GEORADIUS s 200 37 1 km", "invalid longitude,latitude pair 200.000000,37.000000"},
        {"GEOSEARCH s FROMLONLAT 1 1 BYBOX a 2 km", "need numeric width"},
        {"GEOSEARCH s FROMLONLAT 1 1 BYBOX 2 a km", "need numeric height"},
        {"GEOSEARCH s FROMLONLAT 1 1 BYBOX 2 -2 km", "height or width cannot be negative"},
        {"GEOSEARCH s FROMMEMBER no BYRADIUS 2 km", "could not decode requested zset member"},
        {"GEORADIUS s 15 37 200 km COUNT 0", "COUNT must be > 0"},
        {"GEORADIUS s 15 37 200 km COUNT a", "value is not an integer or out of range"},
        {"GEORADIUS s 15 37 200 km COUNT", "syntax error"},
        {"GEORADIUS s 15 37 200 km ANY", "the ANY argument requires COUNT argument"},
        {"GEORADIUS s 15 37 200 km STORE x WITHDIST",
         "STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD "
         "options"},
        {"GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 200 km WITHDIST",
         "GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options"},
        {"GEORADIUS s 15 37 200 km STORE a STORE b", "syntax error"},
        {"GEORADIUS_RO s 15 37 200 km STORE a", "syntax error"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST", "syntax error"},
        {"GEOSEARCH s FROMLONLAT 15 37 FROMLONLAT 15 37 BYRADIUS 200 km", "syntax error"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km BYBOX 1 1 m", "syntax error"},
        {"GEOSEARCH s FROMLONLAT 15 37 BYBOX 200 km", "syntax error"},
        {"GEOSEARCH s BYRADIUS 200 km ASC ASC ASC",
         "exactly one of FROMMEMBER or FROMLONLAT can be specified for geosearch"},
        {"GEOSEARCHSTORE d s FROMLONLAT 1 1 ASC ASC ASC",
         "exactly one of BYRADIUS and BYBOX can be specified for geosearchstore"},
    };
    add_sicily();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char wanted[200];
        snprintf(wanted, sizeof wanted, "-ERR %s", rows[i].error);
        expect(rows[i].line, wanted);
    }
    expect("SET t text", "+OK");
    expect("GEOSEARCH t FROMLONLAT 15 37 BYRADIUS 200 km",
           "-WRONGTYPE Operation against a key holding the wrong kind of value");
}

/* ---- Against a plain look at all places ---- */

enum { PLACES = 300 };

static double any(double from, double to) { return from + (to - from) * (rand() % 1000001) / 1e6; }

/* Members "0" to "299", all over the earth or close together; gives them as they are read back. */
static void fill(struct geo_point at[PLACES], double reach)
{
    struct geo_point center = {any(-180, 180), any(-80, 80)};
    ask("DEL g");
    for (int i = 0; i < PLACES; i++) {
        struct geo_point p = {remainder(center.lon + any(-reach, reach), 360),
                              center.lat + any(-reach, reach) / 2};
        p.lat = fmax(-85, fmin(85, p.lat));
        char line[100];
        snprintf(line, sizeof line, "GEOADD g %.9f %.9f %d", p.lon, p.lat, i);
        ask(line);
        at[i] = geohash_decode(geohash_encode(p));
    }
}

/* Reads "*n $len member ..." and marks the members; checks that distances ascend. */
static int mark_found(const char *reply, const struct geo_area *a, const struct geo_point *at,
                      bool *found)
{
    int n = 0;
    double before = 0;
    for (const char *p = strchr(reply, '$'); p != NULL; p = strchr(p, '$'), n++) {
        p = strchr(p, ' ') + 1;
        long i = strtol(p, NULL, 10);
        assert_in_range(i, 0, PLACES - 1);
        assert_false(found[i]);
        found[i] = true;
        double distance = geo_distance(a->center, at[i]);
        assert_true(distance >= before);
        before = distance;
    }
    return n;
}

static void searches_find_what_is_there(void **state)
{
    (void)state;
    struct geo_point at[PLACES];
    srand(4);
    for (int round = 0; round < 400; round++) {
        value_limits.zset_max_listpack_entries = round % 2 ? 128 : 1000;
        if (round % 10 == 0) fill(at, pow(10, any(-3, 2.2)));
        struct geo_point center = at[rand() % PLACES];
        double size = geo_distance(center, at[rand() % PLACES]) * any(0.5, 1.5);
        bool box = round % 3 == 0, found[PLACES] = {false};
        struct geo_area a =
            box ? geo_area_box(center, size, size / 2) : geo_area_circle(center, size);
        char line[200], shape[80];
        if (box)
            snprintf(shape, sizeof shape, "BYBOX %.17g %.17g m", size, size / 2);
        else
            snprintf(shape, sizeof shape, "BYRADIUS %.17g m", size);
        snprintf(line, sizeof line, "GEOSEARCH g FROMLONLAT %.17g %.17g %s ASC", center.lon,
                 center.lat, shape);
        int n = mark_found(ask(line), &a, at, found);
        for (int i = 0; i < PLACES; i++) {
            double distance;
            assert_int_equal(found[i], geo_area_has(&a, at[i], &distance));
        }
        memset(found, 0, sizeof found);
        strncat(line, " COUNT 7", sizeof line - strlen(line) - 1);
        assert_int_equal(mark_found(ask(line), &a, at, found), n < 7 ? n : 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        harness_test(adding),  harness_test(reading), harness_test(searching),
        harness_test(storing), harness_test(errors),  harness_test(searches_find_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
