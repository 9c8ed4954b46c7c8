# CONFIG GET and SET: patterns, many at once, all or nothing, and what values may be.

suite -config {"maxclients 9000" "timeout 7" "loglevel verbose"}

# The value of one option.
proc option_value {name} { return [lindex [ask CONFIG GET $name] 1] }

test "CONFIG GET shows what the file said" {
    expect {maxclients 9000} { ask CONFIG GET maxclients }
    expect {timeout 7} { ask CONFIG GET timeout }
    expect [server::port] { option_value port }
    expect [server::socket_path] { option_value unixsocket }
}

test "CONFIG GET with patterns and several names" {
    expect {maxclients 9000 timeout 7} {
        set got [ask CONFIG GET timeout maxclients]
        list maxclients [dict get $got maxclients] timeout [dict get $got timeout]
    }
    set all [ask CONFIG GET *]
    expect_true {[llength $all] / 2 > 150}
    set max [ask CONFIG GET max*]
    foreach name {maxclients maxmemory maxmemory-policy maxmemory-samples} {
        expect_true {[dict exists $max $name]}
    }
    foreach {name value} $max { expect_match max* { set name } }
    expect {} { ask CONFIG GET nosuchoption }
    expect 2 { llength [ask CONFIG GET timeout time?ut] }
}

test "CONFIG GET knows every directive of redis.conf" {
    set all [ask CONFIG GET *]
    foreach name {
        bind bind-source-addr port tcp-backlog unixsocket unixsocketperm timeout tcp-keepalive
        protected-mode enable-protected-configs enable-debug-command enable-module-command daemonize
        supervised pidfile loglevel logfile crash-log-enabled crash-memcheck-enabled databases
        always-show-logo set-proc-title proc-title-template save stop-writes-on-bgsave-error
        rdbcompression rdbchecksum sanitize-dump-payload dbfilename rdb-del-sync-files dir replicaof
        masterauth masteruser replica-serve-stale-data replica-read-only repl-diskless-sync
        repl-diskless-sync-delay repl-diskless-sync-max-replicas repl-diskless-load
        repl-ping-replica-period repl-timeout repl-disable-tcp-nodelay repl-backlog-size
        repl-backlog-ttl replica-priority propagation-error-behavior
        replica-ignore-disk-write-errors replica-announced min-replicas-to-write
        min-replicas-max-lag replica-announce-ip replica-announce-port tracking-table-max-keys
        acllog-max-len aclfile requirepass acl-pubsub-default maxclients maxmemory maxmemory-policy
        maxmemory-samples maxmemory-eviction-tenacity replica-ignore-maxmemory active-expire-effort
        lazyfree-lazy-eviction lazyfree-lazy-expire lazyfree-lazy-server-del replica-lazy-flush
        lazyfree-lazy-user-del lazyfree-lazy-user-flush io-threads io-threads-do-reads oom-score-adj
        oom-score-adj-values disable-thp appendonly appendfilename appenddirname appendfsync
        no-appendfsync-on-rewrite auto-aof-rewrite-percentage auto-aof-rewrite-min-size
        aof-load-truncated aof-use-rdb-preamble aof-timestamp-enabled shutdown-timeout
        shutdown-on-sigint shutdown-on-sigterm busy-reply-threshold lua-time-limit cluster-enabled
        cluster-config-file cluster-node-timeout cluster-port cluster-replica-validity-factor
        cluster-migration-barrier cluster-allow-replica-migration cluster-require-full-coverage
        cluster-replica-no-failover cluster-allow-reads-when-down
        cluster-allow-pubsubshard-when-down cluster-link-sendbuf-limit cluster-announce-hostname
        cluster-preferred-endpoint-type cluster-announce-ip cluster-announce-port
        cluster-announce-bus-port slowlog-log-slower-than slowlog-max-len
        latency-monitor-threshold latency-tracking latency-tracking-info-percentiles
        notify-keyspace-events hash-max-listpack-entries hash-max-listpack-value
        list-max-listpack-size list-compress-depth set-max-intset-entries
        zset-max-listpack-entries zset-max-listpack-value hll-sparse-max-bytes
        stream-node-max-bytes stream-node-max-entries activerehashing client-output-buffer-limit
        client-query-buffer-limit maxmemory-clients proto-max-bulk-len hz dynamic-hz
        aof-rewrite-incremental-fsync rdb-save-incremental-fsync lfu-log-factor lfu-decay-time
        activedefrag active-defrag-ignore-bytes active-defrag-threshold-lower
        active-defrag-threshold-upper active-defrag-cycle-min active-defrag-cycle-max
        active-defrag-max-scan-fields jemalloc-bg-thread server_cpulist bio_cpulist
        aof_rewrite_cpulist bgsave_cpulist ignore-warnings socket-mark-id
    } {
        if {![dict exists $all $name]} { lappend missing $name }
    }
    if {[info exists missing]} { fail "CONFIG GET does not know: $missing" }
}

