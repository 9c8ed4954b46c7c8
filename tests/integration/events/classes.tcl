# Which keyspace notifications are published, where, and what causes them beside commands.

suite

source [file join $::support events.tcl]

# Runs a script with these classes; gives what a listener to `pattern` heard.
proc heard_with {classes pattern script} {
    set listener [events::hear $pattern]
    with_config [list notify-keyspace-events $classes] {
        uplevel 1 $script
        return [events::heard $listener]
    }
}

test "by default nothing is published" {
    expect {notify-keyspace-events {}} { ask CONFIG GET notify-keyspace-events }
    expect {} { heard_with "" * { ask SET k v } }
    expect {} { heard_with A * { ask SET k v } }
    expect {} { heard_with KE * { ask SET k v } }
}

test "by the key's name, by the event's name, or both" {
    expect {k set} { heard_with K$ __key* { ask SET k v } }
    expect {set k} { heard_with E$ __key* { ask SET k v } }
    expect {k set set k} { heard_with KE$ __key* { ask SET k v } }
    expect {k set k expire} { heard_with KEA __keyspace@0__:k { ask SETEX k 100 v } }
}

test "each class has its events" {
    foreach {class wanted} {
        g {del s expire k} "\$" {set k} l {rpush l} s {sadd t} h {hset h} z {zadd z} t {xadd x}
        A {set k rpush l sadd t del s hset h zadd z xadd x expire k}
        gz {del s zadd z expire k}
        n {new k new l new t new h new z new x}
        m {keymiss none}
        d {}
    } {
        ask FLUSHALL
        ask SADD s m
        expect $wanted {
            heard_with E$class __keyevent@* {
                ask SET k v
                ask RPUSH l v
                ask SADD t v
                ask DEL s
                ask HSET h f v
                ask ZADD z 1 m
                ask XADD x 1 f v
                ask EXPIRE k 100
                ask GET none
                ask DEL none
            }
        }
    }
}

test "new: a key is there that was not" {
    expect {new a set a set a new b rename_from a rename_to b new c copy_to c new b copy_to b new s sadd s new l sortstore l sortstore l} {
        heard_with EAn __keyevent@* {
            ask SET a 1
            ask SET a 2
            ask RENAME a b
            ask COPY b c
            ask COPY c b REPLACE
            ask SADD s 1
            ask SORT s STORE l
            ask SORT s STORE l
        }
    }
}

test "RESTORE" {
    ask SET k v
    set payload [ask DUMP k]
    expect {new r restore r new r restore r new t restore t del r} {
        heard_with EAn __keyevent@* {
            ask RESTORE r 0 $payload
            ask RESTORE r 100000 $payload REPLACE
            catch { ask RESTORE r 0 $payload }
            ask RESTORE t 0 $payload
            ask RESTORE r 1 $payload REPLACE ABSTTL
            ask RESTORE none 1 $payload ABSTTL
        }
    }
}

test "keymiss: what only reads and finds nothing" {
    ask SADD k m
    foreach {request missed} {
        {GET none} none {STRLEN none} none {TTL none} none {TYPE none} none {DUMP none} none {EXISTS none} none
        {LRANGE none 0 -1} none {HGET none f} none {ZSCORE none m} none {XLEN none} none {SINTER k none} none
        {SET none v GET} none {GETEX none2} none2 {OBJECT ENCODING none2} {} {SET none2 v} {} {DEL none3} {}
        {LPOP none3} {} {INCR n} {} {HINCRBY h f 1} {}
    } {
        set wanted [expr {$missed eq "" ? {} : [list keymiss $missed]}]
        if {[set got [heard_with Em __keyevent@* { catch { ask {*}$request } }]] ne $wanted} {
            fail "$request: $got, not $wanted"
        }
    }
    expect {keymiss a keymiss c} { heard_with Em __keyevent@* { ask SET b v; ask MGET a b c } }
}

test "expired: by the clock, and by a command that finds it" {
    set listener [events::hear __keyevent@*]
    with_config {notify-keyspace-events Ex} {
        ask SET k v PX 1
        wait_for {[ask DBSIZE] == 0}
        expect {expired k} { events::heard $listener }
        ask DEBUG SET-ACTIVE-EXPIRE 0
        ask SET k v PX 1
        wait_for {[ask EXISTS k] == 0}
        ask DEBUG SET-ACTIVE-EXPIRE 1
        expect {expired k} { events::heard $listener }
    }
}

