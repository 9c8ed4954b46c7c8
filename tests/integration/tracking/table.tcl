# The table of keys that were read: its limit, its counts, many clients.

suite

test "keys and pairs of key and client are counted" -tags baton-only {
    set a [client::dial -resp 3]
    set b [client::dial -resp 3]
    $a CLIENT TRACKING ON
    $b CLIENT TRACKING ON
    $a MGET x y
    $a MGET x y
    $b MGET y z
    expect 3 { info_field tracking_total_keys }
    expect 4 { info_field tracking_total_items }
    ask SET y 1
    expect 2 { info_field tracking_total_keys }
    expect 2 { info_field tracking_total_items }
    # With the last client that tracks all is forgotten.
    client::hangup $a
    wait_for {[info_field tracking_clients] == 1}
    expect 2 { info_field tracking_total_keys }
    $b CLIENT TRACKING OFF
    expect 0 { info_field tracking_total_keys }
    expect 0 { info_field tracking_total_items }
}

test "over the limit keys are given up, and that is told" -tags baton-only {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON NOLOOP
    with_config {tracking-table-max-keys 10} {
        for {set i 0} {$i < 100} {incr i} { $c GET k$i }
        expect 10 { info_field tracking_total_keys }
        set told [lsort [lmap push [client::pushes $c] { lindex $push 1 }]]
        expect 90 { llength [lsort -unique $told] }
        # The others are those that are still remembered.
        for {set i 0} {$i < 100} {incr i} { if {"k$i" ni $told} { ask SET k$i 1 } }
        expect 10 { llength [client::pushes $c] }
        expect 0 { info_field tracking_total_keys }
    }
}

test "a lower limit takes hold by itself" {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON
    set keys {}
    for {set i 0} {$i < 2500} {incr i} { lappend keys k$i }
    $c MGET {*}$keys
    expect 2500 { info_field tracking_total_keys }
    with_config {tracking-table-max-keys 1} {
        wait_for {[info_field tracking_total_keys] == 1}
        expect 2499 { llength [client::pushes $c] }
    }
    with_config {tracking-table-max-keys 0} {
        $c MGET {*}$keys
        expect 2500 { info_field tracking_total_keys }
        expect {} { client::pushes $c }
    }
}

test "clients that come and go do not fill the table" -tags baton-only {
    set stays [client::dial -resp 3]
    $stays CLIENT TRACKING ON
    for {set i 0} {$i < 200} {incr i} {
        set c [client::dial -resp 3]
        $c CLIENT TRACKING ON
        $c GET k
        client::hangup $c
    }
    expect_true {[info_field tracking_total_items] <= 20}
    $stays GET k
    ask SET k 1
    expect {{invalidate k}} { client::pushes $stays }
}

test "many clients read many keys" {
    set clients {}
    set count [by_load 40 200 1000]
    for {set i 0} {$i < $count} {incr i} {
        set c [client::dial -resp 3]
        $c CLIENT TRACKING ON
        lappend clients $c
    }
    set keys {}
    for {set i 0} {$i < 50} {incr i} { lappend keys k$i }
    # In an order that is neither theirs nor its reverse.
    for {set i 0} {$i < $count} {incr i} {
        [lindex $clients [expr {$i * 7 % $count}]] MGET {*}$keys
    }
    expect 50 { info_field tracking_total_keys }
    expect [expr {50 * $count}] { info_field tracking_total_items }
    ask MSET {*}[concat {*}[lmap key $keys { list $key 1 }]]
    set wanted [lmap key $keys { list invalidate $key }]
    foreach c $clients { expect $wanted { client::pushes $c } }
    expect 0 { info_field tracking_total_items }
}

test "a large table that is dropped does not hold up the server" -tags baton-only {
    set c [client::dial -resp 3]
    $c CLIENT TRACKING ON
    for {set i 0} {$i < 20} {incr i} {
        set keys {}
        for {set j 0} {$j < 1000} {incr j} { lappend keys key:$i:$j }
        $c MGET {*}$keys
    }
    set used [info_field used_memory]
    $c CLIENT TRACKING OFF
    expect 0 { info_field tracking_total_keys }
    wait_for {[info_field used_memory] < $used - 20000 * 32}
}
