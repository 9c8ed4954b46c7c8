# Sets: what a client sees of them, in every encoding.

suite

proc fill {key from to {prefix ""}} {
    set c [client::dial]
    for {set i $from} {$i < $to} {incr i 500} {
        set members {}
        for {set k $i} {$k < min($i + 500, $to)} {incr k} { lappend members $prefix$k }
        $c SADD $key {*}$members
    }
    client::hangup $c
}

proc scan_set {key args} {
    set cursor 0
    set found {}
    for {set turn 0} {$turn < 1000000} {incr turn} {
        lassign [ask SSCAN $key $cursor {*}$args] cursor members
        lappend found {*}$members
        if {$cursor == 0} { return $found }
    }
    fail "SSCAN does not end"
}

test "SADD, SREM and the questions about members" {
    expect 3 { ask SADD s a b c }
    expect 1 { ask SADD s c d }
    expect {a b c d} { lsort [ask SMEMBERS s] }
    expect {1 0 1} { ask SMISMEMBER s a x d }
    expect 2 { ask SREM s a x b }
    expect 2 { ask SCARD s }
    expect 2 { ask SREM s c d e }
    expect 0 { ask EXISTS s }
}

test "A member may be any bytes, empty and long ones too" {
    set members [list "" "\r\n" "a\x00b" "\xff\xfe" [string repeat x 100000] 007 -0 9223372036854775808]
    expect 8 { ask SADD s {*}$members }
    expect [lsort $members] { lsort [ask SMEMBERS s] }
    foreach m $members { expect 1 { ask SISMEMBER s $m } }
    foreach m $members { expect 1 { ask SREM s $m } }
    expect 0 { ask EXISTS s }
}

test "Encodings follow the options" -tags baton-only {
    with_config {set-max-intset-entries 4 set-max-listpack-entries 3 set-max-listpack-value 5} {
        ask SADD ints 1 2 3 4
        expect intset { ask OBJECT ENCODING ints }
        ask SADD ints 5
        expect hashtable { ask OBJECT ENCODING ints }
        ask SADD mixed 1 2
        ask SADD mixed a
        expect listpack { ask OBJECT ENCODING mixed }
        ask SADD mixed b
        expect hashtable { ask OBJECT ENCODING mixed }
        ask SADD long abcdef
        expect hashtable { ask OBJECT ENCODING long }
        ask SADD wide 100000 2
        ask SADD wide a
        expect hashtable { ask OBJECT ENCODING wide }
    }
}

test "SRANDMEMBER and SPOP give members only" {
    foreach {key count prefix} {ints 100 "" words 100 w large 2000 w} {
        fill $key 0 $count $prefix
        set all [lsort [ask SMEMBERS $key]]
        expect_true {[ask SRANDMEMBER $key] in $all}
        expect $all { lsort [ask SRANDMEMBER $key 100000] }
        expect [expr {$count / 2}] { llength [lsort -unique [ask SRANDMEMBER $key [expr {$count / 2}]]] }
        expect 300 { llength [ask SRANDMEMBER $key -300] }
        set popped [ask SPOP $key 7]
        lappend popped [ask SPOP $key]
        expect $all { lsort [concat $popped [ask SMEMBERS $key]] }
        lappend popped {*}[ask SPOP $key [expr {$count - 20}]]
        expect $all { lsort [concat $popped [ask SMEMBERS $key]] }
        ask SPOP $key 100
        expect 0 { ask EXISTS $key }
    }
}

test "SINTER, SUNION, SDIFF of large and small sets" {
    fill a 0 3000 w
    fill b 1000 4000 w
    ask SADD c w1500 w1 zzz 7
    expect 2000 { ask SINTERCARD 2 a b }
    expect 100 { ask SINTERCARD 2 a b LIMIT 100 }
    expect w1500 { ask SINTER a b c }
    expect 4002 { llength [ask SUNION a b c] }
    expect 999 { llength [ask SDIFF a b c] }
    expect 2000 { ask SINTERSTORE a a b }
    expect 2000 { ask SCARD a }
    expect 3003 { ask SUNIONSTORE d b c a none }
    expect 3003 { ask SCARD d }
    expect 0 { ask SDIFFSTORE d a b }
    expect 0 { ask EXISTS d }
}

test "SSCAN of a set that grows and shrinks shows what stays" {
    fill s 0 5000 m
    set seen [dict create]
    set cursor 0
    set next 5000
    for {set turn 0} {$turn < 100000} {incr turn} {
        lassign [ask SSCAN s $cursor COUNT 50] cursor members
        foreach m $members { dict set seen $m 1 }
        if {$cursor == 0} { break }
        ask SADD s m[incr next] m[incr next] m[incr next]
        set gone {}
        for {set i 0} {$i < 40} {incr i} { lappend gone m[expr {1000 + ($turn * 40 + $i) % 4000}] }
        ask SREM s {*}$gone
    }
    expect 0 { set cursor }
    for {set i 0} {$i < 1000} {incr i} { expect_true {[dict exists $seen m$i]} }
}

test "SSCAN MATCH and COUNT" {
    fill s 0 1000 m
    expect 1000 { llength [lsort -unique [scan_set s]] }
    expect 1000 { llength [lsort -unique [scan_set s COUNT 7]] }
    expect 10 { llength [lsort -unique [scan_set s MATCH m77?]] }
    expect_error "ERR syntax error*" { ask SSCAN s 0 COUNT 0 }
    expect_error "ERR invalid cursor*" { ask SSCAN s -x }
}

test "RESP3 shapes" {
    ask SADD s a
    set c [client::dial -resp 3]
    expect {set {{bulk a}}} { client::ask_typed $c SMEMBERS s }
    expect {array {{bulk a}}} { client::ask_typed $c SRANDMEMBER s 1 }
    expect {set {{bulk a}}} { client::ask_typed $c SPOP s 1 }
    expect {null {}} { client::ask_typed $c SPOP s }
}

test "A negative count is cut at the client's output limit" -tags baton-only {
    ask SADD s [string repeat x 1000]
    with_config {client-output-buffer-limit "normal 1000000 0 0"} {
        set c [client::dial]
        catch { $c SRANDMEMBER s -9223372036854775807 } message
        expect "connection closed by the server" { set message }
        expect PONG { ask PING }
    }
}
