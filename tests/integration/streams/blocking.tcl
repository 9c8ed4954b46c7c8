# XREAD and XREADGROUP that wait: what wakes them, with what they come back, and what they do when
# the key or the group goes.

suite

# A client that has sent a command and waits.
proc waiter {args} {
    set before [info_field blocked_clients clients]
    set c [client::dial]
    client::send $c {*}$args
    wait_for_blocked [expr {$before + 1}]
    return $c
}

test "XREAD waits for what comes behind the end" {
    ask XADD s 1 f old
    set c [waiter XREAD BLOCK 0 STREAMS none s $ $]
    ask XADD s 2 f new
    expect {{s {{2-0 {f new}}}}} { client::reply $c }
    wait_for_blocked 0
}

test "XREAD does not wait when something is there" {
    ask XADD s 1 f v
    expect {{s {{1-0 {f v}}}}} { ask XREAD BLOCK 0 STREAMS s 0 }
    ask XADD s 2 f v
    ask XDEL s 2
    expect (nil) { ask XREAD BLOCK 10 STREAMS s 1 }
}

test "the end is the one of the first try, whatever happens to the key" {
    ask XADD s 666 f v
    set c [waiter XREAD BLOCK 0 STREAMS s $]
    ask DEL s
    ask XADD s 1 f v
    ask SET s string
    ask DEL s
    expect 1 { info_field blocked_clients clients }
    ask XADD s 667 f v
    expect {{s {{667-0 {f v}}}}} { client::reply $c }
}

test "several streams, the same one too" {
    set c [waiter XREAD COUNT 1 BLOCK 0 STREAMS a b a $ $ $]
    ask XADD a 1 f v
    expect {{a {{1-0 {f v}}}} {a {{1-0 {f v}}}}} { client::reply $c }
}

test "all who wait for a stream get what comes" {
    set clients {}
    for {set i 0} {$i < 10} {incr i} { lappend clients [waiter XREAD BLOCK 0 STREAMS s $] }
    ask XADD s 1 f v
    foreach c $clients { expect {{s {{1-0 {f v}}}}} { client::reply $c } }
}

test "a group's entry goes to who waits longest" {
    ask XGROUP CREATE s g $ MKSTREAM
    set a [waiter XREADGROUP GROUP g a BLOCK 0 STREAMS s >]
    set b [waiter XREADGROUP GROUP g b BLOCK 0 STREAMS s >]
    ask XADD s 1 f v
    expect {{s {{1-0 {f v}}}}} { client::reply $a }
    wait_for_blocked 1
    ask XADD s 2 f v
    expect {{s {{2-0 {f v}}}}} { client::reply $b }
    expect {{a 1} {b 1}} { lindex [ask XPENDING s g] 3 }
}

test "time runs out, once, though the stream is fed meanwhile" {
    ask XGROUP CREATE s g $ MKSTREAM
    set a [waiter XREADGROUP GROUP g a BLOCK 0 STREAMS s >]
    set begin [clock milliseconds]
    set b [waiter XREADGROUP GROUP g b BLOCK 300 STREAMS s >]
    ask XADD s 1 f v
    client::reply $a
    expect (nil) { client::reply $b }
    set took [expr {[clock milliseconds] - $begin}]
    expect_true {$took >= 290 && $took < 5000}
    expect (nil) { ask XREAD BLOCK 1 STREAMS s $ }
}

test "XREADGROUP learns that its group or key is gone" {
    foreach end {{DEL s} {XGROUP DESTROY s g} {FLUSHALL} {RENAME s other}} {
        ask FLUSHALL
        ask XGROUP CREATE s g $ MKSTREAM
        set c [waiter XREADGROUP GROUP g c BLOCK 0 STREAMS s >]
        ask {*}$end
        expect_error "NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option" {
            client::reply $c
        }
    }
    ask XGROUP CREATE s g $ MKSTREAM
    set c [waiter XREADGROUP GROUP g c BLOCK 0 STREAMS s >]
    ask SET s v
    expect_error "WRONGTYPE*" { client::reply $c }
}

test "a stream that is renamed into place wakes" {
    ask XGROUP CREATE s g $ MKSTREAM
    ask XGROUP CREATE t g $ MKSTREAM
    ask XADD t 5 f v
    set c [waiter XREADGROUP GROUP g c BLOCK 0 STREAMS s >]
    ask RENAME t s
    expect {{s {{5-0 {f v}}}}} { client::reply $c }
}

test "CLIENT UNBLOCK" {
    set c [client::dial]
    set id [$c CLIENT ID]
    foreach {how reply} {TIMEOUT (nil) ERROR "UNBLOCKED client unblocked via CLIENT UNBLOCK"} {
        client::send $c XREAD BLOCK 0 STREAMS s $
        wait_for_blocked 1
        expect 1 { ask CLIENT UNBLOCK $id $how }
        expect $reply {
            try { client::reply $c } trap {REPLY} text { set text }
        }
    }
}

test "clients that go while they wait leave nothing behind" {
    for {set i 0} {$i < 20} {incr i} {
        set c [waiter XREAD BLOCK 0 STREAMS s t $ $]
        client::hangup $c
        wait_for_blocked 0
    }
    ask XADD s 1 f v
    expect 0 { info_field total_blocking_keys clients }
}

test "arguments of reads" {
    ask XADD s 1 f v
    ask XGROUP CREATE s g 0
    expect_errors {
        {XREAD STREAMS s s 0} "ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified."
        {XREADGROUP GROUP g c STREAMS s s >} "ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified."
        {XREAD FOO STREAMS s 0} "ERR syntax error"
        {XREAD COUNT 1 BLOCK 1 s 0} "ERR syntax error"
        {XREAD BLOCK -1 STREAMS s 0} "ERR timeout is negative"
        {XREAD BLOCK x STREAMS s 0} "ERR timeout is not an integer or out of range"
        {XREAD BLOCK 9223372036854775807 STREAMS s 0} "ERR timeout is out of range"
        {XREAD COUNT x STREAMS s 0} "ERR value is not an integer or out of range"
        {XREAD STREAMS s +} "ERR Invalid stream ID specified as stream command argument"
        {XREAD STREAMS s >} "ERR The > ID can be specified only when calling XREADGROUP*"
        {XREADGROUP GROUP g c STREAMS s $} "ERR The $ ID is meaningless in the context of XREADGROUP*"
        {XREAD NOACK STREAMS s 0} "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead."
        {XREAD GROUP g c STREAMS s 0} "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead."
        {XREADGROUP COUNT 1 NOACK STREAMS s >} "ERR Missing GROUP option for XREADGROUP"
        {XREADGROUP GROUP none c STREAMS s >} "NOGROUP No such key 's' or consumer group 'none' in XREADGROUP with GROUP option"
    }
    expect {{s {{1-0 {f v}}}}} { ask XREAD COUNT -1 STREAMS s 0 }
    expect (nil) { ask XREAD STREAMS s 18446744073709551615-18446744073709551615 }
}

test "a reply that grows beyond all bounds is cut off" -tags baton-only {
    ask XADD s 1 f [string repeat x 1000000]
    with_config {client-output-buffer-limit "normal 20mb 0 0"} {
        set c [client::dial]
        set words [concat XREAD STREAMS [lrepeat 3000 s] [lrepeat 3000 0]]
        client::send $c {*}$words
        expect_true {[client::gone $c]}
    }
    expect PONG { ask PING }
}
