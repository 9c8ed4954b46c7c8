/*
 * BullMQ, two of its majors: jobs with results, retries, delays, priorities, schedules, rate limits
 * and flows run to their end.
 */
import { address, another, app, rejection, sleep, words } from './app.mjs';
import { assert, finish, library, until } from './check.mjs';

/* A queue with its events; work() starts a worker. All are closed behind the test. */
async function set_up(mq, name, later) {
    const connection = { ...address, maxRetriesPerRequest: null };
    const queue = new mq.Queue(name, { connection });
    later(() => queue.close());
    const events = new mq.QueueEvents(name, { connection });
    later(() => events.close());
    await events.waitUntilReady();
    const work = async (run, options) => {
        const worker = new mq.Worker(name, run, { connection, ...options });
        worker.on('error', () => {});
        later(() => worker.close());
        await worker.waitUntilReady();
        return worker;
    };
    return { queue, events, work, connection };
}

async function suite(alias) {
    const mq = await library(alias);
    if (!mq) return;
    const check = (name, body) => app(`${alias}: ${name}`, async (client, later) =>
        body(client, await set_up(mq, 'jobs', later), later));

    await check('jobs give results, each once', async (client, { queue, events, work }) => {
        const seen = [];
        await work(async job => {
            seen.push(job.data.n);
            return { square: job.data.n ** 2 };
        }, { concurrency: 7 });
        const jobs = await queue.addBulk(
            Array.from({ length: 100 }, (_, n) => ({ name: 'square', data: { n } })));
        const results = await Promise.all(jobs.map(job => job.waitUntilFinished(events)));
        assert.deepEqual(results.map(r => r.square), jobs.map(job => job.data.n ** 2));
        assert.deepEqual(seen.sort((a, b) => a - b), jobs.map((_, n) => n));
        const counts = await queue.getJobCounts('completed', 'failed', 'wait', 'active');
        assert.deepEqual(counts, { completed: 100, failed: 0, wait: 0, active: 0 });
    });

    await check('several workers share the jobs', async (client, { queue, events, work }) => {
        const done = new Map();
        for (let w = 0; w < 3; w++) {
            await work(async job => {
                done.set(job.id, (done.get(job.id) ?? 0) + 1);
                await sleep(2);
                return w;
            }, { concurrency: 2 });
        }
        const jobs = await queue.addBulk(
            Array.from({ length: 60 }, (_, n) => ({ name: 'share', data: { n } })));
        const by = new Set(await Promise.all(jobs.map(job => job.waitUntilFinished(events))));
        assert.equal(by.size, 3);
        assert.ok([...done.values()].every(times => times === 1));
    });

    await check('retries with backoff, then success or failure', async (client, { queue, events, work }) => {
        const tries = {};
        await work(async job => {
            tries[job.name] = (tries[job.name] ?? 0) + 1;
            if (tries[job.name] < job.data.good) throw new Error(`try ${tries[job.name]}`);
            return 'done';
        });
        const options = { attempts: 3, backoff: { type: 'fixed', delay: 50 } };
        const good = await queue.add('good', { good: 3 }, options);
        const bad = await queue.add('bad', { good: 9 }, options);
        assert.equal(await good.waitUntilFinished(events), 'done');
        assert.match((await rejection(bad.waitUntilFinished(events))).message, /try 3/);
        assert.deepEqual(tries, { good: 3, bad: 3 });
        const failed = await queue.getFailed();
        assert.equal(failed.length, 1);
        assert.equal(failed[0].failedReason, 'try 3');
        assert.equal(failed[0].attemptsMade, 3);
        tries.bad = 9;
        await failed[0].retry();
        assert.equal(await (await queue.getJob(bad.id)).waitUntilFinished(events), 'done');
    });

    await check('delayed jobs wait, and promoted ones do not', async (client, { queue, events, work }) => {
        await work(async () => Date.now());
        const start = Date.now();
        const late = await queue.add('late', {}, { delay: 300 });
        const far = await queue.add('far', {}, { delay: 3600000 });
        assert.equal(await queue.getDelayedCount(), 2);
        assert.ok(await late.waitUntilFinished(events) - start >= 290);
        await far.promote();
        assert.ok(await far.waitUntilFinished(events) - start < 60000);
    });

    await check('priorities and LIFO', async (client, { queue, work }) => {
        const order = [];
        await queue.pause();
        for (const [name, options] of [['c', { priority: 9 }], ['b', { priority: 5 }], ['a2', {}],
            ['a1', { lifo: true }], ['b2', { priority: 5 }]]) {
            await queue.add(name, {}, options);
        }
        await work(async job => { order.push(job.name); });
        await sleep(50);
        assert.deepEqual(order, []);
        await queue.resume();
        await until(() => order.length === 5, 'all jobs');
        assert.deepEqual(order, ['a1', 'a2', 'b', 'b2', 'c']);
    });

    await check('a job id is taken once, and jobs can be removed', async (client, { queue }) => {
        await queue.add('one', { n: 1 }, { jobId: 'same' });
        await queue.add('two', { n: 2 }, { jobId: 'same' });
        assert.equal(await queue.count(), 1);
        const job = await queue.getJob('same');
        assert.deepEqual(job.data, { n: 1 });
        await job.updateData({ n: 3 });
        await job.updateProgress(42);
        assert.equal((await queue.getJob('same')).progress, 42);
        await job.log('a line');
        assert.deepEqual((await queue.getJobLogs('same')).logs, ['a line']);
        await job.remove();
        assert.equal(await queue.count(), 0);
        await queue.addBulk(Array.from({ length: 20 }, (_, n) => ({ name: 'x', data: { n } })));
        await queue.drain();
        assert.equal(await queue.count(), 0);
    });

    await check('a schedule', async (client, { queue, work }) => {
        const ran = [];
        await work(async job => { ran.push(job.timestamp); });
        await queue.upsertJobScheduler('tick', { every: 100, limit: 3 }, { name: 'tick' });
        await until(() => ran.length === 3, 'three ticks');
        await sleep(250);
        assert.equal(ran.length, 3);
        await queue.upsertJobScheduler('far', { pattern: '0 0 1 1 *' }, { name: 'far' });
        assert.equal((await queue.getJobSchedulers()).some(one => one.key === 'far'), true);
        assert.equal(await queue.removeJobScheduler('far'), true);
    });

    await check('a rate limit', async (client, { queue, events, work }) => {
        const start = Date.now();
        await work(async () => Date.now() - start, { limiter: { max: 2, duration: 200 } });
        const jobs = await queue.addBulk(
            Array.from({ length: 6 }, (_, n) => ({ name: 'limited', data: { n } })));
        const at = await Promise.all(jobs.map(job => job.waitUntilFinished(events)));
        assert.ok(Math.max(...at) - Math.min(...at) >= 350, `done at ${at}`);
    });

    await check('a parent runs after its children and sees their results', async (client, { work, events, connection }, later) => {
        const flows = new mq.FlowProducer({ connection });
        later(() => flows.close());
        await work(async job => {
            if (job.name === 'child') return job.data.n * 10;
            return Object.values(await job.getChildrenValues()).sort((a, b) => a - b);
        }, { concurrency: 3 });
        const { job } = await flows.add({
            name: 'parent', queueName: 'jobs',
            children: [1, 2, 3].map(n => ({ name: 'child', queueName: 'jobs', data: { n } })),
        });
        assert.deepEqual(await job.waitUntilFinished(events), [10, 20, 30]);
    });

    await check('a job whose worker was killed is taken up again', async (client, { queue, events, work }) => {
        const job = await queue.add('orphan', {});
        const worker = await another(alias);
        assert.equal(worker.line, 'works');
        await worker.kill();
        assert.equal(await job.isActive(), true);
        await work(async () => 'rescued', { stalledInterval: 100 });
        assert.equal(await job.waitUntilFinished(events), 'rescued');
    });

    await check('completed jobs are removed as asked, and obliterate leaves nothing', async (client, { queue, events, work }) => {
        await work(async () => {}, { removeOnComplete: { count: 5 } });
        const jobs = await queue.addBulk(
            Array.from({ length: 30 }, (_, n) => ({ name: 'x', data: { n } })));
        await until(async () => await queue.getJobCountByTypes('wait', 'active') === 0, 'all done');
        assert.equal(jobs.length, 30);
        assert.equal(await queue.getCompletedCount(), 5);
        await queue.obliterate({ force: true });
        const left = (await client.keys('bull:jobs:*')).filter(key => !/stalled-check|events/.test(key));
        assert.deepEqual(left, []);
    });
}

/* The worker that is killed while it works. */
if (words.length) {
    const mq = await import(words[0]);
    const worker = new mq.Worker('jobs', async () => {
        console.log('works');
        await sleep(60000);
    }, { connection: { ...address, maxRetriesPerRequest: null }, lockDuration: 300, stalledInterval: 100 });
    await new Promise(() => worker.on('error', () => {}));
}

for (const alias of ['bullmq-5', 'bullmq']) await suite(alias);
finish();
