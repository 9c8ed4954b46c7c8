/*
 * ioredis, two of its majors, with RESP2 and, where it has it, RESP3.
 */
import { assert, finish, library, pairs, port, raw, row, test, until } from './check.mjs';
import { groups } from './commands.mjs';

async function suite(alias, protocol) {
    const found = await library(alias);
    if (!found) return;
    const Redis = found.Redis ?? found.default;
    const options = { port, host: '127.0.0.1', lazyConnect: true };
    if (protocol === 3) options.protocol = 3;
    else if (alias !== 'ioredis-5') options.protocol = 2;

    const open = async more => {
        const client = new Redis({ ...options, ...more });
        client.on('error', () => {});
        await client.connect();
        return client;
    };
    const life = {
        open,
        flush: client => client.flushall(),
        close: client => client.disconnect(),
    };
    const check = (name, body) => test(`${alias} RESP${protocol}: ${name}`, life, body);

    for (const [group, rows] of Object.entries(groups)) {
        await check(group, async client => {
            for (const one of rows) await row((name, args) => client.call(name, ...args), one);
        });
    }
    await methods(check);
    await many(check, open);
    await life_and_death(check, open);
    if (protocol === 3) {
        await check('it speaks RESP3', async client => {
            assert.match(await client.client('INFO'), / resp=3\b/);
        });
    }
}

/* The library's own methods, which build arguments and turn replies round. */
async function methods(check) {
    await check('its own methods', async client => {
        assert.equal(await client.set('k', 'v', 'EX', 100, 'NX'), 'OK');
        assert.equal(await client.get('k'), 'v');
        assert.equal(await client.mset(new Map([['a', 1], ['b', 2]])), 'OK');
        assert.deepEqual(await client.mget('a', 'b', 'c'), ['1', '2', null]);
        assert.equal(await client.mset({ c: 3 }), 'OK');
        assert.equal(await client.incrby('a', 5), 6);
        assert.equal(await client.incrbyfloat('a', 0.25), '6.25');
        assert.equal(await client.getrange('k', 0, -1), 'v');
        assert.equal(await client.setbit('bits', 3, 1), 0);
        assert.deepEqual(await client.bitfield('bits', 'GET', 'u4', 0), [1]);
        assert.equal(await client.expire('a', 100), 1);
        assert.ok(await client.pttl('a') > 90000);
        assert.equal(await client.del(['a', 'b']), 2);
        assert.equal(await client.unlink('c'), 1);
        assert.match(await client.info('server'), /redis_version:/);
        assert.deepEqual(pairs(await client.config('GET', 'maxmemory')), { maxmemory: '0' });
    });
    await check('binary values', async client => {
        const value = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
        await client.set(value, value);
        assert.deepEqual(await client.getBuffer(value), value);
        const large = Buffer.alloc(5 << 20, 'large\r\n');
        await client.set('large', large);
        assert.ok((await client.getBuffer('large')).equals(large));
    });
    await check('a wrong reply is an error of its own', async client => {
        await assert.rejects(client.incr('k', 1), /wrong number of arguments/);
        await client.set('k', 'text');
        await assert.rejects(client.incr('k'), error => error.name === 'ReplyError');
        assert.equal(await client.get('k'), 'text');
    });
}

async function many(check, open) {
    await check('a pipeline', async client => {
        const line = client.pipeline();
        for (let i = 0; i < 5000; i++) line.set(`k${i}`, i).get(`k${i}`).incr(`k${i}`);
        line.call('NONSENSE');
        const replies = await line.exec();
        assert.equal(replies.length, 15001);
        for (let i = 0; i < 5000; i++) {
            assert.deepEqual(replies.slice(3 * i, 3 * i + 3),
                [[null, 'OK'], [null, String(i)], [null, i + 1]]);
        }
        assert.match(replies[15000][0].message, /^ERR unknown command/);
    });
    await check('automatic pipelining', async client => {
        const auto = await open({ enableAutoPipelining: true });
        const replies = await Promise.all(
            Array.from({ length: 2000 }, (_, i) => auto.incrby(`n${i % 10}`, 1)));
        assert.equal(replies.filter(n => n === 200).length, 10);
        await auto.set('seen', 'yes');
        assert.equal(await client.get('seen'), 'yes');
        auto.disconnect();
    });
    await check('commands at once without a pipeline', async client => {
        const replies = await Promise.all(
            Array.from({ length: 10000 }, () => client.incr('counter')));
        assert.deepEqual(replies, Array.from({ length: 10000 }, (_, i) => i + 1));
    });
    await check('scan streams', async client => {
        const line = client.pipeline();
        for (let i = 0; i < 3000; i++) line.set(i % 3 ? `user:${i}` : `other:${i}`, i);
        await line.exec();
        const collect = async (stream, seen = new Set()) => {
            for await (const keys of stream) for (const key of keys) seen.add(String(key));
            return seen;
        };
        assert.equal((await collect(client.scanStream())).size, 3000);
        const users = client.scanStream({ match: 'user:*', count: 100, type: 'string' });
        assert.equal((await collect(users)).size, 2000);
        assert.equal((await collect(client.scanBufferStream({ match: 'other:*' }))).size, 1000);
        assert.equal((await collect(client.scanStream({ type: 'hash' }))).size, 0);
    });
}

async function life_and_death(check, open) {
    await check('it comes back after CLIENT KILL', async client => {
        const victim = await open({ retryStrategy: () => 10, connectionName: 'victim', db: 2 });
        await victim.set('before', '1');
        const id = await victim.client('ID');
        let closed = 0;
        victim.on('close', () => closed++);
        assert.equal(await client.client('KILL', 'ID', id), 1);
        await until(() => closed === 1 && victim.status === 'ready', 'reconnect');
        assert.notEqual(await victim.client('ID'), id);
        assert.equal(await victim.get('before'), '1');
        assert.equal(await victim.client('GETNAME'), 'victim');
        victim.disconnect();
    });
    await check('commands wait for the connection to come back', async client => {
        const victim = await open({ retryStrategy: () => 10 });
        for (let round = 1; round <= 10; round++) {
            await client.client('KILL', 'ID', await victim.client('ID'));
            assert.equal(await victim.incr('n'), round);
        }
        victim.disconnect();
    });
    await check('QUIT, and a wrong password', async () => {
        const client = await open();
        assert.equal(await client.quit(), 'OK');
        await assert.rejects(open({ username: 'nobody', password: 'x', retryStrategy: null }));
    });
    await check('two connections do not mix', async client => {
        const other = await client.duplicate();
        other.on('error', () => {});
        await other.select(5);
        await Promise.all([client.set('k', 'zero'), other.set('k', 'five')]);
        assert.deepEqual(await Promise.all([client.get('k'), other.get('k')]), ['zero', 'five']);
        other.disconnect();
    });
    await check('a half-closed socket gets its replies', async () => {
        assert.equal(await raw('PING\r\n'.repeat(1000)), '+PONG\r\n'.repeat(1000));
    });
}

await suite('ioredis-5', 2);
await suite('ioredis-6', 2);
await suite('ioredis-6', 3);
finish();
