# Entries of streams: adding, trimming, deleting, ranges, and how the whole shows in XINFO.

suite

proc add_all {key ids args} {
    foreach id $ids { ask XADD $key $id {*}[expr {[llength $args] ? $args : "f v"}] }
}

proc ids_of {entries} { lmap entry $entries { lindex $entry 0 } }

# The value of a field in a flat list of names and values.
proc field {reply name} { dict get $reply $name }

test "XADD makes ids that grow, by the clock and by the last one" {
    set before [clock milliseconds]
    set first [ask XADD s * f v]
    expect_true {[lindex [split $first -] 0] >= $before}
    set ids [list $first]
    for {set i 0} {$i < 100} {incr i} { lappend ids [ask XADD s * f v] }
    expect $ids { ids_of [ask XRANGE s - +] }
    expect 101 { ask XLEN s }
    expect 18446744073709551614-5 { ask XADD s 18446744073709551614-5 f v }
    expect 18446744073709551614-6 { ask XADD s * f v }
}

test "XADD takes whole and partial ids" {
    expect 5-0 { ask XADD s 5 f v }
    expect 5-1 { ask XADD s 5-* f v }
    expect 5-7 { ask XADD s 5-7 f v }
    expect 6-0 { ask XADD s 6-* f v }
    expect 0-1 { ask XADD t 0-* f v }
    expect 0-18446744073709551615 { ask XADD t 0-18446744073709551615 f v }
    expect 1-0 { ask XADD u 1-* f v }
}

test "XADD refuses ids that do not grow" {
    ask XADD s 5-5 f v
    foreach id {5-5 5-4 4-9 4-* 5 0-1} {
        expect_error "ERR The ID specified in XADD is equal or smaller than the target stream top item" {
            ask XADD s $id f v
        }
    }
    foreach id {0 0-0} {
        expect_error "ERR The ID specified in XADD must be greater than 0-0" { ask XADD new $id f v }
    }
    foreach id {x - + $ 1- -1 1-x 1-2-3 1-2-* *-1 1-** "" 18446744073709551616 1-18446744073709551616} {
        expect_error "ERR Invalid stream ID specified as stream command argument" {
            ask XADD new $id f v
        }
    }
    expect 0 { ask EXISTS new }
    ask XADD end 18446744073709551615-18446744073709551615 f v
    expect_error "ERR The stream has exhausted the last possible ID, unable to add more items" {
        ask XADD end * f v
    }
    ask XADD seq 7-18446744073709551615 f v
    expect_error "ERR The ID specified in XADD is equal or smaller*" { ask XADD seq 7-* f v }
}

test "XADD needs pairs" {
    foreach words {{} {f} {f v g}} {
        expect_error "ERR wrong number of arguments for 'xadd' command" { ask XADD s * {*}$words }
    }
}

test "XADD NOMKSTREAM adds only to what is there" {
    expect (nil) { ask XADD s NOMKSTREAM 1 f v }
    expect 0 { ask EXISTS s }
    ask XADD s 1 f v
    expect 2-0 { ask XADD s nomkstream 2 f v }
}

test "texts come back as they went in" {
    set values [list "" 0 -0 00 1 -1 127 128 -129 32768 2147483648 9223372036854775807 \
        9223372036854775808 -9223372036854775808 1e3 " 1" "a\0b\r\n" [string repeat x 63] \
        [string repeat y 64] [string repeat z 300] [string repeat w 70000]]
    set pairs {}
    foreach v $values { lappend pairs $v $v }
    for {set i 1} {$i < 5} {incr i} {
        ask XADD s $i {*}$pairs
        ask XADD s $i-5 f $i
    }
    foreach entry [ask XRANGE s - +] {
        if {[llength [lindex $entry 1]] > 2} { expect $pairs { lindex $entry 1 } }
    }
    expect $pairs { lindex [ask XREVRANGE s 4-0 - COUNT 1] 0 1 }
}

