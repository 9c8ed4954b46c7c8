# The latency monitor: LATENCY, but for HISTOGRAM.

suite

# Events of earlier commands are forgotten, and what takes `ms` is noted meanwhile.
proc monitoring {ms script} {
    with_config [list latency-monitor-threshold $ms] {
        ask LATENCY RESET
        uplevel 1 $script
    }
    ask LATENCY RESET
}

proc latest {event} {
    foreach e [ask LATENCY LATEST] { if {[lindex $e 0] eq $event} { return $e } }
    return {}
}

test "a server that was not slow has no events" {
    expect 0 { ask LATENCY RESET }
    expect 0 { ask LATENCY RESET nosuch command }
    expect {} { ask LATENCY LATEST }
    expect {} { ask LATENCY HISTORY command }
    expect {} { ask LATENCY HISTORY nosuch }
    expect_match "*latency-monitor-threshold*" { ask LATENCY DOCTOR }
    expect_errors {
        {LATENCY NOSUCH} {ERR unknown subcommand 'NOSUCH'. Try LATENCY HELP.}
        {LATENCY GRAPH command} {ERR No samples available for event 'command'}
        {LATENCY GRAPH nosuch} {ERR No samples available for event 'nosuch'}
        {LATENCY GRAPH} {ERR wrong number of arguments for 'latency|graph' command}
        {LATENCY HISTORY} {ERR wrong number of arguments for 'latency|history' command}
        {LATENCY HELP x} {ERR wrong number of arguments for 'latency|help' command}
    }
    expect_match "LATENCY*" { lindex [ask LATENCY HELP] 0 }
}

test "a slow command is an event" {
    monitoring 10 {
        ask DEBUG SLEEP 0.03
        lassign [latest command] name time ms longest
        expect_true {$ms >= 30 && $longest == $ms && abs($time - [clock seconds]) <= 2}
        expect [list [list $time $ms]] { ask LATENCY HISTORY command }
        expect_match "command - high $ms ms, low $ms ms (all time high $ms ms)\n*" {
            ask LATENCY GRAPH command
        }
        expect_match "*command*" { ask LATENCY DOCTOR }
        expect 1 { ask LATENCY RESET command }
        expect {} { latest command }
    }
}

test "nothing is noted while the monitor is off" {
    ask LATENCY RESET
    ask DEBUG SLEEP 0.02
    expect {} { ask LATENCY LATEST }
}

test "the answers in words are verbatim text" {
    set c [client::dial -resp 3]
    expect verbatim { lindex [client::ask_typed $c LATENCY DOCTOR] 0 }
}

test "values that take long to free make a cycle of expiry" -tags no-sanitizer {
    monitoring 5 {
        for {set i 0} {$i < 100} {incr i} {
            set members {}
            for {set j 0} {$j < 4000} {incr j} { lappend members $i:$j }
            ask SADD big {*}$members
        }
        ask PEXPIRE big 1
        wait_for {[latest expire-cycle] ne ""}
        wait_for {[info_field lazyfree_pending_objects memory] == 0}
        expect_match "*expire-cycle*" { ask LATENCY DOCTOR }
    }
}

test "an eviction that takes long is an event" {
    for {set i 0} {$i < 200} {incr i} { ask SET k$i [string repeat x 10000] }
    for {set i 0} {$i < 40} {incr i} {
        set members {}
        for {set j 0} {$j < 5000} {incr j} { lappend members $i:$j }
        ask SADD big {*}$members
    }
    monitoring 1 {
        with_config {maxmemory-policy allkeys-random maxmemory-eviction-tenacity 100} {
            with_config {maxmemory 1} {
                catch { ask SET a b }
                expect_true {[lindex [latest eviction-cycle] 2] >= 1}
            }
        }
    }
}
