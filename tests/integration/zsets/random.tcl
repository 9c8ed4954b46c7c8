# Random sorted sets against a model in Tcl: ranges of all three kinds in both directions, ranks,
# counts, removed ranges and combinations, on both sides of the border between the forms.

suite

# Pairs {member score} in order.
proc by_score_and_member {a b} {
    set x [lindex $a 1]
    set y [lindex $b 1]
    if {$x != $y} { return [expr {$x < $y ? -1 : 1}] }
    return [string compare [lindex $a 0] [lindex $b 0]]
}

proc in_order {scores} {
    set pairs {}
    dict for {member score} $scores { lappend pairs [list $member $score] }
    return [lsort -command by_score_and_member $pairs]
}

proc flat {pairs {with_scores 1}} {
    set out {}
    foreach pair $pairs { lappend out {*}[lrange $pair 0 $with_scores] }
    return $out
}

proc make {key count} {
    set scores {}
    for {set i 0} {$i < $count} {incr i} {
        set member m:[random_int [expr {2 * $count}]]
        set score [expr {[random_int 40] / 2.0}]
        if {$score == int($score)} { set score [expr {int($score)}] }
        dict set scores $member $score
    }
    set words {}
    dict for {member score} $scores { lappend words $score $member }
    ask ZADD $key {*}$words
    return $scores
}

proc check_ranges {scores} {
    set pairs [in_order $scores]
    set n [llength $pairs]
    for {set i 0} {$i < 10} {incr i} {
        set from [expr {[random_int [expr {$n + 4}]] - 2}]
        if {$from < 0} { set from 0 }
        set to [expr {$from + [random_int 20]}]
        expect [flat [lrange $pairs $from $to]] { ask ZRANGE z $from $to WITHSCORES }
        expect [flat [lrange [lreverse $pairs] $from $to] 0] { ask ZREVRANGE z $from $to }
        expect [flat [lrange $pairs end-$to end-$from] 0] { ask ZRANGE z [expr {-$to - 1}] [expr {-$from - 1}] }

        set low [expr {[random_int 20] - 1}]
        set high [expr {$low + [random_int 12]}]
        set open [random_int 2]
        set hits {}
        foreach pair $pairs {
            set score [lindex $pair 1]
            if {$score <= $high && ($open ? $score > $low : $score >= $low)} { lappend hits $pair }
        }
        set from [expr {$open ? "($low" : $low}]
        expect [flat $hits] { ask ZRANGEBYSCORE z $from $high WITHSCORES }
        expect [flat [lreverse $hits]] { ask ZRANGE z $high $from BYSCORE REV WITHSCORES }
        expect [flat [lrange $hits 2 6] 0] { ask ZRANGEBYSCORE z $from $high LIMIT 2 5 }
        expect [flat [lrange [lreverse $hits] 2 6] 0] { ask ZREVRANGEBYSCORE z $high $from LIMIT 2 5 }
        expect [llength $hits] { ask ZCOUNT z $from $high }

        set rank [random_int $n]
        expect $rank { ask ZRANK z [lindex $pairs $rank 0] }
        expect [expr {$n - 1 - $rank}] { ask ZREVRANK z [lindex $pairs $rank 0] }
    }
}

proc check_removals {scores} {
    set pairs [in_order $scores]
    while {[llength $pairs] > 0} {
        set n [llength $pairs]
        set from [random_int $n]
        set count [expr {1 + [random_int 30]}]
        if {$from + $count > $n} { set count [expr {$n - $from}] }
        expect $count { ask ZREMRANGEBYRANK z $from [expr {$from + $count - 1}] }
        set pairs [lreplace $pairs $from [expr {$from + $count - 1}]]
        expect [flat $pairs] { ask ZRANGE z 0 -1 WITHSCORES }
    }
    expect 0 { ask EXISTS z }
}

test "ranges and removals" {
    foreach entries {128 0} {
        with_config [list zset-max-listpack-entries $entries] {
            foreach count [by_load {1 60} {1 7 60 120 400} {1 2 7 60 120 400 3000}] {
                set scores [make z $count]
                check_ranges $scores
                check_removals $scores
            }
        }
    }
}

test "combinations" {
    foreach entries {128 0} {
        with_config [list zset-max-listpack-entries $entries] {
            for {set round 0} {$round < 10} {incr round} {
                set x [make x [expr {1 + [random_int 150]}]]
                set y [make y [expr {1 + [random_int 150]}]]
                set union $x
                set inter {}
                set diff $x
                dict for {member score} $y {
                    if {[dict exists $x $member]} {
                        set sum [expr {[dict get $x $member] + 2 * $score}]
                        if {$sum == int($sum)} { set sum [expr {int($sum)}] }
                        dict set inter $member $sum
                        dict unset diff $member
                    } else {
                        set sum [expr {2 * $score}]
                        if {$sum == int($sum)} { set sum [expr {int($sum)}] }
                    }
                    dict set union $member $sum
                }
                expect [flat [in_order $union]] { ask ZUNION 2 x y WEIGHTS 1 2 WITHSCORES }
                expect [flat [in_order $inter]] { ask ZINTER 2 x y WEIGHTS 1 2 WITHSCORES }
                expect [flat [in_order $diff]] { ask ZDIFF 2 x y WITHSCORES }
                expect [dict size $inter] { ask ZINTERCARD 2 x y }
                expect [dict size $union] { ask ZUNIONSTORE y 2 x y WEIGHTS 1 2 }
                expect [flat [in_order $union]] { ask ZRANGE y 0 -1 WITHSCORES }
                ask DEL x y
            }
        }
    }
}

test "members in lexical order" {
    foreach entries {128 0} {
        with_config [list zset-max-listpack-entries $entries] {
            set members {}
            for {set i 0} {$i < 100} {incr i} { lappend members [random_int 100000] }
            set members [lsort -unique $members]
            foreach member $members { ask ZADD z 0 $member }
            for {set i 0} {$i < 30} {incr i} {
                set ends [lsort [list [random_int 100000] [random_int 100000]]]
                lassign $ends low high
                set hits {}
                foreach member $members {
                    if {[string compare $member $low] >= 0 && [string compare $member $high] < 0} {
                        lappend hits $member
                    }
                }
                expect $hits { ask ZRANGEBYLEX z \[$low ($high }
                expect [lreverse $hits] { ask ZREVRANGEBYLEX z ($high \[$low }
                expect [llength $hits] { ask ZLEXCOUNT z \[$low ($high }
            }
            ask DEL z
        }
    }
}

test "a scan shows every member that stays, while others come and go" {
    foreach count {50 3000} {
        for {set i 0} {$i < $count} {incr i} { ask ZADD z $i stays:$i }
        set cursor 0
        set seen {}
        set round 0
        while 1 {
            lassign [ask ZSCAN z $cursor COUNT 20] cursor items
            foreach {member score} $items { dict set seen $member $score }
            if {$cursor eq "0"} break
            incr round
            for {set i 0} {$i < 20} {incr i} {
                ask ZADD z $i comes:$round:$i
                ask ZREM z comes:[expr {$round - 5}]:$i
            }
        }
        for {set i 0} {$i < $count} {incr i} {
            if {![dict exists $seen stays:$i]} { fail "stays:$i of $count was not shown" }
            expect $i { dict get $seen stays:$i }
        }
        ask DEL z
    }
}
