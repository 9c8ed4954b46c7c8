# BITOP, and BITFIELD with its types and overflows.

suite

test "BITOP NOT" {
    ask SET a \xaa\x00\xff\x55
    expect 4 { ask BITOP NOT out a }
    expect \x55\xff\x00\xaa { ask GET out }
    expect 4 { ask BITOP not a a }
    expect \x55\xff\x00\xaa { ask GET a }
}

test "BITOP AND, OR, XOR with one source copy it" {
    ask SET a \x01\x02\xff
    foreach op {AND OR XOR} {
        expect 3 { ask BITOP $op out a }
        expect \x01\x02\xff { ask GET out }
    }
}

test "BITOP pads short sources with zeros" {
    ask MSET a \x01\x02\xff b \x01\x02\xff\xff
    expect_each {
        {ask BITOP AND out a b} 4
        {ask GET out} \x01\x02\xff\x00
        {ask BITOP OR out a b} 4
        {ask GET out} \x01\x02\xff\xff
        {ask BITOP XOR out a b} 4
        {ask GET out} \x00\x00\x00\xff
    }
}

test "BITOP with missing keys" {
    ask SET a \xff\xff
    expect_each {
        {ask BITOP AND out a nothing} 2
        {ask GET out} \x00\x00
        {ask BITOP OR out nothing a} 2
        {ask GET out} \xff\xff
        {ask BITOP NOT out nothing} 0
        {ask EXISTS out} 0
    }
    ask SET out x
    expect 0 { ask BITOP XOR out nothing none }
    expect 0 { ask EXISTS out }
}

test "BITOP replaces the destination and its TTL" {
    ask SET out old EX 100
    ask SET a \x0f
    ask BITOP OR out a
    expect -1 { ask TTL out }
}

test "BITOP errors" {
    ask MSET a 1 b 2
    expect_errors {
        {BITOP NOT out a b} {ERR BITOP NOT must be called with a single source key.}
        {BITOP NOSUCH out a} {ERR syntax error}
        {BITOP AND out} {ERR wrong number of arguments for 'bitop' command}
    }
}

test "BITOP agrees with a model" {
    for {set round 0} {$round < [by_load 20 60 500]} {incr round} {
        set keys {}
        set width 0
        set sources {}
        for {set i 0} {$i <= [random_int 7]} {incr i} {
            set bytes [random_bytes [random_int 70]]
            ask SET s$i $bytes
            lappend keys s$i
            lappend sources $bytes
            set width [expr {max($width, [string length $bytes])}]
        }
        foreach {op sign} {AND & OR | XOR ^} {
            set want {}
            for {set at 0} {$at < $width} {incr at} {
                set terms {}
                foreach bytes $sources {
                    set value 0
                    if {$at < [string length $bytes]} { scan [string index $bytes $at] %c value }
                    lappend terms $value
                }
                lappend want [expr [join $terms $sign]]
            }
            expect $width { ask BITOP $op out {*}$keys }
            set got [ask GET out]
            if {$width > 0 && $got ne [binary format c* $want]} { fail "BITOP $op differs" }
        }
    }
}

