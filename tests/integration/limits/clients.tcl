# maxmemory-clients: the memory of all clients together.

suite

# A client with `n` bytes of a command that is not whole. Gives it with its id.
proc holder {n} {
    set c [client::dial]
    set id [$c CLIENT ID]
    client::write $c "*2\r\n\$4\r\nECHO\r\n\$100000000\r\n[string repeat v $n]"
    wait_for {[dict get [client_entry $id] qbuf] >= $n}
    return [list $c $id]
}

# The client that asks is not to be closed itself.
proc limited {limit body} {
    ask CLIENT NO-EVICT ON
    ask CONFIG SET maxmemory-clients $limit
    try { uplevel 1 $body } finally { ask CONFIG SET maxmemory-clients 0 }
}

proc total {} {
    set sum 0
    foreach line [split [string trim [ask CLIENT LIST]] \n] {
        regexp {tot-mem=(\d+)} $line - n
        incr sum $n
    }
    return $sum
}

test "the largest clients are closed, until the others fit" {
    foreach size {100000 1000000 3000000 100000 1000000 3000000} { lappend open [holder $size] }
    ask CONFIG RESETSTAT
    set limit [expr {[total] - 100000}]
    limited $limit {
        wait_for {[info_field evicted_clients stats] == 1}
        expect_true {[total] <= $limit}
        foreach {one gone} {0 0 1 0 3 0 4 0} {
            expect $gone { expr {[client_entry [lindex $open $one 1]] eq {}} }
        }
        ask CONFIG SET maxmemory-clients 1000000
        wait_for {[info_field evicted_clients stats] == 4}
        expect_true {[total] <= 1000000}
        foreach {one gone} {0 0 1 1 2 1 3 0 4 1 5 1} {
            expect $gone { expr {[client_entry [lindex $open $one 1]] eq {}} }
        }
    }
    foreach one {1 2 4 5} { expect_true {[client::gone [lindex $open $one 0]]} }
    wait_for {[string match "*Evicting client: id=*" [server::log_text]]}
}

test "CLIENT NO-EVICT is counted, and stays" {
    set c [client::dial]
    set id [$c CLIENT ID]
    $c CLIENT NO-EVICT ON
    client::write $c "*2\r\n\$4\r\nECHO\r\n\$100000000\r\n[string repeat v 2000000]"
    wait_for {[dict get [client_entry $id] qbuf] >= 2000000}
    lassign [holder 200000] other other_id
    limited 1000000 {
        wait_for {[client_entry $other_id] eq {}}
        expect_true {[client_entry $id] ne {}}
    }
}

test "a command that is over the limit alone does not run" {
    wait_for {[total] < 500000} ;# those of the test before are gone
    set c [client::dial]
    limited 1000000 {
        expect OK { $c SET k [string repeat v 300000] }
        catch { client::write $c [client::encode SET k [string repeat w 1500000]] }
        expect_true {[client::gone $c]}
        expect 300000 { ask STRLEN k }
    }
}

test "what is queued, held, watched and left unread counts" {
    wait_for {[total] < 500000} ;# those of the test before are gone
    ask SET big [string repeat x 100000]
    limited 1000000 {
        set c [client::dial]
        $c MULTI
        catch { for {set i 0} {$i < 20} {incr i} { $c SET k [string repeat v 100000] } }
        expect_true {[client::gone $c]}

        set c [client::dial]
        client::write $c [client::encode BLPOP nothing 0]
        catch { for {set i 0} {$i < 20} {incr i} { client::write $c [client::encode SET k [string repeat v 100000]] } }
        expect_true {[client::gone $c]}

        set c [client::dial]
        catch { for {set i 0} {$i < 20000} {incr i} { $c WATCH [string repeat w 100]$i } }
        expect_true {[client::gone $c]}

        set c [client::dial]
        set id [$c CLIENT ID]
        wait_for { [catch { client::write $c [string repeat [client::encode GET big] 50] }] || [client_entry $id] eq {} }
        wait_for {[client_entry $id] eq {}}
    }
}

test "many small clients: as many go as must" {
    set count [by_load 100 300 2000]
    for {set i 0} {$i < $count} {incr i} { client::dial }
    set all [total]
    limited [expr {$all / 2 > 200000 ? $all / 2 : 200000}] {
        wait_for {[total] <= $all / 2 || $all / 2 < 200000}
        expect PONG { ask PING }
    }
}

# X5 of the list of attacks: clients that wait for one key are closed while the key is served.
test "clients are closed while the key that they wait for is served" {
    limited 1000000 {
        for {set round 0} {$round < [by_load 5 20 200]} {incr round} {
            set open {}
            for {set i 0} {$i < 4} {incr i} {
                set c [client::dial]
                catch {
                    client::write $c [client::encode BLPOP list 0][client::encode SET k [string repeat v 600000]]
                }
                lappend open $c
            }
            set pusher [client::dial]
            catch { client::write $pusher [string repeat [client::encode RPUSH list a b c d] 50] }
            expect PONG { ask PING }
            foreach c [linsert $open 0 $pusher] { client::hangup $c }
        }
        expect PONG { ask PING }
    }
}
