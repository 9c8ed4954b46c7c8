/*
 * connect-redis under express-session: sessions of a web server, kept, changed, expired, destroyed.
 */
import http from 'node:http';
import { RedisStore } from 'connect-redis';
import session from 'express-session';
import { createClient } from 'redis';
import { app, sleep } from './app.mjs';
import { assert, finish } from './check.mjs';

/* A web server that counts visits; get() is a browser with one cookie. */
async function set_up(options, later, client) {
    const redis = createClient({ socket: { port: client.options.port, host: '127.0.0.1' } });
    redis.on('error', () => {});
    await redis.connect();
    later(() => redis.destroy());
    const store = new RedisStore({ client: redis, prefix: 's:', ...options.store });
    const keep = session({
        store, secret: 'a secret', resave: false, saveUninitialized: false, ...options.session,
    });
    const server = http.createServer((request, response) => keep(request, response, () => {
        if (request.url === '/leave') return request.session.destroy(() => response.end('left'));
        request.session.visits = (request.session.visits ?? 0) + 1;
        return response.end(String(request.session.visits));
    }));
    await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
    later(() => new Promise(resolve => { server.close(resolve); server.closeAllConnections(); }));
    const browser = () => {
        let cookie;
        return async (path = '/') => {
            const answer = await fetch(`http://127.0.0.1:${server.address().port}${path}`,
                { headers: cookie ? { cookie } : {} });
            cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? cookie;
            return answer.text();
        };
    };
    return { store, browser };
}

const check = (name, options, body) => app(`connect-redis: ${name}`, async (client, later) =>
    body(await set_up(options, later, client), client));

await check('each browser has a session of its own', {}, async ({ browser }, client) => {
    const a = browser(), b = browser();
    assert.deepEqual([await a(), await a(), await b(), await a()], ['1', '2', '1', '3']);
    const keys = await client.keys('s:*');
    assert.equal(keys.length, 2);
    const kept = await Promise.all(keys.map(async key => JSON.parse(await client.get(key)).visits));
    assert.deepEqual(kept.sort(), [1, 3]);
    assert.ok(await client.ttl(keys[0]) > 80000);
});

await check('a session ends when it is destroyed', {}, async ({ browser }, client) => {
    const a = browser();
    await a();
    await a();
    assert.equal(await a('/leave'), 'left');
    assert.equal(await client.dbsize(), 0);
    assert.equal(await a(), '1');
});

await check('a session expires, and visits keep it alive',
    { session: { cookie: { maxAge: 2000 }, rolling: true } }, async ({ browser }, client) => {
        const a = browser(), b = browser();
        await a();
        await b();
        for (let i = 0; i < 4; i++) {
            await sleep(700);
            assert.equal(await a(), String(i + 2));
        }
        assert.equal(await client.dbsize(), 1);
        assert.equal(await b(), '1');
    });

await check('the store itself', { store: { ttl: 100 } }, async ({ store }, client) => {
    for (let i = 0; i < 250; i++) await store.set(`id${i}`, { n: i, cookie: {} });
    assert.equal(await store.length(), 250);
    assert.equal((await store.ids()).length, 250);
    assert.equal((await store.all()).length, 250);
    assert.equal((await store.get('id7')).n, 7);
    await client.expire('s:id7', 5);
    await store.touch('id7', { cookie: {} });
    assert.ok(await client.ttl('s:id7') > 50);
    await store.destroy('id7');
    assert.equal(await store.get('id7') ?? null, null);
    await store.clear();
    assert.equal(await store.length(), 0);
});

finish();
