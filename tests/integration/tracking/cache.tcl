# A client that keeps what it has read until it is told of a change, among random writes of others
# and of its own: what it keeps is never stale.

suite

# %k a key, %n a small number, %v a value, %m a member, %t milliseconds. That a consumer asked shows
# in a dump, but is no change of its stream: none asks here.
set writes {
    {SET %k %v} {SET %k %v PX %t} {SET %k %n KEEPTTL} {SET %k %v XX GET} {SETEX %k 100 %v} {SETNX %k %v}
    {GETSET %k %v} {GETDEL %k} {GETEX %k PX %t} {GETEX %k PERSIST} {APPEND %k %v} {SETRANGE %k %n %v}
    {INCR %k} {DECRBY %k %n} {INCRBYFLOAT %k 1.5} {MSET %k %v %k %v} {MSETNX %k %v %k %v}
    {SETBIT %k %n 1} {BITFIELD %k SET u8 %n 7} {BITOP XOR %k %k %k} {PFADD %k %m} {PFMERGE %k %k %k}
    {DEL %k} {DEL %k %k %k} {UNLINK %k} {RENAME %k %k} {RENAMENX %k %k} {COPY %k %k REPLACE}
    {COPY %k %k DB 1 REPLACE} {MOVE %k 1} {PEXPIRE %k %t} {PEXPIREAT %k 1} {PERSIST %k} {EXPIRE %k 100 NX}
    {RPUSH %k %m %m} {LPUSH %k %m} {RPUSHX %k %m} {LPOP %k} {RPOP %k 2} {LSET %k 0 %v} {LTRIM %k 0 2}
    {LREM %k 0 %m} {LINSERT %k BEFORE %m %v} {LMOVE %k %k LEFT RIGHT} {RPOPLPUSH %k %k}
    {LMPOP 2 %k %k LEFT} {BLPOP %k %k 0.001} {BLMOVE %k %k LEFT LEFT 0.001} {SORT %k ALPHA STORE %k}
    {SADD %k %m %m} {SREM %k %m} {SPOP %k} {SMOVE %k %k %m} {SUNIONSTORE %k %k %k} {SINTERSTORE %k %k %k}
    {SDIFFSTORE %k %k %k} {HSET %k %m %v} {HSETNX %k %m %v} {HDEL %k %m} {HINCRBY %k %m %n}
    {HINCRBYFLOAT %k %m 0.5} {HPEXPIRE %k %t FIELDS 1 %m} {HPERSIST %k FIELDS 1 %m} {HGETDEL %k FIELDS 1 %m}
    {HGETEX %k PX %t FIELDS 1 %m} {HSETEX %k PX %t FIELDS 1 %m %v}
    {ZADD %k %n %m} {ZADD %k GT CH %n %m} {ZINCRBY %k %n %m} {ZREM %k %m} {ZPOPMIN %k} {ZPOPMAX %k 2}
    {ZMPOP 2 %k %k MIN} {BZPOPMIN %k 0.001} {ZREMRANGEBYRANK %k 0 0} {ZREMRANGEBYSCORE %k 0 %n}
    {ZREMRANGEBYLEX %k - [%m} {ZUNIONSTORE %k 2 %k %k} {ZINTERSTORE %k 2 %k %k} {ZDIFFSTORE %k 2 %k %k}
    {ZRANGESTORE %k %k 0 1} {GEOADD %k %n %n %m} {GEOSEARCHSTORE %k %k FROMLONLAT 1 1 BYRADIUS 9999 km}
    {XADD %k * f %v} {XADD %k MAXLEN 3 * f %v} {XDEL %k 1-1} {XTRIM %k MAXLEN 1} {XSETID %k 9999999999999-1}
    {XGROUP CREATE %k g 0 MKSTREAM} {XGROUP CREATECONSUMER %k g c} {XGROUP DESTROY %k g}
    {XGROUP SETID %k g $} {FLUSHDB} {SWAPDB 0 1}
}
foreach write $writes {
    if {[lindex $write 0] ni {FLUSHDB SWAPDB}} { lappend common $write }
}
set keys {}
for {set i 0} {$i < 12} {incr i} { lappend keys key:$i }

proc one_of {list} { return [lindex $list [random_int [llength $list]]] }

# Now and then one that empties databases.
proc some_write {} {
    set from [expr {[random_int 100] == 0 ? $::testfile::writes : $::testfile::common}]
    return [lmap word [one_of $from] {
        switch -glob -- $word {
            %k { one_of $::testfile::keys }
            %n { random_int 8 }
            %v { one_of {1 2 hello 12.5 ""} }
            *%m { string map [list %m [one_of {a b c d}]] $word }
            %t { expr {1 + [random_int 30]} }
            default { set word }
        }
    }]
}

# All there is to know of the keys, as one client sees them.
proc read_all {c names} {
    set requests {}
    foreach name $names { lappend requests [list DUMP $name] [list PEXPIRETIME $name] }
    return [client::pipeline $c $requests]
}

proc note_pushes {c} {
    upvar 1 cache cache
    foreach push [client::pushes $c] {
        if {[lindex $push 0] ne "invalidate"} { fail "told $push" }
        if {[lindex $push 1] eq "(nil)"} { set cache [dict create]; continue }
        foreach key [lindex $push 1] { dict unset cache $key }
    }
}

# `options` of CLIENT TRACKING; how many `rounds`; `own`: the client writes itself, too
# (1), or keys are evicted (evict).
proc keep_cache {options rounds own} {
    set reader [client::dial -resp 3]
    set told $reader
    if {"REDIRECT" in $options} {
        set told [client::dial -resp 3]
        set options [string map [list %id [$told CLIENT ID]] $options]
    }
    $reader CLIENT TRACKING ON {*}$options
    set writer [client::dial]
    set judge [client::dial]
    set cache [dict create]
    set kept 0
    for {set i 0} {$i < $rounds} {incr i} {
        # Some keys that are not cached are read.
        set names [lmap key [list [one_of $::testfile::keys] [one_of $::testfile::keys]] {
            if {[dict exists $cache $key]} continue
            set key }]
        if {[llength $names] && "OPTIN" in $options} {
            $reader CLIENT CACHING YES
            $reader MULTI
            read_all $reader $names
            set values [$reader EXEC]
        } elseif {[llength $names]} {
            set values [read_all $reader $names]
        } else {
            set values {}
        }
        foreach key $names {dump at} $values { dict set cache $key [list $dump $at] }

        set requests {}
        for {set j [random_int 4]} {$j >= 0} {incr j -1} { lappend requests [some_write] }
        if {[random_int 4] == 0} { set requests [list MULTI {*}$requests EXEC] }
        if {$own eq "evict" && [random_int 10] == 0} {
            set used [info_field used_memory]
            set requests [list [list CONFIG SET maxmemory [expr {$used - 300}]] PING \
                {CONFIG SET maxmemory 0}]
        }
        if {$own eq "1" && [random_int 2]} {
            note_pushes $told
            client::pipeline $reader $requests
            if {"NOLOOP" in $options} {
                foreach request $requests {
                    foreach word $request { if {$word in $::testfile::keys} { dict unset cache $word } }
                }
            }
        } else {
            client::pipeline $writer $requests
        }
        set truth {}
        foreach key $::testfile::keys {dump at} [read_all $judge $::testfile::keys] {
            dict set truth $key [list $dump $at]
        }
        $reader PING
        note_pushes $told
        dict for {key value} $cache {
            incr kept
            if {$value eq [dict get $truth $key]} continue
            fail "round $i: $key is stale after [join $requests {, }]:\n \
                [printable $value]\n  [printable [dict get $truth $key]]"
        }
    }
    # It was no empty cache that was looked at.
    expect_true [list $kept > $rounds]
    client::hangup $reader
}

test "a cache of what was read" {
    expr {srand([clock microseconds])}
    keep_cache {} [by_load 200 2000 50000] 0
}

test "with writes of its own" {
    keep_cache {} [by_load 200 2000 50000] 1
    keep_cache {NOLOOP} [by_load 200 2000 50000] 1
}

test "only what is opted in" {
    keep_cache {OPTIN} [by_load 100 1000 20000] 1
}

test "told by prefixes" {
    keep_cache {BCAST PREFIX key:1 PREFIX key:0 PREFIX key:2 PREFIX key:3 PREFIX key:4 PREFIX key:5
        PREFIX key:6 PREFIX key:7 PREFIX key:8 PREFIX key:9} [by_load 200 2000 50000] 1
    keep_cache {BCAST NOLOOP} [by_load 100 1000 20000] 1
}

test "another connection is told" {
    keep_cache {REDIRECT %id} [by_load 100 1000 20000] 1
}

test "with a small table, and keys that are evicted" -tags baton-only {
    with_config {tracking-table-max-keys 3 maxmemory-policy allkeys-random} {
        keep_cache {} [by_load 100 1000 20000] 1
        set before [info_field evicted_keys]
        keep_cache {} [by_load 100 1000 20000] evict
        expect_true [list [info_field evicted_keys] > $before]
    }
}
