# What the tests of DUMP and RESTORE share: values of every type and form, how to make them, and how
# to tell whether two keys hold the same.
#
# `dumps::cases` is a list of {name commands-it-needs settings requests}: the requests make the key
# `k` under these settings. dump_samples.txt holds, for each name, what DUMP of Debian's redis-server
# 7.0.15 said then, in hex: `tclsh dumps.tcl record PORT` writes it anew from a server on that port.

namespace eval dumps {
    variable cases {}
    variable samples
    array set samples {}
}

proc dumps::add {name needs settings args} {
    variable cases
    lappend cases [list $name $needs $settings $args]
}

# `count` words: requests of one command over and over, each with the number in the place of #.
proc dumps::each {count request} {
    set all {}
    for {set i 0} {$i < $count} {incr i} { lappend all [string map [list # $i] $request] }
    return $all
}

proc dumps::words {count word} {
    set all {}
    for {set i 0} {$i < $count} {incr i} { lappend all {*}[string map [list # $i] $word] }
    return $all
}

# Every byte, in an order that compresses badly.
proc dumps::all_bytes {} {
    set out ""
    for {set i 0} {$i < 256} {incr i} { append out [binary format c [expr {$i * 167 % 256}]] }
    return $out
}

namespace eval dumps {
    add string_empty set {} {SET k ""}
    add string_int8 set {} {SET k -7}
    add string_int16 set {} {SET k 30000}
    add string_int32 set {} {SET k -2000000000}
    add string_int64 set {} {SET k 9223372036854775807}
    add string_short set {} {SET k "a few words"}
    add string_binary set {} [list SET k [all_bytes]]
    add string_repeats set {} [list SET k [string repeat "over and over " 300]]
    add string_edited append {} {SET k 12} {APPEND k 34}
    add string_hll pfadd {} {PFADD k a b c d e}

    add list_small rpush {} {RPUSH k a 1 -70000 "" 9223372036854775807 last}
    add list_nodes rpush {list-max-listpack-size 4} [list RPUSH k {*}[words 50 item#]]
    add list_repeats rpush {} [list RPUSH k {*}[words 300 "the-same-text-0"]]
    add list_bytes rpush {list-max-listpack-size -1} \
        [list RPUSH k [string repeat x 3000] {*}[words 40 [string repeat y 200]#] [all_bytes]]

    add set_ints16 sadd {} {SADD k 5 -3 1000}
    add set_ints32 sadd {} {SADD k 5 -3 1000000}
    add set_ints64 sadd {} {SADD k 5 -3 5000000000}
    add set_words sadd {} {SADD k a b c 1 2 3 ""}
    add set_large sadd {} [list SADD k {*}[words 700 member:#]]
    add set_many_ints sadd {set-max-intset-entries 4} [list SADD k {*}[words 40 #]]

    add hash_small hset {} {HSET k a 1 b two "" empty c "" 17 -5}
    add hash_large hset {} [list HSET k {*}[words 300 {field:# value:#}]]
    add hash_long_value hset {} [list HSET k f [string repeat v 5000] g [all_bytes]]

    add zset_small zadd {} {ZADD k 1 one 2 two 2 deux -0.5 minus 3.25 "" inf top -inf bottom 7 7}
    add zset_large zadd {} [list ZADD k {*}[words 300 {# member:#}]] \
        {ZADD k inf top -inf bottom 1e300 huge 0.1 tenth}
    add zset_long_member zadd {} [list ZADD k 1.5 [string repeat m 200] 2.5 [all_bytes]]
    add zset_geo geoadd {} {GEOADD k 13.361389 38.115556 Palermo 15.087269 37.502669 Catania}

    add stream_small xadd {} {XADD k 1-1 f v g w} {XADD k 1-2 f x g y} {XADD k 5-0 other 1 more 2}
    add stream_nodes xadd {stream-node-max-entries 5} {*}[each 40 {XADD k 1#-1 f v#}]
    add stream_deleted xadd {} {*}[each 10 {XADD k 1#-1 f v#}] {XDEL k 13-1 17-1} {XTRIM k MINID 11-1}
    add stream_empty xadd {} {XADD k 7-7 f v} {XDEL k 7-7}
    add stream_groups "xadd xgroup xreadgroup" {} {*}[each 6 {XADD k 1#-1 f v#}] \
        {XGROUP CREATE k g1 0} {XGROUP CREATE k g2 $} {XGROUP CREATECONSUMER k g1 idle} \
        {XREADGROUP GROUP g1 alice COUNT 2 STREAMS k >} {XREADGROUP GROUP g1 bob COUNT 3 STREAMS k >} \
        {XACK k g1 11-1} {XDEL k 12-1}
}

# Makes a case's key on the server behind `c`.
proc dumps::make {c case} {
    lassign $case name needs settings requests
    set old {}
    foreach option [dict keys $settings] { lappend old {*}[client::ask $c CONFIG GET $option] }
    client::ask $c DEL k
    if {[llength $settings]} { client::ask $c CONFIG SET {*}$settings }
    foreach request $requests { client::ask $c {*}$request }
    if {[llength $old]} { client::ask $c CONFIG SET {*}$old }
}

# ---- what a key holds, in a form that can be compared

proc dumps::content {c key} {
    set type [client::ask $c TYPE $key]
    switch -- $type {
        string { set value [client::ask $c GET $key] }
        list { set value [client::ask $c LRANGE $key 0 -1] }
        set { set value [lsort [client::ask $c SMEMBERS $key]] }
        zset { set value [scores [client::ask $c ZRANGE $key 0 -1 WITHSCORES]] }
        hash { set value [pairs [client::ask $c HGETALL $key]] }
        stream { set value [stream $c $key] }
        default { set value "" }
    }
    return [list $type $value]
}

# Redis 7.0 and 7.2 print the same double differently.
proc dumps::scores {flat} {
    set all {}
    foreach {member score} $flat { lappend all $member [expr {$score + 0.0}] }
    return $all
}

proc dumps::pairs {flat} {
    set all {}
    foreach {field value} $flat { lappend all [list $field $value] }
    return [lsort $all]
}

proc dumps::stream {c key} {
    set info [client::ask $c XINFO STREAM $key]
    set out [list [client::ask $c XRANGE $key - +]]
    foreach name {length last-generated-id max-deleted-entry-id entries-added groups} {
        lappend out [dict get $info $name]
    }
    foreach group [client::ask $c XINFO GROUPS $key] {
        lappend out $group
        set name [dict get $group name]
        foreach consumer [client::ask $c XINFO CONSUMERS $key $name] {
            lappend out [dict get $consumer name] [dict get $consumer pending]
        }
        foreach pending [client::ask $c XPENDING $key $name - + 1000] {
            lassign $pending id consumer idle deliveries
            lappend out $id $consumer $deliveries
        }
    }
    return $out
}

# ---- payloads

proc dumps::load {folder} {
    variable samples
    foreach line [split [string trim [slurp [file join $folder dump_samples.txt]]] \n] {
        lassign $line name hex
        set samples($name) [binary format H* $hex]
    }
}

# CRC-64 of Jones, bit by bit.
proc dumps::crc64 {bytes} {
    set crc 0
    binary scan $bytes cu* codes
    foreach code $codes {
        set crc [expr {$crc ^ $code}]
        for {set bit 0} {$bit < 8} {incr bit} {
            set crc [expr {$crc & 1 ? ($crc >> 1) ^ 0x95ac9329ac4bc9b5 : $crc >> 1}]
        }
    }
    return $crc
}

# A payload: type byte, what follows, footer.
proc dumps::payload {type body {version 10}} {
    return [seal [binary format c $type]$body $version]
}

proc dumps::seal {body version} {
    append body [binary format s $version]
    return $body[binary format w [crc64 $body]]
}

# A length, and a string that is written as it is.
proc dumps::len {n} {
    if {$n < 64} { return [binary format c $n] }
    if {$n < 16384} { return [binary format S [expr {$n | 0x4000}]] }
    return \x80[binary format I $n]
}

proc dumps::str {text} { return [len [string length $text]]$text }

proc dumps::is_int {text} { return [regexp {^(0|-?[1-9][0-9]{0,17})$} $text] }

# The compact forms of these items, integers as integers.
proc dumps::ziplist {args} {
    set body ""
    set before 0
    set last 10
    foreach item $args {
        set last [expr {10 + [string length $body]}]
        set head [expr {$before < 254 ? [binary format c $before] : "\xfe[binary format i $before]"}]
        set entry $head[ziplist_item $item]
        set before [string length $entry]
        append body $entry
    }
    set bytes [expr {11 + [string length $body]}]
    return [binary format iis $bytes $last [llength $args]]$body\xff
}

proc dumps::ziplist_item {item} {
    if {![is_int $item]} {
        set n [string length $item]
        if {$n < 64} { return [binary format c $n]$item }
        return [binary format S [expr {$n | 0x4000}]]$item
    }
    if {$item >= 0 && $item <= 12} { return [binary format c [expr {0xf1 + $item}]] }
    if {$item >= -128 && $item <= 127} { return \xfe[binary format c $item] }
    if {$item >= -32768 && $item <= 32767} { return \xc0[binary format s $item] }
    if {$item >= -8388608 && $item <= 8388607} {
        return \xf0[string range [binary format i $item] 0 2]
    }
    if {$item >= -2147483648 && $item <= 2147483647} { return \xd0[binary format i $item] }
    return \xe0[binary format w $item]
}

# Texts below 64 bytes, integers from 0 to 127.
proc dumps::listpack {args} {
    set body ""
    foreach item $args {
        if {[is_int $item] && $item >= 0 && $item < 128} {
            append body [binary format cc $item 1]
        } else {
            set n [string length $item]
            append body [binary format c [expr {0x80 | $n}]] $item [binary format c [expr {$n + 1}]]
        }
    }
    return [binary format is [expr {7 + [string length $body]}] [llength $args]]$body\xff
}

proc dumps::intset {width args} {
    set letter [dict get {2 s 4 i 8 w} $width]
    set out [binary format ii $width [llength $args]]
    foreach n $args { append out [binary format $letter $n] }
    return $out
}

proc dumps::zipmap {args} {
    set out [binary format c [expr {[llength $args] / 2}]]
    foreach {field value} $args {
        append out [binary format c [string length $field]] $field
        append out [binary format cc [string length $value] 1] $value .
    }
    return $out\xff
}

proc dumps::hex {text} {
    binary scan $text H* hex
    return $hex
}

# ---- recording

if {[info exists argv] && [lindex $argv 0] eq "record"} {
    set here [file dirname [file normalize [info script]]]
    namespace eval server { variable current "" }
    namespace eval suite {}
    proc suite::note_client {c} {}
    proc server::auth {h} { return "" }
    proc scaled_ms {ms} { return $ms }
    source [file join $here client.tcl]
    set c [client::dial -port [lindex $argv 1]]
    set out [open [file join $here dump_samples.txt] w]
    foreach case $dumps::cases {
        dumps::make $c $case
        puts $out "[lindex $case 0] [dumps::hex [client::ask $c DUMP k]]"
    }
    close $out
}

# All of them, each under the name of its case.
proc dumps::make_all {c} {
    variable cases
    foreach case $cases {
        make $c $case
        client::ask $c RENAME k [lindex $case 0]
    }
}
