# What a test file is written in: suite, test, expectations, waits, and the default client `ask`.
#
# A file starts with `suite`, which starts its server.  Every test begins with empty databases and a
# fresh default client, and whatever it opened is closed behind it, so tests need no order.  A test
# that kills the server fails alone: the next one gets a new server.

namespace eval suite {
    variable is_first 1 ;# of the sets of arguments
    variable passed 0
    variable failed 0
    variable skipped 0
    variable file ""           ;# the test file that runs, relative to this directory
    variable options {}        ;# what the file's `suite` asked for
    variable clients {}        ;# open clients, closed after each test
    variable servers {}        ;# running servers; those a test started end with it
    variable default ""        ;# the client behind `ask`
    variable lacking           ;# command -> true when the server does not know it
    array set lacking {}
    variable failures {}
}

proc suite::note_client {c} { variable clients; lappend clients $c }
proc suite::forget_client {c} {
    variable clients
    set clients [lsearch -all -inline -not -exact $clients $c]
}
proc suite::note_server {h} { variable servers; lappend servers $h }
proc suite::forget_server {h} {
    variable servers
    set servers [lsearch -all -inline -not -exact $servers $h]
}

# Declares the file's server.  Options are those of server::start, and -server no for none.
proc suite {args} {
    set suite::options $args
    if {[dict exists $args -server] && ![dict get $args -server]} return
    suite::start_server
}

proc suite::start_server {} {
    variable options
    set server::current [server::start {*}[dict remove $options -server]]
}

# Sends a request on the test's default client.
proc ask {args} {
    return [client::ask [suite::default_client] {*}$args]
}

proc ask_typed {args} {
    return [client::ask_typed [suite::default_client] {*}$args]
}

proc suite::default_client {} {
    variable default
    if {$default eq "" || $default ni $suite::clients} { set default [client::dial] }
    return $default
}

# Makes `script` talk to another server.
proc with_server {h script} {
    set before $server::current
    set client $suite::default
    set server::current $h
    set suite::default ""
    try {
        uplevel 1 $script
    } finally {
        if {$suite::default ne ""} { client::hangup $suite::default }
        set server::current $before
        set suite::default $client
    }
}

# Sets options for the time of a script and puts the old values back.
proc with_config {settings script} {
    set old {}
    foreach name [dict keys $settings] {
        lappend old {*}[ask CONFIG GET $name]
    }
    ask CONFIG SET {*}$settings
    try {
        uplevel 1 $script
    } finally {
        ask CONFIG SET {*}$old
    }
}

# test NAME ?-tags LIST? ?-needs COMMANDS? BODY.  Tags: baton-only, redis-only, full (only with
# --full), slow (not with --quick), no-sanitizer, no-tsan, once (with the
# first set of arguments; it takes long and no thread makes a difference).  A test is skipped when the server lacks a needed command.
proc test {name args} {
    set body [lindex $args end]
    array set opt {-tags {} -needs {}}
    array set opt [lrange $args 0 end-1]
    if {$::option(test) ne "" && ![string match -nocase $::option(test) $name]} return
    set reason [suite::reason_to_skip $opt(-tags) $opt(-needs)]
    if {$reason ne ""} {
        suite::report_skip $name $reason
        return
    }
    set began [clock milliseconds]
    set why [suite::run_body $body]
    set took [expr {[clock milliseconds] - $began}]
    if {[lindex $why 0] eq "skip"} {
        suite::report_skip $name [lindex $why 1]
    } elseif {[llength $why]} {
        suite::report_failure $name [lindex $why 1]
    } else {
        incr suite::passed
        if {$::option(verbose)} { puts "ok    $suite::file: $name (${took} ms)" }
    }
}

