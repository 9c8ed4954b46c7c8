# Directories with data move between redis-server and Baton: snapshots, and logs in all their forms,
# both ways, with the same DEBUG DIGEST.

source [file join $::support redis.tcl]
source [file join $::support dumps.tcl]

suite -server 0

proc fill {c} {
    foreach db {0 3} {
        client::ask $c SELECT $db
        dumps::make_all $c
        client::ask $c PEXPIREAT string_short 4102444800123
        client::ask $c MULTI
        client::ask $c SET in_exec 1
        client::ask $c RPUSH list_in_exec a b
        client::ask $c EXEC
        client::ask $c EVAL "redis.call('SET', KEYS\[1\], 1); redis.call('INCR', KEYS\[2\])" 2 a b
        client::ask $c SELECT 0
    }
    client::ask $c FUNCTION LOAD REPLACE "#!lua name=lib\nredis.register_function('f', function() return 7 end)"
}

# Runs redis-server on a directory, with a client of it in `redis`, and ends it as people do.
proc on_redis {dir options script} {
    upvar redis redis
    set port [server::free_port]
    file delete $dir/redis.out
    set pid [keeper::spawn $dir /dev/null $dir/redis.out $dir/redis.err [list {*}[redis_program] \
        --port $port --bind 127.0.0.1 --save "" --dir $dir --enable-debug-command yes {*}$options]]
    wait_for { [string match "*Ready to accept*" [slurp $dir/redis.out]] || ![keeper::running $pid] }
    if {![keeper::running $pid]} { fail "redis-server does not start: [slurp $dir/redis.out]" }
    set redis [client::dial -port $port -auth ""]
    uplevel 1 $script
    keeper::signal $pid TERM
    expect 0 { keeper::wait_exit $pid 10000 }
}

proc on_baton {dir options script} {
    set h [server::start -dir $dir -config [concat {"rdb-version 10"} $options]]
    with_server $h { uplevel 1 $script }
    expect {} { server::stop $h }
}

proc new_dir {} {
    set dir [file join $keeper::scratch interop[incr ::dirs]]
    file mkdir $dir
    return $dir
}

test "a snapshot of redis-server is there after a start, and goes back" -tags baton-only {
    set dir [new_dir]
    on_redis $dir {} { fill $redis; set want [client::ask $redis DEBUG DIGEST]; client::ask $redis SAVE }
    on_baton $dir {} {
        expect $want { ask DEBUG DIGEST }
        expect 7 { ask FCALL f 0 }
        expect 4102444800123 { ask PEXPIRETIME string_short }
        ask SET more 1
        set want [ask DEBUG DIGEST]
        ask SAVE
    }
    on_redis $dir {} {
        expect $want { client::ask $redis DEBUG DIGEST }
        expect 7 { client::ask $redis FCALL f 0 }
    }
}

proc move_log {preamble} {
    set dir [new_dir]
    set options [list --appendonly yes --aof-use-rdb-preamble $preamble]
    set lines [list "appendonly yes" "aof-use-rdb-preamble $preamble"]
    on_redis $dir $options {
        fill $redis
        client::ask $redis BGREWRITEAOF
        wait_for {[string match "*aof_rewrite_in_progress:0*" [client::ask $redis INFO persistence]]}
        fill $redis
        set want [client::ask $redis DEBUG DIGEST]
    }
    on_baton $dir $lines {
        expect $want { ask DEBUG DIGEST }
        expect 7 { ask FCALL f 0 }
        set c [client::dial]
        ask FLUSHALL
        fill $c
        ask BGREWRITEAOF
        wait_for {[info_field aof_rewrite_in_progress persistence] == 0}
        ask SELECT 5
        fill $c
        set want [ask DEBUG DIGEST]
    }
    on_redis $dir $options {
        expect $want { client::ask $redis DEBUG DIGEST }
        client::ask $redis SET last 1
        set want [client::ask $redis DEBUG DIGEST]
    }
    on_baton $dir $lines { expect $want { ask DEBUG DIGEST } }
}

test "a log with a preamble moves both ways" -tags baton-only { move_log yes }
test "a log of commands alone moves both ways" -tags baton-only { move_log no }

# Debian's redis-server writes no logs of one file any more: made of its parts.
test "a log of one file, with a snapshot before its commands, moves into the folder" -tags baton-only {
    set dir [new_dir]
    on_redis $dir {} { fill $redis; client::ask $redis SAVE }
    spit $dir/appendonly.aof "[slurp $dir/dump.rdb]*3\r\n\$3\r\nSET\r\n\$4\r\ntail\r\n\$1\r\n1\r\n"
    file delete $dir/dump.rdb
    on_baton $dir {"appendonly yes"} {
        expect 1 { ask GET tail }
        set want [ask DEBUG DIGEST]
        expect 0 { file exists $dir/appendonly.aof }
        expect 1 { file exists $dir/appendonlydir/appendonly.aof }
    }
    on_redis $dir {--appendonly yes} { expect $want { client::ask $redis DEBUG DIGEST } }
}
