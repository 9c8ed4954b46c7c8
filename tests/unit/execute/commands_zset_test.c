/*
 * The handlers of sorted sets: answers in both protocols, errors in the order in which they are
 * found, and what counts as a change. Each test runs on the small and on the large form.
 */
#include "unit/execute/commands_harness.h"

#include "execute/types/limits.h"

#define WRONG_TYPE "-WRONGTYPE Operation against a key holding the wrong kind of value"
#define GT_LT_NX "-ERR GT, LT, and/or NX options at the same time are not compatible"
#define SYNTAX "-ERR syntax error"
#define NOT_FLOAT "-ERR value is not a valid float"
#define NOT_INT "-ERR value is not an integer or out of range"

static int open_small(void **state)
{
    value_limits.zset_max_listpack_entries = 128;
    return harness_open(state);
}

static int open_large(void **state)
{
    value_limits.zset_max_listpack_entries = 0;
    return harness_open(state);
}

static void zadd_heeds_its_rules(void **state)
{
    (void)state;
    expect_change("ZADD z 1 a 2 b 3 c", ":3", 3);
    expect_change("ZADD z 1 a 5 b 4 d", ":1", 2);
    expect_change("ZADD z CH 1 a 6 b 5 e", ":2", 2);
    expect_change("ZADD z NX 9 a 9 f", ":1", 1);
    expect_change("ZADD z XX 2 a 9 g", ":0", 1);
    expect_change("ZADD z XX CH 3 a 9 g", ":1", 1);
    expect_change("ZADD z GT CH 2 a 7 h", ":1", 1);
    expect_change("ZADD z GT CH 4 a", ":1", 1);
    expect_change("ZADD z LT CH 5 a", ":0", 0);
    expect_change("ZADD z lt ch 1 a", ":1", 1);
    expect_change("ZADD z INCR 2.5 a", "$3 3.5", 1);
    expect_change("ZADD z INCR 0 a", "$3 3.5", 0);
    expect("ZADD z NX INCR 1 a", "$-1");
    expect("ZADD z GT INCR -1 a", "$-1");
    expect("ZADD z XX INCR 1 none", "$-1");
    expect("ZADD none XX INCR 1 a", "$-1");
    expect_change("ZADD none XX 1 a", ":0", 0);
    expect("EXISTS none", ":0");
    expect("ZCARD z", ":7");
    expect_change("ZADD same 1 m 2 m 3 m", ":1", 3);
    expect("ZSCORE same m", "$1 3");
}

static void zadd_refuses(void **state)
{
    (void)state;
    expect("SET s v", "+OK");
    expect("ZADD s 1 a", WRONG_TYPE);
    expect("ZADD s x a", NOT_FLOAT);
    expect("ZADD z 1 a 2", SYNTAX);
    expect("ZADD z NX CH", SYNTAX);
    expect("ZADD z NX 1", SYNTAX);
    expect("ZADD z 1 a x b", NOT_FLOAT);
    expect("ZADD z nan a", NOT_FLOAT);
    expect("ZADD z \"\" a", NOT_FLOAT);
    expect("ZADD z NX XX 1 a", "-ERR XX and NX options at the same time are not compatible");
    expect("ZADD z NX GT 1 a", GT_LT_NX);
    expect("ZADD z LT NX 1 a", GT_LT_NX);
    expect("ZADD z LT GT 1 a", GT_LT_NX);
    expect("ZADD z INCR 1 a 2 b", "-ERR INCR option supports a single increment-element pair");
    expect("EXISTS z", ":0");
}

static void scores_as_they_are_read_and_shown(void **state)
{
    (void)state;
    expect("ZADD z 1e3 a -inf b +INF c 0.1 d -0 e 1.7976931348623157e308 f 3.0 g", ":7");
    expect("ZMSCORE z a b c d e f g h",
           "*8 $4 1000 $4 -inf $3 inf $3 0.1 $2 -0 $23 1.7976931348623157e+308 $1 3 $-1");
    expect("ZMSCORE none a b", "*2 $-1 $-1");
    harness.reply.resp = 3;
    expect("ZSCORE z c", ",inf");
    expect("ZSCORE z none", "_");
    expect("ZMSCORE z d none", "*2 ,0.1 _");
    expect("ZINCRBY z 1.5 g", ",4.5");
    harness.reply.resp = 2;
}

