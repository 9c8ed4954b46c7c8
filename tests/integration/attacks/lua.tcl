# Scripts that try to break out, to break the server or to take all of it: rows L1 to L14 of the list
# of known attacks. Wherever a row says "refused", the server must answer what comes next.
suite

proc run {script args} { return [ask EVAL $script [llength $args] {*}$args] }
proc alive {} { expect 2 { run "return 1 + 1" } }
# What comes of it does not matter, but that the server lives on.
proc survive {script args} {
    catch { run $script {*}$args } result
    alive
    return $result
}
proc names_in {table} {
    return [lsort [run "local t = {} for k in pairs($table) do t\[#t + 1\] = tostring(k) end return t"]]
}
proc load_function {body} {
    return [ask FUNCTION LOAD REPLACE "#!lua name=attack\nredis.register_function('attack', function(KEYS, ARGV)\n$body\nend)"]
}

# ---- L1: the parser

test "L1: large sources and long names of chunks while memory is tight" -tags baton-only {
    with_config {script-memory-limit 8mb} {
        survive {
            local n = 0
            for i = 1, 200 do
                local source = string.rep('local a = "' .. i .. '" ', 200 + i * 50) .. ' return a'
                local f = loadstring(source, '=' .. string.rep('n', 1000 * i))
                if f then n = n + 1 end
            end
            return n
        }
        survive {
            local kept = {}
            for i = 1, 1e6 do
                kept[i] = loadstring('return "' .. string.rep('x', i) .. '"', '@' .. string.rep('y', i))
            end
        }
    }
}

test "L1: collection at every step while code is compiled" {
    survive {
        for i = 1, 300 do
            load(coroutine.wrap(function()
                for j = 1, 20 do
                    collectgarbage()
                    coroutine.yield('local v' .. j .. ' = "' .. string.rep('z', i) .. j .. '" ')
                end
            end), '=' .. string.rep('c', i))
        end
        return 1
    }
}

# ---- L2: counts

test "L2: unpack and rep with counts that overflow" {
    foreach {error script} {
        "*too many results to unpack*" "return {unpack({1,2,3}, -2, 2147483647)}"
        "*too many results to unpack*" "return {unpack({}, 0, 2147483647)}"
        "*too many results to unpack*" "return {unpack({}, -2147483648, 2147483647)}"
        "*too many results to unpack*" "return {unpack({}, 1, 1e8)}"
        "ERR *" "return #string.rep('a', 2^31)"
        "ERR *" "return #('x'):rep(1e10)"
        "ERR *" "return #('x'):rep(2^53)"
        "ERR *" "return #table.concat({}, ('x'):rep(1000), 1, 2^31 - 1)"
    } {
        expect_error $error { run $script }
        alive
    }
    expect 0 { run "return #string.rep('a', -2^31)" }
}

# ---- L3, L5, L11: what is there, and what can be changed

set allowed {
    ARGV KEYS _G _VERSION assert bit cjson cmsgpack collectgarbage coroutine error gcinfo getmetatable
    ipairs load loadstring math next os pairs pcall rawequal rawget rawset redis select setmetatable
    string struct table tonumber tostring type unpack xpcall
}

test "L11: globals are those of the list, and nothing else" {
    expect [lsort $::testfile::allowed] { names_in _G }
    foreach name {package require module io debug dofile loadfile print newproxy setfenv getfenv fork} {
        expect_error "*nonexistent global variable '$name'*" { run "return type($name)" }
        expect nil { run "return type(rawget(_G, '$name'))" }
    }
    expect clock { names_in os }
    foreach {table name} {os execute os exit os getenv os remove math huge_} {
        expect nil { run "return type(rawget($table, '$name'))" }
    }
    expect {pack size unpack} { names_in struct }
}

