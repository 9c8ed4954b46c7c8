# RENAME, RENAMENX, MOVE, COPY and SWAPDB.

suite

test "RENAME" {
    expect_each {
        {ask SET a 1} OK
        {ask RENAME a b} OK
        {ask EXISTS a} 0
        {ask GET b} 1
        {ask SET c 2} OK
        {ask RENAME b c} OK
        {ask GET c} 1
        {ask DBSIZE} 1
        {ask RENAME c c} OK
        {ask GET c} 1
    }
    expect_error "ERR no such key" { ask RENAME nothing b }
    expect_error "ERR no such key" { ask RENAME nothing nothing }
}

test "RENAMENX" {
    expect_each {
        {ask MSET a 1 b 2} OK
        {ask RENAMENX a b} 0
        {ask RENAMENX a c} 1
        {ask GET c} 1
        {ask RENAMENX c c} 0
        {ask GET c} 1
    }
    expect_error "ERR no such key" { ask RENAMENX nothing b }
}

test "RENAME carries the TTL and drops the target's" {
    ask SET a 1 EX 100
    ask SET b 2 EX 5000
    ask RENAME a b
    expect_true {[ask TTL b] > 0 && [ask TTL b] <= 100}
    ask SET c 3
    ask RENAME c b
    expect -1 { ask TTL b }
}

test "RENAME of an expired key" {
    ask SET a 1 PX 1
    sleep_ms 5
    expect_error "ERR no such key" { ask RENAME a b }
    ask SET b 1
    ask SET c 1 PX 1
    sleep_ms 5
    expect 1 { ask RENAMENX b c }
    expect -1 { ask TTL c }
}

test "RENAME between keys of many lengths and values" {
    foreach from {1 10 50 200} {
        foreach to {1 12 45 255} {
            set a [string repeat a $from]
            set b [string repeat b $to]
            ask SET $a value-$from-$to EX 100
            ask RENAME $a $b
            expect value-$from-$to { ask GET $b }
            expect_true {[ask TTL $b] > 90}
            ask DEL $b
        }
    }
    expect 0 { ask DBSIZE }
}

test "MOVE" {
    set other [client::dial -db 9]
    expect_each {
        {ask SET a 1 EX 100} OK
        {ask MOVE a 9} 1
        {ask EXISTS a} 0
        {$other GET a} 1
        {expr {[$other TTL a] > 90}} 1
        {ask SET a 2} OK
        {ask MOVE a 9} 0
        {ask GET a} 2
        {ask MOVE nothing 9} 0
    }
    expect_errors {
        {MOVE a 0} {ERR source and destination objects are the same}
        {MOVE a 16} {ERR DB index is out of range}
        {MOVE a -1} {ERR DB index is out of range}
        {MOVE a abc} {ERR value is not an integer or out of range}
    }
}

test "MOVE onto an expired key" {
    set other [client::dial -db 9]
    $other SET a old PX 1
    sleep_ms 5
    ask SET a new
    expect 1 { ask MOVE a 9 }
    expect new { $other GET a }
}

test "COPY" {
    expect_each {
        {ask SET a 1 EX 100} OK
        {ask COPY a b} 1
        {ask MGET a b} {1 1}
        {expr {[ask TTL b] > 90}} 1
        {ask SET a 2} OK
        {ask COPY a b} 0
        {ask GET b} 1
        {ask COPY a b REPLACE} 1
        {ask GET b} 2
        {ask TTL b} -1
        {ask COPY nothing c} 0
        {ask COPY nothing b REPLACE} 0
        {ask GET b} 2
    }
}

test "COPY to another database" {
    set other [client::dial -db 9]
    expect_each {
        {ask SET a 1} OK
        {ask COPY a a DB 9} 1
        {$other GET a} 1
        {ask COPY a a DB 9} 0
        {ask SET a 2} OK
        {ask COPY a a db 9 replace} 1
        {$other GET a} 2
        {ask GET a} 2
        {$other APPEND a x} 2
        {ask GET a} 2
    }
}

test "COPY errors" {
    ask SET a 1
    expect_errors {
        {COPY a a} {ERR source and destination objects are the same}
        {COPY a a DB 0} {ERR source and destination objects are the same}
        {COPY a b DB 16} {ERR DB index is out of range}
        {COPY a b DB -1} {ERR DB index is out of range}
        {COPY a b DB abc} {ERR value is not an integer or out of range}
        {COPY a b DB} {ERR syntax error}
        {COPY a b NOSUCH} {ERR syntax error}
        {COPY a} {ERR wrong number of arguments for 'copy' command}
    }
}

test "a copy is independent of its source" {
    ask SET a [string repeat x 100]
    ask COPY a b
    ask SETRANGE a 0 yyy
    ask APPEND b z
    expect [string repeat x 100]z { ask GET b }
    expect yyy[string repeat x 97] { ask GET a }
}

test "SWAPDB" {
    set other [client::dial -db 9]
    ask MSET a 1 b 2
    $other SET c 3 EX 100
    expect OK { ask SWAPDB 0 9 }
    expect {c} { ask KEYS * }
    expect_true {[ask TTL c] > 90}
    expect {a b} { lsort [$other KEYS *] }
    expect OK { ask SWAPDB 9 0 }
    expect {a b} { lsort [ask KEYS *] }
    expect OK { ask SWAPDB 0 0 }
    expect {a b} { lsort [ask KEYS *] }
}

test "SWAPDB carries expiry with it" {
    ask SELECT 9
    ask SET a 1 PX 60
    ask SWAPDB 0 9
    ask SELECT 0
    expect 1 { ask EXISTS a }
    wait_for {[ask DBSIZE] == 0}
}

test "SWAPDB errors" {
    expect_errors {
        {SWAPDB 0 16} {ERR DB index is out of range}
        {SWAPDB -1 0} {ERR DB index is out of range}
        {SWAPDB abc 0} {ERR invalid first DB index}
        {SWAPDB 0 abc} {ERR invalid second DB index}
        {SWAPDB 0} {ERR wrong number of arguments for 'swapdb' command}
    }
}

test "every two-key command with the same key twice" {
    ask SET k v
    expect_each {
        {ask RENAME k k} OK
        {ask RENAMENX k k} 0
        {ask LCS k k} v
        {ask MSET k 1 k 2} OK
        {ask MGET k k} {2 2}
        {ask DEL k k} 1
        {ask MSETNX k 1 k 2} 1
        {ask GET k} 2
        {ask BITOP AND k k k} 1
        {ask BITOP XOR k k k} 1
        {ask UNLINK k k} 1
    }
}
