# maxmemory: what goes, what is refused, and what is counted.

suite -config {"save ''"}

proc used {} { info_field used_memory memory }

# Sets the limit some bytes above what is in use.
proc limit_above {bytes policy} {
    ask CONFIG SET maxmemory-policy $policy
    ask CONFIG SET maxmemory [expr {[used] + $bytes}]
}

proc fill {prefix count args} {
    set value [string repeat x 1000]
    for {set i 0} {$i < $count} {incr i} { ask SET $prefix$i $value {*}$args }
}

proc no_limit {} {
    ask CONFIG SET maxmemory 0
    ask CONFIG SET maxmemory-policy noeviction
}

foreach policy {allkeys-lru allkeys-lfu allkeys-random} {
    test "memory stays below the limit with $policy" [string map [list %P $policy] {
        ask CONFIG RESETSTAT
        limit_above 300000 %P
        set limit [lindex [ask CONFIG GET maxmemory] 1]
        fill k 1000
        expect_true {[used] <= $limit + 4096}
        expect_true {[ask DBSIZE] > 100}
        expect [expr {1000 - [ask DBSIZE]}] { info_field evicted_keys stats }
        no_limit
    }]
}

foreach policy {volatile-lru volatile-lfu volatile-random volatile-ttl} {
    test "only keys with a deadline go with $policy" [string map [list %P $policy] {
        fill keep 100
        limit_above 200000 %P
        fill gone 500 EX 1000
        for {set i 0} {$i < 100} {incr i} { expect 1 { ask EXISTS keep$i } }
        expect_true {[ask DBSIZE] < 500}
        no_limit
    }]
}

test "volatile-ttl takes the key that is due first" {
    for {set i 0} {$i < 100} {incr i} { ask SET k$i [string repeat x 1000] EX [expr {1000 + $i}] }
    limit_above 0 volatile-ttl
    ask SET one [string repeat y 10000]
    expect 0 { ask EXISTS k0 }
    expect 1 { ask EXISTS k99 }
    no_limit
}

test "writes that may grow memory are refused when nothing may go" {
    ask SET k v
    ask SET n 1
    limit_above -1000 noeviction
    expect_error "OOM command not allowed when used memory > 'maxmemory'*" { ask SET k w }
    expect_error "OOM *" { ask APPEND k x }
    expect v { ask GET k }
    expect 1 { ask DEL k }
    expect 1 { ask EXPIRE n 100 }
    no_limit
    expect OK { ask SET k w }
}

test "with a volatile policy and no key with a deadline writes are refused too" {
    fill keep 10
    limit_above -1000 volatile-lru
    expect_error "OOM *" { ask SET k w }
    expect 10 { ask DBSIZE }
    no_limit
}

test "a limit that is lowered takes effect without a command" {
    fill k 2000
    ask CONFIG SET maxmemory-policy allkeys-random
    ask CONFIG SET maxmemory [expr {[used] - 1000000}]
    set limit [lindex [ask CONFIG GET maxmemory] 1]
    wait_for {[used] <= $limit + 4096}
    expect_true {[ask DBSIZE] < 1500}
    no_limit
}

test "a small tenacity does not keep a command waiting, and what is left goes later" {
    fill k 5000
    with_config {maxmemory-eviction-tenacity 0} {
        ask CONFIG SET maxmemory-policy allkeys-lru
        ask CONFIG SET maxmemory [expr {[used] - 3000000}]
        expect OK { ask SET one 1 }
        set limit [lindex [ask CONFIG GET maxmemory] 1]
        wait_for {[used] <= $limit + 4096}
    }
    no_limit
}

test "while clients are paused nothing is evicted" {
    fill k 500
    set other [client::dial]
    ask CONFIG SET maxmemory-policy allkeys-random
    $other CLIENT PAUSE 100000 WRITE
    ask CONFIG SET maxmemory [expr {[used] - 200000}]
    expect 500 { ask DBSIZE }
    $other CLIENT UNPAUSE
    wait_for {[ask DBSIZE] < 400}
    no_limit
}

test "integers are not shared when each key has a clock" {
    ask SET n 1
    expect 2147483647 { ask OBJECT REFCOUNT n }
    limit_above 100000000 allkeys-lru
    expect 1 { ask OBJECT REFCOUNT n }
    no_limit
}
