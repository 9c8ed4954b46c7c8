# CLIENT TRACKING's options, and what tells of them.

suite

test "arguments" {
    expect_errors {
        {CLIENT TRACKING} "ERR wrong number of arguments for 'client|tracking' command"
        {CLIENT TRACKING maybe} "ERR syntax error"
        {CLIENT TRACKING on what} "ERR syntax error"
        {CLIENT TRACKING on REDIRECT} "ERR syntax error"
        {CLIENT TRACKING on BCAST PREFIX} "ERR syntax error"
        {CLIENT TRACKING on REDIRECT 1x} "ERR value is not an integer or out of range"
        {CLIENT TRACKING on REDIRECT 0} "ERR The client ID you want redirect to does not exist"
        {CLIENT TRACKING on REDIRECT -1} "ERR The client ID you want redirect to does not exist"
        {CLIENT TRACKING off REDIRECT 9999} "ERR The client ID you want redirect to does not exist"
        {CLIENT TRACKING on PREFIX a} "ERR PREFIX option requires BCAST mode to be enabled"
        {CLIENT TRACKING on BCAST OPTIN} "ERR OPTIN and OPTOUT are not compatible with BCAST"
        {CLIENT TRACKING on OPTIN OPTOUT} "ERR You can't specify both OPTIN mode and OPTOUT mode"
        {CLIENT CACHING yes} "ERR CLIENT CACHING can be called only when the client is in tracking mode*"
        {CLIENT CACHING} "ERR wrong number of arguments for 'client|caching' command"
    }
    set id [ask CLIENT ID]
    expect_error "ERR A client can only redirect to a single other client" {
        ask CLIENT TRACKING on REDIRECT $id REDIRECT $id }
    expect -1 { ask CLIENT GETREDIR }
    expect OK { ask CLIENT TRACKING off PREFIX x }
}

test "what cannot be changed without switching off" {
    ask CLIENT TRACKING on OPTIN
    expect_errors {
        {CLIENT TRACKING on OPTOUT} "ERR You can't switch OPTIN/OPTOUT mode before disabling*"
        {CLIENT TRACKING on BCAST} "ERR You can't switch BCAST mode on/off before disabling*"
        {CLIENT CACHING no} "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."
        {CLIENT CACHING maybe} "ERR syntax error"
    }
    expect OK { ask CLIENT TRACKING on }
    expect OK { ask CLIENT TRACKING on OPTOUT NOLOOP }
    expect_error "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode." {
        ask CLIENT CACHING yes }
    ask CLIENT TRACKING off
    ask CLIENT TRACKING on BCAST
    expect_error "ERR You can't switch BCAST mode on/off*" { ask CLIENT TRACKING on }
}

test "prefixes of a client do not overlap" {
    foreach {prefixes pattern} {
        {FOOBAR FOO} "ERR Prefix 'FOOBAR' overlaps with another provided prefix 'FOO'. Prefixes for a single client must not overlap."
        {FOO x FOOBAR} "ERR Prefix 'FOO' overlaps with another provided prefix 'FOOBAR'.*"
        {a a} "ERR Prefix 'a' overlaps with another provided prefix 'a'.*"
        {{} a} "ERR Prefix '' overlaps with another provided prefix 'a'.*"
    } {
        set words {}
        foreach prefix $prefixes { lappend words PREFIX $prefix }
        expect_error $pattern { ask CLIENT TRACKING on BCAST {*}$words }
        expect -1 { ask CLIENT GETREDIR }
    }
    ask CLIENT TRACKING on BCAST PREFIX FOO PREFIX BAR PREFIX BAZ
    foreach {prefix existing} {FO FOO BARB BAR FOO FOO BAZZZ BAZ B BAR} {
        expect_error "ERR Prefix '$prefix' overlaps with an existing prefix '$existing'.*" {
            ask CLIENT TRACKING on BCAST PREFIX new PREFIX $prefix }
    }
    expect_error "ERR Prefix '' overlaps with an existing prefix 'BAR'.*" {
        ask CLIENT TRACKING on BCAST PREFIX "" }
    expect {BAR BAZ FOO} { dict get [ask CLIENT TRACKINGINFO] prefixes }
    ask CLIENT TRACKING on BCAST PREFIX C
    expect {BAR BAZ C FOO} { dict get [ask CLIENT TRACKINGINFO] prefixes }
    # Without a prefix: every key, whatever others there are; then there is room for none.
    expect OK { ask CLIENT TRACKING on BCAST }
    expect OK { ask CLIENT TRACKING on BCAST }
    expect {{} BAR BAZ C FOO} { dict get [ask CLIENT TRACKINGINFO] prefixes }
    expect_error "ERR Prefix 'x' overlaps with an existing prefix ''.*" {
        ask CLIENT TRACKING on BCAST PREFIX x }
}

