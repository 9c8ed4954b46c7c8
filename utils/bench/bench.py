#!/usr/bin/env python3
"""Benchmark of Baton against redis-server, in one run and interleaved round by round.

    make bench                 GET and SET in all shapes, the other tests in a few, memory, idle cost
    make bench PLANS=1         the plans of threads that people argue about, beside redis-server
    make bench QUICK=1         the same in about two minutes, with wider error bars

Environment, or options of bench.py: ROUNDS (5), SECONDS (1.0 a run), PIN (0 or 1: keep the load
generator and the servers on CPUs of their own; by default 1 from four CPUs on), OUT (build/bench),
PUBLISH=1 (write to utils/bench/results, which the README shows).

Ratios are medians over the rounds of this server's number divided by redis-server's in the same round.
CPU is that of all threads of the server, as the kernel's scheduler counts it.
"""
import argparse
import os
import shutil
import sys
import time

import footprint
import report
from load import Load, Shape, prepare, supported
from servers import Failure, Server

ONE, IO, FOUR = 'accept+parse+execute+write', 'accept+parse+write/execute', 'accept/parse/execute/write'
PLANS = (('one thread', ONE, 'yes'), ('I/O + executor, woken', IO, 'no'),
         ('four stages, woken', FOUR, 'no'), ('four stages, lending', FOUR, 'yes'))


def options():
    env = os.environ.get
    quick, plans = env('QUICK', '') not in ('', '0'), env('PLANS', '') not in ('', '0')
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--server', default='src/baton-server', help='the server to measure')
    p.add_argument('--redis', default=shutil.which('redis-server'), help='the server to compare with')
    p.add_argument('--args', default='', help='more options of the server to measure, as one word')
    p.add_argument('--rounds', type=int, default=int(env('ROUNDS') or (3 if quick else 5)))
    p.add_argument('--seconds', type=float, default=float(env('SECONDS') or (0.35 if quick else 1.0)))
    p.add_argument('--pin', type=int, choices=(0, 1), default=int(env('PIN')) if env('PIN') else None)
    p.add_argument('--quick', action='store_true', default=quick)
    p.add_argument('--plans', action='store_true', default=plans)
    p.add_argument('--tests', default=env('TESTS', ''), help='only these tests, e.g. get,set')
    p.add_argument('--only', choices=('speed', 'footprint'), help='only this part')
    published = env('PUBLISH', '') not in ('', '0')
    here = os.path.dirname(os.path.abspath(__file__))
    p.add_argument('--out', default=os.path.join(here, 'results') if published else env('OUT', 'build/bench'))
    return p.parse_args()


def divide_cpus(pin):
    """The CPUs of the load and of the servers, None where the kernel may choose; and what to say."""
    cpus = sorted(os.sched_getaffinity(0))
    if pin is None:
        pin = len(cpus) >= 4        # with fewer, the plan of threads could not be what it is
    if not pin or len(cpus) < 2:
        return None, None, f'not pinned, {len(cpus)} CPUs shared by servers and load generator'
    half = len(cpus) // 2
    load, server = set(cpus[:half]), set(cpus[half:])
    return load, server, f'pinned: load generator on CPU {show(load)}, servers on CPU {show(server)}'


def show(cpus):
    return ','.join(str(c) for c in sorted(cpus))


def shapes_to_compare(tests, quick):
    """GET and SET in all shapes, then the other tests in the plain one at each depth of pipeline."""
    main = [t for t in ('get', 'set') if t in tests]
    if quick:
        shapes = [Shape(t, p, 50, 32, 1) for t in main for p in (1, 16, 64)]
        return shapes + [Shape(t, 1, 50, 32, 2) for t in main]
    shapes = [Shape(t, p, c, d, th) for t in main for th in (1, 2) for d in (32, 1024)
              for c in (50, 500) for p in (1, 16, 64)]
    return shapes + [Shape(t, p, 50, 32, 1) for t in tests if t not in main for p in (1, 16, 64)]


def measure(servers, shapes, opts, load, runs):
    """Every shape in every round on every server, the order of the servers turned by one each round."""
    for at, shape in enumerate(shapes, 1):
        start = time.monotonic()
        for server in servers:
            prepare(server, shape)
            load.run(server, shape, 0.15)       # warms up, and learns how fast this one is
        for turn in range(opts.rounds):
            first = turn % len(servers)
            for server in servers[first:] + servers[:first]:
                if shape.test not in ('get', 'set'):
                    prepare(server, shape)
                run = load.run(server, shape)
                run['round'] = turn
                runs.add(run)
        print(f'[{at}/{len(shapes)}] {shape}: {time.monotonic() - start:.0f} s', file=sys.stderr, flush=True)


def start_all(servers):
    """Starts them; one whose I/O backend this kernel refuses is left out, and said so."""
    for server in list(servers):
        try:
            server.start()
        except Failure as failure:
            if 'io_uring' not in server.args:
                raise
            print(f'bench: left out: {failure}')
            servers.remove(server)
    for server, busy in zip(servers, footprint.idle_cpu(servers, 1.0)):
        if busy > 5:
            print(f'bench: {server.name} uses {busy:.0f} % of a CPU while idle: it disturbs the others')


