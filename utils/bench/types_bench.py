"""TYPES=1: the data types beside redis-server: CPU of commands, memory of values, stalls, a cache."""
import os
import random
import statistics
import subprocess
import threading
import time

import footprint
import load as loads
import report
from load import Shape
from rounds import say
from servers import Failure, Server, encode

MILLION = 1000000


# ---- What a test reads ----

def chunks(name, key, count, words_of, per=500):
    """Commands that put `count` things under a key, `per` in each."""
    for first in range(0, count, per):
        words = [w for i in range(first, min(first + per, count)) for w in words_of(i)]
        yield encode(name, key, *words)


def numbers(rng, count):
    return list(range(count)) if rng is None else rng.sample(range(count), count)


def fill_zset(client, key='z', count=MILLION, first=0):
    order = numbers(random.Random(1), count)
    client.pipe(chunks('ZADD', key, count, lambda i: (order[i], f'member:{order[i] + first:012d}')), 20)


def fill_set(client, key, count, first=0):
    order = numbers(random.Random(2), count)
    client.pipe(chunks('SADD', key, count, lambda i: (f'member:{order[i] + first:012d}',)), 20)


def fill_two_sets(client):
    fill_set(client, 's1', 100000)
    fill_set(client, 's2', 100000, 50000)


def fill_two_zsets(client):
    fill_zset(client, 'z1', 100000)
    fill_zset(client, 'z2', 100000, 50000)


def fill_hash(client):
    client.pipe(chunks('HSET', 'h', 100, lambda i: (f'field:{i}', f'value:{i}')))


def fill_hlls(client):
    client.pipe(chunks('PFADD', 'p1', 100000, lambda i: (f'a{i}',)), 20)
    client.pipe(chunks('PFADD', 'p2', 100000, lambda i: (f'b{i}',)), 20)


def fill_geo(client):
    rng = random.Random(3)
    client.pipe(chunks('GEOADD', 'g', 100000, lambda i: (
        f'{rng.uniform(-10, 10):.6f}', f'{rng.uniform(-10, 10):.6f}', f'place:{i}')), 20)


def fill_numbers(client):
    rng = random.Random(4)
    client.pipe(chunks('RPUSH', 'l', 10000, lambda i: (rng.randrange(MILLION),)), 20)


# name -> must reach, pipeline (1: heavy), what redis-benchmark is given, what is read
SPEED = {
    'lpush': (0.6, 16, None, None), 'rpush': (0.6, 16, None, None),
    'lpop': (0.6, 16, None, None), 'rpop': (0.6, 16, None, None),
    'sadd': (0.6, 16, None, None), 'hset': (0.6, 16, None, None), 'spop': (0.6, 16, None, None),
    'zadd': (0.6, 16, None, None), 'zpopmin': (0.6, 16, None, None), 'mset': (0.6, 16, None, None),
    'lrange_100': (0.6, 16, ('LRANGE', 'mylist', '0', '99'), None),
    'xadd': (0.6, 16, ('XADD', 'x', '*', 'field', '__rand_int__'), None),
    'zrange of 100 in a million': (0.8, 16, ('ZRANGE', 'z', '500000', '500099'), fill_zset),
    'zrank': (0.8, 16, ('ZRANK', 'z', 'member:__rand_int__'), fill_zset),
    'zincrby': (0.8, 16, ('ZINCRBY', 'z', '1', 'member:__rand_int__'), fill_zset),
    'sinter 2 x 100,000': (0.8, 1, ('SINTER', 's1', 's2'), fill_two_sets),
    'sintercard 2 x 100,000': (0.8, 1, ('SINTERCARD', '2', 's1', 's2'), fill_two_sets),
    'zunionstore 2 x 100,000': (0.8, 1, ('ZUNIONSTORE', 'out', '2', 'z1', 'z2'), fill_two_zsets),
    'hgetall of 100': (0.8, 16, ('HGETALL', 'h'), fill_hash),
    'pfcount of one': (0.8, 16, ('PFCOUNT', 'p1'), fill_hlls),
    'pfcount of two': (0.8, 1, ('PFCOUNT', 'p1', 'p2'), fill_hlls),
    'geosearch of 100 hits': (0.8, 1, ('GEOSEARCH', 'g', 'FROMLONLAT', '1', '1', 'BYRADIUS', '39.5',
                                       'km'), fill_geo),
    'sort of 10,000': (0.8, 1, ('SORT', 'l'), fill_numbers),
}


