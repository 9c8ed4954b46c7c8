# The process itself: pid file, daemon, log file, socket permissions, signals, crash report.

suite -server 0

proc ready {path} { return [string match "*Ready to accept*" [slurp $path]] }

test "SIGTERM and SIGINT end it with 0" {
    foreach signal {TERM INT} {
        set h [server::start]
        expect {} { server::stop $h $signal }
        expect_true {[string match "*bye bye*" [slurp [server::dir $h]/stdout]]}
    }
}

test "SIGTERM and SIGINT under load end it with 0" {
    foreach signal {TERM INT} {
        set h [server::start]
        with_server $h {
            load::start 20 -depth 10
            load::for_rounds 200
            expect {} { server::stop $h $signal }
            load::stop
        }
    }
}

test "SIGTERM while a client does not read" {
    set h [server::start]
    with_server $h {
        ask SET big [string repeat x 1000000]
        set c [client::dial]
        client::write $c [string repeat [client::encode GET big] 50]
        set id [$c CLIENT ID]
    }
    expect {} { server::stop $h }
}

test "the log lines that supervisors wait for" {
    set h [server::start]
    set text [server::log_text $h]
    set pid [server::pid $h]
    expect_true {[regexp "$pid:M \\d\\d \\w\\w\\w \\d{4} \\d\\d:\\d\\d:\\d\\d\\.\\d{3} " $text]}
    expect_match "*Server initialized*Ready to accept connections*" { set text }
    server::stop $h
    expect_match "*User requested shutdown*" { slurp [server::dir $h]/stdout }
}

test "the pid file holds the pid and goes at the end" {
    set file $keeper::scratch/a.pid
    set h [server::start -config [list "pidfile $file"]]
    wait_for {[file exists $file]}
    expect [server::pid $h] { string trim [slurp $file] }
    server::stop $h
    expect_true {![file exists $file]}
}

test "logfile takes the log, and stdout stays empty" {
    set file $keeper::scratch/a.log
    set h [server::start -logfile $file -config {"loglevel debug"}]
    expect_match "*Ready to accept*" { slurp $file }
    expect {} { server::stop $h }
    expect "" { slurp [server::dir $h]/stdout }
    expect_match "*bye bye*" { slurp $file }
}

test "loglevel warning is silent about a normal life" {
    set h [server::start]
    with_server $h {
        ask CONFIG SET loglevel warning
        set before [string length [server::log_text $h]]
        ask DEBUG SLEEP 0
        set c [client::dial]
        client::write $c "*1\r\nX\r\n"
        client::gone $c
        expect $before { string length [server::log_text $h] }
    }
}

test "daemonize" {
    set dir $keeper::scratch/daemon
    file mkdir $dir
    set port [server::free_port]
    set began [clock milliseconds]
    set got [keeper::run [list $::option(server) --port $port --daemonize yes --dir $dir --save "" \
        --pidfile $dir/pid --logfile $dir/log {*}$::option(args)]]
    expect 0 { dict get $got code }
    wait_for {[file exists $dir/pid] && [ready $dir/log]}
    set pid [string trim [slurp $dir/pid]]
    keeper::tell adopt $pid
    expect_true {$pid != [dict get $got pid]}
    set c [client::dial -port $port -auth ""]
    expect PONG { $c PING }
    expect $pid { dict get [fields_of [string map {\r ""} [$c INFO server]] \n :] process_id }
    keeper::signal $pid TERM
    wait_for {![file exists /proc/$pid]} 10000
    keeper::tell forget $pid
    expect_true {![file exists $dir/pid]}
}

test "the unix socket: permissions, and gone at the end" {
    set h [server::start -config {"unixsocketperm 700"}]
    set path [server::socket_path $h]
    expect socket { file type $path }
    expect_match *700 { file attributes $path -permissions }
    server::stop $h
    expect_true {![file exists $path]}
}

