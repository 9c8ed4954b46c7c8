# Large sorted sets: memory comes back, and freeing them stops nobody.

suite

proc fill {key count} {
    for {set i 0} {$i < $count} {incr i 1000} {
        set words {}
        for {set k $i} {$k < $i + 1000} {incr k} { lappend words [random_int 1000000] member:$k }
        ask ZADD $key {*}$words
    }
}

test "a large set that is deleted, unlinked, overwritten or expires is freed in steps" -tags baton-only {
    set count [by_load 20000 100000 1000000]
    foreach end {{DEL z} {UNLINK z} {SET z v} {PEXPIRE z 1} {ZREMRANGEBYRANK z 0 -1} {FLUSHALL ASYNC}
            {ZUNIONSTORE z 1 none}} {
        set before [info_field used_memory]
        fill z $count
        expect $count { ask ZCARD z }
        expect_true {[info_field used_memory] > $before + 40 * $count}
        ask {*}$end
        wait_for {[info_field lazyfree_pending_objects] == 0}
        wait_for {[info_field used_memory] < $before + 5 * $count}
        ask DEL z
    }
}

test "a member has a price within bounds" -tags {baton-only no-sanitizer} {
    set count [by_load 20000 100000 1000000]
    fill z $count
    set price [expr {[ask MEMORY USAGE z SAMPLES 0] / double($count)}]
    expect_true {$price > 40 && $price < 100}
}

test "half of a large set goes by rank, by score and by member" {
    set count [by_load 5000 20000 100000]
    fill z $count
    expect 1000 { ask ZREMRANGEBYRANK z 500 1499 }
    set left [expr {$count - 1000}]
    set below [ask ZCOUNT z -inf 500000]
    expect $below { ask ZREMRANGEBYSCORE z -inf 500000 }
    expect [expr {$left - $below}] { ask ZCARD z }
    expect [expr {$left - $below}] { llength [ask ZRANGE z 0 -1] }
}
