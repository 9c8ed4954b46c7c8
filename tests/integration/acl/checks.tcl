# What a user may run: commands, first arguments, keys, selectors; in transactions, and when a
# blocked command goes on.

suite

# A client of a user `u` with these rules.
proc as {args} {
    ask ACL SETUSER u reset on nopass {*}$args
    set c [client::dial]
    $c AUTH u x
    return $c
}
proc may {args} { return [ask ACL DRYRUN u {*}$args] }
proc no_command {name} { return "NOPERM User u has no permissions to run the '$name' command" }
set ::no_key [expr {$server::is_baton ? "NOPERM No permissions to access a key" : "NOPERM *keys*"}]

test "commands, subcommands, categories" -tags baton-only {
    set c [as ~* +@read -mget +config|get +client -client|kill]
    expect (nil) { $c GET k }
    expect_error [no_command mget] { $c MGET k }
    expect_error [no_command set] { $c SET k v }
    expect {timeout 0} { $c CONFIG GET timeout }
    expect_error [no_command config|set] { $c CONFIG SET timeout 0 }
    expect u { fields_of [$c CLIENT INFO]; dict get [fields_of [$c CLIENT INFO]] user }
    expect_error [no_command client|kill] { $c CLIENT KILL TYPE normal }
    expect_error [no_command acl|whoami] { $c ACL WHOAMI }
}

test "what is unknown or lacks arguments is told before what is forbidden" {
    set c [as]
    expect_error "ERR unknown command 'NOSUCH'*" { $c NOSUCH }
    expect_error "ERR wrong number of arguments for 'get' command" { $c GET }
    expect_error "ERR unknown subcommand 'NOSUCH'*" { $c CONFIG NOSUCH }
}

test "logging in and out is always allowed" -needs reset {
    set c [as]
    expect OK { $c AUTH u y }
    expect_match "server redis *" { $c HELLO 2 }
    expect RESET { $c RESET }
    expect default { $c ACL WHOAMI }
}

test "first arguments" {
    set c [as +acl|whoami +select|0 +select|A]
    expect OK { $c SELECT 0 }
    expect_error "NOPERM*'select'*" { $c SELECT 1 }
    expect_error "ERR value is not an integer*" { $c SELECT a }
    ask ACL SETUSER u +select
    expect OK { $c SELECT 1 }
    ask ACL SETUSER u -select
    expect_error "NOPERM*'select'*" { $c SELECT 0 }
}

test "patterns of keys: words, beginnings, globs" {
    set c [as +@all ~word ~app:* ~x?y\[0-9\]* {~a\*b}]
    foreach key {word app: app:1 xay0 xay7zzz a*b} { expect OK { $c SET $key v } }
    foreach key {words wor {} app xy0 xayz aab Word APP:1} {
        expect_error $::no_key { $c SET $key v }
    }
    expect OK { $c MSET word 1 app:1 2 }
    expect_error $::no_key { $c MSET word 1 other 2 }
}

test "reading and writing" {
    set c [as +@all %R~r* %W~w* ~b*]
    foreach {request wanted} {
        {GET r} 1 {GET w} 0 {GET b} 1
        {SET r v} 0 {SET w v} 1 {SET b v} 1 {SET w v GET} 0
        {APPEND r x} 0 {APPEND w x} 1 {INCR w} 0 {GETDEL r} 0 {GETDEL w} 0 {GETDEL b} 1
        {COPY r w} 1 {COPY w r} 0 {COPY b b2} 1 {RENAME r w} 0 {RENAME b w} 1
        {EXISTS r} 1 {EXISTS w} 1 {EXISTS o} 0 {STRLEN w} 1 {DEL w} 1 {DEL r} 0 {EXPIRE w 1} 1
        {LPUSH w x} 1 {LPUSH r x} 0 {LRANGE w 0 1} 0 {LLEN w} 1 {LMOVE r w LEFT LEFT} 0
        {SINTERSTORE w r b} 1 {SINTERSTORE r b} 0 {SINTER w r} 0
        {ZUNIONSTORE w 2 r b} 1 {ZUNIONSTORE w 2 r w} 0
        {SORT r STORE w} 1 {SORT r STORE r} 0 {SORT w} 0
        {BITFIELD r GET u4 0} 1 {BITFIELD r SET u4 0 1} 0 {BITFIELD w SET u4 0 1} 0
        {GEORADIUS r 0 0 1 m STORE w} 1 {GEORADIUS r 0 0 1 m STORE r} 0 {GEORADIUS r 0 0 1 m} 1
        {XREAD STREAMS r b 0 0} 1 {XREAD STREAMS r w 0 0} 0 {OBJECT ENCODING w} 1
    } {
        expect_true {([may {*}$request] eq "OK") == $wanted || [puts stderr $request] eq "x"}
    }
}

