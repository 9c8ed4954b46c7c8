"""DURABILITY=1: the log, snapshots and loading beside redis-server; the figures of the durability issue.

On a machine that does other things, too: `chrt -r 5 make bench DURABILITY=1`, as root, lets servers and clients
come before them.
"""
import os
import random
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time

import report
from load import Shape
from rounds import say
from servers import Failure, Server, encode, free_port

KEYS, MEMBERS, COMMANDS = 2000000, 1000000, 5000000
WRITES_A_SECOND, VALUE = 50000, 32
ALWAYS = ['--appendonly', 'yes', '--appendfsync', 'always', '--auto-aof-rewrite-percentage', '0']
EVERYSEC = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--auto-aof-rewrite-percentage', '0']


def verdict(value, must, at_least=False):
    return 'yes' if (value >= must if at_least else value <= must) else 'NO'


def median(values):
    return statistics.median(values)


# ---- The log ----

def log_servers(opts, cpus):
    """(what is compared, shapes, first server, second server, number, must, whether it is a least)."""
    def redis(args):
        return Server('redis', opts.redis, args, cpus=cpus)

    def baton(args, name='baton', program=None):
        return Server(name, os.path.abspath(program or opts.server), opts.args.split() + args, cpus=cpus)

    def sets(conns, *pipelines):
        return [Shape('set', p, conns, VALUE, 1) for p in pipelines]

    yield 'always, against redis always', sets(50, 1, 16), redis(ALWAYS), baton(ALWAYS), 'rps', 2.0, True
    yield 'always, against its own everysec', sets(200, 1, 16), baton(EVERYSEC, 'baton everysec'), \
        baton(ALWAYS), 'rps', 0.8, True
    yield 'everysec, against redis everysec', sets(50, 1, 16, 64), redis(EVERYSEC), baton(EVERYSEC), 'cpu_us', 1.0, False
    if opts.before:
        shapes = [Shape(t, p, 50, VALUE, 1) for t in ('get', 'set') for p in (1, 16, 64)]
        yield 'no log, against before', shapes, baton([], 'before', opts.before), baton([]), 'cpu_us', 1.03, False


def compare_shape(servers, shape, opts, load):
    """The runs of both, round by round."""
    runs = report.Runs()
    for server in servers:
        client = server.client()
        client.ask('FLUSHALL')
        client.close()
        load.run(server, shape, 0.15)
    for turn in range(opts.rounds):
        for server in servers if turn % 2 == 0 else servers[::-1]:
            run = load.run(server, shape)
            run['round'] = turn
            runs.add(run)
    return runs


def measure_log(opts, load, cpus):
    rows = []
    for what, shapes, first, second, number, must, at_least in log_servers(opts, cpus):
        servers = [first, second]
        try:
            for server in servers:
                server.start()
            for shape in shapes:
                start, runs, key = time.monotonic(), compare_shape(servers, shape, opts, load), shape.key()
                ratios = [runs.ratio(key, second.name, first.name, n) for n in ('rps', 'cpu_us')]
                got = ratios[number == 'cpu_us']
                rows.append([f'{shape.test.upper()} {what}', str(shape.clients), str(shape.pipeline)]
                            + [report.thousands(runs.median(key, s.name, 'rps')) for s in servers]
                            + [f'{ratios[0]:.2f}']
                            + [f'{runs.median(key, s.name, "cpu_us"):.2f}' for s in servers]
                            + [f'{ratios[1]:.2f}', f'{number == "rps" and "≥" or "≤"} {must}', verdict(got, must, at_least)])
                say(f'{what}, {shape}: {got:.2f} ({time.monotonic() - start:.0f} s)')
        finally:
            for server in servers:
                server.stop()
    return report.table(['log', 'conns', 'P', 'first k/s', 'second k/s', 'ratio', 'first CPU us',
                         'second CPU us', 'ratio', 'must', 'reached'], rows)


# ---- The files that are loaded ----

