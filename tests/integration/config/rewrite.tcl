# CONFIG REWRITE and CONFIG RESETSTAT.

suite

proc config_of {h} { return [slurp [server::conf $h]] }

# Starts a server with the lines, runs a script against it, and leaves its handle in `h`.
proc rewriting {lines script} {
    upvar 1 h h
    set h [server::start -config $lines]
    with_server $h { uplevel 1 $script }
}

test "CONFIG REWRITE changes a line in place and keeps comments" {
    rewriting {"# a comment of mine" "timeout 5" "" "# another one" "maxmemory-samples 4"} {
        ask CONFIG SET timeout 123
        expect OK { ask CONFIG REWRITE }
        set text [config_of $h]
        expect_match "*# a comment of mine\ntimeout 123\n*# another one\nmaxmemory-samples 4\n*" {
            set text
        }
    }
}

test "CONFIG REWRITE appends what the file did not have, once" {
    rewriting {} {
        ask CONFIG SET timeout 55 loglevel warning
        ask CONFIG REWRITE
        ask CONFIG REWRITE
        set text [config_of $h]
        expect 1 { regexp -all -line {^timeout 55$} $text }
        expect 1 { regexp -all -line {^loglevel warning$} $text }
        expect_true {![regexp -line {^maxmemory-samples} $text]}
    }
}

test "a rewritten file starts a server with the same options" {
    rewriting {"client-output-buffer-limit pubsub 1mb 512kb 30" "save 100 200"} {
        ask CONFIG SET timeout 55 maxmemory 123mb maxmemory-policy allkeys-lfu save "900 1 60 99" \
            slowlog-log-slower-than -1 notify-keyspace-events KEA \
            client-output-buffer-limit "normal 8mb 4mb 20" latency-tracking-info-percentiles "50 90"
        ask CONFIG REWRITE
        set before [ask CONFIG GET *]
        set pid [server::pid $h]
        server::stop $h
        set server::info($h,pid) [keeper::spawn [server::dir $h] /dev/null \
            [server::dir $h]/stdout2 [server::dir $h]/stderr \
            [list $::option(server) [server::conf $h] {*}$::option(args)]]
        suite::note_server $h
        wait_for {[string match "*Ready to accept*" [slurp [server::dir $h]/stdout2]]}
        set suite::default ""
        foreach {name value} [ask CONFIG GET *] {
            if {[dict get $before $name] ne $value} {
                fail "$name was '[dict get $before $name]' and is '$value'"
            }
        }
    }
}

test "values with spaces, quotes and odd bytes survive a rewrite" {
    set password "a b\"c'd\\e\x00\x01\xff"
    rewriting {} {
        ask CONFIG SET requirepass $password
        ask CONFIG REWRITE
        ask CONFIG SET requirepass ""
    }
    server::stop $h
    set dir [server::dir $h]
    set pid [keeper::spawn $dir /dev/null $dir/stdout2 $dir/stderr \
        [list $::option(server) [server::conf $h] {*}$::option(args)]]
    set server::info($h,pid) $pid
    suite::note_server $h
    wait_for {[string match "*Ready to accept*" [slurp $dir/stdout2]]}
    set c [client::dial -server $h -auth ""]
    expect_error "NOAUTH*" { $c PING }
    expect OK { $c AUTH $password }
}

test "a line end in a value cannot inject a directive" {
    rewriting {} {
        ask CONFIG SET requirepass "x\nmaxclients 77"
        ask CONFIG REWRITE
        ask CONFIG SET requirepass ""
        expect_true {![regexp -line {^maxclients} [config_of $h]]}
    }
}

test "CONFIG REWRITE drops a line whose value went back to default" {
    rewriting {"timeout 5"} {
        ask CONFIG SET timeout 0
        ask CONFIG REWRITE
        expect_true {![regexp -line {^timeout 5} [config_of $h]]}
    }
}

test "CONFIG REWRITE merges several save lines" {
    rewriting {"save 100 1" "save 50 2"} {
        expect "100 1 50 2" { lindex [ask CONFIG GET save] 1 }
        ask CONFIG SET save "10 20"
        ask CONFIG REWRITE
        set lines [regexp -all -inline -line {^save .*$} [config_of $h]]
        expect {{save 10 20}} { set lines }
    }
}

test "CONFIG REWRITE without a file" {
    set port [server::free_port]
    set dir $keeper::scratch/nofile-$port
    file mkdir $dir
    set pid [keeper::spawn $dir /dev/null $dir/out $dir/err \
        [list $::option(server) --port $port --save "" --dir $dir {*}$::option(args)]]
    wait_for {[string match "*Ready to accept*" [slurp $dir/out]]}
    set c [client::dial -port $port -auth ""]
    expect_error "ERR The server is running without a config file" { $c CONFIG REWRITE }
    keeper::signal $pid TERM
    expect 0 { keeper::wait_exit $pid [scaled_ms 10000] }
}

test "CONFIG REWRITE to a place that cannot be written" {
    if {[exec id -u] == 0} { skip "root can write everywhere" }
    rewriting {} {
        file attributes [server::dir $h] -permissions 0555
        try {
            expect_error "ERR Rewriting config file: *" { ask CONFIG REWRITE }
        } finally {
            file attributes [server::dir $h] -permissions 0755
        }
    }
}

test "CONFIG RESETSTAT" {
    ask SET k v
    ask GET k
    ask GET nothing
    catch { ask NOSUCH }
    expect_true {[info_field keyspace_misses stats] >= 1}
    expect OK { ask CONFIG RESETSTAT }
    foreach name {keyspace_hits keyspace_misses expired_keys total_connections_received
            rejected_connections evicted_keys total_error_replies} {
        expect 0 { info_field $name stats }
    }
    expect_true {[info_field total_commands_processed stats] < 20}
    expect_true {![string match "*cmdstat_get*" [ask INFO commandstats]]}
    expect_true {![string match "*errorstat*" [ask INFO errorstats]]}
}
