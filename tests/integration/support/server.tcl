# Servers under test: each has a directory of its own, a free port, a unix socket, and is started
# and ended through the keeper.
#
# A server is a handle; `current` names the one that clients dial by default.  Ending a server is
# itself a check: it must exit 0 in time and its output must not show a sanitizer report or a crash.

namespace eval server {
    variable current ""
    variable serial 0
    variable info          ;# "handle,field": pid port dir out err log conf args auth
    array set info {}
    variable is_baton 0
    variable is_sanitized 0 ;# built with a sanitizer: libc's memory, slow, handlers of its own
    variable stop_ms 10000
}

proc server::free_port {} {
    set listener [::socket -server {} -myaddr 127.0.0.1 0]
    set port [lindex [fconfigure $listener -sockname] 2]
    ::close $listener
    return $port
}

# Starts a server and waits until it serves.  Options: -config {line ...}, -args {word ...},
# -auth PASSWORD (adds requirepass), -dir DIR (use an existing directory), -logfile FILE.
proc server::start {args} {
    variable serial
    variable info
    array set opt {-config {} -args {} -auth "" -dir "" -logfile ""}
    array set opt $args
    set h server[incr serial]
    set dir $opt(-dir)
    if {$dir eq ""} {
        set dir [file join $keeper::scratch $h]
        file mkdir $dir
    }
    foreach {field value} [list dir $dir out $dir/stdout err $dir/stderr conf $dir/server.conf \
            lines $opt(-config) args $opt(-args) auth $opt(-auth) pid 0 sock $dir/sock \
            log $dir/stdout] {
        set info($h,$field) $value
    }
    if {$opt(-logfile) ne ""} {
        set info($h,log) $opt(-logfile)
        lappend info($h,lines) "logfile $opt(-logfile)"
    }
    launch $h
    suite::note_server $h
    return $h
}

proc server::launch {h} {
    variable info
    for {set try 1} {1} {incr try} {
        set info($h,port) [free_port]
        write_config $h
        set info($h,mark) [string length [log_text $h]]
        set info($h,pid) [keeper::spawn $info($h,dir) /dev/null $info($h,out) $info($h,err) \
            [list $::option(server) $info($h,conf) {*}$::option(args) {*}$info($h,args)]]
        if {[wait_serving $h]} return
        if {$try == 3} { error "the server does not start: [last_words $h]" }
    }
}

proc server::write_config {h} {
    variable info
    set lines [list "port $info($h,port)" "bind 127.0.0.1" "unixsocket $info($h,sock)" \
        "dir \"$info($h,dir)\"" "save \"\"" "enable-debug-command yes" "always-show-logo no"]
    if {$info($h,auth) ne ""} { lappend lines "requirepass $info($h,auth)" }
    spit $info($h,conf) [join [concat $lines $info($h,lines)] \n]\n
}

# True when the server says that it is ready and answers; false when it exits before.
proc server::wait_serving {h} {
    variable info
    set deadline [expr {[clock milliseconds] + [scaled_ms 20000]}]
    while {![string match "*Ready to accept*" [string range [log_text $h] $info($h,mark) end]]} {
        if {![keeper::running $info($h,pid)]} { return 0 }
        if {[clock milliseconds] > $deadline} {
            error "the server is not ready in time: [last_words $h]"
        }
        sleep_ms 5
    }
    set c [client::dial -server $h]
    client::ask $c PING
    client::hangup $c
    return 1
}

proc server::last_words {h} {
    variable info
    return [string trim [slurp $info($h,err)][string range [log_text $h] end-600 end]]
}

