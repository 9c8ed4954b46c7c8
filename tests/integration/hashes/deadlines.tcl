# Deadlines of fields: the commands that Redis 7.4 and 8.0 added, and that fields go at their time
# whatever happens to their key.

suite

proc both_forms {script} {
    foreach {limit encoding} {128 listpackex 0 hashtable} {
        with_config [list hash-max-listpack-entries $limit] {
            ask FLUSHALL
            uplevel 1 [list set encoding $encoding]
            uplevel 1 $script
        }
    }
}

test "HPEXPIRE, HPTTL and their relatives" -tags baton-only {
    both_forms {
        ask HSET h a 1 b 2 c 3
        expect {1 1 -2} { ask HPEXPIRE h 100000 FIELDS 3 a b nothing }
        expect $encoding { ask OBJECT ENCODING h }
        expect_true {[ask HPTTL h FIELDS 1 a] > 90000 && [ask HPTTL h FIELDS 1 a] <= 100000}
        expect {100 -1 -2} { ask HTTL h FIELDS 3 a c nothing }
        expect {1 -1 -2} { ask HPERSIST h FIELDS 3 a c nothing }
        expect {-1 100} { ask HTTL h FIELDS 2 a b }
        expect 1 { ask HEXPIREAT h 5000000000 FIELDS 1 a }
        expect {5000000000 -1} { ask HEXPIRETIME h FIELDS 2 a c }
        expect 1 { ask HPEXPIREAT h 5000000000001 FIELDS 1 a }
        expect {5000000000001} { ask HPEXPIRETIME h FIELDS 1 a }
        expect {5000000001} { ask HEXPIRETIME h FIELDS 1 a }
        expect 1 { ask HEXPIRE h 1000 FIELDS 1 a }
        expect 1000 { ask HTTL h FIELDS 1 a }
    }
}

test "a key that is missing has no field" -tags baton-only {
    foreach request {
        {HEXPIRE no 10 FIELDS 2 a b} {HPEXPIRE no 10 FIELDS 2 a b} {HEXPIREAT no 10 FIELDS 2 a b}
        {HPEXPIREAT no 10 FIELDS 2 a b} {HTTL no FIELDS 2 a b} {HPTTL no FIELDS 2 a b}
        {HEXPIRETIME no FIELDS 2 a b} {HPEXPIRETIME no FIELDS 2 a b} {HPERSIST no FIELDS 2 a b}
    } {
        expect {-2 -2} { ask {*}$request }
    }
    expect {(nil) (nil)} { ask HGETDEL no FIELDS 2 a b }
    expect {(nil) (nil)} { ask HGETEX no EX 10 FIELDS 2 a b }
    expect 0 { ask EXISTS no }
}

test "NX, XX, GT and LT" -tags baton-only {
    both_forms {
        ask HSET h none 1 some 2
        expect {0 0} { list [ask HEXPIRE h 100 XX FIELDS 1 none] [ask HEXPIRE h 100 GT FIELDS 1 none] }
        expect 1 { ask HEXPIRE h 100 NX FIELDS 1 some }
        expect 0 { ask HEXPIRE h 200 NX FIELDS 1 some }
        expect 0 { ask HEXPIRE h 50 GT FIELDS 1 some }
        expect 1 { ask HEXPIRE h 200 gt FIELDS 1 some }
        expect 0 { ask HEXPIRE h 300 LT FIELDS 1 some }
        expect {1 1} { ask HEXPIRE h 150 LT FIELDS 2 some none }
        expect {1 1} { ask HEXPIRE h 120 XX FIELDS 2 some none }
        expect {120 120} { ask HTTL h FIELDS 2 some none }
        expect 2 { ask HPEXPIREAT h 1 LT FIELDS 1 some }
        expect {none 1} { ask HGETALL h }
    }
}

test "a time that is past deletes the field, and the key with the last one" -tags baton-only {
    both_forms {
        ask HSET h a 1 b 2 c 3
        expect {2 -2} { ask HEXPIRE h 0 FIELDS 2 a a }
        expect 2 { ask HPEXPIREAT h 1 FIELDS 1 b }
        expect {c 3} { ask HGETALL h }
        expect 2 { ask HEXPIREAT h 1 FIELDS 1 c }
        expect 0 { ask EXISTS h }
    }
}

