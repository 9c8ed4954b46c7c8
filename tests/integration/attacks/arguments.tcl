# Arguments of the data types' commands that were meant to break other servers: sizes, counts, names
# that repeat, types that do not fit.

suite

set ::huge 9223372036854775807
set ::tiny -9223372036854775808
set ::bad_counts {-1 0 2147483647 2147483648 4294967296 9223372036854775807 9223372036854775808 -9223372036854775808 x {}}

proc has {name} { expr {[ask COMMAND INFO $name] ne "(nil)"} }

# One value of each type under a name of its own.
proc make_all_types {} {
    ask SET string v
    ask RPUSH list a b c
    ask SADD set a b c
    ask SADD intset 1 2 3
    ask ZADD zset 1 a 2 b 3 c
    ask HSET hash a 1 b 2 c 3
    if {[has xadd]} { ask XADD stream 1-1 a 1 }
}

test "A4: LIMIT of SORT at the ends of the integers" -needs sort {
    ask RPUSH l 3 1 2
    foreach from [list $::huge $::tiny -1 0 1] {
        foreach count [list $::huge $::tiny -1 0 1] {
            set reply [ask SORT l BY nosort LIMIT $from $count]
            expect_true {[llength $reply] <= 3}
        }
    }
    expect {} { ask SORT l BY nosort LIMIT $::huge 2 }
}

test "A5: random members, as many as there are integers" {
    make_all_types
    foreach {command key} {SRANDMEMBER set HRANDFIELD hash ZRANDMEMBER zset} {
        expect_error "ERR value is out of range*" { ask $command $key $::tiny }
        expect_error "ERR value is *" { ask $command $key 9223372036854775808 }
        expect 3 { llength [ask $command $key $::huge] }
    }
    foreach {command key option} {HRANDFIELD hash WITHVALUES ZRANDMEMBER zset WITHSCORES} {
        expect_error "ERR value is out of range*" { ask $command $key -4611686018427387904 $option }
        expect 6 { llength [ask $command $key 4611686018427387903 $option] }
    }
}

test "A5: a huge negative count is cut by the output limit, and costs no more than that" -tags {baton-only no-sanitizer} {
    make_all_types
    foreach {command key} {SRANDMEMBER set HRANDFIELD hash ZRANDMEMBER zset} {
        with_config {client-output-buffer-limit "normal 2mb 0 0"} {
            set c [client::dial]
            client::send $c $command $key -4611686018427387900
            expect_true {[client::gone $c]}
        }
    }
    expect PONG { ask PING }
    expect_true {[info_field used_memory_peak memory] < 200000000}
}

test "A6: XAUTOCLAIM with a count that overflows" -needs xautoclaim {
    for {set i 1} {$i <= 100} {incr i} { ask XADD s $i-1 f v }
    ask XGROUP CREATE s g 0
    ask XREADGROUP GROUP g c STREAMS s >
    for {set i 1} {$i <= 100} {incr i 2} { ask XDEL s $i-1 }
    expect_error "ERR COUNT must be > 0" { ask XAUTOCLAIM s g c 0 0 COUNT 2305843009213693951 }
    expect_error "ERR COUNT must be > 0" { ask XAUTOCLAIM s g c 0 0 COUNT $::huge }
    expect_error "ERR COUNT must be > 0" { ask XAUTOCLAIM s g c 0 0 COUNT 0 }
    expect PONG { ask PING }
}

test "A7: counts of keys and fields that are not so many" {
    make_all_types
    set shapes {
        {SINTERCARD %} {SINTERCARD % set} {SINTERCARD % set set} {ZUNION % zset} {ZINTER % zset zset}
        {ZDIFF % zset} {ZINTERCARD % zset} {ZUNIONSTORE out % zset} {ZDIFFSTORE out %} {LMPOP % list LEFT}
        {ZMPOP % zset MIN} {BLMPOP 0.01 % nothing LEFT} {BZMPOP 0.01 % nothing MIN}
        {HEXPIRE hash 100 FIELDS % a} {HTTL hash FIELDS %} {HGETEX hash FIELDS % a b} {HSETEX hash FIELDS % a 1}
        {HGETDEL hash FIELDS % nothing}
    }
    foreach shape $shapes {
        set name [lindex $shape 0]
        if {![has $name]} continue
        foreach count $::bad_counts {
            set words [lmap word $shape { expr {$word eq "%" ? $count : $word} }]
            expect_true {[catch {ask {*}$words} message]}
            expect_true {[string match "ERR *" $message]}
        }
    }
    expect PONG { ask PING }
}