static void zincrby_never_makes_nan(void **state)
{
    (void)state;
    expect_change("ZINCRBY z 5 m", "$1 5", 1);
    expect_change("ZINCRBY z -7.5 m", "$4 -2.5", 1);
    expect("ZINCRBY z inf m", "$3 inf");
    expect_change("ZINCRBY z -inf m", "-ERR resulting score is not a number (NaN)", 0);
    expect("ZADD z INCR -inf m", "-ERR resulting score is not a number (NaN)");
    expect("ZSCORE z m", "$3 inf");
    expect("ZINCRBY z nan m", NOT_FLOAT);
    expect("ZINCRBY z x m", NOT_FLOAT);
}

static void zrem_ends_the_key(void **state)
{
    (void)state;
    expect("ZADD z 1 a 2 b 3 c", ":3");
    expect_change("ZREM z a none a", ":1", 1);
    expect_change("ZREM z none", ":0", 0);
    expect_change("ZREM z b c d", ":2", 2);
    expect("EXISTS z", ":0");
    expect("ZREM z a", ":0");
    expect("ZCARD z", ":0");
}

static void ranks(void **state)
{
    (void)state;
    expect("ZADD z 1 a 2 b 2 bb 3 c", ":4");
    expect("ZRANK z a", ":0");
    expect("ZRANK z bb", ":2");
    expect("ZREVRANK z a", ":3");
    expect("ZRANK z bb WITHSCORE", "*2 :2 $1 2");
    expect("ZREVRANK z c withscore", "*2 :0 $1 3");
    expect("ZRANK z none", "$-1");
    expect("ZRANK z none WITHSCORE", "*-1");
    expect("ZRANK none a WITHSCORE", "*-1");
    expect("ZRANK z a WITHSCORES", SYNTAX);
    expect("ZRANK z a WITHSCORE x", "-ERR wrong number of arguments for 'zrank' command");
    harness.reply.resp = 3;
    expect("ZRANK z b WITHSCORE", "*2 :1 ,2");
    expect("ZRANK none b WITHSCORE", "_");
    harness.reply.resp = 2;
}

