# CLIENT TRACKING without BCAST: what a client has read, and when it is told that it changed.

suite

test "who has read a key is told of its change, once" {
    set c [client::dial -resp 3]
    ask MSET a 1 b 1
    $c CLIENT TRACKING ON
    $c GET a
    ask SET b 2
    ask SET a 2
    ask SET a 3
    expect {{invalidate a}} { client::pushes $c }
    $c GET a
    ask SET a 4
    expect {{invalidate a}} { client::pushes $c }
}

test "the message is a push of RESP3 with an array of keys" {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON
    $c GET k
    ask SET k 1
    expect {push {{bulk invalidate} {array {{bulk k}}}}} { client::value $c [client::deadline] }
}

test "keys of every kind of change" {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON
    foreach {set_up read change keys} {
        {SET k 1} {GET k} {DEL k} k
        {SET k 1} {GET k} {UNLINK k} k
        {SET k 1} {GET k} {EXPIRE k 100} k
        {SET k 1} {STRLEN k} {APPEND k x} k
        {SET k 1} {GET k} {GETDEL k} k
        {SET k 1} {GET k} {SETBIT k 1 1} k
        {SET k 1} {MGET k l} {RENAME k l} {k l}
        {SET k 1} {MGET k l} {COPY k l} l
        {SET k 1} {GET k} {MOVE k 1} k
        {RPUSH k a} {LRANGE k 0 -1} {LPOP k} k
        {RPUSH k a} {EXISTS k l} {LMOVE k l LEFT LEFT} {k l}
        {SADD k a} {SMEMBERS k} {SREM k a} k
        {SADD k a b} {SCARD l} {SDIFFSTORE l k nothing} l
        {HSET k f 1} {HGETALL k} {HINCRBY k f 1} k
        {ZADD k 1 a} {ZRANGE k 0 -1} {ZADD k 2 a} k
        {ZADD k 1 a} {ZCARD k} {ZPOPMIN k} k
        {XADD k 1-1 f v} {XRANGE k - +} {XADD k 2-1 f v} k
        {RPUSH k 2 1} {LLEN l} {SORT k STORE l} l
        {PFADD k a} {PFCOUNT k} {PFADD k b} k
        {SET k 1} {GET k} {MSETNX l 1 k 2} {}
        PING {GET key:0} {DEBUG POPULATE 1} key:0
    } {
        ask FLUSHALL
        ask {*}$set_up
        client::pushes $c
        $c {*}$read
        ask {*}$change
        set told [lsort [lmap push [client::pushes $c] { lindex $push 1 }]]
        if {$keys ne $told} { fail "$read, $change: told of $told" }
    }
}

test "groups of a stream" -tags baton-only {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON
    ask XADD k 1-1 f v
    foreach change {{XGROUP CREATE k g 0} {XREADGROUP GROUP g a STREAMS k >} {XACK k g 1-1}} {
        $c XINFO STREAM k FULL
        ask {*}$change
        expect {{invalidate k}} { client::pushes $c }
    }
}

test "a command that writes does not track what it answers" {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON
    $c SET k 1 GET
    $c INCR k
    $c GETSET k 1
    ask SET k 2
    expect {} { client::pushes $c }
}

test "all keys of a command, whatever database they are of" {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON
    set keys {}
    for {set i 0} {$i < 100} {incr i} { lappend keys k$i }
    $c MGET {*}$keys
    expect 100 { info_field tracking_total_keys }
    foreach key $keys { ask SET $key 1 }
    expect [lmap key $keys { list invalidate $key }] { client::pushes $c }
    expect 0 { info_field tracking_total_keys }
    $c SUNION a b
    set other [client::dial -db 3]
    $other SET b 1
    expect {{invalidate b}} { client::pushes $c }
}

test "names are bytes, and may be empty or long" {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON
    foreach key [list "" "a\0b" "\r\n" [string repeat x 100000]] {
        $c GET $key
        ask SET $key 1
        expect [list [list invalidate [list $key]]] { client::pushes $c }
    }
}

test "what a client changes itself it is told after the answer" {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON
    $c GET k
    client::send $c SET k 1
    expect {status OK} { client::value $c [client::deadline] }
    expect {invalidate k} { client::push $c }
    $c MGET k l
    client::send $c MSET k 1 l 1
    expect {status OK} { client::value $c [client::deadline] }
    expect {{invalidate k} {invalidate l}} { client::pushes $c }
}

