# MIGRATE between two servers: this one and another of its kind, and to and from redis-server.

source [file join $::support dumps.tcl]
source [file join $::support events.tcl]
source [file join $::support redis.tcl]
dumps::load $::support

suite

# A second server, and a client of it in `there`.
proc with_another {args} {
    upvar there there port port
    set script [lindex $args end]
    set h [server::start {*}[lrange $args 0 end-1]]
    set port [server::port $h]
    set there [client::dial -port $port -auth [server::auth $h]]
    try {
        uplevel 1 $script
    } finally {
        client::hangup $there
        server::stop $h
    }
}

test "a key moves" {
    with_another {
        ask SET k "some value"
        expect OK { ask MIGRATE 127.0.0.1 $port k 9 5000 }
        expect 0 { ask EXISTS k }
        client::ask $there SELECT 9
        expect "some value" { client::ask $there GET k }
        expect -1 { client::ask $there TTL k }
        expect NOKEY { ask MIGRATE 127.0.0.1 $port k 9 5000 }
    }
}

test "COPY leaves it, REPLACE replaces" {
    with_another {
        ask SET k new
        client::ask $there SET k old
        expect_error "ERR Target instance replied with error: BUSYKEY*" {
            ask MIGRATE 127.0.0.1 $port k 0 5000
        }
        expect new { ask GET k }
        expect OK { ask MIGRATE 127.0.0.1 $port k 0 5000 COPY REPLACE }
        expect new { client::ask $there GET k }
        expect new { ask GET k }
        expect OK { ask MIGRATE 127.0.0.1 $port k 0 5000 replace }
        expect 0 { ask EXISTS k }
    }
}

test "deadlines go along" {
    with_another {
        ask SET k v PX 100000
        expect OK { ask MIGRATE 127.0.0.1 $port k 0 5000 }
        set left [client::ask $there PTTL k]
        expect_true { $left > 90000 && $left <= 100000 }
    }
}

test "many keys in one go: those that are there" {
    with_another {
        ask MSET a 1 b 2 c 3
        expect NOKEY { ask MIGRATE 127.0.0.1 $port "" 0 5000 KEYS x y }
        expect OK { ask MIGRATE 127.0.0.1 $port "" 0 5000 KEYS x a y b c a }
        expect 0 { ask DBSIZE }
        expect {1 2 3} { client::ask $there MGET a b c }
    }
}

test "what the target did not take stays, what it took is gone" {
    with_another {
        ask MSET a 1 b 2 c 3 d 4
        client::ask $there MSET b here d here
        expect_error "ERR Target instance replied with error: BUSYKEY*" {
            ask MIGRATE 127.0.0.1 $port "" 0 5000 KEYS a b c d
        }
        expect {(nil) 2 (nil) 4} { ask MGET a b c d }
        expect {1 here 3 here} { client::ask $there MGET a b c d }
    }
}

test "passwords" {
    with_another -auth secret {
        ask SET k v
        expect_error "ERR Target instance replied with error: NOAUTH*" {
            ask MIGRATE 127.0.0.1 $port k 0 5000
        }
        expect_error "ERR Target instance replied with error: WRONGPASS*" {
            ask MIGRATE 127.0.0.1 $port k 0 5000 AUTH wrong
        }
        expect 1 { ask EXISTS k }
        expect OK { ask MIGRATE 127.0.0.1 $port k 0 5000 AUTH secret }
        client::ask $there ACL SETUSER mover on >pw ~* +@all
        ask SET k2 v
        expect_error "ERR Target instance replied with error: WRONGPASS*" {
            ask MIGRATE 127.0.0.1 $port k2 0 5000 AUTH2 mover secret
        }
        expect OK { ask MIGRATE 127.0.0.1 $port "" 0 5000 AUTH2 mover pw KEYS k2 }
        expect {v v} { client::ask $there MGET k k2 }
    }
}

test "a target without memory takes nothing" {
    with_another -config {"maxmemory 1" "maxmemory-policy noeviction"} {
        ask SET k v
        expect_error "ERR Target instance replied with error: OOM*" {
            ask MIGRATE 127.0.0.1 $port k 0 5000
        }
        expect v { ask GET k }
    }
}

test "a database that the target lacks" {
    with_another -config {"databases 2"} {
        ask SET k v
        expect_error "ERR Target instance replied with error: ERR DB index is out of range" {
            ask MIGRATE 127.0.0.1 $port k 2 5000
        }
        expect v { ask GET k }
        expect 0 { client::ask $there DBSIZE } ;# nothing went to another one
    }
}

test "connections are kept for ten seconds" -tags {slow once} {
    with_another {
        wait_for { [info_field migrate_cached_sockets] == 0 } 15000 100 ;# of the tests before
        ask MSET a 1 b 2
        set before [client::ask $there INFO stats]
        expect OK { ask MIGRATE 127.0.0.1 $port a 0 5000 }
        expect 1 { info_field migrate_cached_sockets }
        expect OK { ask MIGRATE 127.0.0.1 $port b 0 5000 }
        regexp {total_connections_received:(\d+)} $before -> from
        regexp {total_connections_received:(\d+)} [client::ask $there INFO stats] -> to
        expect [expr {$from + 1}] { set to }
        wait_for { [info_field migrate_cached_sockets] == 0 } 15000 100
    }
}

