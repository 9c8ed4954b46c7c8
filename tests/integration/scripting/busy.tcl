# Scripts that run for longer than busy-reply-threshold: what others are answered meanwhile, and how
# such a script ends.

suite -config {"busy-reply-threshold 5"}

set ::forever {while true do end}
set ::forever_written {redis.call('set', 'written', 1); while true do end}

# A test that fails leaves no script behind.
proc busy_test {name body} {
    test $name -needs eval [string map [list %B $body] {
        try {%B} finally { catch { [client::dial] SCRIPT KILL } }
    }]
}

proc is_busy {c} {
    return [expr {[catch { $c PING } answer] && [string match BUSY* $answer]}]
}

# Starts a script that does not end, on a client of its own, and gives that client when others hear
# of it. `args` are requests that go along behind it.
proc start_script {script args} {
    set c [client::dial]
    set bytes [client::encode EVAL $script 0]
    foreach request $args { append bytes [client::encode {*}$request] }
    client::write $c $bytes
    until_busy
    return $c
}

proc until_busy {} {
    set other [client::dial]
    wait_for {[is_busy $other]}
}

proc kill_script {} {
    set other [client::dial]
    expect OK { $other SCRIPT KILL }
    wait_for {![is_busy $other]}
}

busy_test "others are told, SCRIPT KILL ends it, and its client hears why" {
    set c [start_script $::forever]
    expect_error "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE." { ask GET k }
    expect_error BUSY* { ask FUNCTION KILL }
    kill_script
    expect_error "*Script killed by user with SCRIPT KILL.*" { client::reply $c }
    expect PONG { $c PING }
    expect_error "NOTBUSY No scripts in execution right now." { ask SCRIPT KILL }
    expect_error "NOTBUSY No scripts in execution right now." { ask FUNCTION KILL }
}

busy_test "a function that lasts is ended by FUNCTION KILL, and by that alone" {
    ask FUNCTION LOAD REPLACE "#!lua name=lasting
        redis.register_function('forever', function() while true do end end)"
    set c [client::dial]
    client::send $c FCALL forever 0
    until_busy
    expect_error "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE." { ask GET k }
    expect_error BUSY* { ask SCRIPT KILL }
    expect_match "*name forever command {FCALL forever 0}*" { ask FUNCTION STATS }
    expect OK { ask FUNCTION KILL }
    expect_error "*Script killed by user with FUNCTION KILL.*" { client::reply $c }
    expect PONG { ask PING }
}

busy_test "commands that touch no key run meanwhile" {
    start_script $::forever
    set c [client::dial]
    expect OK { $c MULTI }
    expect OK { $c DISCARD }
    expect OK { $c WATCH k }
    expect OK { $c UNWATCH }
    expect RESET { $c RESET }
    expect_match *proto* { $c HELLO 2 }
    expect OK { $c QUIT }
    expect_true {[client::gone $c]}
    expect_error "ERR unknown command*" { ask NOSUCHCOMMAND }
    expect_error "BUSY*" { ask CLIENT LIST }
    kill_script
}

busy_test "a pipeline around a script is answered in order, its first part at once" {
    set c [client::dial]
    client::write $c [client::encode SET a 1][client::encode EVAL $::forever 0][client::encode INCR a][client::encode GET a]
    until_busy
    expect OK { client::reply $c }
    client::write $c [client::encode INCR a]
    expect_true {[is_busy [client::dial]]}
    expect "" { client::until_quiet $c 30 }
    kill_script
    expect_error "*killed*" { client::reply $c }
    expect {2 2 3} { client::replies $c 3 }
}

busy_test "clients whose commands came with the script's are answered in order" {
    set open {}
    for {set i 0} {$i < 20} {incr i} {
        set c [client::dial]
        client::write $c [string repeat [client::encode ECHO $i] 3]
        lappend open $c
        if {$i == 10} {
            set runner [client::dial]
            client::write $runner [client::encode EVAL $::forever 0]
        }
    }
    until_busy
    foreach c $open { client::write $c [client::encode ECHO last] }
    set i 0
    foreach c $open {
        set before 0
        foreach reply [client::replies $c 3] {
            if {$reply eq $i} { incr before } else { expect_match *BUSY* { set reply } }
        }
        expect_true {$before == 3 || $before == 0}
        expect_error BUSY* { client::reply $c }
        incr i
    }
    kill_script
}

