/*
 * Client-side caching: node-redis's own cache in two of its majors, and one made by hand from
 * ioredis, RESP2 and a subscriber. What is cached costs the server nothing, and is never stale.
 */
import { app, connect } from './app.mjs';
import { assert, finish, library, port, until } from './check.mjs';

const pick = list => list[Math.floor(Math.random() * list.length)];
const names = ['a', 'b', 'c', 'd', 'e'];

/* Writes that leave the types of keys alone: strings under a, b, c, a hash, a list. */
const writes = [
    c => c.set(pick(['a', 'b', 'c']), Math.random()),
    c => c.mset('a', Math.random(), 'b', Math.random()),
    c => c.append('c', 'x'),
    c => c.del(pick(names)),
    c => c.set('a', 'short', 'PX', 1 + Math.floor(Math.random() * 20)),
    c => c.hset('d', pick(['f', 'g']), Math.random()),
    c => c.hdel('d', 'f'),
    c => c.rpush('e', Math.random()),
    c => c.lpop('e'),
    c => c.multi().set('a', Math.random()).hset('d', 'f', Math.random()).exec(),
    c => c.eval("return redis.call('set', KEYS[1], ARGV[1])", 1, 'b', Math.random()),
    c => c.flushdb(),
];

const reads = {
    a: 'get', b: 'get', c: 'get', d: 'hgetall', e: 'lrange',
};
const read_plain = (client, name) => client[reads[name]](name, ...(name === 'e' ? [0, -1] : []));

async function calls_of(client) {
    const stats = await client.info('commandstats');
    return [...stats.matchAll(/cmdstat_(get|hgetall|lrange):calls=(\d+)/g)]
        .reduce((sum, [, , n]) => sum + Number(n), 0);
}

async function suite(alias) {
    const found = await library(alias);
    if (!found) return;
    await app(`${alias} with its cache`, async (client, later) => {
        const cache = new found.BasicClientSideCache({ ttl: 0, maxEntries: 0, evictPolicy: 'LRU' });
        const reader = found.createClient({
            socket: { port, host: '127.0.0.1' }, RESP: 3, clientSideCache: cache,
        });
        reader.on('error', () => {});
        await reader.connect();
        later(() => reader.destroy());
        const read = name => name === 'e' ? reader.lRange('e', 0, -1)
            : name === 'd' ? reader.hGetAll('d') : reader.get(name);

        await client.mset('a', 1, 'b', 2, 'c', 3);
        await read('a');
        const before = await calls_of(client);
        for (let i = 0; i < 100; i++) assert.equal(await read('a'), '1');
        assert.equal(await calls_of(client), before);
        assert.equal(cache.stats().hitCount, 100);
        /* A change reaches it without a request of its own. */
        await client.set('a', 'new');
        await until(async () => await read('a') === 'new', 'the change');

        for (let round = 0; round < 1000; round++) {
            await pick(writes)(client);
            const truth = await Promise.all(names.map(name => read_plain(client, name)));
            await reader.ping(); /* what is to be told is told before the answer */
            const got = await Promise.all(names.map(read));
            for (const [i, name] of names.entries()) {
                if (name === 'a' && (got[i] === null || truth[i] === null)) continue; /* it expires */
                assert.deepEqual(JSON.parse(JSON.stringify(got[i])), truth[i], `round ${round}: ${name}`);
            }
        }
        assert.ok(cache.stats().hitCount > 1000);
    });
}

for (const alias of ['redis-5', 'redis-6']) await suite(alias);

for (const mode of [[], ['NOLOOP'], ['BCAST'], ['OPTIN']]) {
    await app(`ioredis with a subscriber, ${mode.join(' ') || 'plain'}`, async (client, later) => {
        const listener = connect(), reader = connect(), cache = new Map();
        later(() => listener.disconnect());
        later(() => reader.disconnect());
        const id = await listener.client('ID');
        listener.on('message', (channel, keys) => {
            assert.equal(channel, '__redis__:invalidate');
            if (keys === '') cache.clear(); /* ioredis makes text of the array of keys, or of null */
            for (const key of keys.split(',')) cache.delete(key);
        });
        await listener.subscribe('__redis__:invalidate');
        await reader.client('TRACKING', 'ON', 'REDIRECT', id, ...mode);
        const read = async name => {
            if (cache.has(name)) return cache.get(name);
            if (mode[0] === 'OPTIN') reader.client('CACHING', 'YES');
            const value = await read_plain(reader, name);
            cache.set(name, value);
            return value;
        };
        let hits = 0;
        for (let round = 0; round < 500; round++) {
            await pick(writes)(client);
            const truth = await Promise.all(names.map(name => read_plain(client, name)));
            await listener.ping();
            for (const [i, name] of names.entries()) {
                hits += cache.has(name);
                const got = await read(name);
                if (name === 'a' && (got === null || truth[i] === null)) continue;
                assert.deepEqual(got, truth[i], `round ${round}: ${name}`);
            }
        }
        assert.ok(hits > 500);
    });
}

finish();
