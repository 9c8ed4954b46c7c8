# SAVE, BGSAVE, LASTSAVE, save points, and what follows when a save fails.

suite -config {"save ''" "enable-protected-configs yes"}

proc dump {} { return [server::dir]/dump.rdb }

# Nothing that a save wrote first is left behind.
proc expect_no_temp_files {} { expect {} { glob -nocomplain -tails -directory [server::dir] temp-* } }

# Waits for the end of a save in the background, and gives how it ended.
proc bgsave_ends {} {
    wait_for {[info_field rdb_bgsave_in_progress persistence] == 0}
    return [info_field rdb_last_bgsave_status persistence]
}

# Saves last for a second and more: a key takes half of one.
proc with_slow_save {script} {
    expect OK { ask MSET a 1 b 2 c 3 }
    ask CONFIG SET rdb-key-save-delay 500000
    try {
        uplevel 1 $script
    } finally {
        ask CONFIG SET rdb-key-save-delay 0
        ask FLUSHALL
        bgsave_ends
    }
}

# A folder of its name is in the file's way.
proc with_blocked_save {script} {
    file delete [dump]
    file mkdir [dump]
    try {
        uplevel 1 $script
    } finally {
        file delete [dump]
        ask SAVE
    }
}

test "SAVE writes the file, for the owner alone" {
    ask SET k v
    expect_true {[info_field rdb_changes_since_last_save persistence] > 0}
    expect OK { ask SAVE }
    expect "REDIS0011" { string range [slurp [dump]] 0 8 }
    expect 00600 { file attributes [dump] -permissions }
    expect 0 { info_field rdb_changes_since_last_save persistence }
    expect_no_temp_files
}

test "the file's version is that which its values take" -tags baton-only {
    ask HSET h f v g w
    ask HPEXPIREAT h 4102444800000 FIELDS 1 f
    # The key goes before, with or behind the field.
    foreach deadline {0 4102444700000 4102444800000 4102444900000} {
        if {$deadline > 0} { ask PEXPIREAT h $deadline }
        expect_match "*keys=1,expires=[expr {$deadline > 0}],*" { ask INFO keyspace }
        ask SAVE
        expect "REDIS0012" { string range [slurp [dump]] 0 8 }
    }
    ask HPERSIST h FIELDS 1 f
    ask SAVE
    expect "REDIS0011" { string range [slurp [dump]] 0 8 }
}

test "LASTSAVE is the time of the last save" {
    set before [ask LASTSAVE]
    wait_for {[lindex [ask TIME] 0] > $before}
    expect $before { ask LASTSAVE }
    ask SAVE
    expect_true {[ask LASTSAVE] > $before}
    expect [ask LASTSAVE] { info_field rdb_last_save_time persistence }
}

test "requests that are wrong" {
    expect_errors {
        {SAVE now} {ERR wrong number of arguments for 'save' command}
        {BGSAVE now} {ERR syntax error}
        {BGSAVE SCHEDULE x} {ERR syntax error}
        {LASTSAVE x} {ERR wrong number of arguments for 'lastsave' command}
    }
    set c [client::dial]
    expect OK { $c MULTI }
    expect_error "ERR Command not allowed inside a transaction" { $c SAVE }
}

test "BGSAVE saves, and says so" {
    file delete [dump]
    ask SET k v
    expect "Background saving started" { ask BGSAVE }
    expect ok { bgsave_ends }
    expect_true {[file exists [dump]]}
    expect 0 { info_field rdb_changes_since_last_save persistence }
    expect_no_temp_files
}

test "changes made during a save are still to be saved after it" -tags baton-only {
    with_slow_save {
        ask SAVE
        ask SET k v
        expect "Background saving started" { ask BGSAVE }
        ask CONFIG SET rdb-key-save-delay 0
        ask MSET d 1 e 2 f 3
        expect ok { bgsave_ends }
        expect 3 { info_field rdb_changes_since_last_save persistence }
    }
}

test "one save at a time" {
    with_slow_save {
        expect "Background saving started" { ask BGSAVE }
        expect 1 { info_field rdb_bgsave_in_progress persistence }
        expect_errors {
            {BGSAVE} {ERR Background save already in progress}
            {BGSAVE SCHEDULE} {ERR Background save already in progress}
            {SAVE} {ERR Background save already in progress}
        }
    }
}

test "a BGSAVE in a transaction begins after it" {
    set c [client::dial]
    $c MULTI
    $c BGSAVE
    $c SET k in
    expect {{Background saving scheduled} OK} { $c EXEC }
    set saves [info_field rdb_saves persistence]
    wait_for {[info_field rdb_changes_since_last_save persistence] == 0}
    expect ok { bgsave_ends }
}

