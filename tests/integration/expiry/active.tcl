# Keys go at their time: when someone looks, and by themselves when nobody does.

suite

test "an expired key is gone for every reader" {
    ask DEBUG SET-ACTIVE-EXPIRE 0
    foreach {request want} {
        {GET k} (nil)  {EXISTS k} 0  {TTL k} -2  {PTTL k} -2  {TYPE k} none  {STRLEN k} 0
        {GETRANGE k 0 -1} {}  {MGET k} (nil)  {DEL k} 0  {GETBIT k 0} 0  {BITCOUNT k} 0
        {OBJECT ENCODING k} (nil)  {PERSIST k} 0  {EXPIRE k 100} 0  {RENAMENX other k} 1
        {COPY k copied} 0  {MOVE k 9} 0  {GETDEL k} (nil)  {TOUCH k} 0  {UNLINK k} 0
        {SET k v XX} (nil)  {APPEND k x} 1  {INCR k} 1  {GETSET k x} (nil)  {SET k x NX} OK
        {SETRANGE k 1 x} 2  {SET k x GET} (nil)  {EXPIRETIME k} -2  {DUMP k} (nil)
    } {
        if {[lindex $request 0] eq "DUMP" && [ask COMMAND INFO dump] eq "(nil)"} continue
        ask SET other o
        ask SET k 5 PX 1
        sleep_ms 3
        set got [ask {*}$request]
        if {$got ne $want} { fail "$request of an expired key gave [printable $got]" }
        ask FLUSHALL
    }
    ask DEBUG SET-ACTIVE-EXPIRE 1
}

test "without active expiry, keys stay until they are looked at" {
    ask DEBUG SET-ACTIVE-EXPIRE 0
    for {set i 0} {$i < 20} {incr i} { ask SET k$i v PX 1 }
    sleep_ms 200
    expect 20 { ask DBSIZE }
    expect (nil) { ask GET k0 }
    expect 19 { ask DBSIZE }
    ask DEBUG SET-ACTIVE-EXPIRE 1
    wait_for {[ask DBSIZE] == 0}
}

test "keys expire by themselves" {
    for {set i 0} {$i < 500} {incr i} { ask SET k$i v PX [expr {10 + $i / 10}] }
    ask SET stays v
    wait_for {[ask DBSIZE] == 1}
    expect v { ask GET stays }
}

test "an expired key never shows a moment too early" {
    for {set i 0} {$i < 30} {incr i} {
        set from [clock milliseconds]
        ask SET k v PX 20
        while {[clock milliseconds] - $from < 18} {
            set got [ask GET k]
            if {[clock milliseconds] - $from < 19 && $got ne "v"} { fail "gone too early" }
        }
        wait_for {[ask GET k] eq "(nil)"} 500 1
    }
}

test "expired_keys counts lazy and active expiry" {
    set before [info_field expired_keys stats]
    for {set i 0} {$i < 100} {incr i} { ask SET k$i v PX 5 }
    wait_for {[ask DBSIZE] == 0}
    expect [expr {$before + 100}] { info_field expired_keys stats }
}

test "keys of every database expire" {
    foreach db {0 1 7 15} {
        ask SELECT $db
        for {set i 0} {$i < 50} {incr i} { ask SET k$i v PX 20 }
    }
    foreach db {0 1 7 15} {
        ask SELECT $db
        wait_for {[ask DBSIZE] == 0}
    }
}

test "a new TTL replaces the old deadline" {
    ask SET a v PX 30
    ask PEXPIRE a 100000
    ask SET b v PX 30
    ask PERSIST b
    ask SET c v PX 30
    ask SET c w
    ask SET d v PX 100000
    ask PEXPIRE d 10
    sleep_ms 60
    wait_for {[ask DBSIZE] == 3}
    expect {v v w (nil)} { ask MGET a b c d }
}

test "a renamed, moved, copied key keeps its deadline" {
    ask SET a v PX 40
    ask RENAME a b
    ask COPY b c
    ask MOVE b 9
    expect 1 { ask EXISTS c }
    wait_for {[ask DBSIZE] == 0}
    ask SELECT 9
    wait_for {[ask DBSIZE] == 0}
}

test "20,000 keys that expire at one moment do not stop other clients" {
    set n [by_load 5000 20000 200000]
    set at [expr {[clock milliseconds] + [scaled_ms [by_load 1000 2500 15000]]}]
    set c [client::dial]
    for {set i 0} {$i < $n} {incr i 500} {
        set requests {}
        for {set j $i} {$j < $i + 500} {incr j} { lappend requests [list SET k$j v PXAT $at] }
        client::pipeline $c $requests
    }
    if {[clock milliseconds] >= $at} { skip "the machine is too slow for this figure" }
    expect $n { ask DBSIZE }
    set worst 0
    while {[ask DBSIZE] > 0} {
        set from [clock microseconds]
        ask PING
        set worst [expr {max($worst, [clock microseconds] - $from)}]
        if {[clock milliseconds] > $at + [scaled_ms 10000]} { fail "keys are left: [ask DBSIZE]" }
    }
    expect_true {$worst < [scaled_ms 500] * 1000}
}

test "active expiry is on time: 10 ms in 99 of 100" -tags baton-only {
    set best 1000000
    for {set try 0} {$try < 3 && $best > 10} {incr try} {
        ask FLUSHALL
        set start [expr {[clock milliseconds] + 300}]
        set requests {}
        for {set i 0} {$i < 1000} {incr i} {
            lappend requests [list SET k$i v PXAT [expr {$start + $i}]]
        }
        client::pipeline [client::dial] $requests
        set late {}
        while {[llength $late] < 5000} {
            set before [clock milliseconds]
            set left [ask DBSIZE]
            # k<i> goes at start+i, so `left` keys mean that all before 1000-left are gone.
            set due [expr {min($before - $start, 1000)}]
            if {$due > 0} { lappend late [expr {$due - (1000 - $left)}] }
            if {$left == 0} break
            sleep_ms 1
        }
        set p99 [lindex [lsort -integer $late] [expr {[llength $late] * 99 / 100}]]
        set best [expr {min($best, $p99)}]
    }
    expect_true {$best <= [scaled_ms 10]}
}

test "INFO tells keys with a TTL" {
    ask SET a 1
    ask SET b 1 EX 100
    expect_match "db0:keys=2,expires=1,avg_ttl=*" {
        lindex [split [string trim [ask INFO keyspace]] \n] 1
    }
}