def shape_of(name):
    pipeline = SPEED[name][1]
    return Shape(name, pipeline, 50 if pipeline > 1 else 2, 16, 1, heavy=pipeline == 1)


def prepare(server, name):
    """What the test reads; pops and pushes start from what the run before left behind."""
    _, _, _, fill = SPEED[name]
    client = server.client()
    client.ask('FLUSHALL')
    if name.startswith('lrange'):
        client.pipe(encode('RPUSH', 'mylist', b'x' * 16) for _ in range(1000))
    elif name in ('lpop', 'rpop'):
        client.pipe(chunks('RPUSH', 'mylist', 2 * MILLION, lambda i: ('x' * 16,)), 20)
    elif name == 'spop':
        fill_set(client, 'myset', MILLION)
    elif name == 'zpopmin':
        fill_zset(client, 'myzset', MILLION)
    elif fill:
        fill(client)
    client.close()


def measure_speed(servers, opts, load, runs):
    names = [n for n in SPEED if not opts.tests or n in opts.tests.split(',')]
    for name in names:
        custom = SPEED[name][2]
        loads.TESTS.setdefault(name, (None, custom))
        start, shape = time.monotonic(), shape_of(name)
        for server in servers:
            prepare(server, name)
            load.run(server, shape, 0.15)
        for turn in range(opts.rounds):
            for server in servers if turn % 2 == 0 else servers[::-1]:
                if name in ('lpop', 'rpop', 'spop', 'zpopmin'):
                    prepare(server, name)
                run = load.run(server, shape)
                run['round'] = turn
                runs.add(run)
        say(f'{name}: {time.monotonic() - start:.0f} s')
    rows = []
    for name in names:
        shape = shape_of(name).key()
        cpu = [runs.median(shape, s.name, 'cpu_us') for s in servers]
        ratio = runs.ratio(shape, servers[1].name, servers[0].name, 'cpu_us')
        rows.append([name, str(SPEED[name][1]), f'{cpu[0]:.2f}', f'{cpu[1]:.2f}', f'{SPEED[name][0]}',
                     f'{ratio:.2f}', 'yes' if ratio <= SPEED[name][0] else 'NO'])
    return report.table(['server CPU per request, us', 'pipeline'] + [s.name for s in servers] +
                        ['must', 'ratio', 'reached'], rows)


# ---- Memory ----

def many_hashes(client):
    client.pipe((encode('HSET', f'hash:{i}', *(w for f in range(5) for w in (f'f{f}', f'val{i % 1000}')))
                 for i in range(MILLION)), 1000)


def many_lists(client):
    items = [f'item:{i}' for i in range(50)]
    client.pipe((encode('RPUSH', f'list:{i}', *items) for i in range(100000)), 100)


def large_hash(client):
    client.pipe(chunks('HSET', 'h', MILLION, lambda i: (f'field:{i}', f'value:{i}')), 20)


def large_stream(client):
    client.pipe((encode('XADD', 'x', f'{1700000000000 + i // 3}-{i % 3}', 'name', f'user{i % 5000}', 'age',
                        i % 90, 'city', f'town{i % 300}') for i in range(MILLION)), 1000)


MEMORY = {
    'a million hashes of 5 fields': many_hashes, '100,000 lists of 50': many_lists,
    'a sorted set of a million': fill_zset,
    'a set of a million strings': lambda client: fill_set(client, 's', MILLION),
    'a hash of a million': large_hash, 'a stream of a million entries': large_stream,
}
MEMORY_MUST = 0.8


def measure_memory(servers):
    rows = []
    for name, fill in MEMORY.items():
        used = []
        for server in servers:
            server.start()
            before, client = footprint.settle(server), server.client()
            fill(client)
            client.close()
            used.append(footprint.settle(server) - before)
            server.stop()
        ratio = used[1] / used[0]
        rows.append([name] + [f'{u / 1e6:.1f}' for u in used] +
                    [str(MEMORY_MUST), f'{ratio:.2f}', 'yes' if ratio <= MEMORY_MUST else 'NO'])
        say(f'{name}: {ratio:.2f}')
    return report.table(['RSS, MB'] + [s.name for s in servers] + ['must', 'ratio', 'reached'], rows)


