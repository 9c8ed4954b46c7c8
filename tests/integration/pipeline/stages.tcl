# What the server tells of its stages and threads.

suite

# INFO stages as a dict: stage name -> dict of its fields.
proc stages {} {
    set found {}
    foreach line [split [string map {\r ""} [ask INFO stages]] \n] {
        if {![regexp {^(?:stage[_-]?)?((?:accept|parse|execute|write)(?:-\d+)?):(.*)$} $line -> \
                name rest]} continue
        dict set found $name [fields_of $rest ,]
    }
    return $found
}

# The value of the one field whose name matches one of the patterns.
proc figure {fields args} {
    foreach pattern $args {
        set names [dict keys $fields $pattern]
        if {[llength $names]} { return [dict get $fields [lindex $names 0]] }
    }
    fail "no field like $args among [dict keys $fields]"
}

# True when the run forces a plan of its own on the server.
proc plan_is_given {} { return [expr {"--threads" in $::option(args)}] }

test "INFO stages is a section of its own, and part of everything" -tags baton-only {
    expect_match "# Stages\r\n*" { ask INFO stages }
    expect_match "*# Stages\r\n*" { ask INFO everything }
}

test "INFO stages lists accept, parse-0, execute and write-0" -tags baton-only {
    foreach name {accept parse-0 execute write-0} { expect_true {[dict exists [stages] $name]} }
}

test "every stage tells its home and its figures" -tags baton-only {
    expect_true {[dict size [stages]] >= 4}
    dict for {name fields} [stages] {
        foreach patterns {{*thread* *home*} *cpu* turns* items* *busy* {*queue* *depth*}
                {*lent* *lender*} *wake* *p50* *p99*} {
            expect_match {*[0-9a-z]*} { figure $fields {*}$patterns }
        }
    }
}

test "the figures move with the work" -tags baton-only {
    set before [stages]
    for {set i 0} {$i < 500} {incr i} { ask SET k $i }
    set after [stages]
    foreach name {parse-0 execute write-0} {
        set grown [expr {[figure [dict get $after $name] turns*] -
            [figure [dict get $before $name] turns*]}]
        expect_true {$grown >= 500}
        expect_true {[figure [dict get $after $name] items*] >
            [figure [dict get $before $name] items*]}
    }
}

test "threads bear the names of their stages" -tags baton-only {
    if {[plan_is_given]} { skip "the plan is not the default" }
    set names [dict values [server::threads]]
    foreach name {accept parse-0 execute write-0} { expect_true {$name in $names} }
}

test "home threads are pinned, each to CPUs that this process may use" -tags baton-only {
    set allowed {}
    foreach line [split [slurp /proc/[pid]/status] \n] {
        if {[string match Cpus_allowed_list:* $line]} { set allowed [lindex $line 1] }
    }
    set pinned 0
    dict for {tid name} [server::threads] {
        foreach line [split [slurp /proc/[server::pid]/task/$tid/status] \n] {
            if {[string match Cpus_allowed_list:* $line]} {
                if {[string is integer -strict [lindex $line 1]]} { incr pinned }
                set of($name) [lindex $line 1]
            }
        }
    }
    if {[string is integer -strict $allowed]} { skip "only one CPU here" }
    expect_true {$pinned >= 1}
}

test "an impossible plan is refused in one line" -tags baton-only {
    foreach plan {nosuch accept parse+execute accept/parse/execute/write/execute +} {
        set got [server::run [list --port 0 --save "" --threads $plan]]
        if {[dict get $got code] ne "1"} { fail "plan '$plan' gave [dict get $got code]" }
        expect_match *threads* { dict get $got err }
    }
}

test "an impossible backend is refused" -tags baton-only {
    set got [server::run {--port 0 --save "" --io-backend nosuch}]
    expect 1 { dict get $got code }
    expect_match *io-backend* { dict get $got err }
}

test "CONFIG GET shows plan and backend" -tags baton-only {
    expect_match "threads ?*" { ask CONFIG GET threads }
    expect_true {[lindex [ask CONFIG GET io-backend] 1] in {auto io_uring epoll}}
}

test "io-threads is understood" {
    set h [server::start -config {"io-threads 2" "io-threads-do-reads yes"}]
    with_server $h {
        expect {io-threads 2} { ask CONFIG GET io-threads }
        load::start 10 -depth 5
        load::for_rounds 100
        load::stop
    }
}

test "an idle server after load is idle" -tags slow {
    load::start 20 -depth 5
    load::for_rounds 300
    load::stop
    sleep_ms 300
    set before [server::cpu_ms]
    sleep_ms 1500
    expect_true {[server::cpu_ms] - $before <= 50}
}
