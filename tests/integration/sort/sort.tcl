# SORT and SORT_RO.

suite

test "orders" {
    ask RPUSH l 3 10 2 1
    ask ZADD z 3 a 1 b 2 c
    expect_each {
        {ask SORT l} {1 2 3 10}
        {ask SORT l DESC} {10 3 2 1}
        {ask SORT l ALPHA} {1 10 2 3}
        {ask SORT l LIMIT 1 2} {2 3}
        {ask SORT l BY nosort} {3 10 2 1}
        {ask SORT l BY nosort DESC LIMIT 0 2} {1 2}
        {ask SORT z ALPHA} {a b c}
        {ask SORT z BY nosort DESC} {a c b}
        {ask SORT_RO nothing} {}
    }
}

test "BY and GET" {
    ask RPUSH l a b c
    ask MSET w_a 3 w_b 1 w_c 2
    ask HSET h_a f x g 1
    ask HSET h_b f y g 2
    expect_each {
        {ask SORT l BY w_*} {b c a}
        {ask SORT l BY w_* GET # GET w_*} {b 1 c 2 a 3}
        {ask SORT l BY h_*->g DESC GET # GET h_*->f} {b y a x c (nil)}
        {ask SORT l BY h_*->f ALPHA} {c a b}
        {ask SORT l BY nosort GET const} {(nil) (nil) (nil)}
        {ask SORT l BY none_*} {a b c}
    }
}

test "STORE" {
    ask RPUSH l 3 1 2
    expect_each {
        {ask SORT l STORE to} 3
        {ask LRANGE to 0 -1} {1 2 3}
        {ask SORT l GET none_* GET # STORE l} 6
        {ask LRANGE l 0 -1} {{} 1 {} 2 {} 3}
        {ask SORT nothing STORE l} 0
        {ask EXISTS l} 0
    }
}

test "limits that overflow" {
    ask RPUSH l 1 2 3
    expect_each {
        {ask SORT l BY nosort LIMIT 9223372036854775807 2} {}
        {ask SORT l LIMIT -9223372036854775808 2} {1 2}
        {ask SORT l LIMIT 1 9223372036854775807} {2 3}
    }
}

test "errors" {
    ask RPUSH l 1 x
    ask SET s 1
    expect_errors {
        {SORT l} {ERR One or more scores can't be converted into double}
        {SORT s} {WRONGTYPE *}
        {SORT l BY} {ERR syntax error}
        {SORT_RO l STORE to} {ERR syntax error}
        {SORT l LIMIT a 1} {ERR value is not an integer or out of range}
    }
}

test "keys of a request" {
    expect {k to} { ask COMMAND GETKEYS SORT k BY store GET store STORE no STORE to }
    expect k { ask COMMAND GETKEYS SORT_RO k BY w_* GET # }
    expect {{k {RO access}} {to {OW update}}} { ask COMMAND GETKEYSANDFLAGS SORT k STORE to }
}

test "many elements, big ones among them" {
    set count [by_load 500 2000 20000]
    set wanted {}
    for {set i 0} {$i < $count} {incr i} {
        set n [expr {($i * 7919) % $count}]
        set text [format %06d $n]
        if {$n % 97 == 0} { append text [string repeat x 20000] }
        ask RPUSH l $text
        ask SET w_$text $n
        lappend wanted $text
    }
    set wanted [lsort $wanted]
    if {[ask SORT l ALPHA] ne $wanted} { fail "texts are out of order" }
    if {[ask SORT l BY w_*] ne $wanted} { fail "weighed texts are out of order" }
    expect $count { ask SORT l ALPHA DESC STORE d }
    if {[ask LRANGE d 0 -1] ne [lreverse $wanted]} { fail "stored texts are out of order" }
    if {[ask SORT l ALPHA LIMIT 90 20] ne [lrange $wanted 90 109]} { fail "a part is wrong" }
}
