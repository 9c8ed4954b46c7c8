# Inline requests: words, quotes, line ends, limits.

suite

proc inline {text} {
    set c [client::dial]
    client::write $c $text
    return [client::plain [client::typed $c]]
}

test "words separated by spaces and tabs" {
    expect PONG { inline "PING\r\n" }
    expect OK { inline "SET  a\tb  \r\n" }
    expect b { inline "  GET a\r\n" }
}

test "a bare LF ends a line" {
    expect PONG { inline "PING\n" }
    expect hi { inline "ECHO hi\n" }
}

test "double quotes with escapes" {
    foreach {text want} [list \
            {"a b"} "a b" {"a\nb\tc\r"} "a\nb\tc\r" {"\a\b"} "\x07\x08" \
            {"\x00\xff\x41"} "\x00\xff\x41" {"q\"q\\q"} {q"q\q} {"\xzz"} xzz {"\y"} y] {
        expect $want { inline "ECHO $text\r\n" }
    }
}

test "single quotes keep everything but an escaped quote" {
    expect {a\nb} { inline "ECHO 'a\\nb'\r\n" }
    expect {it's} { inline "ECHO 'it\\'s'\r\n" }
    expect {a "b"} { inline "ECHO 'a \"b\"'\r\n" }
}

test "an empty quoted word is an argument" {
    expect "" { inline "ECHO \"\"\r\n" }
    expect "" { inline "ECHO ''\r\n" }
}

test "unbalanced quotes end the connection" {
    foreach text [list {ECHO "abc} {ECHO 'abc} {ECHO "abc"d} {ECHO 'abc'd} {ECHO "a\"}] {
        set c [client::dial]
        client::write $c "$text\r\n"
        expect "-ERR Protocol error: unbalanced quotes in request\r\n" { client::until_eof $c }
    }
}

test "high bytes are ordinary" {
    expect "\xc3\xa9\xff" { inline "ECHO \xc3\xa9\xff\r\n" }
}

test "many inline requests in one packet, mixed with RESP" {
    set c [client::dial]
    client::write $c "PING\r\n[client::encode ECHO one]ECHO two\n\r\n[client::encode PING]"
    expect {PONG one two PONG} { client::replies $c 4 }
}

test "an inline request just under 64 KiB works" {
    set text [string repeat a 60000]
    expect $text { inline "ECHO $text\r\n" }
}

test "an inline request without an end above 64 KiB ends the connection" {
    set c [client::dial]
    client::write $c [string repeat a 70000]
    expect "-ERR Protocol error: too big inline request\r\n" { client::until_eof $c }
}

test "inline errors are ordinary errors" {
    expect "(error) ERR wrong number of arguments for 'get' command" { inline "GET\r\n" }
    expect_match "(error) ERR unknown command 'FOO'*" { inline "FOO\r\n" }
}

test "an inline request with a NUL is answered" -tags baton-only {
    set c [client::dial]
    client::write $c "ECHO a\x00b\r\nPING\r\n"
    expect_true {[client::until_quiet $c 300] ne ""}
}
