"""A small runner for the Python programs of this folder, called as `PROGRAM PORT`. Each test has a
database that was flushed before. Ends with the line `N passed, N failed`."""
import atexit
import os
import signal
import subprocess
import sys
import time
import traceback

import redis

if len(sys.argv) < 2:
    sys.exit(f'usage: {sys.argv[0]} PORT')
port = int(sys.argv[1])
url = f'redis://127.0.0.1:{port}'
here = os.path.dirname(os.path.abspath(__file__))
PATIENCE_S = 60
tally = {'passed': 0, 'failed': 0}
children = []


def end_children():
    """Ends what start() started, each with its own children."""
    for child in children:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGTERM)
    for child in children:
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    children.clear()


atexit.register(end_children)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def start(*words):
    """A process of the application, in a group of its own. What it says is shown when it fails."""
    child = subprocess.Popen(words, cwd=here, start_new_session=True, text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT,
                             env={**os.environ, 'PYTHONPATH': here, 'PYTHONDONTWRITEBYTECODE': '1'})
    children.append(child)
    return child


def run(*words):
    """One that ends by itself, with status 0."""
    child = start(*words)
    said, _ = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 0, f'{words} ended with {child.returncode}:\n{said}'
    return said


def until(look, what):
    began = time.monotonic()
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() - began > PATIENCE_S:
            raise AssertionError(f'{what}: waited too long')
        time.sleep(0.01)


def test(name):
    """Runs the function at once, with a connection."""
    def decorate(body):
        try:
            with redis.Redis(port=port) as client:
                client.flushall()
                body(client)
            tally['passed'] += 1
        except Exception:
            tally['failed'] += 1
            print(f'FAILED {name}\n    ' + traceback.format_exc().replace('\n', '\n    '))
        finally:
            end_children()
        return body
    return decorate


def finish():
    print(f"{tally['passed']} passed, {tally['failed']} failed")
    sys.exit(1 if tally['failed'] else 0)
