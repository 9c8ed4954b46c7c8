# HGETALL, HKEYS, HVALS, HSCAN and HRANDFIELD: all fields, in steps, at random.

suite

proc fill_hash {key count} {
    set c [client::dial]
    for {set from 0} {$from < $count} {incr from 500} {
        set request [list HSET $key]
        for {set i $from} {$i < min($from + 500, $count)} {incr i} { lappend request f$i v$i }
        $c {*}$request
    }
    client::hangup $c
}

proc hscan_all {key args} {
    set cursor 0
    set found {}
    for {set turn 0} {$turn < 1000000} {incr turn} {
        lassign [ask HSCAN $key $cursor {*}$args] cursor part
        lappend found {*}$part
        if {$cursor == 0} { return $found }
    }
    fail "HSCAN does not end"
}

test "HGETALL, HKEYS and HVALS agree" {
    foreach count {1 512 513 3000} {
        ask DEL h
        fill_hash h $count
        set all [ask HGETALL h]
        expect [dict keys $all] { ask HKEYS h }
        expect [dict values $all] { ask HVALS h }
        expect $count { dict size $all }
        dict for {field value} $all { expect_true {"v[string range $field 1 end]" eq $value} }
    }
}

test "HSCAN gives every field once, when nothing changes" {
    foreach count {5 513 5000} {
        ask DEL h
        fill_hash h $count
        foreach step {1 7 100 100000} {
            expect $count { dict size [hscan_all h COUNT $step] }
            expect [expr {2 * $count}] { llength [hscan_all h COUNT $step] }
        }
    }
}

test "HSCAN MATCH" {
    foreach count {20 1000} {
        ask DEL h
        fill_hash h $count
        expect {f10 f11 f12 f13 f14 f15 f16 f17 f18 f19} {
            lsort [dict keys [hscan_all h MATCH {f1[0-9]} COUNT 3]]
        }
        expect {f7 v7} { hscan_all h MATCH f7 }
        expect {} { hscan_all h MATCH nothing* }
    }
}

test "HSCAN NOVALUES gives names alone" -tags baton-only {
    foreach count {20 1000} {
        ask DEL h
        fill_hash h $count
        expect [lsort [ask HKEYS h]] { lsort [hscan_all h NOVALUES] }
        expect {f7} { hscan_all h NOVALUES MATCH f7 COUNT 100 }
        expect {f7} { hscan_all h MATCH f7 NOVALUES }
    }
}

test "HSCAN shows what stays while the hash grows and shrinks" {
    fill_hash h 2000
    set cursor 0
    set seen {}
    set i 0
    for {set turn 0} {$turn < 100000} {incr turn} {
        lassign [ask HSCAN h $cursor COUNT 10] cursor part
        foreach {field value} $part { dict set seen $field 1 }
        if {$cursor == 0} break
        if {$turn < 150} {
            for {set j 0} {$j < 100} {incr j; incr i} { ask HSET h new$i v }
        } elseif {$turn < 250} {
            for {set j 0} {$j < 100} {incr j; incr i -1} { ask HDEL h new$i }
        }
    }
    for {set f 0} {$f < 2000} {incr f} { expect_true {[dict exists $seen f$f]} }
}

test "HSCAN's errors" {
    ask HSET h f v
    expect_errors {
        {HSCAN h x} "ERR invalid cursor"
        {HSCAN no x} "ERR invalid cursor"
        {HSCAN h 0 COUNT 0} "ERR syntax error"
        {HSCAN h 0 COUNT x} "ERR value is not an integer or out of range"
        {HSCAN h 0 MATCH} "ERR syntax error"
        {HSCAN h 0 TYPE hash} "ERR syntax error"
        {HSCAN h 0 NONSENSE} "ERR syntax error"
    }
    expect {0 {}} { ask HSCAN no 0 COUNT 0 }
}

test "HRANDFIELD without and with a count" {
    foreach count {3 600} {
        ask DEL h
        fill_hash h $count
        set names [ask HKEYS h]
        expect_true {[ask HRANDFIELD h] in $names}
        expect {} { ask HRANDFIELD h 0 }
        expect $count { llength [lsort -unique [ask HRANDFIELD h $count]] }
        expect $count { llength [ask HRANDFIELD h 100000] }
        expect 2 { llength [lsort -unique [ask HRANDFIELD h 2]] }
        expect 1000 { llength [ask HRANDFIELD h -1000] }
        foreach name [ask HRANDFIELD h -200] { expect_true {$name in $names} }
        foreach {name value} [ask HRANDFIELD h 2 WITHVALUES] { expect $value { ask HGET h $name } }
        expect 20 { llength [ask HRANDFIELD h -10 WITHVALUES] }
    }
}

test "HRANDFIELD's different fields are different, whatever the count" {
    fill_hash h 600
    foreach count {1 50 199 200 201 300 599 600} {
        expect $count { llength [lsort -unique [ask HRANDFIELD h $count]] }
    }
}

test "HRANDFIELD draws evenly" -tags baton-only {
    foreach count {10 600} {
        ask DEL h
        fill_hash h $count
        set seen {}
        foreach name [ask HRANDFIELD h -[expr {$count * 200}]] { dict incr seen $name }
        for {set i 0} {$i < 1000} {incr i} { foreach name [ask HRANDFIELD h 3] { dict incr seen $name } }
        expect $count { dict size $seen }
        set all [lsort -integer [dict values $seen]]
        expect_true {[lindex $all end] < 3 * [lindex $all 0]}
    }
}

test "HRANDFIELD's errors" {
    ask HSET h f v
    expect_errors {
        {HRANDFIELD h x} "ERR value is not an integer or out of range"
        {HRANDFIELD h 1 NONSENSE} "ERR syntax error"
        {HRANDFIELD h 1 WITHVALUES x} "ERR syntax error"
        {HRANDFIELD h -9223372036854775808} "ERR value is out of range*"
        {HRANDFIELD h -9223372036854775807 WITHVALUES} "ERR value is out of range"
        {HRANDFIELD h 4611686018427387904 WITHVALUES} "ERR value is out of range"
        {HRANDFIELD no -4611686018427387904 WITHVALUES} "ERR value is out of range"
    }
}

test "RESP3: a map, pairs of HRANDFIELD" {
    ask HELLO 3
    ask HSET h f v
    expect map { lindex [ask_typed HGETALL h] 0 }
    expect {array {{bulk f}}} { ask_typed HKEYS h }
    expect {array {{array {{bulk f} {bulk v}}}}} { ask_typed HRANDFIELD h 1 WITHVALUES }
    expect {array {{bulk f}}} { ask_typed HRANDFIELD h 1 }
    expect {null {}} { ask_typed HGET h nothing }
    expect map { lindex [ask_typed HGETALL nothing] 0 }
}
