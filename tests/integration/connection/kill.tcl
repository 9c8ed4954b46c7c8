# CLIENT KILL, in its old and its new form, with every filter.

suite

proc address {c} { return 127.0.0.1:[lindex [fconfigure $client::sock($c) -sockname] 2] }

test "CLIENT KILL addr:port" {
    set c [client::dial]
    $c PING
    expect OK { ask CLIENT KILL [address $c] }
    expect_true {[client::gone $c]}
    expect_error "ERR No such client" { ask CLIENT KILL 127.0.0.1:1 }
    expect_error "ERR No such client" { ask CLIENT KILL nonsense }
}

test "CLIENT KILL ID" {
    set c [client::dial]
    expect 1 { ask CLIENT KILL ID [$c CLIENT ID] }
    expect_true {[client::gone $c]}
    expect 0 { ask CLIENT KILL ID 999999 }
}

test "CLIENT KILL ADDR and LADDR" {
    set c [client::dial]
    $c PING
    expect 1 { ask CLIENT KILL ADDR [address $c] }
    expect_true {[client::gone $c]}
    set d [client::dial]
    $d PING
    expect 1 { ask CLIENT KILL LADDR 127.0.0.1:[server::port] }
    expect_true {[client::gone $d]}
    expect PONG { ask PING }
}

test "CLIENT KILL USER and TYPE" {
    set a [client::dial]
    set b [client::dial]
    $a PING
    $b PING
    expect 2 { ask CLIENT KILL USER default }
    expect_true {[client::gone $a] && [client::gone $b]}
    set c [client::dial]
    $c PING
    expect 1 { ask CLIENT KILL TYPE normal }
    expect_true {[client::gone $c]}
    foreach type {pubsub replica slave master} { expect 0 { ask CLIENT KILL TYPE $type } }
}

test "CLIENT KILL filters combine" {
    set a [client::dial]
    set b [client::dial]
    $b PING
    set id [$a CLIENT ID]
    expect 0 { ask CLIENT KILL ID $id ADDR [address $b] }
    expect 0 { ask CLIENT KILL ID $id TYPE pubsub }
    expect 1 { ask CLIENT KILL ID $id ADDR [address $a] TYPE normal USER default }
    expect_true {[client::gone $a]}
    expect PONG { $b PING }
}

test "CLIENT KILL SKIPME no kills the caller too, after its answer" {
    set a [suite::default_client]
    set b [client::dial]
    $b PING
    expect 2 { $a CLIENT KILL TYPE normal SKIPME no }
    expect_true {[client::gone $a] && [client::gone $b]}
}

test "CLIENT KILL of oneself answers first" {
    set c [client::dial]
    set id [$c CLIENT ID]
    client::write $c [client::encode CLIENT KILL ID $id SKIPME no][client::encode SET after 1]
    expect ":1\r\n" { client::until_eof $c }
    expect 0 { ask EXISTS after }
    set d [client::dial]
    $d PING
    expect OK { $d CLIENT KILL [address $d] }
    expect_true {[client::gone $d]}
}

test "CLIENT KILL errors" {
    expect_errors {
        {CLIENT KILL} {ERR wrong number of arguments for 'client|kill' command}
        {CLIENT KILL ID abc} {ERR client-id should be greater than 0}
        {CLIENT KILL ID 0} {ERR client-id should be greater than 0}
        {CLIENT KILL ID -1} {ERR client-id should be greater than 0}
        {CLIENT KILL TYPE nosuch} {ERR Unknown client type 'nosuch'}
        {CLIENT KILL USER nosuch} {ERR No such user 'nosuch'}
        {CLIENT KILL ID 1 SKIPME maybe} {ERR syntax error}
        {CLIENT KILL ID 1 ADDR} {ERR syntax error}
        {CLIENT KILL NOSUCH x} {ERR syntax error}
    }
    expect PONG { ask PING }
}

test "killing a client with a half-sent request" {
    set c [client::dial]
    set id [$c CLIENT ID]
    client::write $c "*3\r\n\$3\r\nSET\r\n\$1\r\nk\r\n\$100\r\nabc"
    expect 1 { ask CLIENT KILL ID $id }
    expect_true {[client::gone $c]}
    expect 0 { ask EXISTS k }
}

test "killing a client that does not read its replies" {
    set c [client::dial]
    set id [$c CLIENT ID]
    ask SET big [string repeat x 100000]
    client::write $c [string repeat [client::encode GET big] 300]
    wait_for {[dict get [client_entry $id] omem] > 0 || [dict get [client_entry $id] oll] > 0}
    expect 1 { ask CLIENT KILL ID $id }
    wait_for {[client_entry $id] eq {}}
    expect_true {[client::gone $c]}
}

test "killing a client in the middle of a deep pipeline" {
    for {set round 0} {$round < 20} {incr round} {
        set c [client::dial]
        set id [$c CLIENT ID]
        client::write $c [string repeat [client::encode INCR n] 2000]
        ask CLIENT KILL ID $id
        expect_true {[client::gone $c]}
        client::hangup $c
    }
    expect_true {[ask GET n] <= 40000}
    wait_for {[info_field connected_clients clients] == 1}
}

test "a killed client's id is gone and its successor is another" {
    set c [client::dial]
    set id [$c CLIENT ID]
    ask CLIENT KILL ID $id
    wait_for {[client_entry $id] eq {}}
    set d [client::dial]
    expect_true {[$d CLIENT ID] > $id}
    expect 0 { ask CLIENT KILL ID $id }
    expect PONG { $d PING }
}
