# What commands leave in the log: read again, it makes the same data, whatever the time is by then.

suite -config {"appendonly yes" "appendfsync always" "busy-reply-threshold 5" "stream-node-max-entries 3"}

# ---- The log's text ----

proc log_file {} {
    set manifest [slurp [server::dir]/appendonlydir/appendonly.aof.manifest]
    foreach line [split $manifest "\n"] {
        if {[string match "*type i*" $line]} { set name [lindex $line 1] }
    }
    return [server::dir]/appendonlydir/$name
}

# Commands of the log from a byte on, as lists.
proc told_since {at} {
    set f [open [log_file] rb]
    seek $f $at
    set text [read $f]
    close $f
    set at 0
    set commands {}
    while {$at < [string length $text]} {
        set command {}
        set count [told_number $text at]
        for {set i 0} {$i < $count} {incr i} {
            set len [told_number $text at]
            lappend command [string range $text $at [expr {$at + $len - 1}]]
            incr at [expr {$len + 2}]
        }
        lappend commands $command
    }
    return $commands
}

proc told_number {text atName} {
    upvar $atName at
    set end [string first "\r\n" $text $at]
    set n [string range $text [expr {$at + 1}] [expr {$end - 1}]]
    set at [expr {$end + 2}]
    return $n
}

# What the script's commands leave in the log. The database is named before.
proc told_by {script} {
    ask SET mark 1
    set at [file size [log_file]]
    uplevel 1 $script
    return [told_since $at]
}

# ---- All that there is ----

# Digests leave out when keys go, and all but the entries of streams.
proc state {} {
    set facts [list [ask DEBUG DIGEST] [ask FUNCTION LIST WITHCODE]]
    foreach db {0 1} {
        ask SELECT $db
        foreach key [lsort [ask KEYS *]] {
            set type [ask TYPE $key]
            lappend facts $db $key $type [ask PEXPIRETIME $key]
            if {$type eq "stream"} { lappend facts [stream_facts $key] }
            if {$type eq "hash"} { lappend facts [field_deadlines $key] }
        }
    }
    ask SELECT 0
    return $facts
}

proc field_deadlines {key} {
    set facts {}
    foreach field [lsort [ask HKEYS $key]] { lappend facts $field [ask HPEXPIRETIME $key FIELDS 1 $field] }
    return $facts
}

# Without what follows the clock of whoever looks.
proc stream_facts {key} {
    set full [ask XINFO STREAM $key FULL COUNT 0]
    regsub -all {(seen-time|active-time|radix-tree-keys|radix-tree-nodes) -?\d+} $full {} full
    return $full
}

# Forgets all and reads the log: everything is as it was.
proc expect_reload_same {} {
    set was [state]
    expect OK { ask DEBUG LOADAOF }
    expect $was { state }
}

# ---- Commands of all families ----

