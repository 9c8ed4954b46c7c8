# Subscribing and its end: what is answered, what a subscriber may do, what others see of it.

suite

# What each name of a command was answered.
proc subscribe {c command args} {
    client::send $c $command {*}$args
    set count [expr {[llength $args] > 0 ? [llength $args] : 1}]
    return [lmap reply [lrepeat $count ""] {
        if {$client::resp($c) == 3} { client::push $c } else { client::reply $c }
    }]
}

foreach resp {2 3} {
    test "channels and patterns are counted together, shard channels alone (RESP$resp)" [string map [list %R $resp] {
        set c [client::dial -resp %R]
        expect {{subscribe a 1} {subscribe b 2} {subscribe a 2}} { subscribe $c SUBSCRIBE a b a }
        expect {{psubscribe p* 3} {psubscribe {} 4}} { subscribe $c PSUBSCRIBE p* "" }
        expect {{ssubscribe a 1} {ssubscribe s 2}} { subscribe $c SSUBSCRIBE a s }
        expect {{unsubscribe nope 4} {unsubscribe a 3} {unsubscribe a 3}} { subscribe $c UNSUBSCRIBE nope a a }
        expect {{punsubscribe p* 2}} { subscribe $c PUNSUBSCRIBE p* }
        expect {{sunsubscribe s 1} {sunsubscribe b 1}} { subscribe $c SUNSUBSCRIBE s b }
    }]

    test "without names all of a kind end, or there was none (RESP$resp)" [string map [list %R $resp] {
        set c [client::dial -resp %R]
        subscribe $c SUBSCRIBE a b
        subscribe $c PSUBSCRIBE p
        client::send $c UNSUBSCRIBE
        set read [expr {%R == 3 ? "client::push" : "client::reply"}]
        expect {{unsubscribe a 2} {unsubscribe b 1}} { list [$read $c] [$read $c] }
        expect {{unsubscribe (nil) 1}} { subscribe $c UNSUBSCRIBE }
        expect {{sunsubscribe (nil) 0}} { subscribe $c SUNSUBSCRIBE }
        expect {{punsubscribe p 0}} { subscribe $c PUNSUBSCRIBE }
        expect {{punsubscribe (nil) 0}} { subscribe $c PUNSUBSCRIBE }
        expect PONG { $c PING }
    }]
}

test "the missing name is a null of the protocol version" {
    set c [client::dial]
    client::send $c UNSUBSCRIBE
    expect "*3|\$11|unsubscribe|\$-1|:0|" { string map {"\r\n" |} [client::bytes $c 31] }
    set d [client::dial -resp 3]
    client::send $d UNSUBSCRIBE
    expect ">3|\$11|unsubscribe|_|:0|" { string map {"\r\n" |} [client::bytes $d 29] }
}

test "a subscriber in RESP2 may do little" {
    set c [client::dial]
    subscribe $c SUBSCRIBE a
    foreach request {{GET x} {MULTI} {CLIENT ID} {HELLO 3} {AUTH x} {WATCH a} {CLIENT REPLY OFF}} {
        client::send $c {*}$request
    }
    foreach name {get multi client|id hello auth watch client|reply} {
        expect "(error) ERR Can't execute '$name': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context" {
            client::plain [client::typed $c] }
    }
    expect_error "EXECABORT Transaction discarded because of: Can't execute 'exec'*" { $c EXEC }
    expect {pong {}} { $c PING }
    expect {pong text} { $c PING text }
    expect_error "ERR wrong number*'ping'*" { $c PING a b }
    expect_error "ERR unknown command 'nosuch'*" { $c nosuch }
    expect_error "ERR wrong number*'get'*" { $c GET }
    subscribe $c SSUBSCRIBE s
    subscribe $c UNSUBSCRIBE a
    expect {pong {}} { $c PING }
    subscribe $c SUNSUBSCRIBE
    expect PONG { $c PING }
}

test "a subscriber in RESP3 may do everything, until it turns to RESP2" {
    set c [client::dial -resp 3]
    subscribe $c SUBSCRIBE a
    expect OK { $c SET k v }
    expect PONG { $c PING }
    expect text { $c PING text }
    $c HELLO 2
    set client::resp($c) 2
    expect_error "ERR Can't execute 'get'*" { $c GET k }
    expect 1 { ask PUBLISH a m }
    expect {message a m} { client::reply $c }
    expect RESET { $c RESET }
    expect v { $c GET k }
}

test "RESET ends all subscriptions without a word" {
    set c [client::dial]
    subscribe $c SUBSCRIBE a b
    subscribe $c PSUBSCRIBE a*
    subscribe $c SSUBSCRIBE s
    expect RESET { $c RESET }
    expect PONG { $c PING }
    expect {0 0} { list [ask PUBLISH a m] [ask SPUBLISH s m] }
    expect {0 0} { list [ask PUBSUB NUMPAT] [llength [ask PUBSUB CHANNELS]] }
    expect PONG { $c PING }
}

