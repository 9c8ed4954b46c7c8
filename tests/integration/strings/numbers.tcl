# INCR and its family: integers, floats, and where both end.

suite

test "INCR, DECR, INCRBY, DECRBY" {
    expect_each {
        {ask INCR n} 1
        {ask INCR n} 2
        {ask DECR n} 1
        {ask INCRBY n 41} 42
        {ask DECRBY n 50} -8
        {ask DECR other} -1
        {ask GET n} -8
        {ask INCRBY n 0} -8
    }
}

test "a counter keeps its TTL" {
    ask SET n 5 EX 100
    ask INCR n
    ask INCRBYFLOAT n 1.5
    expect 7.5 { ask GET n }
    expect_true {[ask TTL n] > 90}
}

test "an integer as a counter's limits" {
    ask SET n 9223372036854775806
    expect 9223372036854775807 { ask INCR n }
    expect_error "ERR increment or decrement would overflow" { ask INCR n }
    ask SET n -9223372036854775807
    expect -9223372036854775808 { ask DECR n }
    expect_error "ERR increment or decrement would overflow" { ask DECR n }
    expect_error "ERR increment or decrement would overflow" { ask INCRBY n -1 }
    expect -1 { ask INCRBY n 9223372036854775807 }
    expect_error "ERR decrement would overflow" { ask DECRBY n -9223372036854775808 }
    expect -1 { ask GET n }
}

test "what is not an integer" {
    foreach value {abc 1.0 " 1" "1 " 1a +1 01 -0 "" 9223372036854775808 0x10 1e3} {
        ask SET n $value
        expect_error "ERR value is not an integer or out of range" { ask INCR n }
        expect_error "ERR value is not an integer or out of range" { ask INCRBY other $value }
        expect $value { ask GET n }
    }
    expect 0 { ask EXISTS other }
}

test "INCR after SETRANGE, APPEND and SETBIT works on the bytes" {
    ask SET n 10
    ask SETRANGE n 1 9
    expect 20 { ask INCR n }
    ask APPEND n 5
    expect 206 { ask INCR n }
    ask SETBIT n 7 1
    expect 307 { ask INCR n }
}

test "INCRBYFLOAT" {
    expect_each {
        {ask INCRBYFLOAT f 1} 1
        {ask INCRBYFLOAT f 1.25} 2.25
        {ask INCRBYFLOAT f -0.25} 2
        {ask SET f 3.0} OK
        {ask INCRBYFLOAT f 1.1} 4.1
        {ask SET f 1.5e3} OK
        {ask INCRBYFLOAT f 0} 1500
        {ask INCRBYFLOAT f 5.0e2} 2000
        {ask SET f 0.1} OK
        {ask INCRBYFLOAT f 0.2} 0.3
        {ask INCRBYFLOAT f -1.1} -0.8
    }
    expect {bulk -0.3} { ask_typed INCRBYFLOAT f 0.5 }
}

test "INCRBYFLOAT of large and small numbers" {
    expect_each {
        {ask SET f 17179869184} OK
        {ask INCRBYFLOAT f 1.5} 17179869185.5
        {ask SET f 3} OK
        {ask INCRBYFLOAT f 1e-10} 3.0000000001
        {ask SET f 1e20} OK
        {ask INCRBYFLOAT f 1} 100000000000000000000
    }
}

test "what is not a float" {
    foreach value {abc 1.0a " 1" "1 " "" 1e 1.2.3 nan} {
        ask SET f $value
        expect_error "ERR value is not a valid float" { ask INCRBYFLOAT f 1 }
        expect_error "ERR value is not a valid float" { ask INCRBYFLOAT other $value }
    }
    expect 0 { ask EXISTS other }
}

test "a float cannot become infinite" {
    expect_error "ERR increment would produce NaN or Infinity" { ask INCRBYFLOAT f +inf }
    expect_error "ERR increment would produce NaN or Infinity" { ask INCRBYFLOAT f -inf }
    expect 0 { ask EXISTS f }
}

test "numbers in long double range are legal" {
    ask SET f 1.7e308
    set sum [ask INCRBYFLOAT f 1.7e308]
    expect_true {[string length $sum] == 309 && [string match 34* $sum]}
    expect_error "ERR value is not a valid float" { ask INCRBYFLOAT f 1e5000 }
}

test "arity of the number commands" {
    expect_errors {
        {INCR} {ERR wrong number of arguments for 'incr' command}
        {INCR a b} {ERR wrong number of arguments for 'incr' command}
        {INCRBY a} {ERR wrong number of arguments for 'incrby' command}
        {INCRBYFLOAT a} {ERR wrong number of arguments for 'incrbyfloat' command}
    }
}

test "counters of two clients add up" {
    set a [client::dial]
    set b [client::dial -unix 1]
    foreach c [list $a $b] { client::write $c [string repeat [client::encode INCR n] 500] }
    foreach c [list $a $b] { client::replies $c 500 }
    expect 1000 { ask GET n }
}