test "A8: the same key more than once" {
    ask SADD s 1 2 3
    expect 3 { ask SINTERSTORE s s s s }
    expect 3 { ask SUNIONSTORE s s s }
    expect 0 { ask SDIFFSTORE s s s }
    expect 0 { ask EXISTS s }
    ask SADD s 1
    expect 1 { ask SMOVE s s 1 }
    expect 1 { ask SCARD s }
    ask ZADD z 1 a 2 b
    expect 2 { ask ZUNIONSTORE z 3 z z z }
    expect 6 { ask ZSCORE z b }
    expect 2 { ask ZINTERSTORE z 2 z z }
    expect 0 { ask ZDIFFSTORE z 2 z z }
    expect 0 { ask EXISTS z }
    ask RPUSH l a b
    expect {l a} { ask LMPOP 3 l l l LEFT COUNT 1 }
    expect b { ask RPOPLPUSH l l }
    expect b { ask LMOVE l l RIGHT LEFT }
    expect 1 { ask DEL l l l }
    ask ZADD z 1 a
    expect 1 { ask ZRANGESTORE z z 0 -1 }
}

test "A8: clients that wait for one key twice are served once" {
    set c [client::dial]
    client::send $c BLPOP k k k 0
    wait_for {[info_field blocked_clients clients] == 1}
    ask RPUSH k a b
    expect {k a} { client::reply $c }
    expect b { ask LPOP k }
}

test "A9: scores and numbers that are none" {
    ask ZADD z 1 m
    expect_error "ERR value is not a valid float" { ask ZADD z nan m }
    expect inf { ask ZINCRBY z +inf m }
    expect_error "ERR resulting score is not a number (NaN)" { ask ZINCRBY z -inf m }
    expect_error "ERR *" { ask ZADD z [string repeat 9 5000] m }
    ask HSET h f 1
    expect_error "ERR *" { ask HINCRBYFLOAT h f nan }
    expect_error "ERR *" { ask HINCRBYFLOAT h f +inf }
    expect_error "ERR *" { ask HINCRBYFLOAT h f [string repeat 9 6000] }
    expect_error "ERR increment or decrement would overflow" {
        ask HSET h n $::huge
        ask HINCRBY h n 1
    }
    expect 1 { ask HGET h f }
}

test "A12: limits of the small forms, as large as they can be set" -tags no-sanitizer {
    set options {hash-max-listpack-entries hash-max-listpack-value set-max-listpack-entries set-max-listpack-value
        set-max-intset-entries zset-max-listpack-entries zset-max-listpack-value}
    set before [lmap option $options { lindex [ask CONFIG GET $option] 1 }]
    foreach size [list 2147483648 4294967296 $::huge] {
        foreach option $options { catch { ask CONFIG SET $option $size } }
        ask DEL h s z t
        for {set i 0} {$i < 300} {incr i} {
            ask HSET h f$i [string repeat v 1000]
            ask SADD s m$i
            ask SADD t $i
            ask ZADD z $i m$i
        }
        expect 300 { ask HLEN h }
        expect 300 { ask SCARD s }
        expect 300 { ask SCARD t }
        expect 300 { ask ZCARD z }
    }
    foreach option $options value $before { ask CONFIG SET $option $value }
}

# What follows a name, so that the command gets as far as its key: the first that fits the arity.
test "A13: every command on every type" {
    set no {shutdown debug client sync psync replicaof slaveof monitor subscribe psubscribe ssubscribe unsubscribe
        punsubscribe sunsubscribe hello reset quit
        failover config auth select swapdb flushall flushdb save bgsave bgrewriteaof multi exec discard
        blpop brpop blmove brpoplpush blmpop bzpopmin bzpopmax bzmpop xread xreadgroup wait waitaof}
    set fillers {{} {1} {a 1} {1 a} {0 -1} {a b c} {1 a 2 b} {LEFT RIGHT} {BEFORE a b} {0 -1 WITHSCORES} {a} {1 1 m}
        {FIELDS 1 a} {100 FIELDS 1 a} {1-1 f v} {- +} {g c 0 1-1} {MAXLEN 1}}
    foreach name [ask COMMAND LIST] {
        set root [lindex [split $name |] 0]
        if {$root in $no || [string match *|* $name]} continue
        foreach key {string list set intset zset hash stream absent} {
            ask FLUSHALL
            make_all_types
            foreach filler $fillers {
                if {[catch { ask $name $key {*}$filler } message]} {
                    expect_true {[regexp {^[A-Z]+ } $message]}
                }
            }
        }
    }
    expect PONG { ask PING }
}

test "A17: times at the ends of the integers" {
    ask HSET h f v
    foreach command {HEXPIRE HPEXPIRE HEXPIREAT HPEXPIREAT} {
        if {![has $command]} continue
        expect_error "ERR *" { ask $command h $::huge FIELDS 1 f }
        expect_error "ERR *" { ask $command h $::tiny FIELDS 1 f }
    }
    foreach command {BLPOP BRPOP BZPOPMIN BZPOPMAX} {
        expect_error "ERR timeout is *" { ask $command nothing 1e300 }
        expect_error "ERR timeout is negative" { ask $command nothing -1 }
        expect_error "ERR timeout is not a float or out of range" { ask $command nothing nan }
    }
    expect v { ask HGET h f }
}
