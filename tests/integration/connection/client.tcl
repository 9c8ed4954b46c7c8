# CLIENT and its subcommands.

suite

test "CLIENT ID and CLIENT INFO agree" {
    set id [ask CLIENT ID]
    set entry [fields_of [ask CLIENT INFO]]
    expect $id { dict get $entry id }
    expect $entry { dict replace $entry id $id }
    expect_match "127.0.0.1:*" { dict get $entry addr }
    expect 127.0.0.1:[server::port] { dict get $entry laddr }
    expect N { dict get $entry flags }
    expect 0 { dict get $entry db }
    expect 2 { dict get $entry resp }
    expect default { dict get $entry user }
    expect client|info { dict get $entry cmd }
}

test "CLIENT INFO has the fields that tools parse, in order" {
    set names [dict keys [fields_of [ask CLIENT INFO]]]
    foreach name {id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free
            argv-mem multi-mem rbs rbp obl oll omem tot-mem events cmd user redir resp} {
        expect_true {[lsearch -exact $names $name] >= 0}
    }
    expect {id addr laddr fd name age idle flags db} { lrange $names 0 8 }
}

test "CLIENT INFO ends with lib-name and lib-ver" -tags baton-only {
    expect {resp lib-name lib-ver} { lrange [dict keys [fields_of [ask CLIENT INFO]]] end-2 end }
}

test "CLIENT LIST shows every connection" {
    set a [client::dial -db 3 -name alpha]
    set b [client::dial -resp 3 -name beta]
    set lines [split [string trim [ask CLIENT LIST]] \n]
    expect 3 { llength $lines }
    set entry [client_entry [$a CLIENT ID]]
    expect {alpha 3 2} { list [dict get $entry name] [dict get $entry db] [dict get $entry resp] }
    expect 3 { dict get [client_entry [$b CLIENT ID]] resp }
    client::hangup $a
    client::hangup $b
    wait_for {[llength [split [string trim [ask CLIENT LIST]] \n]] == 1}
}

test "CLIENT LIST ID and TYPE" {
    set a [client::dial -name a]
    set b [client::dial -name b]
    set ids [list [$a CLIENT ID] [$b CLIENT ID]]
    expect 2 { llength [split [string trim [ask CLIENT LIST ID {*}$ids 999999]] \n] }
    expect "" { ask CLIENT LIST ID 999999 }
    expect 3 { llength [split [string trim [ask CLIENT LIST TYPE normal]] \n] }
    expect "" { ask CLIENT LIST TYPE pubsub }
    expect "" { ask CLIENT LIST TYPE replica }
    expect "" { ask CLIENT LIST TYPE slave }
    expect "" { ask CLIENT LIST TYPE master }
    expect_errors {
        {CLIENT LIST TYPE nosuch} {ERR Unknown client type 'nosuch'}
        {CLIENT LIST ID x} {ERR Invalid client ID}
        {CLIENT LIST ID} {ERR syntax error}
        {CLIENT LIST NOSUCH} {ERR syntax error}
        {CLIENT LIST TYPE} {ERR syntax error}
    }
}

# The CLIENT LIST entry of a client, without making it send a command.
proc entry_of {c} {
    set port [lindex [fconfigure $client::sock($c) -sockname] 2]
    foreach line [split [ask CLIENT LIST] \n] {
        if {[string match "* addr=127.0.0.1:$port *" $line]} { return [fields_of $line] }
    }
    return {}
}

test "CLIENT LIST shows the last command" {
    set c [client::dial]
    foreach {request name} {{GET k} get {CONFIG GET port} config|get {PING} ping} {
        $c {*}$request
        expect $name { dict get [entry_of $c] cmd }
    }
}

test "CLIENT LIST shows age and idle in seconds" -tags slow {
    set c [client::dial]
    $c PING
    sleep_ms 2100
    set entry [entry_of $c]
    expect_true {[dict get $entry age] in {1 2 3} && [dict get $entry idle] in {1 2 3}}
    $c PING
    set entry [entry_of $c]
    expect_true {[dict get $entry age] in {1 2 3} && [dict get $entry idle] in {0 1}}
}

