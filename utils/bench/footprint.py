"""What a server takes when it does nothing: memory of keys and of connections, CPU while idle."""
import resource
import socket
import time

from servers import Failure, encode

MILLION = 1000000


def settle(server, limit=10.0):
    """Waits until the server's memory stands still, and returns it in bytes."""
    last, end = server.rss(), time.monotonic() + limit
    while time.monotonic() < end:
        time.sleep(1.0)
        now = server.rss()
        if abs(now - last) < 64 * 1024:
            return now
        last = now
    return last


def bytes_per_key(server, keys=MILLION, ttl=False):
    """Resident bytes per key of 16 bytes with a value of 32 bytes, in a server that was empty."""
    before = settle(server)
    client = server.client()
    value, extra = b'v' * 32, ('EX', '1000000') if ttl else ()
    client.pipe((encode('SET', b'key:%012d' % i, value, *extra) for i in range(keys)), batch=1000)
    size = client.ask('DBSIZE')
    if size != keys:
        raise Failure(f'{server.name} has {size} keys instead of {keys}')
    client.close()
    return (settle(server) - before) / keys


def idle_cpu(servers, seconds):
    """Percent of one CPU that each server uses while nobody asks anything of it."""
    time.sleep(1.0)
    before, start = [s.cpu() for s in servers], time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - start
    return [100 * (s.cpu() - b) / took for s, b in zip(servers, before)]


def bytes_per_connection(server, count=10000):
    """Resident bytes per connection: of those that never spoke, and of those that said PING once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count + 200:
        if hard != resource.RLIM_INFINITY and hard < count + 200:
            raise Failure(f'{count} connections need ulimit -n {count + 200}, the limit is {hard}')
        resource.setrlimit(resource.RLIMIT_NOFILE, (count + 200, hard))
    before = settle(server)
    sockets = []
    try:
        for i in range(count):
            sockets.append(socket.create_connection(('127.0.0.1', server.port), timeout=20))
            if i % 100 == 99:       # no more of them at once than a listen queue holds
                ping(sockets[-1])
        silent = settle(server) - before
        for s in sockets:
            ping(s)
        time.sleep(4.0)             # Redis gives buffers back after about two seconds
        spoken = settle(server) - before
    finally:
        for s in sockets:
            s.close()
    return silent / count, spoken / count


def ping(s):
    s.sendall(b'PING\r\n')
    answer = b''
    while not answer.endswith(b'\r\n'):
        try:
            chunk = s.recv(64)
        except socket.timeout as late:
            raise Failure('no answer to PING within 20 seconds') from late
        if not chunk:
            raise Failure('the server closed an idle connection')
        answer += chunk
    if answer != b'+PONG\r\n':
        raise Failure(f'PING was answered {answer!r}')