test "NOLOOP leaves that out" {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON NOLOOP
    $c MGET k l
    $c SET k 1
    ask SET l 1
    expect {{invalidate l}} { client::pushes $c }
    # What it changed it has to read again to be told.
    ask SET k 2
    expect {} { client::pushes $c }
    $c GET k
    ask SET k 3
    expect {{invalidate k}} { client::pushes $c }
}

test "a transaction is answered before its messages" {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON
    $c GET a
    $c MULTI
    $c INCR a
    $c GET b
    $c INCR b
    $c GET b
    client::send $c EXEC
    expect {array {{int 1} {null {}} {int 1} {bulk 1}}} { client::value $c [client::deadline] }
    expect {{invalidate a} {invalidate b}} { client::pushes $c }
    # The last read of the transaction is remembered.
    ask SET b 2
    expect {{invalidate b}} { client::pushes $c }
}

test "what is only queued is not read" {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON
    $c MULTI
    $c GET a
    ask SET a 1
    $c DISCARD
    expect {} { client::pushes $c }
    expect 0 { info_field tracking_total_keys }
}

test "a command that waits tracks when it has read" -tags baton-only {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON
    client::send $c XREAD BLOCK 0 STREAMS s $
    wait_for_blocked 1
    expect 0 { info_field tracking_total_keys }
    ask XADD s 1-1 f v
    client::reply $c
    expect 1 { info_field tracking_total_keys }
    ask XADD s 2-1 f v
    expect {{invalidate s}} { client::pushes $c }
}

test "who is woken is answered before it is told of its own change" {
    set c [client::dial -resp 3]
    ask RPUSH to a
    $c CLIENT TRACKING ON
    $c LRANGE to 0 -1
    client::send $c BLMOVE from to LEFT LEFT 0
    wait_for_blocked 1
    ask RPUSH from foo
    expect {bulk foo} { client::value $c [client::deadline] }
    expect {invalidate to} { client::push $c }
}

# Has a client read a key that expires soon, but not yet; gives when.
proc read_while_there {c key} {
    while 1 {
        ask SET $key 1 PX 30
        set due [ask PEXPIRETIME $key]
        if {[$c GET $key] eq 1} { return $due }
        client::pushes $c
    }
}

test "a key that expires is told, by itself or when somebody looks" {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON
    read_while_there $c k
    expect {invalidate k} { client::push $c }
    ask DEBUG SET-ACTIVE-EXPIRE 0
    try {
        read_while_there $c k
        wait_for {[ask EXISTS k] == 0}
        expect {{invalidate k}} { client::pushes $c }
        # The one who looks, too, behind its answer; then it has read that there is nothing.
        ask SET x 1
        set due [read_while_there $c y]
        wait_for {[clock milliseconds] > $due}
        client::send $c MGET x y
        expect {array {{bulk 1} {null {}}}} { client::value $c [client::deadline] }
        expect {{invalidate y}} { client::pushes $c }
        ask SET y 1
        expect {{invalidate y}} { client::pushes $c }
    } finally {
        ask DEBUG SET-ACTIVE-EXPIRE 1
    }
}

test "fields of a hash that expire" -tags baton-only {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON
    set seen {}
    while {"f" ni $seen} {
        client::pushes $c
        ask HSET h f 1 g 1
        ask HPEXPIRE h 30 FIELDS 1 f
        set seen [$c HGETALL h]
    }
    expect {invalidate h} { client::push $c }
    expect {g 1} { $c HGETALL h }
}

test "a key that is evicted is told" {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON
    ask SETEX k 10000 x
    $c GET k
    with_config {maxmemory 1 maxmemory-policy volatile-random} {
        wait_for {[llength [client::pushes $c]] == 1}
        expect 0 { ask EXISTS k }
    }
}

test "FLUSHALL, FLUSHDB and SWAPDB: every key at once" -tags baton-only {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON NOLOOP
    set b [client::dial -resp 3]
    $b CLIENT TRACKING ON BCAST PREFIX x
    set off [client::dial -resp 3]
    foreach request {FLUSHALL FLUSHDB {FLUSHALL ASYNC} {FLUSHDB ASYNC} {SWAPDB 0 1}} {
        $c MGET a b
        expect 2 { info_field tracking_total_keys }
        ask {*}$request
        expect 0 { info_field tracking_total_keys }
        expect 0 { info_field tracking_total_items }
        expect {{invalidate (nil)}} { client::pushes $c }
        expect {{invalidate (nil)}} { client::pushes $b }
    }
    expect {} { client::pushes $off }
    client::send $c FLUSHALL
    expect {status OK} { client::value $c [client::deadline] }
    expect {push {{bulk invalidate} {null {}}}} { client::value $c [client::deadline] }
}

