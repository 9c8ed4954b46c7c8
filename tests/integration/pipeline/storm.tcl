# Many clients at once, dying at every moment: no reply may reach another client, none may be lost,
# and what the dead held must come home.

suite

test "200 clients, random depth: every reply is one's own" {
    load::start [by_load 100 200 1000] -depth 7
    load::for_ms [by_load 600 1500 20000]
    expect_true {[load::stop] > 50}
}

test "random chunks on many connections" {
    set open {}
    for {set i 0} {$i < [by_load 30 60 300]} {incr i} {
        set bytes ""
        set want ""
        for {set j 0} {$j < 20} {incr j} {
            set value conn$i.$j.[string repeat y [random_int 200]]
            append bytes [client::encode SET k$i $value] [client::encode GET k$i]
            append want "+OK\r\n\$[string length $value]\r\n$value\r\n"
        }
        lappend open [list [client::dial] $bytes $want]
    }
    set left [llength $open]
    for {set at 0} {$left > 0} {incr at} {
        set left 0
        set next {}
        foreach entry $open {
            lassign $entry c bytes want
            if {$bytes ne ""} {
                set n [expr {1 + [random_int 700]}]
                client::write $c [string range $bytes 0 $n-1]
                set bytes [string range $bytes $n end]
                incr left
            }
            lappend next [list $c $bytes $want]
        }
        set open $next
        if {$at % 4 == 0} { sleep_ms 1 }
    }
    foreach entry $open {
        lassign $entry c bytes want
        if {[client::bytes $c [string length $want]] ne $want} { fail "a reply is not right" }
    }
}

test "connections that close at random points while others work" {
    load::start 20 -depth 3
    set big [string repeat z 50000]
    ask SET big $big
    for {set i 0} {$i < [by_load 200 600 10000]} {incr i} {
        set c [client::dial]
        set nonce nonce-$i-[random_int 1000000]
        set bytes [client::encode SET own:[expr {$i % 50}] $nonce][client::encode ECHO $nonce]
        append bytes [client::encode GET big] [client::encode ECHO $nonce]
        client::write $c [string range $bytes 0 [random_int [string length $bytes]]]
        switch [random_int 4] {
            0 { sleep_ms 1 }
            1 { catch { client::line $c [client::deadline 5] } }
            2 { catch { client::half_close $c } }
        }
        client::hangup $c
    }
    load::for_rounds 20
    load::stop
    wait_for {[info_field connected_clients clients] == 1}
}

test "clients that come right after one died get only their own replies" {
    ask SET big [string repeat q 300000]
    for {set i 0} {$i < [by_load 100 300 5000]} {incr i} {
        set dead [client::dial]
        client::write $dead [string repeat [client::encode GET big] 5]
        client::hangup $dead
        set c [client::dial]
        expect mine-$i { $c ECHO mine-$i }
        client::hangup $c
    }
}

test "a storm of CLIENT KILL under load" {
    load::start 30 -depth 5 -redial 1
    set killer [client::dial]
    set killed 0
    set spared [list [$killer CLIENT ID] [ask CLIENT ID]]
    for {set round 0} {$round < [by_load 30 80 2000]} {incr round} {
        set ids {}
        foreach line [split [string trim [$killer CLIENT LIST]] \n] {
            set id [dict get [fields_of $line] id]
            if {$id ni $spared} { lappend ids $id }
        }
        for {set i 0} {$i < 5 && [llength $ids]} {incr i} {
            incr killed [$killer CLIENT KILL ID [lindex $ids [random_int [llength $ids]]]]
        }
        sleep_ms 2
    }
    expect_true {$killed > 20}
    expect_true {$load::lost > 0}
    load::for_rounds 20
    load::stop
    wait_for {[llength [split [string trim [$killer CLIENT LIST]] \n]] == 2}
}

test "CLIENT KILL TYPE normal under load, many times" {
    load::start 30 -depth 10 -redial 1
    set killer [client::dial]
    for {set i 0} {$i < [by_load 15 40 500]} {incr i} {
        $killer CLIENT KILL TYPE normal SKIPME yes
        expect alive-$i { $killer ECHO alive-$i }
        sleep_ms 5
    }
    expect_true {[load::stop] > 0}
}