test "fields go at their time, the key with the last one" -tags baton-only {
    both_forms {
        ask HSET h a 1 b 2 c 3
        ask HPEXPIRE h 20 FIELDS 1 a
        ask HPEXPIRE h 60 FIELDS 2 b c
        wait_for {[ask HLEN h] == 2}
        expect (nil) { ask HGET h a }
        wait_for {[ask EXISTS h] == 0}
        expect 0 { ask DBSIZE }
    }
}

test "a field that is due is invisible before it is deleted" -tags baton-only {
    both_forms {
        ask DEBUG SET-ACTIVE-EXPIRE 0
        ask HSET h due 1 stays 2
        ask HPEXPIRE h 1 FIELDS 1 due
        sleep_ms 5
        expect 2 { ask HLEN h }
        expect_each {
            {ask HGET h due} (nil)
            {ask HEXISTS h due} 0
            {ask HSTRLEN h due} 0
            {ask HMGET h due stays} {(nil) 2}
            {ask HGETALL h} {stays 2}
            {ask HKEYS h} stays
            {ask HVALS h} 2
            {ask HSCAN h 0 COUNT 100} {0 {stays 2}}
            {ask HRANDFIELD h 10} stays
            {ask HRANDFIELD h -3} {stays stays stays}
            {ask HRANDFIELD h} stays
            {ask HTTL h FIELDS 1 due} -2
        }
        expect 2 { ask HLEN h }
        expect 1 { ask HSET h due new }
        expect {-1} { ask HTTL h FIELDS 1 due }
        ask HPEXPIRE h 1 FIELDS 2 due stays
        sleep_ms 5
        expect {} { ask HRANDFIELD h 10 }
        expect (nil) { ask HRANDFIELD h }
        expect {} { ask HGETALL h }
        expect 1 { ask HSETNX h due again }
        expect 1 { ask HLEN h }
        ask HPEXPIRE h 1 FIELDS 1 due
        sleep_ms 5
        expect 5 { ask HINCRBY h due 5 }
        ask HPEXPIRE h 1 FIELDS 1 due
        sleep_ms 5
        expect 0 { ask HDEL h due }
        expect 0 { ask EXISTS h }
        ask DEBUG SET-ACTIVE-EXPIRE 1
    }
}

test "what keeps a deadline and what ends it" -tags baton-only {
    both_forms {
        ask HSET h a 1 b 2 c 3 d 4
        ask HEXPIRE h 1000 FIELDS 4 a b c d
        ask HINCRBY h a 1
        ask HINCRBYFLOAT h b 1.5
        ask HSET h c changed
        ask HSETNX h d changed
        expect {1000 1000 -1 1000} { ask HTTL h FIELDS 4 a b c d }
        ask HDEL h d
        ask HSET h d again
        expect {-1} { ask HTTL h FIELDS 1 d }
    }
}

test "deadlines follow their key" -tags baton-only {
    both_forms {
        foreach request {{RENAME h to} {COPY h to} {MOVE h 9} {SWAPDB 0 9}} {
            ask FLUSHALL
            ask HSET h a 1 b 2
            ask HPEXPIRE h 40 FIELDS 1 a
            ask {*}$request
            if {[lindex $request 0] in {MOVE SWAPDB}} { ask SELECT 9 } else { ask RENAME to h }
            expect {1 2} { ask HMGET h a b }
            wait_for {[ask HLEN h] == 1}
            expect {b 2} { ask HGETALL h }
            ask SELECT 0
        }
    }
}

test "deadlines end with their key" -tags baton-only {
    both_forms {
        foreach request {{DEL h} {UNLINK h} {FLUSHALL} {FLUSHALL ASYNC} {SET h v} {RENAME other h}} {
            ask HSET h a 1
            ask HPEXPIRE h 5 FIELDS 1 a
            ask SET other v
            ask {*}$request
            ask DEL h
            ask HSET h a 2
            sleep_ms 20
            expect 2 { ask HGET h a }
        }
    }
}

test "the key's own deadline beside those of its fields" -tags baton-only {
    both_forms {
        ask HSET h a 1 b 2
        ask HPEXPIRE h 30 FIELDS 1 a
        ask PEXPIRE h 100000
        expect_match "keys=1,expires=1,*" { info_field db0 keyspace }
        wait_for {[ask HLEN h] == 1}
        ask PERSIST h
        ask HPEXPIRE h 100000 FIELDS 1 b
        expect_match "keys=1,expires=0,*" { info_field db0 keyspace }
        ask PEXPIRE h 20
        wait_for {[ask EXISTS h] == 0}
    }
}

