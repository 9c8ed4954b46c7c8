# SET with every option, and the older commands that it replaces.

suite

test "SET overwrites, GET reads" {
    expect_each {
        {ask SET k one} OK
        {ask GET k} one
        {ask SET k two} OK
        {ask GET k} two
        {ask GET nothing} (nil)
    }
}

test "SET and GET keep any bytes" {
    foreach size {0 1 15 16 17 100 1000 40000} {
        set value [random_bytes $size]
        expect OK { ask SET key:$size $value }
        expect $value { ask GET key:$size }
    }
}

test "SET NX and XX" {
    expect_each {
        {ask SET k a XX} (nil)
        {ask EXISTS k} 0
        {ask SET k a NX} OK
        {ask SET k b NX} (nil)
        {ask GET k} a
        {ask SET k c xx} OK
        {ask GET k} c
    }
}

test "SET GET gives the old value" {
    expect_each {
        {ask SET k a GET} (nil)
        {ask SET k b GET} a
        {ask GET k} b
        {ask SET k c XX GET} b
        {ask SET new c XX GET} (nil)
        {ask EXISTS new} 0
    }
}

test "SET NX GET: the old value, or nil when it was set" {
    expect_each {
        {ask SET k a NX GET} (nil)
        {ask GET k} a
        {ask SET k b NX GET} a
        {ask GET k} a
    }
}

test "SET EX, PX, EXAT, PXAT" {
    set now [clock milliseconds]
    ask SET a 1 EX 100
    ask SET b 1 PX 100000
    ask SET c 1 EXAT [expr {$now / 1000 + 100}]
    ask SET d 1 PXAT [expr {$now + 100000}]
    foreach key {a b c d} {
        set ttl [ask PTTL $key]
        expect_true {$ttl > 95000 && $ttl <= 101000}
    }
    expect [expr {$now + 100000}] { ask PEXPIRETIME d }
}

test "SET without KEEPTTL drops the TTL, with it keeps it" {
    ask SET k a EX 100
    ask SET k b KEEPTTL
    expect_true {[ask TTL k] > 90}
    expect b { ask GET k }
    ask SET k c
    expect -1 { ask TTL k }
    ask SET k d KEEPTTL
    expect -1 { ask TTL k }
}

test "SET options in any order and case" {
    expect OK { ask SET k v ex 100 nx }
    expect v { ask SET k w get XX Px 5000 }
    expect_true {[ask PTTL k] <= 5000}
}

test "SET syntax errors" {
    foreach options {
        {NX XX} {XX NX} {EX} {PX} {EX 10 PX 10} {EX 10 KEEPTTL} {KEEPTTL EX 10} {NOSUCH}
        {EXAT 1 EX 1} {PXAT} {GET GETX} {EX 10 NX XX}
    } {
        expect_error "ERR syntax error" { ask SET k v {*}$options }
    }
    expect 0 { ask EXISTS k }
}

test "SET with bad expire times" {
    foreach option {EX PX EXAT PXAT} {
        foreach value {0 -1 -9223372036854775808} {
            expect_error "ERR invalid expire time in 'set' command" { ask SET k v $option $value }
        }
        foreach value {abc 1.5 9223372036854775808 "" " 1"} {
            expect_error "ERR value is not an integer or out of range" {
                ask SET k v $option $value
            }
        }
    }
    expect_error "ERR invalid expire time in 'set' command" { ask SET k v EX 9223372036854775807 }
    expect_error "ERR invalid expire time in 'set' command" { ask SET k v PX 9223372036854775807 }
    expect 0 { ask EXISTS k }
}

test "SET with a time in the past: the key does not exist afterwards" {
    expect_each {
        {ask SET k v EXAT 1} OK
        {ask EXISTS k} 0
        {ask SET k v} OK
        {ask SET k w PXAT 1} OK
        {ask GET k} (nil)
        {ask DBSIZE} 0
    }
}

test "SET that does not set leaves the TTL alone" {
    ask SET k v EX 100
    expect (nil) { ask SET k w NX EX 5000 }
    expect_true {[ask TTL k] <= 100}
}

test "SETNX" {
    expect_each {
        {ask SETNX k a} 1
        {ask SETNX k b} 0
        {ask GET k} a
    }
}

test "SETNX on an expired key" {
    ask SET k a PX 1
    sleep_ms 5
    expect 1 { ask SETNX k b }
    expect -1 { ask TTL k }
}

test "SETEX and PSETEX" {
    expect OK { ask SETEX k 100 v }
    expect OK { ask PSETEX p 100000 v }
    expect_true {[ask TTL k] in {99 100} && [ask TTL p] in {99 100}}
    expect_errors {
        {SETEX k 0 v} {ERR invalid expire time in 'setex' command}
        {SETEX k -5 v} {ERR invalid expire time in 'setex' command}
        {PSETEX k 0 v} {ERR invalid expire time in 'psetex' command}
        {SETEX k x v} {ERR value is not an integer or out of range}
        {SETEX k 9223372036854775807 v} {ERR invalid expire time in 'setex' command}
    }
}

