"""Snapshots and rewrites under full writes: what they hold is the state of one instant.

Each is loaded by redis-server and by the server under test, and compared, by DEBUG DIGEST, with a server on
which the writers' steps were replayed as far as the snapshot says that they had come; see writer.c.
"""
import os
import random
import shutil
import subprocess

from rig import Skip, Wrong, log_options, must, now_ns, sleep_random, wait_for

WRITERS = 4


def writer(rig, job, server, *words):
    done = subprocess.run([rig.tool('faults-writer'), job, str(server.port)] + [str(w) for w in words],
                          capture_output=True, text=True, check=False)
    must(done.returncode == 0, f'writer {job}:', done.stderr.strip())
    return done.stdout


def clocks(server):
    """How far the writers have come; all of one instant, or Wrong."""
    each = [int(server.ok('GET', f'clock:{w}') or 0) for w in range(WRITERS)]
    total = int(server.ok('GET', 'clock') or 0)
    must(sum(each) == total, f'clocks {each} make {sum(each)}, but the sum says {total}')
    return each


def accounts_are_whole(server):
    server.client.socket.sendall(b''.join(b'GET acc:%d\r\n' % i for i in range(1000)))
    total = sum(int(server.client.reply()) for _ in range(1000))
    must(total == 1000000, f'the accounts have {total} in all')


def reference():
    path = shutil.which('redis-server')
    if path is None:
        raise Skip('redis-server is missing')
    return path


def expected_digest(rig, place, seed, steps):
    """Of a server that was filled and then did these steps."""
    server = rig.start(place, place.sub(f'replayed{now_ns()}'), '--save', '', '--appendonly', 'no',
                       binary=reference())
    writer(rig, 'fill', server, seed, WRITERS)
    writer(rig, 'replay', server, seed, *steps)
    digest = server.digest()
    server.kill()
    return digest


def judge(rig, place, seed, files, options):
    """What each of the two servers has after it has loaded a copy of these files."""
    steps = expected = None
    for binary in (reference(), None):
        copy = place.sub(f'copy{now_ns()}')
        shutil.copytree(files, copy, dirs_exist_ok=True)
        server = rig.start(place, copy, *options, binary=binary)
        who = 'redis-server' if binary else 'the server'
        try:
            accounts_are_whole(server)
            got = clocks(server)
            if expected is None:
                steps, expected = got, expected_digest(rig, place, seed, got)
            must(got == steps, f'clocks are {got}, not {steps}')
            must(server.digest() == expected, f'after {steps} steps the data is another')
        except Wrong as e:
            raise Wrong(f'loaded by {who}:', e) from None
        server.kill()
        shutil.rmtree(copy)
    return sum(steps)


def writing(rig, server, seed, ms):
    return subprocess.Popen([rig.tool('faults-writer'), 'run', str(server.port), str(seed), str(WRITERS), '8', str(ms)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end_writing(process):
    out, err = process.communicate(timeout=60)
    must(process.returncode == 0, 'the writers:', err.strip())
    must(int(out) > 0, 'the writers did nothing')


def snapshot_rounds(rig, place, count, binary=None):
    """BGSAVE at any time."""
    steps = 0
    for turn in range(count):
        seed = random.getrandbits(32)
        server = rig.start(place, place.sub(f'data{turn}'), '--save', '', '--appendonly', 'no', binary=binary)
        writer(rig, 'fill', server, seed, WRITERS)
        load = writing(rig, server, seed, 900)
        sleep_random(50, 400)
        server.ok('BGSAVE')
        wait_for('the end of BGSAVE', lambda: server.info('rdb_bgsave_in_progress') == '0')
        must(server.info('rdb_last_bgsave_status') == 'ok', 'BGSAVE failed:', server.tail())
        end_writing(load)
        server.kill()
        try:
            steps += judge(rig, place, seed, server.directory, ('--save', '', '--appendonly', 'no'))
        except Wrong as e:
            raise Wrong(f'round {turn}, seed {seed},', e) from None
        shutil.rmtree(server.directory)
    return f'{count} snapshots after {steps} transactions'


def rewrite_rounds(rig, place, count, binary=None):
    """BGREWRITEAOF at any time, or a log that begins at any time, then the end of the process: base and increment
    fit together."""
    steps = 0
    for turn in range(count):
        seed, options = random.getrandbits(32), log_options('everysec', '--auto-aof-rewrite-percentage', '0',
                                                            '--aof-use-rdb-preamble', ('yes', 'no')[turn % 2])
        begins = turn % 4 == 1
        server = rig.start(place, place.sub(f'data{turn}'), *options, *(('--appendonly', 'no') if begins else ()),
                           binary=binary)
        writer(rig, 'fill', server, seed, WRITERS)
        load = writing(rig, server, seed, 1200)
        sleep_random(20, 300)
        server.ok(*(('CONFIG', 'SET', 'appendonly', 'yes') if begins else ('BGREWRITEAOF',)))
        if turn % 4 < 2:
            wait_for('the end of the rewrite', lambda: server.info('aof_rewrite_in_progress') == '0')
            must(server.info('aof_last_bgrewrite_status') == 'ok', 'the rewrite failed:', server.tail())
        else:
            sleep_random(0, 600)
        server.kill()
        end_writing(load)
        try:
            steps += judge(rig, place, seed, server.directory, options)
        except Wrong as e:
            raise Wrong(f'round {turn}, seed {seed},', e) from None
        shutil.rmtree(server.directory)
    return f'{count} rewrites after {steps} transactions'


def files_of_redis(rig, place, count):
    """What redis-server wrote is the same here."""
    return '; '.join((snapshot_rounds(rig, place, count, reference()), rewrite_rounds(rig, place, 2 * count, reference())))


TESTS = (
    ('snapshots under full writes', snapshot_rounds, 100, 1),
    ('rewrites under full writes', rewrite_rounds, 100, 2),
    ('files of redis-server', files_of_redis, 4, 0),
)
