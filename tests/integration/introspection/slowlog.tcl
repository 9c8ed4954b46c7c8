# SLOWLOG and LATENCY HISTOGRAM.

# On a busy machine any command may take 10 ms, the default bound.
suite -config {"slowlog-log-slower-than 10000000"}

proc logging_all {script} {
    with_config {slowlog-log-slower-than 0} {
        ask SLOWLOG RESET
        uplevel 1 $script
    }
    ask SLOWLOG RESET
}

test "SLOWLOG records id, time, duration, arguments, client and name" {
    logging_all {
        set c [client::dial -name slow-one]
        ask SLOWLOG RESET
        $c SET key value
        set entry {}
        foreach e [ask SLOWLOG GET] { if {[lindex $e 3] eq {SET key value}} { set entry $e } }
        expect 6 { llength $entry }
        lassign $entry id time duration words addr name
        expect_true {abs($time - [clock seconds]) <= 2 && $duration >= 0 && $id >= 0}
        expect_match "127.0.0.1:*" { set addr }
        expect slow-one { set name }
    }
}

test "SLOWLOG GET count, newest first" {
    logging_all {
        for {set i 0} {$i < 20} {incr i} { ask ECHO $i }
        expect 10 { llength [ask SLOWLOG GET] }
        expect 5 { llength [ask SLOWLOG GET 5] }
        expect 0 { llength [ask SLOWLOG GET 0] }
        expect_true {[llength [ask SLOWLOG GET -1]] >= 20}
        set entries [ask SLOWLOG GET 2]
        expect_true {[lindex $entries 0 0] > [lindex $entries 1 0]}
    }
}

test "SLOWLOG LEN and RESET" {
    logging_all {
        ask PING
        ask PING
        expect_true {[ask SLOWLOG LEN] >= 2}
    }
    expect 0 { ask SLOWLOG LEN }
    expect {} { ask SLOWLOG GET }
}

test "slowlog-max-len bounds the log" {
    with_config {slowlog-max-len 5} {
        logging_all {
            for {set i 0} {$i < 30} {incr i} { ask PING }
            expect 5 { ask SLOWLOG LEN }
            ask CONFIG SET slowlog-max-len 2
            ask PING
            expect 2 { ask SLOWLOG LEN }
        }
    }
}

test "only slow commands are logged; -1 logs none" {
    ask SLOWLOG RESET
    set bound_us [expr {1000 * [scaled_ms 50]}]
    set sleep [expr {[scaled_ms 80] / 1000.0}]
    with_config [list slowlog-log-slower-than $bound_us] {
        ask PING
        ask DEBUG SLEEP $sleep
        expect 1 { ask SLOWLOG LEN }
        set entry [lindex [ask SLOWLOG GET] 0]
        expect [list DEBUG SLEEP $sleep] { lindex $entry 3 }
        expect_true {[lindex $entry 2] >= $bound_us}
    }
    with_config {slowlog-log-slower-than -1} {
        ask SLOWLOG RESET
        ask DEBUG SLEEP 0.02
        expect 0 { ask SLOWLOG LEN }
    }
}

test "long arguments and many arguments are cut" {
    logging_all {
        ask ECHO [string repeat x 1000]
        ask DEL {*}[lrepeat 100 key]
        foreach e [ask SLOWLOG GET] { set entry([string toupper [lindex $e 3 0]]) [lindex $e 3] }
        expect "[string repeat x 128]... (872 more bytes)" { lindex $entry(ECHO) 1 }
        expect 32 { llength $entry(DEL) }
        expect "... (70 more arguments)" { lindex $entry(DEL) 31 }
    }
}

# The times of the newest entry of the command that begins with `word`.
proc times_of {word} {
    foreach e [ask SLOWLOG GET -1 WITHTIMES] {
        if {[lindex $e 3 0] eq $word} { return [lindex $e 6] }
    }
    return {}
}

test "WITHTIMES: how long a command waited, ran, and its reply waited" -tags baton-only {
    logging_all {
        set c [client::dial]
        $c PING
        client::write $c "[client::encode DEBUG SLEEP 0.05][client::encode ECHO behind]"
        expect OK { client::reply $c }
        expect behind { client::reply $c }
        set slept [times_of DEBUG]
        set echo [times_of ECHO]
        expect {ran-usec waited-usec written-usec} { lsort [dict keys $slept] }
        expect_true {[dict get $slept ran-usec] >= 50000}
        expect_true {[dict get $echo waited-usec] >= 50000 && [dict get $echo ran-usec] < 50000}
        expect_true {[dict get $slept written-usec] >= [dict get $echo written-usec]}
        expect 7 { llength [lindex [ask SLOWLOG GET 1 WITHTIMES] 0] }
        expect 6 { llength [lindex [ask SLOWLOG GET 1] 0] }
    }
}

test "WITHTIMES: a reply that its client does not read has not been written" -tags baton-only {
    ask SET big [string repeat x 20000000]
    logging_all {
        set c [client::dial]
        client::send $c GET big
        wait_for {[times_of GET] ne ""}
        expect (nil) { dict get [times_of GET] written-usec }
        expect 20000000 { string length [client::reply $c] }
        wait_for {[dict get [times_of GET] written-usec] ne "(nil)"}
    }
}

test "WITHTIMES: commands that were held back or blocked" -tags baton-only {
    logging_all {
        set c [client::dial]
        $c PING
        ask CLIENT PAUSE 60
        client::send $c ECHO held
        expect held { client::reply $c }
        expect_true {[dict get [times_of ECHO] waited-usec] >= 30000}
        expect (nil) { $c BLPOP list 0.3 }
        expect_true {[dict get [times_of BLPOP] waited-usec] < 300000}
    }
}

test "SLOWLOG errors" {
    expect_errors {
        {SLOWLOG GET abc} {ERR count should be greater than or equal to -1}
        {SLOWLOG GET 1 2} {ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.}
        {SLOWLOG GET -2} {ERR count should be greater than or equal to -1}
        {SLOWLOG NOSUCH} {ERR unknown subcommand 'NOSUCH'. Try SLOWLOG HELP.}
        {SLOWLOG} {ERR wrong number of arguments for 'slowlog' command}
    }
    expect_match "SLOWLOG*" { lindex [ask SLOWLOG HELP] 0 }
}

test "LATENCY HISTOGRAM counts calls in powers of two" {
    ask CONFIG RESETSTAT
    for {set i 0} {$i < 50} {incr i} { ask SET k v }
    ask GET k
    set got [ask LATENCY HISTOGRAM set get]
    expect {get set} { lsort [dict keys $got] }
    expect 50 { dict get $got set calls }
    set last 0
    foreach {usec count} [dict get $got set histogram_usec] {
        expect_true {$count >= $last}
        set last $count
    }
    expect 50 { set last }
}

test "LATENCY HISTOGRAM of nothing, of unknown, of subcommands" {
    ask CONFIG RESETSTAT
    ask CLIENT ID
    expect {} { ask LATENCY HISTOGRAM nosuch }
    expect {} { ask LATENCY HISTOGRAM append }
    expect client|id { dict keys [ask LATENCY HISTOGRAM client|id] }
    expect_true {[dict exists [ask LATENCY HISTOGRAM] client|id]}
    expect_true {[dict exists [ask LATENCY HISTOGRAM client] client|id]}
}