busy_test "a long pipeline of another client hears BUSY for each command" {
    start_script $::forever
    set c [client::dial]
    client::write $c [string repeat [client::encode GET k] 20000]
    set all [client::replies $c 20000]
    expect 1 { llength [lsort -unique $all] }
    expect_match *BUSY* { lindex $all 0 }
    kill_script
}

busy_test "connections come and go meanwhile" {
    start_script $::forever
    for {set i 0} {$i < 50} {incr i} {
        set c [client::dial]
        expect_true {[is_busy $c]}
        client::hangup $c
    }
    kill_script
    wait_for {[llength [split [string trim [ask CLIENT LIST]] \n]] <= 4}
}

busy_test "the script's client goes: the script runs on, and can be killed" {
    set c [client::dial]
    set id [$c CLIENT ID]
    client::write $c [client::encode EVAL $::forever 0][client::encode SET k 1]
    until_busy
    client::hangup $c
    foreach _ {1 2 3 4 5} { expect_true {[is_busy [client::dial]]} }
    kill_script
    expect PONG { ask PING }
    wait_for {[ask CLIENT LIST ID $id] eq ""}
}

busy_test "the script's client only stops sending: it gets every answer" {
    set c [start_script $::forever {SET k 7} {GET k}]
    client::half_close $c
    expect_true {[is_busy [client::dial]]}
    kill_script
    expect_error *killed* { client::reply $c }
    expect {OK 7} { client::replies $c 2 }
    expect_true {[client::gone $c]}
}

busy_test "a transaction that was begun before is refused as a whole" {
    set c [client::dial]
    ask SET n 1
    $c MULTI
    $c INCR n
    start_script $::forever
    expect_error BUSY* { $c INCR n }
    expect_error "EXECABORT*BUSY*" { $c EXEC }
    kill_script
    expect 1 { $c GET n }
}

busy_test "a transaction that was begun meanwhile is refused when it is over" {
    set c [client::dial]
    ask SET n 1
    start_script $::forever
    expect OK { $c MULTI }
    expect_error BUSY* { $c INCR n }
    kill_script
    expect QUEUED { $c INCR n }
    expect_error "EXECABORT*previous errors*" { $c EXEC }
    expect 1 { $c GET n }
}

busy_test "a script inside of a transaction" {
    set c [client::dial]
    client::write $c [client::encode SET a 1]
    client::write $c [client::encode MULTI][client::encode GET a][client::encode EVAL $::forever 0]
    client::write $c [client::encode INCR a][client::encode EXEC][client::encode GET a]
    until_busy
    expect {OK OK QUEUED QUEUED QUEUED} { client::replies $c 5 }
    kill_script
    set answer [client::reply $c]
    expect 3 { llength $answer }
    expect 1 { lindex $answer 0 }
    expect_match *killed* { lindex $answer 1 }
    expect 2 { lindex $answer 2 }
    expect 2 { client::reply $c }
}

busy_test "a script that waited for a pause to end" {
    set c [client::dial]
    ask CLIENT PAUSE 50
    client::write $c [client::encode SET a 1][client::encode EVAL $::forever 0][client::encode GET a]
    sleep_ms 60 ;# what is sent before would be paused, too, and wait for the script
    until_busy
    client::write $c [client::encode INCR a]
    expect_true {[is_busy [client::dial]]}
    expect OK { client::reply $c }
    kill_script
    expect_error *killed* { client::reply $c }
    expect {1 2} { client::replies $c 2 }
}

busy_test "blocked clients wait for the script's end, their timeouts too" {
    set c [client::dial]
    client::send $c BLPOP list 0.1
    wait_for {[regexp {blocked_clients:1} [ask INFO clients]]}
    start_script $::forever
    expect "" { client::until_quiet $c 120 }
    kill_script
    expect (nil) { client::reply $c }
}

busy_test "nothing that a script catches keeps it alive" {
    foreach script {
        {local function f() while true do end end while true do pcall(f) end}
        {local function f() while true do redis.call('ping') end end while true do pcall(f) end}
        {while true do redis.pcall('ping') end}
        {local function h() while true do end end while true do xpcall(function() error('x') end, h) end}
        {local c = coroutine.wrap(function() while true do coroutine.yield() end end) while true do c() end}
        {while true do local c = coroutine.create(function() while true do end end) coroutine.resume(c) end}
    } {
        set c [start_script $script]
        kill_script
        expect_error "*Script killed by user with SCRIPT KILL.*" { client::reply $c }
        expect 2 { $c EVAL "return 1 + 1" 0 }
    }
}

