"""A disk that fails: errors and short writes at every call on files, the end of the process at every call of
a save or rewrite, a full disk."""
import errno
import glob
import os
import random
import subprocess
import time

from crashes import SLOW_S
from rig import Client, Disk, Failure, Load, Skip, Verdict, Wrong, encode, log_options, must, now_ns, wait_for

EVERY_CALL = 'open,write,sync,rename,unlink,truncate'
SECOND_NS = 1000000000

# What happens to the log, and what the server is to make of it: the client sees nothing; writes are
# refused until the disk is well; or until a rewrite, too, since what a failed sync left is not known.
LOG_FAULTS = (
    ('sync', 'error', errno.EIO, True),
    ('sync', 'error', errno.ENOSPC, True),
    ('write', 'error', errno.ENOSPC, True),
    ('write', 'error', errno.EIO, True),
    ('write', 'error', errno.EDQUOT, True),
    ('write', 'short', 0, False),
    ('write', 'error', errno.EINTR, False),
    ('sync', 'delay', 0, False),
)


def fault_name(kind, action, error):
    return f'{kind} {errno.errorcode[error] if error else action}'


def refused(server):
    """The error that a write is answered with, '' if it is done, None if the connection was cut."""
    client = None
    try:
        client = Client(server.port)
        reply = client.ask('SET', 'probe', 'x')
        return str(reply) if isinstance(reply, Exception) else ''
    except (OSError, Failure):
        return None
    finally:
        if client is not None:
            client.close()


def read_is_done(server):
    """Of a new connection: one that waits for what the disk then refuses is cut, even if it only read."""
    client = None
    try:
        client = Client(server.port)
        return client.ask('GET', 'before') == b'x'
    except (OSError, Failure):
        return not server.is_alive() and server.rig.is_redis    # which ends itself under always
    finally:
        if client is not None:
            client.close()


def must_read(server):
    wait_for('a read', lambda: read_is_done(server), 1)


def log_fault(rig, place, policy, fault, at, forever):
    """One fault of the log under load, and what is left of the data when then the power fails."""
    kind, action, error, is_seen = fault
    what = f'{policy}, {fault_name(kind, action, error)} at {at}{" for ever" if forever else ""}:'
    directory, disk = place.sub(f'{time.monotonic_ns()}'), Disk(place)
    server = rig.start(place, directory, *log_options(policy), disk=disk)
    server.ok('SET', 'before', 'x')
    log = os.path.join(place.path, 'acks')
    load = Load(rig, server, log, conns=6, pipeline=4, ms=1500 if is_seen or policy == 'everysec' else 500, stays=True)
    disk.arm(kind, action, error, at=at, count=Disk.FOREVER if forever and error != errno.EINTR else 1,
             part='.aof', delay_us=300000)
    try:
        wait_for('the fault', lambda: disk.hits > 0 or not server.is_alive(), 10)
        if is_seen and forever:
            wait_for('-MISCONF', lambda: (refused(server) or '').startswith('MISCONF')
                     or not server.is_alive(), 5)
        must_read(server)
        load.end()
        if is_seen and forever and server.is_alive():
            must((refused(server) or '').startswith('MISCONF'), 'writes are done on a disk that fails')
            must(load.last_ack - disk.first_hit_ns < SECOND_NS,
                 'acknowledged', (load.last_ack - disk.first_hit_ns) / 1e9, 's after the fault')
        elif not rig.is_redis:
            wait_for('writes to be done again', lambda: refused(server) == '', 10)
        if not is_seen:
            must(load.refused == 0 and load.unknown == 0, 'the client saw it:', load.error)
        must(server.is_alive() or rig.is_redis, 'the server is gone:', server.tail())
        cut_ns = disk.first_hit_ns if forever and is_seen else now_ns()
        is_slow = disk.longest_sync_s(now_ns()) > SLOW_S
        server.kill()
        disk.lose_unsynced(directory)
        disk.disarm()
        server = rig.start(place, directory, *log_options(policy))
        verdict = Verdict(rig, server, [log], cut_ns)
        if policy == 'always':
            must(verdict.lost + verdict.late == 0, verdict.lost + verdict.late, 'acknowledged operations are lost')
        must(is_slow or verdict.window_s <= 1.0, f'what {verdict.window_s:.2f} s held is lost')
        server.kill()
    except Wrong as e:
        raise Wrong(what, e) from None


def failing_log(rig, place, count):
    done = 0
    for turn in range(count):
        for policy in ('always', 'everysec'):
            for fault in LOG_FAULTS:
                for forever in (False, True):
                    if forever and not fault[3]:
                        continue
                    # under everysec syncs are few
                    most = 3 if fault[0] == 'sync' and policy == 'everysec' else 40
                    log_fault(rig, place, policy, fault, 1 + turn % most, forever)
                    done += 1
    return f'{done} faults'


