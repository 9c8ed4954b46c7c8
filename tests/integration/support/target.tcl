# A server that is none: it answers the commands that come with what it was given, one after the
# other, for MIGRATE and whoever else talks to other servers.
#
# An answer is text as it is sent; `close` ends the connection, `nothing` is no answer, now or
# later. When the answers are used up, nothing more is said; `deaf` instead of a list: nothing is even
# read. Each connection begins anew, with the
# next list of answers, or the last again.

namespace eval target {
    variable port
    variable seen ""         ;# all that came, of all connections
    variable connections 0
    variable scripts {}
    variable listener ""
    variable left            ;# by channel: answers to come
}

proc target::open {args} {
    variable scripts $args
    variable seen ""
    variable connections 0
    variable listener [::socket -server [namespace code accept] -myaddr 127.0.0.1 0]
    variable port [lindex [fconfigure $listener -sockname] 2]
}

proc target::close {} {
    variable listener
    variable left
    if {$listener ne ""} { ::close $listener }
    set listener ""
    foreach channel [array names left] { hang_up $channel }
}

proc target::hang_up {channel} {
    variable left
    unset left($channel)
    ::close $channel
}

proc target::accept {channel address port} {
    variable scripts
    variable left
    variable connections
    fconfigure $channel -translation binary -blocking 0 -buffering none
    set left($channel) [lindex $scripts [expr {min($connections, [llength $scripts] - 1)}]]
    incr connections
    if {$left($channel) eq "deaf"} return
    fileevent $channel readable [namespace code [list hear $channel]]
}

proc target::hear {channel} {
    variable left
    variable seen
    if {[catch { ::read $channel } data] || [eof $channel]} {
        hang_up $channel
        return
    }
    append seen $data
    foreach command [regexp -all -inline {\*\d+\r\n\$\d+\r\n[A-Z]} $data] {
        if {[llength $left($channel)] == 0} return
        set left($channel) [lassign $left($channel) answer]
        if {$answer eq "close"} {
            hang_up $channel
            return
        }
        if {$answer eq "nothing"} {
            set left($channel) {}
            return
        }
        puts -nonewline $channel $answer
    }
}

# With a target that answers like that: {answers of the first connection} {of the second} ...
proc with_target {answers script} {
    target::open {*}$answers
    try {
        uplevel 1 $script
    } finally {
        target::close
    }
}
