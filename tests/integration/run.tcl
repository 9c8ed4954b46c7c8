#!/usr/bin/env tclsh8.6
# Runs the integration tests against a server binary.  See README.md beside this file.
#
# Every test file gets a server of its own; the whole set repeats for every set of server arguments.
# The last line says "N passed, N failed"; the exit code is 1 when something failed.

set here [file dirname [file normalize [info script]]]
set support [file join $here support]

proc usage {{code 2}} {
    puts "usage: tclsh run.tcl \[options] \[file or directory ...]
  --server PATH      the binary under test (default: src/baton-server of this tree)
  --args \"WORDS\"     more arguments for every server
  --plans \"P;P\"      repeat the run with --threads P for each plan
  --backends \"B;B\"   repeat the run with --io-backend B for each backend
  --matrix \"A;A\"     repeat the run with each of these argument strings
  --only FILE        run only files whose path contains FILE (may be repeated)
  --test PATTERN     run only tests whose name matches the glob pattern
  --quick | --full   less, or the full, load
  --slow FACTOR      stretch every timeout (sanitizer builds)
  --verbose          one line for every test
  --list             print the test files and exit"
    exit $code
}

array set option {
    server "" args {} plans {} backends {} matrix {} only {} test "" load normal slow 1
    verbose 0 list 0
}

proc split_list {text} {
    set items {}
    foreach item [split $text ";"] {
        if {[string trim $item] ne ""} { lappend items [string trim $item] }
    }
    return $items
}

proc read_options {argv} {
    global option
    set files {}
    for {set i 0} {$i < [llength $argv]} {incr i} {
        set word [lindex $argv $i]
        if {$word in {--server --args --plans --backends --matrix --only --test --slow}} {
            if {[incr i] >= [llength $argv]} usage
            set value [lindex $argv $i]
        }
        switch -glob -- $word {
            --server { set option(server) $value }
            --args { set option(args) [concat $option(args) $value] }
            --plans { set option(plans) [split_list $value] }
            --backends { set option(backends) [split_list $value] }
            --matrix { set option(matrix) [split_list $value] }
            --only { lappend option(only) $value }
            --test { set option(test) $value }
            --slow { set option(slow) $value }
            --quick { set option(load) quick }
            --full { set option(load) full }
            --verbose { set option(verbose) 1 }
            --list { set option(list) 1 }
            --help { usage 0 }
            -* { puts stderr "unknown option $word"; usage }
            default { lappend files $word }
        }
    }
    return $files
}

# The test files to run: all of the tree, or those named, narrowed by --only.
proc choose_files {named} {
    global here option
    if {![llength $named]} { set named [lsort [glob -directory $here -type d *]] }
    set files {}
    foreach path $named {
        if {[file isdirectory $path]} {
            lappend files {*}[lsort [glob -nocomplain -directory $path *.tcl]]
        } else {
            lappend files $path
        }
    }
    set chosen {}
    foreach path $files {
        set path [file normalize $path]
        if {[string match $here/support/* $path]} continue
        set wanted [expr {![llength $option(only)]}]
        foreach part $option(only) {
            if {[string first $part $path] >= 0} { set wanted 1 }
        }
        if {$wanted} { lappend chosen $path }
    }
    return $chosen
}

# Every set of extra arguments that the whole run repeats with.
proc argument_sets {} {
    global option
    if {[llength $option(matrix)]} { return $option(matrix) }
    set sets {{}}
    foreach {flag values} [list --threads $option(plans) --io-backend $option(backends)] {
        if {![llength $values]} continue
        set grown {}
        foreach set $sets {
            foreach value $values { lappend grown [concat $set [list $flag $value]] }
        }
        set sets $grown
    }
    return $sets
}

# Learns once whether the binary is Baton, which decides what some tests expect.
proc probe_server {} {
    if {[catch { server::start } h]} {
        puts $h
        finish 1
    }
    set server::current $h
    set server::is_baton [string match "*server_name:baton*" [ask INFO server]]
    set server::is_sanitized [expr {$server::is_baton && [info_field mem_allocator memory] eq "libc"}]
    set wrong [server::stop $h]
    set server::current ""
    set suite::default ""
    foreach c $suite::clients { client::hangup $c }
    if {[llength $wrong]} {
        puts "the server cannot even start and stop: [join $wrong {; }]"
        finish 1
    }
}

proc run_file {path} {
    global here
    set suite::file [string map [list $here/ ""] $path]
    set before [list $suite::passed $suite::failed $suite::skipped]
    set began [clock milliseconds]
    set server::current ""
    keeper::fresh_scratch
    if {[namespace exists ::testfile]} { namespace delete ::testfile }
    if {[catch { namespace eval ::testfile [list source $path] } why details]} {
        suite::report_failure "(the file itself)" [dict get $details -errorinfo]
    }
    load::stop_quietly
    foreach c $suite::clients { client::hangup $c }
    foreach h $suite::servers {
        set wrong [server::stop $h]
        if {[llength $wrong]} { suite::report_failure "(end of the server)" [join $wrong "; "] }
    }
    lassign $before passed failed skipped
    puts [format "%-38s %4d passed %3d failed %3d skipped %6.1f s" $suite::file \
        [expr {$suite::passed - $passed}] [expr {$suite::failed - $failed}] \
        [expr {$suite::skipped - $skipped}] [expr {([clock milliseconds] - $began) / 1000.0}]]
    flush stdout
}

proc finish {code} {
    keeper::close_down
    exit $code
}

# An event handler failed: that must not pass in silence.
proc bgerror {why} {
    suite::report_failure "(event handler)" "$why\n$::errorInfo"
}

set files [choose_files [read_options $argv]]
if {$option(list)} {
    foreach path $files { puts [string map [list $here/ ""] $path] }
    exit 0
}
if {$option(server) eq ""} {
    set option(server) [file normalize [file join $here .. .. src baton-server]]
}
set option(server) [file normalize $option(server)]
if {![file executable $option(server)]} {
    puts stderr "no server binary at $option(server)"
    exit 2
}
foreach part {keeper client server load test} { source [file join $support $part.tcl] }
keeper::open_up $support

set base_args $option(args)
foreach extra [argument_sets] {
    set option(args) [concat $base_args $extra]
    array unset suite::lacking
    if {[llength $extra]} { puts "== with $extra" }
    probe_server
    foreach path $files { run_file $path }
    set suite::is_first 0
}

puts ""
foreach failure $suite::failures { puts "failed: $failure" }
set summary "$suite::passed passed, $suite::failed failed"
if {$suite::skipped} { append summary ", $suite::skipped skipped" }
puts $summary
finish [expr {$suite::failed > 0}]
