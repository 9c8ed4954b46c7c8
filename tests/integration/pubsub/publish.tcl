# Messages: to whom, in which form and in which order.

suite

proc listener {args} {
    array set opt {-resp 2 -channels {} -patterns {} -shards {}}
    array set opt $args
    set c [client::dial -resp $opt(-resp)]
    foreach {option command} {-channels SUBSCRIBE -patterns PSUBSCRIBE -shards SSUBSCRIBE} {
        foreach name $opt($option) {
            client::send $c $command $name
            next $c
        }
    }
    return $c
}

# The next message, in the form of the client's protocol version.
proc next {c} {
    if {$client::resp($c) == 3} { return [client::push $c] }
    return [client::reply $c]
}

test "a message reaches all subscribers of its channel and nobody else" {
    set clients [list [listener -channels {a b}] [listener -resp 3 -channels a] [listener -channels b]]
    expect {2 2 0} { list [ask PUBLISH a 1] [ask PUBLISH b 2] [ask PUBLISH c 3] }
    lassign $clients x y z
    expect {{message a 1} {message b 2}} { list [next $x] [next $x] }
    expect {{message a 1}} { list [next $y] }
    expect {{message b 2}} { list [next $z] }
    foreach c [list $x $z] { expect {pong {}} { $c PING } }
    expect {} { client::pushes $y }
}

test "patterns: one message for each that fits, after those of the channel" {
    set c [listener -resp 3 -channels news -patterns {n* *s x*}]
    set d [listener -patterns {n* [m-o]ews \\news}]
    expect 6 { ask PUBLISH news m }
    expect {{message news m} {pmessage n* news m} {pmessage *s news m}} { list [next $c] [next $c] [next $c] }
    expect {{pmessage n* news m} {pmessage {[m-o]ews} news m} {pmessage {\news} news m}} {
        list [next $d] [next $d] [next $d] }
    expect 0 { ask PUBLISH NEWS m }
}

test "shard channels are names of their own, without patterns" {
    set c [listener -resp 3 -channels a -patterns * -shards a]
    expect {2 1 0} { list [ask PUBLISH a 1] [ask SPUBLISH a 2] [ask SPUBLISH b 3] }
    expect {{message a 1} {pmessage * a 1} {smessage a 2}} { client::pushes $c }
    expect {{a 1} a {a 1} a 1} {
        list [ask PUBSUB NUMSUB a] [ask PUBSUB CHANNELS] [ask PUBSUB SHARDNUMSUB a] [ask PUBSUB SHARDCHANNELS] \
            [ask PUBSUB NUMPAT] }
}

test "the frames, byte by byte" {
    set c [listener -channels ch -patterns c*]
    set d [listener -resp 3 -channels ch -patterns c*]
    ask PUBLISH ch "m\r\n"
    foreach {client type} [list $c * $d >] {
        set frames "${type}3\r\n\$7\r\nmessage\r\n\$2\r\nch\r\n\$3\r\nm\r\n\r\n${type}4\r\n\$8\r\npmessage\r\n\$2\r\nc*\r\n\$2\r\nch\r\n\$3\r\nm\r\n\r\n"
        expect [printable $frames] { printable [client::bytes $client [string length $frames]] }
    }
}

test "empty and binary names and messages" {
    set name [binary format c* {0 13 10 255 42}]
    set c [listener -channels [list "" $name]]
    expect {1 1 1} { list [ask PUBLISH "" ""] [ask PUBLISH $name $name] [ask PUBLISH "" [string repeat \0 70000]] }
    expect {message {} {}} { next $c }
    expect [list message $name $name] { next $c }
    expect 70000 { string length [lindex [next $c] 2] }
}

test "a publisher hears its own message behind the answer, before the next one" {
    set c [listener -resp 3 -channels a -patterns a]
    client::pipeline $c {}
    foreach request {{PUBLISH a 1} {PING x} {PUBLISH a 2} {PUBLISH a 3} {ECHO y}} { client::send $c {*}$request }
    set deadline [client::deadline]
    for {set i 0} {$i < 11} {incr i} { lappend got [client::plain [client::value $c $deadline]] }
    expect {2 {message a 1} {pmessage a a 1} x 2 {message a 2} {pmessage a a 2} 2 {message a 3} {pmessage a a 3} y} {
        set got }
}

test "messages of a transaction come behind the answer of EXEC" {
    set c [listener -resp 3 -channels a]
    client::pipeline $c {{MULTI} {PUBLISH a 1} {PUBLISH a 2}}
    expect {1 1} { $c EXEC }
    expect {{message a 1} {message a 2}} { client::pushes $c }
}