test "L11: functions see the same, but for KEYS and ARGV" {
    load_function {local t = {} for k in pairs(_G) do t[#t + 1] = k end table.sort(t) return t}
    expect [lsort [lsearch -all -inline -not -regexp $::testfile::allowed {^(KEYS|ARGV)$}]] {
        ask FCALL attack 0
    }
    foreach name {package require io debug dofile print newproxy} {
        load_function "return type($name)"
        expect_error "*nonexistent global variable '$name'*" { ask FCALL attack 0 }
    }
}

set tampering {
    {_G.x = 1} {_G.redis = nil} {redis = nil} {x = 1} {string = {}} {rawset(_G, 'x', 1)}
    {setmetatable(_G, {})} {setmetatable(_G, nil)} {getmetatable(_G).__index = function() end}
    {getmetatable(_G).__newindex = nil} {getmetatable('').__index = function() end}
    {getmetatable('').x = 1} {getmetatable('').__index.format = 1} {rawset(getmetatable(''), '__index', 1)}
    {setmetatable(string, {})} {string.format = 1} {string.x = 1} {rawset(string, 'format', 1)}
    {table.insert(string, 1)} {redis.call = 1} {redis.x = 1} {rawset(redis, 'call', 1)} {redis.log = nil}
    {cjson.encode = 1} {cmsgpack.pack = 1} {struct.pack = 1} {bit.tohex = 1} {math.random = 1}
    {table.concat = 1} {coroutine.create = 1} {os.clock = 1} {setmetatable(redis, {})}
    {setmetatable(cjson, nil)} {setmetatable(getmetatable(''), {})}
}

test "L3: neither globals nor the tables in them can be changed" {
    set globals [names_in _G]
    foreach script $::testfile::tampering {
        expect_error "*Attempt to modify a readonly table*" { run $script }
        load_function $script
        expect_error "*Attempt to modify a readonly table*" { ask FCALL attack 0 }
        # Nor where the error is caught, nor from a coroutine, nor in code that was just compiled.
        catch { run "pcall(function() $script end)" }
        catch { run "coroutine.wrap(function() $script end)()" }
        catch { run "loadstring([list $script])()" }
    }
    expect $globals { names_in _G }
    expect {{[1]} 1 abc ABC 000000ff 255 table} {
        run {return {cjson.encode({1}), string.format('%d', 1), table.concat({'a', 'b', 'c'}),
            ('abc'):upper(), bit.tohex(255), tostring(cmsgpack.unpack(cmsgpack.pack(255))), type(redis)}}
    }
}

test "L3: what the libraries' functions do to a table they do not do to globals" {
    foreach script {
        {table.sort(string)} {table.remove(string)} {table.insert(_G, 'x')} {table.setn(string, 1)}
        {table.foreach(_G, function(k, v) _G[k] = nil end)} {for k in pairs(string) do string[k] = nil end}
        {for k in next, string do rawset(string, k, nil) end} {cjson.encode(setmetatable({}, {__index = _G}))}
        {local m = getmetatable(string) if m then m.__newindex = nil string.x = 1 end}
        {local i = getmetatable('').__index rawset(i, 'upper', nil)}
    } {
        survive $script
        expect ABC { run "return ('abc'):upper()" }
    }
    expect [lsort $::testfile::allowed] { names_in _G }
}

test "L3: a script leaves nothing for the next one, of whatever user" {
    run {local s = getmetatable('') local ok = pcall(function() s.secret = 'x' end) return 1}
    expect nil { run "return type(getmetatable('').secret)" }
    expect nil { run "return type(('').secret)" }
    run "math.randomseed(1) return math.random()"
    expect_error "*nonexistent global*" { run "return KEYS_OF_BEFORE" }
    run "KEYS\[1\] = 'changed' ARGV.x = 1 return 1" k
    expect {k nil} { run "return {KEYS\[1\], type(ARGV.x)}" k }
}

test "L5: no userdata with a finalizer, and a VM is not freed while it runs" {
    expect_error "*nonexistent global variable 'newproxy'*" { run "newproxy(true)" }
    expect userdata,nil { run "local t = setmetatable({}, {__gc = function() redis.call('SET', 'gc', 1) end})
        t = nil collectgarbage() return type(cjson.null) .. ',' .. type(getmetatable(cjson.null))" }
    expect 0 { ask EXISTS gc }
    load_function {return redis.call(unpack(ARGV))}
    foreach command {{SCRIPT FLUSH} {SCRIPT FLUSH ASYNC} {FUNCTION FLUSH} {FUNCTION FLUSH ASYNC}
            {FUNCTION DELETE attack} {FUNCTION LOAD x} {FUNCTION RESTORE x FLUSH} {EVAL {return 1} 0}
            {FCALL attack 0}} {
        expect_error "*This Redis command is not allowed from script*" {
            ask EVAL "return redis.call(unpack(ARGV))" 0 {*}$command
        }
        expect_error "*This Redis command is not allowed from script*" { ask FCALL attack 0 {*}$command }
    }
    alive
}

# ---- L4: the lexer

test "L4: long brackets and long numerals" {
    foreach script {
        {return loadstring('return [' .. string.rep('=', 2^20) .. '[')}
        {return loadstring('return [' .. string.rep('=', 2^20))}
        {return loadstring('--[' .. string.rep('=', 2^20) .. '[')}
        {return loadstring('return [' .. string.rep('=', 2^20) .. '[x]' .. string.rep('=', 2^20 - 1) .. ']')}
        {return loadstring('return ' .. string.rep('9', 1e6) .. 'x')}
        {return loadstring('return 0x' .. string.rep('f', 1e6) .. 'g')}
        {return loadstring('return 1e' .. string.rep('9', 1e6) .. 'e')}
        {return loadstring('return "' .. string.rep('\\', 1e6 + 1) .. '"')}
        {return loadstring('return "\\999"')}
    } {
        expect (nil) { run $script }
    }
    expect_error "ERR Error compiling script*" { run "return \[[string repeat = 1048576]" }
    expect_error "ERR Error compiling script*" { run "return [string repeat 9 1000000]x" }
    survive "return tostring(loadstring('return 0x' .. string.rep('f', 1e6))())"
    survive "return tostring(loadstring('return ' .. string.rep('9', 1e6))())"
}

# ---- L6 to L8: libraries

test "L6: bit.tohex with a width that overflows" {
    expect {0000FFFF 0000ffff {} 0000FFFF f} {
        run {return {bit.tohex(65535, -2147483648), bit.tohex(65535, 2147483647), bit.tohex(65535, 0),
            bit.tohex(65535, -9), bit.tohex(65535, 1)}}
    }
    survive "return bit.tohex(65535, -2^63)"
    survive "return bit.tohex(0/0, 1/0)"
    survive "return {bit.lshift(1, 2^31), bit.rshift(1, -2^31), bit.rol(1, 1e300), bit.bswap(-1e300)}"
}

test "L7: cjson with values that are too large or too deep" {
    expect_error "*" { run "local t = {} for i = 1, 1e5 do t = {t} end return #cjson.encode(t)" }
    expect_error "*" { run "return cjson.decode(string.rep('\[', 1e6))" }
    expect_error "*" { run "return cjson.decode(string.rep(string.char(123) .. '\"a\":', 1e6))" }
    expect_error "*" { run "local t = {} t.t = t return cjson.encode(t)" }
    expect_error "*" { run "return cjson.encode({\[1e9\] = 1, \[2\] = 1})" }
    expect_error "*" { run "local s = string.rep('\\0', 2^28) return #cjson.encode({s, s, s, s, s, s, s, s})" }
    expect_error "*" { run "return cjson.decode('\"\\\\uD800')" }
    foreach text [list "\[" "\[1" "\"" "\"\\u12" "\x7b\"a\"" 1e tru nul "\x7b" "\]"] {
        expect_error "*" { ask EVAL "return cjson.decode(ARGV\[1\])" 0 $text }
    }
    survive "return cjson.decode_max_depth and cjson.decode_max_depth(2^31)"
    survive "return cjson.encode_keep_buffer and cjson.encode_keep_buffer(false)"
    alive
}

test "L7: cmsgpack with counts that are not there" {
    foreach hex {ddffffffff dfffffffff dbffffffff dcffff deffff daffff d9ff 9f 8f bf ddffffffff01 c1 c4ff} {
        expect_error "ERR *input*" { ask EVAL "return cmsgpack.unpack(ARGV\[1\])" 0 [binary format H* $hex] }
    }
    expect_error "*stack overflow*" { run "return cmsgpack.unpack(string.rep('\\145', 1e6))" }
    expect_error "*stack overflow*" { run "return cmsgpack.unpack(string.rep('\\129\\1', 1e6))" }
    expect_error "*stack overflow*" { run "return cmsgpack.unpack(string.rep('\\1', 1e6))" }
    expect {0 true} {
        set result [run {
            local s = cmsgpack.pack({1, -200, 70000, 2^40, 1.5, 0.1, true, {a = {'text', ('x'):rep(300)}}})
            local good = 0
            for i = 1, #s - 1 do if pcall(cmsgpack.unpack, s:sub(1, i)) then good = good + 1 end end
            return {good, tostring(cmsgpack.pack(cmsgpack.unpack(s)) == s)}
        }]
    }
    expect 49 { run "local t = {} t.t = t return #cmsgpack.pack(t)" }
    foreach {limit offset} {-1 0 1 -1 2147483648 2147483648 1 9e99 -9e99 1} {
        expect_error "ERR *" { run "return cmsgpack.unpack_limit('abc', $limit, $offset)" }
    }
    alive
}

test "L7: values that grow without end hit the memory limit" -tags baton-only {
    with_config {script-memory-limit 16mb} {
        foreach script {
            {local t = {} for i = 1, 20 do t = {t, t, t, t, t, t, t, t} end return #cmsgpack.pack(t)}
            {local s = 'x' while true do s = s .. s end}
            {local t = {} for i = 1, 1e9 do t[i] = i end}
            {local t = {} for i = 1, 1e9 do t[i] = {} end}
            {local t = {} for i = 1, 1e9 do t['k' .. i] = i end}
            {return #string.rep('x', 2^25)}
            {return #struct.pack('c0', string.rep('x', 2^24 - 10))}
            {local b = {} for i = 1, 1e9 do b[i] = function() return i end end}
            {local c = {} for i = 1, 1e9 do c[i] = coroutine.create(function() end) end}
        } {
            expect_error "*not enough memory*" { run $script }
            alive
        }
        set large [string repeat "local a = {1,2,3,4,5,6,7,8} " 200][string repeat "f(a,a,a,a,a,a,a) " 200000]
        expect_error "ERR Error compiling script*not enough memory*" { run $large }
        expect_error "ERR Error compiling function*not enough memory*" {
            ask FUNCTION LOAD "#!lua name=large\n$large"
        }
        load_function {local t = {} for i = 1, 1e9 do t[i] = i end}
        expect_error "*not enough memory*" { ask FCALL attack 0 }
        expect_error "*not enough memory*" {
            ask FUNCTION LOAD "#!lua name=grow\nlocal s = 'x' while true do s = s .. s end"
        }
        alive
    }
}

test "L8: struct with sizes that overflow" {
    foreach format {I2147483648 >I9999999999 !1000000000000 i99999999999 c2147483648 >c99999999999} {
        expect_error "*integral size overflow*" { ask EVAL "return struct.pack(ARGV\[1\], 1)" 0 $format }
        expect_error "*integral size overflow*" { ask EVAL "return struct.unpack(ARGV\[1\], 'abc')" 0 $format }
        expect_error "*integral size overflow*" { ask EVAL "return struct.size(ARGV\[1\])" 0 $format }
    }
    foreach {error script} {
        "*larger than limit of 32*" "return struct.unpack('i33', 'abc')"
        "*not a power of 2*" "return struct.unpack('!1000000', 'abc')"
        "*data string too short*" "return struct.unpack('i', 'abc')"
        "*data string too short*" "return struct.unpack('c2147483647', 'abc')"
        "*data string too short*" "return struct.unpack('dc0', struct.pack('d', 1e300) .. 'abc')"
        "*offset must be 1 or greater*" "return struct.unpack('b', 'abc', 0)"
        "*offset must be 1 or greater*" "return struct.unpack('b', 'abc', -2^63)"
        "*data string too short*" "return struct.unpack('b', 'abc', 2^62)"
        "*string too short*" "return struct.pack('c2147483647', 'abc')"
        "*too many results*" "return {struct.unpack(string.rep('b', 1e6), string.rep('b', 1e6))}"
    } {
        expect_error $error { run $script }
    }
    alive
}

# ---- L9: bytecode

test "L9: bytecode is refused" {
    expect_error "*" { run "return loadstring(string.dump(function() return 1 end))()" }
    set bytecode [binary format H* 1b4c7561510001040804080000000000]
    foreach script {
        {return loadstring(ARGV[1])} {return load(function() local a = ARGV[1] ARGV[1] = nil return a end)}
        {local i = 0 return load(function() i = i + 1 return i <= #ARGV[1] and ARGV[1]:sub(i, i) or nil end)}
    } {
        expect (nil) { ask EVAL $script 0 $bytecode }
    }
    expect_error "ERR Error compiling script*" { run $bytecode }
    expect_error "ERR *" { ask SCRIPT LOAD $bytecode }
    expect_error "ERR Missing library metadata" { ask FUNCTION LOAD $bytecode }
    expect_error "ERR Error compiling function*" { ask FUNCTION LOAD "#!lua name=x\n$bytecode" }
    alive
}

# ---- L10: error tables

test "L10: what a script raises or gives back may be anything" {
    foreach script {
        {return setmetatable({err = 'x'}, {__index = function() error() end})}
        {return setmetatable({}, {__index = function() error('x') end})}
        {return setmetatable({}, {__len = function() error('x') end, __tostring = function() error('y') end})}
        {error()} {error(nil)} {error({})} {error({err = {}})} {error({err = 5})} {error({err = ''})}
        {error(setmetatable({}, {__index = function() error() end}))}
        {error(setmetatable({}, {__tostring = function() error() end}))}
        {error(setmetatable({}, {__tostring = function() return {} end}))}
        {error(function() end)} {error(coroutine.create(function() end))} {error(true)} {error(cjson.null)}
        {error({err = 'x', source = {}, line = {}})} {error({err = 'x', ignore_error_stats_update = {}})}
        {error(_G)} {error(redis)} {return {err = ''}} {return {err = 5}} {return {err = {}}} {return {err = "a\r\n+OK"}}
        {return {ok = "a\r\n:1"}} {return {double = {}}} {return {map = {a = {err = 'x'}}}} {return {big_number = 5}}
        {xpcall(function() error('a') end, function() error('b') end)} {return redis.error_reply('')}
        {xpcall(error, error)} {pcall(error)} {return {pcall(error, {})}} {return redis.error_reply()}
        {return redis.error_reply({})} {return redis.status_reply()} {redis.call()} {redis.call({})} {redis.call(nil)}
        {redis.pcall(setmetatable({}, {__tostring = error}))} {redis.log()} {redis.log(1)} {redis.log({}, {})}
        {redis.sha1hex()} {redis.setresp('x')} {redis.set_repl({})} {redis.acl_check_cmd()} {redis.acl_check_cmd({})}
    } {
        survive $script
        load_function $script
        catch { ask FCALL attack 0 }
        alive
    }
}

# ---- L13: depth

test "L13: recursion without end" {
    foreach script {
        {local function f() return 1 + f() end return f()}
        {local function f() return pcall(f) end return f()}
        {local function f() return coroutine.wrap(f)() end return f()}
        {local function f() local ok, e = pcall(coroutine.wrap(f)) return ok end return tostring(f())}
        {local co co = coroutine.wrap(function() return co() end) return co()}
        {local t = setmetatable({}, {__index = function(t, k) return t[k] end}) return t.x}
        {local t = {} setmetatable(t, {__index = t}) return t.x}
        {local t = {} setmetatable(t, {__newindex = t}) t.x = 1}
        {local t t = setmetatable({}, {__tostring = function() return tostring(t) end}) return tostring(t)}
        {local t t = setmetatable({}, {__concat = function(a, b) return a .. b end}) return t .. t}
        {local t t = setmetatable({}, {__eq = function(a, b) return a == b end}) return t == setmetatable({}, getmetatable(t))}
        {local function f(s) return string.gsub('x', 'x', f) end return f()}
        {local t = {} for i = 1, 1000 do t[i] = i end local function f(a, b) table.sort(t, f) return a < b end f(1, 2)}
        {local n = 0 return load(function() n = n + 1 return n < 1e5 and 'x' or nil end)}
        {local function f() return load(f) end return tostring(f())}
        {local t = {} for i = 1, 1e5 do t = {t} end return #cmsgpack.pack(t)}
        {local t = {} for i = 1, 7990 do t[i] = 'k' end return redis.call('DEL', unpack(t))}
        {return loadstring('return ' .. string.rep('(', 1e5) .. '1' .. string.rep(')', 1e5))}
        {return loadstring('return ' .. string.rep(string.char(123), 1e6))} {return loadstring(string.rep('do ', 1e6))}
        {return loadstring('return ' .. string.rep('not ', 1e6) .. '1')} {return loadstring('return ' .. string.rep('-', 1) .. string.rep(' - ', 1e6) .. '1')}
        {return loadstring('local ' .. string.rep('a,', 1e6) .. 'a')} {return loadstring('return ' .. string.rep('a..', 1e6) .. 'a')}
        {return loadstring(string.rep('f(', 1e5))} {return loadstring('return ' .. string.rep('1,', 1e6) .. '1')}
    } {
        survive $script
        load_function $script
        catch { ask FCALL attack 0 }
        alive
    }
}

test "L13: a reply that is too deep" {
    set c [client::dial]
    client::send $c EVAL "local t = {} for i = 1, 1e5 do t = {t} end return t" 0
    client::send $c ECHO over
    set text ""
    wait_for { [string match "*over\r\n" [append text [client::until_quiet $c 1]]] }
    expect_true { [regexp {^(\*1\r\n)+-ERR reached lua stack limit\r\n\$4\r\nover\r\n$} $text] }
}

test "L13: arguments without number" {
    expect_error "*too many results to unpack*" {
        run "local t = {} for i = 1, 1e6 do t\[i\] = 'k' end return redis.call('DEL', unpack(t))"
    }
    survive "return redis.call('MGET', unpack(KEYS))" {*}[lrepeat 7000 k]
    survive "return #KEYS" {*}[lrepeat 100000 k]
}

test "L13: patterns whose matching recurses or does not end" {
    foreach script {
        {return #string.match(string.rep('x', 1e6), string.rep('x?', 1e6))}
        {return string.find(string.rep('x', 1e6), string.rep('x-', 5e5))}
        {return string.gsub(string.rep('x', 1e6), string.rep('x*', 5e5), '')}
        {for w in string.gmatch(string.rep('x', 1e6), string.rep('x?', 5e5)) do end}
        {return string.find('x', string.rep('(', 1e6))} {return string.find('x', string.rep('[', 1e6))}
        {return string.find('x', '%')} {return string.find('x', '[a-')} {return string.find('x', '%b')}
        {return string.find('x', '%f')} {return string.find('x', '(')} {return string.find('x', '%1')}
        {return string.find('x', '[%')} {return string.find('x', '[^')} {return string.gsub('x', 'x', '%9')}
        {return string.find('x', 'x', 2^53)} {return string.find('x', 'x', -2^53)} {return string.sub('x', -2^63, 2^63)}
        {return string.byte(string.rep('x', 1e6), 1, -1)} {return string.char(-1)} {return string.char(256)}
        {return string.format('%99999d', 1)} {return string.format('%s')} {return string.format('%.9999s', 'x')}
        {return string.format('%' .. string.rep('0', 1e5) .. 'd', 1)} {return string.format('%.99f', 1e308)}
        {return string.format('%q', string.rep('\0', 1e6))} {return string.format('%c%c', 0, 300)}
        {return string.format(string.rep('%d', 1e5), 1)} {return tostring(string.format('%5.5n', 1))}
        {return math.random(0)} {return math.random(2^53)} {return math.random(-2^31, 2^31)} {return math.random(1e300)}
        {return table.concat({}, '', -2^31, 2^31)} {return table.concat({1, {}, 3})} {table.sort({1, 'x', {}})}
        {table.sort({3, 1, 2, 5, 4, 7, 6, 9, 8, 10, 11, 12}, function() return true end)}
        {table.insert({}, 2^53, 1)} {table.insert({}, -2^53, 1)} {table.remove({}, 2^53)} {return table.maxn({[1e300] = 1})}
        {return select(-2^31, 1)} {return select(2^53, 1)} {return tonumber('z', 36)} {return tonumber(string.rep('1', 1e6), 2)}
        {return tonumber('1', 2^31)} {return os.clock()} {return collectgarbage('step', 2^53)} {return collectgarbage('setpause', -1)}
        {return coroutine.resume(coroutine.running())} {return coroutine.yield()} {return coroutine.wrap(redis.call)('PING')}
    } {
        survive $script
    }
}

# ---- L14: time

test "L14: a script without end makes others busy, and can be killed" {
    with_config {busy-reply-threshold 50} {
        foreach {kill start} {
            {SCRIPT KILL} {EVAL "while true do end" 0}
            {SCRIPT KILL} {EVAL "while true do pcall(function() while true do end end) end" 0}
            {SCRIPT KILL} {EVAL "while true do pcall(coroutine.wrap(function() while true do end end)) end" 0}
            {SCRIPT KILL} {EVAL "while true do pcall(redis.call, 'NOPE') end" 0}
            {FUNCTION KILL} {FCALL attack 0}
        } {
            load_function "while true do pcall(function() while true do end end) end"
            set c [client::dial]
            client::send $c {*}$start
            wait_for { [catch { ask PING } error] && [string match "BUSY *" $error] }
            expect OK { ask {*}$kill }
            expect_error "*killed by user*" { client::reply $c }
            expect PONG { ask PING }
        }
    }
}

# ---- All of it

# Calls functions of the sandbox at random with arguments of every kind, some of them what came of
# calls before. ARGV: a seed, the number of calls.
set any_call {
    math.randomseed(tonumber(ARGV[1]))
    local pool = {true, false, 0, 1, -1, 2, 7.5, 2^31, 2^31 - 1, -2^31, 2^32, 2^53, -2^53, 2^63, -2^63, 1e300,
        -1e300, 0/0, 1/0, -1/0, '', 'a', 'abc', '0', '1', '-1', '12345678901234567890', '1e308',
        string.rep('x', 100), string.rep('\0', 64), string.rep('ab%', 20), '%d%s%q%f%c%x', '%99d', '%.99f',
        '%5.5s', '[^a-z]+', '(.-)(%d*)', '%b()', '%f[%w]', 'x*x?x-', '()', '\27Lua', 'return 1', 'return ...',
        'count', 'collect', 'step', 'k', 'GET', 'SET', 'LPUSH', 'key', 'ok', 'err', 'n', 'i4i8', '>!8bI3s', 'c0',
        'bc0', 'dfx', '!16i16', '\145\1', '\221\0\0\255\255', '\222\1', '\129\161a\1', '{"a":[1,{"b":null}]}',
        '"\\u0041"', _G, string, redis, cjson, table, math, cjson.null, type, pcall, error, string.rep, redis.call}
    local function any() return pool[math.random(1, #pool)] end
    local function value()
        local kind = math.random(1, 20)
        if kind == 1 then return nil end
        if kind == 2 then return {any(), any(), any(), a = any(), [1.5] = any()} end
        if kind == 3 then
            return setmetatable({}, {__index = any(), __tostring = any(), __call = any(), __len = error,
                __lt = any(), __concat = error})
        end
        if kind == 4 then return function(...) return ... end end
        if kind == 5 then return coroutine.create(function(...) return coroutine.yield(...) end) end
        return any()
    end
    local functions = {}
    local function add(t)
        for name, f in pairs(t) do
            if type(f) == 'function' and name ~= 'log' then functions[#functions + 1] = f end
        end
    end
    add(_G)
    for _, t in pairs({string, table, math, bit, cjson, cmsgpack, struct, redis, coroutine, os}) do add(t) end
    local good = 0
    for i = 1, tonumber(ARGV[2]) do
        local result = {pcall(functions[math.random(1, #functions)], value(), value(), value(), value())}
        if result[1] then
            good = good + 1
            if result[2] ~= nil then pool[math.random(20, #pool)] = result[2] end
        end
    end
    return good
}

# ThreadSanitizer does not see Lua's long jumps, and runs out of frames after some 65,000 errors.
test "every function with arguments of every kind" -tags no-tsan {
    set globals [names_in _G]
    load_function $::testfile::any_call
    for {set seed 1} {$seed <= [by_load 5 10 200]} {incr seed} {
        expect_true { [ask EVAL $::testfile::any_call 0 $seed 5000] > 100 }
        expect_true { [ask FCALL attack 0 $seed 5000] > 100 }
        expect ABC { run "return ('abc'):upper()" }
    }
    expect $globals { names_in _G }
}

test "L14: a script that has written is not killed, but SHUTDOWN NOSAVE ends it" -tags baton-only {
    ask CONFIG SET busy-reply-threshold 50
    set c [client::dial]
    client::send $c EVAL "redis.call('SET', 'k', 'v') while true do end" 0
    wait_for { [catch { ask PING } error] && [string match "BUSY *" $error] }
    expect_error "UNKILLABLE *" { ask SCRIPT KILL }
    server::end_is_expected $server::current
    client::send [client::dial] SHUTDOWN NOSAVE
    wait_for { ![server::alive $server::current] }
}
