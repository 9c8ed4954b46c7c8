# OBJECT, MEMORY USAGE and what reads do to a key's age.

suite

test "OBJECT of a missing key" {
    foreach name {ENCODING REFCOUNT IDLETIME FREQ} {
        expect (nil) { ask OBJECT $name nothing }
    }
}

test "OBJECT REFCOUNT of a string is positive" {
    ask SET a value
    expect_true {[ask OBJECT REFCOUNT a] >= 1}
}

test "OBJECT IDLETIME grows, reading resets it" -tags slow {
    ask SET a 1
    expect_true {[ask OBJECT IDLETIME a] <= 1}
    wait_for {[ask OBJECT IDLETIME a] >= 2}
    ask GET a
    expect_true {[ask OBJECT IDLETIME a] <= 1}
    wait_for {[ask OBJECT IDLETIME a] >= 2}
    ask TOUCH a
    expect_true {[ask OBJECT IDLETIME a] <= 1}
}

test "OBJECT IDLETIME and EXISTS, TYPE, TTL do not refresh a key" -tags slow {
    ask SET a 1
    for {set i 0} {$i < 25} {incr i} {
        ask EXISTS a
        ask TYPE a
        ask TTL a
        ask OBJECT ENCODING a
        sleep_ms 100
    }
    expect_true {[ask OBJECT IDLETIME a] >= 2}
}

test "OBJECT FREQ needs an LFU policy" {
    ask SET a 1
    expect_error "ERR An LFU maxmemory policy is not selected, access frequency not tracked.\
        Please note that when switching between policies at runtime LRU and LFU data will take\
        some time to adjust." { ask OBJECT FREQ a }
}

test "OBJECT FREQ under LFU counts accesses; IDLETIME is refused" {
    with_config {maxmemory-policy allkeys-lfu} {
        ask SET a word
        expect_true {[ask OBJECT FREQ a] >= 1 && [ask OBJECT FREQ a] <= 10}
        for {set i 0} {$i < 500} {incr i} { ask GET a }
        expect_true {[ask OBJECT FREQ a] > 5}
        expect_error "ERR An LFU maxmemory policy is selected, idle time not tracked.*" {
            ask OBJECT IDLETIME a
        }
    }
}

test "OBJECT HELP" {
    set text [ask OBJECT HELP]
    expect_match "OBJECT <subcommand>*" { lindex $text 0 }
    foreach name {ENCODING FREQ IDLETIME REFCOUNT HELP} {
        expect_true {[lsearch -glob $text $name*] >= 0}
    }
}

test "MEMORY USAGE grows with the value" {
    expect (nil) { ask MEMORY USAGE nothing }
    ask SET small x
    ask SET large [string repeat x 10000]
    set small [ask MEMORY USAGE small]
    set large [ask MEMORY USAGE large]
    expect_true {$small > 0 && $small < 200}
    expect_true {$large >= 10000 && $large < 25000}
}

test "MEMORY USAGE options" {
    ask SET a 1
    expect_true {[ask MEMORY USAGE a SAMPLES 5] > 0}
    expect_true {[ask MEMORY USAGE a SAMPLES 0] > 0}
    expect_errors {
        {MEMORY USAGE a SAMPLES} {ERR syntax error}
        {MEMORY USAGE a SAMPLES -1} {ERR syntax error}
        {MEMORY USAGE a SAMPLES x} {ERR value is not an integer or out of range}
        {MEMORY USAGE a NOSUCH} {ERR syntax error}
        {MEMORY USAGE} {ERR wrong number of arguments for 'memory|usage' command}
    }
}

test "DEBUG OBJECT describes a string" {
    ask SET a hello
    expect_match "Value at:* refcount:* encoding:embstr serializedlength:* lru:*\
        lru_seconds_idle:*" { ask DEBUG OBJECT a }
    expect_error "ERR no such key" { ask DEBUG OBJECT nothing }
}

test "keyspace hits and misses are counted" {
    ask SET a 1
    set hits [info_field keyspace_hits stats]
    set misses [info_field keyspace_misses stats]
    ask GET a
    ask GET nothing
    ask EXISTS a nothing
    expect [expr {$hits + 2}] { info_field keyspace_hits stats }
    expect [expr {$misses + 2}] { info_field keyspace_misses stats }
}
