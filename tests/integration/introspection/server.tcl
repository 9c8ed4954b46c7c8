# MEMORY, DEBUG, TIME, LASTSAVE, LOLWUT and SHUTDOWN.

suite

test "TIME" {
    lassign [ask TIME] seconds micros
    expect_true {abs($seconds - [clock seconds]) <= 2 && $micros >= 0 && $micros < 1000000}
    expect_error "ERR wrong number of arguments for 'time' command" { ask TIME x }
}

test "LASTSAVE is the start of the server" {
    expect_true {abs([ask LASTSAVE] - [clock seconds]) < 3600}
}

test "LOLWUT" {
    expect_match "*ver. *" { ask LOLWUT }
    expect_match "*ver. *" { ask LOLWUT VERSION 5 }
    expect_match "*ver. *" { ask LOLWUT VERSION 6 10 5 }
}

test "MEMORY STATS" {
    ask SET k v
    set stats [ask MEMORY STATS]
    foreach name {peak.allocated total.allocated startup.allocated replication.backlog
            clients.slaves clients.normal aof.buffer overhead.total keys.count keys.bytes-per-key
            dataset.bytes dataset.percentage peak.percentage allocator.allocated allocator.active
            allocator.resident fragmentation fragmentation.bytes db.0} {
        expect_true {[dict exists $stats $name]}
    }
    expect 1 { dict get $stats keys.count }
    expect_true {[dict exists [dict get $stats db.0] overhead.hashtable.main]}
}

test "MEMORY DOCTOR, PURGE, MALLOC-STATS, HELP" {
    expect_true {[string length [ask MEMORY DOCTOR]] > 20}
    expect OK { ask MEMORY PURGE }
    set stats [expr {$server::is_sanitized ? "*execute: * bytes in use*" : "*jemalloc statistics*"}]
    expect_match $stats { ask MEMORY MALLOC-STATS }
    expect_match "MEMORY*" { lindex [ask MEMORY HELP] 0 }
}

test "DEBUG SLEEP holds up for that long" {
    set began [clock milliseconds]
    expect OK { ask DEBUG SLEEP 0.1 }
    expect_true {[clock milliseconds] - $began >= 95}
    expect OK { ask DEBUG SLEEP 0 }
}

test "DEBUG STRINGMATCH-LEN ends in time with a nasty pattern" -tags baton-only {
    ask DEBUG STRINGMATCH-LEN 100000 [string repeat *a 15]b
    expect PONG { ask PING }
}

test "DEBUG POPULATE" {
    expect OK { ask DEBUG POPULATE 1000 item 20 }
    expect 1000 { ask DBSIZE }
    expect 20 { ask STRLEN item:0 }
    expect_match "value:999*" { ask GET item:999 }
    ask DEBUG POPULATE 10
    expect value:3 { ask GET key:3 }
}

test "DEBUG LOG writes to the log" {
    expect OK { ask DEBUG LOG "a line of my own" }
    wait_for {[string match "*a line of my own*" [server::log_text]]}
}

test "DEBUG CHANGE-REPL-ID" {
    set before [info_field master_replid replication]
    expect OK { ask DEBUG CHANGE-REPL-ID }
    expect_true {[info_field master_replid replication] ne $before}
}

test "DEBUG errors" {
    expect_match "DEBUG*" { lindex [ask DEBUG HELP] 0 }
    expect_errors {
        {DEBUG NOSUCH}
            {ERR unknown subcommand or wrong number of arguments for 'NOSUCH'. Try DEBUG HELP.}
        {DEBUG SET-ACTIVE-EXPIRE}
            {ERR unknown subcommand or wrong number of arguments for 'SET-ACTIVE-EXPIRE'*}
    }
}

test "DEBUG must be enabled" {
    set h [server::start -config {"enable-debug-command no"}]
    with_server $h {
        expect_error "ERR DEBUG command not allowed. If the enable-debug-command option is set to\
            \"local\", you can run it from a local connection, otherwise you need to set this\
            option in the configuration file, and then restart the server." { ask DEBUG SLEEP 0 }
    }
    set h [server::start -config {"enable-debug-command local"}]
    with_server $h { expect OK { ask DEBUG SLEEP 0 } }
}

# Starts a server, sends it a request that ends it, and gives its exit code.
proc exit_code_after {args} {
    set h [server::start]
    server::end_is_expected $h
    set c [client::dial -server $h]
    client::send $c {*}$args
    set code [keeper::wait_exit [server::pid $h] [scaled_ms 10000]]
    set said [client::until_eof $c]
    return [list $code $said]
}

test "SHUTDOWN ends the server with 0 and no reply" {
    foreach request {{SHUTDOWN} {SHUTDOWN NOSAVE} {SHUTDOWN NOSAVE NOW FORCE} {shutdown nosave}} {
        expect {0 {}} { exit_code_after {*}$request }
    }
}

test "SHUTDOWN errors" {
    expect_errors {
        {SHUTDOWN NOSUCH} {ERR syntax error}
        {SHUTDOWN SAVE NOSAVE} {ERR syntax error}
        {SHUTDOWN ABORT NOW} {ERR syntax error}
        {SHUTDOWN ABORT} {ERR No shutdown in progress.}
    }
    expect PONG { ask PING }
}

test "replies on their way are sent before the server ends" -tags baton-only {
    set h [server::start]
    server::end_is_expected $h
    set c [client::dial -server $h]
    set n 500
    set bytes [string repeat [client::encode INCR n] $n]
    client::write $c $bytes[client::encode SHUTDOWN NOSAVE]
    set want ""
    for {set i 1} {$i <= $n} {incr i} { append want ":$i\r\n" }
    expect $want { client::until_eof $c }
    expect 0 { keeper::wait_exit [server::pid $h] [scaled_ms 10000] }
}

test "there are no modules" {
    expect {} { ask MODULE LIST }
    expect_match "MODULE*" { lindex [ask MODULE HELP] 0 }
    set refused "ERR MODULE command not allowed. If the enable-module-command option is set to \"local\", you\
        can run it from a local connection, otherwise you need to set this option in the configuration file,\
        and then restart the server."
    expect_error $refused { ask MODULE LOAD /nowhere }
    expect_error $refused { ask MODULE UNLOAD nosuch }
    with_server [server::start -config {"enable-module-command yes"}] {
        expect_error "ERR Error loading the extension. Please check the server logs." {
            ask MODULE LOAD /nowhere x
        }
        expect_error "ERR Error unloading module: no such module with that name*" {
            ask MODULE UNLOAD nosuch
        }
    }
}
