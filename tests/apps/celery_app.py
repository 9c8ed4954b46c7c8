"""Celery: a worker that is a process of its own runs tasks and gives their results back, one by one,
in chains, groups and chords."""
import os
import time

from check import finish, port, start, test, until

os.environ['APP_PORT'] = str(port)

from celery import chain, chord, group  # noqa: E402

import celery_tasks as tasks  # noqa: E402

PATIENCE_S = 30


def work():
    """A worker, once it answers."""
    worker = start('/usr/bin/python3', '-m', 'celery', '-A', 'celery_tasks', 'worker', '--pool',
                   'threads', '--concurrency', '4', '--without-gossip', '--without-mingle',
                   '--loglevel', 'warning')
    until(lambda: worker.poll() is not None or tasks.app.control.ping(timeout=1), 'the worker')
    assert worker.poll() is None, worker.stdout.read()
    return worker


@test('celery: tasks, retries, delays, chains, groups, chords')
def _(client):
    worker = work()
    results = [tasks.add.delay(n, 1) for n in range(30)]
    assert [one.get(timeout=PATIENCE_S) for one in results] == list(range(1, 31))

    assert tasks.good_at.delay(2).get(timeout=PATIENCE_S) == 2
    bad = tasks.good_at.delay(9)
    assert 'try 4' in str(bad.get(timeout=PATIENCE_S, propagate=False))
    assert bad.state == 'FAILURE'
    failed = tasks.fails.delay()
    assert isinstance(failed.get(timeout=PATIENCE_S, propagate=False), KeyError)
    assert 'KeyError' in failed.traceback

    began = time.time()
    assert tasks.now.apply_async(countdown=0.5).get(timeout=PATIENCE_S) - began >= 0.5

    seen = []
    half = tasks.progress.delay()
    half.get(timeout=PATIENCE_S, on_message=lambda body: seen.append(body['status']))
    assert 'HALF' in seen and seen[-1] == 'SUCCESS', seen

    assert chain(tasks.add.s(1, 2), tasks.add.s(3), tasks.add.s(4))().get(timeout=PATIENCE_S) == 10
    assert group(tasks.add.s(n, n) for n in range(5))().get(timeout=PATIENCE_S) == [0, 2, 4, 6, 8]
    whole = chord(tasks.add.s(n, n) for n in range(10))(tasks.total.s())
    assert whole.get(timeout=PATIENCE_S) == 90

    queue = tasks.app.control.inspect(timeout=1).active_queues()
    assert [one['name'] for one in list(queue.values())[0]] == ['work']
    client.select(1)
    kept = client.keys('celery-task-meta-*')
    assert kept and all(0 < client.ttl(key) <= 300 for key in kept)
    results[0].forget()
    assert not client.exists(f'celery-task-meta-{results[0].id}')

    worker.terminate()
    worker.wait(30)
    client.select(0)
    assert client.llen('work') == 0


@test('celery: what was sent before a worker came, and a revoked task')
def _(client):
    results = [tasks.add.delay(n, n) for n in range(10)]
    assert client.llen('work') == 10
    work()
    assert [one.get(timeout=PATIENCE_S) for one in results] == [2 * n for n in range(10)]
    never = tasks.add.apply_async((1, 1), countdown=1)
    never.revoke()
    until(lambda: never.state == 'REVOKED', 'the revoked one')


finish()
