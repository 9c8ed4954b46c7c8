# The shape of every RESP2 reply, byte for byte.

suite

proc exchange {request reply} {
    set c [client::dial]
    client::write $c $request
    expect $reply { client::bytes $c [string length $reply] }
    expect nonce { $c ECHO nonce }
}

test "a status reply" {
    exchange "*1\r\n\$4\r\nPING\r\n" "+PONG\r\n"
}

test "an integer reply, also negative" {
    exchange [client::encode INCR n] ":1\r\n"
    exchange [client::encode DECRBY n 100] ":-99\r\n"
}

test "a bulk reply, also empty" {
    exchange [client::encode ECHO "a\r\nb"] "\$4\r\na\r\nb\r\n"
    exchange [client::encode ECHO ""] "\$0\r\n\r\n"
}

test "the nil bulk" {
    exchange [client::encode GET nothing] "\$-1\r\n"
}

test "an array reply with nil inside" {
    ask SET a 1
    exchange [client::encode MGET a nothing] "*2\r\n\$1\r\n1\r\n\$-1\r\n"
}

test "an empty array reply" {
    exchange [client::encode KEYS nothing*] "*0\r\n"
}

test "a nested array reply" {
    exchange [client::encode SCAN 0] "*2\r\n\$1\r\n0\r\n*0\r\n"
}

test "an error reply" {
    exchange [client::encode GET] "-ERR wrong number of arguments for 'get' command\r\n"
}

test "command names are case-insensitive" {
    foreach name {PING ping PiNg pINg} { expect PONG { ask $name } }
    expect OK { ask sEt k v }
    expect v { ask gET k }
}

test "subcommand names are case-insensitive" {
    expect_match {[0-9]*} { ask client iD }
    expect {maxclients 10000} { string tolower [ask config get MAXCLIENTS] }
}

test "an unknown command names itself and its first arguments" {
    expect_errors {
        {nosuch} {ERR unknown command 'nosuch', with args beginning with: }
        {NoSuch a b} {ERR unknown command 'NoSuch', with args beginning with: 'a' 'b' }
    }
}

test "an unknown command is cut in its error text" {
    set long [string repeat x 300]
    expect_error "ERR unknown command '[string repeat x 128]', with args beginning with: " {
        ask $long
    }
    expect_error "ERR unknown command 'q', with args beginning with: '[string repeat x 128]' " {
        ask q $long $long
    }
}

test "an empty command name is an unknown command" {
    expect_error "ERR unknown command '', with args beginning with: " { ask "" }
}

test "an unknown subcommand points to HELP" {
    expect_errors {
        {CLIENT nosuch} {ERR unknown subcommand 'nosuch'. Try CLIENT HELP.}
        {CONFIG nosuch x} {ERR unknown subcommand 'nosuch'. Try CONFIG HELP.}
        {OBJECT nosuch x} {ERR unknown subcommand 'nosuch'. Try OBJECT HELP.}
        {MEMORY nosuch} {ERR unknown subcommand 'nosuch'. Try MEMORY HELP.}
        {COMMAND nosuch} {ERR unknown subcommand 'nosuch'. Try COMMAND HELP.}
    }
}

test "a missing subcommand is an arity error of the container" {
    foreach name {client config object memory slowlog latency} {
        expect_error "ERR wrong number of arguments for '$name' command" { ask $name }
    }
}

test "an arity error of a subcommand names both" {
    expect_errors {
        {CLIENT SETNAME} {ERR wrong number of arguments for 'client|setname' command}
        {CONFIG GET} {ERR wrong number of arguments for 'config|get' command}
        {OBJECT ENCODING} {ERR wrong number of arguments for 'object|encoding' command}
        {CLIENT ID x} {ERR wrong number of arguments for 'client|id' command}
    }
}

test "empty requests are ignored: zero and negative counts, bare CRLF" {
    foreach nothing [list "*0\r\n" "\r\n" "*-1\r\n" "*-10\r\n" "\n" "   \r\n"] {
        exchange "${nothing}PING\r\n" "+PONG\r\n"
        exchange "${nothing}*1\r\n\$4\r\nPING\r\n" "+PONG\r\n"
        exchange "${nothing}${nothing}${nothing}*1\r\n\$4\r\nPING\r\n" "+PONG\r\n"
    }
}

test "arguments of 0 to 100,000 bytes pass through" {
    foreach size {0 1 2 15 16 17 63 64 255 256 1023 16383 16384 16385 32767 32768 65536 100000} {
        set text [string repeat z $size]
        expect $text { ask ECHO $text }
    }
}

test "a request of 10,000 arguments" {
    set request MSET
    for {set i 0} {$i < 5000} {incr i} { lappend request key:$i val:$i }
    expect OK { ask {*}$request }
    expect 5000 { ask DBSIZE }
    expect val:4999 { ask GET key:4999 }
}

test "a value of 4 MB round-trips" {
    set value [string repeat [random_bytes 4096] 1024]
    ask SET big $value
    expect [string length $value] { ask STRLEN big }
    expect_true {[ask GET big] eq $value}
}

test "binary keys: NUL, CRLF, high bytes" {
    foreach key [list "a\x00b" "\r\n" "\xff\xfe" "" " " "\$5\r\n" "*1\r\n"] {
        ask SET $key "v$key"
        expect "v$key" { ask GET $key }
    }
    expect 7 { ask DBSIZE }
}
