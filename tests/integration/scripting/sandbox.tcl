# What scripts must not be able to do: to the server, to other scripts, to its memory.

suite -config {"script-memory-limit 16mb" "enable-debug-command yes"}

proc eval0 {script args} { ask EVAL $script 0 {*}$args }
set ::readonly "*Attempt to modify a readonly table*"

test "L11: the globals are these and no others" -tags baton-only {
    expect {ARGV KEYS _G _VERSION assert bit cjson cmsgpack collectgarbage coroutine error gcinfo getmetatable ipairs load loadstring math next os pairs pcall rawequal rawget rawset redis select setmetatable string struct table tonumber tostring type unpack xpcall} {
        eval0 {local r = {} for k in pairs(_G) do r[#r + 1] = k end table.sort(r) return r}
    }
    expect {clock} { eval0 {local r = {} for k in pairs(os) do r[#r + 1] = k end return r} }
    foreach name {print dofile loadfile require package io debug newproxy getfenv setfenv module foo} {
        expect_error "*Script attempted to access nonexistent global variable '$name'*" { eval0 "return $name" }
        expect (nil) { eval0 "return rawget(_G, '$name')" }
    }
}

test "L3: no table that scripts share can be changed" {
    foreach script {
        {foo = 1} {_G = {}} {_G.foo = 1} {redis = 1} {KEYS = {}} {rawset(_G, 'foo', 1)} {setmetatable(_G, {})}
        {local g = getmetatable(_G) g.__index = {}} {rawset(getmetatable(_G), '__index', {})}
        {getmetatable('').__index = function() end} {rawset(getmetatable(''), '__index', 1)} {setmetatable(getmetatable(''), {})}
        {redis.call = 1} {rawset(redis, 'call', 1)} {setmetatable(redis, {})} {table.insert(redis, 1)} {table.insert(redis, 1, 1)}
        {string.format = 1} {math.random = 1} {table.sort = 1} {coroutine.wrap = 1} {os.clock = 1}
        {cjson.encode = 1} {cmsgpack.pack = 1} {bit.lshift = 1} {struct.pack = 1}
        {string.new = 1} {getmetatable('').__index.rep = 1}
        {for k, v in pairs(_G) do if type(v) == 'table' and k ~= 'KEYS' and k ~= 'ARGV' then v.x = 1 end end}
        {local f, s = pairs(redis) s.call = 1} {local f, s, k = pairs(redis) rawset(s, f(s, k), 1)}
    } { expect_error $::readonly { eval0 $script } }
    foreach script {
        {getmetatable(5).__index = 1} {getmetatable(nil).__index = 1} {getmetatable(true).__index = 1}
        {getmetatable(type).__index = 1} {('').format = 1}
    } { expect_error * { eval0 $script } }
    expect {function abc abcabc 3} {
        eval0 {return {type(redis.call), string.format('%s', 'abc'), ('abc'):rep(2), math.max(1, 3)}}
    }
}

test "frozen tables read like others" {
    expect {1 1 1 1 1} { eval0 {
        local n, m = 0, 0
        for k, v in pairs(redis) do n = n + 1 end
        local k = next(redis)
        while k do m = m + 1 k = next(redis, k) end
        return {n == m and n > 10, rawget(redis, 'call') == redis.call, _G._G == _G, rawequal(_G.redis, redis),
                getmetatable('').__index == string}
    } }
    expect {3 a 1 b 2} { eval0 {
        local t = setmetatable({a = 1}, {__index = {b = 2}})
        table.insert(t, 'x') table.insert(t, 1, 'y') rawset(t, 3, 'z')
        local k, v = next({a = 1})
        return {#t, k, v, 'b', t.b}
    } }
    expect (nil) { eval0 {return getmetatable(redis)} }
}

test "scripts do not tell each other anything" {
    eval0 {KEYS.left = 1 ARGV.left = 1 setmetatable(KEYS, {__index = function() return 1 end})}
    expect 1 { eval0 {return KEYS.left == nil and ARGV.left == nil and getmetatable(KEYS) == nil} }
    eval0 {math.randomseed(5) collectgarbage('stop') collectgarbage('setpause', 100000)}
    expect 0 { eval0 {return collectgarbage('stop')} }
}

test "L9: bytecode is not loaded" {
    expect_error "*attempt to call a nil value*" { eval0 {return loadstring(string.dump(function() return 1 end))()} }
    expect_error "*attempt to call a nil value*" {
        eval0 {local s = string.dump(function() return 1 end)
               return load(function() local r = s s = nil return r end)()}
    }
    expect_error "ERR Error compiling script*" { eval0 "\x1bLua" }
    expect {7} { eval0 {return loadstring('return ...')(7)} }
    expect {7} { eval0 {local s = {'return', ' 7'} return load(function() return table.remove(s, 1) end)()} }
}

test "L2: huge ranges and repetitions are errors" {
    foreach script {
        {return {unpack({1,2,3}, -2, 2147483647)}} {return {unpack({}, 0, 2147483647)}} {return {unpack({}, -2147483648, 2147483647)}}
        {return {unpack({}, 1, 1e300)}} {return {unpack({}, -1e300, 1e300)}} {return {unpack({}, 1, 8001)}}
    } { expect_error "*too many results to unpack*" { eval0 $script } }
    expect {0 3} { eval0 {return {select('#', unpack({}, 5, 1)), select('#', unpack({1, 2, 3}))}} }
    expect {2 3} { eval0 {return {unpack({1, 2, 3}, 2)}} }
}

test "L2: strings that do not fit are errors" -tags baton-only {
    foreach script {
        {return string.rep('a', 2^31)} {return ('x'):rep(1e10)} {return string.rep('ab', 2^63)} {return #string.rep('a', 2^25)}
        {local s = string.rep('a', 2^20) return #table.concat({s, s:rep(7), s:rep(7)})}
        {local s = 'x' while true do s = s .. s end}
    } { expect_error * { eval0 $script } }
    expect {0 0 0 6 5000} { eval0 {return {#(''):rep(1e9), #('x'):rep(0), #('x'):rep(-5), #('ab'):rep(3.9), #('x'):rep(5000)}} }
}

test "a VM's memory is bounded, and the server lives" -tags baton-only {
    foreach script {
        {local t = {} for i = 1, 1e9 do t[i] = i end}
        {local t = {} for i = 1, 1e9 do t[i] = {} end}
        {local t = {} for i = 1, 1e9 do t[i] = 'x' .. i end}
        {local t = {} for i = 1, 1e9 do t[i] = coroutine.create(function() end) end}
        {local t = {} for i = 1, 1e9 do t[i] = ARGV[1] .. i end}
        {local function f() return f() + 1 end return f()}
    } {
        expect_error * { eval0 $script [string repeat x 100000] }
        expect 2 { eval0 {return 1 + 1} }
    }
    expect {not enough memory} { eval0 {local ok, e = pcall(string.rep, 'x', 100000000) return e} }
    expect_true {[info_field used_memory_vm_eval memory] < 20000000}
    ask SET big [string repeat x 9000000]
    expect_error * { eval0 {return #(redis.call('get', 'big') .. 'x')} }
    expect 9000000 { eval0 {return #redis.call('get', 'big')} }
}

test "L4: sources that are hard to read" {
    foreach source [list \
        "return \[[string repeat = 1048576]" "return \[[string repeat = 1048576]\[x" \
        "return [string repeat ( 300]" "return [string repeat \{ 100000]" "x = [string repeat a= 100000]1"] {
        expect_error "ERR Error compiling script*" { eval0 $source }
    }
    eval0 "return [string repeat 9 1000000]"
    catch { eval0 "return 0x[string repeat f 1000000]" }
    expect {1} { eval0 "return #loadstring('return \"x\"')()" }
    expect PONG { ask PING }
}

test "L1: chunk names live as long as their chunks are read" {
    expect 200 { eval0 {
        local n = 0
        for i = 1, 200 do
            local source = 'return ' .. string.rep('{', 50) .. i .. string.rep('}', 50) .. ' -- ' .. string.rep('x', 10000)
            if loadstring(source, string.rep('name' .. i, 1000)) then n = n + 1 end
            loadstring('return ((' .. i, 'a' .. i)
            collectgarbage()
        end
        return n
    } }
}

test "L6: bit.tohex" {
    expect {0000FFFF 0000ffff ffff FFFF 1 00000000 ffffffff} { eval0 {
        return {bit.tohex(65535, -2147483648), bit.tohex(65535, 2147483647), bit.tohex(65535, 4), bit.tohex(65535, -4),
                bit.tohex(1, 1), bit.tohex(2^32), bit.tohex(-1)}
    } }
    expect {} { eval0 {return bit.tohex(65535, 0)} }
}

test "L7: cjson with what is too long, too deep or broken" {
    foreach script {
        {return cjson.encode(string.rep('x', 2^30))}
        {local t = {} for i = 1, 100000 do t = {t} end return cjson.encode(t)}
        {local t = {} t[1] = t return cjson.encode(t)}
        {local t = {} t[1] = t t[2] = t return cjson.encode(t)}
        {return cjson.decode(string.rep('[', 1e6))} {return cjson.decode(string.rep(string.char(123) .. '"a":', 1e6))}
        {return cjson.decode('"' .. string.rep('\\u', 1e6))} {return cjson.decode('')} {return cjson.encode({[1] = 1, [1e9] = 2})}
    } { expect_error * { eval0 $script } }
    expect {[1,2,{"a":"b"}]} { eval0 {return cjson.encode(cjson.decode('[1,2,{"a":"b"}]'))} }
    expect {{"a":1}} { eval0 {return cjson.new().encode({a = 1})} }
}

test "L7: cjson with values that share parts without end" -tags baton-only {
    expect_error "*too long*" { eval0 {
        local t = {'x'}
        for i = 1, 60 do t = {t, t} end
        return cjson.encode(t)
    } }
}

test "L8: struct with sizes that overflow" -tags baton-only {
    foreach script {
        {return struct.unpack('I2147483648', 'x')} {return struct.pack('>I9999999999', 1)} {return struct.unpack('!1000000', 'x')}
    } { expect_error * { eval0 $script } }
}

test "L13: recursion of every kind ends in an error" {
    foreach script {
        {local function f() return pcall(f) end return f()}
        {local function f() return coroutine.wrap(f)() end return f()}
        {local function f() return 1 + f() end return f()}
        {local function f() return tostring(setmetatable({}, {__tostring = f})) end return f()}
        {local function f(s) return s:gsub('.', f) end return f('x')}
        {local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x}
        {return redis.call(unpack({}, 1, 7999))}
    } { catch { eval0 $script } }
    expect PONG { ask PING }
    expect_error * { eval0 "local a = 1 [string repeat {local a = 1 } 300]" }
    expect_error "*pattern too complex*" { eval0 {return string.find(string.rep('a', 1e6), string.rep('a?', 1e6))} }
    expect {1 5000} { eval0 {return {string.find(string.rep('a', 1e6), string.rep('a', 5000), 1, true)}} }
}

test "L5: what a script runs in is not taken away from it" {
    foreach command {
        {'script', 'flush'} {'eval', 'return 1', 0} {'fcall', 'f', 0} {'function', 'flush'} {'function', 'delete', 'l'}
        {'function', 'load', '#!lua name=x'} {'multi'} {'exec'} {'subscribe', 'c', 'd'} {'unsubscribe'} {'monitor'} {'shutdown', 'nosave'} {'reset'} {'quit'}
    } {
        ask FUNCTION LOAD REPLACE "#!lua name=l
            redis.register_function('f', function() return 1 end)
            redis.register_function('g', function() local r = redis.pcall($command) return r end)"
        ask DEBUG SET-DISABLE-DENY-SCRIPTS 1
        foreach request [list {FCALL g 0} [list EVAL "local r = redis.call($command) return r" 0]] {
            set c [client::dial]
            catch { $c {*}$request }
            client::hangup $c
        }
        ask DEBUG SET-DISABLE-DENY-SCRIPTS 0
        expect PONG { ask PING }
    }
}

test "coroutines call commands, and cannot yield out of the script" {
    expect {1 2 3} { eval0 {
        local c = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(redis.call('incr', 'n')) end end)
        return {c(), c(), c()}
    } }
    expect_error "*attempt to yield across*" { eval0 {coroutine.yield(1)} }
}

test "the same seed gives the same numbers, which are Redis's" {
    expect {878852 795807 0.48082728100979} {
        eval0 {math.randomseed(10) return {math.random(1000000), math.random(1000000), tostring(math.random())}}
    }
    expect {1 1} { eval0 {local x = math.random(5, 7) return {x >= 5 and x <= 7, math.random() < 1}} }
    expect_error "*interval is empty*" { eval0 {return math.random(0)} }
}
