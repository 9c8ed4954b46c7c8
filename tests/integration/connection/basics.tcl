# PING, ECHO, SELECT, QUIT, RESET, and connections as such.

suite

test "PING" {
    expect_each {
        {ask PING} PONG
        {ask_typed PING} {status PONG}
        {ask_typed PING hello} {bulk hello}
        {ask PING ""} {}
    }
    expect_error "ERR wrong number of arguments for 'ping' command" { ask PING a b }
}

test "ECHO" {
    expect_each {{ask ECHO hello} hello {ask ECHO ""} {}}
    expect_error "ERR wrong number of arguments for 'echo' command" { ask ECHO }
}

test "QUIT answers and closes" {
    set c [client::dial]
    expect OK { $c QUIT }
    expect_true {[client::gone $c]}
}

test "SELECT is the connection's own" {
    set a [client::dial -db 1]
    set b [client::dial]
    $a SET k one
    expect {one (nil)} { list [$a GET k] [$b GET k] }
}

test "RESET clears database, name, protocol and reply mode" {
    set c [client::dial -resp 3 -db 4 -name before]
    $c SET k v
    expect RESET { $c RESET }
    expect (nil) { $c GET k }
    expect_true {[$c CLIENT GETNAME] in {"" (nil)}}
    expect array { lindex [client::ask_typed $c HELLO] 0 }
}

test "RESET leaves a transaction" -needs multi {
    ask MULTI
    ask SET k v
    expect RESET { ask RESET }
    expect (nil) { ask GET k }
}

test "RESET leaves pub/sub" -needs subscribe {
    set c [client::dial]
    $c SUBSCRIBE ch
    expect RESET { $c RESET }
    expect v { $c SET k v; $c GET k }
}

test "RESET leaves MONITOR" -needs monitor {
    set c [client::dial]
    expect OK { $c MONITOR }
    expect RESET { $c RESET }
    ask PING
    expect "" { client::until_quiet $c 50 }
}

test "RESET drops authentication" {
    set h [server::start -auth secret]
    set c [client::dial -server $h]
    expect RESET { $c RESET }
    expect_error "NOAUTH Authentication required." { $c GET k }
}

test "connection ids grow and are never reused" {
    set last 0
    for {set i 0} {$i < 50} {incr i} {
        set c [client::dial]
        set id [$c CLIENT ID]
        expect_true {$id > $last}
        set last $id
        client::hangup $c
    }
}

test "the unix socket serves like TCP" {
    set c [client::dial -unix 1]
    $c SET k [string repeat u 100000]
    expect 100000 { $c STRLEN k }
    set entry [client_entry [$c CLIENT ID]]
    expect_match "*/sock:0" { dict get $entry addr }
    expect_match "*/sock:0" { dict get $entry laddr }
    expect_true {[string match *U* [dict get $entry flags]]}
}

test "500 connections at once" {
    set open {}
    for {set i 0} {$i < [by_load 200 500 5000]} {incr i} {
        set c [client::dial]
        $c SET conn:$i $i
        lappend open $c
    }
    set i 0
    foreach c $open {
        expect $i { $c GET conn:$i }
        incr i
    }
    expect_true {[info_field connected_clients clients] > [llength $open]}
    foreach c $open { client::hangup $c }
    wait_for {[info_field connected_clients clients] == 1}
}

test "the time out of idle clients" -tags slow {
    set idle [client::dial]
    ask CONFIG SET timeout 1
    set c [client::dial]
    try {
        for {set i 0} {$i < 30} {incr i} { $c PING; sleep_ms 100 }
        expect_true {[client::gone $idle 1000]}
        expect PONG { $c PING }
    } finally {
        $c CONFIG SET timeout 0
    }
}

test "connections_received counts" {
    set before [info_field total_connections_received stats]
    for {set i 0} {$i < 7} {incr i} { client::hangup [client::dial] }
    wait_for {[info_field total_connections_received stats] == $before + 7}
}

test "file descriptors are given back" {
    sleep_ms 50
    set before [server::open_fds]
    for {set i 0} {$i < 100} {incr i} {
        set c [client::dial]
        $c PING
        client::hangup $c
    }
    wait_for {[server::open_fds] <= $before + 2}
}