test "CLIENT SETNAME and GETNAME" {
    expect_true {[ask CLIENT GETNAME] in {"" (nil)}}
    expect OK { ask CLIENT SETNAME worker-1 }
    expect worker-1 { ask CLIENT GETNAME }
    expect worker-1 { dict get [fields_of [ask CLIENT INFO]] name }
    expect OK { ask CLIENT SETNAME "" }
    expect_true {[ask CLIENT GETNAME] in {"" (nil)}}
    foreach name [list "a b" "a\nb" "a\x01" "caf\xc3\xa9"] {
        expect_error "ERR Client names cannot contain spaces, newlines or special characters." {
            ask CLIENT SETNAME $name
        }
    }
}

test "CLIENT SETINFO" -tags baton-only {
    expect OK { ask CLIENT SETINFO lib-name baton-test }
    expect OK { ask CLIENT SETINFO LIB-VER 1.2.3 }
    set entry [fields_of [ask CLIENT INFO]]
    expect {baton-test 1.2.3} { list [dict get $entry lib-name] [dict get $entry lib-ver] }
    expect_errors {
        {CLIENT SETINFO lib-name "a b"}
            {ERR lib-name cannot contain spaces, newlines or special characters.}
        {CLIENT SETINFO lib-ver "1\n2"}
            {ERR lib-ver cannot contain spaces, newlines or special characters.}
        {CLIENT SETINFO nosuch x} {ERR Unrecognized option 'nosuch'}
        {CLIENT SETINFO lib-name} {ERR wrong number of arguments for 'client|setinfo' command}
    }
    expect OK { ask CLIENT SETINFO lib-name "" }
}

test "CLIENT NO-TOUCH keeps a key's age" -tags {baton-only slow} {
    ask SET k word
    set c [client::dial]
    expect OK { $c CLIENT NO-TOUCH on }
    wait_for {[$c OBJECT IDLETIME k] >= 2}
    $c GET k
    expect_true {[$c OBJECT IDLETIME k] >= 2}
    expect OK { $c CLIENT NO-TOUCH off }
    $c GET k
    expect_true {[$c OBJECT IDLETIME k] <= 1}
    expect_error "ERR syntax error" { $c CLIENT NO-TOUCH maybe }
}

test "CLIENT NO-EVICT" {
    expect OK { ask CLIENT NO-EVICT on }
    expect_true {[string match *e* [dict get [fields_of [ask CLIENT INFO]] flags]]}
    expect OK { ask CLIENT NO-EVICT OFF }
    expect N { dict get [fields_of [ask CLIENT INFO]] flags }
    expect_error "ERR syntax error" { ask CLIENT NO-EVICT maybe }
}

test "CLIENT UNBLOCK of a client that is not blocked" {
    set c [client::dial]
    expect 0 { ask CLIENT UNBLOCK [$c CLIENT ID] }
    expect 0 { ask CLIENT UNBLOCK 999999 ERROR }
    expect_errors {
        {CLIENT UNBLOCK abc} {ERR value is not an integer or out of range}
        {CLIENT UNBLOCK 1 NOSUCH} {ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR}
    }
}

test "CLIENT UNBLOCK of a blocked client" -needs blpop {
    set c [client::dial]
    set id [$c CLIENT ID]
    client::send $c BLPOP list 0
    wait_for {[info_field blocked_clients clients] == 1}
    expect 1 { ask CLIENT UNBLOCK $id }
    expect (nil) { client::reply $c }
    client::send $c BLPOP list 0
    wait_for {[info_field blocked_clients clients] == 1}
    expect 1 { ask CLIENT UNBLOCK $id ERROR }
    expect_error "UNBLOCKED client unblocked via CLIENT UNBLOCK" { client::reply $c }
}

test "CLIENT HELP lists the subcommands" {
    set text [ask CLIENT HELP]
    foreach name {GETNAME ID INFO KILL LIST PAUSE REPLY SETNAME UNBLOCK UNPAUSE NO-EVICT} {
        expect_true {[lsearch -glob $text $name*] >= 0}
    }
}

test "CLIENT TRACKINGINFO and GETREDIR of an ordinary client" -needs client|trackinginfo {
    expect {flags off redirect -1 prefixes {}} { ask CLIENT TRACKINGINFO }
    expect -1 { ask CLIENT GETREDIR }
}

test "qbuf and the output fields tell of a client under way" {
    set c [client::dial]
    $c PING
    client::write $c "*2\r\n\$4\r\nECHO\r\n\$5000\r\n[string repeat x 3000]"
    wait_for {[dict get [entry_of $c] qbuf] >= 3000}
    client::write $c "[string repeat x 2000]\r\n"
    expect 5000 { string length [client::reply $c] }
    wait_for {[dict get [entry_of $c] qbuf] == 0}
}
