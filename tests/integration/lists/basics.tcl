# Lists: what each command answers, its errors, and the encodings. Blocking forms are in blocking.tcl.

suite

test "pushes and pops at both ends" {
    expect_each {
        {ask RPUSH l a b c} 3
        {ask LPUSH l 1 2} 5
        {ask LRANGE l 0 -1} {2 1 a b c}
        {ask LLEN l} 5
        {ask LPOP l} 2
        {ask RPOP l} c
        {ask LPOP l 2} {1 a}
        {ask RPOP l 100} b
        {ask EXISTS l} 0
        {ask LPOP l} (nil)
        {ask LPUSHX l x} 0
        {ask RPUSHX l x} 0
        {ask EXISTS l} 0
        {ask RPUSH l a} 1
        {ask RPUSHX l b c} 3
        {ask LPUSHX l z} 4
        {ask LRANGE l 0 -1} {z a b c}
    }
}

test "counts of pops, and the two nulls" {
    expect {nil {}} { ask_typed LPOP none }
    expect {nilarray {}} { ask_typed LPOP none 0 }
    expect {nilarray {}} { ask_typed RPOP none 3 }
    ask RPUSH l a b
    expect {array {}} { ask_typed LPOP l 0 }
    expect {array {}} { ask_typed RPOP l 0 }
    expect {array {{bulk b} {bulk a}}} { ask_typed RPOP l 9223372036854775807 }
    set c [client::dial -resp 3]
    expect {null {}} { client::ask_typed $c LPOP none }
    expect {null {}} { client::ask_typed $c LPOP none 1 }
}

test "values come back byte for byte, integers as they were written" {
    set values [list "" 0 -0 007 +1 127 128 -1 4095 -4096 32767 65536 -8388608 2147483648 \
        9223372036854775807 9223372036854775808 -9223372036854775808 " 1" "1 " "a\0b" "\r\n" \
        [string repeat x 63] [string repeat y 64] [string repeat z 4095] [string repeat q 4096]]
    expect [llength $values] { ask RPUSH l {*}$values }
    expect $values { ask LRANGE l 0 -1 }
    for {set i 0} {$i < [llength $values]} {incr i} {
        expect [lindex $values $i] { ask LINDEX l $i }
        expect $i { ask LPOS l [lindex $values $i] }
    }
    expect [lreverse $values] { ask RPOP l 1000 }
}

test "LINDEX, LRANGE and LTRIM take indexes from both ends" {
    ask RPUSH l a b c d e
    expect_each {
        {ask LINDEX l 0} a
        {ask LINDEX l -1} e
        {ask LINDEX l -5} a
        {ask LINDEX l 5} (nil)
        {ask LINDEX l -6} (nil)
        {ask LINDEX l -9223372036854775808} (nil)
        {ask LINDEX none x} (nil)
        {ask LRANGE l 1 3} {b c d}
        {ask LRANGE l -3 -2} {c d}
        {ask LRANGE l -100 100} {a b c d e}
        {ask LRANGE l 3 1} {}
        {ask LRANGE l 5 9} {}
        {ask LRANGE l 0 -6} {}
        {ask LRANGE l -9223372036854775808 9223372036854775807} {a b c d e}
        {ask LRANGE none 0 -1} {}
        {ask LTRIM l 1 -2} OK
        {ask LRANGE l 0 -1} {b c d}
        {ask LTRIM l -2 100} OK
        {ask LRANGE l 0 -1} {c d}
        {ask LTRIM l 5 9} OK
        {ask EXISTS l} 0
        {ask LTRIM none 0 1} OK
    }
}

test "LSET, LINSERT and LREM" {
    ask RPUSH l a b c b a b
    expect_each {
        {ask LSET l 0 A} OK
        {ask LSET l -1 7} OK
        {ask LRANGE l 0 -1} {A b c b a 7}
        {ask LINSERT l BEFORE b x} 7
        {ask LINSERT l after 7 y} 8
        {ask LINSERT l before nobody z} -1
        {ask LINSERT none before a z} 0
        {ask LRANGE l 0 -1} {A x b c b a 7 y}
        {ask LREM l 1 b} 1
        {ask LRANGE l 0 -1} {A x c b a 7 y}
        {ask RPUSH l x q x} 10
        {ask LREM l -2 x} 2
        {ask LRANGE l 0 -1} {A x c b a 7 y q}
        {ask LREM l 0 nobody} 0
        {ask LREM l -9223372036854775808 7} 1
        {ask LREM none 0 a} 0
        {ask DEL l} 1
        {ask RPUSH l 5 5 5} 3
        {ask LREM l 0 05} 0
        {ask LREM l 0 5} 3
        {ask EXISTS l} 0
    }
}

