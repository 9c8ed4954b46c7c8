# What OBJECT ENCODING says of strings, and that encodings never show in values.

suite

test "integers are int" {
    foreach value {0 1 -1 123456789 9223372036854775807 -9223372036854775808} {
        ask SET k $value
        expect int { ask OBJECT ENCODING k }
        expect $value { ask GET k }
        expect [string length $value] { ask STRLEN k }
    }
}

test "what only looks like an integer is not int" {
    foreach value {01 +1 -0 1.0 " 1" 9223372036854775808 "" 1e2} {
        ask SET k $value
        expect embstr { ask OBJECT ENCODING k }
        expect $value { ask GET k }
    }
}

test "short strings are embstr, long ones raw" {
    expect_each {
        {ask SET k [string repeat x 44]} OK
        {ask OBJECT ENCODING k} embstr
        {ask SET k [string repeat x 45]} OK
        {ask OBJECT ENCODING k} raw
    }
}

test "a changed string is raw" {
    ask SET k abc
    ask APPEND k d
    expect raw { ask OBJECT ENCODING k }
    ask SET n 1
    ask APPEND n 2
    expect raw { ask OBJECT ENCODING n }
    ask SET b abc
    ask SETBIT b 0 1
    expect raw { ask OBJECT ENCODING b }
}

test "INCR makes int again, INCRBYFLOAT does not" {
    ask SET n 1
    ask APPEND n 2
    ask INCR n
    expect int { ask OBJECT ENCODING n }
    ask INCRBYFLOAT n 0.5
    expect embstr { ask OBJECT ENCODING n }
}

test "SETRANGE, APPEND and SETBIT after every kind of value agree" {
    foreach value {7 abcdefgh 12345678901234567890 x} {
        foreach long {1 30} {
            set text [string repeat $value $long]
            ask SET k $text
            ask APPEND k Z
            expect ${text}Z { ask GET k }
            ask SET k $text
            ask SETRANGE k 0 Q
            expect Q[string range $text 1 end] { ask GET k }
        }
    }
}