busy_test "time stands still for the script and its keys, whatever others do" {
    ask SET k v PX 100
    set c [start_script {
        for i = 1, 40000000 do end
        return {redis.call('get', 'k'), redis.call('pttl', 'k') > 0 and 'lives' or 'dead'}
    }]
    for {set i 0} {$i < 5} {incr i} { catch { ask PING } }
    expect {v lives} { client::reply $c }
    wait_for {[ask GET k] eq "(nil)"}
}

busy_test "who is subscribed hears a script while it lasts" {
    set listener [client::dial]
    client::send $listener SUBSCRIBE news
    client::reply $listener
    start_script {redis.call('publish', 'news', 'begun') while true do end}
    expect {message news begun} { client::reply $listener }
    expect_true {[is_busy [client::dial]]}
    kill_script
}

busy_test "with a threshold of 0 nobody is let in" {
    with_config {busy-reply-threshold 0} {
        set c [client::dial]
        client::send $c EVAL {for i = 1, 20000000 do end return 'done'} 0
        expect PONG { ask PING }
        expect done { client::reply $c }
    }
}

busy_test "without replies a script is not answered, nor what comes before and after it" {
    set c [client::dial]
    client::write $c [client::encode CLIENT REPLY OFF][client::encode GET k][client::encode EVAL $::forever 0]
    until_busy
    client::write $c [client::encode GET k][client::encode CLIENT REPLY ON]
    kill_script
    expect OK { client::reply $c }
}

busy_test "the script's client sends what cannot be understood" {
    set c [start_script $::forever]
    client::write $c "*1\r\n!x\r\n"
    expect_true {[is_busy [client::dial]]}
    kill_script
    expect_error *killed* { client::reply $c }
    expect_error "*Protocol error*" { client::reply $c }
    expect_true {[client::gone $c]}
}

busy_test "the script's client sends too much" {
    with_config {client-query-buffer-limit 1mb} {
        set c [start_script $::forever]
        catch { client::write $c "*2\r\n\$4\r\nECHO\r\n\$2000000\r\n[string repeat x 1900000]" }
        expect_true {[is_busy [client::dial]]}
        kill_script
        expect_true {[client::gone $c]}
    }
}

# X4 of the list of attacks: whatever a script does to its own client, it runs to its end.
busy_test "a script closes its own client, and its user goes" {
    ask DEBUG SET-DISABLE-DENY-SCRIPTS 1
    try {
        ask ACL SETUSER worker on nopass ~* &* +@all
        foreach act {
            "redis.call('client', 'kill', 'id', redis.call('client', 'id'), 'skipme', 'no')"
            "redis.call('client', 'kill', 'user', 'worker', 'skipme', 'no')"
            "redis.call('acl', 'deluser', 'worker')"
        } {
            set c [client::dial]
            $c AUTH worker any
            client::write $c [client::encode EVAL "$act while true do end" 0][client::encode PING]
            until_busy
            sleep_ms 5
            kill_script
            expect_true {[client::gone $c]}
        }
    } finally {
        ask DEBUG SET-DISABLE-DENY-SCRIPTS 0
    }
    expect PONG { ask PING }
}

busy_test "SIGTERM ends the server, and a script that has written nothing" {
    set h [server::start]
    with_server $h {
        ask CONFIG SET busy-reply-threshold 5
        start_script $::forever
    }
    server::stop $h
}

busy_test "a script that has written cannot be killed, and SHUTDOWN NOSAVE ends the server" {
    set c [start_script $::forever_written]
    expect_error "UNKILLABLE*" { ask SCRIPT KILL }
    expect_error "UNKILLABLE*" { ask FUNCTION KILL }
    expect_true {[is_busy [client::dial]]}
    expect_error "BUSY*" { ask SHUTDOWN }
    expect_error "BUSY*" { ask SHUTDOWN SAVE }
    expect_error "ERR syntax*" { ask SHUTDOWN NOSAVE SAVE }
    server::end_is_expected $server::current
    client::send [client::dial] SHUTDOWN NOSAVE
    wait_for {![server::alive $server::current]}
}