def measure_footprints(servers, opts):
    """Memory and idle CPU, each in servers that were just started."""
    rows = [['RSS per key, bytes'], ['RSS per key with a TTL, bytes'], ['idle CPU, %'],
            ['RSS per silent connection of 10,000, bytes'], ['RSS per connection after a PING, bytes']]
    seconds = 3 if opts.quick else 10
    try:
        for server in servers:
            server.start()
        for row, value in zip([rows[2]] * len(servers), footprint.idle_cpu(servers, seconds)):
            row.append(f'{value:.2f}')
        for server in servers:
            silent, spoken = footprint.bytes_per_connection(server)
            rows[3].append(f'{silent:.0f}')
            rows[4].append(f'{spoken:.0f}')
            server.stop()
            for row, ttl in ((rows[0], False), (rows[1], True)):
                server.start()
                row.append(f'{footprint.bytes_per_key(server, ttl=ttl):.1f}')
                server.stop()
    finally:
        for server in servers:
            server.stop()
    return report.table([f'{seconds} s idle, a million keys'] + [s.name for s in servers], rows)


def compare(opts, load, server_cpus):
    redis = Server('redis', opts.redis, cpus=server_cpus)
    baton = Server('baton', os.path.abspath(opts.server), opts.args.split(), cpus=server_cpus)
    servers, runs, texts = [redis, baton], report.Runs(), []
    if opts.only != 'footprint':
        try:
            start_all(servers)
            both = [t for t in supported(redis) if t in supported(baton)]
            if opts.tests:
                both = [t for t in both if t in opts.tests.split(',')]
            measure(servers, shapes_to_compare(both, opts.quick), opts, load, runs)
        finally:
            for server in servers:
                server.stop()
        texts += [report.compare_table(runs, 'redis', 'baton'), report.figures(runs, 'redis', 'baton')]
        report.write_csv(os.path.join(opts.out, 'bench.csv'), runs)
        shown = [s for s in runs.by if s[0] in ('get', 'set') and s[2:] in ((50, 32, 1), (50, 32, 2))]
        report.picture(os.path.join(opts.out, 'bench.png'), runs, ['redis', 'baton'], shown,
                       'Baton and redis-server, 50 connections, 32-byte values')
    if opts.only != 'speed':
        texts.append(measure_footprints(servers, opts))
    return texts


def compare_plans(opts, load, server_cpus):
    binary, servers, alone = os.path.abspath(opts.server), [], {}
    for threads in (1, 2):
        more = ['--io-threads', str(threads)] + (['--io-threads-do-reads', 'yes'] if threads > 1 else [])
        servers.append((Server(f'redis io-threads {threads}', opts.redis, more, server_cpus), None))
    for backend in ('epoll', 'io_uring'):
        for name, plan, lending in PLANS:
            args = ['--threads', plan, '--stage-lending', lending, '--io-backend', backend]
            title = f'{name}, {backend}'
            servers.append((Server(title, binary, args + opts.args.split(), server_cpus), backend))
            if plan == ONE:
                alone[backend] = title
    shapes = [Shape(t, p, 50, 32, 1) for t in ('get', 'set') for p in (1, 16, 64)]
    shapes.append(Shape('get', 1, 50, 32, 2))
    if opts.quick:
        shapes = [s for s in shapes if s.test == 'get' and s.threads == 1]
    runs, only = report.Runs(), [s for s, _ in servers]
    try:
        start_all(only)
        measure(only, shapes, opts, load, runs)
    finally:
        for server in only:
            server.stop()
    base = only[0].name
    text = report.plans_table(runs, base, [(s.name, b) for s, b in servers if s in only], alone)
    report.write_csv(os.path.join(opts.out, 'plans.csv'), runs)
    report.picture(os.path.join(opts.out, 'plans.png'), runs, [s.name for s in only],
                   [s for s in runs.by if s[0] == 'get'], 'Plans of threads, 50 connections, 32-byte values')
    note = (f'In parentheses: ratio to {base}. Last column: CPU per request over that of the one-thread '
            'plan of the same backend, a number for each shape of one client thread.')
    return [text, note]


def main():
    opts = options()
    if not opts.redis or not shutil.which('redis-benchmark'):
        raise Failure('redis-server or redis-benchmark is missing: say deps/install bench')
    opts.redis = os.path.abspath(opts.redis)
    if not os.access(opts.server, os.X_OK):
        raise Failure(f'no server {opts.server}: say make first')
    os.makedirs(opts.out, exist_ok=True)
    load_cpus, server_cpus, said = divide_cpus(opts.pin)
    load = Load(opts.seconds, load_cpus)
    start = time.monotonic()
    head = f'{opts.rounds} rounds of {opts.seconds} s; {said}; kernel {os.uname().release}'
    print(head, flush=True)
    texts = (compare_plans if opts.plans else compare)(opts, load, server_cpus)
    text = '\n\n'.join([head] + texts) + '\n'
    with open(os.path.join(opts.out, 'plans.md' if opts.plans else 'bench.md'), 'w', encoding='utf-8') as f:
        f.write(text)
    print(text)
    print(f'written to {opts.out} in {time.monotonic() - start:.0f} s')


if __name__ == '__main__':
    try:
        main()
    except Failure as failure:
        sys.exit(f'bench: {failure}')
    except KeyboardInterrupt:
        sys.exit('bench: interrupted')
