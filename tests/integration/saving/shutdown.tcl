# How the server ends: what is saved, what is refused, and that nothing acknowledged is lost.

suite -server 0

# A server whose data is worth saving: `points` are its save points. `config` may say more.
proc started {points args} { return [server::start -config [concat [list "save $points"] $args]] }

proc dump {h} { return [server::dir $h]/dump.rdb }

# The server ends with `code`, by what the script does.
proc ends_with {h code script} {
    server::end_is_expected $h
    uplevel 1 $script
    expect $code { keeper::wait_exit [server::pid $h] [scaled_ms 10000] }
    server::stop $h
}

test "SHUTDOWN saves where there are save points, or where it is told to" {
    foreach {points words saved} {
        "900 1" {} 1   "900 1" SAVE 1   "900 1" NOSAVE 0   "''" {} 0   "''" SAVE 1   "''" {SAVE NOW} 1
    } {
        set h [started $points]
        with_server $h {
            ask SET k v
            set c [client::dial]
            ends_with $h 0 { client::send $c SHUTDOWN {*}$words }
        }
        expect $saved { file exists [dump $h] }
        expect {} { glob -nocomplain -directory [server::dir $h] temp-* }
    }
}

test "signals end it as shutdown-on-sigterm and -sigint say" {
    foreach {signal line saved} {
        TERM "" 1   INT "" 1   TERM "shutdown-on-sigterm nosave" 0   INT "shutdown-on-sigint nosave" 0
        INT "shutdown-on-sigterm nosave" 1   TERM "shutdown-on-sigterm save force" 1
    } {
        set h [started "900 1" $line]
        with_server $h { ask SET k v }
        expect {} { server::stop $h $signal }
        expect $saved { file exists [dump $h] }
    }
}