test "only a unix socket: port 0" {
    set dir $keeper::scratch/portzero
    file mkdir $dir
    set pid [keeper::spawn $dir /dev/null $dir/stdout $dir/stderr [list $::option(server) --port 0 \
        --unixsocket $dir/s --save "" --dir $dir {*}$::option(args)]]
    wait_for {[file exists $dir/s]}
    set relay [client::dial_unix $dir/s]
    set c [client::set_up [incr client::serial] $relay {-auth "" -resp 2 -db 0 -name ""}]
    expect PONG { $c PING }
    keeper::signal $pid TERM
    expect 0 { keeper::wait_exit $pid [scaled_ms 10000] }
}

test "a left-over socket file is replaced" {
    set h [server::start]
    set dir [server::dir $h]
    keeper::signal [server::pid $h] KILL
    keeper::wait_exit [server::pid $h] 5000
    server::end_is_expected $h
    server::stop $h
    expect_true {[file exists $dir/sock]}
    set h [server::start -dir $dir]
    expect PONG { [client::dial -server $h -unix 1] PING }
}

test "no listener but those asked for" {
    set h [server::start]
    set inodes {}
    foreach fd [glob -nocomplain /proc/[server::pid $h]/fd/*] {
        if {![catch { file readlink $fd } target] && [regexp {socket:\[(\d+)\]} $target -> inode]} {
            lappend inodes $inode
        }
    }
    set ports {}
    foreach line [lrange [split [slurp /proc/net/tcp] \n] 1 end] {
        if {[lindex $line 3] eq "0A" && [lindex $line 9] in $inodes} {
            lappend ports [scan [lindex [split [lindex $line 1] :] 1] %x]
        }
    }
    expect [server::port $h] { lsort -unique $ports }
}

test "requirepass and maxclients from the file" {
    set h [server::start -auth secret -config {"maxclients 2"}]
    with_server $h {
        set a [client::dial -auth ""]
        expect_error "NOAUTH*" { $a PING }
        expect PONG { ask PING }
        set b [client::dial -auth ""]
        expect "-ERR max number of clients reached\r\n" { client::until_eof $b }
        client::hangup $a
        wait_for {![catch { [client::dial] PING }]}
    }
}

test "protected mode refuses no loopback client" {
    set h [server::start -config {"protected-mode yes" "bind * -::*"}]
    expect PONG { [client::dial -server $h] PING }
    expect {protected-mode yes} { [client::dial -server $h] CONFIG GET protected-mode }
}

test "a client on another address of the machine is refused in protected mode" {
    set own ""
    foreach address [exec hostname -I] {
        if {[regexp {^\d+\.\d+\.\d+\.\d+$} $address] && ![string match 127.* $address]} {
            set own $address
            break
        }
    }
    if {$own eq ""} { skip "the machine has no other address" }
    set h [server::start -config {"protected-mode yes" "bind * -::*"}]
    set c [client::dial -host $own -port [server::port $h] -auth ""]
    expect_match "-DENIED Redis is running in protected mode*" { client::until_eof $c }
}

test "IPv6" {
    if {[catch { ::socket -server {} -myaddr ::1 0 } listener]} { skip "no IPv6 here" }
    ::close $listener
    set h [server::start -config {"bind 127.0.0.1 ::1"}]
    set c [client::dial -host ::1 -port [server::port $h] -auth ""]
    expect PONG { $c PING }
    expect_match {\[::1\]:*} { dict get [fields_of [$c CLIENT INFO]] addr }
}

test "an address that cannot be bound" {
    set port [server::free_port]
    set got [server::run [list --port $port --bind 192.0.2.1 --save ""]]
    expect 1 { dict get $got code }
    expect_match "*192.0.2.1*" { string cat [dict get $got out] [dict get $got err] }
    set h [server::start -config {"bind 127.0.0.1 -192.0.2.1"}]
    expect PONG { [client::dial -server $h] PING }
}

test "a crash writes a report and ends by the signal" -tags no-sanitizer {
    set h [server::start]
    server::end_is_expected $h
    with_server $h { ask SET k v }
    keeper::signal [server::pid $h] SEGV
    set code [keeper::wait_exit [server::pid $h] [scaled_ms 15000]]
    expect_match "signal *" { set code }
    set text [slurp [server::dir $h]/stdout]
    expect_match "*BUG REPORT*crashed by signal: 11*" { set text }
    spit [server::dir $h]/stdout ""
}

test "no crash report when it is switched off" -tags no-sanitizer {
    set h [server::start -config {"crash-log-enabled no"}]
    server::end_is_expected $h
    keeper::signal [server::pid $h] SEGV
    expect "signal 11" { keeper::wait_exit [server::pid $h] [scaled_ms 15000] }
    expect_true {![string match "*BUG REPORT*" [slurp [server::dir $h]/stdout]]}
}

test "watchdog-period tells once where a command is that takes long" -tags baton-only {
    set h [server::start]
    with_server $h {
        ask CONFIG SET watchdog-period 100
        ask DEBUG SLEEP 0.5
        ask PING
        ask CONFIG SET watchdog-period 0
        ask DEBUG SLEEP 0.5
    }
    set text [server::log_text $h]
    expect_match "*WATCHDOG TIMER EXPIRED*In thread*STACK TRACE*nanosleep*--------*" { set text }
    expect 1 { regexp -all "WATCHDOG TIMER" $text }
    expect {} { server::stop $h }
}

test "watchdog-period in the file, and a script that lasts" -tags baton-only {
    set h [server::start -config {"watchdog-period 100" "busy-reply-threshold 10"}]
    with_server $h {
        set c [client::dial]
        client::write $c [client::encode EVAL "while true do end" 0]
        wait_for {[string match "*WATCHDOG TIMER EXPIRED*STACK TRACE*lua*--------*" [server::log_text $h]]}
        wait_for {![catch { ask SCRIPT KILL }]}
        expect_error "*" { client::reply $c }
    }
    expect 1 { regexp -all "WATCHDOG TIMER" [server::log_text $h] }
}

test "SIGALRM shows what the thread does that executes" -tags baton-only {
    set h [server::start]
    with_server $h {
        ask PING
        keeper::signal [server::pid $h] ALRM
        wait_for {[string match "*Received SIGALRM*In thread*STACK TRACE*--------*" [server::log_text $h]]}
        expect PONG { ask PING }
    }
    expect {} { server::stop $h }
}

test "supervised systemd: READY when it serves, STOPPING at the end" {
    set dir $keeper::scratch/systemd
    file mkdir $dir
    set ear [keeper::spawn $dir /dev/null $dir/said $dir/ear.err \
        [list perl $::support/notify.pl $dir/notify]]
    wait_for {[file exists $dir/notify]}
    set port [server::free_port]
    set pid [keeper::spawn $dir /dev/null $dir/out $dir/err [list env NOTIFY_SOCKET=$dir/notify \
        $::option(server) --port $port --save "" --dir $dir --supervised systemd \
        {*}$::option(args)]]
    wait_for {[string match *READY=1* [slurp $dir/said]]} 10000
    expect PONG { [client::dial -port $port -auth ""] PING }
    keeper::signal $pid TERM
    expect 0 { keeper::wait_exit $pid [scaled_ms 10000] }
    wait_for {[string match *STOPPING=1* [slurp $dir/said]]}
    keeper::signal $ear TERM
    keeper::wait_exit $ear 5000
}

test "the process title" {
    set h [server::start]
    expect_match "*127.0.0.1:[server::port $h]*" { slurp /proc/[server::pid $h]/cmdline }
    set h [server::start -config {{proc-title-template "{title} {port} custom"}}]
    expect_match "*[server::port $h] custom*" { slurp /proc/[server::pid $h]/cmdline }
}

test "a server without data has little memory in use" -tags no-sanitizer {
    set h [server::start -config {"appendonly no"}]
    set most [expr {[string match {*write\**} $::option(args)] ? 2700000 : 1700000}] ;# 1 MB a writer
    with_server $h { expect_true {[info_field used_memory_startup memory] < $most} }
}

test "an idle server costs next to nothing" -tags slow {
    set h [server::start]
    sleep_ms 500
    set before [server::cpu_ms $h]
    sleep_ms 2000
    expect_true {[server::cpu_ms $h] - $before <= 60}
}

test "two servers in one directory with different sockets do not disturb each other" {
    set a [server::start]
    set b [server::start]
    with_server $a { ask SET k a }
    with_server $b { ask SET k b }
    expect {a b} {
        list [[client::dial -server $a] GET k] [[client::dial -server $b] GET k]
    }
}
