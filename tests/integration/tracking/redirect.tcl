# CLIENT TRACKING REDIRECT: another connection is told.

suite

test "to a connection that speaks RESP3" {
    set to [client::dial -resp 3]
    set c [client::dial]
    $c CLIENT TRACKING ON REDIRECT [$to CLIENT ID]
    $c GET k
    ask SET k 1
    expect {{invalidate k}} { client::pushes $to }
    expect {} { client::pushes $c }
    ask FLUSHALL
    expect {{invalidate (nil)}} { client::pushes $to }
}

test "several clients to one connection" {
    set to [client::dial -resp 3]
    set a [client::dial]
    set b [client::dial -resp 3]
    $a CLIENT TRACKING ON REDIRECT [$to CLIENT ID]
    $b CLIENT TRACKING ON BCAST PREFIX k REDIRECT [$to CLIENT ID]
    $a GET j
    ask MSET j 1 k 1
    expect {{invalidate j} {invalidate k}} { lsort [client::pushes $to] }
    expect {} { client::pushes $b }
}

test "to a subscriber of RESP2" -needs subscribe {
    set to [client::dial]
    set id [$to CLIENT ID]
    $to SUBSCRIBE __redis__:invalidate
    set c [client::dial]
    $c CLIENT TRACKING ON REDIRECT $id
    $c MGET j k
    ask SET k 1
    expect {array {{bulk message} {bulk __redis__:invalidate} {array {{bulk k}}}}} {
        client::typed $to }
    ask FLUSHALL
    expect {array {{bulk message} {bulk __redis__:invalidate} {nil {}}}} { client::typed $to }
    # One that is not subscribed gets nothing.
    $to UNSUBSCRIBE __redis__:invalidate
    $c GET k
    ask SET k 2
    expect PONG { $to PING }
}

test "a connection that is told by itself" -needs subscribe {
    set c [client::dial]
    $c CLIENT TRACKING ON BCAST REDIRECT [$c CLIENT ID]
    $c SUBSCRIBE __redis__:invalidate
    ask SET k 1
    expect {message __redis__:invalidate k} { client::reply $c }
}

test "one that has gone" {
    foreach options {{} BCAST} {
        set to [client::dial -resp 3]
        set id [$to CLIENT ID]
        set c [client::dial -resp 3]
        $c CLIENT TRACKING ON REDIRECT $id {*}$options
        $c GET k
        $to QUIT
        wait_for {[client_entry $id] eq {}}
        ask SET k 1
        expect [list tracking-redir-broken $id] { client::push $c }
        expect_match "*broken_redirect" { dict get [$c CLIENT TRACKINGINFO] flags }
        expect_match "tR*" { dict get [client_entry [$c CLIENT ID]] flags }
        expect $id { $c CLIENT GETREDIR }
        $c CLIENT TRACKING ON {*}$options
        expect_match "t*" { dict get [client_entry [$c CLIENT ID]] flags }
        expect 0 { $c CLIENT GETREDIR }
        client::hangup $c
    }
    # One that speaks RESP2 sees it in its flags.
    set to [client::dial -resp 3]
    set id [$to CLIENT ID]
    set c [client::dial]
    $c CLIENT TRACKING ON REDIRECT $id
    $c GET k
    client::hangup $to
    wait_for {[client_entry $id] eq {}}
    ask SET k 1
    expect {} { client::pushes $c }
    expect {on broken_redirect} { dict get [$c CLIENT TRACKINGINFO] flags }
}