static void ranges_by_rank(void **state)
{
    (void)state;
    expect("ZADD z 1 a 2 b 3 c 4 d", ":4");
    expect("ZRANGE z 0 -1", "*4 $1 a $1 b $1 c $1 d");
    expect("ZRANGE z 1 2 WITHSCORES", "*4 $1 b $1 2 $1 c $1 3");
    expect("ZRANGE z -2 100", "*2 $1 c $1 d");
    expect("ZRANGE z -100 0", "*1 $1 a");
    expect("ZRANGE z 2 1", "*0");
    expect("ZRANGE z 4 9", "*0");
    expect("ZRANGE z 0 1 REV", "*2 $1 d $1 c");
    expect("ZREVRANGE z 0 1 withscores", "*4 $1 d $1 4 $1 c $1 3");
    expect("ZREVRANGE z -1 -1", "*1 $1 a");
    expect("ZRANGE none 0 -1", "*0");
    expect("ZRANGE z 0 x", NOT_INT);
    expect("ZREVRANGE z 0 1 REV", SYNTAX);
    expect(
        "ZRANGE z 0 1 LIMIT 0 1",
        "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
    harness.reply.resp = 3;
    expect("ZRANGE z 0 1 WITHSCORES", "*2 *2 $1 a ,1 *2 $1 b ,2");
    expect("ZRANGE z 0 1", "*2 $1 a $1 b");
    harness.reply.resp = 2;
}

static void ranges_by_score(void **state)
{
    (void)state;
    expect("ZADD z -inf a 1 b 2 c 3 d 4 e +inf f", ":6");
    expect("ZRANGEBYSCORE z -inf 2", "*3 $1 a $1 b $1 c");
    expect("ZRANGEBYSCORE z (1 (4", "*2 $1 c $1 d");
    expect("ZRANGEBYSCORE z (-inf (+inf", "*4 $1 b $1 c $1 d $1 e");
    expect("ZRANGEBYSCORE z 3 +inf WITHSCORES", "*6 $1 d $1 3 $1 e $1 4 $1 f $3 inf");
    expect("ZRANGEBYSCORE z 1 4 LIMIT 1 2", "*2 $1 c $1 d");
    expect("ZRANGEBYSCORE z 1 4 LIMIT 1 -1", "*3 $1 c $1 d $1 e");
    expect("ZRANGEBYSCORE z 1 4 LIMIT 9 1", "*0");
    expect("ZRANGEBYSCORE z 1 4 LIMIT -1 1", "*0");
    expect("ZRANGEBYSCORE z 1 4 LIMIT 0 0", "*0");
    expect("ZREVRANGEBYSCORE z 4 1 LIMIT 1 2 WITHSCORES", "*4 $1 d $1 3 $1 c $1 2");
    expect("ZRANGE z 4 1 BYSCORE REV LIMIT 0 1", "*1 $1 e");
    expect("ZRANGE z 1 4 REV BYSCORE", "*0");
    expect("ZCOUNT z 1 (4", ":3");
    expect("ZCOUNT z (4 1", ":0");
    expect("ZCOUNT none 1 4", ":0");
    expect("ZCOUNT z x 4", "-ERR min or max is not a float");
    expect("ZRANGEBYSCORE z 1 nan", "-ERR min or max is not a float");
    expect("ZRANGEBYSCORE z 1 2 LIMIT 1", SYNTAX);
    expect("ZRANGEBYSCORE z 1 2 LIMIT 1 x", NOT_INT);
    expect("ZRANGEBYSCORE z 1 2 BYSCORE", SYNTAX);
    expect("ZRANGE z 1 2 BYSCORE BYLEX", SYNTAX);
    expect("ZRANGE z 1 2 REV REV", SYNTAX);
    expect("ZRANGEBYSCORE z ( (1e400", "*4 $1 b $1 c $1 d $1 e");
}

static void ranges_by_member(void **state)
{
    (void)state;
    expect("ZADD z 0 alpha 0 bar 0 cool 0 down 0 \"\"", ":5");
    expect("ZRANGEBYLEX z - [cool", "*4 $0  $5 alpha $3 bar $4 cool");
    expect("ZRANGEBYLEX z (alpha (cool", "*1 $3 bar");
    expect("ZRANGEBYLEX z [b +", "*3 $3 bar $4 cool $4 down");
    expect("ZRANGEBYLEX z + -", "*0");
    expect("ZRANGEBYLEX z (alpha [alpha", "*0");
    expect("ZREVRANGEBYLEX z + [c LIMIT 1 1", "*1 $4 cool");
    expect("ZRANGE z [c + BYLEX", "*2 $4 cool $4 down");
    expect("ZRANGE z + [c BYLEX REV", "*2 $4 down $4 cool");
    expect("ZLEXCOUNT z - +", ":5");
    expect("ZLEXCOUNT z [ (bar", ":2");
    expect("ZLEXCOUNT z x +", "-ERR min or max not valid string range item");
    expect("ZRANGEBYLEX z -x +", "-ERR min or max not valid string range item");
    expect("ZRANGEBYLEX z \"\" +", "-ERR min or max not valid string range item");
    expect("ZRANGE z - + BYLEX WITHSCORES",
           "-ERR syntax error, WITHSCORES not supported in combination with BYLEX");
    expect_change("ZREMRANGEBYLEX z [alpha (cool", ":2", 2);
    expect("ZRANGE z 0 -1", "*3 $0  $4 cool $4 down");
}

static void removed_ranges(void **state)
{
    (void)state;
    expect("ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", ":6");
    expect_change("ZREMRANGEBYRANK z 0 1", ":2", 2);
    expect_change("ZREMRANGEBYSCORE z (5 +inf", ":1", 1);
    expect_change("ZREMRANGEBYRANK z 9 10", ":0", 0);
    expect("ZRANGE z 0 -1", "*3 $1 c $1 d $1 e");
    expect("ZREMRANGEBYSCORE z x 1", "-ERR min or max is not a float");
    expect_change("ZREMRANGEBYSCORE z -inf +inf", ":3", 3);
    expect("EXISTS z", ":0");
    expect("ZREMRANGEBYRANK z 0 -1", ":0");
}

static void stored_ranges(void **state)
{
    (void)state;
    expect("ZADD z 1 a 2 b 3 c 4 d", ":4");
    expect("SET to v", "+OK");
    expect_change("ZRANGESTORE to z 1 -1", ":3", 1);
    expect("ZRANGE to 0 -1 WITHSCORES", "*6 $1 b $1 2 $1 c $1 3 $1 d $1 4");
    expect("ZRANGESTORE to z 4 2 BYSCORE REV LIMIT 0 2", ":2");
    expect("ZRANGE to 0 -1", "*2 $1 c $1 d");
    expect("ZRANGESTORE to to 0 0", ":1");
    expect("ZRANGESTORE to z 0 -1 WITHSCORES", SYNTAX);
    expect_change("ZRANGESTORE to z 9 9", ":0", 1);
    expect_change("ZRANGESTORE to none 0 -1", ":0", 0);
    expect("EXISTS to", ":0");
    expect("SET s v", "+OK");
    expect("ZRANGESTORE to s 0 -1", WRONG_TYPE);
}

static void pops(void **state)
{
    (void)state;
    expect("ZADD z 1 a 2 b 3 c 4 d 5 e", ":5");
    expect_change("ZPOPMIN z", "*2 $1 a $1 1", 1);
    expect_change("ZPOPMAX z 2", "*4 $1 e $1 5 $1 d $1 4", 2);
    expect_change("ZPOPMIN z 0", "*0", 0);
    expect("ZPOPMIN z -1", "-ERR value is out of range, must be positive");
    expect("ZPOPMIN z x", "-ERR value is out of range, must be positive");
    expect("ZPOPMIN z 1 2", SYNTAX);
    harness.reply.resp = 3;
    expect("ZPOPMIN z", "*2 $1 b ,2");
    expect("ZPOPMAX z 9", "*1 *2 $1 c ,3");
    harness.reply.resp = 2;
    expect("EXISTS z", ":0");
    expect("ZPOPMIN z", "*0");
    expect("SET s v", "+OK");
    expect("ZPOPMIN s 0", WRONG_TYPE);
}

static void pops_of_the_first(void **state)
{
    (void)state;
    expect("ZADD z 1 a 2 b 3 c", ":3");
    expect("ZMPOP 2 none z MIN", "*2 $1 z *1 *2 $1 a $1 1");
    expect_change("ZMPOP 1 z MAX COUNT 9", "*2 $1 z *2 *2 $1 c $1 3 *2 $1 b $1 2", 2);
    expect("ZMPOP 1 z MIN", "*-1");
    expect("ZMPOP 0 z MIN", "-ERR numkeys should be greater than 0");
    expect("ZMPOP x z MIN", "-ERR numkeys should be greater than 0");
    expect("ZMPOP 9223372036854775807 z MIN", SYNTAX);
    expect("ZMPOP 2 z MIN", SYNTAX);
    expect("ZMPOP 1 z MEAN", SYNTAX);
    expect("ZMPOP 1 z MIN COUNT", SYNTAX);
    expect("ZMPOP 1 z MIN COUNT 1 COUNT 1", SYNTAX);
    expect("ZMPOP 1 z MIN COUNT 0", "-ERR count should be greater than 0");
    expect("SET s v", "+OK");
    expect("ZMPOP 2 none s MIN", WRONG_TYPE);
}

static void unions(void **state)
{
    (void)state;
    expect("ZADD x 1 a 2 b 3 c", ":3");
    expect("ZADD y 10 b 20 c 30 d", ":3");
    expect("SADD s a d e", ":3");
    expect("ZUNION 2 x y WITHSCORES", "*8 $1 a $1 1 $1 b $2 12 $1 c $2 23 $1 d $2 30");
    expect("ZUNION 2 x y WEIGHTS 2 0.5 WITHSCORES", "*8 $1 a $1 2 $1 b $1 9 $1 d $2 15 $1 c $2 16");
    expect("ZUNION 2 x y AGGREGATE MAX WITHSCORES",
           "*8 $1 a $1 1 $1 b $2 10 $1 c $2 20 $1 d $2 30");
    expect("ZUNION 3 x none s AGGREGATE min", "*5 $1 a $1 d $1 e $1 b $1 c");
    expect_change("ZUNIONSTORE x 2 x s", ":5", 1);
    expect("ZRANGE x 0 -1 WITHSCORES", "*10 $1 d $1 1 $1 e $1 1 $1 a $1 2 $1 b $1 2 $1 c $1 3");
    expect("ZUNIONSTORE to 2 x y WITHSCORES", SYNTAX);
    expect_change("ZUNIONSTORE x 1 none", ":0", 1);
    expect("EXISTS x", ":0");
    expect("ZADD i -inf m", ":1");
    expect("ZADD j inf m", ":1");
    expect("ZUNION 2 i j WITHSCORES", "*2 $1 m $1 0");
    expect("ZUNION 1 i WEIGHTS 0 WITHSCORES", "*2 $1 m $1 0");
    harness.reply.resp = 3;
    expect("ZUNION 1 y WITHSCORES", "*3 *2 $1 b ,10 *2 $1 c ,20 *2 $1 d ,30");
    harness.reply.resp = 2;
}

static void intersections(void **state)
{
    (void)state;
    expect("ZADD x 1 a 2 b 3 c 4 e", ":4");
    expect("ZADD y 10 b 20 c 30 d", ":3");
    expect("SADD s b c 7", ":3");
    expect("ZINTER 2 x y WITHSCORES", "*4 $1 b $2 12 $1 c $2 23");
    expect("ZINTER 3 x y s WEIGHTS 1 1 100 WITHSCORES", "*4 $1 b $3 112 $1 c $3 123");
    expect("ZINTER 2 x s AGGREGATE MIN WITHSCORES", "*4 $1 b $1 1 $1 c $1 1");
    expect("ZINTER 2 x none", "*0");
    expect("ZINTER 2 x x WITHSCORES", "*8 $1 a $1 2 $1 b $1 4 $1 c $1 6 $1 e $1 8");
    expect("ZINTERCARD 2 x y", ":2");
    expect("ZINTERCARD 2 x y LIMIT 1", ":1");
    expect("ZINTERCARD 2 x y LIMIT 0", ":2");
    expect("ZINTERCARD 2 x y LIMIT -1", "-ERR LIMIT can't be negative");
    expect("ZINTERCARD 1 x WITHSCORES", SYNTAX);
    expect("ZINTERCARD 1 x WEIGHTS 1", SYNTAX);
    expect_change("ZINTERSTORE y 2 y s", ":2", 1);
    expect("ZRANGE y 0 -1 WITHSCORES", "*4 $1 b $2 11 $1 c $2 21");
}

static void differences(void **state)
{
    (void)state;
    expect("ZADD x 1 a 2 b 3 c 4 d", ":4");
    expect("ZADD y 10 b", ":1");
    expect("SADD s c", ":1");
    expect("ZDIFF 3 x y s WITHSCORES", "*4 $1 a $1 1 $1 d $1 4");
    expect("ZDIFF 2 x none", "*4 $1 a $1 b $1 c $1 d");
    expect("ZDIFF 2 x x", "*0");
    expect("ZDIFF 2 none x", "*0");
    expect("ZDIFF 1 x WEIGHTS 1", SYNTAX);
    expect_change("ZDIFFSTORE x 2 x y", ":3", 1);
    expect_change("ZDIFFSTORE x 2 x x", ":0", 1);
}

static void combinations_refuse(void **state)
{
    (void)state;
    expect("SET v v", "+OK");
    expect("ZADD x 1 a", ":1");
    expect("ZUNION 0 x", "-ERR at least 1 input key is needed for 'zunion' command");
    expect("ZINTERSTORE to -1 x", "-ERR at least 1 input key is needed for 'zinterstore' command");
    expect("ZUNION x x", NOT_INT);
    expect("ZUNION 2 x", SYNTAX);
    expect("ZUNIONSTORE to 9223372036854775807 x", SYNTAX);
    expect("ZUNION 2 x v", WRONG_TYPE);
    expect("ZDIFF 2 x v", WRONG_TYPE);
    expect("ZUNION 1 x WEIGHTS", SYNTAX);
    expect("ZUNION 1 x WEIGHTS x", "-ERR weight value is not a float");
    expect("ZUNION 1 x WEIGHTS nan", "-ERR weight value is not a float");
    expect("ZUNION 1 x AGGREGATE", SYNTAX);
    expect("ZUNION 1 x AGGREGATE mean", SYNTAX);
    expect("ZUNION 1 x rubbish", SYNTAX);
}

static void draws(void **state)
{
    (void)state;
    expect("ZRANDMEMBER none", "$-1");
    expect("ZRANDMEMBER none 3", "*0");
    expect("ZADD z 1 a", ":1");
    expect("ZRANDMEMBER z", "$1 a");
    expect("ZRANDMEMBER z 0", "*0");
    expect("ZRANDMEMBER z 5 WITHSCORES", "*2 $1 a $1 1");
    expect("ZRANDMEMBER z 5 x", SYNTAX);
    expect("ZRANDMEMBER z 5 WITHSCORES x", SYNTAX);
    expect("ZRANDMEMBER z x", NOT_INT);
    expect("ZRANDMEMBER z -9223372036854775808",
           "-ERR value is out of range, value must between -9223372036854775807 and "
           "9223372036854775807");
    expect("ZRANDMEMBER z -9223372036854775807 WITHSCORES", "-ERR value is out of range");
    expect("ZRANDMEMBER z 9223372036854775807", "*1 $1 a");
}

/* Different ranks: each subset of the members comes, and none of them twice. */
static void draws_differ(void **state)
{
    (void)state;
    unsigned seen = 0;
    expect("ZADD z 1 a 2 b 3 c 4 d", ":4");
    for (int i = 0; i < 400; i++) {
        const char *reply = ask("ZRANDMEMBER z 2");
        char x, y;
        assert_int_equal(sscanf(reply, "*2 $1 %c $1 %c", &x, &y), 2);
        assert_true(x != y);
        seen |= 1u << ((x - 'a') * 4 + (y - 'a'));
    }
    for (unsigned x = 0; x < 4; x++) {
        for (unsigned y = x + 1; y < 4; y++)
            assert_true(seen >> (x * 4 + y) & 1 || seen >> (y * 4 + x) & 1);
    }
}

static void scans(void **state)
{
    (void)state;
    expect("ZSCAN none 0", "*2 $1 0 *0");
    expect("ZADD z 1.5 a 2 b", ":2");
    const char *reply = ask("ZSCAN z 0");
    assert_true(strcmp(reply, "*2 $1 0 *4 $1 a $3 1.5 $1 b $1 2") == 0 ||
                strcmp(reply, "*2 $1 0 *4 $1 b $1 2 $1 a $3 1.5") == 0);
    expect("ZSCAN z 0 MATCH a* COUNT 5", "*2 $1 0 *2 $1 a $3 1.5");
    expect("ZSCAN z x", "-ERR invalid cursor");
    expect("ZSCAN z 0 COUNT 0", SYNTAX);
}

static void other_types_are_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "ZINCRBY s 1 a",
        "ZREM s a",
        "ZCARD s",
        "ZSCORE s a",
        "ZMSCORE s a",
        "ZRANK s a",
        "ZRANGE s 0 -1",
        "ZCOUNT s 0 1",
        "ZLEXCOUNT s - +",
        "ZRANDMEMBER s",
        "ZRANDMEMBER s 2",
        "ZSCAN s 0",
        "ZREMRANGEBYRANK s 0 1",
        "ZREMRANGEBYSCORE s 0 1",
        "ZREMRANGEBYLEX s - +",
    };
    expect("SET s v", "+OK");
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) expect(lines[i], WRONG_TYPE);
    expect("ZADD z 1 a", ":1");
    expect("GET z", WRONG_TYPE);
    expect("TYPE z", "+zset");
}

#define both_forms(name)                                              \
    cmocka_unit_test_setup_teardown(name, open_small, harness_close), \
    {                                                                 \
#name "_large", name, open_large, harness_close, NULL         \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        both_forms(zadd_heeds_its_rules),
        both_forms(zadd_refuses),
        both_forms(scores_as_they_are_read_and_shown),
        both_forms(zincrby_never_makes_nan),
        both_forms(zrem_ends_the_key),
        both_forms(ranks),
        both_forms(ranges_by_rank),
        both_forms(ranges_by_score),
        both_forms(ranges_by_member),
        both_forms(removed_ranges),
        both_forms(stored_ranges),
        both_forms(pops),
        both_forms(pops_of_the_first),
        both_forms(unions),
        both_forms(intersections),
        both_forms(differences),
        both_forms(combinations_refuse),
        both_forms(draws),
        both_forms(draws_differ),
        both_forms(scans),
        both_forms(other_types_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
