# Folders of the log move between Baton and redis-server, both ways.

source [file join $::support journal.tcl]
source [file join $::support dumps.tcl]
source [file join $::support redis.tcl]

suite -server no

# A little of everything that redis-server 7.0 knows, before the rewrite and after it.
proc fill {c} {
    set n 0
    foreach case $dumps::cases {
        if {[string match "*hpexpire*" [string tolower $case]]} continue
        dumps::make $c $case
        $c RENAME k k[incr n]
        if {$n % 3 == 0} { $c PEXPIRE k$n 100000000 }
        if {$n % 5 == 0} { $c MOVE k$n 1 }
    }
    $c XADD s 1-1 f v
    $c XADD s 2-1 f v
    $c XADD s 3-1 f v
    $c XGROUP CREATE s g 0
    $c XREADGROUP GROUP g me COUNT 2 STREAMS s >
    $c XDEL s 3-1
    $c XGROUP CREATE empty g $ MKSTREAM
    $c FUNCTION LOAD "#!lua name=lib\nredis.register_function('f', function() return 7 end)"
}

proc facts {c} {
    return [list [$c DEBUG DIGEST] [$c XPENDING s g] [$c XINFO STREAM s FULL] [$c FCALL f 0] \
        [$c XINFO GROUPS empty]]
}

# Without what each server says in its own way, or after its own clock.
proc comparable {facts} {
    regsub -all { ?(seen-time|active-time|inactive|radix-tree-keys|radix-tree-nodes) -?\d+} $facts {} facts
    return $facts
}

proc rewritten {c} {
    $c BGREWRITEAOF
    wait_for {
        [string match "*aof_rewrite_in_progress:0*aof_rewrite_scheduled:0*aof_last_bgrewrite_status:ok*" \
            [$c INFO persistence]]
    } 10000
}

foreach {preamble kind} {yes rdb no aof} {
    test "a log of ours is read by redis-server: $kind" [string map [list %P $preamble] {
        redis_program
        file delete -force [redis_dir]/appendonlydir
        set h [server::start -config {"appendonly yes" "aof-use-rdb-preamble %P" "rdb-version 10"}]
        set c [client::dial -server $h]
        fill $c
        $c XDEL s 1-1
        rewritten $c
        $c SET after 1
        $c SPOP k20
        set was [comparable [facts $c]]
        client::hangup $c
        expect {} { server::stop $h }
        file mkdir [redis_dir]
        file copy [journal::dir $h] [redis_dir]/appendonlydir
        with_redis {
            wait_for {![catch { $redis DEBUG DIGEST }]}
            expect $was { comparable [facts $redis] }
        } {--appendonly yes}
        file delete -force [redis_dir]/appendonlydir
    }]

    test "a log of redis-server's is read here: $kind" [string map [list %P $preamble] {
        redis_program
        file delete -force [redis_dir]/appendonlydir
        with_redis {
            fill $redis
            rewritten $redis
            $redis SET after 1
            set was [comparable [facts $redis]]
        } {--appendonly yes --appendfsync always --aof-use-rdb-preamble %P}
        set dir [file join $keeper::scratch taken%P]
        file mkdir $dir
        file copy [redis_dir]/appendonlydir $dir/appendonlydir
        file delete -force [redis_dir]/appendonlydir
        set h [server::start -dir $dir -config {"appendonly yes"}]
        set c [client::dial -server $h]
        expect $was { comparable [facts $c] }
        rewritten $c
        expect $was { comparable [facts $c] }
    }]
}
