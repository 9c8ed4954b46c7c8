# COMMAND and its subcommands, over the commands that exist so far.

suite

# The commands of this milestone, which no server may lack.
set required {
    append bitcount bitfield bitfield_ro bitop bitpos decr decrby get getbit getdel getex getrange
    getset incr incrby incrbyfloat lcs mget mset msetnx psetex set setbit setex setnx setrange
    strlen substr copy del exists expire expireat expiretime keys move object persist pexpire
    pexpireat pexpiretime pttl randomkey rename renamenx scan touch ttl type unlink auth client
    echo hello ping quit reset select command config dbsize debug flushall flushdb info lastsave
    latency lolwut memory shutdown slowlog swapdb time
}

test "COMMAND COUNT, COMMAND and COMMAND LIST agree" {
    variable required
    set count [ask COMMAND COUNT]
    expect $count { llength [ask COMMAND] }
    set names [ask COMMAND LIST]
    expect $count { llength [lsearch -all -inline -not $names *|*] }
    foreach name $required { expect_true {$name in $names} }
    expect [llength $names] { llength [lsort -unique $names] }
}

test "COMMAND INFO: arity, flags, keys" {
    foreach {name arity first last step} {
        get 2 1 1 1  set -3 1 1 1  mget -2 1 -1 1  mset -3 1 -1 2  del -2 1 -1 1  ping -1 0 0 0
        bitop -4 2 -1 1  rename 3 1 2 1  getrange 4 1 1 1  scan -2 0 0 0  info -1 0 0 0
        expire -3 1 1 1  lcs -3 1 2 1  msetnx -3 1 -1 2  copy -3 1 2 1  object -2 0 0 0
    } {
        set entry [lindex [ask COMMAND INFO $name] 0]
        expect 10 { llength $entry }
        lassign $entry got_name got_arity flags got_first got_last got_step categories
        expect [list $name $arity $first $last $step] {
            list $got_name $got_arity $got_first $got_last $got_step
        }
    }
}

test "COMMAND INFO: flags and categories" {
    foreach {name flags} {
        get {fast readonly} set {denyoom write} ping fast config {} debug
        {admin loading noscript stale} randomkey readonly
    } {
        set entry [lindex [ask COMMAND INFO $name] 0]
        foreach flag $flags { expect_true {$flag in [lindex $entry 2]} }
    }
    expect {@fast @read @string} { lsort [lindex [ask COMMAND INFO get] 0 6] }
    expect {@slow @string @write} { lsort [lindex [ask COMMAND INFO set] 0 6] }
}

test "COMMAND INFO of many, of unknown ones, of subcommands" {
    set got [ask COMMAND INFO get nosuch SET]
    expect {get (nil) set} { list [lindex $got 0 0] [lindex $got 1] [lindex $got 2 0] }
    expect config|get { lindex [ask COMMAND INFO config|get] 0 0 }
    expect (nil) { lindex [ask COMMAND INFO config|nosuch] 0 }
    set subcommands {}
    foreach entry [lindex [ask COMMAND INFO client] 0 9] { lappend subcommands [lindex $entry 0] }
    foreach name {client|list client|kill client|id client|reply} {
        expect_true {$name in $subcommands}
    }
    expect [ask COMMAND COUNT] { llength [ask COMMAND INFO] }
}

test "every command of COMMAND answers COMMAND INFO alike" {
    foreach entry [ask COMMAND] {
        set name [lindex $entry 0]
        expect $name { lindex [ask COMMAND INFO [string toupper $name]] 0 0 }
    }
}

test "COMMAND DOCS" {
    set docs [dict get [ask COMMAND DOCS set] set]
    foreach name {summary since group complexity arguments} {
        expect_true {[dict exists $docs $name]}
    }
    expect {1.0.0 string} { list [dict get $docs since] [dict get $docs group] }
    expect {} { ask COMMAND DOCS nosuch }
    expect {get set} { lsort [dict keys [ask COMMAND DOCS get set nosuch]] }
    expect_true {[dict size [ask COMMAND DOCS]] == [ask COMMAND COUNT]}
    expect_true {[dict exists [ask COMMAND DOCS config] config]}
}

test "COMMAND DOCS has a summary for everything" {
    foreach {name docs} [ask COMMAND DOCS] {
        if {![dict exists $docs summary] || [dict get $docs summary] eq ""} { lappend bare $name }
    }
    if {[info exists bare]} { fail "without a summary: $bare" }
}