proc run_all_families {} {
    set later [expr {[clock milliseconds] + 100000000}]
    foreach command [string map [list LATER $later] {
        {SET s v EX 1000} {SET s w KEEPTTL} {SET s x PX 100000 GET} {SETEX s2 1000 v} {PSETEX s3 100000 v}
        {SET s4 v EXAT 99999999999} {GETEX s4 PXAT LATER} {GETEX s4 EX 5000} {SET s5 1.5} {INCRBYFLOAT s5 0.1}
        {GETSET s5 2} {INCR s5} {SET s6 v} {GETDEL s6} {APPEND s7 abc} {SETRANGE s7 5 x} {SETBIT s7 99 1}
        {BITFIELD s7 INCRBY u8 3 200 OVERFLOW SAT INCRBY u8 3 200} {BITOP NOT s8 s7} {MSET a 1 b 2} {MSETNX c 3 d 4}
        {PFADD p a b c} {PFCOUNT p} {PFMERGE p2 p} {EXPIRE a 1000} {PEXPIREAT b LATER} {EXPIRE c -1} {COPY a a2}
        {COPY a a3 DB 1} {RENAME d d2} {MOVE d2 1} {PERSIST a}
        {RPUSH l 1 2 3 4 5 6 7 8 9 10 11 12} {LPOP l} {RPOP l 2} {LMPOP 2 none l LEFT COUNT 2} {BLPOP l 0}
        {LMOVE l l2 LEFT RIGHT} {BLMOVE l l2 RIGHT LEFT 0} {BRPOPLPUSH l l2 0} {LSET l2 0 x} {LINSERT l2 AFTER x y}
        {LREM l2 0 y} {SORT l2 ALPHA STORE l3} {BLMPOP 0 1 l3 RIGHT}
        {SADD t a b c d e f g h 1 2 3} {SADD t2 1 2 3 4 5 6 7 8} {SPOP t 4} {SPOP t2} {SPOP t2 3} {SMOVE t t2 a}
        {SUNIONSTORE t3 t t2} {SADD t4 x y} {SPOP t4 9}
        {HSET h a 1 b 2 c 3 d 4 e 5} {HINCRBY h a 5} {HINCRBYFLOAT h b 0.25}
        {ZADD z 1 a 2 b 3 c 4 d 5 e 6 f} {ZINCRBY z 0.1 a} {ZADD z INCR 0.2 b} {ZPOPMIN z} {BZPOPMAX z 0}
        {ZMPOP 1 z MIN COUNT 1} {ZRANGESTORE z2 z 0 -1} {ZUNIONSTORE z3 2 z z2 WEIGHTS 0.1 0.7}
        {GEOADD g 13.361389 38.115556 a 15.087269 37.502669 b} {GEOSEARCHSTORE g2 g FROMMEMBER a BYRADIUS 200 km STOREDIST}
        {XADD x * f v} {XADD x * f v} {XADD x * f v} {XADD x * f v g w} {XADD x * f v} {XADD x MAXLEN ~ 3 * f v}
        {XGROUP CREATE x g 0} {XGROUP CREATE x g2 $} {XREADGROUP GROUP g c COUNT 2 STREAMS x >}
        {XREADGROUP GROUP g c2 COUNT 1 NOACK STREAMS x >} {XREADGROUP GROUP g c STREAMS x 0} {XADD x 9999999999999-* f v}
        {XREADGROUP GROUP g c3 STREAMS x >} {XAUTOCLAIM x g c4 0 0 COUNT 1} {XTRIM x MAXLEN ~ 1} {XAUTOCLAIM x g c4 0 0}
        {XREADGROUP GROUP g2 c STREAMS x >} {XSETID x 99999999999999-0} {XGROUP CREATE x2 g $ MKSTREAM}
        {SWAPDB 0 1} {SWAPDB 1 0}
    }] { ask {*}$command }
    run_field_deadlines
    ask RESTORE restored 100000 [ask DUMP z]
    ask RESTORE restored 200000 [ask DUMP t] REPLACE
    ask FUNCTION LOAD REPLACE "#!lua name=lib\nredis.register_function('pop', function(k) return redis.call('SPOP', k\[1\]) end)"
    ask FCALL pop 1 t
    ask EVAL {redis.call('SPOP', 't') redis.call('SET', 'x1', 'y', 'EX', 100) return redis.call('XADD', 'x', '*', 'f', 'v')} 0
}

proc run_field_deadlines {} {
    ask HEXPIRE h 1000 FIELDS 2 a c
    ask HINCRBYFLOAT h a 0.5
    ask HSETEX h EX 500 FIELDS 1 k v
    ask HGETEX h PX 90000 FIELDS 1 e
    ask HPERSIST h FIELDS 1 c
    ask HGETDEL h FIELDS 1 d
}

test "commands of all families are read again as what they did" -tags baton-only {
    run_all_families
    expect_reload_same
    expect_reload_same
}

test "and so they are with a new base behind them, of either kind" -tags baton-only {
    foreach preamble {yes no} {
        with_config [list aof-use-rdb-preamble $preamble] {
            ask FLUSHALL
            run_all_families
            ask BGREWRITEAOF
            wait_for {[info_field aof_rewrite_in_progress persistence] == 0}
            expect_reload_same
            foreach key [ask KEYS *] { ask DEL $key }
            run_all_families
            expect_reload_same
        }
    }
}

test "keys and fields that went in time are gone, and those that came instead are there" -tags baton-only {
    ask SET k old PX 20
    ask HSET h f 1 g 1
    ask HPEXPIRE h 20 FIELDS 1 f
    ask SET never v PX 1
    wait_for {[ask EXISTS k never] == 0 && [ask HLEN h] == 1}
    ask APPEND k new
    ask HINCRBY h f 1
    expect_reload_same
    expect new { ask GET k }
    expect 1 { ask HGET h f }
}

test "who waits is served, and its command is told in its place" -tags baton-only {
    set one [client::dial]
    set two [client::dial]
    set told [told_by {
        client::send $one BLMOVE src dst LEFT RIGHT 0
        wait_for {[info_field blocked_clients clients] == 1}
        client::send $two BLPOP dst 0
        wait_for {[info_field blocked_clients clients] == 2}
        ask RPUSH src a
        ask SET after 1
        client::reply $one
        client::reply $two
    }]
    expect {{RPUSH src a} {LMOVE src dst LEFT RIGHT} {LPOP dst} {SET after 1}} { set told }
    expect_reload_same
}

# ---- Units ----

