# Big values: read straight into the place where they stay, and answered without a copy. Every byte
# must be right, whatever else happens to the key, the connection or the server's memory meanwhile.

suite

# `len` bytes that differ from place to place and from seed to seed.
proc value {len {seed 0}} {
    variable values
    if {![info exists values($len,$seed)]} {
        set text ""
        for {set i $seed} {[string length $text] < $len} {incr i} { append text "$seed.$i\r\n\0" }
        set values($len,$seed) [string range $text 0 $len-1]
    }
    return $values($len,$seed)
}

proc expect_value {got len {seed 0}} {
    if {$got ne [value $len $seed]} {
        fail "a value of $len bytes (seed $seed) came back as [string length $got] bytes:\
            [printable [string range $got 0 60]]"
    }
}

set sizes {10000 16383 16384 32765 32766 32767 32768 32769 32770 65535 65536 65537 100000 1048575
    1048576 1048577 3000000}

test "values of all sizes come back byte for byte" {
    variable sizes
    foreach len $sizes {
        expect OK { ask SET k [value $len] }
        expect $len { ask STRLEN k }
        expect_value [ask GET k] $len
        expect_value [ask GETRANGE k 0 -1] $len
        expect [string range [value $len] 5 20004] { ask GETRANGE k 5 20004 }
    }
}

test "every command that stores a value takes big ones" {
    set v [value 100000]
    expect 1 { ask SETNX k $v }
    expect_value [ask GETSET k [value 100000 1]] 100000
    expect_value [ask SET k $v GET] 100000 1
    expect OK { ask SET k [value 40000 2] KEEPTTL }
    expect OK { ask SETEX k 100 $v }
    expect OK { ask PSETEX k 100000 $v }
    expect_value [ask GETEX k PERSIST] 100000
    expect 200000 { ask APPEND k $v }
    expect 50000 { ask APPEND k2 [value 50000] }
    expect 100005 { ask SETRANGE k3 5 $v }
    expect OK { ask MSET a $v b x c [value 33000] d $v }
    expect [list $v x [value 33000] $v] { ask MGET a b c d }
    expect 0 { ask MSETNX e $v d $v }
    expect 1 { ask MSETNX e $v f $v }
    expect_value [ask GETDEL e] 100000
    expect 0 { ask EXISTS e }
    expect OK { ask MSET a $v a [value 40000 3] }
    expect_value [ask GET a] 40000 3
}

test "big arguments that nobody stores do no harm" {
    set before [info_field used_memory memory]
    set v [value 300000]
    for {set i 0} {$i < 20} {incr i} {
        expect_value [ask ECHO $v] 300000
        expect_error "ERR unknown command*" { ask $v $v }
        expect_error "ERR syntax error" { ask SET k $v NOSUCH }
        expect_error "ERR wrong number*" { ask GET $v $v }
        expect_error "ERR value is not an integer*" { ask INCRBY k $v }
        expect (nil) { ask GET $v }
        expect 0 { ask EXISTS $v }
    }
    wait_for {[info_field used_memory memory] < $before + 3000000}
}

test "big keys are keys" {
    set k [value 70000]
    expect OK { ask SET $k v }
    expect v { ask GET $k }
    expect [list $k] { ask KEYS * }
    expect 1 { ask DEL $k }
}

test "the stream may be cut anywhere around a big value" {
    set request [client::encode SET k [value 33000]][client::encode GET k][client::encode PING]
    set len [string length $request]
    foreach cut [list 1 5 20 26 27 28 29 30 34 35 36 37 512 4096 16384 32768 33030 33033 33034 33035 \
        33036 33037 33038 33040 33050 [expr {$len - 3}]] {
        set c [client::dial]
        client::write $c [string range $request 0 $cut-1]
        ask PING
        sleep_ms 3
        client::write $c [string range $request $cut end]
        expect OK { client::reply $c }
        expect_value [client::reply $c] 33000
        expect PONG { client::reply $c }
        client::hangup $c
    }
}

