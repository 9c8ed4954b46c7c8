# A RESP2 and RESP3 client that can also misbehave.
#
# A client is a command: `$c GET k` sends a request and gives the reply in plain form, an error
# reply as a Tcl error whose code is {REPLY text}.  Everything below that level is in this namespace
# and takes the client first.  Nothing here blocks for ever: every wait has a deadline and ends in
# an error with the code {CLIENT TIMEOUT} or {CLIENT CLOSED}.
#
# A typed reply is {type value}; type is one of status error int bulk nil array (RESP2 has "nil" for
# both null forms; "nilarray" tells the second) and null map set push double bool bignum verbatim.
# A plain reply drops the type: nil is "(nil)", an error inside an aggregate "(error) text", a map a
# flat list, a bool "true" or "false".

namespace eval client {
    variable serial 0
    variable sock          ;# client -> channel
    variable buf           ;# client -> bytes received and not yet consumed start at pos
    variable pos
    variable pushed        ;# client -> typed push frames that arrived between replies
    variable ready         ;# client -> set by events: readable, or timeout
    variable resp          ;# client -> 2 or 3
    foreach name {sock buf pos pushed ready resp} { array set $name {} }
    variable timeout_ms 10000
}

# Opens a connection.  Options: -server HANDLE (the current one), -port N -host H (instead of a
# server), -unix 1, -resp 2|3, -db N, -auth PASSWORD ("" sends none), -name TEXT.
proc client::dial {args} {
    variable serial
    array set opt {-server "" -host 127.0.0.1 -port "" -unix 0 -resp 2 -db 0 -name ""}
    foreach {key value} $args {
        if {$key ni {-server -host -port -unix -resp -db -name -auth}} { error "no option $key" }
        set opt($key) $value
    }
    if {$opt(-server) eq ""} { set opt(-server) $server::current }
    if {$opt(-port) eq "" && $opt(-server) ne ""} { set opt(-port) [server::port $opt(-server)] }
    if {![info exists opt(-auth)]} { set opt(-auth) [server::auth $opt(-server)] }
    if {$opt(-unix)} {
        set channel [dial_unix [server::socket_path $opt(-server)]]
    } else {
        set channel [dial_tcp $opt(-host) $opt(-port)]
    }
    return [set_up [incr serial] $channel [array get opt]]
}

proc client::dial_tcp {host port} {
    if {[catch { ::socket $host $port } channel]} {
        throw {CLIENT REFUSED} "cannot connect to $host:$port: $channel"
    }
    return $channel
}

proc client::dial_unix {path} {
    return [::open |[list perl [file join $::support relay.pl] $path 2>/dev/null] r+]
}

proc client::set_up {id channel options} {
    variable sock
    variable buf
    variable pos
    variable pushed
    variable resp
    array set opt $options
    set c ::client$id
    fconfigure $channel -blocking 0 -translation binary -buffering full -buffersize 65536
    set sock($c) $channel
    set buf($c) ""
    set pos($c) 0
    set pushed($c) {}
    set resp($c) 2
    interp alias {} $c {} client::ask $c
    suite::note_client $c
    if {$opt(-auth) ne ""} { ask $c AUTH $opt(-auth) }
    if {$opt(-resp) == 3} { hello3 $c }
    if {$opt(-db) != 0} { ask $c SELECT $opt(-db) }
    if {$opt(-name) ne ""} { ask $c CLIENT SETNAME $opt(-name) }
    return $c
}

proc client::hello3 {c} {
    variable resp
    set answer [ask $c HELLO 3]
    set resp($c) 3
    return $answer
}

proc client::hangup {c} {
    variable sock
    variable buf
    variable pos
    variable pushed
    variable resp
    variable ready
    if {![info exists sock($c)]} return
    catch { ::close $sock($c) }
    interp alias {} $c {}
    foreach name {sock buf pos pushed resp ready} { unset -nocomplain ${name}($c) }
    suite::forget_client $c
}

# Tells the peer that no more will be sent; replies can still be read.
proc client::half_close {c} {
    variable sock
    ::close $sock($c) write
}

# ---- sending

# The bytes of one request as a RESP array of bulk strings.
proc client::encode {args} {
    set out "*[llength $args]\r\n"
    foreach arg $args {
        append out "\$[string length $arg]\r\n" $arg "\r\n"
    }
    return $out
}

# Sends bytes as they are.
proc client::write {c bytes} {
    variable sock
    if {[catch { puts -nonewline $sock($c) $bytes; flush $sock($c) } why]} {
        throw {CLIENT CLOSED} "cannot send: $why"
    }
}

