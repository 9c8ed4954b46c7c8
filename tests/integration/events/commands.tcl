# What each command that writes tells of, and in which order: the events of redis-server 7.0 and 7.2.

suite -config {"notify-keyspace-events EA"}

source [file join $::support events.tcl]

# Each request, and the events that it leads to.
proc expect_events {table} {
    set listener [events::hear __keyevent@*]
    foreach {request wanted} $table {
        catch { ask {*}$request }
        set events [events::heard $listener]
        if {$events ne $wanted} { fail "$request: $events, not $wanted" }
    }
}

test "strings" {
    expect_events {
        {SET a 1} {set a}
        {SET a 2} {set a}
        {SET a 3 EX 100} {set a expire a}
        {SET a 3 KEEPTTL} {set a}
        {SET a x NX} {}
        {SET b x NX} {set b}
        {SET c x XX} {}
        {SET c x GET} {set c}
        {SETNX d 1} {set d}
        {SETNX d 1} {}
        {SETEX e 100 v} {set e expire e}
        {PSETEX e 10000 v} {set e expire e}
        {GETSET a z} {set a}
        {GETDEL nosuch} {}
        {GETDEL d} {del d}
        {GETEX a EX 100} {expire a}
        {GETEX a PERSIST} {persist a}
        {GETEX a PERSIST} {}
        {GETEX a} {}
        {GETEX a EXAT 1} {del a}
        {MSET a 1 b 2 a 3} {set a set b set a}
        {MSETNX a 1 z 2} {}
        {MSETNX y 1 z 2} {set y set z}
        {APPEND a x} {append a}
        {APPEND a ""} {append a}
        {SETRANGE a 3 ""} {}
        {SETRANGE a 3 ab} {setrange a}
        {SET n 1} {set n}
        {INCR n} {incrby n}
        {DECR n} {incrby n}
        {INCRBY n 0} {incrby n}
        {DECRBY n 5} {incrby n}
        {INCRBYFLOAT n 1.5} {incrbyfloat n}
        {INCR a} {}
    }
}

test "bitmaps and HyperLogLogs" {
    expect_events {
        {SETBIT bits 1 0} {setbit bits}
        {SETBIT bits 1 0} {}
        {SETBIT bits 1 1} {setbit bits}
        {BITOP AND to none none} {}
        {BITOP AND to bits} {set to}
        {BITOP NOT to bits} {set to}
        {BITOP AND to none none} {del to}
        {BITFIELD bf SET u8 0 1 SET u8 8 2} {setbit bf}
        {BITFIELD bf SET u8 0 1} {}
        {BITFIELD bf GET u8 0} {}
        {BITFIELD bf OVERFLOW FAIL INCRBY u2 0 3 INCRBY u2 0 3} {setbit bf}
        {PFADD hll a b c} {pfadd hll}
        {PFADD hll a b c} {}
        {PFADD other} {pfadd other}
        {PFCOUNT hll} {}
        {PFMERGE to hll other} {pfadd to}
        {PFMERGE to hll other} {pfadd to}
    }
}

test "keys" {
    expect_events {
        {MSET a 1 b 2 c 3} {set a set b set c}
        {DEL a b none a} {del a del b}
        {UNLINK c none} {del c}
        {MSET s 1 t 2} {set s set t}
        {RENAME s s} {}
        {RENAME s u} {rename_from s rename_to u}
        {RENAME t u} {rename_from t rename_to u}
        {RENAME none u} {}
        {SET v 1} {set v}
        {RENAMENX v u} {}
        {RENAMENX v w} {rename_from v rename_to w}
        {MOVE w 1} {move_from w 1:move_to w}
        {MOVE w 1} {}
        {COPY u x} {copy_to x}
        {COPY u x} {}
        {COPY u x REPLACE} {copy_to x}
        {COPY none x} {}
        {COPY u x DB 2} {2:copy_to x}
        {EXPIRE u 100} {expire u}
        {EXPIRE u 100 NX} {}
        {PEXPIRE u 100000} {expire u}
        {EXPIREAT u 99999999999} {expire u}
        {PERSIST u} {persist u}
        {PERSIST u} {}
        {EXPIRE u -1} {del u}
        {EXPIRE none 1} {}
        {SET u v} {set u}
        {PEXPIREAT u 1} {del u}
        {RPUSH list 3 1 2} {rpush list}
        {SORT list STORE to} {sortstore to}
        {SORT list LIMIT 5 5 STORE to} {del to}
        {SORT list LIMIT 5 5 STORE to} {}
        {SORT list} {}
        {SWAPDB 0 1} {}
        {FLUSHDB} {}
    }
}

