# EVAL, EVALSHA and SCRIPT: arguments, values in both directions, errors, first lines, the cache.

suite -config {"enable-debug-command yes"}

proc eval0 {script args} { ask EVAL $script 0 {*}$args }
# What `script` gives as {type value} to a client of that protocol version.
proc typed {resp script args} {
    set c [client::dial -resp $resp]
    return [client::ask_typed $c EVAL $script 0 {*}$args]
}
# The digits of a script's text.
proc digits {script} { ask SCRIPT LOAD $script }
proc digits_of {text} {
    set c [client::dial]
    set sha [$c EVAL {return redis.sha1hex(ARGV[1])} 0 $text]
    client::hangup $c
    return $sha
}

test "keys and arguments arrive as they were sent" {
    expect {a b c d} { ask EVAL {return {KEYS[1], KEYS[2], ARGV[1], ARGV[2]}} 2 a b c d }
    expect {0 0} { eval0 {return {#KEYS, #ARGV}} }
    expect "a\0b\r\n\xff" { eval0 {return ARGV[1]} "a\0b\r\n\xff" }
    expect_errors {
        {EVAL {return 1}}       "ERR wrong number of arguments for 'eval' command"
        {EVAL {return 1} x}     "ERR value is not an integer or out of range"
        {EVAL {return 1} 1}     "ERR Number of keys can't be greater than number of args"
        {EVAL {return 1} -1}    "ERR Number of keys can't be negative"
    }
    expect {a b} { ask COMMAND GETKEYS EVAL {return 1} 2 a b c }
    expect {a b} { ask COMMAND GETKEYS EVALSHA_RO x 2 a b c }
}

test "a script is found by its digits in any case" {
    set sha [digits {return KEYS[1]}]
    expect k { ask EVALSHA $sha 1 k }
    expect k { ask EVALSHA [string toupper $sha] 1 k }
    expect k { ask EVALSHA_RO $sha 1 k }
    expect {1 0 0} { ask SCRIPT EXISTS $sha [string repeat f 40] x }
    expect OK { ask SCRIPT FLUSH ASYNC }
    expect_errors [list \
        [list EVALSHA $sha 0]           "NOSCRIPT No matching script. Please use EVAL." \
        [list EVALSHA x 0]              "NOSCRIPT *" \
        [list SCRIPT LOAD "return (("]  "ERR Error compiling script (new function): user_script:1: unexpected symbol near '<eof>'" \
        [list EVAL "return ((" 0]       "ERR Error compiling script (new function): *" \
        [list SCRIPT FLUSH NOW]         "ERR SCRIPT FLUSH only support SYNC|ASYNC option" \
        [list SCRIPT NOSUCH]            "ERR unknown subcommand 'NOSUCH'. Try SCRIPT HELP."]
    expect {0} { ask SCRIPT EXISTS $sha }
}

test "EVAL keeps the 500 scripts used last, SCRIPT LOAD all" -tags baton-only {
    ask SCRIPT FLUSH
    ask CONFIG RESETSTAT
    set stays [digits "return 'stays'"]
    set first [digits_of "return 0"]
    for {set i 0} {$i < 600} {incr i} {
        eval0 "return $i"
        ask EVALSHA $first 0
    }
    # digits_of is a script, too.
    expect 501 { info_field number_of_cached_scripts memory }
    expect {1 1 0 0 1} {
        ask SCRIPT EXISTS $stays $first [digits_of "return 1"] [digits_of "return 101"] [digits_of "return 102"]
    }
    digits "return 102"
    for {set i 600} {$i < 1200} {incr i} { eval0 "return $i" }
    expect {1} { ask SCRIPT EXISTS [digits_of "return 102"] }
    expect stays { ask EVALSHA $stays 0 }
    ask SCRIPT FLUSH
    expect 0 { info_field number_of_cached_scripts memory }
    expect 0 { info_field used_memory_vm_eval memory }
}

test "Lua values become replies" {
    foreach {script two} {
        {return 3.99}                       {int 3}
        {return -3.99}                      {int -3}
        {return 1e300}                      {int -9223372036854775808}
        {return 0/0}                        {int -9223372036854775808}
        {return 'x'}                        {bulk x}
        {return true}                       {int 1}
        {return false}                      {nil {}}
        {return nil}                        {nil {}}
        {return}                            {nil {}}
        {return function() end}             {nil {}}
        {return {}}                         {array {}}
        {return {1,nil,3}}                  {array {{int 1}}}
        {return {1,{'a',{}}}}               {array {{int 1} {array {{bulk a} {array {}}}}}}
        {return {ok='fine'}}                {status fine}
        {return {ok="a\r\nb"}}              {status {a  b}}
        {return {err='MY fault'}}           {error {MY fault}}
        {return {1,{err='x y'},{ok='y'}}}   {array {{int 1} {error {x y}} {status y}}}
        {return {ok='a',err='b c'}}         {error {b c}}
        {return {ok=5}}                     {array {}}
        {return {double=3.5}}               {bulk 3.5}
        {return {map={a=1}}}                {array {{bulk a} {int 1}}}
        {return {set={a=true}}}             {array {{bulk a}}}
        {return {big_number="12\r\n3"}}     {bulk {12  3}}
        {return {verbatim_string={string='abc',format='txt'}}}  {bulk abc}
        {return {verbatim_string='abc'}}    {array {}}
        {return _G}                         {array {}}
        {local t = setmetatable({}, {__index = function() error() end}) return t}  {array {}}
    } { expect $two { typed 2 $script } }
    foreach {script three} {
        {return true}                       {int 1}
        {return nil}                        {null {}}
        {redis.setresp(3) return true}      {bool true}
        {redis.setresp(3) return false}     {bool false}
        {return {double=3.5}}               {double 3.5}
        {return {map={a={double=-0.5}}}}    {map {{bulk a} {double -0.5}}}
        {return {set={a=true}}}             {set {{bulk a}}}
        {return {big_number='123'}}         {bignum 123}
        {return {verbatim_string={string='abc',format='txt'}}}  {verbatim txt:abc}
    } { expect $three { typed 3 $script } }
}

test "nesting without end is an error within the reply" {
    set c [client::dial]
    client::send $c EVAL {local a = {} a[1] = a return a} 0
    while {[set line [client::line $c]] eq "*1"} {}
    expect {-ERR reached lua stack limit} { set line }
    expect PONG { $c PING }
}

test "replies become Lua values" {
    ask RPUSH l a b
    ask HSET h f v
    ask SADD s m
    ask ZADD z 1.5 m
    set describe {local function show(v)
        if type(v) ~= 'table' then return type(v) .. ':' .. tostring(v) end
        local names = {}
        for k in pairs(v) do names[#names + 1] = tostring(k) end
        table.sort(names)
        for i, k in ipairs(names) do
            local value = v[k]
            if value == nil then value = v[tonumber(k)] end
            names[i] = k .. '=' .. show(value)
        end
        return '{' .. table.concat(names, ',') .. '}'
    end
    redis.setresp(tonumber(ARGV[1]))
    return show(redis.pcall(unpack(ARGV, 2)))}
    foreach {resp command value} {
        2 {PING}                    {{ok=string:PONG}}
        2 {ECHO x}                  {string:x}
        2 {LLEN l}                  {number:2}
        2 {GET none}                {boolean:false}
        2 {LRANGE l 0 -1}           {{1=string:a,2=string:b}}
        2 {HGETALL h}               {{1=string:f,2=string:v}}
        2 {BLPOP none 0}            {boolean:false}
        2 {LPUSH h x}               {{err=string:WRONGTYPE Operation against a key holding the wrong kind of value,ignore_error_stats_update=boolean:true}}
        3 {GET none}                {nil:nil}
        3 {HGETALL h}               {{map={f=string:v}}}
        3 {SMEMBERS s}              {{set={m=boolean:true}}}
        3 {ZSCORE z m}              {{double=number:1.5}}
    } { expect $value { eval0 $describe $resp {*}$command } }
    ask DEBUG SET-DISABLE-DENY-SCRIPTS 1
    foreach {resp command value} {
        3 {DEBUG PROTOCOL bignum}   {{big_number=string:1234567999999999999999999999999999999}}
        3 {DEBUG PROTOCOL true}     {boolean:true}
        3 {DEBUG PROTOCOL null}     {nil:nil}
        3 {DEBUG PROTOCOL attrib}   {string:Some real reply following the attribute}
    } { expect $value { eval0 $describe $resp {*}$command } }
    expect_match {{verbatim_string={format=string:txt,string=string:This is*}}} {
        eval0 $describe 3 DEBUG PROTOCOL verbatim
    }
    ask DEBUG SET-DISABLE-DENY-SCRIPTS 0
}

test "numbers become arguments without losing digits" -tags baton-only {
    foreach {number text} {
        5 5  -7 -7  1.5 1.5  0.1 0.1  9007199254740991 9007199254740991
        1/0 inf  -1/0 -inf
    } { expect $text { eval0 "return redis.call('echo', $number)" } }
}

test "errors say what, in which script and where" {
    ask SET text x
    set line ", on @user_script:1."
    foreach {script error} {
        {return redis.call('incr','text')}  {ERR value is not an integer or out of range script: *, on @user_script:1.}
        {error('x')}                        {ERR user_script:1: x script: *, on @user_script:1.}
        {error({err='MY x'})}               {MY x script: *, on @user_script:1.}
        {error(nil)}                        {ERR nil script: *}
        {return 1 + nil}                    {ERR user_script:1: attempt to perform arithmetic on a nil value script: *}
        {return redis.call()}               {ERR Please specify at least one argument for this redis lib call script: *}
        {return redis.call({})}             {ERR Lua redis lib command arguments must be strings or integers script: *}
        {return redis.call('nosuch')}       {ERR Unknown Redis command called from script script: *}
        {return redis.call('get')}          {ERR Wrong number of args calling Redis command from script script: *}
        {return redis.call('multi')}        {ERR This Redis command is not allowed from script script: *}
        {return redis.call('eval', '', 0)}  {ERR This Redis command is not allowed from script script: *}
        {return redis.call('xread','block',0,'streams','s','$')} {ERR xread command is not allowed with BLOCK option from scripts script: *}
        {return redis.pcall('incr','text')} {ERR value is not an integer or out of range}
        {return redis.pcall()}              {ERR Please specify at least one argument for this redis lib call}
        {local t = redis.pcall('get') return {err = t.err}} {ERR Wrong number of args calling Redis command from script}
    } { expect_error $error { eval0 $script } }
    expect_error "*, on @user_script:3." { eval0 "\nlocal function f()\nredis.call('incr','text')\nend\nf()" }
    expect {(nil)} { eval0 {return pcall(redis.call, 'incr', 'text')} }
    expect {ERR value is not an integer or out of range} {
        eval0 {local ok, e = pcall(redis.call, 'incr', 'text') return e}
    }
    expect {ERR value is not an integer or out of range} {
        eval0 {local ok, e = xpcall(function() redis.call('incr', 'text') end, function(e) return e.err end) return e}
    }
}

test "an error without a text is an error all the same" -tags baton-only {
    foreach script {
        {error({})} {error(setmetatable({err='x'}, {__index=function() error() end}))}
        {error(setmetatable({}, {__tostring=function() error('y') end}))}
        {return setmetatable({err='x y'},{__index=function() error() end})} {error(redis)} {error(_G)}
    } { expect_error * { eval0 $script } }
    expect PONG { ask PING }
}

test "the functions of redis" {
    foreach {script reply} {
        {return redis.sha1hex('')}              da39a3ee5e6b4b0d3255bfef95601890afd80709
        {return redis.sha1hex(5)}               ac3478d69a3c81fa62e60f5c3696165a4e5e6ac4
        {return redis.status_reply('FINE')}     FINE
        {return redis.replicate_commands()}     1
        {return redis.breakpoint()}             (nil)
        {return redis.debug('x')}               (nil)
        {return redis.set_repl(redis.REPL_ALL)} (nil)
        {return redis.log(redis.LOG_DEBUG, 'a', 1, {})}      (nil)
        {return redis.acl_check_cmd('get', 'k')} 1
        {return redis.acl_check_cmd('get')}     1
        {return {redis.LOG_DEBUG, redis.LOG_VERBOSE, redis.LOG_NOTICE, redis.LOG_WARNING}} {0 1 2 3}
        {return {redis.REPL_NONE, redis.REPL_AOF, redis.REPL_SLAVE, redis.REPL_REPLICA, redis.REPL_ALL}} {0 1 2 2 3}
    } { expect $reply { eval0 $script } }
    foreach {script error} {
        {return redis.error_reply('x')}         {ERR x}
        {return redis.error_reply('-x y')}      {x y}
        {return redis.error_reply('CODE text')} {CODE text}
        {return redis.error_reply("a\r\nb c")}  {a  b c}
        {return redis.error_reply()}            {ERR wrong number or type of arguments}
        {return redis.status_reply(1)}          {ERR wrong number or type of arguments}
        {return redis.sha1hex()}                {ERR wrong number of arguments script: *}
        {return redis.log(1)}                   {ERR redis.log() requires two arguments or more. script: *}
        {return redis.log('a', 'b')}            {ERR First argument must be a number (log level). script: *}
        {return redis.log(77, 'b')}             {ERR Invalid debug level. script: *}
        {return redis.setresp()}                {ERR redis.setresp() requires one argument. script: *}
        {return redis.setresp(4)}               {ERR RESP version must be 2 or 3. script: *}
        {return redis.set_repl()}               {ERR redis.set_repl() requires two arguments. script: *}
        {return redis.set_repl(99)}             {ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE. script: *}
        {return redis.acl_check_cmd('nosuch')}  {ERR Invalid command passed to redis.acl_check_cmd() script: *}
    } { expect_error $error { eval0 $script } }
}

test "what a script logs is in the log" {
    eval0 {redis.log(redis.LOG_WARNING, 'this', 'is', 4711)}
    wait_for {[string match "*this is 4711*" [server::log_text]]}
}

test "RESP of the script is its own, and starts as 2" {
    ask HSET h f v
    expect {map {{bulk f} {bulk v}}} { typed 3 {redis.setresp(3) return redis.call('hgetall', 'h')} }
    expect {array {{bulk f} {bulk v}}} { typed 3 {return redis.call('hgetall', 'h')} }
    expect {array {{bulk f} {bulk v}}} { typed 2 {redis.setresp(3) return redis.call('hgetall', 'h')} }
}

test "SELECT within a script does not last" {
    expect {OK 9} { eval0 {local ok = redis.call('select', 9) redis.call('set', 'k', 9) return {ok, redis.call('get', 'k')}} }
    expect (nil) { ask GET k }
    catch { eval0 {redis.call('select', 9) error('x')} }
    expect (nil) { ask GET k }
    ask SELECT 9
    expect 9 { ask GET k }
}

test "time stands still in a script" {
    expect 1 { eval0 {
        redis.call('set', 'k', 'v', 'px', 1)
        local before = redis.call('time')
        for i = 1, 300000 do i = i + 1 end
        local after = redis.call('time')
        return redis.call('exists', 'k') == 1 and before[1] == after[1] and before[2] == after[2]
    } }
}

test "first lines" -tags baton-only {
    expect 1 { eval0 "#!lua\nreturn 1" }
    expect 1 { eval0 "#!lua flags=\nreturn 1" }
    expect 1 { eval0 "#!lua  flags=no-writes,allow-oom,allow-stale,no-cluster,allow-cross-slot-keys \nreturn 1" }
    expect_errors [list \
        [list EVAL "#!lua" 0]                    "ERR Invalid script shebang" \
        [list EVAL "#!js\nreturn 1" 0]           "ERR Unexpected engine in script shebang: js" \
        [list EVAL "#!lua name=x\nreturn 1" 0]   "ERR Unknown lua shebang option: name=x" \
        [list EVAL "#!lua flags=a\nreturn 1" 0]  "ERR Unexpected flag in script shebang: a" \
        [list SCRIPT LOAD "#!lua flags=a\n"]     "ERR Unexpected flag in script shebang: a" \
        [list EVAL "#!lua\nerror('x')" 0]        "ERR user_script:2: x script: *, on @user_script:2." \
        [list EVAL "#!lua flags=no-writes\nredis.call('set','k',1)" 0] "ERR Write commands are not allowed from read-only scripts. script: *" \
        [list EVAL_RO "redis.call('set','k',1)" 0]  "ERR Write commands are not allowed from read-only scripts. script: *" \
        [list EVAL_RO "#!lua\nreturn 1" 0]       "ERR Can not execute a script with write flag using \\*_ro command."]
    expect 1 { ask EVAL_RO "#!lua flags=no-writes\nreturn 1" 0 }
}

test "without memory scripts do what needs none" -tags {baton-only no-sanitizer} {
    ask SET k 1
    with_config {maxmemory 1} {
        expect_error "OOM command not allowed when used memory > 'maxmemory'. script: *" {
            eval0 {return redis.call('set', 'k', 2)}
        }
        expect 1 { eval0 {return redis.call('get', 'k')} }
        expect_error "OOM *" { eval0 "#!lua\nreturn 1" }
        expect 1 { eval0 "#!lua flags=no-writes\nreturn 1" }
        expect OK { eval0 "#!lua flags=allow-oom\nreturn redis.call('set', 'k', 2)" }
    }
}

test "what a script called is counted, its errors once" {
    ask CONFIG RESETSTAT
    ask SET text x
    catch { eval0 {return redis.call('incr', 'text')} }
    catch { eval0 {return redis.call('multi')} }
    eval0 {redis.pcall('nosuch') redis.pcall('incr', 'text')}
    expect_match "*cmdstat_incr:calls=2,*failed_calls=2*" { ask INFO commandstats }
    expect_match "*cmdstat_multi:calls=0,*rejected_calls=1,*" { ask INFO commandstats }
    expect_match "*cmdstat_eval:calls=3,*failed_calls=2*" { ask INFO commandstats }
    expect_match "*errorstat_ERR:count=4*" { ask INFO errorstats }
    expect 4 { info_field total_error_replies stats }
}

test "within MULTI, and with many values" {
    ask MULTI
    eval0 {return redis.call('incr', 'n')}
    eval0 {return redis.call('incr', 'n')}
    expect {1 2} { ask EXEC }
    expect 7999 { eval0 {local a = {} for i = 1, 7999 do a[i] = i end return redis.call('rpush', 'l', unpack(a))} }
    expect 7999 { eval0 {return #redis.call('lrange', 'l', 0, -1)} }
    expect [string repeat x 3000000] { eval0 {local s = string.rep('x', 3000000) redis.call('set', 'big', s) return redis.call('get', 'big')} }
}

test "ACL rules hold within scripts" -needs acl {
    ask ACL SETUSER scripter on nopass ~a* +eval +get +set
    set c [client::dial]
    $c AUTH scripter x
    expect OK { $c EVAL {return redis.call('set', 'a1', 'x')} 0 }
    expect_error "NOPERM *" { $c EVAL {return redis.call('set', 'b1', 'x')} 0 }
    expect_error "NOPERM *" { $c EVAL {return redis.call('incr', 'a1')} 0 }
    expect {1 (nil) (nil)} {
        $c EVAL {return {redis.acl_check_cmd('get', 'a1'), redis.acl_check_cmd('get', 'b1'), redis.acl_check_cmd('incr', 'a1')}} 0
    }
    ask ACL DELUSER scripter
}
