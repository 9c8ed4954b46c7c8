# MULTI, EXEC, DISCARD: what is queued, what is answered, and what becomes of a transaction that
# does not come to its end.

suite

test "commands are queued and run together" {
    set c [client::dial]
    expect {OK QUEUED QUEUED QUEUED} {
        client::pipeline $c {MULTI {SET k 1} {INCR k} {GET k}}
    }
    expect (nil) { ask GET k }
    expect {OK 2 2} { client::ask $c EXEC }
    expect 2 { ask GET k }
}

test "nothing comes between the commands of a transaction" {
    set writers {}
    for {set i 0} {$i < 5} {incr i} { lappend writers [client::dial] }
    for {set round 0} {$round < 50} {incr round} {
        foreach c $writers {
            client::write $c [join [lmap request {MULTI {INCR a} {INCR b} {INCR c} EXEC} {
                client::encode {*}$request
            }] ""]
        }
        foreach c $writers {
            lassign [lindex [client::replies $c 5] end] a b c
            if {$a != $b || $b != $c} { fail "a transaction was cut: $a $b $c" }
        }
    }
    expect {250 250 250} { ask MGET a b c }
}

test "an error while it runs stops nothing" {
    ask SET k text
    ask MULTI
    ask INCR k
    ask LPUSH k x
    ask SET k 1
    ask INCR k
    lassign [ask_typed EXEC] kind parts
    expect {error error status int} { lmap part $parts { lindex $part 0 } }
    expect_match "WRONGTYPE *" { lindex $parts 1 1 }
    expect 2 { lindex $parts 3 1 }
}

test "an error while it is queued lets EXEC refuse" {
    foreach wrong {NOSUCH {SET k} {CLIENT NOSUCH} {OBJECT ENCODING} SHUTDOWN} {
        ask MULTI
        ask SET k 1
        expect_error "ERR *" { ask {*}$wrong }
        expect_error "EXECABORT Transaction discarded because of previous errors." { ask EXEC }
        expect_error "ERR EXEC without MULTI" { ask EXEC }
    }
    expect 0 { ask EXISTS k }
}

test "what may not be said where" {
    expect_error "ERR EXEC without MULTI" { ask EXEC }
    expect_error "ERR DISCARD without MULTI" { ask DISCARD }
    ask MULTI
    expect_error "ERR MULTI calls can not be nested" { ask MULTI }
    expect_error "ERR WATCH inside MULTI is not allowed" { ask WATCH k }
    expect QUEUED { ask UNWATCH }
    expect OK { ask EXEC }
    expect_error "EXECABORT *wrong number of arguments for 'exec' command" { ask EXEC now }
    ask MULTI
    expect_error "EXECABORT *wrong number of arguments for 'exec' command" { ask EXEC now }
    expect_error "ERR EXEC without MULTI" { ask EXEC }
}

test "blocking commands answer at once, in both protocols" {
    foreach resp {2 3} {
        set null [expr {$resp == 3 ? "null {}" : "nilarray {}"}]
        set c [client::dial -resp $resp]
        client::ask $c DEL s
        client::ask $c XGROUP CREATE s g $ MKSTREAM
        client::ask $c MULTI
        foreach request {
            {BLPOP l 0} {BRPOP l 1} {BLMPOP 0 1 l LEFT} {BZPOPMIN z 0} {BZPOPMAX z 0} {BZMPOP 0 1 z MIN}
            {XREAD BLOCK 0 STREAMS s $} {XREADGROUP GROUP g c BLOCK 0 STREAMS s >}
        } { expect QUEUED { client::ask $c {*}$request } }
        lassign [client::ask_typed $c EXEC] kind parts
        expect 8 { llength $parts }
        foreach part $parts { expect $null { list {*}$part } }
    }
    ask RPUSH l a b
    ask MULTI
    ask BLPOP none l 0
    ask BLMOVE l m LEFT LEFT 0
    ask BLPOP m 0
    expect {{l a} b {m b}} { ask EXEC }
}

test "a client that waits gets what a transaction leaves" {
    set c [waiting BLPOP l 0]
    wait_for_blocked 1
    ask MULTI
    ask RPUSH l a
    ask DEL l
    ask EXEC
    wait_for_blocked 1
    ask MULTI
    ask RPUSH l a b
    ask LPOP l
    ask EXEC
    expect {l b} { client::reply $c }
}

