"""What commands the differential test sends: templates, and pools of keys, members and numbers."""

STRINGS, LISTS, HASHES = [f's{i}' for i in range(4)], [f'l{i}' for i in range(5)], [f'h{i}' for i in range(5)]
SETS, ZSETS, STREAMS = [f't{i}' for i in range(6)], [f'z{i}' for i in range(6)], [f'x{i}' for i in range(4)]
LEXES = ['y0', 'y1']                # sorted sets with one score
PLACES = ['p0', 'p1', 'p2']         # and with places for scores
# What commands for any type may touch.
SHARED = STRINGS + LISTS + HASHES + SETS + ZSETS + STREAMS
KEYS = STRINGS + LISTS + HASHES + SETS + ZSETS + STREAMS + LEXES + PLACES
# Small borders, so that values cross them often.
OPTIONS = (('hash-max-listpack-entries', 12), ('hash-max-listpack-value', 20), ('zset-max-listpack-entries', 12),
           ('zset-max-listpack-value', 20), ('set-max-intset-entries', 12), ('list-max-listpack-size', 6),
           ('stream-node-max-entries', 7), ('hll-sparse-max-bytes', 300),
           ('notify-keyspace-events', 'EAnm'))

MEMBERS = [f'm{i}' for i in range(25)] + [str(i) for i in range(-3, 15)] + \
    ['', 'x' * 21, 'y' * 70, '12345678901234567890', '-0', '007', '1.5', '32768', '-2147483649', '9223372036854775807',
     b'\x00\xff\r\n', 'A', 'a']
FIELDS = [f'f{i}' for i in range(20)] + ['', '1', 'F' * 30]
INTS = ['0', '1', '-1', '2', '3', '5', '-2', '10', '100', '-100']
ODD_INTS = ['9223372036854775807', '-9223372036854775808', '9223372036854775808', 'x', '', '1.0', ' 1', '+1', '01']
SCORES = ['0', '1', '-1', '2', '2.5', '3', '1e3', '-inf', '+inf', '0.1', '1.7976931348623157e308', '-0', '3.0', '17']
ODD_SCORES = ['nan', 'x', '1e400', '0x10', '(1']
IDS = ['0', '0-0', '1-1', '1-2', '2-0', '2', '3-7', '5', '9-9', '-', '+', '18446744073709551615-18446744073709551615']


class Pick:
    """Placeholders of the templates."""

    def __init__(self, rng):
        self.rng = rng

    def key_of(self, pool):
        stray = pool not in (LEXES, PLACES) and self.rng.random() < 0.03
        return self.rng.choice(SHARED if stray else pool)

    def word(self, name):
        r = self.rng
        pools = {'S': STRINGS, 'L': LISTS, 'H': HASHES, 'T': SETS, 'Z': ZSETS, 'X': STREAMS, 'K': SHARED,
                 'Y': LEXES, 'G': PLACES}
        if name in pools:
            return self.key_of(pools[name])
        if name == 'm':
            return r.choice(MEMBERS)
        if name == 'f':
            return r.choice(FIELDS)
        if name == 'i':
            return r.choice(ODD_INTS) if r.random() < 0.04 else r.choice(INTS)
        if name == 'n':
            return str(r.randrange(0, 30))
        if name == 'p':
            return str(r.randrange(1, 8))
        if name == 's':
            return r.choice(ODD_SCORES) if r.random() < 0.03 else r.choice(SCORES)
        if name == 'b':
            return ('(' if r.random() < 0.3 else '') + self.word('s')
        if name == 'x':
            lex = r.random()
            return '-' if lex < 0.2 else '+' if lex < 0.4 else r.choice('[(') + r.choice(['m1', 'm3', 'm9', '', 'a', '5'])
        if name == 'd':
            return r.choice(IDS)
        if name == 'e':
            return str(r.randrange(1, 12)) + '-' + str(r.randrange(0, 4))
        if name == 'g':
            return r.choice(['g1', 'g2', 'g3'])
        if name == 'c':
            return r.choice(['c1', 'c2', 'c3'])
        if name == 'lon':
            return f'{r.uniform(-181, 181) if r.random() < 0.05 else r.uniform(-5, 5):.4f}'
        if name == 'lat':
            return f'{r.uniform(-86, 86) if r.random() < 0.05 else r.uniform(-5, 5):.4f}'
        if name == 'u':
            return r.choice(['m', 'km', 'mi', 'ft', 'KM', 'x'] if r.random() < 0.1 else ['m', 'km', 'mi', 'ft'])
        if name == 'km':
            return str(r.randrange(900))
        if name == 'pat':
            return r.choice(['*', 'm*', 'm?', '*1*', '[a-z]1', 'f*', ''])
        raise KeyError(name)

    def expand(self, text):
        """%name is a placeholder, [a b|c] an optional part, {a|b} a choice, %name+ some of them."""
        words = []
        for part in self._alternatives(text):
            if part.startswith('%') and part.endswith('+'):
                names = part[1:-1].split(',')
                for _ in range(self.rng.choice([1, 1, 2, 3, 5, 14])):
                    words += [self.word(n) for n in names]
            elif '%' in part:
                before, name = part.split('%')
                words.append(before + str(self.word(name)) if before else self.word(name))
            else:
                words.append(part)
        return words

    def _alternatives(self, text):
        out, at = '', 0
        while at < len(text):
            if text[at] in '[{':
                depth, end = 1, at + 1
                while depth:
                    depth += (text[end] in '[{') - (text[end] in ']}')
                    end += 1
                inner, optional = text[at + 1:end - 1], text[at] == '['
                if not optional or self.rng.random() < 0.4:
                    out += ' '.join(self._alternatives(self.rng.choice(split_top(inner))))
                at = end
            else:
                out += text[at]
                at += 1
        return out.split()


