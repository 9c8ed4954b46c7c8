# The command line and the configuration file: what is taken, what is refused, and how.

suite -server 0

# Starts the binary with these words on a free port, waits until it serves, runs the script with
# `c` a client and `dir` its directory, and ends it with SIGTERM.  Gives what it printed.
proc started {words script {stdin_text ""}} {
    upvar 1 c c dir dir port port pid pid
    set port [server::free_port]
    set dir [file join $keeper::scratch start.[incr server::serial]]
    file mkdir $dir
    set in /dev/null
    if {$stdin_text ne ""} {
        set in $dir/stdin
        spit $in [string map [list @port@ $port @dir@ $dir] $stdin_text]
    }
    set words [string map [list @port@ $port @dir@ $dir] $words]
    # A dash for stdin must stay the last word.
    set tail [lsearch -all -inline -exact [lrange $words end end] -]
    set words [concat [lrange $words 0 end-[llength $tail]] $::option(args) $tail]
    set pid [keeper::spawn $dir $in $dir/out $dir/err [list $::option(server) {*}$words]]
    wait_for {[can_connect $port] || ![keeper::running $pid]} 10000
    if {![keeper::running $pid]} { fail "did not start: [slurp $dir/out][slurp $dir/err]" }
    set c [client::dial -port $port -auth ""]
    try {
        uplevel 1 $script
    } finally {
        keeper::signal $pid TERM
        set code [keeper::wait_exit $pid [scaled_ms 10000]]
        if {$code eq ""} { keeper::signal $pid KILL; keeper::wait_exit $pid 5000 }
    }
    if {$code ne "0"} { fail "exit status is '$code'" }
    return [slurp $dir/out][slurp $dir/err]
}

# Without a listener a socket may, rarely, be given that very port and connect to itself.
proc can_connect {port} {
    if {[catch { ::socket 127.0.0.1 $port } channel]} { return 0 }
    set itself [expr {[fconfigure $channel -sockname] eq [fconfigure $channel -peername]}]
    ::close $channel
    return [expr {!$itself}]
}

# The binary must refuse these words: exit code 1, and both streams together match the pattern.
proc refused {words pattern {stdin_text ""}} {
    set got [server::run $words $stdin_text]
    if {[dict get $got code] ne "1"} { fail "exit code of '$words' is [dict get $got code]" }
    set said [dict get $got err][dict get $got out]
    if {![string match $pattern $said]} { fail "'$words' said [printable $said], not $pattern" }
}

set quiet {--save "" --dir @dir@}

test "--version and -v" {
    set malloc [expr {$server::is_sanitized ? "libc" : "jemalloc*"}]
    foreach word {--version -v} {
        set got [server::run $word]
        expect 0 { dict get $got code }
        expect_match "*v=*malloc=$malloc*bits=64*" { dict get $got out }
        expect 1 { llength [split [string trim [dict get $got out]] \n] }
    }
}

test "--help and -h" {
    foreach word {--help -h} {
        set got [server::run $word]
        expect_true {[dict get $got code] in {0 1}}
        expect_match "*Usage:*\[options]*--port 7777*" {
            string cat [dict get $got out] [dict get $got err]
        }
    }
}

test "options on the command line" {
    variable quiet
    started [concat --port @port@ --maxclients 1234 --timeout 77 $quiet] {
        expect {maxclients 1234} { $c CONFIG GET maxclients }
        expect {timeout 77} { $c CONFIG GET timeout }
    }
}

test "an option with several words, and options without dashes after the file" {
    variable quiet
    started [concat --port @port@ --bind 127.0.0.1 127.0.0.2 $quiet] {
        expect {bind {127.0.0.1 127.0.0.2}} { $c CONFIG GET bind }
        expect PONG { [client::dial -host 127.0.0.2 -port $port -auth ""] PING }
    }
    started [concat --port @port@ {"--timeout 11"} --client-output-buffer-limit {{pubsub 1 2 3}} \
            --dir @dir@ --save 100 200] {
        expect {timeout 11} { $c CONFIG GET timeout }
        expect {save {100 200}} { $c CONFIG GET save }
    }
}