test "a kept connection that has died is made anew" {
    with_another {
        ask MSET a 1 b 2
        expect OK { ask MIGRATE 127.0.0.1 $port a 0 5000 }
        client::ask $there CLIENT KILL TYPE normal SKIPME yes
        expect OK { ask MIGRATE 127.0.0.1 $port b 0 5000 }
        expect {1 2} { client::ask $there MGET a b }
    }
}

test "names and IPv6" {
    with_another {
        ask SET k v
        if {![catch { exec getent ahosts localhost }]} { ;# a bare chroot knows no names
            expect OK { ask MIGRATE localhost $port k 0 5000 COPY REPLACE }
        }
        if {![catch { ::close [::socket ::1 $port] }]} {
            expect OK { ask MIGRATE ::1 $port k 0 5000 COPY REPLACE }
        }
        expect_error "IOERR*connecting*" { ask MIGRATE no-such-host.invalid $port k 0 300 }
        expect_error "IOERR*connecting*" { ask MIGRATE "" $port k 0 300 }
        expect_error "IOERR*connecting*" { ask MIGRATE [string repeat h 5000] $port k 0 300 }
        expect_error "IOERR*" { ask MIGRATE "127.0.0.1\0x" $port k 0 300 }
        expect v { ask GET k }
    }
}

test "in MULTI and in scripts" -needs eval {
    with_another {
        ask MSET a 1 b 2 c 3
        set c [client::dial]
        client::pipeline $c [list MULTI [list MIGRATE 127.0.0.1 $port a 0 5000] {EXISTS a}]
        expect {OK 0} { client::ask $c EXEC }
        expect OK { ask EVAL {
            return redis.call('MIGRATE', '127.0.0.1', ARGV[1], KEYS[1], 0, 5000)
        } 1 b $port }
        expect_error "*Target instance replied with error: BUSYKEY*" {
            client::ask $there SET c x
            ask EVAL { return redis.call('MIGRATE', '127.0.0.1', ARGV[1], KEYS[1], 0, 5000) } 1 c $port
        }
        expect {1 2 x} { client::ask $there MGET a b c }
        expect {(nil) (nil) 3} { ask MGET a b c }
    }
}

test "those who watch and listen hear of it" {
    with_another {
        with_config {notify-keyspace-events KEg} {
            ask SET k v
            set watcher [client::dial]
            client::pipeline $watcher {{WATCH k} MULTI PING}
            set listener [events::hear __keyevent@*]
            expect OK { ask MIGRATE 127.0.0.1 $port k 0 5000 }
            expect {del k} { events::heard $listener }
            expect (nil) { client::ask $watcher EXEC }
        }
    }
}

# A value of every type and form goes to the server at `port`, whose connection `there` is, and comes back as it was.
proc move_all_and_back {there port} {
    set c [client::dial]
    foreach case $dumps::cases {
        lassign $case name needs
        if {[suite::reason_to_skip {} $needs] ne ""} continue
        dumps::make $c $case
        set before [dumps::content $c k]
        expect OK { ask MIGRATE 127.0.0.1 $port k 0 20000 }
        expect OK { client::ask $there MIGRATE 127.0.0.1 [server::port] k 0 20000 }
        if {[dumps::content $c k] ne $before} { fail "$name is not what it was" }
        ask DEL k
    }
}

test "all values, there and back" -tags baton-only {
    with_another {
        move_all_and_back $there $port
    }
}

test "to redis-server and back" -tags baton-only {
    with_config {rdb-version 10} {
        with_redis {
            regexp {tcp_port:(\d+)} [client::ask $redis INFO server] -> port
            move_all_and_back $redis $port
        }
    }
}

test "a version that the target cannot read" -tags baton-only {
    with_redis {
        regexp {tcp_port:(\d+)} [client::ask $redis INFO server] -> port
        regexp {redis_version:(\S+)} [client::ask $redis INFO server] -> version
        if {[string match "7.0.*" $version] == 0} { skip "redis-server $version reads all" }
        ask SET k v
        with_config {rdb-version 11} {
            expect_error "ERR Target instance replied with error: ERR DUMP payload version*" {
                ask MIGRATE 127.0.0.1 $port k 0 5000
            }
        }
        expect v { ask GET k }
    }
}

test "many at once, to two targets" {
    with_another {
        set other $there
        set other_port $port
        with_another {
            set clients {}
            set count [by_load 50 200 1000]
            for {set i 0} {$i < $count} {incr i} {
                ask SET key:$i $i
                set c [client::dial]
                client::send $c MIGRATE 127.0.0.1 [expr {$i % 2 ? $port : $other_port}] key:$i 0 20000
                lappend clients $c
                if {[llength $clients] < 50 && $i < $count - 1} continue
                foreach c $clients {
                    expect OK { client::reply $c 20000 }
                    client::hangup $c
                }
                set clients {}
            }
            expect 0 { ask DBSIZE }
            expect $count { expr {[client::ask $there DBSIZE] + [client::ask $other DBSIZE]} }
        }
    }
}
