# What a stranger may try before authentication (P1 to P8 and P13 of the project's list of attacks).
#
# After each attack a good client must still be served, at once, and with its own replies.

suite -auth secret

# The good client: answered in time and with what it asked for.
proc still_well {} {
    set c [client::dial]
    set nonce nonce-[random_int 1000000000]
    set from [clock milliseconds]
    expect $nonce { $c ECHO $nonce }
    expect_true {[clock milliseconds] - $from < [scaled_ms 1000]}
    client::hangup $c
}

proc stranger {} { return [client::dial -auth ""] }

test "P1: counts and lengths are limited before authentication" {
    foreach {bytes text} {
        "*1000000\r\n" "unauthenticated multibulk length"
        "*11\r\n" "unauthenticated multibulk length"
        "*2\r\n$3\r\nGET\r\n$16385\r\n" "unauthenticated bulk length"
        "*1\r\n$100000000\r\n" "unauthenticated bulk length"
    } {
        set c [stranger]
        client::write $c [subst -nocommands -novariables $bytes]
        expect "-ERR Protocol error: $text\r\n" { client::until_eof $c }
        still_well
    }
}

test "P1: ten arguments of 16,384 bytes are still read" {
    set c [stranger]
    client::send $c {*}[lrepeat 10 [string repeat a 16384]]
    expect_match "-*" { client::line $c }
    expect OK { $c AUTH secret }
    expect OK { $c MSET {*}[lrepeat 20 x] }
    expect 20000 { $c APPEND big [string repeat b 20000] }
}

test "P2: many connections with an endless inline request" {
    set before [server::rss]
    set open {}
    for {set i 0} {$i < [by_load 50 100 2000]} {incr i} {
        set c [stranger]
        catch { client::write $c [string repeat A 1000000] }
        lappend open $c
    }
    still_well
    foreach c $open {
        expect_true {[client::gone $c]}
        client::hangup $c
    }
    expect_true {[server::rss] - $before < 256 * 1048576}
    still_well
}

test "P2: many connections with unfinished requests" {
    set before [server::rss]
    set open {}
    set n [by_load 50 100 2000]
    for {set i 0} {$i < $n} {incr i} {
        set c [stranger]
        client::write $c "*10\r\n\$16384\r\n[string repeat x 16000]"
        lappend open $c
    }
    still_well
    expect_true {[server::rss] - $before < $n * 200000 + 16 * 1048576}
}

test "P3: a stranger that never reads is cut" {
    set before [server::rss]
    set c [stranger]
    catch {
        for {set i 0} {$i < [by_load 30 100 1000]} {incr i} {
            client::write $c [string repeat "PING\r\n" 10000]
            sleep_ms 1
        }
    }
    still_well
    expect_true {[server::rss] - $before < 8 * 1048576}
}

test "P3: a stranger that never reads is gone when it has left" {
    for {set i 0} {$i < [by_load 20 40 200]} {incr i} {
        set c [stranger]
        catch {
            for {set j 0} {$j < 20} {incr j} { client::write $c [string repeat "PING\r\n" 10000] }
        }
        client::hangup $c
    }
    wait_for {[info_field connected_clients clients] == 1}
}

test "P4: a storm of connections that reset at once" {
    set pid [keeper::spawn $keeper::scratch /dev/null $keeper::scratch/resets.out \
        $keeper::scratch/resets.err [list perl $::support/resets.pl [server::port] \
        [by_load 3000 10000 100000]]]
    set good 0
    while {[keeper::running $pid] || $good < 5} {
        still_well
        incr good
        sleep_ms 20
    }
    expect 0 { keeper::wait_exit $pid 10000 }
    still_well
}

test "P4: resets in the middle of a request" {
    foreach text [list "PI" "*1\r\n\$4\r\nPI" "PING\r\n" "[client::encode AUTH secret]PING\r\n"] {
        set got [keeper::run [list perl $::support/resets.pl [server::port] \
            [by_load 300 1000 10000] $text]]
        expect 0 { dict get $got code }
        still_well
    }
    wait_for {[info_field connected_clients clients] <= 2}
}

test "P4: out of file descriptors: old clients are served, new ones when there is room" {
    set dir $keeper::scratch/fewfds.[incr server::serial]
    file mkdir $dir
    set port [server::free_port]
    set pid [keeper::spawn $dir /dev/null $dir/out $dir/err [list sh -c {ulimit -n 96; exec "$@"} \
        sh $::option(server) --port $port --save "" --dir $dir {*}$::option(args)]]
    wait_for {[string match "*Ready to accept*" [slurp $dir/out]]} 10000
    set first [client::dial -port $port -auth ""]
    expect PONG { $first PING }
    set open {}
    for {set i 0} {$i < 150} {incr i} { lappend open [client::dial -port $port -auth ""] }
    expect PONG { $first PING }
    set before [server::cpu_ms_of /proc/$pid/stat]
    sleep_ms 400
    expect_true {[server::cpu_ms_of /proc/$pid/stat] - $before < [scaled_ms 100]}
    expect PONG { $first PING }
    foreach c $open { client::hangup $c }
    wait_for {![catch { set c [client::dial -port $port -auth ""]; $c PING }]}
    keeper::signal $pid TERM
    expect 0 { keeper::wait_exit $pid [scaled_ms 10000] }
}