test "COMMAND GETKEYS" {
    expect_each {
        {ask COMMAND GETKEYS get a} a
        {ask COMMAND GETKEYS mget a b c} {a b c}
        {ask COMMAND GETKEYS mset a 1 b 2} {a b}
        {ask COMMAND GETKEYS bitop and out a b} {out a b}
        {ask COMMAND GETKEYS rename a b} {a b}
        {ask COMMAND GETKEYS set k v EX 10} k
        {ask COMMAND GETKEYS object encoding k} k
        {ask COMMAND GETKEYS memory usage k} k
        {ask COMMAND GETKEYS lcs a b IDX} {a b}
    }
    expect_errors {
        {COMMAND GETKEYS nosuch a} {ERR Invalid command specified}
        {COMMAND GETKEYS set a} {ERR Invalid number of arguments specified for command}
        {COMMAND GETKEYS ping x} {ERR The command has no key arguments}
        {COMMAND GETKEYS} {ERR wrong number of arguments for 'command|getkeys' command}
    }
}

test "COMMAND GETKEYSANDFLAGS" {
    expect_each {
        {ask COMMAND GETKEYSANDFLAGS set a b} {{a {OW update}}}
        {ask COMMAND GETKEYSANDFLAGS set a b GET} {{a {RW access update}}}
        {ask COMMAND GETKEYSANDFLAGS get a} {{a {RO access}}}
        {ask COMMAND GETKEYSANDFLAGS rename a b} {{a {RW access delete}} {b {OW update}}}
        {ask COMMAND GETKEYSANDFLAGS bitfield a get u8 0} {{a {RO access}}}
        {ask COMMAND GETKEYSANDFLAGS bitfield a set u8 0 1} {{a {RW access update}}}
    }
}

test "COMMAND LIST with filters" {
    set got [ask COMMAND LIST FILTERBY PATTERN get*]
    foreach name {get getbit getdel getex getrange getset} { expect_true {$name in $got} }
    expect_true {"set" ni $got}
    set got [ask COMMAND LIST FILTERBY ACLCAT bitmap]
    expect {bitcount bitfield bitfield_ro bitop bitpos getbit setbit} { lsort $got }
    expect {} { ask COMMAND LIST FILTERBY ACLCAT nosuch }
    expect {} { ask COMMAND LIST FILTERBY MODULE nosuch }
    expect_error "ERR syntax error" { ask COMMAND LIST FILTERBY NOSUCH x }
    expect_error "ERR syntax error" { ask COMMAND LIST FILTERBY PATTERN }
}

test "key specifications" {
    set specs [lindex [ask COMMAND INFO bitop] 0 8]
    expect 2 { llength $specs }
    set first [lindex $specs 0]
    expect index { dict get [dict get $first begin_search] type }
    expect {index 2} { dict get [dict get $first begin_search] spec }
    expect {lastkey -1 keystep 1 limit 0} {
        dict get [dict get [lindex $specs 1] find_keys] spec
    }
}

test "COMMAND HELP" {
    expect_match "COMMAND*" { lindex [ask COMMAND HELP] 0 }
}

test "every command, called with too few arguments, gives exactly one error reply" {
    set c [client::dial]
    foreach entry [ask COMMAND] {
        lassign $entry name arity
        if {abs($arity) < 2 || $name in {psync sync replconf monitor subscribe psubscribe
                ssubscribe unsubscribe punsubscribe sunsubscribe}} continue
        expect_error "ERR wrong number of arguments for '$name' command" { $c $name }
        expect $name { $c ECHO $name }
    }
}

test "every command, called with too many arguments, gives exactly one error reply" {
    set c [client::dial]
    foreach entry [ask COMMAND] {
        lassign $entry name arity
        if {$arity < 0} continue
        expect_error "*wrong number of arguments for '$name' command" {
            $c $name {*}[lrepeat $arity x]
        }
        expect $name { $c ECHO $name }
    }
}

test "COMMAND GETKEYS of a command that may have no keys" {
    expect {} { ask COMMAND GETKEYS EVAL "return 1" 0 }
    expect {a b} { ask COMMAND GETKEYS EVAL "return 1" 2 a b arg }
    expect {} { ask COMMAND GETKEYSANDFLAGS FCALL f 0 }
    expect {} { ask COMMAND GETKEYS EVAL "return 1" x }
    expect_true {"no_mandatory_keys" in [lindex [ask COMMAND INFO evalsha_ro] 0 2]}
}
