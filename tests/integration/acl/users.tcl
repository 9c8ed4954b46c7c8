# ACL SETUSER, GETUSER, LIST, USERS, DELUSER, CAT, GENPASS, WHOAMI: what users are made of and how they
# are shown.

suite

proc user {name} { return [ask ACL GETUSER $name] }
proc field {name field} { return [dict get [user $name] $field] }
proc line_of {name} {
    foreach line [ask ACL LIST] { if {[lindex $line 1] eq $name} { return $line } }
    return ""
}
# Makes a user anew from rules and gives how it is listed, without the beginning that all share.
proc listed {args} {
    catch { ask ACL DELUSER u }
    ask ACL SETUSER u {*}$args
    return [regsub {^user u } [line_of u] ""]
}

test "a new user may do nothing" -tags baton-only {
    ask ACL SETUSER fresh
    expect {user fresh off sanitize-payload resetchannels -@all} { line_of fresh }
    expect {flags {off sanitize-payload} passwords {} commands -@all keys {} channels {} selectors {}} {
        user fresh
    }
    expect 1 { ask ACL DELUSER fresh }
    expect (nil) { user fresh }
}

test "rules are shown in one form, whatever led to it" -tags baton-only {
    foreach {rules wanted} {
        {on nopass} {on nopass sanitize-payload resetchannels -@all}
        {ON NoPass ALLKEYS AllChannels allCOMMANDS} {on nopass sanitize-payload ~* &* +@all}
        {~* +@all} {off sanitize-payload ~* resetchannels +@all}
        {~a %R~b %W~c %rw~d %RW~e} {off sanitize-payload ~a %R~b %W~c ~d ~e resetchannels -@all}
        {%R~a %W~a} {off sanitize-payload ~a resetchannels -@all}
        {%R~* %W~*} {off sanitize-payload ~* resetchannels -@all}
        {~a ~b ~*} {off sanitize-payload ~* resetchannels -@all}
        {~a resetkeys ~b} {off sanitize-payload ~b resetchannels -@all}
        {&a &b} {off sanitize-payload resetchannels &a &b -@all}
        {&a allchannels} {off sanitize-payload &* -@all}
        {+GET +@READ -@String} {off sanitize-payload resetchannels -@all +get +@read -@string}
        {+@all -get +get} {off sanitize-payload resetchannels +@all +get}
        {+config|get +config|set +config} {off sanitize-payload resetchannels -@all +config}
        {+config -config|set} {off sanitize-payload resetchannels -@all +config -config|set}
        {+select|0 +select|0 +select|A} {off sanitize-payload resetchannels -@all +select|0 +select|a}
        {+select|0 +select} {off sanitize-payload resetchannels -@all +select}
        {+get -@all} {off sanitize-payload resetchannels -@all}
        {-@all -@dangerous} {off sanitize-payload resetchannels -@all -@dangerous}
        {skip-sanitize-payload} {off skip-sanitize-payload resetchannels -@all}
        {on >a reset} {off sanitize-payload resetchannels -@all}
        {(~a +get) "( %R~b   +set )" () clearselectors (&c)}
            {off sanitize-payload resetchannels -@all (resetchannels &c -@all)}
        {"(~a" "+get" "~b)" (+@all)}
            {off sanitize-payload resetchannels -@all (~a ~b resetchannels -@all +get) (resetchannels +@all)}
    } {
        expect $wanted { listed {*}$rules }
    }
}

test "what is listed makes the same user" {
    foreach rules {
        {on >p1 >p2 ~a %R~b* %W~?c &d &e* +@all -@dangerous +config|get (+get ~x) (%R~y &z -@all +@read)}
        {off nopass resetkeys resetchannels nocommands}
        {on +@all -select +select|0 ~* &*}
    } {
        set first [listed {*}$rules]
        expect $first { listed {*}$first }
    }
}

test "passwords are kept as hashes, each once" {
    set a [string repeat a 64]
    ask ACL SETUSER u reset >x >x #$a #$a
    expect [list 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 $a] {
        field u passwords
    }
    ask ACL SETUSER u <x
    expect $a { field u passwords }
    ask ACL SETUSER u !$a
    expect {} { field u passwords }
    ask ACL SETUSER u >x nopass
    expect {} { field u passwords }
    expect_match *nopass* { field u flags }
    ask ACL SETUSER u >y
    expect_true {![string match *nopass* [field u flags]]}
}

