# MIGRATE to targets that hang, die in the middle or answer what no server does; and what others may
# do meanwhile. The keys stay, unless the target said OK.

source [file join $::support target.tcl]

suite

set ::ok "+OK\r\n"

# What MIGRATE of `k` is answered by a target with these answers: an error, and the key stays.
proc expect_refused {pattern answers {timeout_ms 5000}} {
    with_target $answers {
        ask SET k v
        expect_error $pattern { ask MIGRATE 127.0.0.1 $target::port k 0 $timeout_ms }
        expect v { ask GET k }
    }
}

test "arguments" {
    expect_errors {
        {MIGRATE 127.0.0.1 1 k 0} "ERR wrong number*"
        {MIGRATE 127.0.0.1 1 k x 5} "ERR value is not an integer or out of range"
        {MIGRATE 127.0.0.1 1 k 0 x} "ERR value is not an integer or out of range"
        {MIGRATE 127.0.0.1 1 k 0 5 WHAT} "ERR syntax error"
        {MIGRATE 127.0.0.1 1 k 0 5 AUTH} "ERR syntax error"
        {MIGRATE 127.0.0.1 1 k 0 5 AUTH2 a} "ERR syntax error"
        {MIGRATE 127.0.0.1 1 k 0 5 KEYS a} "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string"
    }
    expect NOKEY { ask MIGRATE 127.0.0.1 1 "" 0 5 KEYS }
    expect NOKEY { ask MIGRATE 127.0.0.1 1 k 0 5 COPY REPLACE AUTH keys }
    expect {a b} { ask COMMAND GETKEYS MIGRATE h 1 "" 0 5 AUTH KEYS KEYS a b }
    expect {keys b} { ask COMMAND GETKEYS MIGRATE h 1 "" 0 5 KEYS keys b }
    expect k { ask COMMAND GETKEYS MIGRATE h 1 k 0 5 AUTH2 KEYS KEYS }
}

test "nobody listens" {
    ask SET k v
    expect_error "IOERR error or timeout writing to target instance" {
        ask MIGRATE 127.0.0.1 [server::free_port] k 0 5000
    }
    expect_error "IOERR error or timeout writing to target instance" {
        ask MIGRATE 127.0.0.1 no-port k 0 5000
    }
    expect v { ask GET k }
}

test "a target that hangs" {
    expect_refused "IOERR error or timeout reading to target instance" {nothing} 50
    expect_refused "IOERR error or timeout reading to target instance" [list [list $::ok nothing]] 50
}

test "a target that hangs before it has read all" {
    with_target deaf {
        ask SETRANGE k 20000000 x
        expect_error "IOERR error or timeout * to target instance" {
            ask MIGRATE 127.0.0.1 $target::port k 0 100
        }
        expect 20000001 { ask STRLEN k }
    }
}

test "a target that dies in the middle" {
    expect_refused "IOERR error or timeout reading to target instance" close
    expect_refused "IOERR error or timeout reading to target instance" [list [list $::ok close]]
    expect_refused "IOERR error or timeout reading to target instance" [list [list $::ok "+O" close]] 300
}

test "what it took before it died is gone" {
    with_target [list [list $::ok $::ok $::ok close]] {
        ask MSET a 1 b 2 c 3
        expect_error "IOERR error or timeout reading to target instance" {
            ask MIGRATE 127.0.0.1 $target::port "" 0 5000 KEYS a b c
        }
        expect {(nil) (nil) 3} { ask MGET a b c }
    }
}

test "answers of a wrong kind" -tags baton-only {
    set unexpected "IOERR unexpected answer from target instance"
    foreach line {:1 {$2} +QUEUED +OKAY {} OK + *0 "\0\0"} {
        set answer $line\r\n
        expect_refused $unexpected [list [list $answer]]
        expect_refused $unexpected [list [list $::ok $answer]]
    }
    expect_refused $unexpected [list [list $::ok "+OK[string repeat x 100000]\r\n"]]
    expect_refused $unexpected [list [list $::ok "[random_bytes 5000]\r\n"]]
}

test "an error of any length" {
    expect_refused "ERR Target instance replied with error: ERR long xxx*" \
        [list [list $::ok "-ERR long [string repeat x 100000]\r\n"]]
    expect_refused "ERR Target instance replied with error: *" [list [list $::ok "-\r\n"]]
}

test "nothing is sent before the target has agreed" -tags baton-only {
    with_target [list [list "-WRONGPASS no\r\n" $::ok]] {
        ask SET k v
        expect_error "ERR Target instance replied with error: WRONGPASS no" {
            ask MIGRATE 127.0.0.1 $target::port k 0 5000 AUTH2 me pw
        }
        expect_match "*AUTH*me*pw*SELECT*" { set target::seen }
        expect -1 { string first RESTORE $target::seen }
    }
}

test "more answers than were asked for are not taken for later ones" -tags baton-only {
    with_target [list [list $::ok "$::ok$::ok$::ok"] [list $::ok "-ERR second\r\n"]] {
        ask MSET a 1 b 2
        expect OK { ask MIGRATE 127.0.0.1 $target::port a 0 5000 }
        expect_error "ERR Target instance replied with error: ERR second" {
            ask MIGRATE 127.0.0.1 $target::port b 0 5000
        }
        expect {(nil) 2} { ask MGET a b }
    }
}

# ---- Meanwhile

