# The server must not care how TCP cuts the stream.

suite

# Requests whose replies do not depend on how often they ran.
set corpus [list \
    [client::encode PING] [client::encode PING hello] [client::encode ECHO ""] \
    [client::encode ECHO "cr\r\nlf"] [client::encode SET k v] [client::encode GET k] \
    [client::encode GET nothing] [client::encode MSET a 1 b 2 c 3] [client::encode MGET a b zz c] \
    [client::encode SET e x EX 1000 XX] [client::encode SETRANGE r 3 abc] \
    [client::encode GETRANGE r 0 -1] [client::encode SETBIT bits 7 1] \
    [client::encode BITCOUNT bits] \
    [client::encode BITFIELD bits GET u8 0] [client::encode EXISTS a a nothing] \
    [client::encode TYPE a] [client::encode TTL a] [client::encode OBJECT ENCODING a] \
    [client::encode SELECT 0] [client::encode CLIENT SETNAME splitter] [client::encode GET] \
    [client::encode NOSUCH x] [client::encode CONFIG GET maxclients] [client::encode LCS a b] \
    "PING\r\n" "ECHO inline\r\n" "ECHO \"quo ted\"\r\n" "\r\nPING\n" "*0\r\nPING\r\n" \
    "*-1\r\n*1\r\n\$4\r\nPING\r\n" "GET\r\n"]

# The reply bytes when everything arrives in one piece.
proc whole_reply {bytes} {
    set c [client::dial]
    client::write $c $bytes[client::encode ECHO the-end]
    set got ""
    while {![string match "*the-end\r\n" $got]} { append got [client::bytes $c 1] }
    client::hangup $c
    return $got
}

# Runs the corpus once, so that the keys are what every later run finds.
proc prime {} {
    variable corpus
    foreach request $corpus { whole_reply $request }
}

# Sends the first part on many connections, waits until the server has had the time to read them,
# then sends the second parts and compares every reply.
proc check_cuts {bytes cuts} {
    set want [whole_reply $bytes]
    set bytes $bytes[client::encode ECHO the-end]
    while {[llength $cuts]} {
        set batch [lrange $cuts 0 199]
        set cuts [lrange $cuts 200 end]
        set open {}
        foreach cut $batch {
            set c [client::dial]
            client::write $c [string range $bytes 0 $cut-1]
            lappend open $c $cut
        }
        ask PING
        sleep_ms 3
        foreach {c cut} $open { client::write $c [string range $bytes $cut end] }
        foreach {c cut} $open {
            set got [client::bytes $c [string length $want]]
            if {$got ne $want} {
                fail "cut at $cut of [printable $bytes]\n  gave   [printable $got]\n \
                    wanted [printable $want]"
            }
            client::hangup $c
        }
    }
}

proc every_cut {bytes} {
    set cuts {}
    for {set i 1} {$i <= [string length $bytes]} {incr i} { lappend cuts $i }
    return $cuts
}

test "every request cut at every byte" {
    variable corpus
    prime
    foreach request $corpus { check_cuts $request [every_cut $request] }
}

test "two requests cut at every byte" {
    variable corpus
    prime
    for {set i 0} {$i < [llength $corpus]} {incr i [by_load 6 3 1]} {
        set pair [lindex $corpus $i][lindex $corpus [expr {($i * 7 + 3) % [llength $corpus]}]]
        check_cuts $pair [every_cut $pair]
    }
}

test "one byte at a time" {
    set c [client::dial]
    set bytes [client::encode SET slow value][client::encode GET slow]PING\r\n
    client::drip $c $bytes 1
    expect {OK value PONG} { client::replies $c 3 }
}

test "one byte at a time over the unix socket" {
    set c [client::dial -unix 1]
    client::drip $c [client::encode SET slow value][client::encode GET slow]PING\r\n 1
    expect {OK value PONG} { client::replies $c 3 }
}

test "random pieces of a long mixed stream" {
    variable corpus
    prime
    for {set round 0} {$round < [by_load 5 20 200]} {incr round} {
        set bytes ""
        for {set i 0} {$i < 30} {incr i} {
            append bytes [lindex $corpus [random_int [llength $corpus]]]
        }
        set want [whole_reply $bytes]
        append bytes [client::encode ECHO the-end]
        set c [client::dial -unix [expr {$round % 2}]]
        while {$bytes ne ""} {
            set n [expr {1 + [random_int 60]}]
            client::write $c [string range $bytes 0 $n-1]
            set bytes [string range $bytes $n end]
            if {rand() < 0.3} { sleep_ms 1 }
        }
        expect $want { client::bytes $c [string length $want] }
        client::hangup $c
    }
}

test "a large value cut around every size where buffers change" {
    foreach size {100 16000 16384 32768 40000 65536 200000} {
        set value [string repeat v $size]
        set request [client::encode SET big $value]
        set cuts {}
        foreach offset {-3 -2 -1 0 1 2 3} {
            foreach near [list 34 16384 32768 65536 [string length $request]] {
                set cut [expr {$near + $offset}]
                if {$cut > 0 && $cut < [string length $request]} { lappend cuts $cut }
            }
        }
        check_cuts $request [lsort -integer -unique $cuts]
        expect $size { ask STRLEN big }
    }
}

test "half-closing after a request still gets the reply" {
    set c [client::dial]
    client::write $c [client::encode ECHO last-words]
    client::half_close $c
    expect "\$10\r\nlast-words\r\n" { client::until_eof $c }
}

test "half a request and then the end: no reply, nothing executed" {
    foreach part [list "*3\r\n\$3\r\nSET\r\n\$1\r\nh\r\n\$1\r\n" "SET h 1" "*3\r\n" "*" "\$" \
            "*3\r\n\$3\r\nSET\r\n\$1\r\nh\r\n\$5\r\nabc"] {
        set c [client::dial]
        client::write $c $part
        client::half_close $c
        expect "" { client::until_eof $c }
    }
    expect 0 { ask EXISTS h }
}