test "QUIT, CLIENT KILL and a closed connection end them too" {
    set a [client::dial]
    set b [client::dial]
    set c [client::dial]
    set id [$b CLIENT ID]
    foreach client [list $a $b $c] { subscribe $client SUBSCRIBE x }
    expect 3 { ask PUBLISH x m }
    client::reply $a
    expect OK { $a QUIT }
    expect 1 { ask CLIENT KILL ID $id TYPE pubsub }
    client::hangup $c
    wait_for {[ask PUBSUB NUMSUB x] eq {x 0}}
    expect 0 { ask PUBLISH x m }
}

test "within MULTI: answered in place, SSUBSCRIBE is not allowed" {
    set c [client::dial]
    client::send $c MULTI
    foreach request {{SUBSCRIBE a} {GET k} {UNSUBSCRIBE a} {SSUBSCRIBE s} {EXEC}} { client::send $c {*}$request }
    expect {OK QUEUED QUEUED QUEUED QUEUED} { client::replies $c 5 }
    expect [list {subscribe a 1} (nil) {unsubscribe a 0} \
        "(error) ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client"] { client::reply $c }
    expect PONG { $c PING }
    expect {OK QUEUED {{subscribe a 1}}} { list [$c MULTI] [$c SUBSCRIBE a] [$c EXEC] }
    expect {pong {}} { $c PING }
}

test "CLIENT REPLY does not silence what subscribing answers, nor messages" {
    set c [client::dial]
    client::send $c CLIENT REPLY OFF
    expect {{subscribe a 1}} { subscribe $c SUBSCRIBE a }
    client::send $c PING
    ask PUBLISH a m
    expect {message a m} { client::reply $c }
    expect {{unsubscribe a 0}} { subscribe $c UNSUBSCRIBE a }
    client::send $c SUBSCRIBE
    expect OK { $c CLIENT REPLY ON }
    client::send $c CLIENT REPLY SKIP
    expect {{psubscribe p 1}} { subscribe $c PSUBSCRIBE p }
    expect {pong {}} { $c PING }
}

test "CLIENT LIST and INFO show subscribers" {
    set c [client::dial]
    set id [$c CLIENT ID]
    expect N { dict get [client_entry $id] flags }
    subscribe $c SUBSCRIBE a b
    subscribe $c PSUBSCRIBE p
    subscribe $c SSUBSCRIBE s
    set entry [client_entry $id]
    expect {P 2 1 1} { lmap field {flags sub psub ssub} { dict get $entry $field } }
    expect_match "id=$id *" { ask CLIENT LIST TYPE pubsub }
    expect_true {![string match "*id=$id *" [ask CLIENT LIST TYPE normal]]}
    expect {2 1 1} { lmap field {pubsub_channels pubsub_patterns pubsubshard_channels} { info_field $field } }
    expect 0 { ask CLIENT KILL TYPE normal }
    expect 1 { ask CLIENT KILL TYPE pubsub }
    expect_true {[client::gone $c]}
    wait_for {[info_field pubsub_channels] == 0}
}

test "what a session is subscribed to counts as its memory" {
    set c [client::dial]
    set id [$c CLIENT ID]
    subscribe $c SUBSCRIBE a
    set before [dict get [client_entry $id] tot-mem]
    for {set i 0} {$i < 1000} {incr i} { lappend names [string repeat x 100]$i }
    subscribe $c SUBSCRIBE {*}$names
    subscribe $c PSUBSCRIBE {*}$names
    set grown [expr {[dict get [client_entry $id] tot-mem] - $before}]
    expect_true {$grown > 2000 * 150 && $grown < 2000 * 800}
    subscribe $c UNSUBSCRIBE {*}$names
    subscribe $c PUNSUBSCRIBE {*}$names
    wait_for {[dict get [client_entry $id] tot-mem] <= $before}
}

test "timeout spares subscribers" -tags slow {
    set c [client::dial]
    set d [client::dial]
    subscribe $c SUBSCRIBE a
    $d PING
    with_config {timeout 1} {
        wait_for {[incr ::keepalive; ask PING] eq "PONG" && [client::gone $d 1]}
        expect 1 { ask PUBLISH a m }
    }
    expect {message a m} { client::reply $c }
}

test "errors and arity" {
    expect_errors {
        {SUBSCRIBE} "ERR wrong number of arguments for 'subscribe' command"
        {PUBLISH a} "ERR wrong number of arguments for 'publish' command"
        {PUBLISH a b c} "ERR wrong number of arguments for 'publish' command"
        {PUBSUB} "ERR wrong number of arguments for 'pubsub' command"
        {PUBSUB NOSUCH} "ERR unknown subcommand 'NOSUCH'. Try PUBSUB HELP."
        {PUBSUB CHANNELS a b} "ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP."
        {PUBSUB NUMPAT x} "ERR wrong number of arguments for 'pubsub|numpat' command"
    }
    expect_match "PUBSUB <subcommand> *" { lindex [ask PUBSUB HELP] 0 }
}