proc suite::reason_to_skip {tags needs} {
    variable lacking
    if {"baton-only" in $tags && !$server::is_baton} { return "only for Baton" }
    if {"redis-only" in $tags && $server::is_baton} { return "not for Baton" }
    if {"no-sanitizer" in $tags && $server::is_sanitized} { return "not with a sanitizer" }
    if {"no-tsan" in $tags && [info exists ::env(BATON_FLAVOUR)] && $::env(BATON_FLAVOUR) eq "tsan"} {
        return "not with ThreadSanitizer"
    }
    if {"once" in $tags && !$suite::is_first} { return "only with the first arguments" }
    if {"full" in $tags && $::option(load) ne "full"} { return "only with --full" }
    if {"slow" in $tags && $::option(load) eq "quick"} { return "not with --quick" }
    foreach command $needs {
        if {![info exists lacking($command)]} {
            set c [client::dial]
            set lacking($command) [expr {[client::ask $c COMMAND INFO $command] eq "(nil)"}]
            client::hangup $c
        }
        if {$lacking($command)} { return "the server has no $command" }
    }
    return ""
}

# Runs one body between a clean start and a clean end.  Gives {}, {skip reason} or {fail text}.
proc suite::run_body {body} {
    set verdict {}
    try {
        begin_test
        apply [list {} $body ::testfile]
    } trap {SUITE SKIP} {reason} {
        set verdict [list skip $reason]
    } trap {SUITE FAIL} {why} {
        set verdict [list fail $why]
    } on error {why details} {
        set verdict [list fail [explain $why $details]]
    }
    set wrong [end_test [expr {[lindex $verdict 0] eq "fail"}]]
    if {[llength $wrong]} {
        if {[lindex $verdict 0] eq "fail"} { set wrong [linsert $wrong 0 [lindex $verdict 1]] }
        set verdict [list fail [join $wrong "; "]]
    }
    return $verdict
}