test "lists" {
    expect_events {
        {LPUSH l a b} {lpush l}
        {RPUSH l a b c d e} {rpush l}
        {LPUSHX l a} {lpush l}
        {RPUSHX l a} {rpush l}
        {LPUSHX none a} {}
        {LPOP l} {lpop l}
        {RPOP l} {rpop l}
        {LPOP l 2} {lpop l}
        {LPOP l 0} {}
        {LPOP none} {}
        {LSET l 0 z} {lset l}
        {LSET none 0 z} {}
        {LINSERT l BEFORE z q} {linsert l}
        {LINSERT l BEFORE nothere q} {}
        {LREM l 0 q} {lrem l}
        {LREM l 0 nothere} {}
        {LTRIM l 0 -1} {ltrim l}
        {LTRIM l 0 0} {ltrim l}
        {LTRIM l 5 6} {ltrim l del l}
        {LTRIM none 0 1} {}
        {RPUSH l a} {rpush l}
        {LPOP l} {lpop l del l}
        {RPUSH l a b} {rpush l}
        {RPOP l 5} {rpop l del l}
        {RPUSH l a} {rpush l}
        {LREM l 0 a} {lrem l del l}
        {RPUSH l a b} {rpush l}
        {LMOVE l m LEFT RIGHT} {rpush m lpop l}
        {LMOVE l m RIGHT LEFT} {lpush m rpop l del l}
        {LMOVE m m LEFT RIGHT} {rpush m lpop m}
        {LMOVE none m LEFT RIGHT} {}
        {RPOPLPUSH m l} {lpush l rpop m}
        {RPOPLPUSH m l} {lpush l rpop m del m}
        {LMPOP 2 none l LEFT} {lpop l}
        {LMPOP 2 none l RIGHT COUNT 10} {rpop l del l}
        {LMPOP 1 none LEFT} {}
        {RPUSH l a b c} {rpush l}
        {BLPOP none l 1} {lpop l}
        {BRPOP l 1} {rpop l}
        {BLMPOP 1 1 l LEFT COUNT 1} {lpop l del l}
        {RPUSH l a} {rpush l}
        {BLMOVE l m LEFT RIGHT 1} {rpush m lpop l del l}
        {BRPOPLPUSH m l 1} {lpush l rpop m del m}
    }
}

test "sets" {
    expect_events {
        {SADD s a b c} {sadd s}
        {SADD s a} {}
        {SADD s a d} {sadd s}
        {SREM s x} {}
        {SREM s a x} {srem s}
        {SMOVE s t b} {srem s sadd t}
        {SMOVE s t nothere} {}
        {SMOVE s s c} {}
        {SADD s b} {sadd s}
        {SMOVE s t b} {srem s}
        {SMOVE s t c} {srem s sadd t}
        {SMOVE s t d} {srem s del s sadd t}
        {SADD u x y z} {sadd u}
        {SPOP u} {spop u}
        {SPOP u 0} {}
        {SPOP u 1} {spop u}
        {SPOP u} {spop u del u}
        {SADD u x y z} {sadd u}
        {SPOP u 10} {spop u del u}
        {SPOP u 2} {}
        {SADD u a b} {sadd u}
        {SADD v b c} {sadd v}
        {SINTERSTORE to u v} {sinterstore to}
        {SINTERSTORE to u v} {sinterstore to}
        {SINTERSTORE to u none} {del to}
        {SINTERSTORE to u none} {}
        {SUNIONSTORE to u v none} {sunionstore to}
        {SDIFFSTORE to u v} {sdiffstore to}
        {SDIFFSTORE to u u} {del to}
        {SINTERSTORE u u v} {sinterstore u}
        {SREM u b} {srem u del u}
    }
}

test "hashes" {
    expect_events {
        {HSET h a 1 b 2} {hset h}
        {HSET h a 1} {hset h}
        {HSETNX h a 1} {}
        {HSETNX h c 1} {hset h}
        {HMSET h d 1} {hset h}
        {HINCRBY h n 1} {hincrby h}
        {HINCRBY h d x} {}
        {HINCRBYFLOAT h f 1.5} {hincrbyfloat h}
        {HDEL h nothere} {}
        {HDEL h a nothere} {hdel h}
        {HDEL h b c d n f} {hdel h del h}
        {HDEL none n} {}
    }
}

