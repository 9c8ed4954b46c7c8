# BLPOP, BRPOP, BLMOVE, BRPOPLPUSH and BLMPOP: what they answer, and who is woken by what.

suite

test "what is there is answered at once" {
    ask RPUSH l a b c d e f
    expect_each {
        {ask BLPOP none l 0} {l a}
        {ask BRPOP l 0} {l f}
        {ask BLMOVE l m LEFT RIGHT 0} b
        {ask BRPOPLPUSH l m 0} e
        {ask BLMPOP 0 2 none l LEFT COUNT 5} {l {c d}}
        {ask LRANGE m 0 -1} {e b}
        {ask EXISTS l} 0
    }
    expect {array {{bulk m} {bulk e}}} { ask_typed BLPOP m 0 }
}

test "a push wakes whoever waits, with the forms of each command" {
    foreach {request pushed answer} {
        {BLPOP x l 0} {RPUSH l a b} {l a}
        {BRPOP l x 0} {RPUSH l a b} {l b}
        {BLMOVE l m LEFT RIGHT 0} {LPUSH l a} a
        {BRPOPLPUSH l m 0} {LPUSH l a b} a
        {BLMPOP 0 2 x l RIGHT COUNT 2} {RPUSH l a b c} {l {c b}}
    } {
        set c [waiting {*}$request]
        wait_for_blocked 1
        ask {*}$pushed
        expect $answer { client::reply $c }
        wait_for_blocked 0
        ask FLUSHALL
    }
}

test "timeouts" {
    expect {nilarray {}} { ask_typed BLPOP a b 0.01 }
    expect {nilarray {}} { ask_typed BRPOP a 0.01 }
    expect {nilarray {}} { ask_typed BLMPOP 0.01 1 a LEFT }
    expect {nilarray {}} { ask_typed BLMOVE a b LEFT LEFT 0.01 }
    expect {nilarray {}} { ask_typed BRPOPLPUSH a b 0.01 }
    set c [client::dial -resp 3]
    expect {null {}} { client::ask_typed $c BLPOP a 0.01 }
    set started [clock milliseconds]
    ask BLPOP a 0.15
    set took [expr {[clock milliseconds] - $started}]
    expect_true {$took >= 140}
    foreach request {{BLPOP a @} {BRPOP a @} {BLMOVE a b LEFT LEFT @} {BRPOPLPUSH a b @}
            {BLMPOP @ 1 a LEFT}} {
        expect_error "ERR timeout is not a float or out of range" {
            ask {*}[string map {@ x} $request] }
        expect_error "ERR timeout is negative" { ask {*}[string map {@ -1} $request] }
    }
}

test "arguments are checked before the wait" {
    expect_errors {
        {BLMPOP 0 0 a LEFT} "ERR numkeys should be greater than 0"
        {BLMPOP 0 2 a LEFT} "ERR syntax error"
        {BLMPOP 0 1 a LEFT COUNT 0} "ERR count should be greater than 0"
        {BLMPOP x 0 a LEFT} "ERR numkeys should be greater than 0"
        {BLMOVE a b UP LEFT 0} "ERR syntax error"
    }
}

test "those who wait are served in the order in which they came" {
    set clients {}
    for {set i 0} {$i < 5} {incr i} {
        lappend clients [waiting BLPOP l 0]
        wait_for_blocked [expr {$i + 1}]
    }
    ask RPUSH l a b c
    foreach c [lrange $clients 0 2] item {a b c} { expect [list l $item] { client::reply $c } }
    wait_for_blocked 2
    ask RPUSH l d
    expect {l d} { client::reply [lindex $clients 3] }
    client::hangup [lindex $clients 4]
    wait_for_blocked 0
    ask RPUSH l e
    expect e { ask LRANGE l 0 -1 }
}