test "a big value may come in small pieces" {
    set c [client::dial]
    client::drip $c [client::encode SET k [value 60000]] 700
    expect OK { client::reply $c }
    expect_value [$c GET k] 60000
}

test "big and small commands may be pipelined" {
    set c [client::dial]
    set requests {}
    for {set i 0} {$i < 40} {incr i} {
        set len [expr {$i % 3 == 0 ? 40000 + $i : $i * 100}]
        lappend requests [list SET key:[expr {$i * 7 % 23}] [value $len $i]] \
            [list GET key:[expr {$i * 7 % 23}]] [list PING]
    }
    set i 0
    foreach {set get ping} [client::pipeline $c $requests] {
        set len [expr {$i % 3 == 0 ? 40000 + $i : $i * 100}]
        expect OK { set set }
        expect_value $get $len $i
        expect PONG { set ping }
        incr i
    }
}

test "many connections send and get big values at once" {
    set all {}
    for {set i 0} {$i < [by_load 20 50 200]} {incr i} { lappend all [client::dial] }
    for {set round 0} {$round < 3} {incr round} {
        set i 0
        foreach c $all {
            client::write $c [client::encode SET key:$i [value [expr {90000 + $i}] $i]]
            client::send $c GET key:$i
            incr i
        }
        set i 0
        foreach c $all {
            expect OK { client::reply $c }
            expect_value [client::reply $c] [expr {90000 + $i}] $i
            incr i
        }
    }
}

# What a slow reader was promised is what it gets.
test "a slow reader gets the value as it was" {
    set deeds {
        {SET k other} {DEL k} {UNLINK k} {APPEND k more} {SETRANGE k 0 XXXX} {SETBIT k 7 1} {GETDEL k}
        {PEXPIRE k 1} {FLUSHALL} {FLUSHALL ASYNC} {RENAME k k2} {BITFIELD k SET u8 0 255}
        {SETRANGE k 6000000 end}
    }
    foreach deed $deeds {
        ask SET k [value 5000000]
        set slow [client::dial]
        set id [$slow CLIENT ID]
        for {set i 0} {$i < 5} {incr i} { client::send $slow GET k }
        wait_for {[dict get [client_entry $id] omem] > 1000000}
        ask {*}$deed
        for {set i 0} {$i < 20} {incr i} { ask SET other:$i [value 1000000 $i] }
        for {set i 0} {$i < 5} {incr i} {
            set got [client::reply $slow]
            # Those that the server had not come to yet see the new value.
            if {$i == 0 || [string length $got] == 5000000 && [string index $got 4] ne "X"} {
                if {[string range $got 8 end] ne [string range [value 5000000] 8 end]} {
                    fail "after $deed: reply $i is wrong"
                }
            }
        }
        client::hangup $slow
    }
}

test "what is lent to a client that goes away is given back" {
    ask SET k [value 3000000]
    set before [info_field used_memory memory]
    for {set i 0} {$i < 10} {incr i} {
        set c [client::dial]
        set id [$c CLIENT ID]
        for {set j 0} {$j < 10} {incr j} { client::send $c GET k }
        wait_for {[dict get [client_entry $id] omem] > 1000000}
        ask SET k [value 3000000 $i]
        if {$i % 2} { ask CLIENT KILL ID $id } else { client::hangup $c }
    }
    wait_for {[info_field connected_clients clients] <= 2}
    wait_for {[info_field used_memory memory] < $before + 2000000}
    ask DEL k
    wait_for {[info_field used_memory memory] < $before - 2000000}
}

# What is held of a client's command that is not whole yet: arguments that are, and the one that is not.
proc half_sent {id} {
    set entry [client_entry $id]
    return [expr {[dict get $entry argv-mem] + [dict get $entry qbuf]}]
}