test "thousands of prefixes in any order" {
    set prefixes {}
    for {set i 0} {$i < 3000} {incr i} { lappend prefixes [format %04d: [expr {$i * 7 % 3000}]] }
    foreach {a b c} $prefixes { ask CLIENT TRACKING on BCAST PREFIX $a PREFIX $b PREFIX $c }
    expect [lsort $prefixes] { dict get [ask CLIENT TRACKINGINFO] prefixes }
    expect 3000 { info_field tracking_total_prefixes }
    expect_error "ERR Prefix '0123:4' overlaps*'0123:'*" {
        ask CLIENT TRACKING on BCAST PREFIX 0123:4 }
    expect_error "ERR Prefix '0123' overlaps*'0123:'*" {
        ask CLIENT TRACKING on BCAST PREFIX 0123 }
    set words {}
    foreach prefix $prefixes { lappend words PREFIX $prefix.more }
    set c [client::dial]
    $c CLIENT TRACKING on BCAST {*}$words
    expect 6000 { info_field tracking_total_prefixes }
    expect_true {[dict get [client_entry [ask CLIENT ID]] tot-mem] > 3000 * 64}
    ask CLIENT TRACKING off
    expect 3000 { info_field tracking_total_prefixes }
    client::hangup $c
    wait_for {[info_field tracking_total_prefixes] == 0}
}

test "TRACKINGINFO" {
    expect {flags off redirect -1 prefixes {}} { ask CLIENT TRACKINGINFO }
    foreach {options flags} {
        {} on
        OPTIN {on optin}
        OPTOUT {on optout}
        {NOLOOP OPTIN} {on optin noloop}
        BCAST {on bcast}
        {BCAST NOLOOP} {on bcast noloop}
    } {
        ask CLIENT TRACKING on {*}$options
        expect $flags { dict get [ask CLIENT TRACKINGINFO] flags }
        ask CLIENT TRACKING off
    }
    ask CLIENT TRACKING on OPTIN
    ask CLIENT CACHING yes
    expect {on optin caching-yes} { dict get [ask CLIENT TRACKINGINFO] flags }
    ask PING
    expect {on optin} { dict get [ask CLIENT TRACKINGINFO] flags }
    ask CLIENT TRACKING off
    ask CLIENT TRACKING on OPTOUT
    ask CLIENT CACHING no
    expect {on optout caching-no} { dict get [ask CLIENT TRACKINGINFO] flags }
    set c [client::dial -resp 3]
    expect {map {{bulk flags} {set {{bulk off}}} {bulk redirect} {int -1} {bulk prefixes} {array {}}}} {
        client::ask_typed $c CLIENT TRACKINGINFO }
}

test "CLIENT LIST, GETREDIR and INFO" {
    set c [client::dial -resp 3]
    set id [$c CLIENT ID]
    set to [ask CLIENT ID]
    expect {N -1} { dict values [dict filter [client_entry $id] key flags redir] }
    $c CLIENT TRACKING on
    expect {t 0} { dict values [dict filter [client_entry $id] key flags redir] }
    expect 0 { $c CLIENT GETREDIR }
    $c CLIENT TRACKING on REDIRECT $to
    expect [list t $to] { dict values [dict filter [client_entry $id] key flags redir] }
    expect $to { $c CLIENT GETREDIR }
    expect 1 { info_field tracking_clients }
    $c CLIENT TRACKING off
    $c CLIENT TRACKING on BCAST
    expect {tB 0} { dict values [dict filter [client_entry $id] key flags redir] }
    expect 1 { info_field tracking_total_prefixes }
    client::hangup $c
    wait_for {[info_field tracking_clients] == 0}
    expect 0 { info_field tracking_total_prefixes }
}

test "RESET puts an end to it" {
    ask CLIENT TRACKING on BCAST
    ask RESET
    expect N { dict get [client_entry [ask CLIENT ID]] flags }
    expect {flags off redirect -1 prefixes {}} { ask CLIENT TRACKINGINFO }
    expect 0 { info_field tracking_total_prefixes }
}
