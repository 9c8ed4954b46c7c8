# Libraries of functions: FUNCTION, FCALL. Replies and error texts are those of redis-server 7.0.15,
# but for the order of libraries: here it is that in which they were loaded.
source [file join $::support dumps.tcl]
source [file join $::support redis.tcl]

suite

proc code {name body} { return "#!lua name=$name\n$body" }
proc load {name body args} { return [ask FUNCTION LOAD {*}$args [code $name $body]] }
# A library with functions that answer with their own names.
proc load_named {name args} {
    set body ""
    foreach f $args { append body "redis.register_function('$f', function() return '$f' end)\n" }
    return [load $name $body REPLACE]
}
# Pairs of an error and a script that gets it.
proc refuse {pairs} {
    foreach {error script} $pairs { uplevel 1 [list expect_error $error $script] }
}
proc fresh {} { ask FUNCTION FLUSH }
proc libraries {} {
    return [lmap library [ask FUNCTION LIST] { dict get $library library_name }]
}
proc functions_of {library} {
    set all [ask FUNCTION LIST LIBRARYNAME $library]
    return [lmap f [dict get [lindex $all 0] functions] { dict get $f name }]
}

test "a function is called with keys and arguments" {
    fresh
    expect lib {
        load lib {redis.register_function('f', function(keys, args)
            return {#keys, #args, keys[1], args[1], keys[2] or 'none'}
        end)}
    }
    expect {1 2 k a none} { ask FCALL f 1 k a b }
    expect {0 0} { lrange [ask FCALL f 0] 0 1 }
    expect {2 0 k} { ask FCALL F 2 k l }
}

test "functions of a library share what it keeps, and see what scripts see" {
    fresh
    load lib {
        local count = 0
        local function add(n) count = count + n return count end
        redis.register_function('one', function() return add(1) end)
        redis.register_function('two', function() return add(2) end)
        redis.register_function('set', function(keys) return redis.call('SET', keys[1], cjson.encode({1})) end)
        redis.register_function('globals', function() return {type(string), type(redis.call), type(KEYS)} end)
    }
    expect 1 { ask FCALL one 0 }
    expect 3 { ask FCALL two 0 }
    expect OK { ask FCALL set 1 k }
    expect {[1]} { ask GET k }
    expect_error "*nonexistent global variable 'KEYS'*" { ask FCALL globals 0 }
}

test "calls that go wrong" {
    fresh
    load lib {
        redis.register_function('f', function() return 1 end)
        redis.register_function('boom', function() error('boom') end)
        redis.register_function('own', function() return redis.error_reply('MY boom') end)
        redis.register_function('unknown', function() return redis.call('nope') end)
        redis.register_function('global', function() g = 1 end)
        redis.register_function('again', function() redis.register_function('g', function() end) end)
    }
    refuse {
        "ERR Function not found" { ask FCALL nope 0 }
        "ERR Function not found" { ask FCALL nope x }
        "ERR Bad number of keys provided" { ask FCALL f x }
        "ERR Number of keys can't be negative" { ask FCALL f -1 }
        "ERR Number of keys can't be greater than number of args" { ask FCALL f 1 }
        "ERR Number of keys can't be greater than number of args" { ask FCALL f 9223372036854775807 a }
        "ERR Can not execute a script with write flag using *_ro command." { ask FCALL_RO f 0 }
        "ERR user_function:4: boom script: boom, on @user_function:4." { ask FCALL boom 0 }
        "MY boom" { ask FCALL own 0 }
        "ERR Unknown Redis command called from script script: unknown, on @user_function:6." {
            ask FCALL unknown 0
        }
        "*Attempt to modify a readonly table*" { ask FCALL global 0 }
        "*attempt to call field 'register_function' (a nil value)*" { ask FCALL again 0 }
    }
    expect 1 { ask FCALL f 0 }
}

test "the first line of a library" {
    fresh
    set f "redis.register_function('f', function() return 1 end)"
    foreach {error line} {
        "ERR Missing library metadata" ""
        "ERR Missing library metadata" " #!lua name=x\n"
        "ERR Missing library metadata" "\x1bLuaQ"
        "ERR Invalid library metadata" "#!lua name=x "
        "ERR Invalid library metadata" "#!lua name=\"x\n"
        "ERR Library name was not given" "#!lua\n"
        "ERR Engine '' not found" "#! name=x\n"
        "ERR Engine 'js' not found" "#!js name=x\n"
        "ERR Invalid metadata value given: foo=bar" "#!lua name=x foo=bar\n"
        "ERR Invalid metadata value, name argument was given multiple times" "#!lua name=x name=y\n"
        "ERR Library names can only contain letters, numbers, or underscores(_)*" "#!lua name=x-y\n"
        "ERR Library names can only contain letters, numbers, or underscores(_)*" "#!lua name=\n"
        "ERR Library names can only contain letters, numbers, or underscores(_)*" "#!lua name='x y'\n"
    } {
        expect_error $error { ask FUNCTION LOAD $line$f }
    }
    expect {} { ask FUNCTION LIST }
    foreach line {"#!lua name=x" "#!LUA\tNAME=x" "#!lua   name='x' " "#!lua name=\"x\"\r"} {
        expect x { ask FUNCTION LOAD REPLACE $line\n$f }
    }
    refuse {
        "ERR Library 'x' already exists" { ask FUNCTION LOAD "#!lua name=x\n" }
        "ERR Unknown option given: foo" { ask FUNCTION LOAD foo "#!lua name=x\n" }
        "ERR No functions registered" { ask FUNCTION LOAD REPLACE "#!lua name=x\n" }
        "ERR wrong number of arguments for 'function|load' command" { ask FUNCTION LOAD }
    }
    expect 1 { ask FCALL f 0 }
}

test "what register_function refuses" {
    fresh
    load other "redis.register_function('taken', function() return 'old' end)"
    foreach {error args} {
        "wrong number of arguments to redis.register_function" {}
        "wrong number of arguments to redis.register_function" {'h', function() end, {}}
        "calling redis.register_function with a single argument is only applicable to Lua table*" {5}
        "first argument to redis.register_function must be a string" {nil, nil}
        "second argument to redis.register_function must be a function" {'h', 5}
        "redis.register_function must get a function name argument" {{}}
        "redis.register_function must get a callback argument" {{function_name='h'}}
        "unknown argument given to redis.register_function" {{5}}
        "named argument key given to redis.register_function is not a string" {{[true]=1}}
        "function_name argument given to redis.register_function must be a string" {{function_name={}}}
        "callback argument given to redis.register_function must be a function" {{callback=5}}
        "description argument given to redis.register_function must be a string" {{description={}}}
        "flags argument to redis.register_function must be a table representing function flags" {{flags=5}}
        "unknown flag given" {{flags={'nope'}}}
        "unknown flag given" {{flags={5}}}
        "Library names can only contain letters, numbers, or underscores(_)*" {'a b', function() end}
        "Library names can only contain letters, numbers, or underscores(_)*" {'a\0b', function() end}
        "Library names can only contain letters, numbers, or underscores(_)*" {'', function() end}
    } {
        expect_error "ERR Error registering functions: ERR $error" {
            load lib "redis.register_function('good', function() end)\nredis.register_function($args)"
        }
    }
    expect_error "ERR Error registering functions: ERR Function already exists in the library" {
        load lib "redis.register_function('h', function() end) redis.register_function('H', function() end)"
    }
    expect_error "ERR Function TAKEN already exists" {
        load lib "redis.register_function('TAKEN', function() return 'new' end)"
    }
    expect other { libraries }
    expect old { ask FCALL taken 0 }
}

test "a library's code sees nothing but redis, and has no time to waste" {
    fresh
    foreach name {math string pairs getmetatable _G KEYS print error pcall cjson load newproxy} {
        expect_error "ERR Error registering functions: ERR user_function:2: Script attempted to access\
            nonexistent global variable '$name'*" { load lib "local x = $name" }
    }
    foreach name {call pcall sha1hex setresp set_repl acl_check_cmd REPL_ALL error_reply} {
        expect_error "*attempted to access nonexistent global variable '$name'*" {
            load lib "local x = redis.$name"
        }
    }
    refuse {
        "*Attempt to modify a readonly table*" { load lib "a = 1" }
        "*Attempt to modify a readonly table*" { load lib "redis.x = 1" }
        "ERR Error compiling function: user_function:2: unexpected symbol near '='" {
            load lib "local x = = 3"
        }
        "*FUNCTION LOAD timeout*" { load lib "while true do end" }
        "*FUNCTION LOAD timeout*" { load lib "local function f() return f() end f()" }
    }
    expect lib { load lib "redis.log(redis.LOG_NOTICE, redis.REDIS_VERSION)
        redis.register_function('f', function() return redis.REDIS_VERSION end)" }
    expect [info_field redis_version server] { ask FCALL f 0 }
}

test "FUNCTION LIST" {
    fresh
    load one {
        redis.register_function{function_name='f', callback=function() end, description='what it does',
            flags={'no-writes', 'ALLOW-OOM', 'allow-stale', 'no-cluster', 'allow-cross-slot-keys', 'no-writes'}}
        redis.register_function{FUNCTION_NAME='g', callback=function() end, flags={a='no-writes'}}
    }
    load_named two h
    expect {{library_name one engine LUA functions {{name f description {what it does} flags\
        {no-writes allow-oom allow-stale no-cluster allow-cross-slot-keys}} {name g description (nil)\
        flags {}}}} {library_name two engine LUA functions {{name h description (nil) flags {}}}}} {
        ask FUNCTION LIST
    }
    expect two { dict get [lindex [ask FUNCTION LIST LIBRARYNAME T*] 0] library_name }
    expect {} { ask FUNCTION LIST libraryname nope* withcode }
    expect {} { ask FUNCTION LIST LIBRARYNAME "" }
    expect [code two "redis.register_function('h', function() return 'h' end)\n"] {
        dict get [lindex [ask FUNCTION LIST WITHCODE LIBRARYNAME two] 0] library_code
    }
    refuse {
        "ERR library name argument was not given" { ask FUNCTION LIST LIBRARYNAME }
        "ERR Unknown argument x" { ask FUNCTION LIST x }
        "ERR Unknown argument WITHCODE" { ask FUNCTION LIST withcode WITHCODE }
        "ERR Unknown argument libraryname" { ask FUNCTION LIST libraryname a libraryname b }
    }
    set c [client::dial -resp 3]
    expect {array 1 map 3} {
        set typed [client::ask_typed $c FUNCTION LIST LIBRARYNAME two]
        set library [lindex $typed 1 0]
        list [lindex $typed 0] [llength [lindex $typed 1]] [lindex $library 0] \
            [expr {[llength [lindex $library 1]] / 2}]
    }
}

test "DELETE, FLUSH and STATS" {
    fresh
    load_named a f1 f2
    load_named b g
    expect {running_script (nil) engines {LUA {libraries_count 2 functions_count 3}}} { ask FUNCTION STATS }
    expect {2 3} { list [info_field number_of_libraries memory] [info_field number_of_functions memory] }
    expect_true {[info_field used_memory_vm_functions memory] > 0}
    expect_error "ERR Library not found" { ask FUNCTION DELETE A }
    expect OK { ask FUNCTION DELETE a }
    expect_error "ERR Function not found" { ask FCALL f1 0 }
    expect g { ask FCALL g 0 }
    expect b { libraries }
    ask FLUSHALL
    expect b { libraries }
    foreach how {{} ASYNC SYNC} {
        load_named a f1
        expect OK { ask FUNCTION FLUSH {*}$how }
        expect {running_script (nil) engines {LUA {libraries_count 0 functions_count 0}}} { ask FUNCTION STATS }
        expect_error "ERR Function not found" { ask FCALL f1 0 }
    }
    refuse {
        "ERR FUNCTION FLUSH only supports SYNC|ASYNC option" { ask FUNCTION FLUSH foo }
        "ERR unknown subcommand or wrong number of arguments for 'FLUSH'. Try FUNCTION HELP." {
            ask FUNCTION FLUSH sync sync
        }
        "ERR unknown subcommand 'nope'. Try FUNCTION HELP." { ask FUNCTION nope }
        "NOTBUSY No scripts in execution right now." { ask FUNCTION KILL }
    }
    expect_match "FUNCTION <subcommand>*" { lindex [ask FUNCTION HELP] 0 }
}

test "a library that is replaced takes the place of all its functions" {
    fresh
    load_named a f g
    load_named b h
    load_named a g i
    expect {b a} { libraries }
    expect {g i} { functions_of a }
    expect_error "ERR Function not found" { ask FCALL f 0 }
    expect {g h i} { list [ask FCALL g 0] [ask FCALL h 0] [ask FCALL i 0] }
    expect_error "ERR Function h already exists" { load_named a h }
    expect {g i} { functions_of a }
}

test "many libraries" {
    fresh
    for {set i 0} {$i < 200} {incr i} { load_named lib$i f$i g$i }
    for {set i 0} {$i < 200} {incr i 2} { ask FUNCTION DELETE lib$i }
    for {set i 0} {$i < 200} {incr i} {
        if {$i % 2} {
            expect g$i { ask FCALL G$i 0 }
        } else {
            expect_error "ERR Function not found" { ask FCALL f$i 0 }
        }
    }
    expect 200 { info_field number_of_functions memory }
    set payload [ask FUNCTION DUMP]
    set before [libraries]
    fresh
    ask FUNCTION RESTORE $payload
    expect $before { libraries }
}

test "a function within a transaction, and a blocking command within a function" {
    fresh
    load lib {
        redis.register_function('set', function(keys, args) return redis.call('SET', keys[1], args[1]) end)
        redis.register_function('pop', function(keys) return redis.call('BLPOP', keys[1], 0) end)
    }
    ask MULTI
    ask FCALL set 1 k v
    ask FCALL nope 0
    ask FCALL pop 1 list
    ask FUNCTION DELETE lib
    ask FCALL set 1 k w
    expect {OK {(error) ERR Function not found} (nil) OK {(error) ERR Function not found}} { ask EXEC }
    expect v { ask GET k }
}

test "to call a function is no reading and no writing, whatever it calls" {
    foreach category {read write} {
        expect {-1 -1} { lmap name {fcall fcall_ro} { lsearch [ask ACL CAT $category] $name } }
    }
    expect k { ask COMMAND GETKEYS FCALL f 1 k a }
}

# ---- DUMP and RESTORE

proc library_payload {args} {
    set body ""
    foreach {name function} $args {
        set text [code $name "redis.register_function('$function', function() return '$name' end)"]
        append body \xf5[dumps::str $text]
    }
    return [dumps::seal $body 10]
}

test "RESTORE loads all or nothing" {
    fresh
    expect OK { ask FUNCTION RESTORE [dumps::seal "" 10] }
    expect OK { ask FUNCTION RESTORE [library_payload a fa b fb] }
    expect {a b} { libraries }
    set bad \xf5[dumps::str abc]
    foreach {error payload policy} [list \
        "ERR Library a already exists" [library_payload new f a fa] APPEND \
        "ERR Function fa already exists" [library_payload new fa] REPLACE \
        "ERR Library 'new' already exists" [library_payload new f new g] REPLACE \
        "ERR Function F already exists" [library_payload new f other F] FLUSH \
        "ERR given type is not a function" [dumps::seal "\0[dumps::str abc]" 10] FLUSH \
        "ERR given type is not a function" [dumps::seal "\xf6[dumps::str abc]" 10] FLUSH \
        "ERR Failed loading library payload" [dumps::seal "\xf5" 10] FLUSH \
        "ERR Failed loading library payload" [dumps::seal "\xf5\x20abc" 10] FLUSH \
        "ERR Missing library metadata" [dumps::seal $bad 10] FLUSH \
        "ERR DUMP payload version or checksum are wrong" abc FLUSH \
        "ERR DUMP payload version or checksum are wrong" [string range [library_payload c f] 0 end-1]x FLUSH \
        "ERR DUMP payload version or checksum are wrong" [dumps::seal "" 99] FLUSH \
        "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE." x y \
    ] {
        expect_error $error { ask FUNCTION RESTORE $payload $policy }
        expect {a b a b} { list {*}[libraries] [ask FCALL fa 0] [ask FCALL fb 0] }
    }
    expect_error "ERR unknown subcommand or wrong number of arguments for 'RESTORE'. Try FUNCTION HELP." {
        ask FUNCTION RESTORE a b c
    }
    expect OK { ask FUNCTION RESTORE [library_payload a fb b fa] REPLACE }
    expect {b a} { list [ask FCALL fa 0] [ask FCALL fb 0] }
    expect OK { ask FUNCTION RESTORE [library_payload c fc] FLUSH }
    expect c { libraries }
}

test "a payload that is damaged at any byte changes nothing" {
    fresh
    load_named keep f
    ask FUNCTION DUMP
    set payload [library_payload a fa]
    for {set i 0} {$i < [string length $payload]} {incr i} {
        binary scan [string index $payload $i] cu byte
        set damaged [string replace $payload $i $i [binary format c [expr {$byte ^ 0x55}]]]
        expect_error "ERR DUMP payload version or checksum are wrong" { ask FUNCTION RESTORE $damaged }
        if {$i >= [string length $payload] - 11} continue ;# what is cut off is the footer
        expect_error "ERR *" { ask FUNCTION RESTORE [dumps::seal [string range $payload 0 $i] 10] FLUSH }
    }
    expect keep { libraries }
}

test "libraries move between a redis-server and this one" -tags baton-only {
    fresh
    load lib "redis.register_function{function_name='f', callback=function() return 1 end,
        description='[string repeat {over and over } 20]', flags={'no-writes'}}"
    load_named two g
    with_config {rdb-version 10} { set payload [ask FUNCTION DUMP] }
    set listed [ask FUNCTION LIST WITHCODE]
    with_redis {
        expect OK { client::ask $redis FUNCTION RESTORE $payload }
        expect [lsort $listed] { lsort [client::ask $redis FUNCTION LIST WITHCODE] }
        set back [client::ask $redis FUNCTION DUMP]
    }
    fresh
    ask FUNCTION RESTORE $back
    expect [lsort $listed] { lsort [ask FUNCTION LIST WITHCODE] }
    expect {1 g} { list [ask FCALL_RO f 0] [ask FCALL g 0] }
}
