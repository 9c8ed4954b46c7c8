# What an authenticated client may do to the protocol (W1 to W11 of the project's list of attacks).

suite

proc still_well {} {
    set c [client::dial]
    set nonce nonce-[random_int 1000000000]
    set from [clock milliseconds]
    expect $nonce { $c ECHO $nonce }
    expect_true {[clock milliseconds] - $from < [scaled_ms 1000]}
    client::hangup $c
}

# Sends a request that must be answered by exactly one error, however odd its words.
proc one_error {args} {
    set c [client::dial]
    client::write $c [client::encode {*}$args][client::encode ECHO the-next]
    expect error { lindex [client::typed $c] 0 }
    expect {bulk the-next} { client::typed $c }
    client::hangup $c
}

test "W1: lengths out of range end the connection" {
    foreach {bytes text} {
        "*2147483648\r\n" "invalid multibulk length"
        "*1\r\n$536870913\r\n" "invalid bulk length"
        "*1\r\n$-1\r\n" "invalid bulk length"
        "*1\r\n$+4\r\n" "invalid bulk length"
        "*1\r\n$04\r\n" "invalid bulk length"
        "*1\r\nX\r\n" "expected '$', got 'X'"
    } {
        set c [client::dial]
        client::write $c [subst -nocommands -novariables $bytes]
        expect_match "-ERR Protocol error: $text*" { client::until_eof $c }
        still_well
    }
}

test "W1: a NUL where a length should start" -tags baton-only {
    set c [client::dial]
    client::write $c "*1\r\n\x00\r\n"
    expect_match "-ERR Protocol error: expected '\$', got '*" { client::until_eof $c }
}

test "W2: a huge count allocates nothing by itself" {
    set open {}
    for {set i 0} {$i < 10} {incr i} { lappend open [client::dial] }
    foreach c $open { $c PING }
    set before [server::rss]
    foreach c $open { client::write $c "*2147483647\r\n" }
    still_well
    sleep_ms 50
    expect_true {[server::rss] - $before < 2 * 1048576}
}

test "W2: a large count with many small arguments is served" {
    set c [client::dial]
    set n [by_load 20000 100000 1048577]
    client::write $c "*[expr {$n + 1}]\r\n\$3\r\nDEL\r\n[string repeat "\$1\r\nk\r\n" $n]"
    expect 0 { client::reply $c }
}

test "W3: announced but unsent bytes cost nothing" {
    set before [server::rss]
    set open {}
    for {set i 0} {$i < 10} {incr i} {
        set c [client::dial]
        client::write $c "*3\r\n\$3\r\nSET\r\n\$1\r\nk\r\n\$100000000\r\nabc"
        lappend open $c
    }
    still_well
    sleep_ms 50
    expect_true {[server::rss] - $before < 32 * 1048576}
    foreach c $open { client::hangup $c }
    expect 0 { ask EXISTS k }
}

test "W4: a bulk that does not end in CRLF is refused" -tags baton-only {
    foreach bytes [list "*1\r\n\$4\r\nPINGXX" "*2\r\n\$4\r\nECHO\r\n\$1\r\naXX" \
            "*1\r\n\$4\r\nPING\n\n" "*1\r\n\$4\r\nPING\rX"] {
        set c [client::dial]
        client::write $c "$bytes*1\r\n\$4\r\nPING\r\n"
        expect_match "-ERR Protocol error:*" { client::until_eof $c }
        still_well
    }
}

test "W5: inline requests with every byte value" {
    for {set code 128} {$code < 256} {incr code} {
        set byte [format %c $code]
        set c [client::dial]
        client::write $c "ECHO x${byte}y\r\n"
        expect x${byte}y { client::reply $c }
        client::hangup $c
    }
}

test "W5: an inline request with NUL is never silent" -tags baton-only {
    foreach text [list "\x00\r\n" "PING\x00\r\n" "\x00PING\r\n" "ECHO \x00\r\n"] {
        set c [client::dial]
        client::write $c ${text}PING\r\n
        expect_true {[client::until_quiet $c 300] ne ""}
        still_well
    }
}

