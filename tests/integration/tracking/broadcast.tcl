# CLIENT TRACKING BCAST: who listens to prefixes is told of every key under them.

suite

# All keys that a client was told of, in the order of name, and whether none came twice in one
# message.
proc told {c} {
    set all {}
    foreach push [client::pushes $c] {
        set keys [lindex $push 1]
        if {[llength $keys] != [llength [lsort -unique $keys]]} { fail "twice in one message: $keys" }
        lappend all {*}$keys
    }
    return [lsort $all]
}

test "without a prefix: every key, read or not" {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON BCAST
    ask MSET a 1 b 2
    ask SET "" 1
    expect {{} a b} { told $c }
    ask DEL a nothing
    expect a { told $c }
}

test "one message for all keys of a command" {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON BCAST
    ask MSET a 1 b 2 a 3
    expect {invalidate {a b}} {
        set push [client::push $c]
        list [lindex $push 0] [lsort [lindex $push 1]] }
    set requests {}
    for {set i 0} {$i < 100} {incr i} { lappend requests {INCR a} {INCR b} }
    client::pipeline [suite::default_client] $requests
    expect_true {[llength [client::pushes $c]] < 100}
}

test "prefixes, one message each" {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON BCAST PREFIX a: PREFIX bb:
    ask MSET a: 1 a:1 1 a 1 bb:1 1 bb 1 c:1 1
    expect {{a: a:1} bb:1} { lsort [lmap push [client::pushes $c] { lsort [lindex $push 1] }] }
    $c CLIENT TRACKING ON BCAST PREFIX c:
    ask MSET c:1 2 a:1 2 d 1
    expect {a:1 c:1} { told $c }
}

test "clients with prefixes of their own, overlapping" {
    set clients {}
    foreach prefix {a ab abc b {}} {
        set c [client::dial -resp 3]
        $c CLIENT TRACKING ON BCAST PREFIX $prefix
        lappend clients $c
    }
    ask MSET a 1 ab 1 abcd 1 b 1 x 1
    set told [lmap c $clients { told $c }]
    expect {{a ab abcd} {ab abcd} abcd b {a ab abcd b x}} { set told }
    expect 5 { info_field tracking_total_prefixes }
    expect 0 { info_field tracking_total_keys }
}

test "NOLOOP leaves out what the client changed last itself" {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON BCAST NOLOOP
    set plain [client::dial -resp 3]
    $plain CLIENT TRACKING ON BCAST
    $c MSET a 1 b 1
    expect {} { told $c }
    expect {a b} { told $plain }
    ask SET a 2
    expect a { told $c }
    $plain SET b 2
    expect b { told $c }
    expect {a b} { told $plain }
    # In one gathering: what it changed and then expired is no longer its own change.
    $c MULTI
    $c SET a 1 PX 1
    $c SET b 1
    $c DEBUG SLEEP 0.01
    $c GET a
    $c EXEC
    wait_for {[ask EXISTS a] == 0}
    expect a { told $c }
}

test "a transaction is answered before its messages, and they are one" {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON BCAST
    $c MULTI
    $c INCR a
    $c INCR b
    $c INCR a
    client::send $c EXEC
    expect {array {{int 1} {int 1} {int 2}}} { client::value $c [client::deadline] }
    expect {a b} { lsort [lindex [client::push $c] 1] }
    expect {} { client::pushes $c }
}

test "expired keys" {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON BCAST PREFIX k
    ask SET k 1 PX 20
    expect {invalidate k} { client::push $c }
    expect {invalidate k} { client::push $c }
}

test "who stops to listen before the end of a gathering" {
    set c [client::dial -resp 3]
    set other [client::dial -resp 3]
    $other CLIENT TRACKING ON BCAST PREFIX a
    foreach end {{CLIENT TRACKING OFF} RESET QUIT} {
        set c [client::dial -resp 3]
        $c CLIENT TRACKING ON BCAST PREFIX x PREFIX a
        expect {OK OK} { lrange [client::pipeline $c [list {SET x 1} {SET a 1} $end]] 0 1 }
        expect a { told $other }
    }
    ask SET x 1
    expect 1 { info_field tracking_total_prefixes }
}

test "a message to many clients" {
    set count [by_load 50 300 1000]
    set clients {}
    for {set i 0} {$i < $count} {incr i} {
        set c [client::dial -resp 3]
        $c CLIENT TRACKING ON BCAST PREFIX [expr {$i % 2 ? "odd" : ""}]
        lappend clients $c
    }
    ask MSET odd 1 even 1
    set odd 0
    foreach c $clients {
        set keys [lsort [lindex [client::push $c] 1]]
        if {$odd} { expect odd { set keys } } else { expect {even odd} { set keys } }
        set odd [expr {!$odd}]
    }
}
