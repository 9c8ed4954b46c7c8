# The start of a server that has data: what clients are told meanwhile, what is refused, and that
# files which are refused stay as they are.

suite -server 0

proc new_dir {} {
    set dir [file join $keeper::scratch loading[incr ::dirs]]
    file mkdir $dir
    return $dir
}

# A command as a log has it.
proc record {args} {
    set out "*[llength $args]\r\n"
    foreach word $args { append out "\$[string length $word]\r\n$word\r\n" }
    return $out
}

# A log of these files, {name type text} each, in the directory.
proc make_log {dir files} {
    file mkdir $dir/appendonlydir
    set lines ""
    foreach {name type text} $files {
        spit $dir/appendonlydir/$name $text
        append lines "file $name seq 1 type $type\n"
    }
    spit $dir/appendonlydir/appendonly.aof.manifest $lines
}

proc incr_file {dir} { return $dir/appendonlydir/appendonly.aof.1.incr.aof }
proc log_of {text} { return [list appendonly.aof.1.incr.aof i $text] }

# The start of a server ends with 1, and gives what it said. Nothing in the directory has changed.
proc refused {dir args} {
    set before [contents $dir]
    spit $dir/server.conf "port [server::free_port]\nbind 127.0.0.1\ndir \"$dir\"\n[join $args \n]\n"
    set result [server::run [list $dir/server.conf]]
    expect 1 { dict get $result code }
    file delete $dir/server.conf
    expect $before { contents $dir }
    return [dict get $result out]
}

proc contents {dir} {
    set all {}
    foreach file [lsort [glob -nocomplain $dir/* $dir/*/*]] {
        if {[file isfile $file]} { lappend all [file tail $file] [slurp $file] }
    }
    return $all
}

proc started {dir args} { return [server::start -dir $dir -config $args] }

# A server that takes long to load what it has; it is ended when the script is over.
proc while_loading {script} {
    set dir [new_dir]
    set h [started $dir]
    with_server $h { ask DEBUG POPULATE 20000 key 200; ask SAVE }
    server::stop $h
    set out $dir/slow.out
    set port [server::free_port]
    spit $dir/slow.conf "port $port\nbind 127.0.0.1\ndir \"$dir\"\nsave 1 1\nkey-load-delay 2000\n"
    set pid [keeper::spawn $dir /dev/null $out $dir/slow.err \
        [list $::option(server) $dir/slow.conf {*}$::option(args)]]
    try {
        wait_for {[string match "*Server initialized*" [slurp $out]]}
        set c ""
        wait_for {![catch {set c [client::dial -port $port -auth ""]}]}
        uplevel 1 [list set c $c]
        uplevel 1 [list set pid $pid]
        uplevel 1 [list set dir $dir]
        uplevel 1 $script
    } finally {
        keeper::signal $pid KILL
        keeper::wait_exit $pid 10000
    }
}

test "clients are told that data is loaded, and how far it is" -tags baton-only {
    while_loading {
        expect_error "LOADING*" { $c PING }
        expect_error "LOADING*" { $c GET key:1 }
        expect_error "LOADING*" { $c SET key:1 x }
        foreach pattern {*loading:1* *async_loading:0* *loading_total_bytes:* *loading_loaded_perc:* \
                *loading_eta_seconds:*} {
            expect_match $pattern { $c INFO persistence }
        }
        set before [$c INFO persistence]
        wait_for {[$c INFO persistence] ne $before}
        # A transaction is refused as a whole when one of its commands is.
        expect OK { $c MULTI }
        expect_error "LOADING*" { $c GET key:1 }
        expect_error "EXECABORT*" { $c EXEC }
        expect_error "*loading*" { $c CONFIG SET appendonly yes }
    }
}

test "SHUTDOWN and SIGTERM end a server that loads, and save nothing" -tags baton-only {
    foreach how {signal command} {
        while_loading {
            set before [slurp $dir/dump.rdb]
            if {$how eq "signal"} { keeper::signal $pid TERM } else { client::send $c SHUTDOWN }
            expect 0 { keeper::wait_exit $pid 10000 }
            expect_true {[slurp $dir/dump.rdb] eq $before}
        }
    }
}

test "keys that are due are dropped, and both are counted" -tags baton-only {
    set dir [new_dir]
    set h [started $dir]
    with_server $h {
        ask DEBUG SET-ACTIVE-EXPIRE 0
        ask SET k v
        for {set i 0} {$i < 5} {incr i} { ask SET due$i v PX 1 }
        sleep_ms 5
        ask SAVE
    }
    server::restart $h
    with_server $h {
        expect 1 { ask DBSIZE }
        expect 5 { info_field rdb_last_load_keys_expired persistence }
        expect 1 { info_field rdb_last_load_keys_loaded persistence }
        expect_match "*Done loading RDB, keys loaded: 1, keys expired: 5.*DB loaded from disk: *" { server::log_text $h }
    }
    server::stop $h
}