def failing_log_quick(rig, place, count):
    faults = [(p, f, e) for p in ('always', 'everysec') for f in LOG_FAULTS for e in (False, True)
              if f[3] or not e]
    for policy, fault, forever in random.sample(faults, min(count, len(faults))):
        log_fault(rig, place, policy, fault, random.randint(1, 3), forever)
    return f'{count} faults'


def slow_log(rig, place, count):
    """Syncs of 800 ms under everysec: no command waits for them, and no more than two seconds are lost."""
    waits, window = [], 0
    for turn in range(count):
        directory, disk = place.sub(f'slow{turn}'), Disk(place)
        server = rig.start(place, directory, *log_options('everysec'), disk=disk)
        disk.arm('sync', 'delay', count=Disk.FOREVER, part='.aof', delay_us=800000)
        log = os.path.join(place.path, f'slow-acks{turn}')
        load, end = Load(rig, server, log, pipeline=4, ms=20000), time.monotonic() + random.uniform(2.5, 4)
        while time.monotonic() < end:
            start = time.monotonic()
            server.ok('GET', 'nothing')
            waits.append(time.monotonic() - start)
            time.sleep(0.001)
        cut_ns = now_ns()
        server.kill()
        load.end()
        disk.lose_unsynced(directory)
        server = rig.start(place, directory, *log_options('everysec'))
        verdict = Verdict(rig, server, [log], cut_ns)
        window = max(window, verdict.window_s)
        server.kill()
    must(window <= 2.0, f'what {window:.2f} s held is lost')
    # One may have met something else on this machine; who waits for syncs meets them all.
    waits = sorted(waits)[:-1 - count]
    must(waits[-1] < 0.4, f'reads took {waits[-1]:.2f} s')
    return f'windows up to {window:.2f} s, the longest read {waits[-1] * 1000:.0f} ms'


# ---- A save or a rewrite that fails, or in which the process ends ----

def fill(server, word):
    """A little of every type, among it a value that takes several writes."""
    client = server.client
    commands = [encode('SET', f'{word}:{i}', os.urandom(20).hex()) for i in range(300)]
    commands += [encode('RPUSH', 'list', f'{word}{i}' * 5) for i in range(300)]
    commands += [encode('ZADD', 'zset', i, f'{word}:{i}') for i in range(300)]
    commands += [encode('HSET', 'hash', f'{word}:{i}', i) for i in range(300)]
    commands += [encode('XADD', 'stream', '*', 'f', word), encode('SET', word, 'x', 'EX', 100000)]
    commands += [encode('SET', 'big', os.urandom(150000).hex())]
    client.pipe(commands)


def is_idle(server):
    return server.info('rdb_bgsave_in_progress') == '0' and server.info('aof_rewrite_in_progress') == '0' \
        and server.info('aof_rewrite_scheduled') == '0'


def do(server, command):
    """The command and its work, to the end. Gives whether it came to one; the server may die of it."""
    try:
        reply = server.ask(command)
        if isinstance(reply, Exception):
            return False
        wait_for(f'the end of {command}', lambda: is_idle(server), 20)
        status = {'SAVE': None, 'BGSAVE': 'rdb_last_bgsave_status',
                  'BGREWRITEAOF': 'aof_last_bgrewrite_status'}[command]
        return status is None or server.info(status) == 'ok'
    except (OSError, Failure):
        return False


def options_for(command):
    return log_options('always') if command == 'BGREWRITEAOF' else ('--save', '', '--appendonly', 'no')


def prepared(rig, place, disk, command):
    """A server with an old state on disk and a new one in memory. Gives it and both digests."""
    directory = place.sub(f'{time.monotonic_ns()}')
    server = rig.start(place, directory, *options_for(command), disk=disk)
    fill(server, 'old')
    must(do(server, 'SAVE' if command != 'BGREWRITEAOF' else command), 'the first save failed')
    old = server.digest()
    fill(server, 'new')
    return server, old, server.digest()


def calls_of(rig, place, command, kinds):
    """How many calls a good one makes."""
    disk = Disk(place)
    server, _, _ = prepared(rig, place, disk, command)
    disk.arm(kinds, 'error', at=1 << 30)
    must(do(server, command), command, 'failed on a good disk:', server.tail())
    calls = disk.matched
    server.kill()
    must(calls > (0 if rig.is_redis else 3), command, 'makes', calls, 'calls')
    return calls