test "HELLO and SELECT within" {
    set c [client::dial]
    client::ask $c HSET h f v
    client::ask $c MULTI
    foreach request {{HELLO 3} {HGETALL h} {SELECT 1} {SET k 1}} { client::ask $c {*}$request }
    lassign [client::ask_typed $c EXEC] kind parts
    expect {map map status status} { lmap part $parts { lindex $part 0 } }
    expect 1 { client::ask $c EXISTS k }
    expect 0 { ask EXISTS k }
}

test "RESET and DISCARD drop what was queued" {
    set c [client::dial]
    foreach end {DISCARD RESET} {
        client::pipeline $c {MULTI {SET k 1}}
        client::ask $c $end
        expect PONG { client::ask $c PING }
        expect 0 { ask EXISTS k }
    }
}

test "a client that goes within MULTI takes its queue along" {
    set c [client::dial]
    set id [client::ask $c CLIENT ID]
    client::pipeline $c {{WATCH w} MULTI {SET k 1} {SET l [string repeat x 100000]}}
    expect 3 { set entry [client_entry $id]; expr {[dict get $entry multi] + 1} }
    client::hangup $c
    wait_for {[client_entry $id] eq ""}
    expect 0 { ask EXISTS k }
}

test "a client that is killed within its own transaction" -tags baton-only {
    set c [client::dial]
    set id [client::ask $c CLIENT ID]
    client::pipeline $c [list MULTI {SET k 1} [list CLIENT KILL ID $id SKIPME no] {SET l 1}]
    client::send $c EXEC
    wait_for {[client_entry $id] eq ""}
    expect {1 1} { ask MGET k l }
}

test "a large queue" {
    set count [by_load 2000 20000 100000]
    set c [client::dial]
    set id [client::ask $c CLIENT ID]
    client::ask $c MULTI
    set requests {}
    for {set i 0} {$i < $count} {incr i} { lappend requests [list APPEND k$i [string repeat x [expr {$i % 50}]]] }
    client::pipeline $c $requests
    expect $count { dict get [client_entry $id] multi }
    expect $count { llength [client::ask $c EXEC] }
    expect 49 { ask STRLEN k49 }
    expect 0 { ask STRLEN k50 }
}

test "CLIENT LIST shows a transaction and its memory" {
    set c [client::dial]
    client::ask $c CLIENT SETNAME me
    set id [client::ask $c CLIENT ID]
    set before [client_entry $id]
    expect -1 { dict get $before multi }
    client::ask $c MULTI
    client::ask $c SET k [string repeat x 20000]
    set within [client_entry $id]
    expect {1 x} { list [dict get $within multi] [dict get $within flags] }
    expect_true {[dict get $within multi-mem] >= 20000}
    expect_true {[dict get $within tot-mem] >= [dict get $before tot-mem] + 20000 - 4096}
    client::ask $c EXEC
    expect {-1 0} { set after [client_entry $id]; list [dict get $after multi] [dict get $after multi-mem] }
}

test "a queue beyond client-query-buffer-limit ends the client" -tags baton-only {
    with_config {client-query-buffer-limit 1mb} {
        set cuts [info_field client_query_buffer_limit_disconnections]
        set c [client::dial]
        client::ask $c MULTI
        set ended [catch {
            for {set i 0} {$i < 100} {incr i} { client::ask $c SET k [string repeat x 50000] }
        }]
        expect {1 1} { list $ended [expr {$i < 30}] }
        wait_for {[info_field client_query_buffer_limit_disconnections] == $cuts + 1}
        expect PONG { ask PING }
    }
}

test "without memory nothing that needs some runs or is queued" {
    set other [client::dial]
    ask SET k old
    with_config {maxmemory 0} {
        ask MULTI
        ask SET k new
        ask GET k
        client::ask $other CONFIG SET maxmemory 1
        expect_error "EXECABORT *OOM*" { ask EXEC }
        client::ask $other CONFIG SET maxmemory 0
        ask MULTI
        ask GET k
        client::ask $other CONFIG SET maxmemory 1
        expect old { ask EXEC }
        expect OK { ask MULTI }
        expect_error "OOM *" { ask GET k }
        expect_error "EXECABORT *previous errors*" { ask EXEC }
    }
}

test "statistics count each command once" {
    ask CONFIG RESETSTAT
    ask MULTI
    ask SET k 1
    ask LPUSH k 1
    ask EXEC
    expect_match "*calls=1,*failed_calls=0*" { info_field cmdstat_exec commandstats }
    expect_match "*calls=1,*failed_calls=0*" { info_field cmdstat_set commandstats }
    expect_match "*calls=1,*failed_calls=1*" { info_field cmdstat_lpush commandstats }
}
