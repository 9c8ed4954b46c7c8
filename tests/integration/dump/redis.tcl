# Values that move between Debian's redis-server 7.0 and this server: payloads that it wrote once,
# and, where it is installed, both ways now, compared by what the keys hold.

source [file join $::support dumps.tcl]
dumps::load $::support

suite

# Runs `script` for each case whose commands the server has, with `name` and `case` set.
proc for_each_case {script} {
    upvar name name case case
    foreach case $dumps::cases {
        lassign $case name needs
        if {[suite::reason_to_skip {} $needs] ne ""} continue
        if {[catch { uplevel 1 $script } why options]} {
            return -options $options "$name: $why"
        }
    }
}

# The values of two keys must be the same.
proc expect_same {c1 key1 c2 key2} {
    set a [dumps::content $c1 $key1]
    set b [dumps::content $c2 $key2]
    if {$a ne $b} { fail "[printable $a] is not [printable $b]" }
}

test "what redis-server wrote is read" {
    set c [client::dial]
    for_each_case {
        expect OK { ask RESTORE restored 0 $dumps::samples($name) REPLACE }
        dumps::make $c $case
        expect_same $c restored $c k
    }
}

test "what was written is read, in every version" -tags baton-only {
    set c [client::dial]
    foreach settings {{rdb-version 10} {rdb-version 11} {rdbcompression no}} {
        with_config $settings {
            for_each_case {
                dumps::make $c $case
                expect OK { ask RESTORE again 0 [ask DUMP k] REPLACE }
                expect_same $c k $c again
            }
        }
    }
}

# A redis-server of its own, as a client.
proc start_redis {} {
    set program [auto_execok redis-server]
    if {$program eq ""} { skip "redis-server is not installed" }
    set dir [file join $keeper::scratch redis]
    file mkdir $dir
    for {set try 1} {$try <= 3} {incr try} {
        set port [server::free_port] ;# until somebody else takes it
        set out [file join $dir out$try]
        set pid [keeper::spawn $dir /dev/null $out $dir/err [list {*}$program --port $port \
            --bind 127.0.0.1 --save "" --dir $dir --enable-debug-command yes]]
        wait_for { [string match "*Ready to accept*" [slurp $out]] || ![keeper::running $pid] }
        if {[keeper::running $pid]} { return [list [client::dial -port $port -auth ""] $pid] }
    }
    fail "redis-server does not start: [slurp $out]"
}

proc with_redis {script} {
    upvar redis redis
    lassign [start_redis] redis pid
    try {
        uplevel 1 $script
    } finally {
        keeper::signal $pid TERM
        keeper::wait_exit $pid 10000
    }
}

test "a redis-server that runs now and this one understand each other" -tags baton-only {
    with_config {rdb-version 10} {
        with_redis {
            set c [client::dial]
            for_each_case {
                dumps::make $redis $case
                expect OK { ask RESTORE from_redis 0 [client::ask $redis DUMP k] REPLACE }
                expect_same $redis k $c from_redis
                dumps::make $c $case
                expect OK { client::ask $redis RESTORE from_baton 0 [ask DUMP k] REPLACE }
                expect_same $c k $redis from_baton
                expect OK { client::ask $redis RESTORE again 0 [ask DUMP from_redis] REPLACE }
                expect_same $redis k $redis again
            }
        }
    }
}

# The type's byte and the footer are not counted.
test "DEBUG OBJECT tells how long a value is in a snapshot" -tags baton-only {
    with_config {rdb-version 10} {
        set c [client::dial]
        for_each_case {
            dumps::make $c $case
            set len [expr {[string length [ask DUMP k]] - 11}]
            expect_match "*serializedlength:$len *" { ask DEBUG OBJECT k }
        }
    }
}
