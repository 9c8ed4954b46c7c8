# A redis-server beside the server under test, for what both must understand.

# Debian's redis-tools have the program as redis-check-rdb: it is what it is called.
proc redis_program {} {
    set program [auto_execok redis-server]
    if {$program ne ""} { return $program }
    set checker [auto_execok redis-check-rdb]
    if {$checker eq ""} { skip "redis-server is not installed" }
    set link [file join $keeper::scratch redis-server]
    if {[catch {file readlink $link}]} { file link -symbolic $link [file normalize $checker] }
    return [list $link]
}

proc redis_dir {} { return [file join $keeper::scratch redis] }

# Starts one, with more words for its command line: its client and its process.
proc start_redis {{words {}}} {
    set program [redis_program]
    set dir [redis_dir]
    file mkdir $dir
    for {set try 1} {$try <= 3} {incr try} {
        set port [server::free_port] ;# until somebody else takes it
        set out [file join $dir out$try]
        file delete $out ;# of one that ran before
        set pid [keeper::spawn $dir /dev/null $out $dir/err [list {*}$program --port $port \
            --bind 127.0.0.1 --save "" --dir $dir --enable-debug-command yes {*}$words]]
        wait_for { [string match "*Ready to accept*" [slurp $out]] || ![keeper::running $pid] }
        if {[keeper::running $pid]} { return [list [client::dial -port $port -auth ""] $pid] }
    }
    fail "redis-server does not start: [slurp $out]"
}

# Runs `script` with a client of one in `redis`.
proc with_redis {script {words {}}} {
    upvar redis redis
    lassign [start_redis $words] redis pid
    try {
        uplevel 1 $script
    } finally {
        keeper::signal $pid TERM
        keeper::wait_exit $pid 10000
    }
}
