# Users in files: aclfile with ACL LOAD and SAVE, `user` lines of the configuration, CONFIG REWRITE, and
# what keeps a server from starting.

suite

set ::serial 0

proc users_file {h} { return [server::dir $h]/users.acl }
# A server whose aclfile has these lines; its handle is left in `h`.
proc with_file {lines script} {
    upvar 1 h h
    set dir [file join $keeper::scratch aclfile[incr ::serial]]
    file mkdir $dir
    spit $dir/users.acl $lines
    set h [server::start -dir $dir -config {"aclfile users.acl"}]
    with_server $h { uplevel 1 $script }
}
proc field {name field} { return [dict get [ask ACL GETUSER $name] $field] }
proc logged_in {name password} {
    set c [client::dial]
    $c AUTH $name $password
    return $c
}

test "users of an aclfile" -tags baton-only {
    with_file "user alice on allcommands allkeys &* >alice\n\n  user bob on >b -@all +@set ~s* (+get ~g*)\n" {
        expect {alice bob default} { ask ACL USERS }
        expect {flags {on nopass sanitize-payload} passwords {} commands +@all keys ~* channels &* selectors {}} {
            ask ACL GETUSER default
        }
        set c [logged_in bob b]
        expect 1 { $c SADD s1 a }
        expect (nil) { $c GET g1 }
        expect_error "NOPERM*" { $c SET s1 a }
        expect_error "WRONGPASS*" { logged_in alice bob }
    }
}

test "ACL SAVE and ACL LOAD" -tags baton-only {
    with_file "user alice on +@all ~* &* nopass\n" {
        ask ACL SETUSER eve on >e "~odd\"\\\xff" %R~x &y -@all +get +select|1 "(+set ~'z)"
        set before [ask ACL LIST]
        expect OK { ask ACL SAVE }
        expect 0600 { format %04o [expr {[file attributes [users_file $h] -permissions] & 0777}] }
        ask ACL SETUSER eve reset
        ask ACL DELUSER alice
        ask ACL SETUSER new
        expect OK { ask ACL LOAD }
        expect $before { ask ACL LIST }
        expect 1 { llength [glob [users_file $h]*] }
        server::restart $h
        set suite::default ""
        expect $before { ask ACL LIST }
    }
}

test "ACL LOAD ends the sessions of all users but default" -tags baton-only {
    with_file "user a on nopass +@all ~* &*\nuser b on nopass +@all ~* &*\n" {
        set a [logged_in a x]
        set b [logged_in b x]
        set d [client::dial]
        client::send $b BLPOP l 0
        expect OK { $a ACL LOAD }
        expect_true {[client::gone $a] && [client::gone $b]}
        expect PONG { $d PING }
    }
}

test "a file with errors changes nothing, and says all that is wrong" -tags baton-only {
    with_file "user alice on >a\n" {
        set before [ask ACL LIST]
        set tail "WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
        foreach {text error} {
            "user a on badrule\n" "users.acl:1: Syntax error. "
            "foo\n" "users.acl:1 should start with user keyword followed by the username. "
            "\nuser\n" "users.acl:2 should start with user keyword followed by the username. "
            "user \"a b\" on\n" "'users.acl:1: username 'a b' contains invalid characters. "
            "user a \"on\n" "users.acl:1: unbalanced quotes in acl line. "
            "user a (~x\n" "users.acl:1: Unmatched parenthesis in selector definition. "
            "user a on\nuser a off" "WARNING: Duplicate user 'a' found on line 2. "
            "user a +nosuch +get +@nix\n"
            "users.acl:1: Error in applying operation '+nosuch': Unknown command or category name in ACL.\
 users.acl:1: Error in applying operation '+@nix': Unknown command or category name in ACL. "
            "user a >secret-word bad1 bad2\nuser b #secret-word"
            "users.acl:1: Syntax error. users.acl:2: The password hash must be exactly 64 characters and\
 contain only lowercase hexadecimal characters. "
        } {
            spit [users_file $h] $text
            expect_error "ERR $error$tail" { ask ACL LOAD }
            expect $before { ask ACL LIST }
        }
        file delete [users_file $h]
        expect_error "ERR Error loading ACLs, opening file 'users.acl': No such file or directory" {
            ask ACL LOAD
        }
        file mkdir [users_file $h]
        expect_error "ERR There was an error trying to save the ACLs. Please check the server logs*" {
            ask ACL SAVE
        }
        expect_match "*ACL SAVE to users.acl failed: Is a directory*" { server::log_text }
        expect $before { ask ACL LIST }
    }
}

