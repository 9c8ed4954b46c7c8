# Values that move between Debian's redis-server 7.0 and this server: payloads that it wrote once,
# and, where it is installed, both ways now, compared by what the keys hold.

source [file join $::support dumps.tcl]
source [file join $::support redis.tcl]
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