test "the same key several times, and several keys" {
    set c [waiting BLPOP a a b a 0]
    wait_for_blocked 1
    ask RPUSH b x
    expect {b x} { client::reply $c }
    set c [waiting BLPOP a a a 0]
    wait_for_blocked 1
    ask RPUSH a 1 2
    expect {a 1} { client::reply $c }
    expect 2 { ask LRANGE a 0 -1 }
}

test "a key of another type wakes nobody; a list that comes in its place does" {
    set c [waiting BLPOP k 0]
    wait_for_blocked 1
    ask SET k v
    ask DEL k
    ask RPUSH other 1 2
    ask RENAME other k
    expect {k 1} { client::reply $c }
    set c [waiting BRPOP k2 0]
    wait_for_blocked 1
    ask COPY k k2
    expect {k2 2} { client::reply $c }
    expect 2 { ask LRANGE k 0 -1 }
}

test "moves feed each other, round about" {
    set one [waiting BRPOPLPUSH a b 0]
    set two [waiting BLMOVE b c RIGHT LEFT 0]
    set three [waiting BLPOP c 0]
    wait_for_blocked 3
    ask RPUSH a item
    expect item { client::reply $one }
    expect item { client::reply $two }
    expect {c item} { client::reply $three }
    expect 0 { ask EXISTS a b c }
    set self [waiting BRPOPLPUSH a a 0]
    wait_for_blocked 1
    ask RPUSH a x
    expect x { client::reply $self }
    expect x { ask LRANGE a 0 -1 }
}

test "a destination of another type is an error when the element comes, and it stays" {
    ask SET dst text
    set c [waiting BRPOPLPUSH src dst 0]
    wait_for_blocked 1
    ask RPUSH src item
    expect_error "WRONGTYPE *" { client::reply $c }
    expect item { ask LRANGE src 0 -1 }
}

test "what a client sends behind a command that waits is run afterwards, in order" {
    set c [client::dial]
    client::write $c [client::encode BLPOP l 0][client::encode PING][client::encode BLPOP l \
        0][client::encode ECHO end]
    wait_for_blocked 1
    ask RPUSH l a
    expect {{l a} PONG} { client::replies $c 2 }
    wait_for_blocked 1
    ask RPUSH l [string repeat b 30000]
    expect [list [list l [string repeat b 30000]] end] { client::replies $c 2 }
}

test "CLIENT UNBLOCK" {
    set c [client::dial]
    set id [$c CLIENT ID]
    foreach how {{} TIMEOUT} {
        client::write $c [client::encode BLPOP l 0]
        wait_for_blocked 1
        expect 1 { ask CLIENT UNBLOCK $id {*}$how }
        expect (nil) { client::reply $c }
    }
    client::write $c [client::encode BLMOVE l m LEFT LEFT 0]
    wait_for_blocked 1
    expect 1 { ask CLIENT UNBLOCK $id ERROR }
    expect_error "UNBLOCKED client unblocked via CLIENT UNBLOCK" { client::reply $c }
    expect 0 { ask CLIENT UNBLOCK $id }
    expect PONG { $c PING }
}

test "a client that dies or is killed while it waits takes nothing" {
    set dead [waiting BLPOP l 0]
    set killed [client::dial]
    set id [$killed CLIENT ID]
    client::write $killed [client::encode BRPOP l 0]
    wait_for_blocked 2
    client::hangup $dead
    ask CLIENT KILL ID $id
    wait_for_blocked 0
    ask RPUSH l a
    expect a { ask LRANGE l 0 -1 }
}

test "waiting clients by the hundred, each with its element" {
    set clients {}
    set count [by_load 50 200 1000]
    for {set i 0} {$i < $count} {incr i} { lappend clients [waiting BLMPOP 0 2 x q LEFT] }
    wait_for_blocked $count
    for {set i 0} {$i < $count} {incr i} { lappend items "item $i" }
    ask RPUSH q {*}$items
    foreach c $clients {
        set reply [client::reply $c]
        expect q { lindex $reply 0 }
        lappend got [lindex $reply 1 0]
    }
    expect [lsort $items] { lsort $got }
    expect 0 { ask EXISTS q }
}