test "7.2 adds options" -tags baton-only {
    foreach name {
        locale-collate set-max-listpack-entries set-max-listpack-value
        cluster-announce-human-nodename aof-disable-auto-gc threads io-backend
    } {
        expect_true {[llength [ask CONFIG GET $name]] == 2}
    }
}

test "old names of options still work" {
    foreach {old new} {
        slave-read-only replica-read-only slave-priority replica-priority
        hash-max-ziplist-entries hash-max-listpack-entries
        list-max-ziplist-size list-max-listpack-size lua-time-limit busy-reply-threshold
        slave-serve-stale-data replica-serve-stale-data repl-ping-slave-period
        repl-ping-replica-period min-slaves-to-write min-replicas-to-write
    } {
        expect [option_value $new] { option_value $old }
    }
    set before [option_value hash-max-listpack-entries]
    ask CONFIG SET hash-max-ziplist-entries 77
    expect 77 { option_value hash-max-listpack-entries }
    ask CONFIG SET hash-max-listpack-entries $before
}

test "CONFIG SET is all or nothing" {
    with_config {timeout 0 maxmemory-samples 5} {
        expect OK { ask CONFIG SET timeout 200 maxmemory-samples 9 }
        expect {200 9} { list [option_value timeout] [option_value maxmemory-samples] }
        expect_error "ERR CONFIG SET failed (possibly related to argument 'maxmemory-samples') -\
            argument must be between 1 and 2147483647 inclusive" {
            ask CONFIG SET timeout 300 maxmemory-samples 0
        }
        expect_error "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'" {
            ask CONFIG SET timeout 300 nosuch 1
        }
        expect {200 9} { list [option_value timeout] [option_value maxmemory-samples] }
    }
}

test "CONFIG SET refuses bad values, word for word" {
    foreach {name value why} {
        timeout abc "argument couldn't be parsed into an integer"
        timeout -1 "argument must be between 0 and 2147483647 inclusive"
        timeout 1.5 "argument couldn't be parsed into an integer"
        maxclients 0 "argument must be between 1 and 4294967295 inclusive"
        appendonly maybe "argument must be 'yes' or 'no'"
        maxmemory 10xb "argument must be a memory value"
        maxmemory abc "argument must be a memory value"
        databases 3 "can't set immutable config"
        daemonize yes "can't set immutable config"
        unixsocket /tmp/x "can't set immutable config"
        save 1 "Invalid save parameters"
        dir . "can't set protected config"
        proto-max-bulk-len 1 "argument must be between 1048576 and 9223372036854775807 inclusive"
        maxmemory-policy nosuch "argument(s) must be one of the following: volatile-lru,\
volatile-lfu, volatile-random, volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, noeviction"
        oom-score-adj-values "1 2" "wrong number of arguments"
        lfu-log-factor x "argument couldn't be parsed into an integer"
        lfu-log-factor -1 "argument must be between 0 and 2147483647 inclusive"
        active-expire-effort 11 "argument must be between 1 and 10 inclusive"
        tcp-keepalive -1 "argument must be between 0 and 2147483647 inclusive"
        port 65536 "argument must be between 0 and 65535 inclusive"
        latency-tracking-info-percentiles "50 101" "latency-tracking-info-percentiles parameters\
should sit between \[0.0,100.0]"
        client-output-buffer-limit "x 1 1 1" "Invalid client class specified in buffer limit\
configuration."
        client-output-buffer-limit "normal 1 1" "Wrong number of arguments in buffer limit\
configuration."
        client-output-buffer-limit "normal -1 0 0" "Error in hard, soft or soft_seconds setting\
in buffer limit configuration."
    } {
        set why [regsub -all {\s+} $why " "]
        set before [option_value $name]
        expect_error "ERR CONFIG SET failed (possibly related to argument '$name') - $why" {
            ask CONFIG SET $name $value
        }
        expect $before { option_value $name }
    }
}

