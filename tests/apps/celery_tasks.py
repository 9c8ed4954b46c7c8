"""The tasks that Celery's worker runs for celery_app.py. The port is in the environment."""
import os
import time

from celery import Celery

url = f"redis://127.0.0.1:{os.environ['APP_PORT']}"
app = Celery('tasks', broker=f'{url}/0', backend=f'{url}/1')
app.conf.update(
    result_expires=300, task_track_started=True, broker_connection_retry_on_startup=True,
    worker_prefetch_multiplier=1, task_default_queue='work',
    broker_transport_options={'visibility_timeout': 60}, worker_send_task_events=False)


@app.task
def add(a, b):
    return a + b


@app.task
def total(numbers):
    return sum(numbers)


@app.task(bind=True, max_retries=3)
def good_at(self, n):
    if self.request.retries < n:
        raise self.retry(countdown=0.1, exc=ValueError(f'try {self.request.retries + 1}'))
    return self.request.retries


@app.task
def fails():
    raise KeyError('no')


@app.task
def now():
    return time.time()


@app.task(bind=True)
def progress(self):
    self.update_state(state='HALF', meta={'done': 50})
    time.sleep(0.3)
    return 'all'