test "a shutdown that cannot save is refused, unless it is forced" {
    foreach end {{SHUTDOWN NOSAVE} {SHUTDOWN FORCE} {SHUTDOWN SAVE FORCE}} {
        set h [started "900 1"]
        with_server $h {
            ask SET k v
            file mkdir [dump $h]
            expect_error "ERR Errors trying to SHUTDOWN. Check logs." { ask SHUTDOWN }
            expect PONG { ask PING }
            keeper::signal [server::pid $h] TERM
            wait_for {[regexp -all {Error trying to save the DB, can't exit} [server::log_text $h]] == 2}
            expect v { ask GET k }
            expect OK { ask SET k w }
            set c [client::dial]
            ends_with $h 0 { client::send $c {*}$end }
        }
    }
}

test "SHUTDOWN ABORT calls off what a signal asked for" {
    set h [started "900 1"]
    with_server $h {
        ask SET k v
        ask DEBUG PAUSE-CRON 1
        expect_error "ERR No shutdown in progress." { ask SHUTDOWN ABORT }
        keeper::signal [server::pid $h] TERM
        wait_for {![catch { ask SHUTDOWN ABORT }]}
        ask DEBUG PAUSE-CRON 0
        expect_match "*Shutdown manually aborted*" { server::log_text $h }
        expect PONG { ask PING }
        expect_true {![file exists [dump $h]]}
    }
    expect {} { server::stop $h }
}

test "a second SIGINT ends it at once, and leaves no half file" {
    set h [started "900 1" "rdb-key-save-delay 1000000"]
    with_server $h {
        ask MSET a 1 b 2 c 3 d 4 e 5 f 6 g 7 h 8 i 9 j 10
        server::end_is_expected $h
        keeper::signal [server::pid $h] INT
        wait_for {[glob -nocomplain -directory [server::dir $h] temp-*.rdb] ne ""}
        keeper::signal [server::pid $h] INT
        expect 1 { keeper::wait_exit [server::pid $h] [scaled_ms 5000] }
        expect {} { glob -nocomplain -directory [server::dir $h] temp-* *.rdb }
    }
    server::stop $h
}

test "a save in the background is ended, and another made where one is due" {
    foreach {how saved} {NOSAVE 0 SAVE 1} {
        set h [started "900 1" "rdb-key-save-delay 100000"]
        with_server $h {
            ask MSET a 1 b 2 c 3 d 4 e 5 f 6 g 7 h 8 i 9 j 10
            ask BGSAVE
            expect 1 { info_field rdb_bgsave_in_progress persistence }
            set c [client::dial]
            ends_with $h 0 { client::send $c SHUTDOWN $how }
            expect $saved { file exists [dump $h] }
            expect {} { glob -nocomplain -directory [server::dir $h] temp-* }
        }
    }
}

# Two things at once: a script that has changed data, and SIGTERM. The script goes on, as half of it
# must not be kept; then the server ends.
test "SIGTERM waits for a script that has written" {
    set h [started "900 1" "busy-reply-threshold 5"]
    with_server $h {
        set c [client::dial]
        set other [client::dial]
        client::send $c EVAL {
            redis.call('set', 'a', 1)
            local begun = redis.call('time')
            for i = 1, 2000000 do redis.sha1hex('x') end
            redis.call('set', 'b', 1)
            return 'done'
        } 0
        wait_for {[catch { $other PING } answer] && [string match BUSY* $answer]}
        ends_with $h 0 { keeper::signal [server::pid $h] TERM }
        expect done { client::reply $c }
    }
    expect_true {[file exists [dump $h]]}
}

# Clients count up, each on a key of its own, while the server ends; then the data holds what each
# was told last, and nothing more than what it asked for.
proc counting_survives {h signal} {
    set clients {}
    with_server $h {
        for {set i 0} {$i < 8} {incr i} {
            set c [client::dial]
            client::write $c [string repeat [client::encode INCR n$i] 3000]
            lappend clients $c
        }
        set other [client::dial]
        wait_for {[$other GET n0] > 0}
        client::hangup $other
        set wrong [server::stop $h $signal]
        if {[llength $wrong]} { fail $wrong }
        set told {}
        foreach c $clients {
            set got [client::until_eof $c]
            if {[string length $got] > 0 && [string range $got end-1 end] ne "\r\n"} { fail "half a reply" }
            lappend told [string range [lindex [split [string trim $got] \n] end] 1 end]
            client::hangup $c
        }
        server::launch $h
        suite::note_server $h
        set suite::default ""
        for {set i 0} {$i < 8} {incr i} {
            set n [string trim [lindex $told $i]]
            if {$n eq ""} { set n "(nil)" }
            expect $n { ask GET n$i }
        }
    }
    server::stop $h
}

test "nothing acknowledged is lost by a clean end: RDB" {
    foreach signal {TERM INT} { counting_survives [started "900 1"] $signal }
}

foreach policy {always everysec no} {
    test "nothing acknowledged is lost by a clean end: the log, appendfsync $policy" \
        [string map [list %P $policy] {
            counting_survives [started "''" "appendonly yes" "appendfsync %P"] TERM
        }]
}

test "SHUTDOWN NOSAVE in the middle of a script: the log has nothing of it" {
    set h [started "''" "appendonly yes" "busy-reply-threshold 5"]
    with_server $h {
        ask SET before 1
        set c [client::dial]
        client::write $c [client::encode MULTI][client::encode SET in 1][client::encode EVAL \
            {redis.call('set', 'a', 1); while true do end} 0][client::encode SET b 1][client::encode EXEC]
        set other [client::dial]
        wait_for {[catch { $other PING } answer] && [string match BUSY* $answer]}
        server::end_is_expected $h
        client::send $other SHUTDOWN NOSAVE
        expect 0 { keeper::wait_exit [server::pid $h] [scaled_ms 10000] }
        expect "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n" { client::until_eof $c }
        server::launch $h
        suite::note_server $h
        set suite::default ""
        expect {1 (nil) (nil) (nil)} { ask MGET before in a b }
    }
    server::stop $h
}

# Starts a server by hand that loads for long, and gives its process and a client.
proc start_loading {h} {
    set port [server::free_port]
    set dir [server::dir $h]
    set pid [keeper::spawn $dir /dev/null $dir/loading $dir/loading.err [list $::option(server) --port $port \
        --bind 127.0.0.1 --dir $dir --save 900 1 --key-load-delay 100000 {*}$::option(args)]]
    wait_for {![catch { client::dial -port $port } c]}
    wait_for {[string match "*\nloading:1*" [client::ask $c INFO persistence]]}
    return [list $pid $c]
}

test "the end comes while the data is loaded: nothing is saved" {
    set h [started "''"]
    with_server $h {
        for {set i 0} {$i < 300} {incr i} { ask SET key:$i v }
        ask SAVE
    }
    server::stop $h
    set before [slurp [dump $h]]
    lassign [start_loading $h] pid c
    expect_error "LOADING*" { client::ask $c GET key:1 }
    keeper::signal $pid TERM
    expect 0 { keeper::wait_exit $pid [scaled_ms 5000] }
    expect $before { slurp [dump $h] }
    lassign [start_loading $h] pid c
    client::send $c SHUTDOWN SAVE
    expect 0 { keeper::wait_exit $pid [scaled_ms 5000] }
    expect $before { slurp [dump $h] }
    expect {} { glob -nocomplain -directory [server::dir $h] temp-* }
}