test "a snapshot that is broken is refused, and stays" -tags baton-only {
    set dir [new_dir]
    set h [started $dir]
    with_server $h { ask SET k v; ask SAVE }
    server::stop $h
    file delete {*}[glob $dir/std* $dir/server.conf]
    set good [slurp $dir/dump.rdb]
    foreach {bad why} [list \
        [string range $good 0 end-1] "*Short read*Unexpected EOF*" \
        [string replace $good end end x] "*Wrong RDB checksum expected*RDB CRC error*" \
        "REDIS0099[string range $good 9 end]" "*Can't handle RDB format version 99*" \
        "RESID[string range $good 5 end]" "*Wrong signature trying to load DB from file*"] {
        spit $dir/dump.rdb $bad
        expect_match "${why}Fatal error loading the DB, check server logs. Exiting.*" { refused $dir "save 1 1" }
    }
}

test "a log's commands are run, and its transactions as a whole" -tags baton-only {
    set dir [new_dir]
    set text "[record SELECT 3][record SET k v]#TS:1628217470\r\n[record MULTI][record SET a 1][record INCR a]"
    append text "[record EXEC][record EVAL {redis.call('INCR', KEYS[1])} 1 a][record RPUSH l x][record PEXPIREAT l 1000]"
    append text "[record RPUSH l y][record GET k][record SADD s a b]"
    make_log $dir [log_of $text]
    set h [started $dir "appendonly yes"]
    with_server $h {
        ask SELECT 3
        expect {v 3} { ask MGET k a }
        expect 0 { ask EXISTS l }
        expect 2 { ask SCARD s }
        expect_match "*DB loaded from incr file appendonly.aof.1.incr.aof*DB loaded from append only file*" \
            { server::log_text $h }
    }
    server::stop $h
}

test "a log that lacks its end loses the rest of it, or is refused" -tags baton-only {
    set good "[record SET k v][record MULTI][record SET a 1][record EXEC]"
    foreach rest [list [string range [record SET b 1] 0 end-1] "[record MULTI][record SET b 1]" \
            "*3\r\n\$3\r\nSET\r\n\$90000000\r\n" [string repeat \x00 5000] "*3\r\n\$3[string repeat \x00 700]"] {
        set dir [new_dir]
        make_log $dir [log_of $good$rest]
        expect_match "*Unexpected end of file reading the append only file*" \
            { refused $dir "appendonly yes" "aof-load-truncated no" }
        set h [started $dir "appendonly yes"]
        with_server $h {
            expect {v 1 (nil)} { ask MGET k a b }
            expect_match "*Truncating the AOF appendonly.aof.1.incr.aof at offset [string length $good] *" \
                { server::log_text $h }
            ask SET b 2
        }
        server::restart $h
        with_server $h { expect {v 1 2} { ask MGET k a b } }
        server::stop $h
        expect_match "$good*SET*b*2*" { slurp [incr_file $dir] }
    }
}

test "a log that is wrong is refused, and stays" -tags baton-only {
    set tail [record SET k v]
    foreach {text why} [list \
        "[record SET a b]!!!$tail" "*Bad file format reading the append only file*" \
        "[record SET a b][string repeat \x00 100]$tail" "*Bad file format reading the append only file*" \
        "[record SET a b]*3\r\n\$3\r\nSET\r\n\$70\r\na\r\n\$1\r\nb\r\n$tail$tail" \
            "*a length does not suit what follows*Bad file format reading the append only file*" \
        "[record MULTI][record MULTI]" "*Bad file format reading the append only file*" \
        "[record BLA a b]$tail" "*Unknown command 'BLA' reading the append only file*" \
        "[record SET a]$tail" "*Wrong number of arguments of 'SET'*" \
        "[record SHUTDOWN]$tail" "*The command 'SHUTDOWN' has no place in the append only file*" \
        "[record SELECT 99]$tail" "*There is no database 99*" \
        "[record SUBSCRIBE a]$tail" "*The command 'SUBSCRIBE' has no place in the append only file*"] {
        set dir [new_dir]
        make_log $dir [log_of $text]
        expect_match $why { refused $dir "appendonly yes" "save 1 1" }
    }
}

# Scripts look for the reason in the last line, so nothing that the main thread says may come behind
# it, however late that thread runs: with one CPU it often does.
test "why a log is refused is the last word" -tags baton-only {
    set dir [new_dir]
    make_log $dir [log_of [record BLA a b]]
    regexp {[0-9]+$|[0-9]+(?=[-,])} [exec taskset -cp [pid]] cpu
    for {set i 0} {$i < 15} {incr i} {
        set words [list taskset -c $cpu $::option(server) --port [server::free_port] --dir $dir \
            --appendonly yes {*}$::option(args)]
        set said [dict get [keeper::run $words /dev/null 10000] out]
        expect_match "*Unknown command 'BLA' reading the append only file*" \
            { lindex [split [string trim $said] \n] end }
    }
}

