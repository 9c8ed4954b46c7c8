# APPEND, STRLEN, GETRANGE, SUBSTR, SETRANGE and LCS.

suite

test "APPEND and STRLEN" {
    expect_each {
        {ask APPEND k abc} 3
        {ask APPEND k def} 6
        {ask GET k} abcdef
        {ask APPEND k ""} 6
        {ask STRLEN k} 6
        {ask STRLEN nothing} 0
        {ask SET n 12} OK
        {ask APPEND n 34} 4
        {ask GET n} 1234
        {ask APPEND empty ""} 0
        {ask EXISTS empty} 1
    }
}

test "APPEND keeps the TTL and grows step by step" {
    ask SET k "" EX 100
    set want ""
    for {set i 0} {$i < 400} {incr i} {
        append want "piece$i;"
        ask APPEND k "piece$i;"
    }
    expect $want { ask GET k }
    expect_true {[ask TTL k] > 90}
}

test "GETRANGE" {
    ask SET k "Hello World"
    expect_each {
        {ask GETRANGE k 0 4} Hello
        {ask GETRANGE k 6 -1} World
        {ask GETRANGE k -5 -1} World
        {ask GETRANGE k -3 -2} rl
        {ask GETRANGE k 0 -1} {Hello World}
        {ask GETRANGE k 5 3} {}
        {ask GETRANGE k 100 200} {}
        {ask GETRANGE k 0 1000} {Hello World}
        {ask GETRANGE k -1000 2} Hel
        {ask GETRANGE k -1000 -900} H
        {ask GETRANGE k 9223372036854775807 9223372036854775807} {}
        {ask GETRANGE nothing 0 -1} {}
        {ask SUBSTR k 0 4} Hello
        {ask SET n 12345} OK
        {ask GETRANGE n 1 3} 234
    }
}

test "GETRANGE beyond the start with both ends negative" {
    ask SET k abc
    expect a { ask GETRANGE k -10 -9 }
    expect "" { ask GETRANGE k -1 -3 }
}

test "GETRANGE errors" {
    expect_errors {
        {GETRANGE k a 1} {ERR value is not an integer or out of range}
        {GETRANGE k 0 b} {ERR value is not an integer or out of range}
        {GETRANGE k 0} {ERR wrong number of arguments for 'getrange' command}
        {GETRANGE k 0 9223372036854775808} {ERR value is not an integer or out of range}
    }
}

test "GETRANGE agrees with a model" {
    set text [string repeat "0123456789abcdef" 8]
    ask SET k $text
    for {set i 0} {$i < 300} {incr i} {
        set first [expr {[random_int 300] - 150}]
        set last [expr {[random_int 300] - 150}]
        set from [expr {$first < 0 ? max(128 + $first, 0) : $first}]
        set to [expr {$last < 0 ? max(128 + $last, 0) : $last}]
        set want [string range $text $from $to]
        if {$first < 0 && $last < 0 && $first > $last} { set want "" }
        if {[ask GETRANGE k $first $last] ne $want} { fail "range $first $last" }
    }
}

test "SETRANGE" {
    expect_each {
        {ask SETRANGE k 0 foo} 3
        {ask SETRANGE k 0 b} 3
        {ask GET k} boo
        {ask SETRANGE k 5 xy} 7
        {ask GETRANGE k 0 2} boo
        {ask SETRANGE k 1 ""} 7
        {ask SETRANGE nothing 0 ""} 0
        {ask SETRANGE nothing 10 ""} 0
        {ask EXISTS nothing} 0
    }
    expect "boo\0\0xy" { ask GET k }
    expect 5 { ask SETRANGE pad 3 zz }
    expect "\0\0\0zz" { ask GET pad }
}

test "SETRANGE keeps the TTL and works on a number" {
    ask SET n 12345 EX 100
    expect 5 { ask SETRANGE n 1 99 }
    expect 19945 { ask GET n }
    expect_true {[ask TTL n] > 90}
    expect raw { ask OBJECT ENCODING n }
}