test "a configuration file, with options that override it" {
    set file $keeper::scratch/over.conf
    spit $file "timeout 5\nmaxclients 222\n# comment\n\n  databases 3\n"
    started [list $file --port @port@ --timeout 6 --dir @dir@ --save ""] {
        expect {timeout 6 maxclients 222 databases 3} {
            concat [$c CONFIG GET timeout] [$c CONFIG GET maxclients] [$c CONFIG GET databases]
        }
        expect OK { $c SELECT 2 }
        expect_error "ERR DB index is out of range" { $c SELECT 3 }
    }
}

test "configuration from stdin" {
    started - {
        expect {timeout 33} { $c CONFIG GET timeout }
    } "port @port@\ntimeout 33\nsave \"\"\ndir @dir@\n"
    started [list --port @port@ --timeout 1 -] {
        expect {timeout 1} { $c CONFIG GET timeout }
        expect {maxclients 55} { $c CONFIG GET maxclients }
    } "timeout 34\nmaxclients 55\nsave \"\"\ndir @dir@\n"
}

test "quotes and escapes in the file" {
    set lines [list "port @port@" "save ''" "dir @dir@" {requirepass "p w\x01\"q"} \
        {proc-title-template '{title} {listen-addr}'}]
    started - {
        expect OK { $c AUTH "p w\x01\"q" }
        expect {proc-title-template {{title} {listen-addr}}} { $c CONFIG GET proc-title-template }
    } [join $lines \n]\n
}

test "include" {
    set one $keeper::scratch/one.conf
    set two $keeper::scratch/two.conf
    spit $one "timeout 1\ninclude $two\nmaxclients 100\n"
    spit $two "timeout 2\nmaxclients 50\n"
    started [list $one --port @port@ --dir @dir@ --save ""] {
        expect {timeout 2 maxclients 100} {
            concat [$c CONFIG GET timeout] [$c CONFIG GET maxclients]
        }
    }
    refused [list --include $keeper::scratch/nothing.conf] "*nothing.conf*"
}

test "directives are case-insensitive and CRLF files work" {
    started - {
        expect {timeout 9} { $c CONFIG GET timeout }
    } "PORT @port@\r\nTimeOut 9\r\nsave \"\"\r\ndir @dir@\r\n"
}

test "bad options: exit code 1 and the line is named" {
    foreach {words pattern} {
        {--nosuch 1} *nosuch*
        {--port abc} "*port*argument couldn't be parsed into an integer*"
        {--port 99999} "*port*argument must be between 0 and 65535 inclusive*"
        {--maxmemory} *maxmemory*
        {--maxmemory 1xb} "*maxmemory*argument must be a memory value*"
        {--loglevel nosuch} "*loglevel*argument(s) must be one of the following*"
        {--maxclients 0} *maxclients*
        {--databases 0} *databases*
        {--appendonly maybe} "*appendonly*argument must be 'yes' or 'no'*"
        {--save 1} "*save*Invalid save parameters*"
        {--port 1234 --timeout} *timeout*
        {--client-output-buffer-limit normal} *client-output-buffer-limit*
        {--rename-command PING} *rename-command*
        {--user} *user*
    } {
        refused $words $pattern
    }
}

test "a bad line of a file is named with its number" {
    set file $keeper::scratch/bad.conf
    spit $file "timeout 1\n\nnosuch-directive yes\n"
    refused [list $file] "*3*nosuch-directive*"
    spit $file "timeout 1\ntimeout \"unbalanced\n"
    refused [list $file] "*2*Unbalanced quotes*"
    refused - "*2*nosuch*" "timeout 1\nnosuch x\n"
}

test "the complaint goes to stderr" {
    set got [server::run {--nosuch 1}]
    expect_match *nosuch* { dict get $got err }
    expect "" { dict get $got out }
}

test "the complaint is one line" -tags baton-only {
    set got [server::run {--nosuch 1}]
    expect 1 { llength [split [string trim [dict get $got err]] \n] }
}