test "what a lasting script does stays one transaction, whatever others are answered meanwhile" -tags baton-only {
    set c [client::dial]
    set other [client::dial]
    set told [told_by {
        client::send $c EVAL {
            for i = 1, 5 do redis.call('INCR', 'n') end
            for i = 1, 30000000 do end
            for i = 1, 5 do redis.call('INCR', 'n') end
        } 0
        wait_for {[catch { $other GET n } answer] && [string match BUSY* $answer]}
        expect_error BUSY* { $other SET n none }
        expect OK { $other MULTI }
        client::reply $c 60000
    }]
    expect OK { $other DISCARD }
    expect MULTI { lindex $told 0 }
    expect {EXEC} { lindex $told end }
    expect 1 { llength [lsearch -all $told MULTI] }
    expect 12 { llength $told }
    expect_reload_same
}

test "an error ends a script, and what it did before stays" -tags baton-only {
    set told [told_by { expect_error *oh* { ask EVAL {redis.call('SET', 'a', 1) redis.call('SET', 'b', 2) error('oh')} 0 } }]
    expect {MULTI {SET a 1} {SET b 2} EXEC} { set told }
    expect_reload_same
}

test "a script that is refused memory before it wrote has done nothing" -tags baton-only {
    expect {} {
        told_by {
            with_config {maxmemory 1} {
                expect_error *OOM* { ask EVAL {redis.call('GET', 'a') redis.call('SET', 'k', 'v')} 0 }
            }
        }
    }
    expect_reload_same
}

test "keys that went for want of memory are gone" -tags baton-only {
    for {set i 0} {$i < 50} {incr i} { ask SET key:$i [string repeat x 1000] }
    with_config {maxmemory-policy allkeys-random maxmemory 1} {
        wait_for {[ask DBSIZE] == 0}
    }
    ask SET k v
    expect_reload_same
    expect 1 { ask DBSIZE }
}

test "databases that are flushed are told so, even empty ones" -tags baton-only {
    expect {FLUSHDB FLUSHDB FLUSHALL {FLUSHALL ASYNC}} {
        told_by { ask FLUSHDB; ask FLUSHDB; ask FLUSHALL; ask FLUSHALL ASYNC }
    }
    expect_reload_same
}

test "the log is switched off and on within a transaction" -tags baton-only {
    ask SET n 1
    ask MULTI
    ask INCR n
    ask CONFIG SET appendonly no
    ask INCR n
    ask CONFIG SET appendonly yes
    ask INCR n
    expect {2 OK 3 OK 4} { ask EXEC }
    wait_for {[info_field aof_rewrite_in_progress persistence] == 0 && [info_field aof_enabled persistence] == 1}
    wait_for {[info_field aof_rewrite_scheduled persistence] == 0}
    ask INCR n
    expect_reload_same
    expect 5 { ask GET n }
}

test "a rewrite that is asked for within a transaction does not tear it" -tags baton-only {
    ask SET n 1
    ask MULTI
    ask INCR n
    ask BGREWRITEAOF
    ask INCR n
    ask EXEC
    wait_for {[info_field aof_rewrite_in_progress persistence] == 0}
    wait_for {[info_field aof_rewrite_scheduled persistence] == 0}
    ask INCR n
    expect_reload_same
    expect 4 { ask GET n }
}

test "redis.set_repl() keeps from the log what it is told to" -tags baton-only {
    expect {{SET b 2}} {
        told_by {
            ask EVAL {redis.set_repl(redis.REPL_NONE) redis.call('SET', 'a', 1)
                      redis.set_repl(redis.REPL_AOF) redis.call('SET', 'b', 2)
                      redis.set_repl(redis.REPL_REPLICA) redis.call('SET', 'c', 3)} 0
        }
    }
    expect {{SET d 4}} { told_by { ask SET d 4 } }
}

# The base and what came after it hold keys that are due when they are read: they went in time, and
# what was done to them before does not make others of them.
test "what came due while nobody ran is gone when the server is back" -tags baton-only {
    set h [server::start -config {"appendonly yes" "appendfsync always"}]
    with_server $h {
        set due [expr {[clock milliseconds] + [scaled_ms 1500]}]
        ask SET k v PXAT $due
        ask HSET h f 1 g 1
        ask HPEXPIREAT h $due FIELDS 1 f
        ask BGREWRITEAOF
        wait_for {[info_field aof_rewrite_in_progress persistence] == 0}
        ask APPEND k x
        ask HINCRBY h f 1
        ask SET l v PXAT $due
        ask INCR l:count
        ask RPUSH list 1
        ask PEXPIREAT list $due
        ask LPUSH list 2
        expect 1 { expr {[clock milliseconds] < $due} }
    }
    server::end_is_expected $h
    keeper::signal [server::pid $h] KILL
    wait_for {![server::alive $h] && [clock milliseconds] > $due} 10000
    server::restart $h
    with_server $h {
        expect 0 { ask EXISTS k l list }
        expect {g 1} { ask HGETALL h }
        expect {h l:count} { lsort [ask KEYS *] }
    }
    server::stop $h
}
