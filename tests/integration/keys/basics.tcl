# DEL, UNLINK, EXISTS, TYPE, TOUCH, KEYS, RANDOMKEY, DBSIZE, FLUSHDB, FLUSHALL.

suite

test "DEL and UNLINK count what they removed" {
    foreach name {DEL UNLINK} {
        ask MSET a 1 b 2 c 3
        expect 2 { ask $name a b nothing }
        expect 0 { ask $name a }
        expect 1 { ask $name c c }
        expect 0 { ask DBSIZE }
    }
}

test "DEL of thousands of keys at once" {
    set pairs {}
    set keys {}
    for {set i 0} {$i < 3000} {incr i} { lappend pairs k$i $i; lappend keys k$i }
    ask MSET {*}$pairs
    expect 3000 { ask DEL {*}$keys }
    expect 0 { ask DBSIZE }
}

test "UNLINK of a large value" {
    ask SET big [string repeat x 2000000]
    expect 1 { ask UNLINK big }
    expect (nil) { ask GET big }
}

test "EXISTS counts each mention" {
    ask SET a 1
    expect_each {
        {ask EXISTS a} 1
        {ask EXISTS a a a} 3
        {ask EXISTS a nothing} 1
        {ask EXISTS nothing} 0
    }
}

test "TYPE" {
    ask SET a 1
    expect string { ask TYPE a }
    expect none { ask TYPE nothing }
    expect {status string} { ask_typed TYPE a }
}

test "TOUCH counts existing keys" {
    ask MSET a 1 b 2
    expect 2 { ask TOUCH a nothing b }
    expect 0 { ask TOUCH nothing }
}

