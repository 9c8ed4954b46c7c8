/*
 * node-redis (npm's `redis`), two of its majors, each with RESP2 and RESP3.
 */
import { assert, finish, library, port, row, test, until } from './check.mjs';
import { groups } from './commands.mjs';

async function suite(alias, RESP) {
    const found = await library(alias);
    if (!found) return;
    const options = {
        RESP,
        socket: { host: '127.0.0.1', port, reconnectStrategy: () => 10 },
    };
    const open = async more => {
        const client = found.createClient({ ...options, ...more });
        client.on('error', () => {});
        await client.connect();
        return client;
    };
    const life = {
        open,
        flush: client => client.flushAll(),
        close: client => client.isOpen && client.destroy(),
    };
    const check = (name, body) => test(`${alias} RESP${RESP}: ${name}`, life, body);

    for (const [group, rows] of Object.entries(groups)) {
        await check(group, async client => {
            for (const one of rows) {
                await row((name, args) => client.sendCommand([name, ...args]), one);
            }
        });
    }
    await check('the protocol that was asked for', async client => {
        assert.match(await client.sendCommand(['CLIENT', 'INFO']), new RegExp(` resp=${RESP}\\b`));
    });
    await methods(check, found);
    await about_the_server(check);
    await many(check);
    await life_and_death(check, open);
}

/* The library's own methods, which build arguments and turn replies round. */
async function methods(check, { RESP_TYPES }) {
    await check('its string methods', async client => {
        assert.equal(await client.set('k', 'v', { expiration: { type: 'EX', value: 100 } }), 'OK');
        assert.equal(await client.set('k', 'w', { condition: 'NX' }), null);
        assert.equal(await client.get('k'), 'v');
        assert.equal(await client.getEx('k', { type: 'PERSIST' }), 'v');
        assert.equal(await client.mSet({ a: '1', b: '2' }), 'OK');
        assert.deepEqual(await client.mGet(['a', 'none', 'b']), ['1', null, '2']);
        assert.equal(Number(await client.mSetNX([['a', '1'], ['c', '3']])), 0);
        assert.equal(await client.incrBy('a', 5), 6);
        assert.equal(Number(await client.incrByFloat('a', 0.25)), 6.25);
        assert.equal(await client.append('k', '!'), 2);
        assert.equal(await client.getRange('k', 0, -1), 'v!');
        assert.equal(await client.lcsLen('k', 'k'), 2);
        const matches = await client.lcsIdxWithMatchLen('k', 'k');
        assert.deepEqual(JSON.parse(JSON.stringify(matches)),
            { matches: [[[0, 1], [0, 1], 2]], len: 2 });
        assert.equal(await client.getDel('k'), 'v!');
    });
    await check('its bitmap methods', async client => {
        assert.equal(await client.setBit('bits', 3, 1), 0);
        assert.equal(await client.getBit('bits', 3), 1);
        assert.equal(await client.bitCount('bits'), 1);
        assert.equal(await client.bitPos('bits', 1), 3);
        assert.equal(await client.bitOp('NOT', 'flipped', 'bits'), 1);
        assert.deepEqual(await client.bitField('bits',
            [{ operation: 'INCRBY', encoding: 'u4', offset: 0, increment: 2 }]), [3]);
        assert.deepEqual(await client.bitFieldRo('bits', [{ encoding: 'u4', offset: 0 }]), [3]);
    });
    await check('its key methods', async client => {
        await client.mSet({ a: '1', b: '2', c: '3' });
        assert.equal(await client.expire('a', 100), 1);
        assert.equal(await client.expire('a', 50, 'GT'), 0);
        assert.ok(await client.pTTL('a') > 90000);
        assert.ok(await client.expireTime('a') > Date.now() / 1000);
        assert.equal(await client.persist('a'), 1);
        assert.equal(await client.type('a'), 'string');
        assert.equal(await client.rename('a', 'd'), 'OK');
        assert.equal(Number(await client.copy('d', 'e')), 1);
        assert.equal(Number(await client.move('e', 1)), 1);
        assert.equal(await client.objectEncoding('d'), 'int');
        assert.equal(await client.exists(['b', 'c', 'none']), 2);
        assert.deepEqual((await client.keys('*')).sort(), ['b', 'c', 'd']);
        assert.equal(await client.del(['b', 'c']), 2);
        assert.equal(await client.dbSize(), 1);
    });
    await check('binary values', async client => {
        const value = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
        const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
        await client.set(value, value);
        assert.deepEqual(await bytes.get(value), value);
        const large = Buffer.alloc(5 << 20, 'large\r\n');
        await client.set('large', large);
        assert.ok((await bytes.get('large')).equals(large));
    });
    await check('a wrong reply is an error of its own', async client => {
        await client.set('k', 'text');
        await assert.rejects(client.incr('k'), /not an integer/);
        assert.equal(await client.get('k'), 'text');
    });
}

