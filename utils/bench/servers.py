"""Servers under test: how to start and stop them, and what the kernel says about them."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

TICK = os.sysconf('SC_CLK_TCK')


class Failure(Exception):
    """The benchmark cannot go on; the text says why."""


def redis_program():
    """redis-server; Debian's redis-tools have it as redis-check-rdb: it is what it is called."""
    return shutil.which('redis-server') or shutil.which('redis-check-rdb')


def free_port():
    """A TCP port of the loopback address on which nobody listens."""
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def encode(*words):
    """One command in RESP."""
    parts = [b'*%d\r\n' % len(words)]
    for word in words:
        word = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b'$%d\r\n%s\r\n' % (len(word), word))
    return b''.join(parts)


class Client:
    """A connection that sends commands and reads replies in RESP2, as far as a benchmark needs it."""

    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=60)
        self.reader = self.socket.makefile('rb', buffering=1 << 16)

    def close(self):
        self.reader.close()
        self.socket.close()

    def reply(self):
        """The next reply: bytes, an int, None, a list, or an Exception for an error reply."""
        line = self.reader.readline()
        if not line.endswith(b'\r\n'):
            raise Failure('the server closed the connection')
        kind, rest = line[:1], line[1:-2]
        if kind == b'+':
            return rest
        if kind == b'-':
            return RuntimeError(rest.decode(errors='replace'))
        if kind == b':':
            return int(rest)
        if kind == b'$':
            return None if rest == b'-1' else self.reader.read(int(rest) + 2)[:-2]
        if kind == b'*':
            return None if rest == b'-1' else [self.reply() for _ in range(int(rest))]
        raise Failure(f'a reply that is none: {line!r}')

    def ask(self, *words):
        self.socket.sendall(encode(*words))
        return self.reply()

    def pipe(self, commands, batch=500):
        """Sends encoded commands, `batch` at a time, and checks that none answers an error."""
        held = []
        for command in commands:
            held.append(command)
            if len(held) == batch:
                self._flush(held)
        self._flush(held)

    def _flush(self, held):
        self.socket.sendall(b''.join(held))
        for _ in held:
            reply = self.reply()
            if isinstance(reply, Exception):
                raise Failure(f'the server answered {reply}')
        held.clear()


class Server:
    """A server process. `name` stands in tables; `args` come after the ones that all servers get."""

    def __init__(self, name, binary, args=(), cpus=None):
        self.name, self.binary, self.args, self.cpus = name, binary, list(args), cpus
        self.process = self.directory = self.port = None
        self.files = None           # a folder whose files are there when it starts

    def start(self):
        self.port = free_port()
        self.directory = tempfile.mkdtemp(prefix='baton-bench-')
        if self.files:
            shutil.copytree(self.files, self.directory, dirs_exist_ok=True)
        self.spawn()
        self.wait_ready()
        return self

    def spawn(self):
        """Starts the process in the folder that is there."""
        is_redis = os.path.basename(self.binary) == 'redis-check-rdb'
        command = ['redis-server' if is_redis else self.binary, '--port', str(self.port), '--bind', '127.0.0.1', '--save', '',
                   '--appendonly', 'no', '--dir', self.directory, '--maxclients', '10100',
                   '--daemonize', 'no', '--logfile', os.path.join(self.directory, 'log')] + self.args
        self.process = subprocess.Popen(command, executable=self.binary, stdin=subprocess.DEVNULL, cwd=self.directory,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        preexec_fn=self._pin)

    def wait_ready(self, seconds=60, pause=0.05):
        """Waits until it answers PING; a file to load takes its time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                said = self.process.stderr.read().decode(errors='replace').strip() + self.log()
                raise Failure(f'{self.name} did not start: {said[-500:]}')
            try:
                client = Client(self.port)
                pong = client.ask('PING')
                client.close()
                if pong == b'PONG':
                    return
            except (OSError, Failure):
                pass
            time.sleep(pause)
        self.stop()
        raise Failure(f'{self.name} did not answer PING within {seconds} seconds')

    def _pin(self):
        if self.cpus:
            os.sched_setaffinity(0, self.cpus)

    def log(self):
        try:
            with open(os.path.join(self.directory, 'log'), encoding='utf-8', errors='replace') as f:
                return f.read()
        except OSError:
            return ''

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            print(f'bench: {self.name} did not stop within 20 seconds', flush=True)
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()
        self.process = None
        shutil.rmtree(self.directory, ignore_errors=True)

    def client(self):
        return Client(self.port)

    def check(self):
        if self.process.poll() is not None:
            raise Failure(f'{self.name} died (exit status {self.process.returncode})\n{self.log()[-2000:]}')

    def cpu(self):
        """Seconds of CPU that all threads have used."""
        self.check()
        return cpu_of(self.process.pid)

    def rss(self):
        """Bytes of memory that are resident."""
        self.check()
        with open(f'/proc/{self.process.pid}/status', encoding='ascii') as f:
            for line in f:
                if line.startswith('VmRSS:'):
                    return int(line.split()[1]) * 1024
        raise Failure(f'{self.name} has no VmRSS')


def cpu_of(pid):
    """Seconds of CPU of a process: to the nanosecond from schedstat, by ticks where there is none."""
    total = 0
    for task in os.listdir(f'/proc/{pid}/task'):
        try:
            with open(f'/proc/{pid}/task/{task}/schedstat', encoding='ascii') as f:
                total += int(f.read().split()[0])
        except (OSError, IndexError):
            continue
    if total:
        return total / 1e9
    with open(f'/proc/{pid}/stat', encoding='ascii') as f:
        fields = f.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK
