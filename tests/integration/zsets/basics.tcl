# Sorted sets: what the commands answer on sockets, their encodings, and keys as a whole.

suite

test "members, scores, ranks" {
    expect_each {
        {ask ZADD z 1 a 2 b 3 c} 3
        {ask ZADD z XX CH 5 a 9 none} 1
        {ask ZADD z GT CH 4 a 4 c} 1
        {ask ZINCRBY z 0.5 b} 2.5
        {ask ZRANGE z 0 -1 WITHSCORES} {b 2.5 c 4 a 5}
        {ask ZCARD z} 3
        {ask ZMSCORE z a none b} {5 (nil) 2.5}
        {ask ZRANK z c} 1
        {ask ZREVRANK z b} 2
        {ask ZCOUNT z (2.5 +inf} 2
        {ask ZREM z a none} 1
        {ask ZPOPMAX z} {c 4}
        {ask ZPOPMIN z 5} {b 2.5}
        {ask EXISTS z} 0
        {ask ZPOPMIN z} {}
    }
}

test "the nulls and doubles of both protocols" -tags baton-only {
    ask ZADD z 1.5 a inf b
    expect {nil {}} { ask_typed ZSCORE z none }
    expect {nilarray {}} { ask_typed ZRANK z none WITHSCORE }
    expect {nilarray {}} { ask_typed ZMPOP 1 none MIN }
    expect {array {{bulk a} {bulk 1.5} {bulk b} {bulk inf}}} { ask_typed ZRANGE z 0 -1 WITHSCORES }
    set c [client::dial -resp 3]
    expect {null {}} { client::ask_typed $c ZSCORE z none }
    expect {double 1.5} { client::ask_typed $c ZSCORE z a }
    expect {array {{array {{bulk a} {double 1.5}}} {array {{bulk b} {double inf}}}}} {
        client::ask_typed $c ZRANGE z 0 -1 WITHSCORES }
    expect {array {{bulk a} {double 1.5}}} { client::ask_typed $c ZPOPMIN z }
    expect {array {{array {{bulk b} {double inf}}}}} { client::ask_typed $c ZPOPMIN z 1 }
}

test "a set outgrows its small form by count, or by the length of a member" {
    with_config {zset-max-listpack-entries 4 zset-max-listpack-value 10} {
        ask ZADD z 1 a 2 b 3 c 4 d
        expect listpack { ask OBJECT ENCODING z }
        ask ZADD z 9 a
        expect listpack { ask OBJECT ENCODING z }
        ask ZADD z 5 e
        expect skiplist { ask OBJECT ENCODING z }
        ask ZREM z a b c d
        expect skiplist { ask OBJECT ENCODING z }
        ask ZADD long 1 0123456789
        expect listpack { ask OBJECT ENCODING long }
        ask ZADD long 1 0123456789a
        expect skiplist { ask OBJECT ENCODING long }
        ask ZUNIONSTORE small 1 z
        expect listpack { ask OBJECT ENCODING small }
        ask ZRANGESTORE same long 0 0
        expect listpack { ask OBJECT ENCODING same }
    }
}

test "a key with a sorted set moves, is copied, expires, is counted" {
    foreach entries {128 0} {
        with_config [list zset-max-listpack-entries $entries] {
            ask ZADD z 3 c 1 a 2 b
            ask RENAME z y
            ask COPY y z
            ask ZADD z 4 d
            expect {a b c} { ask ZRANGE y 0 -1 }
            expect {a b c d} { ask ZRANGE z 0 -1 }
            expect zset { ask TYPE z }
            expect_true {[ask MEMORY USAGE z] > 50}
            ask PEXPIRE z 1
            wait_for {[ask EXISTS z] == 0}
            expect OK { ask SET y text }
            ask FLUSHALL
        }
    }
}

test "other types are refused, and a set counts as scores of 1 where sets may come" {
    ask SET s v
    foreach request {{ZADD s 1 a} {ZRANGE s 0 -1} {ZPOPMIN s} {ZUNION 1 s} {ZRANGESTORE z s 0 -1}} {
        expect_error "WRONGTYPE *" { ask {*}$request }
    }
    ask SADD members a b
    expect_error "WRONGTYPE *" { ask ZADD members 1 a }
    expect {a 10 b 10} { ask ZUNION 1 members WEIGHTS 10 WITHSCORES }
    ask ZADD z 5 b 6 c
    expect {b 6} { ask ZINTER 2 z members WITHSCORES }
    expect {c 6} { ask ZDIFF 2 z members WITHSCORES }
    expect 1 { ask ZINTERCARD 2 z members }
    expect 3 { ask ZUNIONSTORE members 2 z members }
    expect {a 1 b 6 c 6} { ask ZRANGE members 0 -1 WITHSCORES }
}

test "a weight of 0 and a score without end" {
    ask ZADD a inf m
    ask ZADD b inf m
    expect {m 0} { ask ZINTER 2 a b WEIGHTS 3 0 WITHSCORES }
    expect {m 0} { ask ZINTER 2 a b WEIGHTS 0 0 WITHSCORES }
    expect {m inf} { ask ZINTER 2 a b WEIGHTS 1 0 AGGREGATE MIN WITHSCORES }
    expect {m inf} { ask ZINTER 2 a b WEIGHTS 1 0 AGGREGATE MAX WITHSCORES }
    expect {m 0} { ask ZUNION 2 a b WEIGHTS 1 0 AGGREGATE MIN WITHSCORES }
    expect {m inf} { ask ZUNION 2 a b WEIGHTS 3 0 WITHSCORES }
}

test "sums are made from the smallest set on" {
    ask ZADD a inf m
    ask ZADD b -inf m 1 n
    expect {m 0 n 1} { ask ZUNION 3 a b a WITHSCORES }
    expect {m 0} { ask ZINTER 3 a b a WITHSCORES }
}

test "a negative count of ZRANDMEMBER that no buffer could hold ends the client" -tags baton-only {
    ask ZADD z 1 [string repeat m 10000]
    with_config {client-output-buffer-limit {normal 10mb 0 0}} {
        set c [client::dial]
        client::write $c [client::encode ZRANDMEMBER z -4000000000]
        if {![catch {client::reply $c} why how]} { fail "the client was answered" }
        expect {CLIENT CLOSED} { dict get $how -errorcode }
        expect PONG { ask PING }
    }
}

test "counts that are out of range" {
    ask ZADD z 1 a
    foreach count {-9223372036854775808 9223372036854775808} {
        expect_error "ERR value is*" { ask ZRANDMEMBER z $count }
    }
    foreach count {-9223372036854775807 9223372036854775807} {
        expect_error "ERR value is out of range" { ask ZRANDMEMBER z $count WITHSCORES }
    }
    expect_error "ERR syntax error" { ask ZUNIONSTORE to 9223372036854775807 z }
    expect_error "ERR syntax error" { ask ZMPOP 9223372036854775807 z MIN }
    expect {} { ask ZRANGEBYSCORE z -inf +inf LIMIT 9223372036854775807 9223372036854775807 }
    expect a { ask ZRANGE z -9223372036854775808 9223372036854775807 }
    expect 0 { ask ZREMRANGEBYRANK z 9223372036854775807 9223372036854775807 }
}
