# ACL LOG, and the counters of what was denied.

suite

proc as {args} {
    ask ACL SETUSER u reset on >p {*}$args
    set c [client::dial]
    $c AUTH u p
    return $c
}
proc denied {c args} { expect_match "NOPERM*" { catch { client::ask $c {*}$args } why; set why } }
proc entry {{i 0}} { return [lindex [ask ACL LOG] $i] }
proc of_entry {field {i 0}} { return [dict get [entry $i] $field] }

test "commands, keys and failed logins are logged" -tags baton-only {
    ask ACL LOG RESET
    set c [as +get +client|setname ~k]
    $c CLIENT SETNAME worker
    denied $c SET k v
    expect {command toplevel set u 1} {
        list [of_entry reason] [of_entry context] [of_entry object] [of_entry username] [of_entry count]
    }
    expect_match "*name=worker*cmd=set*user=u*" { of_entry client-info }
    denied $c CONFIG GET x
    expect config|get { of_entry object }
    denied $c GET "other\0key"
    expect key { of_entry reason }
    expect "other\0key" { of_entry object }
    expect_error "WRONGPASS*" { $c AUTH nobody wrong }
    expect {auth AUTH nobody} { list [of_entry reason] [of_entry object] [of_entry username] }
    expect_error "WRONGPASS*" { $c HELLO 3 AUTH u wrong }
    expect {auth HELLO u} { list [of_entry reason] [of_entry object] [of_entry username] }
    expect 5 { llength [ask ACL LOG] }
    expect 2 { llength [ask ACL LOG 2] }
    expect 0 { llength [ask ACL LOG 0] }
    expect 0 { llength [ask ACL LOG -1] }
    expect OK { ask ACL LOG RESET }
    expect {} { ask ACL LOG }
    expect_errors {
        {ACL LOG x} "ERR value is not an integer or out of range"
        {ACL LOG RESET x} "ERR unknown subcommand or wrong number of arguments for 'LOG'. Try ACL HELP."
    }
}

test "the same thing again counts up, and comes first" -tags baton-only {
    ask ACL LOG RESET
    set c [as]
    denied $c GET a
    set id [of_entry entry-id]
    set created [of_entry timestamp-created]
    denied $c SET a b
    expect [expr {$id + 1}] { of_entry entry-id }
    wait_for {[clock milliseconds] > $created + 1}
    denied $c GET b
    denied $c GET c
    expect [list $id 3 $created] {
        list [of_entry entry-id] [of_entry count] [of_entry timestamp-created]
    }
    expect_true {[of_entry timestamp-last-updated] > $created}
    expect 2 { llength [ask ACL LOG] }
    expect_true {[of_entry age-seconds] >= 0 && [of_entry age-seconds] < 60}
}

test "contexts" -tags baton-only {
    ask ACL LOG RESET
    set c [as +@transaction +get ~k]
    $c MULTI
    denied $c SET k v
    expect {multi set} { list [of_entry context] [of_entry object] }
    $c DISCARD
    $c MULTI
    $c GET k
    ask ACL SETUSER u -get
    client::send $c EXEC
    client::typed $c
    expect {multi get} { list [of_entry context] [of_entry object] }
    expect_match *cmd=exec* { of_entry client-info }
}

test "acllog-max-len bounds the log" {
    ask ACL LOG RESET
    set c [as +get]
    with_config {acllog-max-len 3} {
        for {set i 0} {$i < 10} {incr i} { denied $c GET k$i }
        expect 3 { llength [ask ACL LOG 100] }
        expect {k9 k8 k7} { list [of_entry object] [of_entry object 1] [of_entry object 2] }
    }
    with_config {acllog-max-len 0} {
        denied $c GET x
        expect 0 { llength [ask ACL LOG] }
    }
}

test "what a client says is kept in part only" -tags baton-only {
    ask ACL LOG RESET
    set c [as +get]
    set before [info_field used_memory memory]
    for {set i 0} {$i < 20} {incr i} { denied $c GET [string repeat [format %02d $i] 50000] }
    expect 20 { llength [ask ACL LOG 100] }
    expect_true {[info_field used_memory memory] - $before < 500000}
    denied $c GET [string repeat 15 50000]
    expect 20 { llength [ask ACL LOG 100] }
    expect 2 { of_entry count }
}

test "counters" -tags baton-only {
    ask CONFIG RESETSTAT
    set c [as +get ~k]
    denied $c SET k v
    denied $c SET k v
    denied $c GET x
    catch { $c AUTH u wrong }
    foreach {field wanted} {cmd 2 key 1 channel 0 auth 1} {
        expect $wanted { info_field acl_access_denied_$field stats }
    }
    expect_match "count=3*" { info_field errorstat_NOPERM errorstats }
}