test "evicted" {
    set listener [events::hear __keyevent@*]
    ask SET k [string repeat v 100000]
    with_config {notify-keyspace-events EA maxmemory 1 maxmemory-policy allkeys-lru} {
        catch { ask PING }
        catch { ask SET other v }
        ask CONFIG SET maxmemory 0
        expect_match "evicted k*" { events::heard $listener }
    }
}

test "another database has channels of its own" {
    expect {3:set k} {
        heard_with E$ __keyevent@* { ask SELECT 3; ask SET k v; ask SELECT 0 }
    }
    expect {} { heard_with E$ __keyevent@1__:* { ask SET k v } }
}

test "a client that is woken takes what was pushed before the next command" {
    set c [waiting BLPOP l 0]
    wait_for_blocked 1
    expect {rpush l lpop l del l set k} {
        heard_with EA __keyevent@* { ask RPUSH l v; ask SET k v }
    }
    expect {l v} { client::reply $c }
}

test "a transaction is told of when it runs" {
    set c [client::dial]
    set listener [events::hear __keyevent@*]
    with_config {notify-keyspace-events EA} {
        client::ask $c MULTI
        client::ask $c SET a 1
        client::ask $c LPUSH b 1
        client::ask $c RENAME a c
        expect {} { events::heard $listener }
        client::ask $c EXEC
        expect {set a lpush b rename_from a rename_to c} { events::heard $listener }
        client::ask $c MULTI
        client::ask $c SET a 1
        client::ask $c DISCARD
        expect {} { events::heard $listener }
    }
}

test "who hears its own transaction gets the answer whole" -tags baton-only {
    set c [client::dial -resp 3]
    with_config {notify-keyspace-events E$} {
        client::send $c SUBSCRIBE __keyevent@0__:set
        client::push $c
        client::ask $c MULTI
        client::ask $c SET a 1
        client::ask $c SET b 2
        expect {OK OK} { client::ask $c EXEC }
        expect {a b} { list [lindex [client::push $c] end] [lindex [client::push $c] end] }
    }
}

test "deadlines of fields" -tags baton-only {
    set listener [events::hear __keyevent@*]
    with_config {notify-keyspace-events EA} {
        foreach {request wanted} {
            {HSET h a 1 b 2 c 3} {hset h}
            {HEXPIRE h 100 FIELDS 1 a} {hexpire h}
            {HEXPIRE h 100 NX FIELDS 1 a} {}
            {HEXPIRE h 100 FIELDS 1 none} {}
            {HPERSIST h FIELDS 1 a} {hpersist h}
            {HPERSIST h FIELDS 1 a} {}
            {HPEXPIREAT h 1 FIELDS 1 a} {hdel h}
            {HGETEX h EX 100 FIELDS 1 b} {hexpire h}
            {HGETEX h FIELDS 1 b} {}
            {HGETEX h PERSIST FIELDS 2 b none} {hpersist h}
            {HSETEX h EX 100 FIELDS 1 d 4} {hset h hexpire h}
            {HSETEX h FIELDS 1 d 4} {hset h}
            {HGETDEL h FIELDS 2 b c} {hdel h}
            {HGETDEL h FIELDS 1 d} {hdel h del h}
            {HSET h a 1} {hset h}
            {HEXPIRE h 0 FIELDS 1 a} {hdel h del h}
        } {
            ask {*}$request
            if {[set got [events::heard $listener]] ne $wanted} { fail "$request: $got, not $wanted" }
        }
    }
}

test "fields that expire" -tags baton-only {
    set listener [events::hear __keyevent@*]
    with_config {notify-keyspace-events Ehgx} {
        ask HSET h a 1 b 2
        ask HPEXPIRE h 1 FIELDS 1 a
        wait_for {[ask HLEN h] == 1}
        expect {hset h hexpire h hexpired h} { events::heard $listener }
        ask HPEXPIRE h 1 FIELDS 1 b
        wait_for {[ask EXISTS h] == 0}
        expect {hexpire h hexpired h del h} { events::heard $listener }
    }
}
