# RESTORE: its options, the forms that older servers wrote, and payloads that must be refused.

source [file join $::support dumps.tcl]

suite -config {"loglevel verbose"}

# ---- options

test "DUMP and RESTORE of a string" {
    ask SET k bar
    set payload [ask DUMP k]
    expect OK { ask RESTORE copy 0 $payload }
    expect bar { ask GET copy }
    expect -1 { ask TTL copy }
    expect (nil) { ask DUMP nothing }
}

test "an error for each argument that is wrong" {
    ask SET k bar
    set p [ask DUMP k]
    expect_error "BUSYKEY Target key name already exists." { ask RESTORE k 0 $p }
    expect_error "BUSYKEY *" { ask RESTORE k nonsense nonsense }
    expect_error "ERR value is not an integer or out of range" { ask RESTORE n x $p }
    expect_error "ERR Invalid TTL value, must be >= 0" { ask RESTORE n -1 $p }
    expect_error "ERR syntax error" { ask RESTORE k 0 $p NX }
    expect_error "ERR syntax error" { ask RESTORE n 0 $p IDLETIME }
    expect_error "ERR syntax error" { ask RESTORE n 0 $p FREQ 1 IDLETIME 1 }
    expect_error "ERR syntax error" { ask RESTORE n 0 $p IDLETIME 1 FREQ 1 }
    expect_error "ERR Invalid IDLETIME value, must be >= 0" { ask RESTORE n x $p IDLETIME -1 }
    expect_error "ERR Invalid FREQ value, must be >= 0 and <= 255" { ask RESTORE n 0 $p FREQ 256 }
    expect_error "ERR value is not an integer*" { ask RESTORE n 0 $p FREQ x }
    expect_error "ERR wrong number*" { ask RESTORE n 0 }
    expect 0 { ask EXISTS n }
}

test "REPLACE takes the place of any value" {
    ask SET k bar
    set p [ask DUMP k]
    ask SET other [string repeat x 10000]
    ask EXPIRE other 100
    expect OK { ask RESTORE other 0 $p REPLACE }
    expect bar { ask GET other }
    expect -1 { ask TTL other }
    expect OK { ask RESTORE k 0 $p replace REPLACE }
}

test "a TTL is relative, or absolute with ABSTTL" {
    ask SET k bar
    set p [ask DUMP k]
    ask RESTORE n 50000 $p
    expect_true {[ask PTTL n] > 40000 && [ask PTTL n] <= 50000}
    ask RESTORE n 2569591501 $p REPLACE
    expect_true {[ask PTTL n] > 2569580000}
    set at [expr {[clock milliseconds] + 50000}]
    ask RESTORE n $at $p ABSTTL REPLACE
    expect $at { ask PEXPIRETIME n }
}

test "a time that is past deletes what was there" {
    ask SET k bar
    set p [ask DUMP k]
    ask SET n 1
    expect OK { ask RESTORE n 1 $p ABSTTL REPLACE }
    expect 0 { ask EXISTS n }
    expect OK { ask RESTORE fresh 1 $p ABSTTL }
    expect 0 { ask EXISTS fresh }
}

test "a TTL that overflows is refused" -tags baton-only {
    ask SET k bar
    set p [ask DUMP k]
    expect_error "ERR invalid expire time in 'restore' command" {
        ask RESTORE n 9223372036854775807 $p
    }
    expect 0 { ask EXISTS n }
}

test "IDLETIME and FREQ set the clock of the policy" {
    ask SET k bar
    set p [ask DUMP k]
    with_config {maxmemory-policy allkeys-lru} {
        ask RESTORE n 0 $p REPLACE IDLETIME 1000
        expect_true {[ask OBJECT IDLETIME n] in {1000 1001 1002}}
        ask RESTORE n 0 $p REPLACE FREQ 100
        expect_true {[ask OBJECT IDLETIME n] < 3}
    }
    with_config {maxmemory-policy allkeys-lfu} {
        ask RESTORE n 0 $p REPLACE FREQ 100
        expect 100 { ask OBJECT FREQ n }
        ask RESTORE n 0 $p REPLACE IDLETIME 9223372036854775807
        expect_true {[ask OBJECT FREQ n] <= 5}
    }
}