# Sends one request and does not read.
proc client::send {c args} {
    write $c [encode {*}$args]
}

# Sends bytes in pieces of at most `size`, with a moment between them.
proc client::drip {c bytes size} {
    for {set i 0} {$i < [string length $bytes]} {incr i $size} {
        write $c [string range $bytes $i [expr {$i + $size - 1}]]
        sleep_ms 1
    }
}

# True when all that was written has left this process.
proc client::flushed {c} {
    variable sock
    return [expr {[chan pending output $sock($c)] == 0}]
}

# ---- receiving

proc client::deadline {{ms ""}} {
    variable timeout_ms
    if {$ms eq ""} { set ms $timeout_ms }
    return [expr {[clock milliseconds] + [scaled_ms $ms]}]
}

proc client::wait_readable {c deadline} {
    variable sock
    variable ready
    set left [expr {$deadline - [clock milliseconds]}]
    if {$left <= 0} { throw {CLIENT TIMEOUT} "no answer in time" }
    set timer [after $left [list set client::ready($c) timeout]]
    fileevent $sock($c) readable [list set client::ready($c) readable]
    vwait client::ready($c)
    after cancel $timer
    if {![info exists sock($c)]} { throw {CLIENT CLOSED} "closed by this side" }
    fileevent $sock($c) readable {}
    if {$ready($c) eq "timeout"} { throw {CLIENT TIMEOUT} "no answer in time" }
}

# Adds at least one byte to the buffer.
proc client::fill {c deadline} {
    variable sock
    variable buf
    variable pos
    if {$pos($c) == [string length $buf($c)]} {
        set buf($c) ""
        set pos($c) 0
    } elseif {$pos($c) > 1000000} {
        set buf($c) [string range $buf($c) $pos($c) end]
        set pos($c) 0
    }
    while 1 {
        if {[catch { ::read $sock($c) 65536 } data]} {
            throw {CLIENT CLOSED} "connection reset: $data"
        }
        if {$data ne ""} {
            append buf($c) $data
            return
        }
        if {[eof $sock($c)]} { throw {CLIENT CLOSED} "connection closed by the server" }
        wait_readable $c $deadline
    }
}

# One line without its CRLF.  Looks at a short piece first: a search through the whole buffer would
# turn its bytes into characters and back.
proc client::line {c {deadline ""}} {
    variable buf
    variable pos
    if {$deadline eq ""} { set deadline [deadline] }
    set head [string range $buf($c) $pos($c) [expr {$pos($c) + 80}]]
    if {[set end [string first \r\n $head]] >= 0} {
        incr pos($c) [expr {$end + 2}]
        return [string range $head 0 [expr {$end - 1}]]
    }
    while {[set end [string first \r\n $buf($c) $pos($c)]] < 0} { fill $c $deadline }
    set text [string range $buf($c) $pos($c) [expr {$end - 1}]]
    set pos($c) [expr {$end + 2}]
    return $text
}

# Exactly n bytes.
proc client::bytes {c n {deadline ""}} {
    variable buf
    variable pos
    if {$deadline eq ""} { set deadline [deadline] }
    while {[string length $buf($c)] - $pos($c) < $n} { fill $c $deadline }
    set data [string range $buf($c) $pos($c) [expr {$pos($c) + $n - 1}]]
    incr pos($c) $n
    return $data
}

# All bytes until the server closes the connection.
proc client::until_eof {c {timeout ""}} {
    variable buf
    variable pos
    set deadline [deadline $timeout]
    try {
        while 1 {
            fill_more $c $deadline
        }
    } trap {CLIENT CLOSED} {} {
        set data [string range $buf($c) $pos($c) end]
        set pos($c) [string length $buf($c)]
        return $data
    }
}

proc client::fill_more {c deadline} {
    variable sock
    variable buf
    if {[catch { ::read $sock($c) 65536 } data]} { throw {CLIENT CLOSED} $data }
    append buf($c) $data
    if {[eof $sock($c)]} { throw {CLIENT CLOSED} "closed" }
    if {$data eq ""} { wait_readable $c $deadline }
}

# What arrives until nothing came for `ms` milliseconds; the end of the connection ends it too.
proc client::until_quiet {c ms} {
    variable buf
    variable pos
    try {
        while 1 { fill_more $c [expr {[clock milliseconds] + $ms}] }
    } trap {CLIENT} {} {}
    set data [string range $buf($c) $pos($c) end]
    set pos($c) [string length $buf($c)]
    return $data
}

# True when the server closes the connection in time; what it sent before is thrown away.
proc client::gone {c {timeout ""}} {
    try {
        until_eof $c $timeout
        return 1
    } trap {CLIENT TIMEOUT} {} {
        return 0
    }
}

