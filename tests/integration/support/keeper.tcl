# The runner's side of the keeper: every process that a test run needs is started through it.
#
# A process is known by its pid.  `exited($pid)` exists once it has ended; its value is the exit
# code or "signal N".

namespace eval keeper {
    variable channel ""
    variable scratch ""
    variable whole ""
    variable files 0
    variable started
    variable exited
    variable serial 0
    array set started {}
    array set exited {}
}

# A place of its own for each test file under each plan: nothing an earlier one left behind is met.
proc keeper::fresh_scratch {} {
    variable scratch
    variable whole
    variable files
    set scratch [file join $whole [incr files]]
    file mkdir $scratch
}

# Starts the keeper and makes the run's scratch directory, which the keeper removes at the end.
proc keeper::open_up {support} {
    variable channel
    variable scratch
    variable whole
    set base /tmp
    if {[info exists ::env(TMPDIR)]} { set base $::env(TMPDIR) }
    set scratch [exec mktemp -d $base/baton-test.XXXXXX]
    set whole $scratch
    set channel [::open |[list perl [file join $support keeper.pl] $scratch] r+]
    fconfigure $channel -blocking 0 -buffering line -translation lf
    fileevent $channel readable keeper::listen
}

# Ends the keeper, and with it whatever it still keeps.
proc keeper::close_down {} {
    variable channel
    if {$channel eq ""} return
    fconfigure $channel -blocking 1
    catch { ::close $channel }
    set channel ""
}

proc keeper::listen {} {
    variable channel
    variable started
    variable exited
    while {[gets $channel line] >= 0} {
        switch [lindex $line 0] {
            started {
                unset -nocomplain exited([lindex $line 2]) ;# pids come round
                set started([lindex $line 1]) [lindex $line 2]
            }
            failed { set started([lindex $line 1]) 0 }
            exited { set exited([lindex $line 1]) [lrange $line 2 end] }
        }
    }
    if {[eof $channel]} { error "the keeper is gone" }
}

proc keeper::tell {verb args} {
    variable channel
    set fields {}
    foreach field $args {
        lappend fields [binary encode hex [encoding convertto utf-8 $field]]
    }
    puts $channel [join [concat $verb $fields] " "]
    flush $channel
}

# Starts a process and gives its pid.
proc keeper::spawn {cwd in out err argv} {
    variable started
    variable serial
    set id [incr serial]
    tell spawn $id $cwd $in $out $err {*}$argv
    set deadline [expr {[clock milliseconds] + 10000}]
    while {![info exists started($id)]} {
        if {[clock milliseconds] > $deadline} { error "the keeper does not answer" }
        sleep_ms 1
    }
    set pid $started($id)
    unset started($id)
    if {$pid == 0} { error "cannot fork for $argv" }
    return $pid
}

proc keeper::running {pid} {
    variable exited
    return [expr {![info exists exited($pid)]}]
}

# Waits for the end of a process.  Gives its exit code, "signal N", or "" when time is up.
proc keeper::wait_exit {pid timeout_ms} {
    variable exited
    set deadline [expr {[clock milliseconds] + $timeout_ms}]
    while {![info exists exited($pid)]} {
        if {[clock milliseconds] > $deadline} { return "" }
        sleep_ms 2
    }
    return $exited($pid)
}

proc keeper::signal {pid name} {
    catch { exec kill -$name $pid }
}

# Runs a program to its end.  Gives a dict: code, out, err, pid.  The code of a program that had to
# be killed is "timeout".
proc keeper::run {argv {in /dev/null} {timeout_ms 10000} {cwd ""}} {
    variable scratch
    variable serial
    set base [file join $scratch run.[incr serial]]
    if {$cwd eq ""} { set cwd $scratch }
    set pid [spawn $cwd $in $base.out $base.err $argv]
    set code [wait_exit $pid [scaled_ms $timeout_ms]]
    if {$code eq ""} {
        signal $pid KILL
        wait_exit $pid 5000
        set code timeout
    }
    return [dict create code $code out [slurp $base.out] err [slurp $base.err] pid $pid]
}

proc slurp {path} {
    if {![file exists $path]} { return "" }
    set f [::open $path r]
    fconfigure $f -translation binary
    set text [::read $f]
    ::close $f
    return $text
}

proc spit {path text} {
    set f [::open $path w]
    fconfigure $f -translation binary
    puts -nonewline $f $text
    ::close $f
}

# Lets events happen for so long.
proc sleep_ms {ms} {
    set ::sleep_done 0
    set timer [after $ms {set ::sleep_done 1}]
    while {!$::sleep_done} { vwait ::sleep_done }
    after cancel $timer
}

# A timeout, stretched for slow builds such as sanitizers.
proc scaled_ms {ms} {
    return [expr {int($ms * $::option(slow))}]
}