# ---- the footer

set ::testfile::bad_footer "ERR DUMP payload version or checksum are wrong"

test "a footer that is wrong" {
    variable bad_footer
    ask SET k bar
    set p [ask DUMP k]
    for {set cut 0} {$cut < [string length $p]} {incr cut} {
        expect_error $bad_footer { ask RESTORE n 0 [string range $p 0 $cut-1] }
    }
    for {set i 0} {$i < [string length $p]} {incr i} {
        scan [string index $p $i] %c code
        set damaged [string replace $p $i $i [format %c [expr {$code ^ 4}]]]
        expect_error $bad_footer { ask RESTORE n 0 $damaged }
    }
    expect_error $bad_footer { ask RESTORE n 0 [dumps::payload 0 [dumps::str bar] 1000] }
    expect OK { ask RESTORE n 0 [dumps::payload 0 [dumps::str bar] 1] }
}

test "DEBUG SET-SKIP-CHECKSUM-VALIDATION" {
    set p [dumps::payload 0 [dumps::str bar]]
    set p [string replace $p end end x]
    ask DEBUG SET-SKIP-CHECKSUM-VALIDATION 1
    expect OK { ask RESTORE n 0 $p }
    ask DEBUG SET-SKIP-CHECKSUM-VALIDATION 0
    variable bad_footer
    expect_error $bad_footer { ask RESTORE m 0 $p }
}

test "rdb-version is the version that DUMP writes" -tags baton-only {
    ask SET k bar
    foreach version {10 11 12} {
        with_config [list rdb-version $version] {
            expect $version { scan [string index [ask DUMP k] end-9] %c }
        }
    }
}

# ---- forms of older servers

# What a payload becomes: restores it as `k`.
proc restored {type body {version 10}} {
    ask DEL k
    ask RESTORE k 0 [dumps::payload $type $body $version]
    return [lindex [dumps::content [suite::default_client] k] 1]
}

test "strings in every form" {
    expect_each {
        {restored 0 [dumps::str plain]} plain
        {restored 0 \xc0\x80} -128
        {restored 0 \xc1\xff\x7f} 32767
        {restored 0 \xc2\x00\x00\x00\x80} -2147483648
        {restored 0 \xc3\x06\x15\x01aa\xe0\x0a\x00} aaaaaaaaaaaaaaaaaaaaa
        {restored 0 \x80\x00\x00\x00\x02ab} ab
        {restored 0 \x81\x00\x00\x00\x00\x00\x00\x00\x02ab} ab
    }
    set long [string repeat "0123456789" 900]
    expect $long { restored 0 [dumps::str $long] }
}

test "lists of older servers" -needs rpush {
    set z [dumps::ziplist a 1 -1 300 -70000 100000 3000000000 [string repeat b 100] c]
    set items [list a 1 -1 300 -70000 100000 3000000000 [string repeat b 100] c]
    expect $items { restored 10 [dumps::str $z] }
    expect [concat $items $items] { restored 14 \x02[dumps::str $z][dumps::str $z] }
    expect {a 7 {}} { restored 1 \x03[dumps::str a]\xc0\x07\x00 }
    set empty [dumps::ziplist]
    expect $items { restored 14 \x03[dumps::str $empty][dumps::str $z][dumps::str $empty] }
    set big [dumps::ziplist [string repeat x 300] y]
    expect [list [string repeat x 300] y] { restored 10 [dumps::str $big] }
}

test "lists of nodes, packed and plain" -needs rpush {
    set a [dumps::str [dumps::listpack a 5]]
    expect {a 5 plain a 5} { restored 18 \x03\x02$a\x01[dumps::str plain]\x02$a }
}

test "sets of older servers" -needs sadd {
    expect {1 a b} { restored 2 \x03[dumps::str a]\xc0\x01[dumps::str b] }
    expect {-5 2 9} { restored 11 [dumps::str [dumps::intset 2 -5 2 9]] }
    expect {-5 2 9} { restored 11 [dumps::str [dumps::intset 8 -5 2 9]] }
    with_config {set-max-intset-entries 2} {
        expect {-5 2 9} { restored 11 [dumps::str [dumps::intset 4 -5 2 9]] }
    }
}

