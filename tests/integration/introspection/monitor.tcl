# MONITOR: which commands are shown, in which order, and how.

suite

# A client that is shown commands from now on.
proc monitor {args} {
    set c [client::dial {*}$args]
    expect OK { $c MONITOR }
    return $c
}

# The next line that a monitor is shown, without its time.
proc shown {c} {
    set line [client::line $c]
    if {![regexp {^\+\d+\.\d{6} (\[\d+ [^\]]+\] .*)$} $line -> rest]} { fail "no line of MONITOR: $line" }
    return $rest
}

# The same without who it was.
proc words_shown {c} { regsub {^\[[^\]]*\] } [shown $c] "" }

test "MONITOR shows time, database, address and arguments" {
    set m [monitor]
    set c [client::dial -db 3]
    $c SET key "a b"
    $c GET key
    set port [lindex [split [dict get [fields_of [$c CLIENT INFO]] addr] :] 1]
    expect "\[3 127.0.0.1:$port] \"SELECT\" \"3\"" { shown $m }
    expect "\[3 127.0.0.1:$port] \"SET\" \"key\" \"a b\"" { shown $m }
    expect "\[3 127.0.0.1:$port] \"GET\" \"key\"" { shown $m }
}

test "arguments are quoted" {
    set m [monitor]
    ask ECHO "a\"b\\c\n\r\t\a\b\x00\x01\x7f\xff"
    expect {"ECHO" "a\"b\\c\n\r\t\a\b\x00\x01\x7f\xff"} { words_shown $m }
    ask ECHO ""
    expect {"ECHO" ""} { words_shown $m }
}

test "clients of the unix socket are shown as such" {
    set m [monitor]
    [client::dial -unix 1] PING
    expect "\[0 unix:[server::socket_path]] \"PING\"" { shown $m }
}

test "several monitors see the same, in both protocols" {
    set m2 [monitor]
    set m3 [monitor -resp 3]
    expect {"HELLO" "3"} { words_shown $m2 }
    ask PING
    expect {"PING"} { words_shown $m2 }
    expect {"PING"} { words_shown $m3 }
}

test "what is not run is not shown; errors are" {
    set m [monitor]
    catch { ask NOSUCH a }
    catch { ask GET }
    catch { ask CLIENT NOSUCH }
    ask SET a x
    catch { ask INCR a }
    ask PING
    expect {"SET" "a" "x"} { words_shown $m }
    expect {"INCR" "a"} { words_shown $m }
    expect {"PING"} { words_shown $m }
}

test "commands of administrators are not shown" {
    set m [monitor]
    ask CONFIG GET port
    ask CLIENT LIST
    ask SLOWLOG LEN
    ask DEBUG SLEEP 0
    monitor
    ask CLIENT ID
    ask PING
    expect {"CLIENT" "ID"} { words_shown $m }
    expect {"PING"} { words_shown $m }
}

test "a transaction is shown in the order in which it ran" {
    set m [monitor]
    ask MULTI
    ask SET a 1
    catch { ask NOSUCH }
    ask DISCARD
    ask MULTI
    ask SET a 2
    ask GET a
    ask EXEC
    foreach line {{"MULTI"} {"DISCARD"} {"MULTI"} {"SET" "a" "2"} {"GET" "a"} {"EXEC"}} {
        expect $line { words_shown $m }
    }
}

test "a script is shown before what it calls" {
    set m [monitor]
    catch { ask EVAL {redis.call('set', KEYS[1], ARGV[1]); return redis.call('incr', KEYS[1])} 1 k v }
    expect_match {"EVAL" "redis.call*" "1" "k" "v"} { words_shown $m }
    expect {[0 lua] "set" "k" "v"} { shown $m }
    expect {[0 lua] "incr" "k"} { shown $m }
    catch { ask EVALSHA 0123456789012345678901234567890123456789 0 }
    ask MULTI
    ask EVAL {return redis.call('select', 5)} 0
    ask EXEC
    expect_match {"EVALSHA"*} { words_shown $m }
    expect {"MULTI"} { words_shown $m }
    expect_match {"EVAL"*} { words_shown $m }
    expect {[5 lua] "select" "5"} { shown $m }
    expect {"EXEC"} { words_shown $m }
}

test "a function is shown before what it calls" {
    ask FUNCTION LOAD REPLACE "#!lua name=lib
        redis.register_function('f', function(keys) return redis.call('get', keys\[1]) end)"
    set m [monitor]
    ask FCALL f 1 key
    expect {"FCALL" "f" "1" "key"} { words_shown $m }
    expect {[0 lua] "get" "key"} { shown $m }
    ask FUNCTION FLUSH
}

test "a blocking command is shown once, when it came" {
    set m [monitor]
    set c [client::dial]
    client::send $c BLPOP list 0
    expect {"BLPOP" "list" "0"} { words_shown $m }
    ask RPUSH list x
    expect {list x} { client::reply $c }
    ask PING
    expect {"RPUSH" "list" "x"} { words_shown $m }
    expect {"PING"} { words_shown $m }
}

test "secrets are not shown" {
    set m [monitor]
    catch { ask AUTH canary }
    catch { ask AUTH user canary }
    catch { ask HELLO 3 AUTH user canary SETNAME x }
    expect {"AUTH" "(redacted)"} { words_shown $m }
    expect {"AUTH" "(redacted)" "(redacted)"} { words_shown $m }
    expect {"HELLO" "3" "AUTH" "(redacted)" "(redacted)" "SETNAME" "x"} { words_shown $m }
}

test "RESET ends it" {
    set m [monitor]
    expect_match "* flags=O *" { ask CLIENT LIST }
    expect RESET { $m RESET }
    ask PING
    expect PONG { $m PING }
}

test "a monitor that goes is forgotten, at its end and at its death" {
    set m [monitor]
    expect OK { $m QUIT }
    set m [monitor]
    client::hangup $m
    wait_for {![string match "* flags=O *" [ask CLIENT LIST]]}
    expect PONG { ask PING }
}

test "MONITOR is for connections alone" {
    ask MULTI
    ask MONITOR
    expect_match "*MONITOR isn't allowed for DENY BLOCKING client*" { ask EXEC }
    set m [monitor]
    client::send $m MONITOR
    client::send $m PING
    expect PONG { client::reply $m }
    expect {"PING"} { words_shown $m }
}

test "a monitor that does not read is cut by the output limit of subscribers" -tags baton-only {
    with_config {client-output-buffer-limit {normal 1mb 0 0 pubsub 1mb 0 0}} {
        set m [monitor]
        set big [string repeat x 2000000]
        wait_for {[ask SET k $big] eq "OK" && ![string match "* flags=O *" [ask CLIENT LIST]]}
        expect_true {[client::gone $m]}
    }
}