test "SETRANGE errors" {
    expect_errors {
        {SETRANGE k -1 x} {ERR offset is out of range}
        {SETRANGE k abc x} {ERR value is not an integer or out of range}
        {SETRANGE k 536870912 x}
            {ERR string exceeds maximum allowed size (proto-max-bulk-len)}
        {SETRANGE k 4294967295 ab}
            {ERR string exceeds maximum allowed size (proto-max-bulk-len)}
        {SETRANGE k 9223372036854775807 ab}
            {ERR string exceeds maximum allowed size (proto-max-bulk-len)}
        {SETRANGE k 1} {ERR wrong number of arguments for 'setrange' command}
    }
    expect 0 { ask EXISTS k }
}

test "strings cannot grow beyond proto-max-bulk-len" {
    with_config {proto-max-bulk-len 1048576} {
        ask SET k [string repeat x 1048570]
        expect 1048576 { ask APPEND k 123456 }
        expect_error "ERR string exceeds maximum allowed size (proto-max-bulk-len)" {
            ask APPEND k 7
        }
        expect_error "ERR string exceeds maximum allowed size (proto-max-bulk-len)" {
            ask SETRANGE k 1048576 x
        }
        expect 1048576 { ask SETRANGE k 1048575 y }
        expect 1048576 { ask STRLEN k }
    }
}

test "SETRANGE agrees with a model" {
    for {set round 0} {$round < 20} {incr round} {
        set want ""
        ask DEL k
        for {set i 0} {$i < 15} {incr i} {
            set at [random_int 60]
            set piece [string repeat [format %c [expr {97 + [random_int 26]}]] [random_int 12]]
            if {$piece ne ""} {
                while {[string length $want] < $at} { append want "\0" }
                set want [string range $want 0 $at-1]$piece[string range $want \
                    $at+[string length $piece] end]
            }
            expect [string length $want] { ask SETRANGE k $at $piece }
        }
        if {$want ne ""} { expect $want { ask GET k } }
    }
}

test "LCS: the string, its length, and its matches" {
    ask MSET a ohmytext b mynewtext
    expect_each {
        {ask LCS a b} mytext
        {ask LCS a b LEN} 6
        {ask LCS a b IDX} {matches {{{4 7} {5 8}} {{2 3} {0 1}}} len 6}
        {ask LCS a b IDX MINMATCHLEN 4} {matches {{{4 7} {5 8}}} len 6}
        {ask LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN} {matches {{{4 7} {5 8} 4}} len 6}
        {ask LCS a b idx withmatchlen} {matches {{{4 7} {5 8} 4} {{2 3} {0 1} 2}} len 6}
        {ask LCS a b IDX MINMATCHLEN 100} {matches {} len 6}
        {ask LCS a nothing} {}
        {ask LCS nothing none LEN} 0
        {ask LCS nothing none IDX} {matches {} len 0}
        {ask LCS a a LEN} 8
    }
}

test "LCS errors" {
    ask MSET a 1 b 2
    expect_errors {
        {LCS a} {ERR wrong number of arguments for 'lcs' command}
        {LCS a b NOSUCH} {ERR syntax error}
        {LCS a b MINMATCHLEN} {ERR syntax error}
        {LCS a b IDX MINMATCHLEN x} {ERR value is not an integer or out of range}
        {LCS a b LEN IDX}
            {ERR If you want both the length and indexes, please just use IDX.}
    }
}

test "LCS of another type" -needs lpush {
    ask SET a 1
    ask LPUSH list x
    expect_error "ERR The specified keys must contain string values" { ask LCS a list }
}

test "LCS of binary strings agrees with a model" {
    for {set round 0} {$round < 10} {incr round} {
        set a [string range [random_bytes 60] 0 [random_int 60]]
        set a [string map {} [regsub -all {[^\x00-\x1f]} $a x]]
        set b [regsub -all {[^\x00-\x1f]} [random_bytes 50] x]
        ask MSET a $a b $b
        set prev [lrepeat [expr {[string length $b] + 1}] 0]
        foreach ca [split $a ""] {
            set row 0
            set j 0
            foreach cb [split $b ""] {
                if {$ca eq $cb} {
                    lappend row [expr {[lindex $prev $j] + 1}]
                } else {
                    lappend row [expr {max([lindex $prev $j+1], [lindex $row $j])}]
                }
                incr j
            }
            set prev $row
        }
        expect [lindex $prev end] { ask LCS a b LEN }
        expect [lindex $prev end] { string length [ask LCS a b] }
    }
}
