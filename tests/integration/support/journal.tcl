# What the tests of the append-only log share: its folder, its manifest, and the end of rewrites.

namespace eval journal {}

proc journal::dir {{h ""}} { return [server::dir $h]/appendonlydir }

# The files that the manifest names, as {name type} pairs; {} without a manifest.
proc journal::files {{h ""}} {
    set found {}
    if {[catch { slurp [dir $h]/appendonly.aof.manifest } text]} { return {} }
    foreach line [split [string trim $text] \n] {
        if {[lindex $line 0] ne "file"} continue
        lappend found [lindex $line 1] [lindex $line 5]
    }
    return $found
}

# All files of the folder but the manifest.
proc journal::on_disk {{h ""}} {
    set names [lsort [glob -nocomplain -tails -directory [dir $h] *]]
    return [lsearch -all -inline -not -exact $names appendonly.aof.manifest]
}

# "base" "aof" for appendonly.aof.3.base.aof, and so on; what follows the number.
proc journal::kinds {{h ""}} {
    set kinds {}
    foreach {name type} [files $h] { lappend kinds $type [lindex [split $name .] end] }
    return $kinds
}

proc journal::number {type {h ""}} {
    foreach {name of} [files $h] {
        if {$of eq $type} { set number [lindex [split $name .] 2] }
    }
    return $number
}

# Waits until no rewrite is on or about to be; gives how the last one ended.
proc journal::settled {} {
    wait_for {
        [info_field aof_rewrite_in_progress persistence] == 0 &&
        [info_field aof_rewrite_scheduled persistence] == 0
    } 20000
    return [info_field aof_last_bgrewrite_status persistence]
}

proc journal::rewrite {} {
    ask BGREWRITEAOF
    if {[settled] ne "ok"} { fail "the rewrite failed" }
}

# Forgets all and reads the log: everything is as it was.
proc journal::expect_same_again {} {
    set was [ask DEBUG DIGEST]
    expect OK { ask DEBUG LOADAOF }
    expect $was { ask DEBUG DIGEST }
}

# Ends the server, by force where the signal is KILL, and starts it again.
proc journal::again {h {signal TERM}} {
    if {$signal eq "KILL"} {
        keeper::signal [server::pid $h] KILL
        keeper::wait_exit [server::pid $h] 5000
        server::end_is_expected $h
    }
    set wrong [server::stop $h $signal]
    if {[llength $wrong]} { fail [join $wrong "; "] }
    server::launch $h
    suite::note_server $h
    set suite::default ""
}

# No rewrite's file can be made while the script runs.
proc journal::blocked {script} {
    set path [dir]/temp-rewriteaof-bg-[server::pid].aof
    file mkdir $path
    try {
        uplevel 1 $script
    } finally {
        file delete -force $path
    }
}
