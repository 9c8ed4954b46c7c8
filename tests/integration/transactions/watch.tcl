# WATCH: which changes let EXEC answer null.

suite

# Watches the key, runs a script, and tells whether EXEC ran ("kept") or not ("changed").
proc after_watching {keys script} {
    set c [client::dial]
    client::ask $c WATCH {*}$keys
    uplevel 1 $script
    client::ask $c MULTI
    client::ask $c PING
    set answer [client::ask $c EXEC]
    client::hangup $c
    return [expr {$answer eq "PONG" ? "kept" : "changed"}]
}

test "every command touches the keys that it changes, and no others" {
    foreach {before request changed kept} {
        {} {SET a 1} a b
        {SET a 1} {SET a 1} a b
        {} {MSET a 1 b 2} {a b} c
        {} {DEBUG POPULATE 2 a} {a:0 a:1} {a a:2}
        {MSET a 1 c 2} {MSETNX a 1 b 2} {} {a b}
        {MSET a 1 b 2} {DEL a c} a {b c}
        {MSET a 1 b 2} {UNLINK a b} {a b} c
        {MSET a 1 b 2} {RENAME a b} {a b} c
        {MSET a 1 b 2} {RENAMENX a b} {} {a b}
        {MSET a 1 b 2} {COPY a b REPLACE} b a
        {SET a 1} {MOVE a 1} a b
        {SET a 1} {EXPIRE a 100} a b
        {SET a 1} {PERSIST a} {} a
        {SET a 1} {GETEX a EX 100} a b
        {SET a 1} {GETEX a} {} a
        {SET a 1} {GET a} {} a
        {SET a abc} {SETRANGE a 1 ""} {} a
        {SETBIT a 1 1} {SETBIT a 1 1} {} a
        {SETBIT a 1 1} {BITOP NOT b a} b a
        {PFADD a x} {PFADD a x} {} a
        {PFADD a x} {PFMERGE b a} b a
        {RPUSH a x y} {LMOVE a b LEFT LEFT} {a b} c
        {RPUSH a x y} {LMPOP 2 c a LEFT} a c
        {RPUSH a x y} {BLMOVE a b LEFT LEFT 0} {a b} c
        {RPUSH a x y} {LREM a 0 z} {} a
        {RPUSH a x y} {LPOP a 0} {} b
        {RPUSH a 2 1} {SORT a STORE b} b a
        {SADD a x y} {SADD a x} {} a
        {SADD a x y} {SMOVE a b x} {a b} c
        {SADD a x y} {SMOVE a b z} {} {a b}
        {SADD a x y} {SUNIONSTORE b a c} b {a c}
        {SADD a x y} {SINTERSTORE b a c} {} {a b c}
        {SADD a x y} {SPOP a} a b
        {HSET a f 1} {HSET a f 1} a b
        {HSET a f 1} {HSETNX a f 2} {} a
        {HSET a f 1} {HDEL a g} {} a
        {ZADD a 1 m} {ZADD a 1 m} {} a
        {ZADD a 1 m} {ZADD a 2 m} a b
        {ZADD a 1 m} {ZINCRBY a 0 m} {} a
        {ZADD a 1 m} {ZUNIONSTORE b 2 a c} b {a c}
        {ZADD a 1 m} {ZRANGESTORE b a 0 -1} b a
        {ZADD a 1 m} {ZREMRANGEBYRANK a 5 6} {} a
        {ZADD a 1 m} {ZMPOP 2 c a MIN} a c
        {GEOADD a 1 1 m} {GEOSEARCHSTORE b a FROMMEMBER m BYRADIUS 1 km} b a
        {XADD a 1 f v} {XADD a 2 f v} a b
        {XADD a 1 f v} {XDEL a 5} {} a
        {XADD a 1 f v} {XTRIM a MAXLEN 0} a b
        {XADD a 1 f v} {XADD b NOMKSTREAM 2 f v} {} {a b}
    } {
        foreach {keys wanted} [list $changed changed $kept kept] {
            foreach key $keys {
                ask FLUSHALL
                if {[llength $before]} { ask {*}$before }
                if {[set got [after_watching $key { ask {*}$request }]] ne $wanted} {
                    fail "$request: $key is $got"
                }
            }
        }
    }
}