def split_top(text):
    """Alternatives of `text`, but not those inside of its own parts."""
    parts, depth, last = [], 0, 0
    for i, ch in enumerate(text):
        depth += (ch in '[{') - (ch in ']}')
        if ch == '|' and depth == 0:
            parts.append(text[last:i])
            last = i + 1
    return parts + [text[last:]]


# XSETID is left out: 7.2 looks at deleted ids. A consumer that waits for nothing is made by 7.2 alone.
# (how replies are compared, template); a row that stands twice comes twice as often.
TEMPLATES = [
    # lists
    ('exact', 'LPUSH %L %m+'), ('exact', 'RPUSH %L %m+'), ('exact', 'RPUSH %L %m+'), ('exact', 'LPUSHX %L %m+'),
    ('exact', 'RPUSHX %L %m'), ('exact', '{LPOP|RPOP} %L [%i]'), ('exact', '{LPOP|RPOP} %L %p'), ('exact', 'LLEN %L'),
    ('exact', 'LINDEX %L %i'), ('exact', 'LSET %L %i %m'), ('exact', 'LINSERT %L {BEFORE|AFTER|x} %m %m'),
    ('exact', 'LRANGE %L %i %i'), ('exact', 'LTRIM %L %i %i'), ('exact', 'LREM %L %i %m'),
    ('exact', 'LPOS %L %m [RANK %i] [COUNT %i] [MAXLEN %i]'), ('exact', 'LMOVE %L %L {LEFT|RIGHT|x} {LEFT|RIGHT}'),
    ('exact', 'RPOPLPUSH %L %L'), ('exact', 'LMPOP %p %L %L {LEFT|RIGHT} [COUNT %i]'),
    ('exact', 'LMPOP 2 %L %L {LEFT|RIGHT} [COUNT %p]'),
    # hashes
    ('exact', 'HSET %H %f,m+'), ('exact', 'HSET %H %f,m+'), ('exact', 'HMSET %H %f,m+'), ('exact', 'HSET %H %f'),
    ('exact', 'HSETNX %H %f %m'), ('exact', 'HGET %H %f'), ('exact', 'HMGET %H %f+'), ('exact', 'HDEL %H %f+'),
    ('exact', 'HLEN %H'), ('exact', 'HSTRLEN %H %f'), ('exact', 'HEXISTS %H %f'), ('set', '{HKEYS|HVALS} %H'),
    ('pairs', 'HGETALL %H'), ('exact', 'HINCRBY %H %f %i'), ('float', 'HINCRBYFLOAT %H %f %s'),
    ('size', 'HRANDFIELD %H [%n [WITHVALUES]]'), ('set', 'HRANDFIELD %H 100'), ('exact', 'HSCAN %H 0 MATCH nothing COUNT 1000'),
    ('set', 'HSCAN %H 0 COUNT 1000'),
    # sets
    ('exact', 'SADD %T %m+'), ('exact', 'SADD %T %n+'), ('exact', 'SADD %T %n+'), ('exact', 'SREM %T %m+'),
    ('exact', 'SISMEMBER %T %m'), ('exact', 'SMISMEMBER %T %m+'), ('exact', 'SCARD %T'), ('set', 'SMEMBERS %T'),
    ('exact', 'SMOVE %T %T %m'), ('set', '{SINTER|SUNION|SDIFF} %T+'),
    ('exact', '{SINTERSTORE|SUNIONSTORE|SDIFFSTORE} %T %T+'), ('exact', 'SINTERCARD %p %T %T [LIMIT %i]'),
    ('exact', 'SINTERCARD 2 %T %T [LIMIT %p]'), ('size', 'SRANDMEMBER %T [%i]'), ('set', 'SRANDMEMBER %T 1000'),
    ('set', 'SPOP %T 1000'), ('exact', 'SPOP %T 0'), ('exact', 'SPOP %T -1'), ('set', 'SSCAN %T 0 COUNT 1000 [MATCH %pat]'),
    # sorted sets
    ('exact', 'ZADD %Z %s,m+'), ('exact', 'ZADD %Z %s,m+'), ('exact', 'ZADD %Z [{NX|XX}] [{GT|LT}] [CH] %s,m+'),
    ('exact', 'ZADD %Z [{NX|XX|GT|LT}] INCR %s %m'), ('exact', 'ZINCRBY %Z %s %m'), ('exact', 'ZREM %Z %m+'),
    ('exact', 'ZCARD %Z'), ('exact', 'ZCOUNT %Z %b %b'), ('exact', 'ZLEXCOUNT %Y %x %x'), ('exact', 'ZSCORE %Z %m'),
    ('exact', 'ZMSCORE %Z %m+'), ('exact', '{ZRANK|ZREVRANK} %Z %m'),
    ('exact', 'ZRANGE %Z %i %i [REV] [WITHSCORES]'), ('exact', 'ZRANGE %Z %b %b BYSCORE [REV] [LIMIT %i %i] [WITHSCORES]'),
    ('exact', 'ZRANGE %Y %x %x BYLEX [REV] [LIMIT %n %i]'), ('exact', 'ZRANGESTORE %Z %Z %i %i [REV]'),
    ('exact', 'ZRANGESTORE %Z %Z %b %b BYSCORE [REV] [LIMIT %n %p]'),
    ('exact', '{ZRANGEBYSCORE|ZREVRANGEBYSCORE} %Z %b %b [WITHSCORES] [LIMIT %i %i]'),
    ('exact', '{ZRANGEBYLEX|ZREVRANGEBYLEX} %Y %x %x [LIMIT %i %i]'), ('exact', 'ZREVRANGE %Z %i %i [WITHSCORES]'),
    ('exact', 'ZREMRANGEBYRANK %Z %i %i'), ('exact', 'ZREMRANGEBYSCORE %Z %b %b'), ('exact', 'ZREMRANGEBYLEX %Y %x %x'),
    ('exact', '{ZPOPMIN|ZPOPMAX} %Z [%i]'), ('exact', 'ZMPOP %p %Z %Z {MIN|MAX} [COUNT %i]'),
    ('exact', 'ZMPOP 2 %Z %Z {MIN|MAX} [COUNT %p]'), ('size', 'ZRANDMEMBER %Z [%n [WITHSCORES]]'),
    ('set', 'ZRANDMEMBER %Z 1000'), ('set', 'ZSCAN %Z 0 COUNT 1000 [MATCH %pat]'),
    ('exact', '{ZUNION|ZINTER} 2 {%Z|%T} %Z [WEIGHTS %s %s] [AGGREGATE {SUM|MIN|MAX|x}] [WITHSCORES]'),
    ('exact', '{ZUNIONSTORE|ZINTERSTORE} %Z 2 {%Z|%T} {%Z|%T} [WEIGHTS %s %s] [AGGREGATE {SUM|MIN|MAX}]'),
    ('exact', '{ZUNIONSTORE|ZINTERSTORE} %Z %i %Z %Z %Z'), ('exact', 'ZDIFF 3 %Z {%Z|%T} %Z [WITHSCORES]'),
    ('exact', 'ZDIFFSTORE %Z 2 %Z {%Z|%T}'), ('exact', 'ZINTERCARD 2 %Z {%Z|%T} [LIMIT %i]'),
    ('exact', 'ZADD %Y 0 %m'), ('exact', 'ZADD %Y 0 %m'), ('exact', 'ZREM %Y %m'),
    # geo
    ('exact', 'GEOADD %G [{NX|XX}] [CH] %lon %lat %m'), ('exact', 'GEOADD %G %lon,lat,m+'), ('exact', 'GEODIST %G %m %m [%u]'),
    ('exact', 'GEOHASH %G %m+'), ('float', 'GEOPOS %G %m'),
    ('set', 'GEOSEARCH %G FROMLONLAT %lon %lat {BYRADIUS %km km|BYBOX %km %km %u} [{ASC|DESC}] [WITHDIST] [WITHHASH]'),
    ('set', 'GEOSEARCH %G FROMMEMBER %m BYRADIUS %km km [COUNT 1000]'),
    ('exact', 'GEOSEARCHSTORE %G %G FROMLONLAT %lon %lat BYRADIUS 300 km [STOREDIST]'),
    ('exact', 'GEOSEARCH %G FROMLONLAT %lon %lat BYRADIUS 500 km ASC COUNT %p'),
    # streams
    ('exact', 'XADD %X [NOMKSTREAM] [{MAXLEN|MINID} [{=|~}] %n [LIMIT %i]] %e %f,m+'), ('exact', 'XADD %X %e %f %m'),
    ('exact', 'XADD %X %e %f %m'), ('exact', 'XADD %X %d %f %m'), ('exact', 'XLEN %X'),
    ('exact', '{XRANGE|XREVRANGE} %X {%d|(%e} {%d|(%e} [COUNT %i]'), ('exact', 'XDEL %X %e+'),
    ('exact', 'XTRIM %X {MAXLEN|MINID} [{=|~}] %n [LIMIT %i]'), ('exact', 'XREAD [COUNT %i] STREAMS %X %X %e %e'),
    ('exact', 'XGROUP CREATE %X %g {$|%d} [MKSTREAM]'), ('exact', 'XGROUP SETID %X %g {$|%d}'),
    ('exact', 'XGROUP DESTROY %X %g'), ('kind', 'XGROUP {CREATECONSUMER|DELCONSUMER} %X %g %c'),
    ('exact', 'XREADGROUP GROUP %g %c [COUNT %i] [NOACK] STREAMS %X {>|%e}'),
    ('exact', 'XREADGROUP GROUP %g %c COUNT %p STREAMS %X >'), ('exact', 'XACK %X %g %e+'), ('exact', 'XPENDING %X %g'),
    ('size', 'XPENDING %X %g - + %p [%c]'), ('exact', 'XCLAIM %X %g %c 0 %e+ [{JUSTID|FORCE}]'),
    ('exact', 'XAUTOCLAIM %X %g %c 0 {0|%e} [COUNT %p] [JUSTID]'),
    # keys of any type
    ('exact', 'TYPE %K'), ('exact', 'DEL %K'), ('exact', 'EXISTS %K+'), ('exact', '{RENAME|RENAMENX} %K %K'),
    ('exact', 'COPY %K %K [REPLACE]'), ('exact', 'UNLINK %K'), ('exact', 'PERSIST %K'), ('exact', 'EXPIRE %K 100000'),
    ('clock', 'PTTL %K'), ('exact', 'SET %S %m [{NX|XX|KEEPTTL}] [GET]'), ('exact', 'GET %S'), ('exact', 'APPEND %S %m'),
    ('set', 'KEYS *'), ('exact', 'DBSIZE'), ('exact', 'SORT {%L|%T} [LIMIT %i %i] [{ASC|DESC}] ALPHA'),
    ('set', 'SORT {%L|%T} [BY {h*->f1|nosort|*_w}] [GET #] [GET h*->f2] ALPHA'), ('exact', 'SORT {%L|%T} [DESC]'),
    ('exact', 'SORT {%L|%T} [GET #] [GET h*->f2] ALPHA STORE %L'),
    # strings, and keys that come and go
    ('exact', '{INCR|DECR} %S'), ('exact', '{INCRBY|DECRBY} %S %i'),
    ('exact', 'MSET %S,m+'), ('exact', 'MSETNX %S,m+'),
    ('exact', 'GETEX %S [{PERSIST|EX 100000|PX 100000000}]'), ('exact', '{GETDEL|GETRANGE %S 0} %S'),
    ('exact', 'EXPIRE %K {-1|100000} [{NX|XX}]'), ('exact', 'MOVE %K 1'), ('exact', 'COPY %K %K DB 1 [REPLACE]'), ('exact', 'SWAPDB 0 1'),
    # HyperLogLog
    ('exact', 'PFADD %S %m+'), ('exact', 'PFCOUNT %S+'), ('exact', 'PFMERGE %S %S+'),
]