test "a log of one file, as before Redis 7, moves into the folder, and does not where that has one" -tags baton-only {
    foreach {manifest file value} {
        ""                                        "" old
        "file appendonly.aof seq 1 type b\n"       "" old
        "file appendonly.aof.1.base.aof seq 1 type b\n" appendonly.aof.1.base.aof own
    } {
        set dir [new_dir]
        file mkdir $dir/appendonlydir
        spit $dir/appendonly.aof [record SET k old]
        if {$manifest ne ""} { spit $dir/appendonlydir/appendonly.aof.manifest $manifest }
        if {$file ne ""} { spit $dir/appendonlydir/$file [record SET k own] }
        set h [started $dir "appendonly yes"]
        with_server $h {
            expect $value { ask GET k }
            ask SET k new
        }
        server::stop $h
        expect [expr {$value eq "own"}] { file exists $dir/appendonly.aof }
        set h [started $dir "appendonly yes"]
        with_server $h { expect new { ask GET k } }
        server::stop $h
    }
}

test "a log of which files are missing or not whole is refused" -tags baton-only {
    set dir [new_dir]
    set base [list appendonly.aof.1.base.aof b "[record SET k v][string range [record SET k v] 0 10]"]
    make_log $dir [concat $base [log_of [record SET a b]]]
    expect_match "*the truncated file is not the last file*" { refused $dir "appendonly yes" }
    file delete [incr_file $dir]
    expect_match "*appendonly.aof.1.incr.aof .*No such file or directory*" \
        { string map {"length. stat:" .} [refused $dir "appendonly yes"] }
    spit $dir/appendonlydir/appendonly.aof.manifest "file x seq 1 type q\n"
    expect_match "*Unknown AOF file type*" { refused $dir "appendonly yes" }
}

# ---- The tools

# Runs the program as a tool: its code and what it said.
proc tool {name words {stdin_text ""}} {
    set link [file join $keeper::scratch $name]
    if {![file exists $link]} { file link -symbolic $link [file normalize $::option(server)] }
    set in /dev/null
    if {$stdin_text ne ""} { set in $keeper::scratch/tool.in; spit $in $stdin_text }
    set result [keeper::run [list $link {*}$words] $in 10000]
    return [list [dict get $result code] [dict get $result out]]
}

test "baton-check-rdb says whether a snapshot is sound" -tags baton-only {
    set dir [new_dir]
    set h [started $dir]
    with_server $h { ask SET k v; ask SET t v EX 1000; ask HSET h f v; ask SAVE }
    server::stop $h
    foreach name {baton-check-rdb redis-check-rdb} {
        expect_match "0 *AUX FIELD redis-ver*Checksum OK*RDB looks OK!*3 keys read*1 expires*0 already expired*" \
            { tool $name [list $dir/dump.rdb] }
    }
    spit $dir/dump.rdb [string replace [slurp $dir/dump.rdb] 60 60 \xff]
    expect_match "1 *RDB ERROR DETECTED*While doing:*" { tool baton-check-rdb [list $dir/dump.rdb] }
    expect_match "1 *Cannot open*" { tool baton-check-rdb [list $dir/none] }
    expect 1 { lindex [tool baton-check-rdb {}] 0 }
}

test "baton-check-aof says whether a log is sound, and cuts it where it is not" -tags baton-only {
    set dir [new_dir]
    set good "[record SET k v][record MULTI][record SET a 1][record EXEC]"
    set manifest $dir/appendonlydir/appendonly.aof.manifest
    make_log $dir [concat [list appendonly.aof.1.base.aof b $good] [log_of $good]]
    expect_match "0 *BASE AOF*is valid*INCR AOF*is valid*All AOF files and manifest are valid*" \
        { tool baton-check-aof [list $manifest] }
    spit [incr_file $dir] "$good[record MULTI][record SET b 1]"
    expect_match "1 *Reached EOF before reading EXEC for MULTI*ok_up_to=[string length $good]*is not valid*" \
        { tool baton-check-aof [list $manifest] }
    expect_match "1 *Aborting*" { tool baton-check-aof [list --fix $manifest] "n\n" }
    expect_match "0 *Successfully truncated AOF*" { tool redis-check-aof [list --fix $manifest] "y\n" }
    expect $good { slurp [incr_file $dir] }
    expect_match "0 *All AOF files and manifest are valid*" { tool baton-check-aof [list $manifest] }
    spit [incr_file $dir] "#TS:10\r\n$good#TS:20\r\n$good"
    expect_match "0 *Successfully truncated AOF*to timestamp 15*" \
        { tool baton-check-aof [list --truncate-to-timestamp 15 $manifest] }
    expect "#TS:10\r\n$good" { slurp [incr_file $dir] }
}