test "groups are part of a stream" -tags baton-only {
    ask XADD s 1 f v
    foreach {request wanted} {
        {XGROUP CREATE s g 0} changed {XGROUP CREATECONSUMER s g c} changed {XGROUP CREATECONSUMER s g c} kept
        {XREADGROUP GROUP g c STREAMS s >} changed {XREADGROUP GROUP g c STREAMS s >} kept
        {XCLAIM s g d 0 1-0} changed {XAUTOCLAIM s g c 0 0} changed {XPENDING s g} kept
        {XACK s g 1-0} changed {XACK s g 1-0} kept {XSETID s 9} changed
        {XGROUP SETID s g 0} changed {XGROUP DELCONSUMER s g c} changed {XGROUP DESTROY s g} changed
        {XGROUP DESTROY s g} kept
    } {
        if {[set got [after_watching s { ask {*}$request }]] ne $wanted} { fail "$request: $got" }
    }
}

test "the watcher's own changes count, those of its transaction do not" {
    set c [client::dial]
    client::ask $c WATCH k
    client::ask $c SET k 1
    client::ask $c MULTI
    expect (nil) { client::ask $c EXEC }
    client::ask $c WATCH k
    client::ask $c MULTI
    client::ask $c SET k 2
    client::ask $c SET k 3
    expect {OK OK} { client::ask $c EXEC }
}

test "UNWATCH, DISCARD, RESET and a failed EXEC end it" {
    set c [client::dial]
    foreach end {UNWATCH {MULTI DISCARD} RESET {MULTI EXEC}} {
        client::ask $c WATCH k
        ask SET k 1
        foreach request $end { client::ask $c $request }
        client::ask $c MULTI
        client::ask $c PING
        expect PONG { client::ask $c EXEC }
    }
}

test "a key that expires, by itself or when it is looked at" {
    expect changed { after_watching k { ask SET k 1 PX 1; wait_for {[ask DBSIZE] == 0} } }
    ask SET k 1 PX 40
    expect changed { after_watching k { wait_for {[ask DBSIZE] == 0} } }
    ask DEBUG SET-ACTIVE-EXPIRE 0
    ask SET k 1 PX 1
    after 3
    expect kept { after_watching k { ask GET k } }
    ask SET k 1 PX 1
    after 3
    expect changed { after_watching k { ask SET k 2 } }
    ask SET k 1 PX 30
    expect changed { after_watching k { after 40 } }
    ask DEBUG SET-ACTIVE-EXPIRE 1
}

test "databases that are emptied or swapped" {
    ask SET k 1
    expect changed { after_watching k { ask FLUSHDB } }
    expect kept { after_watching k { ask FLUSHDB } }
    ask SET k 1
    expect changed { after_watching k { ask FLUSHALL } }
    expect kept { after_watching k { ask SWAPDB 0 1 } }
    ask SELECT 1
    ask SET k 1
    expect kept { after_watching k { ask SET k 2 } }
    expect changed { after_watching k { ask SWAPDB 0 1 } }
    expect changed { after_watching k { ask SWAPDB 0 1 } }
    ask SELECT 0
}

test "a client that is woken changes the list for watchers" {
    set c [waiting BRPOPLPUSH src dst 0]
    wait_for_blocked 1
    expect kept { after_watching dst { ask PING } }
    expect changed { after_watching dst { ask LPUSH src x } }
    expect x { client::reply $c }
}

test "an evicted key" {
    ask SET k [string repeat v 100000]
    with_config {maxmemory-policy allkeys-lru} {
        expect changed {
            after_watching k {
                ask CONFIG SET maxmemory 1
                catch { ask SET other v }
                ask CONFIG SET maxmemory 0
            }
        }
    }
}

test "a key that is watched twice, by many" {
    set clients {}
    for {set i 0} {$i < 20} {incr i} {
        set c [client::dial]
        client::ask $c WATCH k k l k
        lappend clients $c
    }
    client::hangup [lindex $clients 0]
    client::hangup [lindex $clients 10]
    ask SET k 1
    foreach c [lreplace [lreplace $clients 10 10] 0 0] {
        client::ask $c MULTI
        expect (nil) { client::ask $c EXEC }
    }
}
