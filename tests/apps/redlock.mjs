/*
 * redlock, two of its majors: a lock is held by one at a time, runs out, and can be held longer.
 */
import { app, connect, rejection, sleep } from './app.mjs';
import { assert, finish, library } from './check.mjs';

/* Version 4 has lock() and unlock(), version 5 acquire() and release(); time is in ms. */
async function suite(alias) {
    const found = await library(alias);
    if (!found) return;
    const Redlock = found.default.default ?? found.default;
    const check = (name, body) => app(`${alias}: ${name}`, async (client, later) => {
        const open = options => {
            const redis = connect();
            later(() => redis.disconnect());
            const lock = new Redlock([redis], { retryDelay: 10, retryJitter: 10, ...options });
            lock.on?.(alias === 'redlock' ? 'clientError' : 'error', () => {});
            return alias === 'redlock'
                ? { take: (names, ms) => lock.lock(names, ms), free: held => held.unlock() }
                : { take: (names, ms) => lock.acquire([names].flat(), ms), free: held => held.release() };
        };
        await body(open, client);
    });

    await check('no two hold a lock at a time', async (open, client) => {
        let inside = 0;
        await client.set('count', 0);
        await Promise.all(Array.from({ length: 10 }, async () => {
            const { take, free } = open({ retryCount: -1 });
            for (let i = 0; i < 10; i++) {
                const held = await take('lock', 5000);
                assert.equal(++inside, 1);
                const count = Number(await client.get('count'));
                await sleep(1);
                await client.set('count', count + 1);
                inside--;
                await free(held);
            }
        }));
        assert.equal(await client.get('count'), '100');
        assert.equal(await client.exists('lock'), 0);
    });

    await check('who does not get it hears so', async open => {
        const a = open();
        const b = open({ retryCount: 2 });
        const held = await a.take('lock', 5000);
        assert.ok(await rejection(b.take('lock', 5000)));
        await a.free(held);
        await b.free(await b.take('lock', 5000));
    });

    await check('it runs out, and its end is not that of the next one', async (open, client) => {
        const a = open();
        const b = open({ retryCount: 100 });
        const start = Date.now();
        const old = await a.take('lock', 100);
        const held = await b.take('lock', 5000);
        assert.ok(Date.now() - start >= 95);
        await a.free(old).catch(() => {});
        assert.equal(await client.exists('lock'), 1);
        await b.free(held);
        assert.equal(await client.exists('lock'), 0);
    });

    await check('it can be held longer', async (open, client) => {
        const { take, free } = open();
        let held = await take('lock', 2000);
        held = await held.extend(9000) ?? held;
        assert.ok(await client.pttl('lock') > 5000);
        await free(held);
        assert.ok(await rejection(held.extend(1000)));
    });

    await check('several resources at once', async (open, client) => {
        const a = open();
        const b = open({ retryCount: 1 });
        const held = await a.take(['x', 'y'], 5000);
        assert.ok(await rejection(b.take(['y', 'z'], 5000)));
        assert.equal(await client.exists('x', 'y', 'z'), 2);
        await a.free(held);
        await b.free(await b.take(['y', 'z'], 5000));
    });
}

for (const alias of ['redlock', 'redlock-5']) await suite(alias);
finish();
