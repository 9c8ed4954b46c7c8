# Pipelines: many requests on the way at once, all answered, in order.

suite

test "1,000 requests in one write" {
    set requests {}
    set want {}
    for {set i 0} {$i < 1000} {incr i} {
        lappend requests [list ECHO message-$i]
        lappend want message-$i
    }
    set c [client::dial]
    expect $want { client::pipeline $c $requests }
}

test "a pipeline of 50,000 INCR" {
    set n [by_load 10000 50000 1000000]
    set c [client::dial]
    client::write $c [string repeat [client::encode INCR n] $n]
    for {set i 1} {$i <= $n} {incr i} {
        set got [client::line $c]
        if {$got ne ":$i"} { fail "reply $i is [printable $got]" }
    }
}

test "a pipeline in which every other request fails" {
    set requests {}
    for {set i 0} {$i < 500} {incr i} { lappend requests [list INCR n] [list NOSUCH] [list GET] }
    set c [client::dial]
    set got [client::pipeline $c $requests]
    for {set i 0} {$i < 500} {incr i} {
        expect [expr {$i + 1}] { lindex $got [expr {$i * 3}] }
        expect_match "(error) ERR unknown command*" { lindex $got [expr {$i * 3 + 1}] }
        expect_match "(error) ERR wrong number*" { lindex $got [expr {$i * 3 + 2}] }
    }
}

test "large replies in a pipeline keep their order" {
    ask SET big [string repeat B 100000]
    ask SET small s
    set requests {}
    for {set i 0} {$i < 60} {incr i} { lappend requests {GET big} [list ECHO $i] {GET small} }
    set c [client::dial]
    set i 0
    foreach {big number small} [client::pipeline $c $requests] {
        expect_true {[string length $big] == 100000}
        expect $i { set number }
        expect s { set small }
        incr i
    }
}

test "large requests in a pipeline" {
    set c [client::dial]
    set requests {}
    for {set i 0} {$i < 50} {incr i} {
        lappend requests [list SET key:$i [string repeat [expr {$i % 10}] [expr {$i * 3000}]]]
        lappend requests [list STRLEN key:$i]
    }
    set i 0
    foreach {ok len} [client::pipeline $c $requests] {
        expect OK { set ok }
        expect [expr {$i * 3000}] { set len }
        incr i
    }
}

test "a pipeline that is read only after all of it is sent" {
    set n [by_load 5000 20000 200000]
    set c [client::dial]
    ask SET k [string repeat v 100]
    client::write $c [string repeat [client::encode GET k] $n]
    wait_for {[client::flushed $c]}
    sleep_ms 100
    set reply "\$100\r\n[string repeat v 100]\r\n"
    expect_true {[client::bytes $c [expr {$n * 108}]] eq [string repeat $reply $n]}
    expect PONG { $c PING }
}

test "state changes take effect in the pipeline's order" {
    set c [client::dial]
    expect {OK OK (nil) OK 1 1} {
        client::pipeline $c {{SET k 1} {SELECT 1} {GET k} {SELECT 0} {GET k} {EXISTS k}}
    }
}

test "protocol changes take effect in the pipeline's order" {
    set c [client::dial]
    client::write $c "[client::encode GET x][client::encode HELLO 3][client::encode GET x]"
    append more [client::encode HELLO 2] [client::encode GET x]
    client::write $c $more
    expect {nil {}} { client::typed $c }
    expect map { lindex [client::typed $c] 0 }
    expect {null {}} { client::typed $c }
    expect array { lindex [client::typed $c] 0 }
    expect {nil {}} { client::typed $c }
}

test "QUIT in a pipeline: answered, and nothing after it runs" {
    set c [client::dial]
    client::write $c [client::encode SET before 1][client::encode QUIT][client::encode SET after 1]
    expect "+OK\r\n+OK\r\n" { client::until_eof $c }
    expect {1 0} { list [ask EXISTS before] [ask EXISTS after] }
}

test "connections with different pipeline depths do not mix" {
    set open {}
    foreach depth {1 2 3 10 100 1000} {
        set c [client::dial]
        set bytes ""
        for {set i 0} {$i < $depth} {incr i} { append bytes [client::encode ECHO $depth.$i] }
        client::write $c $bytes
        lappend open $c $depth
    }
    foreach {c depth} $open {
        for {set i 0} {$i < $depth} {incr i} { expect $depth.$i { client::reply $c } }
    }
}

test "a client that closes in the middle of its pipeline: what was sent whole is executed" {
    set c [client::dial]
    client::write $c [string repeat [client::encode INCR closed] 100]
    client::half_close $c
    client::until_eof $c
    expect 100 { ask GET closed }
}
