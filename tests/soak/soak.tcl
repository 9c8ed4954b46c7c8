#!/usr/bin/env tclsh8.6
# The soak: redis-benchmark keeps many connections busy while other clients come and die at random
# moments, and CLIENT KILL and CONFIG SET run in a loop.  At the end the server must be as it was
# before the load (connections, descriptors, memory), and must end with 0 when SIGTERM comes while
# the load runs.
#
# A dying client sends what only it can know (keys and words carry its serial number), so the bytes
# that must come back are known; what it receives until it dies must be their beginning.  Nobody
# kills the connections of redis-benchmark, which gives up when one is closed.
#
# The last line says "N passed, N failed"; the exit code is 1 when something failed.

set here [file dirname [file normalize [info script]]]
set support [file normalize [file join $here .. integration support]]

array set option {
    server "" args {} seconds 60 connections 500 dying 50 pipeline 1 slow 1 load normal rss-mib 16
}
# As the Makefile says it.
if {[info exists ::env(BATON_SERVER)]} { set option(server) $::env(BATON_SERVER) }
if {[info exists ::env(BATON_FLAVOUR)]} {
    switch $::env(BATON_FLAVOUR) { asan { set option(slow) 4 } tsan { set option(slow) 10 } }
}

proc usage {} {
    puts "usage: tclsh soak.tcl \[options]
  --server PATH       the binary under test (default: src/baton-server of this tree)
  --args \"WORDS\"      more arguments for the server
  --seconds N         how long the load lasts (60)
  --connections N     of redis-benchmark (500)
  --pipeline N        its depth (1)
  --dying N           clients that come and die (50)
  --rss-mib N         what memory may have grown by when all is over (16)
  --slow FACTOR       stretch every timeout (sanitizer builds)"
    exit 2
}

foreach {word value} $argv {
    set name [string range $word 2 end]
    if {![string match --* $word] || ![info exists option($name)]} usage
    set option($name) $value
}
if {$option(server) eq ""} { set option(server) [file join $here .. .. src baton-server] }
set option(server) [file normalize $option(server)]
foreach part {keeper client server load test} { source [file join $support $part.tcl] }

set checks(passed) 0
set checks(failed) 0
proc check {what ok {detail ""}} {
    incr ::checks([expr {$ok ? "passed" : "failed"}])
    puts "[expr {$ok ? "ok    " : "FAILED"}] $what[expr {$detail eq "" ? "" : ": $detail"}]"
    flush stdout
}

# ---- redis-benchmark, one run after another

namespace eval bench {
    variable pid 0
    variable running 0
    variable runs 0
    variable complaints {}
    variable requests 0
    variable per_run 100000
}

proc bench::start {} {
    variable running 1
    next
}

proc bench::next {} {
    variable pid
    variable runs
    variable per_run
    incr runs
    set pid [keeper::spawn $keeper::scratch /dev/null [out] [err] [list redis-benchmark \
        -p [server::port] -c $::option(connections) -n $per_run -P $::option(pipeline) \
        -r 100000 -d 32 -t set,get -q]]
    after 50 bench::watch
}

proc bench::out {} { variable runs; return $keeper::scratch/bench.$runs.out }
proc bench::err {} { variable runs; return $keeper::scratch/bench.$runs.err }

# When a run has ended, judges it and starts the next.
proc bench::watch {} {
    variable pid
    variable running
    variable requests
    variable per_run
    variable complaints
    if {[keeper::running $pid]} {
        after 50 bench::watch
        return
    }
    set code [keeper::wait_exit $pid 0]
    set said [slurp [out]][slurp [err]]
    if {$running && ($code ne "0" || [regexp -nocase {error|denied|refused} $said])} {
        lappend complaints "exit $code: [string range [string trim $said] end-200 end]"
    }
    incr requests [expr {2 * $per_run}]
    set pid 0
    if {$running} next
}

# No new run; waits for the one that runs (or, when the server is gone, for its giving up).
proc bench::stop {timeout_ms} {
    variable pid
    variable running 0
    set until [expr {[clock milliseconds] + [scaled_ms $timeout_ms]}]
    while {$pid != 0 && [clock milliseconds] < $until} { sleep_ms 20 }
    if {$pid != 0} { keeper::signal $pid TERM }
    while {$pid != 0} { sleep_ms 20 }
}

# ---- Clients that come and die

namespace eval dying {
    variable running 0
    variable serial 0
    variable sock           ;# id -> channel
    variable wanted         ;# id -> the bytes that must come back
    variable buf            ;# id -> those that have come
    variable lived 0        ;# clients so far
    variable whole 0        ;# those that got all their replies before they died
    variable cut 0          ;# those that the server closed
    variable wrong {}       ;# what no client may see
    variable big [string repeat 0123456789abcdef 2000]
    array set sock {}
}