test "sets that are listpacks" -needs sadd -tags baton-only {
    expect {1 a b} { restored 20 [dumps::str [dumps::listpack a 1 b]] 11 }
    expect listpack { ask OBJECT ENCODING k }
    with_config {set-max-listpack-entries 2} {
        expect {1 a b} { restored 20 [dumps::str [dumps::listpack a 1 b]] 11 }
        expect hashtable { ask OBJECT ENCODING k }
    }
}

test "sorted sets of older servers" -needs zadd {
    set scores [dumps::str a]\x031.5[dumps::str b]\xfe[dumps::str c]\xff
    expect {c -Inf a 1.5 b Inf} { restored 3 \x03$scores }
    set doubles [dumps::str b][binary format q 2.5][dumps::str a][binary format q -1]
    expect {a -1.0 b 2.5} { restored 5 \x02$doubles }
    expect {a 1.0 b 1.5 c 70000.0} { restored 12 [dumps::str [dumps::ziplist a 1 b 1.5 c 70000]] }
    expect {a 1.0 b 1.5 c 2.0} { restored 17 [dumps::str [dumps::listpack a 1 b 1.5 c 2]] }
    with_config {zset-max-listpack-entries 2} {
        expect {a 1.0 b 1.5 c 2.0} { restored 17 [dumps::str [dumps::listpack a 1 b 1.5 c 2]] }
        expect skiplist { ask OBJECT ENCODING k }
    }
}

test "hashes of older servers" -needs hset {
    expect {{a 1} {b {}}} { restored 4 \x02[dumps::str a]\xc0\x01[dumps::str b]\x00 }
    expect {{a 1} {f value}} { restored 9 [dumps::str [dumps::zipmap f value a 1]] }
    expect {{a 1} {f value}} { restored 13 [dumps::str [dumps::ziplist f value a 1]] }
    expect {{a 1} {f value}} { restored 16 [dumps::str [dumps::listpack f value a 1]] }
    expect listpack { ask OBJECT ENCODING k }
    with_config {hash-max-listpack-entries 1} {
        expect {{a 1} {f value}} { restored 16 [dumps::str [dumps::listpack f value a 1]] }
        expect hashtable { ask OBJECT ENCODING k }
    }
}

# A listpack of two fields with values and deadlines, the second without.
proc triples {at_ms} {
    set body \x81f\x02\x81v\x02\xf4[binary format w $at_ms]\x09\x81g\x02\x81w\x02\x00\x01
    return [binary format is [expr {7 + [string length $body]}] 6]$body\xff
}

test "hashes with deadlines of fields" -needs hpexpiretime {
    set at [expr {[clock milliseconds] + 1000000}]
    set min [binary format w $at]
    set far \x81[binary format W $at]
    set rows [list \
        22 \x02$far[dumps::str f][dumps::str v]\x00[dumps::str g][dumps::str w] \
        24 $min\x02\x01[dumps::str f][dumps::str v]\x00[dumps::str g][dumps::str w] \
        23 [dumps::str [triples $at]] \
        25 $min[dumps::str [triples $at]]]
    foreach {type body} $rows {
        expect {{f v} {g w}} { restored $type $body 12 }
        expect [list $at -1 -2] { ask HPEXPIRETIME k FIELDS 3 f g nothing }
        expect OK { ask RESTORE again 0 [ask DUMP k] REPLACE }
        expect [list $at -1] { ask HPEXPIRETIME again FIELDS 2 f g }
    }
}

# ---- what must be refused

proc expect_refused {rows} {
    foreach {what payload} $rows {
        set payload [uplevel 1 [list subst $payload]]
        if {[catch { ask RESTORE bad 0 $payload } why]} {
            if {$why ne "ERR Bad data format"} { fail "$what: $why" }
        } else {
            fail "$what: was taken"
        }
        expect 0 { ask EXISTS bad }
    }
}