test "P4: refused connections do not make the server spin" {
    with_config {maxclients 5} {
        set open {}
        for {set i 0} {$i < 4} {incr i} { lappend open [client::dial] }
        for {set i 0} {$i < 50} {incr i} { client::gone [stranger] }
        set before [server::cpu_ms]
        sleep_ms 400
        expect_true {[server::cpu_ms] - $before < [scaled_ms 100]}
    }
    foreach c $open { client::hangup $c }
    wait_for {[info_field connected_clients clients] == 1}
}

test "P5: an empty request leaves no state behind, however it is cut" {
    foreach nothing [list "*0\r\n" "\r\n" "*-1\r\n" "*-10\r\n"] {
        foreach request [list "PING\r\n" "*1\r\n\$4\r\nPING\r\n"] {
            set bytes "[client::encode AUTH secret]$nothing$request"
            for {set cut 1} {$cut < [string length $bytes]} {incr cut} {
                set c [stranger]
                client::write $c [string range $bytes 0 $cut-1]
                sleep_ms 0
                client::write $c [string range $bytes $cut end]
                expect {OK PONG} { client::replies $c 2 }
                client::hangup $c
            }
        }
    }
}

test "P6: HTTP requests are dropped and logged" {
    foreach text [list "POST / HTTP/1.1\r\nHost: x\r\n\r\nAUTH secret\r\nSET smuggled 1\r\n" \
            "Host: x\r\nAUTH secret\r\nSET smuggled 1\r\n" \
            "post /\r\nAUTH secret\r\nSET smuggled 1\r\n"] {
        set c [stranger]
        client::write $c $text
        expect_true {![string match "*OK*" [client::until_eof $c]]}
    }
    expect 0 { ask EXISTS smuggled }
    expect_match "*Possible SECURITY ATTACK*" { server::log_text }
}

test "P7: a wrong password and an unknown user get the same answer" {
    set c [stranger]
    set answers {}
    foreach request {{AUTH wrong} {AUTH default wrong} {AUTH nobody secret} {AUTH "" ""}
            {AUTH s} {AUTH secre} {AUTH secret2} {HELLO 3 AUTH default wrong}
            {HELLO 3 AUTH nobody secret}} {
        catch { $c {*}$request } answer
        lappend answers $answer
    }
    expect {{WRONGPASS invalid username-password pair or user is disabled.}} {
        lsort -unique $answers
    }
    expect_error "NOAUTH*" { $c GET k }
}

test "P7: thousands of guesses change nothing" {
    set c [stranger]
    for {set i 0} {$i < [by_load 200 500 10000]} {incr i} {
        set requests {}
        for {set j 0} {$j < 10} {incr j} {
            lappend requests [list AUTH [string range secret 0 $j-4]$i]
        }
        foreach answer [client::pipeline $c $requests] {
            expect_match "(error) WRONGPASS*" { set answer }
        }
    }
    expect_error "NOAUTH*" { $c GET k }
    still_well
}

# Student's t of the times that two requests take.
proc t_of_times {one other} {
    set c [stranger]
    foreach class {0 1} { set n($class) 0; set sum($class) 0.0; set squares($class) 0.0 }
    for {set i 0} {$i < 40000} {incr i} {
        set class [random_int 2]
        set request [lindex [list $one $other] $class]
        set from [clock microseconds]
        catch { $c {*}$request }
        set took [expr {[clock microseconds] - $from}]
        if {$took > 500} continue
        incr n($class)
        set sum($class) [expr {$sum($class) + $took}]
        set squares($class) [expr {$squares($class) + double($took) * $took}]
    }
    foreach class {0 1} {
        set mean($class) [expr {$sum($class) / $n($class)}]
        set var($class) [expr {$squares($class) / $n($class) - $mean($class) ** 2}]
    }
    return [expr {($mean(0) - $mean(1)) / sqrt($var(0) / $n(0) + $var(1) / $n(1))}]
}

test "P7: the time of AUTH tells neither how much of a guess is right nor whether the user exists" -tags {full
    baton-only} {
    foreach {one other} {
        {AUTH secreX} {AUTH Xecret} {AUTH default secreX} {AUTH defaulu secreX}
    } {
        set t [t_of_times $one $other]
        expect_true {abs($t) < 4.5}
    }
}

test "P8: giant and odd credentials" {
    set c [stranger]
    expect_error "WRONGPASS*" { $c AUTH [string repeat u 16000] [string repeat p 16000] }
    expect_error "WRONGPASS*" { $c HELLO 3 AUTH [string repeat u 16000] p }
    expect_error "WRONGPASS*" { $c AUTH "a\x00b" "c\r\n+OK" }
    expect_error "*" { $c HELLO 3 AUTH default secret SETNAME "a\r\nb" }
    set d [stranger]
    expect_error "ERR Client names cannot contain*" {
        $d HELLO 3 AUTH default secret SETNAME "a b"
    }
    still_well
}

test "P13: many clients that send one byte at a time" {
    set request [client::encode SET slow[string repeat k 20] value]
    set open {}
    set before [server::rss]
    set n [by_load 60 150 1000]
    for {set i 0} {$i < $n} {incr i} {
        set c [client::dial]
        lappend open $c
    }
    for {set at 0} {$at < [string length $request]} {incr at} {
        foreach c $open { client::write $c [string index $request $at] }
        if {$at % 8 == 0} { still_well }
    }
    foreach c $open { expect OK { client::reply $c } }
    expect_true {[server::rss] - $before < $n * 65536 + 8 * 1048576}
}
