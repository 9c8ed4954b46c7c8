# A snapshot is of one instant, however much is written while it is made, and redis-server reads it.

source [file join $::support redis.tcl]

suite -config {"save ''" "enable-debug-command yes"}

proc accounts {} { return [by_load 300 1000 4000] }
proc ledger {} { return [by_load 3000 20000 100000] }

proc dump {} { return [server::dir]/dump.rdb }
proc bgsave_is_on {} { return [info_field rdb_bgsave_in_progress persistence] }

# Money in accounts, counters with a version each, a chain of keys one of which is there, and values
# that are written in steps.
proc found {c} {
    set requests [list [list SET transfers 0] [list SET chain:0 link]]
    for {set i 0} {$i < [accounts]} {incr i} {
        lappend requests [list SET account:$i 100] [list HSET version:$i at 0 padding $i]
    }
    for {set i 0} {$i < [ledger]} {incr i} {
        lappend requests [list RPUSH ledger entry-$i] [list ZADD ranks $i member-$i] \
            [list SADD names name-$i] [list HSET fields field-$i $i] [list XADD events * n $i]
    }
    lappend requests {XGROUP CREATE events readers 0}
    for {set i 0} {$i < [llength $requests]} {incr i 1000} {
        client::pipeline $c [lrange $requests $i [expr {$i + 999}]]
    }
}

# One transfer, with all that belongs to it.
proc transfer {n} {
    set from [expr {$n * 7919 % [accounts]}]
    set to [expr {($n * 104729 + 1) % [accounts]}]
    set next [expr {$n + 1}]
    return [list MULTI [list DECRBY account:$from 3] [list INCRBY account:$to 3] \
        [list INCR transfers] [list HSET version:$from at $next] [list RPUSH ledger transfer-$n] \
        [list ZADD ranks $n transfer-$n] [list SADD names transfer-$n] \
        [list HSET fields transfer-$n $n] [list XADD events * n $n] \
        {XREADGROUP GROUP readers me COUNT 1 STREAMS events >} \
        [list RENAME chain:$n chain:$next] EXEC]
}

# Transfers from number `n` on until the save is over, which begins between two of them; gives how
# many there were at its instant and at its end.
proc transfer_while_saving {c n} {
    set end [expr {$n + 5}]
    while {$n < $end} { client::pipeline $c [transfer $n]; incr n }
    set at $n
    client::ask $c BGSAVE
    while {[bgsave_is_on]} {
        set requests {}
        for {set i 0} {$i < 10} {incr i} { lappend requests {*}[transfer $n]; incr n }
        client::pipeline $c $requests
    }
    expect_true {$n > $at}
    return [list $at $n]
}

# What `c` has is what was there after so many transfers.
proc expect_state {c transfers} {
    set sum 0
    set names {}
    for {set i 0} {$i < [accounts]} {incr i} { lappend names account:$i }
    foreach money [client::ask $c MGET {*}$names] { incr sum $money }
    expect [expr {100 * [accounts]}] { set sum }
    expect $transfers { client::ask $c GET transfers }
    for {set i 0} {$i < [accounts]} {incr i} {
        expect_true {[client::ask $c HGET version:$i at] <= $transfers}
    }
    expect [list chain:$transfers] { client::ask $c KEYS chain:* }
    set count [expr {[ledger] + $transfers}]
    expect $count { client::ask $c LLEN ledger }
    expect $count { client::ask $c ZCARD ranks }
    expect $count { client::ask $c SCARD names }
    expect $count { client::ask $c HLEN fields }
    expect $count { client::ask $c XLEN events }
    expect $transfers { lindex [client::ask $c XPENDING events readers] 0 }
    if {$transfers > 0} {
        set last transfer-[expr {$transfers - 1}]
        expect $last { client::ask $c LINDEX ledger -1 }
        expect 1 { client::ask $c SISMEMBER names $last }
    }
}