test "strings that are damaged" -tags baton-only {
    expect_refused {
        "no value" {[dumps::payload 0 ""]}
        "cut off" {[dumps::payload 0 \x05abcd]}
        "2^63 bytes" {[dumps::payload 0 \x81\x80\x00\x00\x00\x00\x00\x00\x00a]}
        "2^64-1 bytes" {[dumps::payload 0 \x81\xff\xff\xff\xff\xff\xff\xff\xffa]}
        "no such form" {[dumps::payload 0 \xc4\x00]}
        "LZF: a bomb" {[dumps::payload 0 \xc3\x04\x80\x7f\xff\xff\xff\x00aaa]}
        "LZF: from before the start" {[dumps::payload 0 \xc3\x02\x04\x20\x05]}
        "LZF: not as long as told" {[dumps::payload 0 \xc3\x04\x05\x02abc]}
    }
}

test "what follows the value, and types that are none" -tags baton-only {
    expect_refused {
        "bytes behind" {[dumps::payload 0 \x01ab]}
        "type 6" {[dumps::payload 6 \x01a]}
        "a module's type" {[dumps::payload 7 \x01a]}
        "type 8" {[dumps::payload 8 \x01a]}
        "type 26" {[dumps::payload 26 \x01a]}
        "type 255" {[dumps::payload 255 \x01a]}
        "no type" {[dumps::seal "" 10]}
    }
}

test "collections that are empty or say that they are huge" {
    foreach type {1 2 3 4 5 14 18} {
        foreach count {\x00 \x80\x7f\xff\xff\xff \x81\x10\x00\x00\x00\x00\x00\x00\x00 \xc0\x05} {
            expect_refused { "type $type" {[dumps::payload $type $count\x01a]} }
        }
    }
    expect_refused {
        "a list of no items" {[dumps::payload 10 [dumps::str [dumps::ziplist]]]}
        "a list of an empty node" {[dumps::payload 18 \x01\x02[dumps::str [dumps::listpack]]]}
        "an empty intset" {[dumps::payload 11 [dumps::str [dumps::intset 2]]]}
        "an empty sorted set" {[dumps::payload 12 [dumps::str [dumps::ziplist]]]}
        "an empty hash" {[dumps::payload 13 [dumps::str [dumps::ziplist]]]}
        "an empty zipmap" {[dumps::payload 9 [dumps::str [dumps::zipmap]]]}
    }
}

test "lists that are damaged" -needs rpush -tags baton-only {
    set lp [dumps::listpack a b]
    expect_refused {
        "an item less" {[dumps::payload 1 \x02\x01a]}
        "an empty item of its own" {[dumps::payload 18 \x01\x01\x00]}
        "no kind of node" {[dumps::payload 18 \x01\x03[dumps::str $lp]]}
        "a count that lies" {[dumps::payload 18 \x01\x02[dumps::str [string replace $lp 4 4 \x03]]]}
        "a length that lies" {[dumps::payload 18 \x01\x02[dumps::str [string replace $lp 0 0 \x0c]]]}
        "no end" {[dumps::payload 18 \x01\x02[dumps::str [string replace $lp end end a]]]}
        "an element too long" {[dumps::payload 18 \x01\x02[dumps::str [string replace $lp 9 9 \x88]]]}
    }
}

test "sets that are damaged" -needs sadd -tags baton-only {
    expect_refused {
        "a member twice" {[dumps::payload 2 \x02\x01a\x01a]}
        "an integer twice" {[dumps::payload 2 \x02\xc0\x07\x017]}
        "an intset out of order" {[dumps::payload 11 [dumps::str [dumps::intset 2 5 4]]]}
        "an intset with a number twice" {[dumps::payload 11 [dumps::str [dumps::intset 2 5 5]]]}
        "an intset of width 3" {[dumps::payload 11 [dumps::str \x03[string range [dumps::intset 2 5 6] 1 end]]]}
        "an intset that is longer" {[dumps::payload 11 [dumps::str [dumps::intset 2 5 6]zz]]}
        "a listpack with a member twice" {[dumps::payload 20 [dumps::str [dumps::listpack a 7 b a]] 11]}
        "a text and a number alike" {[dumps::payload 20 [dumps::str [binary format H* 0c0000000200050181 3502ff]] 11]}
    }
}

