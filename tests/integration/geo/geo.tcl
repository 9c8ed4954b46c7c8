# GEOADD and its relatives, GEOSEARCH and the older GEORADIUS family.

suite

proc add_sicily {} {
    ask GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.758489 38.788135 edge
}

test "places are kept as scores" {
    add_sicily
    expect_each {
        {ask ZSCORE s Palermo} 3479099956230698
        {ask GEOHASH s Palermo Catania none} {sqc8b49rny0 sqdtr74hyu0 (nil)}
        {ask GEOPOS s Palermo} {{13.36138933897018433 38.11555639549629859}}
        {ask GEODIST s Palermo Catania} 166274.1516
        {ask GEODIST s Palermo Catania mi} 103.3182
        {ask TYPE s} zset
    }
}

test "RESP3 shapes" {
    add_sicily
    set c [client::dial -resp 3]
    expect {array {{array {{double 13.36138933897018433} {double 38.11555639549629859}}} {null {}}}} {
        client::ask_typed $c GEOPOS s Palermo none
    }
    expect {array {{array {{bulk Catania} {bulk 56.4413} {int 3479447370796909}\
            {array {{double 15.08726745843887329} {double 37.50266842333162032}}}}}}} {
        client::ask_typed $c GEORADIUS s 15 37 100 km WITHCOORD WITHHASH WITHDIST
    }
    expect {null {}} { client::ask_typed $c GEODIST s Palermo none }
}

test "searches" {
    add_sicily
    expect_each {
        {ask GEORADIUS s 15 37 200 km ASC} {Catania Palermo}
        {ask GEORADIUS s 15 37 200 km WITHDIST DESC} {{Palermo 190.4424} {Catania 56.4413}}
        {ask GEORADIUSBYMEMBER s Palermo 100 km COUNT 1} Palermo
        {ask GEOSEARCH s FROMLONLAT 15 37 BYBOX 400 400 km COUNT 2} {Catania Palermo}
        {ask GEOSEARCH s FROMMEMBER edge BYRADIUS 100 km DESC} {Palermo edge}
        {ask GEOSEARCH none FROMMEMBER edge BYRADIUS 100 km} {}
    }
}

test "stored searches" {
    add_sicily
    expect_each {
        {ask GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 200 km} 2
        {ask ZSCORE d Palermo} 3479099956230698
        {ask GEORADIUS s 15 37 200 km STOREDIST d COUNT 1} 1
        {ask ZRANGE d 0 -1} Catania
        {ask GEOSEARCHSTORE d s FROMLONLAT 100 37 BYRADIUS 200 km} 0
        {ask EXISTS d} 0
    }
}

test "where longitudes meet, and at the limits" -tags baton-only {
    ask GEOADD g 179.9 10 east -179.9 10 west 180 10 line
    expect {east line west} { lsort [ask GEOSEARCH g FROMLONLAT 180 10 BYRADIUS 20 km] }
    expect {east line west} { lsort [ask GEOSEARCH g FROMLONLAT -179.95 10 BYBOX 60 60 km] }
    ask GEOADD p 0 85 a 180 85 b 90 84.9 c
    expect {a b c} { lsort [ask GEOSEARCH p FROMLONLAT 0 85 BYRADIUS 1200 km] }
}

test "an option that must not stand twice" -tags baton-only {
    add_sicily
    expect_error "ERR syntax error" { ask GEORADIUS s 15 37 1 m STORE a STORE b }
    expect 0 { ask EXISTS a b }
}

test "keys of a request" {
    expect {k to} { ask COMMAND GETKEYS GEORADIUS k 0 0 1 m STORE to }
    expect {k to} { ask COMMAND GETKEYS GEORADIUSBYMEMBER k m 1 m STOREDIST to }
    expect {to k} { ask COMMAND GETKEYS GEOSEARCHSTORE to k FROMLONLAT 0 0 BYRADIUS 1 m }
}

test "any score is a place" -tags baton-only {
    ask ZADD z -1 a inf b -inf c 1e300 d 0.5 e
    expect 5 { llength [ask GEOPOS z a b c d e] }
    expect 5 { llength [ask GEOHASH z a b c d e] }
    ask GEODIST z a b
    ask GEOSEARCH z FROMMEMBER b BYRADIUS 30000 km WITHCOORD WITHHASH
    ask GEOSEARCHSTORE d z FROMMEMBER a BYBOX inf inf m STOREDIST
}

test "wrong arguments" {
    add_sicily
    expect_errors {
        {GEOADD s 181 0 a} {ERR invalid longitude,latitude pair 181.000000,0.000000}
        {GEOADD s NX XX 0 0 a} {ERR syntax error}
        {GEORADIUS s 15 37 -1 km} {ERR radius cannot be negative}
        {GEORADIUS s 15 37 1 miles} {ERR unsupported unit provided. please use M, KM, FT, MI}
        {GEOSEARCH s FROMMEMBER no BYRADIUS 1 m} {ERR could not decode requested zset member}
        {GEORADIUS s 15 37 1 m ANY} {ERR the ANY argument requires COUNT argument}
        {GEORADIUS s 15 37 1 m COUNT -1} {ERR COUNT must be > 0}
    }
}