proc dying::start {count} {
    variable running 1
    variable big
    ask SET soak:big $big
    for {set i 0} {$i < $count} {incr i} { born }
}

proc dying::born {} {
    variable running
    variable serial
    variable sock
    variable wanted
    variable buf
    variable lived
    if {!$running} return
    set id [incr serial]
    if {[catch { client::dial_tcp 127.0.0.1 [server::port] } channel]} {
        if {$running} { wrong "cannot connect: $channel" }
        after 100 dying::born
        return
    }
    incr lived
    fconfigure $channel -blocking 0 -translation binary -buffering none
    set sock($id) $channel
    set buf($id) ""
    set requests [requests $id]
    set kept [string length $requests]
    if {[random_int 4] == 0} { set kept [random_int $kept] }   ;# dies in the middle of a request
    catch { puts -nonewline $channel [string range $requests 0 $kept-1] }
    # One of three leaves its replies unread, so that its close is a reset.
    if {[random_int 3] > 0} { fileevent $channel readable [list dying::take $id] }
    after [random_int 60] [list dying::die $id]
}

proc dying::requests {id} {
    variable wanted
    variable big
    set out ""
    set wanted($id) ""
    for {set i [random_int 12]} {$i >= 0} {incr i -1} {
        set word "$id.$i.[string repeat x [random_int 200]]"
        switch [random_int 5] {
            0 {
                append out [client::encode SET soak:$id $word] [client::encode GET soak:$id]
                append wanted($id) "+OK\r\n\$[string length $word]\r\n$word\r\n"
            }
            1 {
                append out [client::encode ECHO $word]
                append wanted($id) "\$[string length $word]\r\n$word\r\n"
            }
            2 {
                append out [client::encode GET soak:big]
                append wanted($id) "\$[string length $big]\r\n$big\r\n"
            }
            3 {
                append out [client::encode SETBIT bits:$id 100 1] [client::encode DEL bits:$id]
                append wanted($id) ":0\r\n:1\r\n"
            }
            4 {
                append out "PING $word\r\n"
                append wanted($id) "\$[string length $word]\r\n$word\r\n"
            }
        }
    }
    return $out
}

proc dying::take {id} {
    variable sock
    variable buf
    variable wanted
    variable cut
    variable whole
    set failed [catch { ::read $sock($id) 65536 } data]
    if {!$failed} { append buf($id) $data }
    set have [string length $buf($id)]
    if {$buf($id) ne [string range $wanted($id) 0 $have-1]} {
        wrong "client $id got [printable $buf($id)] for [printable $wanted($id)]"
    }
    if {$have == [string length $wanted($id)]} { incr whole; set buf($id) ""; set wanted($id) "" }
    if {$failed || [eof $sock($id)]} {
        incr cut
        die $id
    }
}

proc dying::die {id} {
    variable sock
    variable buf
    variable wanted
    if {![info exists sock($id)]} return
    catch { ::close $sock($id) }
    unset -nocomplain sock($id) buf($id) wanted($id)
    after [random_int 10] dying::born
}

proc dying::wrong {why} {
    variable wrong
    if {[llength $wrong] < 10} { lappend wrong $why }
}

proc dying::stop {} {
    variable running 0
    variable sock
    foreach id [array names sock] { die $id }
}

# ---- The operator: CLIENT KILL and CONFIG SET in a loop

namespace eval operator {
    variable running 0
    variable rounds 0
    variable killed 0
    variable changes 0
    variable wrong {}
}

proc operator::round {} {
    variable rounds
    variable killed
    set n [incr rounds]
    set ids [array names dying::sock]
    for {set i 0} {$i < 2 && [llength $ids]} {incr i} {
        set id [lindex $ids [random_int [llength $ids]]]
        if {[catch { fconfigure $dying::sock($id) -sockname } name]} continue
        incr killed [ask CLIENT KILL ADDR 127.0.0.1:[lindex $name 2]]
    }
    change $n
    if {$n % 20 == 0} {
        ask INFO everything
        set lines [split [string trim [ask CLIENT LIST]] \n]
        if {[llength $lines] > $::option(connections) + 3 * $::option(dying) + 10} {
            error "[llength $lines] connections in CLIENT LIST"
        }
    }
}

