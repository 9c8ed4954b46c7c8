# Groups: reading, acknowledging, claiming, and what XINFO and XPENDING tell of it.

suite

proc add_all {key ids} { foreach id $ids { ask XADD $key $id f v } }
proc ids_of {entries} { lmap entry $entries { lindex $entry 0 } }

# Ids that a group, or one of its consumers, has pending.
proc pending {args} { ids_of [ask XPENDING {*}[linsert $args 2 - + 1000]] }

# A stream of five entries that Alice has read.
proc five {} {
    add_all s {1 2 3 4 5}
    ask XGROUP CREATE s g 0
    ask XREADGROUP GROUP g Alice STREAMS s >
}

test "XGROUP makes and removes groups and consumers" {
    expect_error "ERR The XGROUP subcommand requires the key to exist.*" { ask XGROUP CREATE s g 0 }
    expect OK { ask XGROUP CREATE s g $ MKSTREAM }
    expect 0 { ask XLEN s }
    expect_error "BUSYGROUP Consumer Group name already exists" { ask XGROUP CREATE s g 0 }
    expect 1 { ask XGROUP CREATECONSUMER s g c }
    expect 0 { ask XGROUP CREATECONSUMER s g c }
    expect_errors {
        {XGROUP CREATECONSUMER s none c} "NOGROUP No such consumer group 'none' for key name 's'"
        {XGROUP SETID s none 0} "NOGROUP No such consumer group 'none' for key name 's'"
        {XGROUP DELCONSUMER s none c} "NOGROUP No such consumer group 'none' for key name 's'"
        {XINFO CONSUMERS s none} "NOGROUP No such consumer group 'none' for key name 's'"
        {XGROUP CREATE s h 0 ENTRIESREAD -2} "ERR value for ENTRIESREAD must be positive or -1"
        {XGROUP CREATE s h -} "ERR Invalid stream ID*"
        {XGROUP CREATE s h 0 FOO} "ERR unknown subcommand or wrong number of arguments for 'CREATE'*"
        {XGROUP HELP x} "ERR wrong number of arguments for 'xgroup|help' command"
    }
    expect 0 { ask XGROUP DELCONSUMER s g nobody }
    expect 0 { ask XGROUP DELCONSUMER s g c }
    expect 1 { ask XGROUP DESTROY s g }
    expect 0 { ask XGROUP DESTROY s g }
}

test "each entry goes to one consumer of a group" {
    add_all s {1 2 3}
    ask XGROUP CREATE s g 0
    ask XGROUP CREATE s late $
    expect {1-0 2-0} { ids_of [lindex [ask XREADGROUP GROUP g a COUNT 2 STREAMS s >] 0 1] }
    expect {3-0} { ids_of [lindex [ask XREADGROUP GROUP g b STREAMS s >] 0 1] }
    expect (nil) { ask XREADGROUP GROUP g a STREAMS s > }
    expect (nil) { ask XREADGROUP GROUP late a STREAMS s > }
    ask XADD s 4 f v
    expect {4-0} { ids_of [lindex [ask XREADGROUP GROUP late a STREAMS s >] 0 1] }
    expect {1-0 2-0} { pending s g a }
    expect {1-0 2-0 3-0} { pending s g }
}

test "history is what a consumer has not acknowledged" {
    five
    expect {1-0 2-0 3-0 4-0 5-0} { ids_of [lindex [ask XREADGROUP GROUP g Alice STREAMS s 0] 0 1] }
    expect {3-0 4-0} { ids_of [lindex [ask XREADGROUP GROUP g Alice COUNT 2 STREAMS s 2] 0 1] }
    expect 2 { ask XACK s g 1 3 77 1 }
    ask XDEL s 4
    expect {{2-0 {f v}} {4-0 (nil)} {5-0 {f v}}} {
        lindex [ask XREADGROUP GROUP g Alice STREAMS s 0] 0 1
    }
    expect {{s {}}} { ask XREADGROUP GROUP g Alice STREAMS s 5 }
    expect {{s {}}} { ask XREADGROUP GROUP g other BLOCK 0 STREAMS s 0 }
    expect {3 3 3} { lmap item [ask XPENDING s g 2 5 10] { lindex $item 3 } }
}

test "NOACK delivers without a pending entry" {
    add_all s {1 2}
    ask XGROUP CREATE s g 0
    expect {1-0} { ids_of [lindex [ask XREADGROUP GROUP g c COUNT 1 NOACK STREAMS s >] 0 1] }
    expect {} { pending s g }
    expect {2-0} { ids_of [lindex [ask XREADGROUP GROUP g c STREAMS s >] 0 1] }
}

test "SETID lets a group read again, and entries change hands" {
    five
    ask XGROUP SETID s g -
    expect {1-0 2-0 3-0 4-0 5-0} { ids_of [lindex [ask XREADGROUP GROUP g Bob STREAMS s >] 0 1] }
    expect {} { pending s g Alice }
    expect {1-0 2-0 3-0 4-0 5-0} { pending s g Bob }
}

