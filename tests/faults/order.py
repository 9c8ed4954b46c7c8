"""In what order the server writes, syncs, renames and answers, as strace sees it: no acknowledgement leaves
before the sync that covers it has ended, and no name changes without a sync of its folder after it."""
import os
import re
import shutil

from rig import Client, Failure, Skip, Wrong, encode, log_options, must, wait_for

CALLS = 'write,writev,pwrite64,fdatasync,fsync,sendto,sendmsg,rename,renameat,renameat2'
WRITES, SYNCS, RENAMES = ('write', 'writev', 'pwrite64'), ('fdatasync', 'fsync'), ('rename', 'renameat', 'renameat2')
CONNS = 6
PUSH = re.compile(rb'\*3\r\n\$5\r\nRPUSH\r\n\$\d+\r\n(l:\d+)\r\n\$\d+\r\n(\d+)\r\n')


def unhex(text):
    return bytes.fromhex(text.replace('\\x', ''))


def strings(text):
    """The bytes of a call's strings, which strace -xx shows in hexadecimal."""
    return [unhex(s) for s in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', text)]


def calls(path):
    """(thread, whether it begins or ends, its text) in the order in which it happened."""
    half = {}
    with open(path, encoding='ascii') as f:
        for line in f:
            thread, _, text = line.strip().partition(' ')
            text = text.strip()
            if text.endswith('<unfinished ...>'):
                half[thread] = text[:-len('<unfinished ...>')]
                yield thread, True, half[thread]
            elif text.startswith('<... '):
                yield thread, False, half.pop(thread, '') + text.partition('resumed>')[2]
            else:
                yield thread, True, text
                yield thread, False, text


def returned(text):
    match = re.search(r'= (-?\d+)(?: [A-Z]+ .*)?$', text)
    return int(match[1]) if match else -1


class Watch:
    """Follows the log's bytes to the disk, replies to the clients, and names to their folders."""

    def __init__(self):
        self.text = {}                         # file -> its last bytes, which may hold half a command
        self.written, self.durable = {}, {}    # file -> bytes
        self.syncs = {}                        # thread -> bytes that its sync covers
        self.ends = {}                         # (list, number) -> file, and where in it the push ends
        self.lists = {}                        # descriptor -> the list that its client pushes to
        self.unsynced = {}                     # folder -> a name in it that changed
        self.acked = self.sync_count = self.rename_count = 0

    def take(self, thread, begins, text):
        match = re.match(r'(\w+)\((?:(\d+)<([^>]*)>)?', text)
        if not match:
            return
        name, fd, target = match[1], match[2], unhex(match[3] or '').decode(errors='replace')
        if name in WRITES and target.endswith('.aof'):
            if not begins and returned(text) > 0:
                self.log_bytes(target, b''.join(strings(text))[:returned(text)])
        elif name in SYNCS and begins:
            self.syncs[thread] = self.written.get(target, 0)
        elif name in SYNCS and returned(text) == 0:
            self.synced(target, self.syncs[thread])
        elif name in RENAMES and not begins and returned(text) == 0:
            to = strings(text)[-1].decode()
            self.unsynced[os.path.dirname(to)] = to
            self.rename_count += 1
        elif begins and target.startswith(('socket', 'TCP')):
            for line in b''.join(strings(text)).split(b'\r\n'):
                self.line_sent(fd, line)

    def log_bytes(self, file, data):
        text, done = self.text.get(file, b'') + data, 0
        start = self.written.get(file, 0) + len(data) - len(text)
        for match in PUSH.finditer(text):
            done = match.end()
            self.ends[match[1], int(match[2])] = file, start + done
        self.text[file] = text[done:]
        self.written[file] = start + len(text)

    def synced(self, target, covered):
        if target.endswith('.aof'):
            self.durable[target] = max(self.durable.get(target, 0), covered)
            self.sync_count += 1
        # Where the working folder is the data's, names are told from there.
        for folder in [f for f in self.unsynced if target == f or (not f.startswith('/') and target.endswith('/' + f))
                       or (f == '' and os.path.isdir(target))]:
            del self.unsynced[folder]

    def line_sent(self, fd, line):
        """A list's length is the number of the push that it answers: nobody else pushes to it."""
        if line.startswith(b'l:'):
            self.lists[fd] = line
        elif line.startswith(b':') and fd in self.lists:
            push = self.lists[fd].decode() + ' ' + line[1:].decode()
            end = self.ends.get((self.lists[fd], int(line[1:])))
            must(end is not None, push, 'was acknowledged before it was written')
            file, at, durable = *end, self.durable.get(end[0], 0)
            must(at <= durable, push, 'was acknowledged before its sync: it ends at', at, 'of', file + ', of which',
                 durable, 'bytes are on disk')
            self.acked += 1


def traced(rig, place, count, policy, rewrites):
    """Clients that push 1, 2, 3... to a list each. Gives the trace and the number of pushes."""
    strace = shutil.which('strace')
    if strace is None:
        raise Skip('strace is missing')
    trace = os.path.join(place.path, 'trace')
    under = (strace, '-f', '-xx', '-y', '-s', '1000000', '-e', f'trace={CALLS}', '-o', trace)
    server = rig.start(place, place.sub('data'), *log_options(policy), under=under)
    clients, numbers = [Client(server.port) for _ in range(CONNS)], [0] * CONNS
    for c, client in enumerate(clients):
        must(client.ask('ECHO', f'l:{c}') == f'l:{c}'.encode(), 'ECHO')
    for turn in range(count):
        depth = (1, 5)[turn % 2]
        if rewrites and turn == count // 2:
            server.ok('BGREWRITEAOF')
        for c, client in enumerate(clients):
            client.socket.sendall(b''.join(encode('RPUSH', f'l:{c}', numbers[c] + i + 1) for i in range(depth)))
        for c, client in enumerate(clients):
            for _ in range(depth):
                numbers[c] += 1
                must(client.reply() == numbers[c], 'a wrong reply')
    for client in clients:
        client.close()
    wait_for('the end of the rewrite', lambda: server.info('aof_rewrite_in_progress') == '0')
    try:
        server.ask('SHUTDOWN', 'NOSAVE')       # ends strace, too
    except Failure:
        pass
    server.wait_death()
    return trace, sum(numbers)


def follow(trace):
    watch = Watch()
    for call in calls(trace):
        watch.take(*call)
    return watch


def order_of_calls(rig, place, count):
    trace, pushes = traced(rig, place, count, 'always', rewrites=True)
    watch = follow(trace)
    must(watch.acked == pushes, f'of {pushes} replies strace saw {watch.acked}')
    must(watch.rename_count > 0, 'no name was changed by a rewrite')
    must(not watch.unsynced or rig.is_redis, 'a folder was not synced after the rename of', watch.unsynced)
    return f'{watch.acked} replies, each after the sync that covers it; {watch.sync_count} syncs, ' \
           f'{watch.rename_count} renames'


def order_control(rig, place, count):
    """The control: under everysec replies do not wait, and this must be seen."""
    trace, _ = traced(rig, place, count, 'everysec', rewrites=False)
    try:
        follow(trace)
    except Wrong:
        return 'seen under everysec, where replies do not wait'
    raise Wrong('replies before their sync are not seen')


TESTS = (
    ('order of calls', order_of_calls, 300, 30),
    ('order of calls, control', order_control, 10, 10),
)
