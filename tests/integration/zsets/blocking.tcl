# BZPOPMIN, BZPOPMAX and BZMPOP: what they answer, and who is woken by what.

suite

test "what is there is answered at once" {
    ask ZADD z 1 a 2 b 3 c 4 d
    expect_each {
        {ask BZPOPMIN none z 0} {z a 1}
        {ask BZPOPMAX z none 0} {z d 4}
        {ask BZMPOP 0 2 none z MAX COUNT 9} {z {{c 3} {b 2}}}
        {ask EXISTS z} 0
    }
}

test "a member wakes whoever waits, with the forms of each command" {
    foreach {request answer} {
        {BZPOPMIN x z 0} {z a 1}
        {BZPOPMAX z x 0} {z c 3}
        {BZMPOP 0 2 x z MIN} {z {{a 1}}}
        {BZMPOP 0 1 z MAX COUNT 2} {z {{c 3} {b 2}}}
    } {
        foreach added {{ZADD z 3 c 1 a 2 b} {ZUNIONSTORE z 1 other} {ZRANGESTORE z other 0 -1}
                {COPY other z}} {
            ask ZADD other 1 a 2 b 3 c
            set c [waiting {*}$request]
            wait_for_blocked 1
            ask {*}$added
            expect $answer { client::reply $c }
            wait_for_blocked 0
            ask FLUSHALL
        }
    }
    set c [waiting BZPOPMIN z 0]
    wait_for_blocked 1
    ask ZINCRBY z 7 m
    expect {z m 7} { client::reply $c }
}

test "those who wait are served in the order in which they came" {
    set clients {}
    foreach request {{BZPOPMIN z 0} {BZPOPMAX z 0} {BZMPOP 0 1 z MIN COUNT 2} {BZPOPMIN z 0}} {
        lappend clients [waiting {*}$request]
        wait_for_blocked [llength $clients]
    }
    ask ZADD z 1 a 2 b 3 c 4 d
    expect {z a 1} { client::reply [lindex $clients 0] }
    expect {z d 4} { client::reply [lindex $clients 1] }
    expect {z {{b 2} {c 3}}} { client::reply [lindex $clients 2] }
    wait_for_blocked 1
    ask ZADD z 5 e
    expect {z e 5} { client::reply [lindex $clients 3] }
    expect 0 { ask EXISTS z }
}

test "other types wake nobody" {
    set c [waiting BZPOPMIN k 0]
    wait_for_blocked 1
    ask RPUSH k a
    ask DEL k
    ask SADD k a
    ask DEL k
    ask ZADD k 1 a
    expect {k a 1} { client::reply $c }
    ask SET k v
    expect_error "WRONGTYPE *" { ask BZPOPMIN none k 0 }
    expect_error "WRONGTYPE *" { ask BZMPOP 0 1 k MIN }
}

test "timeouts and arguments" {
    expect {nilarray {}} { ask_typed BZPOPMIN a b 0.01 }
    expect {nilarray {}} { ask_typed BZPOPMAX a 0.01 }
    expect {nilarray {}} { ask_typed BZMPOP 0.01 1 a MIN }
    expect_errors {
        {BZPOPMIN a x} "ERR timeout is not a float or out of range"
        {BZPOPMAX a -1} "ERR timeout is negative"
        {BZMPOP x 1 a MIN} "ERR timeout is not a float or out of range"
        {BZMPOP -1 1 a MIN} "ERR timeout is negative"
        {BZMPOP x 0 a MIN} "ERR numkeys should be greater than 0"
        {BZMPOP 0 0 a MIN} "ERR numkeys should be greater than 0"
        {BZMPOP 0 2 a MIN} "ERR syntax error"
        {BZMPOP 0 1 a MIN COUNT 0} "ERR count should be greater than 0"
        {BZMPOP 0 1 a LEFT} "ERR syntax error"
    }
}

test "words that are no keys wake nobody" {
    set c [waiting BZMPOP 0 1 z MIN COUNT 10]
    wait_for_blocked 1
    foreach word {0 1 MIN COUNT 10} { ask ZADD $word 1 m }
    ask ZADD z 1 a
    expect {z {{a 1}}} { client::reply $c }
}