test "what redis-server and this server read is of one instant" -tags baton-only {
    set c [client::dial]
    found $c
    set n 0
    ask CONFIG SET rdb-key-save-delay 200 rdb-version 10
    foreach round {1 2 3} {
        lassign [transfer_while_saving $c $n] at n
        expect ok { info_field rdb_last_bgsave_status persistence }
        expect_true {[info_field snapshot_keys_saved_by_writes persistence] > 0}
        file mkdir $keeper::scratch/redis
        file copy -force [dump] $keeper::scratch/redis/dump.rdb
        with_redis { expect_state $redis $at }
    }
    ask CONFIG SET rdb-key-save-delay 0 rdb-version 11
    expect OK { ask DEBUG RELOAD NOSAVE }
    expect_state $c $at
}

test "long strings are compressed, and redis-server reads them" -tags baton-only {
    set c [client::dial]
    # 300 kB to 20 MB, some of it in pieces; the last is more than is compressed.
    foreach {name count} {a 30000 b 100000 c 1000000 d 2000000} {
        client::ask $c SET $name [string repeat "text-of-$name " $count]
    }
    client::ask $c SETRANGE a 400000 end
    ask CONFIG SET rdb-version 10
    client::ask $c BGSAVE
    ask CONFIG SET rdb-version 11
    client::ask $c APPEND c changed
    wait_for {![bgsave_is_on]} 30000
    set size [file size [dump]]
    expect_true {$size > 20000000 && $size < 20500000}
    file mkdir $keeper::scratch/redis
    file copy -force [dump] $keeper::scratch/redis/dump.rdb
    with_redis {
        client::ask $redis APPEND c changed
        expect [client::ask $c DEBUG DIGEST] { client::ask $redis DEBUG DIGEST }
    }
    expect OK { ask DEBUG RELOAD NOSAVE }
    client::ask $c APPEND c changed
    expect 10000007 { ask STRLEN c }
}

test "writers of a large value wait until it is written, and nobody else" -tags baton-only {
    set c [client::dial]
    found $c
    wait_for {
        ![bgsave_is_on] && [client::ask $c BGSAVE] ne "" && [client::pipeline $c {{RPUSH ledger x} {ZADD ranks 1 x}
            {SADD names x} {HSET fields x 1} {XADD events * n 1} {PING}}] ne "" &&
        [info_field snapshot_held_commands persistence] > 0
    }
    wait_for {![bgsave_is_on]}
    expect ok { info_field rdb_last_bgsave_status persistence }
}

test "databases that are flushed and swapped are in the file as they were" -tags baton-only {
    set c [client::dial]
    foreach db {0 1 2} {
        client::ask $c SELECT $db
        for {set i 0} {$i < 200} {incr i} { client::ask $c SET key:$i of-$db }
    }
    client::ask $c RPUSH list {*}[lrepeat 2000 item]
    ask CONFIG SET rdb-key-save-delay 1000
    set digest [ask DEBUG DIGEST]
    ask BGSAVE
    client::ask $c FLUSHDB
    ask SWAPDB 0 1
    client::ask $c SELECT 1
    client::ask $c FLUSHDB ASYNC
    for {set i 0} {$i < 200} {incr i} { client::ask $c SET key:$i new }
    expect 1 { bgsave_is_on }
    wait_for {![bgsave_is_on]}
    ask CONFIG SET rdb-key-save-delay 0
    expect OK { ask DEBUG RELOAD NOSAVE }
    expect $digest { ask DEBUG DIGEST }
    ask FLUSHALL
}

test "the delay of a key makes a save last" -tags baton-only {
    foreach {keys delay_ms} {3 200 100 5} {
        ask FLUSHALL
        for {set i 0} {$i < $keys} {incr i} { ask SET key:$i $i }
        ask CONFIG SET rdb-key-save-delay [expr {1000 * $delay_ms}]
        set began [clock milliseconds]
        ask BGSAVE
        wait_for {![bgsave_is_on]}
        expect_true {[clock milliseconds] - $began >= $keys * $delay_ms}
    }
    ask CONFIG SET rdb-key-save-delay -1000
    expect OK { ask SAVE }
    ask CONFIG SET rdb-key-save-delay 0
}