def fill_keys(client):
    rng = random.Random(5)
    client.pipe((encode('SET', b'key:%012d' % i, b'%032x' % rng.getrandbits(128)) for i in range(KEYS)), 1000)


def fill_big(client):
    rng = random.Random(6)
    for first in range(0, MEMBERS, 500):
        words = [w for i in range(first, first + 500) for w in (rng.randrange(10**9), f'member:{i:012d}')]
        client.pipe([encode('ZADD', 'big', *words)])


def write_log(folder):
    """A log of five million commands of several kinds, as both servers have it."""
    logs = os.path.join(folder, 'appendonlydir')
    os.makedirs(logs)
    rng = random.Random(7)
    kinds = (lambda k, v: encode('SET', b'key:%012d' % k, v), lambda k, v: encode('SET', b'key:%012d' % k, v),
             lambda k, v: encode('INCR', b'n:%d' % (k % 100000)), lambda k, v: encode('HSET', b'h:%d' % (k % 1000), b'f%d' % k, v),
             lambda k, v: encode('RPUSH', b'l:%d' % (k % 1000), v))
    # Blocks are repeated: making each command anew takes Python a minute.
    blocks = []
    for _ in range(50):
        blocks.append(b''.join(kinds[i % len(kinds)](rng.randrange(MEMBERS), b'%032x' % rng.getrandbits(128))
                               for i in range(5000)))
    with open(os.path.join(logs, 'appendonly.aof.1.incr.aof'), 'wb') as f:
        f.write(encode('SELECT', 0))
        for i in range(COMMANDS // 5000):
            f.write(blocks[i % len(blocks)])
    with open(os.path.join(logs, 'appendonly.aof.manifest'), 'w', encoding='ascii') as f:
        f.write('file appendonly.aof.1.incr.aof seq 1 type i\n')


def make_files(opts, folder):
    """Folders with the data, written by redis-server, which both servers read."""
    say('filling redis-server for the files to load')
    server = Server('redis', opts.redis)
    folders = {name: os.path.join(folder, name) for name in ('keys', 'big', 'log')}
    try:
        server.start()
        client = server.client()
        for name, fill in (('keys', fill_keys), ('big', fill_big)):
            fill(client)
            if isinstance(client.ask('SAVE'), Exception):
                raise Failure('redis-server cannot save')
            os.mkdir(folders[name])
            shutil.copy(os.path.join(server.directory, 'dump.rdb'), folders[name])
        client.close()
    finally:
        server.stop()
    write_log(folders['log'])
    return folders


# ---- Loading ----

def time_to_load(server, least):
    """Seconds from exec to the first PONG, in a folder that is there."""
    server.directory = tempfile.mkdtemp(prefix='baton-bench-')
    shutil.copytree(server.files, server.directory, dirs_exist_ok=True)
    os.sync()
    server.port = free_port()
    start = time.monotonic()
    server.spawn()
    server.wait_ready(pause=0.01)
    took = time.monotonic() - start
    client = server.client()
    size = client.ask('DBSIZE')
    client.close()
    server.stop()
    if size < least:
        raise Failure(f'{server.name} loaded {size} keys, not {least}')
    return took


def measure_loading(servers, opts, folders):
    rows = []
    for what, files, args, least in (
            (f'an RDB file of {KEYS:,} keys', 'keys', [], KEYS),
            (f'an AOF of {COMMANDS:,} commands', 'log', ['--appendonly', 'yes'], 100000)):
        times = {s.name: [] for s in servers}
        kept = [s.args for s in servers]
        for server in servers:
            server.files, server.args = folders[files], server.args + args
        for turn in range(opts.rounds):
            for server in servers if turn % 2 == 0 else servers[::-1]:
                times[server.name].append(time_to_load(server, least))
        for server, old in zip(servers, kept):
            server.files, server.args = None, old
        ratio = median([b / a for a, b in zip(*times.values())])
        rows.append([f'to load {what}'] + [f'{median(t):.2f}' for t in times.values()]
                    + [f'{ratio:.2f}', '≤ 0.7', verdict(ratio, 0.7)])
        say(f'{what}: {ratio:.2f}')
    return rows


# ---- Snapshots ----

class Side:
    """A client program beside the server, until it is told to end; see paced.c."""

    def __init__(self, opts, cpus, *words):
        self.process = subprocess.Popen([opts.paced] + [str(w) for w in words], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True,
                                        preexec_fn=(lambda: os.sched_setaffinity(0, cpus)) if cpus else None)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=60)
        if self.process.returncode != 0:
            raise Failure(f'paced: {err.strip()}')
        return [float(word) for word in out.split()]


