# A log that ends in the middle of a transaction: it has not happened, wherever the end is.

source [file join $::support journal.tcl]

suite

proc torn_log {dir text} {
    file mkdir $dir/appendonlydir
    foreach {name content} [list appendonly.aof.1.incr.aof $text \
            appendonly.aof.manifest "file appendonly.aof.1.incr.aof seq 1 type i\n"] {
        set f [open $dir/appendonlydir/$name wb]
        puts -nonewline $f $content
        close $f
    }
}

test "a transaction that is cut off, behind others" -tags baton-only {
    set pair {}
    foreach command {MULTI {INCR a} {INCR b} EXEC} { append pair [client::encode {*}$command] }
    set log "[client::encode SELECT 0][client::encode SET k v]$pair$pair"
    for {set cut 1} {$cut <= [string length $pair]} {incr cut [by_load 13 5 1]} {
        foreach rest {"" zeros} {
            set dir [file join $keeper::scratch torn-$cut-$rest]
            set text "$log[string range $pair 0 [expr {$cut - 1}]]"
            torn_log $dir "$text[string repeat \0 [expr {$rest eq "zeros" ? 100 : 0}]]"
            set h [server::start -dir $dir -config {"appendonly yes"}]
            with_server $h {
                set whole [expr {$cut == [string length $pair] ? 3 : 2}]
                expect [list $whole $whole v] { ask MGET a b k }
            }
            server::stop $h
        }
    }
}