def choose(calls, count):
    every = list(range(1, calls + 1))
    return every if count >= calls else sorted(random.sample(every, count))


def death_at(rig, place, command, at, action, forgets):
    """The process ends at the at-th call: the folder must hold the old state or the new one."""
    disk = Disk(place)
    server, old, new = prepared(rig, place, disk, command)
    disk.arm(EVERY_CALL, action, at=at)
    do(server, command)
    is_hit = disk.hits > 0
    if is_hit:
        server.wait_death()
    server.kill()
    if forgets:
        disk.lose_unsynced(server.directory)
    after = rig.start(place, server.directory, *options_for(command))
    got = after.digest()
    # With a log the new state was acknowledged.
    legal = (new,) if command == 'BGREWRITEAOF' else (old, new) if is_hit else (new,)
    must(got in legal, f'{command}, {action} at call {at}: neither the old state nor the new one')
    # What the dead one left does not disturb the next one.
    must(do(after, command), f'{command} after {action} at call {at} failed: {after.tail()}')
    must(after.digest() == got, 'a save changed the data')
    after.kill()
    again = rig.start(place, server.directory, *options_for(command))
    must(again.digest() == got, f'{command} after {action} at call {at} wrote something else')
    again.kill()


def death_in_a_save(rig, place, count):
    said = []
    for command in ('SAVE', 'BGSAVE', 'BGREWRITEAOF'):
        if rig.is_redis and command == 'BGSAVE':
            continue            # what ends there is the child
        calls = calls_of(rig, place, command, EVERY_CALL)
        for at in choose(calls, count):
            death_at(rig, place, command, at, 'kill-before', False)
            death_at(rig, place, command, at, 'kill-after', True)
        said.append(f'{command} {min(calls, count)} of {calls} calls')
    return ', '.join(said)


def failure_at(rig, place, command, kind, error, at):
    """A call of a save fails: the old file stays, the temporary one goes, the next save is good."""
    disk, what = Disk(place), f'{command}, {fault_name(kind, "error", error)} at {at}:'
    server, old, new = prepared(rig, place, disk, command)
    names = sorted(os.listdir(server.directory))
    disk.arm(kind, 'error', error, at=at)
    good = do(server, command)
    hits = disk.hits
    disk.disarm()
    must(server.is_alive(), what, 'the server is gone:', server.tail())
    # An unlink that fails costs space only, as does what comes after a rewrite: its history's end.
    must(not good or hits == 0 or kind == 'unlink' or command == 'BGREWRITEAOF', what, 'it said that all is well')
    if not good and not rig.is_redis:
        wait_for(f'{what} the temporary file to go',
                 lambda: not glob.glob(os.path.join(server.directory, '**', 'temp*'), recursive=True), 5)
    if command != 'BGREWRITEAOF':
        must(sorted(os.listdir(server.directory)) == names, what, 'it left', os.listdir(server.directory))
        copy = place.sub(f'copy{time.monotonic_ns()}')
        with open(os.path.join(server.directory, 'dump.rdb'), 'rb') as f, \
                open(os.path.join(copy, 'dump.rdb'), 'wb') as g:
            g.write(f.read())
        other = rig.start(place, copy, *options_for(command))
        must(other.digest() in ((new,) if good else (old, new)), what, 'the file on disk is another')
        other.kill()
    must(refused(server) == '' or command == 'BGREWRITEAOF', what, 'writes are refused:', refused(server))
    wait_for(f'{what} writes to be done', lambda: refused(server) == '', 10)
    expected = server.digest()
    must(do(server, command), what, 'the next one fails, too:', server.tail())
    server.kill()
    disk.lose_unsynced(server.directory)
    after = rig.start(place, server.directory, *options_for(command))
    must(after.digest() == expected, what, 'the next one wrote something else')
    after.kill()


SAVE_FAULTS = (('open', errno.EIO), ('open', errno.ENOSPC), ('write', errno.ENOSPC), ('write', errno.EIO),
               ('sync', errno.EIO), ('rename', errno.EIO), ('rename', errno.ENOSPC), ('unlink', errno.EIO))


def failing_save(rig, place, count):
    done = 0
    for command in ('SAVE', 'BGSAVE', 'BGREWRITEAOF'):
        faults = SAVE_FAULTS if count > 1 else random.sample(SAVE_FAULTS, 1)
        for kind, error in faults:
            try:
                disk = Disk(place)
                server, _, _ = prepared(rig, place, disk, command)
                disk.arm(kind, 'error', at=1 << 30)
                must(do(server, command), command, 'failed on a good disk')
                calls = disk.matched
                server.kill()
            except Wrong as e:
                raise Wrong(f'{command}, counting {kind}:', e) from None
            for at in choose(calls, count):
                failure_at(rig, place, command, kind, error, at)
                done += 1
    must(done > 0, 'no call on a file was seen')
    return f'{done} faults'