test "what a client leaves half sent is freed" -tags baton-only {
    set before [info_field used_memory memory]
    set all {}
    for {set i 0} {$i < 20} {incr i} {
        set c [client::dial]
        lappend all [$c CLIENT ID] $c
        client::write $c "*5\r\n\$4\r\nMSET\r\n\$1\r\na\r\n\$700000\r\n[value 700000]\r\n\$1\r\nb\r\n"
        client::write $c "\$900000\r\n[value 500000]"
    }
    foreach {id c} $all { wait_for {[half_sent $id] >= 1200000} }
    expect_true {[info_field used_memory memory] > $before + 20 * 1200000}
    foreach {id c} $all {
        if {$id % 2} { ask CLIENT KILL ID $id } else { client::hangup $c }
    }
    wait_for {[info_field used_memory memory] < $before + 2000000}
    expect 0 { ask EXISTS a b }
}

test "what is announced but not sent is not reserved" -tags baton-only {
    set before [info_field used_memory memory]
    for {set i 0} {$i < 20} {incr i} {
        set c [client::dial]
        client::write $c "*3\r\n\$3\r\nSET\r\n\$1\r\nk\r\n\$500000000\r\n[value 100000]"
        set id $i
    }
    sleep_ms 50
    ask PING
    expect_true {[info_field used_memory memory] < $before + 20 * 400000}
}

test "CLIENT PAUSE holds big values back" {
    set c [client::dial]
    ask CLIENT PAUSE 10000 WRITE
    client::send $c SET k [value 500000]
    client::send $c SET k2 [value 500000 1]
    client::send $c GET k
    wait_for {[info_field blocked_clients clients] == 1}
    expect (nil) { ask GET k }
    ask CLIENT UNPAUSE
    expect OK { client::reply $c }
    expect OK { client::reply $c }
    expect_value [client::reply $c] 500000
    expect_value [ask GET k2] 500000 1
}

test "a client that is killed while its big values wait leaves none" {
    set before [info_field used_memory memory]
    set c [client::dial]
    set id [$c CLIENT ID]
    ask CLIENT PAUSE 10000 WRITE
    for {set i 0} {$i < 5} {incr i} { client::send $c SET k [value 500000] }
    wait_for {[info_field blocked_clients clients] == 1}
    ask CLIENT KILL ID $id
    wait_for {[info_field blocked_clients clients] == 0}
    ask CLIENT UNPAUSE
    expect 0 { ask EXISTS k }
    wait_for {[info_field used_memory memory] < $before + 1000000}
}

test "replies that are not wanted lend nothing" {
    set c [client::dial]
    ask SET k [value 1000000]
    client::write $c [client::encode CLIENT REPLY OFF]
    for {set i 0} {$i < 10} {incr i} { client::send $c GET k }
    client::write $c [client::encode CLIENT REPLY ON]
    expect OK { client::reply $c }
    client::write $c [client::encode CLIENT REPLY SKIP][client::encode GET k]
    expect PONG { $c PING }
    expect 1000004 { ask APPEND k more }
}

test "proto-max-bulk-len holds for big arguments" {
    with_config {proto-max-bulk-len 2mb} {
        expect OK { ask SET k [value 2000000] }
        set c [client::dial]
        client::write $c "*3\r\n\$3\r\nSET\r\n\$1\r\nk\r\n\$2097153\r\n"
        expect_error "ERR Protocol error: invalid bulk length" { client::reply $c }
        expect_error "ERR string exceeds*" { ask APPEND k [value 100000] }
    }
    expect_value [ask GET k] 2000000
}

test "a big value without its end is an error" -tags baton-only {
    set c [client::dial]
    client::write $c "*3\r\n\$3\r\nSET\r\n\$1\r\nk\r\n\$40000\r\n[value 40000]XY"
    expect_error "ERR Protocol error*" { client::reply $c }
    expect_true {[client::gone $c]}
    expect 0 { ask EXISTS k }
}