test "XRANGE and XREVRANGE show the same, both ways" {
    set ids [list 0-1 0-18446744073709551615 1-0 42-0 42-42 \
        18446744073709551615-18446744073709551614 18446744073709551615-18446744073709551615]
    add_all s $ids
    expect $ids { ids_of [ask XRANGE s - +] }
    expect [lreverse $ids] { ids_of [ask XREVRANGE s + -] }
    expect {42-0 42-42} { ids_of [ask XRANGE s 42 42] }
    expect {42-42 42-0} { ids_of [ask XREVRANGE s 42 42] }
    expect {1-0 42-0} { ids_of [ask XRANGE s (0-18446744073709551615 (42-42] }
    expect {0-1 0-18446744073709551615} { ids_of [ask XRANGE s - + COUNT 2] }
    expect {} { ask XRANGE s + - }
    expect {} { ask XRANGE none - + }
    expect (nil) { ask XRANGE s - + COUNT 0 }
    expect_errors {
        {XRANGE s (18446744073709551615-18446744073709551615 +} "ERR invalid start ID for the interval"
        {XRANGE s - (0-0} "ERR invalid end ID for the interval"
        {XRANGE s (- +} "ERR Invalid stream ID specified as stream command argument"
        {XRANGE s - + COUNT} "ERR syntax error"
        {XRANGE s - + COUNT x} "ERR value is not an integer or out of range"
    }
}

test "long streams are walked through, in pieces and back" {
    set count [by_load 1000 5000 20000]
    set requests {}
    for {set i 1} {$i <= $count} {incr i} { lappend requests [list XADD s $i n $i other [expr {$i % 7}]] }
    client::pipeline [suite::default_client] $requests
    set from -
    set seen 0
    while {[llength [set entries [ask XRANGE s $from + COUNT 77]]] > 0} {
        foreach entry $entries {
            incr seen
            if {$entry ne [list $seen-0 [list n $seen other [expr {$seen % 7}]]]} { fail "got $entry" }
        }
        set from ([lindex $entries end 0]
    }
    expect $count { set seen }
    expect [lreverse [ids_of [ask XRANGE s - +]]] { ids_of [ask XREVRANGE s + -] }
    expect 250 { llength [ask XRANGE s 101 350] }
}

test "XDEL takes entries out, wherever they are" {
    add_all s {1 2 3 4 5}
    expect 2 { ask XDEL s 2 4-0 9 2 }
    expect {1-0 3-0 5-0} { ids_of [ask XRANGE s - +] }
    expect_error "ERR Invalid stream ID*" { ask XDEL s 1 x }
    expect 3 { ask XLEN s }
    expect 3 { ask XDEL s 5 3 1 }
    expect 0 { ask XLEN s }
    expect 1 { ask EXISTS s }
    expect_error "ERR The ID specified in XADD is equal or smaller*" { ask XADD s 5 f v }
    expect 0 { ask XDEL none x }
}

test "XTRIM and XADD trim by length and by id" {
    add_all s {1 2 3 4 5 6 7 8}
    expect 2 { ask XTRIM s MAXLEN 6 }
    expect 1 { ask XTRIM s MAXLEN = 5 }
    expect 0 { ask XTRIM s MAXLEN 5 }
    expect 2 { ask XTRIM s MINID 6 }
    expect {6-0 7-0 8-0} { ids_of [ask XRANGE s - +] }
    ask XADD s MAXLEN 2 9 f v
    expect {8-0 9-0} { ids_of [ask XRANGE s - +] }
    ask XADD s MINID = 9 10 f v
    expect {9-0 10-0} { ids_of [ask XRANGE s - +] }
    ask XADD s MAXLEN 0 11 f v
    expect 0 { ask XLEN s }
    expect 0 { ask XTRIM none MAXLEN 0 }
}

test "trimming about takes whole nodes, within its limit" {
    with_config {stream-node-max-entries 10} {
        for {set i 1} {$i <= 100} {incr i} { ask XADD s $i f v }
        expect 10 { field [ask XINFO STREAM s] radix-tree-keys }
        expect 40 { ask XTRIM s MAXLEN ~ 55 }
        expect 0 { ask XTRIM s MAXLEN ~ 55 }
        expect 20 { ask XTRIM s MINID ~ 65 }
        expect 0 { ask XTRIM s MAXLEN ~ 0 LIMIT 9 }
        expect 10 { ask XTRIM s MAXLEN ~ 0 LIMIT 19 }
        expect 30 { ask XTRIM s MAXLEN ~ 0 LIMIT 0 }
    }
    with_config {stream-node-max-entries 1} {
        for {set i 200} {$i < 350} {incr i} { ask XADD s $i f v }
        expect 100 { ask XTRIM s MAXLEN ~ 0 }
    }
}

test "errors of the trimming options" {
    ask XADD s 1 f v
    expect_errors {
        {XTRIM s FOO 1} "ERR syntax error"
        {XTRIM s NOMKSTREAM MAXLEN 1} "ERR syntax error"
        {XTRIM s MAXLEN -1} "ERR The MAXLEN argument must be >= 0."
        {XTRIM s MAXLEN ~ 1 LIMIT -1} "ERR The LIMIT argument must be >= 0."
        {XTRIM s MAXLEN x} "ERR value is not an integer or out of range"
        {XTRIM s MINID x} "ERR Invalid stream ID specified as stream command argument"
        {XTRIM s MAXLEN 1 LIMIT 1} "ERR syntax error, LIMIT cannot be used without the special ~ option"
        {XADD s MAXLEN = 1 LIMIT 1 * f v} "ERR syntax error, LIMIT cannot be used without the special ~ option"
        {XADD s LIMIT 1 * f v} "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"
        {XADD s MAXLEN 1 MINID 1 * f v} "ERR syntax error, MAXLEN and MINID options at the same time are not compatible"
    }
    expect 1 { ask XLEN s }
}

test "XSETID raises ids, within what the stream knows" -tags baton-only {
    add_all s {1 2 3}
    expect OK { ask XSETID s 10 ENTRIESADDED 20 MAXDELETEDID 9-9 }
    expect {10-0 20 9-9} {
        set info [ask XINFO STREAM s]
        list [field $info last-generated-id] [field $info entries-added] [field $info max-deleted-entry-id]
    }
    expect_errors {
        {XSETID s 9} "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"
        {XSETID s 10 MAXDELETEDID 11} "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id"
        {XSETID s 10 ENTRIESADDED 2} "ERR The entries_added specified in XSETID is smaller than the target stream length"
        {XSETID s 10 ENTRIESADDED -1} "ERR entries_added must be positive"
        {XSETID none 1} "ERR no such key"
        {XSETID s 10 5} "ERR syntax error"
    }
    ask XADD t 5 f v
    expect_error "ERR The ID specified in XSETID is smaller than the target stream top item" { ask XSETID t 4 }
}

test "XINFO STREAM tells what is there" {
    ask XADD s 1-1 a 1
    ask XADD s 2-1 b 2
    ask XADD s 3-1 c 3
    ask XDEL s 2-1
    ask XGROUP CREATE s g 0
    set info [ask XINFO STREAM s]
    expect [list length radix-tree-keys radix-tree-nodes last-generated-id max-deleted-entry-id \
        entries-added recorded-first-entry-id groups first-entry last-entry] { dict keys $info }
    expect {2 1 3-1 2-1 3 1-1 1} {
        lmap name {length radix-tree-keys last-generated-id max-deleted-entry-id entries-added
            recorded-first-entry-id groups} { field $info $name }
    }
    expect {{1-1 {a 1}} {3-1 {c 3}}} { list [field $info first-entry] [field $info last-entry] }
    ask XADD s MAXLEN 0 4-0 d 4
    set info [ask XINFO STREAM s]
    expect {0-0 (nil) (nil)} {
        lmap name {recorded-first-entry-id first-entry last-entry} { field $info $name }
    }
    expect_errors {
        {XINFO STREAM none} "ERR no such key"
        {XINFO STREAM s FOO} "ERR unknown subcommand or wrong number of arguments for 'STREAM'*"
        {XINFO STREAM s FULL COUNT} "ERR unknown subcommand or wrong number of arguments for 'STREAM'*"
    }
}

test "maps in RESP3" {
    set c [client::dial -resp 3]
    $c XADD s 1-0 a 1
    expect {map {{bulk s} {array {{array {{bulk 1-0} {array {{bulk a} {bulk 1}}}}}}}}} {
        client::ask_typed $c XREAD STREAMS s 0
    }
    expect map { lindex [client::ask_typed $c XINFO STREAM s] 0 }
    expect map { lindex [client::ask_typed $c XINFO STREAM s FULL] 0 }
    expect {null {}} { client::ask_typed $c XREAD STREAMS s 1 }
}

test "what is not a stream is left alone" {
    ask SET str x
    foreach command {{XADD str 1 f v} {XLEN str} {XRANGE str - +} {XREVRANGE str + -} {XDEL str 1}
        {XTRIM str MAXLEN 1} {XREAD STREAMS str 0} {XGROUP CREATE str g 0} {XGROUP DESTROY str g}
        {XACK str g 1} {XPENDING str g} {XCLAIM str g c 0 1} {XAUTOCLAIM str g c 0 0} {XSETID str 1}
        {XINFO STREAM str} {XINFO GROUPS str} {XINFO CONSUMERS str g}
        {XREADGROUP GROUP g c STREAMS str >}} {
        expect_error "WRONGTYPE*" { ask {*}$command }
    }
    expect x { ask GET str }
}

test "streams are copied, moved, counted and freed" {
    for {set i 1} {$i <= 1000} {incr i} { ask XADD s $i f value-$i }
    ask XGROUP CREATE s g 0
    ask XREADGROUP GROUP g c COUNT 500 STREAMS s >
    expect 1 { ask COPY s t }
    set before [ask XINFO STREAM s FULL COUNT 0]
    expect $before { ask XINFO STREAM t FULL COUNT 0 }
    expect OK { ask RENAME s u }
    expect $before { ask XINFO STREAM u FULL COUNT 0 }
    ask XDEL t 1
    expect 1000 { ask XLEN u }
    expect stream { ask OBJECT ENCODING u }
    expect stream { ask TYPE u }
    expect_true {[ask MEMORY USAGE u] > 10000}
    expect 2 { ask UNLINK t u }
    expect 0 { ask DBSIZE }
}

test "a long stream goes without a pause" {
    set c [client::dial]
    set count [by_load 20000 100000 400000]
    for {set from 1} {$from <= $count} {incr from 1000} {
        set requests {}
        for {set i $from} {$i < $from + 1000} {incr i} { lappend requests [list XADD s $i f v] }
        client::pipeline $c $requests
    }
    set used [info_field used_memory memory]
    expect 1 { ask UNLINK s }
    wait_for {[info_field used_memory memory] < $used - 3 * $count}
    wait_for {[info_field lazyfree_pending_objects memory] == 0}
}
