# Background load: clients that live in events while a test waits for something else.
#
# Each client of a load sends a batch of requests, checks every reply against what it alone can know
# (values carry the client's own nonce), and sends the next.  Load handlers never wait.

namespace eval load {
    variable running 0
    variable sock          ;# id -> channel
    variable buf           ;# id -> received bytes
    variable wanted        ;# id -> the bytes that the batch in flight must be answered with
    variable round         ;# id -> number of the batch in flight
    variable rounds 0      ;# batches answered by all
    variable wrong {}      ;# replies that were not the client's own
    variable lost 0        ;# connections that the server closed
    variable depth 1
    variable redial 0
    variable epoch 0       ;# number of this load: who comes back too late belongs to another one
    foreach name {sock buf wanted round} { array set $name {} }
}

# load::start COUNT ?-depth N? ?-redial BOOL?: with redial, connections that the server closes are
# replaced.
proc load::start {count args} {
    variable running
    variable rounds
    variable wrong
    variable lost
    variable depth
    variable redial
    variable epoch
    incr epoch
    array set opt {-depth 1 -redial 0}
    array set opt $args
    set running 1
    set rounds 0
    set wrong {}
    set lost 0
    set depth $opt(-depth)
    set redial $opt(-redial)
    for {set id 1} {$id <= $count} {incr id} { join_in $id }
}

proc load::join_in {id} {
    variable sock
    variable buf
    variable round
    set sock($id) [client::dial_tcp 127.0.0.1 [server::port]]
    fconfigure $sock($id) -blocking 0 -translation binary -buffering full -buffersize 65536
    set buf($id) ""
    set round($id) 0
    fileevent $sock($id) readable [list load::take $id]
    give $id
}

# Sends the next batch of a client.
proc load::give {id} {
    variable sock
    variable wanted
    variable round
    variable depth
    incr round($id)
    set out ""
    set wanted($id) ""
    for {set i 0} {$i < $depth} {incr i} {
        set nonce "$id.$round($id).$i.[string repeat x [expr {($round($id) * 7 + $i) % 90}]]"
        append out [client::encode SET load:$id:$i $nonce] [client::encode GET load:$id:$i]
        append wanted($id) "+OK\r\n\$[string length $nonce]\r\n$nonce\r\n"
    }
    if {[catch { puts -nonewline $sock($id) $out; flush $sock($id) }]} { leave $id }
}

# Receives; when a batch is whole, checks it and sends the next.
proc load::take {id} {
    variable sock
    variable buf
    variable wanted
    variable rounds
    variable wrong
    if {[catch { ::read $sock($id) 65536 } data]} {
        leave $id
        return
    }
    append buf($id) $data
    set have [string length $buf($id)]
    if {$have >= [string length $wanted($id)]} {
        if {$buf($id) ne $wanted($id)} {
            lappend wrong "client $id got [printable $buf($id)] for [printable $wanted($id)]"
            leave $id
            return
        }
        set buf($id) ""
        incr rounds
        give $id
    } elseif {[eof $sock($id)]} {
        if {![string match $buf($id)* $wanted($id)] && $have > 0 &&
            [string range $wanted($id) 0 $have-1] ne $buf($id)} {
            lappend wrong "client $id ended with [printable $buf($id)]"
        }
        leave $id
    }
}

# A connection ended; with redial a new one takes its place.
proc load::leave {id} {
    variable sock
    variable lost
    variable running
    variable redial
    variable epoch
    if {![info exists sock($id)]} return
    incr lost
    catch { ::close $sock($id) }
    unset sock($id)
    if {$running && $redial} { after 1 [list load::rejoin $id $epoch] }
}

proc load::rejoin {id of} {
    variable running
    variable epoch
    if {$running && $of == $epoch} { catch { join_in $id } }
}

# Runs the load for so long, or until so many more batches are answered.
proc load::for_ms {ms} { sleep_ms $ms }
proc load::for_rounds {count {timeout_ms 10000}} {
    set until [expr {$load::rounds + $count}]
    wait_for {$load::rounds >= $until} $timeout_ms
}

# Ends the load; fails when a reply was wrong.  Gives the number of batches answered.
proc load::stop {} {
    variable wrong
    variable rounds
    stop_quietly
    if {[llength $wrong]} { fail "wrong replies under load: [lindex $wrong 0]" }
    return $rounds
}

# The same, and waits until the server has done what was on its way when the load ended. For tests without other
# connections than the runner's own.
proc load::stop_and_settle {} {
    stop
    wait_for { [info_field connected_clients clients] == 1 }
}

proc load::stop_quietly {} {
    variable running
    variable sock
    set running 0
    foreach id [array names sock] {
        catch { ::close $sock($id) }
        unset sock($id)
    }
}
