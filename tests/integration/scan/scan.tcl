# SCAN: options, and the guarantee that what is there all the time is returned.

suite

proc scan_all {args} {
    set cursor 0
    set found {}
    for {set turn 0} {$turn < 1000000} {incr turn} {
        lassign [ask SCAN $cursor {*}$args] cursor keys
        lappend found {*}$keys
        if {$cursor == 0} { return $found }
    }
    fail "SCAN does not end"
}

proc fill {count {prefix key:}} {
    set c [client::dial]
    for {set from 0} {$from < $count} {incr from 500} {
        set request MSET
        for {set i $from} {$i < min($from + 500, $count)} {incr i} { lappend request $prefix$i v }
        $c {*}$request
    }
    client::hangup $c
}

test "SCAN of an empty database" {
    expect {0 {}} { ask SCAN 0 }
}

test "SCAN returns every key exactly, when nothing changes" {
    fill 1000
    expect 1000 { llength [scan_all] }
    expect 1000 { llength [lsort -unique [scan_all]] }
}

test "SCAN COUNT bounds a turn roughly and any count ends" {
    fill 1000
    foreach count {1 5 10 100 999 10000 1000000000} {
        expect 1000 { llength [lsort -unique [scan_all COUNT $count]] }
    }
    lassign [ask SCAN 0 COUNT 10] cursor keys
    expect_true {$cursor != 0 && [llength $keys] < 100}
}

