# SETBIT, GETBIT, BITCOUNT and BITPOS.

suite

# The bits of a byte string as a string of 0 and 1.
proc bits_of {bytes} {
    binary scan $bytes B* bits
    return $bits
}

test "SETBIT and GETBIT" {
    expect_each {
        {ask SETBIT k 1 1} 0
        {ask GET k} @
        {ask SETBIT k 1 1} 1
        {ask GETBIT k 1} 1
        {ask GETBIT k 0} 0
        {ask GETBIT k 1000} 0
        {ask GETBIT nothing 5} 0
        {ask SETBIT k 1 0} 1
        {ask STRLEN k} 1
        {ask SETBIT k 100 1} 0
        {ask STRLEN k} 13
        {ask SETBIT zero 10 0} 0
        {ask STRLEN zero} 2
    }
}

test "SETBIT on a number works on its digits" {
    ask SET k 1
    expect 0 { ask SETBIT k 6 1 }
    expect 3 { ask GET k }
}

test "SETBIT keeps the TTL" {
    ask SET k abc EX 100
    ask SETBIT k 0 1
    expect_true {[ask TTL k] > 90}
}

test "SETBIT and GETBIT errors" {
    expect_errors {
        {SETBIT k -1 1} {ERR bit offset is not an integer or out of range}
        {SETBIT k 4294967296 1} {ERR bit offset is not an integer or out of range}
        {SETBIT k abc 1} {ERR bit offset is not an integer or out of range}
        {SETBIT k 1 2} {ERR bit is not an integer or out of range}
        {SETBIT k 1 -1} {ERR bit is not an integer or out of range}
        {SETBIT k 1 x} {ERR bit is not an integer or out of range}
        {GETBIT k -1} {ERR bit offset is not an integer or out of range}
        {GETBIT k 4294967296} {ERR bit offset is not an integer or out of range}
        {SETBIT k 1} {ERR wrong number of arguments for 'setbit' command}
    }
    expect 0 { ask EXISTS k }
}

test "SETBIT and GETBIT agree with a model" {
    set want [string repeat 0 256]
    for {set i 0} {$i < 500} {incr i} {
        set at [random_int 256]
        set bit [random_int 2]
        expect [string index $want $at] { ask SETBIT k $at $bit }
        set want [string replace $want $at $at $bit]
    }
    ask SETBIT k 255 [string index $want 255]
    expect $want { bits_of [ask GET k] }
}

test "BITCOUNT" {
    ask SET k foobar
    expect_each {
        {ask BITCOUNT k} 26
        {ask BITCOUNT k 0 0} 4
        {ask BITCOUNT k 1 1} 6
        {ask BITCOUNT k 0 -1} 26
        {ask BITCOUNT k 1 1 BYTE} 6
        {ask BITCOUNT k 5 30 BIT} 17
        {ask BITCOUNT k 5 30 bit} 17
        {ask BITCOUNT k 0 -1 BIT} 26
        {ask BITCOUNT k -2 -1} 7
        {ask BITCOUNT k 3 1} 0
        {ask BITCOUNT k 100 200} 0
        {ask BITCOUNT nothing} 0
        {ask BITCOUNT nothing 0 10} 0
        {ask BITCOUNT k -1000 -500} 4
    }
}

test "BITCOUNT errors" {
    ask SET k abc
    expect_errors {
        {BITCOUNT k 0} {ERR syntax error}
        {BITCOUNT k 0 1 NOSUCH} {ERR syntax error}
        {BITCOUNT k 0 1 BIT x} {ERR syntax error}
        {BITCOUNT k a 1} {ERR value is not an integer or out of range}
        {BITCOUNT k 0 b} {ERR value is not an integer or out of range}
        {BITCOUNT} {ERR wrong number of arguments for 'bitcount' command}
    }
}

test "BITCOUNT of a number counts its digits" {
    ask SET k 13
    expect [string length [string map {0 ""} [bits_of 13]]] { ask BITCOUNT k }
}