test "BITFIELD SET and GET" {
    expect_each {
        {ask BITFIELD k SET i8 0 -100} 0
        {ask BITFIELD k GET i8 0} -100
        {ask BITFIELD k GET u8 0} 156
        {ask BITFIELD k SET u8 0 255} 156
        {ask BITFIELD k SET u8 #1 98 GET u8 #1 GET u16 0} {0 98 65378}
        {ask BITFIELD k} {}
    }
}

test "BITFIELD reads beyond the end as zero" {
    expect_each {
        {ask BITFIELD nothing GET u8 0 GET i64 1000} {0 0}
        {ask EXISTS nothing} 0
        {ask SET k a} OK
        {ask BITFIELD k GET u16 0} 24832
        {ask BITFIELD k GET u8 4} 16
    }
}

test "BITFIELD unaligned fields" {
    expect_each {
        {ask BITFIELD k SET u5 3 21} 0
        {ask BITFIELD k GET u5 3} 21
        {ask BITFIELD k SET u13 6 5000} 2048
        {ask BITFIELD k GET u13 6} 5000
        {ask BITFIELD m SET i64 1 -1} 0
        {ask BITFIELD m GET i64 1} -1
        {ask BITFIELD m SET u63 7 0} 9223372036854775776
        {ask BITFIELD m GET u8 0} 126
    }
}

test "BITFIELD INCRBY with WRAP, SAT and FAIL" {
    expect_each {
        {ask BITFIELD k SET u8 0 250 INCRBY u8 0 10} {0 4}
        {ask BITFIELD k SET i8 0 120 INCRBY i8 0 10} {4 -126}
        {ask BITFIELD k SET u8 0 250 OVERFLOW SAT INCRBY u8 0 10} {130 255}
        {ask BITFIELD k OVERFLOW SAT INCRBY u8 0 -1000} 0
        {ask BITFIELD k SET i8 0 100 OVERFLOW SAT INCRBY i8 0 100 INCRBY i8 0 -1000} {0 127 -128}
        {ask BITFIELD k SET u8 0 250 OVERFLOW FAIL INCRBY u8 0 10 GET u8 0} {128 (nil) 250}
        {ask BITFIELD k OVERFLOW FAIL SET u8 0 256} (nil)
        {ask BITFIELD k OVERFLOW SAT SET u8 0 256} 250
        {ask BITFIELD k GET u8 0} 255
        {ask BITFIELD k OVERFLOW WRAP SET u8 0 257 OVERFLOW SAT INCRBY u8 0 300} {255 255}
    }
}

test "BITFIELD at the ends of 64 bits" {
    expect_each {
        {ask BITFIELD k SET i64 0 9223372036854775807} 0
        {ask BITFIELD k INCRBY i64 0 1} -9223372036854775808
        {ask BITFIELD k OVERFLOW SAT INCRBY i64 0 -1} -9223372036854775808
        {ask BITFIELD k OVERFLOW FAIL INCRBY i64 0 -1} (nil)
        {ask BITFIELD k SET u63 0 9223372036854775807} 4611686018427387904
        {ask BITFIELD k INCRBY u63 0 1} 0
    }
}

test "BITFIELD errors" {
    foreach type {u64 i65 u0 i0 x8 8 u u-1 i i999 uabc} {
        expect_error "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is\
            not supported but i64 is." { ask BITFIELD k GET $type 0 }
    }
    foreach offset {-1 abc #-1 # #abc 4294967296 #4294967295 9223372036854775807} {
        expect_error "ERR bit offset is not an integer or out of range" {
            ask BITFIELD k SET u8 $offset 1
        }
    }
    expect_errors {
        {BITFIELD k SET u8 0} {ERR syntax error}
        {BITFIELD k NOSUCH u8 0} {ERR syntax error}
        {BITFIELD k OVERFLOW NOSUCH INCRBY u8 0 1} {ERR Invalid OVERFLOW type specified}
        {BITFIELD k SET u8 0 abc} {ERR value is not an integer or out of range}
        {BITFIELD k INCRBY u8 0 1.5} {ERR value is not an integer or out of range}
        {BITFIELD} {ERR wrong number of arguments for 'bitfield' command}
    }
    expect 0 { ask EXISTS k }
}

test "a BITFIELD with an error anywhere does nothing" {
    expect_error "ERR syntax error" { ask BITFIELD k SET u8 0 1 NOSUCH }
    expect 0 { ask EXISTS k }
}

test "BITFIELD_RO only reads" {
    ask SET k a
    expect {97 3} { ask BITFIELD_RO k GET u8 0 GET u2 1 }
    expect_errors {
        {BITFIELD_RO k SET u8 0 1} {ERR BITFIELD_RO only supports the GET subcommand}
        {BITFIELD_RO k INCRBY u8 0 1} {ERR BITFIELD_RO only supports the GET subcommand}
        {BITFIELD_RO k GET u8 0 SET u8 0 1} {ERR BITFIELD_RO only supports the GET subcommand}
    }
    expect 0 { ask BITFIELD_RO nothing GET u8 0 }
    expect 0 { ask EXISTS nothing }
}

test "BITFIELD unsigned fields agree with a model" {
    set bits [string repeat 0 256]
    for {set i 0} {$i < [by_load 200 500 5000]} {incr i} {
        set width [expr {1 + [random_int 40]}]
        set at [random_int [expr {256 - $width}]]
        set value [expr {int(rand() * (1 << $width))}]
        set last [expr {$at + $width - 1}]
        expect [scan [string range $bits $at $last] %llb] { ask BITFIELD k SET u$width $at $value }
        set bits [string replace $bits $at $last [format %0${width}llb $value]]
    }
    ask BITFIELD k SET u8 248 [scan [string range $bits 248 255] %b]
    binary scan [ask GET k] B* got
    expect $bits { set got }
}
