"""What all fault tests stand on: servers that are started and killed, the checker, the books of a bad disk."""
import ctypes
import mmap
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'utils', 'bench'))
from servers import Client, Failure, encode, free_port  # noqa: E402  (one RESP client for all tools)

PATIENCE_S = 30


class Wrong(Exception):
    """The server did what it must not; the words say what."""

    def __str__(self):
        return ' '.join(str(a) for a in self.args)


class Skip(Exception):
    """This cannot be tested here; the text says why."""


def must(holds, *said):
    if not holds:
        raise Wrong(*said)


def wait_for(what, holds, seconds=PATIENCE_S):
    """Asks again and again; gives what `holds` gave once that is true, and fails after so long."""
    end = time.monotonic() + seconds
    while True:
        got = holds()
        if got:
            return got
        if time.monotonic() > end:
            raise Wrong(f'waited {seconds} s for {what}')
        time.sleep(0.005)


class Place:
    """A folder for one test, outside of what a crash can reach; gone at its end."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix='baton-faults-')
        self.closers = []

    def __enter__(self):
        return self

    def __exit__(self, kind, value, _):
        for close in reversed(self.closers):
            close()
        # What a failed test left behind is worth a look.
        if kind is not None and issubclass(kind, Wrong) and os.environ.get('KEEP'):
            print(f'    kept: {self.path}')
            return
        shutil.rmtree(self.path, ignore_errors=True)

    def sub(self, name):
        path = os.path.join(self.path, name)
        os.makedirs(path, exist_ok=True)
        return path

    def at_end(self, close):
        self.closers.append(close)


class Rig:
    """The server under test and the programs beside it."""

    def __init__(self, server, tools):
        self.server, self.tools = server, tools
        for name in ('faults-load', 'faults-judge', 'faults-writer', 'faulty.so'):
            if not os.path.exists(self.tool(name)):
                raise SystemExit(f'faults: {self.tool(name)} is missing: say make faults')
        said = subprocess.run([server, '--version'], capture_output=True, text=True, check=False).stdout
        self.is_redis = said.startswith('Redis')

    def tool(self, name):
        return os.path.join(self.tools, name)

    def start(self, place, directory, *options, disk=None, under=(), binary=None, waits=True):
        return Process(self, place, directory, options, disk, under, binary, waits)


class Process:
    """One life of a server. Waits until it answers PING, unless told not to."""

    def __init__(self, rig, place, directory, options, disk, under, binary, waits):
        self.rig, self.directory = rig, directory
        self.port = free_port()
        self.log_path = os.path.join(place.path, 'server.log')
        self.client = None
        command = list(under) + [
            binary or rig.server, '--port', str(self.port), '--bind', '127.0.0.1', '--dir', directory,
            '--daemonize', 'no', '--logfile', '', '--enable-debug-command', 'yes',
            '--rdb-version', '10'][:None if not (rig.is_redis or binary) else -2] + list(options)
        env = dict(os.environ)
        if disk is not None:
            env.update(LD_PRELOAD=rig.tool('faulty.so'), FAULTS_CONTROL=disk.path, FAULTS_DIR=directory)
            env['ASAN_OPTIONS'] = env.get('ASAN_OPTIONS', '') + ':verify_asan_link_order=0'
        self.log = open(self.log_path, 'ab')
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log, env=env, cwd=directory)
        place.at_end(self.kill)
        if waits:
            self.wait_ready()

    def wait_ready(self):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Wrong(f'the server did not start: {self.tail()}')
            try:
                self.client = Client(self.port)
                if self.client.ask('PING') == b'PONG':
                    return
                self.client.close()
            except (OSError, Failure):
                pass
            time.sleep(0.01)
        raise Wrong(f'no PONG within {PATIENCE_S} s: {self.tail()}')

    def tail(self):
        with open(self.log_path, encoding='utf-8', errors='replace') as f:
            return ' | '.join(f.read().splitlines()[-6:])

    def ask(self, *words):
        return self.client.ask(*words)

    def ok(self, *words):
        reply = self.client.ask(*words)
        must(not isinstance(reply, Exception), ' '.join(str(w) for w in words[:2]), 'was answered', reply)
        return reply

    def info(self, field):
        for line in self.ok('INFO', 'persistence').decode().splitlines():
            name, _, value = line.partition(':')
            if name == field:
                return value
        raise Wrong(f'INFO persistence has no {field}')

    def digest(self):
        return self.ok('DEBUG', 'DIGEST').decode()

    def is_alive(self):
        return self.process.poll() is None

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        if self.client is not None:
            self.client.close()
            self.client = None
        self.log.close()

    def wait_death(self, seconds=PATIENCE_S):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Wrong(f'the server did not end within {seconds} s') from None


class Load:
    """The checker's load, running; see load.c."""

    def __init__(self, rig, server, log, epoch=0, conns=8, pipeline=16, ms=2000, stays=False):
        command = [rig.tool('faults-load'), str(server.port), log, str(epoch), str(conns), str(pipeline), str(ms)]
        self.process = subprocess.Popen(command + (['stay'] if stays else []), stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)

    def end(self):
        try:
            out, err = self.process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Wrong('the load does not end') from None
        must(self.process.returncode == 0, 'the load failed:', err.strip())
        words = out.split(None, 5)
        self.acked, self.refused, self.unknown, self.first_refusal, self.last_ack = map(int, words[:5])
        self.error = words[5].strip() if len(words) > 5 else ''
        return self


