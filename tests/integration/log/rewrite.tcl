# BGREWRITEAOF: the log is written anew while commands go on, and holds the same.

source [file join $::support journal.tcl]
source [file join $::support dumps.tcl]

set lines {"appendonly yes" "appendfsync always" "auto-aof-rewrite-percentage 0"}
suite -config $lines

# A server of its own: numbers of files begin anew.
proc fresh {args} {
    variable lines
    return [server::start -config [concat $lines $args]]
}

# Without what depends on the nodes.
proc normal {facts} {
    regsub -all { (radix-tree-\w+) \d+} $facts {} facts
    return $facts
}

foreach {preamble kind} {yes rdb no aof} {
    test "a log begins with a base and an increment, and goes on with the next ones: $kind" [string map \
        [list %P $preamble %K $kind] {
        with_server [fresh "aof-use-rdb-preamble %P"] {
            expect {appendonly.aof.1.base.%K b appendonly.aof.1.incr.aof i} { journal::files }
            ask SET k v
            journal::rewrite
            expect {appendonly.aof.2.base.%K b appendonly.aof.2.incr.aof i} { journal::files }
            expect {appendonly.aof.2.base.%K appendonly.aof.2.incr.aof} { journal::on_disk }
            foreach name [journal::on_disk] {
                expect 00600 { file attributes [journal::dir]/$name -permissions }
            }
            ask SET l w
            journal::expect_same_again
            expect {v w} { ask MGET k l }
        }
    }]

    test "the log is rewritten under writes, and holds them after a restart: $kind" [string map \
        [list %P $preamble] {
        set h [fresh "aof-use-rdb-preamble %P"]
        with_server $h {
            ask DEBUG POPULATE [by_load 20000 50000 200000]
            load::start 8 -depth 16
            load::for_rounds 50
            for {set i 0} {$i < 3} {incr i} {
                journal::rewrite
                load::for_rounds 50
            }
            load::stop_and_settle
            set was [ask DEBUG DIGEST]
            journal::again $h
            expect $was { ask DEBUG DIGEST }
        }
    }]

    test "all types are in the rewritten log: $kind" [string map [list %P $preamble] {
        set c [suite::default_client]
        set n 0
        foreach case $dumps::cases {
            dumps::make $c $case
            ask RENAME k k[incr n]
            if {$n % 3 == 0} { ask PEXPIRE k$n 100000000 }
            if {$n % 5 == 0} { ask MOVE k$n 1 }
        }
        ask FUNCTION LOAD "#!lua name=lib\nredis.register_function('f', function() return 7 end)"
        with_config {aof-use-rdb-preamble %P} { journal::rewrite }
        set was [lsort [ask KEYS *]]
        ask FUNCTION FLUSH
        journal::expect_same_again
        expect $was { lsort [ask KEYS *] }
        ask FUNCTION FLUSH
    }]

    test "what groups of streams have pending stays, entries that were deleted, too: $kind" [string map \
        [list %P $preamble] {
        set h [fresh "aof-use-rdb-preamble %P"]
        with_server $h {
            for {set i 1} {$i <= 300} {incr i} {
                ask XADD s $i f v
                ask XADD gone $i f v
            }
            foreach key {s gone} {
                ask XGROUP CREATE $key g 0
                ask XREADGROUP GROUP g me COUNT 250 STREAMS $key >
                ask XGROUP CREATECONSUMER $key g idle
                ask XGROUP CREATE $key other 7
            }
            ask XDEL s 1 5 250 300
            ask XTRIM gone MAXLEN 0
            journal::rewrite
            set facts {list [ask DEBUG DIGEST] [ask XINFO STREAM s FULL COUNT 0] [ask XPENDING s g] \
                [ask XINFO STREAM gone FULL COUNT 0] [ask XPENDING gone g]}
            set was [normal [eval $facts]]
            journal::again $h
            expect $was { normal [eval $facts] }
        }
    }]

    test "kill -9 in the middle of a rewrite: $kind" [string map [list %P $preamble] {
        set h [fresh "aof-use-rdb-preamble %P"]
        with_server $h {
            for {set i 0} {$i < 50} {incr i} { ask SET k$i $i }
            ask CONFIG SET rdb-key-save-delay 100000
            ask BGREWRITEAOF
            for {set i 0} {$i < 50} {incr i} { ask INCR k[expr {$i % 7}] }
            expect 1 { info_field aof_rewrite_in_progress persistence }
            wait_for {[glob -nocomplain -directory [journal::dir] temp-rewriteaof-bg-*.aof] ne ""}
            set was [ask DEBUG DIGEST]
            journal::again $h KILL
            expect $was { ask DEBUG DIGEST }
            expect {} { glob -nocomplain -directory [journal::dir] temp-* }
            ask INCR k1
            journal::rewrite
            journal::expect_same_again
        }
    }]
}

