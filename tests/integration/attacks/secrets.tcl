# X7: a secret that was once sent is shown by nothing that people look at: not the slow log, MONITOR,
# ACL LOG, INFO, CLIENT LIST, the server's log, its command line or its crash report.

suite

set ::canary Canary-4711-Canary

# Requests that carry it, as an administrator and as a stranger send them; most fail.
set ::secret_requests {
    {AUTH %C} {AUTH user %C} {AUTH %C %C} {AUTH a %C c}
    {HELLO 3 AUTH user %C} {HELLO 3 AUTH user %C SETNAME x} {HELLO 2 SETNAME x AUTH user %C}
    {HELLO 2 AUTH default %C AUTH user %C}
    {ACL SETUSER user on >%C} {ACL SETUSER user <%C} {ACL SETUSER user >%C bogus} {acl setuser user #%C}
    {ACL SETUSER user (>%C)} {ACL SETUSER user >%C (~a} {ACL DELUSER %C} {ACL GETUSER %C}
    {ACL DRYRUN default AUTH user %C} {ACL DRYRUN default CONFIG SET requirepass %C}
    {ACL DRYRUN default ACL DRYRUN default AUTH %C}
    {MIGRATE 127.0.0.1 1 k 0 5 AUTH %C} {MIGRATE 127.0.0.1 1 "" 0 5 COPY auth2 user %C KEYS k}
    {MIGRATE 127.0.0.1 1 k 0 5 AUTH2 %C %C} {MIGRATE 127.0.0.1 1 "" 0 5 AUTH KEYS AUTH %C KEYS k}
    {MIGRATE 127.0.0.1 1 k 0 AUTH %C} {ACL DRYRUN default MIGRATE 127.0.0.1 1 k 0 5 AUTH %C}
    {COMMAND GETKEYS AUTH user %C} {COMMAND GETKEYSANDFLAGS AUTH %C}
    {CONFIG SET masterauth %C} {CONFIG SET tls-key-file-pass %C} {CONFIG SET maxmemory 0 MasterAuth %C}
    {CONFIG SET masteruser %C} {CONFIG SET masterauth %C nosuch x} {CONFIG SET tls-client-key-file-pass %C}
}

proc expect_no_canary {where text} {
    set at [string first $::canary $text]
    if {$at >= 0} { fail "$where shows it: [string range $text [expr {$at - 80}] [expr {$at + 40}]]" }
}

# Sends all of them and gives what MONITOR showed meanwhile.
proc send_secrets {c} {
    set watcher ""
    if {[ask COMMAND INFO MONITOR] ne "(nil)"} {
        set watcher [client::dial]
        $watcher MONITOR
    }
    foreach request $::secret_requests {
        catch { client::ask $c {*}[string map [list %C $::canary] $request] }
        catch { client::ask $c HELLO 2 }
    }
    if {$watcher eq ""} { return "" }
    ask ECHO end-of-secrets
    set seen ""
    while {![string match *end-of-secrets* $seen]} { append seen [client::line $watcher] \n }
    client::hangup $watcher
    return $seen
}

proc expect_nothing_shown {h} {
    expect_no_canary "SLOWLOG" [ask SLOWLOG GET -1]
    expect_no_canary "ACL LOG" [regsub -all {object \S+ username \S+} [ask ACL LOG 1000] ""]
    expect_no_canary "INFO" [ask INFO everything]
    expect_no_canary "CLIENT LIST" [ask CLIENT LIST]
    expect_no_canary "the log" [server::log_text $h]
    expect_no_canary "the command line" [slurp /proc/[server::pid $h]/cmdline]
    foreach {name value} [ask CONFIG GET *] {
        if {$name ni {requirepass masterauth masteruser tls-key-file-pass tls-client-key-file-pass}} {
            expect_no_canary "CONFIG GET $name" $value
        }
    }
}

test "X7: no trace of a secret" -tags baton-only {
    set h [server::start -config {
        "slowlog-log-slower-than 0" "slowlog-max-len 10000" "loglevel debug" "latency-monitor-threshold 1"
    }]
    with_server $h {
        set seen [send_secrets [client::dial]]
        expect_no_canary MONITOR $seen
        if {$seen ne ""} { expect_match "*(redacted)*" { set seen } }
        expect_nothing_shown $h
        expect_match "*ACL SETUSER (redacted) (redacted) (redacted)*" { ask SLOWLOG GET -1 }
        expect_match "*CONFIG SET masterauth (redacted)*" { ask SLOWLOG GET -1 }
    }
}

test "X7: in transactions" -tags baton-only {
    set h [server::start -config { "slowlog-log-slower-than 0" "slowlog-max-len 10000" "loglevel debug" }]
    with_server $h {
        set c [client::dial]
        $c MULTI
        expect_no_canary MONITOR [send_secrets $c]
        client::send $c EXEC
        client::typed $c
        expect_nothing_shown $h
    }
}

test "X7: without the rights, and before authentication" -tags baton-only {
    set h [server::start -auth open -config {"slowlog-log-slower-than 0" "loglevel debug" "user weak on nopass"}]
    with_server $h {
        expect_no_canary MONITOR [send_secrets [client::dial -auth ""]]
        set weak [client::dial -auth ""]
        $weak AUTH weak x
        expect_no_canary MONITOR [send_secrets $weak]
        expect_nothing_shown $h
    }
}

test "X7: secrets of the start, in the configuration and on the command line" -tags baton-only {
    set h [server::start -auth $::canary -config [list "masterauth $::canary" "loglevel debug" \
        "user weak on >$::canary"] -args [list --tls-key-file-pass $::canary --user strong on >$::canary]]
    with_server $h {
        ask CONFIG SET slowlog-log-slower-than 0
        expect_nothing_shown $h
        expect_true {![string match *$::canary* [ask ACL LIST]]}
        expect OK { [client::dial -auth ""] AUTH strong $::canary }
    }
}

test "X7: the crash report" -tags {baton-only no-sanitizer} {
    set h [server::start -auth $::canary -config [list "user weak on >$::canary" "crash-memcheck-enabled no"]]
    with_server $h {
        send_secrets [client::dial]
        server::end_is_expected $h
        set c [client::dial]
        client::write $c [client::encode AUTH weak $::canary][client::encode AUTH default $::canary][client::encode DEBUG SEGFAULT]
        wait_for {![server::alive $h]}
        set report [server::log_text $h][server::err_text $h]
        expect_match "*BUG REPORT*" { set report }
        expect_no_canary "the crash report" $report
        set server::info($h,log) /dev/null
        foreach file {out err} { set server::info($h,$file) /dev/null }
    }
}

test "X8: files with secrets are their owner's only" -tags baton-only {
    set dir [file join $keeper::scratch secretfiles]
    file mkdir $dir
    spit $dir/users.acl "user a on >$::canary\n"
    file attributes $dir/users.acl -permissions 0644
    set h [server::start -dir $dir -config {"aclfile users.acl"}]
    with_server $h {
        ask ACL SAVE
        expect 0600 { format %04o [expr {[file attributes $dir/users.acl -permissions] & 0777}] }
        expect_no_canary "the aclfile" [slurp $dir/users.acl]
        file delete [server::conf $h]
        ask CONFIG REWRITE
        expect 0600 { format %04o [expr {[file attributes [server::conf $h] -permissions] & 0777}] }
    }
}
