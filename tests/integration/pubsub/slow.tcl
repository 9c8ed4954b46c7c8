# Subscribers that do not read: they are cut by the limits of their class, and hold up nobody.

suite

proc slow_listener {} {
    set c [client::dial]
    set id [$c CLIENT ID]
    client::send $c SUBSCRIBE ch
    client::reply $c
    return [list $c $id]
}

proc omem {id} {
    set entry [client_entry $id]
    return [expr {$entry eq "" ? -1 : [dict get $entry omem]}]
}

test "the hard limit of class pubsub" {
    lassign [slow_listener] c id
    with_config {client-output-buffer-limit "pubsub 1mb 0 0 normal 1000 0 0"} {
        set message [string repeat x 100000]
        wait_for {[ask PUBLISH ch $message] == 0} 20000 0
        expect_true {[client::gone $c 20000]}
        wait_for {[omem $id] == -1}
    }
}

test "the soft limit of class pubsub" -tags slow {
    lassign [slow_listener] c id
    with_config {client-output-buffer-limit "pubsub 0 100kb 1"} {
        set message [string repeat x 100000]
        wait_for {[ask PUBLISH ch $message] == 0 || [omem $id] > 200000} 20000 0
        expect_true {[omem $id] > 200000}
        wait_for {[omem $id] == -1}
    }
    expect_true {[client::gone $c 20000]}
}

test "who ends its subscriptions is of class normal again" {
    set c [client::dial]
    set id [$c CLIENT ID]
    client::send $c SUBSCRIBE ch
    client::reply $c
    client::send $c UNSUBSCRIBE ch
    client::reply $c
    ask SET big [string repeat x 1000000]
    with_config {client-output-buffer-limit "pubsub 1000 0 0"} {
        client::write $c [string repeat [client::encode GET big] 10]
        foreach reply [client::replies $c 10] { expect 1000000 { string length $reply } }
    }
}

test "messages wait in little more memory than they are long, and come in order when read" {
    lassign [slow_listener] c id
    set quick [client::dial]
    client::send $quick SUBSCRIBE ch
    client::reply $quick
    set before [info_field used_memory memory]
    set requests {}
    for {set i 0} {$i < 20000} {incr i} { lappend requests [list PUBLISH ch [format %0200d $i]] }
    for {set round 0} {$round < 4 && [omem $id] < 4000000} {incr round} {
        client::pipeline [suite::default_client] $requests
        client::replies $quick [llength $requests]
    }
    set waits [omem $id]
    expect_true {$waits >= 1000000}
    expect_true {[info_field used_memory memory] - $before < 2 * $waits + 3000000}
    for {set i 0} {$i < $round * 20000} {incr i} {
        if {[lindex [client::reply $c] 2] ne [format %0200d [expr {$i % 20000}]]} { fail "message $i is not in its place" }
    }
    wait_for {[omem $id] == 0}
}