test "without an aclfile there is nothing to load or save" {
    expect_error "ERR This Redis instance is not configured to use an ACL file*" { ask ACL LOAD }
    expect_error "ERR This Redis instance is not configured to use an ACL file*" { ask ACL SAVE }
}

test "users of the configuration, and CONFIG REWRITE" -tags baton-only {
    set h [server::start -config {
        "# before" "user alice on nopass ~* +@all -flushdb" "# between" "user gone on" {user q on "~a\"b"} "# after"
    }]
    with_server $h {
        expect_error "NOPERM*" { [logged_in alice x] FLUSHDB }
        ask ACL DELUSER gone
        ask ACL SETUSER bob on >secret-word ~b
        ask ACL SETUSER carl
        set before [ask ACL LIST]
        expect OK { ask CONFIG REWRITE }
        set text [slurp [server::conf $h]]
        expect_match "*# before\nuser alice on nopass sanitize-payload ~\\* resetchannels +@all -flushdb\n#\
 between\nuser bob on *\nuser carl off *\n# after\n*\nuser q on *" { set text }
        expect_true {![string match *secret-word* $text] && ![string match "*user default*" $text]}
        expect_true {![string match "*user gone*" $text]}
        set server::info($h,lines) [lsearch -all -inline [split $text \n] "user *"]
        server::restart $h
        set suite::default ""
        expect $before { ask ACL LIST }
        # The default user has a line once it is not what requirepass says.
        ask ACL SETUSER default -debug
        ask CONFIG REWRITE
        expect_match "*\nuser default on nopass sanitize-payload ~\\* &\\* +@all -debug\n*" {
            slurp [server::conf $h]
        }
    }
}

test "requirepass is the default user's password" -tags baton-only {
    set h [server::start -auth one]
    with_server $h {
        expect {on sanitize-payload} { field default flags }
        ask CONFIG SET requirepass two
        expect_error "NOAUTH*" { [client::dial -auth ""] PING }
        expect_error "WRONGPASS*" { [client::dial -auth ""] AUTH one }
        set c [client::dial -auth ""]
        expect OK { $c AUTH two }
        expect OK { $c AUTH default two }
        ask ACL SETUSER default >three
        expect {requirepass two} { ask CONFIG GET requirepass }
        expect OK { [client::dial -auth ""] AUTH three }
        ask CONFIG SET requirepass ""
        expect {on nopass sanitize-payload} { field default flags }
        expect PONG { [client::dial -auth ""] PING }
        expect_error "ERR AUTH <password> called without any password configured*" { ask AUTH x }
        expect OK { ask AUTH default x }
    }
}

test "a line of the default user wins over requirepass" -tags baton-only {
    set h [server::start -config {"requirepass one" "user default on nopass +ping +acl"}]
    with_server $h {
        expect PONG { ask PING }
        expect {-@all +ping +acl} { field default commands }
    }
}

test "what keeps a server from starting" -tags baton-only {
    foreach {args said} {
        {--user foo --user foo} "*Error in user declaration 'foo': Duplicate user found.*"
        {--user default --user default} "*Duplicate user*"
        {--user foo on >secret-word bad} "*Error in user declaration 'foo': *Syntax error*"
        {--user foo (~x} "*Unmatched parenthesis*"
        {--user "a b" on} "*Usernames can't contain spaces or null characters*"
        {--aclfile /nosuch/users.acl} "*ACL errors: Error loading ACLs, opening file '/nosuch/users.acl'*"
        {--aclfile /dev/null --user foo} "*aclfile*"
        {--user foo bad {"secret-word}} "*"
    } {
        set ended [server::run [list --port [server::free_port] {*}$args]]
        set text [dict get $ended out][dict get $ended err]
        expect 1 { dict get $ended code }
        expect_match $said { set text }
        expect_true {![string match *secret-word* $text]}
    }
}
