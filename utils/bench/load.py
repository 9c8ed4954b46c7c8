"""The load: redis-benchmark, one test a run, with the CPU that the server used for it."""
import collections
import csv
import io
import os
import statistics
import subprocess
import time

from servers import Failure, encode

KEYS = 100000                       # keys of the tests that pick keys at random
POLL = 0.01                         # seconds between looks at a server under load
# name -> (a command that tells whether a server supports the test, arguments instead of -t)
TESTS = {
    'ping_inline': (('PING',), None), 'ping_mbulk': (('PING',), None),
    'set': (('SET', 'probe:s', 'x'), None), 'get': (('GET', 'probe:s'), None),
    'incr': (('INCR', 'probe:i'), None), 'lpush': (('LPUSH', 'probe:l', 'x'), None),
    'rpush': (('RPUSH', 'probe:l', 'x'), None), 'lpop': (('LPOP', 'probe:l'), None),
    'rpop': (('RPOP', 'probe:l'), None), 'sadd': (('SADD', 'probe:t', 'x'), None),
    'hset': (('HSET', 'probe:h', 'f', 'x'), None), 'spop': (('SPOP', 'probe:t'), None),
    'zadd': (('ZADD', 'probe:z', '1', 'x'), None), 'zpopmin': (('ZPOPMIN', 'probe:z'), None),
    'lrange_100': (('LRANGE', 'probe:l', '0', '99'), ('LRANGE', 'mylist', '0', '99')),
    'lrange_300': (('LRANGE', 'probe:l', '0', '299'), ('LRANGE', 'mylist', '0', '299')),
    'lrange_500': (('LRANGE', 'probe:l', '0', '499'), ('LRANGE', 'mylist', '0', '499')),
    'lrange_600': (('LRANGE', 'probe:l', '0', '599'), ('LRANGE', 'mylist', '0', '599')),
    'mset': (('MSET', 'probe:m', 'x'), None),
}


class Shape:
    """What a run asks for: test, pipeline depth, connections, bytes of a value, client threads.

    A heavy one takes milliseconds for a request: few of them make a run.
    """

    def __init__(self, test, pipeline, clients, size, threads, heavy=False):
        self.test, self.pipeline, self.clients = test, pipeline, clients
        self.size, self.threads = size, threads
        self.least, self.guess = (20, 100) if heavy else (2000, 30000 * min(pipeline, 8))

    def key(self):
        return (self.test, self.pipeline, self.clients, self.size, self.threads)

    def __str__(self):
        return (f'{self.test} P{self.pipeline} c{self.clients} d{self.size} '
                f'{self.threads} client thread{"s" if self.threads > 1 else ""}')


def supported(server):
    """The tests of redis-benchmark that this server can run, in redis-benchmark's order."""
    client = server.client()
    try:
        return [name for name, (probe, _) in TESTS.items()
                if not isinstance(client.ask(*probe), Exception)]
    finally:
        client.ask('FLUSHALL')
        client.close()


def prepare(server, shape):
    """Empties the server and puts in what the test reads."""
    client = server.client()
    client.ask('FLUSHALL')
    value = b'x' * shape.size
    if shape.test in ('get', 'set'):
        client.pipe(encode('SET', 'key:%012d' % i, value) for i in range(KEYS))
    elif shape.test.startswith('lrange'):
        client.pipe(encode('RPUSH', 'mylist', value) for _ in range(1000))
    client.close()


def wait_for_end(process, server):
    """Waits for the load generator and returns for how long the server had had nothing to do by then.

    With --threads, redis-benchmark looks only every 250 ms whether it is done, spins until then, and
    counts that time as if it had been work.
    """
    worked, before, streak, pause = time.monotonic(), server.cpu(), 0, 0
    last = worked                       # when it last worked before the pause that came last
    while process.poll() is None:
        now = server.cpu()
        if now - before > POLL / 10:
            if streak == 0 and pause >= 3:
                last = worked
            worked, streak = time.monotonic(), streak + 1
        else:
            pause, streak = (1 if streak else pause + 1), 0
        before = now
        time.sleep(POLL)
    # A short burst after a pause is the closing of the connections.
    if 0 < streak <= 3 and pause >= 3:
        worked = last
    return max(0.0, time.monotonic() - worked - POLL / 2)


class Load:
    """Runs shapes, and remembers how fast each server was, so that a run takes about `seconds`."""

    def __init__(self, seconds, cpus=None, tool='redis-benchmark'):
        self.seconds, self.cpus, self.tool = seconds, cpus, tool
        self.speeds = collections.defaultdict(list)     # of each server and shape, requests/s

    def _pin(self):
        if self.cpus:
            os.sched_setaffinity(0, self.cpus)

    def requests(self, server, shape, seconds):
        """As many as usual: a run that something disturbed must not make the next one short."""
        speeds = self.speeds[server.name, shape.key()]
        known = statistics.median(speeds) if speeds else shape.guess
        return max(shape.least, shape.clients * shape.pipeline, int(known * seconds))

    def run(self, server, shape, seconds=None, extra=()):
        """One run: throughput, microseconds of server CPU per request, p50 and p99 in ms."""
        count = self.requests(server, shape, seconds or self.seconds)
        command = [self.tool, '-h', '127.0.0.1', '-p', str(server.port), '-n', str(count),
                   '-c', str(shape.clients), '-P', str(shape.pipeline), '-d', str(shape.size),
                   '-r', str(KEYS), '--csv', *extra]
        if shape.threads > 1:
            command += ['--threads', str(shape.threads)]
        custom = TESTS[shape.test][1]
        command += list(custom) if custom else ['-t', shape.test]
        before = server.cpu()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, preexec_fn=self._pin)
        idle = wait_for_end(process, server) if shape.threads > 1 else 0.0
        output = process.communicate()[0].decode(errors='replace')
        used = server.cpu() - before
        row = self._row(output, process.returncode, server, shape)
        rps = min(float(row['rps']), count * 1000.0)    # what took no time says inf
        if shape.threads > 1:
            took = count / rps
            rps = count / max(took - min(idle, 0.25), took / 4)
        self.speeds[server.name, shape.key()].append(rps)
        return {'server': server.name, 'test': shape.test, 'pipeline': shape.pipeline,
                'clients': shape.clients, 'size': shape.size, 'threads': shape.threads,
                'requests': count, 'rps': rps, 'cpu_us': used * 1e6 / count,
                'p50_ms': float(row['p50_latency_ms']), 'p99_ms': float(row['p99_latency_ms'])}

    @staticmethod
    def _row(output, status, server, shape):
        lines = [line for line in output.splitlines() if line.startswith('"')]
        if status != 0 or len(lines) < 2:
            raise Failure(f'{server.name}: {shape}: redis-benchmark said: {output[-500:]}')
        return list(csv.DictReader(io.StringIO('\n'.join(lines))))[-1]