test "OPTIN: what is read right after CLIENT CACHING YES" {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON OPTIN
    $c GET a
    $c CLIENT CACHING YES
    $c GET b
    $c GET d
    ask MSET a 1 b 1 d 1
    expect {{invalidate b}} { client::pushes $c }
    # A transaction is one command.
    $c CLIENT CACHING YES
    $c MULTI
    $c GET a
    $c GET b
    $c EXEC
    $c GET d
    ask MSET a 1 b 1 d 1
    expect {{invalidate a} {invalidate b}} { client::pushes $c }
    # Within one, from there to its end.
    $c MULTI
    $c GET a
    $c CLIENT CACHING YES
    $c GET b
    $c GET d
    $c EXEC
    ask MSET a 1 b 1 d 1
    expect {{invalidate b} {invalidate d}} { client::pushes $c }
    # CLIENT commands do not use it up; any other does, refused ones too.
    $c CLIENT CACHING YES
    $c CLIENT ID
    $c CLIENT TRACKINGINFO
    $c GET a
    foreach request {PING {GET} NOSUCH {SET k v}} {
        $c CLIENT CACHING YES
        catch { $c {*}$request }
        $c GET b
    }
    ask MSET a 1 b 1
    expect {{invalidate a}} { client::pushes $c }
}

test "OPTOUT: all but what is read right after CLIENT CACHING NO" {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON OPTOUT
    $c GET a
    $c CLIENT CACHING NO
    $c GET b
    $c GET d
    ask MSET a 1 b 1 d 1
    expect {{invalidate a} {invalidate d}} { client::pushes $c }
    $c CLIENT CACHING NO
    $c MULTI
    $c GET a
    $c EXEC
    ask SET a 2
    expect {} { client::pushes $c }
}

test "RESP2 without REDIRECT is told nothing, until it speaks RESP3" {
    set c [client::dial]
    $c CLIENT TRACKING ON
    $c GET a
    ask SET a 1
    expect {} { client::pushes $c }
    $c GET b
    client::hello3 $c
    ask SET b 1
    expect {{invalidate b}} { client::pushes $c }
}

test "off means silence" {
    set c [client::dial -resp 3]
    foreach off {{CLIENT TRACKING OFF} RESET} {
        $c CLIENT TRACKING ON
        $c GET a
        $c {*}$off
        client::hello3 $c
        ask SET a 1
        expect {} { client::pushes $c }
    }
    expect 0 { info_field tracking_clients }
}

test "CLIENT REPLY OFF does not silence messages" {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON
    $c GET k
    client::send $c CLIENT REPLY OFF
    client::send $c GET k
    wait_for {[info_field tracking_total_keys] == 1}
    ask SET k 1
    expect {invalidate k} { client::push $c }
    expect OK { $c CLIENT REPLY ON }
}

test "scripts: what their commands read, for the client that sent them" -tags baton-only -needs eval {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON
    $c EVAL {return redis.call('set', KEYS[1], 1)} 2 a b
    ask MSET a 2 b 2
    expect {} { client::pushes $c }
    $c EVAL {return redis.call('get', KEYS[1])} 2 a b
    $c EVAL_RO {return redis.call('strlen', KEYS[1])} 2 d b
    $c EVAL_RO {return 1} 1 b
    ask MSET a 3 b 3 d 3
    expect {{invalidate a} {invalidate d}} { client::pushes $c }
    # What a script of its own changes is told behind the script's answer.
    $c GET a
    client::send $c EVAL {redis.call('incr', KEYS[1]); return redis.call('get', KEYS[2])} 2 a b
    expect {bulk 3} { client::value $c [client::deadline] }
    expect {{invalidate a}} { client::pushes $c }
    $c CLIENT TRACKING ON NOLOOP
    $c GET a
    $c EVAL {return redis.call('incr', KEYS[1])} 1 a
    expect {} { client::pushes $c }
}