test "CONFIG SET arity and unknown names" {
    expect_errors {
        {CONFIG SET} {ERR wrong number of arguments for 'config|set' command}
        {CONFIG SET timeout} {ERR wrong number of arguments for 'config|set' command}
        {CONFIG SET timeout 1 port} {ERR syntax error}
        {CONFIG SET nosuch 1}
            {ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'}
        {CONFIG GET} {ERR wrong number of arguments for 'config|get' command}
        {CONFIG SET timeout 1 timeout 2}
            {ERR CONFIG SET failed (possibly related to argument 'timeout') - duplicate parameter}
    }
}

test "memory values with units" {
    foreach {text bytes} {
        1048576 1048576 2mb 2097152 2MB 2097152 2m 2000000 3k 3000 3kb 3072 1gb 1073741824
        1g 1000000000 0 0 5000b 5000
    } {
        ask CONFIG SET repl-backlog-size 1mb
        with_config [list client-query-buffer-limit 1gb] {
            ask CONFIG SET maxmemory-clients $text
            expect $bytes { option_value maxmemory-clients }
        }
    }
    ask CONFIG SET maxmemory-clients 5%
    expect 5% { option_value maxmemory-clients }
    ask CONFIG SET maxmemory-clients 0
}

test "enumerated and boolean values ignore case" {
    with_config {loglevel notice appendfsync everysec activerehashing yes} {
        ask CONFIG SET loglevel WARNING appendfsync ALWAYS activerehashing NO
        expect {warning always no} {
            list [option_value loglevel] [option_value appendfsync] [option_value activerehashing]
        }
    }
}

test "save points" {
    with_config {save ""} {
        expect "" { option_value save }
        ask CONFIG SET save "3600 1 300 100"
        expect "3600 1 300 100" { option_value save }
        ask CONFIG SET save ""
        expect "" { option_value save }
    }
}

test "client-output-buffer-limit keeps the classes that it does not name" {
    with_config {client-output-buffer-limit "normal 0 0 0 slave 268435456 67108864 60 pubsub\
            33554432 8388608 60"} {
        ask CONFIG SET client-output-buffer-limit "normal 1mb 512kb 10"
        expect "normal 1048576 524288 10 slave 268435456 67108864 60 pubsub 33554432 8388608 60" {
            option_value client-output-buffer-limit
        }
        ask CONFIG SET client-output-buffer-limit "replica 100 50 5 pubsub 10 5 1"
        expect "normal 1048576 524288 10 slave 100 50 5 pubsub 10 5 1" {
            option_value client-output-buffer-limit
        }
    }
}

test "notify-keyspace-events puts its letters in order" {
    with_config {notify-keyspace-events ""} {
        ask CONFIG SET notify-keyspace-events KEA
        expect AKE { option_value notify-keyspace-events }
        ask CONFIG SET notify-keyspace-events xeK\$
        expect \$xeK { option_value notify-keyspace-events }
        expect_error "ERR CONFIG SET failed*" { ask CONFIG SET notify-keyspace-events Q }
    }
}

test "maxclients can be changed at run time" {
    with_config {maxclients 9000} {
        ask CONFIG SET maxclients 3
        set a [client::dial]
        $a PING
        set b [client::dial]
        $b PING
        set c [client::dial]
        expect "-ERR max number of clients reached\r\n" { client::until_eof $c }
    }
    expect PONG { [client::dial] PING }
}

test "CONFIG SET port moves the listener, connections stay" {
    set h [server::start]
    with_server $h {
        set old [server::port]
        set new [server::free_port]
        expect OK { ask CONFIG SET port $new }
        set c [client::dial -port $new]
        expect PONG { $c PING }
        expect PONG { ask PING }
        expect_true {[catch { client::dial -port $old }]}
        ask CONFIG SET port $old
        expect PONG { [client::dial] PING }
    }
}

test "CONFIG SET port to one that is taken changes nothing" {
    set h [server::start]
    expect_error "ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen\
        on this port*" { ask CONFIG SET port [server::port $h] }
    expect [server::port] { option_value port }
    expect PONG { [client::dial] PING }
}

test "CONFIG SET bind adds and removes addresses" {
    set h [server::start]
    with_server $h {
        expect_true {[catch { client::dial -host 127.0.0.3 -port [server::port] }]}
        ask CONFIG SET bind "127.0.0.1 127.0.0.3"
        expect PONG { [client::dial -host 127.0.0.3 -port [server::port]] PING }
        ask CONFIG SET bind 127.0.0.1
        expect_true {[catch { client::dial -host 127.0.0.3 -port [server::port] }]}
        expect PONG { ask PING }
    }
}

test "CONFIG SET of a wrong loglevel names all levels" -tags baton-only {
    expect_error "*must be one of the following: debug, verbose, notice, warning, nothing" {
        ask CONFIG SET loglevel nosuch
    }
}

test "Baton's own start options take what they are, and nothing else" -tags baton-only {
    foreach {name other} {
        threads accept+parse+execute+write io-backend auto cpu-pinning no io-gather-us 7
    } {
        set value [option_value $name]
        expect OK { ask CONFIG SET $name $value }
        if {$value eq $other} { set other [expr {$name eq "cpu-pinning" ? "yes" : "epoll"}] }
        expect_error "*can't set immutable config" { ask CONFIG SET $name $other }
        expect $value { option_value $name }
    }
}

test "every writable option takes its own value back" {
    foreach {name value} [ask CONFIG GET *] {
        if {$name in {port bind tls-port requirepass masterauth replicaof slaveof dir logfile}} {
            continue
        }
        if {[catch { ask CONFIG SET $name $value } why]} {
            if {[regexp {can't set (immutable|protected) config} $why]} continue
            if {[string match "oom-score*" $name]} continue
            lappend refused "$name '$value': $why"
        } elseif {[option_value $name] ne $value} {
            lappend refused "$name became '[option_value $name]' from '$value'"
        }
    }
    if {[info exists refused]} { fail [join $refused \n] }
    expect PONG { [client::dial] PING }
}

test "odd values never crash nor change half" {
    set rng {"" -1 9223372036854775808 " " "a\r\nb" "a\x00b"}
    lappend rng [string repeat x 100000]
    set names [dict keys [ask CONFIG GET *]]
    foreach name $names {
        if {$name in {requirepass masterauth masteruser logfile port bind tls-port replicaof slaveof
                maxclients dir dbfilename proc-title-template bind-source-addr syslog-ident
                cluster-announce-hostname cluster-announce-ip replica-announce-ip maxmemory
                proto-max-bulk-len client-query-buffer-limit timeout locale-collate aclfile
                cluster-announce-human-nodename slave-announce-ip}} continue
        if {[string match tls-* $name]} continue
        foreach value $rng {
            set before [option_value $name]
            if {![catch { ask CONFIG SET $name $value }]} {
                catch { ask CONFIG SET $name $before }
            } elseif {[option_value $name] ne $before} {
                fail "$name changed although CONFIG SET failed"
            }
        }
    }
    expect PONG { [client::dial] PING }
}

test "CONFIG HELP" {
    expect_match "CONFIG <subcommand>*" { lindex [ask CONFIG HELP] 0 }
}
