"""RQ: workers are processes of their own that run jobs, give their results back, try again, wait for
others and for a time."""
import time
from datetime import timedelta

import redis
from check import finish, port, run, start, test, until, url
from rq import Queue, Retry, Worker
from rq.job import Job
from rq.registry import FailedJobRegistry, FinishedJobRegistry, ScheduledJobRegistry

import rq_jobs

connection = redis.Redis(port=port)
worker = ('/usr/bin/python3', '-m', 'rq.cli', 'worker', '--url', url)


def burst(*queues):
    """A worker that ends when there is nothing left to do."""
    return run(*worker, '--burst', '--name', f'burst{time.monotonic_ns()}', *queues)


@test('rq: jobs give results')
def _(client):
    queue = Queue(connection=connection)
    jobs = [queue.enqueue(rq_jobs.square, n) for n in range(20)]
    assert queue.count == 20
    burst()
    assert [Job.fetch(job.id, connection).result for job in jobs] == [n * n for n in range(20)]
    assert queue.count == 0
    assert len(FinishedJobRegistry(queue=queue)) == 20
    assert 0 < client.ttl(f'rq:job:{jobs[0].id}') <= 500


@test('rq: queues in their order, and jobs at the front')
def _(client):
    low, high = Queue('low', connection=connection), Queue('high', connection=connection)
    jobs = [low.enqueue(rq_jobs.now), low.enqueue(rq_jobs.now, at_front=True),
            high.enqueue(rq_jobs.now)]
    burst('high', 'low')
    at = [job.return_value() for job in jobs]
    assert at[2] < at[1] < at[0], at


@test('rq: retries, then success or failure')
def _(client):
    queue = Queue(connection=connection)
    good = queue.enqueue(rq_jobs.fails_until, 'good', 3, port, retry=Retry(max=3))
    bad = queue.enqueue(rq_jobs.fails_until, 'bad', 9, port, retry=Retry(max=1))
    burst()
    assert good.get_status() == 'finished' and good.return_value() == 3
    assert bad.get_status() == 'failed' and client.get('bad') == b'2'
    failed = FailedJobRegistry(queue=queue)
    assert failed.get_job_ids() == [bad.id]
    assert 'try 2' in Job.fetch(bad.id, connection).exc_info
    client.set('bad', 8)
    failed.requeue(bad.id)
    burst()
    assert Job.fetch(bad.id, connection).return_value() == 9


@test('rq: a job waits for those it depends on')
def _(client):
    queue = Queue(connection=connection)
    parts = [queue.enqueue(rq_jobs.square, n) for n in (1, 2, 3)]
    whole = queue.enqueue(rq_jobs.add_up, port, depends_on=parts)
    assert whole.get_status() == 'deferred'
    burst()
    assert whole.return_value() == 14


@test('rq: callbacks')
def _(client):
    queue = Queue(connection=connection)
    job = queue.enqueue(rq_jobs.square, 4, on_success=rq_jobs.report)
    burst()
    assert client.lrange('reports', 0, -1) == [f'{job.id}:16'.encode()]


@test('rq: workers that stay, jobs at a time, and a stop')
def _(client):
    queue = Queue(connection=connection)
    workers = [start(*worker, '--with-scheduler', '--name', f'w{n}') for n in range(2)]
    until(lambda: len(Worker.all(connection=connection)) == 2, 'two workers')
    jobs = [queue.enqueue(rq_jobs.which_worker, 0.05) for _ in range(8)]
    began = time.time()
    late = queue.enqueue_in(timedelta(seconds=2), rq_jobs.now)
    assert len(ScheduledJobRegistry(queue=queue)) == 1
    until(lambda: all(job.get_status() == 'finished' for job in jobs), 'all jobs')
    assert len({job.return_value() for job in jobs}) == 2
    until(lambda: late.get_status() == 'finished', 'the late one')
    assert late.return_value() - began >= 1
    for one in workers:
        one.terminate()
    for one in workers:
        one.wait(30)
    assert Worker.all(connection=connection) == []


finish()
