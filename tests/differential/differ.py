#!/usr/bin/env python3
"""The same random commands for Baton and redis-server: every reply must be equal.

    make differ SECONDS=60 SEED=1

Commands come from the templates in grammar.py; keys, members and numbers from small pools, so that
commands meet each other. Replies without an order are compared sorted. So are the
keyspace notifications of each command, and whether it touched a key, as WATCH sees it. Now and then all values and encodings are compared too. A difference is printed with the commands that led to it on that key.
With --log, Baton has a log, and now and then forgets all and reads it again (DEBUG LOADAOF), sometimes after it was rewritten:
its digest must be the same, and whatever follows must still be what Redis does, which forgot nothing.
Exits 1 after MAX_DIFFERENCES.
"""
import argparse
import os
import random
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'utils', 'bench'))
import grammar                                                      # noqa: E402
from servers import Client, Failure, Server, encode, redis_program  # noqa: E402

MAX_DIFFERENCES, CHECK_EVERY, BATCH = 15, 400, 40
LONG_DOUBLE = re.compile(rb'-?\d+\.\d{12,}(e[+-]\d+)?$')
CLOCK_SLACK_MS = 3000               # how far apart the two servers' ideas of "in a while" may be


class Typed(Client):
    """A client whose replies keep their kind: errors as text."""

    def reply(self):
        answer = super().reply()
        return f'-{answer}' if isinstance(answer, Exception) else answer


def plain(answer):
    """Doubles as Redis 7.2 prints them: 7.0 gives 17 digits; zero has one sign."""
    if isinstance(answer, list):
        return [plain(a) for a in answer]
    if isinstance(answer, bytes) and LONG_DOUBLE.match(answer):
        return repr(float(answer)).encode()
    return b'0' if answer == b'-0' else answer


def order_free(answer):
    """A nested reply in an order of its own."""
    if isinstance(answer, list):
        return sorted((order_free(a) for a in answer), key=repr)
    return answer


def pairs_free(answer):
    """Field, value, field, value ... in the order of fields."""
    if not isinstance(answer, list):
        return answer
    return sorted(zip(answer[::2], answer[1::2]), key=repr)


def close_enough(a, b):
    return isinstance(a, int) and isinstance(b, int) and abs(a - b) <= CLOCK_SLACK_MS


def as_float(answer):
    try:
        return float(answer)
    except (TypeError, ValueError):
        return answer


COMPARE = {
    'exact': lambda a, b: a == b,
    'set': lambda a, b: order_free(a) == order_free(b),
    'pairs': lambda a, b: pairs_free(a) == pairs_free(b),
    'clock': lambda a, b: a == b or close_enough(a, b),
    'float': lambda a, b: as_float(a) == as_float(b) or str(a)[:12] == str(b)[:12],
    'size': lambda a, b: type(a) is type(b) and (not isinstance(a, list) or len(a) == len(b)),
    'kind': lambda a, b: type(a) is type(b),
}


def values(client, key, encodings=True):
    """All of a value, in a form that both servers give alike, with its encoding."""
    kind = client.ask('TYPE', key)
    read = {b'string': ('GET', key), b'list': ('LRANGE', key, 0, -1), b'set': ('SMEMBERS', key),
            b'hash': ('HGETALL', key), b'zset': ('ZRANGE', key, 0, -1, 'WITHSCORES'),
            b'stream': ('XINFO', 'STREAM', key, 'FULL', 'COUNT', 0)}.get(kind)
    if read is None:
        return kind, None, None
    answer = client.ask(*read)
    if kind == b'set':
        answer = order_free(answer)
    elif kind == b'hash':
        answer = pairs_free(answer)
    elif kind == b'stream':
        answer = grammar.stream_facts(answer)
    # Of other types they differ by version, and SORT of Redis changes that of what it reads.
    encoding = client.ask('OBJECT', 'ENCODING', key) if kind == b'string' and encodings else b''
    return kind, plain(answer), encoding