test "FLUSHALL ends a save" {
    with_slow_save {
        ask BGSAVE
        ask FLUSHALL
        wait_for {[info_field rdb_bgsave_in_progress persistence] == 0}
        expect ok { info_field rdb_last_bgsave_status persistence }
        expect_true {[info_field rdb_changes_since_last_save persistence] > 0}
        wait_for {[glob -nocomplain -tails -directory [server::dir] temp-*] eq ""}
    }
}

test "FLUSHALL saves where there are save points, so that old data does not come back" {
    ask SET k v
    ask SAVE
    set full [file size [dump]]
    with_config {save "3600 1"} {
        ask FLUSHALL
        wait_for {[info_field rdb_changes_since_last_save persistence] == 0}
        bgsave_ends
        expect_true {[file size [dump]] < $full}
    }
}

test "a save that FLUSHALL asked for and that failed is tried again" -tags {baton-only once} {
    ask SET k v
    with_config {save "3600 1"} {
        with_blocked_save {
            ask FLUSHALL
            wait_for {[bgsave_ends] eq "err"}
            expect_true {[info_field rdb_changes_since_last_save persistence] > 0}
            file delete [dump]
            wait_for {[bgsave_ends] eq "ok"} 10000
            expect OK { ask SET k w }
        }
    }
}

test "save points" {
    ask SAVE
    with_config {save "1 3"} {
        ask MSET a 1 b 2
        set before [info_field rdb_saves persistence]
        sleep_ms 1500
        expect $before { info_field rdb_saves persistence }
        ask SET c 3
        wait_for {[info_field rdb_changes_since_last_save persistence] == 0}
        expect ok { bgsave_ends }
        expect_true {[info_field rdb_saves persistence] > $before}
    }
}

test "a changed dbfilename or dir is where the next save goes, not the one that is on" -tags baton-only {
    set other [server::dir]/other
    file mkdir $other
    file delete [dump]
    with_slow_save {
        ask BGSAVE
        with_config [list dir $other dbfilename a.rdb] {
            ask CONFIG SET rdb-key-save-delay 0
            wait_for {[info_field rdb_bgsave_in_progress persistence] == 0} 8000
            expect_true {[file exists [dump]]}
            expect {} { glob -nocomplain -directory $other * }
            expect OK { ask SAVE }
            expect $other/a.rdb { glob -nocomplain -directory $other * }
        }
    }
}

test "a SAVE that fails says so, and the last file stays" {
    with_blocked_save {
        expect_error "ERR*" { ask SAVE }
        expect_true {[file isdirectory [dump]]}
        expect_no_temp_files
        expect PONG { ask PING }
    }
}

test "after a BGSAVE that failed writes are refused, until one succeeds" {
    with_config {save "3600 100000"} {
        ask SET k v
        with_blocked_save {
            ask BGSAVE
            expect err { bgsave_ends }
            expect_no_temp_files
            expect_error "MISCONF Redis is configured to save RDB snapshots*" { ask SET k w }
            expect_error "MISCONF*" { ask PING }
            expect_error "MISCONF*" { ask EVAL {return redis.call('set', 'k', 'w')} 0 }
            expect_error "MISCONF*" { ask EVAL "#!lua\nreturn 1" 0 }
            expect 1 { ask EVAL "#!lua flags=no-writes\nreturn 1" 0 }
            expect v { ask EVAL {return redis.call('get', 'k')} 0 }
            expect v { ask GET k }
            set c [client::dial]
            $c MULTI
            expect_error "MISCONF*" { $c SET k w }
            expect_error "EXECABORT*" { $c EXEC }
            with_config {stop-writes-on-bgsave-error no} { expect OK { ask SET k x } }
            expect_error "MISCONF*" { ask SET k w }
        }
        expect OK { ask SET k w }
        expect PONG { ask PING }
    }
}

test "without save points a failed save refuses nothing" {
    with_blocked_save {
        ask BGSAVE
        expect err { bgsave_ends }
        expect OK { ask SET k v }
        with_config {save "3600 1"} { expect_error "MISCONF*" { ask SET k w } }
    }
}

test "what a dead process left is removed at the start" -tags baton-only {
    set h [server::start]
    set dir [server::dir $h]
    set dead [dict get [keeper::run {sh -c {echo $$}}] out]
    foreach name [list temp-[string trim $dead].rdb temp-bgsave-[string trim $dead].rdb temp-x.rdb temp-1.rdb] {
        spit $dir/$name x
    }
    server::restart $h
    expect {temp-1.rdb temp-x.rdb} { lsort [glob -tails -directory $dir temp-*] }
    server::stop $h
}