# Ends a server and gives the list of what is wrong with its end.
proc server::stop {h {signal TERM}} {
    variable info
    variable stop_ms
    set complaints {}
    if {$info($h,pid) == 0} { return {} }
    if {[keeper::running $info($h,pid)]} {
        keeper::signal $info($h,pid) CONT
        keeper::signal $info($h,pid) $signal
        set code [keeper::wait_exit $info($h,pid) [scaled_ms $stop_ms]]
        if {$code eq ""} {
            lappend complaints "did not exit within $stop_ms ms of SIG$signal; killed"
            keeper::signal $info($h,pid) KILL
            keeper::wait_exit $info($h,pid) 5000
        } elseif {$code ne "0"} {
            lappend complaints "exit status after SIG$signal is $code, not 0"
        }
    } else {
        set code [keeper::wait_exit $info($h,pid) 0]
        if {![info exists info($h,expected_end)]} {
            lappend complaints "ended by itself, status $code: [last_words $h]"
        }
    }
    set info($h,pid) 0
    suite::forget_server $h
    return [concat $complaints [complaints $h]]
}

# What the output of a server betrays.
proc server::complaints {h} {
    variable info
    set found {}
    foreach file [lsort -unique [list $info($h,out) $info($h,err) $info($h,log)]] {
        foreach line [split [slurp $file] \n] {
            if {[regexp {Sanitizer|runtime error|BUG REPORT} $line]} {
                lappend found "[file tail $file]: $line"
                break
            }
        }
    }
    return $found
}

# Ends the server and starts it again on the same directory and configuration lines.
proc server::restart {h} {
    set wrong [stop $h]
    if {[llength $wrong]} { error "at restart: [join $wrong {; }]" }
    launch $h
    suite::note_server $h
}

# Runs the binary by itself, for tests of the command line.  Gives a dict: code, out, err.
proc server::run {words {stdin_text ""} {timeout_ms 10000}} {
    set in /dev/null
    if {$stdin_text ne ""} {
        set in [file join $keeper::scratch stdin.[incr server::serial]]
        spit $in $stdin_text
    }
    return [keeper::run [list $::option(server) {*}$words] $in $timeout_ms]
}

# The caller has ended the server on purpose: its exit is not a failure.
proc server::end_is_expected {h} {
    variable info
    set info($h,expected_end) 1
}

proc server::alive {h} {
    variable info
    return [expr {$info($h,pid) != 0 && [keeper::running $info($h,pid)]}]
}

proc server::pid {{h ""}} { return [field $h pid] }
proc server::port {{h ""}} { return [field $h port] }
proc server::dir {{h ""}} { return [field $h dir] }
proc server::conf {{h ""}} { return [field $h conf] }
proc server::socket_path {{h ""}} { return [field $h sock] }
proc server::log_text {{h ""}} { return [slurp [field $h log]] }
proc server::err_text {{h ""}} { return [slurp [field $h err]] }
proc server::auth {{h ""}} {
    variable current
    if {$h eq "" && $current eq ""} { return "" }
    return [field $h auth]
}

proc server::field {h name} {
    variable info
    variable current
    if {$h eq ""} { set h $current }
    return $info($h,$name)
}

# Resident memory in bytes; always 0 in a sanitizer build, whose own memory is most of it.
proc server::rss {{h ""}} {
    variable is_sanitized
    if {$is_sanitized} { return 0 }
    return [expr {[lindex [slurp /proc/[pid $h]/statm] 1] * 4096}]
}

# CPU time used so far by a server, in milliseconds.
proc server::cpu_ms {{h ""}} { return [cpu_ms_of /proc/[pid $h]/stat] }

proc server::cpu_ms_of {stat_file} {
    set text [slurp $stat_file]
    set fields [split [string range $text [expr {[string last ) $text] + 2}] end] " "]
    return [expr {([lindex $fields 11] + [lindex $fields 12]) * 10}]
}

# The names of the threads, as a dict from thread id to name.
proc server::threads {{h ""}} {
    set names {}
    foreach dir [glob -nocomplain /proc/[pid $h]/task/*] {
        dict set names [file tail $dir] [string trim [slurp $dir/comm]]
    }
    return $names
}

proc server::open_fds {{h ""}} {
    return [llength [glob -nocomplain -directory /proc/[pid $h]/fd *]]
}
