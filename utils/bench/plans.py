"""PLANS=1: the plans of threads that people argue about, on both I/O backends, beside redis-server."""
import os

import picture
import report
from load import Shape
from rounds import measure, start_all
from servers import Server

ONE, IO, FOUR = 'accept+parse+execute+write', 'accept+parse+write/execute', 'accept/parse/execute/write'
ALONE, DEFAULT = 'one thread', 'four stages, lending'
# name -> plan, more options, backends
PLANS = {
    ALONE: (ONE, ('--stage-lending', 'yes'), ('epoll', 'io_uring')),
    'I/O + executor, woken': (IO, ('--stage-lending', 'no'), ('epoll', 'io_uring')),
    'four stages, woken': (FOUR, ('--stage-lending', 'no'), ('epoll', 'io_uring')),
    DEFAULT: (FOUR, ('--stage-lending', 'yes'), ('epoll', 'io_uring')),
    'four stages, lending, no gathering':
        (FOUR, ('--stage-lending', 'yes', '--io-gather-us', '0'), ('io_uring',)),
}


def title(name, backend):
    return f'{name}, {backend}'


def servers_of(opts, cpus):
    """redis-server with 1 and 2 I/O threads, then every plan on one backend, then on the other."""
    servers = [Server('redis io-threads 1', opts.redis, ['--io-threads', '1'], cpus),
               Server('redis io-threads 2', opts.redis,
                      ['--io-threads', '2', '--io-threads-do-reads', 'yes'], cpus)]
    for backend in ('epoll', 'io_uring'):
        for name, (threads, more, backends) in PLANS.items():
            if backend in backends:
                args = ['--threads', threads, '--io-backend', backend, *more, *opts.args.split()]
                servers.append(Server(title(name, backend), os.path.abspath(opts.server), args, cpus))
    return servers


def shapes_of(quick):
    if quick:
        return [Shape('get', p, 50, 32, 1) for p in (1, 16, 64)]
    shapes = [Shape(t, p, 50, 32, 1) for t in ('get', 'set') for p in (1, 16, 64)]
    return shapes + [Shape('get', 1, 50, 32, 2)]


def compare_plans(opts, load, server_cpus):
    """The texts to print; the CSV and the picture are written on the way."""
    servers, runs = servers_of(opts, server_cpus), report.Runs()
    try:
        start_all(servers)
        measure([(shape, servers) for shape in shapes_of(opts.quick)], opts, load, runs)
    finally:
        for server in servers:
            server.stop()
    names = [s.name for s in servers]
    alone = {title(name, b): title(ALONE, b) for name, (_, _, backends) in PLANS.items()
             for b in backends if name != ALONE and title(ALONE, b) in names}
    report.write_csv(os.path.join(opts.out, 'plans.csv'), runs)
    shown = [s for s in runs.by if s[0] == 'get']
    picture.draw(os.path.join(opts.out, 'plans.png'), runs, names, shown,
                 'Plans of threads, 50 connections, 32-byte values')
    note = (f'In parentheses: ratio to {names[0]}. Last column: CPU per request over that of the one-thread '
            'plan of the same backend, a number for each shape of one client thread.')
    defaults = [name for name in names if name in alone and name.startswith(DEFAULT + ', ')
                and 'gathering' not in name]
    return [report.plans_table(runs, names, alone), note, report.plans_figures(runs, defaults, alone)]