test "rules that do not hold change nothing" {
    ask ACL SETUSER u reset on ~k +get
    set before [line_of u]
    set in "Error in ACL SETUSER modifier"
    foreach {rules error} {
        {off bogus} {'bogus': Syntax error}
        {off %~a} {'%~a': Syntax error}
        {off %RX~a} {'%RX~a': Syntax error}
        {off %RR~a} {'%RR~a': Syntax error}
        {off {~a b}} {'~a b': Syntax error}
        {off {&a b}} {'&a b': Syntax error}
        {off +nosuch} {'+nosuch': Unknown command or category name in ACL}
        {off +@nosuch} {'+@nosuch': Unknown command or category name in ACL}
        {off -select|0} {'-select|0': Unknown command or category name in ACL}
        {off +config|nosuch} {'+config|nosuch': Unknown command or category name in ACL}
        {off +get|a|b} {'+get|a|b': Unknown command or category name in ACL}
        {off +config|get|x} {'+config|get|x': Allowing first-arg of a subcommand is not supported}
        {off +select|} {'+select|': Syntax error}
        {off <nosuch} {'<nosuch': The password you are trying to remove from the user does not exist}
        {off #abc} {'#abc': The password hash must be exactly 64 characters and contain only lowercase*}
        {off ~* ~z} {'~z': Adding a pattern after the \* pattern (or the 'allkeys' flag) is not valid*}
        {off &* &z} {'&z': Adding a pattern after the \* pattern (or the 'allchannels' flag) is not*}
        {off (on)} {'(on)': Syntax error}
        {off (>p)} {'(>p)': Syntax error}
        {off (~*} {}
    } {
        if {$error eq ""} { set error "ERR Unmatched parenthesis in acl selector starting at '(~\\*'." } \
            else { set error "ERR $in $error" }
        expect_error $error { ask ACL SETUSER u {*}$rules }
        expect $before { line_of u }
    }
    expect_error "ERR Usernames can't contain spaces or null characters" { ask ACL SETUSER "a b" }
    expect_error "ERR Usernames can't contain spaces or null characters" { ask ACL SETUSER "a\0b" }
    expect_error "ERR *" { ask ACL SETUSER nosuch bogus }
    expect (nil) { user nosuch }
}

test "users are listed by name, and deleted" {
    foreach name {b a C} { ask ACL SETUSER $name }
    set users [ask ACL USERS]
    expect [lsort $users] { set users }
    expect_true {"default" in $users}
    expect 2 { ask ACL DELUSER a nosuch b }
    expect_error "ERR The 'default' user cannot be removed" { ask ACL DELUSER C default }
    ask ACL DELUSER C
}

test "who is deleted is cut off, who is changed goes on with the new rules" {
    ask ACL SETUSER u reset on nopass +@all ~*
    set c [client::dial]
    expect OK { $c AUTH u x }
    expect u { $c ACL WHOAMI }
    expect OK { $c SET k v }
    ask ACL SETUSER u -set
    expect_error "NOPERM*" { $c SET k v }
    ask ACL SETUSER u off
    expect v { $c GET k }
    set d [client::dial]
    expect_error "WRONGPASS*" { $d AUTH u x }
    ask ACL DELUSER u
    expect_true {[client::gone $c]}
    expect_error "WRONGPASS*" { $d AUTH u x }
}

test "who deletes itself reads the answer" {
    ask ACL SETUSER u reset on nopass +acl
    set c [client::dial]
    $c AUTH u x
    expect 1 { $c ACL DELUSER u }
    expect_true {[client::gone $c]}
}

test "a renamed command has its own name in rules" -tags baton-only {
    set h [server::start -config {"rename-command CONFIG SECRET"}]
    with_server $h {
        ask ACL SETUSER u on nopass +config|get
        expect {-@all +config|get} { field u commands }
        expect_error "ERR *Unknown command*" { ask ACL SETUSER u +secret }
        set c [client::dial]
        $c AUTH u x
        expect {timeout 0} { $c SECRET GET timeout }
        expect_error "NOPERM User u has no permissions to run the 'config|set' command" {
            $c SECRET SET timeout 1
        }
    }
}

test "ACL CAT" {
    set all [ask ACL CAT]
    foreach name {keyspace read write set sortedset list hash string bitmap hyperloglog geo stream pubsub \
            admin fast slow blocking dangerous connection transaction scripting} {
        expect_true {$name in $all}
    }
    set some [ask ACL CAT HASH]
    expect_true {"hget" in $some && "get" ni $some}
    expect_true {"config|get" in [ask ACL CAT admin]}
    expect_error "ERR Unknown category 'nosuch'" { ask ACL CAT nosuch }
    expect_error "ERR unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP." {
        ask ACL CAT a b
    }
}

test "ACL GENPASS" {
    expect 64 { string length [ask ACL GENPASS] }
    foreach {bits chars} {1 1 4 1 5 2 4096 1024} {
        set made [ask ACL GENPASS $bits]
        expect $chars { string length $made }
        expect_true {[string is xdigit $made] && [string tolower $made] eq $made}
    }
    expect_true {[ask ACL GENPASS] ne [ask ACL GENPASS]}
    foreach bits {0 -1 4097} {
        expect_error "ERR ACL GENPASS argument must be the number of bits for the output password*" {
            ask ACL GENPASS $bits
        }
    }
    expect_error "ERR value is not an integer or out of range" { ask ACL GENPASS x }
}

test "RESP3: users as maps" -tags baton-only {
    set c [client::dial -resp 3]
    $c ACL SETUSER u reset on ~a (+get)
    expect map { lindex [client::ask_typed $c ACL GETUSER u] 0 }
    expect null { lindex [client::ask_typed $c ACL GETUSER nosuch] 0 }
}

test "acl-pubsub-default is for new users, selectors and resets" {
    with_config {acl-pubsub-default allchannels} {
        ask ACL SETUSER u reset (+get)
        expect &* { field u channels }
        expect &* { dict get [lindex [field u selectors] 0] channels }
    }
    expect &* { field u channels }
    ask ACL SETUSER u reset
    expect {} { field u channels }
}
