# Protocol errors: the text of each, then the end of the connection.

suite

proc breaks {bytes text} {
    set c [client::dial]
    client::write $c $bytes
    expect "-ERR Protocol error: $text\r\n" { client::until_eof $c }
}

test "a request's count must be a number in range" {
    foreach count {2147483648 3000000000 9223372036854775808 abc 1x +1 "" " 1" 01 1.0} {
        breaks "*$count\r\n" "invalid multibulk length"
    }
}

test "an argument must start with a dollar sign" {
    breaks "*1\r\nX\r\n" "expected '$', got 'X'"
    breaks "*1\r\nfoo\r\n" "expected '$', got 'f'"
    breaks "*1\r\n*1\r\n" "expected '$', got '*'"
    breaks "*2\r\n\$4\r\nECHO\r\n:1\r\n" "expected '$', got ':'"
}

test "an argument's length must be a number in range" {
    foreach len {-1 -10 536870913 2147483648 9223372036854775808 abc 4x +4 04 "" " 4"} {
        breaks "*1\r\n\$$len\r\n" "invalid bulk length"
    }
}

test "a count line that never ends" {
    breaks "*[string repeat 1 70000]" "too big mbulk count string"
}

test "a length line that never ends" {
    breaks "*1\r\n\$[string repeat 1 70000]" "too big bulk count string"
}

test "proto-max-bulk-len bounds an argument" {
    with_config {proto-max-bulk-len 1048576} {
        breaks "*3\r\n\$3\r\nSET\r\n\$1\r\na\r\n\$1048577\r\n" "invalid bulk length"
        expect OK { ask SET a [string repeat x 1048576] }
    }
}

test "replies to earlier requests come before the error" {
    set c [client::dial]
    client::write $c "PING\r\n[client::encode ECHO x]*1\r\nX\r\n"
    expect "+PONG\r\n\$1\r\nx\r\n-ERR Protocol error: expected '$', got 'X'\r\n" {
        client::until_eof $c
    }
}

test "nothing after a protocol error is executed" {
    set c [client::dial]
    client::write $c "*1\r\nX\r\n[client::encode SET after-error 1]"
    client::until_eof $c
    expect 0 { ask EXISTS after-error }
}

test "a protocol error of one client does not disturb another" {
    set good [client::dial]
    for {set i 0} {$i < 50} {incr i} {
        set bad [client::dial]
        client::write $bad "*1\r\n!\r\n"
        expect $i { $good ECHO $i }
        expect_true {[client::gone $bad]}
        client::hangup $bad
    }
}

test "HTTP is refused, silently, and nothing of it runs" {
    foreach text [list "POST / HTTP/1.1\r\nSET smuggled 1\r\n" \
            "GET / HTTP/1.1\r\nHost: x\r\n\r\nSET smuggled 1\r\n" \
            "Host: example\r\nSET smuggled 1\r\n"] {
        set c [client::dial]
        client::write $c $text
        expect_true {![string match "*OK*" [client::until_eof $c]]}
    }
    expect 0 { ask EXISTS smuggled }
    wait_for {[string match "*Possible SECURITY ATTACK*" [server::log_text]]}
}

test "the end of a bulk must be CRLF" -tags baton-only {
    set c [client::dial]
    client::write $c "*1\r\n\$4\r\nPINGXX*1\r\n\$4\r\nPING\r\n"
    expect_match "-ERR Protocol error: *\r\n" { client::until_eof $c }
}