# The next reply as {type value}; pushes in front of it are set aside.
proc client::typed {c {deadline ""}} {
    variable pushed
    if {$deadline eq ""} { set deadline [deadline] }
    while 1 {
        set reply [value $c $deadline]
        if {[lindex $reply 0] ne "push"} { return $reply }
        lappend pushed($c) $reply
    }
}

# The next push frame, as a plain list.
proc client::push {c {timeout ""}} {
    variable pushed
    if {[llength $pushed($c)]} {
        set reply [lindex $pushed($c) 0]
        set pushed($c) [lrange $pushed($c) 1 end]
    } else {
        set reply [value $c [deadline $timeout]]
        if {[lindex $reply 0] ne "push"} { error "wanted a push frame, got: $reply" }
    }
    return [plain $reply]
}

# All pushes that were sent before now, as plain lists.
proc client::pushes {c} {
    variable pushed
    ask $c PING
    set all {}
    foreach reply $pushed($c) { lappend all [plain $reply] }
    set pushed($c) {}
    return $all
}

proc client::value {c deadline} {
    set head [line $c $deadline]
    set rest [string range $head 1 end]
    switch -exact -- [string index $head 0] {
        + { return [list status $rest] }
        - { return [list error $rest] }
        : { return [list int $rest] }
        , { return [list double $rest] }
        # { return [list bool [expr {$rest eq "t" ? "true" : "false"}]] }
        _ { return [list null ""] }
        ( { return [list bignum $rest] }
        $ { return [bulk $c bulk $rest $deadline] }
        = { return [bulk $c verbatim $rest $deadline] }
        * { return [aggregate $c array $rest 1 $deadline] }
        ~ { return [aggregate $c set $rest 1 $deadline] }
        > { return [aggregate $c push $rest 1 $deadline] }
        % { return [aggregate $c map $rest 2 $deadline] }
        | { aggregate $c attribute $rest 2 $deadline; return [value $c $deadline] }
    }
    error "not a RESP reply: [printable $head]"
}

proc client::bulk {c type len deadline} {
    if {![string is integer -strict $len]} { error "bad length of a bulk: [printable $len]" }
    if {$len == -1} { return [list nil ""] }
    set data [bytes $c $len $deadline]
    if {[bytes $c 2 $deadline] ne "\r\n"} { error "a bulk does not end in CRLF" }
    return [list $type $data]
}

proc client::aggregate {c type count width deadline} {
    if {![string is integer -strict $count]} { error "bad count: [printable $count]" }
    if {$count == -1} { return [list nilarray ""] }
    set items {}
    for {set i 0} {$i < $count * $width} {incr i} { lappend items [value $c $deadline] }
    return [list $type $items]
}

# ---- plain form

proc client::plain {typed} {
    lassign $typed type value
    switch -exact -- $type {
        nil - nilarray - null { return (nil) }
        error { return "(error) $value" }
        array - set - push - map {
            set items {}
            foreach item $value { lappend items [plain $item] }
            return $items
        }
        verbatim { return [string range $value 4 end] }
    }
    return $value
}

# Reads one reply; an error reply becomes a Tcl error.
proc client::reply {c {timeout ""}} {
    set typed [typed $c [deadline $timeout]]
    if {[lindex $typed 0] eq "error"} {
        throw [list REPLY [lindex $typed 1]] [lindex $typed 1]
    }
    return [plain $typed]
}

# Reads `count` replies in plain form.
proc client::replies {c count} {
    set all {}
    for {set i 0} {$i < $count} {incr i} { lappend all [plain [typed $c]] }
    return $all
}

proc client::ask {c args} {
    write $c [encode {*}$args]
    return [reply $c]
}

# Sends one request and gives its reply as {type value}.
proc client::ask_typed {c args} {
    write $c [encode {*}$args]
    return [typed $c]
}

# Sends many requests at once and gives their replies.
proc client::pipeline {c requests} {
    set out ""
    foreach request $requests { append out [encode {*}$request] }
    write $c $out
    return [replies $c [llength $requests]]
}

# Bytes as something that a terminal survives.
proc printable {bytes {limit 300}} {
    set out ""
    foreach char [split [string range $bytes 0 $limit] ""] {
        scan $char %c code
        if {$code == 13} {
            append out \\r
        } elseif {$code == 10} {
            append out \\n
        } elseif {$code < 32 || $code > 126} {
            append out [format \\x%02x $code]
        } else {
            append out $char
        }
    }
    if {[string length $bytes] > $limit} { append out "... ([string length $bytes] bytes)" }
    return $out
}