# The error with the test's own line that led to it.
proc suite::explain {why details} {
    set where {}
    foreach line [split [dict get $details -errorinfo] \n] {
        if {![regexp {^\s*"} $line]} continue
        if {[regexp {^\s*"(throw|reply|client::|ask \$c|typed|value|line|fill|wait_rea)} $line]} {
            continue
        }
        lappend where [string trim $line " \""]
    }
    return "$why\n  in   [join [lrange $where 0 1] "\n  from "]"
}

proc suite::begin_test {} {
    variable default
    variable servers
    variable kept
    set default ""
    if {$server::current ne ""} {
        if {![server::alive $server::current]} { start_server }
        try {
            ask FLUSHALL
        } trap {CLIENT} {why} {
            set wrong [server::stop $server::current]
            start_server
            fail "the test before left a server that does not answer FLUSHALL: $why [join $wrong]"
        }
    }
    set kept $servers
}

# After a failure: a server that no longer answers is ended, so that the next test gets a new one.
proc suite::end_if_unwell {} {
    if {$server::current eq "" || ![server::alive $server::current]} return
    try {
        set c [client::dial]
        client::send $c PING
        client::typed $c [client::deadline 2000]
    } trap {CLIENT} {} {
        if {[keeper::wait_exit [server::pid] 1000] eq ""} {
            return [server::stop $server::current]
        }
    }
    return {}
}

# Closes what the test opened.  Gives what was wrong with it.
proc suite::end_test {failed} {
    variable clients
    variable servers
    variable kept
    set wrong {}
    load::stop_quietly
    if {$failed} { lappend wrong {*}[end_if_unwell] }
    foreach c $clients { client::hangup $c }
    foreach h $servers {
        if {$h ni $kept} { lappend wrong {*}[server::stop $h] }
    }
    if {$server::current ne "" && ![server::alive $server::current]} {
        lappend wrong {*}[server::stop $server::current]
    }
    return $wrong
}

proc suite::report_failure {name why} {
    variable failures
    incr suite::failed
    lappend failures "$suite::file: $name"
    puts "FAIL  $suite::file: $name\n      [string map [list \n "\n      "] $why]"
    flush stdout
}

proc suite::report_skip {name reason} {
    incr suite::skipped
    if {$::option(verbose)} { puts "skip  $suite::file: $name ($reason)" }
}

# ---- expectations

proc fail {why} { throw {SUITE FAIL} $why }
proc skip {reason} { throw {SUITE SKIP} $reason }

# expect WANTED SCRIPT: the script's result is exactly that.
proc expect {wanted script} {
    set got [uplevel 1 $script]
    if {$got ne $wanted} {
        fail "[shorten $script]\n  gave   [printable $got]\n  wanted [printable $wanted]"
    }
}

# The script's result matches a glob pattern.
proc expect_match {pattern script} {
    set got [uplevel 1 $script]
    if {![string match $pattern $got]} {
        fail "[shorten $script]\n  gave   [printable $got 1000]\n  wanted $pattern"
    }
}

# The script ends in an error reply whose text is `pattern` or matches it.
proc expect_error {pattern script} {
    try {
        set got [uplevel 1 $script]
    } trap {REPLY} {text} {
        if {$text eq $pattern || [string match $pattern $text]} return
        fail "[shorten $script]\n  error  [printable $text]\n  wanted $pattern"
    }
    fail "[shorten $script]\n  gave   [printable $got]\n  wanted the error $pattern"
}

# Pairs of a script and its result, in order.
proc expect_each {pairs} {
    foreach {script wanted} $pairs {
        uplevel 1 [list expect $wanted $script]
    }
}

# Pairs of a request of the default client and its error.
proc expect_errors {pairs} {
    foreach {request pattern} $pairs {
        expect_error $pattern "ask $request"
    }
}

# The expression is true.
proc expect_true {condition} {
    if {![uplevel 1 [list expr $condition]]} {
        set values [uplevel 1 [list subst -nobackslashes -nocommands $condition]]
        fail "not true: [shorten $condition]\n  that is: [printable $values]"
    }
}

# Waits until the expression is true.
proc wait_for {condition {timeout_ms 5000} {every_ms 5}} {
    set deadline [expr {[clock milliseconds] + [scaled_ms $timeout_ms]}]
    while {![uplevel 1 [list expr $condition]]} {
        if {[clock milliseconds] > $deadline} {
            fail "still not true after $timeout_ms ms: [shorten $condition]"
        }
        sleep_ms $every_ms
    }
}

# Until so many clients wait in blocking commands.
proc wait_for_blocked {count} {
    wait_for {[info_field blocked_clients clients] == $count}
}

# A new client that has sent a command, whose reply is not awaited.
proc waiting {args} {
    set c [client::dial]
    client::send $c {*}$args
    return $c
}

proc shorten {script} {
    return [string range [regsub -all {\s+} [string trim $script] " "] 0 200]
}

# ---- small helpers of many files

# One of three figures, by how much load the run may cause.
proc by_load {quick normal full} {
    return [dict get [list quick $quick normal $normal full $full] $::option(load)]
}

# One field of INFO.
proc info_field {name {section everything}} {
    foreach line [split [ask INFO $section] \n] {
        if {[string match $name:* $line]} {
            return [string trim [string range $line [string length $name:] end]]
        }
    }
    return ""
}

# The fields of one line of CLIENT LIST or INFO as a dict.
proc fields_of {line {separator " "} {assign =}} {
    set fields {}
    foreach word [split [string trim $line] $separator] {
        set cut [string first $assign $word]
        if {$cut > 0} {
            dict set fields [string range $word 0 $cut-1] [string range $word $cut+1 end]
        }
    }
    return $fields
}

# The CLIENT LIST line of a connection id as a dict, empty when there is none.
proc client_entry {id} {
    foreach line [split [ask CLIENT LIST] \n] {
        set fields [fields_of $line]
        if {[dict exists $fields id] && [dict get $fields id] == $id} { return $fields }
    }
    return {}
}

# Runs a script so many times and gives the time that nine of ten runs stay below, in milliseconds.
# The worst of all would only measure how busy the machine is.
proc usual_ms {count script} {
    set times {}
    for {set i 0} {$i < $count} {incr i} {
        set from [clock milliseconds]
        uplevel 1 $script
        lappend times [expr {[clock milliseconds] - $from}]
    }
    return [lindex [lsort -integer $times] [expr {$count * 9 / 10 - 1}]]
}

proc random_bytes {n} {
    set out ""
    for {set i 0} {$i < $n} {incr i} { append out [format %c [expr {int(rand() * 256)}]] }
    return $out
}

proc random_int {below} { return [expr {int(rand() * $below)}] }
