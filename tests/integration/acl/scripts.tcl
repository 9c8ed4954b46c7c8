# Rules within scripts: what a script calls is checked as the caller's own commands are.

suite

proc as {args} {
    ask ACL SETUSER u reset on nopass {*}$args
    set c [client::dial]
    $c AUTH u x
    return $c
}

test "a script may what its caller may" -needs eval {
    set c [as +eval +get ~k]
    ask SET k v
    expect v { $c EVAL {return redis.call('get', KEYS[1])} 1 k }
    expect v { $c EVAL {return redis.call('get', 'k')} 0 }
    expect_match "*NOPERM*" { catch { $c EVAL {return redis.call('set', KEYS[1], 'x')} 1 k } why; set why }
    expect_match "*NOPERM*" { catch { $c EVAL {return redis.call('get', 'x')} 0 } why; set why }
    expect_error "NOPERM*" { $c EVAL {return 1} 1 x }
    expect_match "*NOPERM*" { $c EVAL {return redis.pcall('get', 'x')['err']} 0 }
    expect v { ask GET k }
    expect_error "NOPERM*'evalsha'*" { $c EVALSHA 0123456789012345678901234567890123456789 0 }
}

test "what is denied within a script is logged as such" -tags baton-only -needs eval {
    ask ACL LOG RESET
    set c [as +eval +get ~k]
    catch { $c EVAL {return redis.call('set', KEYS[1], 'x')} 1 k }
    set entry [lindex [ask ACL LOG] 0]
    expect {lua command set u} {
        list [dict get $entry context] [dict get $entry reason] [dict get $entry object] [dict get $entry username]
    }
    expect_match *cmd=eval* { dict get $entry client-info }
    catch { $c EVAL {return redis.call('get', 'other')} 0 }
    expect {key other} {
        set entry [lindex [ask ACL LOG] 0]
        list [dict get $entry reason] [dict get $entry object]
    }
}

test "redis.acl_check_cmd" -needs eval {
    set c [as +eval +get +hset ~k*]
    foreach {call wanted} {
        {'get','k'} 1 {'get','x'} (nil) {'set','k','v'} (nil) {'hset','kk','f','v'} 1
    } {
        expect $wanted { $c EVAL "return redis.acl_check_cmd($call)" 0 }
    }
    expect_match "ERR *Invalid command passed to redis.acl_check_cmd()*" {
        catch { $c EVAL {return redis.acl_check_cmd('nosuch','x')} 0 } why; set why
    }
}

test "X4: a script that ends its own session runs on without rights" -tags baton-only -needs eval {
    set c [as +@all ~* &*]
    client::send $c EVAL {
        redis.call('set', 'before', 1)
        return redis.pcall('acl', 'deluser', 'u')['err'] or 'deleted'
    } 0
    expect_match "*ERR*not allowed from script*" { client::reply $c }
    expect 1 { ask GET before }
}