test "sorted sets" {
    expect_events {
        {ZADD z 1 a 2 b} {zadd z}
        {ZADD z 1 a} {}
        {ZADD z 2 a} {zadd z}
        {ZADD z XX 1 nothere} {}
        {ZADD none XX 1 nothere} {}
        {ZADD z INCR 1 a} {zincr z}
        {ZADD z NX INCR 1 a} {}
        {ZINCRBY z 1 a} {zincr z}
        {ZINCRBY z 0 a} {}
        {ZREM z nothere} {}
        {ZREM z a nothere} {zrem z}
        {ZREM z b} {zrem z del z}
        {ZADD z 1 a 2 b 3 c 4 d 5 e 6 f} {zadd z}
        {ZREMRANGEBYRANK z 0 0} {zremrangebyrank z}
        {ZREMRANGEBYRANK z 100 200} {}
        {ZREMRANGEBYSCORE z 2 2} {zremrangebyscore z}
        {ZREMRANGEBYLEX z [c [c} {zremrangebylex z}
        {ZREMRANGEBYSCORE z -inf +inf} {zremrangebyscore z del z}
        {ZADD z 1 a 2 b 3 c 4 d 5 e 6 f} {zadd z}
        {ZPOPMIN z} {zpopmin z}
        {ZPOPMAX z} {zpopmax z}
        {ZPOPMIN z 0} {}
        {ZPOPMIN z 2} {zpopmin z}
        {ZPOPMAX z 10} {zpopmax z del z}
        {ZADD z 1 a 2 b 3 c 4 d 5 e 6 f} {zadd z}
        {ZMPOP 2 none z MIN} {zpopmin z}
        {ZMPOP 2 none z MAX COUNT 2} {zpopmax z}
        {BZPOPMIN none z 1} {zpopmin z}
        {BZPOPMAX z 1} {zpopmax z}
        {BZMPOP 1 1 z MIN} {zpopmin z del z}
        {ZADD z 1 a 2 b 3 c} {zadd z}
        {ZRANGESTORE to z 0 -1} {zrangestore to}
        {ZRANGESTORE to z 10 20} {del to}
        {ZRANGESTORE to z 10 20} {}
        {ZUNIONSTORE to 2 z none} {zunionstore to}
        {ZINTERSTORE to 2 z none} {del to}
        {ZINTERSTORE to 2 z z} {zinterstore to}
        {ZDIFFSTORE to 2 z none} {zdiffstore to}
        {ZDIFFSTORE to 2 z z} {del to}
        {GEOADD g 1 1 a} {zadd g}
        {GEOADD g 1 1 a} {}
        {GEOADD g XX 1 2 b} {}
        {GEOADD g CH 1 2 a} {zadd g}
        {GEOSEARCHSTORE to g FROMLONLAT 1 1 BYRADIUS 500 km} {geosearchstore to}
        {GEOSEARCHSTORE to g FROMLONLAT 50 1 BYRADIUS 5 km} {del to}
        {GEORADIUS g 1 1 500 km STORE to} {georadiusstore to}
        {GEORADIUSBYMEMBER g a 500 km STOREDIST to} {georadiusstore to}
        {GEORADIUS g 50 1 5 km STORE to} {del to}
    }
}

test "streams" {
    expect_events {
        {XADD x 1-1 a b} {xadd x}
        {XADD x 1-1 a b} {}
        {XADD x NOMKSTREAM 2-1 a b} {xadd x}
        {XADD none NOMKSTREAM 2-1 a b} {}
        {XADD x MAXLEN 1 3-1 a b} {xadd x xtrim x}
        {XADD x MAXLEN 10 4-1 a b} {xadd x}
        {XTRIM x MAXLEN 100} {}
        {XTRIM x MAXLEN 1} {xtrim x}
        {XDEL x 9-9} {}
        {XDEL x 4-1} {xdel x}
        {XSETID x 9-9} {xsetid x}
        {XGROUP CREATE x g $} {xgroup-create x}
        {XGROUP CREATE x g $} {}
        {XGROUP CREATE made g $ MKSTREAM} {xgroup-create made}
        {XGROUP SETID x g 0} {xgroup-setid x}
        {XGROUP CREATECONSUMER x g c} {xgroup-createconsumer x}
        {XGROUP CREATECONSUMER x g c} {}
        {XGROUP DELCONSUMER x g c} {xgroup-delconsumer x}
        {XADD x 10-1 a b} {xadd x}
        {XREADGROUP GROUP g c1 COUNT 1 STREAMS x >} {xgroup-createconsumer x}
        {XREADGROUP GROUP g c1 STREAMS x 0} {}
        {XCLAIM x g c2 0 10-1} {xgroup-createconsumer x}
        {XAUTOCLAIM x g c3 0 0} {xgroup-createconsumer x}
        {XACK x g 10-1} {}
        {XGROUP DESTROY x g} {xgroup-destroy x}
        {XGROUP DESTROY x g} {}
    }
}
