# DEBUG DIGEST, RELOAD and LOADAOF: what goes to the disk comes back, and a redis-server beside reads
# the same data out of our files, as we do out of its own.

source [file join $::support redis.tcl]
source [file join $::support dumps.tcl]

suite -config {"enable-protected-configs yes" "rdb-version 10"}

# A key of every type and form, some with a deadline, in two databases, by the same requests.
proc fill {c} {
    foreach db {0 3} {
        client::ask $c SELECT $db
        dumps::make_all $c
        client::ask $c PEXPIREAT string_short 4102444800123
        client::ask $c PEXPIREAT zset_large 4102444800124
        client::ask $c SELECT 0
    }
}

# Copies the snapshot of one server over that of another, which loads it.
proc hand_over {from from_dir to to_dir} {
    client::ask $from SAVE
    file copy -force $from_dir/dump.rdb $to_dir/dump.rdb
    client::ask $to FLUSHALL
    expect OK { client::ask $to DEBUG RELOAD NOSAVE }
}

test "DEBUG DIGEST and DIGEST-VALUE are those of redis-server" -tags baton-only {
    set c [client::dial]
    with_redis {
        fill $c
        fill $redis
        foreach key [lsort [$c KEYS *]] {
            expect [client::ask $redis DEBUG DIGEST-VALUE $key] { $c DEBUG DIGEST-VALUE $key }
        }
        expect [client::ask $redis DEBUG DIGEST] { $c DEBUG DIGEST }
        client::ask $redis FLUSHALL
        $c FLUSHALL
        expect [client::ask $redis DEBUG DIGEST] { $c DEBUG DIGEST }
    }
}

test "a snapshot goes to redis-server and comes back, the same" -tags baton-only {
    set c [client::dial]
    with_redis {
        fill $c
        set want [$c DEBUG DIGEST]
        hand_over $c [server::dir] $redis $keeper::scratch/redis
        expect $want { client::ask $redis DEBUG DIGEST }
        expect 4102444800124 { client::ask $redis PEXPIRETIME zset_large }
        hand_over $redis $keeper::scratch/redis $c [server::dir]
        expect $want { $c DEBUG DIGEST }
        expect 4102444800124 { ask PEXPIRETIME zset_large }
    }
}

test "DEBUG RELOAD brings back what there was, in every version" -tags baton-only {
    set c [client::dial]
    fill $c
    ask HSET fields a 1 b 2
    ask HPEXPIREAT fields 4102444800000 FIELDS 1 a
    ask FUNCTION LOAD "#!lua name=lib\nredis.register_function('f', function() return 7 end)"
    set want [ask DEBUG DIGEST]
    foreach settings {{rdb-version 10} {rdb-version 11} {rdb-version 12} {rdbcompression no}} {
        with_config $settings {
            expect OK { ask DEBUG RELOAD }
            expect $want { ask DEBUG DIGEST }
            expect 4102444800000 { ask HPEXPIRETIME fields FIELDS 1 a }
            expect 7 { ask FCALL f 0 }
            expect 0 { info_field rdb_changes_since_last_save persistence }
        }
    }
    ask FUNCTION FLUSH
}

test "DEBUG RELOAD with NOSAVE, NOFLUSH and MERGE" {
    ask MSET a 1 b 2
    ask SAVE
    ask MSET b 3 c 4
    expect OK { ask DEBUG RELOAD NOSAVE }
    expect {1 2 (nil)} { ask MGET a b c }
    ask MSET b 3 c 4
    expect OK { ask DEBUG RELOAD NOSAVE NOFLUSH MERGE }
    expect {1 2 4} { ask MGET a b c }
    expect_error "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options." { ask DEBUG RELOAD NO }
}

test "a broken file is refused" -tags baton-only {
    ask SET k v
    ask SAVE
    spit [server::dir]/dump.rdb "REDIS0011[string repeat x 40]"
    expect_error "ERR Error trying to load the RDB dump, check server logs." { ask DEBUG RELOAD NOSAVE }
    expect PONG { ask PING }
}

test "DEBUG LOADAOF brings back what there was, with and without a preamble" -tags baton-only {
    set c [client::dial]
    foreach preamble {yes no} {
        with_config [list appendonly yes aof-use-rdb-preamble $preamble] {
            wait_for {[info_field aof_rewrite_in_progress persistence] == 0}
            ask FLUSHALL
            fill $c
            set want [ask DEBUG DIGEST]
            expect OK { ask DEBUG LOADAOF }
            expect $want { ask DEBUG DIGEST }
            ask BGREWRITEAOF
            wait_for {[info_field aof_rewrite_in_progress persistence] == 0}
            expect OK { ask DEBUG LOADAOF }
            expect $want { ask DEBUG DIGEST }
        }
    }
}

test "a save under way while LOADAOF replaces the data does not upset what is counted" -tags baton-only {
    with_config {appendonly yes save ""} {
        wait_for {[info_field aof_rewrite_in_progress persistence] == 0}
        ask SAVE
        ask MSET a 1 b 2 c 3
        ask CONFIG SET rdb-key-save-delay 300000
        ask BGSAVE
        expect OK { ask DEBUG LOADAOF }
        expect 0 { info_field rdb_changes_since_last_save persistence }
        ask CONFIG SET rdb-key-save-delay 0
        wait_for {[info_field rdb_bgsave_in_progress persistence] == 0}
        expect 0 { info_field rdb_changes_since_last_save persistence }
    }
}