test "many fields of many hashes go in time" -tags baton-only {
    both_forms {
        set before [info_field expired_subkeys stats]
        set count [by_load 50 200 1000]
        for {set k 0} {$k < $count} {incr k} {
            set request {}
            set names {}
            for {set f 0} {$f < 40} {incr f} { lappend request f$f v; lappend names f$f }
            ask HSET h$k {*}$request stays v
            ask HPEXPIREAT h$k [expr {[clock milliseconds] + 50 + [random_int 200]}] FIELDS 40 {*}$names
        }
        wait_for {[info_field expired_subkeys stats] == $before + 40 * $count}
        for {set k 0} {$k < $count} {incr k 7} { expect {stays v} { ask HGETALL h$k } }
    }
}

test "HGETDEL" -tags baton-only {
    both_forms {
        ask HSET h a 1 b 2 c 3
        expect {1 (nil)} { ask HGETDEL h FIELDS 2 a a }
        expect {2 (nil) 3} { ask HGETDEL h FIELDS 3 b nothing c }
        expect 0 { ask EXISTS h }
    }
}

test "HGETEX" -tags baton-only {
    both_forms {
        ask HSET h a 1 b 2
        expect {1 2 (nil)} { ask HGETEX h FIELDS 3 a b nothing }
        expect {1} { ask HGETEX h EX 100 FIELDS 1 a }
        expect {100 -1} { ask HTTL h FIELDS 2 a b }
        expect {1} { ask HGETEX h PXAT 5000000000001 FIELDS 1 a }
        expect {5000000000001} { ask HPEXPIRETIME h FIELDS 1 a }
        expect {1} { ask HGETEX h FIELDS 1 a }
        expect {5000000000001} { ask HPEXPIRETIME h FIELDS 1 a }
        expect {1 2} { ask HGETEX h PERSIST FIELDS 2 a b }
        expect {-1 -1} { ask HTTL h FIELDS 2 a b }
        expect {1 2} { ask HGETEX h EXAT 1 FIELDS 2 a b }
        expect 0 { ask EXISTS h }
    }
}

test "HSETEX" -tags baton-only {
    both_forms {
        expect 1 { ask HSETEX h EX 100 FIELDS 2 a 1 b 2 }
        expect {100 100} { ask HTTL h FIELDS 2 a b }
        expect 0 { ask HSETEX h FNX FIELDS 2 b x c x }
        expect 0 { ask HSETEX h FXX FIELDS 2 b x c x }
        expect {2 (nil)} { ask HMGET h b c }
        expect 1 { ask HSETEX h FXX KEEPTTL FIELDS 2 a 3 b 4 }
        expect {3 4} { ask HMGET h a b }
        expect {100 100} { ask HTTL h FIELDS 2 a b }
        expect 1 { ask HSETEX h FIELDS 1 a 5 }
        expect {-1} { ask HTTL h FIELDS 1 a }
        expect 1 { ask HSETEX h PX 100000 FNX FIELDS 1 new v }
        expect 1 { ask HSETEX h EXAT 1 FIELDS 3 a x b x new x }
        expect 0 { ask EXISTS h }
        expect 0 { ask HSETEX h FXX FIELDS 1 a x }
        expect 1 { ask HSETEX h PXAT 1 FIELDS 1 a x }
        expect 0 { ask EXISTS h }
    }
}

