# WAITAOF and WAIT: clients that wait until what they wrote is on disk, or at replicas.

source [file join $::support journal.tcl]

suite -config {"appendonly yes" "appendfsync everysec" "auto-aof-rewrite-percentage 0"}

foreach policy {always everysec} {
    test "what was written is on disk in time: appendfsync $policy" [string map [list %P $policy] {
        with_config {appendfsync %P} {
            for {set i 0} {$i < 5} {incr i} {
                ask INCR n
                set began [clock milliseconds]
                expect {1 0} { ask WAITAOF 1 0 0 }
                expect_true {[clock milliseconds] - $began < [scaled_ms 1500]}
            }
        }
    }]
}

test "nothing is synced with appendfsync no: the time runs out" {
    with_config {appendfsync no} {
        ask INCR n
        set began [clock milliseconds]
        expect {0 0} { ask WAITAOF 1 0 50 }
        expect_true {[clock milliseconds] - $began >= 50}
    }
    expect {1 0} { ask WAITAOF 1 0 0 }
}

test "who has written nothing does not wait" {
    ask CONFIG SET appendfsync no
    ask INCR n
    set other [client::dial]
    expect {1 0} { $other WAITAOF 0 0 0 }
    expect {1 0} { $other WAITAOF 1 0 0 }
    expect {0 0} { ask WAITAOF 0 0 0 }
    ask CONFIG SET appendfsync everysec
}

test "many wait at a time" {
    with_config {appendfsync no} {
        set clients {}
        for {set i 0} {$i < 50} {incr i} {
            set c [client::dial]
            $c SET k$i $i
            client::send $c WAITAOF 1 0 0
            lappend clients $c
        }
        wait_for_blocked 50
        ask CONFIG SET appendfsync everysec
        foreach c $clients { expect {1 0} { client::reply $c } }
    }
}

test "there are no replicas" {
    set c [client::dial]
    expect {1 0} { $c WAITAOF 1 1 20 }
    expect 0 { ask WAIT 1 20 }
    expect 0 { ask WAIT 0 0 }
    expect 0 { ask WAIT -1 0 }
}

test "a client that waits is seen, and its wait can be ended" {
    set c [client::dial]
    set id [$c CLIENT ID]
    foreach {command unblocked} {{WAIT 1 0} 0 {WAITAOF 0 1 0} {1 0}} {
        client::send $c {*}$command
        wait_for_blocked 1
        expect b { dict get [client_entry $id] flags }
        expect 1 { ask CLIENT UNBLOCK $id }
        expect $unblocked { client::reply $c }
        client::send $c {*}$command
        wait_for_blocked 1
        expect 1 { ask CLIENT UNBLOCK $id ERROR }
        expect_error "UNBLOCKED client unblocked via CLIENT UNBLOCK" { client::reply $c }
        expect 0 { info_field blocked_clients clients }
    }
    client::send $c WAIT 1 100000
    wait_for {[info_field clients_in_timeout_table clients] == 1}
    client::hangup $c
    wait_for {[info_field blocked_clients clients] == 0}
}

test "what comes behind a wait is run behind it" {
    set c [client::dial]
    client::write $c [client::encode WAIT 1 30][client::encode PING][client::encode ECHO x]
    expect {0 PONG x} { client::replies $c 3 }
}

test "transactions and scripts do not wait" {
    with_config {appendfsync no} {
        ask MULTI
        ask SET k v
        ask WAITAOF 1 0 0
        ask WAIT 3 0
        expect_match {OK {? 0} 0} { ask EXEC }
        expect 0 { ask EVAL {return redis.call('WAIT', 1, 0)} 0 }
        expect_error "*not allowed from script*" { ask EVAL {return redis.call('WAITAOF', 0, 0, 0)} 0 }
    }
}

test "a log that is switched off ends the waits for it" {
    with_config {appendfsync no} {
        set c [client::dial]
        $c INCR n
        client::send $c WAITAOF 1 0 0
        wait_for_blocked 1
        ask CONFIG SET appendonly no
        set off "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."
        expect_error $off { client::reply $c }
        expect_error $off { ask WAITAOF 1 0 0 }
        expect {0 0} { ask WAITAOF 0 0 0 }
    }
    ask CONFIG SET appendonly yes
    journal::settled
}

test "a log that is switched on is waited for" {
    ask CONFIG SET appendonly no
    ask MSET a 1 b 2 c 3
    with_config {rdb-key-save-delay 50000} {
        ask BGSAVE
        ask CONFIG SET appendonly yes
        ask SET d 4
        expect {0 0} { ask WAITAOF 1 0 10 }
        expect 1 { info_field aof_rewrite_scheduled persistence }
        ask CONFIG SET rdb-key-save-delay 0
        expect {1 0} { ask WAITAOF 1 0 20000 }
        expect {b rdb i aof} { journal::kinds }
    }
    journal::expect_same_again
}

test "wrong arguments" {
    expect_errors {
        {WAITAOF 2 0 0} "ERR value is out of range, value must between 0 and 1"
        {WAITAOF x 0 0} "ERR value is not an integer or out of range"
        {WAITAOF 0 -1 0} "ERR value is out of range, must be positive"
        {WAITAOF 0 0 -1} "ERR timeout is negative"
        {WAITAOF 0 0 x} "ERR timeout is not an integer or out of range"
        {WAITAOF 0 0} "ERR wrong number of arguments for 'waitaof' command"
        {WAIT 2 9223372036854775808} "ERR timeout is not an integer or out of range"
        {WAIT 2 9223372036854775807} "ERR timeout is out of range"
        {WAIT 2 -1} "ERR timeout is negative"
        {WAIT x 0} "ERR value is not an integer or out of range"
    }
}