# In a transaction these answer at once.
BLOCKING = [
    ('exact', '{BLPOP|BRPOP} %L %L 0'), ('exact', 'BLMOVE %L %L {LEFT|RIGHT} {LEFT|RIGHT} 0'), ('exact', 'BRPOPLPUSH %L %L 1'),
    ('exact', 'BLMPOP 0 2 %L %L {LEFT|RIGHT} [COUNT %p]'), ('exact', '{BZPOPMIN|BZPOPMAX} %Z %Z 0'),
    ('exact', 'BZMPOP 1 2 %Z %Z {MIN|MAX} [COUNT %p]'), ('exact', 'XREAD BLOCK 0 STREAMS %X %X {%e $|$ %e}'),
    ('exact', 'XREADGROUP GROUP %g %c BLOCK 0 STREAMS %X >'),
]


def command(rng, templates):
    """A command as a list of words, and how its replies are to be compared."""
    how, text = rng.choice(templates)
    words = Pick(rng).expand(text)
    if rng.random() < 0.01 and words[0] != 'SPOP':
        words, how = words[:rng.randrange(1, len(words) + 1)], 'kind'
    elif rng.random() < 0.01 and 'RAND' not in words[0]:            # which takes -2147483649 for a count
        words = words + [rng.choice(MEMBERS)]
    if words[0] == 'SORT' and 'nosort' in words:
        how = 'kind'
    return words, how


