# CLIENT REPLY ON, OFF and SKIP.

suite

test "CLIENT REPLY ON answers OK" {
    expect OK { ask CLIENT REPLY ON }
}

test "CLIENT REPLY OFF silences everything, itself too" {
    set c [client::dial]
    client::send $c CLIENT REPLY OFF
    client::send $c PING
    client::send $c SET silent 1
    client::send $c NOSUCH
    client::send $c GET
    client::send $c CLIENT REPLY ON
    client::send $c PING
    expect {OK PONG} { client::replies $c 2 }
    expect 1 { ask GET silent }
}

test "CLIENT REPLY SKIP drops its own reply and the next" {
    set c [client::dial]
    client::send $c CLIENT REPLY SKIP
    client::send $c SET skipped 1
    client::send $c GET skipped
    expect 1 { client::reply $c }
}

test "CLIENT REPLY SKIP also drops an error" {
    set c [client::dial]
    client::write $c [client::encode CLIENT REPLY SKIP][client::encode NOSUCH][client::encode PING]
    expect PONG { client::reply $c }
}

test "CLIENT REPLY SKIP twice" {
    set c [client::dial]
    set bytes ""
    foreach request {{CLIENT REPLY SKIP} {CLIENT REPLY SKIP} {PING a} {PING b}} {
        append bytes [client::encode {*}$request]
    }
    client::write $c $bytes
    expect b { client::reply $c }
    expect "" { client::until_quiet $c 50 }
}

test "CLIENT REPLY OFF in a pipeline is exact" {
    set c [client::dial]
    set bytes ""
    for {set i 0} {$i < 100} {incr i} {
        append bytes [client::encode ECHO $i] [client::encode CLIENT REPLY OFF] \
            [client::encode ECHO no] [client::encode CLIENT REPLY ON]
    }
    client::write $c $bytes
    for {set i 0} {$i < 100} {incr i} { expect [list $i OK] { client::replies $c 2 } }
}

test "CLIENT REPLY errors" {
    expect_errors {
        {CLIENT REPLY} {ERR wrong number of arguments for 'client|reply' command}
        {CLIENT REPLY maybe} {ERR syntax error}
        {CLIENT REPLY ON ON} {ERR wrong number of arguments for 'client|reply' command}
    }
}

test "RESET switches replies on again" {
    set c [client::dial]
    client::send $c CLIENT REPLY OFF
    client::send $c RESET
    client::send $c PING
    expect_match "*PONG" { client::line $c; client::line $c }
}
