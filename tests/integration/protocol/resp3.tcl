# RESP3: HELLO with its options, and the reply types that only it has.

suite

test "HELLO without arguments tells and changes nothing" {
    set typed [ask_typed HELLO]
    expect array { lindex $typed 0 }
    set fields [client::plain $typed]
    expect 2 { dict get $fields proto }
    expect {server version proto id mode role modules} { dict keys $fields }
    expect redis { dict get $fields server }
    expect standalone { dict get $fields mode }
    expect master { dict get $fields role }
    expect {} { dict get $fields modules }
    expect [ask CLIENT ID] { dict get $fields id }
}

test "HELLO 3 answers with a map" {
    set typed [ask_typed HELLO 3]
    expect map { lindex $typed 0 }
    expect 3 { dict get [client::plain $typed] proto }
    expect {null {}} { ask_typed GET nothing }
}

test "HELLO 2 leads back to RESP2" {
    ask HELLO 3
    expect array { lindex [ask_typed HELLO 2] 0 }
    expect {nil {}} { ask_typed GET nothing }
}

test "HELLO version errors" {
    expect_errors {
        {HELLO 1} {NOPROTO unsupported protocol version}
        {HELLO 4} {NOPROTO unsupported protocol version}
        {HELLO -3} {NOPROTO unsupported protocol version}
        {HELLO abc} {ERR Protocol version is not an integer or out of range}
        {HELLO 3x} {ERR Protocol version is not an integer or out of range}
        {HELLO 99999999999999999999} {ERR Protocol version is not an integer or out of range}
    }
    expect 2 { dict get [ask HELLO] proto }
}

test "HELLO syntax errors" {
    expect_errors {
        {HELLO 3 NOSUCH} {ERR Syntax error in HELLO option 'NOSUCH'}
        {HELLO 3 SETNAME} {ERR Syntax error in HELLO option 'SETNAME'}
        {HELLO 3 AUTH} {ERR Syntax error in HELLO option 'AUTH'}
        {HELLO 3 AUTH default} {ERR Syntax error in HELLO option 'AUTH'}
        {HELLO 3 SETNAME a extra} {ERR Syntax error in HELLO option 'extra'}
    }
}

test "a HELLO that fails does not change the protocol" {
    catch { ask HELLO 3 SETNAME good NOSUCH }
    expect {nil {}} { ask_typed GET nothing }
    expect_error "WRONGPASS*" { ask HELLO 3 SETNAME other AUTH nobody nothing }
    expect {nil {}} { ask_typed GET nothing }
}

test "a HELLO that fails does not change the name" -tags baton-only {
    expect_error "ERR Syntax error*" { ask HELLO 3 SETNAME good NOSUCH }
    expect_error "WRONGPASS*" { ask HELLO 3 SETNAME other AUTH nobody nothing }
    expect_true {[ask CLIENT GETNAME] in {"" (nil)}}
}

test "HELLO SETNAME names the connection" {
    ask HELLO 3 SETNAME hello-name
    expect hello-name { ask CLIENT GETNAME }
    ask HELLO 2 setname second
    expect second { ask CLIENT GETNAME }
}

test "HELLO SETNAME refuses names with spaces and line ends" {
    foreach name [list "a b" "a\r\nb" "a\nb"] {
        expect_error "ERR Client names cannot contain spaces, newlines or special characters." {
            ask HELLO 3 SETNAME $name
        }
    }
}

test "HELLO AUTH with the default user and no password set" {
    expect 3 { dict get [ask HELLO 3 AUTH default anything] proto }
}

test "HELLO AUTH with a wrong user" {
    expect_error "WRONGPASS invalid username-password pair or user is disabled." {
        ask HELLO 3 AUTH nobody secret
    }
}

test "RESP3 nulls inside aggregates" {
    set c [client::dial -resp 3]
    $c SET a 1
    expect {array {{bulk 1} {null {}}}} { client::ask_typed $c MGET a nothing }
}

test "CONFIG GET is a map in RESP3" {
    set c [client::dial -resp 3]
    expect {map {{bulk maxclients} {bulk 10000}}} { client::ask_typed $c CONFIG GET maxclients }
    expect {map {}} { client::ask_typed $c CONFIG GET nosuchoption }
}

