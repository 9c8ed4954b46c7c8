/*
 * bull: jobs with results, retries, delays, priorities, repetition and rate limits.
 */
import Queue from 'bull';
import { address, app, rejection, sleep } from './app.mjs';
import { assert, finish, until } from './check.mjs';

const check = (name, body) => app(`bull: ${name}`, async (client, later) => {
    const open = options => {
        const queue = new Queue('jobs', { redis: address, ...options });
        later(() => queue.close());
        queue.on('error', () => {});
        return queue;
    };
    await body(open, client);
});

await check('jobs give results, each once', async open => {
    const queue = open();
    let runs = 0;
    queue.process(5, async job => {
        runs++;
        return job.data.n * 2;
    });
    const jobs = await queue.addBulk(Array.from({ length: 100 }, (_, n) => ({ data: { n } })));
    const results = await Promise.all(jobs.map(job => job.finished()));
    assert.deepEqual(results, jobs.map((_, n) => n * 2));
    assert.equal(runs, 100);
    assert.equal((await queue.getJobCounts()).completed, 100);
});

await check('retries, and failure at last', async open => {
    const queue = open();
    const tries = {};
    queue.process(async job => {
        tries[job.id] = (tries[job.id] ?? 0) + 1;
        if (tries[job.id] < job.data.good) throw new Error(`try ${tries[job.id]}`);
        return 'done';
    });
    const good = await queue.add({ good: 3 }, { attempts: 3, backoff: 50 });
    const bad = await queue.add({ good: 9 }, { attempts: 2, backoff: { type: 'exponential', delay: 20 } });
    assert.equal(await good.finished(), 'done');
    assert.match((await rejection(bad.finished())).message, /try 2/);
    assert.equal(tries[good.id], 3);
    assert.equal((await queue.getFailed())[0].failedReason, 'try 2');
});

await check('delayed jobs wait', async open => {
    const queue = open();
    queue.process(async () => Date.now());
    const start = Date.now();
    const job = await queue.add({}, { delay: 300 });
    assert.equal(await queue.getDelayedCount(), 1);
    assert.ok(await job.finished() - start >= 290);
});

await check('priorities, pause and resume, named jobs', async open => {
    const queue = open();
    const order = [];
    await queue.pause();
    await queue.add('low', {}, { priority: 9 });
    await queue.add('high', {}, { priority: 1 });
    await queue.add('middle', {}, { priority: 5 });
    for (const name of ['low', 'high', 'middle'])
        queue.process(name, async () => { order.push(name); });
    await sleep(50);
    assert.deepEqual(order, []);
    await queue.resume();
    await until(() => order.length === 3, 'all jobs');
    assert.deepEqual(order, ['high', 'middle', 'low']);
});

await check('a job that repeats', async open => {
    const queue = open();
    let runs = 0;
    queue.process('tick', async () => { runs++; });
    await queue.add('tick', {}, { repeat: { every: 100, limit: 3 } });
    await until(() => runs === 3, 'three runs');
    assert.equal((await queue.getRepeatableJobs()).length <= 1, true);
});

await check('a rate limit', async open => {
    const queue = open({ limiter: { max: 2, duration: 200 } });
    const start = Date.now();
    queue.process(async () => Date.now() - start);
    const jobs = await queue.addBulk(Array.from({ length: 6 }, (_, n) => ({ data: { n } })));
    const at = await Promise.all(jobs.map(job => job.finished()));
    assert.ok(Math.max(...at) - Math.min(...at) >= 350, `done at ${at}`);
});

await check('another process of the application hears of progress and completion', async open => {
    const worker = open();
    const watcher = open();
    const heard = [];
    watcher.on('global:progress', (id, progress) => heard.push(['progress', progress]));
    watcher.on('global:completed', (id, result) => heard.push(['completed', result]));
    await watcher.isReady();
    await until(async () => Number(watcher.eclient?.status === 'ready'), 'the subscription');
    worker.process(async job => {
        await job.progress(50);
        return 'end';
    });
    await worker.add({});
    await until(() => heard.some(one => one[0] === 'completed'), 'completion');
    assert.deepEqual(heard.map(one => one[0]), ['progress', 'completed']);
});

finish();
