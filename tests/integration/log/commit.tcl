# appendfsync: what replies wait for, whatever the setting was or becomes, and a disk that is slow.

source [file join $::support journal.tcl]

suite -config {"appendonly yes" "appendfsync always" "auto-aof-rewrite-percentage 0"
    "enable-debug-command yes"}

# The log's stage sleeps so long before it writes.
proc disk_takes_ms {ms script} {
    ask DEBUG AOF-FLUSH-SLEEP [expr {$ms * 1000}]
    try {
        uplevel 1 $script
    } finally {
        ask DEBUG AOF-FLUSH-SLEEP 0
    }
}

foreach policy {always everysec no} {
    test "many clients are answered: appendfsync $policy" [string map [list %P $policy] {
        with_config {appendfsync %P} {
            load::start 50 -depth 4
            load::for_rounds [by_load 100 500 5000]
            load::stop_and_settle
        }
        journal::expect_same_again
    }]
}

test "no reply is left behind when the setting changes" {
    load::start 20 -depth 4
    for {set i 0} {$i < [by_load 30 200 2000]} {incr i} {
        ask CONFIG SET appendfsync [lindex {no always everysec always} [expr {$i % 4}]]
        load::for_rounds 20
        if {$i % 10 == 0} { journal::rewrite }
    }
    load::stop_and_settle
    ask CONFIG SET appendfsync always
    journal::expect_same_again
}

test "always, from now on: what was written before is waited for" {
    foreach policy {no everysec} {
        ask CONFIG SET appendfsync $policy
        ask SET k $policy
        ask CONFIG SET appendfsync always
        expect $policy { ask GET k }
    }
}

test "replies wait for a slow disk, those of others too, as they may tell of it" -tags baton-only {
    set writer [client::dial]
    set reader [client::dial]
    ask SET k old
    disk_takes_ms 300 {
        set began [clock milliseconds]
        client::send $writer SET k new
        expect OK { client::reply $writer }
        expect_true { [clock milliseconds] - $began >= 250 }
        client::send $writer SET k newer
        wait_for { [$reader GET k] eq "newer" }
        expect OK { client::reply $writer }
        expect_true { [clock milliseconds] - $began >= 500 }
    }
}

test "everysec and no wait for nothing" -tags baton-only {
    foreach policy {everysec no} {
        with_config "appendfsync $policy" {
            disk_takes_ms 1000 {
                set began [clock milliseconds]
                for {set i 0} {$i < 10} {incr i} { ask SET k $i }
                expect_true { [clock milliseconds] - $began < 900 }
            }
        }
    }
}