proc operator::change {n} {
    variable changes
    set pairs [list \
        [list timeout [expr {1000 + $n % 100}]] \
        [list maxclients [expr {5000 + $n % 1000}]] \
        [list client-output-buffer-limit "normal [expr {100000000 + $n}] 0 0"] \
        [list client-query-buffer-limit [expr {100000000 + $n}]] \
        [list slowlog-log-slower-than [expr {10000 + $n}] slowlog-max-len 64] \
        [list proto-max-bulk-len [expr {400000000 + $n}]] \
        [list loglevel [lindex {notice warning} [expr {$n % 2}]]] \
        [list maxmemory-policy [lindex {noeviction allkeys-lfu} [expr {$n % 2}]]] \
        [list tcp-keepalive [expr {100 + $n % 100}]]]
    ask CONFIG SET {*}[lindex $pairs [expr {$n % [llength $pairs]}]]
    incr changes
}

# Rounds for so long; an error reply other than none found to kill is a failure.
proc operator::work {ms} {
    variable wrong
    set until [expr {[clock milliseconds] + $ms}]
    while {[clock milliseconds] < $until} {
        if {[catch { round } why]} {
            lappend wrong $why
            if {[llength $wrong] > 5} return
        }
        sleep_ms 5
    }
}

# ---- What is measured

# Once all clients but ours are gone and what they left is deleted.
proc settled {} {
    wait_for {[info_field connected_clients clients] == 1} 20000
    ask FLUSHALL
    ask SLOWLOG RESET
    ask MEMORY PURGE
    sleep_ms 200
    return [dict create rss [server::rss] fds [server::open_fds]]
}

proc load_for {ms} {
    dying::start $::option(dying)
    bench::start
    operator::work $ms
    dying::stop
    bench::stop 120000
}

proc figures {seconds cpu_ms} {
    puts [format "       %d requests of redis-benchmark in %.1f s (%d runs, %.0f a second), %d ms of CPU" \
        $bench::requests $seconds $bench::runs [expr {$bench::requests / $seconds}] $cpu_ms]
    puts "       $dying::lived clients came and died ($dying::whole answered in full,\
        $dying::cut saw their end), $operator::killed killed, $operator::changes times CONFIG SET"
}

proc soak {} {
    set server::current [server::start -config {"maxclients 6000"}]
    set server::is_baton 1
    set server::is_sanitized [expr {[info_field mem_allocator memory] eq "libc"}]
    load_for [expr {min(5000, $::option(seconds) * 100)}]     ;# what stays for good is made now
    set before [settled]
    foreach name {requests runs} { set bench::$name 0 }
    foreach name {lived whole cut} { set dying::$name 0 }
    foreach name {killed changes} { set operator::$name 0 }

    set began [clock milliseconds]
    set cpu [server::cpu_ms]
    load_for [expr {$::option(seconds) * 1000}]
    figures [expr {([clock milliseconds] - $began) / 1000.0}] [expr {[server::cpu_ms] - $cpu}]
    set after [settled]

    check "redis-benchmark saw no error" [expr {![llength $bench::complaints]}] [lindex $bench::complaints 0]
    check "dying clients saw only their own replies" [expr {![llength $dying::wrong]}] [lindex $dying::wrong 0]
    check "CLIENT KILL, CONFIG SET, INFO and CLIENT LIST worked" \
        [expr {![llength $operator::wrong]}] [lindex $operator::wrong 0]
    check "there was load" [expr {$bench::runs > 0 && $dying::whole > 0 && $operator::killed > 0}]
    compare $before $after
    terminate
}

proc compare {before after} {
    set fds [dict get $after fds]
    check "as many descriptors as before" [expr {$fds == [dict get $before fds]}] "$fds"
    if {$server::is_sanitized} return
    set grown [expr {([dict get $after rss] - [dict get $before rss]) / 1048576.0}]
    check "memory came home" [expr {$grown < $::option(rss-mib)}] [format "RSS %.1f MiB, %+.1f MiB" \
        [expr {[dict get $after rss] / 1048576.0}] $grown]
}

# SIGTERM while everything runs.
proc terminate {} {
    dying::start $::option(dying)
    bench::start
    operator::work [expr {min(2000, $::option(seconds) * 200)}]
    set dying::running 0
    set bench::running 0
    set began [clock milliseconds]
    set complaints [server::stop $server::current]
    check "SIGTERM under load: it drains and ends with 0" [expr {![llength $complaints]}] \
        "[join $complaints {; }] ([expr {[clock milliseconds] - $began}] ms)"
    dying::stop
    bench::stop 5000
}

keeper::open_up $support
set code 0
if {[catch soak why]} {
    check "the soak itself" 0 "$why\n$errorInfo"
    if {$server::current ne ""} { puts [join [server::stop $server::current] "; "] }
}
keeper::close_down
puts "$checks(passed) passed, $checks(failed) failed"
exit [expr {$checks(failed) > 0}]