def known_to(client):
    """The templates whose commands the server has."""
    names = {name.decode().upper() for name in client.ask('COMMAND', 'LIST')}
    firsts = [[w for w in text.split(' ')[0].strip('{}').split('|')] for _, text in TEMPLATES]
    return [row for row, words in zip(TEMPLATES, firsts) if all(w in names for w in words)]


def stream_facts(full):
    """XINFO STREAM FULL without radix tree sizes, times, and lags, which 7.2 knows in fewer cases."""
    if not isinstance(full, list):
        return full
    facts = dict(zip(full[::2], full[1::2]))
    groups = []
    for g in facts.get(b'groups', []):
        group = dict(zip(g[::2], g[1::2]))
        consumers = [dict(zip(c[::2], c[1::2])) for c in group[b'consumers']]
        groups.append((group[b'name'], group[b'last-delivered-id'], group.get(b'entries-read'),
                       [(p[0], p[1], p[3]) for p in group[b'pending']],
                       [(c[b'name'], c[b'pel-count'], [(p[0], p[2]) for p in c[b'pending']]) for c in consumers if c[b'pel-count']]))
    return [(k, v) for k, v in facts.items() if not k.startswith(b'radix') and k != b'groups'], groups


def is_known(words, mine, theirs):
    """Differences between Redis 7.0.15, which is asked, and 7.2.6, which Baton follows."""
    if 'Unbalanced' in str(theirs) and 'Unbalanced' in str(mine):
        return True                                                 # 7.2 names the command
    if 'timeout is out of range' in str(mine):
        return True                                                 # 7.2 says what is wrong with it
    if words[0] == 'LPOS' and 'value must between' in str(mine):
        return True                                                 # 7.2 bounds RANK
    if words[0] == 'SORT' and "can't be converted" in str(theirs):
        return True                                                 # Redis looks at an errno of long ago
    if words[0] == 'SORT' and any('\\x00' in repr(a) for a in (mine, theirs)):
        return True                                                 # Redis reads numbers up to a NUL
    return words[0] in ('ZRANK', 'ZREVRANK') and len(words) > 3      # WITHSCORE is new in 7.2


def touches_more(words, mine):
    """Groups are part of a stream: what changes one touches the key for Baton, and not for Redis."""
    return mine and words[0] in ('XGROUP', 'XREADGROUP', 'XACK', 'XCLAIM', 'XAUTOCLAIM', 'XSETID')


# A consumer that waits for nothing is made by 7.2 alone, and Redis tells of what it makes.
VERSIONED_EVENTS = ('xgroup-createconsumer', 'xgroup-delconsumer')
