"""kill -9 at any time, and power cuts: nothing acknowledged may be lost, or no more than a second of it."""
import fcntl
import os
import shutil
import struct
import subprocess

from rig import Disk, Load, Skip, Verdict, Wrong, log_options, must, now_ns, sleep_random, wait_for

# FS_IOC_SHUTDOWN of ext4; 2: what is in its journal's memory is dropped, too.
SHUTDOWN, NO_LOG_FLUSH = 2 << 30 | 4 << 16 | ord('X') << 8 | 125, 2
LIVES = 5                           # of one folder: each crash meets what the ones before left


SLOW_S = 0.3                        # a disk that takes longer for a sync is none on which a second is kept


def one_life(rig, place, directory, logs, turn, policy, crash, disk=None):
    """Start, load, crash. Gives the time of that, and what was acknowledged."""
    server = rig.start(place, directory, *log_options(policy), disk=disk)
    log = os.path.join(place.path, f'acks{len(logs)}')
    load = Load(rig, server, log, epoch=len(logs), conns=8, pipeline=(1, 16)[turn % 2], ms=20000)
    if turn % 4 >= 2:
        sleep_random(5, 100)
        server.ok('BGREWRITEAOF')
    cut_ns = crash(server)
    load.end()
    logs.append(log)
    return cut_ns, load.acked


def judge(rig, place, directory, logs, policy, cut_ns):
    server = rig.start(place, directory, *log_options(policy))
    verdict = Verdict(rig, server, logs, cut_ns)
    server.kill()
    return verdict


def kill_9(rig, place, count):
    """kill -9 under appendfsync always, pipeline 1 and 16, a rewrite running in half of them."""
    acked = 0

    def crash(server):
        sleep_random(20, 350)
        cut_ns = now_ns()
        server.kill()
        return cut_ns

    for turn in range(count):
        if turn % LIVES == 0:
            logs, directory = [], place.sub(f'data{turn}')
        cut_ns, more = one_life(rig, place, directory, logs, turn, 'always', crash)
        verdict = judge(rig, place, directory, logs, 'always', 0)
        must(verdict.lost == 0, f'cycle {turn}: {verdict.lost} of {more} acknowledged operations are lost')
        acked += more
        if turn % LIVES == LIVES - 1:
            shutil.rmtree(directory)
    must(acked > 0, 'nothing was acknowledged')
    return f'{count} crashes, {acked} operations acknowledged, 0 lost'


class Image:
    """An ext4 file system in a file, whose power can be cut."""

    def __init__(self, place, megabytes=512):
        self.file, self.at = os.path.join(place.path, 'image'), place.sub('mounted')
        self.is_mounted = False
        with open(self.file, 'wb') as f:
            f.truncate(megabytes << 20)
        self.call('mkfs.ext4', '-q', '-E', 'lazy_itable_init=1,lazy_journal_init=1', self.file)
        self.mount()
        place.at_end(self.unmount)

    @staticmethod
    def call(*command):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as e:
            raise Skip(f'{command[0]}: {e.strerror}') from None
        if done.returncode != 0:
            raise Skip(f'{command[0]}: {done.stderr.strip()}')

    def mount(self):
        self.call('mount', '-o', 'loop', self.file, self.at)
        self.is_mounted = True

    def unmount(self):
        if self.is_mounted:
            self.call('umount', self.at)
        self.is_mounted = False

    def cut(self):
        """Gives the time just before."""
        fd = os.open(self.at, os.O_RDONLY)
        try:
            cut_ns = now_ns()
            fcntl.ioctl(fd, SHUTDOWN, struct.pack('I', NO_LOG_FLUSH))
        finally:
            os.close(fd)
        return cut_ns