# ---- A full disk ----

class SmallDisk:
    """A tmpfs, and a file on it that fills it up."""

    def __init__(self, place, megabytes):
        self.at = place.sub('small')
        try:
            done = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={megabytes}m', 'tmpfs', self.at],
                                  capture_output=True, text=True, check=False)
        except OSError as e:
            raise Skip(f'mount: {e.strerror}') from None
        if done.returncode != 0:
            raise Skip(f'a small disk cannot be mounted here: {done.stderr.strip()}')
        place.at_end(lambda: subprocess.run(['umount', '-l', self.at], check=False))
        self.ballast = os.path.join(self.at, 'ballast')
        self.data = os.path.join(self.at, 'data')
        os.mkdir(self.data)

    def fill(self):
        with open(self.ballast, 'wb', buffering=0) as f:
            try:
                while True:
                    f.write(bytes(4096))
            except OSError as e:
                must(e.errno == errno.ENOSPC, e)

    def free(self):
        os.unlink(self.ballast)
        return time.monotonic()


def full_disk_snapshot(rig, place, _):
    disk = SmallDisk(place, 24)
    server = rig.start(place, disk.data, '--save', '1 1', '--appendonly', 'no')
    server.client.pipe(encode('SET', f'k{i}', os.urandom(4000)) for i in range(1000))
    server.ok('SET', 'before', 'x')
    must(do(server, 'BGSAVE'), 'BGSAVE failed on a good disk')
    wait_for('the first file', lambda: server.info('rdb_changes_since_last_save') == '0')
    dump = os.path.join(disk.data, 'dump.rdb')
    with open(dump, 'rb') as f:
        before = f.read()
    disk.fill()
    server.ok('SET', 'k1', 'other')
    wait_for('-MISCONF', lambda: (refused(server) or '').startswith('MISCONF'), 15)
    must_read(server)
    with open(dump, 'rb') as f:
        must(f.read() == before, 'the old file has changed')
    wait_for('the temporary file to go', lambda: os.listdir(disk.data) == ['dump.rdb'])
    start = disk.free()
    wait_for('writes to be done again', lambda: refused(server) == '', 15)
    took = time.monotonic() - start
    must(took <= (6.5 if rig.is_redis else 5.5), f'it took {took:.1f} s until writes were done again')
    expected = wait_for('a new file', lambda: server.info('rdb_changes_since_last_save') == '0' and server.digest())
    server.kill()
    server = rig.start(place, disk.data, '--save', '', '--appendonly', 'no')
    must(server.digest() == expected, 'the new file has something else')
    return f'writes are done {took:.1f} s after there is space'


def full_disk_log(rig, place, _):
    said = []
    for policy in ('everysec',) if rig.is_redis else ('always', 'everysec'):
        disk = SmallDisk(place, 64)
        server = rig.start(place, disk.data, *log_options(policy, '--auto-aof-rewrite-percentage', '0'))
        server.ok('SET', 'before', 'x')
        log = os.path.join(place.path, f'acks-{policy}')
        disk.fill()
        load = Load(rig, server, log, conns=6, pipeline=4, ms=2500, stays=True)
        wait_for('-MISCONF', lambda: (refused(server) or '').startswith('MISCONF'), 10)
        must_read(server)
        start = disk.free()
        wait_for('writes to be done again', lambda: refused(server) == '', 10)
        took = time.monotonic() - start
        must(took <= 5, f'{policy}: it took {took:.1f} s until writes were done again')
        load.end()
        cut_ns = now_ns()
        server.kill()
        server = rig.start(place, disk.data, *log_options(policy))
        verdict = Verdict(rig, server, [log], cut_ns)
        must(verdict.lost == 0 or policy == 'everysec', policy, verdict.lost, 'acknowledged operations are lost')
        must(verdict.window_s <= 1.0, f'what {verdict.window_s:.2f} s held is lost')
        server.kill()
        said.append(f'{policy}: writes are done {took:.1f} s after there is space')
    return ', '.join(said)


TESTS = (
    ('failing log', failing_log, 12, 0),
    ('failing log, some', failing_log_quick, 4, 4),
    ('slow log', slow_log, 10, 1),
    ('death in a save', death_in_a_save, 1000, 2),
    ('failing save', failing_save, 1000, 1),
    ('full disk, snapshot', full_disk_snapshot, 1, 1),
    ('full disk, log', full_disk_log, 1, 1),
)
