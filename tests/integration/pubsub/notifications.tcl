# Keyspace notifications: what is published on which channel. What each command tells is a matter of
# the commands' own tests.

suite

proc listen {{classes KEA}} {
    ask CONFIG SET notify-keyspace-events $classes
    set c [client::dial]
    client::send $c PSUBSCRIBE __key*
    client::reply $c
    return $c
}

# Channels and messages since the last call, by a marker that comes behind them.
proc heard {c} {
    set all {}
    ask PUBLISH __key:end ""
    while {[lindex [set message [client::reply $c]] 2] ne "__key:end"} { lappend all [lrange $message 2 3] }
    return $all
}

test "by key and by event" {
    set c [listen]
    ask SET k v
    expect {{__keyspace@0__:k set} {__keyevent@0__:set k}} { heard $c }
    ask CONFIG SET notify-keyspace-events KA
    ask SET k v
    expect {{__keyspace@0__:k set}} { heard $c }
    ask CONFIG SET notify-keyspace-events EA
    ask SET k v
    expect {{__keyevent@0__:set k}} { heard $c }
    ask CONFIG SET notify-keyspace-events A
    ask SET k v
    expect {} { heard $c }
    ask CONFIG SET notify-keyspace-events KE
    ask SET k v
    expect {} { heard $c }
}

test "classes choose" {
    set c [listen "E$"]
    ask SET s v
    ask RPUSH l a
    ask DEL s
    expect {{__keyevent@0__:set s}} { heard $c }
    ask CONFIG SET notify-keyspace-events Eg
    ask SET s v
    ask DEL s
    expect {{__keyevent@0__:del s}} { heard $c }
}

test "the database's number, odd names and long ones" {
    set c [listen]
    set d [client::dial -db 11]
    $d SET "" v
    $d SET "a\r\nb" v
    expect [list "__keyspace@11__: set" {__keyevent@11__:set {}} [list "__keyspace@11__:a\r\nb" set] \
        [list __keyevent@11__:set "a\r\nb"]] { lmap m [heard $c] { lindex $m 0; set m } }
    set long [string repeat x 100000]
    $d SET $long v
    expect [list [list __keyspace@11__:$long set] [list __keyevent@11__:set $long]] { heard $c }
}

test "channels may be subscribed to by name" {
    ask CONFIG SET notify-keyspace-events KEA
    set c [client::dial -resp 3]
    client::send $c SUBSCRIBE __keyspace@0__:mine
    expect {subscribe __keyspace@0__:mine 1} { client::push $c }
    $c SET mine 1
    $c SET other 1
    $c INCR mine
    expect {{message __keyspace@0__:mine set} {message __keyspace@0__:mine incrby}} { client::pushes $c }
}

test "within a transaction: in its order, behind it" {
    set c [listen E$]
    ask MULTI
    ask SET a 1
    ask INCR a
    ask EXEC
    expect {{__keyevent@0__:set a} {__keyevent@0__:incrby a}} { heard $c }
}

test "expired and evicted keys" {
    set c [listen Exe]
    ask SET k v PX 1
    expect {pmessage __key* __keyevent@0__:expired k} { client::reply $c }
    ask CONFIG SET maxmemory-policy allkeys-lru
    ask SET k v
    with_config {maxmemory 1} {
        expect {pmessage __key* __keyevent@0__:evicted k} { client::reply $c }
    }
    ask CONFIG SET maxmemory-policy noeviction
}

test "nobody who listens costs nothing to be right" {
    ask CONFIG SET notify-keyspace-events KEA
    expect OK { ask SET k v }
    set c [listen]
    client::hangup $c
    wait_for {[ask PUBSUB NUMPAT] == 0}
    expect OK { ask SET k v }
}