test "errors" -tags baton-only {
    ask HSET h a 1
    ask SET s v
    foreach command {HEXPIRE HPEXPIRE HEXPIREAT HPEXPIREAT} {
        expect_errors [string map [list CMD $command cmd [string tolower $command]] {
            {CMD h -1 FIELDS 1 a} "ERR invalid expire time, must be >= 0"
            {CMD h -9223372036854775808 FIELDS 1 a} "ERR invalid expire time, must be >= 0"
            {CMD h x FIELDS 1 a} "ERR value is not an integer or out of range"
            {CMD h 9223372036854775807 FIELDS 1 a} "ERR invalid expire time in 'cmd' command"
            {CMD h 10 FIELDS 0 a} "ERR Parameter `numFields` should be greater than 0"
            {CMD h 10 FIELDS -1 a} "ERR Parameter `numFields` should be greater than 0"
            {CMD h 10 FIELDS x a} "ERR Parameter `numFields` should be greater than 0"
            {CMD h 10 FIELDS 2 a} "ERR The `numfields` parameter must match the number of arguments"
            {CMD h 10 FIELDS 1 a b} "ERR The `numfields` parameter must match the number of arguments"
            {CMD h 10 FIELDS 9223372036854775807 a} "ERR The `numfields` parameter must match*"
            {CMD h 10 XX NX FIELDS 1 a} "ERR Mandatory argument FIELDS is missing or not at*"
            {CMD h 10 a b c} "ERR Mandatory argument FIELDS is missing or not at*"
            {CMD s 10 FIELDS 1 a} "WRONGTYPE *"
        }]
    }
    expect 1 { ask HPEXPIREAT h [expr {(1 << 46) - 1}] FIELDS 1 a }
    expect_error "ERR invalid expire time in 'hpexpireat' command" {
        ask HPEXPIREAT h [expr {1 << 46}] FIELDS 1 a
    }
    foreach command {HTTL HPTTL HEXPIRETIME HPEXPIRETIME HPERSIST} {
        expect_errors [string map [list CMD $command] {
            {CMD h FIELDS 2 a} "ERR The `numfields` parameter must match the number of arguments"
            {CMD h FIELDS 0 a} "ERR * greater than 0"
            {CMD h NONSENSE 1 a} "ERR Mandatory argument FIELDS is missing or not at*"
            {CMD s FIELDS 1 a} "WRONGTYPE *"
        }]
    }
    expect_errors {
        {HGETDEL h FIELDS 0 a} "ERR Number of fields must be a positive integer"
        {HGETDEL h FIELDS 2 a} "ERR The `numfields` parameter must match the number of arguments"
        {HGETDEL h NONSENSE 1 a} "ERR Mandatory argument FIELDS is missing or not at*"
        {HGETDEL s FIELDS 1 a} "WRONGTYPE *"
        {HGETEX h FIELDS 0 a} "ERR Number of fields must be a positive integer"
        {HGETEX h EX FIELDS 1 a} "ERR value is not an integer or out of range"
        {HGETEX h EX 10 PX 10 FIELDS 1 a} "ERR Mandatory argument FIELDS is missing or not at*"
        {HGETEX h PERSIST 1 a} "ERR Mandatory argument FIELDS is missing or not at*"
        {HGETEX h EX 10 a} "ERR Mandatory argument FIELDS is missing or not at*"
        {HGETEX h PX -1 FIELDS 1 a} "ERR invalid expire time, must be >= 0"
        {HGETEX s FIELDS 1 a} "WRONGTYPE *"
        {HSETEX h FIELDS 2 a b} "ERR wrong number of arguments for 'hsetex' command"
        {HSETEX h FIELDS 1 a b c} "ERR wrong number of arguments for 'hsetex' command"
        {HSETEX h FIELDS 2 a b c} "ERR wrong number of arguments for 'hsetex' command"
        {HSETEX h FIELDS 0 a b} "ERR invalid number of fields"
        {HSETEX h FIELDS x a b} "ERR invalid number of fields"
        {HSETEX h FNX FXX FIELDS 1 a b} "ERR Only one of FXX or FNX arguments can be specified"
        {HSETEX h EX 1 KEEPTTL FIELDS 1 a b} "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL *"
        {HSETEX h NX FIELDS 1 a b} "ERR unknown argument: NX"
        {HSETEX h FNX FXX EX EX} "ERR *"
        {HSETEX h EX 10 FNX EX} "ERR *"
        {HSETEX h KEEPTTL FNX FIELDS} "ERR *"
        {HSETEX h EX 9223372036854775807 FIELDS 1 a b} "ERR invalid expire time in 'hsetex' command"
        {HSETEX s FIELDS 1 a b} "WRONGTYPE *"
    }
}

test "expired fields of a paused server stay until the pause ends" -tags baton-only {
    both_forms {
        ask HSET h a 1 b 2
        ask HPEXPIRE h 20 FIELDS 1 a
        ask CLIENT PAUSE 100000 WRITE
        sleep_ms 40
        expect (nil) { ask HGET h a }
        expect {b 2} { ask HGETALL h }
        expect 2 { ask HLEN h }
        ask CLIENT UNPAUSE
        wait_for {[ask HLEN h] == 1}
    }
}