test "each selector is a whole: they do not add up" {
    set c [as "(+get ~a)" "(+set ~b)" +ping]
    expect (nil) { $c GET a }
    expect OK { $c SET b v }
    expect PONG { $c PING }
    expect_error $::no_key { $c GET b }
    expect_error $::no_key { $c SET a v }
    expect_error "NOPERM*'del'*" { $c DEL a }
    ask ACL SETUSER u clearselectors
    expect_error "NOPERM*'get'*" { $c GET a }
}

test "many keys in one command" {
    set c [as +mget +del ~k*]
    set keys {}
    for {set i 0} {$i < 500} {incr i} { lappend keys k$i }
    expect 500 { llength [$c MGET {*}$keys] }
    expect_error $::no_key { $c MGET {*}$keys x }
    expect_error $::no_key { $c DEL x {*}$keys }
}

test "SORT: other keys than its own need the right to read all" {
    set c [as +sort +rpush ~l]
    $c RPUSH l 2 1
    expect {1 2} { $c SORT l }
    expect {2 1} { $c SORT l BY nosort }
    foreach rules {{} "(+sort ~l ~w*)" "(+sort ~l %W~*)" "(-@all ~*)"} {
        if {$rules ne ""} { ask ACL SETUSER u $rules }
        expect_error "ERR BY option of SORT denied due to insufficient ACL permissions." {
            $c SORT l BY w*
        }
        expect_error "ERR GET option of SORT denied due to insufficient ACL permissions." {
            $c SORT l GET w*
        }
    }
    ask ACL SETUSER u "(+sort ~l %R~*)"
    expect {1 2} { $c SORT l BY w* }
    expect {(nil) (nil)} { $c SORT l GET w* }
}

test "a transaction: denied when queued" -needs multi {
    set c [as +@transaction +get ~k]
    $c MULTI
    expect QUEUED { $c GET k }
    expect_error "NOPERM*'set'*" { $c SET k v }
    expect_error "EXECABORT*" { $c EXEC }
    $c MULTI
    expect_error $::no_key { $c GET x }
    expect OK { $c DISCARD }
}

test "X3: a transaction: rules of the time of EXEC" -needs multi {
    set c [as +@transaction +get +set +incr ~k ~n]
    $c MULTI
    foreach request {{SET k 1} {INCR n} {GET k}} { expect QUEUED { $c {*}$request } }
    ask ACL SETUSER u resetkeys ~n -get
    client::send $c EXEC
    set changed "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC\
 call. This command is no longer allowed for the following reason:"
    expect [list array [list [list error "$changed no permission to touch the specified keys"] {int 1} \
        [list error "$changed no permission to execute the command or subcommand"]]] { client::typed $c }
    expect (nil) { ask GET k }
}

test "a transaction that changes its own user" -tags baton-only {
    set c [as +@all ~* &*]
    $c MULTI
    $c SET k 1
    $c ACL SETUSER u -set
    $c SET k 2
    expect_match "OK OK *NOPERM ACLs rules changed*" { client::send $c EXEC; client::plain [client::typed $c] }
    expect 1 { ask GET k }
    # One that deletes it may nothing more, and is cut.
    ask ACL SETUSER u +set
    $c MULTI
    $c ACL DELUSER u
    $c SET k 3
    expect_match "1 *NOPERM*" { client::send $c EXEC; client::plain [client::typed $c] }
    expect_true {[client::gone $c]}
    expect 1 { ask GET k }
}

