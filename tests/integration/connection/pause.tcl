# CLIENT PAUSE and UNPAUSE: who waits, for what, and how long.

suite

# Runs a script with the clients paused and unpauses whatever happens.
proc paused {mode script} {
    ask CLIENT PAUSE 100000 {*}$mode
    try {
        uplevel 1 $script
    } finally {
        ask CLIENT UNPAUSE
    }
}

test "a pause of writes: reads go on, writes wait" {
    ask SET k old
    set c [client::dial]
    paused WRITE {
        expect old { $c GET k }
        client::send $c SET k new
        expect "" { client::until_quiet $c 60 }
        expect old { ask GET k }
    }
    expect OK { client::reply $c }
    expect new { ask GET k }
}

test "a pause of everything: reads wait too, and its end is no exception" {
    set c [client::dial]
    foreach mode {{} ALL} {
        ask CLIENT PAUSE 200 {*}$mode
        client::send $c PING
        expect "" { client::until_quiet $c 60 }
        expect OK { ask CLIENT UNPAUSE }
        expect PONG { client::reply $c }
    }
}

test "a pause ends by itself" {
    set c [client::dial]
    ask CLIENT PAUSE 80 WRITE
    set began [clock milliseconds]
    expect OK { $c SET k v }
    set took [expr {[clock milliseconds] - $began}]
    expect_true {$took >= 60 && $took < [scaled_ms 2000]}
}

test "many waiting clients go on in order, nothing lost" {
    set open {}
    paused WRITE {
        for {set i 0} {$i < 20} {incr i} {
            set c [client::dial]
            client::write $c [string repeat [client::encode INCR n] 10]
            lappend open $c
        }
        sleep_ms 50
        expect (nil) { ask GET n }
    }
    foreach c $open { client::replies $c 10 }
    expect 200 { ask GET n }
}

test "a pipeline stops at its first write, what follows keeps its order" {
    ask SET k old
    set c [client::dial]
    paused WRITE {
        client::write $c "[client::encode GET k][client::encode SET k new][client::encode GET k]"
        expect old { client::reply $c }
        expect "" { client::until_quiet $c 60 }
    }
    expect {OK new} { client::replies $c 2 }
}

test "a second pause may extend but not shorten" {
    set c [client::dial]
    paused WRITE {
        ask CLIENT PAUSE 1 WRITE
        client::send $c SET k v
        expect "" { client::until_quiet $c 80 }
    }
    expect OK { client::reply $c }
}

test "paused clients show as blocked" {
    set c [client::dial]
    paused WRITE {
        client::send $c SET k v
        wait_for {[info_field blocked_clients clients] == 1}
    }
    client::reply $c
    wait_for {[info_field blocked_clients clients] == 0}
}

test "a waiting client can be killed" {
    set c [client::dial]
    set id [$c CLIENT ID]
    paused WRITE {
        client::send $c SET k v
        wait_for {[info_field blocked_clients clients] == 1}
        expect 1 { ask CLIENT KILL ID $id }
        expect_true {[client::gone $c]}
    }
    expect 0 { ask EXISTS k }
    expect 0 { info_field blocked_clients clients }
}

test "a waiting client may go away" {
    set c [client::dial]
    paused WRITE {
        client::send $c SET k v
        wait_for {[info_field blocked_clients clients] == 1}
        client::hangup $c
        wait_for {[info_field blocked_clients clients] == 0}
    }
}

test "keys do not expire under a pause of writes" {
    ask SET k v PX 30
    paused WRITE {
        sleep_ms 60
        expect 1 { ask DBSIZE }
        expect (nil) { ask GET k }
        expect 1 { ask DBSIZE }
        expect {0 {}} { ask SCAN 0 }
        expect 1 { ask DBSIZE }
    }
    wait_for {[ask DBSIZE] == 0}
}

# Redis draws forever here.
test "RANDOMKEY ends when all keys have expired under a pause" -tags baton-only {
    ask SET k v PX 30
    paused WRITE {
        sleep_ms 60
        expect (nil) { ask RANDOMKEY }
        expect 1 { ask DBSIZE }
    }
}

test "CLIENT UNPAUSE without a pause" {
    expect OK { ask CLIENT UNPAUSE }
}

test "CLIENT PAUSE errors" {
    expect_errors {
        {CLIENT PAUSE} {ERR wrong number of arguments for 'client|pause' command}
        {CLIENT PAUSE abc} {ERR timeout is not an integer or out of range}
        {CLIENT PAUSE -1} {ERR timeout is negative}
        {CLIENT PAUSE 10 NOSUCH} {ERR CLIENT PAUSE mode must be WRITE or ALL}
    }
    expect OK { ask SET k v }
}

test "every kind of write waits, every kind of read does not" {
    ask MSET a 1 b 2
    foreach request {
        {DEL a} {INCR a} {APPEND a x} {EXPIRE a 100} {RENAME a c} {FLUSHDB} {SETBIT a 0 1}
        {SWAPDB 0 1} {COPY a c} {GETEX a PERSIST} {BITOP OR c a b} {PERSIST a}
    } {
        set c [client::dial]
        paused WRITE {
            client::send $c {*}$request
            expect "" { client::until_quiet $c 10 }
        }
        client::typed $c
        client::hangup $c
    }
    ask FLUSHALL
    ask MSET a 1 b 2
    paused WRITE {
        foreach request {
            {GET a} {MGET a b} {EXISTS a} {TTL a} {SCAN 0} {KEYS *} {DBSIZE} {STRLEN a} {GETBIT a 0}
            {BITCOUNT a} {TYPE a} {OBJECT ENCODING a} {CONFIG GET port} {INFO server} {TIME}
            {CLIENT LIST} {SELECT 0} {RANDOMKEY} {ECHO x} {COMMAND COUNT}
        } {
            ask_typed {*}$request
        }
    }
}
