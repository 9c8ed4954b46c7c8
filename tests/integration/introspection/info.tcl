# INFO: sections, fields, and numbers that move when they must.

suite

proc sections {args} {
    set names {}
    foreach line [split [ask INFO {*}$args] \n] {
        if {[regexp {^# (\w+)} $line -> name]} { lappend names [string tolower $name] }
    }
    return $names
}

test "INFO without arguments shows the default sections" {
    set names [sections]
    foreach name {server clients memory persistence stats replication cpu modules errorstats
            cluster keyspace} {
        expect_true {$name in $names}
    }
    expect_true {"commandstats" ni $names && "latencystats" ni $names}
    expect $names { sections default }
}

test "INFO all and everything add the detailed sections" {
    foreach word {all everything ALL} {
        set names [sections $word]
        expect_true {"commandstats" in $names && "latencystats" in $names}
    }
}

test "INFO of one section, of several, of none" {
    expect server { sections server }
    expect server { sections SERVER }
    expect {clients stats} { sections clients stats }
    expect {cpu} { sections cpu cpu }
    expect {} { sections nosuch }
    expect {memory} { sections nosuch memory }
    expect_true {"stats" in [sections default commandstats]}
    expect_true {"commandstats" in [sections default commandstats]}
}

test "lines end in CRLF and sections are apart by an empty line" {
    set text [ask INFO server clients]
    expect_match "# Server\r\n*\r\n\r\n# Clients\r\n*\r\n" { set text }
    expect_true {![regexp {[^\r]\n} $text]}
}

test "INFO server" {
    set fields [fields_of [string map {\r ""} [ask INFO server]] \n :]
    foreach name {redis_version redis_git_sha1 redis_git_dirty redis_build_id redis_mode os
            arch_bits multiplexing_api process_id run_id tcp_port server_time_usec
            uptime_in_seconds uptime_in_days hz configured_hz lru_clock executable config_file} {
        expect_true {[dict exists $fields $name]}
    }
    expect [server::pid] { dict get $fields process_id }
    expect [server::port] { dict get $fields tcp_port }
    expect [server::conf] { dict get $fields config_file }
    expect standalone { dict get $fields redis_mode }
    expect 40 { string length [dict get $fields run_id] }
    expect_match {7.*.*} { dict get $fields redis_version }
    expect_true {abs([dict get $fields server_time_usec] - [clock microseconds]) < 5000000}
}

test "INFO server says Baton" -tags baton-only {
    expect 7.2.6 { info_field redis_version server }
    expect baton { info_field server_name server }
    expect_match "*.*" { info_field baton_version server }
}

test "INFO clients counts" {
    wait_for {[info_field connected_clients clients] == 1}   ;# those of the test before are gone
    set c [client::dial]
    $c PING
    expect 2 { info_field connected_clients clients }
    foreach name {cluster_connections maxclients client_recent_max_input_buffer
            client_recent_max_output_buffer blocked_clients tracking_clients
            clients_in_timeout_table} {
        expect_match {[0-9]*} { info_field $name clients }
    }
}

test "INFO clients counts those who watch, subscribe, track" -tags baton-only {
    set w [client::dial]
    $w WATCH a b
    set s [client::dial]
    $s SUBSCRIBE channel
    set t [client::dial -resp 3]
    $t CLIENT TRACKING ON
    foreach {field count} {watching_clients 1 total_watched_keys 2 pubsub_clients 1
            tracking_clients 1} {
        expect $count { info_field $field clients }
    }
    $w UNWATCH
    $t RESET
    client::hangup $s
    wait_for {[info_field pubsub_clients clients] == 0}
    foreach field {watching_clients total_watched_keys tracking_clients} {
        expect 0 { info_field $field clients }
    }
}

test "INFO memory moves with the data" {
    set before [info_field used_memory memory]
    ask SET big [string repeat x 8000000]
    set with [info_field used_memory memory]
    expect_true {$with - $before > 7900000 && $with - $before < 17000000}
    ask DEL big
    wait_for {[info_field used_memory memory] < $before + 2000000}
    expect_true {[info_field used_memory_peak memory] >= $with}
    expect_true {[info_field used_memory_rss memory] > 1000000}
    foreach name {used_memory_human used_memory_peak_human used_memory_overhead
            used_memory_startup used_memory_dataset total_system_memory maxmemory maxmemory_policy
            mem_fragmentation_ratio mem_allocator lazyfree_pending_objects allocator_allocated
            allocator_active allocator_resident mem_clients_normal} {
        expect_true {[info_field $name memory] ne ""}
    }
    if {!$server::is_sanitized} { expect_match jemalloc* { info_field mem_allocator memory } }
}

test "INFO stats counts commands, bytes and connections" {
    set commands [info_field total_commands_processed stats]
    set in [info_field total_net_input_bytes stats]
    set out [info_field total_net_output_bytes stats]
    set c [client::dial]
    $c SET k [string repeat x 100000]
    $c GET k
    wait_for {[info_field total_net_output_bytes stats] - $out > 100000}
    expect_true {[info_field total_net_input_bytes stats] - $in > 100000}
    expect_true {[info_field total_commands_processed stats] - $commands >= 2}
    foreach name {instantaneous_ops_per_sec instantaneous_input_kbps instantaneous_output_kbps
            rejected_connections expired_keys evicted_keys keyspace_hits keyspace_misses
            pubsub_channels pubsub_patterns latest_fork_usec total_error_replies
            total_reads_processed total_writes_processed expired_stale_perc} {
        expect_match {[0-9]*} { info_field $name stats }
    }
}

test "instantaneous_ops_per_sec shows load" -tags slow {
    load::start 5
    wait_for {[info_field instantaneous_ops_per_sec stats] > 50}
    load::stop
    wait_for {[info_field instantaneous_ops_per_sec stats] < 500}
}

test "CONFIG RESETSTAT forgets how busy the loop was" -tags baton-only {
    for {set i 0} {$i < 3000} {incr i} { ask PING }
    ask CONFIG RESETSTAT
    wait_for {[info_field instantaneous_eventloop_cycles_per_sec stats] < 200} 500 20
}

test "INFO persistence, replication, cpu, cluster of a lone server" {
    foreach {section name want} {
        persistence loading 0 persistence rdb_bgsave_in_progress 0 persistence aof_enabled 0
        persistence rdb_last_bgsave_status ok replication role master
        replication connected_slaves 0 replication master_replid2
        0000000000000000000000000000000000000000 replication second_repl_offset -1
        cluster cluster_enabled 0
    } {
        expect $want { info_field $name $section }
    }
    expect 40 { string length [info_field master_replid replication] }
    foreach name {used_cpu_sys used_cpu_user used_cpu_sys_children used_cpu_user_children} {
        expect_match {[0-9]*.[0-9]*} { info_field $name cpu }
    }
}

test "rdb_changes_since_last_save counts writes" {
    set before [info_field rdb_changes_since_last_save persistence]
    ask MSET a 1 b 2
    ask GET a
    ask DEL a
    expect [expr {$before + 3}] { info_field rdb_changes_since_last_save persistence }
}

test "INFO keyspace lists the databases with keys" {
    expect "# Keyspace\r\n" { ask INFO keyspace }
    ask SET a 1
    ask SELECT 3
    ask SET b 1 EX 100
    set want "# Keyspace\r\n"
    append want "db0:keys=1,expires=0,avg_ttl=0*\r\n" "db3:keys=1,expires=1,avg_ttl=*\r\n"
    expect_match $want { ask INFO keyspace }
}

test "INFO commandstats counts calls, rejections and failures" {
    ask CONFIG RESETSTAT
    for {set i 0} {$i < 3} {incr i} { ask SET k word }
    catch { ask INCR k }
    catch { ask GET }
    ask CLIENT ID
    expect_match "calls=3,usec=*,usec_per_call=*,rejected_calls=0,failed_calls=0" {
        info_field cmdstat_set commandstats
    }
    expect_match "calls=1,*,rejected_calls=0,failed_calls=1" {
        info_field cmdstat_incr commandstats
    }
    expect_match "calls=0,*,rejected_calls=1,failed_calls=0" {
        info_field cmdstat_get commandstats
    }
    expect_match "calls=1,*" { info_field cmdstat_client|id commandstats }
}

test "INFO errorstats counts by the error's first word" {
    ask CONFIG RESETSTAT
    catch { ask NOSUCH }
    catch { ask GET }
    catch { ask AUTH nobody nothing }
    expect count=2 { info_field errorstat_ERR errorstats }
    expect count=1 { info_field errorstat_WRONGPASS errorstats }
    expect 3 { info_field total_error_replies stats }
}

test "INFO latencystats has percentiles" {
    ask CONFIG RESETSTAT
    ask SET k v
    expect_match "p50=*,p99=*,p99.9=*" { info_field latency_percentiles_usec_set latencystats }
    with_config {latency-tracking no} {
        expect "# Latencystats\r\n" { ask INFO latencystats }
    }
}

test "rejected connections are counted" {
    set before [info_field rejected_connections stats]
    with_config {maxclients 1} {
        for {set i 0} {$i < 3} {incr i} { client::gone [client::dial] }
    }
    expect [expr {$before + 3}] { info_field rejected_connections stats }
}

test "INFO keysizes counts lengths in powers of two" -tags baton-only {
    ask SET empty ""
    foreach {key len} {a 1 b 2 c 3 d 4 e 511 f 512 g 1023 h 1024 i 3000 j 2000000} {
        ask SET $key [string repeat x $len]
    }
    ask SET number 12345
    ask SELECT 2
    ask RPUSH list 1 2 3
    ask SADD set 1
    ask ZADD zset 1 a 2 b
    ask HSET hash a 1 b 2 c 3 d 4
    ask XADD stream * f v
    set fields [fields_of [string map {\r ""} [ask INFO keysizes]] \n :]
    expect 0 { dict get $fields keysizes_walking }
    expect 0 { dict get $fields keysizes_age_seconds }
    expect "0=1,1=1,2=2,4=2,256=1,512=2,1K=1,2K=1,1M=1" { dict get $fields db0_distrib_strings_sizes }
    expect "2=1" { dict get $fields db2_distrib_lists_items }
    expect "1=1" { dict get $fields db2_distrib_sets_items }
    expect "2=1" { dict get $fields db2_distrib_zsets_items }
    expect "4=1" { dict get $fields db2_distrib_hashes_items }
    expect "1=1" { dict get $fields db2_distrib_streams_items }
    expect_true {![dict exists $fields db0_distrib_lists_items]}
    ask FLUSHALL
    expect "# Keysizes\r\nkeysizes_walking:0\r\nkeysizes_age_seconds:0\r\n" { ask INFO keysizes }
}

test "INFO keysizes of many keys comes in time" -tags baton-only {
    set count [by_load 100000 300000 1000000]
    ask DEBUG POPULATE $count
    wait_for {[ask INFO keysizes] ne "" && [info_field keysizes_age_seconds keysizes] in {0 1}
        && [info_field db0_distrib_strings_sizes keysizes] ne ""}
    set sum 0
    foreach pair [split [info_field db0_distrib_strings_sizes keysizes] ,] {
        incr sum [lindex [split $pair =] 1]
    }
    expect $count { set sum }
}
