# Few clients, one request at a time: nothing but the request itself wakes the server, so a wake-up
# or a piece of work that the stages lose between them shows as a hang.

suite

test "two clients take turns, thousands of times" {
    set a [client::dial]
    set b [client::dial]
    set n [by_load 3000 10000 200000]
    for {set i 1} {$i <= $n} {incr i} {
        if {[$a INCR n] != 2 * $i - 1} { fail "round $i of the first" }
        if {[$b INCR n] != 2 * $i} { fail "round $i of the second" }
    }
}

test "two clients at the same moment, each waiting for both" {
    set a [client::dial]
    set b [client::dial]
    for {set i 1} {$i <= [by_load 2000 6000 100000]} {incr i} {
        client::send $a SET a $i
        client::send $b SET b $i
        client::reply $a
        client::reply $b
    }
    expect [list $i $i] { list [expr {[$a GET a] + 1}] [expr {[$b GET b] + 1}] }
}

test "two clients with random pauses, so that stages fall asleep in between" {
    set a [client::dial]
    set b [client::dial -unix 1]
    for {set i 0} {$i < [by_load 300 800 20000]} {incr i} {
        set c [lindex [list $a $b] [random_int 2]]
        expect $i { $c ECHO $i }
        if {rand() < 0.5} { sleep_ms [random_int 4] }
    }
}

test "one client, a pause of every length" {
    for {set ms 0} {$ms < 60} {incr ms 2} {
        sleep_ms $ms
        expect $ms { ask ECHO $ms }
    }
}

test "pairs and triples of requests, never more on the way" {
    set a [client::dial]
    set b [client::dial]
    for {set i 0} {$i < [by_load 1000 3000 50000]} {incr i} {
        set depth [expr {1 + [random_int 3]}]
        foreach c [list $a $b] {
            set bytes ""
            for {set j 0} {$j < $depth} {incr j} { append bytes [client::encode ECHO $i.$j] }
            client::write $c $bytes
        }
        foreach c [list $a $b] {
            for {set j 0} {$j < $depth} {incr j} { expect $i.$j { client::reply $c } }
        }
    }
}

test "a new connection for every request" {
    for {set i 0} {$i < [by_load 300 1000 20000]} {incr i} {
        set c [client::dial]
        expect $i { $c ECHO $i }
        client::hangup $c
    }
}

test "a connection that sends at once and is answered after its first byte came" {
    for {set i 0} {$i < [by_load 100 300 5000]} {incr i} {
        set c [client::dial]
        client::write $c [client::encode ECHO first][client::encode ECHO $i]
        client::half_close $c
        expect "\$5\r\nfirst\r\n\$[string length $i]\r\n$i\r\n" { client::until_eof $c }
        client::hangup $c
    }
}

test "a key expires while nobody asks, then one client asks" {
    for {set i 0} {$i < 20} {incr i} {
        ask SET k v PX 15
        sleep_ms [expr {20 + [random_int 20]}]
        expect (nil) { ask GET k }
    }
}

test "a large value up and down, strictly in turns" {
    set a [client::dial]
    set b [client::dial]
    for {set i 0} {$i < [by_load 20 60 1000]} {incr i} {
        set value [string repeat [expr {$i % 10}] [expr {30000 + [random_int 200000]}]]
        $a SET k $value
        expect_true {[$b GET k] eq $value}
    }
}

test "clients that come and go between the turns of two others" {
    set a [client::dial]
    set b [client::dial]
    for {set i 1} {$i <= [by_load 300 1000 20000]} {incr i} {
        $a INCR n
        set c [client::dial]
        if {$i % 3 == 0} { client::write $c "*2\r\n\$4\r\nEC" }
        if {$i % 3 == 1} { client::send $c INCR other }
        client::hangup $c
        expect [expr {2 * $i}] { $b INCR n }
    }
}
