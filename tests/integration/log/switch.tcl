# CONFIG SET appendonly: the log is switched on and off while the server runs.

source [file join $::support journal.tcl]

suite -config {"auto-aof-rewrite-percentage 0" "enable-protected-configs yes"}

proc on {} {
    ask CONFIG SET appendonly yes
    expect ok { journal::settled }
    expect 1 { info_field aof_enabled persistence }
}

proc off {} {
    ask CONFIG SET appendonly no
    expect 0 { info_field aof_enabled persistence }
}

test "what was there before is in the log, and what comes after" {
    off
    ask SET before 1
    on
    ask SET after 2
    journal::expect_same_again
    expect {1 2} { ask MGET before after }
    off
}

test "what is written while it is off is not in it" {
    on
    ask SET in 1
    off
    ask SET out 2
    expect OK { ask DEBUG LOADAOF }
    expect {1 (nil)} { ask MGET in out }
}

test "off and on: the next numbers" {
    on
    set base [journal::number b]
    set increment [journal::number i]
    off
    on
    expect [expr {$base + 1}] { journal::number b }
    expect [expr {$increment + 1}] { journal::number i }
    expect {b rdb i aof} { journal::kinds }
    off
}

test "BGREWRITEAOF while the log is off makes a base alone" {
    on
    off
    ask SET k v
    journal::rewrite
    expect {b rdb} { journal::kinds }
    journal::expect_same_again
    expect v { ask GET k }
}

test "writes while it is switched on are in it" {
    off
    ask DEBUG POPULATE 20000
    load::start 8 -depth 16
    load::for_rounds 20
    for {set i 0} {$i < 3} {incr i} {
        on
        load::for_rounds 20
        if {$i < 2} off
    }
    load::stop_and_settle
    journal::expect_same_again
    off
}

test "aof-disable-auto-gc keeps history until it is switched off" {
    on
    with_config {aof-disable-auto-gc yes} {
        journal::rewrite
        journal::rewrite
        expect {b rdb h aof h rdb h aof h rdb i aof} { journal::kinds }
        expect 6 { llength [journal::on_disk] }
        journal::expect_same_again
    }
    wait_for {[journal::kinds] eq "b rdb i aof"}
    expect 2 { llength [journal::on_disk] }
    off
}

test "switched off in the middle of a rewrite" {
    on
    ask MSET a 1 b 2 c 3
    with_config {rdb-key-save-delay 10000000} {
        ask BGREWRITEAOF
        off
        expect 0 { info_field aof_rewrite_in_progress persistence }
    }
    wait_for {[glob -nocomplain -directory [journal::dir] temp-*] eq ""}
    on
    journal::expect_same_again
    off
}

test "switched on and off again before the first base is there" {
    off
    ask MSET a 1 b 2 c 3
    set was [journal::files]
    with_config {rdb-key-save-delay 10000000} {
        ask CONFIG SET appendonly yes
        expect 1 { info_field aof_rewrite_in_progress persistence }
        off
    }
    wait_for {[glob -nocomplain -directory [journal::dir] temp-*] eq ""}
    expect $was { journal::files }
    on
    journal::expect_same_again
    off
}

test "switched on while BGSAVE is on: when that ends" {
    off
    ask MSET a 1 b 2 c 3
    with_config {rdb-key-save-delay 50000} {
        ask BGSAVE
        ask CONFIG SET appendonly yes
        expect 1 { info_field aof_rewrite_scheduled persistence }
        ask SET d 4
        wait_for {[info_field rdb_bgsave_in_progress persistence] == 0}
        ask SET e 5
        ask CONFIG SET rdb-key-save-delay 0
        expect ok { journal::settled }
    }
    journal::expect_same_again
    expect {1 4 5} { ask MGET a d e }
    off
}

test "the log cannot be switched on where its folder cannot be made" {
    with_server [server::start -config {"appenddirname taken"}] {
        spit [server::dir]/taken "a file"
        expect_error "ERR CONFIG SET failed*Unable to turn on AOF. Check server logs." {
            ask CONFIG SET appendonly yes
        }
        expect {appendonly no} { ask CONFIG GET appendonly }
        file delete [server::dir]/taken
        ask CONFIG SET appendonly yes
        expect ok { journal::settled }
        expect 1 { llength [glob [server::dir]/taken/appendonly.aof.1.base.rdb] }
    }
}

test "a first base that fails is tried again" {
    with_server [server::start] {
        ask SET k v
        file mkdir [journal::dir]
        journal::blocked {
            ask CONFIG SET appendonly yes
            wait_for {[info_field aof_rewrites_consecutive_failures persistence] > 0}
            ask SET l w
            expect {} { journal::files }
        }
        off
        on
        journal::expect_same_again
        expect {v w} { ask MGET k l }
    }
}

test "the server does not end while the first base is written, unless it must" {
    set h [server::start]
    with_server $h {
        ask MSET a 1 b 2 c 3
        ask CONFIG SET rdb-key-save-delay 10000000
        ask CONFIG SET appendonly yes
        expect_error "ERR Errors trying to SHUTDOWN. Check logs." { ask SHUTDOWN }
        expect_match "*Writing initial AOF, can't exit*" { server::log_text }
        ask SET d 4
        ask CONFIG SET rdb-key-save-delay 0
        expect ok { journal::settled }
        ask SET e 5
        journal::expect_same_again
        expect {1 4 5} { ask MGET a d e }
        ask CONFIG SET appendonly no rdb-key-save-delay 10000000
        ask CONFIG SET appendonly yes
        server::end_is_expected $h
        client::send [suite::default_client] SHUTDOWN FORCE
        wait_for {![server::alive $h]}
    }
}

test "CONFIG REWRITE keeps it, and the server comes back with the data" {
    set h [server::start]
    with_server $h {
        ask SET k v
        on
        ask CONFIG SET appendfsync always auto-aof-rewrite-min-size 5mb
        expect OK { ask CONFIG REWRITE }
        expect_match "*appendonly yes*" { slurp [server::conf] }
        set info [slurp [server::conf]]
        foreach line {"appendfsync always" "auto-aof-rewrite-min-size 5mb"} {
            expect_match "*$line*" { set info }
        }
        ask SET l w
        expect {} { server::stop $h }
        set again [server::start -dir [server::dir $h] -config {"appendonly yes"}]
        with_server $again { expect {v w} { ask MGET k l } }
    }
}

test "paths are no names" {
    foreach {option what} {appendfilename "appendfilename can't be a path, just a filename"
        appenddirname "appenddirname can't be a path, just a dirname"} {
        set got [server::run [list --port 0 --$option a/b]]
        expect 1 { dict get $got code }
        expect_match "*$what*" { string cat [dict get $got out] [dict get $got err] }
    }
    expect_error "ERR CONFIG SET failed*can't set immutable config*" { ask CONFIG SET appendfilename x }
}