test "XPENDING counts and lists" {
    five
    ask XCLAIM s g Bob 0 4 5
    expect {5 1-0 5-0 {{Alice 3} {Bob 2}}} { ask XPENDING s g }
    expect {2-0 3-0} { ids_of [ask XPENDING s g (1 3 10] }
    expect {1-0 2-0} { ids_of [ask XPENDING s g - + 2] }
    expect {4-0 5-0} { ids_of [ask XPENDING s g - + 10 Bob] }
    expect {} { ask XPENDING s g - + 10 nobody }
    expect {} { ask XPENDING s g IDLE 100000 - + 10 }
    expect {} { ask XPENDING s g - + 0 }
    ask XACK s g 1 2 3 4 5
    expect {0 (nil) (nil) (nil)} { ask XPENDING s g }
    expect_errors {
        {XPENDING none g} "NOGROUP No such key 'none' or consumer group 'g'"
        {XPENDING s none} "NOGROUP No such key 's' or consumer group 'none'"
        {XPENDING s g -} "ERR syntax error"
        {XPENDING s g IDLE 1 - +} "ERR syntax error"
        {XPENDING s g - + x} "ERR value is not an integer or out of range"
    }
}

test "XCLAIM gives entries to another consumer" {
    five
    expect {{1-0 {f v}} {2-0 {f v}}} { ask XCLAIM s g Bob 0 1 2 9 }
    expect {3-0} { ask XCLAIM s g Bob 0 3 JUSTID }
    expect {} { ask XCLAIM s g Bob 100000 4 }
    expect {1-0 2-0 3-0} { pending s g Bob }
    expect {2 2 1} { lmap item [ask XPENDING s g - + 10 Bob] { lindex $item 3 } }
    ask XCLAIM s g Bob 0 1 IDLE 5000 RETRYCOUNT 9 LASTID 7-7
    lassign [lindex [ask XPENDING s g 1 1 1] 0] id who idle count
    expect {Bob 9} { list $who $count }
    expect_true {$idle >= 5000 && $idle < 60000}
    expect 7-7 { dict get [lindex [ask XINFO GROUPS s] 0] last-delivered-id }
    expect_errors {
        {XCLAIM s g Bob x 1} "ERR Invalid min-idle-time argument for XCLAIM"
        {XCLAIM s g Bob 0 1 FOO} "ERR Unrecognized XCLAIM option 'FOO'"
        {XCLAIM s g Bob 0 1 IDLE} "ERR Unrecognized XCLAIM option 'IDLE'"
        {XCLAIM s g Bob 0 1 IDLE x} "ERR Invalid IDLE option argument for XCLAIM"
        {XCLAIM s g Bob 0 1 TIME x} "ERR Invalid TIME option argument for XCLAIM"
        {XCLAIM s g Bob 0 1 RETRYCOUNT x} "ERR Invalid RETRYCOUNT option argument for XCLAIM"
        {XCLAIM s none Bob 0 1} "NOGROUP No such key 's' or consumer group 'none'"
    }
}

test "XCLAIM FORCE makes entries pending, and what was deleted is dropped" {
    add_all s {1 2}
    ask XGROUP CREATE s g 0
    expect {} { ask XCLAIM s g Bob 0 1 }
    expect {{1-0 {f v}}} { ask XCLAIM s g Bob 0 1 9 FORCE }
    expect {1-0} { pending s g }
    expect 2 { lindex [ask XPENDING s g - + 1] 0 3 }
    expect 2-0 { ask XCLAIM s g Bob 0 2 FORCE JUSTID }
    expect 1 { lindex [ask XPENDING s g 2 2 1] 0 3 }
    ask XDEL s 1 2
    expect {} { ask XCLAIM s g Alice 0 1 2 }
    expect {} { pending s g }
}

test "XAUTOCLAIM walks through what is idle" {
    five
    expect {3-0 {{1-0 {f v}} {2-0 {f v}}} {}} { ask XAUTOCLAIM s g Bob 0 - COUNT 2 }
    expect {5-0 {3-0 4-0} {}} { ask XAUTOCLAIM s g Bob 0 3 COUNT 2 JUSTID }
    expect {0-0 {{5-0 {f v}}} {}} { ask XAUTOCLAIM s g Bob 0 (4 }
    expect {0-0 {} {}} { ask XAUTOCLAIM s g Eve 100000 0 }
    ask XDEL s 2 5
    expect {0-0 {1-0 3-0 4-0} {2-0 5-0}} { ask XAUTOCLAIM s g Eve 0 0 JUSTID }
    expect {1-0 3-0 4-0} { pending s g Eve }
    expect {} { pending s g Bob }
    foreach count {0 -1 x 2305843009213693951 8070450532247928833} {
        expect_error "ERR COUNT must be > 0" { ask XAUTOCLAIM s g Bob 0 0 COUNT $count }
    }
    expect_errors {
        {XAUTOCLAIM s g Bob x 0} "ERR Invalid min-idle-time argument for XAUTOCLAIM"
        {XAUTOCLAIM s g Bob 0 0 FOO} "ERR syntax error"
        {XAUTOCLAIM none g Bob 0 0} "NOGROUP No such key 'none' or consumer group 'g'"
    }
}

test "XAUTOCLAIM looks at ten entries for one that it claims" {
    for {set i 1} {$i <= 50} {incr i} { ask XADD s $i f v }
    ask XGROUP CREATE s g 0
    ask XREADGROUP GROUP g Alice STREAMS s >
    expect {11-0 {} {}} { ask XAUTOCLAIM s g Bob 100000 0 COUNT 1 }
    expect {41-0 {} {}} { ask XAUTOCLAIM s g Bob 100000 11 COUNT 3 }
}

test "consumers go with their entries" {
    five
    ask XCLAIM s g Bob 0 4 5
    expect 3 { ask XGROUP DELCONSUMER s g Alice }
    expect {4-0 5-0} { pending s g }
    expect 2 { ask XGROUP DELCONSUMER s g Bob }
    expect {} { pending s g }
    expect {} { ask XINFO CONSUMERS s g }
}

test "XINFO GROUPS tells how far groups are" {
    add_all s {1 2 3 4 5}
    ask XGROUP CREATE s b 0
    ask XGROUP CREATE s a 0
    ask XREADGROUP GROUP b c COUNT 2 STREAMS s >
    expect {name a consumers 0 pending 0 last-delivered-id 0-0 entries-read (nil) lag 5} {
        lindex [ask XINFO GROUPS s] 0
    }
    expect {name b consumers 1 pending 2 last-delivered-id 2-0 entries-read 2 lag 3} {
        lindex [ask XINFO GROUPS s] 1
    }
    ask XDEL s 4
    expect {(nil) (nil)} { lmap g [ask XINFO GROUPS s] { dict get $g lag } }
    ask XREADGROUP GROUP b c STREAMS s >
    expect {name b consumers 1 pending 4 last-delivered-id 5-0 entries-read 5 lag 0} {
        lindex [ask XINFO GROUPS s] 1
    }
}

test "XINFO STREAM FULL tells it all" {
    five
    set info [ask XINFO STREAM s FULL]
    expect {5 {1-0 2-0 3-0 4-0 5-0}} {
        list [dict get $info length] [ids_of [dict get $info entries]]
    }
    set group [lindex [dict get $info groups] 0]
    expect {name last-delivered-id entries-read lag pel-count pending consumers} { dict keys $group }
    expect {g 5-0 5 0 5} {
        lmap name {name last-delivered-id entries-read lag pel-count} { dict get $group $name }
    }
    lassign [lindex [dict get $group pending] 0] id who time count
    expect {1-0 Alice 1} { list $id $who $count }
    expect_true {abs($time - [clock milliseconds]) < 60000}
    set consumer [lindex [dict get $group consumers] 0]
    expect {Alice 5 5} {
        list [dict get $consumer name] [dict get $consumer pel-count] [llength [dict get $consumer pending]]
    }
    set info [ask XINFO STREAM s FULL COUNT 2]
    expect {2 2} {
        list [llength [dict get $info entries]] [llength [dict get [lindex [dict get $info groups] 0] pending]]
    }
}

test "a consumer was seen and was active" -tags baton-only {
    ask XADD s 1 f v
    ask XGROUP CREATE s g $
    ask XREADGROUP GROUP g c STREAMS s >
    set info [lindex [ask XINFO CONSUMERS s g] 0]
    expect {name pending idle inactive} { dict keys $info }
    expect {c 0 -1} { list [dict get $info name] [dict get $info pending] [dict get $info inactive] }
    ask XADD s 2 f v
    ask XREADGROUP GROUP g c STREAMS s >
    expect_true {[dict get [lindex [ask XINFO CONSUMERS s g] 0] inactive] >= 0}
}

test "many consumers with many entries each" {
    set count [by_load 2000 10000 50000]
    set requests {}
    for {set i 1} {$i <= $count} {incr i} { lappend requests [list XADD s $i f v] }
    client::pipeline [suite::default_client] $requests
    ask XGROUP CREATE s g 0
    set requests {}
    for {set i 0} {$i < $count / 10} {incr i} {
        lappend requests [list XREADGROUP GROUP g c[expr {$i % 97}] COUNT 10 STREAMS s >]
    }
    client::pipeline [suite::default_client] $requests
    expect $count { lindex [ask XPENDING s g] 0 }
    expect 97 { llength [lindex [ask XPENDING s g] 3] }
    for {set i 1} {$i <= $count} {incr i 2} { lappend odd $i }
    expect [llength $odd] { ask XACK s g {*}$odd }
    expect [expr {$count / 2}] { lindex [ask XPENDING s g] 0 }
    set claimed {}
    for {set from 0} {$from ne "0-0"} {} {
        lassign [ask XAUTOCLAIM s g heir 0 [expr {$from eq "0" ? "0" : $from}] COUNT 500 JUSTID] from ids
        lappend claimed {*}$ids
        if {$from eq "0-0"} break
    }
    expect [expr {$count / 2}] { llength [lsort -unique $claimed] }
    expect [expr {$count / 2}] { ask XGROUP DELCONSUMER s g heir }
    expect 1 { ask XGROUP DESTROY s g }
}