def power_cut(rig, place, count, policy, low_ms, high_ms):
    if os.geteuid() != 0:
        raise Skip('a power cut needs root, which mounts a file system')
    windows, slow, acked, lost, late, logs = [], 0, 0, 0, 0, []
    for turn in range(count):
        if turn % LIVES == 0:
            if turn > 0:
                image.unmount()
                os.remove(image.file)
            image, logs = Image(place), []
            data = os.path.join(image.at, 'data')
            os.mkdir(data)
            os.sync()

        disk = Disk(place)          # which only looks at how long syncs take

        def crash(server):
            sleep_random(low_ms, high_ms)
            cut_ns = image.cut()
            # What is still answered now must not be an acknowledgement of what is gone.
            sleep_random(20, 60)
            server.kill()
            return cut_ns

        cut_ns, more = one_life(rig, place, data, logs, turn, policy, crash, disk)
        image.unmount()
        image.mount()
        verdict = judge(rig, place, data, logs, policy, cut_ns)
        acked, lost, late = acked + more, lost + verdict.lost, late + verdict.late
        if policy == 'always':
            must(verdict.lost == 0, f'cut {turn}: {verdict.lost} of {more} acknowledged operations are lost')
        elif disk.longest_sync_s(cut_ns) > SLOW_S:
            slow += 1
        else:
            windows.append(verdict.window_s)
            must(verdict.window_s <= 1.0, f'cut {turn}: what {verdict.window_s:.2f} s held is lost')
    must(acked > 0, 'nothing was acknowledged')
    # The control of all power cuts: without a sync something is lost.
    must(policy == 'always' or lost > 0, 'nothing was lost under', policy, '- was the power cut at all?')
    said = f'{count} cuts, {acked} operations acknowledged, {lost} lost (and {late} after the cut)'
    if policy == 'always':
        return said
    must(windows, 'the disk took longer than', SLOW_S, 's for a sync in each cycle')
    return said + f', windows up to {max(windows):.2f} s' + \
        (f' ({slow} not judged: syncs longer than {SLOW_S} s)' if slow else '')


def power_cut_always(rig, place, count):
    return power_cut(rig, place, count, 'always', 30, 500)


def power_cut_everysec(rig, place, count):
    return power_cut(rig, place, count, 'everysec', 1200, 3000)


def ordered_end(rig, place, count):
    """SIGTERM under load, with a log or with save points: nothing acknowledged is lost."""
    acked = 0
    for turn in range(count):
        options = log_options('everysec') if turn % 2 else ('--save', '3600 1', '--appendonly', 'no')
        server = rig.start(place, place.sub(f'end{turn}'), *options)
        log = os.path.join(place.path, f'end-acks{turn}')
        load = Load(rig, server, log, pipeline=4, ms=20000)
        sleep_random(100, 600)
        server.process.terminate()
        server.wait_death()
        must(server.process.returncode == 0, 'exit status', server.process.returncode)
        acked += load.end().acked
        server = rig.start(place, server.directory, *options)
        verdict = Verdict(rig, server, [log])
        must(verdict.lost == 0, f'end {turn}: {verdict.lost} acknowledged operations are lost')
        server.kill()
    must(acked > 0, 'nothing was acknowledged')
    return f'{count} ends, {acked} operations acknowledged, 0 lost'


def cut_after_a_save(rig, place, count):
    """What SAVE or BGSAVE said that it has saved is there after a power cut: the file, and its name."""
    if os.geteuid() != 0:
        raise Skip('a power cut needs root, which mounts a file system')
    image, options = Image(place, 64), ('--save', '', '--appendonly', 'no')
    for turn in range(count):
        server = rig.start(place, image.at, *options)
        must(turn == 0 or server.ok('GET', 'turn') == b'%d' % (turn - 1), f'cut {turn}: the save before it is lost')
        server.ok('SET', 'turn', turn)
        server.ok(('SAVE', 'BGSAVE')[turn % 2])
        wait_for('the end of BGSAVE', lambda: server.info('rdb_bgsave_in_progress') == '0')
        image.cut()
        server.kill()
        image.unmount()
        image.mount()
    return f'{count} saves'


# name, function, how many of it in `make faults` and in the quick share
TESTS = (
    ('kill -9, always', kill_9, 200, 10),
    ('SIGTERM', ordered_end, 20, 2),
    ('power cut, always', power_cut_always, 50, 3),
    ('power cut, everysec', power_cut_everysec, 30, 2),
    ('power cut after a save', cut_after_a_save, 40, 4),
)
