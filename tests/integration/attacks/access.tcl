# What users with few rights may try, and users that end while they are at work (X1 to X4 of the
# project's list of attacks).

suite

proc as {args} {
    ask ACL SETUSER u reset on nopass {*}$args
    set c [client::dial]
    $c AUTH u x
    return $c
}
proc still_well {} {
    set nonce nonce-[random_int 1000000000]
    expect $nonce { [client::dial] ECHO $nonce }
}
proc forbidden {c args} {
    catch { client::ask $c {*}$args } why
    if {![string match "*permissions*" $why] && ![string match "NOPERM*" $why] && $why ne "ERR syntax error"} {
        fail "$args gave $why"
    }
}

test "X1: SORT reads no other keys" -needs sort {
    ask RPUSH a 1
    ask SET secret_1 x
    set c [as +@all ~a* &*]
    forbidden $c SORT_RO a BY secret_* GET secret_*
    forbidden $c SORT_RO a GET secret_*
    forbidden $c SORT a BY secret_*->f
    forbidden $c SORT a GET # GET secret_*
    forbidden $c SORT a BY nosort GET secret_*
    forbidden $c SORT a BY nosort STORE secret_1
    expect x { ask GET secret_1 }
}

test "X2: every occurrence of a key is checked" -tags baton-only {
    ask GEOADD ok 1 1 place
    ask GEOADD secret 1 1 hidden
    ask SET secret2 x
    set c [as +@all ~ok* ~STORE* ~BY* ~LIMIT* &*]
    foreach request {
        {GEORADIUS ok 1 1 9 m STORE ok2 STORE secret2}
        {GEORADIUS ok 1 1 9 m STORE ok2 STOREDIST secret2}
        {GEORADIUS ok 1 1 9 m STOREDIST ok2 STORE secret2}
        {GEORADIUS secret 1 1 9 m STOREDIST STORE}
        {GEORADIUS secret 1 1 9 m STORE STOREDIST}
        {GEORADIUSBYMEMBER secret hidden 9 m STOREDIST STORE}
        {SORT ok BY store STORE secret2} {SORT ok STORE ok2 STORE secret2} {SORT ok LIMIT STORE 1 STORE secret2}
        {COPY ok secret2 DB 0 DB 1} {COPY secret ok DB 1} {RENAME ok secret2} {RENAMENX secret ok3}
        {MGET ok secret ok} {MSET ok 1 secret2 2} {DEL ok3 secret2} {BITOP AND ok3 ok secret2}
        {ZUNIONSTORE ok2 2 ok secret} {ZUNIONSTORE secret2 1 ok} {ZINTERCARD 2 ok secret}
        {LMPOP 2 ok secret LEFT} {BLMPOP 1 2 ok secret LEFT} {BLPOP ok secret2 1}
        {XREAD COUNT 1 STREAMS ok secret 0 0} {XREADGROUP GROUP STREAMS x STREAMS secret 0}
        {XREADGROUP GROUP g STREAMS COUNT 1 STREAMS secret 0}
        {OBJECT ENCODING secret} {MEMORY USAGE secret} {XINFO STREAM secret} {PFDEBUG ENCODING secret}
        {GETEX secret2 PERSIST} {SINTERCARD 2 ok secret LIMIT 1} {SMOVE ok secret2 a}
        {GEOSEARCHSTORE secret2 ok FROMLONLAT 1 1 BYRADIUS 9 m ASC} {GEOSEARCHSTORE ok2 secret FROMLONLAT 1 1 BYRADIUS 9 m}
        {LMOVE ok secret2 LEFT LEFT} {RPOPLPUSH secret ok2} {LCS ok secret2} {PFMERGE ok2 ok secret}
        {ZRANGESTORE secret2 ok 0 -1} {ZDIFF 2 ok secret} {ZRANGESTORE ok2 secret 0 -1} {TOUCH ok secret}
        {EXISTS ok secret} {RESTORE secret2 0 x REPLACE} {DUMP secret} {WATCH ok secret}
    } {
        forbidden $c {*}$request
    }
    expect x { ask GET secret2 }
    expect hidden { ask ZRANGE secret 0 -1 }
    expect {ok secret secret2} { lsort [ask KEYS *] }
}

