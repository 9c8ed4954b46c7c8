# Bounds: output buffers, query buffers, connections.

suite

# Sends GETs of a 1 MB value, `count` of them, and reads nothing.
proc pile_up {c count} {
    ask SET big [string repeat x 1000000]
    client::write $c [string repeat [client::encode GET big] $count]
}

# The first test: a batch of replies whose buffer others made large would hide what it looks for.
test "a reply that is dropped over the hard limit leaves no memory behind" {
    for {set i 0} {$i < 150} {incr i} {
        ask SET k$i [string repeat x 1000]
        lappend keys k$i
    }
    ask MGET k0
    with_config {client-output-buffer-limit "normal 100000 0 0"} {
        set before [info_field used_memory memory]
        set c [client::dial]
        client::send $c MGET {*}$keys
        expect "" { client::until_eof $c }
        wait_for {[info_field used_memory memory] < $before + 20000}
    }
}

test "the hard output limit cuts a client that does not read" {
    set c [client::dial]
    set id [$c CLIENT ID]
    with_config {client-output-buffer-limit "normal 5mb 0 0"} {
        pile_up $c 50
        wait_for {[client_entry $id] eq {}}
        wait_for {[string match "*overcoming of output buffer limits*" [server::log_text]]}
        expect PONG { ask PING }
    }
    expect_true {[client::gone $c]}
}

test "one reply over the hard limit is not even begun" {
    for {set i 0} {$i < 1000} {incr i} { lappend pairs [string repeat k 100]$i v }
    ask MSET {*}$pairs
    set c [client::dial]
    ask CONFIG RESETSTAT
    with_config {client-output-buffer-limit "normal 100000 0 0"} {
        client::send $c KEYS *
        expect_true {[client::gone $c]}
    }
    if {$server::is_baton} {
        expect 1 { info_field client_output_buffer_limit_disconnections stats }
    }
}

test "a pipeline over the hard limit runs, its client is cut before the first reply" {
    ask SET big [string repeat x 10000]
    set c [client::dial]
    set id [$c CLIENT ID]
    with_config {client-output-buffer-limit "normal 100000 0 0"} {
        client::write $c [string repeat [client::encode GET big] 15]
        expect_true {[client::gone $c]}
        wait_for {[client_entry $id] eq {}}
    }
    set d [client::dial]
    with_config {client-output-buffer-limit "normal 200000 0 0"} {
        client::write $d [string repeat [client::encode GET big] 15]
        foreach value [client::replies $d 15] { expect 10000 { string length $value } }
    }
}

test "the soft output limit cuts after its time, not before" {
    set c [client::dial]
    set id [$c CLIENT ID]
    with_config {client-output-buffer-limit "normal 0 1mb 1"} {
        set began [clock milliseconds]
        pile_up $c 30
        sleep_ms 300
        expect_true {[client_entry $id] ne {}}
        # The limit is only looked at when output grows.
        wait_for {[catch { client::write $c [client::encode GET big] }] ||
            [client_entry $id] eq {}} 8000 100
        expect_true {[clock milliseconds] - $began >= 900}
    }
}

test "a client that reads in time is not cut by the soft limit" {
    set c [client::dial]
    with_config {client-output-buffer-limit "normal 0 1mb 2"} {
        for {set i 0} {$i < 3} {incr i} {
            pile_up $c 5
            for {set j 0} {$j < 5} {incr j} {
                expect_true {[string length [client::reply $c]] == 1000000}
            }
            sleep_ms 200
        }
        expect PONG { $c PING }
    }
}

test "without a limit a slow client gets everything" {
    set c [client::dial]
    set n [by_load 20 40 200]
    pile_up $c $n
    sleep_ms 300
    for {set j 0} {$j < $n} {incr j} {
        expect_true {[string length [client::reply $c]] == 1000000}
    }
    expect PONG { $c PING }
}

test "the output of a cut client is freed" {
    set before [info_field used_memory memory]
    with_config {client-output-buffer-limit "normal 20mb 0 0"} {
        for {set i 0} {$i < 5} {incr i} {
            set c [client::dial]
            set id [$c CLIENT ID]
            pile_up $c 60
            wait_for {[client_entry $id] eq {}}
        }
    }
    ask DEL big
    wait_for {[info_field used_memory memory] < $before + 5000000}
}

test "omem shows what waits for a slow client" {
    set c [client::dial]
    set id [$c CLIENT ID]
    pile_up $c 30
    wait_for {[dict get [client_entry $id] omem] > 1000000}
    for {set j 0} {$j < 30} {incr j} { client::reply $c }
    wait_for {[dict get [client_entry $id] omem] == 0}
}

test "a slow reader does not hold up others" {
    set slow [client::dial]
    pile_up $slow 100
    expect_true {[usual_ms 100 { ask SET k v }] < [scaled_ms 250]}
}

test "client-query-buffer-limit ends a client whose request grows beyond it" {
    with_config {client-query-buffer-limit 1048576} {
        set c [client::dial]
        catch {
            client::write $c "*2\r\n\$4\r\nECHO\r\n\$400000000\r\n"
            for {set i 0} {$i < 40} {incr i} {
                client::write $c [string repeat x 100000]
                sleep_ms 1
            }
        }
        expect_true {[client::gone $c]}
        wait_for {[string match "*max query buffer length*" [server::log_text]]}
    }
    expect PONG { ask PING }
}

test "client-query-buffer-limit also counts many small arguments" -tags baton-only {
    with_config {client-query-buffer-limit 1048576} {
        set c [client::dial]
        catch {
            client::write $c "*1000000\r\n"
            for {set i 0} {$i < 40} {incr i} {
                client::write $c [string repeat "\$100\r\n[string repeat y 100]\r\n" 1000]
                sleep_ms 1
            }
        }
        expect_true {[client::gone $c]}
    }
    expect PONG { ask PING }
}

test "a request just inside the query buffer limit works" {
    with_config {client-query-buffer-limit 2097152} {
        expect OK { ask SET k [string repeat v 1500000] }
    }
    expect 1500000 { ask STRLEN k }
}

test "maxclients: a polite refusal, and room again when one leaves" {
    with_config {maxclients 10} {
        set open {}
        for {set i 0} {$i < 9} {incr i} {
            set c [client::dial]
            $c PING
            lappend open $c
        }
        for {set i 0} {$i < 5} {incr i} {
            expect "-ERR max number of clients reached\r\n" { client::until_eof [client::dial] }
        }
        client::hangup [lindex $open 0]
        wait_for {[info_field connected_clients clients] == 9}
        expect PONG { [client::dial] PING }
    }
}

test "the query buffer of an idle client is given back" -tags slow {
    set open {}
    for {set i 0} {$i < 30} {incr i} {
        set c [client::dial]
        $c SET k [string repeat x 500000]
        lappend open $c
    }
    set id [[lindex $open 0] CLIENT ID]
    wait_for {[dict get [client_entry $id] qbuf-free] < 100000} 15000 100
}

test "a megabyte pipeline of tiny requests needs little memory" {
    set before [server::rss]
    set c [client::dial]
    set n 70000
    client::write $c [string repeat "PING\r\n" $n]
    set reply [client::bytes $c [expr {$n * 7}]]
    expect_true {$reply eq [string repeat "+PONG\r\n" $n]}
    expect_true {[server::rss] - $before < 40000000}
}
