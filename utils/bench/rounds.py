"""The order of the runs: every shape in every round on every server, so that all meet the same machine."""
import sys
import time

import footprint
from load import prepare
from servers import Failure

WARM_UP = 0.15                      # seconds; a run of this length also tells how fast a server is
# Seconds beside the runs: preparing a server for a shape; starting and ending redis-benchmark, more
# for each connection and for client threads, which look only now and then whether they are done.
PREPARING, STARTING, CONNECTING, ENDING_THREADS = 0.5, 0.05, 0.0008, 0.2


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


def expected(plan, opts):
    """Seconds that these runs will take, about."""
    total = 0.0
    for shape, servers in plan:
        beside = STARTING + shape.clients * CONNECTING + (ENDING_THREADS if shape.threads > 1 else 0)
        runs = WARM_UP + beside + opts.rounds * (opts.seconds + beside)
        total += len(servers) * (PREPARING + runs)
    return total


def measure(plan, opts, load, runs):
    """Runs a plan, which is a list of (shape, its servers); their order is turned by one each round."""
    say(f'{len(plan)} shapes, about {expected(plan, opts) / 60:.1f} minutes')
    for at, (shape, servers) in enumerate(plan, 1):
        start = time.monotonic()
        for server in servers:
            prepare(server, shape)
            load.run(server, shape, WARM_UP)
        for turn in range(opts.rounds):
            first = turn % len(servers)
            for server in servers[first:] + servers[:first]:
                if shape.test not in ('get', 'set'):
                    prepare(server, shape)
                run = load.run(server, shape)
                run['round'] = turn
                runs.add(run)
        say(f'[{at}/{len(plan)}] {shape}: {time.monotonic() - start:.0f} s')


def say(text):
    print(text, file=sys.stderr, flush=True)