def shown(words):
    return ' '.join(repr(w)[:60] if isinstance(w, bytes) else str(w)[:60] for w in words)


class Listener:
    """Hears the keyspace notifications of a server."""

    def __init__(self, port):
        self.client = Client(port)
        self.client.ask('PSUBSCRIBE', '__keyevent@*')
        self.client.ask('SUBSCRIBE', 'mark')

    def until_mark(self):
        """The events that came before somebody published to `mark`."""
        events = []
        while True:
            message = self.client.reply()
            if message[0] == b'message':
                return events
            name = message[2].decode().partition('__:')[2]
            if name not in grammar.VERSIONED_EVENTS:
                events.append((name, message[3]))


class Run:
    def __init__(self, baton, redis, seed, has_log=False):
        self.has_log, self.reloads = has_log, 0
        self.clients = [Typed(baton.port), Typed(redis.port)]
        self.listeners = [Listener(baton.port), Listener(redis.port)]
        self.rng, self.history, self.found, self.count = random.Random(seed), [], 0, 0
        self.templates = grammar.known_to(self.clients[0])
        for c in self.clients:
            for option, value in grammar.OPTIONS:
                c.ask('CONFIG', 'SET', option, value)

    def tell(self, what, key, mine, theirs):
        self.found += 1
        print(f'DIFFERENCE {self.found}: {what}\n    baton {mine!r:.700}\n    redis {theirs!r:.700}')
        near = [h for h in self.history[-4000:] if key is not None and key in h]
        for words in near[-12:]:
            print('        ', shown(words))
        sys.stdout.flush()

    def watched(self, words):
        """A key to be watched while the command runs: mostly one of its own."""
        own = [w for w in words if w in grammar.KEYS]
        return self.rng.choice(own if own and self.rng.random() < 0.8 else grammar.KEYS)

    def batch(self):
        """Some commands in one write to each server. Each is followed by a mark for the listeners, and by an EXEC that
        tells whether it touched a key that was watched."""
        commands = [grammar.command(self.rng, self.templates) for _ in range(BATCH)]
        watches = [self.watched(words) for words, _ in commands]
        mark = encode('PUBLISH', 'mark', '')
        sent = mark + b''.join(encode('WATCH', key) + encode(*words) + mark + encode('MULTI') + encode('EXEC')
                               for (words, _), key in zip(commands, watches))
        for c, listener in zip(self.clients, self.listeners):
            c.socket.sendall(sent)
            c.reply()
            listener.until_mark()
        for (words, how), watched in zip(commands, watches):
            self.history.append(words)
            self.count += 1
            self.compare(words, how, watched)
        del self.history[:-8000]

    def compare(self, words, how, watched):
        answers = [[plain(c.reply()) for _ in range(5)] for c in self.clients]
        key = words[1] if len(words) > 1 else None
        mine, theirs = (a[1] for a in answers)
        is_refused = isinstance(mine, str)                              # keys may be looked up before or after that
        if not COMPARE[how](mine, theirs) and not grammar.is_known(words, mine, theirs):
            self.tell(shown(words), key, mine, theirs)
        mine, theirs = (a[4] is None for a in answers)
        if mine != theirs and not grammar.touches_more(words, mine):
            self.tell(f'{shown(words)} touches {watched}', watched, mine, theirs)
        mine, theirs = (listener.until_mark() for listener in self.listeners)
        if how != 'exact':
            mine, theirs = sorted(mine), sorted(theirs)
        if mine != theirs and not is_refused:
            self.tell(f'events of {shown(words)}', key, mine, theirs)

    def transaction(self):
        """A group of commands between MULTI and EXEC, with a key that was watched; sometimes it was changed."""
        templates = self.templates + grammar.BLOCKING * 4
        group = [grammar.command(self.rng, templates) for _ in range(self.rng.randrange(1, 8))]
        group = [row for row in group if not grammar.is_known(row[0], None, None)]     # one that is refused ends all
        watched = self.rng.choice(grammar.KEYS)
        before = [['WATCH', watched], ['SET', 's0', 'x'] if self.rng.random() < 0.3 else ['GET', 's0']]
        sent = before + [['MULTI']] + [words for words, _ in group] + [['EXEC' if self.rng.random() < 0.9 else 'DISCARD']]
        for c in self.clients:
            c.socket.sendall(b''.join(encode(*words) for words in sent))
        self.history += sent
        self.count += len(group)
        mine, theirs = ([plain(c.reply()) for _ in sent] for c in self.clients)
        last = mine.pop(), theirs.pop()
        text = ' | '.join(shown(words) for words in sent)
        if mine != theirs:
            self.tell(f'{text}: before its end', None, mine, theirs)
        if not all(isinstance(answers, list) and len(answers) == len(group) for answers in last):
            if last[0] != last[1]:
                self.tell(f'{text}: its end', None, *last)
            return
        for (words, how), mine, theirs in zip(group, *last):
            if not COMPARE[how](mine, theirs) and not grammar.is_known(words, mine, theirs):
                self.tell(f'{text}: {shown(words)}', None, mine, theirs)

    def check(self):
        for key in grammar.KEYS:
            mine, theirs = (values(c, key, not self.has_log) for c in self.clients)
            if mine != theirs and not grammar.is_known(('CHECK', key), mine, theirs):
                self.tell(f'the value of {key}', key, mine, theirs)
                for c in self.clients:
                    c.ask('DEL', key)

    def rewrite(self):
        """A new base for the log, while commands go on."""
        baton = self.clients[0]
        baton.ask('BGREWRITEAOF')
        end = time.monotonic() + 30
        while b'aof_rewrite_in_progress:0' not in baton.ask('INFO', 'persistence') or \
                b'aof_rewrite_scheduled:0' not in baton.ask('INFO', 'persistence'):
            self.batch()
            if time.monotonic() > end:
                raise Failure('the rewrite does not end')

    def reload(self):
        """Baton forgets all and reads its log."""
        baton, listener = self.clients[0], self.listeners[0]
        if self.rng.random() < 0.3:
            self.rewrite()
        before = baton.ask('DEBUG', 'DIGEST')
        answer = baton.ask('DEBUG', 'LOADAOF')
        after = baton.ask('DEBUG', 'DIGEST')
        self.reloads += 1
        if answer != b'OK' or before != after:
            self.tell(f'DEBUG LOADAOF: {answer!r}', None, after, before)
        baton.ask('PUBLISH', 'mark', '')                                # what it read may have been told
        listener.until_mark()

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.found < MAX_DIFFERENCES:
            for _ in range(CHECK_EVERY // BATCH):
                self.batch()
                self.transaction()
            self.check()
            if self.has_log and self.rng.random() < 0.3:
                self.reload()
            if self.rng.random() < 0.02:
                for c in self.clients:
                    c.ask('FLUSHALL')
        return self.found


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--server', default='src/baton-server')
    p.add_argument('--seconds', type=float, default=float(os.environ.get('SECONDS') or 60))
    p.add_argument('--seed', type=int, default=int(os.environ.get('SEED') or random.randrange(1 << 30)))
    p.add_argument('--log', action='store_true')
    opts = p.parse_args()
    logged = ['--appendonly', 'yes', '--appendfsync', 'no', '--enable-debug-command', 'yes'] if opts.log else []
    baton = Server('baton', os.path.abspath(opts.server), logged)
    redis = Server('redis', os.path.abspath(redis_program()))
    try:
        baton.start()
        redis.start()
        run = Run(baton, redis, opts.seed, opts.log)
        found = run.run(opts.seconds)
        reloads = f', {run.reloads} reloads' if opts.log else ''
        print(f'seed {opts.seed}: {run.count} commands{reloads}, {found} differences')
    except Failure as failure:
        sys.exit(f'differ: seed {opts.seed}: {failure}')
    finally:
        for server in (baton, redis):
            server.stop()
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