test "X2: keys that cannot be made out do not hide the others" -tags baton-only {
    ask SADD secret a
    set c [as +@all ~ok* &*]
    foreach request {
        {ZUNIONSTORE secret 9 ok} {ZUNIONSTORE secret x ok} {ZUNIONSTORE secret -1 ok}
        {ZINTERSTORE secret 99999999999 ok}
    } {
        forbidden $c {*}$request
    }
    foreach request {{ZUNION 9 secret} {ZUNION x secret} {SINTERCARD -1 secret} {LMPOP 5 secret LEFT}} {
        expect_error "ERR *" { $c {*}$request }
    }
}

test "X2: commands without keys that act on all of them need to be allowed as such" {
    set c [as +@read +@keyspace -@dangerous ~ok]
    foreach request {{FLUSHALL} {FLUSHDB} {KEYS *} {SWAPDB 0 1}} { forbidden $c {*}$request }
}

test "X4: users that end while blocked, in a transaction, subscribed, in the midst of a pipeline" -tags baton-only {
    foreach ending {
        {ACL DELUSER u} {CLIENT KILL USER u}
    } {
        set sessions {}
        for {set i 0} {$i < 5} {incr i} {
            set c [as +@all ~* &*]
            client::send $c BLPOP nothing 0
            lappend sessions $c
            set c [as +@all ~* &*]
            $c WATCH k
            $c MULTI
            $c SET k v
        }
        for {set i 0} {$i < 5} {incr i} {
            set c [as +@all ~* &*]
            client::send $c SUBSCRIBE a b c
            client::typed $c
            lappend sessions $c
            set c [as +@all ~* &*]
            client::write $c [string repeat [client::encode INCR n] 10000]
            lappend sessions $c
        }
        wait_for_blocked 5
        ask {*}$ending
        foreach c $sessions { expect_true {[string length [client::until_eof $c]] >= 0} }
        ask RPUSH nothing x
        ask PUBLISH a x
        ask DEL nothing
        still_well
        wait_for {[info_field connected_clients clients] < 5}
    }
}

test "X4: sessions end themselves, their user, and their rules" -tags baton-only {
    foreach request {
        {ACL DELUSER u} {CLIENT KILL USER u SKIPME no} {ACL SETUSER u reset} {ACL SETUSER u -acl}
        {ACL SETUSER u resetchannels}
    } {
        set c [as +@all ~* &*]
        client::write $c [client::encode SET before 1][client::encode {*}$request][string repeat \
            [client::encode INCR after] 100]
        client::until_quiet $c 50
        client::hangup $c
        still_well
    }
    set c [as +@all ~* &*]
    client::write $c [client::encode MULTI][client::encode ACL DELUSER u][client::encode ACL SETUSER u on \
        nopass][client::encode AUTH u x][client::encode SET k v][client::encode EXEC]
    client::until_eof $c
    still_well
}

test "X4: ACL LOAD under load" -tags baton-only {
    set dir [file join $keeper::scratch aclload]
    file mkdir $dir
    spit $dir/users.acl "user u on nopass +@all ~* &*\nuser v on nopass +@read\n"
    set h [server::start -dir $dir -config {"aclfile users.acl"}]
    with_server $h {
        for {set round 0} {$round < [by_load 5 20 200]} {incr round} {
            set c [client::dial]
            $c AUTH u x
            client::write $c [string repeat [client::encode INCR n] 1000]
            set d [client::dial]
            $d AUTH v x
            client::send $d BLPOP l 0
            set e [client::dial]
            $e AUTH u x
            client::write $e [client::encode MULTI][client::encode ACL LOAD][client::encode INCR n][client::encode EXEC]
            expect OK { ask ACL LOAD }
            foreach gone [list $c $d $e] { client::until_eof $gone; client::hangup $gone }
        }
        expect {default u v} { ask ACL USERS }
        expect PONG { ask PING }
    }
}

test "a user made of a thousand selectors and patterns is still quick" -tags baton-only {
    set rules {}
    for {set i 0} {$i < 1000} {incr i} { lappend rules ~prefix$i:* (~sel$i:*\ +get) }
    set c [as +@all {*}$rules]
    set took [time { for {set i 0} {$i < 200} {incr i} { forbidden $c GET other } } 1]
    expect_true {[lindex $took 0] < 1000 * [scaled_ms 2000]}
    expect OK { $c SET prefix999:x 1 }
}
