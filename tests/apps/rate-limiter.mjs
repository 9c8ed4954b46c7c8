/*
 * rate-limiter-flexible: points are used up, refused and come back, alike for all processes that
 * share a server.
 */
import { BurstyRateLimiter, RateLimiterQueue, RateLimiterRedis, RateLimiterRes, RateLimiterUnion }
    from 'rate-limiter-flexible';
import { app, connect, rejection, sleep } from './app.mjs';
import { assert, finish, library } from './check.mjs';

const { createClient } = await library('redis');

/* With both clients that the library knows. */
for (const kind of ['ioredis', 'redis']) {
    const check = (name, body) => app(`rate-limiter-flexible with ${kind}: ${name}`, async (client, later) => {
        let storeClient, more = {};
        if (kind === 'ioredis') {
            storeClient = connect();
            later(() => storeClient.disconnect());
        } else {
            storeClient = createClient({ socket: { port: client.options.port, host: '127.0.0.1' } });
            storeClient.on('error', () => {});
            await storeClient.connect();
            later(() => storeClient.destroy());
            more = { useRedisPackage: true };
        }
        await body(options => new RateLimiterRedis({ storeClient, ...more, ...options }), client);
    });

    await check('so many points in a time', async (open, client) => {
        const limiter = open({ points: 5, duration: 2, keyPrefix: 'l' });
        const left = [];
        for (let i = 0; i < 5; i++) left.push((await limiter.consume('me')).remainingPoints);
        assert.deepEqual(left, [4, 3, 2, 1, 0]);
        const no = await rejection(limiter.consume('me'));
        assert.ok(no instanceof RateLimiterRes);
        assert.equal(no.remainingPoints, 0);
        assert.ok(no.msBeforeNext > 0 && no.msBeforeNext <= 2000);
        assert.equal((await limiter.consume('you')).remainingPoints, 4);
        await sleep(no.msBeforeNext + 20);
        assert.equal((await limiter.consume('me')).remainingPoints, 4);
        assert.ok(await client.pttl('l:me') > 0);
    });

    await check('of many requests at once exactly so many pass', async open => {
        const limiters = Array.from({ length: 4 }, () => open({ points: 50, duration: 60 }));
        const results = await Promise.allSettled(
            Array.from({ length: 200 }, (_, i) => limiters[i % 4].consume('all')));
        assert.equal(results.filter(one => one.status === 'fulfilled').length, 50);
    });

    await check('get, set, penalty, reward, block and delete', async open => {
        const limiter = open({ points: 10, duration: 60 });
        assert.equal(await limiter.get('k'), null);
        await limiter.consume('k', 3);
        await limiter.penalty('k', 4);
        await limiter.reward('k', 1);
        assert.equal((await limiter.get('k')).consumedPoints, 6);
        await limiter.set('k', 9, 60);
        assert.equal((await limiter.get('k')).remainingPoints, 1);
        await limiter.block('k', 60);
        assert.ok((await rejection(limiter.consume('k'))).msBeforeNext > 50000);
        assert.equal(await limiter.delete('k'), true);
        assert.equal((await limiter.consume('k')).remainingPoints, 9);
    });

    await check('who asks too much is blocked for longer', async open => {
        const limiter = open({ points: 2, duration: 1, blockDuration: 30 });
        await limiter.consume('k', 2);
        assert.ok((await rejection(limiter.consume('k'))).msBeforeNext > 25000);
    });

    await check('bursts, unions and queues', async open => {
        const bursty = new BurstyRateLimiter(open({ points: 1, duration: 10, keyPrefix: 'a' }),
            open({ points: 2, duration: 10, keyPrefix: 'b' }));
        for (let i = 0; i < 3; i++) await bursty.consume('k');
        assert.ok(await rejection(bursty.consume('k')));
        const union = new RateLimiterUnion(open({ points: 5, duration: 10, keyPrefix: 'c' }),
            open({ points: 1, duration: 10, keyPrefix: 'd' }));
        await union.consume('k');
        assert.ok((await rejection(union.consume('k'))).d);
        const queue = new RateLimiterQueue(open({ points: 2, duration: 1, keyPrefix: 'q' }));
        const start = Date.now();
        for (let i = 0; i < 4; i++) await queue.removeTokens(1);
        assert.ok(Date.now() - start >= 500);
    });
}

finish();