test "GETSET" {
    expect_each {
        {ask GETSET k a} (nil)
        {ask GETSET k b} a
        {ask GET k} b
    }
}

test "GETSET drops the TTL" {
    ask SET k a EX 100
    ask GETSET k b
    expect -1 { ask TTL k }
}

test "GETDEL" {
    expect_each {
        {ask GETDEL k} (nil)
        {ask SET k v} OK
        {ask GETDEL k} v
        {ask EXISTS k} 0
    }
    expect_error "ERR wrong number of arguments for 'getdel' command" { ask GETDEL }
}

test "GETEX without options only reads" {
    ask SET k v EX 100
    expect v { ask GETEX k }
    expect_true {[ask TTL k] > 90}
    expect (nil) { ask GETEX nothing }
    expect 0 { ask EXISTS nothing }
}

test "GETEX with EX, PX, EXAT, PXAT and PERSIST" {
    set now [clock milliseconds]
    foreach options [list {EX 100} {PX 100000} "EXAT [expr {$now / 1000 + 100}]" \
            "PXAT [expr {$now + 100000}]"] {
        ask SET k v
        expect v { ask GETEX k {*}$options }
        expect_true {[ask TTL k] > 95 && [ask TTL k] <= 101}
    }
    expect v { ask GETEX k PERSIST }
    expect -1 { ask TTL k }
}

test "GETEX with a time in the past deletes" {
    ask SET k v
    expect v { ask GETEX k EXAT 1 }
    expect 0 { ask EXISTS k }
}

test "GETEX errors" {
    ask SET k v
    expect_errors {
        {GETEX k EX} {ERR syntax error}
        {GETEX k EX 1 PX 1} {ERR syntax error}
        {GETEX k PERSIST EX 1} {ERR syntax error}
        {GETEX k KEEPTTL} {ERR syntax error}
        {GETEX k NX} {ERR syntax error}
        {GETEX k EX 0} {ERR invalid expire time in 'getex' command}
        {GETEX k PX -1} {ERR invalid expire time in 'getex' command}
        {GETEX k EX abc} {ERR value is not an integer or out of range}
        {GETEX} {ERR wrong number of arguments for 'getex' command}
    }
    expect -1 { ask TTL k }
}

test "MSET and MGET" {
    expect_each {
        {ask MSET a 1 b 2 c 3} OK
        {ask MGET a b c nothing} {1 2 3 (nil)}
        {ask MSET a x a y} OK
        {ask GET a} y
    }
    expect_errors {
        {MSET a} {ERR wrong number of arguments for 'mset' command}
        {MSET a 1 b} {ERR wrong number of arguments for 'mset' command}
        {MSETNX a 1 b} {ERR wrong number of arguments for 'msetnx' command}
        {MGET} {ERR wrong number of arguments for 'mget' command}
    }
}

test "MSET drops TTLs" {
    ask SET a 1 EX 100
    ask MSET a 2 b 3
    expect -1 { ask TTL a }
}

test "MSETNX sets all or none" {
    expect_each {
        {ask MSETNX a 1 b 2} 1
        {ask MSETNX c 3 b 4 d 5} 0
        {ask MGET a b c d} {1 2 (nil) (nil)}
        {ask MSETNX e 1 e 2} 1
        {ask GET e} 2
    }
}

test "MGET of a key given twice, and of many keys" {
    ask SET a 1
    expect {1 1} { ask MGET a a }
    set keys {}
    for {set i 0} {$i < 1000} {incr i} { ask SET k$i v$i; lappend keys k$i }
    set got [ask MGET {*}$keys]
    expect v0 { lindex $got 0 }
    expect v999 { lindex $got 999 }
}

test "a string command on another type" -needs lpush {
    ask LPUSH list a
    foreach request {
        {GET list} {GETSET list x} {APPEND list x} {STRLEN list} {INCR list} {SETRANGE list 0 x}
        {GETRANGE list 0 1} {GETDEL list} {GETEX list} {INCRBYFLOAT list 1} {SET list x GET}
        {SETBIT list 0 1} {GETBIT list 0} {BITCOUNT list} {BITPOS list 1} {BITFIELD list GET u8 0}
    } {
        expect_error "WRONGTYPE Operation against a key holding the wrong kind of value" {
            ask {*}$request
        }
    }
    expect list { ask TYPE list }
    expect {(nil)} { ask MGET list }
    expect OK { ask SET list x }
}

test "every key length from 0 to 300" {
    for {set len 0} {$len <= 300} {incr len} { ask SET [string repeat k $len] $len }
    expect 301 { ask DBSIZE }
    for {set len 0} {$len <= 300} {incr len} { expect $len { ask GET [string repeat k $len] } }
}

test "a value changes its size many times" {
    foreach size {0 5 500 50000 1 0 70000 20 44 45 3} {
        set value [string repeat s $size]
        ask SET k $value
        expect $value { ask GET k }
        expect $size { ask STRLEN k }
    }
}