test "the server ends in the middle of a rewrite" {
    set h [fresh]
    with_server $h {
        for {set i 0} {$i < 50} {incr i} { ask SET k$i $i }
        ask CONFIG SET rdb-key-save-delay 1000000
        ask BGREWRITEAOF
        ask SET after 1
        set was [ask DEBUG DIGEST]
        journal::again $h TERM
        expect $was { ask DEBUG DIGEST }
        expect {b rdb i aof i aof} { journal::kinds }
        expect {} { glob -nocomplain -directory [journal::dir] temp-* }
    }
}

# ---- One at a time

# Saves last as long as the script.
proc slowly {script} {
    ask MSET a 1 b 2 c 3
    ask CONFIG SET rdb-key-save-delay 50000
    try {
        uplevel 1 $script
    } finally {
        ask CONFIG SET rdb-key-save-delay 0
        journal::settled
        wait_for {[info_field rdb_bgsave_in_progress persistence] == 0}
    }
}

test "a second rewrite is refused" {
    slowly {
        expect "Background append only file rewriting started" { ask BGREWRITEAOF }
        expect_error "ERR Background append only file rewriting already in progress" { ask BGREWRITEAOF }
        expect_error "ERR Another child process is active (AOF?)*" { ask BGSAVE }
    }
}

test "a rewrite waits for the end of BGSAVE" {
    slowly {
        set rewrites [info_field aof_rewrites persistence]
        ask BGSAVE
        expect "Background append only file rewriting scheduled" { ask BGREWRITEAOF }
        expect 1 { info_field aof_rewrite_scheduled persistence }
        expect 0 { info_field aof_rewrite_in_progress persistence }
        wait_for {[info_field aof_rewrites persistence] > $rewrites}
        expect 0 { info_field rdb_bgsave_in_progress persistence }
        expect 0 { info_field aof_rewrite_scheduled persistence }
    }
}

test "FLUSHALL in the middle of a rewrite" {
    slowly {
        ask BGREWRITEAOF
        ask FLUSHALL
        ask SET d 4
        ask CONFIG SET rdb-key-save-delay 0
        expect ok { journal::settled }
    }
    journal::expect_same_again
    expect d { ask KEYS * }
}

# ---- By itself

test "the log is rewritten when it has grown, and not before" {
    with_server [fresh "auto-aof-rewrite-percentage 100" "auto-aof-rewrite-min-size 20kb"] {
        set value [string repeat x 1000]
        for {set i 0} {$i < 15} {incr i} { ask SET k $value }
        expect 0 { info_field aof_rewrites persistence }
        for {set i 0} {$i < 100} {incr i} { ask SET k $value }
        wait_for {[info_field aof_rewrites persistence] > 0}
        expect ok { journal::settled }
        expect_true {[file size [journal::dir]/[lindex [journal::files] 0]] < 2000}
        journal::expect_same_again
        expect_match "*Starting automatic rewriting of AOF on*growth*" { server::log_text }
    }
}

test "auto-aof-rewrite-percentage 0: it is not" {
    with_config {auto-aof-rewrite-min-size 1} {
        set rewrites [info_field aof_rewrites persistence]
        for {set i 0} {$i < 50} {incr i} { ask SET k [string repeat x 1000] }
        ask CONFIG SET auto-aof-rewrite-percentage 1
        wait_for {[info_field aof_rewrites persistence] > $rewrites}
        ask CONFIG SET auto-aof-rewrite-percentage 0
        journal::settled
    }
}

test "a changed dir does not part the log from its base" -tags baton-only {
    with_server [fresh "enable-protected-configs yes"] {
        set other [server::dir]/other
        file mkdir $other
        ask SET k v
        with_config [list dir $other] {
            journal::rewrite
            expect {} { glob -nocomplain -directory $other * }
        }
        expect {b rdb i aof} { journal::kinds }
        journal::expect_same_again
    }
}

# ---- It fails

test "a rewrite that fails leaves the log as it was, and the next one makes up for it" {
    with_server [fresh] {
        ask SET k v
        journal::blocked {
            for {set i 1} {$i <= 3} {incr i} {
                ask BGREWRITEAOF
                expect err { journal::settled }
                ask INCR n
                expect $i { info_field aof_rewrites_consecutive_failures persistence }
            }
            expect {b rdb i aof i aof i aof i aof} { journal::kinds }
            journal::expect_same_again
        }
        journal::rewrite
        expect 0 { info_field aof_rewrites_consecutive_failures persistence }
        expect {b rdb i aof} { journal::kinds }
        journal::expect_same_again
        expect {v 3} { ask MGET k n }
    }
}

test "what fails again and again is not tried by itself for a while" {
    with_server [fresh "auto-aof-rewrite-min-size 1"] {
        journal::blocked {
            ask CONFIG SET auto-aof-rewrite-percentage 1
            ask SET k v
            wait_for {[string match "*triggered the limit*" [server::log_text]]}
            expect 3 { info_field aof_rewrites persistence }
        }
        journal::rewrite
    }
}
