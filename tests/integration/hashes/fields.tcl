# Fields: storing, reading, deleting, numbers, and the two forms of a hash.

suite

# A key for each form of a hash, with the same fields.
proc both_forms {script} {
    foreach {key encoding} {small listpack large hashtable} {
        ask DEL $key
        if {$key eq "large"} {
            ask HSET $key long [string repeat x 100]
            ask HSET $key a 1
            ask HDEL $key long
        } else {
            ask HSET $key a 1
        }
        uplevel 1 [list set key $key]
        expect $encoding { ask OBJECT ENCODING $key }
        uplevel 1 $script
    }
}

test "HSET counts new fields, HMSET answers OK" {
    expect_each {
        {ask HSET h a 1} 1
        {ask HSET h a 2} 0
        {ask HSET h a 3 b 4 c 5} 2
        {ask HSET h d 1 d 2} 1
        {ask HMSET h a x e y} OK
        {ask HLEN h} 5
        {ask HGET h a} x
        {ask HGET h d} 2
        {ask TYPE h} hash
    }
}

test "reads of a field, in both forms" {
    both_forms {
        expect 1 { ask HGET $key a }
        expect (nil) { ask HGET $key nothing }
        expect {1 (nil) 1} { ask HMGET $key a nothing a }
        expect 1 { ask HEXISTS $key a }
        expect 0 { ask HEXISTS $key nothing }
        expect 1 { ask HSTRLEN $key a }
        expect 0 { ask HSTRLEN $key nothing }
        expect 1 { ask HLEN $key }
    }
}

test "what a key that is missing answers" {
    expect_each {
        {ask HGET no f} (nil)
        {ask HMGET no f g} {(nil) (nil)}
        {ask HEXISTS no f} 0
        {ask HSTRLEN no f} 0
        {ask HLEN no} 0
        {ask HDEL no f} 0
        {ask HGETALL no} {}
        {ask HKEYS no} {}
        {ask HVALS no} {}
        {ask HRANDFIELD no} (nil)
        {ask HRANDFIELD no 3} {}
        {ask HSCAN no 0} {0 {}}
        {ask EXISTS no} 0
    }
}

test "HSETNX stores only where there is nothing" {
    both_forms {
        expect 0 { ask HSETNX $key a x }
        expect 1 { ask HSETNX $key b x }
        expect {1 x} { ask HMGET $key a b }
    }
    expect 1 { ask HSETNX new f v }
}

test "HDEL deletes fields, and the key with the last one" {
    both_forms {
        ask HSET $key b 2 c 3
        expect 2 { ask HDEL $key a b nothing a }
        expect {c 3} { ask HGETALL $key }
        expect 1 { ask HDEL $key c c c }
        expect 0 { ask EXISTS $key }
    }
}

test "any bytes are a field and a value" {
    both_forms {
        foreach {field value} [list "" "" a\r\nb "\0\0" "\xff\xfe" [random_bytes 60] 0 00 -0 +1 " 1" "1 "] {
            expect 1 { ask HSET $key $field $value }
            expect $value { ask HGET $key $field }
        }
        expect 7 { ask HLEN $key }
    }
}

test "a number as text comes back as the same text" {
    foreach n {0 -1 127 128 4095 -4096 32767 8388607 2147483648 9223372036854775807
               -9223372036854775808 9223372036854775808 007 1.0 1e3} {
        ask HSET h $n $n
        expect $n { ask HGET h $n }
    }
    expect 15 { ask HLEN h }
}

test "the small form ends at its limits, and never comes back" {
    for {set i 0} {$i < 512} {incr i} { ask HSET h f$i v }
    expect listpack { ask OBJECT ENCODING h }
    ask HSET h f0 [string repeat v 64]
    expect listpack { ask OBJECT ENCODING h }
    ask HSET h one-more v
    expect hashtable { ask OBJECT ENCODING h }
    for {set i 1} {$i < 512} {incr i} { ask HDEL h f$i }
    expect hashtable { ask OBJECT ENCODING h }
    expect 2 { ask HLEN h }
    ask HSET long [string repeat f 65] v
    expect hashtable { ask OBJECT ENCODING long }
    ask HSET long2 f [string repeat v 65]
    expect hashtable { ask OBJECT ENCODING long2 }
}

test "the limits are options" {
    with_config {hash-max-listpack-entries 2 hash-max-listpack-value 3} {
        ask HSET h a 123 b 1
        expect listpack { ask OBJECT ENCODING h }
        ask HSET h c 1
        expect hashtable { ask OBJECT ENCODING h }
        ask HSET other a 1234
        expect hashtable { ask OBJECT ENCODING other }
    }
}

test "limits may be as large as numbers go" {
    with_config {hash-max-listpack-entries 9223372036854775807 hash-max-listpack-value 9223372036854775807} {
        foreach len {65 5000 10000 300000} {
            ask HSET h f$len [string repeat [expr {$len % 7}] $len]
        }
        for {set i 0} {$i < 1000} {incr i} { ask HSET h n$i $i }
        expect listpack { ask OBJECT ENCODING h }
        expect 300000 { ask HSTRLEN h f300000 }
        expect_true {[ask HGET h f10000] eq [string repeat 4 10000]}
        expect 1004 { llength [ask HKEYS h] }
    }
    ask HSET h f v
    expect hashtable { ask OBJECT ENCODING h }
    expect_true {[ask HGET h f10000] eq [string repeat 4 10000]}
    expect 1005 { ask HLEN h }
}