class Verdict:
    """The judge's: see judge.c. Raises Wrong when the state is not legal."""

    def __init__(self, rig, server, logs, cut_ns=0):
        done = subprocess.run([rig.tool('faults-judge'), str(server.port), str(cut_ns)] + list(logs),
                              capture_output=True, text=True, check=False)
        must(done.returncode == 0, 'not a legal state:', (done.stdout + done.stderr).strip().replace('\n', ' | '))
        words = done.stdout.split()
        self.lost, self.window_s, self.kept, self.late = int(words[1]), int(words[3]) / 1e6, int(words[5]), int(words[7])


class Disk:
    """The memory that is shared with faulty.so, and its rule; see faulty.c."""
    KINDS = {name: 1 << i for i, name in enumerate(('open', 'write', 'sync', 'rename', 'unlink', 'truncate'))}
    ACTIONS = {name: i + 1 for i, name in enumerate(('error', 'short', 'kill-before', 'kill-after', 'delay'))}
    HEAD = struct.Struct('@IIIIIiIIIIQQQ64s')
    FILE = struct.Struct('@QQQQ')
    FILES, FOREVER = 1024, 0xffffffff

    def __init__(self, place):
        self.path = os.path.join(place.path, 'disk')
        with open(self.path, 'wb') as f:
            f.truncate(self.HEAD.size + self.FILES * self.FILE.size)
        self.file = open(self.path, 'r+b')
        self.memory = mmap.mmap(self.file.fileno(), 0)
        place.at_end(self.close)

    def close(self):
        self.memory.close()
        self.file.close()

    def arm(self, kinds, action, error=0, at=1, count=1, part='', delay_us=0):
        bits = sum(self.KINDS[k] for k in kinds.split(','))
        self.disarm()
        files = self.HEAD.unpack_from(self.memory, 0)[9]
        # The word that arms comes last: the server reads the rest after it.
        self.HEAD.pack_into(self.memory, 0, 0, bits, at, count, self.ACTIONS[action], error, delay_us, 0, 0,
                            files, 0, *self.HEAD.unpack_from(self.memory, 0)[11:13], part.encode())
        struct.pack_into('@I', self.memory, 0, 1)

    def disarm(self):
        struct.pack_into('@I', self.memory, 0, 0)

    @property
    def matched(self):
        return self.HEAD.unpack_from(self.memory, 0)[7]

    @property
    def hits(self):
        return self.HEAD.unpack_from(self.memory, 0)[8]

    @property
    def first_hit_ns(self):
        return self.HEAD.unpack_from(self.memory, 0)[10]

    def longest_sync_s(self, at_ns):
        """What the disk alone took, up to that instant; what a test asks of a window holds where it is less
        than half a second."""
        began, longest = self.HEAD.unpack_from(self.memory, 0)[11:13]
        return max(longest, at_ns - began if began else 0) / 1e9

    def lose_unsynced(self, directory):
        """A power cut, after the server is dead: what was not synced is gone."""
        books = {}
        for i in range(self.HEAD.unpack_from(self.memory, 0)[9]):
            dev, ino, durable, _ = self.FILE.unpack_from(self.memory, self.HEAD.size + i * self.FILE.size)
            books[dev, ino] = durable
        for where, _, names in os.walk(directory):
            for name in names:
                path = os.path.join(where, name)
                st = os.stat(path)
                durable = books.get((st.st_dev, st.st_ino), st.st_size)
                if durable < st.st_size:
                    os.truncate(path, durable)


def now_ns():
    return time.monotonic_ns()


def log_options(policy, *more):
    return ('--save', '', '--appendonly', 'yes', '--appendfsync', policy) + more


def sleep_random(low_ms, high_ms):
    """The one sleep that is wanted: a crash comes when it comes."""
    time.sleep(random.uniform(low_ms, high_ms) / 1000)
