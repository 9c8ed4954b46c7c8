# PFADD, PFCOUNT, PFMERGE and PFDEBUG: values in Redis's format, and values that are broken.

suite -config {"enable-debug-command yes"}

# Adds elements of a family, a hundred at a time.
proc add_many {key family count} {
    for {set from 0} {$from < $count} {incr from 100} {
        set elements {}
        for {set i $from} {$i < min($from + 100, $count)} {incr i} { lappend elements $family$i }
        ask PFADD $key {*}$elements
    }
}

proc expect_about {wanted got} {
    if {abs($got - $wanted) > 1 + $wanted * 0.04} { fail "$got is far from $wanted" }
}

test "estimates of sparse and dense values" {
    foreach count {1 10 100 1000 5000 20000} {
        ask DEL h
        add_many h x $count
        expect_about $count [ask PFCOUNT h]
        expect 0 { ask PFADD h x0 }
    }
    expect dense { ask PFDEBUG ENCODING h }
}

test "the bytes of a small value" {
    ask PFADD h a b c
    set wanted HYLL[binary format H* 010000000000000000000080][binary format H* 60f38050b1844bfb80425a]
    expect $wanted { ask GET h }
    expect 3 { ask PFCOUNT h }
    expect [binary format H* 0300000000000000] { ask GETRANGE h 8 15 }
    expect "Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603" { ask PFDEBUG DECODE h }
}

test "a value moves as a string" {
    add_many h x 3000
    ask SET copy [ask GET h]
    expect [ask PFCOUNT h] { ask PFCOUNT copy }
    expect 0 { ask PFADD copy x1 x2 x3 }
    expect [ask PFCOUNT h] { ask PFCOUNT copy h }
}

test "unions" {
    add_many a x 2000
    add_many b x 1000
    add_many b y 2000
    expect_about 4000 [ask PFCOUNT a b]
    ask PFMERGE c a b
    expect [ask PFCOUNT a b] { ask PFCOUNT c }
    ask PFMERGE a b
    expect [ask PFCOUNT c] { ask PFCOUNT a }
}

test "hll-sparse-max-bytes" {
    with_config {hll-sparse-max-bytes 100} {
        add_many h x 10
        expect sparse { ask PFDEBUG ENCODING h }
        add_many h x 100
        expect dense { ask PFDEBUG ENCODING h }
    }
    with_config {hll-sparse-max-bytes 16000} {
        add_many g x 6000
        expect sparse { ask PFDEBUG ENCODING g }
        expect_about 6000 [ask PFCOUNT g]
        ask PFMERGE m g
        expect sparse { ask PFDEBUG ENCODING m }
    }
}

test "what is not a HyperLogLog" {
    ask SET s text
    ask PFADD h a
    ask PFADD dense a
    ask PFDEBUG TODENSE dense
    ask SET long [ask GET dense]x
    ask SET short [string range [ask GET dense] 0 end-1]
    foreach key {s long short} {
        foreach command {{PFADD $key a} {PFCOUNT $key} {PFCOUNT h $key} {PFMERGE h $key} {PFMERGE $key h}
                {PFDEBUG ENCODING $key} {PFDEBUG GETREG $key}} {
            expect_error "WRONGTYPE Key is not a valid HyperLogLog string value." {
                ask {*}[subst $command]
            }
        }
    }
}

test "runs whose sum passes 2^31" -tags baton-only {
    set head HYLL[binary format H* 010000000000000000000080]
    ask SET h $head[string repeat [binary format H* 7fff] 131073]\x84\x84\x84
    foreach command {{PFADD h a} {PFCOUNT h} {PFCOUNT h none} {PFMERGE to h} {PFMERGE h} {PFDEBUG TODENSE h}
            {PFDEBUG GETREG h}} {
        expect_error "INVALIDOBJ Corrupted HLL object detected" { ask {*}$command }
    }
    expect 0 { ask EXISTS to }
}

test "random damage is found or harmless" {
    for {set round 0} {$round < [by_load 100 300 3000]} {incr round} {
        ask DEL h g
        add_many h x [random_int 1500]
        if {[random_int 2]} { ask PFCOUNT h }
        for {set i 0} {$i <= [random_int 4]} {incr i} {
            ask SETRANGE h [random_int [ask STRLEN h]] [random_bytes 1]
        }
        foreach command {{PFCOUNT h} {PFCOUNT h g} {PFADD h new} {PFMERGE g h} {PFMERGE h g} {PFDEBUG DECODE h}
                {PFDEBUG GETREG h}} {
            if {[catch { ask {*}$command } why] && ![regexp {^(INVALIDOBJ|WRONGTYPE|ERR HLL enc)} $why]} {
                fail "$command: $why"
            }
        }
    }
}

test "PFSELFTEST" {
    expect OK { ask PFSELFTEST }
}