test "hashes made in one go, then changed" {
    for {set i 0} {$i < 50} {incr i} {
        ask HSET h$i a $i b 2 c 3
        ask EXPIRE h$i 100
    }
    expect 3 { ask HLEN h7 }
    ask RENAME h1 renamed
    ask COPY h2 copied
    ask HDEL h2 a b c
    expect {1 2 3} { ask HVALS renamed }
    expect {2 2 3} { ask HVALS copied }
    expect 0 { ask EXISTS h2 }
    expect 1 { ask HSET copied d 4 }
    expect 8 { ask HINCRBY h3 a 5 }
    expect 0 { ask HDEL h4 nothing }
    expect {a 4 b 2 c 3} { ask HGETALL h4 }
    expect OK { ask SET h5 string }
    expect string { ask GET h5 }
    expect 1 { ask HSETNX h6 d 4 }
    expect {6 2 3 4} { ask HVALS h6 }
    expect 100 { ask TTL h6 }
}

test "big values, overwritten by small ones and back" {
    foreach len {4095 4096 4097 8191 8192 100000 3 1000000 0 20000} {
        set value [string repeat [string index abcdefghij [expr {$len % 10}]] $len]
        ask HSET h f $value other x
        expect $len { ask HSTRLEN h f }
        expect_true {[ask HGET h f] eq $value}
        expect_true {[ask HVALS h] eq [list $value x] || [ask HVALS h] eq [list x $value]}
    }
    ask COPY h copy
    ask HSET h f changed
    expect 20000 { ask HSTRLEN copy f }
    expect 1 { ask DEL copy }
}

test "HINCRBY" {
    both_forms {
        expect 6 { ask HINCRBY $key a 5 }
        expect -3 { ask HINCRBY $key new -3 }
        ask HSET $key max 9223372036854775806 text x spaces " 1" float 1.5
        expect 9223372036854775807 { ask HINCRBY $key max 1 }
        expect_error "ERR increment or decrement would overflow" { ask HINCRBY $key max 1 }
        expect 9223372036854775807 { ask HGET $key max }
        foreach field {text spaces float} {
            expect_error "ERR hash value is not an integer" { ask HINCRBY $key $field 1 }
        }
        foreach by {x 1.5 " 1" 9223372036854775808 ""} {
            expect_error "ERR value is not an integer or out of range" { ask HINCRBY $key a $by }
        }
    }
    expect 7 { ask HINCRBY fresh f 7 }
}

test "HINCRBYFLOAT" {
    both_forms {
        expect 3.5 { ask HINCRBYFLOAT $key a 2.5 }
        expect 0.1 { ask HINCRBYFLOAT $key new 0.1 }
        expect 5e3 { ask HSET $key e 5e3; ask HGET $key e }
        expect 5200 { ask HINCRBYFLOAT $key e 2.0e2 }
        ask HSET $key text x inf inf
        expect_error "ERR hash value is not a float" { ask HINCRBYFLOAT $key text 1 }
        expect_error "ERR value is not a valid float" { ask HINCRBYFLOAT $key a x }
        expect_error "ERR value is not a valid float" { ask HINCRBYFLOAT $key a nan }
        expect_error "ERR value is NaN or Infinity" { ask HINCRBYFLOAT $key a +inf }
        expect_error "ERR increment would produce NaN or Infinity" { ask HINCRBYFLOAT $key inf 1 }
        expect 3.5 { ask HGET $key a }
    }
}

test "HINCRBYFLOAT counts in long doubles, and not further" {
    expect 4933 { string length [ask HINCRBYFLOAT h f 1e4932] }
    expect_error "ERR increment would produce NaN or Infinity" { ask HINCRBYFLOAT h f 1e4932 }
    expect hashtable { ask OBJECT ENCODING h }
    expect_error "ERR value is not a valid float" { ask HINCRBYFLOAT h f [string repeat 1 5000] }
}

test "wrong types and wrong numbers of arguments" {
    ask SET s v
    foreach request {
        {HSET s f v} {HMSET s f v} {HSETNX s f v} {HGET s f} {HMGET s f} {HDEL s f} {HLEN s}
        {HSTRLEN s f} {HEXISTS s f} {HKEYS s} {HVALS s} {HGETALL s} {HINCRBY s f 1}
        {HINCRBYFLOAT s f 1} {HRANDFIELD s} {HRANDFIELD s 1} {HSCAN s 0} {HSCAN s 0 nonsense}
    } {
        expect_error "WRONGTYPE *" { ask {*}$request }
    }
    foreach request {{HSET h f} {HSET h f v g} {HMSET h f v g} {HGET h} {HDEL h} {HMGET h}} {
        expect_error "ERR wrong number of arguments for '[string tolower [lindex $request 0]]' command" {
            ask {*}$request
        }
    }
    ask HSET h f v
    expect_error "WRONGTYPE *" { ask GET h }
    expect 0 { ask EXISTS h2 }
}

test "random edits of both forms end alike" {
    set model {}
    with_config {hash-max-listpack-entries 30} {
        for {set i 0} {$i < [by_load 1000 4000 20000]} {incr i} {
            set f [expr {[random_int 100] + ($i % 2) * 1000000}]
            switch [random_int 4] {
                0 { ask HDEL h $f; dict unset model $f }
                1 { if {[dict exists $model $f]} { dict incr model $f 3 } else { dict set model $f 3 }
                    ask HINCRBY h $f 3 }
                default { ask HSET h $f $i; dict set model $f $i }
            }
            if {$i % 200 == 0} {
                ask DEL h
                set model {}
                continue
            }
            if {$i % 50 == 49} {
                expect [dict size $model] { ask HLEN h }
                expect_true {[lsort -stride 2 [ask HGETALL h]] eq [lsort -stride 2 $model]}
            }
        }
    }
}