async function about_the_server(check) {
    await check('its server methods', async client => {
        assert.match(await client.info('server'), /redis_version:/);
        assert.deepEqual({ ...await client.configGet('maxmemory') }, { maxmemory: '0' });
        assert.equal(await client.configSet('slowlog-max-len', '128'), 'OK');
        assert.ok(await client.commandCount() > 50);
        const about = await client.commandInfo(['get']);
        assert.equal(about[0].name, 'get');
        assert.ok((await client.command()).length > 50);
        assert.deepEqual(await client.commandGetKeys(['SET', 'key', 'value']), ['key']);
        const keys = await client.commandGetKeysAndFlags(['SET', 'key', 'value']);
        assert.equal(keys[0].key, 'key');
        assert.equal(await client.clientSetName('tester'), 'OK');
        assert.equal((await client.clientInfo()).name, 'tester');
        assert.ok((await client.clientList()).some(one => one.name === 'tester'));
        assert.equal(await client.memoryUsage('none'), null);
        assert.ok((await client.memoryStats())['total.allocated'] > 0);
        assert.equal(await client.ping(), 'PONG');
        assert.equal(await client.hello().then(reply => reply.version.slice(0, 3)), '7.2');
    });
}

async function many(check) {
    await check('commands of one turn go in one pipeline', async client => {
        const replies = await Promise.all(
            Array.from({ length: 10000 }, () => client.incr('counter')));
        assert.deepEqual(replies, Array.from({ length: 10000 }, (_, i) => i + 1));
    });
    await check('a pipeline with an error in it', async client => {
        const replies = await Promise.allSettled([
            client.set('k', 'text'), client.incr('k'), client.get('k'),
            client.sendCommand(['NONSENSE']), client.ping(),
        ]);
        assert.deepEqual(replies.map(reply => reply.status),
            ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled']);
    });
    await check('execAsPipeline', async client => {
        const line = client.multi();
        for (let i = 0; i < 1000; i++) line.set(`k${i}`, String(i)).get(`k${i}`);
        const replies = await line.execAsPipeline();
        assert.equal(replies.length, 2000);
        for (let i = 0; i < 1000; i++) assert.equal(replies[2 * i + 1], String(i));
    });
    await check('scan iterators', async client => {
        await Promise.all(Array.from({ length: 3000 }, (_, i) =>
            client.set(i % 3 ? `user:${i}` : `other:${i}`, String(i))));
        const collect = async (options, seen = new Set()) => {
            for await (const keys of client.scanIterator(options)) {
                for (const key of keys) seen.add(key);
            }
            return seen.size;
        };
        assert.equal(await collect(), 3000);
        assert.equal(await collect({ MATCH: 'user:*', COUNT: 100, TYPE: 'string' }), 2000);
        assert.equal(await collect({ TYPE: 'hash' }), 0);
    });
}

async function life_and_death(check, open) {
    await check('it comes back after CLIENT KILL', async client => {
        const victim = await open({ database: 2, name: 'victim' });
        await victim.set('before', '1');
        const id = await victim.clientId();
        let reconnects = 0;
        victim.on('reconnecting', () => reconnects++);
        assert.equal(Number(await client.clientKill({ filter: 'ID', id })), 1);
        await until(() => reconnects > 0 && victim.isReady, 'reconnect');
        assert.notEqual(await victim.clientId(), id);
        assert.equal(await victim.get('before'), '1');
        assert.equal(await victim.clientGetName(), 'victim');
        victim.destroy();
    });
    await check('an orderly close waits for pending replies', async () => {
        const client = await open();
        const replies = Array.from({ length: 1000 }, () => client.incr('last'));
        await client.close();
        assert.equal((await Promise.all(replies)).at(-1), 1000);
    });
    await check('a wrong password', async () => {
        await assert.rejects(
            open({ username: 'nobody', password: 'x', socket: { port, reconnectStrategy: false } }),
            /WRONGPASS/);
    });
    await check('a pool of connections', async client => {
        const pool = await Promise.all(Array.from({ length: 50 }, () => open()));
        await Promise.all(pool.map(async (one, i) => {
            await one.select(i % 16);
            await one.set(`mine:${i}`, String(i));
            assert.equal(await one.get(`mine:${i}`), String(i));
        }));
        assert.equal(await client.dbSize(), 4);
        for (const one of pool) one.destroy();
    });
}

await suite('redis-5', 2);
await suite('redis-5', 3);
await suite('redis-6', 2);
await suite('redis-6', 3);
finish();
