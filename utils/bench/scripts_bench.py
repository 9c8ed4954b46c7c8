"""SCRIPTS=1: transactions, scripts, functions, messages and rules of access, beside redis-server."""
import os
import subprocess
import tempfile
import time

import load as loads
import report
from load import Shape
from rounds import say
from servers import Failure, Server, encode

SCRIPT = "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])"
LIBRARY = """#!lua name=bench
redis.register_function('setget', function(keys, args)
    redis.call('SET', keys[1], args[1])
    return redis.call('GET', keys[1])
end)"""


def eval_group(client):
    return encode('EVALSHA', client.ask('SCRIPT', 'LOAD', SCRIPT), 1, 'key:1', 'value'), 1


def fcall_group(client):
    reply = client.ask('FUNCTION', 'LOAD', 'REPLACE', LIBRARY)
    if isinstance(reply, Exception):
        raise reply
    return encode('FCALL', 'setget', 1, 'key:1', 'value'), 1


def multi_group(_):
    sets = b''.join(encode('SET', f'key:{i}', b'x' * 32) for i in range(5))
    return encode('MULTI') + sets + encode('EXEC'), 7


def publish_group(_):
    return encode('PUBLISH', 'news', b'x' * 100), 1


# name -> must reach, connections, pipeline, subscribers, the group and the number of its replies
GROUPS = {
    'EVALSHA with two calls': (0.8, 50, 1, 0, eval_group),
    'EVALSHA with two calls, pipeline 16': (0.8, 50, 16, 0, eval_group),
    'FCALL with two calls': (0.8, 50, 1, 0, fcall_group),
    'FCALL with two calls, pipeline 16': (0.8, 50, 16, 0, fcall_group),
    'MULTI, 5 SET, EXEC': (0.8, 50, 1, 0, multi_group),
    'PUBLISH to 100, per message': (0.7, 1, 1, 100, publish_group),
    'PUBLISH to 100, pipeline 16, per message': (0.7, 1, 16, 100, publish_group),
}


def run_group(program, server, name, seconds):
    """Server CPU in us per group, or per message where there are subscribers."""
    _, conns, pipeline, subscribers, make = GROUPS[name]
    client = server.client()
    group, replies = make(client)
    client.close()
    with tempfile.NamedTemporaryFile() as f:
        f.write(group)
        f.flush()
        before = server.cpu()
        done = subprocess.run([program, str(server.port), str(conns), str(pipeline), str(replies),
                               str(int(seconds * 1000)), str(subscribers), 'news', f.name],
                              capture_output=True, text=True, check=False)
        cpu = server.cpu() - before
    if done.returncode != 0:
        raise Failure(f'{name}: {done.stderr.strip()}')
    groups, messages = map(int, done.stdout.split())
    return cpu * 1e6 / (messages if subscribers else groups), groups / seconds


def median(values):
    return sorted(values)[len(values) // 2]


def measure_groups(servers, opts):
    rows = []
    for name, (must, *_) in GROUPS.items():
        if opts.tests and not any(t in name.lower() for t in opts.tests.split(',')):
            continue
        runs = {s.name: [] for s in servers}
        rates = {s.name: [] for s in servers}
        start = time.monotonic()
        for server in servers:
            run_group(opts.raw_load, server, name, 0.15)
        for turn in range(opts.rounds):
            for server in servers if turn % 2 == 0 else servers[::-1]:
                cpu, rate = run_group(opts.raw_load, server, name, opts.seconds)
                runs[server.name].append(cpu)
                rates[server.name].append(rate)
        first, second = (runs[s.name] for s in servers)
        ratio = median([b / a for a, b in zip(first, second)])
        faster = median([b / a for a, b in zip(*(rates[s.name] for s in servers))])
        say(f'{name}: {ratio:.2f} ({time.monotonic() - start:.0f} s)')
        rows.append([name, f'{median(first):.2f}', f'{median(second):.2f}', str(must), f'{ratio:.2f}',
                     f'{faster:.2f}', 'yes' if ratio <= must else 'NO'])
    return report.table(['server CPU, us'] + [s.name for s in servers] +
                        ['must', 'ratio', 'throughput, ratio', 'reached'], rows)


RULES = ('on', '>secret', '~key:*', '+@all', '-@dangerous', '+info')


def measure_rules(baton, opts, load):
    """GET and SET of a user with rules, against the default user of the same server."""
    rows, runs = [], report.Runs()
    client = baton.client()
    reply = client.ask('ACL', 'SETUSER', 'bench', *RULES)
    client.close()
    if isinstance(reply, Exception):
        raise Failure(f'ACL SETUSER: {reply}')
    users = {'default': (), 'bench': ('--user', 'bench', '-a', 'secret')}
    for test in ('get', 'set'):
        for pipeline in (1, 16):
            shape = Shape(test, pipeline, 50, 32, 1)
            for turn in range(opts.rounds):
                for user in list(users) if turn % 2 == 0 else list(users)[::-1]:
                    run = load.run(baton, shape, extra=users[user])
                    run['round'], run['server'] = turn, user
                    runs.add(run)
            cpu = [runs.median(shape.key(), u, 'cpu_us') for u in users]
            ratio = runs.ratio(shape.key(), 'bench', 'default', 'cpu_us')
            rows.append([f'{test}, pipeline {pipeline}'] + [f'{c:.2f}' for c in cpu] +
                        ['1.05', f'{ratio:.2f}', 'yes' if ratio <= 1.05 else 'NO'])
            say(f'{test} with rules, pipeline {pipeline}: {ratio:.2f}')
    return report.table(['server CPU, us', 'no rules', '1 user, 3 rules', 'must', 'ratio', 'reached'], rows)


def compare_scripts(opts, load, server_cpus):
    """The texts to print."""
    redis = Server('redis', opts.redis, cpus=server_cpus)
    baton = Server('baton', os.path.abspath(opts.server), opts.args.split(), cpus=server_cpus)
    try:
        for server in (redis, baton):
            server.start()
        texts = []
        if opts.only in (None, 'speed'):
            texts.append(measure_groups([redis, baton], opts))
        if opts.only in (None, 'rules'):
            texts.append(measure_rules(baton, opts, load))
        return texts
    finally:
        for server in (redis, baton):
            server.stop()