test "a file that is not there" {
    refused $keeper::scratch/nothing.conf "*nothing.conf*No such file or directory*"
}

test "a directory that is not there" {
    refused {--port 0 --dir /nonexistent/place} "*dir*No such file or directory*"
}

test "a port that is taken: exit code 1 and the log says so" {
    set listener [::socket -server {} -myaddr 127.0.0.1 0]
    set port [lindex [fconfigure $listener -sockname] 2]
    try {
        refused [list --port $port --bind 127.0.0.1 --save ""] "*Failed listening on port $port*"
    } finally {
        ::close $listener
    }
}

test "every line of a complete redis.conf is understood" {
    set all {
        "bind 127.0.0.1 -::1" "protected-mode yes" "tcp-backlog 511" "timeout 0"
        "tcp-keepalive 300" "daemonize no" "loglevel notice" {logfile ""} "databases 16"
        "always-show-logo no" "set-proc-title yes" {proc-title-template "{title} {listen-addr}"}
        "stop-writes-on-bgsave-error yes" "rdbcompression yes" "rdbchecksum yes"
        "dbfilename dump.rdb" "rdb-del-sync-files no" "replica-serve-stale-data yes"
        "replica-read-only yes" "repl-diskless-sync yes" "repl-diskless-sync-delay 5"
        "repl-diskless-sync-max-replicas 0" "repl-diskless-load disabled"
        "repl-disable-tcp-nodelay no" "replica-priority 100" "acllog-max-len 128"
        "lazyfree-lazy-eviction no" "lazyfree-lazy-expire no" "lazyfree-lazy-server-del no"
        "replica-lazy-flush no" "lazyfree-lazy-user-del no" "lazyfree-lazy-user-flush no"
        "oom-score-adj no" "oom-score-adj-values 0 200 800" "disable-thp yes" "appendonly no"
        {appendfilename "appendonly.aof"} {appenddirname "appendonlydir"} "appendfsync everysec"
        "no-appendfsync-on-rewrite no" "auto-aof-rewrite-percentage 100"
        "auto-aof-rewrite-min-size 64mb" "aof-load-truncated yes" "aof-use-rdb-preamble yes"
        "aof-timestamp-enabled no" "slowlog-log-slower-than 10000" "slowlog-max-len 128"
        "latency-monitor-threshold 0" {notify-keyspace-events ""} "hash-max-listpack-entries 512"
        "hash-max-listpack-value 64" "list-max-listpack-size -2" "list-compress-depth 0"
        "set-max-intset-entries 512" "zset-max-listpack-entries 128" "zset-max-listpack-value 64"
        "hll-sparse-max-bytes 3000" "stream-node-max-bytes 4096" "stream-node-max-entries 100"
        "activerehashing yes" "client-output-buffer-limit normal 0 0 0"
        "client-output-buffer-limit replica 256mb 64mb 60"
        "client-output-buffer-limit pubsub 32mb 8mb 60" "hz 10" "dynamic-hz yes"
        "aof-rewrite-incremental-fsync yes" "rdb-save-incremental-fsync yes"
        "jemalloc-bg-thread yes" "io-threads 1" "io-threads-do-reads no" "unixsocketperm 700"
        "maxclients 10000" "maxmemory 0" "maxmemory-policy noeviction" "maxmemory-samples 5"
        "maxmemory-eviction-tenacity 10" "replica-ignore-maxmemory yes" "active-expire-effort 1"
        "shutdown-timeout 10" "shutdown-on-sigint default" "shutdown-on-sigterm default"
        "busy-reply-threshold 5000" "tracking-table-max-keys 1000000" "lfu-log-factor 10"
        "lfu-decay-time 1" "crash-log-enabled yes" "crash-memcheck-enabled no"
        "client-query-buffer-limit 1gb" "proto-max-bulk-len 512mb" "latency-tracking yes"
        "latency-tracking-info-percentiles 50 99 99.9" "ignore-warnings ARM64-COW-BUG"
    }
    started - {
        expect PONG { $c PING }
    } "[join $all \n]\nport @port@\nsave \"\"\ndir @dir@\n"
}