# What a range of BITCOUNT or BITPOS covers: {first last}, or {} when it is empty.
proc clip {first last len} {
    if {$first < 0 && $last < 0 && $first > $last} { return {} }
    if {$first < 0} { set first [expr {max($len + $first, 0)}] }
    if {$last < 0} { set last [expr {max($len + $last, 0)}] }
    if {$last >= $len} { set last [expr {$len - 1}] }
    return [expr {$first > $last ? "" : "$first $last"}]
}

test "BITCOUNT of ranges agrees with a model" {
    for {set round 0} {$round < 300} {incr round} {
        if {$round % 20 == 0} {
            set text [random_bytes [expr {1 + [random_int 40]}]]
            set bits [bits_of $text]
            ask SET k $text
        }
        set by_bit [random_int 2]
        set len [expr {$by_bit ? [string length $bits] : [string length $text]}]
        set first [expr {[random_int [expr {3 * $len}]] - int(1.5 * $len)}]
        set last [expr {[random_int [expr {3 * $len}]] - int(1.5 * $len)}]
        set want 0
        lassign [clip $first $last $len] from to
        if {$from ne ""} {
            if {!$by_bit} { set from [expr {$from * 8}]; set to [expr {$to * 8 + 7}] }
            set want [string length [string map {0 ""} [string range $bits $from $to]]]
        }
        set unit [lindex {BYTE BIT} $by_bit]
        if {[ask BITCOUNT k $first $last $unit] != $want} {
            fail "BITCOUNT [printable $text] $first $last $unit: wanted $want"
        }
    }
}

test "BITPOS" {
    ask SET k \xff\xf0\x00
    expect_each {
        {ask BITPOS k 0} 12
        {ask BITPOS k 1} 0
        {ask BITPOS k 1 2} -1
        {ask BITPOS k 0 0 0} -1
        {ask BITPOS k 1 1} 8
        {ask BITPOS k 0 1 1} 12
        {ask BITPOS k 1 7 15 BIT} 7
        {ask BITPOS k 0 0 11 BIT} -1
        {ask BITPOS k 0 -8 -1 BIT} 16
        {ask BITPOS k 1 -3 -1} 0
        {ask BITPOS k 1 10 20} -1
    }
    ask SET ones \xff\xff\xff
    expect_each {
        {ask BITPOS ones 0} 24
        {ask BITPOS ones 0 0} 24
        {ask BITPOS ones 0 0 -1} -1
        {ask BITPOS ones 0 0 2} -1
        {ask BITPOS nothing 0} 0
        {ask BITPOS nothing 1} -1
        {ask BITPOS nothing 0 5 10} 0
    }
    ask SET zeros \0\0\0
    expect -1 { ask BITPOS zeros 1 }
    expect 0 { ask BITPOS zeros 0 }
}

test "BITPOS errors" {
    ask SET k abc
    expect_errors {
        {BITPOS k 2} {ERR The bit argument must be 1 or 0.}
        {BITPOS k x} {ERR value is not an integer or out of range}
        {BITPOS k 1 a} {ERR value is not an integer or out of range}
        {BITPOS k 1 0 1 NOSUCH} {ERR syntax error}
        {BITPOS k 1 0 1 BIT x} {ERR syntax error}
        {BITPOS k} {ERR wrong number of arguments for 'bitpos' command}
    }
}

test "BITPOS agrees with a model, near every word boundary" {
    for {set len 1} {$len <= 40} {incr len} {
        foreach at [list 0 1 7 8 31 32 63 64 65 [expr {$len * 8 - 1}]] {
            if {$at >= $len * 8} continue
            ask SET k [string repeat \0 $len]
            ask SETBIT k $at 1
            expect $at { ask BITPOS k 1 }
            ask SET k [string repeat \xff $len]
            ask SETBIT k $at 0
            expect $at { ask BITPOS k 0 }
        }
    }
}

test "a bitmap of 64 KB" {
    for {set i 0} {$i < 200} {incr i} { ask SETBIT k [expr {$i * 2621}] 1 }
    expect 200 { ask BITCOUNT k }
    expect 2621 { ask BITPOS k 1 1 }
}