# A client whose MIGRATE of these keys a target lets hang, which is in `mover`.
proc while_migrating {keys options script} {
    upvar mover mover
    with_target [list [list $::ok nothing]] {
        set mover [waiting MIGRATE 127.0.0.1 $target::port "" 0 10000 {*}$options KEYS {*}$keys]
        wait_for_blocked 1
        wait_for { [update] eq "" && [string first RESTORE $target::seen] >= 0 }
        uplevel 1 $script
    }
}

test "others go on, and reads of the keys too" -tags baton-only {
    ask MSET k v other 1
    while_migrating k {} {
        expect PONG { ask PING }
        expect v { ask GET k }
        expect 2 { ask INCR other }
    }
    expect_error "IOERR*" { client::reply $mover }
}

test "writes to the keys wait" -tags baton-only {
    ask MSET k 1 other 1
    ask RPUSH l a
    while_migrating {k l} {} {
        set writers {}
        foreach command {{INCR k} {RPUSH l b} {DEL other k} FLUSHALL
            {EVAL {return redis.call('INCR', KEYS[1])} 1 k}} {
            lappend writers [waiting {*}$command]
            wait_for_blocked [expr {1 + [llength $writers]}] ;# one behind the other
        }
        set c [client::dial]
        client::pipeline $c {MULTI {INCR k}}
        client::send $c EXEC
        wait_for_blocked 7
        expect {1 1} { ask MGET k other }
    }
    expect_error "IOERR*" { client::reply $mover }
    set answers {}
    foreach w [concat $writers $c] { lappend answers [client::reply $w] }
    expect {2 2 2 OK 1 2} { set answers }
}

test "a copy is of one moment, and nobody waits for it" -tags baton-only {
    ask SET k 1
    while_migrating k COPY {
        expect 2 { ask INCR k }
    }
    expect_error "IOERR*" { client::reply $mover }
}

test "a second MIGRATE of the key waits for the first" -tags baton-only {
    ask SET k v
    with_target [list [list $::ok nothing] [list $::ok $::ok]] {
        set first [waiting MIGRATE 127.0.0.1 $target::port k 0 200]
        wait_for_blocked 1
        set second [waiting MIGRATE 127.0.0.1 $target::port k 0 5000]
        expect_error "IOERR*" { client::reply $first }
        expect OK { client::reply $second }
        expect 0 { ask EXISTS k }
    }
}

test "a script that did not say what it writes" -tags baton-only -needs eval {
    ask SET k 1
    with_target [list [list $::ok nothing]] {
        set mover [waiting MIGRATE 127.0.0.1 $target::port k 0 10000]
        wait_for { [update] eq "" && [string first RESTORE $target::seen] >= 0 }
        expect 2 { ask EVAL {return redis.call('INCR', 'k')} 0 }
        puts -nonewline [lindex [array names target::left] 0] $::ok
        expect_error "ERR A key was changed while it was on its way*" { client::reply $mover }
        expect 2 { ask GET k }
    }
}

test "a client that is gone: what the target took is deleted all the same" -tags baton-only {
    ask MSET a 1 b 2
    with_target [list [list $::ok nothing]] {
        set mover [waiting MIGRATE 127.0.0.1 $target::port a 0 10000]
        wait_for { [update] eq "" && [string first RESTORE $target::seen] >= 0 }
        client::hangup $mover
        wait_for { [info_field connected_clients clients] == 1 }
        expect 1 { ask EXISTS a }
        puts -nonewline [lindex [array names target::left] 0] $::ok
        wait_for { [ask EXISTS a] == 0 }
    }
}

test "CLIENT UNBLOCK does not reach it, CLIENT KILL does" -tags baton-only {
    ask SET k v
    set mover_id [client::ask [set c [client::dial]] CLIENT ID]
    with_target [list [list $::ok nothing]] {
        client::send $c MIGRATE 127.0.0.1 $target::port k 0 300
        wait_for_blocked 1
        expect 0 { ask CLIENT UNBLOCK $mover_id }
        expect 1 { ask CLIENT KILL ID $mover_id }
        expect 1 { client::gone $c }
        expect v { ask GET k }
        expect OK { ask SET k again } ;# it was let go
    }
}

test "under a pause the data stands still" -tags baton-only {
    ask SET k v
    with_target [list [list $::ok nothing]] {
        set mover [waiting MIGRATE 127.0.0.1 $target::port k 0 10000]
        wait_for { [update] eq "" && [string first RESTORE $target::seen] >= 0 }
        ask CLIENT PAUSE 60000 WRITE
        puts -nonewline [lindex [array names target::left] 0] $::ok
        for {set i 0} {$i < 50} {incr i} { expect v { ask GET k } }
        ask CLIENT UNPAUSE
        expect OK { client::reply $mover }
        expect 0 { ask EXISTS k }
    }
}

test "in MULTI a target that hangs is waited for, until its time is over" -tags baton-only {
    ask SET k v
    with_target [list [list $::ok nothing]] {
        set c [client::dial]
        client::pipeline $c [list MULTI [list MIGRATE 127.0.0.1 $target::port k 0 100] {GET k}]
        client::send $c EXEC
        expect_match "*IOERR error or timeout reading to target instance*" { client::reply $c }
        expect v { ask GET k }
    }
}

test "the server ends while a target hangs" -tags baton-only {
    set h [server::start]
    with_target [list [list $::ok nothing]] {
        with_server $h {
            ask SET k v
            set c [waiting MIGRATE 127.0.0.1 $target::port k 0 60000]
            wait_for_blocked 1
            set d [waiting MIGRATE 127.0.0.1 $target::port k 0 60000 COPY]
            wait_for_blocked 2
        }
        server::stop $h
    }
}