test "a blocked command is asked again before it goes on" -tags baton-only {
    set c [as +blpop ~l]
    client::send $c BLPOP l 0
    wait_for_blocked 1
    ask ACL SETUSER u resetkeys
    ask RPUSH l a
    expect [list error $::no_key] { client::typed $c }
    expect a { ask LRANGE l 0 -1 }
    expect_error "NOPERM*" { $c BLPOP l 0 }
}

test "unlimited users are those who may all, however that came about" {
    foreach rules {{+@all ~* &*} {"(+@all ~* &*)"} {+@all -get +get ~a resetkeys allkeys &*}} {
        set c [as {*}$rules]
        expect OK { $c SET any v }
    }
    set c [as +@all ~* &* -get]
    expect_error "NOPERM*'get'*" { $c GET any }
    ask ACL SETUSER u +get
    expect v { $c GET any }
}

test "the default user can be limited, too" {
    set h [server::start]
    with_server $h {
        set admin [client::dial]
        $admin ACL SETUSER admin on nopass +@all ~* &*
        $admin AUTH admin x
        set c [client::dial]
        $admin ACL SETUSER default -@all +ping +get resetkeys ~k
        expect PONG { $c PING }
        expect_error "NOPERM*'set'*" { $c SET k v }
        expect_error $::no_key { [client::dial] GET x }
        $admin ACL SETUSER default off
        expect PONG { $c PING }
        expect_error "NOAUTH*" { [client::dial] PING }
        $admin ACL SETUSER default reset on >secret +@all ~* &*
        set d [client::dial]
        expect_error "NOAUTH*" { $d PING }
        expect OK { $d AUTH secret }
        $admin ACL SETUSER default nopass
        expect PONG { [client::dial] PING }
    }
}

test "DRYRUN" -tags baton-only {
    as +get +config|get ~k
    foreach {request wanted} {
        {get k} OK
        {GET x} {User u has no permissions to access the 'x' key}
        {set k v} {User u has no permissions to run the 'set' command}
        {config get x} OK
        {config set x y} {User u has no permissions to run the 'config|set' command}
        {auth x} OK
    } {
        expect $wanted { may {*}$request }
    }
    expect_errors {
        {ACL DRYRUN nosuch get x} "ERR User 'nosuch' not found"
        {ACL DRYRUN u nosuch x} "ERR Command 'nosuch' not found"
        {ACL DRYRUN u config nosuch} "ERR Command 'config' not found"
        {ACL DRYRUN u get} "ERR wrong number of arguments for 'get' command"
    }
}

test "CLIENT KILL USER" {
    set c [as +ping]
    set d [as +ping]
    expect_error "ERR No such user 'nosuch'" { ask CLIENT KILL USER nosuch }
    expect 2 { ask CLIENT KILL USER u }
    expect_true {[client::gone $c] && [client::gone $d]}
    expect 0 { ask CLIENT KILL USER u }
}

test "strangers are limited as the default user's password says, whoever set it" -tags baton-only {
    set h [server::start]
    with_server $h {
        set admin [client::dial]
        $admin ACL SETUSER default >secret
        set c [client::dial -auth ""]
        client::write $c "*11\r\n"
        expect_match "-ERR Protocol error: unauthenticated multibulk length*" { client::until_eof $c }
        set d [client::dial -auth ""]
        expect_error "NOAUTH*" { $d PING }
        $admin ACL SETUSER default nopass
        expect 0 { $d DEL 1 2 3 4 5 6 7 8 9 10 11 12 }
        expect 0 { [client::dial -auth ""] DEL 1 2 3 4 5 6 7 8 9 10 11 12 }
    }
}
