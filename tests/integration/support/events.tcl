# A client that hears keyspace notifications, and what it heard.

namespace eval events {}

# Subscribes to a pattern of channels.
proc events::hear {pattern} {
    set c [client::dial]
    client::ask $c PSUBSCRIBE $pattern
    client::ask $c SUBSCRIBE mark
    return $c
}

# What came since the last time: event, key, event, key ...; events of other databases with their
# number before them, "1:set".  Of channels with names of keys the other way round.
proc events::heard {c} {
    ask PUBLISH mark here
    set events {}
    while {[lindex [set message [client::reply $c]] 0] ne "message"} {
        lassign $message kind pattern channel what
        regexp {^__key(?:event|space)@(\d+)__:(.*)$} $channel -> db name
        lappend events [expr {$db == 0 ? $name : "$db:$name"}] $what
    }
    return $events
}