test "INFO is verbatim text in RESP3" {
    set c [client::dial -resp 3]
    set typed [client::ask_typed $c INFO server]
    expect verbatim { lindex $typed 0 }
    expect_match "txt:# Server\r\n*" { lindex $typed 1 }
}

test "CLIENT LIST and CLIENT INFO are verbatim text in RESP3" {
    set c [client::dial -resp 3]
    foreach name {LIST INFO} {
        set typed [client::ask_typed $c CLIENT $name]
        expect verbatim { lindex $typed 0 }
        expect_match "txt:id=*" { lindex $typed 1 }
    }
}

test "MEMORY STATS is a map with doubles in RESP3" {
    set c [client::dial -resp 3]
    set typed [client::ask_typed $c MEMORY STATS]
    expect map { lindex $typed 0 }
    foreach {name value} [lindex $typed 1] { set type([lindex $name 1]) [lindex $value 0] }
    expect double { set type(fragmentation) }
    expect int { set type(total.allocated) }
}

test "COMMAND INFO holds sets of flags in RESP3" {
    set c [client::dial -resp 3]
    set entry [lindex [client::ask_typed $c COMMAND INFO get] 1 0]
    expect array { lindex $entry 0 }
    expect set { lindex $entry 1 2 0 }
}

test "COMMAND DOCS is a map in RESP3" {
    set c [client::dial -resp 3]
    set typed [client::ask_typed $c COMMAND DOCS get]
    expect map { lindex $typed 0 }
    expect map { lindex $typed 1 1 0 }
}

test "LCS IDX is a map in RESP3" {
    set c [client::dial -resp 3]
    $c MSET {a{t}} ohmytext {b{t}} mynewtext
    set typed [client::ask_typed $c LCS {a{t}} {b{t}} IDX]
    expect map { lindex $typed 0 }
    expect {matches {{{4 7} {5 8}} {{2 3} {0 1}}} len 6} { client::plain $typed }
}

test "RESET leads back to RESP2" {
    set c [client::dial -resp 3]
    expect {status RESET} { client::ask_typed $c RESET }
    expect {nil {}} { client::ask_typed $c GET nothing }
}

test "DEBUG PROTOCOL shows every type" {
    set c [client::dial -resp 3]
    expect_each [list \
        {client::ask_typed $c DEBUG PROTOCOL STRING} {bulk {Hello World}} \
        {client::ask_typed $c DEBUG PROTOCOL INTEGER} {int 12345} \
        {client::ask_typed $c DEBUG PROTOCOL DOUBLE} {double 3.141} \
        {client::ask_typed $c DEBUG PROTOCOL NULL} {null {}} \
        {client::ask_typed $c DEBUG PROTOCOL ARRAY} {array {{int 0} {int 1} {int 2}}} \
        {client::ask_typed $c DEBUG PROTOCOL SET} {set {{int 0} {int 1} {int 2}}} \
        {client::ask_typed $c DEBUG PROTOCOL MAP} \
            {map {{int 0} {bool false} {int 1} {bool true} {int 2} {bool false}}} \
        {client::ask_typed $c DEBUG PROTOCOL TRUE} {bool true} \
        {client::ask_typed $c DEBUG PROTOCOL FALSE} {bool false} \
        {client::ask_typed $c DEBUG PROTOCOL BIGNUM} \
            {bignum 1234567999999999999999999999999999999} \
        {client::ask_typed $c DEBUG PROTOCOL VERBATIM} "verbatim {txt:This is a verbatim\nstring}"]
}

test "DEBUG PROTOCOL in RESP2 falls back to older types" {
    expect_each [list \
        {ask_typed DEBUG PROTOCOL DOUBLE} {bulk 3.141} \
        {ask_typed DEBUG PROTOCOL NULL} {nil {}} \
        {ask_typed DEBUG PROTOCOL SET} {array {{int 0} {int 1} {int 2}}} \
        {ask_typed DEBUG PROTOCOL TRUE} {int 1} \
        {ask_typed DEBUG PROTOCOL FALSE} {int 0} \
        {ask_typed DEBUG PROTOCOL MAP} {array {{int 0} {int 0} {int 1} {int 1} {int 2} {int 0}}}]
}
