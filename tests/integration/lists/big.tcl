# Lists of big elements: they are nodes of their own, neither copied when they come nor when they go.

suite

proc value {len {seed 0}} {
    set text ""
    for {set i $seed} {[string length $text] < $len} {incr i} { append text "$seed.$i\r\n\0" }
    return [string range $text 0 $len-1]
}

proc expect_value {got len {seed 0}} {
    if {$got ne [value $len $seed]} {
        fail "an element of $len bytes (seed $seed) came back as [string length $got] bytes"
    }
}

test "elements of all sizes come back byte for byte, whatever way they go" {
    set sizes {8100 8191 8192 8193 16383 16384 32768 65536 65537 100000 1048577 3000000}
    foreach len $sizes {
        expect 1 { ask RPUSH l [value $len] }
        expect_value [ask LINDEX l 0] $len
        expect_value [ask LMOVE l m LEFT RIGHT] $len
        expect_value [lindex [ask LRANGE m 0 -1] 0] $len
        expect 0 { ask LPOS m [value $len] }
        expect_value [ask LPOP m] $len
        expect 0 { ask EXISTS l m }
    }
}

test "an element that is replaced or removed is still answered whole to those who asked before" {
    ask RPUSH l [value 3000000] small [value 2000000 1]
    set c [client::dial]
    client::write $c [client::encode LRANGE l 0 -1][client::encode LSET l 0 x][client::encode LREM \
        l 0 [value 2000000 1]][client::encode LRANGE l 0 -1]
    set replies [client::replies $c 4]
    expect_value [lindex $replies 0 0] 3000000
    expect_value [lindex $replies 0 2] 2000000 1
    expect {OK 1 {x small}} { lrange $replies 1 end }
}

test "big elements among small ones, inserted and deleted in the middle" {
    ask RPUSH l a b c d
    expect 5 { ask LINSERT l BEFORE c [value 100000] }
    expect 6 { ask LINSERT l AFTER b [value 20000 1] }
    expect OK { ask LSET l 0 [value 50000 2] }
    expect {b d} { list [ask LINDEX l 1] [ask LINDEX l -1] }
    expect_value [ask LINDEX l 2] 20000 1
    expect_value [ask LINDEX l 3] 100000
    expect 1 { ask LREM l 0 [value 20000 1] }
    expect OK { ask LSET l 0 a }
    expect OK { ask LTRIM l 0 1 }
    expect {a b} { ask LRANGE l 0 -1 }
}

test "memory comes back when big lists go" -tags {baton-only no-sanitizer} {
    set before [info_field used_memory]
    for {set i 0} {$i < 30} {incr i} { ask RPUSH l [value 1000000 $i] }
    expect_true {[info_field used_memory] > $before + 29000000}
    expect 1 { ask DEL l }
    wait_for {[info_field used_memory] < $before + 5000000}
}

test "a long list is freed in steps" -tags baton-only {
    set batch [lrepeat 1000 [string repeat v 90]]
    for {set i 0} {$i < 100} {incr i} { ask RPUSH l {*}$batch }
    expect 1 { ask UNLINK l }
    wait_for {[info_field lazyfree_pending_objects] == 0}
    expect_true {[info_field lazyfreed_objects] > 0}
}