test "LPOS" {
    ask RPUSH l a b c 1 2 3 c c
    expect_each {
        {ask LPOS l a} 0
        {ask LPOS l c} 2
        {ask LPOS l x} (nil)
        {ask LPOS l 2} 4
        {ask LPOS l c RANK 2} 6
        {ask LPOS l c RANK -1} 7
        {ask LPOS l c RANK -3} 2
        {ask LPOS l c RANK 4} (nil)
        {ask LPOS l c COUNT 0} {2 6 7}
        {ask LPOS l c COUNT 2} {2 6}
        {ask LPOS l c COUNT 2 RANK -1} {7 6}
        {ask LPOS l c COUNT 0 RANK 2} {6 7}
        {ask LPOS l c COUNT 0 MAXLEN 7} {2 6}
        {ask LPOS l c RANK -1 MAXLEN 1} 7
        {ask LPOS l a RANK -1 MAXLEN 7} (nil)
        {ask LPOS l x COUNT 0} {}
        {ask LPOS none x COUNT 1} {}
        {ask LPOS none x} (nil)
        {ask LPOS l c COUNT 1 COUNT 2 RANK 1 RANK -1} {7 6}
    }
}

test "LMOVE and RPOPLPUSH" {
    ask RPUSH a 1 2 3
    expect_each {
        {ask LMOVE a b LEFT RIGHT} 1
        {ask LMOVE a b right left} 3
        {ask LRANGE b 0 -1} {3 1}
        {ask RPOPLPUSH a b} 2
        {ask EXISTS a} 0
        {ask LRANGE b 0 -1} {2 3 1}
        {ask RPOPLPUSH a b} (nil)
        {ask LMOVE b b LEFT RIGHT} 2
        {ask LRANGE b 0 -1} {3 1 2}
        {ask RPOPLPUSH b b} 2
        {ask LRANGE b 0 -1} {2 3 1}
        {ask LTRIM b 0 0} OK
        {ask LMOVE b b LEFT LEFT} 2
        {ask LRANGE b 0 -1} 2
    }
}

test "LMPOP takes from the first list that is there" {
    ask RPUSH b 1 2 3
    expect_each {
        {ask LMPOP 2 a b LEFT} {b 1}
        {ask LMPOP 3 a b b RIGHT COUNT 10} {b {3 2}}
        {ask LMPOP 2 a b LEFT COUNT 1} (nil)
        {ask EXISTS b} 0
    }
    expect {nilarray {}} { ask_typed LMPOP 1 a LEFT }
    ask RPUSH b x
    expect {array {{bulk b} {array {{bulk x}}}}} { ask_typed LMPOP 1 b LEFT }
}

test "errors of arguments" {
    ask RPUSH l a b
    expect_errors {
        {LPOP l -1} "ERR value is out of range, must be positive"
        {LPOP l x} "ERR value is out of range, must be positive"
        {LPOP l 1 2} "ERR wrong number of arguments for 'lpop' command"
        {RPOP l 1 2} "ERR wrong number of arguments for 'rpop' command"
        {LINDEX l x} "ERR value is not an integer or out of range"
        {LSET none x y} "ERR no such key"
        {LSET l x y} "ERR value is not an integer or out of range"
        {LSET l 2 y} "ERR index out of range"
        {LSET l -3 y} "ERR index out of range"
        {LINSERT none around a b} "ERR syntax error"
        {LRANGE none x 1} "ERR value is not an integer or out of range"
        {LTRIM none 0 y} "ERR value is not an integer or out of range"
        {LREM none x a} "ERR value is not an integer or out of range"
        {LMOVE l m UP DOWN} "ERR syntax error"
        {LPOS l a RANK 0} "ERR RANK can't be zero: use 1 to start from the first match,\
            2 from the second ... or use negative to start from the end of the list"
        {LPOS l a RANK x} "ERR value is not an integer or out of range"
        {LPOS l a COUNT -1} "ERR COUNT can't be negative"
        {LPOS l a MAXLEN -1} "ERR MAXLEN can't be negative"
        {LPOS l a RANK} "ERR syntax error"
        {LPOS l a FOO 1} "ERR syntax error"
        {LMPOP 0 l LEFT} "ERR numkeys should be greater than 0"
        {LMPOP x l LEFT} "ERR numkeys should be greater than 0"
        {LMPOP 2 l LEFT} "ERR syntax error"
        {LMPOP 9223372036854775807 l LEFT} "ERR syntax error"
        {LMPOP 1 l UP} "ERR syntax error"
        {LMPOP 1 l LEFT COUNT} "ERR syntax error"
        {LMPOP 1 l LEFT COUNT 0} "ERR count should be greater than 0"
        {LMPOP 1 l LEFT COUNT x} "ERR count should be greater than 0"
        {LMPOP 1 l LEFT COUNT 1 COUNT 1} "ERR syntax error"
    }
    expect {a b} { ask LRANGE l 0 -1 }
}

