# metrics-port: the page, who gets it, and requests that are meant to hurt.

set ::metrics_port [server::free_port]
suite -config [list "metrics-port $::metrics_port"]

proc http_open {} { return [client::dial -port $::metrics_port -auth ""] }

proc http_ask {bytes} {
    set c [http_open]
    client::write $c $bytes
    return [client::until_eof $c]
}

proc http_get {{path /metrics}} { http_ask "GET $path HTTP/1.1\r\nHost: x\r\n\r\n" }

# The value of a sample, its labels as they stand in the page; "" without it.
proc metric {name} {
    foreach line [split [http_get] \n] {
        if {[string match "$name *" $line]} { return [lindex [split $line " "] end] }
    }
    return ""
}

test "without metrics-port there is no page" -tags baton-only {
    with_server [server::start] {
        expect {metrics-port 0} { ask CONFIG GET metrics-port }
        expect_error "*immutable*" { ask CONFIG SET metrics-port 7000 }
    }
}

test "the page follows what the server does" -tags baton-only {
    ask SET a 1
    ask SET b 2 EX 100
    ask GET a
    ask GET nosuch
    catch { ask LPUSH a x }
    catch { ask SET }
    wait_for {[metric redis_db_keys{db="db0"}] == 2}
    expect 1 { metric redis_db_keys_expiring{db="db0"} }
    wait_for {[metric redis_keyspace_hits_total] == 1}
    expect 1 { metric redis_keyspace_misses_total }
    expect 2 { metric redis_commands_total{cmd="set"} }
    expect 1 { metric redis_commands_rejected_calls_total{cmd="set"} }
    expect 1 { metric redis_commands_failed_calls_total{cmd="lpush"} }
    expect 1 { metric redis_connected_clients }
    expect_true {[metric redis_memory_used_bytes] > 100000}
    expect_true {[metric redis_net_input_bytes_total] > 50}
    expect_true {[metric baton_stage_turns_total{stage="execute"}] > 0}
    expect_true {[metric redis_uptime_in_seconds] < 600}
}

test "one page, for GET only" -tags baton-only {
    set page [http_get]
    expect_match "HTTP/1.0 200 OK\r\n*Content-Type: text/plain; version=0.0.4*" { set page }
    set body [string range $page [expr {[string first \r\n\r\n $page] + 4}] end]
    expect_true {[regexp {Content-Length: (\d+)} $page -> len] && $len == [string length $body]}
    expect_match "HTTP/1.0 200 OK*" { http_get / }
    expect_match "HTTP/1.0 200 OK*" { http_get /metrics?x=y }
    expect_match "HTTP/1.0 404 Not Found*" { http_get /metrics/ }
    expect_match "HTTP/1.0 405*Allow: GET*" { http_ask "POST / HTTP/1.0\r\n\r\n" }
    expect_match "HTTP/1.0 400 Bad*" { http_ask "PING\r\n" }
    expect_match "HTTP/1.0 400 Bad*" { http_ask "*1\r\n\$4\r\nPING\r\n" }
    expect_match "HTTP/1.0 400 Bad*" { http_ask "\x16\x03\x01\x00\xff" }
    expect_match "HTTP/1.0 400 Bad*" { http_ask "GET / HTTP/2\r\n\r\n" }
}

test "large requests are refused and what follows is not read for ever" -tags baton-only {
    expect_match "HTTP/1.0 431*" {
        http_ask "GET / HTTP/1.0\r\n[string repeat "x: [string repeat y 500]\r\n" 40]"
    }
    expect_match "HTTP/1.0 431*" { http_ask "GET /[string repeat a 20000]" }
    # The answer arrives although there is a body that nobody reads.
    expect_match "HTTP/1.0 405*" {
        http_ask "POST / HTTP/1.0\r\n\r\n[string repeat z 200000]"
    }
    expect_match "HTTP/1.0 200*" { http_get }
}

test "who is silent or slow is closed, and holds up nobody else" -tags {baton-only slow} {
    set all [list [http_open]]
    for {set i 0} {$i < 31} {incr i} {
        lappend all [set c [http_open]]
        client::write $c "GET / HT"
    }
    # All places are taken: the page waits until the first of them is given up.
    expect_match "HTTP/1.0 200*" { http_get }
    foreach c $all { expect "" { client::until_eof $c } }
    expect PONG { ask PING }
}

test "a request that drips in is answered" -tags baton-only {
    set c [http_open]
    client::drip $c "GET / HTTP/1.0\r\nA: b\r\n\r\n" 1
    expect_match "HTTP/1.0 200*" { client::until_eof $c }
}

test "connections that die at any point leave nothing behind" -tags baton-only {
    for {set i 0} {$i < 100} {incr i} {
        set c [http_open]
        client::write $c [string range "GET / HTTP/1.0\r\nA: b\r\n\r\n" 0 [expr {$i % 24}]]
        client::hangup $c
    }
    expect_match "HTTP/1.0 200*" { http_get }
}

test "the page is served while a command holds up the others" -tags baton-only {
    set c [client::dial]
    client::send $c DEBUG SLEEP 0.3
    expect_match "HTTP/1.0 200*" { http_get }
    expect "" { client::until_quiet $c 0 } ;# it sleeps still
    expect OK { client::reply $c }
}

test "a port that is taken keeps the server from starting" -tags baton-only {
    set got [server::run [list --port 0 --bind 127.0.0.1 --metrics-port $::metrics_port]]
    expect 1 { dict get $got code }
    expect_match "*Failed listening on port $::metrics_port (metrics)*" {
        string cat [dict get $got out] [dict get $got err]
    }
}