test "CONFIG SET in a loop under load" {
    load::start 20 -depth 5
    for {set i 0} {$i < [by_load 100 400 5000]} {incr i} {
        ask CONFIG SET timeout [expr {1000 + $i}] maxmemory-samples [expr {1 + $i % 10}]
        ask CONFIG SET client-output-buffer-limit "normal [expr {100000000 + $i}] 0 0"
        if {$i % 10 == 0} { ask CONFIG SET maxclients [expr {1000 + $i}] }
    }
    ask CONFIG SET timeout 0 client-output-buffer-limit "normal 0 0 0" maxclients 10000
    load::for_rounds 20
    load::stop
    expect 0 { set load::lost }
}

test "FLUSHALL, SWAPDB and CLIENT LIST under load" {
    load::start 20 -depth 1
    for {set i 0} {$i < [by_load 50 200 2000]} {incr i} {
        ask SWAPDB 3 4
        ask CLIENT LIST
        ask INFO everything
        ask SCAN 0 COUNT 100
    }
    load::stop
    expect 0 { set load::lost }
}

test "slow readers do not disturb the others" {
    ask SET big [string repeat x 1000000]
    set slow {}
    for {set i 0} {$i < 5} {incr i} {
        set c [client::dial]
        client::write $c [string repeat [client::encode GET big] 20]
        lappend slow $c
    }
    load::start 10
    set usual [usual_ms 100 { ask PING }]
    load::for_rounds 100
    load::stop
    expect_true {$usual < [scaled_ms 250]}
    foreach c $slow {
        for {set i 0} {$i < 20} {incr i} {
            expect_true {[string length [client::reply $c]] == 1000000}
        }
    }
}

test "a reader that begins late gets everything" {
    ask SET big [string repeat 0123456789 50000]
    set c [client::dial -unix 1]
    client::write $c [string repeat [client::encode GET big] 4]
    sleep_ms 100
    for {set i 0} {$i < 4} {incr i} {
        expect \$500000 { client::line $c }
        expect_true {[client::bytes $c 500002] eq "[string repeat 0123456789 50000]\r\n"}
    }
}

test "memory comes home after storms of connections and values" {
    set round {
        set open {}
        for {set i 0} {$i < 30} {incr i} {
            set c [client::dial]
            client::write $c [client::encode SET v$i [string repeat m 200000]]
            client::write $c [string repeat [client::encode GET v$i] 3]
            lappend open $c
        }
        foreach c $open { client::replies $c 4 }
        foreach c $open { client::hangup $c }
        ask FLUSHALL
    }
    for {set r 0} {$r < 3} {incr r} { eval $round }
    wait_for {[info_field connected_clients clients] == 1}
    set before [server::rss]
    for {set r 0} {$r < [by_load 5 10 200]} {incr r} { eval $round }
    wait_for {[info_field connected_clients clients] == 1}
    wait_for {[server::rss] - $before < 12 * 1048576}      ;# free pages are given back in time
}

test "SIGTERM under load: the server drains and exits 0" {
    for {set i 0} {$i < [by_load 2 5 50]} {incr i} {
        set h [server::start]
        with_server $h {
            load::start 30 -depth 20
            load::for_rounds 60
            expect {} { server::stop $h }
            load::stop
        }
    }
}

test "SIGTERM under load: no reply is cut in its middle" -tags baton-only {
    for {set i 0} {$i < [by_load 2 5 50]} {incr i} {
        set h [server::start]
        with_server $h {
            set open {}
            for {set j 0} {$j < 10} {incr j} {
                set c [client::dial]
                client::write $c [string repeat [client::encode ECHO 0123456789] 2000]
                lappend open $c
            }
            sleep_ms 5
            expect {} { server::stop $h }
            foreach c $open {
                set got [client::until_eof $c]
                expect_true {[string length $got] % 17 == 0}
                expect_true {$got eq [string repeat "\$10\r\n0123456789\r\n" \
                    [expr {[string length $got] / 17}]]}
            }
        }
    }
}

test "what was acknowledged before SIGTERM was executed once" {
    set h [server::start]
    with_server $h {
        set c [client::dial]
        for {set i 1} {$i <= 200} {incr i} { expect $i { $c INCR n } }
        expect {} { server::stop $h }
        expect_true {[client::gone $c]}
    }
}