test "a set with a member twice is refused in any form" -needs sadd -tags baton-only {
    with_config {set-max-listpack-entries 1 set-max-intset-entries 1} {
        expect_refused {
            "a listpack" {[dumps::payload 20 [dumps::str [dumps::listpack a 7 b a]] 11]}
            "members" {[dumps::payload 2 \x03\x01a\x01b\x01a]}
        }
    }
}

test "sorted sets that are damaged" -needs zadd -tags baton-only {
    set nan [binary format H* 000000000000f87f]
    expect_refused {
        "a score that is no number" {[dumps::payload 5 \x01\x01a$nan]}
        "a score that is no number, as text" {[dumps::payload 3 \x01\x01a\xfd]}
        "a member twice" {[dumps::payload 5 \x02\x01a[binary format q 1]\x01a[binary format q 2]]}
        "an odd count" {[dumps::payload 17 [dumps::str [dumps::listpack a 1 b]]]}
        "a member twice, packed" {[dumps::payload 17 [dumps::str [dumps::listpack a 1 a 2]]]}
        "a score that is a word" {[dumps::payload 17 [dumps::str [dumps::listpack a x]]]}
        "a score that is nan" {[dumps::payload 17 [dumps::str [dumps::listpack a nan]]]}
        "scores out of order" {[dumps::payload 17 [dumps::str [dumps::listpack a 2 b 1]]]}
        "members out of order" {[dumps::payload 17 [dumps::str [dumps::listpack b 1 a 1]]]}
        "a ziplist with an odd count" {[dumps::payload 12 [dumps::str [dumps::ziplist a 1 b]]]}
    }
}

test "hashes that are damaged" -needs hset -tags baton-only {
    set min [binary format w 1000]
    expect_refused {
        "a field twice" {[dumps::payload 4 \x02\x01a\x01b\x01a\x01c]}
        "no value" {[dumps::payload 4 \x01\x01a]}
        "an odd count" {[dumps::payload 16 [dumps::str [dumps::listpack a 1 b]]]}
        "a field twice, packed" {[dumps::payload 16 [dumps::str [dumps::listpack a 1 a 2]]]}
        "a field twice, in a ziplist" {[dumps::payload 13 [dumps::str [dumps::ziplist a 1 a 2]]]}
        "a field twice, in a zipmap" {[dumps::payload 9 [dumps::str [dumps::zipmap a 1 a 2]]]}
        "a zipmap that is cut off" {[dumps::payload 9 [dumps::str \x01\x01a\xfe\xff\xff\xff\xff\x00\xff]]}
        "two elements of three" {[dumps::payload 25 $min[dumps::str [dumps::listpack a 1]]]}
        "a deadline that is a word" {[dumps::payload 25 $min[dumps::str [dumps::listpack a 1 x]]]}
        "a deadline too far" {[dumps::payload 24 $min\x01\x81\x7f\xff\xff\xff\xff\xff\xff\xff\x01a\x01b]}
        "an earliest deadline below 0" {[dumps::payload 24 [binary format w -5]\x01\x01\x01a\x01b]}
        "deadlines, and a field twice" {[dumps::payload 24 $min\x02\x01\x01a\x01b\x05\x01a\x01b]}
    }
}

test "ziplists that are damaged" -needs rpush {
    set z [dumps::ziplist a b 5]
    foreach {what at byte} {
        "a length that lies" 0 \x14
        "a tail that lies" 4 \x0f
        "a count that lies" 8 \x02
        "a way back that lies" 13 \x04
        "an encoding that is none" 11 \x90
        "no end" end x
    } {
        set payload [dumps::payload 10 [dumps::str [string replace $z $at $at $byte]]]
        expect_refused { $what {$payload} }
    }
}

test "a payload that is refused is noted in the log" -tags baton-only -needs zadd {
    catch { ask RESTORE bad 0 [dumps::payload 12 [dumps::str [dumps::ziplist a 1 b]]] }
    wait_for {[string match "*Zset ziplist integrity check failed*" [server::log_text]]}
}

test "a refused payload leaves what was there" -needs rpush {
    ask SET k bar
    expect_error "ERR Bad data format" { ask RESTORE k 0 [dumps::payload 1 \x02\x01a] REPLACE }
    expect bar { ask GET k }
}
