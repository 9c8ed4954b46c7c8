"""What RQ's workers run for rq_app.py."""
import os
import time

import redis
from rq import get_current_job


def square(n):
    return n * n


def fails_until(key, good, port):
    tries = redis.Redis(port=port).incr(key)
    if tries < good:
        raise ValueError(f'try {tries}')
    return tries


def add_up(port):
    """The results of the jobs that this one waited for."""
    job = get_current_job(redis.Redis(port=port))
    return sum(d.result for d in job.fetch_dependencies())


def now():
    return time.time()


def which_worker(seconds):
    time.sleep(seconds)
    return os.getppid()


def report(job, connection, result, *rest):
    connection.rpush('reports', f'{job.id}:{result}')