test "W5: inline requests around the 64 KiB limit" {
    foreach size {65000 65500 65530 65535} {
        set c [client::dial]
        client::write $c "ECHO [string repeat a [expr {$size - 5}]]\r\n"
        set head [client::line $c]
        expect_true {$head eq "\$[expr {$size - 5}]" || [string match "-ERR Protocol*" $head]}
    }
    foreach size {65537 65600 100000 1000000} {
        set c [client::dial]
        catch { client::write $c [string repeat a $size] }
        expect_match "-ERR Protocol error: too big inline request\r\n" { client::until_eof $c }
    }
}

test "W7: line ends in what an error repeats are harmless" {
    one_error "FO\r\nX"
    one_error "FO\r\n+OK\r\n" "a\r\n:1\r\n"
    one_error CONFIG "NO\r\nSUCH"
    one_error CONFIG SET "no\r\n+OK" 1
    one_error CLIENT KILL TYPE "x\r\n:1"
    one_error CLIENT KILL USER "x\r\n:1"
    one_error CLIENT LIST TYPE "x\r\n\$-1"
    one_error HELLO 3 "OPT\r\n+OK"
    one_error HELLO "3\r\n"
    one_error DEBUG "x\r\n+OK"
    one_error COMMAND GETKEYS "x\r\n+OK" a
    one_error OBJECT "x\r\ny" k
    one_error SET k v "EX\r\n" 5
    ask SET k v
    one_error EXPIRE k 10 "x\r\n+OK"
    one_error AUTH "us\r\ner" "pa\r\nss"
    one_error BITFIELD k GET "u8\r\n" 0
}

test "W7: NUL and other control bytes in errors" {
    for {set code 0} {$code < 32} {incr code} { one_error "CMD[format %c $code]x" arg }
    one_error "\x00" "\x00"
    one_error [string repeat "\r\n" 100]
}

test "W7: values with protocol in them are only values" {
    foreach text [list "+OK\r\n" "*1\r\n\$4\r\nPING\r\n" "\$-1\r\n" "-ERR x\r\n" "\r\n\r\n"] {
        ask SET $text $text
        expect $text { ask GET $text }
        expect [list $text] { ask KEYS * }
        ask DEL $text
    }
}

test "W8: a large message to oneself in a pipeline arrives whole" -needs publish {
    set c [client::dial -resp 3]
    client::send $c SUBSCRIBE ch
    client::push $c
    set text [string repeat m 1000000]
    client::write $c [client::encode PUBLISH ch $text][client::encode ECHO after]
    expect 1 { client::reply $c }
    expect after { client::reply $c }
    expect_true {[lindex [client::push $c] 2] eq $text}
}

test "W9: CLIENT REPLY inside a transaction" -needs multi {
    set c [client::dial]
    foreach request {{MULTI} {CLIENT REPLY OFF} {PING} {EXEC}} { client::send $c {*}$request }
    sleep_ms 30
    client::send $c RESET
    client::send $c ECHO alive
    wait_for {[string match "*alive\r\n" [append got [client::until_quiet $c 20]]]}
    expect PONG { $c PING }
}

test "W10: a deep pipeline whose replies nobody reads for long" {
    set n [by_load 30000 40000 1000000]
    if {$server::is_baton} { ask CONFIG SET output-high-water 8mb }
    ask SET k [string repeat v 1000]
    set before [server::rss]
    set c [client::dial]
    client::write $c [string repeat [client::encode GET k] $n]
    set usual [usual_ms 50 { ask PING; sleep_ms 5 }]
    set grown [expr {[server::rss] - $before}]
    set reply "\$1000\r\n[string repeat v 1000]\r\n"
    for {set i 0} {$i < $n} {incr i 1000} {
        if {[client::bytes $c [expr {1000 * 1009}]] ne [string repeat $reply 1000]} {
            fail "the replies after number $i are not right"
        }
    }
    expect PONG { $c PING }
    expect_true {$usual < [scaled_ms 250]}
    if {$server::is_baton} { expect_true {$grown < 24 * 1048576} }
}