test "a pipeline's messages are whole and in order, for each of many subscribers" {
    set clients {}
    for {set i 0} {$i < 40} {incr i} {
        lappend clients [listener -resp [expr {2 + $i % 2}] -channels [lindex {a b {a b}} [expr {$i % 3}]]]
    }
    set requests {}
    for {set i 0} {$i < 300} {incr i} {
        set message $i:[string repeat x [expr {$i % 50 == 0 ? 20000 : $i % 100}]]
        set channel [lindex {a a b} [expr {$i % 3}]]
        lappend requests [list PUBLISH $channel $message]
        lappend wanted($channel) $message
        lappend wanted(both) $message
    }
    client::pipeline [suite::default_client] $requests
    set i 0
    foreach c $clients {
        set which [lindex {a b both} [expr {$i % 3}]]
        foreach message $wanted($which) {
            if {[lindex [next $c] 2] ne $message} { fail "client $i has not heard [string range $message 0 20] in its turn" }
        }
        incr i
    }
}

test "a message after UNSUBSCRIBE or to a newcomer is not theirs, within one pipeline" {
    set c [client::dial -resp 3]
    foreach request {{SUBSCRIBE a} {PUBLISH a 1} {UNSUBSCRIBE a} {PUBLISH a 2} {SUBSCRIBE a} {PUBLISH a 3}} {
        client::send $c {*}$request
    }
    expect {1 0 1} { client::replies $c 3 }
    expect {{subscribe a 1} {message a 1} {unsubscribe a 0} {subscribe a 1} {message a 3}} { client::pushes $c }
}

test "W8: a message of 1 MB to oneself, in a pipeline: frames are never torn" {
    set message [string repeat 0123456789 100000]
    set c [listener -resp 3 -channels big]
    for {set i 0} {$i < 6} {incr i} {
        client::send $c PUBLISH big $message
        client::send $c ECHO $i
    }
    set deadline [client::deadline 20000]
    for {set i 0} {$i < 6} {incr i} {
        expect {int 1} { client::value $c $deadline }
        set push [client::value $c $deadline]
        expect_true {[lindex $push 0] eq "push" && [lindex $push 1 2 1] eq $message}
        expect "bulk $i" { client::value $c $deadline }
    }
}

test "W9: CLIENT REPLY OFF within MULTI, RESET within everything" {
    set c [client::dial]
    client::pipeline $c {{MULTI} {CLIENT REPLY OFF} {PING}}
    client::send $c EXEC
    client::send $c PING
    expect OK { $c CLIENT REPLY ON }
    expect PONG { $c PING }
    set d [listener -resp 3 -channels a -shards s]
    $d WATCH k
    $d MULTI
    $d SET k v
    client::send $d CLIENT REPLY OFF
    expect QUEUED { client::reply $d }
    expect RESET { $d RESET }
    set client::resp($d) 2
    expect_error "ERR EXEC without MULTI" { $d EXEC }
    expect "N 0 0 0 -1 2" { lmap field {flags sub psub ssub multi resp} { dict get [client_entry [$d CLIENT ID]] $field } }
    expect {0 0} { list [ask PUBLISH a m] [ask EXISTS k] }
}

test "PUBSUB CHANNELS and NUMSUB" {
    set c [listener -channels {alpha beta al*}]
    set d [listener -channels alpha -patterns al*]
    expect {al* alpha beta} { lsort [ask PUBSUB CHANNELS] }
    expect {al* alpha} { lsort [ask PUBSUB CHANNELS al*] }
    expect al* { ask PUBSUB CHANNELS {al\*} }
    expect {} { ask PUBSUB CHANNELS nope }
    expect {alpha 2 nope 0 alpha 2} { ask PUBSUB NUMSUB alpha nope alpha }
    expect {} { ask PUBSUB NUMSUB }
}

test "many channels and many subscribers come and go" {
    set clients {}
    for {set i 0} {$i < 20} {incr i} {
        set c [client::dial]
        set names {}
        for {set k 0} {$k < 200} {incr k} { lappend names ch:[expr {($i * 37 + $k) % 300}] }
        client::send $c SUBSCRIBE {*}$names
        client::replies $c 200
        set of($c) $names
        lappend clients $c
    }
    foreach c $clients { foreach name $of($c) { incr subscribed($name) } }
    for {set k 0} {$k < 300} {incr k} {
        if {[ask PUBSUB NUMSUB ch:$k] ne "ch:$k $subscribed(ch:$k)"} { fail "ch:$k has lost subscribers" }
    }
    foreach c [lrange $clients 0 9] {
        client::send $c UNSUBSCRIBE {*}[lrange $of($c) 0 99]
        expect "unsubscribe [lindex $of($c) 99] 100" { lindex [client::replies $c 100] end }
        foreach name [lrange $of($c) 0 99] { incr subscribed($name) -1 }
    }
    for {set k 0} {$k < 300} {incr k} {
        if {[ask PUBLISH ch:$k m] != $subscribed(ch:$k)} { fail "ch:$k reaches the wrong number" }
    }
    foreach c [lrange $clients 5 19] { client::hangup $c }
    foreach c [lrange $clients 0 4] { $c RESET }
    wait_for {[ask PUBSUB CHANNELS] eq {}}
}