def children(pid):
    try:
        with open(f'/proc/{pid}/task/{pid}/children', encoding='ascii') as f:
            return [int(word) for word in f.read().split()]
    except OSError:
        return []


def memory_of(pid):
    """Bytes of a process and its children, pages that they share counted once."""
    total = 0
    for one in [pid] + children(pid):
        try:
            with open(f'/proc/{one}/smaps_rollup', encoding='ascii') as f:
                total += next(int(line.split()[1]) for line in f if line.startswith('Pss:')) * 1024
        except (OSError, StopIteration):
            pass                    # it has just ended
    return total


class Memory(threading.Thread):
    """Looks at a server's memory until told to end, and keeps the most."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.pid, self.most, self.over = server.process.pid, 0, threading.Event()

    def run(self):
        while not self.over.wait(0.05):
            self.most = max(self.most, memory_of(self.pid))

    def end(self):
        self.over.set()
        self.join()
        return self.most


def bgsave(server, limit=180):
    """Seconds that it takes."""
    client = server.client()
    start = time.monotonic()
    reply = client.ask('BGSAVE')
    if isinstance(reply, Exception):
        raise Failure(f'{server.name}: BGSAVE: {reply}')
    while b'rdb_bgsave_in_progress:1' in client.ask('INFO', 'persistence'):
        if time.monotonic() - start > limit:
            raise Failure(f'{server.name}: BGSAVE takes longer than {limit} s')
        time.sleep(0.01)
    took = time.monotonic() - start
    if b'rdb_last_bgsave_status:ok' not in client.ask('INFO', 'persistence'):
        raise Failure(f'{server.name}: BGSAVE failed')
    client.close()
    return took


def writes(server, opts, cpus):
    return Side(opts, cpus, 'write', server.port, WRITES_A_SECOND, KEYS, VALUE)


def one_snapshot(server, opts, cpus):
    """What a round gives: name -> number."""
    got = {'time': bgsave(server)}
    # PING beside writes, first without a snapshot for about as long.
    load, ping = writes(server, opts, cpus), Side(opts, cpus, 'ping', server.port)
    time.sleep(max(2.0, got['time']))
    _, got['p50 before'], got['p99 before'], got['longest before'] = ping.end()
    got['rate before'] = load.end()[1]
    load, ping = writes(server, opts, cpus), Side(opts, cpus, 'ping', server.port)
    got['time under writes'] = bgsave(server)
    _, got['p50'], got['p99'], got['longest'] = ping.end()
    got['rate'] = load.end()[1]
    # Reading the sizes stalls the server's page faults: in a snapshot of its own.
    load = writes(server, opts, cpus)
    time.sleep(1.0)
    before, memory = memory_of(server.process.pid), Memory(server)
    memory.start()
    bgsave(server)
    got['memory'], got['memory before'] = memory.end() / before, before
    load.end()
    return got


def measure_snapshots(servers, opts, cpus, folders):
    rounds = {s.name: [] for s in servers}
    for turn in range(opts.rounds):
        for server in servers if turn % 2 == 0 else servers[::-1]:
            server.files = folders['big']
            try:
                server.start()
                rounds[server.name].append(one_snapshot(server, opts, cpus))
            finally:
                server.stop()
                server.files = None
            say(f'round {turn + 1}, {server.name}: ' + ', '.join(f'{k} {v:.2f}' for k, v in rounds[server.name][-1].items()))
    return snapshot_rows(*rounds.values())


def snapshot_rows(redis, baton):
    """Rows of what must be reached, and the table of the rest."""
    def of(runs, name):
        return median([run[name] for run in runs])

    def both(name, scale=1.0, form='.2f'):
        return [f'{of(runs, name) * scale:{form}}' for runs in (redis, baton)]

    ratio = median([b['time'] / a['time'] for a, b in zip(redis, baton)])
    longest = of(baton, 'longest') / 1000
    worse = [median([run['p99'] / run['p99 before'] for run in runs]) for runs in (redis, baton)]
    memory = of(baton, 'memory')
    rows = [
        ['BGSAVE, s', *both('time'), f'{ratio:.2f}', '≤ 1.0', verdict(ratio, 1.0)],
        ['longest PING during BGSAVE under writes, ms', *both('longest', 0.001), '', '≤ 10', verdict(longest, 10)],
        ['its p99 to that without BGSAVE', *[f'{w:.2f}' for w in worse], '', '≤ 1.3', verdict(worse[1], 1.3)],
        ['peak memory during BGSAVE under writes, to before', *both('memory'), '', '≤ 1.2', verdict(memory, 1.2)]]
    more = [[text, *both(name, scale)] for text, name, scale in (
        ('PING without BGSAVE, p50 us', 'p50 before', 1), ('p99 us', 'p99 before', 1), ('longest ms', 'longest before', 0.001),
        ('PING during BGSAVE, p50 us', 'p50', 1), ('p99 us', 'p99', 1), ('the longest of all rounds, ms', 'longest', 0.001),
        ('writes a second without BGSAVE', 'rate before', 1), ('during BGSAVE', 'rate', 1),
        ('BGSAVE under writes, s', 'time under writes', 1), ('memory before, MB', 'memory before', 1e-6))]
    most = [max(run['longest'] for run in runs) / 1000 for runs in (redis, baton)]
    more[5][1:] = [f'{m:.2f}' for m in most]
    return rows, report.table([f'{KEYS:,} keys, a sorted set of {MEMBERS:,}', 'redis', 'baton'], more)


def commit():
    done = subprocess.run(['git', 'log', '-1', '--format=%h'], capture_output=True, text=True, check=False)
    return done.stdout.strip() or 'unknown'


def machine():
    with open('/proc/cpuinfo', encoding='ascii', errors='replace') as f:
        models = [line.partition(':')[2].strip() for line in f if line.startswith('model name')]
    disk = subprocess.run(['df', '--output=fstype', tempfile.gettempdir()], capture_output=True, text=True, check=False)
    return f'{len(models)} CPUs, {models[0] if models else "unknown"}, {tempfile.gettempdir()} on {disk.stdout.split()[-1]}'


def compare_durability(opts, load, server_cpus):
    """The texts to print."""
    priority = '; at real-time priority' if os.sched_getscheduler(0) in (os.SCHED_FIFO, os.SCHED_RR) else ''
    texts = [f'commit {commit()}; {machine()}; load average {os.getloadavg()[0]:.1f} at the start{priority}']
    parts = [opts.only] if opts.only else ['log', 'loading', 'snapshots']
    if 'log' in parts:
        texts.append(measure_log(opts, load, server_cpus))
    if parts == ['log']:
        return texts
    servers = [Server('redis', opts.redis, cpus=server_cpus),
               Server('baton', os.path.abspath(opts.server), opts.args.split(), cpus=server_cpus)]
    rows, more = [], []
    with tempfile.TemporaryDirectory(prefix='baton-bench-') as folder:
        folders = make_files(opts, folder)
        if 'loading' in parts:
            rows += measure_loading(servers, opts, folders)
        if 'snapshots' in parts:
            new, table = measure_snapshots(servers, opts, load.cpus, folders)
            rows, more = rows + new, [table]
    return texts + [report.table(['seconds, unless it says otherwise', 'redis', 'baton', 'ratio', 'must', 'reached'], rows)] + more