test "W11: every command gives exactly one reply to nonsense" {
    set skip {quit shutdown monitor subscribe psubscribe ssubscribe unsubscribe punsubscribe
        sunsubscribe sync psync replconf debug failover blpop brpop blmove brpoplpush bzpopmin
        bzpopmax blmpop bzmpop wait waitaof reset replicaof slaveof exec multi discard client config
        hello flushall flushdb swapdb select}
    set c [client::dial]
    foreach entry [ask COMMAND] {
        set name [lindex $entry 0]
        if {$name in $skip} continue
        foreach words [list {} {x} {x y} {x y z} {x 1 2 3} [list "" ""] [list x "\xff\x00" -1] \
                {x 9223372036854775807 1} {x -9223372036854775808 x y z}] {
            if {$name in {xread xreadgroup} && [llength $words] > 3} continue
            client::write $c [client::encode $name {*}$words][client::encode ECHO the-$name]
            client::typed $c
            set next [client::plain [client::typed $c]]
            if {$next ne "the-$name"} { fail "$name $words: the next reply is [printable $next]" }
        }
    }
    still_well
}

test "A1, A2: sizes and offsets beyond every limit" {
    foreach request {
        {SETRANGE k 4294967295 ab} {SETRANGE k 536870911 ab} {SETBIT k 4294967296 1}
        {BITFIELD k SET u8 #4294967295 1} {BITFIELD k GET u64 0} {BITFIELD k GET i65 0}
        {SETBIT k 18446744073709551615 1} {SETRANGE k 18446744073709551615 x}
        {GETRANGE k -9223372036854775808 9223372036854775808}
    } {
        one_error {*}$request
    }
    expect 0 { ask EXISTS k }
}

test "A3: LCS of two long strings is refused before it allocates" {
    set before [server::rss]
    ask MSET a [string repeat x 100000] b [string repeat y 100000]
    expect_error "ERR Insufficient memory*" { ask LCS a b }
    expect_true {[server::rss] - $before < 32 * 1048576}
}

test "A9: giant numbers" {
    foreach number [list 1e4932 +inf nan [string repeat 9 5000] 0x1p16383 1e-4932] {
        ask DEL f
        catch { ask INCRBYFLOAT f $number }
        catch { ask INCRBYFLOAT f $number }
        still_well
    }
    expect_error "ERR*" { ask INCRBY n [string repeat 9 5000] }
}

test "A11: patterns that explode a naive matcher" {
    for {set i 0} {$i < 50} {incr i} { ask SET [string repeat a 200]$i v }
    foreach pattern [list [string repeat *a 20]*b [string repeat a*? 30] \
            [string repeat \[ 10000] [string repeat \\ 9999] *[string repeat ?* 50]b] {
        set from [clock milliseconds]
        ask KEYS $pattern
        ask SCAN 0 MATCH $pattern COUNT 100
        expect_true {[clock milliseconds] - $from < [scaled_ms 3000]}
    }
}

test "random bytes: the server answers or closes, and lives" {
    for {set i 0} {$i < [by_load 100 300 5000]} {incr i} {
        set c [client::dial]
        client::write $c [random_bytes [random_int 300]]\r\n
        client::half_close $c
        client::until_eof $c
        client::hangup $c
    }
    still_well
}

test "valid requests with one byte changed: no reply out of step for others" {
    set good [client::dial]
    set corpus [list [client::encode SET k v EX 100] [client::encode MGET a b c] \
        [client::encode BITFIELD k SET u8 0 1] [client::encode CLIENT LIST] "GET k\r\n"]
    for {set i 0} {$i < [by_load 200 500 10000]} {incr i} {
        set bytes [lindex $corpus [random_int [llength $corpus]]]
        set at [random_int [string length $bytes]]
        set bytes [string replace $bytes $at $at [format %c [random_int 256]]]
        set c [client::dial]
        client::write $c $bytes
        client::half_close $c
        client::until_eof $c
        client::hangup $c
        expect $i { $good ECHO $i }
    }
}
