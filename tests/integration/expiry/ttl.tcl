# The TTL and EXPIRE families, with every option and every bad argument.

suite

test "TTL and PTTL of keys with, without, and not there" {
    ask SET a 1
    ask SET b 1 PX 50400
    expect_each {
        {ask TTL a} -1
        {ask PTTL a} -1
        {ask TTL nothing} -2
        {ask PTTL nothing} -2
        {ask EXPIRETIME a} -1
        {ask PEXPIRETIME nothing} -2
        {ask TTL b} 50
    }
    expect_true {[ask PTTL b] > 50000 && [ask PTTL b] <= 50400}
}

test "EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT" {
    set now [clock milliseconds]
    foreach {request} [list {EXPIRE k 100} {PEXPIRE k 100000} \
            "EXPIREAT k [expr {$now / 1000 + 100}]" "PEXPIREAT k [expr {$now + 100000}]"] {
        ask SET k v
        expect 1 { ask {*}$request }
        expect_true {[ask TTL k] >= 98 && [ask TTL k] <= 101}
    }
    expect [expr {$now + 100000}] { ask PEXPIRETIME k }
    expect_true {abs([ask EXPIRETIME k] - ($now + 100000) / 1000) <= 1}
    expect 0 { ask EXPIRE nothing 100 }
}

test "EXPIRE in the past deletes" {
    foreach request {{EXPIRE k 0} {EXPIRE k -1} {PEXPIRE k -100} {EXPIREAT k 1} {PEXPIREAT k 0}} {
        ask SET k v
        expect 1 { ask {*}$request }
        expect 0 { ask EXISTS k }
        expect 0 { ask DBSIZE }
    }
}

test "PERSIST" {
    ask SET a 1 EX 100
    expect_each {
        {ask PERSIST a} 1
        {ask TTL a} -1
        {ask PERSIST a} 0
        {ask PERSIST nothing} 0
    }
}

test "EXPIRE NX, XX, GT, LT" {
    ask SET k v
    expect_each {
        {ask EXPIRE k 100 XX} 0
        {ask TTL k} -1
        {ask EXPIRE k 100 GT} 0
        {ask EXPIRE k 100 NX} 1
        {ask EXPIRE k 200 NX} 0
        {ask TTL k} 100
        {ask EXPIRE k 200 XX} 1
        {ask TTL k} 200
        {ask EXPIRE k 150 GT} 0
        {ask EXPIRE k 300 gt} 1
        {ask TTL k} 300
        {ask EXPIRE k 400 LT} 0
        {ask EXPIRE k 250 LT} 1
        {ask TTL k} 250
        {ask PERSIST k} 1
        {ask EXPIRE k 500 LT} 1
        {ask EXPIRE k 600 XX GT} 1
        {ask TTL k} 600
        {ask EXPIRE k 10 XX LT} 1
        {ask EXPIRE nothing 10 NX} 0
    }
}

test "the options work with all four commands" {
    set now [clock milliseconds]
    foreach {name soon late} [list EXPIRE 100 200 PEXPIRE 100000 200000 \
            EXPIREAT [expr {$now / 1000 + 100}] [expr {$now / 1000 + 200}] \
            PEXPIREAT [expr {$now + 100000}] [expr {$now + 200000}]] {
        ask SET k v
        expect 0 { ask $name k $soon XX }
        expect 1 { ask $name k $soon NX }
        expect 1 { ask $name k $late GT }
        expect 0 { ask $name k $soon GT }
        expect 1 { ask $name k $soon LT }
        expect_true {[ask TTL k] <= 101}
    }
}

test "EXPIRE option errors" {
    ask SET k v
    expect_errors {
        {EXPIRE k 10 NX XX} {ERR NX and XX, GT or LT options at the same time are not compatible}
        {EXPIRE k 10 NX GT} {ERR NX and XX, GT or LT options at the same time are not compatible}
        {EXPIRE k 10 NX LT} {ERR NX and XX, GT or LT options at the same time are not compatible}
        {EXPIRE k 10 GT LT} {ERR GT and LT options at the same time are not compatible}
        {EXPIRE k 10 NOSUCH} {ERR Unsupported option NOSUCH}
        {PEXPIREAT k 10 AB CD} {ERR Unsupported option AB}
        {EXPIRE k} {ERR wrong number of arguments for 'expire' command}
    }
    expect -1 { ask TTL k }
}

test "times out of range" {
    ask SET k v
    foreach {name value} {
        EXPIRE 9223372036854775807 EXPIRE -9223372036854775808 EXPIRE 9223372036854776
        PEXPIRE 9223372036854775807 EXPIREAT 9223372036854775807 EXPIREAT -9223372036854775808
    } {
        expect_error "ERR invalid expire time in '[string tolower $name]' command" {
            ask $name k $value
        }
    }
    foreach value {abc 1.5 "" 9223372036854775808} {
        expect_error "ERR value is not an integer or out of range" { ask EXPIRE k $value }
    }
    expect -1 { ask TTL k }
    expect 1 { ask PEXPIREAT k 9223372036854775807 }
    expect_true {[ask PTTL k] > 9000000000000000000}
}

test "commands that write in place keep the TTL" {
    foreach request {
        {APPEND k x} {INCR k} {INCRBYFLOAT k 0.5} {SETRANGE k 0 1} {SETBIT k 7 1}
        {BITFIELD k SET u8 0 49} {GETEX k} {COPY k other} {TOUCH k}
    } {
        ask SET k 10 EX 100
        ask {*}$request
        expect_true {[ask TTL k] > 90}
    }
}

test "commands that replace the value drop the TTL" {
    ask SET src value
    foreach request {
        {SET k x} {GETSET k x} {MSET k x} {BITOP OR k src} {COPY src k REPLACE} {RENAME src k}
    } {
        ask SET k 10 EX 100
        ask {*}$request
        expect -1 { ask TTL k }
    }
}

test "a TTL can be changed a thousand times" {
    ask SET k v
    for {set i 1} {$i <= 1000} {incr i} { ask PEXPIRE k [expr {100000 + $i}] }
    expect_true {[ask PTTL k] > 100000}
    ask PERSIST k
    expect v { ask GET k }
}

test "TTLs of many keys are their own" {
    for {set i 0} {$i < 1000} {incr i} { ask SET k$i v EX [expr {1000 + $i}] }
    foreach i {0 1 10 500 999} { expect_true {abs([ask TTL k$i] - 1000 - $i) <= 2} }
    expect_match "db0:keys=1000,expires=1000,avg_ttl=*" {
        lindex [split [string trim [ask INFO keyspace]] \n] 1
    }
}