test "KEYS with patterns" {
    ask MSET one 1 two 2 three 3 four 4 foo:1 5 foo:2 6 {we[ird} 7 back\\slash 8
    foreach {pattern want} {
        * {back\\slash foo:1 foo:2 four one three two {we[ird}}
        t* {three two}
        *o* {foo:1 foo:2 four one two}
        ?wo two
        t[hw]* {three two}
        t[^h]* two
        [a-f]*r four
        foo:[0-1] foo:1
        foo:[2-1] {foo:1 foo:2}
        one one
        nothing* {}
        {we\[ird} {{we[ird}}
        {back\\slash} {{back\slash}}
        {o\ne} one
        ??? {one two}
        [ {}
        f*u* four
        "" {}
    } {
        set got [lsort [ask KEYS $pattern]]
        if {$got ne [lsort $want]} {
            fail "KEYS $pattern gave [list $got], wanted [list [lsort $want]]"
        }
    }
}

test "KEYS with binary patterns" {
    ask SET a\x00b 1
    expect [list a\x00b] { ask KEYS a\x00* }
    expect {} { ask KEYS a\x01* }
}

test "KEYS does not show expired keys" {
    ask SET a 1
    ask SET b 1 PX 1
    sleep_ms 5
    expect a { ask KEYS * }
}

test "KEYS with many stars ends in time" {
    ask SET [string repeat a 1000] 1
    set began [clock milliseconds]
    expect {} { ask KEYS [string repeat a* 20]b }
    expect {} { ask KEYS [string repeat *a 15]*b }
    expect_true {[clock milliseconds] - $began < [scaled_ms 5000]}
}

test "RANDOMKEY" {
    expect (nil) { ask RANDOMKEY }
    ask SET only 1
    expect only { ask RANDOMKEY }
    for {set i 0} {$i < 10} {incr i} { ask SET k$i 1 }
    for {set i 0} {$i < 500} {incr i} { set seen([ask RANDOMKEY]) 1 }
    expect 11 { array size seen }
}

test "RANDOMKEY skips expired keys" {
    with_config {active-expire-effort 1} {
        ask DEBUG SET-ACTIVE-EXPIRE 0
        ask SET a 1
        for {set i 0} {$i < 20} {incr i} { ask SET gone$i 1 PX 1 }
        sleep_ms 5
        for {set i 0} {$i < 20} {incr i} { expect a { ask RANDOMKEY } }
        ask DEBUG SET-ACTIVE-EXPIRE 1
    }
}

test "DBSIZE counts per database" {
    ask MSET a 1 b 2
    expect 2 { ask DBSIZE }
    ask SELECT 5
    expect 0 { ask DBSIZE }
    ask SET a 1
    expect 1 { ask DBSIZE }
}

test "FLUSHDB empties one database, FLUSHALL all" {
    set c [client::dial -db 3]
    ask SET a 1
    $c SET a 1
    expect OK { ask FLUSHDB }
    expect {0 1} { list [ask DBSIZE] [$c DBSIZE] }
    ask SET a 1
    expect OK { ask FLUSHALL }
    expect {0 0} { list [ask DBSIZE] [$c DBSIZE] }
}

test "FLUSHDB and FLUSHALL with SYNC and ASYNC" {
    foreach name {FLUSHDB FLUSHALL} {
        foreach mode {SYNC ASYNC async} {
            for {set i 0} {$i < 100} {incr i} { ask SET k$i 1 EX 100 }
            expect OK { ask $name $mode }
            expect 0 { ask DBSIZE }
            expect (nil) { ask GET k1 }
        }
        expect_error "ERR syntax error" { ask $name NOSUCH }
        expect_error "ERR syntax error" { ask $name SYNC ASYNC }
    }
}

test "each key of a flushed database counts once as freed later" {
    wait_for {[info_field lazyfree_pending_objects] == 0}
    ask CONFIG RESETSTAT
    for {set i 0} {$i < 1000} {incr i} { lappend members member:$i }
    ask SADD large {*}$members
    ask MSET a 1 b 2
    ask FLUSHDB ASYNC
    wait_for {[info_field lazyfree_pending_objects] == 0}
    expect 3 { info_field lazyfreed_objects }
}

test "keys and their expiry are gone after FLUSHALL, new ones live" {
    ask SET a 1 PX 100000
    ask FLUSHALL
    ask SET a 2
    expect -1 { ask TTL a }
}

test "100,000 keys: insert, read back, remove" {
    set n [by_load 20000 100000 1000000]
    set c [client::dial]
    for {set from 0} {$from < $n} {incr from 1000} {
        set request MSET
        for {set i $from} {$i < $from + 1000} {incr i} { lappend request key:$i $i }
        expect OK { $c {*}$request }
    }
    expect $n { ask DBSIZE }
    for {set i 0} {$i < 2000} {incr i} {
        set k [random_int $n]
        if {[ask GET key:$k] ne $k} { fail "key:$k is lost" }
    }
    for {set from 0} {$from < $n} {incr from 1000} {
        set request DEL
        for {set i $from} {$i < $from + 1000} {incr i} { lappend request key:$i }
        expect 1000 { $c {*}$request }
    }
    expect 0 { ask DBSIZE }
}

test "random SET, GET, DEL and EXISTS agree with a model" {
    array set model {}
    for {set i 0} {$i < [by_load 3000 10000 100000]} {incr i} {
        set key k[random_int 400]
        switch [random_int 4] {
            0 - 1 {
                set value [string repeat v [random_int 80]]$i
                ask SET $key $value
                set model($key) $value
            }
            2 {
                expect [info exists model($key)] { ask DEL $key }
                unset -nocomplain model($key)
            }
            3 {
                set want (nil)
                if {[info exists model($key)]} { set want $model($key) }
                expect $want { ask GET $key }
            }
        }
    }
    expect [array size model] { ask DBSIZE }
    expect [lsort [array names model]] { lsort [ask KEYS *] }
}

test "databases are bounded" {
    expect_errors {
        {SELECT 16} {ERR DB index is out of range}
        {SELECT -1} {ERR DB index is out of range}
        {SELECT abc} {ERR value is not an integer or out of range}
        {SELECT 99999999999}
            {ERR value is out of range, value must between -2147483648 and 2147483647}
        {SELECT} {ERR wrong number of arguments for 'select' command}
    }
    expect OK { ask SELECT 15 }
}

test "every database holds its own keys" {
    for {set i 0} {$i < 16} {incr i} { ask SELECT $i; ask SET k db$i }
    for {set i 15} {$i >= 0} {incr i -1} { ask SELECT $i; expect db$i { ask GET k } }
}