# ---- Stalls ----

class Prober(threading.Thread):
    """A second client that says PING without a pause and remembers the longest wait."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.client, self.longest, self.over = server.client(), 0.0, False

    def run(self):
        while not self.over:
            start = time.monotonic()
            self.client.ask('PING')
            self.longest = max(self.longest, time.monotonic() - start)
            time.sleep(0.0002)

    def end(self):
        self.over = True
        self.join()
        self.client.close()
        return 1000 * self.longest


def unlink_set(client, prober):
    fill_set(client, 's', 5 * MILLION)
    prober.start()
    client.ask('UNLINK', 's')
    time.sleep(3)


def grow_hash(client, prober):
    prober.start()
    client.pipe(chunks('HSET', 'h', 5 * MILLION, lambda i: (f'field:{i}', i), 20), 20)


def expire_zset(client, prober):
    fill_zset(client, 'z', 5 * MILLION)
    prober.start()
    client.ask('PEXPIRE', 'z', 200)
    time.sleep(3)


def do_nothing(client, prober):
    prober.start()
    time.sleep(6)


# Without a bound: what the machine itself makes a client wait for.
STALLS = {
    'nothing, for 6 s': do_nothing, 'UNLINK of a set of 5 million': unlink_set,
    'a hash grows to 5 million': grow_hash, 'a sorted set of 5 million expires': expire_zset,
}
STALL_MUST = 5.0


def measure_stalls(servers):
    rows = []
    for name, act in STALLS.items():
        longest = []
        for server in servers:
            server.start()
            client, prober = server.client(), Prober(server)
            act(client, prober)
            longest.append(prober.end())
            client.close()
            server.stop()
        bound = act is not do_nothing
        rows.append([name] + [f'{ms:.1f}' for ms in longest] +
                    ([str(STALL_MUST), 'yes' if longest[1] <= STALL_MUST else 'NO'] if bound else ['', '']))
        say(f'{name}: {longest[1]:.1f} ms')
    return report.table(['longest wait of another client, ms'] + [s.name for s in servers] +
                        ['must', 'reached'], rows)


# ---- A cache ----

CACHE_LIMIT = 100 << 20


def measure_cache(servers, opts):
    """Zipf over more keys than fit: hit rate and the highest memory in use."""
    rows, requests = [], str((2 if opts.quick else 10) * MILLION)
    for policy in ('allkeys-lru', 'allkeys-lfu'):
        rates, peaks = [], []
        for server in servers:
            plain, server.args = server.args, server.args + ['--maxmemory', str(CACHE_LIMIT),
                                                             '--maxmemory-policy', policy]
            server.start()
            done = subprocess.run([opts.cache, str(server.port), requests, '2000000', '0.9', '100', '7'],
                                  stdout=subprocess.PIPE, check=True, text=True).stdout.split()
            server.stop()
            server.args = plain
            rates.append(float(done[done.index('percent') + 1]))
            peaks.append(int(done[done.index('peak') + 1]) / CACHE_LIMIT)
        reached = rates[1] >= rates[0] and peaks[1] <= 1.02
        rows.append([policy] + [f'{r:.2f}' for r in rates] + [f'{p:.3f}' for p in peaks] +
                    ['yes' if reached else 'NO'])
        say(f'{policy}: {rates[1]:.2f} %')
    names = [s.name for s in servers]
    return report.table(['100 MB, hits in %'] + names + [f'{n}, peak to limit' for n in names] +
                        ['reached'], rows)


def compare_types(opts, load, cpus):
    servers = [Server('redis', opts.redis, cpus=cpus), Server('baton', os.path.abspath(opts.server), opts.args.split(), cpus)]
    texts = []
    try:
        if opts.only in (None, 'speed'):
            for server in servers:
                server.start()
            runs = report.Runs()
            texts.append(measure_speed(servers, opts, load, runs))
            for server in servers:
                server.stop()
        if opts.only in (None, 'footprint', 'memory'):
            texts.append(measure_memory(servers))
        if opts.only in (None, 'stalls'):
            texts.append(measure_stalls(servers))
        if opts.only in (None, 'cache'):
            texts.append(measure_cache(servers, opts))
    finally:
        for server in servers:
            server.stop()
    return texts
