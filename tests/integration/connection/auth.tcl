# AUTH, requirepass, and what an unauthenticated client may do.

suite -auth secret

test "nothing but AUTH, HELLO, QUIT and RESET before authentication" {
    set c [client::dial -auth ""]
    foreach request {
        PING {GET k} {SET k v} {INFO} {CONFIG GET port} {CLIENT ID} {COMMAND} {ECHO x} {SELECT 1}
        {DEBUG SLEEP 0} {SHUTDOWN} {FLUSHALL} {GET} {CLIENT LIST}
    } {
        if {$request in {GET}} {
            expect_error "ERR wrong number*" { $c {*}$request }
        } else {
            expect_error "NOAUTH Authentication required." { $c {*}$request }
        }
    }
    expect_error "ERR unknown command 'NOSUCH'*" { $c NOSUCH }
    expect RESET { $c RESET }
    expect OK { $c QUIT }
}

test "AUTH with the password, with user and password" {
    set c [client::dial -auth ""]
    expect_error "WRONGPASS invalid username-password pair or user is disabled." { $c AUTH wrong }
    expect_error "NOAUTH*" { $c PING }
    expect OK { $c AUTH secret }
    expect PONG { $c PING }
    set d [client::dial -auth ""]
    expect OK { $d AUTH default secret }
    expect PONG { $d PING }
}

test "AUTH errors" {
    set c [client::dial -auth ""]
    foreach {request pattern} {
        {AUTH} {ERR wrong number of arguments for 'auth' command}
        {AUTH a b c} {ERR syntax error}
        {AUTH nobody secret} {WRONGPASS invalid username-password pair or user is disabled.}
        {AUTH default wrong} {WRONGPASS invalid username-password pair or user is disabled.}
        {AUTH ""} {WRONGPASS invalid username-password pair or user is disabled.}
        {AUTH secre} {WRONGPASS invalid username-password pair or user is disabled.}
        {AUTH secrets} {WRONGPASS invalid username-password pair or user is disabled.}
    } {
        expect_error $pattern { $c {*}$request }
    }
    expect_error "NOAUTH*" { $c PING }
}

test "a failed AUTH does not take an earlier one back" {
    catch { ask AUTH wrong }
    expect PONG { ask PING }
}

test "HELLO before authentication" {
    set c [client::dial -auth ""]
    expect_error "NOAUTH HELLO must be called with the client already authenticated, otherwise the\
        HELLO *AUTH <user> <pass> option can be used to authenticate the client and select\
        the RESP protocol version at the same time" { $c HELLO 3 }
    expect_error "WRONGPASS*" { $c HELLO 3 AUTH default wrong }
    expect 3 { dict get [$c HELLO 3 AUTH default secret SETNAME me] proto }
    expect me { $c CLIENT GETNAME }
}

test "CONFIG SET requirepass takes effect at once, for new connections" {
    set old [client::dial]
    try {
        ask CONFIG SET requirepass other
        expect PONG { $old PING }
        set c [client::dial -auth ""]
        expect_error "WRONGPASS*" { $c AUTH secret }
        expect OK { $c AUTH other }
    } finally {
        ask CONFIG SET requirepass secret
    }
}

test "without a password AUTH says so" {
    try {
        ask CONFIG SET requirepass ""
        set c [client::dial -auth ""]
        expect PONG { $c PING }
        expect_error "ERR AUTH <password> called without any password configured for the default\
            user. Are you sure your configuration is correct?" { $c AUTH anything }
        expect OK { $c AUTH default anything }
    } finally {
        ask CONFIG SET requirepass secret
    }
}

test "a binary password" {
    set password "a\x00b\xff c"
    try {
        ask CONFIG SET requirepass $password
        set c [client::dial -auth ""]
        expect_error "WRONGPASS*" { $c AUTH a }
        expect OK { $c AUTH $password }
    } finally {
        ask CONFIG SET requirepass secret
    }
}

test "a password of 512 bytes" {
    set password [string repeat p 512]
    try {
        ask CONFIG SET requirepass $password
        set c [client::dial -auth ""]
        expect_error "WRONGPASS*" { $c AUTH [string range $password 0 510] }
        expect OK { $c AUTH $password }
    } finally {
        ask CONFIG SET requirepass secret
    }
}

test "a pipeline behind AUTH is served" {
    set c [client::dial -auth ""]
    expect {OK PONG OK} { client::pipeline $c {{AUTH secret} PING {SET k v}} }
}

test "a pipeline behind a failed AUTH is refused, each" {
    set c [client::dial -auth ""]
    set got [client::pipeline $c {{AUTH wrong} {SET k v} {GET k}}]
    expect_match "(error) WRONGPASS*" { lindex $got 0 }
    expect_match "(error) NOAUTH*" { lindex $got 1 }
    expect_match "(error) NOAUTH*" { lindex $got 2 }
    expect 0 { ask EXISTS k }
}

test "secrets do not show in SLOWLOG" {
    with_config {slowlog-log-slower-than 0} {
        ask SLOWLOG RESET
        set c [client::dial -auth ""]
        catch { $c AUTH canary-password }
        catch { $c HELLO 3 AUTH default canary-password }
        ask CONFIG SET masterauth canary-password
        ask CONFIG SET masterauth ""
        expect_true {![string match *canary* [ask SLOWLOG GET 100]]}
    }
}
