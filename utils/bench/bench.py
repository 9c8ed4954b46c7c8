#!/usr/bin/env python3
"""Benchmark of Baton against redis-server, in one run and interleaved round by round.

    make bench                 GET and SET in all shapes, the other tests in a few, memory, idle cost;
                               14 to 20 minutes, by how many tests both servers know
    make bench PLANS=1         the plans of threads that people argue about, in seven minutes
    make bench TYPES=1         the data types: CPU of their commands, memory, stalls, a cache
    make bench SCRIPTS=1       transactions, scripts, functions, messages, rules of access
    make bench DURABILITY=1    the log, snapshots, loading; BEFORE=<a baton-server>: speed without a log against it
    make bench QUICK=1         some shapes of make bench, in about two minutes, with wider error bars

The floor is a server that parses nothing and answers a constant (null-server.c).

Environment, or options of bench.py: ROUNDS (5), SECONDS (0.7 a run), PIN (0 or 1: keep the load
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
import picture
import report
from durability_bench import compare_durability
from scripts_bench import compare_scripts
from load import Load, Shape, supported
from plans import compare_plans
from rounds import measure, start_all
from servers import Failure, Server, redis_program
from types_bench import compare_types


def options():
    env = os.environ.get
    quick, plans = env('QUICK', '') not in ('', '0'), env('PLANS', '') not in ('', '0')
    types = env('TYPES', '') not in ('', '0')
    scripts = env('SCRIPTS', '') not in ('', '0')
    durability = env('DURABILITY', '') not in ('', '0')
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--server', default='src/baton-server', help='the server to measure')
    p.add_argument('--redis', default=redis_program(), help='the server to compare with')
    p.add_argument('--floor', default='', help='the null server, which shows what no server can be below')
    p.add_argument('--args', default='', help='more options of the server to measure, as one word')
    p.add_argument('--rounds', type=int, default=int(env('ROUNDS') or (3 if quick else 5)))
    p.add_argument('--seconds', type=float, default=float(env('SECONDS') or (0.35 if quick else 0.7)))
    p.add_argument('--pin', type=int, choices=(0, 1), default=int(env('PIN')) if env('PIN') else None)
    p.add_argument('--quick', action='store_true', default=quick)
    p.add_argument('--plans', action='store_true', default=plans)
    p.add_argument('--types', action='store_true', default=types)
    p.add_argument('--scripts', action='store_true', default=scripts)
    p.add_argument('--durability', action='store_true', default=durability)
    p.add_argument('--before', default=env('BEFORE', ''), help='an older server, for --durability')
    p.add_argument('--paced', default='', help='paced, the clients of --durability')
    p.add_argument('--raw-load', default='', help='raw-load, the load of --scripts')
    p.add_argument('--cache', default='', help='zipf-cache, the load of a cache')
    p.add_argument('--tests', default=env('TESTS', ''), help='only these tests, e.g. get,set')
    p.add_argument('--only', choices=('speed', 'footprint', 'memory', 'stalls', 'cache', 'rules', 'log', 'loading', 'snapshots'), help='only this part')
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


def has_floor(shape):
    return shape.test in ('get', 'set') and shape.key()[2:] == (50, 32, 1)


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
    """The texts to print; the CSV and the picture are written on the way."""
    redis = Server('redis', opts.redis, cpus=server_cpus)
    baton = Server('baton', os.path.abspath(opts.server), opts.args.split(), cpus=server_cpus)
    texts = []
    if opts.only != 'footprint':
        texts += compare_speed(redis, baton, opts, load, server_cpus)
    if opts.only != 'speed':
        texts.append(measure_footprints([redis, baton], opts))
    return texts


def compare_speed(redis, baton, opts, load, server_cpus):
    servers, runs = [redis, baton], report.Runs()
    floor = [Server('floor', os.path.abspath(opts.floor), cpus=server_cpus)] if opts.floor else []
    try:
        start_all(servers + floor)
        both = [t for t in supported(redis) if t in supported(baton)]
        if opts.tests:
            both = [t for t in both if t in opts.tests.split(',')]
        plan = [(shape, servers + (floor if has_floor(shape) else []))
                for shape in shapes_to_compare(both, opts.quick)]
        measure(plan, opts, load, runs)
    finally:
        for server in servers + floor:
            server.stop()
    report.write_csv(os.path.join(opts.out, 'bench.csv'), runs)
    names = [s.name for s in servers + floor]
    shown = [s for s in runs.by if s[0] in ('get', 'set') and s[2:4] == (50, 32)]
    picture.draw(os.path.join(opts.out, 'bench.png'), runs, names, shown,
                 'Baton and redis-server, 50 connections, 32-byte values')
    texts = [report.compare_table(runs, 'redis', 'baton'), report.figures(runs, 'redis', 'baton')]
    return texts + ([report.floor_table(runs, *names)] if floor else [])


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
    kinds = {'plans': compare_plans, 'types': compare_types, 'scripts': compare_scripts,
             'durability': compare_durability, 'bench': compare}
    kind = next((k for k in kinds if k != 'bench' and getattr(opts, k)), 'bench')
    texts = kinds[kind](opts, load, server_cpus)
    text = '\n\n'.join([head] + texts) + '\n'
    with open(os.path.join(opts.out, f'{kind}.md'), 'w', encoding='utf-8') as f:
        f.write(text)
    print('\n' + text.partition('\n\n')[2])
    print(f'written to {opts.out} in {time.monotonic() - start:.0f} s')


if __name__ == '__main__':
    try:
        main()
    except Failure as failure:
        sys.exit(f'bench: {failure}')
    except KeyboardInterrupt:
        sys.exit('bench: interrupted')