test "SCAN MATCH" {
    fill 1000
    ask MSET foo:1 a foo:2 b {fo[o} c
    expect {foo:1 foo:2} { lsort -unique [scan_all MATCH foo*] }
    expect {{fo[o}} { lsort -unique [scan_all MATCH {fo\[o}] }
    expect 99 { llength [lsort -unique [scan_all MATCH key:?2* COUNT 50]] }
    expect {} { scan_all MATCH nothing* }
}

test "SCAN TYPE" {
    fill 100
    expect 100 { llength [lsort -unique [scan_all TYPE string]] }
    expect 100 { llength [lsort -unique [scan_all TYPE STRING]] }
    expect 0 { llength [scan_all TYPE hash] }
    expect 10 { llength [lsort -unique [scan_all TYPE string MATCH key:1? COUNT 7]] }
}

test "SCAN TYPE tells types apart" -needs lpush {
    ask LPUSH list x
    ask SET string x
    expect list { scan_all TYPE list }
    expect string { scan_all TYPE string }
}

test "SCAN errors" {
    expect_errors {
        {SCAN} {ERR wrong number of arguments for 'scan' command}
        {SCAN abc} {ERR invalid cursor}
        {SCAN -1x} {ERR invalid cursor}
        {SCAN 0 COUNT 0} {ERR syntax error}
        {SCAN 0 COUNT -5} {ERR syntax error}
        {SCAN 0 COUNT abc} {ERR value is not an integer or out of range}
        {SCAN 0 NOSUCH 1} {ERR syntax error}
        {SCAN 0 MATCH} {ERR syntax error}
        {SCAN 0 COUNT 10 TYPE} {ERR syntax error}
    }
}

test "SCAN with a cursor of one's own invention ends and does not crash" {
    fill 500
    foreach cursor {1 7 12345 4294967295 9223372036854775807 18446744073709551615} {
        for {set turn 0} {$turn < 5000 && $cursor != 0} {incr turn} {
            set cursor [lindex [ask SCAN $cursor COUNT 20] 0]
        }
        expect 0 { set cursor }
    }
}

test "SCAN does not return expired keys" {
    ask DEBUG SET-ACTIVE-EXPIRE 0
    fill 50
    for {set i 0} {$i < 50} {incr i} { ask SET gone:$i v PX 1 }
    sleep_ms 5
    expect 50 { llength [lsort -unique [scan_all]] }
    expect {} { scan_all MATCH gone:* }
    ask DEBUG SET-ACTIVE-EXPIRE 1
}

test "SCAN while the table grows: the old keys are all returned" {
    foreach count {1 10 100} {
        ask FLUSHALL
        fill 1000 stay:
        set grow [by_load 10000 20000 200000]
        set cursor 0
        set added 0
        array unset seen
        while 1 {
            lassign [ask SCAN $cursor COUNT $count] cursor keys
            foreach key $keys { set seen($key) 1 }
            if {$added < $grow} {
                set request MSET
                for {set i 0} {$i < 100 * $count} {incr i} { lappend request new:[incr added] v }
                ask {*}$request
            }
            if {$cursor == 0} break
        }
        for {set i 0} {$i < 1000} {incr i} {
            if {![info exists seen(stay:$i)]} { fail "COUNT $count: stay:$i was not returned" }
        }
    }
}

test "SCAN while the table shrinks: the keys that stay are all returned" {
    foreach count {10 100} {
        ask FLUSHALL
        set n [by_load 10000 20000 100000]
        fill $n go:
        fill 1000 stay:
        set cursor 0
        set removed 0
        array unset seen
        while 1 {
            lassign [ask SCAN $cursor COUNT $count] cursor keys
            foreach key $keys { set seen($key) 1 }
            if {$removed < $n} {
                set request DEL
                for {set i 0} {$i < 20 * $count && $removed < $n} {incr i} {
                    lappend request go:$removed
                    incr removed
                }
                ask {*}$request
            }
            if {$cursor == 0} break
        }
        for {set i 0} {$i < 1000} {incr i} {
            if {![info exists seen(stay:$i)]} { fail "COUNT $count: stay:$i was not returned" }
        }
    }
}

test "SCAN while keys come and go, the table growing and shrinking in waves" {
    fill 500 stay:
    set cursor 0
    set turn 0
    for {set scan 0} {$scan < [by_load 3 8 50]} {incr scan} {
        array unset seen
        while 1 {
            lassign [ask SCAN $cursor COUNT 7] cursor keys
            foreach key $keys { set seen($key) 1 }
            set request [expr {($turn / 20) % 2 ? "DEL" : "MSET"}]
            for {set i 0} {$i < 200} {incr i} {
                set key wave:[expr {($turn % 20) * 200 + $i}]
                lappend request $key
                if {[lindex $request 0] eq "MSET"} { lappend request v }
            }
            ask {*}$request
            incr turn
            if {$cursor == 0} break
        }
        for {set i 0} {$i < 500} {incr i} {
            if {![info exists seen(stay:$i)]} { fail "scan $scan: stay:$i was not returned" }
        }
    }
}

test "deleting every key that SCAN returns empties the database" {
    fill 5000
    set cursor 0
    while 1 {
        lassign [ask SCAN $cursor] cursor keys
        if {[llength $keys]} { ask DEL {*}$keys }
        if {$cursor == 0} break
    }
    expect 0 { ask DBSIZE }
}

test "a key deleted before a scan is never returned" {
    fill 2000
    for {set i 0} {$i < 2000} {incr i 2} { ask DEL key:$i }
    foreach key [scan_all] {
        if {[string range $key 4 end] % 2 == 0} { fail "$key was deleted and is returned" }
    }
}

test "interleaved scans do not disturb each other" {
    fill 1000
    set cursors {0 0 0}
    set found {{} {} {}}
    set open 3
    while {$open > 0} {
        for {set i 0} {$i < 3} {incr i} {
            set cursor [lindex $cursors $i]
            if {$cursor eq "done"} continue
            lassign [ask SCAN $cursor COUNT [expr {3 + $i * 10}]] cursor keys
            lset found $i [concat [lindex $found $i] $keys]
            if {$cursor == 0} { set cursor done; incr open -1 }
            lset cursors $i $cursor
        }
    }
    foreach keys $found { expect 1000 { llength [lsort -unique $keys] } }
}

test "SCAN works through FLUSHALL and SWAPDB in its middle" {
    fill 1000
    set cursor [lindex [ask SCAN 0 COUNT 10] 0]
    ask FLUSHALL
    for {set turn 0} {$turn < 1000 && $cursor != 0} {incr turn} {
        set cursor [lindex [ask SCAN $cursor] 0]
    }
    expect 0 { set cursor }
    fill 300
    set cursor [lindex [ask SCAN 0 COUNT 10] 0]
    ask SWAPDB 0 1
    for {set turn 0} {$turn < 1000 && $cursor != 0} {incr turn} {
        set cursor [lindex [ask SCAN $cursor] 0]
    }
    expect 0 { set cursor }
}

test "SCAN and RANDOMKEY delete the expired keys that they meet, KEYS does not" {
    ask DEBUG SET-ACTIVE-EXPIRE 0
    try {
        fill 500
        for {set i 0} {$i < 50} {incr i} { ask SET old:$i v PX 1 }
        sleep_ms 10
        set expired [info_field expired_keys stats]
        expect 500 { llength [ask KEYS *] }
        expect 550 { ask DBSIZE }
        expect {} { scan_all TYPE set }
        expect 500 { ask DBSIZE }
        expect [expr {$expired + 50}] { info_field expired_keys stats }
        ask FLUSHALL
        for {set i 0} {$i < 50} {incr i} { ask SET old:$i v PX 1 }
        sleep_ms 10
        expect (nil) { ask RANDOMKEY }
        expect 0 { ask DBSIZE }
    } finally {
        ask DEBUG SET-ACTIVE-EXPIRE 1
    }
}
