# Random commands against a Tcl list, under options that make every form of node.

suite -config {"enable-debug-command yes"}

proc random_item {} {
    switch [random_int 6] {
        0 { return [expr {[random_int 2000] - 1000}] }
        1 { return [string repeat [random_int 3] [random_int 300]] }
        2 { return [random_bytes [random_int 40]] }
        3 { return [string repeat x [random_int 9000]][random_int 3] }
        default { return [random_int 5] }
    }
}

proc shift_of {name at count} {
    upvar 1 $name items
    set taken [lrange $items $at [expr {$at + $count - 1}]]
    set items [lreplace $items $at [expr {$at + $count - 1}]]
    return $taken
}

# One random command on both; its answer must be the one that the Tcl list gives.
proc step {name} {
    upvar 1 $name items
    set n [llength $items]
    set item [random_item]
    switch [random_int 12] {
        0 - 1 {
            set items [linsert $items 0 $item]
            expect [expr {$n + 1}] { ask LPUSH l $item }
        }
        2 - 3 - 4 {
            lappend items $item 7
            expect [expr {$n + 2}] { ask RPUSH l $item 7 }
        }
        5 { if {$n > 0} { expect [lindex [shift_of items 0 1] 0] { ask LPOP l } } }
        6 { if {$n > 0} { expect [lindex [shift_of items [expr {$n - 1}] 1] 0] { ask RPOP l } } }
        7 {
            if {$n == 0} return
            set at [random_int $n]
            lset items $at $item
            expect OK { ask LSET l [expr {[random_int 2] ? $at : $at - $n}] $item }
        }
        8 {
            if {$n == 0} return
            set pivot [lindex $items [random_int $n]]
            set at [lsearch -exact $items $pivot]
            set after [random_int 2]
            set items [linsert $items [expr {$at + $after}] $item]
            expect [expr {$n + 1}] { ask LINSERT l [lindex {BEFORE AFTER} $after] $pivot $item }
        }
        9 {
            if {$n == 0} return
            set victim [lindex $items [random_int $n]]
            set at [lindex [lsearch -exact -all $items $victim] end]
            shift_of items $at 1
            expect 1 { ask LREM l -1 $victim }
        }
        10 {
            set at [lsearch -exact $items $item]
            expect [expr {$at < 0 ? "(nil)" : $at}] { ask LPOS l $item }
        }
        11 {
            if {$n < 40} return
            set from [random_int 4]
            set to [expr {$n - 1 - [random_int 4]}]
            set items [lrange $items $from $to]
            expect OK { ask LTRIM l $from $to }
        }
    }
}

proc run_case {size depth threshold} {
    set items {}
    with_config [list list-max-listpack-size $size list-compress-depth $depth] {
        ask DEBUG QUICKLIST-PACKED-THRESHOLD $threshold
        for {set i 0} {$i < [by_load 400 1200 10000]} {incr i} {
            step items
            if {$i % 20 == 0} { expect $items { ask LRANGE l 0 -1 } }
        }
        expect $items { ask LRANGE l 0 -1 }
        expect [llength $items] { ask LLEN l }
        ask DEBUG QUICKLIST-PACKED-THRESHOLD 0
    }
}

foreach {size depth threshold} {-2 0 0  -1 1 0  3 1 0  1 0 0  -2 0 100  16 2 5  -5 0 0} {
    test "nodes of $size, depth $depth, big from $threshold on" -tags baton-only \
        [list run_case $size $depth $threshold]
}