test "other types are refused by all of them, and stay as they are" {
    ask SET s text
    ask RPUSH l a
    foreach request {
        {LPUSH s a} {RPUSH s a} {LPUSHX s a} {RPUSHX s a} {LPOP s} {RPOP s 1} {LLEN s} {LINDEX s 0}
        {LSET s 0 a} {LINSERT s before a b} {LRANGE s 0 -1} {LTRIM s 0 1} {LREM s 0 a} {LPOS s a}
        {LMOVE s l LEFT LEFT} {LMOVE l s LEFT LEFT} {RPOPLPUSH l s} {LMPOP 2 none s LEFT}
        {BLPOP none s 1} {BRPOP s 1} {BLMOVE s l LEFT LEFT 1} {BLMOVE l s LEFT LEFT 1}
        {BRPOPLPUSH s l 1} {BLMPOP 1 1 s LEFT}
    } {
        expect_error "WRONGTYPE *" { ask {*}$request }
    }
    expect_error "WRONGTYPE *" { ask GET l }
    expect text { ask GET s }
    expect a { ask LRANGE l 0 -1 }
}

test "the small form ends at the option and comes back at half of it" -tags baton-only {
    with_config {list-max-listpack-size 4} {
        ask RPUSH l a b c d
        expect listpack { ask OBJECT ENCODING l }
        ask RPUSH l e
        expect quicklist { ask OBJECT ENCODING l }
        ask RPOP l 2
        expect quicklist { ask OBJECT ENCODING l }
        ask LPOP l
        expect listpack { ask OBJECT ENCODING l }
        expect {b c} { ask LRANGE l 0 -1 }
    }
    with_config {list-max-listpack-size -1} {
        ask DEL l
        ask RPUSH l [string repeat x 4000]
        expect listpack { ask OBJECT ENCODING l }
        ask LPUSH l [string repeat y 100]
        expect quicklist { ask OBJECT ENCODING l }
        ask RPOP l
        expect listpack { ask OBJECT ENCODING l }
    }
}

test "limits of any size are taken, and nodes stay of a reasonable one" {
    foreach size {2147483647 -2147483648 0 32767 1} {
        with_config [list list-max-listpack-size $size] {
            set items [lrepeat 3000 [string repeat x 40]]
            expect 3000 { ask RPUSH l {*}$items }
            expect quicklist { ask OBJECT ENCODING l }
            expect $items { ask LRANGE l 0 -1 }
            ask DEL l
        }
    }
}

test "lists are copied, renamed, persisted and reckoned like other keys" -tags baton-only {
    for {set i 0} {$i < 3000} {incr i} { lappend items "item $i" }
    ask RPUSH l {*}$items
    expect 1 { ask COPY l copy }
    expect OK { ask RENAME l moved }
    ask RPUSH copy last
    expect $items { ask LRANGE moved 0 -1 }
    expect [concat $items last] { ask LRANGE copy 0 -1 }
    expect list { ask TYPE copy }
    expect quicklist { ask OBJECT ENCODING copy }
    expect_true {[ask MEMORY USAGE copy] > 3000 * 8}
    expect_true {[ask MEMORY USAGE copy] < 3000 * 20}
    expect 1 { ask EXPIRE copy 100 }
    ask LPOP copy
    expect_true {[ask TTL copy] > 90}
    expect 2 { ask UNLINK copy moved }
}

test "changes are counted by element" {
    set before [info_field rdb_changes_since_last_save]
    ask RPUSH l a b c d e
    ask LPOP l
    ask LPOP l 2
    ask LTRIM l 0 0
    ask LSET l 0 x
    ask LINSERT l before x y
    ask RPOPLPUSH l l
    ask LREM l 0 nobody
    ask LREM l 0 x
    expect [expr {$before + 5 + 1 + 2 + 1 + 1 + 1 + 1 + 0 + 1}] {
        info_field rdb_changes_since_last_save
    }
}
